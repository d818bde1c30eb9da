//! What releases answer, and when the error was met again.

use tuesday_domain::id::{FindingId, IncidentId, ProblemReportId};
use tuesday_domain::record::*;
use tuesday_domain::release::layers::Layers;
use tuesday_domain::release::rewrites::Cited;
use tuesday_domain::review::ReviewState;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::{FixLayer, IncidentState};
use tuesday_domain::trouble::{Category, Severity};

use crate::bed::{Bed, each};
use crate::rows::*;

fn one(changes: Vec<Change>) -> Decision {
    decide(Subject::Workflow("support".into()), "x", changes)
}

fn fix(row: &Release, category: &str) -> ReleaseFix {
    ReleaseFix {
        release: row.id,
        category: category.into(),
        layers: "prompt".into(),
        class: None,
        excuse: None,
        excused_by: None,
        excused_at: None,
    }
}

fn live(row: &Release, since: Timestamp) -> GateRow {
    GateRow {
        release: row.id,
        repeats: 1,
        started_at: at(1),
        started_by: "person:tove".into(),
        finished_at: Some(at(2)),
        judged: Some(b"{}".to_vec()),
        judged_hash: Some([7; 32]),
        decided_at: Some(at(3)),
        decided_by: Some("boris".into()),
        reason: Some("better".into()),
        live_at: Some(since),
        cleared_at: None,
        cleared_by: None,
    }
}

/// A release that answers the category and is live since a moment.
async fn cites(bed: &Bed, number: u32, category: &str, since: Timestamp) -> Release {
    let row = release("support", number);
    let changes = vec![
        Change::InsertRelease(Box::new(row.clone())),
        Change::PutGate(Box::new(live(&row, since))),
        Change::PutFix(Box::new(fix(&row, category))),
    ];
    bed.store.apply(one(changes)).await.unwrap();
    row
}

