//! Any two versions of the rules side by side, each version as a file, and the way back to one.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{RuleSetRow, RuleSetState};

use super::html;
use super::rules::table;
use super::rules_parts::{Changed, difference, person};
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local};
use crate::refusal::PageError;
use crate::state::App;

/// Which two.
#[derive(Deserialize)]
pub(crate) struct Pair {
    from: Option<u64>,
    to: Option<u64>,
}

/// One version to choose.
struct One {
    number: u64,
    words: String,
}

#[derive(Template)]
#[template(path = "rules_versions.html")]
struct VersionsPage {
    shell: Shell,
    name: String,
    title: String,
    all: Vec<One>,
    from: u64,
    to: u64,
    from_told: String,
    to_told: String,
    changed: Vec<Changed>,
    /// The older one was in force once, and the reader may put it back.
    returns: bool,
}

/// Two versions, the one in force and the one before it unless others are asked for.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<Pair>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let (w, release) = app.engine.live(&name).await?;
    let active = app.engine.live_rules(&name).await?;
    let all = app.engine.reader().rulesets(&name).await?;
    let to = q.to.unwrap_or(active.version);
    let from = q.from.or(active.base).unwrap_or(to);
    let (old, new) = (version(&all, from)?, version(&all, to)?);
    let told = |r: &RuleSetRow| {
        let (def, zone) = (&release.ready.def, &release.ready.zone);
        let by = person(def, &r.created_by);
        format!("{} by {by}: {}", local(r.created_at, Some(zone)), r.reason)
    };
    let title = format!("Rules of {}", w.title);
    let shell = visit.shell(&app, title, "workflows", Some(name.clone()));
    let back = matches!(old.state, RuleSetState::Superseded | RuleSetState::Expired);
    html(&VersionsPage {
        shell: shell.await?,
        title: w.title.clone(),
        from,
        to,
        from_told: told(old),
        to_told: told(new),
        changed: difference(&table(old)?, &table(new)?),
        returns: back && visit.user.rights.may(Act::EditRules, &name),
        all: all.iter().map(one).collect(),
        name,
    })
}

fn one(r: &RuleSetRow) -> One {
    let state = if r.state == RuleSetState::Active {
        "in force".to_owned()
    } else {
        code(r.state.word()).to_lowercase()
    };
    One {
        number: r.version,
        words: format!("Version {}, {state}", r.version),
    }
}

fn version(all: &[RuleSetRow], number: u64) -> Result<&RuleSetRow, Problem> {
    let found = all.iter().find(|r| r.version == number);
    found.ok_or_else(|| Problem::new("not_found", format!("there is no rules version {number}")))
}

/// Which version as a file.
#[derive(Deserialize)]
pub(crate) struct Which {
    version: Option<u64>,
}

/// A version exactly as it is stored; brought back unchanged, it changes nothing.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<Which>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let row = match q.version {
        None => app.engine.live_rules(&name).await?,
        Some(number) => {
            let found = app.engine.reader().ruleset(&name, number).await?;
            let missing = || Problem::new("not_found", format!("there is no version {number}"));
            found.ok_or_else(missing)?
        }
    };
    let named = format!("attachment; filename=\"{name}-rules-{}.csv\"", row.version);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, row.csv).into_response())
}
