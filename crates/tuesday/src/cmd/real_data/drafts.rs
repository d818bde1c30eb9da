//! Drafting: one opportunity with its account and product in, a draft out in which every number and
//! name comes from the frozen inputs. A person approves each before it is written.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::run::Status;

use super::desk::{Desk, Seen};
use super::figures::share;
use super::limited;
use super::package::{Recipe, text};
use super::report::{Good, SetReport};
use super::sets::{Row, fixed_hash, get, rows};
use crate::out::unavailable;

const REST: &str = include_str!("packages/drafts.toml");
const NAME: &str = "real-drafts";
/// Drafts that are made.
const DRAFTS: usize = 500;
const RULES: &str = "row,open_points:number[points],route,review_tier,reason,note\n\
    open,>= 1,review,desk,Something is open,\n\
    read,any,review,desk,Every draft is read by one person,\n";

/// Whether the set is in the folder.
pub(super) fn is_there(dir: &Path) -> bool {
    dir.join("crm-pipeline/sales_pipeline.csv").exists()
}

/// Runs the set.
pub(super) async fn run(desk: &Desk, dir: &Path, limit: usize) -> Result<SetReport, Problem> {
    let from = dir.join("crm-pipeline");
    let mut deals = rows(&from.join("sales_pipeline.csv"))?;
    let now = desk.node().engine.now().rfc3339();
    let books = desk.dir.join("crm-pipeline");
    std::fs::create_dir_all(&books).map_err(|e| unavailable(e.to_string()))?;
    for (source, name) in [
        ("sales_pipeline", "opportunities"),
        ("accounts", "accounts"),
        ("products", "products"),
    ] {
        export(
            &from.join(format!("{source}.csv")),
            &books.join(format!("{name}.csv")),
            &now,
        )?;
    }
    deals.sort_by_key(|d| fixed_hash(get(d, "opportunity_id")));
    let deals = limited(deals, limit.min(DRAFTS));
    desk.install(&recipe().package()).await?;
    let mut out = SetReport::new("crm-pipeline, drafts", "public domain (second hand)");
    out.records = deals.len() as u64;
    let (_, before) = desk.ledger();
    out.duration = desk
        .push(NAME, "drafts", deals.iter().map(input).collect())
        .await?;
    let drafted = desk.seen(NAME, "drafts").await?;
    let waiting = drafted
        .iter()
        .filter(|s| s.run.state.outcome.is_none())
        .count();
    let mut supported = Vec::new();
    for s in &drafted {
        let strangers = unsupported(body(s), &desk.inputs(s.run.id).await?);
        if let Some(first) = strangers.first() {
            out.notes
                .push(format!("{}: {first:?} is in no source", s.run.id));
        }
        supported.push(strangers.is_empty() && !body(s).is_empty());
    }
    let approved = desk.approve_all(NAME).await?;
    let ended = desk.seen(NAME, "drafts").await?;
    let (_, after) = desk.ledger();
    let delivered = |s: &Seen| {
        let written = deals
            .get(s.record)
            .and_then(|d| desk.written("documents", "statements", get(d, "opportunity_id")));
        s.run.state.status == Status::Completed
            && written.is_some_and(|w| w.get("body").and_then(Value::as_str) == Some(body(s)))
    };
    out.count(&ended);
    out.against(
        "every number and name is in the inputs",
        share(supported),
        1.0,
        Good::High,
    );
    out.against(
        "written word for word as approved",
        share(ended.iter().map(delivered)),
        1.0,
        Good::High,
    );
    out.plain(
        "drafts with a marked blank",
        share(drafted.iter().map(|s| body(s).contains("[BLANK:"))),
    );
    out.notes.push(format!(
        "{waiting} waited for a person, {approved} were approved over the API, {} were written",
        after - before
    ));
    Ok(out)
}

fn body(s: &Seen) -> &str {
    s.output
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn input(deal: &Row) -> Value {
    let at = |c: &str| get(deal, c).to_owned();
    json!({"id": at("opportunity_id"), "opportunity_id": at("opportunity_id"), "account": at("account"), "product": at("product")})
}

fn recipe() -> Recipe<'static> {
    let points = json!({"type": "array", "items": text("One open point"), "description": "What is open", "x-class": "internal"});
    Recipe {
        name: NAME,
        title: "Drafts of statements of work",
        rest: REST.into(),
        input: json!({"opportunity_id": text("Opportunity"), "account": text("Customer"), "product": text("Product")}),
        output: json!({"body": text("The draft"), "open_points": points}),
        rules: RULES.to_owned(),
        examples: None,
    }
}

/// Copies a table and says when it was exported: a source without a time would be of unknown age.
fn export(from: &Path, to: &Path, now: &str) -> Result<(), Problem> {
    let failed = |e: csv::Error| unavailable(format!("{}: {e}", from.display()));
    let mut reader = csv::Reader::from_path(from).map_err(failed)?;
    let mut writer = csv::Writer::from_path(to).map_err(failed)?;
    let mut header = reader.headers().map_err(failed)?.clone();
    header.push_field("updated_at");
    writer.write_record(&header).map_err(failed)?;
    for record in reader.records() {
        let mut record = record.map_err(failed)?;
        record.push_field(now);
        writer.write_record(&record).map_err(failed)?;
    }
    writer.flush().map_err(|e| unavailable(e.to_string()))
}

/// Words of the draft with a digit or a capital that stand in no input. Marked blanks do not count.
fn unsupported(draft: &str, inputs: &str) -> Vec<String> {
    let known: BTreeSet<&str> = words(inputs).collect();
    let mut open = draft.to_owned();
    while let (Some(from), Some(to)) = (open.find("[BLANK:"), open.find(']')) {
        if to < from {
            break;
        }
        open.replace_range(from..=to, " ");
    }
    words(&open)
        .filter(|w| {
            w.contains(|c: char| c.is_ascii_digit() || c.is_uppercase()) && !known.contains(w)
        })
        .map(str::to_owned)
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'))
        .map(|w| w.trim_matches(['.', '-']))
        .filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_name_from_nowhere_is_found() {
        let inputs = r#"{"account":"Kestrel Mills","value":"1054.50"}"#;
        assert!(
            unsupported(
                "customer: Kestrel Mills, value 1054.50, [BLANK: Start 9]",
                inputs
            )
            .is_empty()
        );
        assert_eq!(
            unsupported("customer: Kestrel Mill, value 1055", inputs),
            ["Mill", "1055"]
        );
    }
}
