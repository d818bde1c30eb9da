//! The ledger of a workflow: what was entered, prices, the baseline, the spend limit; and the forms that
//! enter them.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::id::CostEntryId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::entry::Typed;
use tuesday_domain::ledger::exposure::factor;
use tuesday_domain::ledger::price::{PriceTable, amount};
use tuesday_domain::ledger::report::By;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostEntry, PriceRow};
use tuesday_engine::ops::NewBaseline;
use tuesday_store::EntryFilter;

use super::exit::{self, ExitCard};
use super::exposure::{self, ExposureCard};
use super::html;
use super::pieces::{Piece, pieces};
use super::shell::Shell;
use super::shown::{cash, time};
use super::views::Pager;
use super::visit::Visit;
use super::words::code;
use crate::api::ledger::limit_of;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

const PAGE: usize = 50;
/// Entries of a file that are read at once.
const BATCH: usize = 1_000;

/// Which entries.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct CostQuery {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    after: String,
    /// How many times the volume the forecast is for.
    #[serde(default)]
    volume: String,
}

struct Row {
    id: String,
    days: String,
    category: String,
    place: &'static str,
    sum: String,
    words: Vec<Piece>,
    who: String,
    by: String,
    /// It takes no other one back, and nothing on this page takes it back.
    stands: bool,
}

#[derive(Template)]
#[template(path = "costs.html")]
struct CostsPage {
    shell: Shell,
    name: String,
    title: String,
    q: CostQuery,
    rows: Vec<Row>,
    pager: Pager,
    prices: Vec<(String, String, String)>,
    baseline: Vec<(String, String)>,
    limit: Vec<(String, String)>,
    exit: ExitCard,
    exposure: ExposureCard,
    keeps: bool,
    today: String,
    /// What was typed, by field.
    typed: Vec<(String, String)>,
    problem: Option<Problem>,
}

impl CostsPage {
    fn was(&self, field: &str) -> &str {
        let found = self.typed.iter().find(|(n, _)| n == field);
        found.map_or("", |(_, v)| v.as_str())
    }
}

fn row(e: &CostEntry, all: &[CostEntry]) -> Row {
    Row {
        id: e.id.to_string(),
        days: if e.day_from == e.day_to {
            e.day_from.clone()
        } else {
            format!("{} to {}", e.day_from, e.day_to)
        },
        category: code(e.category.word()),
        place: if e.workflow.is_some() { "" } else { "shared" },
        sum: match (e.amount_micros, &e.currency, e.minutes) {
            (Some(n), Some(c), _) => cash(n, c),
            (_, _, Some(minutes)) => format!("{minutes} min"),
            _ => String::new(),
        },
        words: pieces(&e.words, e.workflow.as_deref()),
        who: e
            .person
            .clone()
            .or_else(|| e.vendor.clone())
            .unwrap_or_default(),
        by: e.entered_by.clone(),
        stands: e.reverses.is_none() && !all.iter().any(|o| o.reverses == Some(e.id)),
    }
}

fn filter(name: &str, q: &CostQuery) -> Result<EntryFilter, Problem> {
    let some = |t: &str| Some(t.to_owned()).filter(|t| !t.is_empty());
    Ok(EntryFilter {
        workflow: Some(name.to_owned()),
        shared: true,
        among: None,
        from: some(&q.from),
        to: some(&q.to),
        category: query::word("category", Some(&q.category))?,
    })
}

/// Every entry that is asked for, the latest day first.
pub(super) async fn all(
    app: &App,
    visit: &Visit,
    name: &str,
    q: &CostQuery,
) -> Result<Vec<CostEntry>, PageError> {
    visit.user.sees(name)?;
    let (filter, reader) = (filter(name, q)?, app.engine.reader());
    let mut all: Vec<CostEntry> = Vec::new();
    loop {
        let after = all.last().map(|e| e.id);
        let mut page = reader.cost_entries(&filter, after, BATCH).await?;
        let full = page.len() == BATCH;
        all.append(&mut page);
        if !full {
            return Ok(all);
        }
    }
}

