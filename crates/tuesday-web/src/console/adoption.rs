//! Whether people use what a workflow delivers, group by group, beside what its rollout plan says they would
//! do; use of the old way; and how much needs no visit here. Readable in print.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tuesday_domain::ledger::shown::Unit;
use tuesday_engine::ops::{Adoption, GroupAdoption, OldPathUse};

use super::html;
use super::shell::Shell;
use super::shown::{Tile, text, tile};
use super::visit::Visit;
use super::words::count;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Days unless said otherwise.
const USUAL: i64 = 28;

/// A span of days.
#[derive(Deserialize)]
pub(crate) struct SpanQuery {
    from: Option<String>,
    to: Option<String>,
}

/// A number that opens its records.
struct Cell {
    value: String,
    href: Option<String>,
    about: String,
}

struct GroupRow {
    title: String,
    cells: Vec<Cell>,
    metric: Option<String>,
    tone: &'static str,
    target: &'static str,
    who: String,
    changes: String,
}

struct OldUse {
    when: String,
    what: String,
    count: u32,
    run: Option<String>,
    by: String,
}

#[derive(Template)]
#[template(path = "adoption.html")]
struct AdoptionPage {
    shell: Shell,
    name: String,
    title: String,
    from: String,
    to: String,
    spans: Vec<(String, String, bool)>,
    tiles: Vec<Tile>,
    metric: Option<String>,
    by: &'static str,
    rows: Vec<GroupRow>,
    others: Option<String>,
    blanks: Vec<String>,
    old: Vec<OldUse>,
}

async fn made(app: &App, visit: &Visit, name: &str, q: &SpanQuery) -> Result<Adoption, PageError> {
    visit.user.sees(name)?;
    let some = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
    let (from, to) = (some(&q.from), some(&q.to));
    let days = app
        .engine
        .asked_days(Some(name), from.as_deref(), to.as_deref(), USUAL)
        .await?;
    Ok(Box::pin(app.engine.adoption(name, days)).await?)
}

fn row(g: &GroupAdoption) -> GroupRow {
    let cells = g.counts.iter().map(|s| Cell {
        value: count(u64::try_from(s.value.unwrap_or(0)).unwrap_or(0)),
        href: s.records.clone().filter(|_| s.value != Some(0)),
        about: format!("{}: {}", g.title, s.means),
    });
    GroupRow {
        title: g.title.clone(),
        cells: cells.collect(),
        metric: g.metric.as_ref().map(|m| match m.value {
            Some(value) => text(value, Unit::Share, None),
            None => format!("missing: {}", m.means),
        }),
        tone: match g.met {
            Some(true) => "ok",
            Some(false) => "warn",
            None => "plain",
        },
        target: match g.met {
            Some(true) => "reached",
            Some(false) => "not reached",
            None => "",
        },
        who: g.who.clone().unwrap_or_default(),
        changes: g.changes.clone().unwrap_or_default(),
    }
}

fn old_use(u: &OldPathUse) -> OldUse {
    OldUse {
        when: u.day.clone(),
        what: u.record.clone().unwrap_or_else(|| u.event.clone()),
        count: u.count,
        run: u.run.clone(),
        by: u.posted_by.clone(),
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let a = made(&app, &visit, &name, &q).await?;
    let title = format!("Adoption, {}", a.title);
    let shell = visit
        .shell(&app, title, "workflow", Some(name.clone()))
        .await?;
    let spans = [7, 28, 91, 365].map(|n| {
        let from = a.days.to.plus(1 - n).to_string();
        let pairs = [("from", from.as_str()), ("to", &a.days.to.to_string())];
        let href = format!("/workflows/{name}/adoption{}", query::query(&pairs));
        (href, format!("{n} days"), a.days.count() == n)
    });
    html(&AdoptionPage {
        shell,
        title: a.title.clone(),
        from: a.days.from.to_string(),
        to: a.days.to.to_string(),
        spans: spans.into(),
        tiles: [&a.bypass, &a.bypass_before, &a.no_visit, &a.automatic]
            .map(|s| {
                let mut shown = tile(s, None);
                if s.key == "bypass_before" {
                    shown.title = format!("{}, as long before", shown.title);
                }
                shown
            })
            .into(),
        metric: a.metric.map(|m| match a.target_percent {
            Some(target) => format!("{}, at least {target} %", m.title()),
            None => m.title().to_owned(),
        }),
        by: a.by.unwrap_or("group"),
        rows: a.groups.iter().chain([&a.all]).map(row).collect(),
        others: a.others.clone(),
        blanks: a.blanks.clone(),
        old: a.old_path.iter().map(old_use).collect(),
        name,
    })
}

/// The same as CSV.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let found = made(&app, &visit, &name, &q).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, found.csv()).into_response())
}

/// The same as JSON.
pub(crate) async fn json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let found = made(&app, &visit, &name, &q).await?;
    Ok(axum::Json(found).into_response())
}
