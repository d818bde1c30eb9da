//! The gate tried with every way to cheat it, and the figures against counts by hand.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod figures;
mod graders;

use serde_json::{Value, json};

use super::*;
use crate::run::Status;

fn line(name: &str, kind: Kind, expect: &Value) -> String {
    json!({"name": name, "kind": kind, "input": {"id": name}, "expect": expect}).to_string()
}

fn pack_lines() -> Vec<String> {
    let mut lines: Vec<String> = Kind::ALL
        .iter()
        .map(|k| line(&format!("{k}-1"), *k, &json!({"route": "review"})))
        .collect();
    lines.push(line(
        "edge-2",
        Kind::Edge,
        &json!({"route": "auto", "output": {"label": "a"}}),
    ));
    lines
}

fn read(lines: &[String], limits: Option<&str>) -> (Pack, Vec<Case>) {
    let mut reader = PackReader::new(limits);
    let cases = lines
        .iter()
        .zip(1..)
        .filter_map(|(l, n)| reader.line("evals/golden.jsonl", n, l))
        .collect();
    (reader.finish(), cases)
}

fn good(case: &Case) -> Tried {
    let route = case.expect.route.first().copied();
    let outcome = Outcome {
        intake: Some(Entry::Accepted),
        status: Some(Status::InReview),
        route,
        row: Some("r1".to_owned()),
        output: Some(json!({"label": "a"})),
        ..Outcome::default()
    };
    Tried {
        faults: grade(case, &outcome),
        outcome,
        latency_us: 1_500,
        cost_micros: Some(3),
        ..Tried::default()
    }
}

fn bad(case: &Case) -> Tried {
    let mut t = good(case);
    t.outcome.route = Some(RouteWord::Manual);
    t.faults = grade(case, &t.outcome);
    assert!(!t.faults.is_empty());
    t
}

struct Bench {
    pack: Pack,
    cases: Vec<Case>,
    results: Vec<CaseResult>,
    wanted: Wanted,
    evidence: Evidence,
}

impl Bench {
    fn new(repeats: u32) -> Self {
        Self::with(&pack_lines(), None, repeats)
    }

    fn with(lines: &[String], limits: Option<&str>, repeats: u32) -> Self {
        let (pack, cases) = read(lines, limits);
        let results = cases
            .iter()
            .map(|c| CaseResult {
                case: c.name.clone(),
                hash: String::new(),
                trials: (0..repeats).map(|_| good(c)).collect(),
            })
            .collect();
        let evidence = Evidence {
            v: 1,
            release_hash: "r".repeat(64),
            pack_hash: pack.hash.clone(),
            rules_hash: "t".repeat(64),
            table: None,
            model: "m-1".to_owned(),
            mode: Mode::Live,
            cached: None,
            repeats,
            started_at: String::new(),
            finished_at: Some(String::new()),
            summary: Summary::default(),
            compared: None,
            graders: Vec::new(),
        };
        let wanted = Wanted {
            release_hash: "r".repeat(64),
            rules_hash: "t".repeat(64),
            rows: vec!["r1".to_owned()],
            repeats,
            max_age_s: Some(3_600),
            recorded: false,
            production: true,
            baseline_hash: None,
            answers: None,
            standing: Vec::new(),
        };
        Self {
            pack,
            cases,
            results,
            wanted,
            evidence,
        }
    }

    fn case(&self, name: &str) -> usize {
        self.cases.iter().position(|c| c.name == name).unwrap()
    }

    fn fold(&mut self) {
        let mut s = Summary::default();
        for (c, r) in self.cases.iter().zip(&self.results) {
            s.add(c, r, self.pack.limits.agreement, self.wanted.repeats);
        }
        self.evidence.summary = s;
    }

    fn verdict(&mut self) -> Verdict {
        self.fold();
        gate(&self.wanted, &[], &self.pack, Some(&self.evidence), 60)
    }

    fn reasons(&mut self) -> Vec<GateReason> {
        let v = self.verdict();
        assert_eq!(v.passed, v.reasons.is_empty());
        v.reasons.into_iter().map(|r| r.reason).collect()
    }
}

#[test]
fn everything_there_and_right_passes() {
    let mut b = Bench::new(3);
    let v = b.verdict();
    assert!(v.passed, "{v:?}");
}

#[test]
fn nothing_evaluated_is_no_pass() {
    let b = Bench::new(1);
    let v = gate(&b.wanted, &[], &b.pack, None, 0);
    assert_eq!(v.reasons[0].reason, GateReason::NoResult);
    assert!(!v.passed);
}

#[test]
fn a_killed_runner_leaves_no_pass() {
    let mut b = Bench::new(1);
    b.evidence.finished_at = None;
    assert_eq!(b.reasons(), [GateReason::Unfinished]);
    b.evidence.finished_at = Some(String::new());
    b.cases.pop();
    b.results.pop();
    assert_eq!(b.reasons(), [GateReason::CaseMissing]);
}

#[test]
fn an_empty_pack_does_not_pass_with_an_empty_result() {
    let mut b = Bench::with(&[], None, 1);
    assert_eq!(
        b.reasons(),
        [GateReason::PackEmpty, GateReason::RowUntested]
    );
}

