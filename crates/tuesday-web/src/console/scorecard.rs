//! The scorecard of a workflow: what it saves, costs and gets wrong, week by week; readable in print.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tuesday_domain::ledger::report::{Costs, UNDIVIDED};
use tuesday_domain::record::CostCategory;
use tuesday_engine::ops::{NamedCosts, Scorecard, SuccessMetric, Week};

use super::chart::{Chart, SO_FAR, Series, Steps, bars, lines};
use super::html;
use super::shell::Shell;
use super::shown::{Tile, cash, sums, text, tile, time};
use super::visit::Visit;
use super::words::{code, count};
use crate::api::sheet;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Days unless said otherwise.
const USUAL: i64 = 28;

/// In millionths.
const CENT: i64 = 10_000;

/// A span of days.
#[derive(Deserialize)]
pub(crate) struct SpanQuery {
    from: Option<String>,
    to: Option<String>,
}

/// A line of a table: name, values.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
    pub(super) href: Option<String>,
    /// Length of its bar out of 100.
    pub(super) width: u64,
}

/// The costs divided one way.
struct Divided {
    id: &'static str,
    title: &'static str,
    lines: Vec<Line>,
}

/// The one success metric: what is stated, its tile, whether it keeps the target.
struct MetricCard {
    stated: String,
    tiles: Vec<Tile>,
    tone: &'static str,
    kept: &'static str,
}

impl MetricCard {
    fn of(m: &SuccessMetric) -> Self {
        Self {
            stated: m.stated.clone(),
            tiles: m.now.iter().map(|s| tile(s, None)).collect(),
            tone: match m.kept {
                Some(true) => "ok",
                Some(false) => "bad",
                None => "warn",
            },
            kept: m.words(),
        }
    }
}

/// A chart with its title.
pub(super) struct Drawn {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) about: String,
    pub(super) chart: Chart,
}

#[derive(Template)]
#[template(path = "scorecard.html")]
struct ScorecardPage {
    shell: Shell,
    name: String,
    title: String,
    from: String,
    to: String,
    spans: Vec<(String, String, bool)>,
    metric: Option<MetricCard>,
    tiles: Vec<Tile>,
    charts: Vec<Drawn>,
    saved: Vec<Line>,
    net: String,
    rests_on: String,
    parts: Vec<Line>,
    reasons: Vec<Line>,
    costs: Vec<Line>,
    total: String,
    each: String,
    lacks: Vec<String>,
    divided: Vec<Divided>,
    judged: Vec<Line>,
    limit: Option<String>,
}

async fn made(app: &App, visit: &Visit, name: &str, q: &SpanQuery) -> Result<Scorecard, PageError> {
    visit.user.sees(name)?;
    let some = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
    let (from, to) = (some(&q.from), some(&q.to));
    let days = app
        .engine
        .asked_days(Some(name), from.as_deref(), to.as_deref(), USUAL)
        .await?;
    Ok(Box::pin(app.engine.scorecard(name, days)).await?)
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let card = made(&app, &visit, &name, &q).await?;
    let title = format!("Scorecard, {}", card.title);
    let shell = visit
        .shell(&app, title, "workflow", Some(name.clone()))
        .await?;
    html(&ScorecardPage {
        shell,
        title: card.title.clone(),
        from: card.days.from.to_string(),
        to: card.days.to.to_string(),
        spans: [7, 28, 91, 365]
            .map(|n| {
                let from = card.days.to.plus(1 - n).to_string();
                let pairs = [("from", from.as_str()), ("to", &card.days.to.to_string())];
                let href = format!("/workflows/{name}/scorecard{}", query::query(&pairs));
                (href, format!("{n} days"), card.days.count() == n)
            })
            .into(),
        metric: card.metric.as_ref().map(MetricCard::of),
        tiles: card.figures.iter().map(|s| tile(s, None)).collect(),
        charts: charts(&card.weeks),
        saved: saved(&card),
        net: card.saved.net.value.map_or_else(|| "–".to_owned(), time),
        rests_on: card.baseline.clone().unwrap_or_default(),
        parts: parts(&card),
        reasons: reasons(&card),
        costs: categories(&card.costs, &name, &card),
        total: sums(&card.costs.total),
        each: card
            .costs
            .per_task
            .as_ref()
            .map_or_else(|| "–".to_owned(), sums),
        lacks: card.lacks.clone(),
        divided: vec![
            Divided {
                id: "releases",
                title: "By release",
                lines: groups(&card.releases, &card, true),
            },
            Divided {
                id: "tiers",
                title: "By who looked",
                lines: groups(&card.tiers, &card, false),
            },
        ],
        judged: judged(&card),
        limit: limit(&card),
        name,
    })
}

