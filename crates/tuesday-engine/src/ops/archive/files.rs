//! The files of an export while they are written: each is hashed as it goes to disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tuesday_domain::problem::Problem;

use super::FileEntry;

/// A file that is open.
pub(super) struct Writing {
    name: String,
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    lines: u64,
}

/// The folder.
pub(super) struct Files {
    dir: PathBuf,
    pub(super) done: BTreeMap<String, FileEntry>,
}

fn failed(path: &Path, e: &std::io::Error) -> String {
    format!("{}: {e}", path.display())
}

pub(super) fn unavailable(why: String) -> Problem {
    Problem::new("unavailable", why).field("dir")
}

impl Files {
    /// A folder that is not there yet.
    pub(super) fn begin(dir: &Path) -> Result<Self, Problem> {
        std::fs::create_dir(dir).map_err(|e| {
            Problem::new("bad_request", failed(dir, &e))
                .field("dir")
                .way_out("name a folder that is not there yet")
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            done: BTreeMap::new(),
        })
    }

    /// Begins a file.
    pub(super) fn open(&self, name: &str) -> Result<Writing, String> {
        let path = self.dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
        }
        let file = File::create_new(&path).map_err(|e| failed(&path, &e))?;
        Ok(Writing {
            name: name.to_owned(),
            out: BufWriter::with_capacity(1 << 16, file),
            hash: Sha256::new(),
            bytes: 0,
            lines: 0,
        })
    }

    /// Ends a file; it is on disk afterwards.
    pub(super) fn close(&mut self, mut file: Writing) -> Result<(), String> {
        let path = self.dir.join(&file.name);
        file.out.flush().map_err(|e| failed(&path, &e))?;
        file.out
            .get_ref()
            .sync_all()
            .map_err(|e| failed(&path, &e))?;
        let entry = FileEntry {
            sha256: crate::catalog::hex(&file.hash.finalize()),
            bytes: file.bytes,
            lines: file.lines,
        };
        self.done.insert(file.name, entry);
        Ok(())
    }

    /// A whole file at once.
    pub(super) fn put(&mut self, name: &str, text: &str) -> Result<(), String> {
        let mut file = self.open(name)?;
        file.write(text.as_bytes())?;
        self.close(file)
    }
}

impl Writing {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.out
            .write_all(bytes)
            .map_err(|e| format!("{}: {e}", self.name))?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.lines += bytes.iter().filter(|b| **b == b'\n').count() as u64;
        Ok(())
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), String> {
        self.write(text.as_bytes())?;
        self.write(b"\n")
    }
}

impl std::io::Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Self::write(self, bytes).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
