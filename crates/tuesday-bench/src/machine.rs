//! The machine's own limits, measured in the same run as everything else.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::fault::BenchError;

/// Bytes of one append, and of one row.
const BLOCK: [u8; 512] = [b'x'; 512];

/// What one core and the disk can do, whatever the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineReport {
    /// Cores this process may use.
    pub cores: usize,
    /// Load average of the last minute, before measuring; far above zero means a busy machine.
    pub load_average_before: Option<f64>,
    /// Appends of 512 bytes a second, each followed by `fdatasync`.
    pub fdatasync_per_second: f64,
    /// SQLite commits of one row a second (WAL, `synchronous=FULL`).
    pub sqlite_commits_per_second: f64,
    /// SQLite rows a second with 100 rows in a commit.
    pub sqlite_rows_per_second: f64,
    /// The SQLite that was used.
    pub sqlite_version: String,
}

/// Memory of a process, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Resident now.
    pub resident_bytes: u64,
    /// Most that has been resident.
    pub resident_max_bytes: u64,
}

/// Measures the machine for about three times `each`, with files in `dir`, which are removed.
/// It blocks; call it from a thread that may.
///
/// # Errors
/// When a file in `dir` cannot be written.
pub fn machine(dir: &Path, each: Duration) -> Result<MachineReport, BenchError> {
    Ok(MachineReport {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        load_average_before: load_average(),
        fdatasync_per_second: fdatasync(dir, each)?,
        sqlite_commits_per_second: sqlite(dir, each, 1)?,
        sqlite_rows_per_second: sqlite(dir, each, 100)?,
        sqlite_version: rusqlite::version().to_owned(),
    })
}

/// Memory of a process; of this one when `pid` is absent. `None` where the system does not tell.
#[must_use]
pub fn memory(pid: Option<u32>) -> Option<Memory> {
    let of = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let status = fs::read_to_string(format!("/proc/{of}/status")).ok()?;
    let read = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    };
    Some(Memory {
        resident_bytes: read("VmRSS:")?,
        resident_max_bytes: read("VmHWM:")?,
    })
}

/// Processor time of a process so far, user and system, seconds. `None` where the system does not tell.
#[must_use]
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces; what follows its closing bracket does not.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    // The kernel reports in hundredths of a second on every platform that has this file.
    Some(f64::from(ticks(11)? + ticks(12)?) / 100.0)
}

/// Bytes of a file, or of all files below a folder.
///
/// # Errors
/// When part of it cannot be read.
pub fn bytes_on_disk(path: &Path) -> Result<u64, BenchError> {
    let fault = |source| BenchError::File {
        path: path.to_owned(),
        source,
    };
    let about = fs::symlink_metadata(path).map_err(fault)?;
    if !about.is_dir() {
        return Ok(about.len());
    }
    let mut sum = 0;
    for entry in fs::read_dir(path).map_err(fault)? {
        sum += bytes_on_disk(&entry.map_err(fault)?.path())?;
    }
    Ok(sum)
}

fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

fn fdatasync(dir: &Path, time: Duration) -> Result<f64, BenchError> {
    let path = dir.join("floor-fdatasync");
    let fault = |source| BenchError::File {
        path: path.clone(),
        source,
    };
    let mut file = File::create(&path).map_err(fault)?;
    let per_second = repeat(time, || {
        file.write_all(&BLOCK).map_err(fault)?;
        file.sync_data().map_err(fault)
    })?;
    fs::remove_file(&path).map_err(fault)?;
    Ok(per_second)
}

fn sqlite(dir: &Path, time: Duration, rows_per_commit: u32) -> Result<f64, BenchError> {
    let path = dir.join("floor-commits.db");
    remove_database(&path)?;
    let connection = Connection::open(&path)?;
    prepare(&connection)?;
    connection
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")?;
    let mut insert = connection.prepare("INSERT INTO t (body) VALUES (?1)")?;
    let per_second = repeat(time, || {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..rows_per_commit {
            insert.execute([&BLOCK[..]])?;
        }
        Ok(connection.execute_batch("COMMIT")?)
    })?;
    drop(insert);
    drop(connection);
    remove_database(&path)?;
    Ok(per_second * f64::from(rows_per_commit))
}

/// The durability that every SQLite figure here stands for.
pub(crate) fn prepare(connection: &Connection) -> Result<(), BenchError> {
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(BenchError::Run(format!(
            "SQLite gave journal mode \"{mode}\" instead of WAL"
        )));
    }
    connection.execute_batch("PRAGMA synchronous=FULL")?;
    Ok(())
}

/// Removes a database with what lies beside it.
pub(crate) fn remove_database(path: &Path) -> Result<(), BenchError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(BenchError::File {
                    path: name.into(),
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// How often a second `act` can be done.
fn repeat(
    time: Duration,
    mut act: impl FnMut() -> Result<(), BenchError>,
) -> Result<f64, BenchError> {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < time {
        act()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_measured_and_left_clean() {
        let dir = tempfile::tempdir().unwrap();
        let report = machine(dir.path(), Duration::from_millis(20)).unwrap();
        assert!(report.fdatasync_per_second > 1.0 && report.sqlite_commits_per_second > 1.0);
        assert!(report.sqlite_rows_per_second > report.sqlite_commits_per_second);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(machine(&dir.path().join("missing"), Duration::ZERO).is_err());
    }

    #[test]
    fn memory_and_files_are_counted() {
        let own = memory(None).unwrap();
        assert!(own.resident_bytes > 100_000 && own.resident_max_bytes >= own.resident_bytes);
        assert_eq!(
            memory(Some(std::process::id())).unwrap().resident_max_bytes / 1_000_000_000,
            0
        );
        assert_eq!(memory(Some(u32::MAX)), None);
        assert!(cpu_seconds(std::process::id()).is_some_and(|s| s >= 0.0));
        assert_eq!(cpu_seconds(u32::MAX), None);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("inner")).unwrap();
        fs::write(dir.path().join("a"), [0; 10]).unwrap();
        fs::write(dir.path().join("inner/b"), [0; 32]).unwrap();
        assert_eq!(bytes_on_disk(dir.path()).unwrap(), 42);
        assert!(bytes_on_disk(&dir.path().join("missing")).is_err());
    }
}
