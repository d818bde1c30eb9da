//! A queue table: rows whose `taken` column is NULL, oldest key first.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tuesday_domain::definition::TriggerSpec;
use tuesday_domain::port::{FeedItem, Secrets};

use crate::sources::database::{Database, TextParam, from_sqlite, ident, table, text_of};
use crate::sources::postgres::{Pools, words};

/// How long another process may hold the database.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) struct Queues {
    base: PathBuf,
    pools: Pools,
}

/// The table with every name checked and quoted.
struct Queue {
    database: Database,
    table: String,
    key: String,
    column: String,
    taken: String,
}

/// Key and content of a row.
type Row = (Option<String>, Option<String>);

impl Queues {
    pub(crate) fn new(secrets: Arc<dyn Secrets>, base: PathBuf) -> Self {
        Self {
            base,
            pools: Pools::new(secrets),
        }
    }

    fn queue(&self, spec: &TriggerSpec) -> Result<Queue, String> {
        let named = |value: &Option<String>, what: &str| {
            ident(
                value
                    .as_deref()
                    .ok_or_else(|| format!("`{what}` is missing"))?,
            )
        };
        Ok(Queue {
            database: Database::parse(spec.database.as_deref(), &self.base)?,
            table: table(spec.table.as_deref().ok_or("`table` is missing")?)?.0,
            key: named(&spec.key, "key")?,
            column: named(&spec.column, "column")?,
            taken: named(&spec.taken, "taken")?,
        })
    }

    pub(crate) async fn poll(
        &self,
        spec: &TriggerSpec,
        limit: usize,
    ) -> Result<Vec<FeedItem>, String> {
        let q = self.queue(spec)?;
        let text = if matches!(q.database, Database::Postgres(_)) {
            "::text"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {key}{text}, {column}{text} FROM {table} WHERE {taken} IS NULL ORDER BY {table}.{key} LIMIT {limit}",
            key = q.key,
            column = q.column,
            table = q.table,
            taken = q.taken
        );
        let rows = match &q.database {
            Database::Sqlite(path) => sqlite(path, move |c| sqlite_rows(c, &sql)).await?,
            Database::Postgres(reference) => {
                let mut lease = self.pools.get(reference).await?;
                let rows = lease
                    .client()?
                    .query(&sql, &[])
                    .await
                    .map_err(|e| words(&e))?;
                lease.give_back();
                rows.iter()
                    .map(|r| Ok((r.try_get(0)?, r.try_get(1)?)))
                    .collect::<Result<_, tokio_postgres::Error>>()
                    .map_err(|e| words(&e))?
            }
        };
        rows.into_iter().map(item).collect()
    }

    pub(crate) async fn taken(
        &self,
        spec: &TriggerSpec,
        item: &FeedItem,
        outcome: &str,
    ) -> Result<(), String> {
        let q = self.queue(spec)?;
        let (key, outcome) = (item.handle.clone(), outcome.to_owned());
        // Only NULL is overwritten: the first outcome stays, however often this is repeated.
        let sql = format!(
            "UPDATE {} SET {} = $1 WHERE {} = $2 AND {} IS NULL",
            q.table, q.taken, q.key, q.taken
        );
        match &q.database {
            Database::Sqlite(path) => {
                sqlite(path, move |c| {
                    c.execute(&sql.replace('$', "?"), [outcome, key]).map(drop)
                })
                .await
            }
            Database::Postgres(reference) => {
                let mut lease = self.pools.get(reference).await?;
                let (outcome, key) = (TextParam(Some(outcome)), TextParam(Some(key)));
                lease
                    .client()?
                    .execute(&sql, &[&outcome, &key])
                    .await
                    .map_err(|e| words(&e))?;
                lease.give_back();
                Ok(())
            }
        }
    }
}

fn item((key, content): Row) -> Result<FeedItem, String> {
    let key = key.ok_or("a row of the queue has no key")?;
    let body = content.unwrap_or_default().into_bytes();
    let fault = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(_)) => None,
        Ok(_) => Some("the row does not hold a JSON object".to_owned()),
        Err(_) if body.is_empty() => Some("the row is empty".to_owned()),
        Err(e) => Some(format!("the row is not JSON: {e}")),
    };
    Ok(FeedItem {
        handle: key.clone(),
        event_id: key,
        body,
        fault,
    })
}

fn sqlite_rows(c: &Connection, sql: &str) -> rusqlite::Result<Vec<Row>> {
    let mut statement = c.prepare(sql)?;
    let rows = statement.query_map([], |r| {
        Ok((
            text_of(&from_sqlite(r.get_ref(0)?, None)),
            text_of(&from_sqlite(r.get_ref(1)?, None)),
        ))
    })?;
    rows.collect()
}

async fn sqlite<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, String> {
    let path = path.to_owned();
    let all = move || {
        let c = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        c.busy_timeout(BUSY)?;
        work(&c)
    };
    tokio::task::spawn_blocking(all)
        .await
        .map_err(|_| "the work was cut off".to_owned())?
        .map_err(|e| e.to_string())
}
