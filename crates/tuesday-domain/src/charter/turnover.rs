//! The turnover test: days on which a workflow runs without the person who built it, graded from the
//! log. Also who carries most of its work, because that is whom it should be tried without.
//!
//! While a test runs the person's rights on the workflow are suspended. It is graded when somebody
//! else signs it; a test that is called off shows nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::words::words;

/// The longest test, in days: rights are not taken away in passing.
pub const MOST_DAYS: u32 = 30;
/// Fewer hours are no day of work.
pub const LEAST_HOURS: u64 = 8;
/// Fewer runs show nothing, however quiet the workflow is.
pub const LEAST_RUNS: u64 = 10;
/// Fewer decisions say nothing about who carries the work.
const ENOUGH: u64 = 20;
/// From this percent of all decisions on, the work hangs on one person.
const HERO_PERCENT: u64 = 60;
/// From this percent of the decisions of a test on, it shows that another person is needed instead.
const ALONE_PERCENT: u64 = 90;

/// Kinds of audit entries that are a person's decision on a task.
const DECIDED: [&str; 6] = [
    "review.approved",
    "review.approved_with_edits",
    "review.partly_approved",
    "review.rejected",
    "review.input_supplied",
    "review.handed_over",
];

words! {
    /// How a test stands.
    TurnoverState {
        /// The person's rights are suspended.
        Running = "running",
        /// The days are over and nobody has signed.
        Ended = "ended",
        /// Signed, and every criterion was met.
        Passed = "passed",
        /// Signed, and one was not.
        Failed = "failed",
        /// Ended before it could show anything.
        CalledOff = "called_off",
    }
}

/// What can happen to a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnoverEvent {
    /// Its days are over.
    TimeUp,
    /// Somebody signed what the log shows.
    Sign {
        /// Every criterion was met.
        passed: bool,
    },
    /// Somebody ended it without a result.
    CallOff,
}

/// A move that the states do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test that is {from} cannot do this")]
pub struct IllegalTurnover {
    /// The state it is in.
    pub from: TurnoverState,
}

impl TurnoverState {
    /// The state after an event.
    ///
    /// # Errors
    /// When the test is over, or its time is up twice.
    pub const fn next(self, event: TurnoverEvent) -> Result<Self, IllegalTurnover> {
        use TurnoverEvent as E;
        Ok(match (self, event) {
            (Self::Running, E::TimeUp) => Self::Ended,
            (Self::Running | Self::Ended, E::Sign { passed: true }) => Self::Passed,
            (Self::Running | Self::Ended, E::Sign { passed: false }) => Self::Failed,
            (Self::Running | Self::Ended, E::CallOff) => Self::CalledOff,
            (from, _) => return Err(IllegalTurnover { from }),
        })
    }

    /// Nothing happens to it any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Passed | Self::Failed | Self::CalledOff)
    }
}

/// One act of a person on the workflow, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Handle.
    pub person: String,
    /// Kind of the audit entry.
    pub kind: String,
    /// Its run; empty when it is about the workflow.
    pub run: String,
}

/// Deeds are listed up to this many, and counted beyond.
pub const LISTED: usize = 50;

/// What people did while a test ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deeds {
    /// Acts by person and kind.
    pub people: BTreeMap<String, BTreeMap<String, u64>>,
    /// Acts of the tested person and of engineers: how many.
    pub forbidden: u64,
    /// The first of them.
    pub listed: Vec<Deed>,
}

impl Deeds {
    /// Counts an act; one of somebody who should not have been needed is listed.
    pub fn add(&mut self, deed: Deed, forbidden: bool) {
        let kinds = self.people.entry(deed.person.clone()).or_default();
        *kinds.entry(deed.kind.clone()).or_default() += 1;
        if forbidden {
            self.forbidden += 1;
            if self.listed.len() < LISTED {
                self.listed.push(deed);
            }
        }
    }

    /// How often this kind of act was done, by anybody.
    #[must_use]
    pub fn of(&self, kind: &str) -> u64 {
        self.people.values().filter_map(|k| k.get(kind)).sum()
    }
}

/// What tables show about the days of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoverFigures {
    /// Runs that were accepted.
    pub accepted: u64,
    /// Runs of an average day with work, in the 28 days before.
    pub ordinary: u64,
    /// Accepted, not ended, and neither with a person nor queued.
    pub lost: u64,
    /// Tasks of those days that were open at their end; those of the last hour do not count.
    pub unfinished: u64,
    /// Open tasks past their time at the end, from whenever.
    pub overdue: u64,
    /// Tasks that were opened.
    pub tasks: u64,
    /// Calls of the model and tries at destinations that failed: trouble that was lived through.
    pub failures: u64,
}

