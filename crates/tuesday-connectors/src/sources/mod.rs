//! Systems of record that are read when a run is frozen and again before it acts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tuesday_domain::definition::{SourceKind, SourceSpec};
use tuesday_domain::id::RunId;
use tuesday_domain::port::{Call, Secrets, Source, SourceFault, SourceRecord};

use crate::net::Http;

pub(crate) mod address;
pub(crate) mod database;
mod file;
mod http;
pub(crate) mod postgres;
mod sql;
mod table;
pub(crate) mod tls;

/// Reads every kind of source.
pub struct Sources {
    base: PathBuf,
    files: file::Files,
    sql: sql::Sql,
    http: http::HttpSource,
}

impl Sources {
    /// `base` is the installation's data folder: relative paths in definitions start there.
    #[must_use]
    pub fn new(http: Http, secrets: Arc<dyn Secrets>, base: impl Into<PathBuf>) -> Self {
        Self {
            base: base.into(),
            files: file::Files::default(),
            sql: sql::Sql::new(Arc::clone(&secrets)),
            http: http::HttpSource::new(http, secrets),
        }
    }
}

impl Source for Sources {
    fn read<'a>(
        &'a self,
        spec: &'a SourceSpec,
        facts: &'a Value,
        run: RunId,
        timeout: Duration,
    ) -> Call<'a, Result<SourceRecord, SourceFault>> {
        Box::pin(async move {
            match spec.kind {
                SourceKind::Http => self.http.read(spec, facts, run, timeout).await,
                SourceKind::Sql => self.sql.read(&self.base, spec, facts, timeout).await,
                SourceKind::File => self.files.read(&self.base, spec, facts).await,
            }
        })
    }
}

/// A row or a table record: its bytes are the record as JSON.
fn record_of(record: Map<String, Value>, location: String) -> SourceRecord {
    let bytes = serde_json::to_vec(&record).unwrap_or_default();
    SourceRecord {
        bytes,
        record,
        location,
    }
}

fn permanent(code: &'static str, detail: impl Into<String>) -> SourceFault {
    SourceFault::Permanent {
        code,
        detail: detail.into(),
    }
}

fn transient(code: &'static str, detail: impl Into<String>) -> SourceFault {
    SourceFault::Transient {
        code,
        detail: detail.into(),
        retry_after: None,
    }
}