async fn drawn(
    app: &App,
    visit: &Visit,
    name: &str,
    q: CostQuery,
    (typed, problem): (Vec<(String, String)>, Option<Problem>),
) -> Result<CostsPage, PageError> {
    visit.user.sees(name)?;
    let filter = filter(name, &q)?;
    let after = Some(&q.after).filter(|t| !t.is_empty());
    let after = after.map(|t| query::id::<CostEntryId>(t)).transpose()?;
    let (_, live) = app.engine.live(name).await?;
    let entries = app
        .engine
        .reader()
        .cost_entries(&filter, after, PAGE)
        .await?;
    let (prices, baseline, limit) = tokio::try_join!(
        app.engine.prices(),
        app.engine.baseline(name),
        app.engine.spend_state(name)
    )?;
    let exit = Box::pin(app.engine.exit_cost(name)).await?;
    let exposure = Box::pin(exposed(app, name, &q.volume)).await?;
    let address = |after: &str| {
        let pairs = [
            ("from", q.from.as_str()),
            ("to", &q.to),
            ("category", &q.category),
            ("after", after),
        ];
        format!("/workflows/{name}/costs{}", query::query(&pairs))
    };
    let last = entries.last().filter(|_| entries.len() == PAGE);
    let pin = &live.ready.model.pin;
    let title = live.ready.def.workflow.title.clone();
    let shell = visit
        .shell(
            app,
            format!("Costs, {title}"),
            "workflow",
            Some(name.to_owned()),
        )
        .await?;
    let pager = Pager {
        first: (!q.after.is_empty()).then(|| address("")),
        next: last.map(|e| address(&e.id.to_string())),
    };
    Ok(CostsPage {
        shell,
        name: name.to_owned(),
        title,
        rows: entries.iter().map(|e| row(e, &entries)).collect(),
        pager,
        prices: told_prices(&prices, pin),
        baseline: baseline.as_ref().map(told_baseline).unwrap_or_default(),
        limit: limit.as_ref().map(told_limit).unwrap_or_default(),
        exit: exit::card(&exit),
        exposure,
        keeps: visit.user.rights.may(Act::KeepLedger, name),
        today: live.ready.zone.day(app.engine.now()),
        q,
        typed,
        problem,
    })
}

/// The last four weeks: who is paid, who answers, and what another volume would cost.
async fn exposed(app: &App, name: &str, volume: &str) -> Result<ExposureCard, Problem> {
    let times = if volume.is_empty() { "10x" } else { volume };
    let bad = |why| Problem::new("bad_request", why).field("volume");
    let milli = factor(times).map_err(bad)?;
    let days = app.engine.asked_days(Some(name), None, None, 28).await?;
    let (report, forecast) = tokio::try_join!(
        app.engine.cost_report(Some(name), None, days, By::Nothing),
        app.engine.cost_forecast(name, days, milli, None)
    )?;
    Ok(exposure::card(&report, &forecast, times))
}

/// The prices of this model and of people's hours, the newest first: name, sum, version.
fn told_prices(table: &PriceTable, pin: &str) -> Vec<(String, String, String)> {
    let told = |p: &PriceRow| {
        let sum = match (p.input_micros, p.output_micros, p.hour_micros) {
            (Some(i), Some(o), _) => format!(
                "{} in, {} out, a million tokens",
                cash(i, &p.currency),
                cash(o, &p.currency)
            ),
            (_, _, Some(h)) => format!("{} an hour", cash(h, &p.currency)),
            _ => String::new(),
        };
        let since: String = p.starts_at.rfc3339().chars().take(10).collect();
        let version = format!("version {}, from {since}, by {}", p.version, p.set_by);
        (p.name.clone(), sum, version)
    };
    let own = |p: &&PriceRow| p.hour_micros.is_some() || p.name == *pin;
    table.rows().iter().rev().filter(own).map(told).collect()
}

fn told_baseline(b: &tuesday_domain::record::BaselineRow) -> Vec<(String, String)> {
    let ms = |n: u64| time(i64::try_from(n).unwrap_or(i64::MAX));
    let pair = |a: &str, b: String| (a.to_owned(), b);
    let mut out = vec![
        pair("A task by hand", ms(b.handling_ms / b.sample.max(1))),
        pair("Wrong by hand", format!("{} of {}", b.errors, b.sample)),
        pair("Turnaround, median", ms(b.turnaround_ms)),
        pair(
            "Sample",
            format!("{} tasks, {} to {}", b.sample, b.sampled_from, b.sampled_to),
        ),
        pair("Method", format!("{}, by {}", b.method, b.captured_by)),
    ];
    if b.after_launch {
        out.push(pair("Captured", "after the first run had ended".to_owned()));
    }
    out
}

fn told_limit(l: &tuesday_engine::ops::LimitState) -> Vec<(String, String)> {
    let pair = |a: &str, b: String| (a.to_owned(), b);
    let sum = |n| cash(n, &l.currency);
    let mut out = vec![
        pair("Limit", format!("{} a {}", sum(l.stop_micros), l.period)),
        pair("Spent", format!("{} in {}", sum(l.spent_micros), l.now)),
    ];
    if l.assumed_micros > 0 {
        out.push(pair("Assumed at most", sum(l.assumed_micros)));
    }
    if let Some(warn) = l.warn_micros {
        out.push(pair("The owner is told at", sum(warn)));
    }
    let act = if l.stopped {
        format!("{}; reached, runs wait", l.act)
    } else {
        l.act.to_string()
    };
    out.push(pair("At the limit", act));
    out.push(pair("Set by", format!("{}: {}", l.set_by, l.reason)));
    out
}

