//! A person says that they have read what a release changed, from a case or from the releases.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Case;
use tuesday_engine::ops::release::ToRead;

use super::rules::back_to_case;
use super::views::{Panel, Unread};
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

/// What somebody must read of a release before they decide.
pub(super) fn unread(workflow: &str, number: u64, words: String) -> Unread {
    Unread {
        address: format!("/workflows/{workflow}/releases"),
        look: "See the releases",
        name: "number",
        version: number,
        words,
    }
}

/// The panel over a case that says what a release changed; nothing for whoever knows it.
pub(super) fn panel(case: &Case, me: &str) -> Option<Panel> {
    let may = case.people.iter().any(|(person, _)| person == me);
    let to_read: &ToRead = case.to_read.as_ref()?;
    if !may || case.review.state.is_decided() || to_read.known_to(me) {
        return None;
    }
    let news = &to_read.news;
    Some(Panel {
        winner: String::new(),
        tone: "warn",
        title: format!("New release {}", news.number),
        words: format!(
            "It took the place of release {}. Your next decision here waits until you have read what changed: {}.",
            news.before, news.words
        ),
        lines: Vec::new(),
        diff: Vec::new(),
        unread: Some(unread(
            &case.review.workflow,
            u64::from(news.number),
            news.reason.clone(),
        )),
        kept: None,
        run: None,
        next: None,
        here: format!("/reviews/{}", case.review.id),
    })
}

/// The person has read what the release changed.
pub(crate) async fn acknowledge(
    State(app): State<App>,
    Path(name): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let bad = || Problem::new("bad_request", "which release was read?").field("number");
    let number = form
        .text("number")
        .and_then(|t| t.parse().ok())
        .ok_or_else(bad)?;
    let by = form.user.session.person.clone();
    app.engine.acknowledge_release(&name, &by, number).await?;
    app.sessions
        .tell(&form.user, "Noted: you may decide again".to_owned());
    let home = format!("/workflows/{name}/releases");
    Ok(Redirect::to(&back_to_case(&form).unwrap_or(home)).into_response())
}
