//! What leaving each vendor would take, on the ledger's page: bound, tried, days; and the form for a better
//! estimate.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use tuesday_domain::ledger::exit::DayRange;
use tuesday_domain::ledger::shown::Unit;
use tuesday_engine::ops::{ExitCost, VendorExit};

use super::costs::answer;
use super::shown::{cash, text};
use super::visit::Visit;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

/// A vendor in the table.
pub(super) struct ExitRow {
    pub(super) vendor: String,
    pub(super) bound: String,
    pub(super) tone: &'static str,
    pub(super) tried: &'static str,
    pub(super) words: String,
    pub(super) days: String,
    pub(super) how: String,
}

/// The card.
pub(super) struct ExitCard {
    pub(super) about: String,
    pub(super) rows: Vec<ExitRow>,
}

fn days(d: DayRange) -> String {
    let one = |n: u32| format!("{}.{}", n / 10, n % 10);
    if d.low_tenths == d.high_tenths {
        one(d.low_tenths)
    } else {
        format!("{} to {}", one(d.low_tenths), one(d.high_tenths))
    }
}

fn row(v: &VendorExit) -> ExitRow {
    let bound: Vec<String> = v
        .bound
        .iter()
        .map(|b| match b.fields {
            0 => format!("{} {}", b.kind, b.name),
            n => format!("{} {} ({n} fields)", b.kind, b.name),
        })
        .collect();
    let words = match &v.tested {
        None => v.words.trim_start_matches("untested: ").to_owned(),
        Some(t) => {
            let share = |n| text(n, Unit::Share, None);
            let quality = t.quality_ppm.map_or_else(|| "unknown".to_owned(), share);
            let range = t.quality_range_ppm.map_or_else(String::new, |(low, high)| {
                format!(" ({} to {})", share(low), share(high))
            });
            let cost = match (t.cost_micros, &t.currency) {
                (Some(n), Some(c)) => format!("{} a case", cash(n, c)),
                _ => "unknown".to_owned(),
            };
            format!(
                "{}; {} of {} cases instead of {}: quality {quality}{range}, {}; cost {cost} more; tried {} by {}",
                v.words,
                t.passed,
                t.cases,
                t.passed_live,
                t.standing.replace('_', " "),
                t.at,
                t.by
            )
        }
    };
    ExitRow {
        vendor: v.vendor.clone(),
        bound: bound.join(", "),
        tone: if v.tested.is_some() { "ok" } else { "warn" },
        tried: v.alternative,
        words,
        days: days(v.days),
        how: v.given.as_ref().map_or_else(
            || "estimated from what is bound".to_owned(),
            |g| format!("estimated by {g}"),
        ),
    }
}

/// The card of a workflow.
pub(super) fn card(c: &ExitCost) -> ExitCard {
    ExitCard {
        about: if c.vendors.is_empty() {
            "nothing is bound to a vendor: what runs, runs here".to_owned()
        } else {
            format!(
                "{} days, an estimate; {} of {} vendors without a tested alternative",
                days(c.days),
                c.untested,
                c.vendors.len()
            )
        },
        rows: c.vendors.iter().map(row).collect(),
    }
}

/// Everything as JSON.
pub(crate) async fn json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.exit_cost(&name)).await?;
    Ok(axum::Json(found).into_response())
}

/// Somebody says how many days leaving a vendor would take.
pub(crate) async fn estimate(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let t = |field: &str| form.text(field).unwrap_or_default();
    let by = form.user.session.person.clone();
    let (vendor, days, reason) = (t("exit_vendor"), t("days"), t("exit_reason"));
    let done = app
        .engine
        .estimate_exit(&name, &vendor, &days, &reason, &by)
        .await;
    answer(&app, &name, &headers, form, done.map(|_| "Kept")).await
}