/// The page.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<CostQuery>,
) -> Result<Response, PageError> {
    html(&drawn(&app, &visit, &name, q, (Vec::new(), None)).await?)
}

/// Back to the page with a word, or the page again with what was refused.
pub(super) async fn answer(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    form: PostForm,
    done: Result<&'static str, Problem>,
) -> Result<Response, PageError> {
    let address = format!("/workflows/{name}/costs");
    match done {
        Ok(words) => {
            app.sessions.tell(&form.user, words.to_owned());
            Ok(Redirect::to(&address).into_response())
        }
        Err(p) => {
            let code = status(&p);
            let typed = form.fields.clone();
            let visit = Visit::after(form.user, address, headers);
            let page = drawn(app, &visit, name, CostQuery::default(), (typed, Some(p))).await?;
            let mut answer = html(&page)?;
            *answer.status_mut() = code;
            Ok(answer)
        }
    }
}

/// Somebody enters a cost.
pub(crate) async fn enter(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let t = |field: &str| form.text(field).unwrap_or_default();
    let fields = [
        "category",
        "from",
        "to",
        "amount",
        "currency",
        "minutes",
        "person",
        "vendor",
        "words",
        "reference",
    ]
    .map(t);
    let typed = Typed {
        category: &fields[0],
        workflow: &name,
        from: &fields[1],
        to: &fields[2],
        amount: &fields[3],
        currency: if fields[3].is_empty() { "" } else { &fields[4] },
        minutes: &fields[5],
        person: &fields[6],
        vendor: &fields[7],
        bucket: "",
        words: &fields[8],
        reference: &fields[9],
    };
    let by = form.user.session.person.clone();
    let done = match typed.read() {
        Ok(new) => app.engine.enter_cost(new, &by).await.map(|_| "Entered"),
        Err((field, why)) => Err(Problem::new("cost_invalid", why).field(field)),
    };
    answer(&app, &name, &headers, form, done).await
}

/// Somebody takes an entry back.
pub(crate) async fn reverse(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let id: CostEntryId = query::id(&id)?;
    let (reason, by) = (
        form.text("reason").unwrap_or_default(),
        form.user.session.person.clone(),
    );
    let done = app.engine.reverse_cost(id, &reason, &by).await;
    answer(&app, &name, &headers, form, done.map(|_| "Taken back")).await
}

/// Somebody captures the baseline.
pub(crate) async fn baseline(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = form.user.session.person.clone();
    let done = match baseline_of(&form) {
        Ok(new) => app.engine.capture_baseline(&name, new, &by).await,
        Err(p) => Err(p),
    };
    answer(&app, &name, &headers, form, done.map(|_| "Captured")).await
}

fn baseline_of(form: &PostForm) -> Result<NewBaseline, Problem> {
    let text = |field: &'static str| form.text(field).unwrap_or_default();
    let bad = |field: &'static str, why: String| Problem::new("cost_invalid", why).field(field);
    let number = |field: &'static str| {
        let text = text(field);
        text.parse::<u64>()
            .map_err(|_| bad(field, format!("`{text}` is not a whole number")))
    };
    // Millionths of a minute, so that halves are exact.
    let minutes = |field: &'static str| {
        let micros = amount(&text(field)).map_err(|e| bad(field, e))?;
        Ok::<u64, Problem>(u64::try_from(micros).unwrap_or(0) * 60 / 1_000)
    };
    let day = |field: &'static str| Day::parse(&text(field)).map_err(|e| bad(field, e.to_string()));
    Ok(NewBaseline {
        sample: number("sample")?,
        handling_ms: minutes("handling")?,
        errors: number("errors")?,
        turnaround_ms: minutes("turnaround")?,
        method: text("method"),
        from: day("sampled_from")?,
        to: day("sampled_to")?,
    })
}

/// Somebody sets the spend limit.
pub(crate) async fn limit(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let text = |field: &str| form.text(field).unwrap_or_default();
    let (warn, by, reason) = (
        form.text("warn"),
        form.user.session.person.clone(),
        text("limit_reason"),
    );
    let new = limit_of(
        &text("period"),
        &text("stop"),
        warn.as_deref(),
        &text("limit_currency"),
        &text("act"),
    );
    let done = match new {
        Ok(new) => app
            .engine
            .set_spend_limit(&name, new, &reason, &by)
            .await
            .map(|_| "Set"),
        Err(p) => Err(p),
    };
    answer(&app, &name, &headers, form, done).await
}
