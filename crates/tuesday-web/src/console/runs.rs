//! The list of runs.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use tuesday_domain::id::RunId;
use tuesday_domain::ledger::figures::AUTOMATIC;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;
use tuesday_domain::run::{Outcome, Status};
use tuesday_domain::time::{Zone, parse_day};
use tuesday_store::RunFilter;

use super::html;
use super::shell::Shell;
use super::views::{Choice, Pager};
use super::visit::Visit;
use super::words::{code, local, span};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

const PAGE: usize = 50;

/// The filter, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RunQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    workflow: String,
    #[serde(default)]
    status: String,
    /// How it ended; from the page of a day.
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    day: String,
    /// First day, from a figure of the scorecard.
    #[serde(default)]
    from: String,
    /// Last day.
    #[serde(default)]
    to: String,
    /// The records behind a figure.
    #[serde(default)]
    kind: String,
    /// Why a person got it.
    #[serde(default)]
    reason: String,
    /// The release that made it.
    #[serde(default)]
    release: String,
    /// For this group; `?` for those without a known one.
    #[serde(default)]
    group: String,
    /// With something wrong with this source.
    #[serde(default)]
    input: String,
    /// Whose output this tier was asked about first; `*` for any, `automatic` for none.
    #[serde(default)]
    tier: String,
    #[serde(default)]
    after: String,
}

impl RunQuery {
    fn any(&self) -> bool {
        [
            &self.q,
            &self.workflow,
            &self.status,
            &self.outcome,
            &self.day,
            &self.from,
            &self.to,
            &self.kind,
            &self.reason,
            &self.release,
            &self.group,
            &self.input,
            &self.tier,
            &self.after,
        ]
        .iter()
        .any(|v| !v.is_empty())
    }

    fn address(&self, after: &str) -> String {
        let pairs = [
            ("q", self.q.as_str()),
            ("workflow", &self.workflow),
            ("status", &self.status),
            ("outcome", &self.outcome),
            ("day", &self.day),
            ("from", &self.from),
            ("to", &self.to),
            ("kind", &self.kind),
            ("reason", &self.reason),
            ("release", &self.release),
            ("group", &self.group),
            ("input", &self.input),
            ("tier", &self.tier),
            ("after", after),
        ];
        format!("/runs{}", query::query(&pairs))
    }
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    shell: Shell,
    told: String,
    filter: RunQuery,
    statuses: Vec<Choice>,
    rows: Vec<RunRow>,
    pager: Pager,
}

struct RunRow {
    id: String,
    subject: String,
    workflow: String,
    tone: &'static str,
    state: String,
    why: String,
    received: String,
    received_iso: String,
    took: String,
}

/// What the list is: all runs, or the records behind a figure.
fn told(q: &RunQuery) -> String {
    let plain = [&q.kind, &q.from, &q.reason, &q.group, &q.input, &q.tier];
    if plain.iter().all(|t| t.is_empty()) {
        return "Newest first. Each run keeps its inputs, its answer, who decided, and what was written."
            .to_owned();
    }
    let mut parts = Vec::new();
    if !q.kind.is_empty() {
        parts.push(match q.kind.as_str() {
            "exception" => "put before a person".to_owned(),
            "looked" => "looked at a second time".to_owned(),
            "wrong" => "found wrong at a second look".to_owned(),
            "untimed" => "decided without measured time".to_owned(),
            "unknown" => "with a model call of unknown cost".to_owned(),
            "decided" => "whose output a person decided about".to_owned(),
            "overridden" => "whose output a person changed or refused".to_owned(),
            "acted_wrongly" => "let go by the rules, and found wrong".to_owned(),
            "held_wrongly" => "held back for a person, and approved as it stood".to_owned(),
            "used_as_is" => "used as they stood".to_owned(),
            "used_edited" => "edited and used".to_owned(),
            "use_unknown" => "delivered, and nobody can see whether they were used".to_owned(),
            "no_visit" => "delivered with no visit to the console".to_owned(),
            "visited" => "delivered after a visit to the console".to_owned(),
            other => code(other).to_lowercase(),
        });
    }
    if !q.reason.is_empty() {
        parts.push(format!(
            "because of {}",
            q.reason.replace('_', " ").replace(',', " or ")
        ));
    }
    if !q.input.is_empty() {
        parts.push(format!("with something wrong with {}", q.input));
    }
    match q.tier.as_str() {
        "" => {}
        tuesday_store::ANY_TIER => parts.push("with a person asked about the output".to_owned()),
        AUTOMATIC => parts.push("with nobody asked about the output".to_owned()),
        tier => parts.push(format!("with the tier {tier} asked about the output")),
    }
    match q.group.as_str() {
        "" => {}
        tuesday_engine::ops::NO_GROUP => parts.push("without a known group".to_owned()),
        name => parts.push(format!("for {name}")),
    }
    if !q.from.is_empty() || !q.to.is_empty() {
        parts.push(format!("received from {} to {}", q.from, q.to));
    }
    format!("The records behind a figure: {}.", parts.join(", "))
}

