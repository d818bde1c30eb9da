//! Values on their way into and out of both databases, so that every row has one mapping.
//!
//! Four types are enough: 64-bit integers (also times in microseconds and truth as 0 or 1), text,
//! bytes and 16-byte ids. The two databases differ only in how an id is kept.

use std::str::FromStr;

use bytes::BytesMut;

use tokio_postgres::types::{IsNull, ToSql as PgToSql, Type, to_sql_checked};
use tuesday_domain::time::Timestamp;
use uuid::Uuid;

use crate::error::ReadError;

/// A value to be bound; borrows from the row it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Param<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Id(Uuid),
}

/// A value that owns its bytes: parameters of reads travel to another thread.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Id(Uuid),
    /// PostgreSQL lists; SQLite statements never get one.
    Ids(Vec<Uuid>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Value {
    pub(crate) fn int_or_null(n: Option<i64>) -> Self {
        n.map_or(Self::Null, Self::Int)
    }
}

pub(crate) fn opt_int<'a>(n: Option<i64>) -> Param<'a> {
    n.map_or(Param::Null, Param::Int)
}
pub(crate) fn opt_num<'a>(n: Option<u32>) -> Param<'a> {
    n.map_or(Param::Null, |n| Param::Int(i64::from(n)))
}
pub(crate) fn opt_time<'a>(t: Option<Timestamp>) -> Param<'a> {
    opt_int(t.map(Timestamp::micros))
}
pub(crate) fn opt_text(t: Option<&str>) -> Param<'_> {
    t.map_or(Param::Null, Param::Text)
}
pub(crate) fn opt_id<'a>(id: Option<Uuid>) -> Param<'a> {
    id.map_or(Param::Null, Param::Id)
}
/// Counters in the domain are unsigned 64-bit; the databases end at 2^63, far beyond any of them.
pub(crate) fn big(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput as Out, ValueRef as Ref};
        Ok(Out::Borrowed(match self {
            Self::Null => Ref::Null,
            Self::Int(n) => Ref::Integer(*n),
            Self::Text(t) => Ref::Text(t.as_bytes()),
            Self::Blob(b) => Ref::Blob(b),
            Self::Id(id) => Ref::Blob(id.as_bytes()),
        }))
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput as Out, ValueRef as Ref};
        Ok(Out::Borrowed(match self {
            Self::Null => Ref::Null,
            Self::Int(n) => Ref::Integer(*n),
            Self::Text(t) => Ref::Text(t.as_bytes()),
            Self::Blob(b) => Ref::Blob(b),
            Self::Id(id) => Ref::Blob(id.as_bytes()),
            Self::Ids(_) | Self::Ints(_) | Self::Texts(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    "lists are for PostgreSQL only".into(),
                ));
            }
        }))
    }
}

type PgResult = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl PgToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> PgResult {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) => n.to_sql_checked(ty, out),
            Self::Text(t) => t.to_sql_checked(ty, out),
            Self::Blob(b) => b.to_sql_checked(ty, out),
            Self::Id(id) => id.to_sql_checked(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

impl PgToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> PgResult {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) => n.to_sql_checked(ty, out),
            Self::Text(t) => t.to_sql_checked(ty, out),
            Self::Blob(b) => b.to_sql_checked(ty, out),
            Self::Id(id) => id.to_sql_checked(ty, out),
            Self::Ids(list) => list.to_sql_checked(ty, out),
            Self::Ints(list) => list.to_sql_checked(ty, out),
            Self::Texts(list) => list.to_sql_checked(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// One row of a result, of either database. Columns are read by position.
#[derive(Clone, Copy)]
pub(crate) enum Row<'a> {
    Lite(&'a rusqlite::Row<'a>),
    Pg(&'a tokio_postgres::Row),
}

fn bad(i: usize, e: impl std::fmt::Display) -> ReadError {
    ReadError::Corrupt(format!("column {i}: {e}"))
}

macro_rules! getter {
    ($name:ident, $opt:ident, $ty:ty) => {
        pub(crate) fn $name(&self, i: usize) -> Result<$ty, ReadError> {
            match self {
                Self::Lite(r) => r.get(i).map_err(|e| bad(i, e)),
                Self::Pg(r) => r.try_get(i).map_err(|e| bad(i, e)),
            }
        }
        pub(crate) fn $opt(&self, i: usize) -> Result<Option<$ty>, ReadError> {
            match self {
                Self::Lite(r) => r.get(i).map_err(|e| bad(i, e)),
                Self::Pg(r) => r.try_get(i).map_err(|e| bad(i, e)),
            }
        }
    };
}

impl Row<'_> {
    getter!(int, opt_int, i64);
    getter!(text, opt_text, String);
    getter!(blob, opt_blob, Vec<u8>);

    pub(crate) fn opt_id(&self, i: usize) -> Result<Option<Uuid>, ReadError> {
        match self {
            Self::Lite(r) => r
                .get::<_, Option<[u8; 16]>>(i)
                .map(|b| b.map(Uuid::from_bytes))
                .map_err(|e| bad(i, e)),
            Self::Pg(r) => r.try_get(i).map_err(|e| bad(i, e)),
        }
    }
    pub(crate) fn id(&self, i: usize) -> Result<Uuid, ReadError> {
        self.opt_id(i)?.ok_or_else(|| bad(i, "no id"))
    }
    pub(crate) fn flag(&self, i: usize) -> Result<bool, ReadError> {
        Ok(self.int(i)? != 0)
    }
    pub(crate) fn opt_flag(&self, i: usize) -> Result<Option<bool>, ReadError> {
        Ok(self.opt_int(i)?.map(|n| n != 0))
    }
    pub(crate) fn time(&self, i: usize) -> Result<Timestamp, ReadError> {
        self.int(i).map(Timestamp::from_micros)
    }
    pub(crate) fn opt_time(&self, i: usize) -> Result<Option<Timestamp>, ReadError> {
        Ok(self.opt_int(i)?.map(Timestamp::from_micros))
    }
    /// An integer of any smaller type.
    pub(crate) fn num<T: TryFrom<i64>>(&self, i: usize) -> Result<T, ReadError> {
        T::try_from(self.int(i)?).map_err(|_| bad(i, "number out of range"))
    }
    pub(crate) fn opt_num<T: TryFrom<i64>>(&self, i: usize) -> Result<Option<T>, ReadError> {
        self.opt_int(i)?
            .map(|n| T::try_from(n).map_err(|_| bad(i, "number out of range")))
            .transpose()
    }
    /// A word of a closed set. An unknown word is corruption, never a default.
    pub(crate) fn word<T: FromStr<Err: std::fmt::Display>>(
        &self,
        i: usize,
    ) -> Result<T, ReadError> {
        self.text(i)?.parse().map_err(|e| bad(i, e))
    }
    pub(crate) fn opt_word<T: FromStr<Err: std::fmt::Display>>(
        &self,
        i: usize,
    ) -> Result<Option<T>, ReadError> {
        self.opt_text(i)?
            .map(|t| t.parse().map_err(|e| bad(i, e)))
            .transpose()
    }
    /// A list of texts, kept as a JSON array.
    pub(crate) fn list(&self, i: usize) -> Result<Vec<String>, ReadError> {
        serde_json::from_str(&self.text(i)?).map_err(|e| bad(i, e))
    }
    /// Bytes of a fixed length.
    pub(crate) fn fixed<const N: usize>(&self, i: usize) -> Result<[u8; N], ReadError> {
        self.blob(i)?.try_into().map_err(|_| bad(i, "wrong length"))
    }
}
