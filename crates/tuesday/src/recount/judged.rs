//! What went alone or was held back, and what people said about it, counted from what the log says of each
//! run.

use super::bill::rounded;
use super::numbers::{LEAST_LOOKS, Named, Number, ppm, score};
use super::runs::{Run, Runs};

/// Why a case was held back by rules and checks, and not by people or for lack of anything.
const HELD: [&str; 6] = [
    "rule",
    "rule_input",
    "unknown_tier",
    "check_failed",
    "uncertain_output",
    "uncalibrated",
];

/// Cases, judged ones, and of those the ones that count.
#[derive(Clone, Copy, Default)]
struct Three {
    all: i64,
    known: i64,
    hits: i64,
}

#[derive(Clone, Copy, Default)]
struct Both {
    alone: Three,
    held: Three,
}

/// What people said in the end; nothing when nobody did.
fn right(run: &Run, decided: Option<&str>) -> Option<bool> {
    match (run.wrong, decided) {
        (Some(true), _) | (_, Some("approve_with_edits" | "reject")) => Some(false),
        (_, Some("approve")) | (Some(false), None) => Some(true),
        _ => None,
    }
}

impl Both {
    fn add(&mut self, run: &Run, runs: &Runs) {
        let outputs = || run.tasks.iter().filter(|t| runs.said(t.kind) == "output");
        let last = outputs().rfind(|t| t.decision.is_some());
        let decided = last.and_then(|t| t.decision).map(|w| runs.said(w));
        let reason = last
            .or_else(|| outputs().next_back())
            .map(|t| t.reason.map_or("", |w| runs.said(w)));
        let outcome = run.outcome.map(|w| runs.said(w));
        let went = matches!(outcome, Some("written_back" | "draft_placed"));
        let (three, counts) = match reason {
            None if went => (&mut self.alone, false),
            Some("stage") => (&mut self.alone, false),
            Some(reason) if HELD.contains(&reason) => (&mut self.held, true),
            _ => return,
        };
        let said = right(run, decided);
        three.all += 1;
        three.known += i64::from(said.is_some());
        three.hits += i64::from(said == Some(counts));
    }
}

fn share(out: &mut Named, name: &str, of: Three) {
    if of.known < LEAST_LOOKS {
        return;
    }
    let (_, low, high) = score(of.hits, of.known);
    let value = rounded(of.hits, 1_000_000, of.known);
    out.push((format!("{name}.value"), Number::Exact(value)));
    out.push((format!("{name}.low"), Number::End(ppm(low))));
    out.push((format!("{name}.high"), Number::End(ppm(high))));
}

/// All of them, and release by release.
pub(super) fn all(out: &mut Named, runs: &Runs, (from, to): (i64, i64)) {
    let mut whole = Both::default();
    let mut each: std::collections::BTreeMap<u16, Both> = std::collections::BTreeMap::new();
    for run in runs.all.iter().filter(|r| (from..=to).contains(&r.day)) {
        whole.add(run, runs);
        each.entry(run.release).or_default().add(run, runs);
    }
    share(out, "figures.acted_wrongly", whole.alone);
    share(out, "figures.held_wrongly", whole.held);
    for (release, both) in each {
        let name = format!("judged.{}", runs.said(release));
        for (key, n) in [
            ("alone", both.alone.all),
            ("alone_known", both.alone.known),
            ("alone_wrong", both.alone.hits),
            ("held", both.held.all),
            ("held_known", both.held.known),
            ("held_right", both.held.hits),
        ] {
            out.push((format!("{name}.counts.{key}"), Number::Exact(n)));
        }
        share(out, &format!("{name}.acted"), both.alone);
        share(out, &format!("{name}.held"), both.held);
    }
}
