//! Writes the export: rows of one moment first, then what is made of them. A folder that is not complete
//! has no manifest and its name ends in `.part`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tuesday_domain::actor::Actor;
use tuesday_domain::audit::VerifierKey;
use tuesday_domain::definition::Package;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Subject;
use tuesday_domain::time::Timestamp;
use tuesday_store::{IncidentFilter, Piece, RunFilter, StoreReader};

use super::files::{Files, Writing, unavailable};
use super::readable::{CSV, README, unlinked};
use super::{FORMAT, MANIFEST, MANIFEST_SUM, Manifest, STORIES, Sheet, sum_of, tar};
use crate::engine::{Engine, read_problem};
use crate::ops::ExportQuery;

/// Runs read at once.
const PAGE: usize = 200;

/// What is exported, and where to.
#[derive(Clone, Debug, Default)]
pub struct ExportWish {
    /// The folder, or the file; it must not be there yet.
    pub dir: PathBuf,
    /// One file in place of a folder.
    pub as_file: bool,
    /// One workflow; the whole instance when absent. Only the whole can be imported.
    pub workflow: Option<String>,
    /// Files that travel along, by name: runbooks, the script that verifies.
    pub beside: Vec<(String, String)>,
    /// Version of the program.
    pub made_by: String,
}

/// The rows on their way to their files.
struct Rows {
    files: Files,
    data: Option<Writing>,
    csv: Option<Writing>,
    table: String,
    tables: Vec<Sheet>,
    count: u64,
    runs: u64,
    entries: u64,
}

