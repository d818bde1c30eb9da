//! One run: what happened, who decided, what was written, and the proof.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::action::ActionState;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Review, Run};
use tuesday_domain::story::Story;
use tuesday_engine::ops::{Inclusion, Reader};

use super::html;
use super::run_parts::{
    EffectView, Fact, InputView, ModelView, ProofView, effects, facts, inputs, model, proof,
    say_erased,
};
use super::shell::Shell;
use super::steps::{Phase, phases};
use super::views::Panel;
use super::visit::Visit;
use super::words::{local, reading};
use crate::auth::User;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    shell: Shell,
    run: Head,
    panel: Option<Panel>,
    facts: Vec<Fact>,
    phases: Vec<Phase>,
    /// In which zone its times are read.
    reading: String,
    answers: Vec<AnswerView>,
    model: ModelView,
    inputs: Vec<InputView>,
    actions: Vec<EffectView>,
    proof: ProofView,
}

struct Head {
    id: String,
    subject: String,
    sentence: String,
    /// The open review task.
    review: Option<String>,
    can_act: bool,
    /// This person may put old values back.
    can_undo: bool,
    /// The event has been written: it runs again only without effect.
    written: bool,
    /// It has frozen inputs that can be used again.
    frozen: bool,
    /// The run that it repeats.
    repeats: Option<String>,
    /// The next run of the same event.
    again: Option<String>,
    /// Until when this person can take its approval back.
    recall: Option<String>,
}

/// Entries whose proof the page shows; the bundle has all.
const PROVEN: usize = 60;

struct AnswerView {
    question: &'static str,
    reached: bool,
    lines: Vec<String>,
}

async fn found(app: &App, user: &User, id: &str) -> Result<Run, PageError> {
    let id: RunId = query::id(id)?;
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    user.sees(&run.workflow)?;
    Ok(run)
}

/// Looking is counted, and does not fail because the count cannot be written.
async fn counted(app: &App, run: &Run, user: &User) {
    if let Err(e) = app.engine.visited(run.id, &user.session.person).await {
        tracing::warn!(run = %run.id, error = %e, "a visit was not counted");
    }
}

/// What stands above the page, and what may be done about the run.
fn head(
    run: &Run,
    sentence: String,
    reviews: &[Review],
    actions: &[Action],
    rights: &Rights,
) -> Head {
    Head {
        id: run.id.to_string(),
        subject: run.subject.clone(),
        sentence,
        review: reviews
            .iter()
            .find(|r| !r.state.is_decided())
            .map(|r| r.id.to_string()),
        can_undo: run.state.status.is_terminal() && rights.may(Act::HandleIncident, &run.workflow),
        can_act: run.state.status.is_terminal() && rights.may(Act::RetryRun, &run.workflow),
        written: actions.iter().any(|a| a.state == ActionState::Confirmed),
        frozen: run.snapshot_ref.is_some(),
        repeats: run.rerun_of.map(|id| id.to_string()),
        again: None,
        recall: None,
    }
}

/// The proofs of the run's first entries.
async fn proven(app: &App, story: &Story) -> Result<Vec<Inclusion>, Problem> {
    let indexes = story.timeline.iter().filter_map(|m| m.index);
    let indexes: Vec<u64> = indexes.take(PROVEN).collect();
    app.engine.inclusions(&indexes).await
}

/// One run.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let mut run = found(&app, &visit.user, &id).await?;
    let reader = app.engine.reader();
    let (who, rights) = visit.user.reading();
    let seen = Reader { who: &who, rights };
    let story = app.engine.story_for(run.id, &seen).await?;
    let one = std::slice::from_mut(&mut run);
    app.engine.veil_runs(rights, one).await;
    let (attempts, mut payloads, reviews, actions, people, newest) = tokio::try_join!(
        reader.attempts(run.id),
        reader.payloads(run.id),
        reader.reviews_of(run.id),
        reader.actions_of(run.id),
        reader.people(),
        reader.latest_checkpoint(),
    )?;
    counted(&app, &run, &visit.user).await;
    app.engine.veil_payloads(rights, &run, &mut payloads).await;
    say_erased(&story, &mut payloads);
    let known = app.definitions.of(reader, run.release).await.ok();
    let zone = known.as_ref().map(|k| &k.zone);
    let currency = known
        .as_ref()
        .and_then(|k| k.def.model.price.as_ref())
        .map(|p| p.currency.clone());
    let name = |h: &String| {
        people
            .iter()
            .find(|p| p.handle == *h)
            .map_or_else(|| h.clone(), |p| p.name.clone())
    };
    let mut decided: Vec<String> = reviews
        .iter()
        .flat_map(|r| r.approved_by.iter().chain(&r.decided_by))
        .map(name)
        .collect();
    decided.dedup();
    let (subject, workflow) = (run.subject.clone(), run.workflow.clone());
    let shell = visit.shell(&app, subject, "runs", Some(workflow)).await?;
    let inclusions = proven(&app, &story).await?;
    let mut head = head(&run, story.summary.clone(), &reviews, &actions, rights);
    let me = &visit.user.session.person;
    let until = Box::pin(app.engine.recallable_by(&run, me)).await?;
    head.recall = until.map(|t| local(t, zone));
    head.again = app.engine.ran_again(&run).await?.map(|id| id.to_string());
    html(&RunPage {
        shell,
        run: head,
        panel: None,
        facts: facts(&run, &attempts, &decided, currency.as_deref()),
        reading: reading(run.received_at, zone),
        phases: phases(&run, &attempts, &story, zone),
        answers: story
            .answers
            .iter()
            .map(|a| AnswerView {
                question: a.question,
                reached: a.reached,
                lines: a.answer.lines().map(str::to_owned).collect(),
            })
            .collect(),
        model: model(&run, &attempts, &payloads),
        inputs: inputs(&run, &payloads, zone),
        actions: effects(&actions, &payloads, zone),
        proof: proof(
            &story,
            newest.map(|c| (c.size, local(c.at, zone))),
            &inclusions,
        ),
    })
}

/// The whole story as plain text, to keep or to send.
pub(crate) async fn text(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let run = found(&app, &user, &id).await?;
    let (who, rights) = user.reading();
    let seen = Reader { who: &who, rights };
    let story = app.engine.story_for(run.id, &seen).await?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        story.text(),
    )
        .into_response())
}

/// The run as a line of a pack, to be added to it.
pub(crate) async fn case(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let run = found(&app, &user, &id).await?;
    let (_, rights) = user.reading();
    let case = app.engine.test_case(run.id, rights).await?;
    let line =
        serde_json::to_string(&case).map_err(|e| Problem::new("internal", e.to_string()))? + "\n";
    let named = format!("attachment; filename=\"{}.jsonl\"", run.id);
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, line).into_response())
}
