//! The declared capacity: whose hours on which weekdays, how long a task takes, and what happens when the
//! work is more than that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::SecondLookBasis;
use crate::scope::{Axis, Restriction, ScopeSpec};
use crate::time::Span;
use crate::trouble::rotation;

/// The days in the order of a week.
pub const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Milliseconds of a minute.
const MINUTE: f64 = 60_000.0;

/// `[capacity]`, or the live setting that takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacitySpec {
    /// What a task takes a person, in minutes, until enough decisions were measured: above 0, at most 480.
    pub minutes_per_task: f64,
    /// So many decisions with a measured time, and the measured mean takes the place of the declared one.
    #[serde(default = "thirty")]
    pub least_tasks: u32,
    /// Fewer whole days of history give a range and no point: 1 to 28.
    #[serde(default = "seven")]
    pub least_days: u32,
    /// Above this share of the capacity the response begins, in percent: 10 to 200.
    #[serde(default = "hundred")]
    pub limit_percent: u32,
    /// Net time is judged over so many whole days: 1 to 92.
    #[serde(default = "seven")]
    pub net_days: u32,
    /// Whose hours.
    pub person: Vec<HoursSpec>,
    /// What happens by itself, in this order. Left out: intake is slowed.
    #[serde(default)]
    pub response: ResponseSpec,
    /// How far the share of second looks may follow the load.
    #[serde(default)]
    pub sample: Option<SampleSpec>,
}

/// `[[capacity.person]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursSpec {
    /// Handle.
    pub person: String,
    /// `mon-fri`, `sat,sun`, `mon`.
    pub days: String,
    /// Hours of review on each of these days: above 0, at most 24.
    pub hours: f64,
    /// Only for the cases of this group: counts while the group is served.
    #[serde(default)]
    pub group: Option<String>,
}

/// `[capacity.response]`: narrow, slow, pause, in this order. No step touches a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseSpec {
    /// First: only these groups are served, the others go to people as before the machine.
    pub groups: Vec<String>,
    /// Only these departments.
    pub departments: Vec<String>,
    /// Only these tiers.
    pub tiers: Vec<String>,
    /// Only these types.
    pub types: Vec<String>,
    /// Second: new events wait while as much is open as people do in a working day.
    pub slow: bool,
    /// Third: pause once so many working days of review wait.
    pub pause_at_days: Option<u32>,
    /// The next step comes when the one before has not helped for so long.
    pub step_after: Span,
}

impl Default for ResponseSpec {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            departments: Vec::new(),
            tiers: Vec::new(),
            types: Vec::new(),
            slow: true,
            pause_at_days: None,
            step_after: Span(Duration::from_secs(3_600)),
        }
    }
}

/// `[capacity.sample]`: the share of approvals that get a second look, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSpec {
    /// Never less, however much there is to do.
    pub floor_percent: f64,
    /// As much as this when approvals look like no review.
    pub ceiling_percent: f64,
}

const fn thirty() -> u32 {
    30
}
const fn seven() -> u32 {
    7
}
const fn hundred() -> u32 {
    100
}

/// One person's review time on each day of a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hours {
    /// Handle.
    pub person: String,
    /// Only for this group.
    pub group: Option<String>,
    /// Milliseconds, Monday first.
    pub week_ms: [i64; 7],
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most a day in milliseconds; what cannot be read is no time"
)]
fn ms(value: f64, unit: f64) -> i64 {
    if value.is_finite() {
        (value.clamp(0.0, 1e6) * unit).round() as i64
    } else {
        0
    }
}

impl SampleSpec {
    /// The floor and the ceiling in millionths.
    #[must_use]
    pub fn bounds_ppm(&self) -> (u32, u32) {
        let ppm = |percent: f64| {
            u32::try_from(ms(percent, 10_000.0))
                .unwrap_or(0)
                .min(1_000_000)
        };
        (ppm(self.floor_percent), ppm(self.ceiling_percent))
    }
}

impl ResponseSpec {
    /// What the first step narrows to, together with what is narrowed already; nothing when the package
    /// declares none.
    #[must_use]
    pub fn narrowed(&self, present: &Restriction) -> Option<Restriction> {
        let mut out = present.clone();
        let mut any = false;
        for (own, theirs) in [
            (&self.groups, &mut out.groups),
            (&self.departments, &mut out.departments),
            (&self.tiers, &mut out.tiers),
            (&self.types, &mut out.types),
        ] {
            if own.is_empty() {
                continue;
            }
            any = true;
            if theirs.is_empty() {
                theirs.clone_from(own);
            } else {
                theirs.retain(|v| own.contains(v));
            }
        }
        any.then_some(out)
    }
}

