//! The way for emergencies on the releases page: back to a release that was live, or down to a stricter
//! stage, at once; somebody else is named who looks back at it within a day.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseState, Workflow};
use tuesday_domain::workflow::{Label, Stage};
use tuesday_engine::ops::release::Emergency;

use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// What can be chosen.
pub(super) struct EmergencyForm {
    /// Value and words of each way out.
    pub(super) ways: Vec<(String, String)>,
    /// Handle and name of those who may look back at it.
    pub(super) reviewers: Vec<(String, String)>,
}

/// The form for this reader; nothing for who may not act so, or where there is no way out.
pub(super) async fn form(
    app: &App,
    user: &User,
    w: &Workflow,
    all: &[Release],
) -> Result<Option<EmergencyForm>, Problem> {
    let may = |act| user.rights.may(act, &w.name);
    if w.label == Label::Retired || !may(Act::PauseWorkflow) {
        return Ok(None);
    }
    let back = all
        .iter()
        .filter(|r| r.state == ReleaseState::Superseded && may(Act::RollBackRelease))
        .map(|r| (r.id.to_string(), format!("Back to release {}", r.number)));
    let down = Stage::ALL.iter().filter(|s| **s < w.stage).rev().map(|s| {
        (
            s.word().to_owned(),
            format!("Down to {}", s.word().replace('_', " ")),
        )
    });
    let ways: Vec<_> = back.chain(down).collect();
    if ways.is_empty() {
        return Ok(None);
    }
    let mut reviewers = app.engine.who_may(Act::SignCharter, &w.name).await?;
    reviewers.retain(|(handle, _)| *handle != user.session.person);
    Ok(Some(EmergencyForm { ways, reviewers }))
}

/// Acts at once.
pub(crate) async fn act(
    State(app): State<App>,
    Path(name): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let missing =
        |field: &'static str, words: &str| Problem::new("bad_request", words).field(field);
    let text = |field: &str| form.text(field).filter(|t| !t.trim().is_empty());
    let way = text("way").ok_or_else(|| missing("way", "say where to go back to"))?;
    let reviewer =
        text("reviewer").ok_or_else(|| missing("reviewer", "say who looks back at it"))?;
    let what = match query::word::<Stage>("way", Some(&way)) {
        Ok(Some(stage)) => Emergency::Stage(stage),
        _ => Emergency::Release(Some(query::id(&way)?)),
    };
    let by = form.user.session.person.clone();
    let reason = form.text("reason").unwrap_or_default();
    let done = app.engine.emergency(&name, what, &reviewer, &by, &reason);
    let duty = Box::pin(done).await?;
    let told = format!("Done. {} looks back at it within 24 hours", duty.owner);
    app.sessions.tell(&form.user, told);
    Ok(Redirect::to(&format!("/workflows/{name}/releases")).into_response())
}
