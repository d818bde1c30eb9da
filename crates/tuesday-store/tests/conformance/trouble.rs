//! Incidents: one open one for each cause, a timeline that stays, corrections that end with proof.

use tuesday_domain::id::{AlertId, CorrectionId, FindingId, IncidentId};
use tuesday_domain::record::*;
use tuesday_domain::trouble::alert::AlertState;
use tuesday_domain::trouble::incident::{CorrectionState, GapState, IncidentState, Proof};
use tuesday_domain::trouble::{Category, Severity};
use tuesday_store::{ApplyError, BlastFilter, IncidentFilter};

use crate::bed::{Bed, each};
use crate::rows::*;

fn trouble(changes: Vec<TroubleChange>) -> Decision {
    let all = changes.into_iter().map(|c| Change::Trouble(Box::new(c)));
    decide(Subject::Instance, "trouble", all.collect())
}

fn incident(key: &str) -> Incident {
    Incident {
        id: IncidentId::new(new_id()),
        state: IncidentState::Triggered,
        severity: Severity::High,
        owner: "rhea".into(),
        count: 3,
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
        key: key.into(),
        category: Category::WrongAnswer,
        title: "A wrong answer reached somebody: support".into(),
        workflow: Some("support".into()),
        opened_by: "system:incidents".into(),
        opened_at: at(0),
    }
}

fn line(i: &Incident, seq: u32) -> IncidentEntry {
    IncidentEntry {
        incident: i.id,
        seq,
        at: at(u64::from(seq)),
        about: (seq == 2).then(|| at(0)),
        actor: "person:rhea".into(),
        kind: "note".into(),
        words: "seen".into(),
    }
}

