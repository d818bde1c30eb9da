//! Whether a verdict rests on certain columns: whether other values there could have led elsewhere.

use super::cell::Judgement;
use super::table::RuleSet;
use super::value::{Facts, Resolved};
use super::verdict::Verdict;

/// Whether the row that decided compares one of these columns, or an earlier row with another route was kept
/// from deciding by nothing but one of them. What no row decided rests on nothing.
#[must_use]
pub fn rests_on(
    rules: &RuleSet,
    verdict: &Verdict,
    facts: &Facts<'_>,
    these: &dyn Fn(&str) -> bool,
) -> bool {
    let Verdict::Hit(hit) = verdict else {
        return false;
    };
    let columns: Vec<(Resolved<'_>, bool)> = rules
        .columns()
        .iter()
        .map(|c| (facts.resolve(c), these(&c.name)))
        .collect();
    if !columns.iter().any(|(_, own)| *own) {
        return false;
    }
    for row in rules.rows() {
        let compares = row
            .cells
            .iter()
            .zip(&columns)
            .any(|(cell, (_, own))| *own && !cell.is_any());
        if row.id == hit.row {
            return compares;
        }
        let others_hold = row
            .cells
            .iter()
            .zip(&columns)
            .filter(|(_, (_, own))| !own)
            .all(|(cell, (value, _))| cell.judge(value) == Judgement::Match);
        if compares && others_hold && row.route != hit.route {
            return true;
        }
    }
    // A row that the table does not have: nobody can tell.
    true
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::rules::{evaluate, parse};

    fn rests(csv: &str, facts: &Value) -> bool {
        let (rules, _) = parse(csv).unwrap();
        let map: Map<String, Value> = facts.as_object().unwrap().clone();
        let facts = Facts::new(&map);
        let verdict = evaluate(&rules, 1, &facts);
        rests_on(&rules, &verdict, &facts, &|c| c == "sure")
    }

    #[test]
    fn the_deciding_row_and_those_before_it_count() {
        let own = "row,tier:one of a|b,sure:ratio,route,review_tier,reason,note\n\
            r1,a,>= 0.8,auto,,,\nr2,b,any,auto,,,\nr3,any,any,review,desk,All others,\n";
        assert!(rests(own, &json!({"tier": "a", "sure": 0.9})));
        assert!(!rests(own, &json!({"tier": "b", "sure": 0.9})));
        // Held back by the confidence alone, or by something else as well.
        let before = "row,tier:one of a|b,big:yes/no,sure:ratio,route,review_tier,reason,note\n\
            r1,a,any,< 0.8,review,desk,Not sure,\nr2,any,no,any,auto,,,\nr3,any,any,any,review,desk,All others,\n";
        assert!(rests(
            before,
            &json!({"tier": "a", "big": false, "sure": 0.9})
        ));
        assert!(!rests(
            before,
            &json!({"tier": "b", "big": false, "sure": 0.9})
        ));
        // An earlier row of the same route changes nothing.
        let same = "row,tier:one of a|b,sure:ratio,route,review_tier,reason,note\n\
            r1,any,>= 0.8,auto,,,\nr2,a,any,auto,,,\nr3,any,any,review,desk,All others,\n";
        assert!(!rests(same, &json!({"tier": "a", "sure": 0.1})));
    }
}
