//! The releases of a workflow: each with its parts, the gate's evidence, the comparison case by case,
//! and the doors to approve, promote, withdraw and roll back for those who may.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::DegradedPlan;
use tuesday_domain::eval::Standing;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{GateRow, Release, ReleaseState, Workflow};
use tuesday_domain::release::layers::Layers;
use tuesday_domain::release::rewrites::{Answers, failed as failed_rewrites, suggested};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::release::GateRecord;

use super::emergency::EmergencyForm;
use super::html;
use super::shell::Shell;
use super::views::{Pair, pair};
use super::visit::Visit;
use super::words::{author, code, local};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

struct Row {
    id: String,
    number: u32,
    tone: &'static str,
    state: String,
    made: String,
    /// It goes on for the live one while the provider of the live model is away.
    stands_by: bool,
    shown: bool,
}

struct Reason {
    word: String,
    detail: String,
}

struct Case {
    name: String,
    kind: String,
    tone: &'static str,
    now: &'static str,
    faults: String,
}

/// What the release answers: the category, and each release that answered it before.
struct Answered {
    category: String,
    /// In which layers it differs from the live release.
    layers: String,
    /// It is stopped as it stands: where to look instead; empty when it is not.
    stopped: &'static str,
    /// Who excused it, and how; empty when nobody did.
    excused: String,
    earlier: Vec<Earlier>,
}

struct Earlier {
    number: u32,
    layers: String,
    live: String,
    again: String,
    /// Which of the texts for people stands there: the error outlived it.
    failed: bool,
}

/// What may be done with the release that is shown, by this reader.
#[derive(Default)]
struct Doors {
    approve: bool,
    clear: bool,
    promote: bool,
    withdraw: bool,
    roll_back: bool,
    stand_by: bool,
    stand_down: bool,
    /// Classing or waiving after three rewrites of the prompt.
    excuse: bool,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    shell: Shell,
    name: String,
    title: String,
    all: Vec<Row>,
    id: String,
    number: u32,
    state: String,
    tone: &'static str,
    facts: Vec<Pair>,
    /// The gate in one sentence.
    gate: String,
    gate_tone: &'static str,
    reasons: Vec<Reason>,
    figures: Vec<Pair>,
    compared: String,
    changed: Vec<Case>,
    failed: Vec<Case>,
    parts: Vec<Pair>,
    doors: Doors,
    answered: Option<Answered>,
    /// What it reaches beyond the live one.
    wider: Vec<String>,
    cleared: bool,
    /// It can be evaluated: how is said.
    open: bool,
    emergency: Option<EmergencyForm>,
}

/// Which one is shown.
#[derive(Deserialize)]
pub(crate) struct Which {
    id: Option<String>,
}

const fn tone(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Live | ReleaseState::Passed | ReleaseState::Approved => "ok",
        ReleaseState::Blocked | ReleaseState::RolledBack => "bad",
        ReleaseState::Evaluating => "warn",
        ReleaseState::Draft | ReleaseState::Superseded | ReleaseState::Withdrawn => "plain",
    }
}

