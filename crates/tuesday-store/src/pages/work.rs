//! Everything a worker needs after a claim, read in one round.

use tuesday_domain::id::RunId;
use tuesday_domain::record::{Action, Job, Payload, Review, Run};

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};
use crate::{Back, actions, jobs, payloads, reviews, runs, sqlite};

/// A run with what its next step may need.
#[derive(Clone, Debug)]
pub struct Work {
    /// The run.
    pub run: Run,
    /// Its job, where a machine has something to do.
    pub job: Option<Job>,
    /// The payloads the run points at (event body, snapshot, output, verdict), what its sources
    /// answered, edits, and the requests and receipts of its actions, by number.
    pub payloads: Vec<Payload>,
    /// Its actions in the order of the plan.
    pub actions: Vec<Action>,
    /// Its review tasks that nobody has decided.
    pub reviews: Vec<Review>,
}

impl Work {
    /// The payload with this number, when it was read.
    #[must_use]
    pub fn payload(&self, n: u32) -> Option<&Payload> {
        self.payloads.iter().find(|p| p.n == n)
    }
}

/// One statement for each table; the parameter is the run. Words are compared one by one, because a
/// longer list behind IN makes SQLite build a table of its own each time.
struct Queries {
    run: String,
    job: String,
    payloads: String,
    actions: String,
    reviews: String,
}

static QUERIES: std::sync::LazyLock<Queries> = std::sync::LazyLock::new(|| Queries {
    run: format!("SELECT {} FROM runs AS r WHERE r.id = $1", runs::COLUMNS),
    job: format!("SELECT {} FROM jobs WHERE run_id = $1", jobs::COLUMNS),
    payloads: format!(
        "SELECT {} FROM payloads AS p JOIN runs AS r ON r.id = p.run_id WHERE p.run_id = $1 \
         AND (p.n = r.body_ref OR p.n = r.snapshot_ref OR p.n = r.output_ref OR p.n = r.verdict_ref \
         OR p.kind = 'request' OR p.kind = 'receipt' OR p.kind = 'source' OR p.kind = 'output' OR p.kind = 'edit' \
         OR p.kind = 'note') ORDER BY p.n",
        payloads::COLUMNS
    ),
    actions: format!(
        "SELECT {} FROM actions WHERE run_id = $1 ORDER BY ordinal, revision, id",
        actions::COLUMNS
    ),
    reviews: format!(
        "SELECT {} FROM reviews WHERE run_id = $1 AND (state = 'open' OR state = 'claimed' OR state = 'suspended') ORDER BY id",
        reviews::COLUMNS
    ),
});

impl StoreReader {
    /// The run and what its next step may need.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn work(&self, id: RunId) -> Result<Option<Work>, ReadError> {
        let params = vec![Value::Id(id.uuid())];
        let q = &*QUERIES;
        match self.back() {
            Back::Sqlite(s) => {
                let read = move |conn: &rusqlite::Connection| {
                    // One transaction, so that all of it is of one moment.
                    let _moment = conn
                        .unchecked_transaction()
                        .map_err(sqlite::fault::from_read)?;
                    let Some(run) = sqlite::rows(conn, &q.run, &params, runs::run)?.pop() else {
                        return Ok(None);
                    };
                    Ok(Some(Work {
                        run,
                        job: sqlite::rows(conn, &q.job, &params, jobs::job)?.pop(),
                        payloads: sqlite::rows(conn, &q.payloads, &params, payloads::payload)?,
                        actions: sqlite::rows(conn, &q.actions, &params, actions::action)?,
                        reviews: sqlite::rows(conn, &q.reviews, &params, reviews::review)?,
                    }))
                };
                s.readers().run(read).await
            }
            Back::Postgres(p) => {
                let sqls = [&*q.run, &*q.job, &*q.payloads, &*q.actions, &*q.reviews];
                let [run, job, payloads, actions, reviews] = p.read_many(sqls, &params).await?;
                let Some(run) = first(&run, runs::run)? else {
                    return Ok(None);
                };
                Ok(Some(Work {
                    run,
                    job: first(&job, jobs::job)?,
                    payloads: all(&payloads, payloads::payload)?,
                    actions: all(&actions, actions::action)?,
                    reviews: all(&reviews, reviews::review)?,
                }))
            }
        }
    }
}

type Map<T> = fn(Row<'_>) -> Result<T, ReadError>;

fn all<T>(rows: &[tokio_postgres::Row], map: Map<T>) -> Result<Vec<T>, ReadError> {
    rows.iter().map(|r| map(Row::Pg(r))).collect()
}

fn first<T>(rows: &[tokio_postgres::Row], map: Map<T>) -> Result<Option<T>, ReadError> {
    rows.first().map(|r| map(Row::Pg(r))).transpose()
}
