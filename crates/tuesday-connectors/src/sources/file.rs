//! Sources that are table files.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::Value;
use tuesday_domain::definition::SourceSpec;
use tuesday_domain::facts;
use tuesday_domain::port::{SourceFault, SourceRecord};

use super::database::text_of;
use super::table::{Hit, Table};
use super::{permanent, record_of};

type Cached = (SystemTime, u64, Arc<Table>);

/// Loaded files, each as long as its time and length stay the same.
#[derive(Default)]
pub(crate) struct Files {
    tables: Mutex<HashMap<(PathBuf, String), Cached>>,
}

impl Files {
    pub(crate) async fn read(
        &self,
        base: &Path,
        spec: &SourceSpec,
        input: &Value,
    ) -> Result<SourceRecord, SourceFault> {
        let (Some(path), Some(key), Some(equals)) = (&spec.path, &spec.key, &spec.equals) else {
            return Err(permanent(
                "bad_config",
                "a file source needs `path`, `key` and `equals`",
            ));
        };
        if Path::new(path)
            .components()
            .any(|c| matches!(c, Component::ParentDir))
        {
            return Err(permanent("bad_config", "`..` is not allowed in `path`"));
        }
        let wanted = facts::eval(equals, input)
            .map_err(|e| permanent("bad_expression", format!("`{equals}`: {e}")))?;
        if facts::is_missing(Some(&wanted)) {
            return Err(SourceFault::NotFound {
                detail: format!("`{equals}` is empty, so there is nothing to look for"),
            });
        }
        let wanted = text_of(&wanted).unwrap_or_default();
        let table = self.table(base.join(path), key).await?;
        match table.find(&wanted) {
            Hit::One(record, places) => {
                let places: Vec<String> = places.iter().map(ToString::to_string).collect();
                Ok(record_of(
                    record.clone(),
                    format!("{path}:{}", places.join(",")),
                ))
            }
            Hit::Several(places) => Err(SourceFault::Ambiguous {
                detail: format!("{path}: rows {places:?} have `{key}` = `{wanted}` and differ"),
            }),
            Hit::Broken(why) => Err(permanent("bad_row", format!("{path}: {why}"))),
            Hit::None => Err(SourceFault::NotFound {
                detail: format!("{path}: no row has `{key}` = `{wanted}`"),
            }),
        }
    }

    async fn table(&self, path: PathBuf, key: &str) -> Result<Arc<Table>, SourceFault> {
        // A file that is missing for a moment is usually being replaced by its next export.
        let gone = |e: std::io::Error| SourceFault::Transient {
            code: "file_unreadable",
            detail: format!("`{}` cannot be read: {}", path.display(), e.kind()),
            retry_after: None,
        };
        let meta = std::fs::metadata(&path).map_err(gone)?;
        let (stamp, len) = (meta.modified().map_err(gone)?, meta.len());
        let slot = (path, key.to_owned());
        {
            let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, size, table)) = tables.get(&slot)
                && (*at, *size) == (stamp, len)
            {
                return Ok(Arc::clone(table));
            }
        }
        let (path, key) = slot.clone();
        let table = tokio::task::spawn_blocking(move || Table::load(&path, &key))
            .await
            .map_err(|_| permanent("bad_table", "loading the file was cut off"))?
            .map_err(|e| permanent("bad_table", e))?;
        let table = Arc::new(table);
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.insert(slot, (stamp, len, Arc::clone(&table)));
        Ok(table)
    }
}
