//! What people do about a review task, once for pages and API: which request is which operation of
//! the engine, and what is said about it afterwards.

use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Approval, Decided, Refusal, SecondVerdict, Settlement};

use crate::query;
use crate::refusal::read_problem;

/// One act on one task.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    /// Yes, as it stands or after an edit.
    Approve(Approval),
    /// No.
    Reject(Refusal),
    /// To the next named person.
    Escalate {
        note: Option<String>,
        revision: Option<u32>,
    },
    /// To somebody else.
    Reassign {
        to: String,
        reason: String,
        revision: Option<u32>,
    },
    /// Takes it.
    Claim,
    /// Gives it back.
    Release,
    /// Takes an approval back while nothing was sent.
    Recall,
    /// Settles what is not a plain yes or no.
    Settle {
        settlement: Settlement,
        revision: Option<u32>,
        key: Option<String>,
    },
    /// Answers a second look.
    Verdict(SecondVerdict),
}

/// What an act led to.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    /// The task is another person's, or free, or one's own.
    Task(Box<Review>),
    /// Something was decided.
    Decided(Box<Decided>),
}

impl Done {
    /// The task as it is now; after a recall the one that follows.
    pub(crate) fn review(&self) -> &Review {
        match self {
            Self::Task(review) => review,
            Self::Decided(d) => &d.review,
        }
    }

    /// The task alone.
    pub(crate) fn into_review(self) -> Review {
        match self {
            Self::Task(review) => *review,
            Self::Decided(d) => d.review,
        }
    }

    /// Until when it can be taken back.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Task(_) => None,
            Self::Decided(d) => d.recall_until,
        }
    }
}

impl Verb {
    /// The case stays open afterwards.
    pub(crate) const fn stays(&self) -> bool {
        matches!(self, Self::Claim | Self::Release)
    }
}

fn task(review: Review) -> Done {
    Done::Task(Box::new(review))
}

/// `by` does it.
///
/// # Errors
/// The refusals of the operation.
pub(crate) async fn act(
    engine: &Engine,
    id: ReviewId,
    by: &str,
    verb: &Verb,
) -> Result<Done, Problem> {
    let decided = match verb {
        Verb::Approve(approval) => engine.approve(id, by, approval.clone()).await,
        Verb::Reject(refusal) => engine.reject(id, by, refusal.clone()).await,
        Verb::Recall => engine.recall(id, by).await,
        Verb::Settle {
            settlement,
            revision,
            key,
        } => {
            let said = settlement.clone();
            Box::pin(engine.settle_once(id, by, *revision, key.as_deref(), said)).await
        }
        Verb::Verdict(verdict) => {
            let said = engine.second_verdict(id, by, verdict.clone()).await;
            return said.map(task);
        }
        Verb::Escalate { note, revision } => {
            return engine
                .escalate(id, by, note.clone(), *revision)
                .await
                .map(task);
        }
        Verb::Reassign {
            to,
            reason,
            revision,
        } => {
            let given = engine.reassign(id, by, to, reason, *revision).await;
            return given.map(task);
        }
        Verb::Claim => return engine.claim(id, by).await.map(task),
        Verb::Release => return engine.release(id, by).await.map(task),
    };
    decided.map(|d| Done::Decided(Box::new(d)))
}

/// The task behind an id, once the asker reaches its workflow.
///
/// # Errors
/// `malformed_id`, `not_found`, `not_allowed`, `unavailable`.
pub(crate) async fn reached(
    engine: &Engine,
    id: &str,
    sees: impl Fn(&str) -> Result<(), Problem>,
) -> Result<Review, Problem> {
    let id: ReviewId = query::id(id)?;
    let task = engine.reader().review(id).await.map_err(read_problem)?;
    let task =
        task.ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
    sees(&task.workflow)?;
    Ok(task)
}

/// The settlement a word stands for.
///
/// # Errors
/// `bad_request` for another word, or for `supply` without an input.
pub(crate) fn settlement(
    word: &str,
    text: Option<String>,
    input: Option<serde_json::Value>,
) -> Result<Settlement, Problem> {
    let words = text.clone().unwrap_or_default();
    Ok(match word {
        "supply" => Settlement::Supply {
            input: input.ok_or_else(|| {
                Problem::new("bad_request", "the input is missing").field("input")
            })?,
        },
        "happened" => Settlement::Happened { evidence: words },
        "did_not_happen" => Settlement::DidNotHappen { evidence: words },
        "hand_over" => Settlement::HandOver { result: words },
        "close_failed" => Settlement::CloseFailed { reason: words },
        "regenerate" => Settlement::Regenerate { reason: text },
        other => {
            return Err(
                Problem::new("bad_request", format!("`{other}` settles nothing")).field("settle"),
            );
        }
    })
}
