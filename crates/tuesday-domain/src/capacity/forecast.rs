//! What work is to be expected for people, against the hours they have.
//!
//! Arrivals: the mean of the same weekday over the last 28 whole days (the seasonal mean; R. J. Hyndman and
//! G. Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2), with a 95 % prediction interval
//! of a Poisson count whose spread is widened by Pearson's dispersion (P. McCullagh and J. A. Nelder,
//! Generalized Linear Models, 2nd ed., 4.5). A day that leaves its interval upwards sets the level of the
//! days to come, until a day comes back: load that has just doubled is not averaged away.
//! Share of people: Wilson's interval, of the runs or, before there are enough, of the evaluation. Minutes: the measured mean with its normal interval, or what is
//! declared. The ends of the product are the products of the ends, so the range is rather too wide.

use serde::Serialize;

use super::CapacitySpec;
use crate::ledger::day::Day;
use crate::ledger::histogram::Histogram;
use crate::ledger::interval::wilson;

/// The method in one sentence, printed beside every forecast.
pub const METHOD: &str = "mean of the same weekday over the last 28 whole days, 95 % interval of a dispersed Poisson \
    count; a day above its interval sets the level of the next ones";

/// Where the share comes from as soon as there are runs.
const MEASURED: &str = "measured over the last 7 whole days and today";

/// Whole days that are looked at.
const BACK: usize = 28;
/// Days ahead that are shown.
const AHEAD: i64 = 14;
/// Days ahead in which the queue is looked at for its break.
const HORIZON: i64 = 60;
/// Waiting work of so many working days counts as broken, unless a pause is declared at another number.
const BROKEN_DAYS: u32 = 3;
const Z: f64 = 1.959_963_984_540_054;
const WHOLE: f64 = 1e6;

/// What one day brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayLoad {
    /// The day.
    pub day: Day,
    /// Runs received.
    pub arrivals: u64,
    /// Tasks for the declared people: what was put before a person, and second looks; without what is
    /// outside the rollout.
    pub tasks: u64,
    /// Decisions with a measured time.
    pub timed: u64,
    /// Time in view, in milliseconds.
    pub spent_ms: i64,
}

impl DayLoad {
    /// A day on which nothing came.
    #[must_use]
    pub const fn none(day: Day) -> Self {
        Self {
            day,
            arrivals: 0,
            tasks: 0,
            timed: 0,
            spent_ms: 0,
        }
    }
}

/// The days behind, and today so far.
#[derive(Clone, Debug)]
pub struct History {
    /// Whole days without a gap, the oldest first.
    pub days: Vec<DayLoad>,
    /// Today so far.
    pub today: DayLoad,
    /// The share of runs that need a person, where what is live now has brought too few to measure it.
    pub assumed: Option<AssumedShare>,
}

/// Runs of the live release from which on its own share is measured.
pub const LEAST_RUNS: u64 = 30;

/// The share of cases that needed a person when a release was evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssumedShare {
    /// Trials that would have needed a person.
    pub to_person: u64,
    /// Trials in all.
    pub of: u64,
    /// Number of the release that was evaluated.
    pub release: u32,
    /// Runs it has brought so far.
    pub runs: u64,
}

impl AssumedShare {
    /// What it comes from.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "from the eval of release {}: {} of {} tries would need a person; its {} runs so far are too few to measure it ({LEAST_RUNS})",
            self.release, self.to_person, self.of, self.runs
        )
    }
}

/// What a task takes a person, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TaskTime {
    /// The mean that counts.
    pub mean_ms: i64,
    /// Lower end of its 95 % interval.
    pub low_ms: i64,
    /// Upper end.
    pub high_ms: i64,
    /// Half of the decisions took no longer.
    pub p50_ms: Option<i64>,
    /// Measured decisions.
    pub tasks: u64,
    /// The mean is measured; otherwise declared, because there are too few.
    pub measured: bool,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates; a forecast beyond that says enough"
)]
fn whole(value: f64) -> i64 {
    if value.is_nan() {
        0
    } else {
        value.round() as i64
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and milliseconds stay far below 2^52"
)]
const fn f(n: u64) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and milliseconds stay far below 2^52"
)]
const fn fi(n: i64) -> f64 {
    n as f64
}

