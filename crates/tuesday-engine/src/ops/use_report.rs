//! What a signal says about the use of an output, kept beside it; and word to the operator owner when the
//! old way is used, once a day. While people do the work by declaration, it is no bypass.

use tuesday_domain::adoption::Uptake;
use tuesday_domain::charter::{Facts, Statement};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, RolloutChange, Signal, UseReport, Workflow};

use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;

impl Engine {
    /// What is kept and told with a signal; nothing when it says nothing about use.
    pub(super) async fn use_told(
        &self,
        row: &Workflow,
        signal: &Signal,
    ) -> Result<(Option<Uptake>, Vec<Change>), Problem> {
        let declared = self.0.reader.charter_facts(&row.name).await;
        let declared = Facts::new(declared.map_err(read_problem)?);
        let old_path = declared.value(Statement::OldPathSignal);
        let Some(uptake) = Uptake::of_signal(&signal.kind, old_path) else {
            return Ok((None, Vec::new()));
        };
        let bypassed = uptake == Uptake::Bypassed;
        // Without a run only the old way can be known to be used.
        if (signal.run.is_none() && !bypassed) || (bypassed && row.rollout.fallback) {
            return Ok((None, Vec::new()));
        }
        let (_, live) = self.live(&row.name).await?;
        let zone = &live.ready.zone;
        let report = UseReport {
            workflow: signal.workflow.clone(),
            event: signal.event.clone(),
            run: signal.run,
            uptake,
            count: signal.count,
            day: zone.day(signal.at),
            at: signal.at,
            received_at: signal.received_at,
        };
        let insert = RolloutChange::InsertUse(report);
        let mut changes = vec![Change::Rollout(Box::new(insert))];
        if bypassed {
            let since = zone.day_start(signal.received_at);
            let told = self.0.reader.old_path_told(&row.name, since).await;
            if !told.map_err(read_problem)? {
                let words = self.old_path_words(row, signal.count).await?;
                let told = notice(
                    live.ready.def.owners.operator.handle.clone(),
                    row.name.clone(),
                    "old_path_used",
                    format!("{}: the old way was used {words}", row.name),
                    format!("/workflows/{}/adoption", row.name),
                    signal.received_at,
                );
                changes.push(Change::InsertNotice(Box::new(told)));
            }
        }
        Ok((Some(uptake), changes))
    }
}
