//! One decision about several alike tasks, for tiers that allow it: never more than a person can
//! have read. Each task is decided by itself, with its own entry.

use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;

use super::approve::{Approval, Decided};
use super::reject::Refusal;
use crate::engine::{Engine, read_problem};

/// What is decided about all of them.
#[derive(Clone, Debug)]
pub enum Together {
    /// Approved as they stand.
    Approve {
        /// The checklist items that were answered, word for word.
        checklist: Vec<String>,
    },
    /// Rejected.
    Reject {
        /// One of the declared codes.
        reason: String,
    },
}

impl Engine {
    /// `by` decides all of `items` (task and the revision that was seen) in the same way. Answers
    /// what became of each, in order; one that is refused does not stop the others.
    ///
    /// # Errors
    /// Before anything is decided: `too_many_items` when the tier allows fewer or none,
    /// `bad_request` when they are not alike, `not_opened` for those the person has not opened.
    pub async fn decide_many(
        &self,
        by: &str,
        items: &[(ReviewId, u32)],
        what: &Together,
        note: Option<&str>,
    ) -> Result<Vec<(ReviewId, Result<Decided, Problem>)>, Problem> {
        self.may_decide_many(by, items).await?;
        let mut out = Vec::with_capacity(items.len());
        for &(id, revision) in items {
            let note = note.map(str::to_owned);
            let revision = Some(revision);
            let done = match what {
                Together::Approve { checklist } => {
                    let approval = Approval {
                        revision,
                        note,
                        checklist: checklist.clone(),
                        ..Approval::default()
                    };
                    self.approve(id, by, approval).await
                }
                Together::Reject { reason } => {
                    let refusal = Refusal {
                        revision,
                        reason: reason.clone(),
                        note,
                        key: None,
                    };
                    self.reject(id, by, refusal).await
                }
            };
            out.push((id, done));
        }
        Ok(out)
    }

    async fn may_decide_many(&self, by: &str, items: &[(ReviewId, u32)]) -> Result<(), Problem> {
        let bad = |words: &str| Problem::new("bad_request", words).field("items");
        let Some(&(first, _)) = items.first() else {
            return Err(bad("there is nothing to decide"));
        };
        let first = self.task(first).await?;
        let def = &first.release.ready.def;
        let tier = def.review.tier.iter().find(|t| t.name == first.review.tier);
        let most = tier.map_or(0, |t| t.batch_max);
        if u32::try_from(items.len()).unwrap_or(u32::MAX) > most {
            let words = match most {
                0 => format!("tier `{}` is decided one by one", first.review.tier),
                n => format!(
                    "tier `{}` allows {n} at once, these are {}",
                    first.review.tier,
                    items.len()
                ),
            };
            return Err(Problem::new("too_many_items", words)
                .field("items")
                .with("most", most));
        }
        let mut unopened = Vec::new();
        for (i, &(id, revision)) in items.iter().enumerate() {
            if items.iter().skip(i + 1).any(|(other, _)| *other == id) {
                return Err(bad("a task is named twice"));
            }
            let found = self.0.reader.review(id).await.map_err(read_problem)?;
            let found = found.ok_or_else(|| super::task::not_found(&id.to_string()))?;
            if !alike(&first.review, &found) {
                return Err(bad("the tasks are not of one workflow, tier and kind"));
            }
            let reads = self
                .0
                .reader
                .review_reads(id, by)
                .await
                .map_err(read_problem)?;
            if !reads.iter().any(|r| r.revision == revision) {
                unopened.push(id.to_string());
            }
        }
        if !unopened.is_empty() {
            return Err(Problem::new(
                "not_opened",
                format!("{} of them were not opened by {by}", unopened.len()),
            )
            .field("items")
            .with("not_opened", unopened)
            .way_out("open each of them, then decide"));
        }
        Ok(())
    }
}

pub(super) fn alike(a: &Review, b: &Review) -> bool {
    a.workflow == b.workflow && a.tier == b.tier && a.kind == b.kind
}
