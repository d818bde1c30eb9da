//! Sources that are one row of a query, in `SQLite` or `PostgreSQL`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use tuesday_domain::definition::SourceSpec;
use tuesday_domain::facts;
use tuesday_domain::port::{Secrets, SourceFault, SourceRecord};

use super::database::{Database, TextParam, as_text, borrowed, from_sqlite, from_text, to_sqlite};
use super::postgres::{Pools, may_pass, words};
use super::{permanent, record_of, transient};

/// Rows read before it is clear that several match.
const ROWS: usize = 2;

/// Open connections.
pub(crate) struct Sql {
    pools: Pools,
    idle: Arc<Mutex<HashMap<PathBuf, Vec<Connection>>>>,
}

impl Sql {
    pub(crate) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            pools: Pools::new(secrets),
            idle: Arc::default(),
        }
    }

    pub(crate) async fn read(
        &self,
        base: &Path,
        spec: &SourceSpec,
        input: &Value,
        timeout: Duration,
    ) -> Result<SourceRecord, SourceFault> {
        let query = spec
            .query
            .clone()
            .ok_or_else(|| permanent("bad_config", "a sql source needs `query`"))?;
        let database = Database::parse(spec.database.as_deref(), base)
            .map_err(|e| permanent("bad_config", e))?;
        let params = spec
            .params
            .iter()
            .map(|p| {
                facts::eval(p, input)
                    .map_err(|e| permanent("bad_expression", format!("`{p}`: {e}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let read = async {
            match &database {
                Database::Sqlite(path) => self.sqlite(path.clone(), query, params, timeout).await,
                Database::Postgres(reference) => self.postgres(reference, &query, &params).await,
            }
        };
        let late = || transient("timeout", format!("no answer within {timeout:?}"));
        let mut rows = tokio::time::timeout(timeout, read)
            .await
            .map_err(|_| late())??;
        match (rows.len(), rows.pop()) {
            (1, Some(row)) => Ok(record_of(
                row,
                format!("{} query of `{}`", database.shown(), spec.name),
            )),
            (0, _) => Err(SourceFault::NotFound {
                detail: format!("the query of `{}` gives no row", spec.name),
            }),
            _ => Err(SourceFault::Ambiguous {
                detail: format!("the query of `{}` gives several rows", spec.name),
            }),
        }
    }

    async fn sqlite(
        &self,
        path: PathBuf,
        query: String,
        params: Vec<Value>,
        timeout: Duration,
    ) -> Result<Vec<Map<String, Value>>, SourceFault> {
        let idle = Arc::clone(&self.idle);
        let work = move || {
            let known = idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(&path)
                .and_then(Vec::pop);
            let mut connection = match known {
                Some(connection) => connection,
                None => open_read_only(&path)?,
            };
            let rows = stop_after(&mut connection, timeout, |c| {
                sqlite_rows(c, &query, &params)
            });
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(path)
                .or_default()
                .push(connection);
            rows
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| transient("database", "the query was cut off"))?
    }

    async fn postgres(
        &self,
        reference: &str,
        query: &str,
        params: &[Value],
    ) -> Result<Vec<Map<String, Value>>, SourceFault> {
        let mut lease = self
            .pools
            .get(reference)
            .await
            .map_err(|e| transient("connect", e))?;
        let rows = postgres_rows(
            lease.client().map_err(|e| transient("connect", e))?,
            query,
            params,
        )
        .await?;
        lease.give_back();
        Ok(rows)
    }
}

fn open_read_only(path: &Path) -> Result<Connection, SourceFault> {
    let shown = path.display();
    if !path.is_file() {
        return Err(permanent(
            "no_database",
            format!("there is no database `{shown}`"),
        ));
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|e| sqlite_fault(&e))?;
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(|e| sqlite_fault(&e))?;
    Ok(connection)
}

/// Runs `work` and cuts it at `timeout`: a query without an index must not hold a thread for ever.
fn stop_after<T>(
    connection: &mut Connection,
    timeout: Duration,
    work: impl FnOnce(&Connection) -> T,
) -> T {
    let end = std::time::Instant::now() + timeout;
    // The handler runs every 10,000 virtual machine steps, well under a millisecond apart.
    let armed = connection.progress_handler(10_000, Some(move || std::time::Instant::now() > end));
    let result = work(connection);
    if armed.is_ok() {
        let disarmed = connection.progress_handler(0, None::<fn() -> bool>);
        debug_assert!(disarmed.is_ok(), "taking a handler away cannot fail");
    }
    result
}

fn sqlite_rows(
    connection: &Connection,
    query: &str,
    params: &[Value],
) -> Result<Vec<Map<String, Value>>, SourceFault> {
    let fault = |e: rusqlite::Error| sqlite_fault(&e);
    let mut statement = connection.prepare_cached(query).map_err(fault)?;
    if !statement.readonly() {
        return Err(permanent("bad_config", "`query` must only read"));
    }
    let columns: Vec<(String, Option<String>)> = statement
        .columns()
        .map(|c| (c.name().to_owned(), c.decl_type().map(str::to_owned)))
        .collect();
    let values = params.iter().map(to_sqlite);
    let mut rows = statement
        .query(rusqlite::params_from_iter(values))
        .map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let mut map = Map::new();
        for (i, (name, declared)) in columns.iter().enumerate() {
            map.insert(
                name.clone(),
                from_sqlite(row.get_ref(i).map_err(fault)?, declared.as_deref()),
            );
        }
        found.push(map);
        if found.len() == ROWS {
            break;
        }
    }
    Ok(found)
}

fn sqlite_fault(e: &rusqlite::Error) -> SourceFault {
    use rusqlite::ErrorCode as C;
    match e.sqlite_error_code() {
        Some(
            C::DatabaseBusy
            | C::DatabaseLocked
            | C::SystemIoFailure
            | C::CannotOpen
            | C::OutOfMemory,
        ) => transient("database", e.to_string()),
        Some(C::OperationInterrupted) => transient("timeout", "the query was cut at its timeout"),
        _ => permanent("query", e.to_string()),
    }
}

async fn postgres_rows(
    client: &tokio_postgres::Client,
    query: &str,
    params: &[Value],
) -> Result<Vec<Map<String, Value>>, SourceFault> {
    let fault = |e: tokio_postgres::Error| {
        if may_pass(&e) {
            transient("database", words(&e))
        } else {
            permanent("query", words(&e))
        }
    };
    let inner = query.trim().trim_end_matches(';');
    let shape = client.prepare(inner).await.map_err(fault)?;
    let names = shape
        .columns()
        .iter()
        .map(|c| format!("\"{}\"", c.name().replace('"', "\"\"")));
    let list: Vec<String> = names
        .zip(shape.columns())
        .map(|(n, c)| as_text(&n, c.type_()))
        .collect();
    // Reading everything as text keeps exact numbers exact and serves types the client does not know.
    let outer = format!(
        "SELECT {} FROM ({inner}\n) AS source LIMIT {ROWS}",
        list.join(", ")
    );
    let params: Vec<TextParam> = params.iter().map(TextParam::of).collect();
    let rows = client
        .query(&outer, &borrowed(&params))
        .await
        .map_err(fault)?;
    rows.iter()
        .map(|row| {
            let mut map = Map::new();
            for (i, column) in shape.columns().iter().enumerate() {
                let text = row.try_get::<_, Option<String>>(i).map_err(fault)?;
                map.insert(column.name().to_owned(), from_text(text, column.type_()));
            }
            Ok(map)
        })
        .collect()
}