/// One thing that the days had to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// A short name.
    pub name: String,
    /// It was shown.
    pub met: bool,
    /// What was seen, in words.
    pub words: String,
}

/// The graded test: kept with its signature, and never computed again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnoverReport {
    /// What had to be shown.
    pub criteria: Vec<Criterion>,
    /// Counts.
    pub figures: TurnoverFigures,
    /// Hours that were graded.
    pub hours: u64,
    /// What people did.
    pub deeds: Deeds,
}

impl TurnoverReport {
    /// Every criterion was met.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.criteria.is_empty() && self.criteria.iter().all(|c| c.met)
    }

    /// The unmet ones, or what was shown, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let unmet: Vec<&str> = self
            .criteria
            .iter()
            .filter(|c| !c.met)
            .map(|c| c.words.as_str())
            .collect();
        if unmet.is_empty() {
            let f = &self.figures;
            format!(
                "{} runs and {} tasks in {} h",
                f.accepted, f.tasks, self.hours
            )
        } else {
            unmet.join("; ")
        }
    }
}

fn criterion(name: &str, met: bool, words: String) -> Criterion {
    Criterion {
        name: name.to_owned(),
        met,
        words,
    }
}

/// Grades what was seen. Nothing that is missing counts as met.
#[must_use]
pub fn grade(figures: TurnoverFigures, deeds: Deeds, hours: u64) -> TurnoverReport {
    let f = &figures;
    let wanted = (f.ordinary / 2).max(LEAST_RUNS);
    let others: u64 = DECIDED.iter().map(|kind| deeds.of(kind)).sum();
    let criteria = vec![
        criterion(
            "ordinary_day",
            hours >= LEAST_HOURS && f.accepted >= wanted,
            format!(
                "{} runs in {hours} h; at least {wanted} in {LEAST_HOURS} h are a day of work",
                f.accepted
            ),
        ),
        criterion("nothing_lost", f.lost == 0, format!("{} runs lost", f.lost)),
        criterion(
            "nothing_unfinished",
            f.unfinished == 0,
            format!("{} tasks of these days were left", f.unfinished),
        ),
        criterion(
            "in_time",
            f.overdue == 0,
            format!("{} tasks were past their time at the end", f.overdue),
        ),
        criterion(
            "without_builders",
            deeds.forbidden == 0,
            format!("{} acts by the builder or an engineer", deeds.forbidden),
        ),
        criterion(
            "people_decided",
            f.tasks == 0 || others > 0,
            format!("{others} decisions by others on {} tasks", f.tasks),
        ),
    ];
    let criteria = criteria.into_iter().chain([not_alone(&deeds)]).collect();
    TurnoverReport {
        criteria,
        figures,
        hours,
        deeds,
    }
}

/// Work that hangs on somebody else now was not tried without anybody.
fn not_alone(deeds: &Deeds) -> Criterion {
    let of: u64 = DECIDED.iter().map(|kind| deeds.of(kind)).sum();
    let each = deeds.people.iter().map(|(person, kinds)| {
        let own: u64 = DECIDED.iter().filter_map(|kind| kinds.get(*kind)).sum();
        (own, person)
    });
    let (most, person) = each.max_by_key(|(n, _)| *n).unzip();
    let (most, person) = (most.unwrap_or(0), person.map_or("nobody", String::as_str));
    let alone = of >= ENOUGH && most * 100 >= of * ALONE_PERCENT;
    let words = if alone {
        format!("hero_dependence: {person} made {most} of {of} decisions of these days")
    } else {
        format!("{person} made most decisions of these days, {most} of {of}")
    };
    criterion("not_one_person", !alone, words)
}

/// The person on whom the work hangs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hero {
    /// Handle.
    pub person: String,
    /// Decisions of that person.
    pub acts: u64,
    /// Decisions of everybody.
    pub of: u64,
}