impl TaskTime {
    /// From the decisions that were measured, or from the declaration while they are too few.
    #[must_use]
    pub fn of(spec: &CapacitySpec, seen: &Histogram) -> Self {
        let tasks = seen.count();
        let p50_ms = seen.percentile(50).and_then(|ms| i64::try_from(ms).ok());
        let declared = spec.task_ms();
        let measured = seen
            .mean_and_deviation()
            .filter(|_| tasks >= u64::from(spec.least_tasks).max(2));
        let Some((mean, deviation)) = measured else {
            return Self {
                mean_ms: declared,
                low_ms: declared,
                high_ms: declared,
                p50_ms,
                tasks,
                measured: false,
            };
        };
        let half = Z * deviation / f(tasks).sqrt();
        Self {
            mean_ms: whole(mean),
            low_ms: whole((mean - half).max(0.0)),
            high_ms: whole(mean + half),
            p50_ms,
            tasks,
            measured: true,
        }
    }
}

/// A figure with its ends; without a point where there is too little to say one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Lower end.
    pub low: i64,
    /// What is expected.
    pub point: Option<i64>,
    /// Upper end.
    pub high: i64,
}

/// One day to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayForecast {
    /// The day.
    pub day: Day,
    /// Time that people have, in milliseconds.
    pub capacity_ms: i64,
    /// Runs.
    pub arrivals: Range,
    /// Work for people, in milliseconds.
    pub load_ms: Range,
    /// Load of capacity in millionths; absent on a day without capacity.
    pub utilisation_ppm: Option<Range>,
}

/// Load against capacity, with everything it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadForecast {
    /// How the forecast is made.
    pub method: &'static str,
    /// Whole days of history it rests on.
    pub days_of_history: u32,
    /// Mean arrivals by weekday, Monday first, in thousandths of a run; before the level.
    pub weekday_milli: [i64; 7],
    /// What the days to come are multiplied with, in millionths: today above its interval sets it.
    pub level_ppm: i64,
    /// Tasks for each run, in millionths.
    pub share_ppm: Range,
    /// What that share comes from.
    pub share_from: String,
    /// What a task takes.
    pub task: TaskTime,
    /// Tasks that wait now.
    pub backlog_tasks: u64,
    /// What they take, in milliseconds.
    pub backlog_ms: i64,
    /// The same in working days, in tenths.
    pub backlog_days_tenths: i64,
    /// Time people have on a mean working day, in milliseconds.
    pub working_day_ms: i64,
    /// Today.
    pub today: DayForecast,
    /// The next 14 days.
    pub days: Vec<DayForecast>,
    /// Over those 14 days, in millionths; absent without any capacity.
    pub next_ppm: Option<Range>,
    /// The first day at whose end more waits than may; absent when that does not come within 60 days.
    pub breaks_on: Option<Day>,
    /// What it means that the queue breaks, in working days of waiting work.
    pub breaks_at_days: u32,
    /// Why there is only a range.
    pub warning: Option<String>,
}

/// Arrivals of a weekday: mean, and how many days it rests on.
struct Profile {
    means: [(f64, f64); 7],
    dispersion: f64,
}

impl Profile {
    fn of(days: &[DayLoad]) -> Self {
        let all: f64 = days.iter().map(|d| f(d.arrivals)).sum();
        let count = f(days.len() as u64).max(1.0);
        let overall = all / count;
        let mut sums = [(0.0_f64, 0.0_f64); 7];
        for d in days {
            let slot = &mut sums[d.day.weekday()];
            *slot = (slot.0 + f(d.arrivals), slot.1 + 1.0);
        }
        // A weekday that was never seen is taken to be like the others, and as sure as one day.
        let means = sums.map(|(sum, n)| {
            if n > 0.0 {
                (sum / n, n)
            } else {
                (overall, 1.0)
            }
        });
        let (mut chi, mut free) = (0.0, 0.0);
        for d in days {
            let (mean, n) = means[d.day.weekday()];
            if mean > 0.0 && n > 1.0 {
                chi += (f(d.arrivals) - mean).powi(2) / mean;
                free += 1.0 - 1.0 / n;
            }
        }
        let dispersion = if free >= 1.0 {
            (chi / free).max(1.0)
        } else {
            1.0
        };
        Self { means, dispersion }
    }

