//! What others read: `JUnit` for a CI system, one HTML page without scripts for people.

use std::fmt::Write as _;

use super::agreement::Agreement;
use super::case::Case;
use super::gate::{Evidence, Verdict};
use super::measure::{CaseResult, Count};
use super::pack::Pack;

/// The opening of a `JUnit` file, always of the same length, so that it can be written again at the end.
#[must_use]
pub fn junit_open(name: &str, tests: u64, failures: u64, errors: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{tests:0>8}\" failures=\"{failures:0>8}\" errors=\"{errors:0>8}\">\n",
        escape(name)
    )
}

/// One case of a `JUnit` file.
#[must_use]
pub fn junit_case(case: &Case, result: &CaseResult, agreement: f64) -> String {
    let seconds = result
        .trials
        .iter()
        .map(|t| std::time::Duration::from_micros(t.latency_us).as_secs_f64())
        .sum::<f64>();
    let head = format!(
        "<testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.6}\"",
        case.kind,
        escape(&case.name)
    );
    let bad = result.trials.iter().find(|t| !t.passed());
    if let Some(error) = bad.and_then(|t| t.error.as_deref()) {
        return format!("{head}><error message=\"{}\"/></testcase>\n", escape(error));
    }
    if result.passed(case, agreement) {
        return format!("{head}/>\n");
    }
    let faults = bad.map(|t| t.faults.join("; ")).unwrap_or_default();
    if let Some(sample) = &case.sample {
        // It counts in its share; a CI system would call a single one a failed build.
        let words = format!("counted in sample {sample}: {faults}");
        return format!(
            "{head}><skipped message=\"{}\"/></testcase>\n",
            escape(&words)
        );
    }
    format!(
        "{head}><failure message=\"{}\"/></testcase>\n",
        escape(&faults)
    )
}

/// The graders of a pack that ask a model; stands right behind the opening.
#[must_use]
pub fn junit_graders(pack: &Pack) -> String {
    let mut out = String::new();
    for (name, t) in pack.graders.iter().filter(|(_, t)| t.used > 0) {
        let _ = writeln!(
            out,
            "<property name=\"grader {}\" value=\"version {}, {}, {}\"/>",
            escape(name),
            t.version,
            t.hash,
            escape(&t.model)
        );
    }
    if out.is_empty() {
        return out;
    }
    format!("<properties>\n{out}</properties>\n")
}

/// The end of a `JUnit` file.
#[must_use]
pub fn junit_close(graders: &[Agreement]) -> String {
    let words: Vec<String> = graders.iter().map(|g| escape(&g.words())).collect();
    let out = if words.is_empty() {
        String::new()
    } else {
        format!("<system-out>{}</system-out>\n", words.join("\n"))
    };
    format!("{out}</testsuite>\n</testsuites>\n")
}

