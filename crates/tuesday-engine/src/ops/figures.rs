//! What each day came to, made from the records of its runs: for the days whose records moved since the
//! last time, or for one that somebody asks about.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tuesday_domain::drift::{shift_of, shifts};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::DayRow;
use tuesday_store::{DayState, FigureMark};
use uuid::Uuid;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Runs read at once.
const PAGE: usize = 2_000;
/// How long a commit may take to become visible after its times were taken.
const SETTLED: Duration = Duration::from_secs(120);

impl Engine {
    /// Makes the figures of every day whose records moved since the last time; answers how many.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn make_figures(&self) -> Result<usize, Problem> {
        let reader = &self.0.reader;
        let mark = reader.figure_mark().await.map_err(read_problem)?;
        let next = FigureMark {
            run: ids::moment_ago(SETTLED),
            at: self.now().minus(SETTLED),
        };
        let days = reader.moved_days(mark).await.map_err(read_problem)?;
        for (workflow, day) in &days {
            self.make_day(workflow, day).await?;
        }
        // A mark that moved back with a clock would only mean more work.
        self.0
            .store
            .put_figure_mark(next)
            .await
            .map_err(apply_problem)?;
        Ok(days.len())
    }

    /// Makes the figures of one day.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn make_day(&self, workflow: &str, day: &str) -> Result<(), Problem> {
        let made = self.figures_of(workflow, day).await?;
        self.0.store.put_day(&made).await.map_err(apply_problem)
    }

    /// What the records of a day say now, whatever is kept.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn figures_of(&self, workflow: &str, day: &str) -> Result<DayState, Problem> {
        let made_at = self.now();
        let live = self.live(workflow).await.ok();
        let shifts = live.as_ref().map(|(_, l)| shifts(&l.ready.def.shift));
        let mut sums: BTreeMap<(ReleaseId, String), DayFigures> = BTreeMap::new();
        let mut currencies: HashMap<ReleaseId, Option<String>> = HashMap::new();
        let mut after = None;
        loop {
            let page = self.0.reader.run_facts(workflow, day, after, PAGE).await;
            let page = page.map_err(read_problem)?;
            after = page.last().map(|(id, _)| *id);
            let full = page.len() == PAGE;
            for (_, mut run) in page {
                let lacks = |c: &&mut tuesday_domain::ledger::figures::CallFacts| {
                    c.currency.is_none() && c.cost_micros.is_some_and(|m| m != 0)
                };
                // Calls from before the currency was kept with them were priced by their package.
                run.shift = match (&live, &shifts) {
                    (Some((_, l)), Some(shifts)) => {
                        shift_of(shifts, l.ready.zone.week_minute(run.received_at))
                    }
                    _ => String::new(),
                };
                for call in run.calls.iter_mut().filter(lacks) {
                    call.currency = self.package_currency(run.release, &mut currencies).await;
                }
                let key = (run.release, run.tier().to_owned());
                sums.entry(key)
                    .or_insert_with_key(|_| DayFigures::new())
                    .add(&run);
            }
            if !full {
                break;
            }
        }
        let rows: Vec<DayRow> = sums
            .into_iter()
            .map(|((release, tier), figures)| DayRow {
                workflow: workflow.to_owned(),
                day: day.to_owned(),
                release,
                tier,
                figures,
            })
            .collect();
        Ok(DayState {
            workflow: workflow.to_owned(),
            day: day.to_owned(),
            open: rows.iter().map(|r| r.figures.open).sum(),
            rows,
            made_at,
        })
    }

    async fn package_currency(
        &self,
        release: ReleaseId,
        known: &mut HashMap<ReleaseId, Option<String>>,
    ) -> Option<String> {
        if let Some(found) = known.get(&release) {
            return found.clone();
        }
        let loaded = self.loaded(release).await.ok();
        let price = loaded.as_ref().and_then(|r| r.ready.model.price.as_ref());
        let found = price.map(|p| p.currency.clone());
        known.insert(release, found.clone());
        found
    }
}

/// The smallest id that was made so long ago.
pub(crate) fn bound(now: Uuid, ago: Duration) -> Uuid {
    let millis = now.as_u128() >> 80;
    Uuid::from_u128(millis.saturating_sub(ago.as_millis()) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_below_every_id_made_later() {
        let now = Uuid::now_v7();
        assert!(bound(now, Duration::ZERO) <= now);
        assert!(bound(now, Duration::from_millis(1)) < bound(now, Duration::ZERO));
        assert_eq!(bound(Uuid::nil(), Duration::from_secs(1)), Uuid::nil());
    }
}