    /// Lower end, mean and upper end of a day at a level.
    fn day(&self, day: Day, level: f64) -> (f64, f64, f64) {
        let (mean, n) = self.means[day.weekday()];
        let mean = mean * level;
        // One event more than nothing is always possible.
        let half = Z * (mean.max(1.0) * self.dispersion * (1.0 + 1.0 / n)).sqrt();
        ((mean - half).max(0.0), mean, mean + half)
    }
}

/// The share of the evaluation where there is one to be assumed, otherwise the measured one.
fn expected(days: &[DayLoad], assumed: Option<&AssumedShare>) -> ((f64, f64, f64), String) {
    match assumed.filter(|a| a.of > 0) {
        None => (share(days), MEASURED.to_owned()),
        Some(a) => {
            let (low, high) = wilson(a.to_person, a.of);
            let point = f(a.to_person) / f(a.of);
            ((fi(low) / WHOLE, point, fi(high) / WHOLE), a.words())
        }
    }
}

/// Tasks for each run, in millionths; everything is possible before the first.
fn share(days: &[DayLoad]) -> (f64, f64, f64) {
    let runs: u64 = days.iter().map(|d| d.arrivals).sum();
    let tasks: u64 = days.iter().map(|d| d.tasks).sum();
    if runs == 0 {
        return (0.0, 1.0, 1.0);
    }
    let point = f(tasks) / f(runs);
    if tasks <= runs {
        let (low, high) = wilson(tasks, runs);
        return (fi(low) / WHOLE, point, fi(high) / WHOLE);
    }
    let half = Z * (point / f(runs)).sqrt();
    ((point - half).max(0.0), point, point + half)
}

fn ppm(load: Range, capacity_ms: i64) -> Option<Range> {
    let part = |n: i64| whole(fi(n) / fi(capacity_ms) * WHOLE);
    (capacity_ms > 0).then(|| Range {
        low: part(load.low),
        point: load.point.map(part),
        high: part(load.high),
    })
}

/// Everything that a day's forecast is made from.
struct Ahead<'a> {
    profile: Profile,
    level: f64,
    share: (f64, f64, f64),
    task: TaskTime,
    factor: f64,
    today: &'a DayLoad,
    /// There is enough to say a point.
    enough: bool,
    capacity_ms: &'a dyn Fn(Day) -> i64,
}

impl Ahead<'_> {
    fn arrived(&self) -> f64 {
        f(self.today.arrivals)
    }

    fn load(&self, arrivals: f64, share: f64, ms: i64) -> i64 {
        whole(arrivals * self.factor * share * fi(ms))
    }

    /// One day; of today at least what has come.
    fn day(&self, day: Day) -> DayForecast {
        let (mut low, mut point, mut high) = self.profile.day(day, self.level);
        if day == self.today.day {
            let arrived = self.arrived();
            (low, point, high) = (low.max(arrived), point.max(arrived), high.max(arrived));
        }
        let load_ms = Range {
            low: self.load(low, self.share.0, self.task.low_ms),
            point: self
                .enough
                .then(|| self.load(point, self.share.1, self.task.mean_ms)),
            high: self.load(high, self.share.2, self.task.high_ms),
        };
        let capacity_ms = (self.capacity_ms)(day);
        DayForecast {
            day,
            capacity_ms,
            arrivals: Range {
                low: whole(low),
                point: self.enough.then(|| whole(point)),
                high: whole(high),
            },
            utilisation_ppm: ppm(load_ms, capacity_ms),
            load_ms,
        }
    }

    /// What still comes on a day, and what can still be done on it.
    fn rest(&self, day: Day) -> (i64, i64) {
        if day != self.today.day {
            let d = self.day(day);
            return (d.load_ms.point.unwrap_or(0), d.capacity_ms);
        }
        // What has come is in the backlog, or done; the time that was spent is gone.
        let expected = self.profile.day(day, self.level).1.max(self.arrived()) - self.arrived();
        let comes = self.load(expected, self.share.1, self.task.mean_ms);
        (
            comes,
            ((self.capacity_ms)(day) - self.today.spent_ms).max(0),
        )
    }

    /// The first day at whose end more waits than `most_ms`; nothing within the horizon.
    fn breaks_on(&self, backlog_ms: i64, most_ms: i64) -> Option<Day> {
        let mut waits = backlog_ms;
        (0..HORIZON).map(|n| self.today.day.plus(n)).find(|day| {
            let (comes, done) = self.rest(*day);
            waits = (waits + comes - done).max(0);
            waits > most_ms
        })
    }

    /// Time people have on a mean working day of the next week.
    fn working_day_ms(&self) -> i64 {
        let days = (1..=7).map(|n| (self.capacity_ms)(self.today.day.plus(n)));
        let working: Vec<i64> = days.filter(|ms| *ms > 0).collect();
        let count = i64::try_from(working.len()).unwrap_or(1);
        working.iter().sum::<i64>().checked_div(count).unwrap_or(0)
    }
}

