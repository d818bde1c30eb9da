//! A release made ready to run: parsed once, its schemas, templates and expressions compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::actor::Class;
use crate::definition::texts::TextUse;
use crate::definition::{ActionSpec, CheckSpec, Definition, ModelSpec, Package, PackageFault};
use crate::facts::{Expr, Text};
use crate::prompt::Prompt;
use crate::schema::Schema;
use crate::scope::{Axis, Item, ScopeSpec};
use crate::time::Zone;

/// A release ready to run.
#[derive(Debug)]
pub struct Ready {
    /// The definition, vars resolved.
    pub def: Definition,
    /// The model step's configuration, shared with every call.
    pub model: Arc<ModelSpec>,
    /// What an event must look like.
    pub input: Schema,
    /// What the model must answer.
    pub output: Schema,
    /// The output schema as sent along.
    pub output_source: Arc<Value>,
    /// The prompt.
    pub prompt: Prompt,
    /// The versioned texts it is made of, in its order.
    pub texts: Vec<TextUse>,
    /// One line that names a case.
    pub subject: Text,
    /// Decision-table column to expression.
    pub facts: Vec<(String, Expr)>,
    /// Where an item's values for the rollout are read.
    pub scope: Vec<(Axis, Expr)>,
    /// Declared checks.
    pub checks: Vec<(CheckSpec, Expr)>,
    /// Planned actions.
    pub actions: Vec<ReadyAction>,
    /// Time zone of days and due times.
    pub zone: Zone,
}

/// An action with its expressions compiled.
#[derive(Debug)]
pub struct ReadyAction {
    /// As declared.
    pub spec: ActionSpec,
    /// The record that is written.
    pub target: Expr,
    /// Whether it is planned at all.
    pub when: Option<Expr>,
    /// Field to value.
    pub fields: Vec<(String, Expr)>,
    /// Templates by the name of their key in the spec (`url`, `read_url`, `lookup_url`, `subject`).
    pub templates: Vec<(&'static str, Text)>,
}

impl Ready {
    /// Compiles the parts of a package.
    ///
    /// # Errors
    /// Every fault that keeps it from running.
    pub fn compile(package: &Package, def: Definition) -> Result<Self, Vec<PackageFault>> {
        let mut faults = Vec::new();
        let zone = keep(
            Zone::named(&def.workflow.time_zone).map_err(|e| e.to_string()),
            "workflow.toml",
            "time_zone",
            &mut faults,
        );
        let input = keep(
            schema(package, &def.input.schema),
            &def.input.schema,
            "schema",
            &mut faults,
        );
        let output = keep(
            schema(package, &def.output.schema),
            &def.output.schema,
            "schema",
            &mut faults,
        );
        let prompt = prompt(package, &def.model, &mut faults);
        let subject = keep(
            Text::parse(&def.workflow.subject),
            "workflow.toml",
            "workflow.subject",
            &mut faults,
        );
        let facts = exprs(&def.facts, "facts", &mut faults);
        let scope = axes(&def.rollout.scope, &mut faults);
        let mut checks = Vec::new();
        for check in &def.check {
            if let Some(e) = keep(
                Expr::parse(&check.expr),
                "workflow.toml",
                &format!("check `{}`", check.name),
                &mut faults,
            ) {
                checks.push((check.clone(), e));
            }
        }
        let actions = def
            .action
            .iter()
            .filter_map(|a| action(a, &mut faults))
            .collect();
        match (zone, input, output, prompt, subject) {
            (Some(zone), Some(input), Some(output), Some((prompt, texts)), Some(subject))
                if faults.is_empty() =>
            {
                Ok(Self {
                    model: Arc::new(def.model.clone()),
                    output_source: Arc::new(output.source().clone()),
                    def,
                    input,
                    output,
                    prompt,
                    texts,
                    subject,
                    facts,
                    scope,
                    checks,
                    actions,
                    zone,
                })
            }
            _ => Err(faults),
        }
    }

    /// The values of an item that the rollout looks at; what cannot be evaluated is absent.
    #[must_use]
    pub fn item(&self, facts: &Value) -> Item {
        let ctx = crate::facts::Ctx::new(facts);
        let read = |axis: &Axis| {
            let (_, expr) = self.scope.iter().find(|(a, _)| a == axis)?;
            match expr.eval(&ctx).ok()? {
                Value::String(s) if !s.trim().is_empty() => Some(s),
                Value::Number(n) => Some(n.to_string()),
                _ => None,
            }
        };
        std::array::from_fn(|i| read(&Axis::ALL[i]))
    }

