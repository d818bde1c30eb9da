//! Incidents: what is wrong now, and one incident with its timeline, runs, corrections and alert.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AlertDelivery, Correction, Incident, IncidentEntry, Person};
use tuesday_domain::trouble::incident::{CorrectionState, FixLayer, IncidentState, Proof};
use tuesday_domain::trouble::{Category, Severity};
use tuesday_engine::Engine;
use tuesday_store::{FollowUpFilter, IncidentFilter};

use super::html;
use super::incident_acts;
use super::postmortem::{Follow, follow_row};
use super::shell::Shell;
use super::views::{Pager, Tab};
use super::visit::Visit;
use super::words::{author, code, local};
use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::{ApiError, PageError, status};
use crate::state::App;

const PAGE: usize = 50;

#[derive(rust_embed::RustEmbed)]
#[folder = "../../docs/runbooks"]
struct Runbooks;

/// Every runbook of the program, by the name of its file.
pub fn runbooks() -> Vec<(String, String)> {
    let page = |name: std::borrow::Cow<'static, str>| {
        let found = Runbooks::get(&name)?;
        Some((
            name.into_owned(),
            String::from_utf8(found.data.into_owned()).ok()?,
        ))
    };
    Runbooks::iter().filter_map(page).collect()
}

/// Which incidents.
#[derive(Deserialize)]
pub(crate) struct IncidentsQuery {
    /// Empty for open ones; `all`.
    #[serde(default)]
    state: String,
    /// Only of this workflow.
    #[serde(default)]
    workflow: String,
    #[serde(default)]
    after: String,
    /// With a workflow: opened from this day on.
    #[serde(default)]
    from: String,
    /// With a workflow: opened up to this day.
    #[serde(default)]
    to: String,
}

struct Row {
    id: String,
    title: String,
    category: String,
    severity: String,
    severity_tone: &'static str,
    state: String,
    tone: &'static str,
    workflow: String,
    owner: String,
    count: u64,
    opened: String,
    last: String,
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct ListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    open: bool,
    pager: Pager,
}

struct Line {
    at: String,
    who: String,
    kind: String,
    words: String,
    later: String,
}

struct Fix {
    id: String,
    state: String,
    tone: &'static str,
    open: bool,
    owner: String,
    place: String,
    words: String,
    /// What shows that it is done, in words.
    proof: String,
    /// Its receipt, or what the person wrote.
    receipt: String,
    /// Nothing but somebody's word.
    by_word: bool,
    /// The fields that the action wrote, to say which value is right.
    fields: Vec<String>,
    run: String,
    /// What wrote it is known, so the old value can be put back.
    undo: bool,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct OnePage {
    shell: Shell,
    i: Row,
    runbook: String,
    cause: String,
    acknowledged: String,
    resolution: String,
    case: String,
    fixed_in: String,
    needs_case: bool,
    lines: Vec<Line>,
    alert: String,
    runs: Vec<String>,
    run_count: u64,
    fixes: Vec<Fix>,
    open_fixes: usize,
    may: bool,
    verbs: &'static [&'static str],
    layers: Vec<&'static str>,
    people: Vec<(String, String)>,
    follow: Follow,
    typed: String,
    problem: Option<Problem>,
}

impl OnePage {
    fn can(&self, verb: &str) -> bool {
        self.may && self.verbs.contains(&verb)
    }
}

/// What a person is called.
pub(super) fn name(people: &[Person], handle: &str) -> String {
    let known = people.iter().find(|p| p.handle == handle);
    known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
}

fn row(i: &Incident, people: &[Person]) -> Row {
    Row {
        id: i.id.to_string(),
        title: i.title.clone(),
        category: code(i.category.word()),
        severity: code(i.severity.word()),
        severity_tone: match i.severity {
            Severity::Critical => "bad",
            Severity::High => "warn",
            Severity::Low => "plain",
        },
        state: code(i.state.word()),
        tone: match i.state {
            IncidentState::Triggered => "bad",
            IncidentState::Acknowledged => "warn",
            IncidentState::Mitigated => "clock",
            IncidentState::Resolved | IncidentState::Reviewed => "ok",
        },
        workflow: i.workflow.clone().unwrap_or_default(),
        owner: name(people, &i.owner),
        count: i.count,
        opened: local(i.opened_at, None),
        last: local(i.last_at, None),
    }
}

