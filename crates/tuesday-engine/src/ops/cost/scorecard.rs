//! The scorecard of a workflow: what it saves, what it costs, how often it is wrong, how long it takes,
//! what people still have to do; each figure with how it is known and where its records are.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::ledger::claims::{Entered, friction, month_to, upkeep_shown};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::{DayFigures, Money};
use tuesday_domain::ledger::interval::share_ppm;
use tuesday_domain::ledger::report::{By, Costs, merged};
use tuesday_domain::ledger::shown::{Shown, Standing, Unit};
use tuesday_domain::ledger::told;
use tuesday_domain::ledger::value::{Errors, Saved, errors, saved, turnaround};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{BaselineRow, DayRow};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_domain::workflow::Label;
use tuesday_store::Asked;

use super::LimitState;
use super::SuccessMetric;
use super::judged::{JudgedRelease, judged};
use super::report::{Gathered, NamedCosts};
use super::upkeep::Claims;
use crate::engine::{Engine, read_problem};

/// Weeks a trend looks back.
const WEEKS: i64 = 12;

/// A part of the time from receipt to receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartTime {
    /// Stable name.
    pub key: &'static str,
    /// For people.
    pub title: &'static str,
    /// Half take no longer, in milliseconds, to within 0.8 %.
    pub p50_ms: Option<u64>,
    /// Nineteen of twenty take no longer.
    pub p95_ms: Option<u64>,
    /// Ninety-nine of a hundred take no longer.
    pub p99_ms: Option<u64>,
}

/// One week in the trend.
#[derive(Clone, Debug, Serialize)]
pub struct Week {
    /// Its Monday.
    pub week: Day,
    /// It is not a whole week: not over yet, or the span ends within it. Not to be compared with whole ones.
    pub so_far: bool,
    /// Runs received.
    pub runs: u64,
    /// Of them, resolved.
    pub resolved: u64,
    /// Of them, put before a person.
    pub exceptions: u64,
    /// By reason.
    pub reasons: BTreeMap<String, u64>,
    /// What it cost, by currency.
    pub total: Money,
    /// What a resolved task cost; absent without any.
    pub per_task: Option<Money>,
    /// Time saved, net; absent where it cannot be computed.
    pub net_ms: Option<i64>,
    /// Half take no longer.
    pub p50_ms: Option<u64>,
    /// Nineteen of twenty take no longer.
    pub p95_ms: Option<u64>,
}

/// The scorecard.
#[derive(Clone, Debug, Serialize)]
pub struct Scorecard {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// What the workflow is called now.
    pub label: Label,
    /// The span.
    pub days: Days,
    /// The one success metric; absent while the charter states none.
    pub metric: Option<SuccessMetric>,
    /// The figures in order.
    pub figures: Vec<Shown>,
    /// How the saved time is made up.
    pub saved: Saved,
    /// Wrong results, before and now.
    pub errors: Errors,
    /// From receipt to receipt, in parts.
    pub turnaround: Vec<PartTime>,
    /// Why people had to look, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// What it cost.
    pub costs: Costs,
    /// What is lacking in it.
    pub lacks: Vec<String>,
    /// By release.
    pub releases: Vec<NamedCosts>,
    /// By who looked.
    pub tiers: Vec<NamedCosts>,
    /// What went alone and was wrong, and what was held back and was right, by release.
    pub judged: Vec<JudgedRelease>,
    /// Week by week, the oldest first.
    pub weeks: Vec<Week>,
    /// What the savings rest on.
    pub baseline: Option<String>,
    /// The spend limit and where it stands.
    pub limit: Option<LimitState>,
}

/// The page of runs of a kind.
fn runs(workflow: &str, days: Days, kind: &str) -> String {
    format!(
        "/runs?workflow={workflow}&from={}&to={}&kind={kind}",
        days.from, days.to
    )
}

fn costs_page(workflow: &str, days: Days) -> String {
    format!(
        "/workflows/{workflow}/costs?from={}&to={}",
        days.from, days.to
    )
}

