//! `tuesday drift`: whether the mix of outcomes stays what it was, freezing a baseline, closing a finding.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tuesday_domain::drift::{Found, ShiftVerdict, Verdict};
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Calibration, Canary, Drift};

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Shifts that are printed.
const SHOWN: usize = 9;

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// The mix of each shift against the baseline, findings with what changed around them; 1 while one is open
    #[command(alias = "report")]
    Show {
        /// The workflow
        workflow: String,
    },
    /// What the repository's package has otherwise than what is live, field by field; 1 when anything differs
    Repo {
        /// The package folder
        path: PathBuf,
        /// Compare with this exported release instead of the instance; its own rules count as in force
        #[arg(long, value_name = "FILE")]
        live: Option<PathBuf>,
    },
    /// Freeze the mix of some whole days; what comes after is compared with it
    Baseline {
        /// The workflow
        workflow: String,
        /// First day, YYYY-MM-DD
        #[arg(long, value_name = "D")]
        from: String,
        /// Last day, included
        #[arg(long, value_name = "D")]
        to: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Stated confidence against what people said, band by band; 1 while a band is miscalibrated
    Calibration {
        /// The workflow
        workflow: String,
        /// The table as CSV
        #[arg(long, conflicts_with = "rely")]
        csv: bool,
        /// Rely on this miscalibrated band, such as 0.90-1.00, for 30 days at most
        #[arg(long, value_name = "BAND", requires = "reason")]
        rely: Option<String>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say what a finding was
    Close {
        /// The workflow
        workflow: String,
        /// Its number
        finding: u32,
        /// What it was
        #[arg(long)]
        note: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: DriftArgs) -> Result<ExitCode, Problem> {
    if let Act::Repo { path, live } = &args.act {
        return super::drift_repo::run(&common, path, live.as_deref()).await;
    }
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match args.act {
        Act::Show { workflow } => {
            engine.make_figures().await?;
            let found = Box::pin(engine.drift(&workflow)).await?;
            let open = found.findings.iter().any(|f| f.state == "open");
            if common.json {
                let value = serde_json::to_value(&found);
                out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
            } else {
                tell(&found);
            }
            if open {
                return Ok(ExitCode::from(1));
            }
        }
        Act::Repo { .. } => {}
        Act::Calibration {
            workflow,
            csv,
            rely,
            reason,
        } => {
            if let Some(band) = rely {
                return relied(&common, engine, &workflow, &band, reason.as_deref()).await;
            }
            engine.make_figures().await?;
            let found = Box::pin(engine.calibration(&workflow)).await?;
            if common.json {
                let value = serde_json::to_value(&found);
                out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
            } else if csv {
                out::text(&found.csv());
            } else {
                tell_calibration(&found);
            }
            if found.is_off() {
                return Ok(ExitCode::from(1));
            }
        }
        Act::Baseline {
            workflow,
            from,
            to,
            reason,
        } => {
            let by = wiring::person(&common)?;
            let day = |field: &'static str, text: &str| {
                tuesday_domain::ledger::day::Day::parse(text)
                    .map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
            };
            let days = Days {
                from: day("from", &from)?,
                to: day("to", &to)?,
            };
            let row = engine.freeze_mix(&workflow, days, &reason, &by).await?;
            out::line(&format!(
                "baseline {} of {workflow}: {} to {}",
                row.version, row.day_from, row.day_to
            ));
        }
        Act::Close {
            workflow,
            finding,
            note,
        } => {
            let by = wiring::person(&common)?;
            let done = engine.close_drift(&workflow, finding, &note, &by).await?;
            out::line(&format!("finding {} of {workflow} is closed", done.seq));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn relied(
    common: &Common,
    engine: &tuesday_engine::Engine,
    workflow: &str,
    band: &str,
    reason: Option<&str>,
) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let band = band
        .parse()
        .map_err(|e: tuesday_domain::words::UnknownWord| {
            Problem::new("bad_request", e.to_string()).field("rely")
        })?;
    let reason = reason.unwrap_or_default();
    let done = engine.rely_on(workflow, band, reason, &by).await?;
    out::line(&format!(
        "{band} of {workflow} is relied on until {}, or until 200 fresh outcomes are there",
        done.until.rfc3339()
    ));
    Ok(ExitCode::SUCCESS)
}

fn tell_calibration(c: &Calibration) {
    out::line(&format!("{}, {}, {}", c.workflow, c.today, c.model));
    let mut table = out::table(&[
        "Confidence",
        "Stands",
        "Outcomes",
        "Stated",
        "Right",
        "95 %",
    ]);
    for b in &c.bands {
        let share = |n: Option<i64>| n.map_or_else(|| "missing".to_owned(), percent);
        let ends = match (b.low_ppm, b.high_ppm) {
            (Some(low), Some(high)) => format!("{} to {}", percent(low), percent(high)),
            _ => String::new(),
        };
        table.add_row([
            b.band.to_string(),
            b.state.word().replace('_', " "),
            b.runs.to_string(),
            share(b.stated_ppm),
            share(b.right_ppm),
            ends,
        ]);
    }
    out::line(&table.to_string());
    for b in &c.bands {
        if let Some(words) = &b.words {
            out::line(&format!(
                "{} {}: {words}",
                b.band,
                b.state.word().replace('_', " ")
            ));
        }
    }
    if c.granted {
        out::line("A test instance grants what evidence would have to show.");
    }
    out::say(&format!(
        "A rule may rest on a band with {} outcomes within {} days that were right at most {} points less often than stated.",
        c.least,
        c.window_days,
        c.tolerance_ppm / 10_000
    ));
}

fn percent(ppm: i64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

fn tell(d: &Drift) {
    out::line(&format!("{}, label {}, {}", d.workflow, d.label, d.today));
    match &d.baseline {
        Some(b) => out::line(&format!(
            "Baseline {}: {} to {}, {} runs{}",
            b.version,
            b.from,
            b.to,
            b.runs,
            if b.old {
                "; older than a year, freeze another"
            } else {
                ""
            }
        )),
        None => out::line(&format!(
            "No baseline yet: it is frozen after {} whole days with enough runs",
            d.spec.baseline_days
        )),
    }
    for one in &d.dimensions {
        out::line(&format!("{} mix", one.dimension));
        let from = one.judged.shifts.len().saturating_sub(SHOWN);
        one.judged.shifts[from..].iter().for_each(tell_shift);
        if let Some(found) = &one.judged.found {
            tell_found(found);
        }
        out::line(&format!("{} mix, day by day", one.dimension));
        let from = one.days.shifts.len().saturating_sub(SHOWN);
        one.days.shifts[from..].iter().for_each(tell_shift);
        if let Some(found) = &one.days.found {
            tell_found(found);
        }
        if let Some(words) = one.spent() {
            out::line(&format!("  {words}"));
        }
    }
    tell_findings(d);
    tell_tiers(d);
    tell_sources(d);
    if let Some(h) = &d.dependence.hero {
        out::line(&format!(
            "hero_dependence: {} did {} of {} decisions, reruns and fixes of 30 days",
            h.person, h.acts, h.of
        ));
    }
    if let Some(canary) = &d.canary {
        tell_canary(canary);
    }
    let a = &d.agreement;
    match (a.value, a.low, a.high) {
        (Some(v), Some(low), Some(high)) => out::line(&format!(
            "{}: {} ({} to {}; {})",
            a.title,
            percent(v),
            percent(low),
            percent(high),
            a.means
        )),
        _ => out::line(&format!("{}: {}", a.title, a.means)),
    }
    out::say(&format!(
        "A mix that has not moved is called drifted at most once in {:.0} years of a baseline; {} points of tolerance.",
        1.0 / d.spec.alpha,
        d.spec.tolerance_percent
    ));
}

fn tell_findings(d: &Drift) {
    for f in &d.findings {
        out::line(&format!(
            "Finding {} ({}), owner {}: {}",
            f.seq, f.state, f.owner, f.words
        ));
        if let Some(why) = &f.unreadable {
            out::line(&format!(
                "  what changed around it cannot be read: {why}; see `tuesday audit`"
            ));
        } else if f.changes.is_empty() {
            out::line("  no recorded change; suspect the provider or the input mix");
        }
        for c in &f.changes {
            let at = c.at.as_deref().unwrap_or("over days");
            out::line(&format!("  {at}  {}: {}", c.what, c.words));
        }
        if let Some(note) = &f.note {
            out::line(&format!(
                "  closed by {}: {note}",
                f.closed_by.as_deref().unwrap_or_default()
            ));
        }
    }
}

/// How often second readers agreed.
fn tell_tiers(d: &Drift) {
    for t in &d.tiers {
        let (a, kappa) = (&t.agreement, &t.kappa);
        let said = match (a.value, a.low, a.high) {
            (Some(v), Some(low), Some(high)) => format!(
                "{} ({} to {}; {})",
                percent(v),
                percent(low),
                percent(high),
                a.means
            ),
            _ => a.means.clone(),
        };
        out::line(&format!(
            "{}: {said}; kappa missing, {}",
            a.title, kappa.means
        ));
    }
}

/// What was wrong with each source, beside what people overrode.
fn tell_sources(d: &Drift) {
    let rate = |s: &Shown| s.value.map_or_else(|| "missing".to_owned(), percent);
    let mut table = out::table(&[
        "Source",
        "Runs with a fault",
        "Missing",
        "Stale",
        "Contradicted",
        "Invalid",
        "Overridden with it",
        "Without it",
    ]);
    for s in &d.sources {
        let mark = if s.first { ", put right first" } else { "" };
        let kinds = [s.missing, s.stale, s.conflicting, s.invalid];
        let mut cells = vec![format!("{}{mark}", s.source), rate(&s.share)];
        cells.extend(kinds.map(|n| n.to_string()));
        cells.extend([rate(&s.with), rate(&s.without)]);
        table.add_row(cells);
    }
    out::line(&table.to_string());
}

fn tell_canary(canary: &Canary) {
    out::line(&format!(
        "Canary: {} of the pack's cases, every {}",
        canary.spec.cases.len(),
        canary.spec.every
    ));
    if canary.tries.is_empty() {
        out::line("  not asked yet");
    }
    for t in canary.tries.iter().take(SHOWN) {
        out::line(&format!(
            "  {} {} ({} asked)",
            t.started_at, t.state, t.cases
        ));
        for miss in &t.misses {
            out::line(&format!("    {}: {}", miss.case, miss.words));
        }
    }
}

fn tell_shift(s: &ShiftVerdict) {
    let said = match s.verdict {
        Verdict::Quiet => "quiet",
        Verdict::Found => "drifted",
        Verdict::NotEnough => "not enough data",
        Verdict::Open => "too many still open",
    };
    let first = s.moved.first().map_or_else(String::new, |m| {
        format!(
            "; {} {} instead of {}",
            m.key,
            percent(m.share_ppm),
            percent(m.baseline_ppm)
        )
    });
    out::line(&format!(
        "  {} {:<8} {:>6} runs  {said}, {} away, evidence {:.2}{first}",
        s.day,
        s.shift,
        s.runs,
        percent(s.distance_ppm),
        s.evidence
    ));
}

fn tell_found(f: &Found) {
    let way = if f.rose { "rose" } else { "fell" };
    out::line(&format!("  {} {way}, strongest since {}", f.key, f.since));
}
