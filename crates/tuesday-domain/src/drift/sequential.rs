//! The sequential test. Each share of the mix may lie in a band around its baseline: the exact interval of
//! the frozen counts (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934), widened by the declared
//! tolerance. Against "every share stays in its band" a game is played that cannot be won in the mean as
//! long as that is true, whatever the order, the day or the dependence of the runs: for each share, each
//! side and some stakes the capital grows when more runs than allowed land on that side (I. Waudby-Smith
//! and A. Ramdas, Estimating means of bounded random variables by betting, JRSS B 86, 2024). A new game
//! begins before every shift with its part of the first capital, so that a drift after a long quiet time
//! is found as fast as one at the beginning (J. Shin, A. Ramdas and A. Rinaldo, E-detectors, New England
//! Journal of Statistics in Data Science 2, 2024). The mean of all games is a non-negative supermartingale,
//! so it ever reaches 1/alpha with a probability of at most alpha (J. Ville, 1939): looking after every
//! shift costs nothing. The parts of the first capital are for a year of as many shifts as a day has; a
//! baseline is renewed before that, and what is judged past it is told. Shifts and whole days are two series
//! of games over the same runs: each may be wrong with its own part of alpha, so both together with no more
//! than the whole of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::DriftSpec;
use crate::ledger::day::Day;
use crate::ledger::interval::wilson;
use crate::rules::clopper_pearson;
use crate::words::words;

/// Days of a year, each of whose shifts has its part of the first capital.
const DAYS: u64 = 365;
/// Stakes, as parts of the most that can be put on one run.
const STAKES: [f64; 6] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7];
/// What the baseline never had.
const NEW: &str = "(new)";
/// A shift with a larger part of open runs is not judged yet, in percent: what is decided fast is no
/// sample of what is decided.
const OPEN_PERCENT: u64 = 5;

words! {
    /// What of a run is compared.
    Dimension {
        /// What became of it: what people said, or how it ended without them.
        Outcome = "outcome",
        /// Where the machine sent it: the row of the decision table, or why a person got it.
        Landing = "landing",
    }
}

words! {
    /// What is said about a shift.
    Verdict {
        /// The evidence so far does not suffice for a finding.
        Quiet = "quiet",
        /// The evidence suffices.
        Found = "found",
        /// Too few runs: neither alarm nor all-clear.
        NotEnough = "not_enough",
        /// Too many of its runs are still open.
        Open = "open",
    }
}

/// What of the declared alpha one series of games has, and for how many of them its first capital is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Dimensions that share alpha.
    pub dimensions: u32,
    /// Series over the same runs that share a dimension's games: the shifts, the whole days.
    pub series: u32,
    /// How many of a day are judged one by one: its shifts, or one.
    pub a_day: u32,
}

/// The counts of one shift, or of a whole day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftCount {
    /// Its day.
    pub day: Day,
    /// Its name; empty for a whole day.
    pub shift: String,
    /// Runs received.
    pub runs: u64,
    /// Of them, not yet counted.
    pub open: u64,
    /// The others, by what is compared.
    pub counts: BTreeMap<String, u64>,
}

/// In which a share may lie.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// What it is the share of.
    pub key: String,
    /// In the baseline.
    pub share: f64,
    /// Lower end of what is allowed.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A share of a shift beside its baseline, in millionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// What it is the share of.
    pub key: String,
    /// In the baseline.
    pub baseline_ppm: i64,
    /// In the shift.
    pub share_ppm: i64,
    /// Lower end of its 95 % interval (Wilson).
    pub low_ppm: i64,
    /// Upper end.
    pub high_ppm: i64,
}

/// What is said about one shift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShiftVerdict {
    /// Its day.
    pub day: Day,
    /// Its name.
    pub shift: String,
    /// Runs that were compared.
    pub runs: u64,
    /// What is said.
    pub verdict: Verdict,
    /// The capital after it; 1 at the beginning.
    pub evidence: f64,
    /// How far the mix is from the baseline: half the sum of all differences (total variation), in
    /// millionths.
    pub distance_ppm: i64,
    /// Each share, the one that moved most first.
    pub moved: Vec<Moved>,
}

