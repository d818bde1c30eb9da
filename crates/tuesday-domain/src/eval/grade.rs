//! Grading: what a case came to, held against what was expected. Deterministic throughout: what a model says of
//! an output is an [`Opinion`] in the outcome before it is graded here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::case::{Case, Expect};
use super::grader::Opinion;
use crate::facts::{Expr, at};
use crate::rules::Decimal;
use crate::run::{Reason, Status};
use crate::words::words;

words! {
    /// Whether an event became a run.
    Entry {
        /// It did.
        Accepted = "accepted",
        /// It did not.
        Refused = "refused",
    }
}

words! {
    /// Where a case went, in the words of the decision table.
    RouteWord {
        /// By itself.
        Auto = "auto",
        /// To a person.
        Review = "review",
        /// Worked by hand.
        Manual = "manual",
        /// Not in the workflow's scope.
        Excluded = "excluded",
        /// Refused: a person closes it, nothing follows.
        Refuse = "refuse",
    }
}

/// What a case came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Whether the event became a run.
    pub intake: Option<Entry>,
    /// Where the run would stand.
    pub status: Option<Status>,
    /// Why a person would be asked.
    pub reason: Option<Reason>,
    /// Where it would go; nothing when it never got that far.
    pub route: Option<RouteWord>,
    /// The review tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The row that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// The model's output, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Confidence, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Names of the effects it would have had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// In words, why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Forbidden texts that were seen, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<String>,
    /// Another model than the pinned one answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<String>,
    /// What graders that ask a model said of the output, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub opinions: BTreeMap<String, Opinion>,
}

impl Outcome {
    /// Somebody would be asked.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        self.intake == Some(Entry::Accepted) && self.route != Some(RouteWord::Auto)
    }

    /// Two trials of one case came to the same: where it went, by which row, and the closed fields
    /// that were asserted.
    #[must_use]
    pub fn class(&self, expect: &Expect) -> String {
        let mut class = format!(
            "{:?} {:?} {:?} {:?}",
            self.status, self.route, self.reason, self.tier
        );
        for field in expect.output.keys() {
            let value = self.output.as_ref().and_then(|o| at(o, field));
            class.push_str(&format!(" {field}={}", show(value)));
        }
        class
    }
}

/// A further test of the output. `field` is a dotted path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grader {
    /// The same value.
    Equals {
        /// Which field.
        field: String,
        /// Its value.
        value: Value,
    },
    /// Meets a JSON Schema 2020-12.
    Schema {
        /// Which field.
        field: String,
        /// The schema.
        schema: Value,
    },
    /// A number within a distance of another; decimals are compared exactly.
    Within {
        /// Which field.
        field: String,
        /// The number, written as text or number.
        value: Value,
        /// Greatest distance.
        tolerance: Value,
    },
    /// A list with exactly these members, in any order.
    Set {
        /// Which field.
        field: String,
        /// The members.
        values: Vec<Value>,
    },
    /// A text in which a regular expression is found.
    Matches {
        /// Which field.
        field: String,
        /// The expression (ECMA 262, as in JSON Schema).
        pattern: String,
    },
    /// An expression over `input`, `output`, `route`, `tier`, `reason` and `confidence` that is true.
    Expression {
        /// Jinja syntax.
        expr: String,
    },
    /// A grader of the package says so, see [`super::ModelGrader`].
    Model {
        /// Its name.
        grader: String,
    },
}

impl Grader {
    /// Whether it can be used at all; a grader that cannot must never count as passed.
    ///
    /// # Errors
    /// In words.
    pub fn compile(&self) -> Result<(), String> {
        match self {
            Self::Schema { schema, .. } => validator(schema).map(drop),
            Self::Matches { pattern, .. } => {
                validator(&json!({"type": "string", "pattern": pattern})).map(drop)
            }
            Self::Expression { expr } => Expr::parse(expr).map(drop),
            Self::Within {
                value, tolerance, ..
            } => match (decimal(value), decimal(tolerance)) {
                (Some(_), Some(t)) if t >= Decimal::ZERO => Ok(()),
                _ => Err("`value` and `tolerance` must be numbers".to_owned()),
            },
            Self::Model { grader } if grader.is_empty() => Err("`grader` must be named".to_owned()),
            Self::Equals { .. } | Self::Set { .. } | Self::Model { .. } => Ok(()),
        }
    }

    fn fault(&self, outcome: &Outcome, facts: &Value) -> Option<String> {
        if let Self::Expression { expr } = self {
            let value = crate::facts::eval(expr, facts);
            return (value != Ok(Value::Bool(true))).then(|| match value {
                Ok(v) => format!("`{expr}` is {v}"),
                Err(e) => format!("`{expr}` cannot be evaluated: {e}"),
            });
        }
        if let Self::Model { grader } = self {
            return said(grader, outcome);
        }
        let field = self.field();
        let Some(found) = outcome.output.as_ref().and_then(|o| at(o, field)) else {
            return Some(format!("output.{field} is not there"));
        };
        let good = match self {
            Self::Equals { value, .. } => found == value,
            Self::Schema { schema, .. } => validator(schema).is_ok_and(|v| v.is_valid(found)),
            Self::Matches { pattern, .. } => {
                validator(&json!({"type": "string", "pattern": pattern}))
                    .is_ok_and(|v| v.is_valid(found))
            }
            Self::Within {
                value, tolerance, ..
            } => match (decimal(found), decimal(value), decimal(tolerance)) {
                (Some(a), Some(b), Some(t)) => a.distance(b).is_some_and(|d| d <= t),
                _ => false,
            },
            Self::Set { values, .. } => found.as_array().is_some_and(|all| same_set(all, values)),
            Self::Expression { .. } | Self::Model { .. } => false,
        };
        (!good).then(|| format!("output.{field} is {}: {}", show(Some(found)), self.wish()))
    }

