//! Takes a review task, or gives it back. A claim is a lease: it runs out without activity.

use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewEvent;

use super::task::{draft, may_decide};
use crate::engine::Engine;

impl Engine {
    /// `by` takes the task, or renews the claim.
    ///
    /// # Errors
    /// When it is decided, held by somebody else, or not theirs to decide.
    pub async fn claim(&self, id: ReviewId, by: &str) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        let now = self.now();
        may_decide(&task, by, None, now)?;
        let mut review = task.review.clone();
        review.claimed_by = Some(by.to_owned());
        review.claim_until = Some(now.plus(task.release.ready.def.review.claim.0));
        let mut draft = draft(&task, by, "review.claimed", now);
        draft.review(&mut review, ReviewEvent::Claim)?;
        self.commit_task(id, draft).await?;
        Ok(review)
    }

    /// `by` gives the task back.
    ///
    /// # Errors
    /// When somebody else holds it.
    pub async fn release(&self, id: ReviewId, by: &str) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        let now = self.now();
        may_decide(&task, by, None, now)?;
        let mut review = task.review.clone();
        review.claimed_by = None;
        review.claim_until = None;
        let mut draft = draft(&task, by, "review.released", now);
        draft.review(&mut review, ReviewEvent::Release)?;
        self.commit_task(id, draft).await?;
        Ok(review)
    }
}
