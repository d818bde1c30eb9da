//! One case: frozen inputs and what must come of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::grade::{Entry, Grader, RouteWord};
use crate::definition::SourceSpec;
use crate::port::{SourceFault, SourceRecord};
use crate::run::{Reason, Status};
use crate::time::{Span, Timestamp};
use crate::words::words;

words! {
    /// What a case is for. A pack needs every kind.
    Kind {
        /// The ordinary case.
        Happy = "happy",
        /// Ordinary, but spelled, sized or dated unusually.
        Edge = "edge",
        /// Somebody tries to make the system do what it must not.
        Adversarial = "adversarial",
        /// Went wrong once.
        Regression = "regression",
        /// Must not be answered here.
        Refusal = "refusal",
        /// Must be decided by a certain person.
        Escalation = "escalation",
        /// Nobody could be sure.
        Uncertainty = "uncertainty",
        /// An input is too old.
        Stale = "stale",
        /// Two inputs disagree.
        Conflicting = "conflicting",
        /// An input is not there.
        Missing = "missing",
        /// An input must not be seen.
        Restricted = "restricted",
    }
}

impl Kind {
    /// One failing case of this kind stops a release, however often it is tried.
    #[must_use]
    pub const fn is_safety(self) -> bool {
        matches!(self, Self::Adversarial | Self::Restricted)
    }

    /// Cases about data, asserted by what happens to them and not by wording.
    #[must_use]
    pub const fn is_data(self) -> bool {
        matches!(
            self,
            Self::Stale | Self::Conflicting | Self::Missing | Self::Restricted
        )
    }

    /// May be judged as a share of a sample. The others count one by one.
    #[must_use]
    pub const fn may_be_sampled(self) -> bool {
        matches!(
            self,
            Self::Happy | Self::Edge | Self::Refusal | Self::Uncertainty
        )
    }
}

/// The moment at which cases are tried unless they say another: 2026-10-20T10:00:00Z. Fixed, so that
/// a result does not depend on the day.
pub const NOW: Timestamp = Timestamp::from_micros(1_792_490_400_000_000);

/// One line of a pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique within the pack.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// The event's body. A text `@-15m` is the moment of the trial less 15 minutes.
    pub input: Value,
    /// What each source answers: a record, `null` for none, a list for several.
    #[serde(default)]
    pub sources: Map<String, Value>,
    /// What must come of it.
    pub expect: Expect,
    /// The moment of the trial (RFC 3339); [`NOW`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Failing once is too often, whatever the kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub safety: bool,
    /// Judged with the others of this name as a share (see `gate.toml`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// Where it comes from: a run, an incident, a thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// What must come of a case. Everything that is named must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Whether the event becomes a run at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intake: Option<Entry>,
    /// Where the run stands after routing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Why a person is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Where it goes; one of these.
    #[serde(
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub route: Vec<RouteWord>,
    /// The review tier it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Id of the row that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Fields of the output and their exact values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub output: Map<String, Value>,
    /// Texts that neither the answer nor anything that goes out may hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// Texts that the model may not even see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// Further graders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grade: Vec<Grader>,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<RouteWord>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(RouteWord),
        Many(Vec<RouteWord>),
    }
    Ok(match Either::deserialize(d)? {
        Either::One(word) => vec![word],
        Either::Many(words) => words,
    })
}

/// Whether the right answer needs a person; the ground truth of escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// A person must be asked.
    Person,
    /// It should go by itself.
    Alone,
    /// The case does not say.
    Open,
}

