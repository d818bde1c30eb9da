//! The audit log: newest entries, signed checkpoints, how to check them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_store::{AuditFilter, AuditRow};

use super::html;
use super::shell::Shell;
use super::views::Pager;
use super::visit::Visit;
use super::words::{author, code, count, local, moved, short};
use crate::refusal::PageError;
use crate::state::App;

const PAGE: usize = 50;
/// How many checkpoints the page shows; the API has all.
const HEADS: usize = 8;

/// The place in the list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AuditQuery {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    entries: Vec<EntryRow>,
    checkpoints: Vec<Head>,
    pager: Pager,
}

struct EntryRow {
    index: String,
    at: String,
    iso: String,
    actor: String,
    kind: String,
    moves: String,
    run: Option<String>,
    about: String,
}

struct Head {
    size: String,
    at: String,
    note: String,
}

/// The log, newest first.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<AuditQuery>,
) -> Result<Response, PageError> {
    let bad = |_| Problem::new("bad_request", "`after` is not a number").field("after");
    let after = if q.after.is_empty() {
        None
    } else {
        Some(q.after.parse().map_err(bad)?)
    };
    let filter = AuditFilter {
        workflow: visit.user.session.workflow.clone(),
        ..AuditFilter::default()
    };
    let reader = app.engine.reader();
    let (rows, mut heads) = tokio::try_join!(
        reader.audit_page(&filter, after, PAGE),
        reader.checkpoints()
    )?;
    let next = (rows.len() == PAGE)
        .then(|| rows.last().and_then(|r| r.index))
        .flatten()
        .map(|i| format!("/audit?after={i}"));
    heads.reverse();
    heads.truncate(HEADS);
    let checkpoints = heads
        .into_iter()
        .map(|c| Head {
            size: count(c.size),
            at: local(c.at, None),
            note: c.note,
        })
        .collect();
    let shell = visit.shell(&app, "Audit", "audit", None).await?;
    let pager = Pager {
        first: after.map(|_| "/audit".to_owned()),
        next,
    };
    html(&AuditPage {
        shell,
        entries: rows.iter().map(row).collect(),
        checkpoints,
        pager,
    })
}

fn row(r: &AuditRow) -> EntryRow {
    let leaf: Value = serde_json::from_slice(&r.leaf).unwrap_or(Value::Null);
    let moves = leaf
        .get("moves")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let run = r.run.map(|id| id.to_string());
    EntryRow {
        index: r.index.map(count).unwrap_or_default(),
        at: local(r.at, None),
        iso: r.at.rfc3339(),
        actor: leaf
            .get("actor")
            .and_then(Value::as_str)
            .map(author)
            .unwrap_or_default()
            .to_owned(),
        kind: code(&r.kind.replace('.', " ")),
        moves: moves.map(moved).collect::<Vec<_>>().join(", "),
        about: run
            .as_deref()
            .map(short)
            .or_else(|| r.workflow.clone())
            .unwrap_or_else(|| "this instance".to_owned()),
        run,
    }
}
