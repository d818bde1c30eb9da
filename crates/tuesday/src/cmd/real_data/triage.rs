//! Support triage: banking77 in scope, and requests of clinc150 that are nobody's business there.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;

use super::desk::{Desk, Seen};
use super::figures::{auroc, calibration_by_chance, calibration_error, share};
use super::package::{NEVER, Recipe, by_scope_and_confidence, example, one_of, text};
use super::report::{Good, SetReport};
use super::sets::{Text, fixed_hash, texts};
use super::{cutoff, limited};

const REST: &str = include_str!("packages/triage.toml");
const NAME: &str = "real-triage";
/// One row in so many is a record and not an example.
const HELD_OUT: u64 = 10;
/// Share of in-scope training rows that look no more familiar than this and go to a person for it.
const FAMILIAR: f64 = 0.03;

/// Runs the set.
pub(super) async fn run(desk: &Desk, dir: &Path, limit: usize) -> Result<SetReport, Problem> {
    let all = texts(&dir.join("banking77/train.jsonl"))?;
    let (records, fitted): (Vec<Text>, Vec<Text>) = all
        .into_iter()
        .partition(|t| fixed_hash(&t.id).is_multiple_of(HELD_OUT));
    let mut records = limited(records, limit);
    let in_scope = records.len();
    for name in ["oos_val", "oos_train"] {
        let strangers = dir.join("clinc150").join(format!("{name}.jsonl"));
        if strangers.exists() {
            records.extend(limited(texts(&strangers)?, limit));
        }
    }
    let report = desk.install(&recipe(&fitted, NEVER).package()).await?;
    let at = cutoff(&report, 0.98);
    desk.install(&recipe(&fitted, at.unwrap_or(NEVER)).package())
        .await?;
    let bodies = records
        .iter()
        .map(|t| json!({"id": t.id, "text": t.text}))
        .collect();
    let mut out = SetReport::new("banking77 + clinc150 out of scope", "CC BY 4.0, CC BY 3.0");
    out.records = records.len() as u64;
    out.duration = desk.push(NAME, "triage", bodies).await?;
    let seen = desk.seen(NAME, "triage").await?;
    measure(&mut out, &seen, &records, in_scope);
    // Over all examples, each scored by a model and a temperature that have not seen it: too many rows
    // for chance to hide or to make a gap.
    if let Some(carried) = report.get("ece_carried_over").and_then(Value::as_f64) {
        out.against(
            "calibration error, all examples out of fold",
            carried,
            0.012,
            Good::Low,
        );
    }
    out.notes.push(format!(
        "cutoff {:.3} for 98 % right, from out-of-fold training rows; {} examples",
        at.unwrap_or(NEVER),
        fitted.len()
    ));
    out.notes.push("the out-of-scope baseline is that of clinc150 against its own intents, here it is against banking77".to_owned());
    Ok(out)
}

fn recipe(fitted: &[Text], cutoff: f64) -> Recipe<'static> {
    let mut labels: Vec<String> = fitted.iter().map(|t| t.label.clone()).collect();
    labels.sort_unstable();
    labels.dedup();
    Recipe {
        name: NAME,
        title: "Triage of bank requests",
        rest: REST.into(),
        input: json!({"text": text("What the customer wrote")}),
        output: json!({"intent": one_of(&labels, "What the customer wants")}),
        rules: by_scope_and_confidence(FAMILIAR, cutoff),
        examples: Some(
            fitted
                .iter()
                .map(|t| example(&json!({"text": t.text}), &t.label))
                .collect(),
        ),
    }
}

fn measure(out: &mut SetReport, seen: &[Seen], records: &[Text], in_scope: usize) {
    let right = |s: &Seen| records.get(s.record).is_some_and(|t| t.label == s.label());
    let (known, strange): (Vec<&Seen>, Vec<&Seen>) = seen.iter().partition(|s| s.record < in_scope);
    out.count(seen);
    out.against(
        "accuracy",
        share(known.iter().map(|s| right(s))),
        0.913,
        Good::High,
    );
    let among_three = |s: &&Seen| {
        records
            .get(s.record)
            .is_some_and(|t| s.top.iter().any(|(l, _)| *l == t.label))
    };
    out.against(
        "right of the three first",
        share(known.iter().map(among_three)),
        0.976,
        Good::High,
    );
    let said: Vec<(f64, bool)> = known.iter().map(|s| (s.confidence, right(s))).collect();
    out.plain(
        "calibration error of these requests",
        calibration_error(&said),
    );
    out.plain("that much by chance alone", calibration_by_chance(&said));
    out.against(
        "share approved automatically",
        share(known.iter().map(|s| s.is_automatic())),
        0.78,
        Good::High,
    );
    let automatic = known.iter().filter(|s| s.is_automatic());
    out.against(
        "right among the automatic",
        share(automatic.map(|s| right(s))),
        0.985,
        Good::High,
    );
    if strange.is_empty() {
        return;
    }
    let by = |score: fn(&Seen) -> f64| -> Vec<(f64, bool)> {
        seen.iter()
            .map(|s| (score(s), s.record < in_scope))
            .collect()
    };
    out.against(
        "out of scope, AUROC of familiarity",
        auroc(&by(|s| s.in_scope)),
        0.947,
        Good::High,
    );
    out.plain(
        "out of scope, AUROC of confidence",
        auroc(&by(|s| s.confidence)),
    );
    out.against(
        "out of scope sent to a person",
        share(strange.iter().map(|s| !s.is_automatic())),
        0.84,
        Good::High,
    );
    let stranger = |s: &&Seen| s.run.rules_row.as_deref() == Some("strange");
    out.plain(
        "out of scope named as such",
        share(strange.iter().map(stranger)),
    );
    out.plain(
        "in scope named out of scope",
        share(known.iter().map(stranger)),
    );
}

/// Whether the set is in the folder.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join("banking77/train.jsonl").exists()
}
