//! Every kind of cell against values on both sides of its edges.

use serde_json::{Value, json};

use super::{FindingCode, findings, has, matches, one_cell};

#[test]
fn numeric_cells() {
    let money = "amount:money[USD]";
    let table: &[(&str, &[&str], &[&str])] = &[
        ("> 500", &["500.01", "501"], &["500", "0"]),
        (">= 500", &["500", "500.0001"], &["499.99"]),
        ("< 500", &["499.99", "0"], &["500"]),
        ("<= 500", &["500"], &["500.01"]),
        ("= 500", &["500", "500.00"], &["500.01", "499"]),
        ("is 500", &["500"], &["501"]),
        ("500", &["500"], &["501"]),
        ("500 USD", &["500"], &["501"]),
        ("500..1000", &["500", "1000", "700"], &["499.99", "1000.01"]),
        ("500<..1000", &["500.01", "1000"], &["500", "1000.01"]),
        ("500..<1000", &["500", "999.99"], &["1000"]),
        ("500<..<1000", &["500.01", "999.99"], &["500", "1000"]),
        (
            "1, 5..7, > 100",
            &["1", "5", "7", "100.01"],
            &["2", "8", "100"],
        ),
        ("not 5..7", &["4", "8"], &["5", "6", "7"]),
    ];
    for (cell, yes, no) in table {
        for value in *yes {
            assert!(
                matches(money, cell, json!(value)),
                "{cell} should match {value}"
            );
        }
        for value in *no {
            assert!(
                !matches(money, cell, json!(value)),
                "{cell} should not match {value}"
            );
        }
    }
    assert!(matches("delta:number signed", "-5..-1", json!(-3)));
    assert!(matches("p:ratio", ">= 85%", json!(0.85)));
    assert!(!matches(
        "p:ratio",
        ">= 85%",
        json!(0.849_999_999_999_999_9)
    ));
    assert!(!matches("p:ratio", "<= 0.3", json!(0.1 + 0.2)));
}

#[test]
fn words_and_missing() {
    let tier = "tier:one of gold|silver|bronze";
    assert!(matches(tier, "gold, silver", json!("silver")));
    assert!(!matches(tier, "gold, silver", json!("bronze")));
    assert!(matches(tier, "not gold, silver", json!("bronze")));
    assert!(matches("f:yes/no", "yes", json!(true)));
    assert!(matches("f:yes/no", "no", json!("no")));
    for absent in [Value::Null, json!(""), json!("  ")] {
        assert!(matches(tier, "missing", absent.clone()));
        assert!(matches(tier, "gold, missing", absent.clone()));
        assert!(!matches(tier, "not missing", absent.clone()));
        assert!(!matches(tier, "not gold, missing", absent));
    }
    assert!(!matches(tier, "missing", json!("gold")));
    assert!(matches(tier, "not missing", json!("gold")));
    let client = "client:text";
    assert!(matches(client, "Acme Corp, Globex", json!(" ACME corp ")));
    assert!(!matches(client, "not Acme Corp", json!("acme CORP")));
    assert!(matches(
        client,
        "\"Acme, Inc.\", Globex",
        json!("acme, inc.")
    ));
    assert!(matches(client, "\"any\"", json!("any")));
    assert!(matches(client, "straße", json!("STRAßE")));
}

#[test]
fn unreadable_cells_are_refused() {
    let table = [
        ("amount:money[USD]", "> 1,000"),
        ("amount:money[USD]", "1,500"),
        ("amount:money[USD]", "750 EUR"),
        ("amount:money[USD]", "$750"),
        ("amount:money[USD]", "-5"),
        ("amount:money[USD]", "abc"),
        ("amount:money[USD]", "NaN"),
        ("amount:money[USD]", "1e3"),
        ("amount:money[USD]", "5..3"),
        ("amount:money[USD]", "5<..5"),
        ("amount:money[USD]", "0.00001"),
        ("amount:money[USD]", ">"),
        ("amount:money[USD]", "> 5,"),
        ("amount:money[USD]", "Any"),
        ("amount:money[USD]", "not any"),
        ("p:ratio", "> 1.5"),
        ("tier:one of gold|silver", "platinum"),
        ("tier:one of gold|silver", "Gold"),
        ("tier:one of gold|silver", "gold, not silver"),
        ("f:yes/no", "maybe"),
        ("client:text", "> 5"),
        ("client:text", "Any"),
        ("client:text", "acme, not globex"),
        ("client:text", "=cmd|calc"),
        ("client:text", "n/a"),
        ("client:text", "\"open"),
    ];
    for (column, cell) in table {
        assert!(
            has(&findings(&one_cell(column, cell)), FindingCode::BadCell),
            "{column} {cell}"
        );
    }
    assert!(has(
        &findings(&one_cell("a:number", "")),
        FindingCode::EmptyCell
    ));
    assert!(has(
        &findings(&one_cell("p:ratio", "> 1")),
        FindingCode::CellNeverMatches
    ));
    assert!(has(
        &findings(&one_cell("f:yes/no", "not yes, no")),
        FindingCode::CellNeverMatches
    ));
    let step = one_cell("amount:money[USD]", "0.0001<..<0.0002");
    assert!(has(&findings(&step), FindingCode::CellNeverMatches));
}
