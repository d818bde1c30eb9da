//! "What happened to Tuesday's batch?": one day of one workflow in its own time zone, where the counts
//! add up and each leads to its runs.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::run::Outcome;
use tuesday_domain::time::{Timestamp, parse_day};
use tuesday_engine::ops::{Batch, Egress, ReasonOwner};

use super::html;
use super::shell::Shell;
use super::views::Pair;
use super::visit::Visit;
use super::words::{code, count, due, plural};
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Which day; today in the workflow's time zone unless said.
#[derive(Deserialize)]
pub(crate) struct Day {
    #[serde(default)]
    day: String,
}

struct Part {
    words: String,
    tone: &'static str,
    runs: String,
    share: String,
    width: u64,
    href: String,
}

struct Open {
    subject: String,
    href: String,
    why: String,
    owner: String,
    due: String,
    due_tone: &'static str,
}

struct Why {
    why: String,
    owner: String,
    runs: String,
    open: u64,
    href: String,
}

/// One way out that runs of the day took.
struct Left {
    to: String,
    place: String,
    fields: String,
    requests: String,
    release: u32,
}

struct Made {
    release: String,
    model: String,
    rules: String,
    runs: String,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct BatchPage {
    shell: Shell,
    name: String,
    title: String,
    day: String,
    weekday: String,
    zone: String,
    before: String,
    after: String,
    told: String,
    total: String,
    refused: u64,
    parts: Vec<Part>,
    open: Vec<Open>,
    reasons: Vec<Why>,
    left: Vec<Left>,
    versions: Vec<Made>,
    cost: Vec<Pair>,
}

/// The day.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<Day>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let (w, live) = app.engine.live(&name).await?;
    let now = app.engine.now();
    let day = if q.day.is_empty() {
        live.ready.zone.day(now)
    } else {
        parse_day(&q.day).map_err(|e| Problem::new("bad_request", e.to_string()).field("day"))?
    };
    let mut batch = app.engine.batch(&name, &day).await?;
    app.engine.veil_batch(&visit.user.rights, &mut batch).await;
    let people = app.engine.reader().people().await?;
    let person = |handle: &str| {
        let known = people.iter().find(|p| p.handle == handle);
        known.map_or_else(|| handle.to_owned(), |p| p.name.clone())
    };
    let (weekday, before, after) = around(&day)?;
    let title = format!("{weekday}'s batch");
    html(&BatchPage {
        shell: visit
            .shell(&app, title, "workflows", Some(name.clone()))
            .await?,
        title: w.title.clone(),
        told: told(&batch),
        total: count(batch.intake),
        refused: batch.refused,
        parts: parts(&batch),
        open: batch.open.iter().map(|o| open(o, now, &person)).collect(),
        reasons: batch
            .reasons
            .iter()
            .map(|r| why(&batch, r, &person))
            .collect(),
        left: batch.egress.iter().map(left).collect(),
        versions: batch.versions.iter().map(made).collect(),
        cost: cost(&batch),
        zone: batch.time_zone,
        name,
        day,
        weekday,
        before,
        after,
    })
}

/// The name of the day, the day before and the day after.
fn around(day: &str) -> Result<(String, String, String), Problem> {
    let bad = |e: jiff::Error| Problem::new("bad_request", e.to_string()).field("day");
    let date: jiff::civil::Date = day.parse().map_err(bad)?;
    let (before, after) = (
        date.yesterday().map_err(bad)?,
        date.tomorrow().map_err(bad)?,
    );
    Ok((
        date.strftime("%A").to_string(),
        before.to_string(),
        after.to_string(),
    ))
}

fn told(batch: &Batch) -> String {
    if batch.intake == 0 {
        return "Nothing came in.".to_owned();
    }
    let open = batch.open.len() as u64;
    let with = match open {
        0 => "nothing of it waits for a person".to_owned(),
        1 => "1 case waits for a person".to_owned(),
        n => format!("{} cases wait for a person", count(n)),
    };
    format!("{} came in; {with}.", plural(batch.intake, "run"))
}

