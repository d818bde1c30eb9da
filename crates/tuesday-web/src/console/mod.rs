//! The console: pages rendered on the server, one file and one template for each.
//!
//! Every act is a plain form; the script only saves keystrokes. A handler reads through the store's
//! reader, acts through the engine, and never decides anything itself.

pub(crate) mod account;
pub(crate) mod adoption;
mod advice_plot;
mod alike;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod blast;
pub(crate) mod capacity;
mod case;
mod case_parts;
pub(crate) mod changes;
mod chart;
pub(crate) mod charter;
pub(crate) mod company;
pub(crate) mod costs;
pub(crate) mod decide;
mod diff;
pub(crate) mod drift;
mod drift_shifts;
pub(crate) mod duties;
pub(crate) mod edit;
pub(crate) mod emergency;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod exit;
pub(crate) mod export;
mod exposure;
pub(crate) mod files;
pub(crate) mod first_shift;
mod forms;
pub(crate) mod friday;
pub(crate) mod handoffs;
pub(crate) mod hub;
mod incident_acts;
pub(crate) mod incidents;
pub(crate) mod intake;
pub(crate) mod passkeys;
pub(crate) mod people;
mod pieces;
pub(crate) mod pilot;
pub(crate) mod postmortem;
pub(crate) mod practice;
pub(crate) mod privacy;
pub(crate) mod problems;
pub(crate) mod queue;
mod queue_view;
pub(crate) mod quiz;
pub(crate) mod readiness;
pub(crate) mod reading;
pub(crate) mod release_read;
mod release_since;
pub(crate) mod releases;
mod reliability;
pub(crate) mod report;
pub(crate) mod rerun;
pub(crate) mod review;
pub(crate) mod rules;
pub(crate) mod rules_check;
pub(crate) mod rules_evidence;
mod rules_mapping;
mod rules_parts;
pub(crate) mod rules_reroute;
pub(crate) mod rules_versions;
pub(crate) mod run;
mod run_parts;
pub(crate) mod runs;
mod scale;
pub(crate) mod scorecard;
pub(crate) mod security;
pub(crate) mod seeds;
pub(crate) mod shadow;
mod shell;
pub(crate) mod shown;
pub(crate) mod sign_in;
pub(crate) mod standing;
mod steps;
pub(crate) mod together;
pub(crate) mod tokens;
pub(crate) mod training;
pub(crate) mod turnover;
pub(crate) mod value;
pub(crate) mod verdict;
mod views;
mod visit;
pub(crate) mod weekly;
pub(crate) mod words;
pub(crate) mod workflow;
pub(crate) mod workflows;
mod worth;
pub(crate) mod wrong;

#[cfg(test)]
mod preview;

pub use incidents::runbooks;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;

use crate::assets;
use crate::refusal::{PageError, status};
use shell::Shell;

/// A rendered page.
fn html(page: &impl Template) -> Result<Response, PageError> {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(e) => {
            tracing::error!(error = %e, "a page could not be rendered");
            Err(Problem::new("internal", "the page could not be drawn").into())
        }
    }
}

/// The front door leads to the work.
pub(crate) async fn home() -> Redirect {
    Redirect::to("/queue")
}

/// A file of the console; its name carries its hash, so it may be kept for ever.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets::all().get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut answer = asset.bytes.as_slice().into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    answer
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    shell: Shell,
    status: u16,
    title: &'static str,
    detail: String,
    way_out: Option<String>,
    code: &'static str,
}

/// A fragment as a sentence: a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.trim().chars();
    let first = letters.next().map(char::to_uppercase);
    let mut out: String = first.into_iter().flatten().chain(letters).collect();
    if !out.ends_with(['.', '?', '!', ':']) {
        out.push('.');
    }
    out
}

/// A refusal as a page.
pub(crate) fn problem_page(p: &Problem) -> Response {
    let shell = Shell {
        title: p.title().to_owned(),
        assets: assets::all().links.clone(),
        ..Shell::default()
    };
    let page = ProblemPage {
        shell,
        status: p.status(),
        title: p.title(),
        detail: sentence(&p.detail),
        way_out: p.way_out.as_deref().map(sentence),
        code: p.code,
    };
    (
        status(p),
        Html(page.render().unwrap_or_else(|_| p.title().to_owned())),
    )
        .into_response()
}
