//! What a change would have done to past runs: counted page by page, so that a history of any
//! length needs the memory of one page.
//!
//! Both tables are asked about the same stored values. The interval around the share of errors is
//! the exact one of Clopper and Pearson (1934); an error is a run that the new table lets through
//! and that a person edited, rejected or did by hand.

use std::collections::BTreeMap;

use serde::Serialize;

use super::backtest::{FactTable, Landing, Layout, SchemaMismatch};
use super::column::Column;
use super::interval::clopper_pearson;
use super::table::{Route, RuleSet};
use crate::id::RunId;
use crate::record::ReviewDecision;
use crate::time::Timestamp;

/// Where a run goes, as coarse as it matters to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Without a person.
    Auto,
    /// A person reviews.
    Review,
    /// Refused, excluded, or done by hand from the start.
    Refused,
}

/// One past run as it is stored.
#[derive(Clone, Debug)]
pub struct PastRun {
    /// The run.
    pub run: RunId,
    /// The rules version that was asked.
    pub version: u64,
    /// Its compared values.
    pub facts: Vec<u8>,
    /// When it was routed.
    pub at: Timestamp,
    /// What a person decided.
    pub decision: Option<ReviewDecision>,
}

/// Runs that would go another way, by what people had decided about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// How many.
    pub runs: u64,
    /// Approved as they stood.
    pub approved: u64,
    /// Approved after an edit.
    pub edited: u64,
    /// Rejected.
    pub rejected: u64,
    /// Done by hand.
    pub by_hand: u64,
    /// Nobody has decided about them.
    pub undecided: u64,
}

impl Moved {
    fn add(&mut self, decision: Option<ReviewDecision>) {
        self.runs += 1;
        match decision {
            Some(ReviewDecision::Approve) => self.approved += 1,
            Some(ReviewDecision::ApproveWithEdits) => self.edited += 1,
            Some(ReviewDecision::Reject) => self.rejected += 1,
            Some(ReviewDecision::HandOver | ReviewDecision::CloseFailed) => self.by_hand += 1,
            _ => self.undecided += 1,
        }
    }

    /// Runs that a person decided.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.approved + self.edited + self.rejected + self.by_hand
    }

    /// Runs whose output a person did not leave as it was.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.edited + self.rejected + self.by_hand
    }

    /// The exact interval of the share of errors among the decided ones.
    #[must_use]
    pub fn error_interval(&self, confidence: f64) -> (f64, f64) {
        clopper_pearson(self.errors(), self.decided(), confidence)
    }
}

/// A run that would go another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedRun {
    /// The run.
    pub run: RunId,
    /// Where the table in force sends it.
    pub from: Lane,
    /// Where the new table sends it.
    pub to: Lane,
    /// What a person had decided.
    pub decision: Option<ReviewDecision>,
}

/// The result so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that were asked again.
    pub runs: u64,
    /// Runs of other columns, which cannot be asked again.
    pub left_out: u64,
    /// Runs by lane under the table in force.
    pub before: BTreeMap<Lane, u64>,
    /// Runs by lane under the new table.
    pub after: BTreeMap<Lane, u64>,
    /// Runs that move, by where from and where to.
    pub moved: BTreeMap<(Lane, Lane), Moved>,
    /// The first of those, newest first.
    pub items: Vec<MovedRun>,
    /// Hits by row of the new table.
    pub hits: Vec<u64>,
    /// When the newest run was routed.
    pub newest: Option<Timestamp>,
    /// When the oldest run was routed.
    pub oldest: Option<Timestamp>,
}

impl Tally {
    /// Runs that would go without a person and do not now.
    #[must_use]
    pub fn newly_auto(&self) -> Moved {
        let mut sum = Moved::default();
        for ((_, _), m) in self.moved.iter().filter(|((_, to), _)| *to == Lane::Auto) {
            sum.runs += m.runs;
            sum.approved += m.approved;
            sum.edited += m.edited;
            sum.rejected += m.rejected;
            sum.by_hand += m.by_hand;
            sum.undecided += m.undecided;
        }
        sum
    }