/// All days together.
fn sum(days: &[DayForecast], enough: bool) -> Range {
    let all = |get: &dyn Fn(&DayForecast) -> i64| days.iter().map(get).sum::<i64>();
    Range {
        low: all(&|d| d.load_ms.low),
        point: enough.then(|| all(&|d| d.load_ms.point.unwrap_or(0))),
        high: all(&|d| d.load_ms.high),
    }
}

/// The forecast. `capacity_ms` is the time people have on a day, `factor` multiplies the arrivals that
/// become tasks (1 for the present scope).
#[must_use]
pub fn forecast(
    spec: &CapacitySpec,
    history: &History,
    task: TaskTime,
    capacity_ms: &dyn Fn(Day) -> i64,
    backlog_tasks: u64,
    factor: f64,
) -> LoadForecast {
    let from = history.days.len().saturating_sub(BACK);
    let (past, today) = (&history.days[from..], &history.today);
    let known = u32::try_from(past.len()).unwrap_or(u32::MAX);
    let enough = known >= spec.least_days;
    let one = std::slice::from_ref(today);
    let profile = Profile::of(if past.is_empty() { one } else { past });
    let (_, mean, high) = profile.day(today.day, 1.0);
    let broken = f(today.arrivals) > high && mean > 0.0;
    let mut recent = past[past.len().saturating_sub(7)..].to_vec();
    recent.push(today.clone());
    let (share, share_from) = expected(&recent, history.assumed.as_ref());
    let ahead = Ahead {
        level: if broken {
            f(today.arrivals) / mean
        } else {
            1.0
        },
        share,
        profile,
        task,
        factor,
        today,
        enough,
        capacity_ms,
    };
    let days: Vec<DayForecast> = (1..=AHEAD).map(|n| ahead.day(today.day.plus(n))).collect();
    let working_day_ms = ahead.working_day_ms();
    let backlog_ms = whole(f(backlog_tasks) * fi(task.mean_ms));
    let breaks_at_days = spec.response.pause_at_days.unwrap_or(BROKEN_DAYS);
    let most_ms = working_day_ms * i64::from(breaks_at_days);
    let tenths = (backlog_ms * 10).checked_div(working_day_ms);
    LoadForecast {
        method: METHOD,
        days_of_history: known,
        weekday_milli: ahead.profile.means.map(|(mean, _)| whole(mean * 1_000.0)),
        level_ppm: whole(ahead.level * WHOLE),
        share_ppm: Range {
            low: whole(ahead.share.0 * WHOLE),
            point: Some(whole(ahead.share.1 * WHOLE)),
            high: whole(ahead.share.2 * WHOLE),
        },
        share_from,
        task,
        backlog_tasks,
        backlog_ms,
        // Without anybody at work whatever waits, waits for ever.
        backlog_days_tenths: tenths.unwrap_or(i64::from(backlog_ms > 0) * 9_999),
        working_day_ms,
        next_ppm: ppm(sum(&days, enough), days.iter().map(|d| d.capacity_ms).sum()),
        today: ahead.day(today.day),
        breaks_on: enough
            .then(|| ahead.breaks_on(backlog_ms, most_ms))
            .flatten(),
        days,
        breaks_at_days,
        warning: (!enough).then(|| {
            format!(
                "{known} of {} whole days of history: a range, and no forecast yet",
                spec.least_days
            )
        }),
    }
}

