//! Before more is served: would people keep up? What is not known is no room.

use tuesday_domain::capacity::CapacitySpec;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::scope::{Axis, Restriction};
use tuesday_domain::workflow::Stage;

use super::declare::undeclared;
use super::picture::{BACK, Picture};
use crate::engine::Engine;

/// What a wider scope would bring.
pub(super) struct Wider {
    pub(super) picture: Picture,
    /// The tasks there are now, multiplied.
    pub(super) factor: f64,
    /// What the factor rests on.
    pub(super) words: String,
}

/// Does the scope let in what was outside as `group emea`?
fn lets_in(scope: &Restriction, key: &str) -> bool {
    let axis = Axis::ALL
        .iter()
        .find_map(|a| key.strip_prefix(a.word()).map(|v| (*a, v.trim())));
    match axis {
        Some((axis, value)) => {
            let list = scope.values(axis);
            list.is_empty() || list.iter().any(|v| v == value)
        }
        // An item outside for another reason, such as the share of events.
        None => scope.percent.unwrap_or(100) >= 100,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs stay far below 2^52"
)]
const fn f(n: u64) -> f64 {
    n as f64
}

/// How many times the tasks, and why: what was outside and would come in, and values that were never
/// seen, each taken to be as large as one that is served now.
fn factor(present: &Restriction, scope: &Restriction, picture: &Picture) -> (f64, String) {
    let arrivals: u64 = picture.days.iter().rev().take(28).map(|d| d.arrivals).sum();
    let arrivals = arrivals + picture.now.arrivals;
    let all_outside: u64 = picture.outside.values().sum();
    let inside = arrivals.saturating_sub(all_outside).max(1);
    let comes: u64 = picture
        .outside
        .iter()
        .filter(|(key, _)| lets_in(scope, key))
        .map(|(_, n)| n)
        .sum();
    let mut times = 1.0 + f(comes) / f(inside);
    let mut words =
        format!("{comes} of {arrivals} runs of the last 28 days were outside and would come in");
    for axis in Axis::ALL {
        let (now, then) = (present.values(*axis), scope.values(*axis));
        let seen = |v: &&String| picture.outside.contains_key(&format!("{axis} {v}"));
        let unseen = then.iter().filter(|v| !now.contains(v) && !seen(v)).count() as u64;
        if !now.is_empty() && unseen > 0 {
            times *= f(now.len() as u64 + unseen) / f(now.len() as u64);
            words.push_str(&format!(
                "; {unseen} {axis}s were never seen and are taken to be as large as one that is served"
            ));
        }
    }
    let (was, will) = (present.percent.unwrap_or(100), scope.percent.unwrap_or(100));
    if was > 0 && will > was && !picture.outside.contains_key("other") {
        times *= f64::from(will) / f64::from(was);
        words.push_str(&format!("; {will} instead of {was} % of the events"));
    }
    (times, words)
}

impl Engine {
    /// What people would have to do with this scope.
    pub(super) async fn wider(
        &self,
        row: &Workflow,
        spec: &CapacitySpec,
        scope: &Restriction,
    ) -> Result<Wider, Problem> {
        let live = self.loaded(row.live_release).await?;
        let picture = self.load_picture(row, &live, spec, scope, BACK).await?;
        let (factor, words) = factor(&row.rollout.scope, scope, &picture);
        Ok(Wider {
            picture,
            factor,
            words,
        })
    }

    /// Passes when people would keep up with what is served now, at a higher stage.
    ///
    /// # Errors
    /// As [`Engine::has_room`].
    pub(in crate::ops) async fn has_room_at(
        &self,
        row: &Workflow,
        to: Stage,
    ) -> Result<(), Problem> {
        let mut wished = row.clone();
        wished.stage = to;
        self.has_room(&wished, &row.rollout.scope).await
    }

