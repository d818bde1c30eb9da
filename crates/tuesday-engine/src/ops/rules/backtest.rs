//! What a change would have done to the workflow's own past runs, before it is saved. Reads the
//! history page by page and changes nothing.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::RuleSetRow;
use tuesday_domain::rules::{
    Change, FactTable, Finding, Landing, PastRun, Replay, Route, RuleSet, Tally,
};
use tuesday_domain::time::Timestamp;

use super::RulesEdit;
use crate::catalog::LoadFault;
use crate::engine::{Engine, read_problem};

/// Runs held in memory at once.
const PAGE: usize = 20_000;
/// Moving runs that are listed.
const ITEMS: usize = 50;
/// Open tasks that are asked about.
const OPEN: usize = 5_000;

/// How far back to look; without any limit, the last ten thousand runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct BacktestWindow {
    /// The newest so many runs.
    pub last: Option<u64>,
    /// The runs of so many days.
    pub days: Option<u32>,
}

/// The result of a back-test.
#[derive(Clone, Debug)]
pub struct Backtest {
    /// The version in force that the change is compared with.
    pub base: RuleSetRow,
    /// The new table as text.
    pub csv: String,
    /// What it does differently.
    pub change: Change,
    /// What the checks have to say about it.
    pub findings: Vec<Finding>,
    /// Why a second person must agree; empty when nobody must.
    pub second_person: Vec<Finding>,
    /// What would have become of past runs.
    pub tally: Tally,
    /// Row ids of the new table, in the order of `tally.hits`.
    pub rows: Vec<String>,
    /// Open tasks that the new table would let through; they stay with their reviewers.
    pub open_now_auto: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// A page on its way, and how many runs it may hold. Dropped, it is not read to its end.
struct Reading(JoinHandle<Result<Vec<PastRun>, Problem>>, usize);

impl Reading {
    async fn page(mut self) -> Result<(Vec<PastRun>, usize), Problem> {
        let failed = |e: tokio::task::JoinError| Problem::new("internal", e.to_string());
        let page = (&mut self.0).await.map_err(failed)??;
        Ok((page, self.1))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    /// Asks the history about a change, judged as if `by` made it.
    ///
    /// # Errors
    /// Those of a change, except a missing reason or right.
    pub async fn backtest_rules(
        &self,
        workflow: &str,
        by: &str,
        wanted: &RulesEdit,
        window: BacktestWindow,
    ) -> Result<Backtest, Problem> {
        let started = Instant::now();
        let desk = self.rules_desk(workflow).await?;
        let judged = self.judged(&desk, by, wanted).await?;
        let tally = self
            .replay(workflow, &desk.rules, &judged.rules, window)
            .await?;
        let open_now_auto = self.open_now_auto(workflow, &judged.rules).await?;
        Ok(Backtest {
            base: desk.active,
            csv: tuesday_domain::rules::to_csv(&judged.rules),
            change: judged.change,
            findings: judged.findings,
            second_person: judged.second_person,
            tally,
            rows: judged.rules.rows().iter().map(|r| r.id.clone()).collect(),
            open_now_auto,
            took_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    async fn replay(
        &self,
        workflow: &str,
        old: &RuleSet,
        new: &RuleSet,
        window: BacktestWindow,
    ) -> Result<Tally, Problem> {
        let since = window.days.map(|days| {
            let back = Duration::from_secs(u64::from(days) * 86_400).as_micros();
            let now = self.now().micros();
            Timestamp::from_micros(now.saturating_sub(i64::try_from(back).unwrap_or(i64::MAX)))
        });
        let mut left = match (window.last, window.days) {
            (Some(last), _) => last,
            (None, Some(_)) => u64::MAX,
            (None, None) => 10_000,
        };
        let mut replay = Replay::new(old, new, ITEMS);
        let mut ahead = self.read_ahead(workflow, None, since, left);
        while let Some(reading) = ahead.take() {
            let (page, size) = reading.page().await?;
            let Some(last) = page.last() else { break };
            left -= page.len() as u64;
            // The next page is read while this one is judged: two pages are in memory, never more.
            if page.len() == size {
                ahead = self.read_ahead(workflow, Some(last.run), since, left);
            }
            self.learn(workflow, &mut replay, &page).await?;
            replay
                .page(&page)
                .map_err(|e| Problem::new("internal", e.to_string()))?;
        }
        Ok(replay.finish())
    }

    /// Starts reading the next page; nothing once enough was read.
    fn read_ahead(
        &self,
        workflow: &str,
        before: Option<RunId>,
        since: Option<Timestamp>,
        left: u64,
    ) -> Option<Reading> {
        let size = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
        if size == 0 {
            return None;
        }
        let (reader, workflow) = (self.0.reader.clone(), workflow.to_owned());
        let reading = tokio::spawn(async move {
            let page = reader.past_runs(&workflow, before, since, size).await;
            page.map_err(read_problem)
        });
        Some(Reading(reading, size))
    }

    /// Reads the columns of rules versions that are met for the first time.
    async fn learn(
        &self,
        workflow: &str,
        replay: &mut Replay<'_>,
        page: &[PastRun],
    ) -> Result<(), Problem> {
        for run in page {
            if replay.knows(run.version) {
                continue;
            }
            let found = self
                .0
                .catalog
                .rules(&self.0.reader, workflow, run.version)
                .await;
            match found {
                Ok(rules) => replay.learn(run.version, Some(rules.columns())),
                Err(LoadFault::Read(e)) => return Err(read_problem(e)),
                Err(_) => replay.learn(run.version, None),
            }
        }
        Ok(())
    }

    async fn open_now_auto(&self, workflow: &str, rules: &RuleSet) -> Result<u64, Problem> {
        let open = self
            .0
            .reader
            .open_routed(workflow, OPEN)
            .await
            .map_err(read_problem)?;
        let mut table = FactTable::new(rules.columns());
        for run in &open {
            let then = self
                .0
                .catalog
                .rules(&self.0.reader, workflow, run.version)
                .await;
            if let Ok(then) = then
                && let Some(layout) = table.layout(then.columns())
            {
                table.push_packed(&layout, &run.facts);
            }
        }
        let landings = table
            .land(rules)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let auto = |landing: &&Landing| match landing {
            Landing::Row(at) => rules
                .rows()
                .get(*at as usize)
                .is_some_and(|row| row.route == Route::Auto),
            Landing::Person => false,
        };
        Ok(landings.iter().filter(auto).count() as u64)
    }
}
