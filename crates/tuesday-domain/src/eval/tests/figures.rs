//! Comparison, figures, graders and reports, against counts by hand.

use super::*;

#[test]
fn mcnemar_gives_the_published_probabilities() {
    // R 4: binom.test(c(5, 15))$p.value, binom.test(c(0, 6)), binom.test(c(1, 9)).
    for (b, c, p) in [
        (5, 15, 0.041_389_465),
        (0, 6, 0.031_25),
        (1, 9, 0.021_484_375),
        (7, 7, 1.0),
        (0, 0, 1.0),
    ] {
        assert!((mcnemar(b, c) - p).abs() < 1e-7, "{b} {c}");
        assert!((mcnemar(c, b) - p).abs() < 1e-7);
    }
    assert!(mcnemar(49_000, 51_000) < 1e-8);
}

#[test]
fn a_comparison_says_better_worse_or_cannot_tell() {
    let (_, cases) = read(&pack_lines(), None);
    let result = |c: &Case, ok: bool| CaseResult {
        case: c.name.clone(),
        hash: String::new(),
        trials: vec![if ok { good(c) } else { bad(c) }],
    };
    let compared = |fixed: usize, broken: usize| {
        let mut p = Paired::default();
        for _ in 0..fixed {
            p.add(
                &cases[0],
                &result(&cases[0], true),
                &result(&cases[0], false),
                0.9,
            );
        }
        for _ in 0..broken {
            p.add(
                &cases[0],
                &result(&cases[0], false),
                &result(&cases[0], true),
                0.9,
            );
        }
        p.finish("7", "h")
    };
    assert_eq!(compared(9, 1).standing, Standing::Better);
    assert_eq!(compared(1, 9).standing, Standing::Worse);
    assert_eq!(compared(5, 2).standing, Standing::CannotTell);
    let mut b = Bench::new(1);
    b.wanted.baseline_hash = Some("h".to_owned());
    assert_eq!(b.reasons(), [GateReason::NotCompared]);
    b.evidence.compared = Some(compared(1, 9));
    assert_eq!(b.reasons(), [GateReason::WorseThanLive]);
    b.evidence.compared = Some(compared(9, 1));
    assert!(b.verdict().passed);
}

#[test]
fn figures_equal_a_count_by_hand() {
    let mut b = Bench::new(1);
    let alone = b.case("edge-2");
    b.results[alone].trials[0].outcome.route = Some(RouteWord::Review);
    let missed = b.case("escalation-1");
    b.results[missed].trials[0].outcome.route = Some(RouteWord::Auto);
    b.fold();
    let s = &b.evidence.summary;
    assert_eq!(
        s.escalation,
        Escalation {
            asked_rightly: 10,
            alone_rightly: 0,
            missed: 1,
            needless: 1,
            open: 0
        }
    );
    assert_eq!((s.false_positives, s.false_negatives), (1, 1));
    assert_eq!((s.to_person, s.trials), (11, 12));
    assert_eq!(
        s.classes["label=a"],
        ClassScore {
            expected: 1,
            answered: 1,
            right: 1
        }
    );
    assert_eq!((s.latency_ms(0.5), s.cost_micros), (2, 36));
}

#[test]
fn each_grader_can_fail() {
    let outcome = Outcome {
        route: Some(RouteWord::Auto),
        output: Some(json!({"n": "10.05", "tags": ["a", "b"], "text": "Dear Ms Ito"})),
        ..Outcome::default()
    };
    for (good, bad) in [
        (
            json!({"by": "equals", "field": "n", "value": "10.05"}),
            json!({"by": "equals", "field": "n", "value": "10.5"}),
        ),
        (
            json!({"by": "within", "field": "n", "value": 10, "tolerance": "0.05"}),
            json!({"by": "within", "field": "n", "value": 10, "tolerance": "0.049"}),
        ),
        (
            json!({"by": "set", "field": "tags", "values": ["b", "a"]}),
            json!({"by": "set", "field": "tags", "values": ["a", "a"]}),
        ),
        (
            json!({"by": "matches", "field": "text", "pattern": "^Dear "}),
            json!({"by": "matches", "field": "text", "pattern": "refund"}),
        ),
        (
            json!({"by": "schema", "field": "tags", "schema": {"type": "array", "maxItems": 2}}),
            json!({"by": "schema", "field": "tags", "schema": {"type": "array", "maxItems": 1}}),
        ),
        (
            json!({"by": "expression", "expr": "'Ito' in output.text and route == 'auto'"}),
            json!({"by": "expression", "expr": "output.missing.deep == 1"}),
        ),
        (
            json!({"by": "equals", "field": "n", "value": "10.05"}),
            json!({"by": "matches", "field": "gone", "pattern": ""}),
        ),
    ] {
        let case = |g: &Value| Case::parse(&line("c", Kind::Edge, &json!({"grade": [g]}))).unwrap();
        assert_eq!(
            grade(&case(&good), &outcome),
            Vec::<String>::new(),
            "{good}"
        );
        assert_eq!(grade(&case(&bad), &outcome).len(), 1, "{bad}");
    }
}

#[test]
fn relative_times_are_the_same_every_day() {
    let text = json!({"name": "t", "kind": "edge", "input": {"at": "@-15m", "who": "@maren"},
        "sources": {}, "expect": {"route": "auto"}})
    .to_string();
    let case = Case::parse(&text).unwrap();
    assert_eq!(NOW.rfc3339(), "2026-10-20T10:00:00.000Z");
    assert_eq!(
        case.event(),
        json!({"at": "2026-10-20T09:45:00.000Z", "who": "@maren"})
    );
}

#[test]
fn reports_hold_no_markup_of_others() {
    let mut b = Bench::new(1);
    let at = b.case("edge-1");
    b.cases[at].name = "<script>alert(1)</script>".to_owned();
    b.results[at].trials[0] = bad(&b.cases[at]);
    let xml = junit_case(&b.cases[at], &b.results[at], 0.9);
    assert!(xml.contains("&lt;script&gt;") && xml.contains("<failure message="));
    let v = b.verdict();
    let page = html("t", &b.pack, &b.evidence, &v);
    assert!(!page.contains("<script>") && page.contains("Blocked"));
    assert_eq!(
        junit_open("x", 0, 0, 0).len(),
        junit_open("x", 99_999_999, 12, 3).len()
    );
}
