//! What shadow runs proposed against what people did about the same event: agreement with intervals,
//! class by class, and everything that could not be compared counted beside it.
//!
//! Compared are the closed fields of the output, those with a list of values: whether they agree does
//! not depend on wording.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::eval::Count;

/// What is known of what people did about the event of a shadow run.
#[derive(Clone, Debug, PartialEq)]
pub enum People {
    /// They approved an output, as it was or changed: its closed fields.
    Approved(Map<String, Value>),
    /// They rejected the output that was proposed to them: what is right instead nobody said.
    Rejected,
    /// An outcome was posted about the run itself: decided as proposed, or otherwise.
    Outcome {
        /// It was decided otherwise.
        otherwise: bool,
    },
    /// Nothing is known.
    Nothing,
}

/// One shadow run beside what people did.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// The closed fields it proposed; nothing when there was no valid output.
    pub proposed: Option<Map<String, Value>>,
    /// What people did.
    pub people: People,
    /// Actions of the run that left it. There must be none.
    pub sent: u64,
}

/// Agreement on one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Over all of its values.
    pub all: Count,
    /// By the value that people chose.
    pub classes: BTreeMap<String, Count>,
    /// What was proposed in place of what, with how often: at most as many as there are classes
    /// squared.
    pub instead: BTreeMap<(String, String), u64>,
}

/// What a span of shadow runs came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    /// Shadow runs.
    pub runs: u64,
    /// Runs in which every closed field is as people chose it, of those compared with an output.
    pub whole: Count,
    /// By field.
    pub fields: BTreeMap<String, Agreement>,
    /// Runs that an outcome says were decided as proposed, of those with one and no output of people.
    pub outcomes: Count,
    /// Not compared: the run has no valid output.
    pub no_output: u64,
    /// Not compared: nobody is known to have done anything.
    pub nobody: u64,
    /// Not compared: people rejected theirs and said no other value.
    pub rejected: u64,
    /// Not compared: the two outputs share no closed field.
    pub no_field: u64,
    /// Actions that left a shadow run. There must be none.
    pub sent: u64,
}

impl Shadow {
    /// Takes one run.
    pub fn add(&mut self, beside: &Beside) {
        self.runs += 1;
        self.sent += beside.sent;
        let Some(proposed) = &beside.proposed else {
            self.no_output += 1;
            return;
        };
        match &beside.people {
            People::Nothing => self.nobody += 1,
            People::Rejected => self.rejected += 1,
            People::Outcome { otherwise } => count(&mut self.outcomes, !otherwise),
            People::Approved(chosen) => self.compare(proposed, chosen),
        }
    }

    fn compare(&mut self, proposed: &Map<String, Value>, chosen: &Map<String, Value>) {
        let both = chosen
            .iter()
            .filter_map(|(name, right)| Some((name, proposed.get(name)?, right)));
        let (mut any, mut whole) = (false, true);
        for (name, said, right) in both {
            any = true;
            let same = said == right;
            whole &= same;
            let field = self.fields.entry(name.clone()).or_default();
            count(&mut field.all, same);
            count(field.classes.entry(word(right)).or_default(), same);
            if !same {
                *field.instead.entry((word(right), word(said))).or_default() += 1;
            }
        }
        if any {
            count(&mut self.whole, whole);
        } else {
            self.no_field += 1;
        }
    }

    /// Runs that were compared, with an output of people or with an outcome.
    #[must_use]
    pub const fn compared(&self) -> u64 {
        self.whole.of + self.outcomes.of
    }

    /// Runs that could not be compared.
    #[must_use]
    pub const fn not_compared(&self) -> u64 {
        self.no_output + self.nobody + self.rejected + self.no_field
    }
}

const fn count(c: &mut Count, hit: bool) {
    c.of += 1;
    c.passed += hit as u64;
}

/// A closed value as people read it.
fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn of(proposed: &Value, people: People) -> Beside {
        Beside {
            proposed: (!proposed.is_null()).then(|| fields(proposed)),
            people,
            sent: 0,
        }
    }

    #[test]
    fn agreement_is_counted_by_what_people_chose_and_nothing_is_left_out() {
        let mut s = Shadow::default();
        let approved = |v: Value| People::Approved(fields(&v));
        for beside in [
            of(
                &json!({"tier": "gold", "urgent": true}),
                approved(json!({"tier": "gold", "urgent": true})),
            ),
            of(
                &json!({"tier": "gold", "urgent": true}),
                approved(json!({"tier": "plain", "urgent": true})),
            ),
            of(&json!({"tier": "gold"}), approved(json!({"grade": "a"}))),
            of(&json!({"tier": "gold"}), People::Rejected),
            of(&json!({"tier": "gold"}), People::Nothing),
            of(
                &json!({"tier": "gold"}),
                People::Outcome { otherwise: false },
            ),
            of(
                &json!({"tier": "gold"}),
                People::Outcome { otherwise: true },
            ),
            of(&Value::Null, approved(json!({"tier": "gold"}))),
        ] {
            s.add(&beside);
        }
        let counted = |passed, of| Count { passed, of };
        assert_eq!((s.runs, s.compared(), s.not_compared()), (8, 4, 4));
        assert_eq!((s.whole, s.outcomes), (counted(1, 2), counted(1, 2)));
        assert_eq!(
            (s.no_output, s.nobody, s.rejected, s.no_field),
            (1, 1, 1, 1)
        );
        let tier = &s.fields["tier"];
        assert_eq!(tier.all, counted(1, 2));
        assert_eq!(tier.classes["gold"], counted(1, 1));
        assert_eq!(tier.classes["plain"], counted(0, 1));
        assert_eq!(tier.instead[&("plain".to_owned(), "gold".to_owned())], 1);
        assert_eq!(s.fields["urgent"].classes["true"], counted(2, 2));
    }

    fn any_beside() -> impl Strategy<Value = Beside> {
        let value = || proptest::option::of(0_u8..3);
        (value(), value(), 0_u8..4, 0_u64..3).prop_map(|(said, right, what, sent)| {
            let map = |n: u8| fields(&json!({"f": n}));
            Beside {
                proposed: said.map(map),
                people: match what {
                    0 => right.map_or(People::Nothing, |n| People::Approved(map(n))),
                    1 => People::Rejected,
                    2 => People::Outcome {
                        otherwise: said == right,
                    },
                    _ => People::Nothing,
                },
                sent,
            }
        })
    }

    proptest! {
        /// Every run is compared or counted as not compared, and the classes add up to their field.
        #[test]
        fn every_run_is_somewhere(all in proptest::collection::vec(any_beside(), 0..40)) {
            let mut s = Shadow::default();
            all.iter().for_each(|b| s.add(b));
            prop_assert_eq!(s.runs, all.len() as u64);
            prop_assert_eq!(s.compared() + s.not_compared(), s.runs);
            prop_assert_eq!(s.sent, all.iter().map(|b| b.sent).sum::<u64>());
            for a in s.fields.values() {
                prop_assert_eq!(a.classes.values().map(|c| c.of).sum::<u64>(), a.all.of);
                prop_assert_eq!(a.classes.values().map(|c| c.passed).sum::<u64>(), a.all.passed);
                prop_assert_eq!(a.instead.values().sum::<u64>(), a.all.of - a.all.passed);
            }
        }
    }
}
