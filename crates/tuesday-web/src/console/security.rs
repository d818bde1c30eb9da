//! One page for the four questions that compliance asks, answered from live settings.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::outlet::{OutletKind, SentField};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Egress, EgressDays, SecurityReport, Trail};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{count, local, plural};
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    shell: Shell,
    days: String,
    from: String,
    to: String,
    findings: usize,
    /// Workflows about which nothing can be told, and why.
    unread: Vec<(String, String)>,
    secrets: Vec<SecretRow>,
    left: Vec<LeftRow>,
    tools: Vec<ToolRow>,
    trail: Trail,
    sealed_at: String,
    entries: String,
    sealed: String,
    reads_log: bool,
}

struct SecretRow {
    workflow: String,
    used_by: String,
    reference: String,
    age: String,
    finding: Option<String>,
}

struct LeftRow {
    workflow: String,
    release: u32,
    kind: &'static str,
    name: String,
    system: String,
    place: String,
    requests: String,
    fields: Vec<FieldRow>,
}

struct FieldRow {
    name: String,
    class: &'static str,
    masked: bool,
}

struct ToolRow {
    workflow: String,
    name: String,
    kind: &'static str,
    system: String,
    class: &'static str,
    secret: String,
    permitted: &'static str,
    finding: Option<String>,
}

/// Which days the page counts.
#[derive(Default, Deserialize)]
pub(crate) struct Days {
    from: Option<String>,
    to: Option<String>,
}

/// The page. A person sees the workflows the right is held on.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<Days>,
) -> Result<Response, PageError> {
    let days = EgressDays {
        from: q.from.filter(|d| !d.is_empty()),
        to: q.to.filter(|d| !d.is_empty()),
    };
    let seen = |w: &str| visit.user.rights.may(Act::ReviewAccess, w);
    let mut report = app.engine.security_report(None).await?;
    report.workflows.retain(|w| seen(&w.workflow));
    let mut left = match (&days.from, &days.to) {
        (None, None) => std::mem::take(&mut report.left),
        _ => app.engine.egress(None, &days).await?,
    };
    left.retain(|l| seen(&l.workflow) && l.outlet.outside);
    let days = left.first().map(|l| l.days.clone()).unwrap_or_default();
    let (secrets, tools) = (secret_rows(&report), tool_rows(&report));
    let bad: usize = report.workflows.iter().map(|w| w.findings()).sum();
    let unread = report.workflows.iter();
    let unread = unread.filter_map(|w| Some((w.workflow.clone(), w.finding.clone()?)));
    html(&SecurityPage {
        days: format!("{} to {}", days.0, days.1),
        from: days.0,
        to: days.1,
        findings: bad + usize::from(report.trail.finding.is_some()),
        unread: unread.collect(),
        secrets,
        tools,
        left: left.into_iter().map(left_row).collect(),
        entries: count(report.trail.entries),
        sealed: count(report.trail.sealed),
        sealed_at: report
            .trail
            .sealed_at
            .as_deref()
            .and_then(|at| Timestamp::parse(at).ok())
            .map_or_else(String::new, |at| local(at, None)),
        trail: report.trail,
        reads_log: visit.user.may(Act::VerifyAudit),
        shell: visit.shell(&app, "Security", "people", None).await?,
    })
}

fn secret_rows(report: &SecurityReport) -> Vec<SecretRow> {
    let of = |w: &tuesday_engine::ops::WorkflowSecurity| {
        let workflow = w.workflow.clone();
        let row = move |s: &tuesday_engine::ops::SecretPlace| SecretRow {
            workflow: workflow.clone(),
            used_by: s.used_by.clone(),
            reference: s.reference.clone(),
            age: s.age_days.map(aged).unwrap_or_default(),
            finding: s.finding.as_deref().map(why),
        };
        w.secrets.iter().map(row).collect::<Vec<_>>()
    };
    report.workflows.iter().flat_map(of).collect()
}

fn aged(days: u64) -> String {
    match days {
        0 => "today".to_owned(),
        n => format!("{} ago", plural(n, "day")),
    }
}

/// What is wrong, without the reference that stands beside it.
fn why(finding: &str) -> String {
    let words = finding
        .split_once("`: ")
        .map_or(finding, |(_, words)| words);
    words.to_owned()
}

fn tool_rows(report: &SecurityReport) -> Vec<ToolRow> {
    let of = |w: &tuesday_engine::ops::WorkflowSecurity| {
        let workflow = w.workflow.clone();
        let row = move |t: &tuesday_engine::ops::Tool| ToolRow {
            workflow: workflow.clone(),
            name: t.outlet.name.clone(),
            kind: if t.outlet.kind == OutletKind::Model {
                ""
            } else {
                t.outlet.kind.word()
            },
            system: t.outlet.system.clone(),
            class: match t.outlet.kind {
                OutletKind::Destination => t.outlet.class.word(),
                _ => "read",
            },
            secret: t.outlet.secret.clone().unwrap_or_default(),
            permitted: t.permitted,
            finding: t.finding.clone(),
        };
        w.tools.iter().map(row).collect::<Vec<_>>()
    };
    report.workflows.iter().flat_map(of).collect()
}

fn left_row(e: Egress) -> LeftRow {
    let field = |f: SentField| FieldRow {
        name: f.name,
        class: f.class.word(),
        masked: f.masked,
    };
    LeftRow {
        workflow: e.workflow,
        release: e.release,
        kind: e.outlet.kind.word(),
        name: e.outlet.name,
        system: e.outlet.system,
        place: e.outlet.place,
        requests: e.requests.map_or_else(|| "–".to_owned(), count),
        fields: e.outlet.fields.into_iter().map(field).collect(),
    }
}