impl Engine {
    /// The scorecard over these days, with twelve weeks of trend up to their end.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn scorecard(&self, workflow: &str, days: Days) -> Result<Scorecard, Problem> {
        let (row, live) = self.live(workflow).await?;
        let lead = self.lead_times(workflow, days, &live.ready.zone).await?;
        let today = self.today(Some(workflow)).await?;
        let first = days.to.monday().plus(-7 * (WEEKS - 1));
        let all = Days {
            from: first.min(days.from),
            to: days.to,
        };
        let (gathered, baseline, limit, titles, asked, claims) = tokio::try_join!(
            Box::pin(self.gathered(Some(workflow), None, all)),
            self.baseline(workflow),
            self.spend_state(workflow),
            self.release_titles(workflow),
            Box::pin(self.support_asked(workflow, days)),
            self.claims(workflow),
        )?;
        let figures = merged(within(&gathered.rows, days));
        let costs = gathered.report(days, By::Nothing).total;
        let saved = saved(&figures, baseline.as_ref(), gathered.upkeep_ms(days));
        let errors = errors(&figures, baseline.as_ref());
        let mut shown = vec![saved_shown(&saved, workflow, days)];
        shown.extend(cost_shown(&costs, workflow, days));
        shown.extend(quality_shown(&errors, workflow, days));
        let (all, releases) = judged(within(&gathered.rows, days), &titles, workflow, days);
        shown.extend([all.acted, all.held]);
        shown.extend(speed_shown(&figures, baseline.as_ref(), workflow, days));
        shown.extend(work_shown(&figures, workflow, days));
        shown.extend(lead_shown(&lead, workflow, days));
        shown.extend(support_shown(asked, workflow, days));
        shown.extend(upkeep(&gathered, &claims, workflow, days.to));
        let friction = friction(
            &figures,
            baseline.as_ref(),
            days,
            claims.friction.as_deref(),
        );
        shown.push(friction.behind(runs(workflow, days, "ended")));
        let named = |by: By| {
            let groups = gathered.report(days, by).groups.into_iter();
            groups
                .map(|(key, costs)| NamedCosts {
                    name: titles.get(&key).cloned().unwrap_or_else(|| key.clone()),
                    key,
                    costs,
                })
                .collect()
        };
        Ok(Scorecard {
            workflow: workflow.to_owned(),
            title: row.title.clone(),
            label: row.label,
            days,
            metric: SuccessMetric::of(claims.metric.as_deref(), &figures, workflow, days),
            turnaround: parts(&figures),
            reasons: figures.exceptions.clone(),
            lacks: costs.lacks(),
            releases: named(By::Release),
            tiers: named(By::Tier),
            judged: releases,
            weeks: (0..WEEKS)
                .map(|n| first.plus(7 * n))
                .map(|monday| week(&gathered, monday, (days.to, today), baseline.as_ref()))
                .collect(),
            baseline: baseline.as_ref().map(cited),
            figures: shown,
            saved,
            errors,
            costs,
            limit,
        })
    }
}

impl Engine {
    /// What was counted over these days.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub(crate) async fn day_figures(
        &self,
        workflow: &str,
        days: Days,
    ) -> Result<DayFigures, Problem> {
        let gathered = self.gathered(Some(workflow), None, days).await?;
        Ok(merged(within(&gathered.rows, days)))
    }

    /// From approval to live, in milliseconds, the shortest first.
    async fn lead_times(
        &self,
        workflow: &str,
        days: Days,
        zone: &Zone,
    ) -> Result<Vec<u64>, Problem> {
        let moment = |day: Day| {
            zone.moment(&format!("{day}T00:00:00"))
                .map_err(|e| Problem::new("bad_request", e.to_string()))
        };
        let (from, to) = (moment(days.from)?, moment(days.to.plus(1))?);
        let found = self.0.reader.lead_times(workflow, from, to).await;
        let waited = |(approved, live): (Timestamp, Timestamp)| {
            u64::try_from(live.since(approved).as_millis()).unwrap_or(u64::MAX)
        };
        let mut out: Vec<u64> = found
            .map_err(read_problem)?
            .into_iter()
            .map(waited)
            .collect();
        out.sort_unstable();
        Ok(out)
    }

    /// What people asked about the outputs on these days of the workflow's time zone.
    async fn support_asked(&self, workflow: &str, days: Days) -> Result<Asked, Problem> {
        let span = self.moments_of(workflow, days).await?;
        let found = self.0.reader.asked_about(workflow, span).await;
        found.map_err(read_problem)
    }

    /// Net time saved over these days, line by line.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub(crate) async fn net_saved(&self, workflow: &str, days: Days) -> Result<Saved, Problem> {
        let (gathered, baseline) = tokio::try_join!(
            self.gathered(Some(workflow), None, days),
            self.baseline(workflow)
        )?;
        let figures = merged(within(&gathered.rows, days));
        Ok(saved(&figures, baseline.as_ref(), gathered.upkeep_ms(days)))
    }
}