/// The same as CSV.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let card = made(&app, &visit, &name, &q).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, sheet::scorecard(&card)).into_response())
}

/// The same as JSON.
pub(crate) async fn json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, PageError> {
    let card = made(&app, &visit, &name, &q).await?;
    Ok(axum::Json(card).into_response())
}

fn limit(card: &Scorecard) -> Option<String> {
    let l = card.limit.as_ref()?;
    let gone = cash(l.spent_micros + l.assumed_micros, &l.currency);
    let stop = cash(l.stop_micros, &l.currency);
    let reached = if l.stopped {
        "; reached, runs wait"
    } else {
        ""
    };
    Some(format!("{gone} of {stop} spent in {}{reached}", l.now))
}

/// A week by the day of its Monday, and whether it is a whole one.
fn label(w: &Week) -> String {
    let day: String = w.week.to_string().chars().skip(5).collect();
    day + if w.so_far { SO_FAR } else { "" }
}

/// Charts over the weeks.
pub(super) fn charts(weeks: &[Week]) -> Vec<Drawn> {
    let labels: Vec<String> = weeks.iter().map(label).collect();
    let currency = weeks
        .iter()
        .rev()
        .find_map(|w| w.per_task.as_ref()?.keys().next().cloned())
        .unwrap_or_default();
    let each = weeks
        .iter()
        .map(|w| w.per_task.as_ref()?.get(&currency).copied());
    let count_of = |n: u64| i64::try_from(n).ok();
    let share = |w: &Week| tuesday_domain::ledger::interval::share_ppm(w.exceptions, w.runs);
    let series = |name, values| Series {
        name,
        values,
        least: 0,
        steps: Steps::Tens,
    };
    let spent = |name, values| Series {
        steps: Steps::Clock,
        ..series(name, values)
    };
    let money = |n: i64| cash(n, &currency);
    let ppm = |n: i64| text(n, tuesday_domain::ledger::shown::Unit::Share, None);
    let spans = [
        spent(
            "19 of 20",
            weeks.iter().map(|w| count_of(w.p95_ms?)).collect(),
        ),
        spent("half", weeks.iter().map(|w| count_of(w.p50_ms?)).collect()),
    ];
    vec![
        Drawn {
            id: "chart-net",
            title: "Time saved, net",
            about: "after review, rework and upkeep; below zero it costs time".into(),
            chart: bars(
                "Time saved each week, net",
                &labels,
                spent("Saved", weeks.iter().map(|w| w.net_ms).collect()),
                &time,
            ),
        },
        Drawn {
            id: "chart-cost",
            title: "Cost of a resolved task",
            about: "everything in the ledger, divided by resolved tasks".into(),
            chart: bars(
                "Cost of a resolved task each week",
                &labels,
                Series {
                    least: CENT * 2,
                    ..series("Cost", each.collect())
                },
                &money,
            ),
        },
        Drawn {
            id: "chart-time",
            title: "From receipt to receipt",
            about: "resolved runs; half, and 19 of 20, take no longer".into(),
            chart: lines("Turnaround each week", &labels, &spans, &time),
        },
        Drawn {
            id: "chart-people",
            title: "Put before a person",
            about: "share of runs".into(),
            chart: lines(
                "Share of runs put before a person each week",
                &labels,
                &[series("share", weeks.iter().map(share).collect())],
                &ppm,
            ),
        },
    ]
}

pub(super) fn saved(card: &Scorecard) -> Vec<Line> {
    card.saved
        .lines
        .iter()
        .map(|l| Line {
            name: l.title.to_owned(),
            cells: vec![time(l.ms)],
            href: Some(behind_saved(card, l.key)),
            width: 0,
        })
        .collect()
}

/// What a line of the saved time is counted from.
fn behind_saved(card: &Scorecard, key: &str) -> String {
    let (from, to) = (card.days.from.to_string(), card.days.to.to_string());
    match key {
        "upkeep" => {
            let pairs = [("from", from.as_str()), ("to", &to)];
            format!("/workflows/{}/costs{}", card.workflow, query::query(&pairs))
        }
        "review" => records(card, &[("kind", "decided")]),
        "rework" => records(card, &[("kind", "overridden")]),
        "exceptions" => records(card, &[("kind", "exception")]),
        "second_looks" => records(card, &[("kind", "looked")]),
        _ => records(card, &[("kind", "ended")]),
    }
}

