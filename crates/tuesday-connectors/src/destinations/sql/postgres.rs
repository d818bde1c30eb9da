//! `PostgreSQL` tables: receipt and effect in one transaction.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, error::SqlState};
use tuesday_domain::port::{Delivery, ReadBack, Secrets, SendFault};

use super::{Plan, Present, RECEIPT_COLUMNS, Verb, delivery_of};
use crate::destinations::{for_good, for_now, unclear};
use crate::sources::database::{TextParam, as_text, borrowed, from_text};
use crate::sources::postgres::{Pools, may_pass, words};

type Found = Option<Result<Delivery, SendFault>>;

pub(crate) struct Postgres {
    pools: Pools,
    /// Receipts tables known to exist, by database and name.
    ready: Mutex<HashSet<(String, String)>>,
}

impl Postgres {
    pub(super) fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            pools: Pools::new(secrets),
            ready: Mutex::default(),
        }
    }

    pub(super) async fn send(
        &self,
        reference: &str,
        plan: &Plan,
        timeout: Duration,
    ) -> Result<Delivery, SendFault> {
        // Set just before COMMIT leaves: until then a lost connection rolls everything back.
        let committing = AtomicBool::new(false);
        let work = async {
            let mut lease = self
                .pools
                .get(reference)
                .await
                .map_err(|e| for_now("connect", e))?;
            let client = lease.client().map_err(|e| for_now("connect", e))?;
            self.create_receipts(reference, client, plan).await?;
            let delivery = transact(client, plan, &committing).await?;
            lease.give_back();
            Ok(delivery)
        };
        match tokio::time::timeout(timeout, work).await {
            Ok(result) => result,
            Err(_) if committing.load(Ordering::SeqCst) => {
                Err(unclear("commit_unknown", "no answer to COMMIT in time"))
            }
            Err(_) => Err(for_now(
                "timeout",
                format!("not done within {timeout:?}; rolled back"),
            )),
        }
    }

    async fn create_receipts(
        &self,
        reference: &str,
        client: &Client,
        plan: &Plan,
    ) -> Result<(), SendFault> {
        let slot = (reference.to_owned(), plan.receipts.clone());
        if self
            .ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&slot)
        {
            return Ok(());
        }
        if !receipts_exist(client, plan).await.map_err(|e| fault(&e))? {
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {} (key TEXT PRIMARY KEY, run TEXT NOT NULL, request_hash TEXT NOT NULL, \
                 external_id TEXT, version_before TEXT, version_after TEXT, before_values TEXT, after_values TEXT, \
                 at TIMESTAMPTZ NOT NULL DEFAULT now())",
                plan.receipts
            );
            if let Err(e) = client.batch_execute(&sql).await {
                // Two nodes may create it at once; the loser finds it there.
                if !receipts_exist(client, plan).await.map_err(|e| fault(&e))? {
                    return Err(fault(&e));
                }
            }
        }
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(slot);
        Ok(())
    }

    pub(super) async fn look(&self, reference: &str, plan: &Plan) -> Result<Found, String> {
        let mut lease = self.pools.get(reference).await?;
        let client = lease.client()?;
        let there = receipts_exist(client, plan).await.map_err(|e| words(&e))?;
        let found = if there {
            find_receipt(client, plan).await.map_err(|e| words(&e))?
        } else {
            None
        };
        lease.give_back();
        Ok(found)
    }

    pub(super) async fn present(
        &self,
        reference: &str,
        plan: &Plan,
    ) -> Result<Vec<Present>, String> {
        let mut lease = self.pools.get(reference).await?;
        let rows = present(lease.client()?, plan, "")
            .await
            .map_err(|e| words(&e))?;
        lease.give_back();
        Ok(rows)
    }

    pub(super) async fn read_back(&self, reference: &str, plan: &Plan) -> Result<ReadBack, String> {
        let mut lease = self.pools.get(reference).await?;
        let answer = read_back(lease.client()?, plan)
            .await
            .map_err(|e| words(&e))?;
        lease.give_back();
        Ok(answer)
    }
}