/// When the evidence sufficed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The shift after which it did.
    pub at: usize,
    /// The first day of the game with the most capital: from here on the mix is another.
    pub since: Day,
    /// The shift of that day; empty for a whole day.
    pub since_shift: String,
    /// The share that the most successful game was about.
    pub key: String,
    /// It rose; otherwise it fell.
    pub rose: bool,
    /// The capital then.
    pub evidence: f64,
}

/// All shifts judged, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// In which each share may lie.
    pub bands: Vec<Band>,
    /// The capital that suffices.
    pub suffices: f64,
    /// How many have been judged.
    pub played: u64,
    /// For how many the first capital is: a year of them.
    pub horizon: u64,
    /// Each shift.
    pub shifts: Vec<ShiftVerdict>,
    /// The first time that the evidence sufficed.
    pub found: Option<Found>,
}

impl Judged {
    /// The first capital is spent: no new game begins, and a drift that begins now is found late or never.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.played >= self.horizon
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs stay far below 2^52"
)]
const fn f(n: u64) -> f64 {
    n as f64
}

/// One bet on one share and side, with its capital as a logarithm.
struct Game {
    band: usize,
    rises: bool,
    /// Logarithms of what a run of the share, and any other, multiplies the capital with.
    hit: f64,
    miss: f64,
    capital: f64,
    /// What each shift multiplied it with.
    steps: Vec<f64>,
}

impl Game {
    /// A bet that the share is above `high`, or below `low`; nothing where there is no such side.
    fn new(band: usize, b: &Band, rises: bool, stake: f64) -> Option<Self> {
        let (hit, miss) = if rises {
            if b.high >= 1.0 || b.high <= 0.0 {
                return None;
            }
            (1.0 + stake * (1.0 - b.high) / b.high, 1.0 - stake)
        } else {
            if b.low <= 0.0 || b.low >= 1.0 {
                return None;
            }
            (1.0 - stake, 1.0 + stake * b.low / (1.0 - b.low))
        };
        Some(Self {
            band,
            rises,
            hit: hit.ln(),
            miss: miss.ln(),
            capital: f64::NEG_INFINITY,
            steps: Vec::new(),
        })
    }

    fn play(&mut self, hits: u64, of: u64, part: f64) {
        let step = f(hits) * self.hit + f(of - hits) * self.miss;
        self.capital = add_logs(self.capital, part) + step;
        self.steps.push(step);
    }

    /// The shift from which on it won most.
    fn best_start(&self) -> usize {
        let (mut best, mut at, mut sum) = (f64::NEG_INFINITY, 0, 0.0);
        for (i, step) in self.steps.iter().enumerate().rev() {
            sum += step;
            if sum > best {
                (best, at) = (sum, i);
            }
        }
        at
    }
}

/// The logarithm of the sum of two numbers given by theirs.
fn add_logs(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY {
        high
    } else {
        high + (low - high).exp().ln_1p()
    }
}

/// The keys of the baseline, and one for everything it never had.
fn bands(baseline: &BTreeMap<String, u64>, spec: &DriftSpec, alpha: f64) -> Vec<Band> {
    let all: u64 = baseline.values().sum();
    let keys: Vec<(&str, u64)> = baseline
        .iter()
        .map(|(k, n)| (k.as_str(), *n))
        .chain([(NEW, 0)])
        .collect();
    let sure = 1.0 - alpha / f(keys.len() as u64);
    let tolerance = spec.tolerance_percent / 100.0;
    keys.into_iter()
        .map(|(key, n)| {
            let (low, high) = clopper_pearson(n, all, sure);
            Band {
                key: key.to_owned(),
                share: if all == 0 { 0.0 } else { f(n) / f(all) },
                low: (low - tolerance).max(0.0),
                high: (high + tolerance).min(1.0),
            }
        })
        .collect()
}

fn ppm(share: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share times a million fits"
    )]
    let out = (share * 1e6).round() as i64;
    out
}

