//! What the buttons of an incident's page do, one arm for each.

use tuesday_domain::id::{CorrectionId, IncidentId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Closed, FollowUpOf, Looked, Settled};

use super::incidents::yes_no;
use super::postmortem;
use super::rerun::became;
use crate::auth::PostForm;
use crate::query;
use crate::state::App;

/// Does what the address says.
pub(super) async fn done(
    app: &App,
    incident: &Incident,
    verb: &str,
    form: &PostForm,
) -> Result<&'static str, Problem> {
    let (engine, id, by) = (&app.engine, incident.id, form.user.session.person.as_str());
    let text = |field: &str| form.text(field).unwrap_or_default();
    let words = text("words");
    match verb {
        "acknowledgement" => engine
            .acknowledge_incident(id, by)
            .await
            .map(|_| "It is yours"),
        "note" => engine
            .note_incident(id, by, &words, None)
            .await
            .map(|_| "Noted"),
        "assignment" => engine
            .assign_incident(id, &text("to"), by, &words)
            .await
            .map(|_| "Given on"),
        "mitigation" => engine
            .mitigate_incident(id, &words, by)
            .await
            .map(|_| "Contained"),
        "resolution" => {
            let some = |field: &str| Some(text(field)).filter(|t| !t.trim().is_empty());
            let closed = Closed {
                resolution: words,
                case: some("case"),
                waiver: some("waiver"),
            };
            engine
                .resolve_incident(id, closed, by)
                .await
                .map(|_| "Resolved")
        }
        "review" => looked_back(engine, id, form).await,
        "reopening" => engine
            .reopen_incident(id, &words, by)
            .await
            .map(|_| "Open again"),
        "settlement" => {
            let how = settled(&text("how"), &text("field"), words)?;
            let correction = query::id(&text("correction"))?;
            let done = engine.settle_correction(correction, how, by);
            Box::pin(done).await.map(|_| "Settled")
        }
        "follow-up" | "follow-up-end" => followed(app, id, verb, form).await,
        "corrections" => Box::pin(super::blast::correct(app, id, form))
            .await
            .map(|()| "Corrections are made"),
        "restoring" => {
            let correction: CorrectionId = query::id(&text("correction"))?;
            restore(engine, correction, id, &words, by).await
        }
        other => Err(Problem::new(
            "not_found",
            format!("there is no verb `{other}`"),
        )),
    }
}

/// What failed, why nothing caught it, in which layer it was fixed.
async fn looked_back(
    engine: &Engine,
    id: IncidentId,
    form: &PostForm,
) -> Result<&'static str, Problem> {
    let text = |field: &str| form.text(field).unwrap_or_default();
    let layer = query::word::<FixLayer>("layer", Some(&text("layer")))?.ok_or_else(|| {
        Problem::new("bad_request", "say in which layer it was fixed").field("layer")
    })?;
    let looked = Looked {
        layer,
        words: text("words"),
        uncaught: text("uncaught"),
        without_code: yes_no(&text("without_code"), "without_code")?,
    };
    let by = form.user.session.person.as_str();
    let reviewing = engine.review_incident(id, looked, by);
    reviewing.await.map(|_| "Reviewed")
}

/// Gives somebody something to do after it, or ends what was given.
async fn followed(
    app: &App,
    id: IncidentId,
    verb: &str,
    form: &PostForm,
) -> Result<&'static str, Problem> {
    if verb == "follow-up-end" {
        return postmortem::end(app, form).await.map(|()| "Ended");
    }
    let adding = postmortem::add(app, FollowUpOf::Incident(id), form);
    adding.await.map(|()| "Given")
}

/// What the pressed button of a correction says about its end.
fn settled(how: &str, field: &str, words: String) -> Result<Settled, Problem> {
    Ok(match how {
        "read" => {
            let values = [(field.to_owned(), words.trim().into())];
            Settled::ReadBack(values.into_iter().collect())
        }
        "action" => Settled::Action(query::id(words.trim())?),
        "word" => Settled::Word(words),
        "drop" => Settled::Dropped(words),
        _ => {
            let words = "say how it ended: read there, by an action, by word, or dropped";
            return Err(Problem::new("bad_request", words).field("how"));
        }
    })
}

/// Puts back the value that a correction is about; the incident is the reason unless one is given.
async fn restore(
    engine: &Engine,
    id: CorrectionId,
    incident: IncidentId,
    words: &str,
    by: &str,
) -> Result<&'static str, Problem> {
    let found = engine.reader().correction(id).await;
    let found = found.map_err(|e| Problem::new("unavailable", e.to_string()))?;
    let found = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
    let action = found.action.ok_or_else(|| {
        Problem::new(
            "not_undoable",
            "the correction names no action that wrote it",
        )
    })?;
    let own = format!("a correction of {incident}");
    let reason = if words.trim().is_empty() { &own } else { words };
    let done = Box::pin(engine.compensate(found.run, action, by, reason)).await?;
    Ok(became(&done))
}