/// Who made more than 60 percent of at least 20 decisions, if anybody.
#[must_use]
pub fn hero(shares: &[(String, u64)]) -> Option<Hero> {
    let of: u64 = shares.iter().map(|(_, n)| n).sum();
    let (person, acts) = shares.iter().max_by_key(|(_, n)| n)?;
    (of >= ENOUGH && acts * 100 > of * HERO_PERCENT).then(|| Hero {
        person: person.clone(),
        acts: *acts,
        of,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    fn deed(person: &str, kind: &str) -> Deed {
        Deed {
            at: Timestamp::from_micros(1),
            person: person.into(),
            kind: kind.into(),
            run: String::new(),
        }
    }

    fn good() -> (TurnoverFigures, Deeds) {
        let figures = TurnoverFigures {
            accepted: 120,
            ordinary: 130,
            tasks: 40,
            ..TurnoverFigures::default()
        };
        let mut deeds = Deeds::default();
        deeds.add(deed("lena", "review.approved"), false);
        (figures, deeds)
    }

    #[test]
    fn a_day_passes_only_when_everything_was_shown() {
        let (figures, deeds) = good();
        assert!(grade(figures, deeds.clone(), 9).passed());
        let mut cases: Vec<(&str, TurnoverFigures, u64)> = vec![
            ("ordinary_day", figures, 7),
            (
                "ordinary_day",
                TurnoverFigures {
                    accepted: 64,
                    ..figures
                },
                9,
            ),
        ];
        cases.push(("nothing_lost", TurnoverFigures { lost: 1, ..figures }, 9));
        cases.push((
            "nothing_unfinished",
            TurnoverFigures {
                unfinished: 10,
                ..figures
            },
            9,
        ));
        cases.push((
            "in_time",
            TurnoverFigures {
                overdue: 1,
                ..figures
            },
            9,
        ));
        for (name, figures, hours) in cases {
            let report = grade(figures, deeds.clone(), hours);
            let unmet: Vec<_> = report.criteria.iter().filter(|c| !c.met).collect();
            assert_eq!(unmet.len(), 1, "{name}");
            assert_eq!(unmet.first().unwrap().name, name);
            assert!(!report.passed() && report.words() == unmet.first().unwrap().words);
        }
        let mut engineer = deeds;
        engineer.add(deed("edda", "run.rerun"), true);
        let report = grade(figures, engineer, 9);
        assert!(!report.passed() && report.deeds.listed.first().unwrap().person == "edda");
        assert!(
            !grade(figures, Deeds::default(), 9).passed(),
            "nobody decided"
        );
        assert!(!TurnoverReport::default().passed(), "nothing was graded");
    }

    #[test]
    fn a_test_that_one_person_carries_does_not_pass() {
        let of = |lena: usize, nils: usize| {
            let (figures, _) = good();
            let mut deeds = Deeds::default();
            for (person, times) in [("lena", lena), ("nils", nils)] {
                for _ in 0..times {
                    deeds.add(deed(person, "review.approved"), false);
                }
            }
            grade(figures, deeds, 9)
        };
        let alone = of(90, 10);
        assert!(!alone.passed());
        assert_eq!(
            alone.words(),
            "hero_dependence: lena made 90 of 100 decisions of these days"
        );
        assert!(of(89, 11).passed());
        assert!(of(19, 0).passed(), "too few to say");
    }

    #[test]
    fn a_quiet_workflow_still_has_to_show_ten_runs() {
        let (mut figures, deeds) = good();
        (figures.ordinary, figures.accepted) = (0, 9);
        assert!(!grade(figures, deeds.clone(), 24).passed());
        figures.accepted = 10;
        assert!(grade(figures, deeds, 24).passed());
    }

    #[test]
    fn a_test_is_over_once() {
        use TurnoverEvent as E;
        use TurnoverState as S;
        let events = [
            E::TimeUp,
            E::Sign { passed: true },
            E::Sign { passed: false },
            E::CallOff,
        ];
        for from in S::ALL {
            for event in events {
                let next = from.next(event);
                assert_eq!(
                    next.is_err(),
                    from.is_over() || (*from == S::Ended && event == E::TimeUp)
                );
                assert_ne!(next, Ok(S::Running), "nobody loses rights again");
            }
        }
    }

    #[test]
    fn one_person_carries_the_work_from_sixty_percent_on() {
        let of = |list: &[(&str, u64)]| {
            let list: Vec<_> = list.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect();
            hero(&list).map(|h| h.person)
        };
        assert_eq!(of(&[("nils", 85), ("lena", 15)]), Some("nils".into()));
        assert_eq!(of(&[("nils", 60), ("lena", 40)]), None);
        assert_eq!(of(&[("nils", 19)]), None, "too few to say");
        assert_eq!(of(&[]), None);
    }
}
