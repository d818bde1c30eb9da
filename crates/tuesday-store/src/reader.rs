//! The reading half of a store: what everybody but the engine gets.

use std::borrow::Cow;

use crate::Back;
use crate::error::ReadError;
use crate::value::{Row, Value};

/// Reads; has no way to write. Clones share the connections.
#[derive(Clone)]
pub struct StoreReader {
    back: Back,
}

impl StoreReader {
    pub(crate) const fn new(back: Back) -> Self {
        Self { back }
    }

    pub(crate) const fn back(&self) -> &Back {
        &self.back
    }

    /// All rows of a query that reads the same on both databases, with the parameters `$1`, `$2`, …
    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
        map: fn(Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let sql = sql.into();
        match &self.back {
            Back::Sqlite(s) => {
                s.readers()
                    .run(move |conn| crate::sqlite::rows(conn, &sql, &params, map))
                    .await
            }
            Back::Postgres(p) => p.read_rows(&sql, &params, map).await,
        }
    }

    /// The first row of such a query.
    pub(crate) async fn first<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
        map: fn(Row<'_>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        Ok(self.rows(sql, params, map).await?.into_iter().next())
    }
}
