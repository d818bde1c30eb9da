//! Judges the live release again: is it still as good as its pack asks? Nothing moves by it. What the
//! release went live on stays as it was; this stands beside it, and the newest counts.

use std::collections::VecDeque;

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Judgement, Release, Workflow};
use tuesday_domain::time::Timestamp;

use super::approve::{Stale, not_passed};
use super::{Evaluated, Evaluation, GateRecord, entry};
use crate::engine::{Engine, read_problem};

/// Judgements that are told.
const TOLD: u32 = 20;

/// What the gate said about a release while it was live, as people and programs read it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SaidSince {
    /// Counted from 1 for each release.
    pub number: u32,
    /// When.
    pub at: String,
    /// Who asked for it.
    pub by: String,
    /// The bytes are what was stored.
    pub valid: bool,
    /// Nothing was missing and nothing failed.
    pub passed: bool,
    /// Each reason in words; what is wrong with the bytes where they do not count.
    pub reasons: Vec<String>,
}

impl SaidSince {
    fn of(said: &Judgement) -> Self {
        let record = GateRecord::stored(&said.judged, said.hash);
        let reasons = match &record {
            Ok(r) => {
                let all = r.verdict.reasons.iter();
                all.map(|r| format!("{}: {}", r.reason, r.detail)).collect()
            }
            Err(why) => vec![why.clone()],
        };
        Self {
            number: said.number,
            at: said.at.rfc3339(),
            by: said.by.clone(),
            valid: record.is_ok(),
            passed: record.is_ok_and(|r| r.verdict.passed),
            reasons,
        }
    }
}

impl Engine {
    /// What the gate said about a release since it is live, the newest first.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn judged_since(
        &self,
        release: tuesday_domain::id::ReleaseId,
    ) -> Result<Vec<SaidSince>, Problem> {
        let all = self.0.reader.judgements(release, TOLD).await;
        Ok(all
            .map_err(read_problem)?
            .iter()
            .map(SaidSince::of)
            .collect())
    }

    /// Tries the pack on the live release and keeps what the gate says. A run that is killed leaves
    /// nothing and is made again from the start.
    pub(super) async fn judge_live(
        &self,
        row: Release,
        how: Evaluation<'_>,
        by: &Actor,
    ) -> Result<Evaluated, Problem> {
        let bench = self.bench(row, how.repeats).await?;
        let started = self.now();
        let tried = self.cases_tried(&bench, VecDeque::new(), &how, None);
        let (summary, paired, reused) = Box::pin(tried).await?;
        let (record, _) = self.judgement(&bench, started, summary, paired).await?;
        let earlier = self.0.reader.judgements(bench.row.id, 1).await;
        let number = earlier
            .map_err(read_problem)?
            .first()
            .map_or(1, |j| j.number + 1);
        let (now, (judged, hash)) = (self.now(), record.bytes());
        let said = Judgement {
            release: bench.row.id,
            number,
            at: now,
            by: by.to_string(),
            judged,
            hash,
        };
        let entry = bench.facts(entry("release.judged_live", &bench.row, by, now));
        let entry = record.told(entry).fact("passed", record.verdict.passed);
        let changes = vec![Change::InsertJudgement(Box::new(said))];
        self.commit_release(Decision { changes, entry }).await?;
        Ok(Evaluated {
            release: bench.row,
            record,
            reused,
        })
    }

    /// The newest that the gate said about a release, and when: before it went live, or since.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn newest_judgement(
        &self,
        release: tuesday_domain::id::ReleaseId,
    ) -> Result<Result<(GateRecord, Timestamp), String>, Problem> {
        let reader = &self.0.reader;
        let newest = reader.judgements(release, 1).await.map_err(read_problem)?;
        if let Some(said) = newest.into_iter().next() {
            return Ok(GateRecord::stored(&said.judged, said.hash).map(|r| (r, said.at)));
        }
        let gate = reader.gate(release).await.map_err(read_problem)?;
        let at = gate.as_ref().map(|g| g.finished_at.unwrap_or(g.started_at));
        Ok(GateRecord::of(gate.as_ref()).and_then(|record| {
            at.map(|at| (record, at))
                .ok_or_else(|| "it was never evaluated".to_owned())
        }))
    }

    /// Why the live release has no judgement that a workflow could be trusted more on; nothing when it
    /// has: the gate passed on this text and the table in force, not long ago.
    pub(crate) async fn live_unjudged(
        &self,
        workflow: &Workflow,
    ) -> Result<Option<(Release, String)>, Problem> {
        let row = self.release_row(workflow.live_release).await?;
        let why = match self.newest_judgement(row.id).await? {
            Err(why) => Some(why),
            Ok((record, at)) => match self.holds(&row, &record, Some(at)).await? {
                Some(Stale::Again(why) | Stale::Never(why)) => Some(why),
                None => None,
            },
        };
        Ok(why.map(|why| (row, why)))
    }

    /// Refuses to trust a workflow more whose live release the gate has not passed.
    ///
    /// # Errors
    /// `gate_not_passed`.
    pub(crate) async fn live_passed(&self, workflow: &Workflow) -> Result<(), Problem> {
        match self.live_unjudged(workflow).await? {
            Some((row, why)) => Err(not_passed(&row, &why)),
            None => Ok(()),
        }
    }
}
