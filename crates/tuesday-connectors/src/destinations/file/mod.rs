//! CSV and JSON Lines files that get one record per action.
//!
//! The key is part of the record, so the file itself says what was written: exactly once, however
//! often it is tried. A record is one write at the end of a locked file and is on disk before
//! success is said. What a crash leaves behind is an incomplete last record; it is taken off again
//! only when it can be told that it is ours.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tuesday_domain::port::{Delivery, Intent, Look, ReadBack, SendFault};

use super::{for_good, for_now, receipt};

mod append;
mod format;
mod index;

use format::{Format, Record};
use index::Index;

/// Column or member that carries the key unless the definition names another.
const KEY_FIELD: &str = "tuesday_key";

pub(crate) struct FileDestination {
    base: PathBuf,
    /// What is known of each file, behind a lock that also orders our own writers.
    known: Mutex<HashMap<PathBuf, Arc<Mutex<Index>>>>,
}

/// One record for one file.
struct Job {
    path: PathBuf,
    format: Format,
    record: Record,
    timeout: Duration,
    index: Arc<Mutex<Index>>,
}

impl FileDestination {
    pub(crate) fn new(base: PathBuf) -> Self {
        Self {
            base,
            known: Mutex::default(),
        }
    }

    fn job(&self, intent: &Intent) -> Result<Job, String> {
        let setting = intent.spec.path.as_deref().ok_or("`path` is missing")?;
        if Path::new(setting)
            .components()
            .any(|c| matches!(c, Component::ParentDir))
        {
            return Err("`..` is not allowed in `path`".to_owned());
        }
        let path = self.base.join(setting);
        let format = Format::of(&path)?;
        let key_field = intent.spec.key_field.as_deref().unwrap_or(KEY_FIELD);
        let record = Record::new(key_field, &intent.key, &intent.fields)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let index = Arc::clone(known.entry(path.clone()).or_default());
        Ok(Job {
            path,
            format,
            record,
            timeout: Duration::from_millis(intent.timeout_ms),
            index,
        })
    }

    pub(crate) async fn send(&self, intent: &Intent) -> Result<Delivery, SendFault> {
        let job = self.job(intent).map_err(|e| for_good("bad_config", e))?;
        let after = Value::Object(intent.fields.clone());
        let work = move || append::append(&job);
        let done = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| super::unclear("writer_gone", "the write was cut off"))??;
        Ok(Delivery {
            external_id: Some(intent.key.clone()),
            after: Some(after),
            repeated: done.repeated,
            ..receipt(done.status)
        })
    }

    pub(crate) async fn look(&self, intent: &Intent) -> Look {
        match self.find(intent).await {
            Ok(Some(_)) => Look::Found(Delivery {
                external_id: Some(intent.key.clone()),
                repeated: true,
                ..receipt("found in the file")
            }),
            Ok(None) => Look::Absent,
            Err(e) => Look::Unknown(e),
        }
    }

    pub(crate) async fn read_back(&self, intent: &Intent) -> ReadBack {
        match self.find(intent).await {
            Ok(Some(None)) => ReadBack::Equal(Some(Value::Object(intent.fields.clone()))),
            Ok(Some(Some(difference))) => ReadBack::Differs(difference),
            Ok(None) => ReadBack::Differs("the record is not in the file".to_owned()),
            Err(e) => ReadBack::Failed(e),
        }
    }

    /// The record with this key: absent, equal (`Some(None)`), or how it differs.
    async fn find(&self, intent: &Intent) -> Result<Option<Option<String>>, String> {
        let job = self.job(intent)?;
        let work = move || append::find(&job);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| "the look-up was cut off".to_owned())?
    }
}

fn io_for_now(code: &'static str, path: &Path, e: &std::io::Error) -> SendFault {
    match e.kind() {
        std::io::ErrorKind::NotFound => for_good(
            "no_folder",
            format!("the folder of `{}` is not there", path.display()),
        ),
        kind => for_now(code, format!("`{}`: {kind}", path.display())),
    }
}
