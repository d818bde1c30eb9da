//! The form of answers, what blocks, and the order of candidates.

use super::*;
use crate::charter::{Statement, is_blank};
use crate::time::Timestamp;

const TODAY: &str = "2026-11-22";

/// Answers with which nothing is in the way.
const GOOD: [(Question, &str); 15] = [
    (Question::FrictionHours, "12.5"),
    (Question::Cases, "60"),
    (Question::MaintenanceBudget, "400 EUR"),
    (Question::Owner, "Dana Whitfield"),
    (Question::Technical, "Samir Haddad"),
    (Question::ReviewHours, "3"),
    (Question::Trigger, "event"),
    (Question::Destination, "writes: Ledger"),
    (Question::WhenWrong, "undo: an hour of somebody's time"),
    (Question::Inputs, "fields: CRM and ledger"),
    (Question::OldCases, "300"),
    (
        Question::NinetyDayMetric,
        "override_rate at most 10 by 2027-02-28",
    ),
    (Question::Data, "without"),
    (Question::BeforeAfterMap, "before: 9 steps; after: 4 steps"),
    (
        Question::Asked,
        "asked: the desk wants the amount checked first",
    ),
];

fn answers(said: &[(Question, &str)]) -> Answers {
    let mut all = Answers::default();
    for (question, text) in said {
        let value = question
            .read(text)
            .unwrap_or_else(|f| panic!("{question}: {}", f.words));
        all.put(*question, value, "dana", Timestamp::from_micros(5));
    }
    all
}

/// The good answers, with this one in place of its own.
fn but(question: Question, text: &str) -> Answers {
    let mut said = GOOD;
    said.iter_mut()
        .filter(|s| s.0 == question)
        .for_each(|s| s.1 = text);
    answers(&said)
}

fn ranked(name: &str, answers: &Answers) -> Ranked {
    Ranked {
        name: name.into(),
        assessment: assess(answers, TODAY),
    }
}

fn order(mut all: Vec<Ranked>) -> Vec<String> {
    rank(&mut all);
    all.into_iter().map(|r| r.name).collect()
}

#[test]
fn there_are_few_questions_and_each_wall_has_one() {
    assert!(Question::ALL.len() <= MOST_QUESTIONS);
    for area in Area::ALL {
        assert!(Question::ALL.iter().any(|q| q.area() == *area), "{area}");
    }
    for question in Question::ALL {
        if let Kind::Choice(all) = question.kind() {
            for c in all {
                // A word that counts as blank could never be chosen.
                assert!(!is_blank(c.word), "{question}: {}", c.word);
                let text = if c.says.is_some() {
                    format!("{}: because", c.word)
                } else {
                    c.word.to_owned()
                };
                assert_eq!(question.read(&text).unwrap(), text);
            }
        }
    }
    let carried: Vec<Statement> = answers(&GOOD).statements().map(|(s, _)| s).collect();
    let fields = [
        Statement::FrictionHours,
        Statement::MaintenanceBudget,
        Statement::NinetyDayMetric,
        Statement::BeforeAfterMap,
    ];
    assert_eq!(carried, fields);
}

