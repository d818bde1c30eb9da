//! Versions of decision tables, their readers, and where runs were sent.

use tuesday_domain::record::{
    Change, Decision, PayloadKind, ReleaseAck, ReviewDecision, Routed, RuleSetState, RulesAck,
    Subject, Unmapped,
};
use tuesday_domain::rules::Route;
use tuesday_store::ApplyError;

use crate::bed::each;
use crate::rows::{about, at, decide, payload, ruleset, run};

fn routed(event: &str, secs: u64, row: &str) -> Routed {
    Routed {
        run: run("support", event).id,
        workflow: "support".into(),
        rules_version: 1,
        row: Some(row.into()),
        route: if row == "r1" {
            Route::Auto
        } else {
            Route::Review
        },
        facts: vec![8, 2],
        at: at(secs),
        decision: None,
        confidence_ppm: Some(930_000),
    }
}

fn one(change: Change) -> Decision {
    decide(Subject::Workflow("support".into()), "x", vec![change])
}

fn put(row: &Routed) -> Change {
    Change::PutRouted(Box::new(row.clone()))
}

#[tokio::test]
async fn a_version_keeps_its_life() {
    each(|bed| async move {
        let mut row = ruleset("support", 2);
        row.state = RuleSetState::Proposed;
        row.base = Some(1);
        row.bound_owner = Some("sia".into());
        row.ends_at = Some(at(90));
        let insert = Change::InsertRuleSet(Box::new(row.clone()));
        bed.store.apply(one(insert.clone())).await.unwrap();
        assert!(matches!(
            bed.store.apply(one(insert)).await,
            Err(ApplyError::Conflict { .. })
        ));
        // In force without the second person's word: the database refuses it too.
        let mut alone = row.clone();
        alone.state = RuleSetState::Active;
        let refused = Change::MoveRuleSet {
            from: RuleSetState::Proposed,
            row: Box::new(alone.clone()),
        };
        assert!(bed.store.apply(one(refused)).await.is_err());
        alone.decided_at = Some(at(5));
        alone.decided_by = Some("sia".into());
        let agreed = Change::MoveRuleSet {
            from: RuleSetState::Proposed,
            row: Box::new(alone.clone()),
        };
        bed.store.apply(one(agreed.clone())).await.unwrap();
        assert!(matches!(
            bed.store.apply(one(agreed)).await,
            Err(ApplyError::Conflict { .. })
        ));
        assert_eq!(
            bed.read.ruleset("support", 2).await.unwrap(),
            Some(alone.clone())
        );
        assert!(bed.read.due_rulesets(at(89)).await.unwrap().is_empty());
        assert_eq!(bed.read.due_rulesets(at(90)).await.unwrap(), [alone]);
    })
    .await;
}

