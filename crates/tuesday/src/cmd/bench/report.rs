//! Everything of one invocation, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tuesday_bench::{BenchReport, DriveReport, Latency, Memory};

use super::Told;
use super::backtest::Backtest;
use super::clicks::Clicks;
use super::open_tasks::OpenTasks;

/// The whole report.
#[derive(Serialize)]
pub(super) struct Report {
    /// When it was measured.
    pub(super) date: String,
    #[serde(flatten)]
    pub(super) bench: BenchReport,
    /// The floor again, after W1: how much the machine changed meanwhile.
    pub(super) floor_after_runs_per_second: Option<f64>,
    /// W1 as a part of the mean of both floors.
    pub(super) part_of_both_floors: Option<f64>,
    /// From starting the server on an installed instance to its first `ready`, milliseconds.
    pub(super) cold_start_ms: Option<f64>,
    pub(super) w1: Option<W1>,
    /// Acknowledgement with a fixed number of events offered a second.
    pub(super) offered: Option<DriveReport>,
    pub(super) w2: Option<W2>,
    pub(super) clicks: Option<Clicks>,
    pub(super) backtest: Option<Backtest>,
    pub(super) killed: Option<Killed>,
    pub(super) history: Option<History>,
    pub(super) open_tasks: Option<OpenTasks>,
}

/// A server killed in the middle of its work, and another one on the same data; milliseconds from
/// the kill.
#[derive(Serialize)]
pub(super) struct Killed {
    /// Accepted runs without their effect when it died.
    pub(super) unfinished: u64,
    /// From its start to ready.
    pub(super) ready_ms: f64,
    /// To the first further effect; absent when nothing was left to do.
    pub(super) resumed_ms: Option<f64>,
    /// To the last effect.
    pub(super) finished_ms: Option<f64>,
}

/// The same work with little and with much past.
#[derive(Serialize)]
pub(super) struct History {
    /// Finished runs added.
    pub(super) runs: u64,
    pub(super) fill_seconds: f64,
    pub(super) before: Pace,
    pub(super) after: Pace,
    /// The fifty oldest tasks, with all of the past.
    pub(super) queue_page: Latency,
    /// Stories of runs all over the past.
    pub(super) story: Latency,
}

/// W1 at saturation.
#[derive(Serialize)]
pub(super) struct Pace {
    pub(super) runs_per_second: f64,
    pub(super) server_cpu_us_per_run: f64,
}

/// A duration in milliseconds.
pub(super) fn ms(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1000.0
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
    pub(super) park_cpu_us_per_run: f64,
    pub(super) memory_parked: Option<Memory>,
    /// The fifty oldest tasks.
    pub(super) list: Latency,
    pub(super) approve: Latency,
    pub(super) approve_cpu_us_per_run: f64,
    /// Approved and written back.
    pub(super) resumed_per_second: f64,
    pub(super) approve_to_written_alone: Latency,
}

impl Told for Report {
    fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Nothing that must be exact was otherwise.
    fn holds(&self) -> bool {
        self.clicks.as_ref().is_none_or(Clicks::holds)
            && self.backtest.as_ref().is_none_or(Backtest::holds)
    }

    fn text(&self) -> String {
        self.lines()
    }
}

impl Report {
    /// For a terminal.
    fn lines(&self) -> String {
        let mut text = self.bench.text();
        self.machine_lines(&mut text);
        if let Some(w1) = &self.w1 {
            w1.lines(&mut text);
        }
        if let Some(l) = self.offered.as_ref() {
            let _ = writeln!(
                text,
                "{:.0} events a second offered: acknowledged in {} (p50 / p99)",
                l.rate.unwrap_or_default(),
                both(&l.acceptance)
            );
        }
        if let Some(w2) = &self.w2 {
            w2.lines(&mut text);
        }
        if let Some(clicks) = &self.clicks {
            clicks.lines(&mut text);
        }
        if let Some(tried) = &self.backtest {
            tried.lines(&mut text);
        }
        if let Some(k) = &self.killed {
            let or_dash = |t: Option<f64>| t.map_or_else(|| "-".to_owned(), |t| format!("{t:.0}"));
            let _ = writeln!(
                text,
                "killed with {} runs unfinished: first effect {} ms, last effect {} ms after the kill",
                k.unfinished,
                or_dash(k.resumed_ms),
                or_dash(k.finished_ms)
            );
        }
        if let Some(h) = &self.history {
            let _ = writeln!(
                text,
                "{} finished runs added in {:.0} s: W1 {:.0}/s before and {:.0}/s after, {:.0} and {:.0} µs of processor time a run; queue page {}, story {} (p50 / p99)",
                h.runs,
                h.fill_seconds,
                h.before.runs_per_second,
                h.after.runs_per_second,
                h.before.server_cpu_us_per_run,
                h.after.server_cpu_us_per_run,
                both(&h.queue_page),
                both(&h.story)
            );
        }
        if let Some(open) = &self.open_tasks {
            open.lines(&mut text);
        }
        let _ = writeln!(text, "measured {}", self.date);
        text
    }

