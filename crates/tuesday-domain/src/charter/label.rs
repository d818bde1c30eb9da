//! What a workflow may be called: computed criteria, the decision that raises a label, the grace that
//! lost evidence has.
//!
//! A label goes up only when a person decides it on criteria that are met at that moment. It comes down
//! by itself: what was lost is named at once (`lapsing`), and after the grace the label falls one step.

use std::time::Duration;

use super::prove::Picture;
use super::topic::Topic;
use super::views::{Entry, Item, Sheet, sheet};
use crate::record::{LabelEvent, LabelMove};
use crate::time::Timestamp;
use crate::workflow::Label;

/// How long lost evidence may be lost before the label falls.
pub const GRACE: Duration = Duration::from_secs(14 * 86_400);
/// Labels are looked at every quarter.
pub const REVIEW_EVERY: Duration = Duration::from_secs(92 * 86_400);
/// So long after that an unreviewed label counts as lost evidence.
pub const REVIEW_GRACE: Duration = Duration::from_secs(30 * 86_400);

/// One thing that keeps a workflow from a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The list that asks it.
    pub sheet: Sheet,
    /// Its topic.
    pub topic: Topic,
    /// The item as people read it.
    pub title: &'static str,
    /// What is lacking.
    pub words: String,
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.words)
    }
}

/// What `label` needs and does not have, each topic once. Research and retired need nothing.
#[must_use]
pub fn unmet(label: Label, picture: &Picture<'_>) -> Vec<Unmet> {
    let mut out: Vec<Unmet> = Vec::new();
    let mut need = |list: Sheet, entries: Vec<Entry>, good: fn(&Entry) -> bool| {
        for entry in entries.into_iter().filter(|e| !good(e)) {
            if out.iter().any(|u| u.topic == entry.item.topic) {
                continue;
            }
            out.push(Unmet {
                sheet: list,
                topic: entry.item.topic,
                title: entry.item.title,
                words: entry.evidence.words,
            });
        }
    };
    match label {
        Label::Research | Label::Retired => {}
        Label::Pilot => {
            need(
                Sheet::Charter,
                sheet(Sheet::Charter, picture),
                Entry::answered,
            );
            need(Sheet::Bet, only(PILOT, picture), Entry::clean);
            for list in [Sheet::Scope, Sheet::Operators, Sheet::Budget, Sheet::Bet] {
                need(list, sheet(list, picture), Entry::clean);
            }
        }
        Label::Production => {
            for list in [
                Sheet::Charter,
                Sheet::Checklist,
                Sheet::Handoff,
                Sheet::Operators,
                Sheet::Questions,
                Sheet::Institution,
                Sheet::Goals,
                Sheet::Repeatability,
            ] {
                need(list, sheet(list, picture), Entry::clean);
            }
            need(Sheet::Handoff, only(PRODUCTION, picture), Entry::clean);
        }
    }
    out
}

/// What a pilot needs beside the lists.
const PILOT: &[Item] = &[
    Item {
        group: "",
        title: "Pilot question",
        topic: Topic::PilotQuestion,
    },
    Item {
        group: "",
        title: "Pilot criteria",
        topic: Topic::PilotCriteria,
    },
    Item {
        group: "",
        title: "Pilot end date",
        topic: Topic::PilotEnd,
    },
    Item {
        group: "",
        title: "Executive sponsor",
        topic: Topic::Sponsor,
    },
    BASELINE,
];

/// How the work was before the machine: without it nobody can say what a pilot came to.
const BASELINE: Item = Item {
    group: "",
    title: "Baseline by hand",
    topic: Topic::Baseline,
};

/// What production needs beside the lists.
const PRODUCTION: &[Item] = &[
    Item {
        group: "",
        title: "What happens when the model is wrong, in full",
        topic: Topic::WrongPage,
    },
    BASELINE,
    Item {
        group: "",
        title: "The last ten runs can be told",
        topic: Topic::LastTen,
    },
];

fn only(items: &[Item], picture: &Picture<'_>) -> Vec<Entry> {
    let entry = |item: &Item| Entry {
        item: *item,
        evidence: super::prove(item.topic, picture),
    };
    items.iter().map(entry).collect()
}