/// The counts of a shift in the order of the bands.
fn counted(bands: &[Band], counts: &BTreeMap<String, u64>) -> Vec<u64> {
    let known: BTreeSet<&str> = bands.iter().map(|b| b.key.as_str()).collect();
    let new: u64 = counts
        .iter()
        .filter(|(k, _)| !known.contains(k.as_str()))
        .map(|(_, n)| n)
        .sum();
    bands
        .iter()
        .map(|b| {
            if b.key == NEW {
                new
            } else {
                counts.get(&b.key).copied().unwrap_or(0)
            }
        })
        .collect()
}

fn beside(bands: &[Band], hits: &[u64], all: u64) -> (i64, Vec<Moved>) {
    let mut moved: Vec<Moved> = bands
        .iter()
        .zip(hits)
        .map(|(b, n)| {
            let (low_ppm, high_ppm) = wilson(*n, all);
            Moved {
                key: b.key.clone(),
                baseline_ppm: ppm(b.share),
                share_ppm: if all == 0 { 0 } else { ppm(f(*n) / f(all)) },
                low_ppm,
                high_ppm,
            }
        })
        .collect();
    let size = |m: &Moved| (m.share_ppm - m.baseline_ppm).abs();
    let distance = moved.iter().map(size).sum::<i64>() / 2;
    moved.sort_by_key(|m| std::cmp::Reverse(size(m)));
    (if all == 0 { 0 } else { distance }, moved)
}

/// Every bet: on each share, that it rose or fell, with each stake.
fn games_of(bands: &[Band]) -> Vec<Game> {
    let mut games: Vec<Game> = Vec::new();
    for (at, band) in bands.iter().enumerate() {
        for rises in [true, false] {
            games.extend(STAKES.iter().filter_map(|s| Game::new(at, band, rises, *s)));
        }
    }
    games
}

/// What can be said about a shift before anything is played.
fn first_look(s: &ShiftCount, all: u64, spec: &DriftSpec) -> Verdict {
    if s.open * 100 > s.runs * OPEN_PERCENT {
        Verdict::Open
    } else if all < u64::from(spec.least_runs) {
        Verdict::NotEnough
    } else {
        Verdict::Quiet
    }
}

