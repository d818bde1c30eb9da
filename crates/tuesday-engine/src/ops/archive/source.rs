//! Where an export is read from: a folder, or one file that holds the folder. Nothing is unpacked.

use std::fs::File;
use std::io::{Read, Result, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tuesday_domain::problem::Problem;

use super::tar;

/// An export as it lies there.
#[derive(Clone, Debug)]
pub struct ExportSource(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Folder(PathBuf),
    File(PathBuf, Arc<tar::Index>),
}

impl ExportSource {
    /// What lies at this path.
    ///
    /// # Errors
    /// `export_refused` when it is a file that is no whole tar, or nothing at all.
    pub fn at(path: &Path) -> std::result::Result<Self, Problem> {
        let refused = |e: std::io::Error| {
            Problem::new("export_refused", format!("{}: {e}", path.display()))
                .way_out("nothing was written; make the export again, or copy it again")
        };
        if path.is_dir() {
            return Ok(Self(Kind::Folder(path.to_owned())));
        }
        let index = tar::index(path).map_err(refused)?;
        Ok(Self(Kind::File(path.to_owned(), Arc::new(index))))
    }

    /// The bytes of one of its files.
    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        match &self.0 {
            Kind::Folder(dir) => Ok(Box::new(File::open(dir.join(name))?)),
            Kind::File(path, index) => {
                let missing =
                    || std::io::Error::new(std::io::ErrorKind::NotFound, "it is not in it");
                let (at, size) = *index.get(name).ok_or_else(missing)?;
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(at))?;
                Ok(Box::new(file.take(size)))
            }
        }
    }

    /// One of its files as text.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let mut text = String::new();
        self.open(name)?.read_to_string(&mut text)?;
        Ok(text)
    }
}
