//! The Friday-afternoon story: the limit is 750 and everybody asks why.

use serde_json::json;

use super::super::{Route, Verdict, compare};
use super::{EXAMPLE, ask, rules};

#[test]
fn routes_around_the_limit() {
    let rules = rules(EXAMPLE);
    for (amount, route) in [
        ("700", Route::Auto),
        ("750", Route::Auto),
        ("750.01", Route::Review),
        ("751", Route::Review),
    ] {
        let facts = json!({"amount": amount, "confidence": 0.9, "tier": "gold", "flagged": "no"});
        assert_eq!(ask(&rules, facts).route(), route, "{amount}");
    }
    let without = ask(
        &rules,
        json!({"confidence": 0.9, "tier": "gold", "flagged": "no"}),
    );
    assert_eq!(without.route(), Route::Review);
}

#[test]
fn the_explanation_names_value_limit_row_and_version() {
    let facts = json!({"amount": 751, "confidence": 0.9, "tier": "gold", "flagged": false});
    let lines = ask(&rules(EXAMPLE), facts).explain();
    assert!(
        lines.contains(&"amount 751 is over 750 (rule r2, rules version 42)".to_owned()),
        "{lines:?}"
    );
    let facts = json!({"amount": 700, "confidence": 0.8, "tier": "gold", "flagged": false});
    let verdict = ask(&rules(EXAMPLE), facts);
    let Verdict::Hit(hit) = &verdict else {
        panic!("{verdict:?}")
    };
    let miss = hit.near_miss.as_ref().unwrap();
    assert_eq!(
        (hit.row.as_str(), miss.row.as_str(), miss.failed.len()),
        ("r4", "r3", 1)
    );
    assert_eq!(
        verdict.explain().last().unwrap(),
        "not route auto because confidence 0.8 is under 0.85 (rule r3, rules version 42)"
    );
    let missing = ask(&rules(EXAMPLE), json!({"flagged": false})).explain();
    assert_eq!(
        missing,
        ["A person must look: amount is missing (rule r2, rules version 42)"]
    );
}

#[test]
fn a_verdict_survives_storage() {
    let facts = json!({"amount": 751, "confidence": 0.9, "tier": "gold", "flagged": false});
    let verdict = ask(&rules(EXAMPLE), facts);
    let stored = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&stored).unwrap(), verdict);
}

#[test]
fn tightening_and_loosening_are_told_apart() {
    let now = rules(EXAMPLE);
    let tighter = rules(&EXAMPLE.replace("750", "500"));
    let looser = rules(&EXAMPLE.replace("750", "900"));
    let change = compare(&now, &tighter);
    assert!(change.only_tightens() && change.approves_less, "{change:?}");
    assert_eq!(change.rows, ["r2", "r3"]);
    let change = compare(&now, &looser);
    assert!(change.approves_more && !change.approves_less, "{change:?}");
    assert_eq!(
        change.newly_auto,
        [
            "amount over 750 up to 900 and confidence from 0.85 up to 1 and tier gold or silver and flagged no"
        ]
    );
    let same = compare(&now, &now);
    assert!(same.only_tightens() && !same.approves_less && same.rows.is_empty());
    let moved_bound = rules(&EXAMPLE.replace("hard 0..2000", "hard 0..9000"));
    assert!(compare(&now, &moved_bound).columns_changed);
}
