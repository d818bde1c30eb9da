//! What the table excludes before the model is asked is what it would exclude after.

use serde_json::json;

use super::super::{Facts, Route, Verdict, foregone};
use super::{ask, rules};

const TABLE: &str = "row,flag:yes/no,amount:number,confidence:ratio,route,review_tier,reason\n\
    r1,no,any,>= 0.9,auto,,\n\
    r2,yes,< 100,any,excluded,,flagged\n\
    r3,yes,any,< 0.5,excluded,,flagged and unsure\n\
    r4,any,> 500,any,excluded,,too much\n\
    r5,any,any,any,review,one,rest\n";

fn early(flag: serde_json::Value, amount: serde_json::Value) -> Option<String> {
    let table = rules(TABLE);
    let facts = json!({"flag": flag, "amount": amount});
    let open = |column: &str| column == "confidence";
    let verdict = foregone(&table, 1, &Facts::new(facts.as_object().unwrap()), &open)?;
    // Whatever the model would have been sure of, the table says the same.
    for confidence in [0.0, 0.49, 0.5, 0.9, 1.0] {
        let mut whole = facts.clone();
        whole["confidence"] = json!(confidence);
        let Verdict::Hit(hit) = ask(&table, whole) else {
            panic!("no hit at {confidence}");
        };
        let Verdict::Hit(first) = &verdict else {
            panic!("no hit before");
        };
        assert_eq!((&hit.row, hit.route), (&first.row, Route::Excluded));
    }
    let Verdict::Hit(hit) = verdict else {
        return None;
    };
    Some(hit.row)
}

#[test]
fn only_what_no_answer_could_change_is_excluded_early() {
    // r1 is out on the flag, so r2 decides without the model.
    assert_eq!(early(json!(true), json!(50)).as_deref(), Some("r2"));
    // r3 waits for the confidence.
    assert_eq!(early(json!(true), json!(600)), None);
    // r1 could still match.
    assert_eq!(early(json!(false), json!(600)), None);
    // A value that is missing or mistyped is the whole table's to judge.
    assert_eq!(early(json!(true), json!(null)), None);
    assert_eq!(early(json!("maybe"), json!(50)), None);
}
