//! Asks the graders of a package that put a question to a model: about the output of a case, and about the
//! examples that people judged. What a grader sees is cleared by the class of each field, as for any model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use tuesday_domain::definition::{ModelSpec, Package};
use tuesday_domain::eval::{Agreement, Label, ModelGrader, Opinion};
use tuesday_domain::port::{Model, ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::prompt::cleared;
use tuesday_domain::ready::Ready;

use super::asking::Asking;
use super::purse::{Purse, REFUSED};
use super::trial::error_word;
use crate::ids;
use crate::worker::limits::Limiters;

/// What one grader, or a release under evaluation, asked its model so far.
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

impl GraderUse {
    /// One question: every try of it is a call, and only its end can report usage. What the limit refused was
    /// never asked.
    pub(super) fn count(&mut self, tries: u32, end: &Result<ModelAnswer, ModelFault>) {
        let (usage, refused) = match end {
            Ok(answer) => (answer.usage, false),
            Err(fault) => (fault.usage, fault.code == REFUSED),
        };
        let calls = u64::from(tries).saturating_sub(u64::from(refused));
        self.calls += calls;
        self.unreported += calls.saturating_sub(u64::from(usage.is_some()));
        if let Some(usage) = usage {
            self.input_tokens += usage.input_tokens;
            self.output_tokens += usage.output_tokens;
        }
    }
}

/// The graders of one package.
pub struct Graders {
    used: Mutex<BTreeMap<String, GraderUse>>,
    all: BTreeMap<String, ModelGrader>,
    ready: Arc<Ready>,
    model: Arc<dyn Model>,
    limiters: Limiters,
    purse: Option<Arc<Purse>>,
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
            purse: None,
        }
    }

    /// Each question takes its worst case from there first.
    #[must_use]
    pub(crate) fn paid_from(self, purse: Arc<Purse>) -> Self {
        Self {
            purse: Some(purse),
            ..self
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
        let asking = Asking {
            model: &*self.model,
            limiters: &self.limiters,
            limits,
            purse: self.purse.as_deref(),
        };
        let answer = Box::pin(asking.ask(&mut request)).await;
        let mut used = self.lock();
        let of = used.entry(grader.name.clone()).or_default();
        of.count(request.attempt.max(1), &answer);
        drop(used);
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
