//! What is done inside one `SQLite` transaction, and the questions asked outside of any.

use rusqlite::types::Value as Sqlite;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use serde_json::{Map, Value};
use tuesday_domain::port::{Delivery, ReadBack, SendFault};

use super::{Plan, Present, RECEIPT_COLUMNS, Verb, delivery_of};
use crate::destinations::{for_good, for_now};
use crate::sources::database::{from_sqlite, text_of, to_sqlite};

/// Creates the receipts table beside the destination's own.
pub(super) fn create_receipts(c: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    c.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {} (key TEXT PRIMARY KEY NOT NULL, run TEXT NOT NULL, request_hash TEXT NOT NULL, \
         external_id TEXT, version_before TEXT, version_after TEXT, before_values TEXT, after_values TEXT, \
         at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))) STRICT",
        plan.receipts
    ))
}

/// The whole write: receipt check, precondition, effect, receipt.
pub(super) fn write(c: &Connection, plan: &Plan) -> Result<Delivery, SendFault> {
    let fault = |e: rusqlite::Error| fault(&e);
    create_receipts(c, plan).map_err(fault)?;
    if let Some(found) = find_receipt(c, plan).map_err(fault)? {
        return found;
    }
    let mut before = None;
    if plan.verb != Verb::Insert {
        let mut rows = present(c, plan).map_err(fault)?;
        if rows.len() > 1
            || (rows.is_empty() && (plan.verb == Verb::Update || plan.expected_version.is_some()))
        {
            return Err(plan.no_unique(rows.len()));
        }
        before = rows.pop();
        if let Some(row) = &before {
            plan.check_version(row.version.as_deref())?;
        }
    }
    let external_id = if before.is_some() {
        update(c, plan)?
    } else {
        insert(c, plan).map_err(fault)?
    };
    let after = if plan.key_column.is_some() && plan.verb != Verb::Insert {
        present(c, plan).map_err(fault)?.pop()
    } else {
        None
    };
    let json = |row: Option<&Present>| row.map(|r| r.values.to_string());
    let version = |row: Option<&Present>| row.and_then(|r| r.version.clone());
    let columns = [
        Some(external_id),
        version(before.as_ref()),
        version(after.as_ref()),
        json(before.as_ref()),
        json(after.as_ref()).or_else(|| Some(wanted(plan).to_string())),
    ];
    let sql = format!(
        "INSERT INTO {} (key, run, {RECEIPT_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        plan.receipts
    );
    let head = [
        Some(plan.key.clone()),
        Some(plan.run.clone()),
        Some(plan.hash.clone()),
    ];
    let values = head.into_iter().chain(columns.clone());
    c.prepare_cached(&sql)
        .and_then(|mut s| s.execute(params_from_iter(values)))
        .map_err(fault)?;
    Ok(delivery_of(columns, false))
}

