//! Whole files: headers, canonical text, faults with their place.

use super::super::{Severity, parse, to_csv};
use super::{EXAMPLE, FindingCode, findings, has, one_cell, rules};

#[test]
fn a_canonical_file_comes_back_byte_for_byte() {
    assert_eq!(to_csv(&rules(EXAMPLE)), EXAMPLE);
    let hash = rules(EXAMPLE).hash();
    assert_eq!(hash.len(), 64);
    assert_ne!(hash, rules(&EXAMPLE.replace("750", "751")).hash());
}

#[test]
fn what_spreadsheets_write_is_read_as_the_same_table() {
    let windows = format!(
        "\u{feff}{}\r\n,,,,,,,,\r\n",
        EXAMPLE
            .replace('\n', "\r\n")
            .replace("yes,manual", " yes , manual")
    );
    assert_eq!(to_csv(&rules(&windows)), EXAMPLE);
    assert_eq!(rules(&windows).hash(), rules(EXAMPLE).hash());
    let semicolons = EXAMPLE.replace(',', ";");
    assert!(has(&findings(&semicolons), FindingCode::UnreadableFile));
}

#[test]
fn faulty_headers_are_refused() {
    for header in [
        "amount",
        "Amount:number",
        "amount:money",
        "amount:money[usd]",
        "amount:decimal",
        "route:text",
        "p:ratio signed",
        "a:number soft 5..1",
        "a:number soft",
        "a:number soft 0..10 hard 2..5",
        "a:number soft 0..1 soft 0..2",
        "a:number limit 0..1",
        "a:number hard -5..5",
        "f:yes/no soft 0..1",
        "t:one of a||b",
        "t:one of a|a",
        "t:one of any|b",
        "a:number[",
        "a:number[]",
        ":number",
        "a:",
    ] {
        let found = findings(&one_cell(header, "any"));
        assert!(has(&found, FindingCode::BadHeader), "{header}: {found:?}");
    }
    assert!(parse(&one_cell("a:number[h] signed hard -9..9 soft -5..5", "any")).is_ok());
}

#[test]
fn faults_name_line_row_and_column() {
    let cases = [
        (
            "r2,",
            "r1,",
            FindingCode::DuplicateRow,
            "r1",
            Some("row"),
            3,
        ),
        (
            "> 750",
            "\"> 7,50\"",
            FindingCode::BadCell,
            "r2",
            Some("amount"),
            3,
        ),
        (
            "manual,,flagged",
            "someone,,flagged",
            FindingCode::BadRoute,
            "r1",
            Some("route"),
            2,
        ),
        (
            "review,two",
            "review,",
            FindingCode::BadReviewTier,
            "r2",
            Some("review_tier"),
            3,
        ),
        (
            "auto,,",
            "auto,one,",
            FindingCode::BadReviewTier,
            "r3",
            Some("review_tier"),
            4,
        ),
        (
            "flagged by the fraud team",
            "",
            FindingCode::MissingReason,
            "r1",
            Some("reason"),
            2,
        ),
        (
            "flagged by",
            "=cmd flagged by",
            FindingCode::FormulaLike,
            "r1",
            Some("reason"),
            2,
        ),
        ("r2,> 750,", "r2,", FindingCode::RaggedRow, "r2", None, 3),
        (
            "r4,any",
            "r4,> 5",
            FindingCode::CatchAllMissing,
            "r4",
            None,
            5,
        ),
        (
            "review,one",
            "auto,",
            FindingCode::CatchAllMissing,
            "r4",
            None,
            5,
        ),
        (
            "review,one",
            "excluded,",
            FindingCode::CatchAllMissing,
            "r4",
            None,
            5,
        ),
        (
            "> 750",
            "> 2500",
            FindingCode::PastHardBound,
            "r2",
            Some("amount"),
            3,
        ),
    ];
    for (from, to, code, row, column, line) in cases {
        let found = parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err();
        let finding = found
            .iter()
            .find(|finding| finding.code == code)
            .unwrap_or_else(|| panic!("{to}: {found:?}"));
        assert_eq!(
            (
                finding.row.as_deref(),
                finding.column.as_deref(),
                finding.line
            ),
            (Some(row), column, line)
        );
        assert_eq!(finding.severity, Severity::Error);
    }
    for text in ["", "\n\n", "a,b,c", "row,route,review_tier,reason\n"] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    let twice = EXAMPLE.replace("confidence:ratio soft 0.7..1", "amount:ratio");
    assert!(has(&findings(&twice), FindingCode::DuplicateColumn));
}
