//! Appends one record under an exclusive lock, and finds a record by its key.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tuesday_domain::port::SendFault;

use super::format::{Format, csv_line};
use super::index::{Index, Tail, csv_cells};
use super::{Job, io_for_now};
use crate::destinations::{for_good, for_now, unclear};

/// How often a held lock is tried again.
const LOCK_STEP: Duration = Duration::from_millis(5);

pub(super) struct Done {
    pub(super) status: String,
    pub(super) repeated: bool,
}

/// Appends the record, once per key.
pub(super) fn append(job: &Job) -> Result<Done, SendFault> {
    let mut index = job.index.lock().unwrap_or_else(PoisonError::into_inner);
    let created = !job.path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&job.path)
        .map_err(|e| io_for_now("file", &job.path, &e))?;
    lock(&file, job)?;
    still_there(&file, job)?;
    let tail = load(&mut file, job, &mut index).map_err(|e| e.into_fault(job))?;
    if let Some(range) = index.range(&job.record.key) {
        return match difference(&mut file, job, &index, range).map_err(|e| for_now("file", e))? {
            None => Ok(Done {
                status: "already there".to_owned(),
                repeated: true,
            }),
            Some(_) => Err(for_good(
                "key_reuse",
                "the key is in the file with other values",
            )),
        };
    }
    let mut bytes = Vec::new();
    match tail {
        Tail::Clean | Tail::Ours => {}
        Tail::Unended => bytes.push(b'\n'),
        Tail::Foreign => {
            return Err(for_good(
                "torn_line",
                "the last line is incomplete and not ours: a person must look at the file",
            ));
        }
    }
    if tail == Tail::Ours {
        tracing::warn!(path = %job.path.display(), "an incomplete record of ours was taken off the file");
        file.set_len(index.end as u64)
            .map_err(|e| io_for_now("file", &job.path, &e))?;
    }
    let start = file
        .metadata()
        .map_err(|e| io_for_now("file", &job.path, &e))?
        .len();
    if job.format == Format::Csv && index.header.is_empty() {
        index.header = job.record.columns();
        bytes.extend(csv_line(&index.header).map_err(|e| for_good("bad_fields", e))?);
    }
    let line = match job.format {
        Format::Csv => job
            .record
            .cells(&index.header)
            .and_then(|cells| csv_line(&cells))
            .map_err(|e| for_good("new_column", e))?,
        Format::JsonLines => job.record.json_line().into_bytes(),
    };
    bytes.extend_from_slice(&line);
    put(&mut file, job, &mut index, start, &bytes, created)?;
    let at = usize::try_from(start).unwrap_or(usize::MAX) + bytes.len() - line.len();
    index.appended(&job.record.key, at, line.len());
    if let Ok(meta) = file.metadata() {
        index.remember(&meta);
    }
    Ok(Done {
        status: format!("appended at byte {at}"),
        repeated: false,
    })
}

/// Writes at `start` and puts it on disk; takes back what it wrote when that fails.
fn put(
    file: &mut File,
    job: &Job,
    index: &mut Index,
    start: u64,
    bytes: &[u8],
    created: bool,
) -> Result<(), SendFault> {
    // Forgotten first: whatever happens now, the next look reads the file again.
    index.forget();
    let written = file
        .seek(SeekFrom::Start(start))
        .and_then(|_| file.write_all(bytes))
        .and_then(|()| file.sync_all());
    if let Err(e) = written {
        let taken_back = file.set_len(start).and_then(|()| file.sync_all());
        return Err(match taken_back {
            Ok(()) => for_now(
                "file",
                format!(
                    "`{}`: {}; nothing was left behind",
                    job.path.display(),
                    e.kind()
                ),
            ),
            Err(_) => unclear("file", format!("`{}`: {}", job.path.display(), e.kind())),
        });
    }
    if created && let Some(folder) = job.path.parent() {
        // A new file is only there after a power cut once its folder is on disk too.
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(|e| unclear("file", format!("folder: {}", e.kind())))?;
    }
    Ok(())
}

/// The record with the job's key: absent, equal (`Some(None)`), or how it differs.
pub(super) fn find(job: &Job) -> Result<Option<Option<String>>, String> {
    let mut index = job.index.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = match File::open(&job.path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("`{}`: {}", job.path.display(), e.kind())),
    };
    // Without the lock a record that is just being written by another process could be missed.
    lock(&file, job).map_err(|_| "the file is locked by another process".to_owned())?;
    let tail = load(&mut file, job, &mut index).map_err(|e| e.0)?;
    match index.range(&job.record.key) {
        // The record may be in the part that cannot be told apart.
        None if tail == Tail::Foreign => Err("the last line is incomplete and not ours".to_owned()),
        None => Ok(None),
        Some(range) => difference(&mut file, job, &index, range).map(Some),
    }
}

struct LoadFault(String, bool);

impl LoadFault {
    fn into_fault(self, job: &Job) -> SendFault {
        let detail = format!("`{}`: {}", job.path.display(), self.0);
        if self.1 {
            for_now("file", detail)
        } else {
            for_good("not_our_format", detail)
        }
    }
}

fn load(file: &mut File, job: &Job, index: &mut Index) -> Result<Tail, LoadFault> {
    let io = |e: std::io::Error| LoadFault(e.kind().to_string(), true);
    let meta = file.metadata().map_err(io)?;
    if index.fresh(&meta) {
        return Ok(Tail::Clean);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(io)?;
    let (read, tail) =
        Index::read(job.format, &bytes, &job.record).map_err(|e| LoadFault(e, false))?;
    *index = read;
    if tail == Tail::Clean {
        index.remember(&meta);
    }
    Ok(tail)
}

fn difference(
    file: &mut File,
    job: &Job,
    index: &Index,
    (start, end): (usize, usize),
) -> Result<Option<String>, String> {
    let mut bytes = vec![0; end - start];
    let read = file
        .seek(SeekFrom::Start(start as u64))
        .and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|e| format!("`{}`: {}", job.path.display(), e.kind()))?;
    match job.format {
        Format::JsonLines => {
            let stored: Map<String, Value> =
                serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
            Ok(job.record.json_difference(&stored))
        }
        Format::Csv => {
            let (stored, wanted) = (csv_cells(&bytes)?, job.record.cells(&index.header)?);
            let differs = index
                .header
                .iter()
                .zip(stored.iter().zip(&wanted))
                .find(|(_, (a, b))| a != b);
            Ok(differs.map(|(name, _)| format!("`{name}` differs")))
        }
    }
}

/// Somebody may have moved the file away while we waited for the lock: a record appended to it then
/// would be in no file anybody reads.
fn still_there(file: &File, job: &Job) -> Result<(), SendFault> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file
        .metadata()
        .map_err(|e| io_for_now("file", &job.path, &e))?;
    match std::fs::metadata(&job.path) {
        Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(()),
        _ => Err(for_now(
            "file_replaced",
            format!("`{}` was replaced meanwhile", job.path.display()),
        )),
    }
}

fn lock(file: &File, job: &Job) -> Result<(), SendFault> {
    let end = Instant::now() + job.timeout;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(LOCK_STEP),
            Err(TryLockError::WouldBlock) => {
                return Err(for_now("locked", "another process holds the file"));
            }
            Err(TryLockError::Error(e)) => return Err(io_for_now("locked", &job.path, &e)),
        }
    }
}