/// The releases, newest first, and one of them in full: the live one unless another is asked for.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<Which>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let reader = app.engine.reader();
    let (w, known) = app.workflow(&name).await?;
    let zone = &known.zone;
    let all = reader.releases(&name).await?;
    let wanted = match &q.id {
        Some(text) => id(text)?,
        None => w.live_release,
    };
    let missing = || Problem::new("not_found", "this workflow has no such release");
    let row = all.iter().find(|r| r.id == wanted).ok_or_else(missing)?;
    let gate = reader.gate(row.id).await?;
    let wider = match row.state {
        ReleaseState::Passed => app.engine.widens(row).await?,
        _ => Vec::new(),
    };
    let cleared = gate.as_ref().is_some_and(|g| g.cleared_by.is_some());
    let answers = app.engine.answers(row).await?;
    let answered = answers.as_ref().map(|(_, a)| answered(a, zone));
    let stopped = answered.as_ref().is_some_and(|a| !a.stopped.is_empty());
    let open = Open {
        wider: !wider.is_empty(),
        cleared,
        stopped,
        mine: row.created_by == format!("person:{}", visit.user.session.person),
        before: all.iter().any(|r| r.state == ReleaseState::Superseded),
        declared: known.def.degraded.model == Some(DegradedPlan::Alternative),
        stands_by: w.rollout.alternative == Some(row.id),
    };
    let doors = doors(row.state, &open, |act| visit.user.rights.may(act, &name));
    let shell = visit
        .shell(
            &app,
            format!("Releases of {}", w.title),
            "workflow",
            Some(name.clone()),
        )
        .await?;
    let since = super::release_since::since(&app, row, &w, zone).await?;
    let judged = GateRecord::of(gate.as_ref());
    let (mut gate_words, mut gate_tone) = gate_told(&judged, gate.as_ref(), zone);
    if row.state == ReleaseState::Draft && judged.is_ok() {
        (gate_words, gate_tone) = history(&gate_words);
    }
    let record = judged.ok();
    let emergency = super::emergency::form(&app, &visit.user, &w, &all).await?;
    html(&ReleasesPage {
        emergency,
        shell,
        title: w.title.clone(),
        all: all.iter().map(|r| told(r, wanted, &w, zone)).collect(),
        id: row.id.to_string(),
        number: row.number,
        state: code(row.state.word()),
        tone: tone(row.state),
        facts: [facts(row, gate.as_ref(), zone), since].concat(),
        gate: gate_words,
        gate_tone,
        reasons: record.as_ref().map(reasons).unwrap_or_default(),
        figures: record.as_ref().map(figures).unwrap_or_default(),
        compared: record.as_ref().map(compared).unwrap_or_default(),
        changed: record.as_ref().map(changed).unwrap_or_default(),
        failed: record.as_ref().map(failed).unwrap_or_default(),
        parts: parts(row),
        doors,
        answered,
        wider,
        cleared,
        open: matches!(row.state, ReleaseState::Draft | ReleaseState::Evaluating),
        name,
    })
}

/// A draft that was judged before was excused since: that verdict is history.
fn history(words: &str) -> (String, &'static str) {
    (format!("Before: {}", words.to_lowercase()), "plain")
}

/// What decides which doors are open, beside the state and the reader's rights.
struct Open {
    /// It reaches further than the live one.
    wider: bool,
    cleared: bool,
    /// It would be the fourth rewrite of the prompt.
    stopped: bool,
    /// The reader made it.
    mine: bool,
    /// There is a release to go back to.
    before: bool,
    /// The live release allows an alternative while its provider is away.
    declared: bool,
    /// This is that alternative.
    stands_by: bool,
}

fn doors(state: ReleaseState, o: &Open, may: impl Fn(Act) -> bool) -> Doors {
    use ReleaseState as S;
    Doors {
        excuse: o.stopped
            && matches!(state, S::Draft | S::Blocked)
            && !o.mine
            && may(Act::ApproveRelease),
        clear: o.wider && !o.cleared && !o.mine && may(Act::ApproveSecurity),
        approve: state == S::Passed
            && (!o.wider || o.cleared)
            && !o.mine
            && may(Act::ApproveRelease),
        promote: state == S::Approved && may(Act::ProposeRelease),
        withdraw: matches!(state, S::Draft | S::Passed | S::Approved)
            && may(Act::ProposeRelease)
            && (o.mine || may(Act::ApproveRelease)),
        roll_back: state == S::Live && o.before && may(Act::RollBackRelease),
        stand_by: matches!(state, S::Approved | S::Superseded)
            && !o.stands_by
            && o.declared
            && may(Act::ApproveRelease),
        stand_down: o.stands_by && may(Act::RollBackRelease),
    }
}

fn answered(a: &Answers, zone: &Zone) -> Answered {
    let outlived: Vec<u32> = failed_rewrites(&a.earlier)
        .iter()
        .map(|c| c.number)
        .collect();
    let at = |t: Option<Timestamp>| t.map(|t| local(t, Some(zone))).unwrap_or_default();
    let earlier = a.earlier.iter().rev();
    Answered {
        category: code(&a.category),
        layers: layer_words(&a.layers),
        stopped: a.stopped().map_or("", |_| suggested(&a.category)),
        excused: a.excuse.clone().unwrap_or_default(),
        earlier: earlier
            .map(|c| Earlier {
                number: c.number,
                layers: layer_words(&c.layers),
                live: at(c.live_at),
                again: at(c.again_at),
                failed: outlived.contains(&c.number),
            })
            .collect(),
    }
}

