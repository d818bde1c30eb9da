//! A folder that files are dropped into.
//!
//! A file counts once its length and time have stayed the same for the settle time, under our own
//! eyes: the clock of whoever writes the file is not asked. When all its records are taken it moves to
//! `taken/`, or to `refused/` when not one was accepted.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};
use tuesday_domain::definition::TriggerSpec;
use tuesday_domain::port::FeedItem;

use super::records::{matches, split};

/// Settle time when the definition names none.
const SETTLE: Duration = Duration::from_secs(2);
/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

pub(crate) struct Folders {
    base: PathBuf,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// When a file was first seen as it is now.
    settling: HashMap<PathBuf, (Look, Instant)>,
    /// Files that are partly taken.
    open: HashMap<PathBuf, Progress>,
}

type Look = (u64, Option<SystemTime>);

struct Progress {
    look: Look,
    total: usize,
    done: HashSet<usize>,
    accepted: bool,
}

impl Folders {
    pub(crate) fn new(base: PathBuf) -> Self {
        Self {
            base,
            seen: Arc::default(),
        }
    }

    fn folder(&self, spec: &TriggerSpec) -> Result<PathBuf, String> {
        let folder = spec.folder.as_deref().ok_or("`folder` is missing")?;
        if Path::new(folder)
            .components()
            .any(|c| matches!(c, Component::ParentDir))
        {
            return Err("`..` is not allowed in `folder`".to_owned());
        }
        Ok(self.base.join(folder))
    }

    pub(crate) async fn poll(
        &self,
        spec: &TriggerSpec,
        limit: usize,
    ) -> Result<Vec<FeedItem>, String> {
        let folder = self.folder(spec)?;
        let pattern = spec.pattern.clone().unwrap_or_else(|| "*".to_owned());
        let settle = spec.settle.map_or(SETTLE, |s| s.0);
        let seen = Arc::clone(&self.seen);
        let work = move || {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            scan(&folder, &pattern, settle, limit, &mut seen)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| "the scan was cut off".to_owned())?
    }

    pub(crate) async fn taken(
        &self,
        spec: &TriggerSpec,
        item: &FeedItem,
        outcome: &str,
    ) -> Result<(), String> {
        let folder = self.folder(spec)?;
        let handle = Handle::parse(&item.handle)?;
        let accepted = !outcome.starts_with("refused");
        let seen = Arc::clone(&self.seen);
        let work = move || {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            take(&folder, &handle, accepted, &mut seen)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| "moving the file was cut off".to_owned())?
    }
}

fn scan(
    folder: &Path,
    pattern: &str,
    settle: Duration,
    limit: usize,
    seen: &mut Seen,
) -> Result<Vec<FeedItem>, String> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder)
        .map_err(|e| format!("`{}` cannot be read: {}", folder.display(), e.kind()))?;
    for entry in entries {
        let entry = entry.map_err(|e| e.kind().to_string())?;
        // A file that vanished meanwhile was taken back by whoever put it there.
        let Ok(meta) = entry.path().symlink_metadata() else {
            continue;
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let raw_name_ok = entry.file_name().to_str().is_some();
        if !meta.is_dir() && counts(pattern, &name) {
            files.push((meta.modified().ok(), name, raw_name_ok, meta, entry.path()));
        }
    }
    files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let there: HashSet<PathBuf> = files.iter().map(|f| f.4.clone()).collect();
    seen.settling
        .retain(|path, _| path.parent() != Some(folder) || there.contains(path));
    seen.open
        .retain(|path, _| path.parent() != Some(folder) || there.contains(path));
    let mut items = Vec::new();
    for (_, name, name_ok, meta, path) in files {
        if items.len() >= limit {
            break;
        }
        if !settled(&path, &meta, settle, seen) {
            continue;
        }
        let fault = trick(&name, name_ok, &meta);
        items.extend(
            read(&path, &name, &meta, fault, seen)
                .into_iter()
                .take(limit - items.len()),
        );
    }
    Ok(items)
}

/// Names that count. Hidden files and those still being written are left alone.
fn counts(pattern: &str, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let partial = [".part", ".partial", ".tmp", ".crdownload", ".swp", "~"]
        .iter()
        .any(|end| lower.ends_with(end));
    !name.starts_with('.') && !name.starts_with('~') && !partial && matches(pattern, name)
}

/// Why a directory entry is not read at all, although its name counts.
fn trick(name: &str, name_ok: bool, meta: &Metadata) -> Option<String> {
    if meta.is_symlink() {
        return Some("the file is a symbolic link".to_owned());
    }
    if !meta.is_file() {
        return Some("not a regular file".to_owned());
    }
    if !name_ok
        || name
            .chars()
            .any(|c| c.is_control() || c == '\\' || c == '#')
    {
        return Some("the name holds characters that are not allowed".to_owned());
    }
    (meta.len() > MAX_BYTES).then(|| "the file is larger than 64 MiB".to_owned())
}

