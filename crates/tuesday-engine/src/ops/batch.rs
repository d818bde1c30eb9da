//! One day of one workflow: what came in, what became of it, what is still open and with whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::ledger::figures::UNCLASSIFIED;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;
use tuesday_domain::run::Reason;
use tuesday_domain::time::parse_day;
use tuesday_store::{IntakeFilter, QueueFilter, RunFilter};

use super::security::{Egress, EgressDays};
use crate::engine::{Engine, read_problem};

/// Rows read at once.
const PAGE: usize = 500;

/// A day of a workflow.
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// Workflow name.
    pub workflow: String,
    /// Day of receipt in the workflow's time zone.
    pub day: String,
    /// Time zone the day is read in.
    pub time_zone: String,
    /// Runs accepted; the sum of `outcomes`.
    pub intake: u64,
    /// Runs by outcome, or by status where they have not ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Events refused at intake; they are no runs.
    pub refused: u64,
    /// What people still have to do.
    pub open: Vec<OpenCase>,
    /// Every run of the day that a person had, open or not, by why and who.
    pub reasons: Vec<ReasonOwner>,
    /// What left with the runs of the day: where to, which fields, how often.
    pub egress: Vec<Egress>,
    /// Versions the runs were made with.
    pub versions: Vec<Versions>,
    /// Cost of all runs in millionths of `currency`; runs without a known cost count in `cost_unknown`.
    pub cost_micros: i64,
    /// Runs whose cost nobody reported.
    pub cost_unknown: u64,
    /// Currency of the price; absent for models without one.
    pub currency: Option<String>,
}

/// One open exception.
#[derive(Clone, Debug, Serialize)]
pub struct OpenCase {
    /// The run.
    pub run: String,
    /// The task, when there is one.
    pub review: Option<String>,
    /// One line that names the case.
    pub subject: String,
    /// The release whose classes say who may read that line.
    #[serde(skip)]
    pub release: ReleaseId,
    /// Where the run stands.
    pub status: &'static str,
    /// Stable code of why a person has it.
    pub reason: Option<&'static str>,
    /// The person who has it.
    pub owner: String,
    /// When it escalates, RFC 3339.
    pub due_at: Option<String>,
}

/// Runs that one person had for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct ReasonOwner {
    /// Stable code; `unclassified` for runs that say none.
    pub reason: &'static str,
    /// Handle of the person who has or had the last task.
    pub owner: String,
    /// How many.
    pub runs: u64,
    /// Of them, not decided yet.
    pub open: u64,
}

/// One combination of versions.
#[derive(Clone, Debug, Serialize)]
pub struct Versions {
    /// Release id.
    pub release: String,
    /// Its number; absent when the release cannot be read.
    pub number: Option<u32>,
    /// The pinned model.
    pub model: Option<String>,
    /// Decision-table version; absent for runs that were not routed.
    pub rules_version: Option<u64>,
    /// Runs made with it.
    pub runs: u64,
}

impl Engine {
    /// What `day` of `workflow` came to.
    ///
    /// # Errors
    /// `bad_request` for a malformed day, `unknown_workflow`, `unavailable`.
    pub async fn batch(&self, workflow: &str, day: &str) -> Result<Batch, Problem> {
        let day =
            parse_day(day).map_err(|e| Problem::new("bad_request", e.to_string()).field("day"))?;
        let (_, live) = self.live(workflow).await?;
        let runs = self.runs_of(workflow, &day).await?;
        let mut batch = Batch {
            workflow: workflow.to_owned(),
            time_zone: live.ready.def.workflow.time_zone.clone(),
            intake: runs.len() as u64,
            outcomes: BTreeMap::new(),
            refused: self.refused(workflow, &day).await?,
            open: self.open_cases(workflow, &runs).await?,
            reasons: self.reasons(workflow, &day).await?,
            egress: self.left(workflow, &day, &runs).await?,
            versions: self.versions(&runs).await,
            cost_micros: runs.iter().map(|r| r.cost_micros).sum(),
            cost_unknown: runs.iter().filter(|r| r.cost_unknown).count() as u64,
            currency: live.ready.model.price.as_ref().map(|p| p.currency.clone()),
            day,
        };
        for run in &runs {
            let word = run
                .state
                .outcome
                .map_or_else(|| run.state.status.word(), |o| o.word());
            *batch.outcomes.entry(word.to_owned()).or_default() += 1;
        }
        Ok(batch)
    }

    async fn reasons(&self, workflow: &str, day: &str) -> Result<Vec<ReasonOwner>, Problem> {
        let found = self.0.reader.reasons_of_day(workflow, day).await;
        let found = found.map_err(read_problem)?.into_iter();
        Ok(found
            .map(|c| ReasonOwner {
                reason: c.reason.map_or(UNCLASSIFIED, Reason::word),
                owner: c.owner,
                runs: c.runs,
                open: c.open,
            })
            .collect())
    }

