//! Whether a stated confidence comes true: by bands, against what people said of the outputs. A cutoff that
//! lets runs go without a person rests on it, so it needs evidence that is there, current and near enough.
//!
//! The interval around the share that people found right is Wilson's (E. B. Wilson, "Probable Inference, the
//! Law of Succession, and Statistical Inference", JASA 22, 1927). What is relied on is the share itself, from
//! 200 outcomes on: nobody can tell ten points from less, and 200 tell them for sure (four standard errors at
//! a confidence of 0.9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::ConfidenceSource;
use crate::id::ReleaseId;
use crate::ledger::day::Day;
use crate::ledger::interval::{share_ppm, wilson};
use crate::ready::Ready;
use crate::rules::{Facts, RuleSet, Verdict, rests_on};
use crate::time::Timestamp;
use crate::words::words;

/// Fewer outcomes say nothing about a band.
pub const LEAST: u64 = 200;
/// The share that people found right may lie so far from what was stated, in millionths.
pub const TOLERANCE_PPM: i64 = 100_000;
/// Outcomes of older runs do not count, in days.
pub const WINDOW_DAYS: i64 = 90;
/// A person's word that a band can be relied on holds so long, in days.
pub const RELIED_DAYS: u64 = 30;

words! {
    /// A range of confidence, its lower end included.
    Band {
        /// Below 0.5.
        Below50 = "0.00-0.50",
        /// From 0.5.
        From50 = "0.50-0.60",
        /// From 0.6.
        From60 = "0.60-0.70",
        /// From 0.7.
        From70 = "0.70-0.80",
        /// From 0.8.
        From80 = "0.80-0.90",
        /// From 0.9, 1 included.
        From90 = "0.90-1.00",
    }
}

impl Band {
    /// The band of a confidence in millionths.
    #[must_use]
    pub const fn of(ppm: u32) -> Self {
        match ppm {
            0..500_000 => Self::Below50,
            500_000..600_000 => Self::From50,
            600_000..700_000 => Self::From60,
            700_000..800_000 => Self::From70,
            800_000..900_000 => Self::From80,
            _ => Self::From90,
        }
    }
}

/// Outcomes in a band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandCount {
    /// Runs of which a person said whether the output was right.
    pub runs: u64,
    /// Of them, right as they stood.
    pub right: u64,
    /// The sum of what was stated, in millionths.
    pub said_ppm: u64,
}

impl BandCount {
    /// Adds a run.
    pub fn add(&mut self, said_ppm: u32, right: bool) {
        self.runs += 1;
        self.right += u64::from(right);
        self.said_ppm += u64::from(said_ppm);
    }

    /// Adds what another part came to.
    pub fn merge(&mut self, o: &Self) {
        self.runs += o.runs;
        self.right += o.right;
        self.said_ppm += o.said_ppm;
    }

    /// The mean of what was stated, in millionths.
    #[must_use]
    pub fn mean_ppm(&self) -> Option<i64> {
        let mean = self.said_ppm.checked_div(self.runs)?;
        i64::try_from(mean).ok()
    }

    /// The share that was right, in millionths.
    #[must_use]
    pub fn right_ppm(&self) -> Option<i64> {
        share_ppm(self.right, self.runs)
    }

    /// Both ends of the 95 % interval around that share; nothing without a run.
    #[must_use]
    pub fn interval(&self) -> Option<(i64, i64)> {
        (self.runs > 0).then(|| wilson(self.right, self.runs))
    }

    /// What the outcomes say about the band.
    #[must_use]
    pub fn says(&self) -> BandState {
        let (Some(said), Some(right)) = (self.mean_ppm(), self.right_ppm()) else {
            return BandState::Few;
        };
        if self.runs < LEAST {
            BandState::Few
        } else if said - right > TOLERANCE_PPM {
            BandState::Miscalibrated
        } else if right - said > TOLERANCE_PPM {
            BandState::Modest
        } else {
            BandState::Current
        }
    }
}

words! {
    /// How far a band can be relied on.
    BandState {
        /// Too few outcomes.
        Few = "too_few",
        /// Right about as often as stated.
        Current = "current",
        /// Right more often than stated: nothing is let through that should not be.
        Modest = "modest",
        /// Right less often than stated.
        Miscalibrated = "miscalibrated",
        /// Miscalibrated, and relied on by a person's decision until there is fresh evidence.
        Relied = "relied_on",
    }
}