    fn machine_lines(&self, text: &mut String) {
        if let (Some(again), Some(part)) =
            (self.floor_after_runs_per_second, self.part_of_both_floors)
        {
            let _ = writeln!(
                text,
                "floor again after W1: {again:.0}/s; W1 is {:.0} % of the mean of both",
                part * 100.0
            );
        }
        if let Some(ms) = self.cold_start_ms {
            let _ = writeln!(text, "cold start to ready: {ms:.0} ms");
        }
    }
}

impl W1 {
    fn lines(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "W1: {:.0} µs of processor time a run in the server, {:.0} in the stub",
            self.server_cpu_us_per_run, self.stub_cpu_us_per_run
        );
        for (name, l) in &self.stages {
            let _ = writeln!(text, "  {name}: {} at saturation (p50 / p99)", both(l));
        }
    }
}

impl W2 {
    fn lines(&self, text: &mut String) {
        let memory = self.memory_parked.map_or_else(
            || "-".to_owned(),
            |m| format!("{} MB", m.resident_bytes / 1_000_000),
        );
        let _ = writeln!(
            text,
            "W2: {} parked at {:.0}/s with {:.0} µs of processor time a run, {memory} with all parked; oldest 50 listed in {}; approved and written {:.0}/s with {:.0} µs; approval to write-back alone {} (p50 / p99)",
            self.parked,
            self.park.runs_per_second,
            self.park_cpu_us_per_run,
            both(&self.list),
            self.resumed_per_second,
            self.approve_cpu_us_per_run,
            both(&self.approve_to_written_alone)
        );
    }
}

impl Clicks {
    fn lines(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "clicks: {} on {} tasks over {} connections in {:.1} s: {} accepted, {} told who had decided, {} errors, {} left open; p50 {:.1}, p90 {:.1}, p99 {:.1}, max {:.1} ms",
            self.clicks,
            self.tasks,
            self.connections,
            self.seconds,
            self.accepted,
            self.told_winner,
            self.errors,
            self.left_open,
            self.latency.p50_us / 1000.0,
            self.latency.p90_us / 1000.0,
            self.latency.p99_us / 1000.0,
            self.latency.max_us / 1000.0,
        );
        if !self.holds() {
            let why = self.first_error.as_deref().unwrap_or("no answer was wrong");
            let _ = writeln!(
                text,
                "clicks: NOT one decision for each task ({} tasks); first error: {why}",
                self.not_once
            );
        }
    }
}

impl Backtest {
    fn lines(&self, text: &mut String) {
        let passes: Vec<String> = self
            .runs_per_second
            .iter()
            .map(|rate| format!("{rate:.0}"))
            .collect();
        let _ = writeln!(
            text,
            "back-test over {} runs (added in {:.0} s): {} runs a second; {} move, {} by arithmetic, {} missed",
            self.runs,
            self.fill_seconds,
            passes.join(", "),
            self.moved,
            self.moved_by_hand,
            self.missed
        );
    }
}

impl OpenTasks {
    fn lines(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "{} open tasks added in {:.0} s, {} counted (p50 / p99):",
            self.tasks, self.fill_seconds, self.counted
        );
        for (name, latency) in [
            ("queue page", &self.queue_page),
            ("queue page in the middle", &self.queue_middle),
            ("counts", &self.counts),
            ("filter", &self.filter),
            ("search", &self.search),
            ("next task", &self.next_task),
            ("review page", &self.review_page),
            ("run page", &self.run_page),
        ] {
            let _ = writeln!(text, "  {name}: {}", both(latency));
        }
    }
}

/// Median and 99 %.
fn both(l: &Latency) -> String {
    format!("{:.2} / {:.2} ms", l.p50_us / 1000.0, l.p99_us / 1000.0)
}