    /// Passes when people would keep up with the wider scope.
    ///
    /// # Errors
    /// `capacity_exceeded` with the hours that are lacking, `capacity_undeclared`.
    pub(in crate::ops) async fn has_room(
        &self,
        row: &Workflow,
        scope: &Restriction,
    ) -> Result<(), Problem> {
        let stage = scope.to_stage.map_or(row.stage, |s| s.min(row.stage));
        if stage <= Stage::DraftOnly {
            return Ok(());
        }
        let live = self.loaded(row.live_release).await?;
        let Some(plan) = self.plan_in_force(&row.name, &live).await? else {
            return Err(undeclared(&row.name));
        };
        let limit = plan.spec.limit_percent;
        let wider = self.wider(row, &plan.spec, scope).await?;
        let forecast = wider.picture.forecast(&plan.spec, wider.factor);
        let Some(lacking) = forecast.shortfall_week_ms(limit) else {
            return Ok(());
        };
        let value = |r: tuesday_domain::capacity::Range| r.point.unwrap_or(r.high);
        let share = forecast.next_ppm.map_or_else(
            || "nobody has an hour for it".to_owned(),
            |r| format!("{} % of the capacity", (value(r) + 5_000) / 10_000),
        );
        let hours = hours(lacking);
        let words = format!(
            "with {} the forecast is {share} over the next 14 days, limit {limit} %: {hours} reviewer hours a week are lacking ({})",
            scope.words(),
            wider.words
        );
        Err(Problem::new("capacity_exceeded", words)
            .with("shortfall_hours_per_week", hours)
            .way_out(format!(
                "declare more hours (tuesday capacity set {}), or serve fewer; tuesday capacity whatif shows both",
                row.name
            )))
    }
}

/// `12.5` of milliseconds, rounded up: a lack is never shown smaller than it is.
pub(super) fn hours(ms: i64) -> String {
    let tenths = (ms + 359_999) / 360_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::collections::BTreeMap;

    use tuesday_domain::capacity::{DayLoad, TaskTime};
    use tuesday_domain::ledger::day::Day;

    use super::*;

    fn picture(arrivals: u64, outside: &[(&str, u64)]) -> Picture {
        let day = Day::parse("2026-11-17").unwrap();
        Picture {
            today: day,
            people: Vec::new(),
            days: vec![DayLoad {
                arrivals,
                ..DayLoad::none(day.plus(-1))
            }],
            now: DayLoad::none(day),
            outside: outside
                .iter()
                .map(|(k, n)| ((*k).to_owned(), *n))
                .collect::<BTreeMap<_, _>>(),
            live_runs: 0,
            assumed: None,
            task: TaskTime {
                mean_ms: 1,
                low_ms: 1,
                high_ms: 1,
                p50_ms: None,
                tasks: 0,
                measured: false,
            },
            waiting: 0,
        }
    }

    fn groups(names: &[&str]) -> Restriction {
        Restriction {
            groups: names.iter().map(|n| (*n).to_owned()).collect(),
            ..Restriction::default()
        }
    }

    #[test]
    fn what_was_outside_comes_in_and_what_was_never_seen_is_as_large_as_the_others() {
        let seen = picture(400, &[("group b", 100), ("group c", 200)]);
        let times = |scope: &Restriction| factor(&groups(&["a"]), scope, &seen).0;
        assert!((times(&groups(&["a", "b"])) - 2.0).abs() < 1e-9);
        assert!((times(&Restriction::default()) - 4.0).abs() < 1e-9);
        assert!((times(&groups(&["a", "new"])) - 2.0).abs() < 1e-9);
        let share = Restriction {
            percent: Some(20),
            ..Restriction::default()
        };
        let (times, words) = factor(&share, &Restriction::default(), &picture(100, &[]));
        assert!(
            (times - 5.0).abs() < 1e-9 && words.contains("100 instead of 20 %"),
            "{words}"
        );
        assert_eq!(
            (hours(3_600_000), hours(1)),
            ("1.0".to_owned(), "0.1".to_owned())
        );
    }
}
