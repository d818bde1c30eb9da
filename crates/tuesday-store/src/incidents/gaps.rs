//! What is compared with its destination: confirmed actions of a window, what a look has found before,
//! and whether a later write of ours explains what is there now.

use tuesday_domain::id::{ActionId, ReleaseId, RunId};
use tuesday_domain::record::Gap;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// A place in the order in which runs are gone through: the day of receipt and the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Day of receipt.
    pub batch: String,
    /// The run.
    pub run: RunId,
}

impl StoreReader {
    /// Runs of a workflow, received on `first_day` or later, with an action that was confirmed in
    /// `window`; in order of receipt, after the last place of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn confirmed_runs(
        &self,
        workflow: &str,
        first_day: &str,
        window: (Timestamp, Timestamp),
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Place>, ReadError> {
        let text = |t: &str| Value::Text(t.to_owned());
        let (from, to) = (Value::Int(window.0.micros()), Value::Int(window.1.micros()));
        let mut q = Select::new("SELECT r.batch, r.id FROM runs AS r");
        // A run is not changed before its actions are, so most are left out without a look at these.
        q.and(
            "r.workflow = ? AND r.batch >= ? AND r.updated_at >= ?",
            [text(workflow), text(first_day), from.clone()],
        );
        q.and(
            "EXISTS (SELECT 1 FROM actions AS a WHERE a.run_id = r.id AND a.state = 'confirmed' \
             AND a.updated_at >= ? AND a.updated_at < ?)",
            [from, to],
        );
        if let Some(after) = after {
            let run = Value::Id(after.run.uuid());
            q.and(
                "(r.batch > ? OR (r.batch = ? AND r.id > ?))",
                [text(&after.batch), text(&after.batch), run],
            );
        }
        let (sql, params) = q
            .push(" ORDER BY r.batch, r.id LIMIT ?", [page(limit)])
            .done();
        self.rows(sql, params, |r: Row<'_>| {
            Ok(Place {
                batch: r.text(0)?,
                run: RunId::new(r.id(1)?),
            })
        })
        .await
    }

    /// Whether one of these actions of a workflow's run, received on `first_day` or later, wrote to the
    /// record after `since` and was confirmed.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn written_since(
        &self,
        (workflow, names): (&str, &[String]),
        first_day: &str,
        target: &str,
        since: Timestamp,
    ) -> Result<bool, ReadError> {
        if names.is_empty() {
            return Ok(false);
        }
        let since = || Value::Int(since.micros());
        let text = |t: &str| Value::Text(t.to_owned());
        let mut q =
            Select::new("SELECT a.updated_at FROM runs AS r JOIN actions AS a ON a.run_id = r.id");
        q.and(
            "r.workflow = ? AND r.batch >= ? AND r.updated_at >= ?",
            [text(workflow), text(first_day), since()],
        );
        q.and(
            "a.target = ? AND a.updated_at > ? AND a.state = 'confirmed'",
            [text(target), since()],
        );
        q.and("a.name IN", []).list(names);
        let (sql, params) = q.push(" LIMIT 1", []).done();
        let found = self.first(sql, params, |r: Row<'_>| r.time(0)).await?;
        Ok(found.is_some())
    }

    /// What the last look at an action's destination found, where it ever differed.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn gap(&self, action: ActionId) -> Result<Option<Gap>, ReadError> {
        let sql = "SELECT action_id, state, words, at, version, run_id, workflow FROM gaps WHERE action_id = $1";
        self.first(sql, vec![Value::Id(action.uuid())], |r: Row<'_>| {
            Ok(Gap {
                action: ActionId::new(r.id(0)?),
                state: r.word(1)?,
                words: r.text(2)?,
                at: r.time(3)?,
                version: r.num(4)?,
                run: RunId::new(r.id(5)?),
                workflow: r.text(6)?,
            })
        })
        .await
    }

    /// When one of these actions was last confirmed, each named with the release that declares it, among
    /// the newest runs that wrote since `first_day`.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn last_confirmed(
        &self,
        workflow: &str,
        first_day: &str,
        which: &[(ReleaseId, String)],
    ) -> Result<Option<Timestamp>, ReadError> {
        if which.is_empty() {
            return Ok(None);
        }
        let mut q = Select::new("SELECT max(a.updated_at) FROM");
        q.push(
            " (SELECT id, release_id FROM runs WHERE workflow = ? AND batch >= ? AND outcome = 'written_back' \
             ORDER BY batch DESC, id DESC LIMIT ?) AS r JOIN actions AS a ON a.run_id = r.id",
            [
                Value::Text(workflow.to_owned()),
                Value::Text(first_day.to_owned()),
                page(NEWEST),
            ],
        );
        for (i, (release, name)) in which.iter().enumerate() {
            let before = if i == 0 {
                " WHERE a.state = 'confirmed' AND ("
            } else {
                " OR "
            };
            q.push(
                &format!("{before}(r.release_id = ? AND a.name = ?)"),
                [Value::Id(release.uuid()), Value::Text(name.clone())],
            );
        }
        let (sql, params) = q.push(")", []).done();
        let found = self.first(sql, params, |r: Row<'_>| r.opt_time(0)).await?;
        Ok(found.flatten())
    }
}

/// An action that none of so many newest writing runs took has not been shown to work.
const NEWEST: usize = 2_000;