#[test]
fn answers_have_one_form() {
    assert_eq!(Question::FrictionHours.read(" 12,5 ").unwrap(), "12.5");
    assert_eq!(
        Question::Inputs.read("Fields:  CRM ").unwrap(),
        "fields: CRM"
    );
    assert_eq!(Question::Trigger.read("event: n/a").unwrap(), "event");
    for (question, text) in [
        (Question::FrictionHours, "many"),
        (Question::FrictionHours, "-3"),
        (Question::Cases, "1e3"),
        (Question::Inputs, "fields"),
        (Question::Inputs, "fields: TBD"),
        (Question::Trigger, "magic"),
        (Question::Owner, "a\nb"),
        (Question::NinetyDayMetric, "better"),
        (Question::MaintenanceBudget, "cheap"),
    ] {
        assert!(question.read(text).is_err(), "{question}: {text}");
    }
    assert!(Question::Owner.read(&"a".repeat(81)).is_err());
    for name in ["invoices", "deal-risk-2"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "2nd", "Invoices", "a b", "a/b", "ü", &"a".repeat(61)] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn what_nobody_said_is_in_the_way_and_blank_says_nothing() {
    let none = assess(&Answers::default(), TODAY);
    assert_eq!(
        (none.answered, none.blockers.len()),
        (0, Question::ALL.len())
    );
    assert!(
        none.blockers
            .iter()
            .all(|b| b.unsaid && b.words.starts_with("nobody has said"))
    );
    assert_eq!((none.today, none.review, none.net), (None, None, None));
    let good = assess(&answers(&GOOD), TODAY);
    assert_eq!(
        (good.answered, good.blockers, good.net),
        (15, Vec::new(), Some(950))
    );
    for blank in ["", "TBD", "n/a", "-", "not yet"] {
        for question in Question::ALL {
            let found = assess(&but(*question, blank), TODAY);
            let names: Vec<Question> = found.blockers.iter().map(|b| b.question).collect();
            assert_eq!(names, [*question], "{question} is {blank:?}");
            assert!(found.blockers[0].unsaid);
        }
    }
    let unknown = assess(&but(Question::ReviewHours, "TBD"), TODAY);
    assert_eq!(
        (unknown.net, unknown.today),
        (None, Some(1_250)),
        "unknown is not zero"
    );
}

#[test]
fn what_is_said_blocks_on_its_own_wall() {
    let cases = [
        (Question::Cases, "1", Area::Eval),
        (Question::Technical, "dana whitfield", Area::Ownership),
        (Question::ReviewHours, "0", Area::Review),
        (Question::ReviewHours, "13", Area::Economics),
        (Question::ReviewHours, "0.5", Area::Review),
        (Question::Trigger, "person", Area::Ops),
        (Question::Destination, "unasked: Ledger", Area::Security),
        (Question::Destination, "hand: Ledger", Area::Ops),
        (Question::Destination, "nowhere", Area::Ops),
        (Question::WhenWrong, "never: the payment is gone", Area::Ops),
        (Question::Inputs, "closed: Archive", Area::Data),
        (Question::Inputs, "heads", Area::Data),
        (Question::OldCases, "19", Area::Eval),
        (
            Question::NinetyDayMetric,
            "override_rate at most 10 by 2026-11-22",
            Area::Eval,
        ),
        (Question::Data, "unsaid", Area::Security),
        (
            Question::BeforeAfterMap,
            "before: 3 steps; after: 5 steps",
            Area::Change,
        ),
        (Question::Asked, "told", Area::Change),
        (Question::Asked, "not", Area::Change),
    ];
    for (question, text, area) in cases {
        let found = assess(&but(question, text), TODAY).blockers;
        let told: Vec<_> = found
            .iter()
            .map(|b| (b.question, b.area, b.unsaid))
            .collect();
        assert_eq!(told, [(question, area, false)], "{question} {text}");
    }
    for (question, text) in [
        (Question::Cases, "2"),
        (Question::ReviewHours, "1"),
        (Question::Data, "inside: Mara"),
        (Question::Data, "allowed: Mara"),
        (Question::WhenWrong, "late: a call to the customer"),
        (Question::Inputs, "texts: the shared mailbox"),
        (Question::OldCases, "20"),
    ] {
        assert!(
            assess(&but(question, text), TODAY).blockers.is_empty(),
            "{question} {text}"
        );
    }
}

#[test]
fn the_order_is_group_then_hours_then_name() {
    let good = answers(&GOOD);
    let all = vec![
        ranked("no-answers", &Answers::default()),
        ranked("clear-b", &good),
        ranked("clear-a", &good),
        ranked("clear-more", &but(Question::FrictionHours, "40")),
        ranked("unknown", &but(Question::FrictionHours, "")),
        ranked("few-less", &but(Question::Trigger, "person")),
        // So many hours that it would be first if nothing were in the way.
        ranked(
            "not-yet",
            &answers(&[
                (Question::FrictionHours, "9000"),
                (Question::ReviewHours, "1"),
            ]),
        ),
    ];
    let wanted = [
        "clear-more",
        "clear-a",
        "clear-b",
        "few-less",
        "unknown",
        "not-yet",
        "no-answers",
    ];
    assert_eq!(order(all.clone()), wanted);
    let back: Vec<Ranked> = all.into_iter().rev().collect();
    assert_eq!(order(back), wanted, "whatever the order before");
    assert_eq!(
        (
            Group::of(0),
            Group::of(1),
            Group::of(FEW),
            Group::of(FEW + 1)
        ),
        (Group::Clear, Group::Few, Group::Few, Group::NotYet)
    );
}

/// Sets of open questions against the same set with one more answered well: never further down. And every
/// blocker more: never further up.
#[test]
fn a_blocker_never_raises_and_a_good_answer_never_lowers() {
    let place = |r: &Ranked, other: &Ranked| {
        let mut two = vec![r.clone(), other.clone()];
        rank(&mut two);
        two.iter().position(|x| x.name == r.name).unwrap()
    };
    let others = [
        ranked("m-clear", &answers(&GOOD)),
        ranked("m-few", &but(Question::Asked, "not")),
        ranked("m-unknown", &but(Question::ReviewHours, "")),
        ranked("m-none", &Answers::default()),
    ];
    for set in (0_u32..1 << 15).step_by(37) {
        let said: Vec<_> = GOOD
            .iter()
            .enumerate()
            .filter(|(i, _)| set & (1 << i) != 0)
            .map(|(_, s)| *s)
            .collect();
        let base = ranked("x", &answers(&said));
        // One more of them, a different one for each set, keeps the test quick.
        let more = GOOD[(set as usize * 7 + 3) % GOOD.len()];
        let mut with = said.clone();
        with.retain(|s| s.0 != more.0);
        with.push(more);
        let better = ranked("x", &answers(&with));
        assert!(better.assessment.blockers.len() <= base.assessment.blockers.len());
        let mut worse = base.clone();
        let extra = assess(&Answers::default(), TODAY).blockers[0].clone();
        worse.assessment.blockers.push(extra);
        for other in &others {
            assert!(
                place(&better, other) <= place(&base, other),
                "{set:b} with {}",
                more.0
            );
            assert!(place(&worse, other) >= place(&base, other), "{set:b}");
        }
    }
}

#[test]
fn answers_are_kept_with_who_gave_them() {
    let at = Timestamp::from_micros;
    let mut all = Answers::default();
    assert!(all.put(Question::Owner, "Dana".into(), "dana", at(1)));
    assert!(
        !all.put(Question::Owner, "Dana".into(), "nils", at(2)),
        "the same again"
    );
    assert_eq!(all.get(Question::Owner).unwrap().by, "dana");
    assert!(all.put(Question::Owner, "Edda".into(), "nils", at(3)));
    let kept = Answers::parse(&all.text()).unwrap();
    assert_eq!(kept, all);
    assert_eq!(kept.get(Question::Owner).unwrap().at, at(3));
    assert!(all.put(Question::Owner, String::new(), "nils", at(4)));
    assert!(!all.put(Question::Owner, String::new(), "nils", at(5)));
    assert_eq!((all.count(), all.get(Question::Owner)), (0, None));
    for bad in [
        "",
        "{}",
        r#"{"v":2,"answers":{}}"#,
        r#"{"v":1,"answers":{"nonsense":{}}}"#,
    ] {
        assert_eq!(Answers::parse(bad), None, "{bad}");
    }
    // What is stored and not of the form any more was not said.
    let odd = r#"{"v":1,"answers":{"friction_hours":{"value":"many","by":"dana","at":1}}}"#;
    assert_eq!(Answers::parse(odd).unwrap().count(), 0);
}

#[test]
fn hours_read_as_people_write_them() {
    let read: Vec<String> = [950, 1_000, 5, -125, 1_234].map(hours_words).into();
    assert_eq!(read, ["9.5 h", "10 h", "0.05 h", "-1.25 h", "12.34 h"]);
}
