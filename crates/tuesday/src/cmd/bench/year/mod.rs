//! `tuesday bench --workload year`: a year of operation on a test clock, with everything a year has. Cases
//! come day and night, people read and decide, prices change, one of them leaves, a release goes live, and
//! on a known day the model begins to answer another way. In the end every number of the scorecard is held
//! beside what the audit log alone gives, and the finding of the drift beside the day it began.

mod bed;
mod duties;
mod pages;
mod people;
mod plan;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use tuesday_bench::{Latency, bytes_on_disk};
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;

use super::{BenchArgs, Told, problem};
use crate::cli::Common;
use crate::cmd::audit::hold;
use crate::out::{self, unavailable};
use crate::recount::Difference;
use bed::{Bed, NAME, OPERATOR};
use plan::{Part, Plan};

/// A drift of twenty points in a hundred is found within so many further cases, and by the end of the part
/// of the day they are received in.
const WITHIN_RUNS: u64 = 2_000;

/// What the year came to.
#[derive(Serialize)]
pub(super) struct Year {
    /// When it was measured.
    date: String,
    days: u64,
    runs: u64,
    /// First and last day on the test clock.
    from: String,
    to: String,
    /// How long it took to live it.
    seconds: f64,
    decisions: u64,
    /// Size of the embedded database.
    bytes: Option<u64>,
    drift: Drift,
    recount: Recount,
    /// Pages of a server on this database, as a signed-in person asks for them.
    pages: BTreeMap<&'static str, Latency>,
}

/// What was found of the drift.
#[derive(Serialize)]
struct Drift {
    /// The day from which on the model answered another way.
    began: String,
    /// Findings before that day.
    before: u64,
    /// When it was found.
    found: Option<String>,
    /// Cases received from its beginning to then.
    after_runs: Option<u64>,
    /// So many are allowed, and the rest of the part of the day.
    within_runs: u64,
    /// Findings after the new mix had become the baseline.
    afterwards: u64,
}

/// The scorecard beside the log.
#[derive(Serialize)]
struct Recount {
    /// Spans of days that were compared.
    spans: usize,
    /// Entries of the log, each verified.
    entries: u64,
    /// Numbers compared.
    numbers: usize,
    seconds: f64,
    differences: Vec<Difference>,
}

/// Findings as they come, and where.
#[derive(Default)]
struct Seen {
    before: u64,
    found: Option<(String, u64)>,
    afterwards: u64,
    numbers: Vec<u32>,
}

/// Lives the year.
pub(super) async fn run(common: &Common, args: &BenchArgs, dir: &Path) -> Result<Year, Problem> {
    let began = Instant::now();
    let mut bed = Bed::make(common, dir).await?;
    let plan = plan(args, bed.engine().now())?;
    let bar = out::progress(plan.runs, "Cases of the year");
    let lived = live(&bed, &plan, &bar).await;
    bar.finish_and_clear();
    let (decisions, seen) = lived?;
    let seconds = began.elapsed().as_secs_f64();
    bed.stop().await;
    let recount = recount(&bed, &plan).await?;
    let bytes = common.database.is_none().then(|| bytes_on_disk(dir));
    let pages = pages::run(common, dir, &bed, &plan).await?;
    Ok(Year {
        date: tuesday_engine::Clock::System.now().rfc3339(),
        days: plan.days,
        runs: plan.runs,
        from: plan.first.to_string(),
        to: plan.day(plan.days - 1).to_string(),
        seconds,
        decisions,
        bytes: bytes.transpose().map_err(|e| problem(&e))?,
        drift: Drift {
            began: plan.day(plan.drift_day()).to_string(),
            before: seen.before,
            found: seen.found.as_ref().map(|f| f.0.clone()),
            after_runs: seen.found.map(|f| f.1),
            within_runs: WITHIN_RUNS,
            afterwards: seen.afterwards,
        },
        recount,
        pages,
    })
}

/// From the Monday after next week on: the clock of a log only goes forward.
fn plan(args: &BenchArgs, now: Timestamp) -> Result<Plan, Problem> {
    let bad = |e: tuesday_domain::time::TimeError| unavailable(e.to_string());
    let today = Day::parse(now.rfc3339().get(..10).unwrap_or_default()).map_err(bad)?;
    let first = today.monday().plus(14);
    Ok(Plan {
        days: args.days,
        runs: args.runs,
        first,
        start: Timestamp::parse(&format!("{first}T00:00:00Z")).map_err(bad)?,
    })
}