/// Ended runs by outcome, the others by where they stand; each leads to exactly those.
fn parts(batch: &Batch) -> Vec<Part> {
    let all = batch.intake.max(1);
    let part = |(word, &runs): (&String, &u64)| {
        let ended = word.parse::<Outcome>().is_ok();
        let pairs = [
            ("workflow", batch.workflow.as_str()),
            ("day", &batch.day),
            (if ended { "outcome" } else { "status" }, word),
        ];
        Part {
            words: code(word),
            tone: match word.as_str() {
                "written_back" | "draft_placed" => "ok",
                "failed" => "bad",
                "in_review" | "waiting_input" | "held" => "warn",
                _ => "plain",
            },
            runs: count(runs),
            share: format!("{} %", runs * 100 / all),
            width: runs * 100 / all,
            href: format!("/runs{}", query::query(&pairs)),
        }
    };
    batch.outcomes.iter().map(part).collect()
}

fn open(
    o: &tuesday_engine::ops::OpenCase,
    now: Timestamp,
    person: &impl Fn(&str) -> String,
) -> Open {
    let left = o.due_at.as_deref().and_then(|t| Timestamp::parse(t).ok());
    let left = left.map(|t| due(t, now));
    Open {
        subject: o.subject.clone(),
        href: match &o.review {
            Some(review) => format!("/reviews/{review}"),
            None => format!("/runs/{}", o.run),
        },
        why: code(o.reason.unwrap_or(o.status)),
        owner: person(&o.owner),
        due_tone: left.as_ref().map_or("plain", |d| d.tone),
        due: left.map_or_else(|| "no due time".to_owned(), |d| d.words),
    }
}

fn why(batch: &Batch, r: &ReasonOwner, person: &impl Fn(&str) -> String) -> Why {
    let pairs = [
        ("workflow", batch.workflow.as_str()),
        ("day", &batch.day),
        ("kind", "exception"),
        ("reason", r.reason),
    ];
    Why {
        why: code(r.reason),
        owner: person(&r.owner),
        runs: count(r.runs),
        open: r.open,
        href: format!("/runs{}", query::query(&pairs)),
    }
}

fn left(e: &Egress) -> Left {
    let o = &e.outlet;
    let fields = o.fields.iter().map(|f| {
        let masked = if f.masked { ", masked" } else { "" };
        format!("{} ({}{masked})", f.name, f.class.word())
    });
    let fields: Vec<String> = fields.collect();
    Left {
        to: format!("{} ({})", o.system, o.kind.word()),
        place: if o.outside {
            o.place.clone()
        } else {
            format!("{}, inside", o.place)
        },
        fields: fields.join(", "),
        requests: e.requests.map_or_else(|| "not counted".to_owned(), count),
        release: e.release,
    }
}

fn made(v: &tuesday_engine::ops::Versions) -> Made {
    Made {
        release: v
            .number
            .map_or_else(|| v.release.clone(), |n| n.to_string()),
        model: v.model.clone().unwrap_or_default(),
        rules: v
            .rules_version
            .map_or_else(|| "not routed".to_owned(), |n| n.to_string()),
        runs: count(v.runs),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn cost(batch: &Batch) -> Vec<Pair> {
    let Some(currency) = &batch.currency else {
        return Vec::new();
    };
    let pair = super::views::pair;
    let sum = format!("{:.2} {currency}", batch.cost_micros as f64 / 1_000_000.0);
    let mut out = vec![pair("Cost".to_owned(), sum)];
    if batch.cost_unknown > 0 {
        let words = format!("{} without a known cost", plural(batch.cost_unknown, "run"));
        out.push(pair("Not counted".to_owned(), words));
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn days_have_names_and_neighbours() {
        let (name, before, after) = around("2026-11-17").unwrap();
        assert_eq!(
            (name.as_str(), before.as_str(), after.as_str()),
            ("Tuesday", "2026-11-16", "2026-11-18")
        );
        assert_eq!(around("2028-03-01").unwrap().1, "2028-02-29");
        assert!(around("2026-02-30").is_err());
    }
}
