//! Rows out of a SQLite database and into one.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value as Json, json};

use super::{
    AUDIT, In, NEXT, Out, Piece, SEEDED, a_name, belonging, bytes, insert, not_empty, ordered,
    released, same_columns, values,
};
use crate::error::{ApplyError, ReadError};
use crate::sqlite::fault::{from_read, from_sqlite};

pub(super) fn dump(
    conn: &Connection,
    workflow: Option<&str>,
    mut out: Out,
) -> Result<(), ReadError> {
    // One reading transaction: every row is of the same moment.
    conn.execute_batch("BEGIN").map_err(from_read)?;
    let done = tables(conn, workflow, &mut out);
    let _ = conn.execute_batch("COMMIT");
    done
}

fn tables(conn: &Connection, workflow: Option<&str>, out: &mut Out) -> Result<(), ReadError> {
    let mut stmt = conn
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .map_err(from_read)?;
    let names: Result<Vec<String>, _> = stmt
        .query_map([], |r| r.get(0))
        .map_err(from_read)?
        .collect();
    for name in ordered(names.map_err(from_read)?) {
        let columns: Vec<String> = columns(conn, &name)
            .map_err(from_read)?
            .into_iter()
            .map(|c| c.0)
            .collect();
        let condition = match workflow {
            Some(_) => match belonging(&name, &columns) {
                Some(c) => format!(" WHERE {c}"),
                None => continue,
            },
            None => String::new(),
        };
        out(Piece::Table {
            name: name.clone(),
            columns: columns.clone(),
        })
        .map_err(ReadError::Unavailable)?;
        let listed = if name == "audit" {
            AUDIT.to_owned()
        } else {
            columns.join(", ")
        };
        let order = if name == "audit" { " ORDER BY idx" } else { "" };
        let mut stmt = conn
            .prepare(&format!("SELECT {listed} FROM {name}{condition}{order}"))
            .map_err(from_read)?;
        let params: Vec<&str> = workflow.into_iter().collect();
        let mut rows = stmt
            .query(rusqlite::params_from_iter(params))
            .map_err(from_read)?;
        while let Some(r) = rows.next().map_err(from_read)? {
            let mut row = Map::new();
            for (i, column) in columns.iter().enumerate() {
                row.insert(column.clone(), cell(r.get_ref(i).map_err(from_read)?)?);
            }
            released(&name, &mut row);
            out(Piece::Row(row)).map_err(ReadError::Unavailable)?;
        }
    }
    Ok(())
}

fn cell(v: ValueRef<'_>) -> Result<Json, ReadError> {
    Ok(match v {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(n) => json!(n),
        ValueRef::Text(t) => {
            let text = std::str::from_utf8(t).map_err(|e| ReadError::Corrupt(e.to_string()))?;
            json!(text)
        }
        ValueRef::Blob(b) => bytes(b),
        ValueRef::Real(_) => return Err(ReadError::Corrupt("a column holds a fraction".into())),
    })
}

/// Ids are bytes here, so no column is one of its own type.
fn columns(conn: &Connection, name: &str) -> rusqlite::Result<Vec<(String, bool)>> {
    let mut stmt = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let rows = stmt.query_map([name], |r| r.get::<_, String>(0))?;
    rows.map(|n| n.map(|n| (n, false))).collect()
}

/// Inside the writer's transaction: an error leaves nothing behind.
pub(super) fn load(conn: &Connection, mut input: In) -> Result<u64, ApplyError> {
    let taken: i64 = conn
        .query_row("SELECT count(*) FROM instance", [], |r| r.get(0))
        .map_err(from_sqlite)?;
    if taken > 0 {
        return Err(not_empty());
    }
    conn.execute_batch("PRAGMA defer_foreign_keys = ON")
        .map_err(from_sqlite)?;
    let (mut count, mut into) = (0, None);
    while let Some(piece) = input().map_err(ApplyError::Illegal)? {
        match piece {
            Piece::Table {
                name,
                columns: theirs,
            } => {
                a_name(&name)?;
                let here = columns(conn, &name).map_err(from_sqlite)?;
                same_columns(&name, &here, &theirs)?;
                if SEEDED.contains(&name.as_str()) {
                    conn.execute(&format!("DELETE FROM {name}"), [])
                        .map_err(from_sqlite)?;
                }
                into = Some((insert(&name, &here), here));
            }
            Piece::Row(row) => {
                let Some((sql, columns)) = &into else {
                    return Err(ApplyError::Illegal("a row before its table".into()));
                };
                let values = values(&row, columns).map_err(ApplyError::Illegal)?;
                let mut stmt = conn.prepare_cached(sql).map_err(from_sqlite)?;
                stmt.execute(rusqlite::params_from_iter(&values))
                    .map_err(from_sqlite)?;
                count += 1;
            }
        }
    }
    conn.execute(NEXT, []).map_err(from_sqlite)?;
    Ok(count)
}