    /// What left with these runs. Ways out that nothing took on this day are left out; readings of sources
    /// are not counted, so those of every release that had a run stand there.
    async fn left(&self, workflow: &str, day: &str, runs: &[Run]) -> Result<Vec<Egress>, Problem> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let days = EgressDays {
            from: Some(day.to_owned()),
            to: Some(day.to_owned()),
        };
        let mut numbers = BTreeSet::new();
        for id in runs.iter().map(|r| r.release).collect::<BTreeSet<_>>() {
            numbers.insert(self.loaded(id).await?.number);
        }
        let mut all = Box::pin(self.egress(Some(workflow), &days)).await?;
        all.retain(|e| numbers.contains(&e.release) && e.requests != Some(0));
        Ok(all)
    }

    async fn runs_of(&self, workflow: &str, day: &str) -> Result<Vec<Run>, Problem> {
        let filter = RunFilter {
            workflow: Some(workflow.to_owned()),
            day: Some(day.to_owned()),
            ..RunFilter::default()
        };
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let page = self
                .0
                .reader
                .run_page(&filter, runs.last().map(|r| r.id), PAGE)
                .await
                .map_err(read_problem)?;
            let full = page.len() == PAGE;
            runs.extend(page);
            if !full {
                return Ok(runs);
            }
        }
    }

    /// Events of the day that did not become a run. Intake ids grow with time, so the first older day ends it.
    async fn refused(&self, workflow: &str, day: &str) -> Result<u64, Problem> {
        let (_, live) = self.live(workflow).await?;
        let filter = IntakeFilter {
            workflow: Some(workflow.to_owned()),
            ..IntakeFilter::default()
        };
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self
                .0
                .reader
                .intake_page(&filter, after, PAGE)
                .await
                .map_err(read_problem)?;
            let days = page.iter().map(|i| live.ready.zone.day(i.received_at));
            count += days.filter(|d| d == day).count() as u64;
            let older = page
                .last()
                .is_some_and(|i| live.ready.zone.day(i.received_at).as_str() < day);
            if older || page.len() < PAGE {
                return Ok(count);
            }
            after = page.last().map(|i| i.id);
        }
    }

    async fn open_cases(&self, workflow: &str, runs: &[Run]) -> Result<Vec<OpenCase>, Problem> {
        let by_id: HashMap<RunId, &Run> = runs.iter().map(|r| (r.id, r)).collect();
        let filter = QueueFilter {
            workflow: Some(workflow.to_owned()),
            ..QueueFilter::default()
        };
        let (mut open, mut seen, mut after) = (Vec::new(), BTreeSet::new(), None);
        loop {
            let page = self
                .0
                .reader
                .review_page(&filter, after, PAGE)
                .await
                .map_err(read_problem)?;
            for review in &page {
                let Some(run) = by_id.get(&review.run) else {
                    continue;
                };
                seen.insert(run.id);
                open.push(OpenCase {
                    run: run.id.to_string(),
                    review: Some(review.id.to_string()),
                    subject: review.subject.clone(),
                    release: run.release,
                    status: run.state.status.word(),
                    reason: Some(review.reason.word()),
                    owner: review.owner.clone(),
                    due_at: Some(review.due_at.rfc3339()),
                });
            }
            if page.len() < PAGE {
                break;
            }
            after = page.last().map(|r| (r.due_at, r.id));
        }
        // Runs that a person has without a task, such as those held by a pause.
        for run in runs
            .iter()
            .filter(|r| r.state.status.wants_person() && !seen.contains(&r.id))
        {
            open.push(OpenCase {
                run: run.id.to_string(),
                review: None,
                subject: run.subject.clone(),
                release: run.release,
                status: run.state.status.word(),
                reason: run.reason.map(|r| r.word()),
                owner: run.owner.clone().unwrap_or_default(),
                due_at: None,
            });
        }
        Ok(open)
    }

    async fn versions(&self, runs: &[Run]) -> Vec<Versions> {
        let mut counts: BTreeMap<(ReleaseId, Option<u64>), u64> = BTreeMap::new();
        for run in runs {
            *counts.entry((run.release, run.rules_version)).or_default() += 1;
        }
        let mut out = Vec::with_capacity(counts.len());
        for ((release, rules_version), runs) in counts {
            let loaded = self.loaded(release).await.ok();
            out.push(Versions {
                release: release.to_string(),
                number: loaded.as_ref().map(|r| r.number),
                model: loaded.map(|r| r.ready.model.pin.clone()),
                rules_version,
                runs,
            });
        }
        out
    }
}
