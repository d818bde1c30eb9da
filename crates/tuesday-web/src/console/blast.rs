//! The blast radius: what a cause has touched and where each output went, as a table and as a file; and
//! from there corrections for an incident, shown before they are made.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Blast, BlastQuery, BlastRow, NewCorrection};

use super::html;
use super::shell::Shell;
use super::views::Pager;
use super::visit::Visit;
use super::words::{code, count, local, plural};
use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const PAGE: usize = 50;

/// What could be the cause, as typed; empty is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    workflow: String,
    release: String,
    prompt: String,
    rules: String,
    source: String,
    model: String,
    person: String,
    from: String,
    to: String,
    /// The incident that corrections are for.
    incident: String,
    /// The form was sent, so an empty one is a mistake.
    look: String,
    /// Which page of the answer, from 1.
    page: String,
    /// `csv` or `json`, for a file.
    form: String,
}

impl Asked {
    fn pairs(&self) -> [(&'static str, &str); 10] {
        [
            ("workflow", &self.workflow),
            ("release", &self.release),
            ("prompt", &self.prompt),
            ("rules", &self.rules),
            ("source", &self.source),
            ("model", &self.model),
            ("person", &self.person),
            ("from", &self.from),
            ("to", &self.to),
            ("incident", &self.incident),
        ]
    }

    fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut pairs = self.pairs().to_vec();
        pairs.push(("look", "1"));
        pairs.extend(more);
        format!("{path}{}", query::query(&pairs))
    }

    fn of(form: &PostForm) -> Self {
        let text = |name: &str| form.text(name).unwrap_or_default();
        Self {
            workflow: text("workflow"),
            release: text("release"),
            prompt: text("prompt"),
            rules: text("rules"),
            source: text("source"),
            model: text("model"),
            person: text("person"),
            from: text("from"),
            to: text("to"),
            ..Self::default()
        }
    }

    fn query(&self, user: &User) -> Result<BlastQuery, Problem> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let rules = some(&self.rules).map(|t| {
            t.parse().map_err(|_| {
                Problem::new("bad_request", "the version of the rules is a number").field("rules")
            })
        });
        Ok(BlastQuery {
            workflow: user.only(some(&self.workflow)),
            release: some(&self.release).map(|t| query::id(&t)).transpose()?,
            prompt: some(&self.prompt),
            rules: rules.transpose()?,
            source: some(&self.source),
            model: some(&self.model),
            person: some(&self.person),
            from: moment("from", &self.from)?,
            to: moment("to", &self.to)?,
        })
    }
}

/// A moment as browsers send it, in UTC, or written out with its zone.
fn moment(field: &'static str, text: &str) -> Result<Option<Timestamp>, Problem> {
    let text = text.trim();
    let whole = match text.len() {
        0 => return Ok(None),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    let parsed = Timestamp::parse(&whole);
    parsed
        .map(Some)
        .map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
}

struct Row {
    run: String,
    subject: String,
    workflow: String,
    received: String,
    rules: String,
    place: String,
    theirs: String,
    state: String,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "blast.html")]
struct BlastPage {
    shell: Shell,
    asked: Asked,
    names: Vec<String>,
    problem: Option<Problem>,
    /// Something was looked for.
    looked: bool,
    summary: String,
    rows: Vec<Row>,
    pager: Pager,
    csv: String,
    json: String,
    /// The incident that corrections can be made for, with its title.
    incident: Option<String>,
    /// What making them would do.
    preview: String,
    fresh: u64,
    making: String,
}

async fn found(app: &App, user: &User, asked: &Asked) -> Result<Blast, Problem> {
    let mut blast = app.engine.blast_radius(&asked.query(user)?).await?;
    app.engine.veil_blast(&user.rights, &mut blast).await;
    Ok(blast)
}

/// The form, and what it finds.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let blast = match asked.look.as_str() {
        "" => Ok(None),
        _ => found(&app, &visit.user, &asked).await.map(Some),
    };
    let code = blast.as_ref().err().map(status);
    let page = Box::pin(drawn(&app, &visit, asked, blast)).await?;
    let mut answer = html(&page)?;
    if let Some(code) = code {
        *answer.status_mut() = code;
    }
    Ok(answer)
}

async fn drawn(
    app: &App,
    visit: &Visit,
    asked: Asked,
    blast: Result<Option<Blast>, Problem>,
) -> Result<BlastPage, PageError> {
    let shell = visit.shell(app, "Blast radius", "incidents", None).await?;
    let (blast, problem) = match blast {
        Ok(blast) => (blast, None),
        Err(p) => (None, Some(p)),
    };
    let incident = match asked.incident.as_str() {
        "" => None,
        id => {
            let incident = app.engine.incident(query::id(id)?).await?;
            let place = incident.workflow.as_deref().unwrap_or_default();
            visit.user.sees(place)?;
            Some(incident)
        }
    };
    let number = asked.page.parse::<usize>().unwrap_or(1).max(1);
    let all = blast.as_ref().map_or(&[][..], |b| &b.rows);
    let fresh = match &incident {
        Some(i) => wanted(&app.engine, i.id, all, "").await?.len() as u64,
        None => 0,
    };
    let turn = |n: usize| asked.address("/blast-radius", &[("page", &n.to_string())]);
    let shown = all.iter().skip((number - 1) * PAGE).take(PAGE);
    Ok(BlastPage {
        names: shell.workflows.iter().map(|w| w.name.clone()).collect(),
        looked: blast.is_some(),
        summary: blast.as_ref().map_or_else(String::new, |b| {
            format!(
                "{} made an output, {} at a destination.",
                plural(b.runs, "run"),
                match b.delivered {
                    1 => "1 output is".to_owned(),
                    n => format!("{} outputs are", count(n)),
                }
            )
        }),
        rows: shown.map(row).collect(),
        pager: Pager {
            first: (number > 1).then(|| turn(1)),
            next: (all.len() > number * PAGE).then(|| turn(number + 1)),
        },
        csv: asked.address("/blast-radius/file", &[("form", "csv")]),
        json: asked.address("/blast-radius/file", &[("form", "json")]),
        incident: incident.map(|i| i.title),
        preview: format!(
            "{} at a destination, {} without a correction of this incident. Each of these gets one, with an owner \
             and two days. Nothing is written to a destination by this.",
            plural(blast.as_ref().map_or(0, |b| b.delivered), "output"),
            count(fresh)
        ),
        making: plural(fresh, "correction"),
        fresh,
        problem,
        asked,
        shell,
    })
}

