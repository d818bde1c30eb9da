//! How many tasks a filter finds, exactly: one pass over the index of open tasks.

use std::collections::BTreeMap;

use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::Reason;

use super::page::{DueGroup, QueueFilter, QueueTimes, conditions};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::Select;
use crate::value::{Row, Value};

/// Exact counts of a filter. Each list says how many tasks there would be with that value and the
/// rest of the filter as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Tasks the whole filter finds.
    pub total: u64,
    /// By how soon they are due, in the order of [`DueGroup::ALL`].
    pub groups: [u64; 4],
    /// Whoever has them.
    pub all: u64,
    /// The person of `mine` owns them or is on them; 0 when the filter names nobody.
    pub mine: u64,
    /// Nobody is on them.
    pub unclaimed: u64,
    /// By workflow.
    pub workflows: BTreeMap<String, u64>,
    /// By owner.
    pub owners: BTreeMap<String, u64>,
    /// By tier.
    pub tiers: BTreeMap<String, u64>,
    /// By kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// By reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// One combination of values with its tasks by group.
struct Cell {
    workflow: String,
    owner: String,
    state: ReviewState,
    claimed_by: Option<String>,
    tier: String,
    kind: ReviewKind,
    reason: Reason,
    groups: [u64; 4],
}

fn cell(r: Row<'_>) -> Result<Cell, ReadError> {
    let (all, overdue, soon, today): (u64, u64, u64, u64) =
        (r.num(7)?, r.num(8)?, r.num(9)?, r.num(10)?);
    // Each sum holds the ones before it, except where the day ends within the hour.
    let today = today.max(soon);
    Ok(Cell {
        workflow: r.text(0)?,
        owner: r.text(1)?,
        state: r.word(2)?,
        claimed_by: r.opt_text(3)?,
        tier: r.text(4)?,
        kind: r.word(5)?,
        reason: r.word(6)?,
        groups: [overdue, soon - overdue, today - soon, all - today],
    })
}

/// The statement behind the counts: every combination of open tasks the text finds.
pub(super) fn statement(filter: &QueueFilter, times: &QueueTimes) -> (String, Vec<Value>) {
    let at = |t: tuesday_domain::time::Timestamp| Value::Int(t.micros());
    let mut q = Select::new("");
    q.push(
        "SELECT workflow, owner, state, claimed_by, tier, kind, reason, count(*), \
         sum(CASE WHEN due_at < ? THEN 1 ELSE 0 END), sum(CASE WHEN due_at < ? THEN 1 ELSE 0 END), \
         sum(CASE WHEN due_at < ? THEN 1 ELSE 0 END) FROM reviews",
        [at(times.now), at(times.soon()), at(times.day_end)],
    );
    let wide = QueueFilter {
        states: filter.states.clone(),
        text: filter.text.clone(),
        among: filter.among.clone(),
        ..QueueFilter::default()
    };
    conditions(&mut q, &wide, None);
    q.push(
        " GROUP BY workflow, owner, state, claimed_by, tier, kind, reason",
        [],
    )
    .done()
}

/// What a filter asks of a combination, one answer for each of its parts.
struct Fits {
    workflow: bool,
    owner: bool,
    holder: bool,
    tier: bool,
    kind: bool,
    reason: bool,
}

impl Fits {
    fn of(f: &QueueFilter, c: &Cell) -> Self {
        let is = |want: &Option<String>, has: &str| want.as_deref().is_none_or(|w| w == has);
        Self {
            workflow: is(&f.workflow, &c.workflow),
            owner: is(&f.owner, &c.owner)
                && f.claimed_by
                    .as_deref()
                    .is_none_or(|w| c.claimed_by.as_deref() == Some(w)),
            holder: f.mine.as_deref().is_none_or(|me| c.is_of(me))
                && !(f.unclaimed && c.state == ReviewState::Claimed),
            tier: is(&f.tier, &c.tier),
            kind: f.kind.is_none_or(|k| k == c.kind),
            reason: f.reason.is_none_or(|r| r == c.reason),
        }
    }

    /// Everything fits; the named part is not asked.
    fn but(&self, part: &str) -> bool {
        (part == "workflow" || self.workflow)
            && (part == "owner" || self.owner)
            && (part == "holder" || self.holder)
            && (part == "tier" || self.tier)
            && (part == "kind" || self.kind)
            && (part == "reason" || self.reason)
    }
}

impl Cell {
    fn is_of(&self, person: &str) -> bool {
        self.owner == person || self.claimed_by.as_deref() == Some(person)
    }
}

impl QueueCounts {
    fn add(&mut self, filter: &QueueFilter, me: Option<&str>, c: Cell) {
        let fits = Fits::of(filter, &c);
        let n = match filter.due {
            Some(group) => c.groups[group as usize],
            None => c.groups.iter().sum(),
        };
        if fits.but("") {
            self.total += n;
            for (sum, n) in self.groups.iter_mut().zip(c.groups) {
                *sum += n;
            }
        }
        if fits.but("holder") {
            self.all += n;
            if me.is_some_and(|me| c.is_of(me)) {
                self.mine += n;
            }
            if c.state != ReviewState::Claimed {
                self.unclaimed += n;
            }
        }
        if n == 0 {
            return;
        }
        let list = |part: &str, list: &mut BTreeMap<String, u64>, value: &str| {
            if fits.but(part) {
                *list.entry(value.to_owned()).or_default() += n;
            }
        };
        list("workflow", &mut self.workflows, &c.workflow);
        list("owner", &mut self.owners, &c.owner);
        list("tier", &mut self.tiers, &c.tier);
        if fits.but("kind") {
            *self.kinds.entry(c.kind.word()).or_default() += n;
        }
        if fits.but("reason") {
            *self.reasons.entry(c.reason.word()).or_default() += n;
        }
    }
}

impl DueGroup {
    /// Its share of the counts.
    #[must_use]
    pub const fn of(self, counts: &QueueCounts) -> u64 {
        counts.groups[self as usize]
    }
}

impl StoreReader {
    /// How many tasks the filter finds, exactly, and how many it would find with other values.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn queue_counts(
        &self,
        filter: &QueueFilter,
        times: QueueTimes,
    ) -> Result<QueueCounts, ReadError> {
        let (sql, params) = statement(filter, &times);
        let me = filter.me.as_deref().or(filter.mine.as_deref());
        let mut counts = QueueCounts::default();
        for c in self.rows(sql, params, cell).await? {
            counts.add(filter, me, c);
        }
        Ok(counts)
    }
}
