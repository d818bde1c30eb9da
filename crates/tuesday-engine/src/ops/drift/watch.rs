//! Looks at every workflow's mix: freezes a first baseline, and opens a finding once for each dimension,
//! with an incident, a signal for pause rules, and word to the operator owner.

use tuesday_domain::drift::{Dimension, Found, Judged};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DriftFinding, DriftState, LoadChange, Subject, Workflow,
};
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use super::changes::{Around, NOTHING};
use super::shifts::{Grain, YEAR, judged};
use super::{SYSTEM, signal};
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// The kind of signal that a finding posts; pause rules can count it.
const KIND: &str = "drift";

impl Engine {
    /// Judges the mix of every workflow and keeps what is found.
    ///
    /// # Errors
    /// None for now: a workflow that cannot be judged is told of in the program's own log, and must not
    /// keep the others from being watched.
    pub async fn watch_mixes(&self) -> Result<(), Problem> {
        for workflow in self.0.catalog.workflows() {
            match Box::pin(self.watch_drift(&workflow)).await {
                Ok(()) => {}
                Err(e) if e.code == "revision_moved" => {}
                Err(e) => {
                    tracing::warn!(workflow = %workflow.name, error = %e, "the mix could not be judged");
                }
            }
        }
        Ok(())
    }

    /// Judges the mix of a workflow and keeps what is found. Two nodes that do so at once keep it once.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn watch_drift(&self, seen: &Workflow) -> Result<(), Problem> {
        if seen.label == Label::Retired {
            return Ok(());
        }
        let (row, live) = self.live(&seen.name).await?;
        let today = self.today(Some(&row.name)).await?;
        let Some(frozen) = self.frozen(&row.name).await? else {
            let days = live.ready.def.drift.baseline_days;
            return self.freeze_first(&row.name, days, today).await.map(drop);
        };
        let from = frozen.to.plus(-1).max(today.plus(-YEAR));
        let days = self.day_mixes(&row.name, from, today).await?;
        let findings = self.0.reader.drift_findings(&row.name, 50).await;
        let findings = findings.map_err(read_problem)?;
        for dimension in Dimension::ALL {
            let open = findings
                .iter()
                .any(|f| f.state == DriftState::Open && f.dimension == dimension.word());
            if open {
                continue;
            }
            let each = Grain::ALL
                .map(|grain| judged(&frozen, &days, (*dimension, grain), &findings, &live));
            let found = each.iter().find_map(|j| Some((j, j.found.clone()?)));
            let Some((judged, found)) = found else {
                continue;
            };
            let now = self.now();
            let around = self.around(&row.name, &frozen, &days, &found, now).await?;
            let kept = |e: serde_json::Error| Problem::new("internal", e.to_string());
            let finding = DriftFinding {
                workflow: row.name.clone(),
                seq: findings.first().map_or(0, |f| f.seq) + 1,
                state: DriftState::Open,
                note: None,
                closed_by: None,
                closed_at: None,
                revision: 0,
                baseline: frozen.row.version,
                dimension: dimension.word().to_owned(),
                day: judged.shifts[found.at].day.to_string(),
                shift: judged.shifts[found.at].shift.clone(),
                since: found.since.to_string(),
                words: words(*dimension, judged, &found),
                figures: serde_json::to_string(&judged.shifts[found.at]).map_err(kept)?,
                changes: serde_json::to_string(&around).map_err(kept)?,
                owner: live.ready.def.owners.operator.handle.clone(),
                found_at: now,
            };
            match self.apply(self.found(finding, &around)).await {
                Ok(_) | Err(ApplyError::Conflict { .. }) => {}
                Err(e) => return Err(apply_problem(e)),
            }
            // The next pass has the next number.
            return Ok(());
        }
        Ok(())
    }

    fn found(&self, finding: DriftFinding, around: &[Around]) -> Decision {
        let (name, now) = (finding.workflow.clone(), finding.found_at);
        let first = around.first().map_or_else(
            || NOTHING.to_owned(),
            |a| format!("first to look at: {} ({})", a.words, a.what),
        );
        let subject = format!("{name} {}", finding.dimension);
        let said = format!("{}; {first}", finding.words);
        let trouble = Trouble::new(Category::DriftFound, subject, Some(&name), &said);
        let title = format!("{name}: {}", finding.words);
        let path = format!("/workflows/{name}/drift");
        let told = notice(
            finding.owner.clone(),
            name.clone(),
            "drift_found",
            title,
            path,
            now,
        );
        let posted = signal(&name, KIND, finding.seq, now);
        let entry = AuditEntry::new(now, SYSTEM, "drift.found", Subject::Workflow(name))
            .fact("finding", finding.seq)
            .fact("dimension", finding.dimension.clone())
            .fact("words", finding.words.clone())
            .fact("since", finding.since.clone())
            .fact("owner", finding.owner.clone());
        Decision {
            changes: vec![
                Change::Load(Box::new(LoadChange::InsertFinding(finding))),
                posted,
                self.report_trouble(trouble),
                Change::InsertNotice(Box::new(told)),
            ],
            entry,
        }
    }
}

/// The capital grows by itself once something has moved: nobody needs eleven digits of it.
fn told(evidence: f64) -> String {
    if evidence >= 1e6 {
        "over a million".to_owned()
    } else {
        format!("{evidence:.0}")
    }
}

/// `rejected rose from 5.0 to 45.0 % …`.
fn words(dimension: Dimension, judged: &Judged, found: &Found) -> String {
    let shift = &judged.shifts[found.at];
    let percent = |ppm: i64| format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10);
    let moved = shift.moved.iter().find(|m| m.key == found.key);
    let size = moved.map_or_else(String::new, |m| {
        format!(
            " from {} to {} ({} to {})",
            percent(m.baseline_ppm),
            percent(m.share_ppm),
            percent(m.low_ppm),
            percent(m.high_ppm)
        )
    });
    let place = if shift.shift.is_empty() {
        format!("on {} as a whole", shift.day)
    } else {
        format!("in the {} shift of {}", shift.shift, shift.day)
    };
    format!(
        "{dimension} mix: {} {}{size} {place}, {} runs; evidence {} where {:.0} suffices, strongest since {}",
        found.key,
        if found.rose { "rose" } else { "fell" },
        shift.runs,
        told(found.evidence),
        judged.suffices,
        found.since
    )
}
