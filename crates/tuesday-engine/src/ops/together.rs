//! Which of several tasks one person may act on together, told before anything is done.

use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::review::ReviewKind;

use super::decide_many::alike;
use super::rules::acknowledged;
use super::task::{Task, listed, may_decide};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// For each of `items` (task and the revision that was seen) why it would be left out of one
    /// decision by `by`, in order; nothing for those that can be decided. The first one that can be
    /// decided says what the others must be like.
    ///
    /// # Errors
    /// `unavailable`, `record_damaged`.
    pub async fn left_out(
        &self,
        by: &str,
        items: &[(ReviewId, u32)],
        approve: bool,
    ) -> Result<Vec<Option<Problem>>, Problem> {
        let mut out = Vec::with_capacity(items.len());
        let (mut first, mut taken): (Option<Task>, u32) = (None, 0);
        for &(id, revision) in items {
            let found = match Box::pin(self.task(id)).await {
                Ok(task) => {
                    let seen = self.0.reader.review_reads(id, by).await;
                    let seen = seen.map_err(read_problem)?;
                    let opened = seen.iter().any(|r| r.revision == revision);
                    let fits = fits(first.as_ref(), &task, taken)
                        .and_then(|()| may_decide(&task, by, Some(revision), self.now()))
                        .and_then(|()| approvable(&task, by, approve))
                        .and_then(|()| if opened { Ok(()) } else { Err(unopened()) });
                    fits.map(|()| task)
                }
                Err(p) if matches!(p.code, "unavailable" | "record_damaged") => return Err(p),
                Err(p) => Err(p),
            };
            match found {
                Ok(task) => {
                    taken += 1;
                    first.get_or_insert(task);
                    out.push(None);
                }
                Err(problem) => out.push(Some(problem)),
            }
        }
        Ok(out)
    }
}

/// Like the first one, and one of as many as the tier allows.
fn fits(first: Option<&Task>, task: &Task, taken: u32) -> Result<(), Problem> {
    let tier = task.tier();
    let name = &task.review.tier;
    let most = tier.map_or(0, |t| t.batch_max);
    if most == 0 {
        let words = format!("tier {name} is decided one by one");
        return Err(Problem::new("too_many_items", words));
    }
    if first.is_some_and(|first| !alike(&first.review, &task.review)) {
        let words = "it is of another workflow, tier or kind than the first";
        return Err(Problem::new("bad_request", words));
    }
    if taken >= most {
        let words = format!("tier {name} allows {most} at once");
        return Err(Problem::new("too_many_items", words));
    }
    Ok(())
}

fn approvable(task: &Task, by: &str, approve: bool) -> Result<(), Problem> {
    acknowledged(task, by)?;
    if task.review.kind != ReviewKind::Output || (approve && task.run.output_ref.is_none()) {
        let words = "there is no output to decide about";
        return Err(Problem::new("illegal_state", words));
    }
    listed(task, by)?;
    if approve && task.tier().is_some_and(|t| t.human_rewrite) {
        let words = "its text must be rewritten by a person";
        return Err(Problem::new("rewrite_required", words));
    }
    Ok(())
}

fn unopened() -> Problem {
    Problem::new("not_opened", "you have not opened it as it is now").way_out("open it first")
}
