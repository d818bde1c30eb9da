//! Reconciliation of product lines: is this line of one catalogue that line of the other?

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;

use super::desk::{Desk, Seen};
use super::figures::{auroc, calibration_error, found, share};
use super::package::{NEVER, Recipe, by_confidence, example, one_of, text};
use super::report::{Good, SetReport};
use super::sets::{Row, get, rows};
use super::{cutoff, limited};

const REST: &str = include_str!("packages/products.toml");
const NAME: &str = "real-products";

/// Whether the set is in the folder.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join("er-amazon-google/train.csv").exists()
}

/// Runs the set.
pub(super) async fn run(desk: &Desk, dir: &Path, limit: usize) -> Result<SetReport, Problem> {
    let dir = dir.join("er-amazon-google");
    let fitted = rows(&dir.join("train.csv"))?;
    let records = limited(rows(&dir.join("valid.csv"))?, limit);
    let report = desk.install(&recipe(&fitted, NEVER).package()).await?;
    let at = cutoff(&report, 0.98);
    desk.install(&recipe(&fitted, at.unwrap_or(NEVER)).package())
        .await?;
    let mut out = SetReport::new("er-amazon-google", "BSD-3-Clause");
    out.records = records.len() as u64;
    out.duration = desk
        .push(NAME, "products", records.iter().map(input).collect())
        .await?;
    let seen = desk.seen(NAME, "products").await?;
    let best_at = report
        .pointer("/binary/best_at")
        .and_then(Value::as_f64)
        .unwrap_or(0.5);
    measure(&mut out, &seen, &records, best_at);
    out.notes.push(format!("cutoff {:.3} for 98 % right and match from {best_at:.3} on, both from out-of-fold training rows", at.unwrap_or(NEVER)));
    Ok(out)
}

fn input(row: &Row) -> Value {
    let side = |s: &str| {
        let at = |c: &str| get(row, &format!("{s}_{c}")).to_owned();
        let full = format!("{} {}", at("manufacturer"), at("title"));
        json!({"title": at("title"), "maker": at("manufacturer"), "price": at("price"), "full": full})
    };
    json!({"id": get(row, "id"), "left": side("left"), "right": side("right")})
}

fn label(row: &Row) -> &'static str {
    if get(row, "label") == "1" {
        "match"
    } else {
        "no_match"
    }
}

fn recipe(fitted: &[Row], cutoff: f64) -> Recipe<'static> {
    let side = json!({
        "type": "object", "description": "One line", "x-class": "internal", "additionalProperties": false,
        "properties": {"title": text("Title"), "maker": text("Maker"), "price": text("Price"), "full": text("Maker and title")},
    });
    Recipe {
        name: NAME,
        title: "Product lines",
        rest: REST.into(),
        input: json!({"left": side, "right": side}),
        output: json!({"verdict": one_of(&["match".to_owned(), "no_match".to_owned()], "Same thing or not")}),
        rules: by_confidence(cutoff),
        examples: Some(
            fitted
                .iter()
                .map(|r| example(&input(r), label(r)))
                .collect(),
        ),
    }
}

fn measure(out: &mut SetReport, seen: &[Seen], records: &[Row], best_at: f64) {
    let truth = |s: &Seen| records.get(s.record).is_some_and(|r| label(r) == "match");
    let right = |s: &Seen| truth(s) == (s.label() == "match");
    out.count(seen);
    let said: Vec<&Seen> = seen
        .iter()
        .filter(|s| s.chance("match") >= best_at)
        .collect();
    let f = found(
        said.iter().filter(|s| truth(s)).count(),
        said.len(),
        seen.iter().filter(|s| truth(s)).count(),
    );
    out.against("F1", f.f1, 0.63, Good::High)
        .against("precision", f.precision, 0.61, Good::High)
        .against("recall", f.recall, 0.65, Good::High);
    out.plain(
        "AUROC",
        auroc(
            &seen
                .iter()
                .map(|s| (s.chance("match"), truth(s)))
                .collect::<Vec<_>>(),
        ),
    );
    out.plain("accuracy", share(seen.iter().map(right)));
    out.plain(
        "calibration error",
        calibration_error(
            &seen
                .iter()
                .map(|s| (s.confidence, right(s)))
                .collect::<Vec<_>>(),
        ),
    );
    out.plain(
        "share decided automatically",
        share(seen.iter().map(Seen::is_automatic)),
    );
    out.plain(
        "right among the automatic",
        share(seen.iter().filter(|s| s.is_automatic()).map(right)),
    );
}