fn layer_words(layers: &Layers) -> String {
    let all: Vec<&str> = layers.iter().map(|l| l.word()).collect();
    if all.is_empty() {
        return "nothing a run depends on".to_owned();
    }
    all.join(", ")
}

fn id(text: &str) -> Result<ReleaseId, Problem> {
    text.parse()
        .map_err(|_| Problem::new("malformed_id", format!("`{text}` is no release")).field("id"))
}

fn told(r: &Release, shown: ReleaseId, w: &Workflow, zone: &Zone) -> Row {
    Row {
        stands_by: w.rollout.alternative == Some(r.id),
        id: r.id.to_string(),
        number: r.number,
        tone: tone(r.state),
        state: code(r.state.word()),
        made: format!(
            "{} by {}",
            local(r.created_at, Some(zone)),
            author(&r.created_by)
        ),
        shown: r.id == shown,
    }
}

fn facts(r: &Release, gate: Option<&GateRow>, zone: &Zone) -> Vec<Pair> {
    let mut out = vec![
        pair("Made", local(r.created_at, Some(zone))),
        pair("By", author(&r.created_by).to_owned()),
        pair("Hash", hex::encode(&r.hash[..8])),
    ];
    let Some(g) = gate else { return out };
    if let (Some(by), Some(at)) = (&g.decided_by, g.decided_at) {
        out.push(pair(
            "Approved",
            format!("{} by {by}", local(at, Some(zone))),
        ));
    }
    if let (Some(by), Some(at)) = (&g.cleared_by, g.cleared_at) {
        out.push(pair(
            "Cleared",
            format!("{} by {by}", local(at, Some(zone))),
        ));
    }
    out.extend(g.reason.clone().map(|why| pair("Because", why)));
    out.extend(
        g.live_at
            .map(|at| pair("Live since", local(at, Some(zone)))),
    );
    out
}

fn gate_told(
    record: &Result<GateRecord, String>,
    gate: Option<&GateRow>,
    zone: &Zone,
) -> (String, &'static str) {
    match record {
        Ok(r) => {
            let at = gate.and_then(|g| g.finished_at);
            let at = at.map(|t| local(t, Some(zone))).unwrap_or_default();
            if r.verdict.passed {
                (format!("Gate passed {at}"), "ok")
            } else {
                (format!("Gate blocked {at}"), "bad")
            }
        }
        Err(why) => (format!("No evidence: {why}"), "warn"),
    }
}

fn reasons(r: &GateRecord) -> Vec<Reason> {
    let all = r.verdict.reasons.iter();
    all.map(|x| Reason {
        word: code(x.reason.word()),
        detail: x.detail.clone(),
    })
    .collect()
}

fn figures(r: &GateRecord) -> Vec<Pair> {
    let s = &r.evidence.summary;
    let kinds = s
        .kinds
        .iter()
        .map(|(kind, n)| (code(kind.word()), n.rate()));
    let samples = s
        .samples
        .iter()
        .map(|(name, n)| (format!("Sample {name}"), n.rate()));
    let mut out = vec![pair("All cases", s.cases.rate().words())];
    out.extend(
        kinds
            .chain(samples)
            .map(|(name, rate)| pair(name, rate.words())),
    );
    let graders = r.evidence.graders.iter();
    out.extend(graders.map(|g| pair("Model grader", g.words())));
    out.extend(r.evidence.table.clone().map(|t| pair("Decision table", t)));
    out
}

fn compared(r: &GateRecord) -> String {
    r.evidence.compared.as_ref().map_or_else(String::new, |c| {
        format!(
            "{} {}: {} fixed, {} broken, {} the same (p = {:.3}, exact McNemar)",
            match c.standing {
                Standing::Better => "Better than",
                Standing::Worse => "Worse than",
                Standing::CannotTell => "Cannot be told apart from",
            },
            c.baseline,
            c.paired.fixed,
            c.paired.broken,
            c.paired.both + c.paired.neither,
            c.p_value
        )
    })
}