    /// The group, or department, that an item's use is counted under; absent where it cannot be read or the
    /// package reads neither.
    #[must_use]
    pub fn audience(&self, facts: &Value) -> Option<String> {
        let axis = self.def.rollout.scope.audience()?;
        let at = Axis::ALL.iter().position(|a| *a == axis)?;
        self.item(facts).into_iter().nth(at).flatten()
    }

    /// Class of one fact, by its dotted path in the group: `input` fields by their schema, sources by their declaration. Merged
    /// fields (`record`) have the strictest class of the sources that may supply them.
    #[must_use]
    pub fn class_of(&self, group: &str, field: &str) -> Class {
        if group == "input" {
            return self.input.class(field);
        }
        let field = field.split_once('.').map_or(field, |(top, _)| top);
        self.def
            .source
            .iter()
            .filter(|s| {
                s.name == group || (group == "record" && s.fields.iter().any(|f| f == field))
            })
            .map(|s| s.class)
            .max()
            .unwrap_or(Class::Restricted)
    }

    /// The strictest class of anything a run of this workflow holds.
    #[must_use]
    pub fn strictest(&self) -> Class {
        self.def
            .source
            .iter()
            .map(|s| s.class)
            .chain([self.input.strictest()])
            .max()
            .unwrap_or(Class::Restricted)
    }
}

/// The prompt with the texts it includes; a built-in model needs none.
fn prompt(
    package: &Package,
    model: &ModelSpec,
    faults: &mut Vec<PackageFault>,
) -> Option<(Prompt, Vec<TextUse>)> {
    let none = model.kind.is_built_in().then_some("");
    let text = package.text(&model.prompt).or(none);
    let text = text.ok_or_else(|| "the file is missing".to_owned());
    let text = keep(text, &model.prompt, "prompt", faults)?;
    match Prompt::with_texts(&model.prompt, text, &package.files) {
        Ok(found) => Some(found),
        Err(found) => {
            faults.extend(found);
            None
        }
    }
}

fn schema(package: &Package, name: &str) -> Result<Schema, String> {
    let text = package
        .text(name)
        .ok_or_else(|| "the file is missing".to_owned())?;
    Schema::compile(crate::json::parse_strict(text.as_bytes())?)
}

fn action(spec: &ActionSpec, faults: &mut Vec<PackageFault>) -> Option<ReadyAction> {
    let place = format!("action `{}`", spec.name);
    let target = keep(
        Expr::parse(&spec.target),
        "workflow.toml",
        &format!("{place} target"),
        faults,
    );
    let when = match &spec.when {
        Some(w) => Some(keep(
            Expr::parse(w),
            "workflow.toml",
            &format!("{place} when"),
            faults,
        )?),
        None => None,
    };
    let fields = exprs(&spec.fields, &place, faults);
    let mut templates = Vec::new();
    for (key, text) in [
        ("url", &spec.url),
        ("read_url", &spec.read_url),
        ("lookup_url", &spec.lookup_url),
        ("subject", &spec.subject),
    ] {
        if let Some(text) = text {
            templates.push((
                key,
                keep(
                    Text::parse(text),
                    "workflow.toml",
                    &format!("{place} {key}"),
                    faults,
                )?,
            ));
        }
    }
    Some(ReadyAction {
        spec: spec.clone(),
        target: target?,
        when,
        fields,
        templates,
    })
}

fn axes(spec: &ScopeSpec, faults: &mut Vec<PackageFault>) -> Vec<(Axis, Expr)> {
    let named = Axis::ALL.iter().filter_map(|a| Some((*a, spec.expr(*a)?)));
    let parsed = named.filter_map(|(axis, text)| {
        let place = format!("rollout.scope.{axis}");
        keep(Expr::parse(text), "workflow.toml", &place, faults).map(|e| (axis, e))
    });
    parsed.collect()
}

fn exprs(
    map: &BTreeMap<String, String>,
    place: &str,
    faults: &mut Vec<PackageFault>,
) -> Vec<(String, Expr)> {
    map.iter()
        .filter_map(|(name, text)| {
            keep(
                Expr::parse(text),
                "workflow.toml",
                &format!("{place}.{name}"),
                faults,
            )
            .map(|e| (name.clone(), e))
        })
        .collect()
}

fn keep<T>(
    result: Result<T, String>,
    file: &str,
    place: &str,
    faults: &mut Vec<PackageFault>,
) -> Option<T> {
    result
        .map_err(|e| {
            faults.push(PackageFault {
                file: file.to_owned(),
                line: None,
                code: "does_not_compile",
                message: format!("{place}: {e}"),
                way_out: "correct the text; expressions and templates use Jinja syntax".to_owned(),
                warning: false,
            });
        })
        .ok()
}