pub(super) fn within(rows: &[DayRow], days: Days) -> impl Iterator<Item = &DayRow> {
    rows.iter()
        .filter(move |r| Day::parse(&r.day).is_ok_and(|day| days.has(day)))
}

/// What a figure that rests on the baseline says about it.
fn cited(b: &BaselineRow) -> String {
    let late = if b.after_launch {
        "; captured after the first run had ended"
    } else {
        ""
    };
    format!(
        "baseline {}: {} tasks by hand from {} to {}, {}, captured by {}{late}",
        b.version, b.sample, b.sampled_from, b.sampled_to, b.method, b.captured_by
    )
}

fn saved_shown(saved: &Saved, workflow: &str, days: Days) -> Shown {
    let shown = saved.net.clone();
    let kind = if shown.low.is_some() {
        "untimed"
    } else {
        "ended"
    };
    shown.behind(runs(workflow, days, kind))
}

fn cost_shown(costs: &Costs, workflow: &str, days: Days) -> Vec<Shown> {
    // The kinds of cost, each with the records behind it: entries, and runs.
    let page = format!(
        "/workflows/{workflow}/scorecard?from={}&to={}#cost",
        days.from, days.to
    );
    let means = "everything in the ledger, divided by the resolved tasks; unresolved runs cost too";
    let (key, title) = ("cost_per_task", "Cost of a resolved task");
    let lacks = costs.lacks();
    let mut out: Vec<Shown> = match &costs.per_task {
        None => {
            vec![Shown::missing(key, title, Unit::Money, "no resolved tasks").behind(page.clone())]
        }
        Some(each) if each.is_empty() && lacks.is_empty() => {
            let none = "no cost is known: the model is built in, nothing was entered";
            vec![Shown::missing(key, title, Unit::Money, none).behind(page.clone())]
        }
        Some(each) if each.is_empty() => {
            let none = format!("no cost is known: {}", lacks.join("; "));
            vec![Shown::missing(key, title, Unit::Money, &none).behind(page.clone())]
        }
        Some(each) => each
            .iter()
            .map(|(currency, micros)| {
                let shown = Shown::measured(key, title, Unit::Money, *micros, means);
                shown.of(currency).behind(page.clone())
            })
            .collect(),
    };
    for shown in out.iter_mut().filter(|s| s.value.is_some()) {
        if !lacks.is_empty() {
            // Only upwards: what is lacking can only add to it.
            shown.low = shown.value;
            shown.standing = Standing::Estimated;
            shown.means = format!("at least; {}", lacks.join("; "));
        }
    }
    out
}

fn quality_shown(errors: &Errors, workflow: &str, days: Days) -> Vec<Shown> {
    let ledger = format!("/workflows/{workflow}/costs#baseline");
    vec![
        errors.after.clone().behind(runs(workflow, days, "looked")),
        errors.before.clone().behind(ledger.clone()),
        errors.change.clone().behind(ledger),
    ]
}

