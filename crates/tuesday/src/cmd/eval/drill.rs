//! `tuesday eval --provider FILE`: the pack with the model of another provider, beside the model that is
//! there now. What it came to is told, and kept for `tuesday cost exit` when somebody says so.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::eval::Summary;
use tuesday_domain::ledger::interval::{difference, share_ppm};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{NewDrill, provider_of};

use super::run::Done;
use super::source::Source;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

fn bad(words: impl Into<String>) -> Problem {
    Problem::new("bad_request", words.into()).field("provider")
}

/// The package with the section `[model]` of this file in place of its own.
pub(super) fn swapped(source: &Source, file: &Path) -> Result<Source, Problem> {
    let text =
        std::fs::read_to_string(file).map_err(|e| bad(format!("{}: {e}", file.display())))?;
    let mut given: toml::Table =
        toml::from_str(&text).map_err(|e| bad(format!("{}: {e}", file.display())))?;
    let model = given.remove("model");
    let only = given.is_empty().then_some(model).flatten();
    let model = only.ok_or_else(|| {
        bad(format!(
            "{} holds something else than [model]",
            file.display()
        ))
        .way_out("write the section [model] of the other provider, and nothing else")
    })?;
    let own = source.package.text("workflow.toml").unwrap_or_default();
    let mut whole: toml::Table = toml::from_str(own).map_err(|e| {
        bad(format!(
            "workflow.toml cannot be changed by the program: {e}"
        ))
    })?;
    whole.insert("model".to_owned(), model);
    let text = toml::to_string(&whole).map_err(|e| bad(e.to_string()))?;
    source.with_definition(text, format!("{} with {}", source.title, file.display()))
}

/// Both sides of a drill.
pub(super) struct Drill {
    new: NewDrill,
    live: String,
}

fn spec(source: &Source) -> Result<ModelSpec, Problem> {
    let def = source.package.definition(&source.vars);
    def.map(|d| d.model)
        .map_err(|f| Problem::new("package_faulty", f.message).way_out(f.way_out))
}

fn cost(s: &Summary) -> Option<i64> {
    (s.cost_unknown == 0).then_some(s.cost_micros)
}

/// The currency in which both can be compared; a built-in model costs nothing in any.
fn currency(a: &ModelSpec, b: &ModelSpec) -> Option<String> {
    let of = |m: &ModelSpec| m.price.as_ref().map(|p| p.currency.clone());
    match (of(a), of(b)) {
        (Some(x), Some(y)) => (x == y).then_some(x),
        (Some(x), None) if b.kind.is_built_in() => Some(x),
        (None, Some(y)) if a.kind.is_built_in() => Some(y),
        _ => None,
    }
}

/// What came of it.
pub(super) fn drilled(live: &Source, other: &Source, done: &Done) -> Result<Drill, Problem> {
    let (was, is) = (spec(live)?, spec(other)?);
    let (Some(beside), Some(compared)) = (&done.beside, &done.evidence.compared) else {
        return Err(bad("nothing was compared"));
    };
    let now = &done.evidence.summary;
    Ok(Drill {
        live: provider_of(&was),
        new: NewDrill {
            provider: provider_of(&is),
            model: is.pin.clone(),
            pack_hash: done.pack.hash.clone(),
            cases: now.cases.of,
            passed_live: beside.cases.passed,
            passed: now.cases.passed,
            standing: compared.standing.to_string(),
            cost_live_micros: cost(beside),
            cost_micros: cost(now),
            currency: currency(&was, &is),
        },
    })
}

impl Drill {
    fn quality_ppm(&self) -> Option<i64> {
        let share = |n| share_ppm(n, self.new.cases);
        Some(share(self.new.passed)? - share(self.new.passed_live)?)
    }

    fn more_micros(&self) -> Option<i64> {
        self.new.currency.as_ref()?;
        Some(self.new.cost_micros? - self.new.cost_live_micros?)
    }

    /// As one object.
    pub(super) fn value(&self) -> Value {
        let n = &self.new;
        json!({"provider_live": self.live, "provider": n.provider, "model": n.model, "cases": n.cases,
            "passed_live": n.passed_live, "passed": n.passed, "standing": n.standing,
            "quality_ppm": self.quality_ppm(), "quality_range_ppm": difference((n.passed_live, n.cases), (n.passed, n.cases)),
            "cost_live_micros": n.cost_live_micros, "cost_micros": n.cost_micros, "cost_more_micros": self.more_micros(),
            "currency": n.currency})
    }

    /// In words.
    pub(super) fn tell(&self) {
        let n = &self.new;
        let points = self.quality_ppm().map_or_else(
            || "unknown".to_owned(),
            |p| {
                let sign = if p < 0 { "-" } else { "+" };
                let p = p.unsigned_abs();
                format!("{sign}{}.{} points", p / 10_000, p / 1_000 % 10)
            },
        );
        out::line(&format!(
            "{} with {} instead of {}: {} of {} cases instead of {}, {points}, {}",
            n.provider,
            n.model,
            self.live,
            n.passed,
            n.cases,
            n.passed_live,
            n.standing.replace('_', " ")
        ));
        out::line(&match (self.more_micros(), &n.currency) {
            (Some(more), Some(currency)) => {
                format!("cost of all trials: {more} millionths {currency} more than now")
            }
            _ => "cost of all trials: cannot be compared, a price or a usage is unknown".to_owned(),
        });
    }

    /// Keeps it beside the workflow.
    pub(super) async fn keep(self, common: &Common, workflow: &str) -> Result<(), Problem> {
        let node = wiring::open(Home::find(common)?, Opening::default()).await?;
        let by = wiring::person(common)?;
        let row = node.engine.keep_drill(workflow, self.new, &by).await?;
        out::say(&format!(
            "kept as drill {} of {workflow}; tuesday cost exit {workflow} shows it",
            row.seq
        ));
        Ok(())
    }
}