/// The written values, for the receipt of an insert.
fn wanted(plan: &Plan) -> Value {
    Value::Object(
        plan.fields
            .iter()
            .map(|(_, name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn update(c: &Connection, plan: &Plan) -> Result<String, SendFault> {
    let key = plan.key_column.as_deref().unwrap_or_default();
    let sets: Vec<String> = plan
        .fields
        .iter()
        .map(|(q, _, _)| format!("{q} = ?"))
        .collect();
    let sql = format!(
        "UPDATE {} SET {} WHERE {key} = ?",
        plan.table,
        sets.join(", ")
    );
    let values = plan
        .fields
        .iter()
        .map(|(_, _, v)| to_sqlite(v))
        .chain([Sqlite::Text(plan.target.clone())]);
    let hit = c
        .prepare_cached(&sql)
        .and_then(|mut s| s.execute(params_from_iter(values)))
        .map_err(|e| fault(&e))?;
    if hit == 1 {
        Ok(plan.target.clone())
    } else {
        Err(plan.no_unique(hit))
    }
}

fn insert(c: &Connection, plan: &Plan) -> rusqlite::Result<String> {
    let columns = plan.inserted();
    let names: Vec<&str> = columns.iter().map(|(q, _)| *q).collect();
    let marks = vec!["?"; columns.len()];
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        plan.table,
        names.join(", "),
        marks.join(", ")
    );
    c.prepare_cached(&sql)?
        .execute(params_from_iter(columns.iter().map(|(_, v)| to_sqlite(v))))?;
    Ok(if plan.verb == Verb::Upsert {
        plan.target.clone()
    } else {
        c.last_insert_rowid().to_string()
    })
}

/// The rows the key names, at most two: more than one is enough to stop.
pub(super) fn present(c: &Connection, plan: &Plan) -> rusqlite::Result<Vec<Present>> {
    let key = plan.key_column.as_deref().unwrap_or_default();
    let mut names: Vec<&str> = plan.fields.iter().map(|(q, _, _)| q.as_str()).collect();
    names.extend(plan.version_column.as_deref());
    let mut statement = c.prepare_cached(&format!(
        "SELECT {} FROM {} WHERE {key} = ?1 LIMIT 2",
        names.join(", "),
        plan.table
    ))?;
    let declared: Vec<Option<String>> = statement
        .columns()
        .map(|c| c.decl_type().map(str::to_owned))
        .collect();
    let rows = statement.query_map([&plan.target], |row| {
        let mut values = Map::new();
        for (i, (_, name, _)) in plan.fields.iter().enumerate() {
            values.insert(
                name.clone(),
                from_sqlite(row.get_ref(i)?, declared.get(i).and_then(Option::as_deref)),
            );
        }
        let version = match &plan.version_column {
            Some(_) => text_of(&from_sqlite(row.get_ref(plan.fields.len())?, None)),
            None => None,
        };
        Ok(Present {
            version,
            values: Value::Object(values),
        })
    })?;
    rows.collect()
}

/// The receipt of this key; `Err` inside when it belongs to another write.
pub(super) fn find_receipt(
    c: &Connection,
    plan: &Plan,
) -> rusqlite::Result<Option<Result<Delivery, SendFault>>> {
    let there: bool = c
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'tuesday_receipts')")?
        .query_row([], |row| row.get(0))?;
    if !there {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {RECEIPT_COLUMNS} FROM {} WHERE key = ?1",
        plan.receipts
    );
    let row = c
        .prepare_cached(&sql)?
        .query_row([&plan.key], |r| {
            Ok((
                r.get::<_, String>(0)?,
                [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?],
            ))
        })
        .optional()?;
    Ok(row.map(|(hash, columns)| plan.known(&hash, delivery_of(columns, true))))
}

/// Asks the database itself whether the written values are there, so that its own types compare.
pub(super) fn read_back(c: &Connection, plan: &Plan) -> rusqlite::Result<ReadBack> {
    let tests: Vec<String> = plan
        .fields
        .iter()
        .map(|(q, _, _)| format!("{q} IS ?"))
        .collect();
    let mut sql = format!("SELECT 1 FROM {} WHERE {}", plan.table, tests.join(" AND "));
    let mut values: Vec<Sqlite> = plan.fields.iter().map(|(_, _, v)| to_sqlite(v)).collect();
    if let Some(key) = &plan.key_column {
        sql.push_str(&format!(" AND {key} = ?"));
        values.push(Sqlite::Text(plan.target.clone()));
    }
    if c.prepare_cached(&sql)?.exists(params_from_iter(values))? {
        return Ok(ReadBack::Equal(Some(wanted(plan))));
    }
    let found = if plan.key_column.is_some() {
        present(c, plan)?
    } else {
        Vec::new()
    };
    Ok(ReadBack::Differs(match found.first() {
        Some(row) => format!("the row now holds {}", row.values),
        None => "the row is not there".to_owned(),
    }))
}

/// A failed statement. The transaction is rolled back, so each is a clean refusal.
pub(super) fn fault(e: &rusqlite::Error) -> SendFault {
    use rusqlite::ErrorCode as C;
    let detail = e.to_string();
    match e.sqlite_error_code() {
        Some(C::ConstraintViolation) => for_good("constraint", detail),
        Some(
            C::DatabaseBusy
            | C::DatabaseLocked
            | C::DiskFull
            | C::SystemIoFailure
            | C::OutOfMemory
            | C::CannotOpen
            | C::OperationInterrupted,
        ) => for_now("database", detail),
        Some(C::ReadOnly | C::PermissionDenied) => for_good("read_only", detail),
        _ => for_good("statement", detail),
    }
}
