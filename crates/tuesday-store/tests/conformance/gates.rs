//! Gates of releases and the results of evaluations.

use tuesday_domain::record::{Change, Decision, EvalPart, GateRow, Judgement, Release, Subject};

use crate::bed::each;
use crate::rows::{at, decide, release};

fn one(changes: Vec<Change>) -> Decision {
    decide(Subject::Workflow("support".into()), "x", changes)
}

fn started(row: &Release) -> GateRow {
    GateRow {
        release: row.id,
        repeats: 3,
        started_at: at(1),
        started_by: "person:tove".into(),
        finished_at: None,
        judged: None,
        judged_hash: None,
        decided_at: None,
        decided_by: None,
        reason: None,
        live_at: None,
        cleared_at: None,
        cleared_by: None,
    }
}

#[tokio::test]
async fn a_gate_and_its_results_come_back_as_stored() {
    each(|bed| async move {
        let row = release("support", 1);
        let mut gate = started(&row);
        let part = |n: u32, text: &str| {
            Change::PutEvalPart(Box::new(EvalPart {
                release: row.id,
                part: n,
                results: text.as_bytes().to_vec(),
            }))
        };
        let put = |g: &GateRow| one(vec![Change::PutGate(Box::new(g.clone()))]);
        let changes = vec![
            Change::InsertRelease(Box::new(row.clone())),
            Change::PutGate(Box::new(gate.clone())),
            part(0, "a"),
            part(1, "b"),
        ];
        bed.store.apply(one(changes)).await.unwrap();
        let reader = bed.store.reader();
        assert_eq!(reader.gate(row.id).await.unwrap(), Some(gate.clone()));
        // A part that is made again replaces the old one.
        bed.store.apply(one(vec![part(1, "c")])).await.unwrap();
        let second = reader.eval_part(row.id, 1).await.unwrap().unwrap();
        assert_eq!(second.results, b"c");
        assert_eq!(reader.eval_part(row.id, 2).await.unwrap(), None);

        gate.finished_at = Some(at(9));
        gate.judged = Some(b"{}".to_vec());
        gate.judged_hash = Some([7; 32]);
        bed.store.apply(put(&gate)).await.unwrap();
        assert_eq!(reader.gate(row.id).await.unwrap(), Some(gate.clone()));

        let gone = one(vec![Change::DropEvalParts { release: row.id }]);
        bed.store.apply(gone).await.unwrap();
        assert_eq!(reader.eval_part(row.id, 0).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_gate_that_makes_no_sense_is_refused() {
    each(|bed| async move {
        let row = release("support", 1);
        let insert = one(vec![Change::InsertRelease(Box::new(row.clone()))]);
        bed.store.apply(insert).await.unwrap();
        for (why, wrong) in [
            (
                "a verdict without its hash",
                GateRow {
                    finished_at: Some(at(2)),
                    judged: Some(b"{}".to_vec()),
                    ..started(&row)
                },
            ),
            (
                "live without a verdict",
                GateRow {
                    live_at: Some(at(2)),
                    decided_at: Some(at(2)),
                    decided_by: Some("boris".into()),
                    ..started(&row)
                },
            ),
            (
                "live without a person",
                GateRow {
                    finished_at: Some(at(2)),
                    judged: Some(b"{}".to_vec()),
                    judged_hash: Some([1; 32]),
                    live_at: Some(at(3)),
                    ..started(&row)
                },
            ),
            (
                "no tries",
                GateRow {
                    repeats: 0,
                    ..started(&row)
                },
            ),
        ] {
            let put = one(vec![Change::PutGate(Box::new(wrong))]);
            assert!(bed.store.apply(put).await.is_err(), "{why}");
        }
        assert_eq!(bed.store.reader().gate(row.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_is_said_about_a_live_release_stands_beside_its_gate_and_is_never_replaced() {
    each(|bed| async move {
        let row = release("support", 1);
        let said = |number: u32, text: &str| {
            let said = Judgement {
                release: row.id,
                number,
                at: at(u64::from(number)),
                by: "person:tove".into(),
                judged: text.as_bytes().to_vec(),
                hash: [3; 32],
            };
            (
                said.clone(),
                one(vec![Change::InsertJudgement(Box::new(said))]),
            )
        };
        let insert = one(vec![Change::InsertRelease(Box::new(row.clone()))]);
        bed.store.apply(insert).await.unwrap();
        let reader = bed.store.reader();
        assert!(reader.judgements(row.id, 9).await.unwrap().is_empty());
        let ((one, first), (two, second)) = (said(1, "a"), said(2, "b"));
        bed.store.apply(first).await.unwrap();
        bed.store.apply(second).await.unwrap();
        assert!(bed.store.apply(said(2, "other").1).await.is_err());
        let all = reader.judgements(row.id, 9).await.unwrap();
        assert_eq!(all, vec![two.clone(), one]);
        assert_eq!(reader.judgements(row.id, 1).await.unwrap(), vec![two]);
        assert_eq!(reader.gate(row.id).await.unwrap(), None);
    })
    .await;
}
