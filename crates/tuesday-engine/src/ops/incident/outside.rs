//! Quality signals from outside: compliance flags, complaints, returns. They are counted, each event
//! once, and pause rules read the counts.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, OutsideSignal, Subject, TroubleChange};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, apply_problem, read_problem};

/// What somebody outside says.
#[derive(Clone, Debug)]
pub struct NewSignal {
    /// The sender's name for it; the same one counts once.
    pub event: String,
    /// What: `compliance_flag`, `complaint`, `return`, or a word of the sender's.
    pub kind: String,
    /// The run it is about, when it is known.
    pub run: Option<RunId>,
    /// The record it is about, where the run is not known.
    pub record: Option<String>,
    /// How many; at least 1.
    pub count: u32,
    /// When it happened; absent means now.
    pub at: Option<Timestamp>,
}

impl Engine {
    /// Counts a signal.
    ///
    /// # Errors
    /// `unknown_workflow`, `bad_request` naming the field, `not_found` for a run that is not there.
    pub async fn outside_signal(
        &self,
        workflow: &str,
        new: NewSignal,
        by: &Actor,
    ) -> Result<OutsideSignal, Problem> {
        self.known_workflow(workflow).await?;
        let word = |field: &'static str, text: &str, most: usize| {
            let ok = !text.is_empty()
                && text.len() <= most
                && text.chars().all(|c| c.is_ascii_graphic());
            let words = format!("1 to {most} letters, digits or marks without spaces");
            if ok {
                Ok(text.to_owned())
            } else {
                Err(Problem::new("bad_request", words).field(field))
            }
        };
        let now = self.now();
        if new.count == 0 || new.count > 10_000 {
            return Err(Problem::new("bad_request", "1 to 10000").field("count"));
        }
        if new.at.is_some_and(|at| at > now) {
            return Err(Problem::new("bad_request", "it lies in the future").field("at"));
        }
        let run = match (new.run, new.record.as_deref()) {
            (Some(run), _) => {
                let row = self.0.reader.run(run).await.map_err(read_problem)?;
                let row = row.filter(|r| r.workflow == workflow).ok_or_else(|| {
                    Problem::new("not_found", format!("{workflow} has no {run}")).field("run")
                })?;
                Some(row.id)
            }
            // A record nobody knows is no reason to lose the signal.
            (None, Some(record)) => self
                .0
                .reader
                .run_written_to(record)
                .await
                .map_err(read_problem)?,
            (None, None) => None,
        };
        let signal = OutsideSignal {
            workflow: workflow.to_owned(),
            event: word("event", &new.event, 200)?,
            kind: word("kind", &new.kind, 60)?,
            run,
            count: new.count,
            at: new.at.unwrap_or(now),
            sent_by: by.to_string(),
        };
        let entry = AuditEntry::new(
            now,
            by.clone(),
            "signal.received",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("kind", signal.kind.clone())
        .fact("event", signal.event.clone())
        .fact("count", signal.count);
        let change = TroubleChange::PutSignal(signal.clone());
        let changes = vec![Change::Trouble(Box::new(change))];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(signal)
    }
}
