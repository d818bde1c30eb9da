//! The week of a workflow on one page: figures beside those of the week before, an agenda, a signature.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{FixLine, Weekly, WeeklyItem, WeeklyMetric};

use super::chart::SO_FAR;
use super::html;
use super::scorecard::{Drawn, charts};
use super::shell::Shell;
use super::shown::{Tile, text, tile};
use super::visit::Visit;
use super::words::code;
use crate::auth::PostForm;
use crate::refusal::{PageError, status};
use crate::state::App;

/// Which week.
#[derive(Deserialize)]
pub(crate) struct WeekQuery {
    week: Option<String>,
}

struct Signed {
    week: String,
    by: String,
    at: String,
    note: String,
}

/// The one metric: what is stated, its tile, whether it keeps the target, its trend.
struct MetricCard {
    stated: String,
    tiles: Vec<Tile>,
    tone: &'static str,
    kept: &'static str,
    /// Week and value, the oldest first.
    trend: Vec<(String, String)>,
}

fn metric(m: &WeeklyMetric) -> MetricCard {
    let told = |n: i64| text(n, m.now.unit, m.now.currency.as_deref());
    let (tone, kept) = match m.kept {
        Some(true) => ("ok", "keeps its target"),
        Some(false) => ("bad", "misses its target"),
        None => ("warn", "no value: nobody can say"),
    };
    MetricCard {
        stated: m.stated.clone(),
        tiles: vec![tile(&m.now, m.before)],
        tone,
        kept,
        trend: m
            .trend
            .iter()
            .map(|w| {
                let value = w.value.map_or_else(|| "–".to_owned(), told);
                let part = if w.so_far { SO_FAR } else { "" };
                (format!("{}{part}", w.week), value)
            })
            .collect(),
    }
}

/// Records of one kind; paper has room for the first ones only.
struct Talked {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    none: &'static str,
    rows: Vec<TalkRow>,
    /// How many more than paper shows.
    beyond: usize,
    /// How many more than the page shows, and where all of them are.
    more: Option<(usize, String)>,
}

struct TalkRow {
    words: String,
    state: String,
    tone: &'static str,
    at: String,
    path: String,
    /// Left out on paper.
    off: bool,
}

/// Rows of each kind on paper, and on the page.
const ON_PAPER: usize = 2;
const ON_PAGE: usize = 20;

fn talk_row((place, i): (usize, &WeeklyItem)) -> TalkRow {
    TalkRow {
        words: i.words.clone(),
        state: code(&i.state),
        tone: match (i.overdue, i.open) {
            (true, _) => "bad",
            (false, true) => "warn",
            (false, false) => "plain",
        },
        at: i.at.chars().take(10).collect(),
        path: i.path.clone(),
        off: place >= ON_PAPER,
    }
}

fn talked(w: &Weekly) -> Vec<Talked> {
    let (name, from, to) = (&w.workflow, w.days.from, w.days.to);
    let one = |id, title, about, none, all: &[WeeklyItem], page: String| Talked {
        id,
        title,
        about,
        none,
        rows: all.iter().take(ON_PAGE).enumerate().map(talk_row).collect(),
        beyond: all.len().saturating_sub(ON_PAPER),
        more: all
            .len()
            .checked_sub(ON_PAGE)
            .filter(|n| *n > 0)
            .map(|n| (n, page)),
    };
    let t = &w.talk;
    vec![
        one(
            "feedback",
            "Feedback",
            "unanswered past its limit first",
            "Nobody reported anything, and nobody waits for an answer.",
            &t.reports,
            format!("/problem-reports?state=all&workflow={name}&from={from}&to={to}"),
        ),
        one(
            "incidents",
            "Incidents",
            "opened in this week, or still open",
            "None was opened, and none is open.",
            &t.incidents,
            format!("/incidents?state=all&workflow={name}"),
        ),
        one(
            "decided",
            "Decisions",
            "recorded in this week",
            "None was recorded.",
            &t.decisions,
            format!("/workflows/{name}"),
        ),
        one(
            "overrides",
            "Overrides",
            "where a person decided otherwise than the machine",
            "Nobody overrode the machine.",
            &t.overrides,
            format!("/runs?workflow={name}&from={from}&to={to}&kind=overridden"),
        ),
    ]
}

