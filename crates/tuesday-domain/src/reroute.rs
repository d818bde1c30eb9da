//! Which open tasks an explicit re-routing moves, and where. What people have begun stays with them:
//! a claim, a first approval, an edit, a task that follows another. Nothing that is over is looked at.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::id::{ReviewId, RunId};
use crate::ready::Ready;
use crate::record::Review;
use crate::review::{ReviewKind, ReviewState};
use crate::route::{Destined, rule_may_send, tier};
use crate::rules::{Route, Row};
use crate::run::Reason;
use crate::workflow::Stage;

/// Where an open task goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goes {
    /// The rules in force let it through.
    Auto,
    /// To the reviewers of this tier.
    Tier(String),
    /// People do it by hand.
    ByHand,
}

impl fmt::Display for Goes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("no person"),
            Self::Tier(name) => f.write_str(name),
            Self::ByHand => f.write_str("by hand"),
        }
    }
}

/// One task that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its run.
    pub run: RunId,
    /// The task.
    pub review: ReviewId,
    /// Its revision as it was looked at.
    pub revision: u32,
    /// What it is about.
    pub subject: String,
    /// The tier it is in.
    pub from: String,
    /// Where it goes.
    pub goes: Goes,
}

/// Why a task is none of a re-routing's business; nothing when it is.
#[must_use]
pub fn stays(review: &Review) -> Option<&'static str> {
    let by_table = matches!(
        review.reason,
        Reason::Rule | Reason::RuleInput | Reason::UnknownTier
    );
    match review.state {
        _ if review.kind != ReviewKind::Output || !by_table => {
            Some("something other than the rules put it before a person")
        }
        ReviewState::Claimed => Some("somebody is on it"),
        ReviewState::Suspended => Some("the workflow is paused"),
        ReviewState::Open if !review.approved_by.is_empty() => Some("it has a first approval"),
        ReviewState::Open if review.edited_by.is_some() => Some("somebody edited it"),
        ReviewState::Open if review.recheck_ref.is_some() || review.follows.is_some() => {
            Some("it came back from sending")
        }
        ReviewState::Open => None,
        _ => Some("it is decided"),
    }
}

/// Where the row that the rules in force choose sends a run; without a row, a person looks. What a
/// rule may not send for this run is not let through here either.
#[must_use]
pub fn goes(ready: &Ready, stage: Stage, row: Option<&Row>) -> Goes {
    let named = |name: Option<&str>| {
        let name = name.map(str::trim).filter(|n| !n.is_empty());
        let first = || tier(ready, "").map_or_else(String::new, |t| t.name.clone());
        Goes::Tier(name.map_or_else(first, str::to_owned))
    };
    match row.map(|row| row.route) {
        Some(Route::Auto) if rule_may_send(ready, stage).is_ok() => Goes::Auto,
        Some(Route::Manual | Route::Excluded) => Goes::ByHand,
        Some(Route::Auto | Route::Review | Route::Refuse) | None => {
            named(row.and_then(|row| row.review_tier.as_deref()))
        }
    }
}

/// The same of a full routing decision, to be held against the preview.
#[must_use]
pub fn of_destined(destined: &Destined) -> Option<Goes> {
    match destined {
        Destined::Auto => Some(Goes::Auto),
        Destined::Review(tier, _, _) => Some(Goes::Tier(tier.clone())),
        Destined::Manual(_) => Some(Goes::ByHand),
        Destined::Shadow => None,
    }
}

/// How many tasks go from where to where.
#[must_use]
pub fn counts(moves: &[Move]) -> BTreeMap<(String, Goes), u64> {
    let mut out = BTreeMap::new();
    for m in moves {
        *out.entry((m.from.clone(), m.goes.clone())).or_insert(0) += 1;
    }
    out
}

/// What a confirmation names: the rules and every move exactly as they were shown.
#[must_use]
pub fn code(workflow: &str, version: u64, moves: &[Move]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{workflow} {version}\n"));
    for m in moves {
        hash.update(format!(
            "{} {} {} {:?}\n",
            m.run, m.review, m.revision, m.goes
        ));
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(16);
    text
}
