//! Reconciliation of payments: candidates from amount and date windows, a verdict for each, and then
//! never the same partner twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;

use super::desk::{Desk, Seen};
use super::figures::{calibration_error, found, share};
use super::package::{NEVER, Recipe, by_confidence, example, one_of, text};
use super::payments::{Payment, Windows, candidates, read};
use super::report::{Good, SetReport};
use super::sets::{get, rows};
use super::{cutoff, limited};

const REST: &str = include_str!("packages/transactions.toml");
const NAME: &str = "real-transactions";
/// Candidates kept for a payment.
const CANDIDATES: usize = 5;
/// Payments whose candidates are examples, and payments that are worked through.
const FITTED: usize = 1_600;
const WORKED: usize = 400;

/// Whether the set is in the folder.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join("er-transactions/matches.csv").exists()
}

/// A payment out with a payment in that may be it.
struct Pair<'a> {
    left: &'a Payment,
    right: &'a Payment,
    is_match: bool,
}

/// Runs the set.
pub(super) async fn run(desk: &Desk, dir: &Path, limit: usize) -> Result<SetReport, Problem> {
    let dir = dir.join("er-transactions");
    let (mut out_side, in_side) = (
        read(&dir.join("origin.csv"))?,
        read(&dir.join("destination.csv"))?,
    );
    let partner: HashMap<String, String> = rows(&dir.join("matches.csv"))?
        .iter()
        .map(|r| {
            (
                get(r, "origin_id").to_owned(),
                get(r, "destination_id").to_owned(),
            )
        })
        .collect();
    // A split by time: what came first is known, what came last is worked through.
    out_side.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    let last = out_side.split_off(out_side.len() - out_side.len() / 4);
    let settled: BTreeSet<&str> = out_side
        .iter()
        .filter_map(|o| partner.get(&o.id))
        .map(String::as_str)
        .collect();
    let (known, open): (Vec<Payment>, Vec<Payment>) = in_side
        .into_iter()
        .partition(|d| settled.contains(d.id.as_str()));
    let by_id: HashMap<&str, &Payment> = known.iter().map(|d| (d.id.as_str(), d)).collect();
    let windows = Windows::learn(
        out_side
            .iter()
            .filter_map(|o| Some((o, *by_id.get(partner.get(&o.id)?.as_str())?))),
    );
    let step = (out_side.len() / FITTED).max(1);
    let sample: Vec<&Payment> = out_side.iter().step_by(step).collect();
    let fitted = pairs(&sample, &known, &windows, &partner);
    let work: Vec<&Payment> = limited(
        last.iter().step_by((last.len() / WORKED).max(1)).collect(),
        limit / CANDIDATES,
    );
    let records = pairs(&work, &open, &windows, &partner);

    let report = desk.install(&recipe(&fitted, NEVER).package()).await?;
    let at = cutoff(&report, 0.98);
    desk.install(&recipe(&fitted, at.unwrap_or(NEVER)).package())
        .await?;
    let mut out = SetReport::new("er-transactions", "MIT");
    out.records = records.len() as u64;
    out.duration = desk
        .push(NAME, "payments", records.iter().map(input).collect())
        .await?;
    let seen = desk.seen(NAME, "payments").await?;
    let best_at = report
        .pointer("/binary/best_at")
        .and_then(Value::as_f64)
        .unwrap_or(0.5);
    measure(
        &mut out,
        &seen,
        &records,
        (best_at, at.unwrap_or(NEVER)),
        work.len(),
    );
    out.notes.push(format!(
        "{} payments of the last quarter, {} candidates each from windows of {} days and {:.0} % learnt from the first three quarters; partners settled in those are not offered again",
        work.len(), CANDIDATES, windows.days, (windows.log_ratio.exp() - 1.0) * 100.0
    ));
    Ok(out)
}

fn pairs<'a>(
    left: &[&'a Payment],
    right: &'a [Payment],
    windows: &Windows,
    partner: &HashMap<String, String>,
) -> Vec<Pair<'a>> {
    left.iter()
        .flat_map(|left| {
            let own = partner.get(&left.id);
            candidates(left, right, windows, CANDIDATES)
                .into_iter()
                .map(move |right| Pair {
                    left,
                    right,
                    is_match: own == Some(&right.id),
                })
        })
        .collect()
}

fn input(pair: &Pair<'_>) -> Value {
    let side = |p: &Payment| json!({"memo": p.memo, "date": p.date, "amount": p.amount_text});
    json!({"id": format!("{}-{}", pair.left.id, pair.right.id), "left": side(pair.left), "right": side(pair.right)})
}

fn label(pair: &Pair<'_>) -> &'static str {
    if pair.is_match { "match" } else { "no_match" }
}

fn recipe(fitted: &[Pair<'_>], cutoff: f64) -> Recipe<'static> {
    let side = json!({
        "type": "object", "description": "One payment", "x-class": "internal", "additionalProperties": false,
        "properties": {"memo": text("Memo"), "date": text("Day"), "amount": text("Amount")},
    });
    Recipe {
        name: NAME,
        title: "Payments out and in",
        rest: REST.into(),
        input: json!({"left": side, "right": side}),
        output: json!({"verdict": one_of(&["match".to_owned(), "no_match".to_owned()], "Same payment or not")}),
        rules: by_confidence(cutoff),
        examples: Some(
            fitted
                .iter()
                .map(|p| example(&input(p), label(p)))
                .collect(),
        ),
    }
}

fn measure(
    out: &mut SetReport,
    seen: &[Seen],
    records: &[Pair<'_>],
    (best_at, sure_at): (f64, f64),
    payments: usize,
) {
    let truth = |s: &Seen| records.get(s.record).is_some_and(|r| r.is_match);
    let right = |s: &Seen| truth(s) == (s.label() == "match");
    out.count(seen);
    let chosen = one_to_one(seen, records);
    let taken = |from: f64| {
        let said: Vec<&&Seen> = chosen
            .iter()
            .filter(|s| s.chance("match") >= from)
            .collect();
        found(
            said.iter().filter(|s| truth(s)).count(),
            said.len(),
            payments,
        )
    };
    let (all, sure) = (taken(best_at.min(0.5)), taken(sure_at));
    out.against("F1, one to one", all.f1, 0.97, Good::High);
    out.against("precision", all.precision, 0.98, Good::High)
        .against("recall", all.recall, 0.97, Good::High);
    out.against(
        "sure ones only, precision",
        sure.precision,
        0.996,
        Good::High,
    )
    .against("sure ones only, recall", sure.recall, 0.73, Good::High);
    out.plain(
        "partner is among the candidates",
        found(seen.iter().filter(|s| truth(s)).count(), 0, payments).recall,
    );
    out.plain("accuracy of a verdict", share(seen.iter().map(right)));
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

/// The most probable pairs first; a payment that is taken is not offered again.
fn one_to_one<'a>(seen: &'a [Seen], records: &[Pair<'_>]) -> Vec<&'a Seen> {
    let mut order: Vec<&Seen> = seen.iter().collect();
    order.sort_by(|a, b| {
        b.chance("match")
            .total_cmp(&a.chance("match"))
            .then(a.record.cmp(&b.record))
    });
    let mut taken: BTreeMap<&str, ()> = BTreeMap::new();
    order.retain(|s| {
        let Some(pair) = records.get(s.record) else {
            return false;
        };
        let (left, right) = (pair.left.id.as_str(), pair.right.id.as_str());
        if taken.contains_key(left) || taken.contains_key(right) {
            return false;
        }
        taken.insert(left, ());
        taken.insert(right, ());
        true
    });
    order
}
