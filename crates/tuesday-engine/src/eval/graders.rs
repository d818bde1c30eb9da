//! Asks the graders of a package that put a question to a model: about the output of a case, and about the
//! examples that people judged. What a grader sees is cleared by the class of each field, as for any model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tuesday_domain::definition::{ModelSpec, Package};
use tuesday_domain::eval::{Agreement, Label, ModelGrader, Opinion};
use tuesday_domain::port::{Model, ModelRequest};
use tuesday_domain::prompt::cleared;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::Usage;

use super::trial::{ask, error_word};
use crate::ids;
use crate::worker::limits::Limiters;

/// What one grader asked its model so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraderUse {
    /// Calls, those that failed included.
    pub calls: u64,
    /// Of them, without reported usage.
    pub unreported: u64,
    /// Reported input tokens.
    pub input_tokens: u64,
    /// Reported output tokens.
    pub output_tokens: u64,
}

/// The graders of one package.
pub struct Graders {
    used: Mutex<BTreeMap<String, GraderUse>>,
    all: BTreeMap<String, ModelGrader>,
    ready: Arc<Ready>,
    model: Arc<dyn Model>,
    limiters: Limiters,
}

impl std::fmt::Debug for Graders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graders").finish_non_exhaustive()
    }
}

impl Graders {
    /// The graders of a package that can be read; the gate names those that cannot.
    #[must_use]
    pub fn of(package: &Package, ready: Arc<Ready>, model: Arc<dyn Model>) -> Self {
        let (all, _) = ModelGrader::all(&package.files, &ready.def.vars);
        Self {
            used: Mutex::default(),
            all,
            ready,
            model,
            limiters: Limiters::default(),
        }
    }

    /// What a grader says of an output.
    ///
    /// # Errors
    /// In words: no such grader, no answer, or one that is not allowed.
    pub async fn opinion(
        &self,
        name: &str,
        input: Option<&Value>,
        output: &Value,
    ) -> Result<Opinion, String> {
        let grader = self.all.get(name);
        let grader = grader.ok_or("there is no such grader, or it cannot be read")?;
        self.said(grader, input, output).await
    }

    /// Asks graders about everything that people judged.
    pub async fn agreements(&self, names: &[String]) -> Vec<Agreement> {
        let mut out = Vec::new();
        for name in names {
            if let Some(grader) = self.all.get(name) {
                out.push(self.agreement(grader).await);
            }
        }
        out
    }

    /// What was asked since the last time, with the model that was asked; it is counted once.
    pub fn take_used(&self) -> Vec<(String, Arc<ModelSpec>, GraderUse)> {
        let taken = std::mem::take(&mut *self.lock());
        let spec = |name: &String| Some(Arc::clone(&self.all.get(name)?.spec));
        let told = taken.into_iter();
        told.filter_map(|(name, used)| Some((name.clone(), spec(&name)?, used)))
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, GraderUse>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One question: every try of it is a call, and only the answer can report usage.
    fn count(&self, name: &str, tries: u32, usage: Option<Usage>) {
        let mut all = self.lock();
        let used = all.entry(name.to_owned()).or_default();
        used.calls += u64::from(tries);
        used.unreported += u64::from(tries) - u64::from(usage.is_some());
        if let Some(usage) = usage {
            used.input_tokens += usage.input_tokens;
            used.output_tokens += usage.output_tokens;
        }
    }

    async fn agreement(&self, grader: &ModelGrader) -> Agreement {
        let at_once = (self.ready.def.limits.model_concurrency as usize).max(1);
        let mut asked = Vec::with_capacity(grader.labels.len());
        for label in &grader.labels {
            asked.push(self.label_said(grader, label));
        }
        let mut found = Agreement::new(grader);
        let mut told = std::pin::pin!(futures::stream::iter(asked).buffered(at_once));
        while let Some((label, said)) = told.next().await {
            found.add(label, &said);
        }
        found
    }

    async fn label_said<'a>(
        &self,
        grader: &ModelGrader,
        label: &'a Label,
    ) -> (&'a Label, Result<Opinion, String>) {
        let said = self.said(grader, label.input.as_ref(), &label.output);
        (label, said.await)
    }

    async fn said(
        &self,
        grader: &ModelGrader,
        input: Option<&Value>,
        output: &Value,
    ) -> Result<Opinion, String> {
        let mut groups = Map::from_iter([("output".to_owned(), output.clone())]);
        groups.extend(input.map(|i| ("input".to_owned(), i.clone())));
        let class_of = |group: &str, field: &str| match group {
            "output" => self.ready.output.class(field),
            _ => self.ready.input.class(field),
        };
        let (seen, _) = cleared(&Value::Object(groups), class_of, grader.spec.clearance);
        let asked = grader.question(seen.get("input"), &seen["output"])?;
        let mut request = ModelRequest {
            run: ids::run(),
            attempt: 1,
            spec: Arc::clone(&grader.spec),
            system: asked.system,
            prompt: json!(asked.facts).to_string(),
            repair: None,
            output_schema: Arc::new(asked.schema),
            facts: Arc::new(asked.facts),
            artifact: Arc::default(),
            artifact_id: [0; 32],
            timeout: grader.timeout,
        };
        let limits = &self.ready.def.limits;
        let answer = Box::pin(ask(&*self.model, &self.limiters, limits, &mut request)).await;
        let usage = answer.as_ref().ok().and_then(|a| a.usage);
        self.count(&grader.name, request.attempt.max(1), usage);
        let answer = answer.map_err(|fault| error_word(&fault))?;
        let other = answer
            .model_reported
            .as_ref()
            .filter(|m| **m != grader.spec.pin);
        if let Some(other) = other {
            let pin = &grader.spec.pin;
            return Err(format!(
                "model_mismatch: {other} answered, the grader pins {pin}"
            ));
        }
        match (answer.refusal, answer.incomplete) {
            (true, _) => Err("the model refused".to_owned()),
            (false, Some(why)) => Err(format!("the answer was cut short: {why}")),
            (false, None) => grader.opinion(&answer.text),
        }
    }
}