/// Incidents, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    visit: Visit,
    Query(q): Query<IncidentsQuery>,
) -> Result<Response, PageError> {
    let asked = Some(q.workflow.clone()).filter(|w| !w.is_empty());
    let opened = match &asked {
        Some(name) if !q.from.is_empty() || !q.to.is_empty() => {
            visit.user.sees(name)?;
            let day = |t: &String| Some(t.clone()).filter(|t| !t.is_empty());
            let (from, to) = (day(&q.from), day(&q.to));
            let asked = app
                .engine
                .asked_days(Some(name), from.as_deref(), to.as_deref(), 1);
            Some(app.engine.moments_of(name, asked.await?).await?)
        }
        _ => None,
    };
    let filter = IncidentFilter {
        workflow: visit.user.only(asked),
        among: visit.user.readable(),
        open: q.state.is_empty(),
        opened,
        ..IncidentFilter::default()
    };
    let after: Option<IncidentId> = match q.after.as_str() {
        "" => None,
        text => Some(query::id(text)?),
    };
    let reader = app.engine.reader();
    let found = reader.incidents(&filter, after, PAGE);
    let (found, people) = tokio::try_join!(found, reader.people())?;
    let address = |state: &str, after: &str| {
        format!(
            "/incidents{}",
            query::query(&[
                ("state", state),
                ("workflow", &q.workflow),
                ("from", &q.from),
                ("to", &q.to),
                ("after", after)
            ])
        )
    };
    let last = found.last().filter(|_| found.len() == PAGE);
    let tab = |state: &str, words: &str| Tab {
        href: address(state, ""),
        words: words.to_owned(),
        count: String::new(),
        on: q.state == state,
    };
    html(&ListPage {
        tabs: vec![tab("", "Open"), tab("all", "All")],
        rows: found.iter().map(|i| row(i, &people)).collect(),
        open: q.state.is_empty(),
        pager: Pager {
            first: (!q.after.is_empty()).then(|| address(&q.state, "")),
            next: last.map(|i| address(&q.state, &i.id.to_string())),
        },
        shell: visit.shell(&app, "Incidents", "incidents", None).await?,
    })
}

async fn found(app: &App, user: &User, id: &str) -> Result<Incident, PageError> {
    let id: IncidentId = query::id(id)?;
    let incident = app.engine.incident(id).await?;
    user.sees(incident.workflow.as_deref().unwrap_or_default())?;
    Ok(incident)
}

/// One incident.
pub(crate) async fn one(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let incident = found(&app, &visit.user, &id).await?;
    html(&Box::pin(drawn(&app, &visit, &incident, String::new(), None)).await?)
}

