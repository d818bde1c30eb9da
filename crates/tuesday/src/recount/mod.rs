//! The figures of a workflow counted once more from its audit log alone, by other code than that which
//! makes them: an exported bundle is verified line by line and, in the same pass, read as what happened.
//! Nothing of the database's tables and nothing of the ledger's code is used, so that a number which
//! both agree on is the log's number.

mod bill;
mod claims;
mod compare;
mod entry;
mod judged;
mod metric;
mod money;
mod numbers;
mod runs;

use std::cell::RefCell;
use std::io::{BufReader, Read};

use tuesday_domain::audit::{BundleReport, VerifierKey, verify_bundle};
use tuesday_domain::ledger::day::Days;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;

pub(crate) use compare::{Difference, differences, flat};
pub(crate) use numbers::Number;

use entry::Entry;
use money::Money;
use runs::Runs;

/// Everything the log says about one workflow.
pub(crate) struct Log {
    workflow: String,
    zone: Zone,
    runs: Runs,
    money: Money,
    /// Entries from this one on are not read.
    size: u64,
    /// Entries that passed.
    read: u64,
    /// Why a line could not be read as an entry.
    unread: Option<String>,
}

/// What came out.
pub(crate) struct Counted {
    /// What the verification found.
    pub(crate) report: BundleReport,
    /// The log, to be asked about any days.
    pub(crate) log: Log,
}

impl Log {
    fn new(workflow: &str, zone: Zone, size: u64) -> Self {
        Self {
            workflow: workflow.to_owned(),
            runs: Runs::default(),
            money: Money::default(),
            zone,
            size,
            read: 0,
            unread: None,
        }
    }

    fn line(&mut self, line: &[u8]) {
        match Entry::of_line(line) {
            Ok(Some(entry)) if entry.index < self.size => {
                self.read += 1;
                let ours = self.runs.has(&entry);
                self.money.read(&entry, &self.workflow, ours, &self.zone);
                self.runs.read(&entry, &self.workflow, &self.zone);
            }
            Ok(Some(_)) => self.read += 1,
            Ok(None) => {}
            Err(why) => {
                self.unread.get_or_insert(why);
            }
        }
    }

    /// Every number of the scorecard over these days, by its name.
    pub(crate) fn numbers(&self, days: Days) -> Vec<(String, Number)> {
        numbers::all(&self.runs, &self.money, &self.zone, days)
    }
}

/// Verifies a bundle and reads it in one pass; of its entries the first `size` of the log count.
///
/// # Errors
/// `audit_broken`, `foreign_checkpoint` for another log; `bad_request` for an entry that is no entry, and for a
/// part of a log.
pub(crate) fn read<R: Read>(
    bundle: R,
    key: Option<&VerifierKey>,
    workflow: &str,
    zone: Zone,
    size: u64,
) -> Result<Counted, Problem> {
    let log = RefCell::new(Log::new(workflow, zone, size));
    let tee = Tee {
        inner: bundle,
        rest: Vec::new(),
        each: |line: &[u8]| log.borrow_mut().line(line),
    };
    let report = verify_bundle(BufReader::with_capacity(1 << 20, tee), key).map_err(|fault| {
        let foreign = fault.exit_code() == 2;
        let code = if foreign {
            "foreign_checkpoint"
        } else {
            "audit_broken"
        };
        Problem::new(code, fault.to_string())
    })?;
    let mut log = log.into_inner();
    if let Some(why) = log.unread.take() {
        return Err(Problem::new("bad_request", why).field("bundle"));
    }
    // A part of a log gives other numbers, and nobody could tell.
    if log.read != report.entries || report.entries != report.newest.size {
        let (n, of) = (log.read, report.newest.size);
        let words =
            format!("{n} entries were read of a log of {of}: only a whole one can be counted");
        return Err(Problem::new("bad_request", words)
            .field("bundle")
            .way_out("export it without --run, --workflow, --from and --to"));
    }
    log.runs.close();
    Ok(Counted { report, log })
}

/// Hands each line on to somebody else too, as it is read.
struct Tee<R, F> {
    inner: R,
    rest: Vec<u8>,
    each: F,
}

impl<R: Read, F: FnMut(&[u8])> Read for Tee<R, F> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut left = &buf[..n];
        while let Some(end) = left.iter().position(|b| *b == b'\n') {
            let (line, after) = left.split_at(end);
            if self.rest.is_empty() {
                (self.each)(line);
            } else {
                self.rest.extend_from_slice(line);
                (self.each)(&self.rest);
                self.rest.clear();
            }
            left = &after[1..];
        }
        self.rest.extend_from_slice(left);
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