impl LoadForecast {
    /// How the load passes the limit, in words with the figures; nothing while it does not. Without a
    /// point only what is sure counts: the lower end.
    #[must_use]
    pub fn over(&self, limit_percent: u32) -> Option<String> {
        let limit = i64::from(limit_percent) * 10_000;
        let value = |r: Range| r.point.unwrap_or(r.low);
        let today = self.today.utilisation_ppm.map(value).unwrap_or(0);
        if today > limit {
            return Some(format!(
                "utilisation {} today ({} of {} min: {} runs, {} put before people, {} s each), limit {limit_percent} %",
                percent(today),
                self.today.load_ms.point.unwrap_or(self.today.load_ms.low) / 60_000,
                self.today.capacity_ms / 60_000,
                value(self.today.arrivals),
                percent(value(self.share_ppm)),
                self.task.mean_ms / 1_000,
            ));
        }
        let next = self.next_ppm.map(value);
        let nobody = next.is_none() && self.days.iter().any(|d| value(d.load_ms) > 0);
        if nobody {
            return Some("nobody has an hour for it in the next 14 days".to_owned());
        }
        let next = next.filter(|n| *n > limit)?;
        Some(format!(
            "utilisation {} over the next 14 days, limit {limit_percent} %",
            percent(next)
        ))
    }

    /// Hours of review that the next 14 days lack, for a week; nothing when they are enough. Without a
    /// point the upper end counts: what cannot be said is no room.
    #[must_use]
    pub fn shortfall_week_ms(&self, limit_percent: u32) -> Option<i64> {
        let load: i64 = self
            .days
            .iter()
            .map(|d| d.load_ms.point.unwrap_or(d.load_ms.high))
            .sum();
        let capacity: i64 = self.days.iter().map(|d| d.capacity_ms).sum();
        let may = capacity * i64::from(limit_percent) / 100;
        (load > may).then(|| (load - may) / 2)
    }
}

/// `175 %` or `87.5 %` of millionths.
fn percent(ppm: i64) -> String {
    let tenths = (ppm + 500) / 1_000;
    if tenths % 10 == 0 {
        format!("{} %", tenths / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

/// What would have been said about the week that begins on `monday` with what was known before it, and
/// what came: both in milliseconds of review. Nothing without enough days before.
#[must_use]
pub fn back_cast(spec: &CapacitySpec, days: &[DayLoad], monday: Day) -> Option<(i64, i64)> {
    let before: Vec<DayLoad> = days.iter().filter(|d| d.day < monday).cloned().collect();
    let week: Vec<&DayLoad> = days
        .iter()
        .filter(|d| d.day >= monday && d.day < monday.plus(7))
        .collect();
    if before.len() < spec.least_days as usize || week.len() < 7 {
        return None;
    }
    let from = before.len().saturating_sub(BACK);
    let past = &before[from..];
    let profile = Profile::of(past);
    let (_, share, _) = share(&past[past.len().saturating_sub(7)..]);
    let each = |days: &mut dyn Iterator<Item = &DayLoad>| {
        let (spent, timed) = days.fold((0, 0), |(s, t), d| (s + d.spent_ms, t + d.timed));
        (timed >= u64::from(spec.least_tasks)).then(|| fi(spent) / f(timed))
    };
    let then = each(&mut past.iter()).unwrap_or(fi(spec.task_ms()));
    let said: f64 = (0..7)
        .map(|n| profile.day(monday.plus(n), 1.0).1 * share * then)
        .sum();
    let now = each(&mut week.iter().copied()).unwrap_or(then);
    let came: f64 = week.iter().map(|d| f(d.tasks) * now).sum();
    Some((whole(said), whole(came)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests;
