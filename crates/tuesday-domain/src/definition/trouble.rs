//! What the package declares about trouble: who is on call, what counts as late or stuck, and what
//! happens while a dependency is gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Span;
use crate::words::words;

/// `[on_call]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnCallSpec {
    /// An alert that nobody acknowledges goes to the next person after this.
    pub acknowledge: Span,
    /// An acknowledgement after which nothing happens for this long counts as none.
    pub quiet: Span,
    /// Who is on call when. Without any the operator owner always is.
    pub shift: Vec<ShiftSpec>,
}

impl Default for OnCallSpec {
    fn default() -> Self {
        Self {
            acknowledge: Span(Duration::from_secs(15 * 60)),
            quiet: Span(Duration::from_secs(2 * 3600)),
            shift: Vec::new(),
        }
    }
}

/// `[[on_call.shift]]`: in the workflow's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftSpec {
    /// Handle of a person under `[owners]`.
    pub person: String,
    /// `mon-fri`, `sat,sun`, `mon`.
    pub days: String,
    /// First minute, `08:00`.
    #[serde(default = "midnight")]
    pub from: String,
    /// The minute after the last one, `18:00`; before `from` it runs over midnight.
    #[serde(default = "day_end")]
    pub to: String,
}

fn midnight() -> String {
    "00:00".to_owned()
}
fn day_end() -> String {
    "24:00".to_owned()
}

/// `[watch]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSpec {
    /// A machine's step without a change for this long is stuck. Absent: twice the longest timeout, at
    /// least five minutes.
    pub stuck_after: Option<Span>,
    /// A backlog that grows for this long is told about.
    pub backlog_after: Span,
    /// Nothing may wait for a machine, or overdue for a person, longer than this.
    pub oldest: Span,
    /// From receipt to receipt at the destination, for what needs no person. Absent: no promise.
    pub delivery: Option<Span>,
    /// Confirmed actions are looked up at their destination this often. Absent: never.
    pub reconcile: Option<Span>,
    /// How far back each such look reaches: what was confirmed within it is looked up again and again.
    pub reconcile_for: Span,
    /// Sources and destinations are read this often, to see whether they still have the fields that the
    /// package was written against. Absent: never.
    pub contract: Option<Span>,
}

impl Default for WatchSpec {
    fn default() -> Self {
        Self {
            stuck_after: None,
            backlog_after: Span(Duration::from_secs(30 * 60)),
            oldest: Span(Duration::from_secs(48 * 3600)),
            delivery: None,
            reconcile: None,
            reconcile_for: Span(Duration::from_secs(7 * 86_400)),
            contract: None,
        }
    }
}

/// `expect` of a trigger: fewer events than this in a period are told about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// At least so many events.
    pub events: u32,
    /// In which time.
    pub per: Period,
}

words! {
    /// A period events are expected in.
    Period {
        /// Every hour.
        Hour = "hour",
        /// Every day of the workflow's time zone.
        Day = "day",
        /// Monday to Friday.
        Weekday = "weekday",
    }
}

words! {
    /// What happens to work that needs a dependency which is gone.
    DegradedPlan {
        /// It waits and goes on by itself when the dependency is back.
        Hold = "hold",
        /// It waits for `people_after`, then people get it with its inputs.
        People = "people",
        /// It goes on with the release that was approved to stand by; without one it waits. For a model only.
        Alternative = "alternative",
    }
}

/// `[degraded]`: the declared behaviour for each kind of dependency.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DegradedSpec {
    /// The model provider. Absent: hold, and the workflow cannot be called production.
    pub model: Option<DegradedPlan>,
    /// A source.
    pub source: Option<DegradedPlan>,
    /// A destination.
    pub destination: Option<DegradedPlan>,
    /// How long `people` waits first.
    pub people_after: Option<Span>,
}

impl DegradedSpec {
    /// How long work waits before people get it, where they do.
    #[must_use]
    pub fn people_after(&self) -> Duration {
        self.people_after
            .map_or(Duration::from_secs(3600), |span| span.0)
    }
}
