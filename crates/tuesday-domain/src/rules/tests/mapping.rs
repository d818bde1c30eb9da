//! Client tiers by a maintained mapping: what a source's word means is said by people or not at all.

use serde_json::json;

use super::*;
use crate::rules::{
    CellEdit, FactTable, Landing, ProblemCode, compare, edit, judge, pack, to_csv, unpack_words,
};

const TABLE: &str = "\
row,tier:mapped to gold|silver,region:mapped to eu|us,route,review_tier,reason,note
r1,silver,eu,auto,,,
r2,any,any,review,desk,Seen by a person,
map,Platinum Plus = gold,,,,,
map,Basic = silver,,,,,
map,3 = silver,,,,,
map,,a=b = eu,,,,
";

fn at(text: &str, tier: Value) -> Verdict {
    ask(&rules(text), json!({"tier": tier, "region": "A=B"}))
}

#[test]
fn a_word_means_what_the_mapping_says_and_nothing_else() {
    for (word, route) in [
        (json!(" basic "), Route::Auto),
        (json!(3), Route::Auto),
        (json!("PLATINUM PLUS"), Route::Review),
    ] {
        let Verdict::Hit(hit) = at(TABLE, word.clone()) else {
            panic!("{word} is mapped")
        };
        assert_eq!(hit.route, route, "{word}");
    }
    // Spelled like a word of the table and not in the mapping: nobody guesses.
    for word in [json!("silver"), json!("Basic!"), json!("3.5")] {
        let Verdict::Person(person) = at(TABLE, word.clone()) else {
            panic!("{word} is not mapped")
        };
        assert_eq!(person.problems[0].code, ProblemCode::UnknownTier, "{word}");
        assert!(
            person.reason.contains("not in the mapping"),
            "{}",
            person.reason
        );
    }
    for word in [json!(3.5), json!(true), json!(["Basic"]), json!("nan")] {
        let Verdict::Person(person) = at(TABLE, word.clone()) else {
            panic!("{word} is no word")
        };
        assert_eq!(
            person.problems[0].code,
            ProblemCode::MistypedValue,
            "{word}"
        );
    }
}

#[test]
fn the_file_comes_back_as_the_same_bytes_in_one_order() {
    let canonical = to_csv(&rules(TABLE));
    assert_eq!(to_csv(&rules(&canonical)), canonical);
    let mut lines: Vec<&str> = TABLE.lines().collect();
    lines.swap(3, 4);
    // Where the lines stand does not matter, also above the rows.
    let first = lines.remove(4);
    lines.insert(1, first);
    assert_eq!(
        to_csv(&rules(&format!("{}\n", lines.join("\n")))),
        canonical
    );
    assert!(canonical.ends_with("map,3 = silver,,,,,\nmap,Basic = silver,,,,,\nmap,Platinum Plus = gold,,,,,\nmap,,a=b = eu,,,,\n"), "{canonical}");
}

#[test]
fn faults_of_a_mapping_are_named_with_their_line() {
    for (line, code) in [
        ("map,basic = gold,,,,,", FindingCode::DuplicateRow),
        ("map,Trial = bronze,,,,,", FindingCode::BadCell),
        ("map,Trial,,,,,", FindingCode::BadCell),
        ("map, = gold,,,,,", FindingCode::BadCell),
        ("map,=1+1 = gold,,,,,", FindingCode::BadCell),
        ("map,N/A = gold,,,,,", FindingCode::BadCell),
        ("map,Trial = gold,,auto,,,", FindingCode::BadCell),
        ("map,,,,,,", FindingCode::EmptyCell),
        ("map,Trial = gold", FindingCode::RaggedRow),
    ] {
        let found = findings(&format!("{TABLE}{line}\n"));
        assert!(
            found.iter().any(|f| f.code == code && f.line == 8),
            "{line}: {found:#?}"
        );
    }
    let elsewhere = "row,tier:one of gold|silver,route,review_tier,reason\nr1,any,review,desk,x\nmap,Basic = gold,,,\n";
    let found = findings(elsewhere);
    assert!(
        found
            .iter()
            .any(|f| f.message.contains("not a mapped column")),
        "{found:#?}"
    );
    let gaps: Vec<_> = findings(TABLE)
        .into_iter()
        .filter(|f| f.code == FindingCode::MappingGap)
        .collect();
    assert!(
        gaps.len() == 1 && gaps[0].message.ends_with("stands for us in region"),
        "{gaps:#?}"
    );
    let empty = findings(
        "row,tier:mapped to a|b,route,review_tier,reason\nr1,a,manual,,x\nr2,any,review,desk,y\n",
    );
    assert!(
        empty.iter().any(|f| f.message.contains("no mapping yet")),
        "{empty:#?}"
    );
}

fn put(value: &str) -> CellEdit {
    CellEdit {
        row: "map".into(),
        column: "tier".into(),
        value: value.into(),
    }
}

#[test]
fn one_entry_is_added_changed_and_taken_out() {
    let table = rules(TABLE);
    let told = |value: &str| edit(&table, &[put(value)]);
    let tier = |text: &str, word: &str| rules(text).columns()[0].mapped(word).map(str::to_owned);
    assert_eq!(
        tier(&told("Trial = gold").unwrap(), "trial").as_deref(),
        Some("gold")
    );
    assert_eq!(
        tier(&told("BASIC = gold").unwrap(), "Basic").as_deref(),
        Some("gold")
    );
    assert_eq!(tier(&told("Basic =").unwrap(), "Basic"), None);
    assert!(
        told("Trial =")
            .unwrap_err()
            .message
            .contains("not in the mapping")
    );
    assert!(
        told("Trial")
            .unwrap_err()
            .message
            .contains("Platinum Plus = gold")
    );
}

#[test]
fn another_meaning_is_a_change_of_values_and_not_of_the_header() {
    let (old, text) = (
        rules(TABLE),
        edit(&rules(TABLE), &[put("Basic = gold")]).unwrap(),
    );
    let judged = judge(&old, &text).unwrap();
    assert!(
        !judged.change.columns_changed
            && judged.change.approves_more
            && judged.change.approves_less
    );
    assert_eq!(judged.change.remapped, ["Basic of tier"]);
    assert!(
        judged.second_person.is_empty(),
        "the choices of the header are the bound"
    );
    assert!(compare(&old, &old).remapped.is_empty());
    assert_ne!(old.hash(), judged.rules.hash());
}

/// The stored word is the source's own, so a new meaning reaches runs of the past.
#[test]
fn past_runs_are_asked_under_the_new_mapping() {
    let old = rules(TABLE);
    let new = rules(
        &edit(
            &old,
            &[put("Platinum Plus = silver"), put("Trial = silver")],
        )
        .unwrap(),
    );
    let mut table = FactTable::new(new.columns());
    let layout = table.layout(old.columns()).unwrap();
    let mut packed = Vec::new();
    for word in ["Platinum Plus", "Basic", "Trial", "Never seen"] {
        let Value::Object(facts) = json!({"tier": word, "region": "a=b"}) else {
            panic!("an object")
        };
        packed.push(pack(old.columns(), &Facts::new(&facts)));
        assert!(table.push_packed(&layout, packed.last().unwrap()));
    }
    let (row, person) = (Landing::Row, Landing::Person);
    assert_eq!(table.land(&old).unwrap(), [row(1), row(0), person, person]);
    assert_eq!(table.land(&new).unwrap(), [row(0), row(0), row(0), person]);
    let words = |at: usize| unpack_words(old.columns(), &packed[at])[0].1.clone();
    assert_eq!(
        (words(0), words(3)),
        ("gold".into(), "not in the mapping".into())
    );
}
