//! Tests of the decision table. Helpers here; one file per concern.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod cells;
mod checks;
mod fail_closed;
mod files;
mod foregone;
mod mapping;
mod properties;
mod reference;
mod story;

use serde_json::Value;

use super::{Facts, Finding, FindingCode, Route, RuleSet, Verdict, evaluate, parse};

/// The table of the reference page.
pub(super) const EXAMPLE: &str = "\
row,amount:money[USD] soft 0..1000 hard 0..2000,confidence:ratio soft 0.7..1,tier:one of gold|silver|bronze,flagged:yes/no,route,review_tier,reason,note
r1,any,any,any,yes,manual,,flagged by the fraud team,
r2,> 750,any,any,any,review,two,the amount is over the limit for automatic approval,raised from 500
r3,<= 750,>= 0.85,\"gold, silver\",any,auto,,,
r4,any,any,any,any,review,one,no rule allows automatic approval,
";

pub(super) fn rules(text: &str) -> RuleSet {
    match parse(text) {
        Ok((rules, _)) => rules,
        Err(findings) => panic!("{findings:#?}"),
    }
}

/// All findings, whether or not the table was accepted.
pub(super) fn findings(text: &str) -> Vec<Finding> {
    match parse(text) {
        Ok((_, findings)) | Err(findings) => findings,
    }
}

pub(super) fn has(findings: &[Finding], code: FindingCode) -> bool {
    findings.iter().any(|finding| finding.code == code)
}

pub(super) fn ask(rules: &RuleSet, facts: Value) -> Verdict {
    let Value::Object(map) = facts else {
        panic!("facts are an object")
    };
    evaluate(rules, 42, &Facts::new(&map))
}

/// A table with one column: rows with the cell go to manual, the rest to review.
pub(super) fn one_cell(column: &str, cell: &str) -> String {
    let quoted = cell.replace('"', "\"\"");
    format!(
        "row,{column},route,review_tier,reason\nr1,\"{quoted}\",manual,,hit\nr2,any,review,one,rest\n"
    )
}

pub(super) fn matches(column: &str, cell: &str, value: Value) -> bool {
    let name = column.split(':').next().unwrap();
    let mut map = serde_json::Map::new();
    map.insert(name.to_owned(), value);
    match ask(&rules(&one_cell(column, cell)), Value::Object(map)) {
        Verdict::Hit(hit) => hit.route == Route::Manual,
        Verdict::Person(person) => panic!("{person:?}"),
    }
}
