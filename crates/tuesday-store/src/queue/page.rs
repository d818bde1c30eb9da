//! Pages of the queue: priority class first, then due time, then id.
//!
//! The class belongs to the workflow and not to the task, so it is no column of the index. The
//! classes in use are few; each is read in index order until the page is full.

use std::time::Duration;

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::{PriorityClass, Review, WorkflowPriority};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::Reason;
use tuesday_domain::time::Timestamp;

use super::OPEN;
use super::counts::QueueCounts;
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::reviews::{COLUMNS, review};
use crate::select::{Select, contains, limit as size, starts};
use crate::value::Value;

/// Which tasks the queue shows; absent means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// The workflows that the reader may see: no page and no count goes beyond them. Absent means all.
    pub among: Option<Vec<String>>,
    /// Handle of the person who owns the task.
    pub owner: Option<String>,
    /// Handle of the person who is on it.
    pub claimed_by: Option<String>,
    /// Handle of a person who owns it or is on it.
    pub mine: Option<String>,
    /// Handle of the reader, whose tasks the counts tell apart; finds nothing by itself.
    pub me: Option<String>,
    /// Nobody is on it.
    pub unclaimed: bool,
    /// States; empty means the open ones (open, claimed, suspended).
    pub states: Vec<ReviewState>,
    /// Tier.
    pub tier: Option<String>,
    /// What it asks for.
    pub kind: Option<ReviewKind>,
    /// Why a person looks.
    pub reason: Option<Reason>,
    /// How soon it is due.
    pub due: Option<DueGroup>,
    /// Part of the subject, the beginning of a note (both in any case), or the id of a run or task.
    pub text: Option<String>,
}

/// The moment a page is about: groups and lateness follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueTimes {
    /// Now, on the instance's clock.
    pub now: Timestamp,
    /// When today ends where the reader is.
    pub day_end: Timestamp,
}

impl QueueTimes {
    pub(super) fn soon(&self) -> Timestamp {
        self.now.plus(Duration::from_secs(3_600))
    }

    /// How soon something is due.
    #[must_use]
    pub fn group(&self, due: Timestamp) -> DueGroup {
        if due < self.now {
            DueGroup::Overdue
        } else if due < self.soon() {
            DueGroup::Hour
        } else if due < self.day_end {
            DueGroup::Today
        } else {
            DueGroup::Later
        }
    }
}

/// How soon a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueGroup {
    /// It was due before now.
    Overdue,
    /// Within the hour.
    Hour,
    /// Later today.
    Today,
    /// After today.
    Later,
}

impl DueGroup {
    /// All of them, the most pressing first.
    pub const ALL: [Self; 4] = [Self::Overdue, Self::Hour, Self::Today, Self::Later];

    /// Its word in addresses and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Hour => "hour",
            Self::Today => "today",
            Self::Later => "later",
        }
    }
}

impl std::str::FromStr for DueGroup {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|g| g.word() == text)
            .ok_or_else(|| format!("`{text}` is not one of overdue, hour, today, later"))
    }
}

/// The place of a task in the order of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePlace {
    /// Class of its workflow.
    pub class: PriorityClass,
    /// When it is due.
    pub due_at: Timestamp,
    /// Its id.
    pub id: ReviewId,
}

impl std::fmt::Display for QueuePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.due_at.micros(), self.id)
    }
}

impl std::str::FromStr for QueuePlace {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not the `next` of a page");
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(bad);
        Ok(Self {
            class: part()?.parse().map_err(|_| bad())?,
            due_at: Timestamp::from_micros(part()?.parse().map_err(|_| bad())?),
            id: part()?.parse().map_err(|_| bad())?,
        })
    }
}

/// A task in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// The task. Its `revision` is the mark of change: it grows with every change of the row.
    pub review: Review,
    /// Class of its workflow.
    pub class: PriorityClass,
    /// How soon it is due.
    pub group: DueGroup,
    /// How long it has been waiting; goes on counting whoever has it.
    pub age: Duration,
}

impl QueueRow {
    /// Its place in the order.
    #[must_use]
    pub const fn place(&self) -> QueuePlace {
        QueuePlace {
            class: self.class,
            due_at: self.review.due_at,
            id: self.review.id,
        }
    }

    /// Nobody is left above its owner.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.review.exhausted_at.is_some()
    }
}

/// A page of the queue with the counts of its filter.
#[derive(Clone, Debug)]
pub struct QueuePage {
    /// The tasks, in order.
    pub rows: Vec<QueueRow>,
    /// How many there are, exactly.
    pub counts: QueueCounts,
    /// Where the next page begins; absent on the last one.
    pub next: Option<QueuePlace>,
}

/// The conditions of a filter, after those of the index.
pub(crate) fn conditions(q: &mut Select, filter: &QueueFilter, times: Option<&QueueTimes>) {
    if filter.states.iter().all(|s| !s.is_decided()) {
        q.and(OPEN, []);
    }
    if !filter.states.is_empty() {
        // The words are constants of the domain, never input.
        let words: Vec<_> = filter
            .states
            .iter()
            .map(|s| format!("'{}'", s.word()))
            .collect();
        q.and(&format!("state IN ({})", words.join(", ")), []);
    }
    q.and_among("workflow", filter.among.as_deref());
    if filter.unclaimed {
        q.and("state <> 'claimed'", []);
    }
    q.and_text("workflow = ?", filter.workflow.as_deref())
        .and_text("owner = ?", filter.owner.as_deref())
        .and_text("claimed_by = ?", filter.claimed_by.as_deref())
        .and_text("tier = ?", filter.tier.as_deref())
        .and_text("kind = ?", filter.kind.map(ReviewKind::word))
        .and_text("reason = ?", filter.reason.map(Reason::word));
    if let Some(me) = &filter.mine {
        let me = || Value::Text(me.clone());
        q.and("(owner = ? OR claimed_by = ?)", [me(), me()]);
    }
    if let (Some(group), Some(times)) = (filter.due, times) {
        let (from, to) = match group {
            DueGroup::Overdue => (None, Some(times.now)),
            DueGroup::Hour => (Some(times.now), Some(times.soon())),
            DueGroup::Today => (Some(times.soon()), Some(times.day_end)),
            DueGroup::Later => (Some(times.soon().max(times.day_end)), None),
        };
        if let Some(from) = from {
            q.and("due_at >= ?", [Value::Int(from.micros())]);
        }
        if let Some(to) = to {
            q.and("due_at < ?", [Value::Int(to.micros())]);
        }
    }
    if let Some(text) = &filter.text {
        words(q, text.trim());
    }
}

