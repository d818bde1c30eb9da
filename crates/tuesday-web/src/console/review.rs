//! The review page: the queue, one case, its sources.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::{Map, Value, json};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_engine::ops::Case;

use super::diff::Part;
use super::forms::{Field, FieldKind, fields};
use super::queue::{QueueQuery, column};
use super::release_read;
use super::shell::Shell;
use super::views::{Before, CaseView, ChangedField, From, NextCase, Panel, QueueView, Settle};
use super::visit::Visit;
use super::{alike, case, html};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "review.html", blocks = ["content"])]
pub(crate) struct ReviewPage {
    pub(crate) shell: Shell,
    pub(crate) queue: QueueView,
    pub(crate) case: CaseView,
    pub(crate) panel: Option<Panel>,
    pub(crate) editing: bool,
    /// Approving now accepts that a watched field changed.
    pub(crate) changed: bool,
    /// The dialog that is open.
    pub(crate) open: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) changes: Vec<ChangedField>,
    pub(crate) faults: Vec<String>,
    pub(crate) reason: String,
    pub(crate) note: String,
    pub(crate) next: Option<NextCase>,
    /// Only the case is drawn, without the list.
    pub(crate) part: bool,
}

impl ReviewPage {
    /// The page, or the case alone where that was asked for.
    pub(crate) fn answer(&self) -> Result<Response, PageError> {
        if self.part {
            html(&self.as_content())
        } else {
            html(self)
        }
    }
}

/// One case.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
) -> Result<Response, PageError> {
    let (_, mut page) = prepare(&app, &visit, &id, &q).await?;
    page.open.clone_from(&q.r#do);
    page.answer()
}

/// The page as it is without panel and editor, and the case behind it.
pub(crate) async fn prepare(
    app: &App,
    visit: &Visit,
    id: &str,
    q: &QueueQuery,
) -> Result<(Case, ReviewPage), PageError> {
    let id: ReviewId = query::id(id)?;
    let task = app.engine.reader().review(id).await?;
    let task =
        task.ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
    visit.user.sees(&task.workflow)?;
    let found = Box::pin(visit.user.case(app, id)).await?;
    let (queue, next, shell) = around(app, visit, q, &found).await?;
    let me = &visit.user.session.person;
    let mut view = case::view(&found, me, app.engine.now());
    alike::add(app, &found, &visit.user, &mut view).await?;
    if view.settle == Settle::Manual {
        // As the run's own release has it, whatever is live by now.
        let release = app.engine.loaded(found.run.release).await?;
        view.instructions
            .clone_from(&release.ready.def.manual.instructions);
    }
    let fields = if view.settle == Settle::Input {
        input_fields(&found)
    } else {
        Vec::new()
    };
    let panel = release_read::panel(&found, me);
    let page = ReviewPage {
        shell,
        queue,
        case: view,
        panel,
        editing: false,
        changed: false,
        open: String::new(),
        fields,
        changes: Vec::new(),
        faults: Vec::new(),
        reason: String::new(),
        note: String::new(),
        next,
        part: visit.part,
    };
    Ok((found, page))
}

/// What stands around the case: the list, what comes next, the frame. The script has all of it.
async fn around(
    app: &App,
    visit: &Visit,
    q: &QueueQuery,
    found: &Case,
) -> Result<(QueueView, Option<NextCase>, Shell), PageError> {
    let subject = &found.review.subject;
    if visit.part {
        let queue = QueueView {
            suffix: q.address(&q.after),
            ..QueueView::default()
        };
        return Ok((queue, None, visit.inner(subject)));
    }
    let id = found.review.id;
    let column = Box::pin(column(app, visit, q, Some(&id.to_string()))).await?;
    let workflow = Some(found.review.workflow.clone());
    let shell = visit.shell(app, subject, "queue", workflow).await?;
    Ok((column.view, following(&column.tasks, id), shell))
}

/// The task after this one in the visible order, else the first other one.
pub(crate) fn following(tasks: &[Review], id: ReviewId) -> Option<NextCase> {
    let at = tasks.iter().position(|t| t.id == id);
    let next = at
        .and_then(|i| tasks.get(i + 1))
        .or_else(|| tasks.iter().find(|t| t.id != id));
    next.map(|t| NextCase {
        id: t.id.to_string(),
        subject: t.subject.clone(),
    })
}

/// The event as a form: what it has, and what it lacks.
pub(crate) fn input_schema(found: &Case) -> (Value, Value) {
    let event = found
        .items
        .iter()
        .find(|i| i.name == "input")
        .map(|i| i.content.clone())
        .unwrap_or_else(|| json!({}));
    let mut properties: Map<String, Value> = event
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, v)| (name.clone(), json!({"type": kind(v)})))
        .collect();
    for missing in found
        .absent
        .iter()
        .filter_map(|a| a.strip_prefix("input."))
        .chain(named_missing(found))
    {
        properties
            .entry(missing)
            .or_insert_with(|| json!({"type": "string", "description": "missing"}));
    }
    (json!({ "properties": properties }), event)
}

/// Names of missing input fields as the task's reasons give them: `input.customer_id is missing`.
fn named_missing(found: &Case) -> impl Iterator<Item = &str> {
    let words = found
        .reasons
        .iter()
        .flat_map(|r| r.split(|c: char| c.is_whitespace() || c == ',' || c == '`'));
    words
        .filter_map(|w| w.strip_prefix("input."))
        .map(|w| w.trim_end_matches(['.', ':', ';']))
}

fn kind(v: &Value) -> &'static str {
    match v {
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::String(_) | Value::Null => "string",
    }
}

fn input_fields(found: &Case) -> Vec<Field> {
    let (schema, event) = input_schema(found);
    fields(&schema, &event)
}
