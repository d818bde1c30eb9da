//! The decision table as ops people see it: edited in place, tried on past runs before it is saved,
//! put back in one act, and read by whoever decides next.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{RuleSetRow, RuleSetState};
use tuesday_domain::rules::{CellEdit, Lane, RuleSet, Tally, parse};
use tuesday_domain::time::Zone;
use tuesday_engine::ops::{BacktestWindow, RulesChange, RulesEdit};

use super::html;
use super::rules_parts::{Cell, Column, Preview, Row, Version, cells, columns, preview, version};
use super::shell::Shell;
use super::visit::Visit;
use super::words::local;
use crate::auth::{PostForm, User};
use crate::refusal::{PageError, status};
use crate::state::App;

/// Past runs that a change is tried on.
const TRIED: u64 = 10_000;

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    name: String,
    title: String,
    told: String,
    base: u64,
    columns: Vec<Column>,
    rows: Vec<Row>,
    reason: String,
    problem: Option<Problem>,
    preview: Option<Preview>,
    unread: Option<Unread>,
    waiting: Vec<Version>,
    history: Vec<Version>,
}

struct Unread {
    version: u64,
    reason: String,
    by: String,
}

/// What the person typed and what came of it.
#[derive(Default)]
struct Typed {
    edits: Vec<CellEdit>,
    reason: String,
    problem: Option<Problem>,
    preview: Option<(Tally, String, Vec<String>, u64)>,
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let page = drawn(&app, &visit, &name, Typed::default()).await?;
    html(&page)
}

/// The cells that differ from the table in force, from fields named `cell.ROW.COLUMN`.
fn edits(form: &PostForm, rules: &RuleSet) -> Vec<CellEdit> {
    let known = cells(rules);
    let mut out = Vec::new();
    for (name, value) in &form.fields {
        let Some((row, column)) = name
            .strip_prefix("cell.")
            .and_then(|place| place.split_once('.'))
        else {
            continue;
        };
        let value = value.trim();
        if known
            .get(&(row.to_owned(), column.to_owned()))
            .is_some_and(|was| was != value)
        {
            out.push(CellEdit {
                row: row.to_owned(),
                column: column.to_owned(),
                value: value.to_owned(),
            });
        }
    }
    out
}

fn table(row: &RuleSetRow) -> Result<RuleSet, Problem> {
    parse(&row.csv).map(|(rules, _)| rules).map_err(|_| {
        Problem::new(
            "record_damaged",
            "the decision table in force cannot be read",
        )
    })
}

/// Tries the typed cells on past runs, or puts a table in force that was tried before.
pub(crate) async fn post(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let active = app.engine.live_rules(&name).await?;
    let reason = form.text("reason").unwrap_or_default();
    let base = form.text("base").and_then(|b| b.parse().ok());
    if let Some(csv) = form.text("csv") {
        let change = RulesChange {
            base,
            edit: RulesEdit::Text(csv.replace("\r\n", "\n")),
            reason: reason.clone(),
            starts_at: None,
            ends_at: None,
        };
        let by = form.user.session.person.clone();
        let words = app
            .engine
            .change_rules(&name, &by, change)
            .await
            .map(|d| became(&d.row));
        let typed = Typed {
            edits: edits(&form, &table(&active)?),
            reason,
            ..Typed::default()
        };
        return done(&app, form.user, &name, &headers, words, typed).await;
    }
    let mut typed = Typed {
        edits: edits(&form, &table(&active)?),
        reason,
        ..Typed::default()
    };
    let by = form.user.session.person.clone();
    let window = BacktestWindow {
        last: Some(TRIED),
        days: None,
    };
    let edit = RulesEdit::Cells(typed.edits.clone());
    let tried = app.engine.backtest_rules(&name, &by, &edit, window).await;
    let mut code = axum::http::StatusCode::OK;
    match tried {
        Ok(t) => {
            let second: Vec<String> = t.second_person.iter().map(|f| f.message.clone()).collect();
            typed.preview = Some((t.tally, t.csv, second, t.open_now_auto));
        }
        Err(problem) => {
            code = status(&problem);
            typed.problem = Some(problem);
        }
    }
    let visit = Visit::after(form.user, format!("/workflows/{name}/rules"), &headers);
    let page = drawn(&app, &visit, &name, typed).await?;
    let mut answer = html(&page)?;
    *answer.status_mut() = code;
    Ok(answer)
}

fn became(row: &RuleSetRow) -> String {
    match row.state {
        RuleSetState::Proposed => format!(
            "Version {} waits for {}",
            row.version,
            row.bound_owner.as_deref().unwrap_or("the bound owner")
        ),
        RuleSetState::Scheduled => format!("Version {} is planned", row.version),
        RuleSetState::Active => format!("Version {} is in force", row.version),
        state => format!("Version {} is {state}", row.version),
    }
}

