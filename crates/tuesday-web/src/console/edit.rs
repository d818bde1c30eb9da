//! Approving after an edit: fields of the output on the left, what changes on the right.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Case;

use super::case_parts::{text, write};
use super::decide::{Happened, approval, asked, finish, onward, panel};
use super::diff::{self, Part};
use super::forms::{fields, label, mark, read, refill};
use super::html;
use super::queue::QueueQuery;
use super::review::{ReviewPage, prepare};
use super::views::{Before, ChangedField, From, Pair, WriteView, pair};
use super::visit::Visit;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;
use crate::verbs::{self, Verb};

/// The parts of the editor that answer while typing: what changes, what is wrong, what it would do.
#[derive(Template)]
#[template(path = "parts/checked.html")]
struct Checked {
    changes: Vec<ChangedField>,
    /// Field of the form and what is wrong with it.
    faults: Vec<Pair>,
    writes: Vec<WriteView>,
}

/// The editor with the output as it is.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
) -> Result<Response, PageError> {
    let (case, mut page) = prepare(&app, &visit, &id, &q).await?;
    open_editor(&mut page, &case)?;
    page.answer()
}

fn open_editor(page: &mut ReviewPage, case: &Case) -> Result<(), Problem> {
    let output = case
        .output
        .as_ref()
        .ok_or_else(|| Problem::new("illegal_state", "there is no output to edit"))?;
    if !page.case.can_decide || !page.case.has_output {
        return Err(Problem::new(
            "not_allowed",
            "you cannot edit this output now",
        ));
    }
    page.fields = fields(&case.output_schema, output);
    page.editing = true;
    Ok(())
}

/// Shows what would change, or approves with the edits.
pub(crate) async fn post(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let look = form.text("do").as_deref() == Some("look");
    let asked = asked(&app, &form.user, &id, q.clone(), headers.clone()).await?;
    let case = Box::pin(form.user.case(&app, asked.id)).await?;
    let edited = edited(&case, &form.fields);
    if look {
        return again(&app, &id, &q, &headers, form, edited.err()).await;
    }
    let edit = match edited {
        Ok(value) => value,
        Err(problem) => return again(&app, &id, &q, &headers, form, Some(problem)).await,
    };
    let verb = Verb::Approve(approval(&form, Some(edit))?);
    let person = form.user.session.person.clone();
    let (user, next) = onward(&app, form.user, &asked).await?;
    match Box::pin(verbs::act(&app.engine, asked.id, &person, &verb)).await {
        // What the person can put right stays in the editor; what somebody else did goes to the panel.
        Err(p) if p.status() == 422 => {
            again(
                &app,
                &id,
                &q,
                &headers,
                PostForm {
                    user,
                    fields: form.fields,
                },
                Some(p),
            )
            .await
        }
        result => {
            let done = result.map(|done| Happened::of(&verb, done));
            finish(&app, user, asked, next, done, form.fields).await
        }
    }
}

fn edited(case: &Case, form: &[(String, String)]) -> Result<Value, Problem> {
    let output = case
        .output
        .as_ref()
        .ok_or_else(|| Problem::new("illegal_state", "there is no output to edit"))?;
    read(&case.output_schema, output, form).map_err(|errors| {
        let mut p = Problem::new("schema_violation", "a field cannot be read");
        p.errors = errors;
        p
    })
}

/// The editor again, with the typed text, the changes, and what is wrong.
async fn again(
    app: &App,
    id: &str,
    q: &QueueQuery,
    headers: &HeaderMap,
    form: PostForm,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let visit = Visit::after(form.user, format!("/reviews/{id}/edit"), headers);
    let (case, mut page) = prepare(app, &visit, id, q).await?;
    open_editor(&mut page, &case)?;
    refill(&mut page.fields, &form.fields);
    let value = |name: &str| {
        form.fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .unwrap_or_default()
    };
    (page.reason, page.note) = (value("reason"), value("note"));
    page.changes = changed(&case, &form.fields);
    let mut code = axum::http::StatusCode::OK;
    if let Some(p) = problem {
        page.faults = mark(&mut page.fields, &p.errors);
        code = status(&p);
        page.panel = Some(panel(&p, id, None, None));
    }
    let mut answer = page.answer()?;
    *answer.status_mut() = code;
    Ok(answer)
}

/// What changes and what is wrong with it, while typing.
pub(crate) async fn changes(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    let id = query::id(&id)?;
    let case = Box::pin(form.user.case(&app, id)).await?;
    form.user.sees(&case.review.workflow)?;
    let (errors, writes) = match edited(&case, &form.fields) {
        Err(problem) => (problem.errors, Vec::new()),
        Ok(output) => {
            let seen = app
                .engine
                .preview_edit(id, &form.user.session.person, &output)
                .await?;
            (seen.errors, seen.writes)
        }
    };
    let fault = |e: tuesday_domain::schema::FieldError| {
        let name = e.field.split('/').nth(1).unwrap_or_default();
        pair(format!("f.{name}"), e.detail)
    };
    html(&Checked {
        changes: changed(&case, &form.fields),
        faults: errors.into_iter().map(fault).collect(),
        writes: writes.iter().map(|w| write(w, &case.items)).collect(),
    })
}

/// Every changed field, word by word.
fn changed(case: &Case, form: &[(String, String)]) -> Vec<ChangedField> {
    let Some(before) = case.output.as_ref() else {
        return Vec::new();
    };
    let Ok(after) = read(&case.output_schema, before, form) else {
        return Vec::new();
    };
    let names = case
        .output_schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    names
        .filter(|(name, _)| before.get(name.as_str()) != after.get(name.as_str()))
        .map(|(name, spec)| {
            let (old, new) = (
                before.get(name).unwrap_or(&Value::Null),
                after.get(name).unwrap_or(&Value::Null),
            );
            ChangedField {
                name: label(name, spec),
                parts: diff::words(&text(old), &text(new)),
            }
        })
        .collect()
}
