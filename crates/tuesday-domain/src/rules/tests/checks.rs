//! The static checks on tables written for them.

use super::super::{FactTable, Finding, Severity, parse};
use super::{EXAMPLE, FindingCode, findings, has, rules};

fn find(text: &str, code: FindingCode) -> Finding {
    let found = findings(text);
    found
        .iter()
        .find(|finding| finding.code == code)
        .cloned()
        .unwrap_or_else(|| panic!("{found:#?}"))
}

fn table(columns: &str, rows: &str) -> String {
    format!("row,{columns},route,review_tier,reason\n{rows}")
}

#[test]
fn the_example_has_nothing_to_complain_about() {
    let (_, found) = parse(EXAMPLE).unwrap();
    assert!(
        found
            .iter()
            .all(|finding| finding.severity == Severity::Info),
        "{found:#?}"
    );
    let rest = find(EXAMPLE, FindingCode::FallsToLastRow);
    assert!(
        rest.message.contains("amount up to 750"),
        "{}",
        rest.message
    );
    assert!(
        rest.message.contains("confidence under 0.85"),
        "{}",
        rest.message
    );
    assert!(rest.message.contains("tier bronze"), "{}", rest.message);
}

#[test]
fn a_row_hidden_by_several_rows_together_is_unreachable() {
    let text = table(
        "a:number",
        "r1,< 5,manual,,low\nr2,>= 5,review,one,high\nr3,3..8,auto,,\nr4,any,manual,,rest\n",
    );
    let finding = find(&text, FindingCode::UnreachableRow);
    assert_eq!(finding.row.as_deref(), Some("r3"));
    assert!(finding.message.contains("r1, r2"), "{}", finding.message);
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn a_missing_cell_after_a_row_that_requires_the_value_is_unreachable() {
    let text = table(
        "a:number",
        "r1,< 5,auto,,\nr2,missing,excluded,,no number\nr3,any,manual,,rest\n",
    );
    assert_eq!(
        find(&text, FindingCode::UnreachableRow).row.as_deref(),
        Some("r2")
    );
}

#[test]
fn soft_bounds_need_a_second_person() {
    let text = EXAMPLE.replace("750", "1200");
    let (_, found) = parse(&text).unwrap();
    for code in [FindingCode::PastSoftBound, FindingCode::AutoPastSoftBound] {
        let finding = found.iter().find(|finding| finding.code == code).unwrap();
        assert_eq!(finding.severity, Severity::SecondPerson);
    }
}

#[test]
fn automatic_rows_may_not_reach_past_the_hard_bound_of_money() {
    let columns = "amount:money[USD] hard 0..2000,ok:yes/no";
    let open = table(columns, "r1,any,yes,auto,,\nr2,any,any,manual,,rest\n");
    assert_eq!(
        find(&open, FindingCode::AutoPastHardBound).severity,
        Severity::Error
    );
    let above = table(columns, "r1,> 500,yes,auto,,\nr2,any,any,manual,,rest\n");
    assert!(has(&findings(&above), FindingCode::AutoPastHardBound));
    // An earlier row takes the large amounts away, so the automatic row is limited after all.
    let cut = table(
        columns,
        "r1,> 500,any,manual,,large\nr2,any,yes,auto,,\nr3,any,any,manual,,rest\n",
    );
    assert!(!has(&findings(&cut), FindingCode::AutoPastHardBound));
}

#[test]
fn other_findings() {
    let nothing = table("a:number", "r1,any,auto,,\nr2,any,manual,,rest\n");
    assert_eq!(
        find(&nothing, FindingCode::AutoWithoutCondition).severity,
        Severity::Error
    );
    let danger = table(
        "a:number",
        "r1,< 5,auto,,\nr2,3..8,manual,,middle\nr3,any,manual,,rest\n",
    );
    let finding = find(&danger, FindingCode::Overlap);
    assert_eq!(finding.severity, Severity::Warning);
    assert!(
        finding.message.contains("a from 3 under 5"),
        "{}",
        finding.message
    );
    let unused = table(
        "a:number,b:text",
        "r1,< 5,any,auto,,\nr2,any,any,manual,,rest\n",
    );
    assert_eq!(
        find(&unused, FindingCode::UnusedColumn).column.as_deref(),
        Some("b")
    );
    let unlimited = table(
        "a:number,age:number[h] soft 0..48",
        "r1,< 5,any,auto,,\nr2,any,any,manual,,rest\n",
    );
    assert_eq!(
        find(&unlimited, FindingCode::AutoUnlimited)
            .column
            .as_deref(),
        Some("age")
    );
}

#[test]
fn an_entangled_table_says_that_the_check_was_not_exact() {
    let columns: Vec<String> = (0..12).map(|c| format!("c{c}:number")).collect();
    let mut text = format!("row,{},route,review_tier,reason\n", columns.join(","));
    for row in 0..300 {
        let cells: Vec<String> = (0..12)
            .map(|c| format!("not {}", (row * 7 + c * 13) % 97))
            .collect();
        text.push_str(&format!("r{row},{},manual,,x\n", cells.join(",")));
    }
    text.push_str(&format!("last,{},manual,,rest\n", ["any"; 12].join(",")));
    let found = findings(&text);
    assert!(has(&found, FindingCode::CheckIncomplete), "{found:#?}");
    assert!(!has(&found, FindingCode::FallsToLastRow));
}

#[test]
fn past_runs_of_other_columns_are_refused() {
    let past = FactTable::new(rules(EXAMPLE).columns());
    let other = rules(&EXAMPLE.replace(
        "tier:one of gold|silver|bronze",
        "tier:one of gold|silver|tin",
    ));
    assert_eq!(past.land(&other).unwrap_err().column, "tier");
    assert_eq!(past.land(&rules(EXAMPLE)).unwrap(), []);
}