/// First and last day, where the address has one of them.
fn days(q: &RunQuery) -> Result<Option<(String, String)>, Problem> {
    let day = |field: &'static str, text: &str, open: &str| {
        let text = if text.is_empty() { open } else { text };
        parse_day(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    };
    if q.from.is_empty() && q.to.is_empty() {
        return Ok(None);
    }
    Ok(Some((
        day("from", &q.from, "0001-01-01")?,
        day("to", &q.to, "9999-12-31")?,
    )))
}

/// Runs, newest first.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<RunQuery>,
) -> Result<Response, PageError> {
    // A run's own id leads straight to it.
    if let Ok(id) = q.q.trim().parse::<RunId>() {
        return Ok(axum::response::IntoResponse::into_response(
            axum::response::Redirect::to(&format!("/runs/{id}")),
        ));
    }
    let day = (!q.day.is_empty()).then(|| parse_day(&q.day)).transpose();
    let filter = RunFilter {
        workflow: visit.user.only(Some(q.workflow.clone())),
        among: visit.user.readable(),
        status: query::word::<Status>("status", Some(&q.status))?,
        outcome: query::word("outcome", Some(&q.outcome))?,
        day: day.map_err(|e| Problem::new("bad_request", e.to_string()).field("day"))?,
        text: (!q.q.is_empty()).then(|| q.q.clone()),
        days: days(&q)?,
        kind: query::word("kind", Some(&q.kind))?,
        reason: Some(q.reason.clone()).filter(|r| !r.is_empty()),
        release: (!q.release.is_empty())
            .then(|| query::id(&q.release))
            .transpose()?,
        group: query::group(Some(&q.group)),
        input: Some(q.input.clone()).filter(|s| !s.is_empty()),
        tier: Some(q.tier.clone()).filter(|s| !s.is_empty()),
    };
    let after = if q.after.is_empty() {
        None
    } else {
        Some(query::id::<RunId>(&q.after)?)
    };
    let rights = &visit.user.rights;
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search(rights, workflow).await?;
    }
    let mut runs = app.engine.reader().run_page(&filter, after, PAGE).await?;
    app.engine.veil_runs(rights, &mut runs).await;
    let shell = visit.shell(&app, "Runs", "runs", filter.workflow).await?;
    let next = (runs.len() == PAGE)
        .then(|| runs.last().map(|r| q.address(&r.id.to_string())))
        .flatten();
    let mut rows = Vec::with_capacity(runs.len());
    for run in &runs {
        let known = app
            .definitions
            .of(app.engine.reader(), run.release)
            .await
            .ok();
        let title = shell
            .workflows
            .iter()
            .find(|w| w.name == run.workflow)
            .map_or(&run.workflow, |w| &w.title);
        rows.push(row(run, title, known.as_ref().map(|k| &k.zone)));
    }
    let pager = Pager {
        first: (!q.after.is_empty()).then(|| q.address("")),
        next,
    };
    let statuses = Status::ALL
        .iter()
        .map(|s| Choice {
            code: s.word().to_owned(),
            words: code(s.word()),
        })
        .collect();
    let told = told(&q);
    html(&RunsPage {
        shell,
        told,
        filter: q,
        statuses,
        rows,
        pager,
    })
}

fn row(run: &Run, title: &str, zone: Option<&Zone>) -> RunRow {
    let (tone, state) = state(run);
    RunRow {
        id: run.id.to_string(),
        subject: run.subject.clone(),
        workflow: title.to_owned(),
        tone,
        state,
        why: run.reason.map(|r| code(r.word())).unwrap_or_default(),
        received: local(run.received_at, zone),
        received_iso: run.received_at.rfc3339(),
        took: run
            .finished_at
            .map(|t| span(t.since(run.received_at)))
            .unwrap_or_default(),
    }
}

/// The run's state as a tone and a word: how it ended, or where it stands.
pub(crate) fn state(run: &Run) -> (&'static str, String) {
    if let Some(outcome) = run.state.outcome {
        let tone = match outcome {
            Outcome::WrittenBack | Outcome::DraftPlaced | Outcome::HandedOff => "ok",
            Outcome::Rejected | Outcome::Failed => "bad",
            Outcome::ShadowOnly | Outcome::Cancelled => "plain",
        };
        return (tone, code(outcome.word()));
    }
    let tone = match run.state.status {
        Status::InReview | Status::WaitingInput => "warn",
        Status::Held => "lock",
        _ => "clock",
    };
    (tone, code(run.state.status.word()))
}
