//! A second, naive implementation of the table, written without the parser, classes or masks.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What a generated cell says.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Any,
    /// Quarters of units: 6 means 1.5.
    AtMost(i64),
    Over(i64),
    Between(i64, i64),
    Listed {
        not: bool,
        missing: bool,
        words: Vec<usize>,
    },
}

/// What a generated value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    Absent,
    Broken(Value),
    Quarters(i64),
    Word(usize),
}

/// Route word, tier and reason of a generated row.
#[derive(Clone, Debug)]
pub(super) struct RefRow {
    pub(super) cells: Vec<Wanted>,
    pub(super) route: &'static str,
}

/// Number, choice, flag, text.
pub(super) const COLUMNS: [&str; 4] = [
    "amount:money[USD] hard 0..4",
    "tier:one of a|b|c",
    "flag:yes/no",
    "client:text",
];
const NAMES: [&str; 4] = ["amount", "tier", "flag", "client"];
const WORDS: [&[&str]; 4] = [
    &[],
    &["a", "b", "c"],
    &["no", "yes"],
    &["acme", "globex", "other one"],
];

/// Where the naive evaluation ends: a row index, or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Row(usize),
    Person,
}

pub(super) fn naive(rows: &[RefRow], facts: &[Given]) -> End {
    if facts.iter().any(|given| matches!(given, Given::Broken(_))) {
        return End::Person;
    }
    for (index, row) in rows.iter().enumerate() {
        let verdicts: Vec<Option<bool>> = row
            .cells
            .iter()
            .zip(facts)
            .map(|(cell, given)| judge(cell, given))
            .collect();
        if verdicts.contains(&None) {
            return End::Person;
        }
        if verdicts.iter().all(|verdict| *verdict == Some(true)) {
            return End::Row(index);
        }
    }
    End::Person
}

fn judge(cell: &Wanted, given: &Given) -> Option<bool> {
    match (cell, given) {
        (Wanted::Any, _) => Some(true),
        (
            Wanted::Listed {
                not, missing: true, ..
            },
            Given::Absent,
        ) => Some(!not),
        (_, Given::Absent | Given::Broken(_)) => None,
        (Wanted::AtMost(limit), Given::Quarters(v)) => Some(v <= limit),
        (Wanted::Over(limit), Given::Quarters(v)) => Some(v > limit),
        (Wanted::Between(low, high), Given::Quarters(v)) => Some(low <= v && v <= high),
        (Wanted::Listed { not, words, .. }, Given::Word(w)) => Some(words.contains(w) != *not),
        (Wanted::Listed { not, .. }, Given::Quarters(_)) => Some(*not),
        _ => None,
    }
}

fn quarters(v: i64) -> String {
    match v % 4 {
        0 => (v / 4).to_string(),
        1 => format!("{}.25", v / 4),
        2 => format!("{}.5", v / 4),
        _ => format!("{}.75", v / 4),
    }
}

fn cell_text(column: usize, cell: &Wanted) -> String {
    match cell {
        Wanted::Any => "any".into(),
        Wanted::AtMost(v) => format!("<= {}", quarters(*v)),
        Wanted::Over(v) => format!("> {}", quarters(*v)),
        Wanted::Between(a, b) => format!("{}..{}", quarters(*a), quarters(*b)),
        Wanted::Listed {
            not,
            missing,
            words,
        } => {
            let mut parts: Vec<&str> = words.iter().map(|w| WORDS[column][*w]).collect();
            if *missing {
                parts.push("missing");
            }
            format!("{}{}", if *not { "not " } else { "" }, parts.join(", "))
        }
    }
}

pub(super) fn to_text(rows: &[RefRow]) -> String {
    let mut text = format!("row,{},route,review_tier,reason\n", COLUMNS.join(","));
    for (index, row) in rows.iter().enumerate() {
        text.push_str(&format!("r{index}"));
        for (column, cell) in row.cells.iter().enumerate() {
            let cell = cell_text(column, cell);
            text.push(',');
            text.push_str(&if cell.contains(',') {
                format!("\"{cell}\"")
            } else {
                cell
            });
        }
        text.push_str(match row.route {
            "review" => ",review,one,why\n",
            "auto" => ",auto,,\n",
            _ => ",manual,,why\n",
        });
    }
    text
}