fn look(meta: &Metadata) -> Look {
    (meta.len(), meta.modified().ok())
}

fn settled(path: &Path, meta: &Metadata, settle: Duration, seen: &mut Seen) -> bool {
    let now = Instant::now();
    let entry = seen
        .settling
        .entry(path.to_owned())
        .or_insert_with(|| (look(meta), now));
    if entry.0 != look(meta) {
        *entry = (look(meta), now);
    }
    now.duration_since(entry.1) >= settle
}

fn read(
    path: &Path,
    name: &str,
    meta: &Metadata,
    fault: Option<String>,
    seen: &mut Seen,
) -> Vec<FeedItem> {
    let whole = |id: String, fault: String, body: Vec<u8>| {
        let handle = Handle {
            name: name.to_owned(),
            record: 0,
            total: 1,
        }
        .text();
        vec![FeedItem {
            handle,
            event_id: format!("file-{id}-0"),
            body,
            fault: Some(fault),
        }]
    };
    let digest = |bytes: &[u8]| hex::encode(&Sha256::digest(bytes)[..16]);
    if let Some(fault) = fault {
        return whole(
            digest(format!("{name}\n{:?}", look(meta)).as_bytes()),
            fault,
            Vec::new(),
        );
    }
    let Ok(bytes) = std::fs::read(path) else {
        return Vec::new();
    };
    // Written to between the look and the read: it has not settled after all.
    if path.symlink_metadata().map(|m| look(&m)).ok() != Some(look(meta)) {
        return Vec::new();
    }
    let id = digest(&bytes);
    let records = match split(path, &bytes) {
        Ok(records) => records,
        // Empty files share one content but are separate mistakes.
        Err(why) if bytes.is_empty() => {
            return whole(
                digest(format!("{name}\n{:?}", look(meta)).as_bytes()),
                why,
                bytes,
            );
        }
        Err(why) => return whole(id, why, bytes),
    };
    let total = records.len();
    let done = match seen.open.get(path) {
        Some(progress) if progress.look == look(meta) => progress.done.clone(),
        _ => HashSet::new(),
    };
    let rest = records
        .into_iter()
        .enumerate()
        .filter(|(record, _)| !done.contains(record));
    rest.map(|(record, content)| {
        let (body, fault) = match content {
            Ok(body) => (body, None),
            Err(why) => (Vec::new(), Some(format!("record {}: {why}", record + 1))),
        };
        let handle = Handle {
            name: name.to_owned(),
            record,
            total,
        }
        .text();
        FeedItem {
            handle,
            event_id: format!("file-{id}-{record}"),
            body,
            fault,
        }
    })
    .collect()
}

fn take(folder: &Path, handle: &Handle, accepted: bool, seen: &mut Seen) -> Result<(), String> {
    let path = folder.join(&handle.name);
    // Already moved by an earlier call.
    let Ok(meta) = path.symlink_metadata() else {
        return Ok(());
    };
    let progress = seen.open.entry(path.clone()).or_insert_with(|| Progress {
        look: look(&meta),
        total: handle.total,
        done: HashSet::new(),
        accepted: false,
    });
    if progress.look != look(&meta) || progress.total != handle.total {
        // Somebody put other content under the name: it will be polled as what it is.
        seen.open.remove(&path);
        return Ok(());
    }
    progress.done.insert(handle.record);
    progress.accepted |= accepted;
    if progress.done.len() < progress.total {
        return Ok(());
    }
    let to = folder.join(if progress.accepted {
        "taken"
    } else {
        "refused"
    });
    seen.open.remove(&path);
    seen.settling.remove(&path);
    std::fs::create_dir_all(&to).map_err(|e| format!("`{}`: {}", to.display(), e.kind()))?;
    let free = free_name(&to, &handle.name);
    std::fs::rename(&path, &free)
        .map_err(|e| format!("`{}` cannot be moved: {}", handle.name, e.kind()))
}

/// `name`, or `name.2`, `name.3` … when an earlier file has it.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let mut path = folder.join(name);
    let mut n = 2;
    while path.symlink_metadata().is_ok() {
        path = folder.join(format!("{name}.{n}"));
        n += 1;
    }
    path
}

/// Which record of which file.
struct Handle {
    name: String,
    record: usize,
    total: usize,
}

impl Handle {
    fn text(&self) -> String {
        format!("{}#{}/{}", self.name, self.record, self.total)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let parse = || {
            let (name, place) = text.rsplit_once('#')?;
            let (record, total) = place.split_once('/')?;
            let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
            plain.then(|| {
                Some(Self {
                    name: name.to_owned(),
                    record: record.parse().ok()?,
                    total: total.parse().ok()?,
                })
            })?
        };
        parse().ok_or_else(|| "the handle is not one of a file".to_owned())
    }
}