async fn transact(
    client: &mut Client,
    plan: &Plan,
    committing: &AtomicBool,
) -> Result<Delivery, SendFault> {
    let tx = client.transaction().await.map_err(|e| fault(&e))?;
    // The receipt goes in first: a second sender of the same key waits here until the first is
    // through, and then finds its receipt instead of writing again.
    let claim = format!(
        "INSERT INTO {} (key, run, request_hash) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING",
        plan.receipts
    );
    let fresh = tx
        .execute(&claim, &[&plan.key, &plan.run, &plan.hash])
        .await
        .map_err(|e| fault(&e))?;
    if fresh == 0 {
        let found = find_receipt(&tx, plan).await.map_err(|e| fault(&e))?;
        return found.unwrap_or_else(|| Err(for_now("in_progress", "the key is being used")));
    }
    let delivery = effect(&tx, plan).await?;
    committing.store(true, Ordering::SeqCst);
    match tx.commit().await {
        Ok(()) => Ok(delivery),
        // The server said no, so it rolled back; without its word nobody knows.
        Err(e) if e.as_db_error().is_some() => Err(fault(&e)),
        Err(e) => Err(unclear("commit_unknown", words(&e))),
    }
}

async fn effect(tx: &tokio_postgres::Transaction<'_>, plan: &Plan) -> Result<Delivery, SendFault> {
    let mut before = None;
    if plan.verb != Verb::Insert {
        let mut rows = present(tx, plan, " FOR UPDATE")
            .await
            .map_err(|e| fault(&e))?;
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
    if before.is_some() {
        update(tx, plan).await?
    } else {
        insert(tx, plan).await?
    }
    let after = if plan.verb == Verb::Insert {
        None
    } else {
        present(tx, plan, "").await.map_err(|e| fault(&e))?.pop()
    };
    let wanted = || {
        Value::Object(
            plan.fields
                .iter()
                .map(|(_, n, v)| (n.clone(), v.clone()))
                .collect(),
        )
    };
    let columns = [
        plan.key_column.as_ref().map(|_| plan.target.clone()),
        before.as_ref().and_then(|r| r.version.clone()),
        after.as_ref().and_then(|r| r.version.clone()),
        before.map(|r| r.values.to_string()),
        Some(after.map_or_else(wanted, |r| r.values).to_string()),
    ];
    let [id, v0, v1, old, new] = &columns;
    let sql = format!(
        "UPDATE {} SET external_id = $2, version_before = $3, version_after = $4, before_values = $5, after_values = $6 WHERE key = $1",
        plan.receipts
    );
    tx.execute(&sql, &[&plan.key, id, v0, v1, old, new])
        .await
        .map_err(|e| fault(&e))?;
    Ok(delivery_of(columns, false))
}

async fn update(tx: &tokio_postgres::Transaction<'_>, plan: &Plan) -> Result<(), SendFault> {
    let key = plan.key_column.as_deref().unwrap_or_default();
    let sets: Vec<String> = plan
        .fields
        .iter()
        .zip(2..)
        .map(|((q, _, _), i)| format!("{q} = ${i}"))
        .collect();
    let sql = format!(
        "UPDATE {} SET {} WHERE {key} = $1",
        plan.table,
        sets.join(", ")
    );
    let mut params = vec![TextParam(Some(plan.target.clone()))];
    params.extend(plan.fields.iter().map(|(_, _, v)| TextParam::of(v)));
    let hit = tx
        .execute(&sql, &borrowed(&params))
        .await
        .map_err(|e| fault(&e))?;
    if hit == 1 {
        Ok(())
    } else {
        Err(plan.no_unique(usize::try_from(hit).unwrap_or(usize::MAX)))
    }
}

async fn insert(tx: &tokio_postgres::Transaction<'_>, plan: &Plan) -> Result<(), SendFault> {
    let columns = plan.inserted();
    let names: Vec<&str> = columns.iter().map(|(q, _)| *q).collect();
    let marks: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        plan.table,
        names.join(", "),
        marks.join(", ")
    );
    let params: Vec<TextParam> = columns.iter().map(|(_, v)| TextParam::of(v)).collect();
    tx.execute(&sql, &borrowed(&params))
        .await
        .map(|_| ())
        .map_err(|e| match e.code() {
            // Somebody created the row between our look and our insert: the next attempt updates it.
            Some(code) if *code == SqlState::UNIQUE_VIOLATION && plan.verb == Verb::Upsert => {
                for_now("conflict", words(&e))
            }
            _ => fault(&e),
        })
}