fn parts(card: &Scorecard) -> Vec<Line> {
    let whole = card.turnaround.first().and_then(|p| p.p50_ms).unwrap_or(0);
    let told = |n: Option<u64>| {
        n.and_then(|n| i64::try_from(n).ok())
            .map_or_else(|| "–".to_owned(), time)
    };
    card.turnaround
        .iter()
        .map(|p| Line {
            name: p.title.to_owned(),
            cells: vec![told(p.p50_ms), told(p.p95_ms), told(p.p99_ms)],
            href: Some(records(card, &[("kind", "resolved")])),
            width: share(p.p50_ms.unwrap_or(0), whole),
        })
        .collect()
}

fn share(part: u64, whole: u64) -> u64 {
    (part * 100).checked_div(whole).unwrap_or(0).min(100)
}

fn records(card: &Scorecard, extra: &[(&str, &str)]) -> String {
    let (from, to) = (card.days.from.to_string(), card.days.to.to_string());
    let mut pairs = vec![
        ("workflow", card.workflow.as_str()),
        ("from", &from),
        ("to", &to),
    ];
    pairs.extend(extra);
    format!("/runs{}", query::query(&pairs))
}

fn reasons(card: &Scorecard) -> Vec<Line> {
    let most = card.reasons.values().copied().max().unwrap_or(0);
    let mut all: Vec<_> = card.reasons.iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    all.into_iter()
        .map(|(reason, n)| Line {
            name: code(reason),
            cells: vec![count(*n)],
            href: Some(records(card, &[("kind", "exception"), ("reason", reason)])),
            width: share(*n, most),
        })
        .collect()
}

/// The six kinds of cost, and what is lacking in each.
pub(super) fn categories(costs: &Costs, name: &str, card: &Scorecard) -> Vec<Line> {
    CostCategory::ALL
        .iter()
        .map(|category| {
            let known = costs.by_category.get(category);
            let lacks = costs.lacks_of(*category);
            let sum = match (known, lacks) {
                (Some(sum), false) => sums(sum),
                (Some(sum), true) => format!("{} or more", sums(sum)),
                (None, true) => "missing".to_owned(),
                (None, false) => match category {
                    CostCategory::Tokens | CostCategory::Review => "none".to_owned(),
                    CostCategory::Exit => "estimated in days".to_owned(),
                    _ => "nothing entered".to_owned(),
                },
            };
            let (from, to) = (card.days.from.to_string(), card.days.to.to_string());
            let href = if *category == CostCategory::Tokens {
                records(card, &[("kind", "all")])
            } else if *category == CostCategory::Exit && known.is_none() {
                format!("/workflows/{name}/costs#exit")
            } else {
                let pairs = [
                    ("from", from.as_str()),
                    ("to", &to),
                    ("category", category.word()),
                ];
                format!("/workflows/{name}/costs{}", query::query(&pairs))
            };
            Line {
                name: code(category.word()),
                cells: vec![sum],
                href: Some(href),
                width: 0,
            }
        })
        .collect()
}

/// By release: acted wrongly, held back wrongly, each with its interval and sample.
fn judged(card: &Scorecard) -> Vec<Line> {
    let told = |s: &tuesday_domain::ledger::shown::Shown| {
        let t = tile(s, None);
        if s.value.is_some() {
            format!("{} ({}): {}", t.value, t.interval, t.means)
        } else {
            t.means
        }
    };
    card.judged
        .iter()
        .map(|r| Line {
            name: r.name.clone(),
            cells: vec![told(&r.acted), told(&r.held)],
            href: Some(records(card, &[("release", &r.key)])),
            width: 0,
        })
        .collect()
}

fn groups(groups: &[NamedCosts], card: &Scorecard, release: bool) -> Vec<Line> {
    // What belongs to none of them comes last.
    let (own, rest): (Vec<_>, Vec<_>) = groups.iter().partition(|g| g.key != UNDIVIDED);
    own.into_iter()
        .chain(rest)
        .map(|g| Line {
            name: code(&g.name),
            cells: vec![
                count(g.costs.runs),
                count(g.costs.resolved),
                sums(&g.costs.total),
                g.costs
                    .per_task
                    .as_ref()
                    .map_or_else(|| "–".to_owned(), sums),
            ],
            href: match (release, g.key == UNDIVIDED) {
                (_, true) => None,
                (true, _) => g
                    .key
                    .starts_with("rel_")
                    .then(|| records(card, &[("release", &g.key)])),
                (false, _) => Some(records(card, &[("tier", &g.key)])),
            },
            width: 0,
        })
        .collect()
}