/// An id finds its own task or run; anything else is looked for in subject and note.
fn words(q: &mut Select, text: &str) {
    if let Ok(run) = text.parse::<RunId>() {
        q.and("run_id = ?", [Value::Id(run.uuid())]);
    } else if let Ok(id) = text.parse::<ReviewId>() {
        q.and("id = ?", [Value::Id(id.uuid())]);
    } else {
        q.and(
            r"(lower(subject) LIKE ? ESCAPE '\' OR lower(note) LIKE ? ESCAPE '\')",
            [contains(text), starts(text)],
        );
    }
}

/// The classes in the order of the queue, with the workflows that are in each or, for the normal
/// one, those that are not.
pub(super) fn classes(priorities: &[WorkflowPriority]) -> Vec<(PriorityClass, Vec<String>)> {
    PriorityClass::ALL
        .iter()
        .map(|&class| {
            let names = priorities
                .iter()
                .filter(|p| (p.class == class) != (class == PriorityClass::Normal))
                .map(|p| p.workflow.clone())
                .collect::<Vec<_>>();
            (class, names)
        })
        .filter(|(class, names)| *class == PriorityClass::Normal || !names.is_empty())
        .collect()
}

/// The ids of one class come from the index alone; only the rows of the page itself are read.
pub(super) fn ids_of_class(
    filter: &QueueFilter,
    times: &QueueTimes,
    (class, names): &(PriorityClass, Vec<String>),
    after: Option<QueuePlace>,
    limit: usize,
) -> (String, Vec<Value>) {
    let mut q = Select::new(&format!(
        "SELECT {COLUMNS} FROM reviews WHERE id IN (SELECT id FROM reviews"
    ));
    conditions(&mut q, filter, Some(times));
    if !names.is_empty() {
        let normal = *class == PriorityClass::Normal;
        q.and_list(
            if normal {
                "workflow NOT IN"
            } else {
                "workflow IN"
            },
            names,
        );
    }
    if let Some(at) = after.filter(|at| at.class == *class) {
        q.and(
            "(due_at, id) > (?, ?)",
            [Value::Int(at.due_at.micros()), Value::Id(at.id.uuid())],
        );
    }
    q.push(
        " ORDER BY due_at, id LIMIT ?) ORDER BY due_at, id",
        [size(limit)],
    )
    .done()
}

impl StoreReader {
    /// A page of the queue with exact counts: priority class first, then due time.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn queue(
        &self,
        filter: &QueueFilter,
        times: QueueTimes,
        after: Option<QueuePlace>,
        limit: usize,
    ) -> Result<QueuePage, ReadError> {
        let priorities = self.priorities().await?;
        let (rows, counts) = tokio::try_join!(
            self.ordered(&priorities, filter, times, after, limit + 1),
            self.queue_counts(filter, times)
        )?;
        let mut rows = rows;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more {
            rows.last().map(QueueRow::place)
        } else {
            None
        };
        Ok(QueuePage { rows, counts, next })
    }

    /// The tasks that follow `after` in the order of the queue, without counts: what a page loads
    /// before it is asked for.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn queue_after(
        &self,
        filter: &QueueFilter,
        times: QueueTimes,
        after: Option<QueuePlace>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, ReadError> {
        let priorities = self.priorities().await?;
        self.ordered(&priorities, filter, times, after, limit).await
    }

    /// The place of a task in the queue, also when it has been decided since.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn queue_place(&self, id: ReviewId) -> Result<Option<QueuePlace>, ReadError> {
        let Some(review) = self.review(id).await? else {
            return Ok(None);
        };
        let class = class_of(&self.priorities().await?, &review.workflow);
        Ok(Some(QueuePlace {
            class,
            due_at: review.due_at,
            id,
        }))
    }

    async fn ordered(
        &self,
        priorities: &[WorkflowPriority],
        filter: &QueueFilter,
        times: QueueTimes,
        after: Option<QueuePlace>,
        limit: usize,
    ) -> Result<Vec<QueueRow>, ReadError> {
        let mut out: Vec<QueueRow> = Vec::new();
        let only = filter.workflow.as_deref().map(|w| class_of(priorities, w));
        for class in classes(priorities) {
            if only.is_some_and(|only| only != class.0)
                || after.is_some_and(|at| class.0 < at.class)
            {
                continue;
            }
            let (sql, params) = ids_of_class(filter, &times, &class, after, limit - out.len());
            let found = self.rows(sql, params, review).await?;
            out.extend(found.into_iter().map(|review| QueueRow {
                class: class.0,
                group: times.group(review.due_at),
                age: times.now.since(review.created_at),
                review,
            }));
            if out.len() >= limit {
                break;
            }
        }
        Ok(out)
    }
}

fn class_of(priorities: &[WorkflowPriority], workflow: &str) -> PriorityClass {
    priorities
        .iter()
        .find(|p| p.workflow == workflow)
        .map_or(PriorityClass::Normal, |p| p.class)
}
