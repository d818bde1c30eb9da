//! Whether the database is there and in order.

use crate::Back;
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::Row;

/// What the database says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `sqlite` or `postgres`.
    pub backend: &'static str,
    /// Version of the library or the server.
    pub version: String,
    /// Number of the newest migration.
    pub schema: i64,
    /// SQLite: the journal mode. PostgreSQL: `synchronous_commit`.
    pub durability: String,
    /// Size in bytes; on SQLite with the write-ahead log.
    pub bytes: u64,
}

const SCHEMA: &str = "SELECT coalesce(max(number), 0) FROM schema_migrations";

impl StoreReader {
    /// Asks the database how it is. An answer means that it can be reached.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn health(&self) -> Result<Health, ReadError> {
        let schema = self
            .first(SCHEMA, vec![], |r: Row<'_>| r.int(0))
            .await?
            .unwrap_or(0);
        match self.back() {
            Back::Sqlite(s) => {
                let mode = self
                    .first("PRAGMA journal_mode", vec![], |r: Row<'_>| r.text(0))
                    .await?;
                let path = s.readers().path();
                let wal = path.with_file_name(format!(
                    "{}-wal",
                    path.file_name()
                        .map(|n| n.to_string_lossy().into_owned())
                        .unwrap_or_default()
                ));
                let size = |p: &std::path::Path| std::fs::metadata(p).map_or(0, |m| m.len());
                Ok(Health {
                    backend: "sqlite",
                    version: rusqlite::version().to_owned(),
                    schema,
                    durability: mode.unwrap_or_default(),
                    bytes: size(path) + size(&wal),
                })
            }
            Back::Postgres(_) => {
                let sql = "SELECT current_setting('server_version'), current_setting('synchronous_commit'), \
                    pg_database_size(current_database())";
                let row = self
                    .first(sql, vec![], |r: Row<'_>| {
                        Ok((r.text(0)?, r.text(1)?, r.num(2)?))
                    })
                    .await?;
                let (version, durability, bytes) = row.ok_or_else(|| {
                    ReadError::Corrupt("the server says nothing about itself".into())
                })?;
                Ok(Health {
                    backend: "postgres",
                    version,
                    schema,
                    durability,
                    bytes,
                })
            }
        }
    }
}