fn resolved(i: &Incident) -> Incident {
    Incident {
        state: IncidentState::Resolved,
        resolution: Some("put right".into()),
        resolved_by: Some("rhea".into()),
        resolved_at: Some(at(60)),
        case: Some("regression#1".into()),
        version: i.version + 1,
        ..i.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cause_is_one_open_incident_and_its_timeline_stays() {
    each(|bed: Bed| async move {
        let first = incident("wrong_answer:a");
        let open = vec![
            TroubleChange::InsertIncident(first.clone()),
            TroubleChange::InsertEntry(line(&first, 1)),
        ];
        bed.store.apply(trouble(open)).await.unwrap();
        let twin = trouble(vec![TroubleChange::InsertIncident(incident(
            "wrong_answer:a",
        ))]);
        let refused = bed.store.apply(twin).await;
        assert!(
            matches!(refused, Err(ApplyError::Conflict { .. })),
            "{}: {refused:?}",
            bed.name
        );
        let other = incident("wrong_answer:b");
        let other = trouble(vec![TroubleChange::InsertIncident(other)]);
        bed.store.apply(other).await.unwrap();
        assert_eq!(
            bed.read.open_incidents().await.unwrap().len(),
            2,
            "{}",
            bed.name
        );

        let later = Incident {
            version: 2,
            ..first.clone()
        };
        let noted = vec![
            TroubleChange::UpdateIncident(later.clone()),
            TroubleChange::InsertEntry(line(&first, 2)),
        ];
        bed.store.apply(trouble(noted.clone())).await.unwrap();
        let again = bed.store.apply(trouble(noted)).await;
        assert!(
            matches!(again, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
        let lines = bed.read.incident_entries(first.id).await.unwrap();
        assert_eq!(lines, [line(&first, 1), line(&first, 2)], "{}", bed.name);
        for sql in [
            "UPDATE incident_entries SET words = 'x'",
            "DELETE FROM incident_entries",
        ] {
            assert!(bed.raw(sql).await.is_err(), "{}: {sql}", bed.name);
        }

        // Closed, and the cause may come again.
        let bare = Incident {
            case: None,
            ..resolved(&later)
        };
        let bare = bed
            .store
            .apply(trouble(vec![TroubleChange::UpdateIncident(bare)]))
            .await;
        assert!(bare.is_err(), "{}: a wrong answer without a case", bed.name);
        let nobody = Incident {
            resolved_by: None,
            ..resolved(&later)
        };
        let nobody = bed
            .store
            .apply(trouble(vec![TroubleChange::UpdateIncident(nobody)]))
            .await;
        assert!(nobody.is_err(), "{}", bed.name);
        let closed = resolved(&later);
        bed.store
            .apply(trouble(vec![TroubleChange::UpdateIncident(closed.clone())]))
            .await
            .unwrap();
        assert_eq!(
            bed.read.incident(first.id).await.unwrap(),
            Some(closed),
            "{}",
            bed.name
        );
        let anew = Incident {
            opened_at: at(99),
            ..incident("wrong_answer:a")
        };
        bed.store
            .apply(trouble(vec![TroubleChange::InsertIncident(anew.clone())]))
            .await
            .unwrap();
        let newest = bed.read.incident_of_cause("wrong_answer:a").await.unwrap();
        assert_eq!(newest.map(|i| i.id), Some(anew.id), "{}", bed.name);
        let filter = IncidentFilter {
            among: Some(vec!["deals".into()]),
            ..IncidentFilter::default()
        };
        assert!(
            bed.read
                .incidents(&filter, None, 9)
                .await
                .unwrap()
                .is_empty()
        );
        let all = bed
            .read
            .incidents(&IncidentFilter::default(), None, 2)
            .await
            .unwrap();
        let rest = bed
            .read
            .incidents(&IncidentFilter::default(), Some(all[1].id), 9)
            .await
            .unwrap();
        assert_eq!((all.len(), rest.len()), (2, 1), "{}", bed.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_taken_once_and_old_soft_ones_go() {
    each(|bed: Bed| async move {
        let i = incident("provider_outage:p");
        let finding = |hard: bool, secs: u64| Finding {
            id: FindingId::new(new_id()),
            incident: None,
            key: i.key.clone(),
            category: Category::ProviderOutage,
            workflow: Some("support".into()),
            run: None,
            words: "no answer".into(),
            hard,
            at: at(secs),
        };
        let (hard, soft) = (finding(true, 10), finding(false, 20));
        let insert = [&hard, &soft].map(|f| TroubleChange::InsertFinding(f.clone()));
        bed.store.apply(trouble(insert.into())).await.unwrap();
        assert_eq!(
            bed.read.new_findings(9).await.unwrap(),
            [hard.clone(), soft],
            "{}",
            bed.name
        );
        let taken = Finding {
            incident: Some(i.id),
            ..hard.clone()
        };
        let take = vec![
            TroubleChange::InsertIncident(i.clone()),
            TroubleChange::TakeFinding(taken.clone()),
        ];
        bed.store.apply(trouble(take)).await.unwrap();
        assert_eq!(
            bed.read.findings_of(i.id, 9).await.unwrap(),
            [taken],
            "{}",
            bed.name
        );
        let drop = TroubleChange::DropFindings { before: at(21) };
        bed.store.apply(trouble(vec![drop])).await.unwrap();
        assert!(
            bed.read.new_findings(9).await.unwrap().is_empty(),
            "{}",
            bed.name
        );
        assert_eq!(
            bed.read.findings_of(i.id, 9).await.unwrap().len(),
            1,
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_due_and_corrections_end_with_proof() {
    each(|bed: Bed| async move {
        let i = incident("wrong_answer:c");
        let alert = Alert {
            id: AlertId::new(new_id()),
            state: AlertState::Firing,
            person: "rhea".into(),
            chain: "rhea boris".into(),
            level: 0,
            round: 0,
            tries: 0,
            due_at: at(10),
            detail: None,
            acknowledged_by: None,
            version: 1,
            incident: i.id,
            workflow: i.workflow.clone(),
            fired_at: at(0),
        };
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let link = IncidentRun {
            incident: i.id,
            run: new.id,
            at: at(1),
        };
        let fix = Correction {
            id: CorrectionId::new(new_id()),
            state: CorrectionState::Open,
            owner: "boris".into(),
            due_at: at(99),
            receipt: None,
            settled_by: None,
            settled_at: None,
            note: None,
            proof: None,
            version: 1,
            incident: i.id,
            run: new.id,
            action: None,
            place: "note: 7".into(),
            words: "write it again".into(),
            created_at: at(2),
        };
        let open = vec![
            TroubleChange::InsertIncident(i.clone()),
            TroubleChange::InsertAlert(alert.clone()),
            TroubleChange::LinkRun(link.clone()),
            TroubleChange::InsertCorrection(fix.clone()),
        ];
        bed.store.apply(trouble(open)).await.unwrap();
        bed.store
            .apply(trouble(vec![TroubleChange::LinkRun(link)]))
            .await
            .unwrap();
        assert_eq!(
            bed.read.incident_run_count(i.id).await.unwrap(),
            1,
            "{}",
            bed.name
        );
        assert!(bed.read.due_alerts(at(9), 9).await.unwrap().is_empty());
        assert_eq!(
            bed.read.due_alerts(at(10), 9).await.unwrap(),
            std::slice::from_ref(&alert),
            "{}",
            bed.name
        );

        let told = AlertDelivery {
            alert: alert.id,
            n: 1,
            kind: DeliveryKind::Alert,
            person: "rhea".into(),
            ok: true,
            channel: Some("mail".into()),
            detail: Some("webhook failed: connect".into()),
            at: at(11),
        };
        let over = Alert {
            state: AlertState::Cleared,
            due_at: at(20),
            version: 2,
            ..alert
        };
        let change = vec![
            TroubleChange::InsertDelivery(told.clone()),
            TroubleChange::UpdateAlert(over.clone()),
        ];
        bed.store.apply(trouble(change)).await.unwrap();
        assert!(
            bed.read.open_alerts(9).await.unwrap().is_empty(),
            "{}",
            bed.name
        );
        assert_eq!(
            bed.read.untold_ends(9).await.unwrap(),
            [over],
            "{}",
            bed.name
        );
        let end = AlertDelivery {
            n: 2,
            kind: DeliveryKind::Cleared,
            at: at(21),
            ..told
        };
        bed.store
            .apply(trouble(vec![TroubleChange::InsertDelivery(end)]))
            .await
            .unwrap();
        assert!(
            bed.read.untold_ends(9).await.unwrap().is_empty(),
            "{}",
            bed.name
        );
        let figures = bed.read.delivery_figures().await.unwrap();
        assert_eq!(
            (figures[0].delivered, figures[0].last_at),
            (2, Some(at(21))),
            "{}",
            bed.name
        );

        let bare = Correction {
            state: CorrectionState::Done,
            settled_by: Some("boris".into()),
            settled_at: Some(at(30)),
            version: 2,
            ..fix.clone()
        };
        let typed = Some("desk 204".to_owned());
        for (proof, receipt, note) in [
            (None, None, None),
            (None, typed.clone(), None),
            (Some(Proof::Action), None, typed.clone()),
            (Some(Proof::ReadBack), None, None),
            (Some(Proof::Word), typed.clone(), None),
            (Some(Proof::Word), typed.clone(), typed.clone()),
        ] {
            let words = format!("{}: {proof:?} {receipt:?} {note:?}", bed.name);
            let poor = Correction {
                proof,
                receipt,
                note,
                ..bare.clone()
            };
            let refused = bed
                .store
                .apply(trouble(vec![TroubleChange::UpdateCorrection(poor)]))
                .await;
            assert!(refused.is_err(), "{words}");
        }
        let done = Correction {
            proof: Some(Proof::Word),
            note: typed,
            ..bare
        };
        bed.store
            .apply(trouble(vec![TroubleChange::UpdateCorrection(done.clone())]))
            .await
            .unwrap();
        assert_eq!(
            bed.read.corrections_of(i.id).await.unwrap(),
            [done],
            "{}",
            bed.name
        );

        // Nothing that could be a cause finds nothing, never everything.
        let empty = bed
            .read
            .touched(&BlastFilter::default(), None, 9)
            .await
            .unwrap();
        assert!(empty.is_empty(), "{}", bed.name);
        for filter in [
            BlastFilter {
                person: Some("rhea".into()),
                ..BlastFilter::default()
            },
            BlastFilter {
                model: Some("m".into()),
                rules: Some(1),
                ..BlastFilter::default()
            },
            BlastFilter {
                releases: vec![new.release],
                from: Some(at(0)),
                to: Some(at(9)),
                ..BlastFilter::default()
            },
        ] {
            assert!(
                bed.read.touched(&filter, None, 9).await.unwrap().is_empty(),
                "{}",
                bed.name
            );
        }
        for status in bed.read.waiting().await.unwrap() {
            assert_eq!(
                (status.workflow.as_str(), status.runs),
                ("support", 1),
                "{}",
                bed.name
            );
        }
        assert!(
            bed.read
                .stuck_runs("support", at(0), 9)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            bed.read
                .stuck_runs("support", at(1), 9)
                .await
                .unwrap()
                .len(),
            1,
            "{}",
            bed.name
        );
        let days = ["2026-11-16", "2026-11-17"];
        let arrived = bed
            .read
            .arrived("support", days, "webhook:ticket", (at(0), at(1)))
            .await;
        assert_eq!(arrived.unwrap(), 1, "{}", bed.name);
        let late = bed
            .read
            .late_deliveries("support", days, (at(0), at(1)), 1_000_000, at(9))
            .await;
        assert_eq!(
            late.map(|l| (l.all, l.late)).unwrap(),
            (1, 1),
            "{}",
            bed.name
        );
        assert!(
            bed.read
                .held_for("support", "dependency_down", 9)
                .await
                .unwrap()
                .is_empty()
        );
        let gap = Gap {
            action: tuesday_domain::id::ActionId::new(new_id()),
            state: GapState::Missing,
            words: "the record is not there".into(),
            at: at(3),
            version: 1,
            run: new.id,
            workflow: "support".into(),
        };
        let again = Gap {
            state: GapState::Mended,
            words: String::new(),
            at: at(4),
            version: 2,
            ..gap.clone()
        };
        let insert = || trouble(vec![TroubleChange::InsertGap(gap.clone())]);
        assert_eq!(
            bed.read.gap(gap.action).await.unwrap(),
            None,
            "{}",
            bed.name
        );
        bed.store.apply(insert()).await.unwrap();
        let twice = bed.store.apply(insert()).await;
        assert!(
            matches!(twice, Err(ApplyError::Conflict { .. })),
            "{}: {twice:?}",
            bed.name
        );
        let update = vec![TroubleChange::UpdateGap(again.clone())];
        bed.store.apply(trouble(update.clone())).await.unwrap();
        let late = bed.store.apply(trouble(update)).await;
        assert!(
            matches!(late, Err(ApplyError::Conflict { .. })),
            "{}",
            bed.name
        );
        assert_eq!(
            bed.read.gap(gap.action).await.unwrap(),
            Some(again),
            "{}",
            bed.name
        );
    })
    .await;
}
