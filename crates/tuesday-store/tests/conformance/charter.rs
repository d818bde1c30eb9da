//! Statements, the history of labels, and what proofs count.

use tuesday_domain::charter::Statement;
use tuesday_domain::id::{DecisionId, ReleaseId};
use tuesday_domain::record::{
    Change, CharterChange, CharterFact, Decision, LabelEvent, LabelMove, Subject,
};
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use crate::bed::each;
use crate::rows::{at, decide, new_id, release, workflow};

fn one(change: CharterChange) -> Decision {
    let change = Change::Charter(Box::new(change));
    decide(Subject::Workflow("support".into()), "x", vec![change])
}

fn fact(seq: u32, statement: Statement, about: &str, value: &str) -> CharterFact {
    CharterFact {
        workflow: "support".into(),
        seq,
        statement,
        about: about.into(),
        value: value.into(),
        by: "olga".into(),
        at: at(u64::from(seq)),
    }
}

fn event(seq: u32, kind: LabelMove, label: Label) -> LabelEvent {
    let person = matches!(kind, LabelMove::Raised | LabelMove::Lowered);
    LabelEvent {
        workflow: "support".into(),
        seq,
        kind,
        label,
        reasons: "one\ntwo".into(),
        until: (kind == LabelMove::Lapsing).then(|| at(90)),
        decision: person.then(|| DecisionId::new(new_id())),
        by: "person:olga".into(),
        at: at(u64::from(seq)),
    }
}

#[tokio::test]
async fn the_newest_statement_of_a_kind_counts_and_all_are_kept() {
    each(|bed| async move {
        let rows = [
            fact(1, Statement::FrictionHours, "", "10"),
            fact(2, Statement::Training, "lena", "aa"),
            fact(3, Statement::Training, "samir", "aa"),
            fact(4, Statement::FrictionHours, "", ""),
        ];
        for row in &rows {
            let insert = CharterChange::InsertFact(row.clone());
            bed.store.apply(one(insert)).await.unwrap();
        }
        let found = bed.read.charter_facts("support").await.unwrap();
        assert_eq!(
            found,
            [rows[1].clone(), rows[2].clone(), rows[3].clone()],
            "{}",
            bed.name
        );
        let all = bed.read.charter_history("support", 0, 3).await.unwrap();
        assert_eq!(all.iter().map(|f| f.seq).collect::<Vec<_>>(), [4, 3, 2]);
        let rest = bed.read.charter_history("support", 2, 3).await.unwrap();
        assert_eq!(rest, [rows[0].clone()]);
        assert_eq!(bed.read.charter_facts("other").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn two_that_state_at_once_do_not_both_count() {
    each(|bed| async move {
        let insert = |value| {
            one(CharterChange::InsertFact(fact(
                1,
                Statement::PilotEnd,
                "",
                value,
            )))
        };
        bed.store.apply(insert("2027-01-01")).await.unwrap();
        let second = bed.store.apply(insert("2027-02-02")).await;
        assert!(
            matches!(second, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test]
async fn a_label_is_read_from_the_event_that_gave_it() {
    each(|bed| async move {
        let rows = [
            event(1, LabelMove::Raised, Label::Pilot),
            event(2, LabelMove::Lapsing, Label::Pilot),
            event(3, LabelMove::Fell, Label::Research),
            event(4, LabelMove::Raised, Label::Pilot),
            event(5, LabelMove::Lapsing, Label::Pilot),
            event(6, LabelMove::Restored, Label::Pilot),
        ];
        for row in &rows {
            let insert = CharterChange::InsertLabelEvent(row.clone());
            bed.store.apply(one(insert)).await.unwrap();
        }
        let found = bed.read.label_events("support").await.unwrap();
        assert_eq!(found, rows[3..].to_vec(), "{}", bed.name);
        let all = bed.read.label_history("support", 3, 10).await.unwrap();
        assert_eq!(all, [rows[1].clone(), rows[0].clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_label_without_a_decision_or_a_grace_without_an_end_is_refused() {
    each(|bed| async move {
        let bad = [
            LabelEvent {
                decision: None,
                ..event(1, LabelMove::Raised, Label::Pilot)
            },
            LabelEvent {
                until: None,
                ..event(1, LabelMove::Lapsing, Label::Pilot)
            },
        ];
        for row in bad {
            let insert = CharterChange::InsertLabelEvent(row);
            assert!(bed.store.apply(one(insert)).await.is_err(), "{}", bed.name);
        }
    })
    .await;
}

#[tokio::test]
async fn with_nothing_there_every_figure_is_nothing() {
    each(|bed| async move {
        let row = release("support", 1);
        let live = ReleaseId::new(row.id.uuid());
        let put = decide(
            Subject::Workflow("support".into()),
            "x",
            vec![
                Change::InsertRelease(Box::new(row.clone())),
                Change::PutWorkflow(Box::new(workflow("support", live))),
            ],
        );
        bed.store.apply(put).await.unwrap();
        let found = bed
            .read
            .charter_figures("support", Some("old_path"), at(50))
            .await
            .unwrap();
        assert_eq!(
            found.figures,
            tuesday_domain::charter::Figures::default(),
            "{}",
            bed.name
        );
        assert_eq!(
            (found.releases_before, found.released_at),
            (0, Some(row.created_at))
        );
    })
    .await;
}
