//! PostgreSQL: a pool for reads and claims, and a few tasks that commit decisions in batches.

mod alone;
mod batch;
mod connect;
pub(crate) mod fault;
mod hint;
mod migrate;
pub(crate) mod name;
pub(crate) mod turn;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::types::ToSql;
use tuesday_domain::record::Decision;
use uuid::Uuid;

use crate::error::{ApplyError, OpenError, ReadError};
use crate::value::{Row, Value};
use crate::{Applied, Config};
use connect::Address;
use fault::{from_pg, from_read, in_words};
use writer::Pending;

/// Every write statement of this folder.
pub(crate) const ALL: [&str; 2] = [batch::APPEND, alone::EVENT];
/// Decisions that may wait before callers are made to wait.
const QUEUE: usize = 4096;

/// How long anybody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// One server, shared by clones.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    writes: mpsc::Sender<Pending>,
    seen: watch::Receiver<u64>,
    address: Arc<Address>,
    turns: Arc<turn::Turns>,
    portable: bool,
}

/// Values as the client library wants them.
pub(crate) fn refs(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

fn pool(address: &Address, size: usize) -> Result<Pool, OpenError> {
    let manager = Manager::from_config(
        address.config.clone(),
        address.tls.clone(),
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    // A server that does not answer is reported; nobody waits for it for ever.
    Pool::builder(manager)
        .max_size(size.max(1))
        .runtime(Runtime::Tokio1)
        .create_timeout(Some(PATIENCE))
        .wait_timeout(Some(PATIENCE))
        .build()
        .map_err(|e| OpenError::Database(e.to_string()))
}

impl Postgres {
    /// Connects, brings the schema up to date and starts the writers.
    pub(crate) async fn open(url: &str, config: &Config) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let readers = pool(&address, config.connections)?;
        let mut client = readers
            .get()
            .await
            .map_err(|e| OpenError::Database(e.to_string()))?;
        migrate::run(&mut client, config.migrate).await?;
        drop(client);
        let (writes, inbox) = mpsc::channel(QUEUE);
        // Writers have connections of their own, so that many readers cannot hold up a commit.
        let own = pool(&address, config.writers)?;
        writer::start(&own, inbox, config.writers.max(1), !config.portable);
        let seen = if config.portable {
            watch::channel(0).1
        } else {
            hint::listen(address.clone(), writes.downgrade())
        };
        Ok(Self {
            pool: readers,
            writes,
            seen,
            address: Arc::new(address),
            turns: Arc::default(),
            portable: config.portable,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn turn(&self, place: &str) -> Result<turn::Held, ApplyError> {
        self.turns.take(&self.address, place).await
    }

    pub(crate) const fn portable(&self) -> bool {
        self.portable
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.seen.clone()
    }

    pub(crate) async fn client(&self) -> Result<Object, ApplyError> {
        self.pool
            .get()
            .await
            .map_err(|e| ApplyError::Unavailable(e.to_string()))
    }

    pub(crate) async fn apply(
        &self,
        decision: Decision,
        leaf: Vec<u8>,
    ) -> Result<Applied, ApplyError> {
        let stopped =
            || ApplyError::Unavailable("the writers have stopped; restart the process".into());
        let (reply, answer) = oneshot::channel();
        // Time-ordered, so that the log's index grows at one end.
        let pending = Pending {
            decision,
            leaf,
            entry: Uuid::now_v7(),
            reply,
        };
        self.writes.send(pending).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// One statement in a transaction of its own; returns the rows it touched.
    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, ApplyError> {
        let client = self.client().await?;
        let stmt = client.prepare_cached(sql).await.map_err(from_pg)?;
        client.execute(&stmt, &refs(params)).await.map_err(from_pg)
    }

    /// A statement that writes and returns rows; collisions are tried again.
    pub(crate) async fn write_rows<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: fn(Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ApplyError> {
        let client = self.client().await?;
        let stmt = client.prepare_cached(sql).await.map_err(from_pg)?;
        let mut tries = 0;
        let rows = loop {
            match client.query(&stmt, &refs(params)).await {
                Err(e) if fault::is_collision(&e) && tries < writer::TRIES => {
                    tries += 1;
                    writer::pause(tries).await;
                }
                other => break other.map_err(from_pg)?,
            }
        };
        rows.iter()
            .map(|r| map(Row::Pg(r)).map_err(ApplyError::from))
            .collect()
    }

    /// All rows of one query.
    pub(crate) async fn read_rows<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: fn(Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let [rows] = self.read_many([sql], params).await?;
        rows.iter().map(|r| map(Row::Pg(r))).collect()
    }

    /// The rows of several queries with the same parameters, sent in one go.
    pub(crate) async fn read_many<const N: usize>(
        &self,
        sqls: [&str; N],
        params: &[Value],
    ) -> Result<[Vec<tokio_postgres::Row>; N], ReadError> {
        let client = self
            .pool
            .get()
            .await
            .map_err(|e| ReadError::Unavailable(e.to_string()))?;
        let mut stmts = Vec::with_capacity(N);
        for sql in sqls {
            stmts.push(
                client
                    .prepare_cached(sql)
                    .await
                    .map_err(|e| from_read(&e))?,
            );
        }
        let refs = refs(params);
        let asked = stmts.iter().map(|s| client.query(s, &refs));
        let rows = futures::future::try_join_all(asked)
            .await
            .map_err(|e| from_read(&e))?;
        rows.try_into()
            .map_err(|_| ReadError::Corrupt("an answer is missing".into()))
    }

    /// Asks whether the server understands a statement.
    pub(crate) async fn prepare(&self, sql: &str) -> Result<(), ApplyError> {
        let client = self.client().await?;
        client
            .prepare(sql)
            .await
            .map(drop)
            .map_err(|e| ApplyError::Corrupt(format!("{}: {sql}", in_words(&e))))
    }
}