pub(super) fn to_facts(facts: &[Given]) -> Map<String, Value> {
    let mut map = Map::new();
    for (column, given) in facts.iter().enumerate() {
        let value = match given {
            Given::Absent => continue,
            Given::Broken(value) => value.clone(),
            Given::Quarters(v) => json!(quarters(*v)),
            // The word after the last listed one stands for any other text.
            Given::Word(w) => json!(WORDS[column].get(*w).copied().unwrap_or("somebody else")),
        };
        map.insert(NAMES[column].to_owned(), value);
    }
    map
}

fn wanted(column: usize) -> BoxedStrategy<Wanted> {
    let open = Just(Wanted::Any);
    if column == 0 {
        return prop_oneof![
            3 => open,
            2 => (0_i64..=8).prop_map(|v| Wanted::AtMost(2 * v)),
            2 => (0_i64..=8).prop_map(|v| Wanted::Over(2 * v)),
            2 => (0_i64..=8, 0_i64..=8).prop_map(|(a, b)| Wanted::Between(2 * a.min(b), 2 * a.max(b))),
            1 => any_missing(),
        ]
        .boxed();
    }
    let count = WORDS[column].len();
    let listed = (
        any::<bool>(),
        any::<bool>(),
        proptest::sample::subsequence((0..count).collect::<Vec<_>>(), 1..count),
    )
        .prop_map(|(not, missing, words)| Wanted::Listed {
            not,
            missing,
            words,
        });
    prop_oneof![3 => open, 3 => listed, 1 => any_missing()].boxed()
}

fn any_missing() -> impl Strategy<Value = Wanted> {
    any::<bool>().prop_map(|not| Wanted::Listed {
        not,
        missing: true,
        words: Vec::new(),
    })
}

/// Random tables that end with the row every table must end with.
pub(super) fn tables() -> impl Strategy<Value = Vec<RefRow>> {
    let route = prop_oneof![Just("auto"), Just("review"), Just("manual")];
    let row =
        ((wanted(0), wanted(1), wanted(2), wanted(3)), route).prop_map(|((a, b, c, d), route)| {
            RefRow {
                cells: vec![a, b, c, d],
                route,
            }
        });
    proptest::collection::vec(row, 0..7).prop_map(|mut rows| {
        for row in &mut rows {
            if row.cells.iter().all(|cell| matches!(cell, Wanted::Any)) {
                row.route = "manual";
            }
        }
        rows.push(RefRow {
            cells: vec![Wanted::Any; 4],
            route: "manual",
        });
        rows
    })
}

/// Every combination of values that a generated table can tell apart.
pub(super) fn every_fact() -> Vec<Vec<Given>> {
    let mut all = vec![Vec::new()];
    // Cutoffs are halves, so quarters reach every cutoff and every gap between two of them.
    let numbers: Vec<Given> = (0..=18).map(Given::Quarters).collect();
    for (column, words) in WORDS.iter().enumerate() {
        let mut values = if column == 0 {
            numbers.clone()
        } else {
            let others = usize::from(column == 3);
            (0..words.len() + others).map(Given::Word).collect()
        };
        values.push(Given::Absent);
        all = all
            .into_iter()
            .flat_map(|facts: Vec<Given>| {
                values
                    .iter()
                    .map(move |value| [facts.clone(), vec![value.clone()]].concat())
            })
            .collect();
    }
    all
}

/// One random run, now and then with a broken value.
pub(super) fn facts() -> impl Strategy<Value = Vec<Given>> {
    let broken = |value: Value| Just(Given::Broken(value));
    (
        prop_oneof![9 => (0_i64..=20).prop_map(Given::Quarters), 2 => Just(Given::Absent), 1 => broken(json!("1,000")), 1 => broken(json!(-1))],
        prop_oneof![9 => (0_usize..3).prop_map(Given::Word), 2 => Just(Given::Absent), 1 => broken(json!("platinum-x"))],
        prop_oneof![9 => (0_usize..2).prop_map(Given::Word), 2 => Just(Given::Absent), 1 => broken(json!(7))],
        prop_oneof![9 => (0_usize..4).prop_map(Given::Word), 2 => Just(Given::Absent), 1 => broken(json!("n/a"))],
    )
        .prop_map(|(a, b, c, d)| vec![a, b, c, d])
}
