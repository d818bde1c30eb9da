//! Deal risk: each deal is judged by a model that was fitted on the others, equal rows always together.

use std::path::Path;

use serde_json::{Map, Value, json};
use tuesday_domain::problem::Problem;

use super::desk::{Desk, Seen};
use super::figures::{auroc, calibration_error, share};
use super::package::{NEVER, Recipe, by_confidence, example, one_of, text};
use super::report::{Good, SetReport};
use super::sets::{Row, columns, fixed_hash, get, rows};
use super::{cutoff, limited};

const REST: &str = include_str!("packages/deals.toml");
const NAME: &str = "real-deals";
/// Parts; each is judged by a model fitted on the others.
const PARTS: u64 = 4;

/// Whether the set is in the folder.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join("b2b-deals/deals.csv").exists()
}

/// Runs the set.
pub(super) async fn run(desk: &Desk, dir: &Path, limit: usize) -> Result<SetReport, Problem> {
    let path = dir.join("b2b-deals/deals.csv");
    let answers: Vec<String> = columns(&path)?
        .into_iter()
        .filter(|c| c != "id" && c != "Status")
        .collect();
    let deals = limited(rows(&path)?, limit);
    let mut out = SetReport::new("b2b-deals", "CC BY 4.0");
    let (mut said, mut automatic) = (Vec::new(), Vec::new());
    for part in 0..PARTS {
        let (records, fitted): (Vec<&Row>, Vec<&Row>) =
            deals.iter().partition(|d| part_of(d, &answers) == part);
        let report = desk
            .install(&recipe(&fitted, &answers, NEVER).package())
            .await?;
        if let Some(at) = cutoff(&report, 0.90) {
            desk.install(&recipe(&fitted, &answers, at).package())
                .await?;
        }
        let prefix = format!("deals{part}");
        out.records += records.len() as u64;
        out.duration += desk
            .push(
                NAME,
                &prefix,
                records.iter().map(|d| input(d, &answers)).collect(),
            )
            .await?;
        let seen = desk.seen(NAME, &prefix).await?;
        out.count(&seen);
        let won = |s: &Seen| {
            records
                .get(s.record)
                .is_some_and(|d| get(d, "Status") == "Won")
        };
        said.extend(
            seen.iter()
                .map(|s| (s.chance("won"), s.confidence, won(s), s.label() == "won")),
        );
        automatic.extend(
            seen.iter()
                .filter(|s| s.is_automatic())
                .map(|s| won(s) == (s.label() == "won")),
        );
    }
    out.against(
        "AUROC",
        auroc(&said.iter().map(|s| (s.0, s.2)).collect::<Vec<_>>()),
        0.82,
        Good::High,
    );
    out.against(
        "accuracy",
        share(said.iter().map(|s| s.2 == s.3)),
        0.766,
        Good::High,
    );
    out.against(
        "calibration error",
        calibration_error(&said.iter().map(|s| (s.1, s.2 == s.3)).collect::<Vec<_>>()),
        0.092,
        Good::Low,
    );
    out.plain(
        "share flagged automatically",
        share((0..said.len()).map(|n| n < automatic.len())),
    );
    out.plain("right among the automatic", share(automatic));
    out.notes.push(format!("{PARTS} parts, each judged by a model fitted on the others; cutoff for 90 % right, since so few rows give none for 98 %"));
    Ok(out)
}

/// Deals with the same answers are always in the same part.
fn part_of(deal: &Row, answers: &[String]) -> u64 {
    let all: Vec<&str> = answers.iter().map(|a| get(deal, a)).collect();
    (fixed_hash(&all.join("|")) >> 7) % PARTS
}

fn input(deal: &Row, answers: &[String]) -> Value {
    let mut fields = Map::from_iter([("id".to_owned(), get(deal, "id").into())]);
    fields.extend(answers.iter().map(|a| (a.clone(), get(deal, a).into())));
    Value::Object(fields)
}

fn recipe(fitted: &[&Row], answers: &[String], cutoff: f64) -> Recipe<'static> {
    let label = |d: &Row| {
        if get(d, "Status") == "Won" {
            "won"
        } else {
            "lost"
        }
    };
    let list: Vec<String> = answers.iter().map(|a| format!("{a:?}")).collect();
    Recipe {
        name: NAME,
        title: "Outlook of deals",
        rest: REST.replace("{category}", &list.join(", ")).into(),
        input: answers
            .iter()
            .map(|a| (a.clone(), text("Answer of the seller")))
            .collect::<Map<_, _>>()
            .into(),
        output: json!({"outlook": one_of(&["won".to_owned(), "lost".to_owned()], "How it will end")}),
        rules: by_confidence(cutoff),
        examples: Some(
            fitted
                .iter()
                .map(|d| example(&input(d, answers), label(d)))
                .collect(),
        ),
    }
}