async fn drawn(
    app: &App,
    visit: &Visit,
    incident: &Incident,
    typed: String,
    problem: Option<Problem>,
) -> Result<OnePage, PageError> {
    let (id, reader) = (incident.id, app.engine.reader());
    let (entries, made, runs, alert, people) = tokio::try_join!(
        reader.incident_entries(id),
        reader.corrections_of(id),
        reader.incident_runs(id, None, 20),
        reader.alert_of(id),
        reader.people()
    )?;
    let run_count = reader.incident_run_count(id).await?;
    let told = match &alert {
        Some(alert) => reader.deliveries_of(alert.id).await?,
        None => Vec::new(),
    };
    let fields = app.engine.corrected_fields(&made).await?;
    let each = made.iter().zip(fields);
    let fixes = each.map(|(c, fields)| fix(c, fields, &people)).collect();
    let place = incident.workflow.clone().unwrap_or_default();
    let own = visit.user.session.person == incident.owner;
    let active = people.iter().filter(|p| p.active);
    let may = own || visit.user.rights.may(Act::HandleIncident, &place);
    Ok(OnePage {
        follow: follows(app, incident, may).await?,
        may,
        verbs: Engine::next_for(incident.state),
        runbook: format!("/runbooks/{}", incident.category.runbook()),
        // A person's own words are a cause of their own, named by the incident itself.
        cause: Some(&incident.key)
            .filter(|k| !k.ends_with(&id.to_string()))
            .cloned()
            .unwrap_or_default(),
        acknowledged: match (&incident.acknowledged_by, incident.acknowledged_at) {
            (Some(by), Some(at)) => format!("{}, {}", name(&people, by), local(at, None)),
            _ => String::new(),
        },
        resolution: incident.resolution.clone().unwrap_or_default(),
        case: incident
            .case
            .clone()
            .or_else(|| incident.waiver.as_ref().map(|w| format!("None: {w}")))
            .unwrap_or_default(),
        fixed_in: fixed_in(incident.fix_layer, incident.without_code),
        needs_case: incident.category == Category::WrongAnswer,
        alert: alert.map_or_else(String::new, |a| {
            format!("{} with {}", code(a.state.word()), name(&people, &a.person))
        }),
        lines: lines(&entries, &told, &people),
        runs: runs.iter().map(ToString::to_string).collect(),
        run_count,
        open_fixes: made
            .iter()
            .filter(|c| c.state == CorrectionState::Open)
            .count(),
        fixes,
        layers: FixLayer::ALL.iter().map(|l| l.word()).collect(),
        people: active.map(|p| (p.handle.clone(), p.name.clone())).collect(),
        shell: visit
            .shell(
                app,
                incident.title.clone(),
                "incidents",
                incident.workflow.clone(),
            )
            .await?,
        i: row(incident, &people),
        typed,
        problem,
    })
}

/// What somebody has to do after it.
async fn follows(app: &App, incident: &Incident, may: bool) -> Result<Follow, PageError> {
    let filter = FollowUpFilter {
        incident: Some(incident.id),
        ..FollowUpFilter::default()
    };
    let (now, found) = (app.engine.now(), app.engine.follow_ups(&filter).await?);
    Ok(Follow {
        rows: found.iter().map(|f| follow_row(f, None, now)).collect(),
        may,
        adds: may && incident.state != IncidentState::Reviewed,
        base: format!("/incidents/{}", incident.id),
        number: 0,
    })
}

/// What was written down and who was told, in order of time.
fn lines(entries: &[IncidentEntry], told: &[AlertDelivery], people: &[Person]) -> Vec<Line> {
    let mut all: Vec<_> = entries
        .iter()
        .map(|e| {
            let later = e.about.filter(|_| e.kind == "note");
            let line = Line {
                at: local(e.at, None),
                who: name(people, author(&e.actor)),
                kind: code(&e.kind),
                words: e.words.clone(),
                later: later
                    .map(|at| format!("written later, about {}", local(at, None)))
                    .unwrap_or_default(),
            };
            (e.at, line)
        })
        .collect();
    all.extend(told.iter().map(|d| {
        let how = match (&d.channel, &d.detail) {
            (Some(channel), Some(why)) => format!("By {channel}, after {why}"),
            (Some(channel), None) => format!("By {channel}"),
            (None, why) => format!("Reached nobody: {}", why.as_deref().unwrap_or("no channel")),
        };
        let line = Line {
            at: local(d.at, None),
            who: name(people, &d.person),
            kind: if d.ok { "Told" } else { "Not reached" }.to_owned(),
            words: how,
            later: String::new(),
        };
        (d.at, line)
    }));
    all.sort_by_key(|l| l.0);
    all.into_iter().map(|l| l.1).collect()
}

