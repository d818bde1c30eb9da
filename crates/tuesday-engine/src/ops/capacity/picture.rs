//! What a workflow's load is judged by at one moment: hours, days behind, what waits.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::capacity::{
    AssumedShare, CapacitySpec, DayLoad, History, Hours, LEAST_RUNS, LoadForecast, TaskTime,
    forecast,
};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::ledger::histogram::Histogram;
use tuesday_domain::ledger::report::merged;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CapacityPlan, Workflow};
use tuesday_domain::run::Reason;
use tuesday_domain::scope::Restriction;
use tuesday_store::DayState;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// Whole days that a forecast looks at.
pub(super) const BACK: i64 = 28;

/// One person's hours, and whether they count now.
#[derive(Clone, Debug, Serialize)]
pub struct PersonHours {
    /// Handle.
    pub person: String,
    /// For people.
    pub name: String,
    /// Only for this group.
    pub group: Option<String>,
    /// Milliseconds on each weekday, Monday first.
    pub week_ms: [i64; 7],
    /// Away until this day, in the workflow's time zone.
    pub away_until: Option<Day>,
    /// Why the hours do not count at all.
    pub not_counted: Option<String>,
}

impl PersonHours {
    /// The time on a day; the day of coming back counts.
    fn on(&self, day: Day, today: Day) -> i64 {
        let away = day >= today && self.away_until.is_some_and(|until| day < until);
        if away || self.not_counted.is_some() {
            return 0;
        }
        self.week_ms[day.weekday()]
    }
}

/// The plan in force.
pub(super) struct InForce {
    pub(super) spec: CapacitySpec,
    /// The live setting; absent when the package declares it.
    pub(super) row: Option<CapacityPlan>,
}

/// Everything a judgement rests on.
pub(super) struct Picture {
    pub(super) today: Day,
    pub(super) people: Vec<PersonHours>,
    pub(super) days: Vec<DayLoad>,
    pub(super) now: DayLoad,
    pub(super) outside: BTreeMap<String, u64>,
    pub(super) task: TaskTime,
    pub(super) waiting: u64,
    /// Runs of the live release in the last 28 days.
    pub(super) live_runs: u64,
    /// What is assumed of it while they are too few.
    pub(super) assumed: Option<AssumedShare>,
}

/// What a day's figures say about people's work.
fn day_load(state: &DayState) -> Option<DayLoad> {
    let day = Day::parse(&state.day).ok()?;
    let all = merged(state.rows.iter());
    let outside = all.exceptions.get(Reason::OutOfRollout.word()).copied();
    let asked = all.exception_count() - outside.unwrap_or(0);
    Some(DayLoad {
        day,
        arrivals: all.runs,
        tasks: asked + all.looks,
        timed: all.timed,
        spent_ms: i64::try_from(all.people_ms()).unwrap_or(i64::MAX),
    })
}

/// Days without a gap from the first that is known, up to the day before `today`; and today.
pub(super) fn whole_days(states: &[DayState], first: Day, today: Day) -> (Vec<DayLoad>, DayLoad) {
    let mut known: BTreeMap<Day, DayLoad> = states
        .iter()
        .filter_map(day_load)
        .map(|d| (d.day, d))
        .collect();
    let begin = known.keys().next().copied().map_or(first, |d| d.min(first));
    let count = today.since(begin).max(0);
    let mut take = |day: Day| known.remove(&day).unwrap_or(DayLoad::none(day));
    let days = (0..count).map(|n| take(begin.plus(n))).collect();
    (days, take(today))
}

impl Picture {
    /// Time people have on a day.
    pub(super) fn capacity_ms(&self, day: Day) -> i64 {
        self.people.iter().map(|p| p.on(day, self.today)).sum()
    }

    /// The forecast with tasks multiplied by `factor`.
    pub(super) fn forecast(&self, spec: &CapacitySpec, factor: f64) -> LoadForecast {
        let history = History {
            days: self.days.clone(),
            today: self.now.clone(),
            assumed: self.assumed.clone(),
        };
        let capacity = |day: Day| self.capacity_ms(day);
        forecast(spec, &history, self.task, &capacity, self.waiting, factor)
    }
}

impl Engine {
    /// The live setting, or what the package declares.
    pub(super) async fn plan_in_force(
        &self,
        name: &str,
        live: &LiveRelease,
    ) -> Result<Option<InForce>, Problem> {
        let newest = self.0.reader.capacity_plans(name, 1).await;
        let newest = newest.map_err(read_problem)?.into_iter().next();
        if let Some(row) = newest {
            let spec = serde_json::from_str(&row.plan).map_err(|e| {
                let words = format!("version {} of the capacity of {name}: {e}", row.version);
                Problem::new("record_damaged", words)
            })?;
            return Ok(Some(InForce {
                spec,
                row: Some(row),
            }));
        }
        let declared = live.ready.def.capacity.clone();
        Ok(declared.map(|spec| InForce { spec, row: None }))
    }

