//! Tables as destinations, class A: the write and a row in `tuesday_receipts` share one transaction,
//! so the effect and the proof of it exist together or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tuesday_domain::port::{Delivery, Intent, Look, ReadBack, Secrets, SendFault, Target};

use crate::sources::database::{Database, ident, table};

use super::{for_good, receipt};

mod postgres;
mod sqlite;
mod sqlite_work;

/// Columns of the receipts table, in the order both databases use.
const RECEIPT_COLUMNS: &str =
    "request_hash, external_id, version_before, version_after, before_values, after_values";

pub(crate) struct SqlDestination {
    base: PathBuf,
    sqlite: sqlite::Lanes,
    postgres: postgres::Postgres,
}

/// How a row is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verb {
    Insert,
    Update,
    Upsert,
}

/// One write with every name checked and quoted.
#[derive(Clone, Debug)]
struct Plan {
    run: String,
    key: String,
    hash: String,
    verb: Verb,
    /// Quoted table.
    table: String,
    /// Quoted receipts table, in the same schema.
    receipts: String,
    /// Quoted key column.
    key_column: Option<String>,
    target: String,
    /// Quoted column, plain name, value.
    fields: Vec<(String, String, Value)>,
    version_column: Option<String>,
    expected_version: Option<String>,
}

impl Plan {
    fn of(intent: &Intent) -> Result<Self, String> {
        let spec = &intent.spec;
        let (table, beside) = table(spec.table.as_deref().ok_or("`table` is missing")?)?;
        let verb = match spec.write.as_deref() {
            Some("insert") => Verb::Insert,
            Some("update") => Verb::Update,
            Some("upsert") => Verb::Upsert,
            _ => return Err("`write` must be insert, update or upsert".to_owned()),
        };
        let key_column = spec.key_column.as_deref().map(ident).transpose()?;
        if key_column.is_none() && verb != Verb::Insert {
            return Err("`key_column` is missing".to_owned());
        }
        let mut fields = Vec::with_capacity(intent.fields.len());
        for (name, value) in &intent.fields {
            fields.push((ident(name)?, name.clone(), value.clone()));
        }
        // The order of a map may change when it is stored; the hash must not.
        fields.sort_by(|a, b| a.1.cmp(&b.1));
        if fields.is_empty() {
            return Err("there is no field to write".to_owned());
        }
        Ok(Self {
            run: intent.run.to_string(),
            key: intent.key.clone(),
            hash: hash(intent, &fields),
            verb,
            receipts: format!("{beside}\"tuesday_receipts\""),
            table,
            key_column,
            target: intent.target.clone(),
            fields,
            version_column: spec.version_column.as_deref().map(ident).transpose()?,
            expected_version: intent.expected_version.clone(),
        })
    }

    /// Columns an INSERT sets: the fields, and the key column unless it is one of them.
    fn inserted(&self) -> Vec<(&str, Value)> {
        let mut columns: Vec<(&str, Value)> = self
            .fields
            .iter()
            .map(|(q, _, v)| (q.as_str(), v.clone()))
            .collect();
        if let Some(key) = self.key_column.as_deref()
            && !columns.iter().any(|(q, _)| *q == key)
        {
            columns.push((key, Value::String(self.target.clone())));
        }
        columns
    }

    /// The precondition on the version that was read under the lock.
    fn check_version(&self, now: Option<&str>) -> Result<(), SendFault> {
        match (&self.version_column, &self.expected_version) {
            (Some(_), Some(then)) if now != Some(then) => Err(SendFault::TargetChanged {
                detail: format!(
                    "version {then} at the snapshot, {} now",
                    now.unwrap_or("none")
                ),
            }),
            _ => Ok(()),
        }
    }

    fn no_unique(&self, rows: usize) -> SendFault {
        SendFault::NoUniqueTarget {
            detail: format!(
                "{rows} rows of {} have the key `{}`",
                self.table, self.target
            ),
        }
    }

    /// A receipt that is there already: the same effect, or a key used for something else.
    fn known(&self, stored_hash: &str, delivery: Delivery) -> Result<Delivery, SendFault> {
        if stored_hash == self.hash {
            return Ok(delivery);
        }
        Err(for_good("key_reuse", "the key was used for another write"))
    }
}