async fn present(
    client: &impl GenericClient,
    plan: &Plan,
    lock: &str,
) -> Result<Vec<Present>, tokio_postgres::Error> {
    let key = plan.key_column.as_deref().unwrap_or_default();
    let mut names: Vec<&str> = plan.fields.iter().map(|(q, _, _)| q.as_str()).collect();
    names.extend(plan.version_column.as_deref());
    let types: Vec<Type> = {
        let shape = client
            .prepare(&format!("SELECT {} FROM {}", names.join(", "), plan.table))
            .await?;
        shape.columns().iter().map(|c| c.type_().clone()).collect()
    };
    let list: Vec<String> = names
        .iter()
        .zip(&types)
        .map(|(n, t)| as_text(n, t))
        .collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {key} = $1 LIMIT 2{lock}",
        list.join(", "),
        plan.table
    );
    let target = TextParam(Some(plan.target.clone()));
    let rows = client.query(&sql, &[&target]).await?;
    rows.iter()
        .map(|row| {
            let mut values = Map::new();
            for (i, ((_, name, _), ty)) in plan.fields.iter().zip(&types).enumerate() {
                values.insert(name.clone(), from_text(row.try_get(i)?, ty));
            }
            let version = if plan.version_column.is_some() {
                row.try_get(plan.fields.len())?
            } else {
                None
            };
            Ok(Present {
                version,
                values: Value::Object(values),
            })
        })
        .collect()
}

async fn receipts_exist(
    client: &impl GenericClient,
    plan: &Plan,
) -> Result<bool, tokio_postgres::Error> {
    client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&plan.receipts])
        .await?
        .try_get(0)
}

async fn find_receipt(
    client: &impl GenericClient,
    plan: &Plan,
) -> Result<Found, tokio_postgres::Error> {
    let sql = format!(
        "SELECT {RECEIPT_COLUMNS} FROM {} WHERE key = $1",
        plan.receipts
    );
    let Some(row) = client.query_opt(&sql, &[&plan.key]).await? else {
        return Ok(None);
    };
    let hash: String = row.try_get(0)?;
    let columns = [
        row.try_get(1)?,
        row.try_get(2)?,
        row.try_get(3)?,
        row.try_get(4)?,
        row.try_get(5)?,
    ];
    Ok(Some(plan.known(&hash, delivery_of(columns, true))))
}

/// The database compares, so that `12.50` in a text equals 12.5 in a numeric column.
async fn read_back(client: &Client, plan: &Plan) -> Result<ReadBack, tokio_postgres::Error> {
    let mut tests: Vec<String> = plan
        .fields
        .iter()
        .zip(1..)
        .map(|((q, _, _), i)| format!("{q} IS NOT DISTINCT FROM ${i}"))
        .collect();
    let mut params: Vec<TextParam> = plan
        .fields
        .iter()
        .map(|(_, _, v)| TextParam::of(v))
        .collect();
    if let Some(key) = &plan.key_column {
        params.push(TextParam(Some(plan.target.clone())));
        tests.push(format!("{key} = ${}", params.len()));
    }
    let sql = format!(
        "SELECT 1 FROM {} WHERE {} LIMIT 1",
        plan.table,
        tests.join(" AND ")
    );
    if client.query_opt(&sql, &borrowed(&params)).await?.is_some() {
        let wanted = plan
            .fields
            .iter()
            .map(|(_, n, v)| (n.clone(), v.clone()))
            .collect();
        return Ok(ReadBack::Equal(Some(Value::Object(wanted))));
    }
    let found = if plan.key_column.is_some() {
        present(client, plan, "").await?
    } else {
        Vec::new()
    };
    Ok(ReadBack::Differs(match found.first() {
        Some(row) => format!("the row now holds {}", row.values),
        None => "the row is not there".to_owned(),
    }))
}

/// A statement that failed before COMMIT left: the transaction is rolled back in every case.
fn fault(e: &tokio_postgres::Error) -> SendFault {
    let detail = words(e);
    match e.code().map(SqlState::code) {
        _ if may_pass(e) => for_now("database", detail),
        Some(code) if code.starts_with("23") => for_good("constraint", detail),
        Some(code) if code.starts_with("22") => for_good("bad_value", detail),
        _ => for_good("statement", detail),
    }
}
