//! All workflows on one page: what each may do, whether it runs, and what waits for people.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use tuesday_domain::workflow::Switch;
use tuesday_store::QueueFilter;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, count, due};
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "workflows.html")]
struct WorkflowsPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    title: String,
    label: String,
    stage: String,
    tone: &'static str,
    switch: String,
    waiting: String,
    due_tone: &'static str,
    first_due: String,
}

/// Every workflow this person sees.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    let reader = app.engine.reader();
    let open = QueueFilter {
        among: visit.user.readable(),
        ..QueueFilter::default()
    };
    let (all, counts) = tokio::try_join!(reader.workflows(), reader.review_counts(&open))?;
    let now = app.engine.now();
    let row = |w: tuesday_domain::record::Workflow| {
        let mine = || counts.iter().filter(|c| c.workflow == w.name);
        let first = mine().map(|c| c.first_due).min().map(|t| due(t, now));
        let (due_tone, first_due) =
            first.map_or(("plain", "none".to_owned()), |d| (d.tone, d.words));
        Row {
            waiting: count(mine().map(|c| c.tasks).sum()),
            label: code(w.label.word()),
            stage: code(w.stage.word()),
            tone: match w.switch {
                Switch::Running => "ok",
                Switch::Killed => "bad",
                Switch::Restricted | Switch::Paused => "warn",
            },
            switch: code(w.switch.word()),
            due_tone,
            first_due,
            name: w.name.clone(),
            title: w.title.clone(),
        }
    };
    let rows = all
        .into_iter()
        .filter(|w| visit.user.reads(&w.name))
        .map(row)
        .collect();
    let shell = visit.shell(&app, "Workflows", "workflows", None).await?;
    html(&WorkflowsPage { shell, rows })
}