    fn field(&self) -> &str {
        match self {
            Self::Equals { field, .. }
            | Self::Schema { field, .. }
            | Self::Within { field, .. }
            | Self::Set { field, .. }
            | Self::Matches { field, .. } => field,
            Self::Expression { .. } | Self::Model { .. } => "",
        }
    }

    fn wish(&self) -> String {
        match self {
            Self::Equals { value, .. } => format!("should be {value}"),
            Self::Schema { .. } => "does not meet its schema".to_owned(),
            Self::Within {
                value, tolerance, ..
            } => format!("should be {value} within {tolerance}"),
            Self::Set { values, .. } => {
                format!("should have exactly the members {}", json!(values))
            }
            Self::Matches { pattern, .. } => format!("should match {pattern}"),
            Self::Expression { expr } | Self::Model { grader: expr } => expr.clone(),
        }
    }
}

/// Why a model's opinion is no pass: only one that is there and says so is.
fn said(grader: &str, outcome: &Outcome) -> Option<String> {
    match outcome.opinions.get(grader) {
        Some(o) if o.passed => None,
        Some(o) => Some(format!("grader {grader} says {}: {}", o.answer, o.why)),
        None if outcome.output.is_none() => Some(format!("there is no output for grader {grader}")),
        None => Some(format!("grader {grader} was not asked")),
    }
}

/// Everything in which an outcome is not what the case expects; empty means passed.
#[must_use]
pub fn grade(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut faults = grade_fixed(case, outcome);
    faults.extend(case.expect.asked().filter_map(|g| said(g, outcome)));
    faults
}

/// As [`grade`], without what only a model can say: graders that ask one are asked when nothing else failed.
#[must_use]
pub fn grade_fixed(case: &Case, outcome: &Outcome) -> Vec<String> {
    let e = &case.expect;
    let mut faults = Vec::new();
    same("intake", e.intake, outcome.intake, &mut faults);
    same("status", e.status, outcome.status, &mut faults);
    same("reason", e.reason, outcome.reason, &mut faults);
    if !e.route.is_empty() && outcome.route.is_none_or(|r| !e.route.contains(&r)) {
        let wanted: Vec<_> = e.route.iter().map(|r| r.word()).collect();
        faults.push(format!(
            "route is {}, expected {}",
            outcome.route.map_or("none", RouteWord::word),
            wanted.join(" or ")
        ));
    }
    same(
        "tier",
        e.tier.as_deref(),
        outcome.tier.as_deref(),
        &mut faults,
    );
    same("row", e.row.as_deref(), outcome.row.as_deref(), &mut faults);
    for (field, wanted) in &e.output {
        let found = outcome.output.as_ref().and_then(|o| at(o, field));
        if found != Some(wanted) {
            let found = show(found);
            faults.push(format!("output.{field} is {found}, expected {wanted}"));
        }
    }
    faults.extend(outcome.leaks.iter().cloned());
    if !e.grade.is_empty() {
        let facts = grading_facts(case, outcome);
        let fixed = e.grade.iter();
        let fixed = fixed.filter(|g| !matches!(g, Grader::Model { .. }));
        faults.extend(fixed.filter_map(|g| g.fault(outcome, &facts)));
    }
    faults
}

fn grading_facts(case: &Case, outcome: &Outcome) -> Value {
    json!({
        "input": case.event(), "output": outcome.output, "route": outcome.route, "tier": outcome.tier,
        "reason": outcome.reason, "status": outcome.status, "confidence": outcome.confidence,
    })
}

fn same<T: PartialEq + std::fmt::Display>(
    name: &str,
    wanted: Option<T>,
    found: Option<T>,
    faults: &mut Vec<String>,
) {
    if let Some(wanted) = wanted
        && found.as_ref() != Some(&wanted)
    {
        let found = found.map_or_else(|| "none".to_owned(), |f| f.to_string());
        faults.push(format!("{name} is {found}, expected {wanted}"));
    }
}

fn same_set(found: &[Value], wanted: &[Value]) -> bool {
    let mut left: Vec<&Value> = found.iter().collect();
    for value in wanted {
        let Some(i) = left.iter().position(|v| *v == value) else {
            return false;
        };
        left.swap_remove(i);
    }
    left.is_empty()
}

fn validator(schema: &Value) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(schema)
        .map_err(|e| e.to_string())
}

fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    Decimal::parse(text.trim()).ok()
}

fn show(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "absent".to_owned(), Value::to_string);
    if text.chars().count() <= 120 {
        return text;
    }
    text.chars().take(119).chain(['…']).collect()
}