async fn live(
    bed: &Bed,
    plan: &Plan,
    bar: &indicatif::ProgressBar,
) -> Result<(u64, Seen), Problem> {
    let (mut decisions, mut seen) = (0, Seen::default());
    for part in plan.parts() {
        if part.opens_day {
            bed.model(plan, part.day)?;
            duties::morning(bed, plan, &part).await?;
        }
        bed.at(part.at).await?;
        bed.receive(&part).await?;
        let comes = part.day >= plan.on(330);
        decisions += people::decide(bed, &part, comes).await?;
        let found = duties::mix(bed, plan, &part).await?;
        seen.take(plan, &part, found);
        bar.inc(part.runs);
    }
    Ok((decisions, seen))
}

impl Seen {
    fn take(&mut self, plan: &Plan, part: &Part, found: Vec<u32>) {
        let fresh = found.iter().filter(|n| !self.numbers.contains(n)).count() as u64;
        self.numbers = found;
        if fresh == 0 {
            return;
        }
        if part.day < plan.drift_day() {
            self.before += fresh;
        } else if self.found.is_none() {
            let parts = plan.parts();
            let since = parts.iter().filter(|p| p.day >= plan.drift_day());
            let runs = since.take_while(|p| p.at <= part.at).map(|p| p.runs).sum();
            self.found = Some((part.at.rfc3339(), runs));
        } else if part.day > plan.drift_day() + 20 {
            self.afterwards += fresh;
        }
    }
}

impl Drift {
    /// Found in time, once, and not before there was anything to find.
    fn holds(&self) -> bool {
        let in_time = self.after_runs.is_some_and(|n| n <= self.within_runs);
        self.before == 0 && self.afterwards == 0 && in_time
    }
}

/// The scorecard of the whole year, of each quarter and of some weeks, beside the log.
async fn recount(bed: &Bed, plan: &Plan) -> Result<Recount, Problem> {
    let began = Instant::now();
    let span = |from: u64, to: u64| Days {
        from: plan.day(from),
        to: plan.day(to.min(plan.days - 1)),
    };
    let quarter = plan.days / 4;
    let mut spans = vec![span(0, plan.days - 1)];
    spans.extend((0..4).map(|n| span(n * quarter, (n + 1) * quarter - 1)));
    spans.extend([0, plan.on(330), plan.drift_day()].map(|day| span(day, day + 6)));
    let by = Actor::System("command_line");
    let held = hold(bed.engine(), &bed.node.key, NAME, &spans, &by).await?;
    Ok(Recount {
        spans: spans.len(),
        entries: held.entries,
        numbers: held.numbers,
        seconds: began.elapsed().as_secs_f64(),
        differences: held.differences,
    })
}

impl Told for Year {
    fn holds(&self) -> bool {
        self.recount.differences.is_empty() && self.drift.holds()
    }

    fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{} cases from {} to {}, {} decided by people, in {:.0} s",
            self.runs, self.from, self.to, self.decisions, self.seconds
        );
        let d = &self.drift;
        let found = match (&d.found, d.after_runs) {
            (Some(at), Some(n)) => {
                format!("found at {at}, {n} cases later ({} allowed)", d.within_runs)
            }
            _ => "NOT found".to_owned(),
        };
        let _ = writeln!(
            text,
            "drift from {} on: {found}; findings before it {}, after the new baseline {}",
            d.began, d.before, d.afterwards
        );
        let r = &self.recount;
        let _ = writeln!(
            text,
            "{} numbers of {} scorecards beside the log: {} differ; {} entries verified and counted in {:.0} s",
            r.numbers,
            r.spans,
            r.differences.len(),
            r.entries,
            r.seconds
        );
        for d in r.differences.iter().take(20) {
            let _ = writeln!(
                text,
                "  {}: shown {:?}, log {:?}",
                d.number, d.shown, d.recounted
            );
        }
        for (page, taken) in &self.pages {
            let _ = writeln!(
                text,
                "{page}: p50 {:.1} ms, p99 {:.1} ms",
                taken.p50_us / 1_000.0,
                taken.p99_us / 1_000.0
            );
        }
        text
    }
}

/// A session of the operator, for pages.
async fn cookie(bed: &Bed) -> Result<String, Problem> {
    let session = tuesday_engine::ops::NewSession {
        person: OPERATOR.to_owned(),
        by: tuesday_domain::record::SignedInBy::Token,
        workflow: None,
        agent: "bench".to_owned(),
        life: tuesday_engine::ops::ABSOLUTE,
    };
    let token = bed.engine().start_session(session).await?;
    Ok(format!("tuesday_session={token}"))
}
