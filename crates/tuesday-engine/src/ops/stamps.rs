//! Tells the operator owner when somebody's approvals look like no review: with figures, once in seven
//! days for each person, and never about content.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, DeskChange, StampNotice, Subject};
use tuesday_store::ApplyError;

use super::oversight::FLOOR_MS;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// The span that limits are about, and for which one notice is enough.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

impl Engine {
    /// Looks at the approvals of the last seven days and tells who must know; answers whom it is about.
    /// Two nodes that do so at once tell it once.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn look_for_stamps(&self) -> Result<Vec<StampNotice>, Problem> {
        let now = self.now();
        let since = now.minus(WEEK);
        let reader = &self.0.reader;
        let (figures, told) = tokio::try_join!(
            reader.approving(since, FLOOR_MS),
            reader.stamp_notices(since, now.plus(WEEK)),
        )
        .map_err(read_problem)?;
        let mut out = Vec::new();
        for f in figures {
            let known = |n: &StampNotice| n.workflow == f.workflow && n.person == f.person;
            let Ok((_, live)) = self.live(&f.workflow).await else {
                continue;
            };
            let def = &live.ready.def;
            let crossed = f.counts.crossed(&def.review.oversight);
            if crossed.is_empty() || told.iter().any(known) {
                continue;
            }
            let row = StampNotice {
                workflow: f.workflow,
                person: f.person,
                day: now.rfc3339().chars().take(10).collect(),
                at: now,
                told: def.owners.operator.handle.clone(),
                words: crossed.join("; "),
            };
            match self.apply(stamped(&row)).await {
                Ok(_) => out.push(row),
                Err(ApplyError::Conflict { .. }) => {}
                Err(e) => return Err(apply_problem(e)),
            }
        }
        Ok(out)
    }
}

fn stamped(row: &StampNotice) -> Decision {
    let by = Actor::System("oversight");
    let subject = Subject::Workflow(row.workflow.clone());
    let entry = AuditEntry::new(row.at, by, "oversight.rubber_stamp", subject)
        .fact("person", row.person.clone())
        .fact("told", row.told.clone())
        .fact("figures", row.words.clone());
    let told = notice(
        row.told.clone(),
        row.workflow.clone(),
        "rubber_stamp",
        format!("{}: {} in 7 days: {}", row.workflow, row.person, row.words),
        format!("/workflows/{}", row.workflow),
        row.at,
    );
    let change = DeskChange::InsertStampNotice(row.clone());
    Decision {
        changes: vec![
            Change::Desk(Box::new(change)),
            Change::InsertNotice(Box::new(told)),
        ],
        entry,
    }
}