/// How a label came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A test instance granted what the package asked for; no evidence stands behind it.
    Granted,
    /// It was there before labels were computed.
    Carried,
    /// A person decided on criteria that were met.
    Decided,
}

/// A label with its history drawn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is called.
    pub label: Label,
    /// How it came to be called so.
    pub basis: Basis,
    /// Since when.
    pub since: Timestamp,
    /// It came from a label above: evidence was lost, or somebody lowered it.
    pub came_down: bool,
    /// Evidence is lost: since when, and when the label falls.
    pub lapsing: Option<(Timestamp, Timestamp)>,
    /// When somebody last looked at it.
    pub reviewed_at: Timestamp,
    /// The quarterly look was asked for after that.
    pub asked: bool,
    /// Number of the newest event.
    pub seq: u32,
}

impl Standing {
    /// From the events of a workflow in order. Without any the label was carried over.
    #[must_use]
    pub fn of(label: Label, installed_at: Timestamp, events: &[LabelEvent]) -> Self {
        let mut out = Self {
            label,
            basis: Basis::Carried,
            since: installed_at,
            came_down: false,
            lapsing: None,
            reviewed_at: installed_at,
            asked: false,
            seq: 0,
        };
        for e in events {
            out.seq = e.seq;
            match e.kind {
                LabelMove::Lapsing => out.lapsing = Some((e.at, e.until.unwrap_or(e.at))),
                LabelMove::Restored => out.lapsing = None,
                LabelMove::Asked => out.asked = true,
                LabelMove::Reviewed => {
                    out.reviewed_at = e.at;
                    out.asked = false;
                }
                LabelMove::Granted
                | LabelMove::Raised
                | LabelMove::Lowered
                | LabelMove::Fell
                | LabelMove::Retired => {
                    out = Self {
                        label,
                        basis: if e.kind == LabelMove::Granted {
                            Basis::Granted
                        } else {
                            Basis::Decided
                        },
                        since: e.at,
                        came_down: matches!(e.kind, LabelMove::Lowered | LabelMove::Fell),
                        lapsing: None,
                        reviewed_at: e.at,
                        asked: false,
                        seq: e.seq,
                    };
                }
            }
        }
        out
    }

    /// Nobody has looked at the label for a quarter and its grace.
    #[must_use]
    pub fn unreviewed(&self, now: Timestamp) -> bool {
        now >= self.reviewed_at.plus(REVIEW_EVERY).plus(REVIEW_GRACE)
    }

    /// What follows now, where `unmet` is what the present label needs and does not have.
    #[must_use]
    pub fn judge(&self, unmet: usize, now: Timestamp) -> Option<Next> {
        // Research claims nothing, retired is final, and a granted label rests on no evidence.
        if matches!(self.label, Label::Research | Label::Retired) || self.basis == Basis::Granted {
            return None;
        }
        let lost = unmet > 0 || self.unreviewed(now);
        match self.lapsing {
            None if lost => Some(Next::Lapse {
                until: now.plus(GRACE),
            }),
            Some(_) if !lost => Some(Next::Restore),
            Some((_, until)) if now >= until => Some(Next::Fall {
                to: below(self.label),
            }),
            _ if !self.asked && now >= self.reviewed_at.plus(REVIEW_EVERY) => Some(Next::Ask),
            _ => None,
        }
    }
}

/// What the passing of time does to a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Evidence is lost: it is said, and the grace begins.
    Lapse {
        /// The label falls then.
        until: Timestamp,
    },
    /// What was lost is there again.
    Restore,
    /// The grace is over.
    Fall {
        /// The label it gets.
        to: Label,
    },
    /// The quarterly look is due.
    Ask,
}

/// One step down.
#[must_use]
pub const fn below(label: Label) -> Label {
    match label {
        Label::Production => Label::Pilot,
        Label::Pilot | Label::Research => Label::Research,
        Label::Retired => Label::Retired,
    }
}

/// One step up; nothing stands above production, and nothing comes back from retired.
#[must_use]
pub const fn above(label: Label) -> Option<Label> {
    match label {
        Label::Research => Some(Label::Pilot),
        Label::Pilot => Some(Label::Production),
        Label::Production | Label::Retired => None,
    }
}