impl CapacitySpec {
    /// Reads the text of a TOML file that holds the keys of `[capacity]`.
    ///
    /// # Errors
    /// In words, with the place.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.to_string().trim().replace('\n', " "))
    }

    /// As a TOML text with these keys.
    #[must_use]
    pub fn text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// The declared time of a task in milliseconds.
    #[must_use]
    pub fn task_ms(&self) -> i64 {
        ms(self.minutes_per_task, MINUTE)
    }

    /// Everybody's hours; days that cannot be read give none, and [`CapacitySpec::faults`] says so.
    #[must_use]
    pub fn hours(&self) -> Vec<Hours> {
        let one = |spec: &HoursSpec| {
            let mut week_ms = [0; 7];
            for day in rotation::days(&spec.days).unwrap_or_default() {
                if let Some(slot) = week_ms.get_mut(day as usize) {
                    *slot = ms(spec.hours, 60.0 * MINUTE);
                }
            }
            Hours {
                person: spec.person.clone(),
                group: spec.group.clone(),
                week_ms,
            }
        };
        self.person.iter().map(one).collect()
    }

    /// What is wrong: the field and why. `scope` says which axes of an item can be read.
    #[must_use]
    pub fn faults(&self, scope: &ScopeSpec) -> Vec<(&'static str, String)> {
        let mut out: Vec<(&'static str, String)> = Vec::new();
        let mut bad = |field, wrong: bool, why: String| {
            if wrong {
                out.push((field, why));
            }
        };
        let minutes = self.minutes_per_task;
        bad(
            "minutes_per_task",
            !(minutes > 0.0 && minutes <= 480.0),
            "above 0, at most 480 minutes".to_owned(),
        );
        bad(
            "least_days",
            !(1..=28).contains(&self.least_days),
            "1 to 28 days".to_owned(),
        );
        bad(
            "limit_percent",
            !(10..=200).contains(&self.limit_percent),
            "10 to 200 percent".to_owned(),
        );
        bad(
            "net_days",
            !(1..=92).contains(&self.net_days),
            "1 to 92 days".to_owned(),
        );
        bad(
            "person",
            self.person.is_empty(),
            "name at least one person with hours".to_owned(),
        );
        for p in &self.person {
            bad(
                "hours",
                !(p.hours > 0.0 && p.hours <= 24.0),
                format!("the hours of {} are above 0, at most 24", p.person),
            );
            if let Err(why) = rotation::days(&p.days) {
                bad("days", true, format!("{}: {why}", p.person));
            }
        }
        let mut sums = std::collections::BTreeMap::<String, [i64; 7]>::new();
        for h in self.hours() {
            let week = sums.entry(h.person).or_default();
            week.iter_mut().zip(h.week_ms).for_each(|(a, b)| *a += b);
        }
        for (person, week) in sums {
            let over = week.iter().any(|ms| *ms > 86_400_000);
            bad(
                "hours",
                over,
                format!("{person} has more than 24 hours on a day"),
            );
        }
        out.extend(self.answer_faults(scope));
        out
    }

    /// What is wrong with the response and the bounds of second looks.
    fn answer_faults(&self, scope: &ScopeSpec) -> Vec<(&'static str, String)> {
        let mut out: Vec<(&'static str, String)> = Vec::new();
        let mut bad = |field, wrong: bool, why: String| {
            if wrong {
                out.push((field, why));
            }
        };
        let r = &self.response;
        for (field, axis, values) in [
            ("groups", Axis::Group, &r.groups),
            ("departments", Axis::Department, &r.departments),
            ("tiers", Axis::Tier, &r.tiers),
            ("types", Axis::Type, &r.types),
        ] {
            let unread = !values.is_empty() && scope.expr(axis).is_none();
            bad(
                field,
                unread,
                format!("[rollout.scope] does not say where the {axis} of an item is read"),
            );
        }
        bad(
            "pause_at_days",
            r.pause_at_days.is_some_and(|n| !(1..=60).contains(&n)),
            "1 to 60 working days".to_owned(),
        );
        if let Some(s) = self.sample {
            let within = |p: f64| (0.0..=100.0).contains(&p);
            let fits = within(s.floor_percent)
                && within(s.ceiling_percent)
                && s.floor_percent <= s.ceiling_percent;
            bad(
                "sample",
                !fits,
                "0 to 100 percent, the floor not above the ceiling".to_owned(),
            );
        }
        out
    }

    /// The share of second looks within the declared bounds: less while there is too much to do, more
    /// while approvals look like no review. Nothing when no bounds are declared or none applies.
    #[must_use]
    pub fn sampled(&self, over: bool, stamped: bool) -> Option<super::Sampled> {
        let (floor, ceiling) = self.sample?.bounds_ppm();
        // Who must look again is told by the approvals of people; the load cannot excuse it.
        let human = stamped.then_some(ceiling).or(over.then_some(floor));
        let automatic = over.then_some(floor);
        (human.is_some() || automatic.is_some()).then_some(super::Sampled {
            automatic_ppm: automatic,
            human_ppm: human,
        })
    }
}

impl super::Sampled {
    /// The share in force for a basis in millionths, given the declared one.
    #[must_use]
    pub fn share_ppm(&self, basis: SecondLookBasis, declared: u32) -> u32 {
        let of = match basis {
            SecondLookBasis::Automatic => self.automatic_ppm,
            SecondLookBasis::Human => self.human_ppm,
        };
        of.unwrap_or(declared)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    const TEXT: &str = "minutes_per_task = 1.2\n[[person]]\nperson = \"ida\"\ndays = \"mon-fri\"\nhours = 4\n\
        [[person]]\nperson = \"lars\"\ndays = \"mon,wed\"\nhours = 2.5\ngroup = \"emea\"\n\
        [response]\ntiers = [\"A\", \"B\"]\npause_at_days = 3\n[sample]\nfloor_percent = 1\nceiling_percent = 20\n";

    fn tiers() -> ScopeSpec {
        ScopeSpec {
            tier: Some("input.tier".into()),
            ..ScopeSpec::default()
        }
    }

    #[test]
    fn hours_are_read_by_weekday_and_defaults_are_said() {
        let spec = CapacitySpec::parse(TEXT).unwrap();
        assert_eq!(spec.task_ms(), 72_000);
        let hours = spec.hours();
        assert_eq!(
            hours[0].week_ms,
            [
                14_400_000, 14_400_000, 14_400_000, 14_400_000, 14_400_000, 0, 0
            ]
        );
        assert_eq!(hours[1].week_ms, [9_000_000, 0, 9_000_000, 0, 0, 0, 0]);
        assert_eq!(
            (spec.least_tasks, spec.least_days, spec.limit_percent),
            (30, 7, 100)
        );
        assert!(
            spec.response.slow,
            "slowing is what happens unless said otherwise"
        );
        assert_eq!(spec.faults(&tiers()), []);
        let back: CapacitySpec =
            serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(back, spec);
    }

    #[test]
    fn each_fault_names_its_field() {
        let spec = CapacitySpec::parse(TEXT).unwrap();
        let field = |s: &CapacitySpec, scope: &ScopeSpec| {
            s.faults(scope).into_iter().map(|f| f.0).collect::<Vec<_>>()
        };
        assert_eq!(
            field(&spec, &ScopeSpec::default()),
            ["tiers"],
            "nobody could tell the tier"
        );
        let with = |change: fn(&mut CapacitySpec)| {
            let mut s = spec.clone();
            change(&mut s);
            field(&s, &tiers())
        };
        assert_eq!(
            with(|s| s.minutes_per_task = f64::NAN),
            ["minutes_per_task"]
        );
        assert_eq!(with(|s| s.person.clear()), ["person"]);
        assert_eq!(with(|s| s.person[0].days = "someday".into()), ["days"]);
        assert_eq!(with(|s| s.person[0].hours = 25.0), ["hours", "hours"]);
        assert_eq!(
            with(|s| s.response.pause_at_days = Some(0)),
            ["pause_at_days"]
        );
        assert_eq!(with(|s| s.limit_percent = 0), ["limit_percent"]);
        assert_eq!(
            with(|s| s.sample = Some(SampleSpec {
                floor_percent: 5.0,
                ceiling_percent: 1.0
            })),
            ["sample"]
        );
        assert!(CapacitySpec::parse("minutes = 3").is_err());
    }

    #[test]
    fn the_first_step_only_narrows() {
        let spec = CapacitySpec::parse(TEXT).unwrap();
        let only = |t: &[&str]| Restriction {
            tiers: t.iter().map(|t| (*t).to_owned()).collect(),
            ..Restriction::default()
        };
        assert_eq!(
            spec.response.narrowed(&Restriction::default()),
            Some(only(&["A", "B"]))
        );
        let narrowed = spec.response.narrowed(&only(&["B", "C"])).unwrap();
        assert!(narrowed.within(&only(&["B", "C"])) && narrowed == only(&["B"]));
        assert_eq!(ResponseSpec::default().narrowed(&only(&["B"])), None);
    }

    #[test]
    fn the_sample_stays_within_its_bounds() {
        let spec = CapacitySpec::parse(TEXT).unwrap();
        let at = |over, stamped| {
            spec.sampled(over, stamped)
                .map(|s| (s.automatic_ppm, s.human_ppm))
        };
        assert_eq!(at(false, false), None);
        assert_eq!(at(true, false), Some((Some(10_000), Some(10_000))));
        assert_eq!(at(false, true), Some((None, Some(200_000))));
        assert_eq!(
            at(true, true),
            Some((Some(10_000), Some(200_000))),
            "load excuses nobody"
        );
    }
}
