//! Practice for those who decide: cases of the eval pack with a proposal that is right or wrong, and
//! whether it should be approved. What is right is what the pack says, so nobody has to judge it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::eval::{Case, Kind};
use crate::snapshot::sha256_hex;

/// Cases of one practice.
pub const CASES: usize = 10;
/// Of them, cases that nobody should approve whatever is proposed.
const TRAPS: usize = 2;

/// One case to decide.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exercise {
    /// Its number in the practice, from 1: names of the pack often tell what is right.
    pub number: u32,
    /// Its name in the pack. Never shown.
    #[serde(skip)]
    pub name: String,
    /// The event.
    pub input: Value,
    /// What the sources answer.
    pub sources: Map<String, Value>,
    /// What is proposed: fields of the output.
    pub proposed: Map<String, Value>,
    /// Whether it should be approved. Told only after the answer.
    #[serde(skip)]
    pub approve: bool,
    /// Why, in words.
    #[serde(skip)]
    pub why: String,
}

/// Enough right answers: nine of ten.
#[must_use]
pub const fn passed(right: usize, of: usize) -> bool {
    of >= CASES && right * 10 >= of * 9
}

fn order(seed: &str, name: &str) -> String {
    sha256_hex(format!("{seed}\n{name}").as_bytes())
}

/// Ten cases for this seed, half of them with a proposal that is wrong; the same seed gives the same
/// cases. Nothing when the pack does not have enough cases with an answer.
#[must_use]
pub fn exercises(cases: &[Case], seed: &str) -> Option<Vec<Exercise>> {
    drawn(cases, seed, (CASES, TRAPS), &BTreeSet::new())
}

/// So many cases for this seed, of which at most `traps` are ones that nobody should approve, and half are
/// wrong in all. Those to avoid come only where there are not enough others.
pub(super) fn drawn(
    cases: &[Case],
    seed: &str,
    (count, most): (usize, usize),
    avoid: &BTreeSet<String>,
) -> Option<Vec<Exercise>> {
    let place = |c: &&Case| (avoid.contains(&c.name), order(seed, &c.name));
    let known =
        |c: &&Case| matches!(c.kind, Kind::Happy | Kind::Edge) && !c.expect.output.is_empty();
    let mut known: Vec<&Case> = cases.iter().filter(known).collect();
    known.sort_by_cached_key(place);
    let trap = |c: &&Case| matches!(c.kind, Kind::Adversarial | Kind::Refusal);
    let mut traps: Vec<&Case> = cases.iter().filter(trap).collect();
    traps.sort_by_cached_key(place);
    let mut out: Vec<Exercise> = Vec::with_capacity(count);
    // What is borrowed comes from the other end: of cases that are not shown themselves, where there are enough.
    for (case, borrowed) in traps.into_iter().zip(known.iter().rev().cycle()).take(most) {
        out.push(exercise(
            case,
            borrowed.expect.output.clone(),
            false,
            match case.kind {
                Kind::Refusal => "it is nothing that should be answered here".to_owned(),
                _ => "somebody tries to make the system do what it must not".to_owned(),
            },
        ));
    }
    let wrong = count / 2 - out.len();
    let mut spoilt = 0;
    for (i, case) in known.iter().enumerate() {
        if out.len() == count {
            break;
        }
        let other = (spoilt < wrong)
            .then(|| {
                // From the next one on, so that wrong values differ as much as right ones do.
                let (before, after) = known.split_at(i);
                let mut others = after.iter().chain(before);
                others.find_map(|o| swapped(case, o))
            })
            .flatten();
        out.push(match other {
            Some((proposed, why)) => {
                spoilt += 1;
                exercise(case, proposed, false, why)
            }
            None => exercise(
                case,
                case.expect.output.clone(),
                true,
                "it is what it should be".to_owned(),
            ),
        });
    }
    let mixed = out.iter().any(|e| e.approve) && out.iter().any(|e| !e.approve);
    // The order must not tell which are wrong.
    out.sort_by_cached_key(|e| order(&format!("{seed} order"), &e.name));
    for (exercise, number) in out.iter_mut().zip(1..) {
        exercise.number = number;
    }
    (out.len() == count && mixed).then_some(out)
}

fn exercise(case: &Case, proposed: Map<String, Value>, approve: bool, why: String) -> Exercise {
    Exercise {
        number: 0,
        name: case.name.clone(),
        input: case.input.clone(),
        sources: case.sources.clone(),
        proposed,
        approve,
        why,
    }
}

/// The answer of a case with one field of another's.
fn swapped(case: &Case, other: &Case) -> Option<(Map<String, Value>, String)> {
    let right = &case.expect.output;
    let (field, wrong) = other
        .expect
        .output
        .iter()
        .find(|(field, value)| right.get(*field).is_some_and(|r| r != *value))?;
    let mut proposed = right.clone();
    let was = proposed.insert(field.clone(), wrong.clone())?;
    Some((proposed, format!("{field} should be {was}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;
    use serde_json::json;

    fn case(n: usize, kind: Kind, grade: &str) -> Case {
        let output = if grade.is_empty() {
            json!({})
        } else {
            json!({"grade": grade})
        };
        let text = json!({"name": format!("{kind}-{n}"), "kind": kind, "input": {"id": n},
            "expect": {"output": output}});
        serde_json::from_value(text).unwrap()
    }

    fn pack(known: usize, traps: usize) -> Vec<Case> {
        let grade = |n: usize| if n.is_multiple_of(3) { "high" } else { "low" };
        let known = (0..known).map(|n| case(n, Kind::Happy, grade(n)));
        known
            .chain((0..traps).map(|n| case(n, Kind::Adversarial, "")))
            .collect()
    }

    #[test]
    fn half_of_the_cases_are_wrong_and_a_seed_gives_the_same_ones() {
        for traps in [0, 1, 2, 9] {
            let cases = pack(40, traps);
            for seed in ["lena 1", "lena 2", "samir 1"] {
                let set = exercises(&cases, seed).unwrap();
                assert_eq!(set.len(), CASES);
                let approve = set.iter().filter(|e| e.approve).count();
                assert_eq!(approve, CASES / 2, "{traps} {seed}");
                assert_eq!(exercises(&cases, seed).unwrap(), set);
                let told = serde_json::to_string(&set).unwrap();
                assert!(!told.contains("adversarial") && !told.contains("approve"));
                for e in &set {
                    let own = cases.iter().find(|c| c.name == e.name).unwrap();
                    let same = own.expect.output == e.proposed;
                    assert_eq!(e.approve, same, "the pack says what is right: {e:?}");
                }
            }
            let (one, two) = (exercises(&cases, "lena 1"), exercises(&cases, "lena 2"));
            assert_ne!(one, two, "another try has other cases");
        }
    }

    #[test]
    fn a_pack_without_enough_answers_gives_no_practice() {
        assert_eq!(exercises(&pack(7, 2), "x"), None);
        assert!(exercises(&pack(8, 2), "x").is_some());
        assert_eq!(exercises(&pack(0, 20), "x"), None);
        let alike: Vec<Case> = (0..20).map(|n| case(n, Kind::Happy, "low")).collect();
        assert_eq!(exercises(&alike, "x"), None, "nothing could be wrong");
    }

    #[test]
    fn nine_of_ten_are_enough() {
        assert!(passed(9, 10) && passed(10, 10) && !passed(8, 10) && !passed(9, 9));
    }
}
