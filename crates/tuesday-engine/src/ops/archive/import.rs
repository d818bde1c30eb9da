//! Reads an export back: its rows for the store, and afterwards whether the new instance tells the same
//! stories.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_store::{In, Piece};

use super::{Manifest, STORIES, Sheet};
use crate::engine::Engine;

/// How the stories compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Runs whose stories were compared.
    pub compared: u64,
    /// Runs that are told otherwise.
    pub different: Vec<String>,
}

/// The rows of a checked export, table by table, a line in memory.
#[must_use]
pub fn pieces(
    dir: &Path,
    manifest: &Manifest,
    mut progress: impl FnMut(u64) + Send + 'static,
) -> In {
    let mut left: VecDeque<Sheet> = manifest.tables.iter().cloned().collect();
    let mut open: Option<(PathBuf, Lines<BufReader<File>>)> = None;
    let dir = dir.to_owned();
    let mut count = 0;
    Box::new(move || {
        if let Some((path, lines)) = &mut open {
            if let Some(line) = lines.next() {
                let at = |e: String| format!("{}: {e}", path.display());
                let line = line.map_err(|e| at(e.to_string()))?;
                let row = serde_json::from_str(&line).map_err(|e| at(e.to_string()))?;
                count += 1;
                if count % 1_000 == 0 {
                    progress(count);
                }
                return Ok(Some(Piece::Row(row)));
            }
            open = None;
        }
        let Some(sheet) = left.pop_front() else {
            return Ok(None);
        };
        let path = dir.join(format!("data/{}.jsonl", sheet.name));
        let file = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        open = Some((path, BufReader::new(file).lines()));
        Ok(Some(Piece::Table {
            name: sheet.name,
            columns: sheet.columns,
        }))
    })
}

impl Engine {
    /// Compares the stories of up to `most` runs, spread over all of them, with those of the export. Runs that
    /// had moved between the rows and their story are left out.
    ///
    /// # Errors
    /// `export_refused` when the stories cannot be read, `unavailable`.
    pub async fn same_stories(
        &self,
        dir: &Path,
        manifest: &Manifest,
        most: u64,
        draw: u64,
    ) -> Result<Compared, Problem> {
        let lines = manifest.files.get(STORIES).map_or(0, |f| f.lines);
        let step = lines.div_ceil(most.max(1)).max(1);
        let bad = |e: String| Problem::new("export_refused", format!("{STORIES}: {e}"));
        let file = File::open(dir.join(STORIES)).map_err(|e| bad(e.to_string()))?;
        let mut out = Compared::default();
        for (line, at) in BufReader::new(file).lines().zip(0_u64..) {
            let line = line.map_err(|e| bad(e.to_string()))?;
            if at % step != draw % step {
                continue;
            }
            let told: Value = serde_json::from_str(&line).map_err(|e| bad(e.to_string()))?;
            let name = told.get("run").and_then(Value::as_str).unwrap_or_default();
            let id: RunId = name.parse().map_err(|e| bad(format!("{e}")))?;
            let run = self
                .0
                .reader
                .run(id)
                .await
                .map_err(crate::engine::read_problem)?;
            let same_version = run.is_some_and(|r| told.get("version") == Some(&r.version.into()));
            if !same_version {
                continue;
            }
            let story = serde_json::to_value(self.story(id).await?)
                .map_err(|e| Problem::new("internal", e.to_string()))?;
            out.compared += 1;
            if told.get("story") != Some(&story) {
                out.different.push(name.to_owned());
            }
        }
        Ok(out)
    }
}
