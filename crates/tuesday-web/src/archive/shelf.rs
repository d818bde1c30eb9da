//! The folder while it is written: each file goes to disk with its hash, and the folder gets its name last.
//! One that was not finished is called `.part` and has no list of hashes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tuesday_domain::problem::Problem;

/// The list that `sha256sum -c` reads.
const SUMS: &str = "SHA256SUMS";

/// A folder that is being filled.
pub(super) struct Shelf {
    part: PathBuf,
    name: PathBuf,
    sums: BufWriter<File>,
    files: u64,
    bytes: u64,
}

fn failed(path: &Path, e: &std::io::Error) -> Problem {
    Problem::new("unavailable", format!("{}: {e}", path.display())).field("dir")
}

impl Shelf {
    /// Begins a folder; what an earlier try left behind is removed.
    pub(super) fn begin(name: &Path) -> Result<Self, Problem> {
        let part = PathBuf::from(format!("{}.part", name.display()));
        let _ = std::fs::remove_dir_all(&part);
        std::fs::create_dir_all(&part).map_err(|e| failed(&part, &e))?;
        let sums = part.join(SUMS);
        let list = File::create_new(&sums).map_err(|e| failed(&sums, &e))?;
        Ok(Self {
            part,
            name: name.to_owned(),
            sums: BufWriter::new(list),
            files: 0,
            bytes: 0,
        })
    }

    /// A whole file.
    pub(super) fn put(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        let mut file = self.open(name)?;
        let written = file.write_all(text.as_bytes());
        written.map_err(|e| failed(&self.part.join(name), &e))?;
        self.close(file)
    }

    /// Begins a file that is written bit by bit.
    pub(super) fn open(&self, name: &str) -> Result<Open, Problem> {
        let path = self.part.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
        }
        let file = File::create_new(&path).map_err(|e| failed(&path, &e))?;
        Ok(Open {
            name: name.to_owned(),
            out: BufWriter::new(file),
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// Ends a file and lists its hash.
    pub(super) fn close(&mut self, mut file: Open) -> Result<(), Problem> {
        let path = self.part.join(&file.name);
        file.out.flush().map_err(|e| failed(&path, &e))?;
        self.files += 1;
        self.bytes += file.bytes;
        let line = format!("{}  {}\n", hex::encode(file.hash.finalize()), file.name);
        let listed = self.sums.write_all(line.as_bytes());
        listed.map_err(|e| failed(&self.part.join(SUMS), &e))
    }

    /// Gives the folder its name; answers how many files and bytes are in it, its list left out.
    pub(super) fn end(mut self) -> Result<(u64, u64), Problem> {
        let list = self.part.join(SUMS);
        self.sums.flush().map_err(|e| failed(&list, &e))?;
        let kept = self.sums.get_ref().sync_all();
        kept.map_err(|e| failed(&list, &e))?;
        std::fs::rename(&self.part, &self.name).map_err(|e| failed(&self.name, &e))?;
        Ok((self.files, self.bytes))
    }
}

/// A file that is open.
pub(super) struct Open {
    name: String,
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
