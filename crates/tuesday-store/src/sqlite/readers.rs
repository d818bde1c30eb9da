//! Read-only connections, lent to blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::from_read;
use super::open;
use crate::error::ReadError;
use crate::value::{Row, Value};

/// A pool that opens connections when they are first needed.
#[derive(Clone)]
pub(crate) struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    slots: Semaphore,
}

impl Readers {
    pub(super) fn new(path: &Path, limit: usize) -> Self {
        let slots = Semaphore::new(limit.max(1));
        Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                idle: Mutex::new(Vec::new()),
                slots,
            }),
        }
    }

    /// Runs `work` on a thread that may block, on one connection.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let gone = || ReadError::Unavailable("the reader pool is closed".into());
        let _slot = self.shared.slots.acquire().await.map_err(|_| gone())?;
        let shared = self.shared.clone();
        let task = tokio::task::spawn_blocking(move || {
            let idle = shared
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let conn = match idle {
                Some(conn) => conn,
                None => open::reader(&shared.path).map_err(from_read)?,
            };
            let answer = work(&conn);
            shared
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(conn);
            answer
        });
        task.await
            .map_err(|e| ReadError::Unavailable(e.to_string()))?
    }

    /// The path of the database file.
    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }
}

/// All rows of one query.
pub(crate) fn rows<T>(
    conn: &Connection,
    sql: &str,
    params: &[Value],
    map: impl Fn(Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    let mut stmt = conn.prepare_cached(sql).map_err(from_read)?;
    for (value, number) in params.iter().zip(1..) {
        // SQLite counts `$3` where it first appears; the number is what was meant, as on PostgreSQL.
        let named = stmt.parameter_index(&format!("${number}"));
        let place = named.map_err(from_read)?.unwrap_or(number);
        stmt.raw_bind_parameter(place, value).map_err(from_read)?;
    }
    let mut found = stmt.raw_query();
    let mut out = Vec::new();
    while let Some(row) = found.next().map_err(from_read)? {
        out.push(map(Row::Lite(row))?);
    }
    Ok(out)
}