fn changed(r: &GateRecord) -> Vec<Case> {
    let all = r.evidence.compared.iter().flat_map(|c| &c.paired.changed);
    all.map(|x| Case {
        name: x.case.clone(),
        kind: x.kind.to_string(),
        tone: if x.fixed { "ok" } else { "bad" },
        now: if x.fixed { "Fixed" } else { "Broken" },
        faults: x.faults.join("; "),
    })
    .collect()
}

fn failed(r: &GateRecord) -> Vec<Case> {
    let all = r.evidence.summary.failed.iter();
    all.map(|x| Case {
        name: x.case.clone(),
        kind: x.kind.to_string(),
        tone: "bad",
        now: "Failed",
        faults: x.faults.join("; "),
    })
    .collect()
}

/// Files of the release with their sizes; a text that cannot be read is said so.
fn parts(r: &Release) -> Vec<Pair> {
    match tuesday_domain::definition::Package::from_bundle(&r.bundle) {
        Ok((package, _)) => {
            let files = package.files.iter();
            files
                .map(|(name, text)| pair(name.clone(), format!("{} bytes", text.len())))
                .collect()
        }
        Err(why) => vec![pair("Unreadable", why)],
    }
}

/// What a door is about: a release of this workflow, a person, a reason.
async fn asked(
    app: &App,
    (name, release): &(String, String),
    form: &PostForm,
) -> Result<(ReleaseId, String, String), PageError> {
    form.user.sees(name)?;
    let id = id(release)?;
    if app.engine.release_row(id).await?.workflow != *name {
        return Err(Problem::new("not_found", "this workflow has no such release").into());
    }
    let reason = form.text("reason").unwrap_or_default();
    Ok((id, form.user.session.person.clone(), reason))
}

fn shown((name, release): &(String, String)) -> Response {
    Redirect::to(&format!("/workflows/{name}/releases?id={release}")).into_response()
}

/// The second person agrees.
pub(crate) async fn approve(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, reason) = asked(&app, &place, &form).await?;
    app.engine.approve_release(id, &by, &reason).await?;
    Ok(shown(&place))
}

/// A security approver agrees to what it reaches beyond the live one.
pub(crate) async fn clear(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, reason) = asked(&app, &place, &form).await?;
    app.engine.clear_release(id, &by, &reason).await?;
    Ok(shown(&place))
}

/// Somebody else says where the fix is, or why the prompt is tried once more.
pub(crate) async fn excuse(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, reason) = asked(&app, &place, &form).await?;
    let layer = query::word("layer", form.text("layer").as_deref())?;
    let engine = &app.engine;
    engine.excuse_release(id, &by, layer, &reason).await?;
    Ok(shown(&place))
}

/// An approved release goes live.
pub(crate) async fn promote(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, _) = asked(&app, &place, &form).await?;
    app.engine.promote_release(id, &Actor::Person(by)).await?;
    Ok(shown(&place))
}

/// Given up, or refused by the second person.
pub(crate) async fn withdraw(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, reason) = asked(&app, &place, &form).await?;
    app.engine.withdraw_release(id, &by, &reason).await?;
    Ok(shown(&place))
}

/// Back to the release that was live before.
pub(crate) async fn roll_back(
    State(app): State<App>,
    Path(name): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = Actor::Person(form.user.session.person.clone());
    let reason = form.text("reason").unwrap_or_default();
    let engine = &app.engine;
    engine.roll_back_release(&name, None, &by, &reason).await?;
    Ok(Redirect::to(&format!("/workflows/{name}/releases")).into_response())
}

/// The release goes on for the live one while the provider of the live model is away.
pub(crate) async fn stand_by(
    State(app): State<App>,
    Path(place): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, by, reason) = asked(&app, &place, &form).await?;
    let by = Actor::Person(by);
    app.engine.stand_by_release(id, &by, &reason).await?;
    Ok(shown(&place))
}

/// No release goes on for the live one any more.
pub(crate) async fn stand_down(
    State(app): State<App>,
    Path(name): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = Actor::Person(form.user.session.person.clone());
    let reason = form.text("reason").unwrap_or_default();
    app.engine.stand_down_release(&name, &by, &reason).await?;
    Ok(Redirect::to(&format!("/workflows/{name}/releases")).into_response())
}