#[tokio::test]
async fn the_newest_version_read_is_kept_for_each_person() {
    each(|bed| async move {
        let ack = |person: &str, version| RulesAck {
            workflow: "support".into(),
            person: person.into(),
            version,
            at: at(version),
        };
        for a in [ack("ana", 2), ack("bo", 2), ack("ana", 3)] {
            bed.store.apply(one(Change::PutRulesAck(a))).await.unwrap();
        }
        assert_eq!(
            bed.read.rules_acks("support").await.unwrap(),
            [ack("ana", 3), ack("bo", 2)]
        );
        assert!(bed.read.rules_acks("other").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_newest_release_read_is_kept_for_each_person() {
    each(|bed| async move {
        let ack = |person: &str, number: u32| ReleaseAck {
            workflow: "support".into(),
            person: person.into(),
            number,
            at: at(u64::from(number)),
        };
        for a in [ack("ana", 2), ack("bo", 2), ack("ana", 3)] {
            bed.store
                .apply(one(Change::PutReleaseAck(a)))
                .await
                .unwrap();
        }
        assert_eq!(
            bed.read.release_acks("support").await.unwrap(),
            [ack("ana", 3), ack("bo", 2)]
        );
        let none = bed.store.apply(one(Change::PutReleaseAck(ack("cy", 0))));
        assert!(none.await.is_err(), "there is no release 0");
    })
    .await;
}

#[tokio::test]
async fn routed_runs_are_paged_counted_and_decided() {
    each(|bed| async move {
        let rows: Vec<Routed> = (0..5)
            .map(|n| routed(&n.to_string(), n, if n == 0 { "r1" } else { "r2" }))
            .collect();
        for row in &rows {
            bed.store.apply(one(put(row))).await.unwrap();
        }
        // Generated again, routed again: one row.
        bed.store.apply(one(put(&rows[4]))).await.unwrap();
        let note = |run, decision| Change::DecideRouted {
            run,
            workflow: "support".into(),
            decision,
        };
        let said = note(rows[4].run, ReviewDecision::Reject);
        bed.store.apply(one(said)).await.unwrap();
        // A run the table was never asked about has nothing to note.
        let nowhere = note(run("support", "none").id, ReviewDecision::Approve);
        bed.store.apply(one(nowhere)).await.unwrap();

        let first = bed.read.past_runs("support", None, None, 3).await.unwrap();
        let ids: Vec<_> = first.iter().map(|r| r.run).collect();
        assert_eq!(ids, [rows[4].run, rows[3].run, rows[2].run]);
        assert_eq!(first[0].decision, Some(ReviewDecision::Reject));
        let rest = bed
            .read
            .past_runs("support", Some(ids[2]), Some(at(1)), 3)
            .await
            .unwrap();
        let rest: Vec<_> = rest.iter().map(|r| r.run).collect();
        assert_eq!(rest, [rows[1].run], "the oldest is before the window");
        let hits = bed.read.rule_hits("support", at(0)).await.unwrap();
        let hits: Vec<_> = hits
            .iter()
            .map(|h| (h.row.as_deref().unwrap_or(""), h.decision, h.runs))
            .collect();
        assert_eq!(hits.len(), 3);
        assert!(hits.contains(&("r2", Some(ReviewDecision::Reject), 1)));
        assert!(hits.contains(&("r2", None, 3)) && hits.contains(&("r1", None, 1)));
        let mut known = run("support", "4");
        known.id = rows[4].run;
        let body = payload(&known, 1, PayloadKind::Event, 64);
        let accepted = vec![
            Change::InsertRun(Box::new(known.clone())),
            Change::InsertPayload(body),
        ];
        let accepted = about(&known, "run.accepted", accepted);
        bed.store.apply(accepted).await.unwrap();
        let alike = |row: &'static str| bed.read.decided_alike("support", row, 10);
        let decided = alike("r2").await.unwrap();
        let decided: Vec<_> = decided.iter().map(|a| a.decision).collect();
        assert_eq!(decided, [ReviewDecision::Reject], "{}", bed.name);
        assert!(
            alike("r1").await.unwrap().is_empty(),
            "nobody has decided it"
        );
    })
    .await;
}

#[tokio::test]
async fn an_unknown_word_is_kept_once_with_the_run_that_brought_it_first() {
    each(|bed| async move {
        let word = |event: &str, secs| Unmapped {
            workflow: "support".into(),
            field: "tier".into(),
            folded: "trial".into(),
            word: "Trial".into(),
            run: run("support", event).id,
            at: at(secs),
            due_at: at(secs + 60),
        };
        let note = |word: &Unmapped| one(Change::NoteUnmapped(Box::new(word.clone())));
        let first = word("first", 1);
        bed.store.apply(note(&first)).await.unwrap();
        bed.store.apply(note(&word("second", 2))).await.unwrap();
        let reader = bed.store.reader();
        assert_eq!(
            reader.unmapped("support", 10).await.unwrap(),
            std::slice::from_ref(&first)
        );
        assert_eq!(reader.unmapped("other", 10).await.unwrap(), []);
        let mut never = first;
        never.folded = "never".into();
        never.due_at = never.at;
        assert!(bed.store.apply(note(&never)).await.is_err());
    })
    .await;
}
