//! The queue: one holder at a time, and a late one is told so.

use std::collections::HashSet;
use std::time::Duration;

use tuesday_domain::record::*;
use tuesday_domain::run::{Status, Step};
use tuesday_store::{ApplyError, ClaimRequest, Store};

use crate::bed::{Bed, each};
use crate::rows::*;

const LEASE: Duration = Duration::from_secs(30);

async fn claim(
    store: &Store,
    node: &str,
    now: u64,
    limit: usize,
    per: &[(String, u32)],
) -> Vec<Job> {
    let request = ClaimRequest {
        node,
        now: Some(at(now)),
        lease: LEASE,
        limit,
        per_workflow: per,
    };
    store.claim(request).await.unwrap()
}

fn all(workflow: &str) -> Vec<(String, u32)> {
    vec![(workflow.to_owned(), 1000)]
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_never_share_a_job() {
    each(|bed: Bed| async move {
        for i in 0..120 {
            let new = run("support", &format!("e{i}"));
            bed.store
                .apply(accept(&new, job(&new, at(0))))
                .await
                .unwrap();
        }
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let store = bed.store.clone();
                tokio::spawn(async move {
                    let mut got = Vec::new();
                    // A claim may come back short while others hold rows, so an empty one is asked again.
                    for _ in 0..40 {
                        got.extend(claim(&store, &format!("n{n}"), 1, 7, &all("support")).await);
                    }
                    got
                })
            })
            .collect();
        let mut seen = HashSet::new();
        for t in tasks {
            for job in t.await.unwrap() {
                assert_eq!(job.fence, 1);
                assert!(
                    seen.insert(job.run),
                    "{}: {} was claimed twice",
                    bed.name,
                    job.run
                );
            }
        }
        assert_eq!(seen.len(), 120, "{}", bed.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_keep_to_due_times_limits_and_names() {
    each(|bed: Bed| async move {
        for (workflow, event, due) in [
            ("a", "1", 5),
            ("a", "2", 3),
            ("a", "3", 90),
            ("b", "4", 4),
            ("c", "5", 0),
        ] {
            let new = run(workflow, event);
            bed.store
                .apply(accept(&new, job(&new, at(due))))
                .await
                .unwrap();
        }
        assert_eq!(bed.read.next_due().await.unwrap(), Some(at(0)));
        let per = [
            ("a".to_owned(), 1),
            ("b".to_owned(), 5),
            ("unused".to_owned(), 5),
        ];
        let got = claim(&bed.store, "n1", 10, 10, &per).await;
        let found: Vec<_> = got
            .iter()
            .map(|j| (j.workflow.as_str(), j.due_at))
            .collect();
        assert_eq!(found, vec![("a", at(3)), ("b", at(4))], "{}", bed.name);
        assert_eq!(
            got[0].lease,
            Some(Lease {
                node: "n1".into(),
                until: at(40)
            })
        );
        assert!(
            claim(&bed.store, "n1", 10, 10, &[("a".to_owned(), 0)])
                .await
                .is_empty()
        );
        assert!(claim(&bed.store, "n1", 10, 10, &[]).await.is_empty());
        assert_eq!(claim(&bed.store, "n1", 10, 10, &all("c")).await.len(), 1);
        assert_eq!(
            claim(&bed.store, "n1", 10, 1, &all("a")).await[0].due_at,
            at(5)
        );
        assert_eq!(
            bed.read.next_due().await.unwrap(),
            Some(at(40)),
            "the first lease to run out"
        );
        // The lease runs out and the job goes to another node with the next fence.
        let again = claim(&bed.store, "n2", 41, 10, &all("b")).await;
        assert_eq!((again.len(), again[0].fence), (1, 2));
        // The database has a clock of its own.
        let request = ClaimRequest {
            node: "n3",
            now: None,
            lease: LEASE,
            limit: 10,
            per_workflow: &all("a"),
        };
        let by_own_clock = bed.store.claim(request).await.unwrap();
        assert!(
            by_own_clock
                .iter()
                .all(|j| j.lease.as_ref().is_some_and(|l| l.until > at(0))),
            "{}",
            bed.name
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_fence_is_refused_and_keeps_nothing() {
    each(|bed: Bed| async move {
        let new = run("support", "e1");
        bed.store
            .apply(accept(&new, job(&new, at(0))))
            .await
            .unwrap();
        let old = claim(&bed.store, "n1", 0, 1, &all("support")).await[0].fence;
        let new_fence = claim(&bed.store, "n2", 60, 1, &all("support")).await[0].fence;
        assert_eq!(new_fence, old + 1);
        let next = step(&new, Status::Queued, Step::Generate);
        let with = |guard: Change| {
            about(
                &next,
                "run.queued",
                vec![Change::UpdateRun(Box::new(next.clone())), guard],
            )
        };
        let run = new.id;
        for guard in [
            Change::CheckFence { run, fence: old },
            Change::FinishJob { run, fence: old },
            Change::ReleaseJob {
                run,
                fence: old,
                due_at: at(70),
                lease: None,
            },
        ] {
            assert_eq!(
                bed.store.apply(with(guard)).await.unwrap_err(),
                ApplyError::FenceLost,
                "{}",
                bed.name
            );
        }
        assert_eq!(bed.read.run(run).await.unwrap().unwrap().version, 0);
        bed.store
            .apply(with(Change::CheckFence {
                run,
                fence: new_fence,
            }))
            .await
            .unwrap();
        let kept = Lease {
            node: "n2".into(),
            until: at(120),
        };
        let release = |lease| Change::ReleaseJob {
            run,
            fence: new_fence,
            due_at: at(65),
            lease,
        };
        bed.store
            .apply(about(&next, "job.kept", vec![release(Some(kept.clone()))]))
            .await
            .unwrap();
        assert_eq!(bed.read.job(run).await.unwrap().unwrap().lease, Some(kept));
        bed.store
            .apply(about(&next, "job.released", vec![release(None)]))
            .await
            .unwrap();
        // Whoever gave the job back does not hold it, even though the fence has not moved.
        let late = about(
            &next,
            "late",
            vec![Change::CheckFence {
                run,
                fence: new_fence,
            }],
        );
        assert_eq!(
            bed.store.apply(late).await.unwrap_err(),
            ApplyError::FenceLost
        );
        bed.store
            .apply(about(&next, "job.dropped", vec![Change::DropJob { run }]))
            .await
            .unwrap();
        bed.store
            .apply(about(&next, "job.dropped", vec![Change::DropJob { run }]))
            .await
            .unwrap();
        assert_eq!(bed.read.job_count().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_renew_what_is_held_and_name_what_is_lost() {
    each(|bed: Bed| async move {
        for i in 0..3 {
            let new = run("support", &format!("e{i}"));
            bed.store
                .apply(accept(&new, job(&new, at(i))))
                .await
                .unwrap();
        }
        let held: Vec<_> = claim(&bed.store, "n1", 5, 2, &all("support"))
            .await
            .iter()
            .map(|j| (j.run, j.fence))
            .collect();
        let other = claim(&bed.store, "n2-a", 5, 2, &all("support")).await[0].clone();
        let mut beats = held.clone();
        beats.push((other.run, other.fence));
        let lost = bed
            .store
            .heartbeat("n1", Some(at(20)), &beats, LEASE)
            .await
            .unwrap();
        assert_eq!(lost, vec![other.run], "{}", bed.name);
        assert_eq!(
            bed.read
                .job(held[0].0)
                .await
                .unwrap()
                .unwrap()
                .lease
                .unwrap()
                .until,
            at(50)
        );
        let lost = bed
            .store
            .heartbeat("n1", Some(at(20)), &[(held[0].0, 99)], LEASE)
            .await
            .unwrap();
        assert_eq!(lost, vec![held[0].0]);
        assert_eq!(
            bed.store.release_leases_of("n2").await.unwrap(),
            0,
            "{}: a name is not a prefix",
            bed.name
        );
        assert_eq!(bed.store.release_leases_of("n2-a").await.unwrap(), 1);
        assert_eq!(
            claim(&bed.store, "n1", 20, 5, &all("support")).await.len(),
            1
        );
        assert_eq!(bed.store.release_leases_of("nobody").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_belongs_to_one_process_and_what_the_gone_left_is_freed() {
    each(|bed: Bed| async move {
        for i in 0..2 {
            let new = run("support", &format!("e{i}"));
            bed.store
                .apply(accept(&new, job(&new, at(i))))
                .await
                .unwrap();
        }
        let first = bed.store.take_name("host:/data", "17").await.unwrap();
        let second = bed.store.take_name("host:/data", "18").await.unwrap();
        assert_ne!(first.as_str(), second.as_str(), "{}", bed.name);
        if bed.name != "postgres" {
            // Nobody can tell who lives: nothing is freed, the lease runs out.
            assert!(first.as_str().ends_with("-17") && !first.is_held());
            claim(&bed.store, "host:/data", 5, 1, &all("support")).await;
            assert_eq!(
                bed.store.release_leases_of_the_gone(&first).await.unwrap(),
                0
            );
            return;
        }
        assert_eq!(
            (first.as_str(), second.as_str()),
            ("host:/data", "host:/data#2")
        );
        for node in [first.as_str(), second.as_str()] {
            assert_eq!(
                claim(&bed.store, node, 5, 1, &all("support")).await.len(),
                1
            );
        }
        assert_eq!(
            bed.store.release_leases_of_the_gone(&first).await.unwrap(),
            0,
            "both live"
        );
        drop(second);
        // The server ends the session when it sees the closed connection.
        let mut freed = 0;
        while freed == 0 {
            freed = bed.store.release_leases_of_the_gone(&first).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(freed, 1, "what the living one holds stays");
        assert_eq!(
            bed.store
                .take_name("host:/data", "19")
                .await
                .unwrap()
                .as_str(),
            "host:/data#2"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_clock_is_compared_with_ours() {
    each(|bed: Bed| async move {
        let base = || {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap();
            tuesday_domain::time::Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap())
        };
        let (ahead, took) = bed.read.clock_ahead(base).await.unwrap();
        let slack = i64::try_from(took.as_micros()).unwrap() + 2_000;
        assert!(ahead.abs() <= slack, "{}: {ahead} within {slack}", bed.name);
        let behind =
            move || tuesday_domain::time::Timestamp::from_micros(base().micros() - 60_000_000);
        let (ahead, took) = bed.read.clock_ahead(behind).await.unwrap();
        let slack = i64::try_from(took.as_micros()).unwrap() + 2_000;
        assert!((ahead - 60_000_000).abs() <= slack, "{}: {ahead}", bed.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_waits_for_no_writer() {
    each(|bed: Bed| async move {
        if bed.name != "postgres" {
            // One writer on SQLite; without SKIP LOCKED there is no way around waiting.
            return;
        }
        let new = run("support", "e0");
        let accepted = accept(&new, job(&new, at(0)));
        bed.store.apply(accepted).await.unwrap();
        let held = claim(&bed.store, "n1", 5, 1, &all("support")).await[0].clone();
        let mut writer = bed.session().await;
        let writing = writer.transaction().await.unwrap();
        let lock = "SELECT run_id FROM jobs FOR UPDATE";
        assert_eq!(writing.query(lock, &[]).await.unwrap().len(), 1);
        let beats = [(held.run, held.fence)];
        let beat = bed.store.heartbeat("n1", Some(at(20)), &beats, LEASE);
        let beaten = tokio::time::timeout(std::time::Duration::from_secs(5), beat).await;
        let lost = beaten.expect("it did not wait").unwrap();
        assert!(lost.is_empty(), "a job that is written to is held");
        writing.rollback().await.unwrap();
    })
    .await;
}
