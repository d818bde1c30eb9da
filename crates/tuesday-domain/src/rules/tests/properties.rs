//! Random tables and runs against the naive implementation and against brute force.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{
    FactTable, Facts, FindingCode, Landing, Severity, Verdict, compare, evaluate, parse, to_csv,
};
use super::findings;
use super::reference::{End, Given, RefRow, every_fact, facts, naive, tables, to_facts, to_text};

fn decided(verdict: &Verdict) -> End {
    match verdict {
        Verdict::Hit(hit) => End::Row(hit.row[1..].parse().unwrap()),
        Verdict::Person(_) => End::Person,
    }
}

fn is_auto(rows: &[RefRow], end: End) -> bool {
    matches!(end, End::Row(index) if rows[index].route == "auto")
}

fn amount_over_hard(facts: &[Given]) -> bool {
    match facts[0] {
        Given::Quarters(v) => v > 16,
        // A row that does not look at the amount approves absent amounts and any other.
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_and_back_test_agree_with_the_naive_table(rows in tables(), runs in proptest::collection::vec(facts(), 1..40)) {
        // The bound is only for the check of bounds; without it every table is accepted.
        let text = to_text(&rows).replace(" hard 0..4", "");
        let (rules, _) = parse(&text).map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
        let mut past = FactTable::new(rules.columns());
        let mut expected = Vec::new();
        for run in &runs {
            let map = to_facts(run);
            let verdict = evaluate(&rules, 1, &Facts::new(&map));
            let end = naive(&rows, run);
            prop_assert_eq!(decided(&verdict), end, "{} {:?}", text, run);
            if let Verdict::Hit(hit) = &verdict {
                prop_assert!(hit.compared.iter().all(|c| c.matched));
                prop_assert!(hit.near_miss.as_ref().is_none_or(|miss| !miss.failed.is_empty()));
            }
            prop_assert!(!verdict.explain().is_empty());
            past.push(rules.columns(), &Facts::new(&map)).unwrap();
            expected.push(match end {
                End::Row(index) => Landing::Row(u32::try_from(index).unwrap()),
                End::Person => Landing::Person,
            });
        }
        prop_assert_eq!(past.land(&rules).unwrap(), expected);
    }

    #[test]
    fn reading_and_writing_are_inverse(rows in tables()) {
        let text = to_text(&rows).replace(" hard 0..4", "");
        let (rules, _) = parse(&text).map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
        let again = to_csv(&rules);
        prop_assert_eq!(&again, &text);
        prop_assert_eq!(parse(&again).unwrap().0.hash(), rules.hash());
    }

    #[test]
    fn a_spoiled_file_never_panics_and_never_approves_broken_values(
        rows in tables(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
    ) {
        let mut text: Vec<char> = to_text(&rows).chars().collect();
        for (at, c) in cuts {
            let at = at.index(text.len());
            text[at] = c;
        }
        check_garbage(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn garbage_never_panics(text in "\\PC*", lines in "(row|r1|any|auto|[,:\"\n=<>.|\\[\\] 0-9a-z]){0,60}") {
        check_garbage(&text)?;
        check_garbage(&lines)?;
        check_garbage(&format!("row,a:number,route,review_tier,reason\n{lines}\nz,any,manual,,x\n"))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_checks_agree_with_brute_force(rows in tables()) {
        let all = every_fact();
        let ends: Vec<End> = all.iter().map(|facts| naive(&rows, facts)).collect();
        let found = findings(&to_text(&rows));
        for index in 0..rows.len() {
            let reached = ends.contains(&End::Row(index));
            let id = format!("r{index}");
            let reported = found.iter().any(|f| f.code == FindingCode::UnreachableRow && f.row.as_ref() == Some(&id));
            prop_assert_eq!(reached, !reported, "{} {}", id, to_text(&rows));
            let over = all.iter().zip(&ends).any(|(facts, end)| *end == End::Row(index) && amount_over_hard(facts));
            let reported = found.iter().any(|f| f.code == FindingCode::AutoPastHardBound && f.row.as_ref() == Some(&id));
            prop_assert_eq!(over && rows[index].route == "auto", reported, "{} {}", id, to_text(&rows));
        }
    }

    #[test]
    fn comparing_two_tables_agrees_with_brute_force(old in tables(), new in tables()) {
        let read = |rows: &[RefRow]| parse(&to_text(rows).replace(" hard 0..4", "")).map(|(rules, _)| rules);
        let change = compare(&read(&old).unwrap(), &read(&new).unwrap());
        let (mut more, mut less) = (false, false);
        for facts in every_fact() {
            let before = is_auto(&old, naive(&old, &facts));
            let after = is_auto(&new, naive(&new, &facts));
            more |= after && !before;
            less |= before && !after;
        }
        prop_assert_eq!((change.approves_more, change.approves_less), (more, less));
    }
}

/// Whatever the text is: no panic, and if it is accepted, broken values go to a person.
fn check_garbage(text: &str) -> Result<(), TestCaseError> {
    let (rules, found) = match parse(text) {
        Ok(accepted) => accepted,
        Err(found) => {
            prop_assert!(found.iter().any(|f| f.severity == Severity::Error));
            return Ok(());
        }
    };
    prop_assert!(found.iter().all(|f| f.severity != Severity::Error));
    prop_assert!(
        rules
            .rows()
            .last()
            .is_some_and(|row| row.route.goes_to_person())
    );
    let broken: Map<String, Value> = rules
        .columns()
        .iter()
        .map(|c| (c.name.clone(), json!([1])))
        .collect();
    if !broken.is_empty() {
        prop_assert!(!evaluate(&rules, 1, &Facts::new(&broken)).is_auto());
    }
    let again = to_csv(&rules);
    prop_assert_eq!(
        to_csv(
            &parse(&again)
                .map_err(|f| TestCaseError::fail(format!("{f:?}")))?
                .0
        ),
        again
    );
    Ok(())
}