#[derive(Template)]
#[template(path = "weekly.html")]
struct WeeklyPage {
    shell: Shell,
    name: String,
    title: String,
    from: String,
    to: String,
    earlier: String,
    later: Option<String>,
    over: bool,
    metric: Option<MetricCard>,
    tiles: Vec<Tile>,
    charts: Vec<Drawn>,
    /// Errors closed in this week: layer, how many, without code, with code.
    fixes: Vec<(String, u64, u64, u64)>,
    agenda: Vec<(String, String)>,
    talked: Vec<Talked>,
    signed: Option<Signed>,
    before: Vec<Signed>,
    signs: bool,
    typed: String,
    problem: Option<Problem>,
}

fn fixed(line: &FixLine) -> (String, u64, u64, u64) {
    let t = line.tally;
    let layer = line.fixed_in.map_or_else(|| "Not said".to_owned(), code);
    (layer, t.incidents + t.reports, t.without_code, t.with_code)
}

/// The day of the week that is asked for.
pub(super) fn asked(q: WeekQuery) -> Result<Option<Day>, Problem> {
    let week = q.week.filter(|w| !w.is_empty());
    week.as_deref().map(day).transpose()
}

fn day(text: &str) -> Result<Day, Problem> {
    Day::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field("week"))
}

async fn drawn(
    app: &App,
    visit: &Visit,
    name: &str,
    week: Option<Day>,
    (typed, problem): (String, Option<Problem>),
) -> Result<WeeklyPage, PageError> {
    visit.user.sees(name)?;
    let week = Box::pin(app.engine.weekly(name, week)).await?;
    let people = app.engine.reader().people().await?;
    let person = |handle: &str| {
        let known = people.iter().find(|p| p.handle == handle);
        known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
    };
    let signed = |s: &tuesday_engine::ops::SignedWeek| Signed {
        week: s.week.clone(),
        by: person(&s.signed_by),
        at: s.signed_at.chars().take(10).collect(),
        note: s.note.clone(),
    };
    let (from, to) = (week.days.from, week.days.to);
    let title = format!("Week of {from}, {}", week.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    Ok(WeeklyPage {
        shell,
        name: name.to_owned(),
        title: week.title.clone(),
        from: from.to_string(),
        to: to.to_string(),
        earlier: from.plus(-7).to_string(),
        later: week.over.then(|| from.plus(7).to_string()),
        over: week.over,
        metric: week.metric.as_ref().map(metric),
        tiles: week
            .figures
            .iter()
            .map(|f| tile(&f.now, f.before))
            .collect(),
        charts: charts(&week.card.weeks),
        fixes: week.fixes.layers.iter().map(fixed).collect(),
        agenda: week.agenda.clone(),
        talked: talked(&week),
        signs: week.signed.is_none() && visit.user.rights.may(Act::KeepLedger, name),
        signed: week.signed.as_ref().map(signed),
        before: week.earlier.iter().map(signed).collect(),
        typed,
        problem,
    })
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<WeekQuery>,
) -> Result<Response, PageError> {
    let week = asked(q)?;
    html(&drawn(&app, &visit, &name, week, (String::new(), None)).await?)
}

/// Somebody signs the week.
pub(crate) async fn sign(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let week = day(&form.text("week").unwrap_or_default())?;
    let note = form.text("note").unwrap_or_default();
    let by = form.user.session.person.clone();
    let address = format!("/workflows/{name}/weekly?week={week}");
    match Box::pin(app.engine.sign_week(&name, week, &note, &by)).await {
        Ok(_) => {
            app.sessions.tell(&form.user, "Signed".to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let visit = Visit::after(form.user, address, &headers);
            let page = drawn(&app, &visit, &name, Some(week), (note, Some(p))).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}
