//! The value report of a workflow: one printed page for the next budget decision. What research costs is
//! shown, what it saves is not claimed.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::paid_for::Delivers;
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::{IdleVendor, Scorecard, SpanIncidents};

use super::html;
use super::scorecard::{Drawn, Line, categories, charts, saved};
use super::shell::Shell;
use super::shown::{Tile, sums, tile, time};
use super::visit::Visit;
use super::words::{code, plural};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Charts on the page: what it saves, and what a task costs.
const CHARTS: usize = 2;

/// How often releases go live, and hours of upkeep, are no part of the question: the budget of upkeep is. Speed before
/// and after stands on the scorecard.
const ELSEWHERE: [&str; 6] = [
    "lead_p50",
    "lead_p95",
    "released",
    "maintenance_time",
    "turnaround_before",
    "turnaround_change",
];

/// Which quarter.
#[derive(Deserialize)]
pub(crate) struct QuarterQuery {
    /// Any day of it; the present one when absent.
    quarter: Option<String>,
}

/// Somebody who is paid, and what for is the question.
struct PaidLine {
    words: String,
    tone: &'static str,
}

fn paid(i: &IdleVendor) -> PaidLine {
    let (what, tone) = match i.delivers {
        Delivers::Nothing => ("Paid, and no confirmed result in 30 days", "fault"),
        Delivers::CannotBeTold => ("Paid, and whether it delivers cannot be told", "dim"),
    };
    let (vendor, sum, why) = (&i.vendor, sums(&i.paid), &i.words);
    PaidLine {
        words: format!("{what}: {vendor}, {sum}; {why}."),
        tone,
    }
}

#[derive(Template)]
#[template(path = "value.html")]
struct ValuePage {
    shell: Shell,
    name: String,
    title: String,
    label: String,
    /// Research claims no saving.
    claims: bool,
    from: String,
    to: String,
    earlier: String,
    figures: Vec<Tile>,
    charts: Vec<Drawn>,
    saved: Vec<Line>,
    net: String,
    rests_on: String,
    costs: Vec<Line>,
    total: String,
    each: String,
    lacks: Vec<String>,
    /// Paid without a confirmed result, or without one that could be told.
    idle: Vec<PaidLine>,
    incidents: String,
    /// Which incidents the page behind them shows.
    span: String,
}

/// A quarter: its figures, who is paid without a result, and the incidents of its days.
#[derive(Serialize)]
pub(super) struct Quarter {
    pub(super) card: Scorecard,
    pub(super) idle: Vec<IdleVendor>,
    pub(super) incidents: SpanIncidents,
}

pub(super) async fn quarter(
    app: &App,
    visit: &Visit,
    name: &str,
    q: QuarterQuery,
) -> Result<Quarter, PageError> {
    visit.user.sees(name)?;
    let quarter = q.quarter.filter(|q| !q.is_empty());
    let asked = app
        .engine
        .asked_days(Some(name), None, quarter.as_deref(), 1);
    let to = asked.await?.to;
    let from = to.quarter();
    let card = Box::pin(app.engine.scorecard(name, Days { from, to })).await?;
    Ok(Quarter {
        card,
        idle: Box::pin(app.engine.idle_vendors(name, to)).await?,
        incidents: app.engine.span_incidents(name, Days { from, to }).await?,
    })
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<QuarterQuery>,
) -> Result<Response, PageError> {
    let Quarter {
        card,
        idle,
        incidents,
    } = quarter(&app, &visit, &name, q).await?;
    let Days { from, to } = card.days;
    let claims = card.label != Label::Research;
    let shown = card.figures.iter();
    let shown = shown.filter(|f| claims || f.key != "net_saved");
    let shown = shown.filter(|f| !ELSEWHERE.contains(&f.key));
    let mut drawn = charts(&card.weeks);
    drawn.truncate(CHARTS);
    drawn.retain(|c| claims || c.id != "chart-net");
    let title = format!("Value report, {}", card.title);
    html(&ValuePage {
        shell: visit
            .shell(&app, title, "workflow", Some(name.clone()))
            .await?,
        title: card.title.clone(),
        label: code(card.label.word()),
        claims,
        from: from.to_string(),
        to: to.to_string(),
        earlier: from.plus(-1).to_string(),
        figures: shown.map(|f| tile(f, None)).collect(),
        charts: drawn,
        saved: if claims { saved(&card) } else { Vec::new() },
        net: card.saved.net.value.map_or_else(|| "–".to_owned(), time),
        rests_on: card.baseline.clone().unwrap_or_default(),
        costs: categories(&card.costs, &name, &card),
        total: sums(&card.costs.total),
        each: card
            .costs
            .per_task
            .as_ref()
            .map_or_else(|| "–".to_owned(), sums),
        lacks: card.lacks.clone(),
        idle: idle.iter().map(paid).collect(),
        incidents: format!(
            "{}, {} of them open at its end",
            plural(incidents.opened, "incident"),
            incidents.open
        ),
        span: query::query(&[
            ("state", "all"),
            ("workflow", &name),
            ("from", &from.to_string()),
            ("to", &to.to_string()),
        ]),
        name,
    })
}
