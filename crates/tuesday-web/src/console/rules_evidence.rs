//! What rules are tuned on: which rule fires how often and how people decided then, and how far a
//! cutoff may move before errors exceed a budget.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::{Side, clopper_pearson};
use tuesday_engine::ops::{CutoffAdvice, RowReport};

use super::advice_plot::{Plot, plot, share};
use super::html;
use super::rules::table;
use super::rules_check::sentence;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{count, plural};
use crate::api::rules::SURE;
use crate::refusal::PageError;
use crate::state::App;

/// What is asked; percentages as people type them.
#[derive(Deserialize)]
pub(crate) struct Asked {
    days: Option<u32>,
    column: Option<String>,
    budget: Option<f64>,
}

/// A row of the table with what came of it.
struct Fired {
    row: String,
    then: String,
    tone: &'static str,
    runs: String,
    /// Length of its bar out of 100.
    width: u64,
    approved: String,
    edited: String,
    rejected: String,
    by_hand: String,
    /// Share that people did not leave as it was, with its interval.
    wrong: String,
    /// It never decided anything.
    idle: bool,
    old: bool,
}

/// Advice as the page shows it.
struct Advised {
    words: String,
    needed: String,
    /// Some cutoff had enough cases to be judged, so that there is something to draw.
    tested: bool,
    plot: Plot,
}

#[derive(Template)]
#[template(path = "rules_evidence.html")]
struct EvidencePage {
    shell: Shell,
    name: String,
    title: String,
    days: u32,
    fired: Vec<Fired>,
    told: String,
    columns: Vec<String>,
    column: String,
    budget: String,
    advised: Option<Advised>,
    problem: Option<Problem>,
}

/// The page; advice is worked out only when a column is asked for, because it reads every past run.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<Asked>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let (w, _) = app.engine.live(&name).await?;
    let active = app.engine.live_rules(&name).await?;
    let days = q.days.unwrap_or(90).clamp(1, 3_650);
    let report = app.engine.rules_report(&name, days).await?;
    let rules = table(&active)?;
    let numeric = rules.columns().iter().filter(|c| c.is_numeric());
    let columns: Vec<String> = numeric.map(|c| c.name.clone()).collect();
    let column = q.column.unwrap_or_default();
    let budget = q.budget.unwrap_or(2.0);
    let (mut advised, mut problem) = (None, None);
    if !column.is_empty() {
        match app
            .engine
            .advise_cutoff(&name, &column, budget / 100.0, SURE)
            .await
        {
            Ok(advice) => advised = Some(advice_view(&advice)),
            Err(p) => problem = Some(p),
        }
    }
    let title = format!("Rules of {}", w.title);
    let shell = visit.shell(&app, title, "workflows", Some(name.clone()));
    html(&EvidencePage {
        shell: shell.await?,
        title: w.title.clone(),
        days,
        told: told(&report, days),
        fired: fired(&report),
        columns,
        column,
        budget: budget.to_string(),
        advised,
        problem,
        name,
    })
}

fn told(report: &[RowReport], days: u32) -> String {
    let runs: u64 = report.iter().map(|r| r.hits).sum();
    let idle = report.iter().filter(|r| r.hits == 0 && r.in_force).count() as u64;
    let idle = match idle {
        0 => "Every rule decided something.".to_owned(),
        1 => "1 rule decided nothing.".to_owned(),
        n => format!("{n} rules decided nothing."),
    };
    format!(
        "{} in {}. {idle}",
        plural(runs, "run"),
        plural(u64::from(days), "day")
    )
}

fn fired(report: &[RowReport]) -> Vec<Fired> {
    let most = report.iter().map(|r| r.hits).max().unwrap_or(0).max(1);
    let row = |r: &RowReport| {
        let decided = r.approved + r.edited + r.rejected + r.by_hand;
        let wrong = decided - r.approved;
        let (low, high) = clopper_pearson(wrong, decided, SURE);
        Fired {
            row: r.row.clone().unwrap_or_else(|| "no rule".to_owned()),
            then: super::workflow::way(r.route).to_owned(),
            tone: super::workflow::tone(r.route),
            runs: count(r.hits),
            width: r.hits * 100 / most,
            approved: count(r.approved),
            edited: count(r.edited),
            rejected: count(r.rejected),
            by_hand: count(r.by_hand),
            wrong: if decided == 0 {
                "nobody has decided one".to_owned()
            } else {
                format!("{} to {}", share(low), share(high))
            },
            idle: r.hits == 0,
            old: !r.in_force,
        }
    };
    report.iter().map(row).collect()
}

fn advice_view(a: &CutoffAdvice) -> Advised {
    let side = match a.side {
        Side::AtLeast => ">=",
        Side::AtMost => "<=",
    };
    Advised {
        words: sentence(&a.words),
        needed: format!(
            "From {} that people decided.",
            plural(a.advice.cases, "case")
        ),
        tested: a.advice.steps.iter().any(|s| s.passed.is_some()),
        plot: plot(&a.advice, a.budget, &a.column, side),
    }
}
