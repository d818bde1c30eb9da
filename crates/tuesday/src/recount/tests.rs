//! The pieces that need no database; the whole is held against a running instance elsewhere.

use serde_json::json;

use super::compare::{differences, flat};
use super::numbers::Number;

#[test]
fn every_number_has_a_name_and_none_is_passed_over() {
    let shown = flat(
        &json!({"figures": [{"key": "cost", "currency": "EUR", "value": 5, "low": null}],
        "weeks": [{"week": "2026-11-16", "runs": 3}], "costs": {"total": {"EUR": 7}}, "title": "x"}),
    );
    let names: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "costs.total.EUR",
            "figures.cost.EUR.value",
            "weeks.2026-11-16.runs"
        ]
    );
    let mut counted = vec![
        ("costs.total.EUR".to_owned(), Number::Exact(7)),
        ("figures.cost.EUR.value".to_owned(), Number::Exact(5)),
        ("weeks.2026-11-16.runs".to_owned(), Number::Exact(3)),
    ];
    assert_eq!(differences(&shown, &counted), []);
    counted[0].1 = Number::Exact(8);
    counted.pop();
    counted.push(("weeks.2026-11-16.resolved".to_owned(), Number::Exact(0)));
    let found = differences(&shown, &counted);
    let told: Vec<_> = found
        .iter()
        .map(|d| (d.number.as_str(), d.shown, d.recounted))
        .collect();
    assert_eq!(
        told,
        [
            ("costs.total.EUR", Some(7), Some(8)),
            ("weeks.2026-11-16.runs", Some(3), None),
            ("weeks.2026-11-16.resolved", None, Some(0)),
        ]
    );
}

#[test]
fn two_numbers_of_one_name_are_never_equal_to_one() {
    let shown = flat(&json!({"releases": [{"runs": 1}, {"runs": 2}]}));
    let counted = [("releases..runs".to_owned(), Number::Exact(2))];
    let shown_twice = differences(&shown, &counted);
    assert_eq!(shown_twice.len(), 1, "{shown_twice:?}");
}

#[test]
fn only_what_is_rounded_may_differ_and_only_by_that() {
    assert!(Number::Exact(7).is(7) && !Number::Exact(7).is(8));
    assert!(Number::End(7).is(8) && !Number::End(7).is(9));
    assert!(Number::Percentile(100_000).is(100_800));
    assert!(!Number::Percentile(100_000).is(100_900));
    // By the width of the percentile, and not of the difference.
    assert!(Number::Apart(-50, 100_000).is(-850) && !Number::Apart(-50, 100_000).is(-950));
}