    /// Reviews a day that the change adds, or saves when negative; nothing without a history.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of runs are far below 2^52"
    )]
    pub fn reviews_per_day(&self) -> Option<f64> {
        let (newest, oldest) = (self.newest?, self.oldest?);
        let days = ((newest.micros() - oldest.micros()) as f64 / 86_400e6).max(1.0);
        let count = |lanes: &BTreeMap<Lane, u64>| *lanes.get(&Lane::Review).unwrap_or(&0) as f64;
        Some((count(&self.after) - count(&self.before)) / days)
    }
}

/// Asks two tables about a history.
#[derive(Debug)]
pub struct Replay<'a> {
    old: &'a RuleSet,
    new: &'a RuleSet,
    table: FactTable,
    layouts: BTreeMap<u64, Option<Layout>>,
    kept: Vec<usize>,
    most_items: usize,
    tally: Tally,
}

impl<'a> Replay<'a> {
    /// A replay that lists at most `most_items` of the runs that move.
    #[must_use]
    pub fn new(old: &'a RuleSet, new: &'a RuleSet, most_items: usize) -> Self {
        Self {
            old,
            new,
            table: FactTable::new(new.columns()),
            layouts: BTreeMap::new(),
            kept: Vec::new(),
            most_items,
            tally: Tally {
                hits: vec![0; new.rows().len()],
                ..Tally::default()
            },
        }
    }

    /// Whether the columns of a rules version are known already.
    #[must_use]
    pub fn knows(&self, version: u64) -> bool {
        self.layouts.contains_key(&version)
    }

    /// Makes the columns of a rules version known; none when that version cannot be read.
    pub fn learn(&mut self, version: u64, columns: Option<&[Column]>) {
        let layout = columns.and_then(|columns| self.table.layout(columns));
        self.layouts.insert(version, layout);
    }

    /// Asks both tables about a page of runs. Versions that were not made known count as left out.
    ///
    /// # Errors
    /// [`SchemaMismatch`] when the two tables have different columns.
    pub fn page(&mut self, runs: &[PastRun]) -> Result<(), SchemaMismatch> {
        self.table.clear();
        self.kept.clear();
        for (at, run) in runs.iter().enumerate() {
            let layout = self.layouts.get(&run.version).and_then(Option::as_ref);
            match layout {
                Some(layout) if self.table.push_packed(layout, &run.facts) => self.kept.push(at),
                _ => self.tally.left_out += 1,
            }
        }
        let (before, after) = (self.table.land(self.old)?, self.table.land(self.new)?);
        for ((at, was), is) in self.kept.iter().zip(before).zip(after) {
            if let Some(run) = runs.get(*at) {
                self.tally.count(
                    run,
                    lane(self.old, was),
                    lane(self.new, is),
                    self.most_items,
                );
            }
            if let Landing::Row(row) = is
                && let Some(hits) = self.tally.hits.get_mut(row as usize)
            {
                *hits += 1;
            }
        }
        Ok(())
    }

    /// The result.
    #[must_use]
    pub fn finish(self) -> Tally {
        self.tally
    }
}

impl Tally {
    fn count(&mut self, run: &PastRun, from: Lane, to: Lane, most_items: usize) {
        self.runs += 1;
        *self.before.entry(from).or_default() += 1;
        *self.after.entry(to).or_default() += 1;
        self.newest = self.newest.max(Some(run.at));
        self.oldest = Some(self.oldest.map_or(run.at, |oldest| oldest.min(run.at)));
        if from != to {
            self.moved.entry((from, to)).or_default().add(run.decision);
            if self.items.len() < most_items {
                self.items.push(MovedRun {
                    run: run.run,
                    from,
                    to,
                    decision: run.decision,
                });
            }
        }
    }
}

/// What the rules cannot judge is reviewed.
fn lane(rules: &RuleSet, landing: Landing) -> Lane {
    let Landing::Row(row) = landing else {
        return Lane::Review;
    };
    match rules.rows().get(row as usize).map(|row| row.route) {
        Some(Route::Auto) => Lane::Auto,
        Some(Route::Manual | Route::Excluded | Route::Refuse) => Lane::Refused,
        Some(Route::Review) | None => Lane::Review,
    }
}
