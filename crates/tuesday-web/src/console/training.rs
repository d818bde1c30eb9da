//! Who has learnt to decide a workflow's cases: what each tier asks, and everybody who may decide with what they
//! finished and when.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use tuesday_domain::access::Act;
use tuesday_engine::ops::{TierTaught, TrainedPerson};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, moment};
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "training.html")]
struct TrainingPage {
    shell: Shell,
    name: String,
    title: String,
    /// Who has not finished it may decide nothing now.
    asked: bool,
    /// The reader decides here, so may practise.
    decides: bool,
    tiers: Vec<TierTaught>,
    people: Vec<Row>,
}

struct Row {
    name: String,
    roles: String,
    tiers: String,
    tone: &'static str,
    state: &'static str,
    finished: String,
    /// How the newest first shift went.
    shift: String,
    told: String,
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let view = Box::pin(app.engine.training(&name)).await?;
    let may = app.engine.who_may(Act::DecideReview, &name).await?;
    let own = &visit.user.session.person;
    let decides = may.iter().any(|(handle, _)| handle == own);
    let shell = visit
        .shell(
            &app,
            format!("{} training", view.title),
            "workflow",
            Some(name),
        )
        .await?;
    html(&TrainingPage {
        decides,
        people: view.people.iter().map(row).collect(),
        name: view.workflow,
        title: view.title,
        asked: view.asked,
        tiers: view.tiers,
        shell,
    })
}

fn row(p: &TrainedPerson) -> Row {
    let day = |text: &str| moment(text, None);
    let roles: Vec<String> = p.roles.iter().map(|r| code(r)).collect();
    let until = p.renew_until.as_deref().map(day);
    let (tone, state) = match p.state {
        "current" => ("ok", "Finished"),
        "renew" => ("warn", "To be renewed"),
        _ => ("plain", "Not finished"),
    };
    Row {
        name: p.name.clone(),
        roles: roles.join(", "),
        tiers: p
            .tiers
            .iter()
            .map(|t| code(t))
            .collect::<Vec<_>>()
            .join(", "),
        tone,
        state,
        finished: match (p.at.as_deref().map(day), p.how, &p.by) {
            (Some(at), Some("word"), Some(by)) => format!("{at}, said by {by}"),
            (Some(at), ..) => format!("{at}, by practice"),
            (None, ..) => String::new(),
        },
        shift: p.first_shift.clone().unwrap_or_default(),
        told: match (until, &p.last_try) {
            (Some(until), _) => format!("Practise again until {until}"),
            (None, Some(last)) => last.clone(),
            (None, None) => String::new(),
        },
    }
}