fn row(r: &BlastRow) -> Row {
    Row {
        run: r.run.to_string(),
        subject: r.subject.clone(),
        workflow: r.workflow.clone(),
        received: local(r.received_at, None),
        rules: r.rules.map(|v| v.to_string()).unwrap_or_default(),
        place: match (&r.name, &r.target) {
            (Some(name), Some(target)) => format!("{name}: {target}"),
            _ => "Nowhere".to_owned(),
        },
        theirs: r.external_id.clone().unwrap_or_default(),
        state: code(r.state.as_deref().unwrap_or(&r.status)),
        tone: if r.delivered() { "warn" } else { "plain" },
    }
}

/// What is at a destination and has no correction of this incident yet.
async fn wanted(
    engine: &Engine,
    incident: IncidentId,
    rows: &[BlastRow],
    words: &str,
) -> Result<Vec<NewCorrection>, Problem> {
    let known = engine.reader().corrections_of(incident).await;
    let known = known.map_err(|e| Problem::new("unavailable", e.to_string()))?;
    let there = rows.iter().filter(|r| {
        let has = |c: &tuesday_domain::record::Correction| c.run == r.run && c.action == r.action;
        r.delivered() && !known.iter().any(has)
    });
    Ok(there
        .map(|r| NewCorrection {
            run: r.run,
            action: r.action,
            words: words.to_owned(),
        })
        .collect())
}

/// Makes the corrections that were shown; what was shown must still be what is there.
pub(crate) async fn correct(
    app: &App,
    incident: IncidentId,
    form: &PostForm,
) -> Result<(), Problem> {
    let asked = Asked::of(form);
    let blast = found(app, &form.user, &asked).await?;
    let words = form.text("words").unwrap_or_default();
    let new = wanted(&app.engine, incident, &blast.rows, &words).await?;
    if form.text("shown").as_deref() != Some(new.len().to_string().as_str()) {
        let words = format!(
            "{} outputs need a correction now, not what was shown",
            new.len()
        );
        return Err(Problem::new("revision_moved", words)
            .way_out("look at the blast radius again, then make them"));
    }
    let owner = form.text("owner").filter(|t| !t.trim().is_empty());
    let by = form.user.session.person.as_str();
    let made = app.engine.correct(incident, &new, owner.as_deref(), by);
    made.await.map(drop)
}

/// All of it as a file.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let blast = found(&app, &visit.user, &asked).await?;
    let (kind, name, text) = if asked.form == "json" {
        let text = serde_json::to_string_pretty(&blast);
        let text = text.map_err(|e| Problem::new("internal", e.to_string()))?;
        ("application/json", "blast-radius.json", text)
    } else {
        ("text/csv; charset=utf-8", "blast-radius.csv", table(&blast))
    };
    let named = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, text).into_response())
}

fn table(blast: &Blast) -> String {
    let mut out = String::from(
        "run,workflow,subject,received_at,release,rules,status,action,name,target,state,external_id\n",
    );
    for r in &blast.rows {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let cells = [
            r.run.to_string(),
            r.workflow.clone(),
            r.subject.clone(),
            r.received_at.rfc3339(),
            r.release.to_string(),
            r.rules.map(|v| v.to_string()).unwrap_or_default(),
            r.status.clone(),
            r.action.map(|a| a.to_string()).unwrap_or_default(),
            text(&r.name),
            text(&r.target),
            text(&r.state),
            text(&r.external_id),
        ];
        out.push_str(&cells.map(|c| cell(&c)).join(","));
        out.push('\n');
    }
    out
}

/// One cell: quoted where it must be, and never read as a formula by a spreadsheet.
fn cell(text: &str) -> String {
    let plain = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if plain.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", plain.replace('"', "\"\""));
    }
    plain
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_commas() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"it\""), "\"say \"\"it\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-2,3"), "\"'-2,3\"");
    }

    #[test]
    fn a_time_from_a_form_is_utc_and_nonsense_is_refused() {
        let at = Timestamp::parse("2026-11-20T10:30:00Z").unwrap();
        assert_eq!(moment("from", "2026-11-20T10:30").unwrap(), Some(at));
        assert_eq!(moment("from", "2026-11-20T10:30:00Z").unwrap(), Some(at));
        assert_eq!(moment("from", " ").unwrap(), None);
        assert!(moment("from", "yesterday").is_err());
    }
}
