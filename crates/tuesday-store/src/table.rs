//! A table as a list of columns, from which the write statements of both databases follow.
//!
//! Written once per table, so that a column added in one place cannot be forgotten in another, and
//! so that PostgreSQL can take many rows in one statement while SQLite takes them one by one.

use std::fmt::Write as _;
use std::sync::OnceLock;

/// How a column is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ty {
    Int,
    Text,
    Blob,
    Id,
}

impl Ty {
    const fn postgres(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Text => "text",
            Self::Blob => "bytea",
            Self::Id => "uuid",
        }
    }
}

/// Columns in this order: the key, what an update sets, what stays as inserted. The last of the
/// columns that an update sets is the version where there is one.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Ty)],
    /// How many of them are the key.
    pub(crate) keys: usize,
    /// How many an update binds: the key and what it sets.
    pub(crate) bound: usize,
    /// Whether an update expects the version before.
    pub(crate) versioned: bool,
    lite: OnceLock<Sql>,
    pg: OnceLock<Sql>,
}

/// The write statements of a table in one dialect.
pub(crate) struct Sql {
    pub(crate) insert: String,
    pub(crate) update: String,
    /// Insert, or set the columns where the key exists.
    pub(crate) put: String,
}

impl Table {
    pub(crate) const fn new(
        name: &'static str,
        columns: &'static [(&'static str, Ty)],
        keys: usize,
        bound: usize,
        versioned: bool,
    ) -> Self {
        Self {
            name,
            columns,
            keys,
            bound,
            versioned,
            lite: OnceLock::new(),
            pg: OnceLock::new(),
        }
    }

    fn names(&self) -> String {
        self.columns
            .iter()
            .map(|c| c.0)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn conflict(&self) -> String {
        let keys: Vec<_> = self.columns[..self.keys].iter().map(|c| c.0).collect();
        let sets: Vec<_> = self.columns[self.keys..self.bound]
            .iter()
            .map(|c| format!("{0} = excluded.{0}", c.0))
            .collect();
        format!(
            " ON CONFLICT ({}) DO UPDATE SET {}",
            keys.join(", "),
            sets.join(", ")
        )
    }

    /// One row a statement; parameters are numbered from 1.
    pub(crate) fn sqlite(&self) -> &Sql {
        self.lite.get_or_init(|| {
            let marks: Vec<_> = (1..=self.columns.len()).map(|i| format!("?{i}")).collect();
            let insert = format!(
                "INSERT INTO {} ({}) VALUES ({})",
                self.name,
                self.names(),
                marks.join(", ")
            );
            let put = insert.clone() + &self.conflict();
            let mut update = format!("UPDATE {} SET ", self.name);
            for (i, (name, _)) in self
                .columns
                .iter()
                .enumerate()
                .take(self.bound)
                .skip(self.keys)
            {
                let comma = if i > self.keys { ", " } else { "" };
                let _ = write!(update, "{comma}{name} = ?{}", i + 1);
            }
            for (i, (name, _)) in self.columns.iter().enumerate().take(self.keys) {
                let _ = write!(
                    update,
                    "{} {name} = ?{}",
                    if i == 0 { " WHERE" } else { " AND" },
                    i + 1
                );
            }
            if self.versioned {
                let _ = write!(
                    update,
                    " AND {} = ?{} - 1",
                    self.columns[self.bound - 1].0,
                    self.bound
                );
            }
            Sql {
                insert,
                update,
                put,
            }
        })
    }

    /// Any number of rows a statement: one array for each column.
    pub(crate) fn postgres(&self) -> &Sql {
        self.pg.get_or_init(|| {
            let unnest = |n: usize| {
                let arrays: Vec<_> = self.columns[..n]
                    .iter()
                    .enumerate()
                    .map(|(i, c)| format!("${}::{}[]", i + 1, c.1.postgres()))
                    .collect();
                format!("unnest({})", arrays.join(", "))
            };
            let insert = format!(
                "INSERT INTO {} ({}) SELECT * FROM {}",
                self.name,
                self.names(),
                unnest(self.columns.len())
            );
            let put = insert.clone() + &self.conflict();
            let bound: Vec<_> = self.columns[..self.bound].iter().map(|c| c.0).collect();
            let sets: Vec<_> = bound[self.keys..]
                .iter()
                .map(|c| format!("{c} = u.{c}"))
                .collect();
            let mut update = format!(
                "UPDATE {} AS t SET {} FROM {} AS u({})",
                self.name,
                sets.join(", "),
                unnest(self.bound),
                bound.join(", ")
            );
            for (i, key) in bound[..self.keys].iter().enumerate() {
                let _ = write!(
                    update,
                    "{} t.{key} = u.{key}",
                    if i == 0 { " WHERE" } else { " AND" }
                );
            }
            if self.versioned {
                let version = bound[self.bound - 1];
                let _ = write!(update, " AND t.{version} = u.{version} - 1");
            }
            Sql {
                insert,
                update,
                put,
            }
        })
    }
}
