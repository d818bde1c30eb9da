//! Rows out of a PostgreSQL database and into one.

use futures::TryStreamExt as _;
use serde_json::{Map, Value as Json, json};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

use super::{
    AUDIT, In, NEXT, Out, Piece, SEEDED, a_name, belonging, bytes, hex_of, insert, not_empty,
    ordered, released, same_columns, values,
};
use crate::error::{ApplyError, ReadError};
use crate::postgres::Postgres;
use crate::postgres::fault::from_pg;
use crate::value::Value;

const TABLES: &str = "SELECT table_name::text FROM information_schema.tables \
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";

fn unread(e: tokio_postgres::Error) -> ReadError {
    ReadError::Unavailable(e.to_string())
}

pub(super) async fn dump(
    p: &Postgres,
    workflow: Option<&str>,
    mut out: Out,
) -> Result<(), ReadError> {
    let mut client = p
        .client()
        .await
        .map_err(|e| ReadError::Unavailable(e.to_string()))?;
    // One snapshot: every row is of the same moment.
    let tx = client
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(unread)?;
    let names = tx.query(TABLES, &[]).await.map_err(unread)?;
    for name in ordered(names.iter().map(|r| r.get(0)).collect()) {
        let types = columns(&tx, &name).await.map_err(unread)?;
        let columns: Vec<String> = types.iter().map(|c| c.0.clone()).collect();
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
        let order = match name.as_str() {
            // Entries that have no place yet come with the next export.
            "audit" if workflow.is_none() => " WHERE idx IS NOT NULL ORDER BY idx",
            "audit" => " AND idx IS NOT NULL ORDER BY idx",
            _ => "",
        };
        let sql = format!(
            "SELECT {} FROM {name}{condition}{order}",
            columns.join(", ")
        );
        let params: Vec<&(dyn ToSql + Sync)> =
            workflow.iter().map(|w| w as &(dyn ToSql + Sync)).collect();
        let rows = tx.query_raw(&sql, params).await.map_err(unread)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(r) = rows.try_next().await.map_err(unread)? {
            let mut row = Map::new();
            for (i, column) in columns.iter().enumerate() {
                row.insert(column.clone(), cell(&r, i)?);
            }
            released(&name, &mut row);
            out(Piece::Row(row)).map_err(ReadError::Unavailable)?;
        }
    }
    tx.commit().await.map_err(unread)
}

fn cell(r: &Row, i: usize) -> Result<Json, ReadError> {
    let bad = |e: tokio_postgres::Error| ReadError::Corrupt(e.to_string());
    let ty = r.columns()[i].type_();
    Ok(match *ty {
        Type::INT8 => json!(r.try_get::<_, Option<i64>>(i).map_err(bad)?),
        Type::TEXT => json!(r.try_get::<_, Option<String>>(i).map_err(bad)?),
        Type::BYTEA => r
            .try_get::<_, Option<Vec<u8>>>(i)
            .map_err(bad)?
            .map_or(Json::Null, |b| bytes(&b)),
        Type::UUID => r
            .try_get::<_, Option<Uuid>>(i)
            .map_err(bad)?
            .map_or(Json::Null, |id| json!({"hex": hex_of(id.as_bytes())})),
        _ => return Err(ReadError::Corrupt(format!("a column of the type {ty}"))),
    })
}

/// The columns of a table, and whether each is an id; of the log those that both databases have.
async fn columns(
    tx: &Transaction<'_>,
    name: &str,
) -> Result<Vec<(String, bool)>, tokio_postgres::Error> {
    let listed = if name == "audit" { AUDIT } else { "*" };
    let stmt = tx
        .prepare(&format!("SELECT {listed} FROM {name} LIMIT 0"))
        .await?;
    let all = stmt.columns().iter();
    Ok(all
        .map(|c| (c.name().to_owned(), *c.type_() == Type::UUID))
        .collect())
}

/// One transaction: an error leaves nothing behind.
pub(super) async fn load(p: &Postgres, mut input: In) -> Result<u64, ApplyError> {
    let mut client = p.client().await?;
    let tx = client.transaction().await.map_err(from_pg)?;
    let taken: i64 = tx
        .query_one("SELECT count(*) FROM instance", &[])
        .await
        .map_err(from_pg)?
        .get(0);
    if taken > 0 {
        return Err(not_empty());
    }
    let (mut count, mut into) = (0, None);
    while let Some(piece) = input().map_err(ApplyError::Illegal)? {
        match piece {
            Piece::Table {
                name,
                columns: theirs,
            } => {
                a_name(&name)?;
                let mut here = columns(&tx, &name).await.map_err(from_pg)?;
                same_columns(&name, &here, &theirs)?;
                if SEEDED.contains(&name.as_str()) {
                    tx.execute(&format!("DELETE FROM {name}"), &[])
                        .await
                        .map_err(from_pg)?;
                }
                let log = name == "audit";
                if log {
                    here.push(("id".to_owned(), true));
                }
                let stmt = tx.prepare(&insert(&name, &here)).await.map_err(from_pg)?;
                if log {
                    here.pop();
                }
                into = Some((stmt, here, log));
            }
            Piece::Row(row) => {
                let Some((stmt, columns, log)) = &into else {
                    return Err(ApplyError::Illegal("a row before its table".into()));
                };
                let mut values = values(&row, columns).map_err(ApplyError::Illegal)?;
                if *log {
                    // Time-ordered, as the log's own are.
                    values.push(Value::Id(Uuid::now_v7()));
                }
                let params: Vec<&(dyn ToSql + Sync)> =
                    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
                tx.execute(stmt, &params).await.map_err(from_pg)?;
                count += 1;
            }
        }
    }
    tx.execute(NEXT, &[]).await.map_err(from_pg)?;
    tx.commit().await.map_err(from_pg)?;
    Ok(count)
}
