//! Workflows-to-be: one row a name, a version that counts every change, and no way to write over another's.

use tuesday_domain::record::{
    Candidate, CandidateChange, CandidateState, Change, Decision, Subject,
};
use tuesday_store::ApplyError;

use crate::bed::each;
use crate::rows::{at, decide};

pub(crate) fn candidate(name: &str, version: u32) -> Candidate {
    Candidate {
        name: name.into(),
        state: CandidateState::Open,
        title: "Supplier invoices".into(),
        answers: r#"{"v":1,"answers":{}}"#.into(),
        proposed_by: "olga".into(),
        proposed_at: at(0),
        changed_by: "nils".into(),
        changed_at: at(5),
        version,
    }
}

fn one(change: CandidateChange) -> Decision {
    decide(
        Subject::Instance,
        "candidate.answered",
        vec![Change::Candidate(Box::new(change))],
    )
}

#[tokio::test]
async fn a_candidate_changes_version_by_version_and_a_dropped_one_keeps_its_own() {
    each(|bed| async move {
        let insert = |c: &Candidate| one(CandidateChange::Insert(c.clone()));
        let update = |c: &Candidate| one(CandidateChange::Update(c.clone()));
        let first = candidate("invoices", 1);
        bed.store.apply(insert(&first)).await.unwrap();
        let twice = bed.store.apply(insert(&first)).await;
        assert!(
            matches!(twice, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
        let mut second = candidate("invoices", 2);
        second.title = "Invoices".into();
        bed.store.apply(update(&second)).await.unwrap();
        // Somebody else had read version 1.
        let late = bed.store.apply(update(&candidate("invoices", 2))).await;
        match late {
            Err(ApplyError::Conflict { what }) => assert_eq!(what, "the candidate invoices"),
            other => panic!("{}: {other:?}", bed.name),
        }
        let other = candidate("contracts", 1);
        bed.store.apply(insert(&other)).await.unwrap();
        let all = bed.read.candidates(10).await.unwrap();
        assert_eq!(all, [other.clone(), second.clone()], "by name");
        let mut gone = candidate("invoices", 3);
        gone.state = CandidateState::Dropped;
        bed.store.apply(update(&gone)).await.unwrap();
        assert_eq!(bed.read.candidates(10).await.unwrap(), [other]);
        assert_eq!(bed.read.candidate("invoices").await.unwrap(), Some(gone));
        assert_eq!(bed.read.candidate("nothing").await.unwrap(), None);
        for wrong in [
            Candidate {
                answers: "text".into(),
                ..candidate("wrong", 1)
            },
            Candidate {
                title: String::new(),
                ..candidate("wrong", 1)
            },
            Candidate {
                proposed_by: String::new(),
                ..candidate("wrong", 1)
            },
            candidate("", 1),
        ] {
            assert!(
                bed.store.apply(insert(&wrong)).await.is_err(),
                "{}: {wrong:?}",
                bed.name
            );
        }
    })
    .await;
}