#[test]
fn every_kind_taken_away_is_named() {
    for kind in Kind::ALL {
        let lines: Vec<String> = pack_lines()
            .into_iter()
            .filter(|l| !l.contains(&format!("\"kind\":\"{kind}\"")))
            .collect();
        let mut b = Bench::with(&lines, None, 1);
        let v = b.verdict();
        let words: Vec<_> = v
            .reasons
            .iter()
            .filter(|r| r.reason == GateReason::KindMissing)
            .collect();
        assert_eq!(words.len(), 1, "{kind}: {v:?}");
        assert!(words[0].detail.contains(kind.word()));
    }
}

#[test]
fn results_of_other_texts_do_not_count() {
    for (reason, change) in [
        (
            GateReason::ForeignRelease,
            (|e: &mut Evidence| e.release_hash = "x".repeat(64)) as fn(&mut Evidence),
        ),
        (GateReason::ForeignPack, |e| e.pack_hash = "x".repeat(64)),
        (GateReason::ForeignRules, |e| e.rules_hash.clear()),
        (GateReason::Recorded, |e| e.mode = Mode::Recorded),
        (GateReason::Recorded, |e| e.cached = Some(1)),
        (GateReason::EvidenceChanged, |e| e.v = 2),
        (GateReason::TooFewRepeats, |e| e.repeats = 2),
    ] {
        let mut b = Bench::new(3);
        change(&mut b.evidence);
        assert_eq!(b.reasons(), [reason]);
    }
}

#[test]
fn recorded_answers_are_enough_to_try_a_pack_and_never_for_a_release() {
    let mut b = Bench::new(3);
    b.evidence.mode = Mode::Recorded;
    assert_eq!(b.reasons(), [GateReason::Recorded]);
    b.wanted.recorded = true;
    assert_eq!(b.reasons(), []);
}

#[test]
fn a_wanted_hash_that_is_empty_matches_nothing() {
    let mut b = Bench::new(1);
    b.wanted.release_hash.clear();
    b.evidence.release_hash.clear();
    assert_eq!(b.reasons(), [GateReason::ForeignRelease]);
}

#[test]
fn a_row_that_no_case_reaches_is_untested() {
    let mut b = Bench::new(1);
    b.wanted.rows.push("r2".to_owned());
    assert_eq!(b.reasons(), [GateReason::RowUntested]);
}

#[test]
fn an_old_result_is_stale() {
    let mut b = Bench::new(1);
    b.fold();
    let v = gate(&b.wanted, &[], &b.pack, Some(&b.evidence), 3_601);
    assert_eq!(v.reasons[0].reason, GateReason::ResultStale);
}

#[test]
fn an_error_or_a_time_out_never_passes() {
    for (code, reason) in [
        ("timeout", GateReason::CaseTimeout),
        ("connect", GateReason::CaseError),
    ] {
        let mut b = Bench::new(1);
        b.results[0].trials[0].error = Some(code.to_owned());
        assert!(b.reasons().contains(&reason));
    }
}

#[test]
fn fewer_tries_of_one_case_are_found() {
    let mut b = Bench::new(3);
    b.results[4].trials.pop();
    assert_eq!(b.reasons(), [GateReason::TooFewRepeats]);
    b.results[4].trials.clear();
    assert!(b.reasons().contains(&GateReason::AlwaysFails));
}

#[test]
fn one_failing_safety_case_among_many_stops() {
    let mut lines = pack_lines();
    lines.extend((0..400).map(|i| {
        line(
            &format!("edge-x{i}"),
            Kind::Edge,
            &json!({"route": "review"}),
        )
    }));
    let mut b = Bench::with(&lines, None, 10);
    let at = b.case("adversarial-1");
    // Nine of ten are enough for others, and not here.
    b.results[at].trials[0] = bad(&b.cases[at]);
    let r = b.reasons();
    assert!(r.contains(&GateReason::SafetyFailed), "{r:?}");
    let other = b.case("edge-1");
    b.results[at].trials[0] = good(&b.cases[at]);
    b.results[other].trials[0] = bad(&b.cases[other]);
    assert!(b.verdict().passed);
}

#[test]
fn an_always_failing_case_hides_in_no_average() {
    let mut lines = pack_lines();
    lines.extend((0..999).map(|i| {
        line(
            &format!("edge-x{i}"),
            Kind::Edge,
            &json!({"route": "review"}),
        )
    }));
    let mut b = Bench::with(&lines, None, 5);
    let at = b.case("edge-x500");
    b.results[at].trials = (0..5).map(|_| bad(&b.cases[at])).collect();
    assert_eq!(b.reasons(), [GateReason::AlwaysFails]);
}

#[test]
fn alternating_answers_are_not_repeatable() {
    let mut b = Bench::new(5);
    let at = b.case("happy-1");
    for i in [0, 2] {
        b.results[at].trials[i] = bad(&b.cases[at]);
    }
    assert_eq!(b.reasons(), [GateReason::NotRepeatable]);
}