/// Judges the shifts after the baseline, or the days, the oldest first.
#[must_use]
pub fn judge(
    baseline: &BTreeMap<String, u64>,
    shifts: &[ShiftCount],
    spec: &DriftSpec,
    own: Part,
) -> Judged {
    // A half for the baseline's own chance, which all series share, and a half for their games.
    let alpha = spec.alpha / f64::from(own.dimensions.max(1)) / 2.0;
    let bands = bands(baseline, spec, alpha);
    let suffices = f64::from(own.series.max(1)) / alpha;
    let mut games = games_of(&bands);
    let horizon = u64::from(own.a_day.max(1)) * DAYS;
    let part = (1.0 / f(horizon)).ln();
    let (mut begun, mut evidence) = (Vec::new(), 1.0_f64);
    let (mut out, mut found): (Vec<ShiftVerdict>, Option<Found>) = (Vec::new(), None);
    for (index, s) in shifts.iter().enumerate() {
        let hits = counted(&bands, &s.counts);
        let all: u64 = hits.iter().sum();
        let (distance_ppm, moved) = beside(&bands, &hits, all);
        let mut verdict = first_look(s, all, spec);
        if verdict == Verdict::Quiet && !games.is_empty() {
            let part = if (begun.len() as u64) < horizon {
                part
            } else {
                f64::NEG_INFINITY
            };
            for game in &mut games {
                game.play(hits[game.band], all, part);
            }
            begun.push((s.day, s.shift.as_str()));
            let sum: f64 = games.iter().map(|g| g.capital.exp()).sum();
            let waits = 1.0 - f(begun.len() as u64) / f(horizon);
            evidence = sum / f(games.len() as u64) + waits.max(0.0);
            if evidence >= suffices {
                verdict = Verdict::Found;
            }
            let best = games
                .iter()
                .max_by(|a, b| a.capital.total_cmp(&b.capital))
                .filter(|_| verdict == Verdict::Found && found.is_none());
            if let Some(best) = best {
                let since = begun.get(best.best_start());
                let (since, shift) = since.copied().unwrap_or((s.day, s.shift.as_str()));
                found = Some(Found {
                    at: index,
                    since,
                    since_shift: shift.to_owned(),
                    key: bands[best.band].key.clone(),
                    rose: best.rises,
                    evidence,
                });
            }
        }
        out.push(ShiftVerdict {
            day: s.day,
            shift: s.shift.clone(),
            runs: all,
            verdict,
            evidence,
            distance_ppm,
            moved,
        });
    }
    Judged {
        bands,
        suffices,
        played: begun.len() as u64,
        horizon,
        shifts: out,
        found,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn monday() -> Day {
        Day::parse("2026-11-16").unwrap()
    }

    /// What the shifts of a workflow have while days are judged too.
    const fn part(a_day: u32) -> Part {
        Part {
            dimensions: 2,
            series: 2,
            a_day,
        }
    }

    /// The whole of alpha, for one series.
    const fn alone(a_day: u32) -> Part {
        Part {
            dimensions: 1,
            series: 1,
            a_day,
        }
    }

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect()
    }

    fn shift(n: i64, of: &[(&str, u64)]) -> ShiftCount {
        ShiftCount {
            day: monday().plus(n),
            shift: "day".into(),
            runs: of.iter().map(|c| c.1).sum(),
            open: 0,
            counts: counts(of),
        }
    }

    /// A small generator of its own: the same numbers on every machine.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f((self.0 >> 11) & ((1 << 52) - 1)) / f(1 << 52)
        }

        fn shift(&mut self, n: i64, runs: u32, shares: &[(&'static str, f64)]) -> ShiftCount {
            let mut out: BTreeMap<&'static str, u64> = BTreeMap::new();
            for _ in 0..runs {
                let mut left = self.roll();
                let found = shares.iter().find(|(_, p)| {
                    left -= p;
                    left < 0.0
                });
                *out.entry(found.unwrap_or(&shares[0]).0).or_default() += 1;
            }
            let list: Vec<(&str, u64)> = out.into_iter().collect();
            shift(n, &list)
        }
    }

    /// The same runs, day by day.
    fn days_of(shifts: &[ShiftCount]) -> Vec<ShiftCount> {
        let mut out: Vec<ShiftCount> = Vec::new();
        for s in shifts {
            let same = out.last_mut().filter(|d| d.day == s.day);
            let Some(day) = same else {
                out.push(ShiftCount {
                    shift: String::new(),
                    ..s.clone()
                });
                continue;
            };
            day.runs += s.runs;
            day.open += s.open;
            for (key, n) in &s.counts {
                *day.counts.entry(key.clone()).or_default() += n;
            }
        }
        out
    }

    #[test]
    fn a_changed_thursday_is_found_on_thursday_with_its_size_and_a_stable_week_is_quiet() {
        let base = counts(&[("approved", 800), ("edited", 150), ("rejected", 50)]);
        let calm = [("approved", 81), ("edited", 14), ("rejected", 5)];
        let week: Vec<ShiftCount> = (0..5)
            .map(|n| {
                let thursday = [("approved", 40), ("edited", 15), ("rejected", 45)];
                shift(n, if n == 3 { &thursday } else { &calm })
            })
            .collect();
        let judged = judge(&base, &week, &DriftSpec::default(), part(3));
        let found = judged.found.unwrap();
        assert_eq!(
            (found.at, found.since, found.key.as_str(), found.rose),
            (3, monday().plus(3), "rejected", true)
        );
        let thursday = &judged.shifts[3];
        assert_eq!(
            (thursday.verdict, thursday.distance_ppm),
            (Verdict::Found, 400_000)
        );
        assert_eq!(
            thursday.moved[0].share_ppm - thursday.moved[0].baseline_ppm,
            if thursday.moved[0].key == "rejected" {
                400_000
            } else {
                -400_000
            }
        );
        let stable: Vec<ShiftCount> = (0..5).map(|n| shift(n, &calm)).collect();
        let judged = judge(&base, &stable, &DriftSpec::default(), part(3));
        assert!(
            judged.found.is_none() && judged.shifts.iter().all(|s| s.verdict == Verdict::Quiet)
        );
    }

    #[test]
    fn few_or_open_runs_say_neither_alarm_nor_all_clear() {
        let base = counts(&[("approved", 900), ("rejected", 100)]);
        let few = shift(0, &[("rejected", 29)]);
        let mut open = shift(1, &[("rejected", 90)]);
        (open.runs, open.open) = (100, 10);
        let judged = judge(&base, &[few, open], &DriftSpec::default(), alone(3));
        let said: Vec<Verdict> = judged.shifts.iter().map(|s| s.verdict).collect();
        assert_eq!(said, [Verdict::NotEnough, Verdict::Open]);
        assert!(judged.found.is_none());
    }

    #[test]
    fn what_the_baseline_never_had_is_found() {
        let base = counts(&[("approved", 1_000)]);
        let odd = shift(0, &[("approved", 50), ("refusal", 50)]);
        let judged = judge(&base, &[odd], &DriftSpec::default(), alone(3));
        assert!(judged.found.is_some(), "{:?}", judged.shifts);
    }

    /// A year of so many shifts a day, again and again, with the true shares at the very edge of what is
    /// allowed: how many of the years have a finding, in their shifts or in their days.
    fn false_years(years: u64, runs: u32, a_day: u32) -> u64 {
        let spec = DriftSpec {
            tolerance_percent: 2.0,
            alpha: 0.2,
            least_runs: 5,
            ..DriftSpec::default()
        };
        let base = counts(&[("approved", 7_000), ("edited", 2_000), ("rejected", 1_000)]);
        // Two points more are rejected than in the baseline, for the whole year.
        let edge = [("approved", 0.68), ("edited", 0.20), ("rejected", 0.12)];
        let mut dice = Dice(42);
        (0..years)
            .filter(|_| {
                let each = i64::from(a_day);
                let year: Vec<ShiftCount> = (0..365 * each)
                    .map(|n| dice.shift(n / each, runs, &edge))
                    .collect();
                let whole = Part {
                    series: 2,
                    ..alone(1)
                };
                let shifts = Part { a_day, ..whole };
                let days = days_of(&year);
                judge(&base, &year, &spec, shifts).found.is_some()
                    || judge(&base, &days, &spec, whole).found.is_some()
            })
            .count() as u64
    }

    #[test]
    fn years_in_control_have_findings_less_often_than_alpha_allows() {
        let (years, found) = (60, false_years(60, 20, 3));
        // Alpha is a fifth: twelve of sixty. At the edge of the band it is far below.
        assert!(found <= years / 5, "{found} of {years}");
        let (years, found) = (15, false_years(15, 20, 12));
        assert!(found <= years / 5, "twelve a day: {found} of {years}");
    }

    #[test]
    fn a_drift_on_any_day_of_the_year_is_found_with_as_many_shifts_as_may_be_declared() {
        // From 80 % to 60 % approved, 60 runs a shift.
        let base = counts(&[("approved", 1_600), ("edited", 300), ("rejected", 100)]);
        let (before, after) = (
            [("approved", 0.80), ("edited", 0.15), ("rejected", 0.05)],
            [("approved", 0.60), ("edited", 0.15), ("rejected", 0.25)],
        );
        let mut dice = Dice(11);
        for (a_day, day) in [(4, 340), (12, 300), (12, 360)] {
            let each = i64::from(a_day);
            let mut year: Vec<ShiftCount> = (0..day * each)
                .map(|n| dice.shift(n / each, 60, &before))
                .collect();
            year.extend((day * each..365 * each).map(|n| dice.shift(n / each, 60, &after)));
            let judged = judge(&base, &year, &DriftSpec::default(), part(a_day));
            let found = judged.found.clone().unwrap();
            let late = i64::try_from(found.at).unwrap() - day * each;
            assert!((0..15).contains(&late), "{a_day} a day: {found:?}");
            assert!(found.since >= monday().plus(day), "{found:?}");
            // The year's capital is just spent, and the page says so from then on.
            assert_eq!(
                (judged.played, judged.horizon),
                (365 * u64::from(a_day), 365 * u64::from(a_day))
            );
            assert!(judged.is_spent());
        }
    }

    #[test]
    fn a_day_is_judged_where_each_of_its_shifts_has_too_few_runs() {
        let base = counts(&[("approved", 800), ("edited", 150), ("rejected", 50)]);
        let (calm, moved) = (
            [("approved", 16), ("edited", 3), ("rejected", 1)],
            [("approved", 7), ("edited", 3), ("rejected", 10)],
        );
        let shifts: Vec<ShiftCount> = (0..30)
            .map(|n| shift(n / 3, if n < 24 { &calm } else { &moved }))
            .collect();
        let by_shift = judge(&base, &shifts, &DriftSpec::default(), part(3));
        let quiet = by_shift.shifts.iter();
        assert!(quiet.clone().all(|s| s.verdict == Verdict::NotEnough));
        let by_day = judge(&base, &days_of(&shifts), &DriftSpec::default(), part(1));
        let said: Vec<Verdict> = by_day.shifts.iter().map(|s| s.verdict).collect();
        assert_eq!(said[..8], [Verdict::Quiet; 8]);
        let found = by_day.found.unwrap();
        assert_eq!(
            (found.since, found.since_shift.as_str()),
            (monday().plus(8), "")
        );
        // Both series together have no more than one alone: the evidence has to be twice as large.
        let one = judge(
            &base,
            &shifts,
            &DriftSpec::default(),
            Part {
                series: 1,
                ..part(3)
            },
        );
        assert!((by_shift.suffices / one.suffices - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_declared_shift_is_found_within_the_stated_delay_even_late_in_the_year() {
        // From 80 % to 65 % approved, 100 runs a shift, after two hundred quiet shifts.
        let base = counts(&[("approved", 1_600), ("edited", 300), ("rejected", 100)]);
        let (before, after) = (
            [("approved", 0.80), ("edited", 0.15), ("rejected", 0.05)],
            [("approved", 0.65), ("edited", 0.15), ("rejected", 0.20)],
        );
        let mut dice = Dice(7);
        let mut delays = Vec::new();
        for _ in 0..40 {
            let mut shifts: Vec<ShiftCount> =
                (0..200).map(|n| dice.shift(n, 100, &before)).collect();
            shifts.extend((200..220).map(|n| dice.shift(n, 100, &after)));
            let judged = judge(&base, &shifts, &DriftSpec::default(), part(3));
            let found = judged.found.unwrap();
            assert!(found.at >= 200, "nothing before it happened: {found:?}");
            delays.push(found.at - 199);
        }
        delays.sort_unstable();
        // Half within five shifts, all within thirteen: with five points of tolerance, the baseline's own
        // interval, and half of the evidence left to the days.
        assert!(delays[20] <= 5 && delays[39] <= 13, "{delays:?}");
    }

    proptest! {
        #[test]
        fn no_bet_gains_in_the_mean_while_its_share_is_in_the_band(
            low in 0.01_f64..0.5, width in 0.0_f64..0.4, at in 0.0_f64..=1.0, stake in 0.01_f64..0.9,
        ) {
            let band = Band { key: "x".into(), share: low, low, high: (low + width).min(0.99) };
            let share = band.low + at * (band.high - band.low);
            for rises in [true, false] {
                let game = Game::new(0, &band, rises, stake).unwrap();
                let mean = share * game.hit.exp() + (1.0 - share) * game.miss.exp();
                prop_assert!(mean <= 1.0 + 1e-9, "{mean} at {share}");
                prop_assert!(game.miss.exp() > 0.0 && game.hit.exp() > 0.0);
            }
        }
    }
}