fn hash(intent: &Intent, fields: &[(String, String, Value)]) -> String {
    let spec = &intent.spec;
    let parts = serde_json::json!([
        spec.table,
        spec.write,
        spec.key_column,
        intent.target,
        fields
            .iter()
            .map(|(_, name, value)| serde_json::json!([name, value]))
            .collect::<Vec<_>>(),
    ]);
    hex::encode(Sha256::digest(parts.to_string().as_bytes()))
}

/// A receipt row in the order of [`RECEIPT_COLUMNS`], without the hash.
fn delivery_of(columns: [Option<String>; 5], repeated: bool) -> Delivery {
    let [external_id, version_before, version_after, before, after] = columns;
    let parse = |text: Option<String>| text.and_then(|t| serde_json::from_str(&t).ok());
    Delivery {
        external_id,
        version_before,
        version_after,
        before: parse(before),
        after: parse(after),
        repeated,
        ..receipt(if repeated {
            "receipt found"
        } else {
            "committed"
        })
    }
}

impl SqlDestination {
    pub(crate) fn new(secrets: Arc<dyn Secrets>, base: PathBuf) -> Self {
        Self {
            base,
            sqlite: sqlite::Lanes::default(),
            postgres: postgres::Postgres::new(secrets),
        }
    }

    fn plan(&self, intent: &Intent) -> Result<(Database, Plan), String> {
        Ok((
            Database::parse(intent.spec.database.as_deref(), &self.base)?,
            Plan::of(intent)?,
        ))
    }

    pub(crate) async fn send(&self, intent: &Intent) -> Result<Delivery, SendFault> {
        let (database, plan) = self.plan(intent).map_err(|e| for_good("bad_config", e))?;
        let timeout = Duration::from_millis(intent.timeout_ms);
        match database {
            Database::Sqlite(path) => self.sqlite.send(path, plan, timeout).await,
            Database::Postgres(reference) => self.postgres.send(&reference, &plan, timeout).await,
        }
    }

    pub(crate) async fn look(&self, intent: &Intent) -> Look {
        let (database, plan) = match self.plan(intent) {
            Ok(both) => both,
            Err(e) => return Look::Unknown(e),
        };
        let found = match database {
            Database::Sqlite(path) => {
                sqlite::ask(path, move |c| sqlite_work::find_receipt(c, &plan)).await
            }
            Database::Postgres(reference) => self.postgres.look(&reference, &plan).await,
        };
        match found {
            Ok(Some(Ok(delivery))) => Look::Found(delivery),
            Ok(Some(Err(_))) => Look::Unknown("the key was used for another write".to_owned()),
            Ok(None) => Look::Absent,
            Err(e) => Look::Unknown(e),
        }
    }

    pub(crate) async fn read_back(&self, intent: &Intent) -> ReadBack {
        let (database, plan) = match self.plan(intent) {
            Ok(both) => both,
            Err(e) => return ReadBack::Failed(e),
        };
        let read = match database {
            Database::Sqlite(path) => {
                sqlite::ask(path, move |c| sqlite_work::read_back(c, &plan)).await
            }
            Database::Postgres(reference) => self.postgres.read_back(&reference, &plan).await,
        };
        read.unwrap_or_else(ReadBack::Failed)
    }

    pub(crate) async fn target(&self, intent: &Intent) -> Result<Target, SendFault> {
        let (database, plan) = self.plan(intent).map_err(|e| for_good("bad_config", e))?;
        if plan.verb == Verb::Insert {
            return Ok(Target::default());
        }
        let verb = plan.verb;
        let none = plan.no_unique(0);
        let several = plan.no_unique(2);
        let rows = match database {
            Database::Sqlite(path) => {
                sqlite::ask(path, move |c| sqlite_work::present(c, &plan)).await
            }
            Database::Postgres(reference) => self.postgres.present(&reference, &plan).await,
        };
        let mut rows = rows.map_err(|e| super::for_now("database", e))?;
        match (rows.len(), rows.pop()) {
            (1, Some(row)) => Ok(Target {
                version: row.version,
                values: Some(row.values),
            }),
            (0, _) if verb == Verb::Upsert => Ok(Target::default()),
            (0, _) => Err(none),
            _ => Err(several),
        }
    }
}

/// A matching row as it is now.
#[derive(Debug)]
struct Present {
    version: Option<String>,
    values: Value,
}
