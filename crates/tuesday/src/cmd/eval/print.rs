//! Figures of an evaluation on the terminal, or as one JSON object.

use serde_json::json;
use tuesday_domain::eval::{Agreement, Count, Verdict};

use super::run::Done;
use crate::cli::Common;
use crate::out;

/// Prints everything a person decides by.
pub(super) fn evaluation(common: &Common, done: &Done, verdict: &Verdict) {
    if common.json {
        out::json_line(&as_json(done, verdict));
        return;
    }
    let s = &done.evidence.summary;
    let mut table = out::table(&["Cases", "Passed"]);
    table.add_row(["all".to_owned(), s.cases.rate().words()]);
    for (kind, count) in &s.kinds {
        table.add_row([kind.to_string(), count.rate().words()]);
    }
    for (name, count) in &s.samples {
        table.add_row([format!("sample {name}"), count.rate().words()]);
    }
    out::line(&table.to_string());
    let x = &s.escalation;
    let asked = Count {
        passed: x.asked_rightly,
        of: x.asked_rightly + x.missed,
    };
    let person = Count {
        passed: s.to_person,
        of: s.trials,
    };
    for (name, words) in [
        ("answers", answers(done)),
        ("sent to a person rightly", asked.rate().words()),
        ("sent to a person needlessly", x.needless.to_string()),
        ("acted on wrongly", s.false_positives.to_string()),
        ("held back wrongly", s.false_negatives.to_string()),
        ("would need a person", person.rate().words()),
        ("repeatable", s.repeatable.rate().words()),
        ("latency", latency(done)),
        ("cost", cost(done)),
    ] {
        out::line(&format!("{name:28} {words}"));
    }
    graders(&done.evidence.graders);
    classes(done);
    compared(done);
    failed(done);
    for r in &verdict.reasons {
        out::line(&format!("blocked by {}: {}", r.reason, r.detail));
    }
    for w in &verdict.warnings {
        out::say(&format!("warning: {w}"));
    }
    out::line(&format!(
        "{} of {} cases passed in {:.1} s ({} taken from an earlier evaluation)",
        s.cases.passed, done.pack.cases, done.seconds, done.reused
    ));
}

/// Which models graded, and how far they agree with people.
pub(crate) fn graders(all: &[Agreement]) {
    for g in all {
        out::line(&format!("grader {}", g.words()));
    }
}

fn as_json(done: &Done, verdict: &Verdict) -> serde_json::Value {
    json!({
        "workflow": done.workflow, "passed": verdict.passed, "reasons": verdict.reasons,
        "warnings": verdict.warnings, "pack": done.pack, "evidence": done.evidence,
        "latency_ms": {"p50": done.evidence.summary.latency_ms(0.5), "p95": done.evidence.summary.latency_ms(0.95)},
        "accuracy": done.evidence.summary.cases.rate(), "person_share": done.evidence.summary.person_share(),
        "cached": done.evidence.cached.is_some_and(|n| n > 0),
        "reused": done.reused, "seconds": done.seconds,
    })
}

fn answers(done: &Done) -> String {
    let cached = done.evidence.cached.filter(|n| *n > 0);
    let cached = cached.map(|n| format!(", {n} from the cache"));
    format!("{}{}", done.evidence.mode, cached.unwrap_or_default())
}

fn latency(done: &Done) -> String {
    let s = &done.evidence.summary;
    format!(
        "half within {} ms, 95 % within {} ms, longest {} ms",
        s.latency_ms(0.5),
        s.latency_ms(0.95),
        s.latency_us_max.div_ceil(1_000)
    )
}

fn cost(done: &Done) -> String {
    let s = &done.evidence.summary;
    let unknown = if s.cost_unknown == 0 {
        String::new()
    } else {
        format!(", unknown for {} trials", s.cost_unknown)
    };
    format!("{} millionths in all{unknown}", s.cost_micros)
}

fn classes(done: &Done) {
    let mut table = out::table(&["Class", "Right of expected", "Right of answered"]);
    let mut any = false;
    for (name, score) in &done.evidence.summary.classes {
        if score.expected == 0 {
            continue;
        }
        any = true;
        let of = |of| {
            Count {
                passed: score.right,
                of,
            }
            .rate()
            .words()
        };
        table.add_row([name.clone(), of(score.expected), of(score.answered)]);
    }
    if any {
        out::line(&table.to_string());
    }
}

fn compared(done: &Done) {
    let Some(c) = &done.evidence.compared else {
        return;
    };
    out::line(&format!(
        "compared with {}: {} ({} fixed, {} broken, p = {:.4}; {})",
        c.baseline, c.standing, c.paired.fixed, c.paired.broken, c.p_value, c.test
    ));
    for x in c.paired.changed.iter().take(20) {
        let word = if x.fixed { "fixed" } else { "broken" };
        out::line(&format!(
            "  {word:7} {} ({}): {}",
            x.case,
            x.kind,
            x.faults.join("; ")
        ));
    }
}

/// Failed cases; the first thirty.
pub(super) fn failed(done: &Done) {
    let s = &done.evidence.summary;
    for f in s.failed.iter().take(30) {
        out::line(&format!(
            "  failed {} ({}), {} of {} passed: {}",
            f.case,
            f.kind,
            f.passed,
            f.of,
            f.faults.join("; ")
        ));
    }
    if s.failed_count > 30 {
        out::line(&format!("  and {} more", s.failed_count - 30));
    }
}
