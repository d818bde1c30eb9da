//! What people changed about how work is done, newest first: what, before and after, by whom, why.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_store::{AuditFilter, AuditRow};

use super::html;
use super::pieces::{Piece, pieces};
use super::shell::Shell;
use super::views::Pager;
use super::visit::Visit;
use super::words::{author, code, local, moved};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

const PAGE: usize = 50;

/// Which workflow, and where the page begins.
#[derive(Deserialize)]
pub(crate) struct ChangesQuery {
    #[serde(default)]
    workflow: String,
    #[serde(default)]
    after: String,
}

/// A change as people read it.
pub(crate) struct Changed {
    pub(crate) at: String,
    iso: String,
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) place: String,
    pub(crate) moves: Vec<String>,
    /// Fact and value.
    pub(crate) facts: Vec<(String, String)>,
    /// The same with pages behind what they name.
    told: Vec<(String, Vec<Piece>)>,
    pub(crate) reason: String,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    shell: Shell,
    workflow: String,
    rows: Vec<Changed>,
    pager: Pager,
}

/// The changes.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<ChangesQuery>,
) -> Result<Response, PageError> {
    let bad = |_| Problem::new("bad_request", "`after` is not a number").field("after");
    let after = (!q.after.is_empty())
        .then(|| q.after.parse().map_err(bad))
        .transpose()?;
    let workflow = visit.user.only(Some(q.workflow.clone()));
    let filter = AuditFilter {
        workflow: workflow.clone(),
        changes: true,
        among: visit.user.readable(),
        ..AuditFilter::default()
    };
    let mut found = app.engine.reader().audit_page(&filter, after, PAGE).await?;
    let last = found
        .last()
        .filter(|_| found.len() == PAGE)
        .and_then(|r| r.index);
    // Rights and people belong to no workflow and are for those who may read the log.
    let log = visit.user.may(Act::VerifyAudit);
    found.retain(|r| log || r.workflow.is_some());
    let address = |after: &str| {
        let pairs = [("workflow", q.workflow.as_str()), ("after", after)];
        format!("/changes{}", query::query(&pairs))
    };
    html(&ChangesPage {
        rows: found.iter().map(row).collect(),
        pager: Pager {
            first: after.map(|_| address("")),
            next: last.map(|i| address(&i.to_string())),
        },
        shell: visit.shell(&app, "Changes", "workflows", workflow).await?,
        workflow: q.workflow,
    })
}

/// An entry of the log as a change.
pub(crate) fn row(r: &AuditRow) -> Changed {
    let leaf: Value = serde_json::from_slice(&r.leaf).unwrap_or(Value::Null);
    let text = |v: &Value| match v {
        Value::String(s) => s.clone(),
        Value::Array(list) => {
            let words = list
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    let facts = leaf.get("facts").and_then(Value::as_object);
    let all = facts.into_iter().flatten();
    let reason = facts
        .and_then(|f| f.get("reason"))
        .map(text)
        .unwrap_or_default();
    let moves = leaf
        .get("moves")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    // Hashes prove, but tell a reader nothing.
    let facts: Vec<(String, String)> = all
        .filter(|(name, _)| *name != "reason" && !name.starts_with("hash"))
        .map(|(name, v)| (code(name), text(v)))
        .filter(|(_, v)| !v.is_empty())
        .collect();
    Changed {
        at: local(r.at, None),
        iso: r.at.rfc3339(),
        who: leaf
            .get("actor")
            .and_then(Value::as_str)
            .map(author)
            .unwrap_or_default()
            .to_owned(),
        what: code(&r.kind.replace('.', " ")),
        place: r
            .workflow
            .clone()
            .unwrap_or_else(|| "this instance".to_owned()),
        moves: moves.filter_map(Value::as_str).map(moved).collect(),
        told: facts
            .iter()
            .map(|(name, v)| (name.clone(), pieces(v, r.workflow.as_deref())))
            .collect(),
        facts,
        reason,
    }
}
