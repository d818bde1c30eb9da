//! Everything of one invocation, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use tuesday_bench::{BenchReport, DriveReport, Latency, Memory};

/// The whole report.
#[derive(Serialize)]
pub(super) struct Report {
    /// When it was measured.
    pub(super) date: String,
    #[serde(flatten)]
    pub(super) bench: BenchReport,
    pub(super) w1: Option<W1>,
    pub(super) w2: Option<W2>,
}

/// What W1 says beyond its throughput and latency.
#[derive(Serialize)]
pub(super) struct W1 {
    pub(super) server_cpu_us_per_run: f64,
    pub(super) stub_cpu_us_per_run: f64,
    /// At saturation, so waiting is part of it.
    pub(super) stages: BTreeMap<String, Latency>,
}

/// Parked for a person and approved.
#[derive(Serialize)]
pub(super) struct W2 {
    pub(super) parked: u64,
    pub(super) park: DriveReport,
    pub(super) memory_parked: Option<Memory>,
    /// The fifty oldest tasks.
    pub(super) list: Latency,
    pub(super) approve: Latency,
    /// Approved and written back.
    pub(super) resumed_per_second: f64,
    pub(super) approve_to_written_alone: Latency,
}

impl Report {
    pub(super) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = self.bench.text();
        let ms = |us: f64| us / 1000.0;
        if let Some(w1) = &self.w1 {
            let _ = writeln!(
                text,
                "W1: {:.0} µs of processor time a run in the server, {:.0} in the stub",
                w1.server_cpu_us_per_run, w1.stub_cpu_us_per_run
            );
            for (name, l) in &w1.stages {
                let _ = writeln!(
                    text,
                    "  {name}: {:.2} / {:.2} ms at saturation (p50 / p99)",
                    ms(l.p50_us),
                    ms(l.p99_us)
                );
            }
        }
        if let Some(w2) = &self.w2 {
            let memory = w2.memory_parked.map_or_else(
                || "-".to_owned(),
                |m| format!("{} MB", m.resident_bytes / 1_000_000),
            );
            let _ = writeln!(
                text,
                "W2: {} parked at {:.0}/s, {memory} with all parked; oldest 50 listed in {:.2} / {:.2} ms; approved and written {:.0}/s; approval to write-back alone {:.2} / {:.2} ms",
                w2.parked,
                w2.park.runs_per_second,
                ms(w2.list.p50_us),
                ms(w2.list.p99_us),
                w2.resumed_per_second,
                ms(w2.approve_to_written_alone.p50_us),
                ms(w2.approve_to_written_alone.p99_us)
            );
        }
        let _ = writeln!(text, "measured {}", self.date);
        text
    }
}