impl BandState {
    /// A rule may rest on it.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Current | Self::Modest | Self::Relied)
    }
}

/// A person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relied {
    /// Handle.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when it holds at most.
    pub until: Timestamp,
}

/// How a band stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandTrust {
    /// Which.
    pub band: Band,
    /// How far it can be relied on.
    pub state: BandState,
    /// What that rests on.
    pub rests_on: BandCount,
    /// Only runs from this day on count: what was known when it was found miscalibrated is spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// A person's word, while it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relied: Option<Relied>,
}

/// How far the confidence of a workflow's live model can be relied on; kept with its row, so that every node
/// acts by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The form of this record.
    pub v: u8,
    /// A test instance grants what evidence would have to show. What evidence speaks against counts there too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
    /// Releases whose model is told the same as the live one's: whose outcomes these are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<ReleaseId>,
    /// Bands about which enough is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<BandTrust>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            v: 1,
            granted: false,
            releases: Vec::new(),
            bands: Vec::new(),
        }
    }
}

/// Percent with one place.
fn percent(ppm: i64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

/// `stated 92.0 %, right 60.0 % (53.9 to 65.8) of 250`.
#[must_use]
pub fn told(c: &BandCount) -> String {
    match (c.mean_ppm(), c.right_ppm(), c.interval()) {
        (Some(said), Some(right), Some((low, high))) => format!(
            "stated {}, right {} ({} to {}) of {}",
            percent(said),
            percent(right),
            percent(low),
            percent(high),
            c.runs
        ),
        _ => "no outcome yet".to_owned(),
    }
}

impl Trust {
    /// As it is stored.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From what is stored.
    ///
    /// # Errors
    /// In words: another form, or none at all.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if found.v != 1 {
            return Err(format!("form {} is not known", found.v));
        }
        Ok(found)
    }

    /// What is known about a band.
    #[must_use]
    pub fn band(&self, band: Band) -> Option<&BandTrust> {
        self.bands.iter().find(|b| b.band == band)
    }

    /// Why a rule may not rest on this confidence of a run of this release; nothing when it may.
    #[must_use]
    pub fn doubt(&self, release: ReleaseId, ppm: Option<u32>, now: Timestamp) -> Option<String> {
        let Some(ppm) = ppm else {
            return (!self.granted)
                .then(|| "the rule rests on a confidence that was not stated".to_owned());
        };
        let band = Band::of(ppm);
        let known = self.band(band).filter(|_| self.releases.contains(&release));
        let state = known.map_or(BandState::Few, |b| b.state);
        match (state, known) {
            (BandState::Relied, Some(b)) => {
                let over = b.relied.as_ref().is_none_or(|r| r.until <= now);
                over.then(|| {
                    format!("the confidence {band} is miscalibrated, and the word for it has ended")
                })
            }
            (BandState::Miscalibrated, Some(b)) => Some(format!(
                "the confidence {band} is miscalibrated: {}",
                told(&b.rests_on)
            )),
            (state, _) if state.holds() || self.granted => None,
            _ => Some(format!(
                "the confidence {band} has no current calibration: fewer than {LEAST} outcomes within {WINDOW_DAYS} days"
            )),
        }
    }
}

/// Outcomes of a band from a day on, or of all days that count.
pub type Outcomes<'a> = &'a dyn Fn(Band, Option<Day>) -> BandCount;

