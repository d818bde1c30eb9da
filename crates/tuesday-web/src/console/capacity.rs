//! Whether people can keep up with a workflow: load against hours, what the forecast rests on, what the
//! response did; declaring hours and easing off. Readable in print.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::capacity::{CapacitySpec, LoadForecast, Range, Step};
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Capacity;

use super::chart::{Series, Steps, band, lines};
use super::html;
use super::scorecard::Drawn;
use super::shell::Shell;
use super::shown::{Tile, text, tile, time};
use super::visit::Visit;
use super::words::{count, local};
use crate::api::sheet;
use crate::auth::PostForm;
use crate::refusal::{PageError, status};
use crate::state::App;

/// What a new plan begins with.
const EXAMPLE: &str = "minutes_per_task = 3\nlimit_percent = 100\n\n[[person]]\nperson = \"HANDLE\"\ndays = \"mon-fri\"\nhours = 4\n\n\
    [response]\nslow = true\npause_at_days = 3\n";

#[derive(Template)]
#[template(path = "capacity.html")]
struct CapacityPage {
    shell: Shell,
    name: String,
    title: String,
    today: String,
    stage: String,
    rests_on: String,
    declared: bool,
    source: String,
    over: Option<String>,
    breaks: Option<String>,
    warning: Option<String>,
    steps: Vec<(&'static str, String, String)>,
    eases: bool,
    tiles: Vec<Tile>,
    charts: Vec<Drawn>,
    people: Vec<(String, Vec<String>, String)>,
    inputs: Vec<(&'static str, String)>,
    net_days: String,
    net: Vec<(&'static str, String)>,
    net_sum: String,
    net_means: String,
    outside: Vec<(String, String)>,
    sets: bool,
    typed: String,
    reason: String,
    history: Vec<String>,
    problem: Option<Problem>,
}

/// What was typed and refused.
#[derive(Default)]
struct Refused {
    plan: Option<String>,
    reason: String,
    problem: Option<Problem>,
}

async fn drawn(
    app: &App,
    visit: &Visit,
    name: &str,
    refused: Refused,
) -> Result<CapacityPage, PageError> {
    visit.user.sees(name)?;
    let c = Box::pin(app.engine.capacity(name)).await?;
    let title = format!("Capacity, {}", c.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    let may = |act| visit.user.rights.may(act, name);
    let plan = c.declared.as_ref().map(|d| &d.plan);
    let typed = refused
        .plan
        .unwrap_or_else(|| plan.map_or_else(|| EXAMPLE.to_owned(), CapacitySpec::text));
    Ok(CapacityPage {
        shell,
        name: name.to_owned(),
        title: c.title.clone(),
        today: c.today.to_string(),
        stage: c.stage.replace('_', " "),
        rests_on: c.forecast.as_ref().map_or_else(String::new, |f| {
            format!(
                "{} whole days behind, the next 14 ahead; every figure says how it is known.",
                f.days_of_history
            )
        }),
        declared: c.declared.is_some(),
        source: source(&c),
        over: c.over.clone(),
        breaks: c.forecast.as_ref().and_then(breaks),
        warning: c.forecast.as_ref().and_then(|f| f.warning.clone()),
        steps: steps(&c),
        eases: may(Act::ResumeWorkflow),
        tiles: c
            .forecast
            .as_ref()
            .map(|f| tiles(f, &c))
            .unwrap_or_default(),
        charts: c
            .forecast
            .as_ref()
            .map(|f| charts(f, &c))
            .unwrap_or_default(),
        people: people(&c),
        inputs: c.forecast.as_ref().map(inputs).unwrap_or_default(),
        net_days: format!("{} to {}", c.net_days.from, c.net_days.to),
        net: c.net.lines.iter().map(|l| (l.title, time(l.ms))).collect(),
        net_sum: c.net.net.value.map_or_else(|| "–".to_owned(), time),
        net_means: c.net.net.means.clone(),
        outside: c
            .outside
            .iter()
            .map(|(what, n)| (what.clone(), count(*n)))
            .collect(),
        sets: may(Act::SetPriority),
        typed,
        reason: refused.reason,
        history: c
            .history
            .iter()
            .map(|h| {
                format!(
                    "version {}, {}, by {}: {}",
                    h.version, h.set_at, h.set_by, h.reason
                )
            })
            .collect(),
        problem: refused.problem,
    })
}

fn source(c: &Capacity) -> String {
    match c.declared.as_ref() {
        Some(d) => match (d.version, &d.set_by) {
            (Some(v), Some(by)) => format!("live setting, version {v}, by {by}"),
            _ => "as the package declares".to_owned(),
        },
        None => String::new(),
    }
}

fn breaks(f: &LoadForecast) -> Option<String> {
    let day = f.breaks_on?;
    Some(format!(
        "If nothing changes, more than {} working days of review wait from {day} on.",
        f.breaks_at_days
    ))
}

fn steps(c: &Capacity) -> Vec<(&'static str, String, String)> {
    let name = |step| match step {
        Step::Narrow => "Fewer are served",
        Step::Slow => "New events wait for their turn",
        Step::Pause => "Paused",
    };
    let all = c.state.steps.iter();
    all.map(|t| (name(t.step), local(t.at, None), t.words.clone()))
        .collect()
}

fn people(c: &Capacity) -> Vec<(String, Vec<String>, String)> {
    c.people
        .iter()
        .map(|p| {
            let hours = |ms: &i64| match ms {
                0 => "–".to_owned(),
                ms => format!("{}.{} h", ms / 3_600_000, ms / 360_000 % 10),
            };
            let group = p.group.as_ref().map(|g| format!("group {g}"));
            let away = p.away_until.map(|d| format!("away until {d}"));
            let now: Vec<String> = [p.not_counted.clone(), group, away]
                .into_iter()
                .flatten()
                .collect();
            let week = p.week_ms.iter().map(hours).collect();
            (p.name.clone(), week, now.join(", "))
        })
        .collect()
}

fn figure(key: &'static str, title: &str, unit: Unit, range: Option<Range>, means: &str) -> Shown {
    match range {
        None => Shown::missing(key, title, unit, "nobody has an hour for it"),
        Some(r) => match r.point {
            Some(point) => Shown::measured(key, title, unit, point, means).between(r.low, r.high),
            None => {
                let lacks = "too few days for a point; it lies in this range";
                let missing = Shown::missing(key, title, unit, lacks);
                Shown {
                    low: Some(r.low),
                    high: Some(r.high),
                    ..missing
                }
            }
        },
    }
}

fn tiles(f: &LoadForecast, c: &Capacity) -> Vec<Tile> {
    let name = &c.workflow;
    let today = "work of today against the hours of today";
    let next = "expected work against declared hours, absences taken off";
    let task = if f.task.measured {
        format!(
            "mean of {} decisions in view of a person; idle time cut off",
            f.task.tasks
        )
    } else {
        format!(
            "as declared: {} decisions were timed, too few",
            f.task.tasks
        )
    };
    let mean = Shown::measured("task", "A task takes", Unit::Time, f.task.mean_ms, &task);
    let mean = if f.task.measured {
        mean.between(f.task.low_ms, f.task.high_ms)
    } else {
        Shown {
            standing: tuesday_domain::ledger::shown::Standing::Estimated,
            ..mean
        }
    };
    let waits = i64::try_from(f.backlog_tasks).unwrap_or(i64::MAX);
    let days = format!(
        "{}.{} working days of {}",
        f.backlog_days_tenths / 10,
        f.backlog_days_tenths % 10,
        time(f.working_day_ms)
    );
    let exceptions = format!("/runs?workflow={name}&kind=exception");
    let all = [
        figure(
            "today",
            "Utilisation today",
            Unit::Share,
            f.today.utilisation_ppm,
            today,
        ),
        figure(
            "next",
            "Utilisation, next 14 days",
            Unit::Share,
            f.next_ppm,
            next,
        ),
        mean,
        figure(
            "share",
            "Tasks for each run",
            Unit::Share,
            Some(f.share_ppm),
            &format!("put before people; {}", f.share_from),
        )
        .behind(exceptions),
        Shown::measured("waiting", "Waiting now", Unit::Count, waits, &days)
            .behind(format!("/queue?workflow={name}")),
        c.net
            .net
            .clone()
            .behind(format!("/workflows/{name}/scorecard")),
    ];
    all.iter().map(|s| tile(s, None)).collect()
}

fn charts(f: &LoadForecast, c: &Capacity) -> Vec<Drawn> {
    let all: Vec<_> = std::iter::once(&f.today).chain(&f.days).collect();
    let short = |text: String| text.chars().skip(5).collect::<String>();
    let labels: Vec<String> = all.iter().map(|d| short(d.day.to_string())).collect();
    let series = |name, values| Series {
        name,
        values,
        least: 0,
        steps: Steps::Clock,
    };
    let load = all.iter().map(|d| d.load_ms.point).collect();
    let hours = all.iter().map(|d| Some(d.capacity_ms)).collect();
    let ends: Vec<(i64, i64)> = all
        .iter()
        .map(|d| (d.load_ms.low, d.load_ms.high))
        .collect();
    let weeks: Vec<String> = c.weeks.iter().map(|w| short(w.week.to_string())).collect();
    let came = c.weeks.iter().map(|w| w.came_ms).collect();
    let said = c.weeks.iter().map(|w| w.said_ms).collect();
    let error = |n: i64| text(n, Unit::Share, None);
    let off = c.weeks.iter().map(|w| w.error_ppm).collect();
    vec![
        Drawn {
            id: "chart-load",
            title: "The next 14 days",
            about: "review work against declared hours; the area holds it at 95 %".into(),
            chart: band(
                "Expected review work and declared hours by day",
                &labels,
                &[series("work", load), series("hours", hours)],
                &ends,
                &time,
            ),
        },
        Drawn {
            id: "chart-weeks",
            title: "Said and come",
            about: "what the forecast said before each week, and what came".into(),
            chart: lines(
                "Review work forecast and come, week by week",
                &weeks,
                &[series("came", came), series("said", said)],
                &time,
            ),
        },
        Drawn {
            id: "chart-error",
            title: "How far the forecast was off",
            about: "above zero it said too much".into(),
            chart: super::chart::bars(
                "Error of the forecast by week",
                &weeks,
                Series {
                    steps: Steps::Tens,
                    ..series("error", off)
                },
                &error,
            ),
        },
    ]
}

fn inputs(f: &LoadForecast) -> Vec<(&'static str, String)> {
    let share = |r: Range| {
        let told = |n| text(n, Unit::Share, None);
        format!(
            "{} ({} to {})",
            told(r.point.unwrap_or(r.low)),
            told(r.low),
            told(r.high)
        )
    };
    let days: Vec<String> = tuesday_domain::capacity::WEEKDAYS
        .iter()
        .zip(f.weekday_milli)
        .map(|(d, n)| {
            format!(
                "{} {}",
                d.get(..3).unwrap_or(d),
                count(u64::try_from(n / 1_000).unwrap_or(0))
            )
        })
        .collect();
    let level = if f.level_ppm == 1_000_000 {
        "as on these weekdays".to_owned()
    } else {
        format!(
            "{} of these weekdays: today left its interval",
            text(f.level_ppm, Unit::Share, None)
        )
    };
    let half = f.task.p50_ms.map_or_else(|| "–".to_owned(), time);
    vec![
        ("Method", f.method.to_owned()),
        ("Whole days behind", f.days_of_history.to_string()),
        ("Runs by weekday", days.join(", ")),
        ("Level", level),
        ("Tasks for each run", share(f.share_ppm)),
        ("This share comes from", f.share_from.clone()),
        ("Half of the tasks take no longer than", half),
        ("A working day", time(f.working_day_ms)),
        (
            "The queue breaks at",
            format!("{} working days of waiting work", f.breaks_at_days),
        ),
    ]
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    html(&drawn(&app, &visit, &name, Refused::default()).await?)
}

/// The days and weeks as CSV.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.capacity(&name)).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, sheet::capacity(&found)).into_response())
}

/// Everything as JSON.
pub(crate) async fn json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.capacity(&name)).await?;
    Ok(axum::Json(found).into_response())
}

/// Somebody declares hours.
pub(crate) async fn declare(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let text = |field: &str| form.text(field).unwrap_or_default();
    let (plan, reason) = (text("plan"), text("reason"));
    let by = form.user.session.person.clone();
    let invalid = |why| Problem::new("capacity_invalid", why).field("plan");
    let done = match CapacitySpec::parse(&plan).map_err(invalid) {
        Ok(spec) => app.engine.set_capacity(&name, &spec, &reason, &by).await,
        Err(p) => Err(p),
    };
    let refused = |problem| Refused {
        plan: Some(plan),
        reason,
        problem: Some(problem),
    };
    answered(
        &app,
        &name,
        &headers,
        form,
        done.map(drop).map_err(refused),
        "Declared",
    )
    .await
}

/// Somebody eases off.
pub(crate) async fn ease(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let reason = form.text("reason").unwrap_or_default();
    let by = form.user.session.person.clone();
    let done = Box::pin(app.engine.ease_load(&name, None, &reason, &by)).await;
    let refused = |problem| Refused {
        problem: Some(problem),
        ..Refused::default()
    };
    answered(
        &app,
        &name,
        &headers,
        form,
        done.map(drop).map_err(refused),
        "Eased off",
    )
    .await
}

/// Back to the page, with what was refused where it was.
async fn answered(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    form: PostForm,
    done: Result<(), Refused>,
    said: &str,
) -> Result<Response, PageError> {
    let address = format!("/workflows/{name}/capacity");
    match done {
        Ok(()) => {
            app.sessions.tell(&form.user, said.to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(refused) => {
            let code = refused.problem.as_ref().map(status);
            let visit = Visit::after(form.user, address, headers);
            let page = drawn(app, &visit, name, refused).await?;
            let mut answer = html(&page)?;
            if let Some(code) = code {
                *answer.status_mut() = code;
            }
            Ok(answer)
        }
    }
}
