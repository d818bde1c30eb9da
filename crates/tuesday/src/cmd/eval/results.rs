//! The results file: a head that says what it belongs to, then one case a line in the order of the
//! pack. A killed evaluation leaves a beginning; `--resume` takes what is whole and goes on behind it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tuesday_domain::eval::CaseResult;
use tuesday_domain::problem::Problem;

use crate::out;

/// What the results of a file are results of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) release_hash: String,
    pub(super) pack_hash: String,
    pub(super) rules_hash: String,
    pub(super) repeats: u32,
    /// The answers were recorded: such results never stand beside answers that were asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) recorded: bool,
}

impl Head {
    pub(super) fn new(release: String, pack: String, rules: String, repeats: u32) -> Self {
        Self {
            format: "tuesday-results/1".to_owned(),
            release_hash: release,
            pack_hash: pack,
            rules_hash: rules,
            repeats,
            recorded: false,
        }
    }
}

/// Results that an earlier evaluation left, in order.
pub(super) struct Earlier {
    lines: std::io::Lines<BufReader<File>>,
}

/// What an earlier evaluation left of one case.
pub(super) enum Left {
    /// Its whole result.
    Result(CaseResult),
    /// A result that says too little: it is tried again.
    Again,
    /// Nothing, and nothing behind it.
    End,
}

impl Earlier {
    /// What is left of the next case. A line that was cut by a kill ends it.
    pub(super) fn next(&mut self, hash: &str, repeats: u32) -> Left {
        let line = self.lines.next().and_then(Result::ok);
        let result: Option<CaseResult> = line.and_then(|l| serde_json::from_str(&l).ok());
        match result {
            Some(r) if r.hash != hash => Left::End,
            Some(r)
                if r.trials.len() == repeats as usize
                    && r.trials.iter().all(|t| t.error.is_none()) =>
            {
                Left::Result(r)
            }
            Some(_) => Left::Again,
            None => Left::End,
        }
    }
}

/// The file results go to.
pub(super) struct Results {
    file: File,
}

impl Results {
    /// Starts a file, or goes on with one. The earlier file is kept beside it while it is read, so
    /// that a second kill loses nothing.
    pub(super) fn open(
        path: &Path,
        head: &Head,
        resume: bool,
    ) -> Result<(Self, Option<Earlier>), Problem> {
        let earlier = if resume { earlier(path, head)? } else { None };
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(path)
            .map_err(|e| cannot(path, &e))?;
        let line = serde_json::to_string(head).unwrap_or_default();
        writeln!(file, "{line}").map_err(|e| cannot(path, &e))?;
        Ok((Self { file }, earlier))
    }

    pub(super) fn add(&mut self, result: &CaseResult) -> Result<(), Problem> {
        let mut line = serde_json::to_vec(result).unwrap_or_default();
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|e| out::unavailable(format!("the results file: {e}")))
    }
}

fn earlier(path: &Path, head: &Head) -> Result<Option<Earlier>, Problem> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = path.with_extension("resuming");
    // A kill while going on leaves both files; the longer one knows more.
    let longer = |a: &Path, b: &Path| {
        let len = |p: &Path| std::fs::metadata(p).map_or(0, |m| m.len());
        len(a) >= len(b)
    };
    if !kept.exists() || longer(path, &kept) {
        std::fs::rename(path, &kept).map_err(|e| cannot(path, &e))?;
    }
    let mut file = File::open(&kept).map_err(|e| cannot(&kept, &e))?;
    file.seek(SeekFrom::Start(0))
        .map_err(|e| cannot(&kept, &e))?;
    let mut lines = BufReader::new(file).lines();
    let found = lines.next().and_then(Result::ok);
    let found: Option<Head> = found.and_then(|l| serde_json::from_str(&l).ok());
    if found.as_ref() != Some(head) {
        return Err(Problem::new(
            "foreign_results",
            format!(
                "{} holds results of another release, pack, table or number of tries",
                path.display()
            ),
        )
        .field("resume")
        .way_out("leave --resume out to evaluate everything"));
    }
    Ok(Some(Earlier { lines }))
}

/// The earlier results are all in the new file now.
pub(super) fn settled(path: &Path) {
    let _ = std::fs::remove_file(path.with_extension("resuming"));
}

fn cannot(path: &Path, e: &std::io::Error) -> Problem {
    out::unavailable(format!("{}: {e}", path.display())).field("results")
}