/// Speed, apart from quality: by hand, now, and the difference; and how long nearly all take.
fn speed_shown(
    f: &DayFigures,
    baseline: Option<&BaselineRow>,
    workflow: &str,
    days: Days,
) -> [Shown; 4] {
    let (ledger, page) = (
        format!("/workflows/{workflow}/costs#baseline"),
        runs(workflow, days, "resolved"),
    );
    let [before, half, change] = turnaround(f, baseline);
    let (key, title) = ("turnaround_p95", "19 of 20 are done within");
    let most = match f.total.percentile(95) {
        Some(ms) => {
            let means = "resolved runs, from receipt to receipt; to within 0.8 %";
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            Shown::measured(key, title, Unit::Time, ms, means)
        }
        None => Shown::missing(key, title, Unit::Time, "not measured: no resolved tasks"),
    };
    [
        before.behind(ledger.clone()),
        half.behind(page.clone()),
        change.behind(ledger),
        most.behind(page),
    ]
}

fn work_shown(f: &DayFigures, workflow: &str, days: Days) -> Vec<Shown> {
    let count = |key, title, n: u64, means: &str, kind: &str| {
        let value = i64::try_from(n).unwrap_or(i64::MAX);
        Shown::measured(key, title, Unit::Count, value, means).behind(runs(workflow, days, kind))
    };
    let asked = f.exception_count();
    let share = match share_ppm(asked, f.runs) {
        Some(ppm) => {
            let (some, all) = (told::count(asked), told::count(f.runs));
            let means = format!("{some} of {all} runs were put before a person");
            Shown::measured(
                "exception_rate",
                "Put before a person",
                Unit::Share,
                ppm,
                &means,
            )
        }
        None => Shown::missing(
            "exception_rate",
            "Put before a person",
            Unit::Share,
            "no runs",
        ),
    };
    vec![
        share.behind(runs(workflow, days, "exception")),
        count("runs", "Runs", f.runs, "received in these days", "all"),
        count(
            "resolved",
            "Resolved",
            f.resolved,
            "written back, or a draft placed",
            "resolved",
        ),
        count(
            "open",
            "Not ended",
            f.open,
            "counted as open, not left out",
            "open",
        ),
    ]
}

/// How long approved releases waited until they were live, and how many a day there were.
fn lead_shown(waited_ms: &[u64], workflow: &str, days: Days) -> Vec<Shown> {
    let page = format!("/workflows/{workflow}/releases");
    let means = "releases that went live in these days, from their approval until they were live";
    let time = |key, title: &str, percent: usize| {
        // The nearest rank: with few releases the higher one.
        let place = (waited_ms.len() * percent).div_ceil(100).saturating_sub(1);
        let shown = match waited_ms.get(place) {
            Some(ms) => {
                let ms = i64::try_from(*ms).unwrap_or(i64::MAX);
                Shown::measured(key, title, Unit::Time, ms, means)
            }
            None => Shown::missing(key, title, Unit::Time, "no release went live"),
        };
        shown.behind(page.clone())
    };
    let all = waited_ms.len();
    let span = usize::try_from(days.count()).unwrap_or(1).max(1);
    let hundredths = all * 100 / span;
    let a_day = format!(
        "went live in {span} days: {}.{:02} a day",
        hundredths / 100,
        hundredths % 100
    );
    let value = i64::try_from(all).unwrap_or(i64::MAX);
    vec![
        time(
            "lead_p50",
            "Half of the approved releases are live within",
            50,
        ),
        time("lead_p95", "19 of 20 approved releases are live within", 95),
        Shown::measured("released", "Releases", Unit::Count, value, &a_day).behind(page.clone()),
    ]
}

impl Engine {
    /// From the first moment of the first day to that of the day after the last one, in the workflow's time
    /// zone, or in UTC.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn moments(
        &self,
        workflow: Option<&str>,
        days: Days,
    ) -> Result<(Timestamp, Timestamp), Problem> {
        match workflow {
            Some(name) => self.moments_of(name, days).await,
            None => {
                let zone = Zone::named("UTC");
                moments(
                    days,
                    &zone.map_err(|e| Problem::new("internal", e.to_string()))?,
                )
            }
        }
    }

    /// As [`Engine::moments`], of one workflow.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn moments_of(
        &self,
        workflow: &str,
        days: Days,
    ) -> Result<(Timestamp, Timestamp), Problem> {
        let (_, live) = self.live(workflow).await?;
        moments(days, &live.ready.zone)
    }
}