fn fix(c: &Correction, fields: Vec<String>, people: &[Person]) -> Fix {
    Fix {
        undo: c.action.is_some(),
        id: c.id.to_string(),
        state: code(c.state.word()),
        tone: match c.state {
            CorrectionState::Open => "warn",
            CorrectionState::Done => "ok",
            CorrectionState::Dropped => "plain",
        },
        open: c.state == CorrectionState::Open,
        owner: name(people, &c.owner),
        place: c.place.clone(),
        words: c.words.clone(),
        proof: match (c.proof, &c.settled_by) {
            (Some(Proof::Word), Some(by)) => format!("By word of {}", name(people, by)),
            (Some(proof), _) => code(proof.told()),
            (None, _) => String::new(),
        },
        receipt: c
            .receipt
            .clone()
            .or_else(|| c.note.clone())
            .unwrap_or_default(),
        by_word: c.proof == Some(Proof::Word),
        fields,
        run: c.run.to_string(),
    }
}

/// Does what the pressed button says.
pub(crate) async fn act(
    State(app): State<App>,
    Path((id, verb)): Path<(String, String)>,
    headers: axum::http::HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let incident = found(&app, &form.user, &id).await?;
    let address = format!("/incidents/{id}");
    match Box::pin(incident_acts::done(&app, &incident, &verb, &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words.to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let (code, typed) = (status(&p), form.text("words").unwrap_or_default());
            let visit = Visit::after(form.user, address, &headers);
            let page = Box::pin(drawn(&app, &visit, &incident, typed, Some(p))).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// The layer, and whether the next one takes code, in words.
pub(super) fn fixed_in(layer: Option<FixLayer>, without_code: Option<bool>) -> String {
    let Some(layer) = layer else {
        return String::new();
    };
    match without_code {
        Some(true) => format!("{layer}; the next one takes no code"),
        Some(false) => format!("{layer}; the next one takes code"),
        None => layer.to_string(),
    }
}

/// What a choice of yes and no says; nothing when none was made.
pub(super) fn yes_no(text: &str, field: &str) -> Result<Option<bool>, Problem> {
    match text {
        "" => Ok(None),
        "yes" => Ok(Some(true)),
        "no" => Ok(Some(false)),
        other => Err(
            Problem::new("bad_request", format!("`{other}` is neither yes nor no")).field(field),
        ),
    }
}

/// What a review of it starts from, as a file.
pub(crate) async fn postmortem(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let incident = found(&app, &visit.user, &id).await?;
    let text = app.engine.postmortem(incident.id).await?;
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// The page of one kind of alert, as plain text, readable without signing in.
pub(crate) async fn runbook(Path(page): Path<String>) -> Response {
    match Runbooks::get(&format!("{page}.md")) {
        Some(found) => (
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            found.data.into_owned(),
        )
            .into_response(),
        None => {
            let problem = Problem::new("not_found", format!("there is no runbook {page}"));
            ApiError::from(problem).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links of a page that lead to no other page of the folder, no place on it and not to the web.
    fn astray(text: &str, pages: &[String]) -> Vec<String> {
        let targets = text.split("](").skip(1).filter_map(|p| p.split(')').next());
        targets
            .filter(|t| !t.starts_with("https://") && !t.starts_with('#'))
            .filter(|t| {
                let name = t.split('#').next().unwrap_or_default();
                !pages.iter().any(|p| p == name)
            })
            .map(str::to_owned)
            .collect()
    }

    /// They are read where no console is: beside an export, on paper, at night.
    #[test]
    fn runbooks_lead_to_runbooks_only() {
        let pages: Vec<String> = runbooks().into_iter().map(|p| p.0).collect();
        assert!(pages.len() > 20, "{pages:?}");
        for (name, text) in runbooks() {
            assert_eq!(astray(&text, &pages), Vec::<String>::new(), "{name}");
        }
        let console =
            "see [the queue](/queue), [one](stuck-run.md#then), [a guide](../guides/x.md)";
        let pages = ["stuck-run.md".to_owned()];
        assert_eq!(astray(console, &pages), ["/queue", "../guides/x.md"]);
    }

    #[test]
    fn every_kind_of_alert_has_a_runbook() {
        for category in Category::ALL {
            let page = format!("{}.md", category.runbook());
            assert!(Runbooks::get(&page).is_some(), "{page} is missing");
        }
    }
}