/// How the bands stand by the outcomes there are now. What is miscalibrated stays so until fresh outcomes say
/// otherwise, or a person does.
#[must_use]
pub fn looked(
    old: &Trust,
    releases: Vec<ReleaseId>,
    of: Outcomes<'_>,
    (today, now): (Day, Timestamp),
) -> Trust {
    // Another model, or told otherwise: nothing that is known is about it.
    let another = !old.releases.iter().any(|r| releases.contains(r));
    let bands = Band::ALL.iter().filter_map(|band| {
        let before = old.band(*band).filter(|_| !another);
        let from = before.and_then(|b| b.from);
        let count = of(*band, from);
        let says = count.says();
        let kept = |state| before.map(|b| BandTrust { state, ..b.clone() });
        let relied = before.filter(|b| b.state == BandState::Relied);
        let holds = relied
            .and_then(|b| b.relied.as_ref())
            .is_some_and(|r| r.until > now);
        match (before.map(|b| b.state), says) {
            (Some(BandState::Miscalibrated), BandState::Few) => kept(BandState::Miscalibrated),
            (Some(BandState::Relied), BandState::Few) if holds => kept(BandState::Relied),
            (Some(BandState::Relied), BandState::Few) => kept(BandState::Miscalibrated),
            (_, BandState::Few) => None,
            (was, state) => {
                let found = state == BandState::Miscalibrated && was != Some(state);
                Some(BandTrust {
                    band: *band,
                    state,
                    rests_on: count,
                    from: if found { Some(today.plus(1)) } else { from },
                    relied: None,
                })
            }
        }
    });
    Trust {
        v: 1,
        granted: old.granted,
        bands: bands.collect(),
        releases,
    }
}

/// Whether two records say the same to whoever acts by them; counts that only grew are no change.
#[must_use]
pub fn same_to_act_by(a: &Trust, b: &Trust) -> bool {
    let states = |t: &Trust| -> BTreeMap<Band, BandState> {
        t.bands.iter().map(|b| (b.band, b.state)).collect()
    };
    a.granted == b.granted && a.releases == b.releases && states(a) == states(b)
}