async fn again(bed: &Bed, category: &str) -> Vec<(u32, Option<Timestamp>)> {
    let all = bed.read.releases_citing("support", category).await.unwrap();
    all.into_iter().map(|c| (c.number, c.again_at)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_release_answers_comes_back_as_stored() {
    each(|bed: Bed| async move {
        let row = cites(&bed, 2, "wrong_tier", at(10)).await;
        let stored = bed.read.release_fix(row.id).await.unwrap();
        assert_eq!(stored, Some(fix(&row, "wrong_tier")), "{}", bed.name);
        let waived = ReleaseFix {
            class: Some(FixLayer::Rules),
            excuse: Some("the table decides it".into()),
            excused_by: Some("boris".into()),
            excused_at: Some(at(20)),
            ..fix(&row, "wrong_tier")
        };
        let put = |f: &ReleaseFix| one(vec![Change::PutFix(Box::new(f.clone()))]);
        bed.store.apply(put(&waived)).await.unwrap();
        let stored = bed.read.release_fix(row.id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&waived), "{}", bed.name);
        let draft = release("support", 3);
        assert_eq!(bed.read.release_fix(draft.id).await.unwrap(), None);
        for (why, wrong) in [
            (
                "an excuse without a person",
                ReleaseFix {
                    excused_by: None,
                    ..waived.clone()
                },
            ),
            (
                "a class without an excuse",
                ReleaseFix {
                    class: Some(FixLayer::Input),
                    ..fix(&row, "wrong_tier")
                },
            ),
            (
                "the prompt as a class",
                ReleaseFix {
                    class: Some(FixLayer::Prompt),
                    ..waived.clone()
                },
            ),
            ("no category", fix(&row, "")),
        ] {
            assert!(bed.store.apply(put(&wrong)).await.is_err(), "{why}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_again_is_found_wherever_it_was_noted() {
    each(|bed: Bed| async move {
        cites(&bed, 2, "wrong", at(100)).await;
        cites(&bed, 3, "wrong", at(200)).await;
        cites(&bed, 4, "wrong_answer", at(100)).await;
        assert_eq!(again(&bed, "wrong").await, [(2, None), (3, None)]);

        // Reports: one about a case from before release 3 says nothing against it.
        let mut early = run("support", "early");
        early.received_at = at(150);
        bed.store
            .apply(accept(&early, job(&early, at(0))))
            .await
            .unwrap();
        let report = ProblemReport {
            id: ProblemReportId::new(new_id()),
            state: ProblemState::New,
            owner: "olga".into(),
            due_at: at(900),
            answer: None,
            answered_by: None,
            answered_at: None,
            fix_layer: None,
            without_code: None,
            minutes: None,
            version: 0,
            kind: ProblemKind::Wrong,
            words: "the tier is wrong".into(),
            reported_by: "somebody".into(),
            workflow: Some("support".into()),
            run: Some(early.id),
            tied_by: ProblemTie::Run,
            asked_for: None,
            created_at: at(250),
        };
        let told = |r: ProblemReport| {
            decide(
                Subject::Instance,
                "desk",
                vec![Change::Desk(Box::new(DeskChange::InsertProblem(r)))],
            )
        };
        let other = ProblemReport {
            id: ProblemReportId::new(new_id()),
            kind: ProblemKind::Slow,
            created_at: at(240),
            ..report.clone()
        };
        bed.store.apply(told(other)).await.unwrap();
        bed.store.apply(told(report)).await.unwrap();
        assert_eq!(again(&bed, "wrong").await, [(2, Some(at(250))), (3, None)]);

        // An override with the category as its reason.
        let mut late = run("support", "late");
        late.received_at = at(210);
        bed.store
            .apply(accept(&late, job(&late, at(0))))
            .await
            .unwrap();
        let mut task = review(&late, "rhea", at(900));
        task.state = ReviewState::Rejected;
        task.decided_at = Some(at(220));
        task.decided_by = Some("rhea".into());
        task.decision = Some(ReviewDecision::Reject);
        task.decision_reason = Some("wrong".into());
        task.override_kind = Some(OverrideKind::Reject);
        let decided = about(&late, "reject", vec![Change::InsertReview(Box::new(task))]);
        bed.store.apply(decided).await.unwrap();
        assert_eq!(
            again(&bed, "wrong").await,
            [(2, Some(at(220))), (3, Some(at(220)))],
            "{}",
            bed.name
        );

        // An incident: opened before, met again after.
        let incident = Incident {
            id: IncidentId::new(new_id()),
            state: IncidentState::Triggered,
            severity: Severity::High,
            owner: "rhea".into(),
            count: 1,
            last_at: at(5),
            acknowledged_by: None,
            acknowledged_at: None,
            resolution: None,
            resolved_by: None,
            resolved_at: None,
            case: None,
            waiver: None,
            fix_layer: None,
            without_code: None,
            reviewed_by: None,
            version: 1,
            key: "wrong_answer:x".into(),
            category: Category::WrongAnswer,
            title: "A wrong answer".into(),
            workflow: Some("support".into()),
            opened_by: "person:rhea".into(),
            opened_at: at(50),
        };
        let trouble = |c: TroubleChange| {
            let change = Change::Trouble(Box::new(c));
            decide(Subject::Instance, "trouble", vec![change])
        };
        let opened = trouble(TroubleChange::InsertIncident(incident.clone()));
        bed.store.apply(opened).await.unwrap();
        assert_eq!(again(&bed, "wrong_answer").await, [(4, None)]);
        let line = |seq: u32, kind: &str, when: u64| {
            trouble(TroubleChange::InsertEntry(IncidentEntry {
                incident: incident.id,
                seq,
                at: at(when),
                about: None,
                actor: "person:rhea".into(),
                kind: kind.into(),
                words: "seen".into(),
            }))
        };
        bed.store.apply(line(1, "note", 110)).await.unwrap();
        bed.store.apply(line(2, "reopened", 140)).await.unwrap();
        assert_eq!(again(&bed, "wrong_answer").await, [(4, Some(at(140)))]);
        let finding = Finding {
            id: FindingId::new(new_id()),
            incident: Some(incident.id),
            key: incident.key.clone(),
            category: Category::WrongAnswer,
            workflow: Some("support".into()),
            run: None,
            words: "again".into(),
            hard: true,
            at: at(130),
        };
        let met = trouble(TroubleChange::InsertFinding(finding));
        bed.store.apply(met).await.unwrap();
        assert_eq!(again(&bed, "wrong_answer").await, [(4, Some(at(130)))]);
        let second = Incident {
            id: IncidentId::new(new_id()),
            key: "wrong_answer:y".into(),
            opened_at: at(120),
            ..incident.clone()
        };
        let opened = trouble(TroubleChange::InsertIncident(second));
        bed.store.apply(opened).await.unwrap();
        let all = bed.read.releases_citing("support", "wrong_answer").await;
        let wanted = Cited {
            number: 4,
            layers: Layers::from([FixLayer::Prompt]),
            live_at: Some(at(100)),
            again_at: Some(at(120)),
        };
        assert_eq!(all.unwrap(), [wanted], "{}", bed.name);
    })
    .await;
}
