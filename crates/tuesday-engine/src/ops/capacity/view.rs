//! The capacity of a workflow as people see it: hours, load, forecast with its inputs, how well the
//! forecast did, what the response did, and what time is left over.

use serde::Serialize;
use tuesday_domain::capacity::{CapacitySpec, LoadForecast, LoadState, back_cast};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::value::Saved;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CapacityPlan;

use super::picture::{InForce, PersonHours, Picture};
use super::respond::{NET_DAYS, last_days};
use crate::engine::{Engine, read_problem};

/// Whole weeks that are looked back at.
const WEEKS: i64 = 12;

/// The plan in force and where it comes from.
#[derive(Clone, Debug, Serialize)]
pub struct DeclaredCapacity {
    /// Version of the live setting; absent when the package declares it.
    pub version: Option<u32>,
    /// Who set it.
    pub set_by: Option<String>,
    /// When, RFC 3339.
    pub set_at: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The plan.
    pub plan: CapacitySpec,
}

/// A version of the live setting.
#[derive(Clone, Debug, Serialize)]
pub struct OldCapacity {
    /// Its number.
    pub version: u32,
    /// Who set it.
    pub set_by: String,
    /// When, RFC 3339.
    pub set_at: String,
    /// Why.
    pub reason: String,
}

/// One whole week behind: what came, what people had, what had been said before it.
#[derive(Clone, Debug, Serialize)]
pub struct LoadWeek {
    /// Its Monday.
    pub week: Day,
    /// Runs received.
    pub arrivals: u64,
    /// Tasks for people.
    pub tasks: u64,
    /// Time in view, in milliseconds, of the decisions that were measured.
    pub spent_ms: i64,
    /// Decisions that were measured.
    pub timed: u64,
    /// The work that came, in milliseconds: tasks times what one took.
    pub came_ms: Option<i64>,
    /// What the method would have said before it.
    pub said_ms: Option<i64>,
    /// How far that was off, in millionths of what came; absent without either.
    pub error_ppm: Option<i64>,
    /// Time people have in a week by the present plan.
    pub capacity_ms: i64,
}

/// Everything about a workflow's capacity.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// What it is called.
    pub label: &'static str,
    /// The stage in force.
    pub stage: String,
    /// The day in the workflow's time zone.
    pub today: Day,
    /// The plan in force; absent when nobody declared any.
    pub declared: Option<DeclaredCapacity>,
    /// Earlier live settings, the newest first.
    pub history: Vec<OldCapacity>,
    /// Whose hours.
    pub people: Vec<PersonHours>,
    /// Load against capacity; absent without a plan.
    pub forecast: Option<LoadForecast>,
    /// How the load passes the limit.
    pub over: Option<String>,
    /// What was outside the rollout in the last 28 days, by what it was.
    pub outside: std::collections::BTreeMap<String, u64>,
    /// What the response did.
    pub state: LoadState,
    /// Weeks behind, the oldest first.
    pub weeks: Vec<LoadWeek>,
    /// The days net time is judged over.
    pub net_days: Days,
    /// Net time saved over them, line by line.
    pub net: Saved,
}

fn week(picture: &Picture, spec: Option<&CapacitySpec>, monday: Day) -> LoadWeek {
    let days = picture.days.iter().chain([&picture.now]);
    let within = days.filter(|d| d.day >= monday && d.day < monday.plus(7));
    let (mut arrivals, mut tasks, mut spent_ms, mut timed) = (0, 0, 0, 0);
    for d in within {
        arrivals += d.arrivals;
        tasks += d.tasks;
        spent_ms += d.spent_ms;
        timed += d.timed;
    }
    let compared = spec.and_then(|s| back_cast(s, &picture.days, monday));
    let (said_ms, came_ms) = compared.unzip();
    LoadWeek {
        week: monday,
        arrivals,
        tasks,
        spent_ms,
        timed,
        error_ppm: compared
            .filter(|(_, came)| *came > 0)
            .and_then(|(said, came)| tuesday_domain::ledger::mul_div(said - came, 1_000_000, came)),
        came_ms,
        said_ms,
        capacity_ms: picture
            .people
            .iter()
            .filter(|p| p.not_counted.is_none())
            .map(|p| p.week_ms.iter().sum::<i64>())
            .sum(),
    }
}

fn declared(plan: &InForce) -> DeclaredCapacity {
    let of = |get: fn(&CapacityPlan) -> String| plan.row.as_ref().map(get);
    DeclaredCapacity {
        version: plan.row.as_ref().map(|r| r.version),
        set_by: of(|r| r.set_by.clone()),
        set_at: of(|r| r.set_at.rfc3339()),
        reason: of(|r| r.reason.clone()),
        plan: plan.spec.clone(),
    }
}

impl Engine {
    /// The capacity of a workflow now.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn capacity(&self, name: &str) -> Result<Capacity, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let plan = self.plan_in_force(name, &live).await?;
        // Without a plan the days behind are still shown.
        let nothing = CapacitySpec {
            minutes_per_task: 0.0,
            least_tasks: u32::MAX,
            least_days: u32::MAX,
            limit_percent: 100,
            net_days: NET_DAYS,
            person: Vec::new(),
            response: tuesday_domain::capacity::ResponseSpec::default(),
            sample: None,
        };
        let spec = plan.as_ref().map_or(&nothing, |p| &p.spec);
        let back = 7 * (WEEKS + 1) + super::picture::BACK;
        let scope = row.rollout.scope.clone();
        let picture = self.load_picture(&row, &live, spec, &scope, back).await?;
        let picture = self.assuming(picture, &live).await?;
        let today = picture.today;
        let days = last_days(spec.net_days, today);
        let history = self.0.reader.capacity_plans(name, 20).await;
        let history = history.map_err(read_problem)?;
        let net = Box::pin(self.net_saved(name, days)).await?;
        let forecast = plan.as_ref().map(|p| picture.forecast(&p.spec, 1.0));
        let first = today.monday().plus(-7 * WEEKS);
        let of = plan.as_ref().map(|p| &p.spec);
        Ok(Capacity {
            workflow: row.name.clone(),
            title: row.title.clone(),
            label: row.label.word(),
            stage: row.stage_in_force().to_string(),
            today,
            over: forecast.as_ref().and_then(|f| f.over(spec.limit_percent)),
            forecast,
            declared: plan.as_ref().map(declared),
            history: history
                .into_iter()
                .map(|p| OldCapacity {
                    version: p.version,
                    set_by: p.set_by,
                    set_at: p.set_at.rfc3339(),
                    reason: p.reason,
                })
                .collect(),
            weeks: (0..WEEKS)
                .map(|n| week(&picture, of, first.plus(7 * n)))
                .collect(),
            people: picture.people,
            outside: picture.outside,
            state: row.rollout.load,
            net_days: days,
            net,
        })
    }
}
