//! Names of nodes: what leases are held under, and which of them belong to nobody any more.

use std::time::Duration;

use tuesday_domain::time::Timestamp;

use crate::error::{ApplyError, OpenError, ReadError};
use crate::postgres::name;
use crate::reader::StoreReader;
use crate::value::Row;
use crate::{Back, Store};

/// The name a node holds leases under; given up when dropped.
#[derive(Debug)]
pub struct NodeName {
    base: String,
    name: String,
    held: Option<name::Held>,
}

impl NodeName {
    /// A name that the database does not know: unique by how it was made.
    #[must_use]
    pub fn unheld(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            base: name.clone(),
            name,
            held: None,
        }
    }

    /// The name, unique among living processes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether the database knows who lives: PostgreSQL without the portable flag.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

impl Store {
    /// Takes a stable name for this process. Where a living process has it, the next free of
    /// `base#2`, `base#3` and so on. On SQLite, and with the portable flag, nothing can tell who is
    /// alive, and `unique` is added so that no two processes ever share a name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_name(&self, base: &str, unique: &str) -> Result<NodeName, OpenError> {
        let held = match &self.back {
            Back::Postgres(p) if !p.portable() => Some(name::take(p.address(), base).await?),
            _ => None,
        };
        Ok(match held {
            None => NodeName::unheld(format!("{base}-{unique}")),
            Some(held) => NodeName {
                base: base.to_owned(),
                name: held.name.clone(),
                held: Some(held),
            },
        })
    }

    /// Frees the leases under siblings of this name that no living process holds: the work of whoever
    /// had them. Its own are not touched. Returns how many; none where nobody can tell who is alive.
    ///
    /// # Errors
    /// When the database does not answer; the leases then run out.
    pub async fn release_leases_of_the_gone(&self, name: &NodeName) -> Result<u64, ApplyError> {
        match &self.back {
            // The own name is held by this process since before it claimed anything.
            Back::Postgres(p) if name.is_held() => name::release_the_gone(p, &name.base).await,
            _ => Ok(0),
        }
    }
}

impl StoreReader {
    /// How far the database's clock is ahead of `now` (negative: behind), in microseconds, and how
    /// long the question took; the true difference is that far off at most.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn clock_ahead(
        &self,
        now: impl Fn() -> Timestamp + Send,
    ) -> Result<(i64, Duration), ReadError> {
        let sql = match self.back() {
            Back::Sqlite(_) => "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Back::Postgres(_) => "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        };
        let before = now();
        let there = self.first(sql, vec![], |r: Row<'_>| r.int(0)).await?;
        let after = now();
        let there =
            there.ok_or_else(|| ReadError::Corrupt("the database tells no time".to_owned()))?;
        let middle = before.micros() + (after.micros() - before.micros()) / 2;
        Ok((there - middle, after.since(before)))
    }
}