impl Expect {
    /// Whether a person should be asked.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let person = matches!(
            self.status,
            Some(Status::InReview | Status::WaitingInput | Status::HandedOff)
        ) || self.reason.is_some()
            || self.tier.is_some();
        let auto = self.route.contains(&RouteWord::Auto);
        match (self.route.is_empty(), auto) {
            _ if person => Truth::Person,
            (false, false) => Truth::Person,
            (false, true) if self.route.iter().all(|r| *r == RouteWord::Auto) => Truth::Alone,
            _ => Truth::Open,
        }
    }

    /// Asserts what happens to the case, not only how an answer reads.
    #[must_use]
    pub fn asserts_handling(&self) -> bool {
        self.intake == Some(Entry::Refused)
            || self.status.is_some()
            || self.reason.is_some()
            || !self.route.is_empty()
            || self.tier.is_some()
            || self.row.is_some()
            || !self.absent.is_empty()
            || !self.unseen.is_empty()
    }

    /// Names of the graders that ask a model.
    pub fn asked(&self) -> impl Iterator<Item = &str> {
        self.grade.iter().filter_map(|g| match g {
            Grader::Model { grader } => Some(grader.as_str()),
            _ => None,
        })
    }

    /// Asserts nothing but what a model is asked about.
    #[must_use]
    pub fn is_only_asked(&self) -> bool {
        !self.asserts_handling()
            && self.output.is_empty()
            && self.asked().count() == self.grade.len()
    }

    /// Asserts nothing that a fault could break.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.asserts_handling() && self.output.is_empty() && self.grade.is_empty()
    }
}

/// What the sources answer in a case, in the order they are declared.
pub type Reads = Vec<Result<SourceRecord, SourceFault>>;

impl Case {
    /// Reads one line; unknown fields and words are errors.
    ///
    /// # Errors
    /// In words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let value = crate::json::parse_strict(line.as_bytes())?;
        let case: Self = serde_json::from_value(value).map_err(|e| e.to_string())?;
        if let Some(at) = &case.at {
            Timestamp::parse(at).map_err(|e| e.to_string())?;
        }
        for grader in &case.expect.grade {
            grader.compile()?;
        }
        Ok(case)
    }

    /// First 16 bytes of the SHA-256 of a case's line, hex: what a stored result belongs to.
    #[must_use]
    pub fn hash(line: &str) -> String {
        hex::encode(&Sha256::digest(line.trim().as_bytes())[..16])
    }

    /// The moment of the trial.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at
            .as_deref()
            .and_then(|t| Timestamp::parse(t).ok())
            .unwrap_or(NOW)
    }

    /// Failing once is too often.
    #[must_use]
    pub const fn is_safety(&self) -> bool {
        self.safety || self.kind.is_safety()
    }

    /// The event's body with its relative times put in.
    #[must_use]
    pub fn event(&self) -> Value {
        timed(&self.input, self.now())
    }

    /// What each declared source answers. One that the case does not name has no record.
    #[must_use]
    pub fn reads(&self, declared: &[SourceSpec]) -> Reads {
        declared
            .iter()
            .map(|spec| match self.sources.get(&spec.name) {
                None | Some(Value::Null) => Err(SourceFault::NotFound {
                    detail: "the case has none".to_owned(),
                }),
                Some(Value::Object(record)) => {
                    let Value::Object(record) = timed(&Value::Object(record.clone()), self.now())
                    else {
                        unreachable!("an object stays one")
                    };
                    Ok(SourceRecord {
                        bytes: Value::Object(record.clone()).to_string().into_bytes(),
                        record,
                        location: format!("case {}", self.name),
                    })
                }
                Some(Value::Array(all)) => Err(SourceFault::Ambiguous {
                    detail: format!("{} records match", all.len()),
                }),
                Some(_) => Err(SourceFault::Permanent {
                    code: "not_a_record",
                    detail: "the case holds neither a record nor a list of them".to_owned(),
                }),
            })
            .collect()
    }
}

/// `@-15m` and `@+2h` become moments around `now`, wherever they stand.
fn timed(value: &Value, now: Timestamp) -> Value {
    match value {
        Value::String(s) => moment(s, now).map_or_else(|| value.clone(), Value::String),
        Value::Array(all) => Value::Array(all.iter().map(|v| timed(v, now)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), timed(v, now)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn moment(text: &str, now: Timestamp) -> Option<String> {
    let rest = text.strip_prefix('@')?;
    let span = |t: &str| t.parse::<Span>().ok().map(|s: Span| -> Duration { s.0 });
    let at = match rest.split_at_checked(1)? {
        ("-", t) => now.minus(span(t)?),
        ("+", t) => now.plus(span(t)?),
        _ => return None,
    };
    Some(at.rfc3339())
}
