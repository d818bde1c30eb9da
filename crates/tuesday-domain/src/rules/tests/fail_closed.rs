//! RUL-10: what the rules cannot judge goes to a person, never to a later row.

use serde_json::{Value, json};

use super::super::{ProblemCode, Verdict};
use super::{EXAMPLE, ask, rules};

/// A run that the example approves; each case below spoils one value of it.
fn good() -> Value {
    json!({"amount": "700", "confidence": 0.9, "tier": "gold", "flagged": false})
}

fn spoiled(column: &str, value: Value) -> Value {
    let mut facts = good();
    facts[column] = value;
    facts
}

#[test]
fn the_unspoiled_run_is_automatic() {
    assert!(ask(&rules(EXAMPLE), good()).is_auto());
}

#[test]
fn each_fault_goes_to_a_person() {
    use ProblemCode::{
        ForeignCurrency, MissingValue, MistypedValue, UnknownChoice, ValueOutOfRange,
    };
    let table = [
        ("tier", Value::Null, MissingValue),
        ("tier", json!(""), MissingValue),
        ("tier", json!("platinum-x"), UnknownChoice),
        ("tier", json!("Gold"), UnknownChoice),
        ("tier", json!("N/A"), UnknownChoice),
        ("tier", json!(3), MistypedValue),
        ("amount", Value::Null, MissingValue),
        ("amount", json!("1,000"), MistypedValue),
        ("amount", json!("N/A"), MistypedValue),
        ("amount", json!("NaN"), MistypedValue),
        ("amount", json!("1e2"), MistypedValue),
        ("amount", json!("+5"), MistypedValue),
        ("amount", json!("007"), MistypedValue),
        ("amount", json!("5."), MistypedValue),
        ("amount", json!(-5), ValueOutOfRange),
        ("amount", json!("-0.01"), ValueOutOfRange),
        ("amount", json!("700 EUR"), ForeignCurrency),
        (
            "amount",
            json!({"amount": "700", "currency": "EUR"}),
            ForeignCurrency,
        ),
        ("amount", json!({"amount": "700"}), MistypedValue),
        ("amount", json!("700.00001"), MistypedValue),
        ("amount", json!(0.1 + 0.2), MistypedValue),
        ("amount", json!(1e300), MistypedValue),
        (
            "amount",
            json!("99999999999999999999999999999999999999999"),
            MistypedValue,
        ),
        ("amount", json!([700]), MistypedValue),
        ("amount", json!(true), MistypedValue),
        ("confidence", json!(1.000_000_000_000_1), ValueOutOfRange),
        ("confidence", json!(-1e-30), ValueOutOfRange),
        ("confidence", json!("high"), MistypedValue),
        ("confidence", json!(95), ValueOutOfRange),
        ("flagged", json!("maybe"), MistypedValue),
        ("flagged", json!(0), MistypedValue),
        ("flagged", Value::Null, MissingValue),
    ];
    let rules = rules(EXAMPLE);
    for (column, value, code) in table {
        match ask(&rules, spoiled(column, value.clone())) {
            Verdict::Person(person) => {
                assert_eq!(person.problems[0].code, code, "{column} {value}");
                assert_eq!(person.problems[0].column, column);
                assert!(
                    person.reason.contains("rules version 42"),
                    "{}",
                    person.reason
                );
            }
            Verdict::Hit(hit) => panic!("{column} {value} was decided by {}", hit.row),
        }
    }
}

#[test]
fn accepted_forms_of_a_value() {
    let rules = rules(EXAMPLE);
    for amount in [
        json!(700),
        json!("700"),
        json!(" 700.00 "),
        json!(700.01),
        json!("700 USD"),
        json!({"amount": "700", "currency": "USD"}),
    ] {
        assert!(
            ask(&rules, spoiled("amount", amount.clone())).is_auto(),
            "{amount}"
        );
    }
    for confidence in [
        json!(1),
        json!("0.85"),
        json!(0.871_234_567_890_123_4),
        json!(1.0),
    ] {
        assert!(
            ask(&rules, spoiled("confidence", confidence.clone())).is_auto(),
            "{confidence}"
        );
    }
    assert!(
        !ask(
            &rules,
            spoiled("confidence", json!(0.001_234_567_890_123_4))
        )
        .is_auto()
    );
    assert!(!ask(&rules, spoiled("confidence", json!(1e-300))).is_auto());
}

#[test]
fn a_missing_value_counts_only_once_a_row_needs_it() {
    let rules = rules(EXAMPLE);
    // r1 decides before any row looks at the amount.
    let verdict = ask(&rules, json!({"flagged": true}));
    assert!(
        matches!(&verdict, Verdict::Hit(hit) if hit.row == "r1"),
        "{verdict:?}"
    );
    // A mistyped value counts at once, even where no row would have looked.
    let verdict = ask(&rules, json!({"flagged": true, "amount": "1,000"}));
    assert!(matches!(verdict, Verdict::Person(_)));
    // r3 fails on the amount already, and still the missing tier stops the evaluation there.
    let table = "row,amount:number,tier:one of a|b,route,review_tier,reason\n\
        r1,<= 5,a,auto,,\nr2,any,any,manual,,rest\n";
    let verdict = ask(&super::rules(table), json!({"amount": 9}));
    assert!(
        matches!(&verdict, Verdict::Person(p) if p.row.as_deref() == Some("r1")),
        "{verdict:?}"
    );
}

#[test]
fn placeholders_and_hidden_characters_in_text() {
    let table = "row,client:text,route,review_tier,reason\n\
        r1,\"not Acme, Globex\",auto,,\nr2,any,manual,,on the exclusion list\n";
    let rules = rules(table);
    assert!(ask(&rules, json!({"client": "Initech"})).is_auto());
    for client in [
        "acme",
        "ACME",
        " Globex ",
        "n/a",
        "NULL",
        "NaN",
        "ac\u{200b}me",
        "acme\u{0}",
        "",
    ] {
        assert!(
            !ask(&rules, json!({"client": client})).is_auto(),
            "{client:?}"
        );
    }
    assert!(!ask(&rules, json!({"client": 5})).is_auto());
    assert!(!ask(&rules, json!({})).is_auto());
}
