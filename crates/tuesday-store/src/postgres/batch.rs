//! Many decisions as few statements: the changes of all of them, grouped by kind, one array for
//! each column.

use std::collections::BTreeMap;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tuesday_domain::record::Change;
use uuid::Uuid;

use super::writer::Pending;
use crate::change::{Verb, audited_run, audited_workflow, bind};
use crate::jobs::{self, Fence};
use crate::reviews::Lists;
use crate::table::Ty;
use crate::value::{Param, opt_id, opt_num, opt_text};

/// Appends entries; the sequencer gives them their index later.
pub(super) const APPEND: &str = "INSERT INTO audit (id, run_id, workflow, seq, at, kind, leaf) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[])";
const APPEND_TYPES: &[Ty] = &[
    Ty::Id,
    Ty::Id,
    Ty::Text,
    Ty::Int,
    Ty::Int,
    Ty::Text,
    Ty::Blob,
];

/// One column of many rows.
#[derive(Debug)]
pub(super) enum Column<'a> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Blob(Vec<Option<&'a [u8]>>),
    Id(Vec<Option<Uuid>>),
    /// No list: the one value of a rare statement.
    One(Param<'a>),
}

impl<'a> Column<'a> {
    const fn new(ty: Ty) -> Self {
        match ty {
            Ty::Int => Self::Int(Vec::new()),
            Ty::Text => Self::Text(Vec::new()),
            Ty::Blob => Self::Blob(Vec::new()),
            Ty::Id => Self::Id(Vec::new()),
        }
    }

    /// A value of another type than the column's becomes NULL, which the schema then refuses.
    fn push(&mut self, value: Param<'a>) {
        match (self, value) {
            (Self::Int(v), Param::Int(n)) => v.push(Some(n)),
            (Self::Text(v), Param::Text(t)) => v.push(Some(t)),
            (Self::Blob(v), Param::Blob(b)) => v.push(Some(b)),
            (Self::Id(v), Param::Id(id)) => v.push(Some(id)),
            (Self::Int(v), _) => v.push(None),
            (Self::Text(v), _) => v.push(None),
            (Self::Blob(v), _) => v.push(None),
            (Self::Id(v), _) => v.push(None),
            (one @ Self::One(_), value) => *one = Self::One(value),
        }
    }
}

impl ToSql for Column<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Int(v) => v.to_sql_checked(ty, out),
            Self::Text(v) => v.to_sql_checked(ty, out),
            Self::Blob(v) => v.to_sql_checked(ty, out),
            Self::Id(v) => v.to_sql_checked(ty, out),
            Self::One(v) => v.to_sql_checked(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// The order of statements: guards first, so that a lost lease stops before anything is written;
/// new rows before changed ones; the entry last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Fence(Fence),
    DropJob,
    Insert,
    Put,
    Update,
    One(usize),
    Append,
}

/// One statement over many rows.
pub(super) struct Group<'a> {
    pub(super) sql: &'a str,
    pub(super) columns: Vec<Column<'a>>,
    /// How many rows it must touch; absent where any number will do.
    pub(super) expect: Option<u64>,
    rows: u64,
}

/// The statements of a batch in order.
#[derive(Default)]
pub(super) struct Groups<'a> {
    groups: BTreeMap<(Rank, &'a str), Group<'a>>,
    ones: usize,
}

const FENCE_TYPES: &[Ty] = &[Ty::Id, Ty::Int, Ty::Int, Ty::Text, Ty::Int];

impl<'a> Groups<'a> {
    /// Adds all changes of a decision; `lists` has a slot for each of them.
    pub(super) fn decision(&mut self, pending: &'a Pending, lists: &'a mut [Option<Lists>]) {
        for (change, slot) in pending.decision.changes.iter().zip(lists) {
            self.change(change, slot);
        }
        self.entry(pending);
    }

    /// Adds one change.
    pub(super) fn change(&mut self, change: &'a Change, slot: &'a mut Option<Lists>) {
        let mut params = Vec::with_capacity(34);
        let types = |table: &'static crate::table::Table, n: usize| {
            table.columns[..n].iter().map(|c| c.1).collect()
        };
        let (rank, sql, types, strict): (Rank, &'a str, Vec<Ty>, bool) =
            match bind(change, slot, &mut params) {
                Verb::Insert(t) => (
                    Rank::Insert,
                    &t.postgres().insert,
                    types(t, t.columns.len()),
                    true,
                ),
                Verb::Put(t) => (
                    Rank::Put,
                    &t.postgres().put,
                    types(t, t.columns.len()),
                    true,
                ),
                Verb::Update(t) => (Rank::Update, &t.postgres().update, types(t, t.bound), true),
                Verb::Fence(f) => {
                    let n = if f == Fence::Release { 5 } else { 2 };
                    (
                        Rank::Fence(f),
                        jobs::postgres::fence_sql(f),
                        FENCE_TYPES[..n].to_vec(),
                        true,
                    )
                }
                Verb::DropJob => (Rank::DropJob, jobs::postgres::DROP, vec![Ty::Id], false),
                Verb::One(sql) => return self.single(sql, &params, Some(1)),
                Verb::Any(sql) => return self.single(sql, &params, None),
            };
        self.row(rank, sql, &types, &params, strict);
    }

    /// Adds the audit entry of a decision.
    pub(super) fn entry(&mut self, pending: &'a Pending) {
        let run = audited_run(&pending.decision);
        let entry = &pending.decision.entry;
        let params = [
            Param::Id(pending.entry),
            opt_id(run.map(|r| r.0.uuid())),
            opt_text(audited_workflow(&pending.decision)),
            opt_num(run.map(|r| r.1)),
            Param::Int(entry.at.micros()),
            Param::Text(entry.kind),
            Param::Blob(&pending.leaf),
        ];
        self.row(Rank::Append, APPEND, APPEND_TYPES, &params, true);
    }

    fn row(&mut self, rank: Rank, sql: &'a str, types: &[Ty], params: &[Param<'a>], strict: bool) {
        let group = self.groups.entry((rank, sql)).or_insert_with(|| Group {
            sql,
            columns: types.iter().map(|t| Column::new(*t)).collect(),
            expect: None,
            rows: 0,
        });
        for (column, value) in group.columns.iter_mut().zip(params) {
            column.push(*value);
        }
        group.rows += 1;
        group.expect = strict.then_some(group.rows);
    }

    /// A rare statement of its own.
    fn single(&mut self, sql: &'a str, params: &[Param<'a>], expect: Option<u64>) {
        self.ones += 1;
        let columns = params.iter().map(|p| Column::One(*p)).collect();
        self.groups.insert(
            (Rank::One(self.ones), sql),
            Group {
                sql,
                columns,
                expect,
                rows: 1,
            },
        );
    }

    pub(super) fn into_statements(self) -> Vec<Group<'a>> {
        self.groups.into_values().collect()
    }
}
