//! The log: one entry for each applied decision, and nobody changes it afterwards.

use tuesday_domain::record::*;
use tuesday_domain::run::{Status, Step};
use tuesday_store::{ApplyError, AuditFilter, AuditHead, SealBatch, Tile, TileKey};

use crate::bed::{Bed, each};
use crate::rows::*;

async fn five(bed: &Bed) -> Vec<Run> {
    let mut runs = Vec::new();
    for i in 0..5 {
        let new = run(if i < 3 { "support" } else { "deals" }, &format!("e{i}"));
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        runs.push(new);
    }
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_equal_applied_decisions_and_have_places_without_gaps() {
    each(|bed: Bed| async move {
        let runs = five(&bed).await;
        let next = step(&runs[0], Status::Queued, Step::Generate);
        let queued = about(
            &next,
            "run.queued",
            vec![Change::UpdateRun(Box::new(next.clone()))],
        );
        bed.store.apply(queued.clone()).await.unwrap();
        assert!(bed.store.apply(queued.clone()).await.is_err());
        while bed.store.sequence_audit(2).await.unwrap() > 0 {}
        assert_eq!(bed.read.audit_size().await.unwrap(), 6, "{}", bed.name);
        assert_eq!(bed.number("SELECT max(idx) FROM audit").await, 5);
        let leaves = bed.read.leaves(0, 100).await.unwrap();
        assert_eq!(leaves.len(), 6);
        assert!(leaves.contains(&queued.entry.leaf().unwrap()));
        assert_eq!(bed.read.leaves(2, 3).await.unwrap(), leaves[2..5]);
        let of_run = bed.read.audit_of(runs[0].id).await.unwrap();
        assert_eq!(of_run.len(), 2);
        assert!(
            of_run[0].0 < of_run[1].0,
            "{}: a run's entries keep their order",
            bed.name
        );
        assert_eq!(of_run[1].1, queued.entry.leaf().unwrap());
        let page = bed
            .read
            .audit_page(&AuditFilter::default(), None, 4)
            .await
            .unwrap();
        assert_eq!(
            page.iter().map(|r| r.index.unwrap()).collect::<Vec<_>>(),
            vec![5, 4, 3, 2]
        );
        assert_eq!(
            bed.read
                .audit_page(&AuditFilter::default(), Some(2), 4)
                .await
                .unwrap()
                .len(),
            2
        );
        let deals = AuditFilter {
            workflow: Some("deals".into()),
            ..AuditFilter::default()
        };
        assert_eq!(
            bed.read.audit_page(&deals, None, 10).await.unwrap().len(),
            2
        );
        let accepted = AuditFilter {
            kind: Some("run.accepted".into()),
            from: Some(at(0)),
            to: Some(at(1)),
            workflow: Some("support".into()),
            ..AuditFilter::default()
        };
        assert_eq!(
            bed.read
                .audit_page(&accepted, None, 10)
                .await
                .unwrap()
                .len(),
            3
        );
        let any = AuditFilter::default;
        let all = bed.read.audit_page(&any(), None, 10).await.unwrap();
        let read = &bed.read;
        let found = |filter: AuditFilter| async move {
            let rows = read.audit_page(&filter, None, 10).await.unwrap();
            rows.into_iter().map(|r| r.index).collect::<Vec<_>>()
        };
        let of = |fits: &dyn Fn(&tuesday_store::AuditRow) -> bool| {
            let rows = all.iter().filter(|r| fits(r));
            rows.map(|r| r.index).collect::<Vec<_>>()
        };
        let run = all[0].run;
        let filter = AuditFilter { run, ..any() };
        assert_eq!(found(filter).await, of(&|r| r.run == run));
        let among = |names: &[&str]| AuditFilter {
            among: Some(names.iter().map(|&n| n.to_owned()).collect()),
            ..any()
        };
        let seen = |r: &tuesday_store::AuditRow| r.workflow.as_deref().is_none_or(|w| w == "deals");
        assert_eq!(found(among(&["deals"])).await, of(&seen));
        assert_eq!(found(among(&[])).await, of(&|r| r.workflow.is_none()));
        let filter = AuditFilter {
            changes: true,
            ..any()
        };
        let changed = |r: &tuesday_store::AuditRow| r.kind.starts_with("workflow.");
        assert_eq!(found(filter).await, of(&changed));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_and_checkpoints_cannot_be_changed_or_removed() {
    each(|bed: Bed| async move {
        five(&bed).await;
        while bed.store.sequence_audit(100).await.unwrap() > 0 {}
        bed.store.seal(seal(None, 3)).await.unwrap();
        for sql in [
            "UPDATE audit SET kind = 'forged' WHERE idx = 1",
            "UPDATE audit SET idx = 77 WHERE idx = 1",
            "DELETE FROM audit WHERE idx = 4",
            "DELETE FROM audit",
            "UPDATE audit_checkpoints SET note = ''",
            "DELETE FROM audit_checkpoints",
        ] {
            let refused = bed.raw(sql).await.unwrap_err();
            assert!(refused.contains("never"), "{}: {sql}: {refused}", bed.name);
        }
        assert_eq!(
            bed.number("SELECT count(*) FROM audit WHERE kind = 'run.accepted'")
                .await,
            5
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_entry_nothing_happens() {
    each(|bed: Bed| async move {
        let kept = run("support", "before");
        bed.store.apply(accept(&kept, job(&kept, at(0)))).await.unwrap();
        let deaf = if bed.is_sqlite() {
            "CREATE TRIGGER deaf BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the log is closed'); END"
        } else {
            "CREATE FUNCTION deaf() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the log is closed'; END $$; \
             CREATE TRIGGER deaf BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION deaf()"
        };
        bed.raw(deaf).await.unwrap();
        let new = run("support", "e1");
        let refused = bed.store.apply(accept(&new, job(&new, at(0)))).await.unwrap_err();
        let ApplyError::AuditUnavailable(why) = refused else { panic!("{}: {refused}", bed.name) };
        assert!(why.contains("the log is closed"), "{why}");
        let next = step(&kept, Status::Queued, Step::Generate);
        let moved = about(&next, "run.queued", vec![Change::UpdateRun(Box::new(next.clone()))]);
        assert!(matches!(bed.store.apply(moved).await, Err(ApplyError::AuditUnavailable(_))));
        assert_eq!(bed.read.run(new.id).await.unwrap(), None);
        assert_eq!(bed.read.run(kept.id).await.unwrap().unwrap(), kept);
        assert_eq!(bed.number("SELECT count(*) FROM payloads").await, 1);
        assert_eq!(bed.number("SELECT count(*) FROM jobs").await, 1);
        bed.raw(if bed.is_sqlite() { "DROP TRIGGER deaf" } else { "DROP TRIGGER deaf ON audit" }).await.unwrap();
        bed.store.apply(accept(&new, job(&new, at(0)))).await.unwrap();
    })
    .await;
}

fn seal(expect: Option<u64>, size: u64) -> SealBatch {
    SealBatch {
        expect_size: expect,
        tiles: vec![Tile {
            key: TileKey { level: 0, index: 0 },
            width: size as u16,
            hashes: vec![1; size as usize * 32],
        }],
        frontier: vec![2; 40],
        checkpoint: Checkpoint {
            size,
            root: [size as u8; 32],
            note: format!("log\n{size}\n"),
            at: at(size),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_stored_once_and_only_on_top_of_the_one_before() {
    each(|bed: Bed| async move {
        five(&bed).await;
        while bed.store.sequence_audit(100).await.unwrap() > 0 {}
        let empty = AuditHead {
            size: 0,
            frontier: vec![],
            newest: None,
        };
        assert_eq!(bed.read.audit_head().await.unwrap(), empty);
        assert!(
            matches!(
                bed.store.seal(seal(None, 6)).await,
                Err(ApplyError::Illegal(_))
            ),
            "{}",
            bed.name
        );
        assert!(matches!(
            bed.store.seal(seal(Some(1), 2)).await,
            Err(ApplyError::Conflict { .. })
        ));
        bed.store.seal(seal(None, 3)).await.unwrap();
        assert!(matches!(
            bed.store.seal(seal(None, 4)).await,
            Err(ApplyError::Conflict { .. })
        ));
        assert!(matches!(
            bed.store.seal(seal(Some(3), 3)).await,
            Err(ApplyError::Conflict { .. })
        ));
        // Several signers at once: one wins.
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let store = bed.store.clone();
                tokio::spawn(async move { store.seal(seal(Some(3), 5)).await.is_ok() })
            })
            .collect();
        let mut won = 0;
        for t in tasks {
            won += usize::from(t.await.unwrap());
        }
        assert_eq!(won, 1, "{}", bed.name);
        let newest = bed.read.latest_checkpoint().await.unwrap();
        assert_eq!(newest, Some(seal(Some(3), 5).checkpoint));
        let before = bed.read.checkpoint_of(3).await.unwrap();
        assert_eq!(before, Some(seal(None, 3).checkpoint));
        assert_eq!(bed.read.checkpoint_of(4).await.unwrap(), None);
        assert_eq!(bed.read.checkpoints().await.unwrap().len(), 2);
        let head = AuditHead {
            size: 5,
            frontier: vec![2; 40],
            newest,
        };
        assert_eq!(bed.read.audit_head().await.unwrap(), head);
        let keys = [
            TileKey { level: 0, index: 0 },
            TileKey { level: 1, index: 0 },
        ];
        assert_eq!(bed.read.tiles(&keys).await.unwrap(), seal(Some(3), 5).tiles);
        assert_eq!(bed.read.tiles(&[]).await.unwrap(), vec![]);
    })
    .await;
}
