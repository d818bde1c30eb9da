//! The form that puts a known error into the queue, and what became of earlier ones.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::SeedWish;

use super::words::plural;
use crate::auth::{PostForm, User};
use crate::refusal::PageError;
use crate::state::App;

/// What the workflow's page says about known errors; only to who may place them, because everybody
/// else may be asked to find one.
pub(super) struct SeedsView {
    /// Name and field of each declared fault.
    pub(super) faults: Vec<(String, String)>,
    /// How they fared.
    pub(super) told: String,
    /// How many come by themselves.
    pub(super) share: String,
}

/// The part of the page, for who may see it.
pub(super) async fn view(
    app: &App,
    user: &User,
    workflow: &str,
    def: &Definition,
) -> Result<Option<SeedsView>, Problem> {
    let seeds = &def.review.seeds;
    if seeds.fault.is_empty() || !user.rights.may(Act::SeedReview, workflow) {
        return Ok(None);
    }
    let tally = app.engine.seed_tally(workflow).await?;
    let told = match tally.placed {
        0 => "None was placed yet.".to_owned(),
        n => format!(
            "{} placed: {} caught, {} missed, {} not decided.",
            plural(n, "known error"),
            tally.caught,
            tally.missed,
            n - tally.caught - tally.missed
        ),
    };
    let share = if seeds.weekly_percent > 0.0 {
        format!(
            "By themselves: {} % of what people decide in a week.",
            seeds.weekly_percent
        )
    } else {
        "None comes by itself.".to_owned()
    };
    Ok(Some(SeedsView {
        faults: seeds
            .fault
            .iter()
            .map(|f| (f.name.clone(), f.field.clone()))
            .collect(),
        told,
        share,
    }))
}

/// Places one and goes back to the page.
pub(crate) async fn place(
    State(app): State<App>,
    Path(workflow): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&workflow)?;
    let wish = SeedWish {
        fault: form.text("fault"),
        run: None,
    };
    let by = form.user.session.person.clone();
    let placed = Box::pin(app.engine.seed(&workflow, &wish, &by)).await?;
    let words = format!(
        "Placed: {}, before {}",
        placed.seed.fault, placed.review.owner
    );
    app.sessions.tell(&form.user, words);
    Ok(Redirect::to(&format!("/workflows/{workflow}#known-errors")).into_response())
}