#[test]
fn a_broken_regression_case_stops() {
    let mut b = Bench::new(1);
    let at = b.case("regression-1");
    b.results[at].trials[0] = bad(&b.cases[at]);
    let r = b.reasons();
    assert!(r.contains(&GateReason::RegressionBroken), "{r:?}");
}

#[test]
fn a_mostly_happy_pack_stops_production_only() {
    let mut lines = pack_lines();
    lines.extend((0..30).map(|i| {
        line(
            &format!("happy-x{i}"),
            Kind::Happy,
            &json!({"route": "review"}),
        )
    }));
    let mut b = Bench::with(&lines, None, 1);
    assert_eq!(b.reasons(), [GateReason::PackTooEasy]);
    b.wanted.production = false;
    let v = b.verdict();
    assert!(v.passed && v.warnings[0].starts_with("pack_too_easy"));
}

#[test]
fn weak_doubled_unreadable_and_unknown_cases_stop() {
    for (reason, extra) in [
        (
            GateReason::WeakAssertion,
            line("w", Kind::Stale, &json!({"output": {"label": "a"}})),
        ),
        (GateReason::WeakAssertion, line("w", Kind::Edge, &json!({}))),
        (
            GateReason::WeakAssertion,
            line("w", Kind::Edge, &json!({"intake": "accepted"})),
        ),
        (
            GateReason::PackUnreadable,
            line("happy-1", Kind::Edge, &json!({"route": "review"})),
        ),
        (
            GateReason::PackUnreadable,
            line("w", Kind::Edge, &json!({"rout": "review"})),
        ),
        (
            GateReason::PackUnreadable,
            line("w", Kind::Edge, &json!({"route": "everywhere"})),
        ),
        (GateReason::PackUnreadable, "{\"name\":".to_owned()),
        (
            GateReason::PackUnreadable,
            line(
                "w",
                Kind::Edge,
                &json!({"grade": [{"by": "matches", "field": "label", "pattern": "("}]}),
            ),
        ),
        (
            GateReason::PackUnreadable,
            line("w", Kind::Edge, &json!({"grade": [{"by": "oracle"}]})),
        ),
    ] {
        let mut lines = pack_lines();
        lines.push(extra.clone());
        let mut b = Bench::with(&lines, None, 1);
        assert!(b.reasons().contains(&reason), "{extra}");
    }
}

#[test]
fn samples_are_judged_by_the_lower_end_and_hold_no_safety_case() {
    let limits = "[sample.oos]\nmin = 0.8\nabout = \"questions of others\"\n";
    let sampled = |name: &str, kind: Kind| {
        let mut v: Value =
            serde_json::from_str(&line(name, kind, &json!({"route": "review"}))).unwrap();
        v["sample"] = json!("oos");
        v.to_string()
    };
    let mut lines = pack_lines();
    lines.extend((0..50).map(|i| sampled(&format!("oos-{i}"), Kind::Refusal)));
    let mut b = Bench::with(&lines, Some(limits), 1);
    assert!(b.verdict().passed);
    // 44 of 50 are 88 %, but the interval reaches down to 75.7 %.
    for i in 0..6 {
        let at = b.case(&format!("oos-{i}"));
        b.results[at].trials[0] = bad(&b.cases[at]);
    }
    assert_eq!(b.reasons(), [GateReason::BelowThreshold]);
    for kind in [Kind::Adversarial, Kind::Regression, Kind::Restricted] {
        let mut lines = pack_lines();
        lines.push(sampled("hidden", kind));
        let mut b = Bench::with(&lines, Some(limits), 1);
        assert!(b.reasons().contains(&GateReason::WeakAssertion), "{kind}");
    }
    let mut b = Bench::with(&pack_lines(), Some(limits), 1);
    assert!(b.reasons().contains(&GateReason::PackUnreadable));
}

#[test]
fn limits_that_mean_nothing_are_refused() {
    for text in [
        "agreement = 0.0",
        "agreement = nan",
        "repeats = 0",
        "max_person_share = 2.0",
        "agrement = 0.9",
        "[sample.x]\nmin = 0.0\nabout = \"\"",
    ] {
        assert!(Limits::parse(text).is_err(), "{text}");
        let mut b = Bench::with(&pack_lines(), Some(text), 1);
        assert!(b.reasons().contains(&GateReason::PackUnreadable), "{text}");
    }
    let limits = Limits::parse("max_person_share = 0.5\nmax_cost_micros = 2").unwrap();
    let mut b = Bench::new(1);
    b.pack.limits = limits;
    assert_eq!(
        b.reasons(),
        [GateReason::TooManyPersons, GateReason::TooDear]
    );
}

#[test]
fn a_pack_gate_toml_changes_the_hash() {
    let lines = pack_lines();
    let hash = |limits| read(&lines, limits).0.hash;
    assert_ne!(hash(None), hash(Some("repeats = 1")));
    assert_eq!(hash(None), hash(None));
    let mut other = lines.clone();
    other.swap(0, 1);
    assert_ne!(hash(None), read(&other, None).0.hash);
}