/// Puts an earlier version back.
pub(crate) async fn rollback(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let bad = || Problem::new("bad_request", "which version is to come back?").field("to");
    let to = form
        .text("to")
        .and_then(|t| t.parse().ok())
        .ok_or_else(bad)?;
    let change = RulesChange {
        base: None,
        edit: RulesEdit::Version(to),
        reason: form.text("reason").unwrap_or_default(),
        starts_at: None,
        ends_at: None,
    };
    let by = form.user.session.person.clone();
    let words = app
        .engine
        .change_rules(&name, &by, change)
        .await
        .map(|d| became(&d.row));
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// The second person agrees or refuses.
pub(crate) async fn decide(
    State(app): State<App>,
    Path((name, version)): Path<(String, u64)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let (by, reason) = (
        form.user.session.person.clone(),
        form.text("reason").unwrap_or_default(),
    );
    let engine = &app.engine;
    let words = if form.text("act").as_deref() == Some("approve") {
        engine.approve_rules(&name, version, &by, &reason).await
    } else {
        engine.refuse_rules(&name, version, &by, &reason).await
    };
    let words = words.map(|row| became(&row));
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// The person has read the version in force.
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let bad = || Problem::new("bad_request", "which version was read?").field("version");
    let version = form
        .text("version")
        .and_then(|t| t.parse().ok())
        .ok_or_else(bad)?;
    let by = form.user.session.person.clone();
    let words = app
        .engine
        .acknowledge_rules(&name, &by, version)
        .await
        .map(|_| "Noted: you may decide again".to_owned());
    done(&app, form.user, &name, &headers, words, Typed::default()).await
}

/// Back to the page with a word about what happened, or the page with what is in the way.
async fn done(
    app: &App,
    user: User,
    name: &str,
    headers: &HeaderMap,
    result: Result<String, Problem>,
    mut typed: Typed,
) -> Result<Response, PageError> {
    let address = format!("/workflows/{name}/rules");
    match result {
        Ok(words) => {
            app.sessions.tell(&user, words);
            Ok(Redirect::to(&address).into_response())
        }
        Err(problem) => {
            let code = status(&problem);
            typed.problem = Some(problem);
            let visit = Visit::after(user, address, headers);
            let page = drawn(app, &visit, name, typed).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// The table with what was typed over it, the cell at fault marked.
fn rows(rules: &RuleSet, typed: &Typed) -> Vec<Row> {
    let fault = typed.problem.as_ref().and_then(|p| p.field.as_deref());
    let cell = |row: &str, column: &str, text: &str| {
        let place = format!("{row}.{column}");
        let edited = typed
            .edits
            .iter()
            .find(|e| e.row == row && e.column == column);
        Cell {
            name: format!("cell.{place}"),
            label: format!("Rule {row}, {column}"),
            value: edited.map_or_else(|| text.to_owned(), |e| e.value.clone()),
            faulty: fault == Some(place.as_str()),
        }
    };
    rules
        .rows()
        .iter()
        .map(|row| Row {
            id: row.id.clone(),
            cells: rules
                .columns()
                .iter()
                .zip(&row.cells)
                .map(|(c, text)| cell(&row.id, &c.name, text.text()))
                .collect(),
            then: super::workflow::then(row),
            tone: super::workflow::tone(row.route),
            why: row.reason.clone().unwrap_or_default(),
        })
        .collect()
}

async fn drawn(app: &App, visit: &Visit, name: &str, typed: Typed) -> Result<RulesPage, PageError> {
    let engine = &app.engine;
    let (w, release) = engine.live(name).await?;
    let active = engine.live_rules(name).await?;
    let rules = table(&active)?;
    let zone: &Zone = &release.ready.zone;
    let person = &visit.user.session.person;
    let news = engine.rules_news(name).await?;
    let unread = news.filter(|n| !n.known_to(person)).map(|n| Unread {
        version: n.version,
        reason: n.reason,
        by: n.made_by.trim_start_matches("person:").to_owned(),
    });
    let versions = engine.reader().rulesets(name).await?;
    let waits =
        |r: &&RuleSetRow| matches!(r.state, RuleSetState::Proposed | RuleSetState::Scheduled);
    Ok(RulesPage {
        shell: visit
            .shell(
                app,
                format!("Rules of {}", w.title),
                "workflow",
                Some(name.to_owned()),
            )
            .await?,
        name: name.to_owned(),
        title: w.title.clone(),
        told: format!(
            "Version {}, {} by {}. First match wins.",
            active.version,
            local(active.created_at, Some(zone)),
            active.created_by.trim_start_matches("person:")
        ),
        base: active.version,
        columns: columns(&rules),
        rows: rows(&rules, &typed),
        reason: typed.reason,
        problem: typed.problem,
        preview: typed
            .preview
            .map(|(tally, csv, second, open)| preview(&tally, csv, second, open)),
        unread,
        waiting: versions
            .iter()
            .filter(waits)
            .map(|r| version(r, zone))
            .collect(),
        history: versions
            .iter()
            .filter(|r| !waits(r))
            .map(|r| version(r, zone))
            .collect(),
    })
}

/// The word for a lane in a sentence.
pub(super) const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Auto => "without a person",
        Lane::Review => "to a reviewer",
        Lane::Refused => "refused or by hand",
    }
}