    /// Whose hours count for a scope.
    async fn hours_of(
        &self,
        spec: &CapacitySpec,
        live: &LiveRelease,
        scope: &Restriction,
    ) -> Result<Vec<PersonHours>, Problem> {
        let reader = &self.0.reader;
        let (people, absences) =
            tokio::try_join!(reader.people(), reader.absences()).map_err(read_problem)?;
        let (now, zone) = (self.now(), &live.ready.zone);
        let declared = &live.ready.def.rollout.scope.groups;
        let served = |group: &String| {
            [declared, &scope.groups]
                .iter()
                .all(|list| list.is_empty() || list.contains(group))
        };
        let one = |h: Hours| {
            let known = people.iter().find(|p| p.handle == h.person);
            let not_counted = match known {
                None => Some("nobody knows this person".to_owned()),
                Some(p) if !p.active => Some("deactivated".to_owned()),
                Some(_) => h
                    .group
                    .as_ref()
                    .filter(|g| !served(g))
                    .map(|g| format!("group {g} is not served")),
            };
            let away = absences.iter().find(|a| a.person == h.person);
            let away = away.filter(|a| a.until > now);
            PersonHours {
                name: known.map_or_else(|| h.person.clone(), |p| p.name.clone()),
                away_until: away.and_then(|a| Day::parse(&zone.day(a.until)).ok()),
                person: h.person,
                group: h.group,
                week_ms: h.week_ms,
                not_counted,
            }
        };
        Ok(spec.hours().into_iter().map(one).collect())
    }

    /// Reads what a judgement rests on: the figures of some dozens of days, never runs.
    pub(super) async fn load_picture(
        &self,
        row: &Workflow,
        live: &LiveRelease,
        spec: &CapacitySpec,
        scope: &Restriction,
        back: i64,
    ) -> Result<Picture, Problem> {
        let day = |t: &str| Day::parse(t).map_err(|e| Problem::new("internal", e.to_string()));
        let zone = &live.ready.zone;
        let today = day(&zone.day(self.now()))?;
        let installed = day(&zone.day(row.installed_at))?;
        let span = Days {
            from: today.plus(-back),
            to: today,
        };
        let (from, to) = (span.from.to_string(), span.to.to_string());
        let reader = &self.0.reader;
        let (states, waiting) = tokio::try_join!(
            reader.day_figures(Some(&row.name), None, (&from, &to)),
            reader.waiting_tasks(&row.name),
        )
        .map_err(read_problem)?;
        let first = installed.max(span.from);
        let (days, now) = whole_days(&states, first, today);
        let month = today.plus(-BACK).to_string();
        let recent: Vec<&DayState> = states.iter().filter(|s| s.day >= month).collect();
        let figures: DayFigures = merged(recent.iter().flat_map(|s| s.rows.iter()));
        let seen: &Histogram = &figures.seen;
        Ok(Picture {
            today,
            people: self.hours_of(spec, live, scope).await?,
            days,
            now,
            task: TaskTime::of(spec, seen),
            outside: figures.outside.clone(),
            waiting,
            live_runs: recent
                .iter()
                .flat_map(|s| &s.rows)
                .filter(|r| r.release == row.live_release)
                .map(|r| r.figures.runs)
                .sum(),
            assumed: None,
        })
    }

    /// The picture with the share of people that the live release's last evaluation said, while the
    /// release has too few runs of its own. For people who plan: what narrows a workflow by itself goes
    /// by what was measured.
    pub(super) async fn assuming(
        &self,
        picture: Picture,
        live: &LiveRelease,
    ) -> Result<Picture, Problem> {
        if picture.live_runs >= LEAST_RUNS {
            return Ok(picture);
        }
        let judged = self.newest_judgement(live.id).await?;
        let assumed = judged.ok().map(|(record, _)| AssumedShare {
            to_person: record.evidence.summary.to_person,
            of: record.evidence.summary.trials,
            release: live.number,
            runs: picture.live_runs,
        });
        Ok(Picture { assumed, ..picture })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn who_is_away_has_no_hours_until_the_day_of_coming_back() {
        let today = day("2026-11-17");
        let one = PersonHours {
            person: "ida".into(),
            name: "Ida".into(),
            group: None,
            week_ms: [1; 7],
            away_until: Some(day("2026-11-19")),
            not_counted: None,
        };
        let on = |text: &str| one.on(day(text), today);
        assert_eq!(
            [
                on("2026-11-16"),
                on("2026-11-17"),
                on("2026-11-18"),
                on("2026-11-19")
            ],
            [1, 0, 0, 1]
        );
        let gone = PersonHours {
            not_counted: Some("deactivated".into()),
            ..one
        };
        assert_eq!(gone.on(day("2026-11-19"), today), 0);
    }

    #[test]
    fn days_without_runs_are_days_on_which_nothing_came() {
        let (days, now) = whole_days(&[], day("2026-11-14"), day("2026-11-17"));
        assert_eq!(
            days.iter().map(|d| d.day.to_string()).collect::<Vec<_>>(),
            ["2026-11-14", "2026-11-15", "2026-11-16"]
        );
        assert_eq!((now.day, now.arrivals), (day("2026-11-17"), 0));
    }
}
