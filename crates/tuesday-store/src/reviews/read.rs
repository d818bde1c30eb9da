//! Reading review tasks: the queue, its counts, and what is due.

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::{OverrideKind, Review};
use tuesday_domain::review::ReviewState;
use tuesday_domain::time::Timestamp;

use super::{COLUMNS, review};
use crate::error::ReadError;
use crate::queue::{OPEN, QueueFilter, conditions};
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// How many tasks are in one state, by workflow and owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewCount {
    /// Workflow name.
    pub workflow: String,
    /// Handle of the owner.
    pub owner: String,
    /// Tier.
    pub tier: String,
    /// Where they stand.
    pub state: ReviewState,
    /// How many.
    pub tasks: u64,
    /// When the first of them is due.
    pub first_due: Timestamp,
}

/// How often people overrode the machine one way for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideCount {
    /// Workflow name.
    pub workflow: String,
    /// How.
    pub kind: OverrideKind,
    /// The picked code; empty where the act takes none.
    pub reason: String,
    /// How many decisions.
    pub decisions: u64,
}

fn filtered(base: &str, filter: &QueueFilter) -> Select {
    let mut q = Select::new(base);
    conditions(&mut q, filter, None);
    q
}

impl StoreReader {
    /// A review task by its id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn review(&self, id: ReviewId) -> Result<Option<Review>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM reviews WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], review).await
    }

    /// All review tasks of a run, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn reviews_of(&self, run: RunId) -> Result<Vec<Review>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM reviews WHERE run_id = $1 ORDER BY id");
        self.rows(sql, vec![Value::Id(run.uuid())], review).await
    }

    /// Overrides decided since `since`, by workflow, kind and reason. Reads an index of overrides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn override_counts(
        &self,
        workflow: Option<&str>,
        since: Timestamp,
    ) -> Result<Vec<OverrideCount>, ReadError> {
        let mut q = Select::new(
            "SELECT workflow, override_kind, coalesce(decision_reason, ''), count(*) FROM reviews",
        );
        q.and("override_kind IS NOT NULL", [])
            .and("decided_at >= ?", [Value::Int(since.micros())])
            .and_text("workflow = ?", workflow);
        let (sql, values) = q.push(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", []).done();
        self.rows(sql, values, |r: Row<'_>| {
            Ok(OverrideCount {
                workflow: r.text(0)?,
                kind: r.word(1)?,
                reason: r.text(2)?,
                decisions: r.num(3)?,
            })
        })
        .await
    }

    /// The tasks of a workflow in which a person overrode the machine, decided from the first moment to before
    /// the second, the newest first. Reads an index of overrides.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn overrides_in(
        &self,
        workflow: &str,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM reviews WHERE override_kind IS NOT NULL AND workflow = $1 \
             AND decided_at >= $2 AND decided_at < $3 ORDER BY decided_at DESC, id DESC LIMIT $4"
        );
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
            page(limit),
        ];
        self.rows(sql, params, review).await
    }

    /// Tasks the filter finds, first due first; `after` is due time and id of the last task before.
    /// `due` and the classes of workflows are the matter of [`StoreReader::queue`].
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn review_page(
        &self,
        filter: &QueueFilter,
        after: Option<(Timestamp, ReviewId)>,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let mut q = filtered(&format!("SELECT {COLUMNS} FROM reviews"), filter);
        if let Some((due, id)) = after {
            q.and(
                "(due_at, id) > (?, ?)",
                [Value::Int(due.micros()), Value::Id(id.uuid())],
            );
        }
        let (sql, params) = q.push(" ORDER BY due_at, id LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, review).await
    }

    /// How many tasks the filter finds, exactly, by workflow, owner, tier and state.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn review_counts(&self, filter: &QueueFilter) -> Result<Vec<ReviewCount>, ReadError> {
        let mut q = filtered(
            "SELECT workflow, owner, tier, state, count(*), min(due_at) FROM reviews",
            filter,
        );
        let group = " GROUP BY workflow, owner, tier, state ORDER BY workflow, owner, tier, state";
        let (sql, params) = q.push(group, []).done();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(ReviewCount {
                workflow: r.text(0)?,
                owner: r.text(1)?,
                tier: r.text(2)?,
                state: r.word(3)?,
                tasks: r.num(4)?,
                first_due: r.time(5)?,
            })
        })
        .await
    }

    /// Tasks that somebody could decide and that were due by `now`; suspended ones wait. One with
    /// nobody left above comes back when it was last told at or before `told`.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn due_reviews(
        &self,
        now: Timestamp,
        told: Timestamp,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM reviews WHERE {OPEN} AND state <> 'suspended' AND due_at <= $1 \
             AND (exhausted_at IS NULL OR exhausted_at <= $2) ORDER BY due_at, id LIMIT $3"
        );
        let params = vec![
            Value::Int(now.micros()),
            Value::Int(told.micros()),
            page(limit),
        ];
        self.rows(sql, params, review).await
    }

    /// Tasks of a workflow that are put down, the oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn suspended_reviews(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        // Word for word the condition of the partial index.
        let sql = format!(
            "SELECT {COLUMNS} FROM reviews WHERE state = 'suspended' AND workflow = $1 ORDER BY id LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, review).await
    }

    /// Claimed tasks whose claim ran out by `now`.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn expired_claims(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM reviews WHERE {OPEN} AND state = 'claimed' AND claim_until <= $1 \
             ORDER BY claim_until, id LIMIT $2"
        );
        self.rows(sql, vec![Value::Int(now.micros()), page(limit)], review)
            .await
    }

    /// Open tasks that one of these persons owns or is on, the longest due first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn reviews_with(
        &self,
        people: &[String],
        workflow: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let mut q = Select::new(&format!("SELECT {COLUMNS} FROM reviews"));
        q.and(OPEN, [])
            .and_text("workflow = ?", workflow)
            .and_list("(owner IN", people)
            .push(" OR claimed_by IN", [])
            .list(people)
            .push(") ORDER BY due_at, id LIMIT ?", [page(limit)]);
        let (sql, params) = q.done();
        self.rows(sql, params, review).await
    }

    /// Tasks with a later id than `after` that were opened by `until`, oldest first: what notices are
    /// made from.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn reviews_after(
        &self,
        after: Option<ReviewId>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Review>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM reviews WHERE id > $1 AND created_at <= $2 ORDER BY id LIMIT $3"
        );
        let after = after.map_or(uuid::Uuid::nil(), ReviewId::uuid);
        self.rows(
            sql,
            vec![Value::Id(after), Value::Int(until.micros()), page(limit)],
            review,
        )
        .await
    }
}