/// Whether the verdict of the table would be another with another confidence.
#[must_use]
pub fn rests_on_confidence(
    ready: &Ready,
    rules: &RuleSet,
    verdict: &Verdict,
    facts: &Facts<'_>,
) -> bool {
    let spec = &ready.model.confidence;
    let field = match spec.source {
        ConfidenceSource::Field => spec.field.as_ref().map(|f| format!("output.{f}")),
        _ => None,
    };
    let stated = |path: &String| path == "confidence" || Some(path) == field.as_ref();
    let columns: Vec<&str> = ready
        .facts
        .iter()
        .filter(|(_, expr)| expr.reads().iter().any(stated))
        .map(|(name, _)| name.as_str())
        .collect();
    rests_on(rules, verdict, facts, &|column| columns.contains(&column))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn now(days: u64) -> Timestamp {
        Timestamp::default().plus(std::time::Duration::from_secs(days * 86_400))
    }

    fn count(runs: u64, right: u64, said: u64) -> BandCount {
        BandCount {
            runs,
            right,
            said_ppm: runs * said,
        }
    }

    fn release(n: u128) -> ReleaseId {
        ReleaseId::new(uuid::Uuid::from_u128(n))
    }

    fn only(of: BandCount) -> impl Fn(Band, Option<Day>) -> BandCount {
        move |band, _| {
            if band == Band::From90 {
                of
            } else {
                BandCount::default()
            }
        }
    }

    #[test]
    fn a_confidence_belongs_to_the_band_it_begins() {
        let of = [0, 499_999, 500_000, 899_999, 900_000, 1_000_000].map(Band::of);
        use Band::{Below50, From50, From80, From90};
        assert_eq!(of, [Below50, Below50, From50, From80, From90, From90]);
    }

    #[test]
    fn ten_points_and_two_hundred_outcomes_decide() {
        let says = |runs, right| count(runs, right, 900_000).says();
        assert_eq!(says(199, 100), BandState::Few);
        assert_eq!(says(200, 120), BandState::Miscalibrated);
        assert_eq!(says(200, 159), BandState::Miscalibrated);
        // Ten points exactly are within.
        assert_eq!(says(200, 160), BandState::Current);
        assert_eq!(says(200, 200), BandState::Current);
        assert_eq!(count(200, 170, 700_000).says(), BandState::Modest);
    }

    #[test]
    fn without_evidence_nothing_rests_on_it_unless_it_was_granted() {
        let own = release(1);
        let sure = Some(930_000);
        let none = Trust::default();
        assert!(
            none.doubt(own, sure, now(0))
                .unwrap_or_default()
                .contains("fewer than 200")
        );
        assert!(none.doubt(own, None, now(0)).is_some());
        let granted = Trust {
            granted: true,
            ..Trust::default()
        };
        assert_eq!(granted.doubt(own, sure, now(0)), None);
        let seen = looked(
            &none,
            vec![own],
            &only(count(250, 240, 930_000)),
            (day("2026-11-20"), now(0)),
        );
        assert_eq!(seen.doubt(own, sure, now(0)), None);
        // Another band, and another release, are another matter.
        assert!(seen.doubt(own, Some(899_999), now(0)).is_some());
        assert!(seen.doubt(release(2), sure, now(0)).is_some());
        let wrong = only(count(250, 150, 930_000));
        let wrong = looked(&granted, vec![own], &wrong, (day("2026-11-20"), now(0)));
        let said = wrong.doubt(own, sure, now(0)).unwrap_or_default();
        assert!(
            said.contains("miscalibrated: stated 93.0 %, right 60.0 %"),
            "{said}"
        );
    }

    #[test]
    fn what_is_miscalibrated_stays_so_until_fresh_outcomes_or_a_person_say_otherwise() {
        let own = vec![release(1)];
        let at = |d: &str, n| (day(d), now(n));
        let bad = looked(
            &Trust::default(),
            own.clone(),
            &only(count(250, 150, 930_000)),
            at("2026-11-20", 0),
        );
        let found = bad.band(Band::From90).unwrap();
        assert_eq!(
            (found.state, found.from),
            (BandState::Miscalibrated, Some(day("2026-11-21")))
        );
        // The same outcomes do not count again, some fresh ones are too few, bad ones keep it so.
        for (runs, right) in [(0, 0), (199, 199), (220, 100)] {
            let next = looked(
                &bad,
                own.clone(),
                &only(count(runs, right, 930_000)),
                at("2026-11-25", 5),
            );
            let state = next.band(Band::From90).map(|b| (b.state, b.from));
            assert_eq!(
                state,
                Some((BandState::Miscalibrated, Some(day("2026-11-21")))),
                "{runs}"
            );
        }
        let good = looked(
            &bad,
            own.clone(),
            &only(count(200, 190, 930_000)),
            at("2026-11-30", 10),
        );
        assert_eq!(
            good.band(Band::From90).map(|b| b.state),
            Some(BandState::Current)
        );
        // A person's word holds until it ends, or until fresh outcomes are there.
        let mut word = bad.clone();
        word.bands[0].state = BandState::Relied;
        word.bands[0].relied = Some(Relied {
            by: "rhea".into(),
            reason: "a trainee".into(),
            until: now(30),
        });
        assert_eq!(word.doubt(own[0], Some(930_000), now(29)), None);
        assert!(word.doubt(own[0], Some(930_000), now(30)).is_some());
        let state = |t: &Trust, n, of| {
            looked(t, own.clone(), &only(of), at("2026-12-01", n))
                .band(Band::From90)
                .map(|b| b.state)
        };
        assert_eq!(
            state(&word, 29, count(9, 9, 930_000)),
            Some(BandState::Relied)
        );
        assert_eq!(
            state(&word, 30, count(9, 9, 930_000)),
            Some(BandState::Miscalibrated)
        );
        assert_eq!(
            state(&word, 29, count(220, 90, 930_000)),
            Some(BandState::Miscalibrated)
        );
        assert_eq!(
            state(&word, 29, count(220, 210, 930_000)),
            Some(BandState::Current)
        );
        // Another model begins anew.
        let other = looked(
            &bad,
            vec![release(9)],
            &only(BandCount::default()),
            at("2026-12-01", 11),
        );
        assert!(other.bands.is_empty());
    }

    #[test]
    fn a_record_comes_back_as_it_was_written_and_growth_alone_is_no_change() {
        let seen = looked(
            &Trust::default(),
            vec![release(1)],
            &only(count(250, 240, 930_000)),
            (day("2026-11-20"), now(0)),
        );
        assert_eq!(Trust::parse(&seen.text()), Ok(seen.clone()));
        assert_eq!(Trust::default().text(), r#"{"v":1}"#);
        assert!(Trust::parse(r#"{"v":2}"#).is_err());
        let more = looked(
            &seen,
            vec![release(1)],
            &only(count(260, 250, 930_000)),
            (day("2026-11-21"), now(1)),
        );
        assert!(more != seen && same_to_act_by(&seen, &more));
        assert!(!same_to_act_by(&seen, &Trust::default()));
    }
}
