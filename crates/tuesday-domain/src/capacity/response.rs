//! What the system does by itself when the work is more than people can do: narrow, slow, pause, in the
//! declared order, each step after the one before had its time. Easing off is a person's act.

use serde::{Deserialize, Serialize};

use super::ResponseSpec;
use crate::ledger::day::Day;
use crate::scope::Restriction;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// A step of the response.
    Step {
        /// Fewer groups, departments, tiers or types are served.
        Narrow = "narrow",
        /// New events wait until there is room.
        Slow = "slow",
        /// Nothing acts.
        Pause = "pause",
    }
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Which.
    pub step: Step,
    /// When.
    pub at: Timestamp,
    /// The figures it rests on.
    pub words: String,
}

/// The shares of second looks in force instead of the declared ones, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Of approvals by rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_ppm: Option<u32>,
    /// Of approvals by people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_ppm: Option<u32>,
}

/// How a workflow's load is answered at present; kept with its row, so that every node acts by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadState {
    /// The form of this record.
    pub v: u8,
    /// The day on which its people were last told that there is too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed: Option<Day>,
    /// The steps in force, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Taken>,
    /// Intake is slowed: new events wait while so many runs are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<u32>,
    /// The restriction before the first step; what easing off goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Restriction>,
    /// The day on which a person eased off; no step follows on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eased: Option<Day>,
    /// Shares of second looks in force instead of the declared ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Sampled>,
    /// The day on which people were last told about the net time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net_told: Option<Day>,
}

impl Default for LoadState {
    fn default() -> Self {
        Self {
            v: 1,
            alarmed: None,
            steps: Vec::new(),
            slow: None,
            before: None,
            eased: None,
            sampled: None,
            net_told: None,
        }
    }
}

impl LoadState {
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

    /// Was the step taken?
    #[must_use]
    pub fn took(&self, step: Step) -> bool {
        self.steps.iter().any(|t| t.step == step)
    }
}

/// The next step that is due: the first declared one that was not taken, once the one before had its
/// time. Pausing waits for its number of days instead. Nothing while the load fits, and nothing on a day
/// on which a person eased off.
#[must_use]
pub fn next_step(
    spec: &ResponseSpec,
    state: &LoadState,
    over: bool,
    backlog_days_tenths: i64,
    (now, today): (Timestamp, Day),
) -> Option<Step> {
    if state.eased == Some(today) {
        return None;
    }
    let narrows = spec.narrowed(&Restriction::default()).is_some();
    let declared = |step: &Step| match step {
        Step::Narrow => narrows,
        Step::Slow => spec.slow,
        Step::Pause => spec.pause_at_days.is_some(),
    };
    let full = spec
        .pause_at_days
        .is_some_and(|n| backlog_days_tenths >= i64::from(n) * 10);
    let next = *Step::ALL
        .iter()
        .filter(|s| declared(s))
        .find(|s| !state.took(**s))?;
    if next == Step::Pause {
        return full.then_some(next);
    }
    let had_time = state
        .steps
        .last()
        .is_none_or(|t| now >= t.at.plus(spec.step_after.0));
    ((over && had_time) || full).then_some(next)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Span;

    fn spec() -> ResponseSpec {
        ResponseSpec {
            tiers: vec!["A".into(), "B".into()],
            pause_at_days: Some(3),
            step_after: Span(Duration::from_secs(3_600)),
            ..ResponseSpec::default()
        }
    }

    fn at(hour: i64) -> (Timestamp, Day) {
        let now = Timestamp::from_micros(hour * 3_600_000_000);
        (now, Day::parse("2026-11-19").unwrap())
    }

    fn after(steps: &[(Step, i64)]) -> LoadState {
        LoadState {
            steps: steps
                .iter()
                .map(|(step, hour)| Taken {
                    step: *step,
                    at: at(*hour).0,
                    words: "x".into(),
                })
                .collect(),
            ..LoadState::default()
        }
    }

    #[test]
    fn steps_come_in_the_declared_order_and_each_gets_its_time() {
        let next = |state: &LoadState, over, tenths, hour| {
            next_step(&spec(), state, over, tenths, at(hour))
        };
        let none = after(&[]);
        assert_eq!(next(&none, false, 29, 1), None);
        assert_eq!(next(&none, true, 0, 1), Some(Step::Narrow));
        let one = after(&[(Step::Narrow, 1)]);
        assert_eq!(next(&one, true, 0, 1), None, "it gets its hour");
        assert_eq!(next(&one, true, 0, 2), Some(Step::Slow));
        assert_eq!(next(&one, false, 0, 9), None, "it helped");
        let two = after(&[(Step::Narrow, 1), (Step::Slow, 2)]);
        assert_eq!(next(&two, true, 29, 9), None, "2.9 days are not three");
        assert_eq!(next(&two, false, 30, 9), Some(Step::Pause));
        assert_eq!(
            next(&none, false, 30, 1),
            Some(Step::Narrow),
            "in order, but at once"
        );
        assert_eq!(next(&one, false, 30, 1), Some(Step::Slow));
        let all = after(&[(Step::Narrow, 1), (Step::Slow, 2), (Step::Pause, 3)]);
        assert_eq!(next(&all, true, 99, 9), None);
    }

    #[test]
    fn what_is_not_declared_is_not_done_and_slowing_is_the_default() {
        let plain = ResponseSpec::default();
        assert_eq!(
            next_step(&plain, &after(&[]), true, 99, at(1)),
            Some(Step::Slow)
        );
        assert_eq!(
            next_step(&plain, &after(&[(Step::Slow, 1)]), true, 99, at(9)),
            None
        );
        let nothing = ResponseSpec {
            slow: false,
            ..plain
        };
        assert_eq!(next_step(&nothing, &after(&[]), true, 99, at(1)), None);
    }

    #[test]
    fn nothing_follows_on_the_day_a_person_eased_off() {
        let mut state = after(&[]);
        state.eased = Some(at(1).1);
        assert_eq!(next_step(&spec(), &state, true, 99, at(1)), None);
        state.eased = Some(at(1).1.plus(-1));
        assert_eq!(
            next_step(&spec(), &state, true, 99, at(1)),
            Some(Step::Narrow)
        );
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let mut state = after(&[(Step::Narrow, 1)]);
        state.before = Some(Restriction::default());
        state.sampled = Some(Sampled {
            automatic_ppm: Some(1),
            human_ppm: None,
        });
        state.alarmed = Some(at(1).1);
        assert_eq!(LoadState::parse(&state.text()), Ok(state));
        assert_eq!(LoadState::default().text(), r#"{"v":1}"#);
        assert!(LoadState::parse(r#"{"v":2}"#).is_err());
    }
}