/// From the first moment of the first day to that of the day after the last one, there.
fn moments(days: Days, zone: &Zone) -> Result<(Timestamp, Timestamp), Problem> {
    let start = |day: Day| {
        let found = zone.moment(&format!("{day}T00:00"));
        found.map_err(|e| Problem::new("internal", e.to_string()))
    };
    Ok((start(days.from)?, start(days.to.plus(1))?))
}

/// How often people asked for help with the outputs, and what the answers took. What nobody has timed
/// is not there, so the time is a lower end.
fn support_shown(asked: Asked, workflow: &str, days: Days) -> [Shown; 2] {
    let page = format!(
        "/problem-reports?state=all&workflow={workflow}&from={}&to={}",
        days.from, days.to
    );
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let means = "problem reports that came in on these days";
    let (key, title) = ("support_requests", "Support requests");
    let count = Shown::measured(key, title, Unit::Count, number(asked.reports), means);
    let means = format!(
        "{} of {} answered with the minutes it took",
        asked.timed, asked.reports
    );
    let (key, title) = ("support_time", "Time for support");
    let time = if asked.reports > 0 && asked.timed == 0 {
        Shown::missing(key, title, Unit::Time, &means)
    } else {
        let ms = number(asked.minutes.saturating_mul(60_000));
        let time = Shown::measured(key, title, Unit::Time, ms, &means);
        if asked.timed < asked.reports {
            // The others took time as well: nobody knows how much.
            Shown {
                low: Some(ms),
                standing: Standing::Estimated,
                means: format!("at least: {means}"),
                ..time
            }
        } else {
            time
        }
    };
    [count.behind(page.clone()), time.behind(page)]
}

/// Hours and cost of upkeep in the month of the last day, up to that day.
fn upkeep(g: &Gathered, claims: &Claims, workflow: &str, last: Day) -> [Shown; 2] {
    let month = month_to(last);
    let costs = g.report(month, By::Nothing).total;
    let entered = Entered::of(&g.entries, month);
    let page = format!("{}&category=maintenance", costs_page(workflow, month));
    upkeep_shown(&costs, entered, month, claims.budget.as_ref()).map(|s| s.behind(page.clone()))
}

fn parts(f: &DayFigures) -> Vec<PartTime> {
    let part = |key, title, h: &tuesday_domain::ledger::histogram::Histogram| PartTime {
        key,
        title,
        p50_ms: h.percentile(50),
        p95_ms: h.percentile(95),
        p99_ms: h.percentile(99),
    };
    vec![
        part("total", "From receipt to receipt", &f.total),
        part("queue", "Waiting for a machine", &f.queue),
        part("model", "At the model, each call", &f.model),
        part("review", "With people", &f.review),
        part("write", "At the destination", &f.write),
    ]
}

/// A week up to the last day that is asked about.
fn week(
    g: &Gathered,
    monday: Day,
    (last, today): (Day, Day),
    baseline: Option<&BaselineRow>,
) -> Week {
    let sunday = monday.plus(6);
    let days = Days {
        from: monday,
        to: sunday.min(last),
    };
    let f = merged(within(&g.rows, days));
    let costs = g.report(days, By::Nothing).total;
    Week {
        week: monday,
        so_far: sunday > last || sunday >= today,
        runs: f.runs,
        resolved: f.resolved,
        exceptions: f.exception_count(),
        net_ms: saved(&f, baseline, g.upkeep_ms(days)).net.value,
        p50_ms: f.total.percentile(50),
        p95_ms: f.total.percentile(95),
        reasons: f.exceptions,
        total: costs.total,
        per_task: costs.per_task,
    }
}