/// Text that means nothing to XML or HTML; characters that XML does not know are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1c1b1a;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;\
width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em}.no{color:#a3160c}.yes{color:#0b6b3a}\
@media(prefers-color-scheme:dark){body{color:#eae8e4;background:#171614}th,td{border-color:#3a3834}\
.no{color:#ff9d92}.yes{color:#7fd6a4}}";

/// The whole page.
#[must_use]
pub fn html(title: &str, pack: &Pack, e: &Evidence, verdict: &Verdict) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n",
        escape(title)
    );
    verdict_part(&mut out, verdict);
    figures(&mut out, pack, e);
    graders(&mut out, e);
    compared(&mut out, e);
    failed(&mut out, e);
    classes(&mut out, e);
    out.push_str("</body></html>\n");
    out
}

fn verdict_part(out: &mut String, verdict: &Verdict) {
    let (class, word) = if verdict.passed {
        ("yes", "Passed")
    } else {
        ("no", "Blocked")
    };
    let _ = writeln!(out, "<p class=\"{class}\"><strong>{word}</strong></p>");
    if !verdict.reasons.is_empty() {
        out.push_str("<table><tr><th>Reason</th><th>What</th></tr>\n");
        for r in &verdict.reasons {
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td></tr>",
                r.reason,
                escape(&r.detail)
            );
        }
        out.push_str("</table>\n");
    }
    for w in &verdict.warnings {
        let _ = writeln!(out, "<p>Warning: {}</p>", escape(w));
    }
}

fn row(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(
        out,
        "<tr><td>{}</td><td class=\"n\">{}</td></tr>",
        escape(name),
        escape(value)
    );
}

fn figures(out: &mut String, pack: &Pack, e: &Evidence) {
    let s = &e.summary;
    out.push_str("<h2>Figures</h2><table>\n");
    row(out, "Cases passed", &s.cases.rate().words());
    for (kind, count) in &s.kinds {
        row(out, &format!("… {kind}"), &count.rate().words());
    }
    for (name, count) in &s.samples {
        let min = pack.limits.sample.get(name).map_or(1.0, |x| x.min);
        let words = format!("{}, at least {:.1} %", count.rate().words(), min * 100.0);
        row(out, &format!("… sample {name}"), &words);
    }
    let x = &s.escalation;
    let people = Count {
        passed: x.asked_rightly,
        of: x.asked_rightly + x.missed,
    };
    row(
        out,
        "Went to a person, of those that should",
        &people.rate().words(),
    );
    row(out, "Asked a person needlessly", &x.needless.to_string());
    row(
        out,
        "Acted on wrongly (false positives)",
        &s.false_positives.to_string(),
    );
    row(
        out,
        "Held back wrongly (false negatives)",
        &s.false_negatives.to_string(),
    );
    let person = Count {
        passed: s.to_person,
        of: s.trials,
    };
    row(out, "Would need a person", &person.rate().words());
    row(out, "Repeatable cases", &s.repeatable.rate().words());
    row(
        out,
        "Latency p50 / p95 / longest",
        &format!(
            "≤ {} / ≤ {} / {} ms",
            s.latency_ms(0.5),
            s.latency_ms(0.95),
            s.latency_us_max.div_ceil(1_000)
        ),
    );
    row(
        out,
        "Cost",
        &format!(
            "{} millionths, unknown for {} trials",
            s.cost_micros, s.cost_unknown
        ),
    );
    row(out, "Model", &e.model);
    row(out, "Answers", e.mode.word());
    row(out, "Release", &e.release_hash);
    row(out, "Pack", &e.pack_hash);
    if let Some(table) = &e.table {
        row(out, "Decision table", table);
    }
    row(
        out,
        "Evaluated",
        &format!(
            "{} to {}",
            e.started_at,
            e.finished_at.as_deref().unwrap_or("never finished")
        ),
    );
    out.push_str("</table>\n");
}

fn graders(out: &mut String, e: &Evidence) {
    if e.graders.is_empty() {
        return;
    }
    out.push_str("<h2>Model graders</h2><table><tr><th>Grader</th><th>Agreement with people (95 %), Cohen's kappa</th><th>Hash</th></tr>\n");
    for g in &e.graders {
        let _ = writeln!(
            out,
            "<tr><td>{} version {}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(&g.name),
            g.version,
            escape(&g.words()),
            g.hash
        );
    }
    out.push_str("</table>\n");
}

fn compared(out: &mut String, e: &Evidence) {
    let Some(c) = &e.compared else { return };
    let _ = writeln!(
        out,
        "<h2>Compared with {}</h2><p>{}: {} fixed, {} broken, {} pass both, {} pass neither; p = {:.4}, {}.</p>",
        escape(&c.baseline),
        c.standing,
        c.paired.fixed,
        c.paired.broken,
        c.paired.both,
        c.paired.neither,
        c.p_value,
        escape(&c.test)
    );
    if c.paired.changed.is_empty() {
        return;
    }
    out.push_str(
        "<table><tr><th>Case</th><th>Kind</th><th>Now</th><th>The side that fails</th></tr>\n",
    );
    for x in &c.paired.changed {
        let (class, word) = if x.fixed {
            ("yes", "fixed")
        } else {
            ("no", "broken")
        };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{word}</td><td>{}</td></tr>",
            escape(&x.case),
            x.kind,
            escape(&x.faults.join("; "))
        );
    }
    out.push_str("</table>\n");
}

fn failed(out: &mut String, e: &Evidence) {
    let s = &e.summary;
    if s.failed.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2>Failed cases ({})</h2><table><tr><th>Case</th><th>Kind</th><th class=\"n\">Passed</th><th>What</th></tr>",
        s.failed_count
    );
    for f in &s.failed {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{} of {}</td><td>{}</td></tr>",
            escape(&f.case),
            f.kind,
            f.passed,
            f.of,
            escape(&f.faults.join("; "))
        );
    }
    out.push_str("</table>\n");
}

fn classes(out: &mut String, e: &Evidence) {
    let wanted: Vec<_> = e
        .summary
        .classes
        .iter()
        .filter(|(_, s)| s.expected > 0)
        .collect();
    if wanted.is_empty() {
        return;
    }
    out.push_str("<h2>By class</h2><table><tr><th>Class</th><th class=\"n\">Right of expected</th><th class=\"n\">Right of answered</th></tr>\n");
    for (name, s) in wanted {
        let of = |of| {
            Count {
                passed: s.right,
                of,
            }
            .rate()
            .words()
        };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(name),
            of(s.expected),
            of(s.answered)
        );
    }
    out.push_str("</table>\n");
}