impl Rows {
    fn take(&mut self, piece: Piece) -> Result<(), String> {
        match piece {
            Piece::Table { name, columns } => {
                self.end()?;
                self.data = Some(self.files.open(&format!("data/{name}.jsonl"))?);
                if let Some(csv) = CSV.iter().find(|c| c.table == name) {
                    let mut file = self.files.open(csv.file)?;
                    file.line(&csv.head())?;
                    self.csv = Some(file);
                }
                self.table.clone_from(&name);
                self.tables.push(Sheet { name, columns });
            }
            Piece::Row(row) => {
                if let (Some(file), Some(csv)) =
                    (&mut self.csv, CSV.iter().find(|c| c.table == self.table))
                {
                    file.line(&csv.row(&row))?;
                }
                let data = self.data.as_mut().ok_or("a row before its table")?;
                data.line(&serde_json::Value::Object(row).to_string())?;
                self.count += 1;
                self.runs += u64::from(self.table == "runs");
                self.entries += u64::from(self.table == "audit");
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        for file in [self.data.take(), self.csv.take()].into_iter().flatten() {
            self.files.close(file)?;
        }
        Ok(())
    }
}

impl Engine {
    /// Writes everything into a new folder. `progress` hears what is written and how much of it.
    ///
    /// # Errors
    /// `bad_request` for a folder that is there, `unknown_workflow`, `unavailable`.
    pub async fn export_all(
        &self,
        wish: &ExportWish,
        by: &Actor,
        key: &VerifierKey,
        progress: impl Fn(&'static str, u64) + Send + Sync + 'static,
    ) -> Result<Manifest, Problem> {
        if wish.dir.exists() {
            return Err(Problem::new(
                "bad_request",
                format!("{} is there already", wish.dir.display()),
            )
            .field("dir")
            .way_out("name a place where nothing is yet"));
        }
        let subject = match &wish.workflow {
            Some(name) => Subject::Workflow(self.known_workflow(name).await?.name.clone()),
            None => Subject::Instance,
        };
        // Whoever takes everything out is on record before the first byte is.
        self.access_event("instance.exported", by, subject, &[])
            .await?;
        self.seal().await?;
        let part = PathBuf::from(format!("{}.part", wish.dir.display()));
        let _ = std::fs::remove_dir_all(&part);
        let progress = Arc::new(progress);
        let files = Files::begin(&part)?;
        let rows = self.rows(wish, files, Arc::clone(&progress)).await?;
        let manifest = Box::pin(self.beside_rows(wish, rows, by, key, &*progress)).await?;
        let named = if wish.as_file {
            progress("the file", 0);
            packed(&part, &wish.dir, &manifest, self.now())
        } else {
            std::fs::rename(&part, &wish.dir)
        };
        named.map_err(|e| unavailable(format!("{}: {e}", wish.dir.display())))?;
        Ok(manifest)
    }

    async fn rows(
        &self,
        wish: &ExportWish,
        files: Files,
        progress: Arc<impl Fn(&'static str, u64) + Send + Sync + 'static>,
    ) -> Result<Rows, Problem> {
        let rows = Arc::new(Mutex::new(Some(Rows {
            files,
            data: None,
            csv: None,
            table: String::new(),
            tables: Vec::new(),
            count: 0,
            runs: 0,
            entries: 0,
        })));
        let taking = Arc::clone(&rows);
        let out = Box::new(move |piece| {
            let mut held = taking.lock().unwrap_or_else(PoisonError::into_inner);
            let rows = held.as_mut().ok_or("the export has ended")?;
            rows.take(piece)?;
            if rows.count % 1_000 == 0 {
                progress("rows", rows.count);
            }
            Ok(())
        });
        let dumped = self.0.reader.dump(wish.workflow.as_deref(), out).await;
        dumped.map_err(read_problem)?;
        let mut rows = rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or_else(|| unavailable("the export has ended".to_owned()))?;
        rows.end().map_err(unavailable)?;
        Ok(rows)
    }

    async fn beside_rows(
        &self,
        wish: &ExportWish,
        rows: Rows,
        by: &Actor,
        key: &VerifierKey,
        progress: &(impl Fn(&'static str, u64) + Send + Sync),
    ) -> Result<Manifest, Problem> {
        let Rows {
            mut files,
            tables,
            runs,
            entries,
            ..
        } = rows;
        self.stories(wish, &mut files, progress).await?;
        self.bundle(wish, &mut files, by, key).await?;
        files
            .put("audit/vkey", &format!("{key}\n"))
            .map_err(unavailable)?;
        let mut texts = self.texts(wish).await?;
        texts.extend(wish.beside.iter().cloned());
        texts.push(("README.md".to_owned(), README.to_owned()));
        let names: BTreeSet<String> = texts
            .iter()
            .map(|t| t.0.clone())
            .chain(files.done.keys().cloned())
            .collect();
        for (name, text) in texts {
            let markdown = name.ends_with(".md");
            let text = if markdown {
                unlinked(&name, &text, &names)
            } else {
                text
            };
            files.put(&name, &text).map_err(unavailable)?;
        }
        let instance = self.0.reader.instance().await.map_err(read_problem)?;
        let origin = instance.map(|i| i.origin).unwrap_or_default();
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            schema: tuesday_store::schema(),
            made_by: wish.made_by.clone(),
            exported_at: self.now().rfc3339(),
            origin,
            vkey: key.to_string(),
            workflow: wish.workflow.clone(),
            entries,
            runs,
            tables,
            files: std::mem::take(&mut files.done),
        };
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        files.put(MANIFEST, &text).map_err(unavailable)?;
        files
            .put(MANIFEST_SUM, &sum_of(&text))
            .map_err(unavailable)?;
        Ok(manifest)
    }

    /// One story a line, the newest run first.
    async fn stories(
        &self,
        wish: &ExportWish,
        files: &mut Files,
        progress: &(impl Fn(&'static str, u64) + Send + Sync),
    ) -> Result<(), Problem> {
        let filter = RunFilter {
            workflow: wish.workflow.clone(),
            ..RunFilter::default()
        };
        let mut file = files.open(STORIES).map_err(unavailable)?;
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.0.reader.run_page(&filter, after, PAGE).await;
            let page = page.map_err(read_problem)?;
            after = page.last().map(|r| r.id);
            for run in &page {
                let story = self.story(run.id).await?;
                let line = serde_json::json!({"run": run.id.to_string(), "version": run.version, "story": story});
                file.line(&line.to_string()).map_err(unavailable)?;
                count += 1;
            }
            progress("stories", count);
            if page.len() < PAGE {
                return files.close(file).map_err(unavailable);
            }
        }
    }

    /// Entries and proofs; contents are in the rows.
    async fn bundle(
        &self,
        wish: &ExportWish,
        files: &mut Files,
        by: &Actor,
        key: &VerifierKey,
    ) -> Result<(), Problem> {
        let query = ExportQuery {
            workflow: wish.workflow.clone(),
            without_payloads: true,
            ..ExportQuery::default()
        };
        let mut file = files.open("audit/log.bundle").map_err(unavailable)?;
        Box::pin(self.export(&query, by, key, &mut file, |_, _| ())).await?;
        files.close(file).map_err(unavailable)
    }

    /// Packages, rules, charters and incidents as files of their own.
    async fn texts(&self, wish: &ExportWish) -> Result<Vec<(String, String)>, Problem> {
        let reader = &self.0.reader;
        let mut texts = Vec::new();
        for workflow in reader.workflows().await.map_err(read_problem)? {
            if wish.workflow.as_ref().is_some_and(|w| *w != workflow.name) {
                continue;
            }
            let name = &workflow.name;
            for release in reader.releases(name).await.map_err(read_problem)? {
                let (package, _) = Package::from_bundle(&release.bundle)
                    .map_err(|e| Problem::new("record_damaged", format!("{}: {e}", release.id)))?;
                if release.id == workflow.live_release
                    && let Some(text) = package.text("runbook.md")
                {
                    texts.push((format!("workflows/{name}/runbook.md"), text.to_owned()));
                }
                for (file, text) in package.files {
                    texts.push((
                        format!("workflows/{name}/releases/{}/{file}", release.number),
                        text,
                    ));
                }
            }
            texts.extend(rules_and_charter(reader, name).await?);
        }
        let filter = IncidentFilter {
            workflow: wish.workflow.clone(),
            ..IncidentFilter::default()
        };
        let mut after = None;
        loop {
            let page = reader
                .incidents(&filter, after, PAGE)
                .await
                .map_err(read_problem)?;
            after = page.last().map(|i| i.id);
            for incident in &page {
                let text = self.postmortem(incident.id).await?;
                texts.push((format!("incidents/{}.md", incident.id), text));
            }
            if page.len() < PAGE {
                return Ok(texts);
            }
        }
    }
}

/// Makes one file of a finished folder, and removes the folder. The manifest comes first.
fn packed(dir: &Path, to: &Path, manifest: &Manifest, now: Timestamp) -> std::io::Result<()> {
    let part = PathBuf::from(format!("{}.tar", dir.display()));
    let _ = std::fs::remove_file(&part);
    let names = [MANIFEST, MANIFEST_SUM];
    let names = names
        .into_iter()
        .chain(manifest.files.keys().map(String::as_str));
    let seconds = u64::try_from(now.micros() / 1_000_000).unwrap_or(0);
    tar::pack(dir, names, seconds, std::fs::File::create_new(&part)?)?;
    std::fs::rename(&part, to)?;
    std::fs::remove_dir_all(dir)
}

async fn rules_and_charter(
    reader: &StoreReader,
    name: &str,
) -> Result<Vec<(String, String)>, Problem> {
    let mut texts = Vec::new();
    for rules in reader.rulesets(name).await.map_err(read_problem)? {
        let file = format!("workflows/{name}/rules/version-{}.csv", rules.version);
        texts.push((file, rules.csv));
    }
    let facts = reader.charter_facts(name).await.map_err(read_problem)?;
    if !facts.is_empty() {
        let mut text = format!("# Charter of {name}\n\nWhat people stated, the oldest first.\n\n");
        for f in facts {
            text.push_str(&format!(
                "- **{}{}** {} ({}, {})\n",
                f.statement.word().replace('_', " "),
                if f.about.is_empty() {
                    String::new()
                } else {
                    format!(" {}", f.about)
                },
                f.value.replace('\n', " "),
                f.by,
                f.at.rfc3339()
            ));
        }
        texts.push((format!("workflows/{name}/charter.md"), text));
    }
    Ok(texts)
}

/// Whether the folder could be one of an export.
pub(super) fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    path.components()
        .all(|c| matches!(c, std::path::Component::Normal(_)))
}
