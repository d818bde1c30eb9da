//! What was measured, for machines (serde) and for people (a text table).

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::drive::{AloneReport, DriveReport};
use crate::machine::{MachineReport, Memory};

/// One thing under one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured, and on which store.
    pub name: String,
    /// Runs worked on at one time.
    pub workers: usize,
    /// One run at a time.
    pub alone: AloneReport,
    /// As many as it takes.
    pub saturated: DriveReport,
    /// Memory of the process after it; the floor shares its process with the load generator.
    pub memory: Option<Memory>,
    /// Bytes of the store for each run, where they can be told.
    pub bytes_per_run: Option<u64>,
}

/// Everything of one run on one machine. Each subject is compared with the floor beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// The machine's limits.
    pub machine: MachineReport,
    /// Pairs of a floor and what is to come near it.
    pub compared: Vec<Compared>,
}

/// A floor and what was measured on the same store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The floor program.
    pub floor: Measured,
    /// What is to come near it; absent when only the floor was measured.
    pub subject: Option<Measured>,
}

impl Compared {
    /// Throughput of the subject as a part of the floor's.
    #[must_use]
    pub fn part_of_floor(&self) -> Option<f64> {
        let subject = self.subject.as_ref()?;
        Some(subject.saturated.runs_per_second / self.floor.saturated.runs_per_second)
    }
}

impl BenchReport {
    /// The report as a table, ending with a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
        for compared in &self.compared {
            rows.push(row(&compared.floor, None));
            if let Some(subject) = &compared.subject {
                rows.push(row(subject, compared.part_of_floor()));
            }
        }
        let machine = &self.machine;
        let mut text = table(&rows);
        let load = machine
            .load_average_before
            .map_or_else(|| "unknown".to_owned(), |l| format!("{l:.2}"));
        let _ = write!(
            text,
            "\nmachine: {} cores, load {load} before; fdatasync {:.0}/s; SQLite {} {:.0} commits/s, {:.0} rows/s by the hundred\n",
            machine.cores,
            machine.fdatasync_per_second,
            machine.sqlite_version,
            machine.sqlite_commits_per_second,
            machine.sqlite_rows_per_second,
        );
        text
    }
}

const HEADER: [&str; 8] = [
    "",
    "runs/s",
    "of floor",
    "result p50 / p99 alone",
    "ack p50 / p99 alone",
    "ack p99 full",
    "memory",
    "bytes/run",
];

fn row(measured: &Measured, part: Option<f64>) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let ms = |us: f64| format!("{:.2}", us / 1000.0);
    let (alone, full) = (&measured.alone, &measured.saturated);
    vec![
        measured.name.clone(),
        format!("{:.0}", full.runs_per_second),
        or_dash(part.map(|part| format!("{:.0} %", part * 100.0))),
        format!(
            "{} / {} ms",
            ms(alone.result.p50_us),
            ms(alone.result.p99_us)
        ),
        format!(
            "{} / {} ms",
            ms(alone.acceptance.p50_us),
            ms(alone.acceptance.p99_us)
        ),
        format!("{} ms", ms(full.acceptance.p99_us)),
        or_dash(
            measured
                .memory
                .map(|memory| format!("{} MB", memory.resident_max_bytes / 1_000_000)),
        ),
        or_dash(measured.bytes_per_run.map(|bytes| bytes.to_string())),
    ]
}

/// Columns as wide as their widest cell; the first to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |at: usize| {
        rows.iter()
            .filter_map(|r| r.get(at))
            .map(|c| c.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| wide(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match at {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Latency;

    fn measured(name: &str, runs_per_second: f64) -> Measured {
        let latency = Latency {
            p50_us: 1_100.0,
            p99_us: 2_345.0,
            ..Latency::default()
        };
        Measured {
            name: name.to_owned(),
            workers: 64,
            alone: AloneReport {
                acceptance: latency,
                result: latency,
            },
            saturated: DriveReport {
                runs: 10,
                concurrency: 64,
                rate: None,
                accepted_seconds: 1.0,
                finished_seconds: 1.0,
                runs_per_second,
                acceptance: latency,
            },
            memory: None,
            bytes_per_run: Some(4_700),
        }
    }

    #[test]
    fn a_subject_is_shown_as_a_part_of_its_floor() {
        let machine = MachineReport {
            cores: 2,
            load_average_before: Some(0.5),
            fdatasync_per_second: 10_660.0,
            sqlite_commits_per_second: 8_866.0,
            sqlite_rows_per_second: 43_200.0,
            sqlite_version: "3.54.1".to_owned(),
        };
        let compared = Compared {
            floor: measured("floor", 4_000.0),
            subject: Some(measured("tuesday", 2_520.0)),
        };
        let text = BenchReport {
            machine,
            compared: vec![compared],
        }
        .text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0].chars().count(),
            lines[2].chars().count(),
            "columns line up:\n{text}"
        );
        assert!(
            lines[2].starts_with("tuesday") && lines[2].contains("63 %"),
            "{text}"
        );
        assert!(
            lines[1].contains("1.10 / 2.35 ms") && lines[1].contains("4700"),
            "{text}"
        );
        assert!(
            text.contains("2 cores, load 0.50 before; fdatasync 10660/s"),
            "{text}"
        );
    }
}
