//! EXI-06: pages are made while work goes on. A run that finishes meanwhile is told in one way on its page, in its
//! list and in the sums, and says so; what comes later is not there; the log that lies beside has what pages tell.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::audit::NoteSigner;
use tuesday_domain::workflow::Switch;
use tuesday_engine::ops::{Incoming, IncomingAuth, Refusal};
use tuesday_engine::{Clock, Engine, EngineConfig};
use tuesday_testkit::fakes::Fakes;
use tuesday_testkit::{Database, until};
use tuesday_web::{ArchiveWish, archive};

use crate::bed::{Bed, Case, each};

/// The instance's own engine without a worker, with the key of its log.
async fn beside(bed: &Bed) -> (Engine, Arc<NoteSigner>) {
    let instance = bed.reader().instance().await.unwrap().unwrap();
    let text = std::fs::read_to_string(bed.home.dir.join("audit.key")).unwrap();
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).unwrap();
    let signer = Arc::new(NoteSigner::from_seed(&instance.origin, &seed).unwrap());
    let config = EngineConfig {
        node: "archive".into(),
        lease: Duration::from_secs(30),
        slots: 0,
        events_per_second: None,
        restored_at: None,
        retention: tuesday_domain::privacy::RetentionLimits::default(),
        public_url: String::new(),
        signer: Some(Arc::clone(&signer)),
        checkpoint_file: None,
        fatal: Arc::new(|why| panic!("{why}")),
        space: None,
        least_free_percent: 0,
        crash: None,
    };
    let ports = Fakes::new(&json!({})).ports();
    let engine = Engine::new(bed.store.clone(), ports, Clock::System, config);
    engine.load().await.unwrap();
    (engine, signer)
}

/// A person says no to the open task, another event arrives, and somebody pauses the workflow.
async fn meanwhile(engine: &Engine, late: &Case) {
    let filter = tuesday_store::QueueFilter::default();
    let open = engine.reader().review_page(&filter, None, 10).await;
    let task = open.unwrap().pop().unwrap();
    let refusal = Refusal {
        reason: "wrong_grade".into(),
        ..Refusal::default()
    };
    engine.reject(task.id, "pia", refusal).await.unwrap();
    let incoming = Incoming {
        event_id: None,
        body: late.event().to_string().into_bytes(),
        auth: IncomingAuth::Person("rhea".into()),
        reference: None,
    };
    engine.receive("faults", incoming).await.unwrap();
    let rhea = Actor::Person("rhea".into());
    let paused = engine.set_switch("faults", Switch::Paused, &rhea, "said too late for it");
    paused.await.unwrap();
}

fn pages(dir: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    crate::exported::files(dir, "", &mut names);
    names
}

async fn one_picture(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let asked = Case::new("asked", "review");
    let cases = [Case::new("a1", "auto"), Case::new("a2", "auto")];
    let late = Case::new("late", "auto");
    bed.accounts(
        &[
            vec![Case::new("asked", "review"), Case::new("late", "auto")],
            cases.to_vec(),
        ]
        .concat(),
    );
    assert_eq!(bed.send(&node.url, &asked).await, Some(202));
    until("a person is asked", || async {
        let open = bed.tasks().await;
        (open.len() == 1).then_some(())
    })
    .await;
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    let told = bed.told.lock().unwrap().clone();
    for case in &cases {
        until("it is written", || async {
            let id = told[&case.id].parse().unwrap();
            let run = bed.reader().run(id).await.unwrap().unwrap();
            run.state.outcome
        })
        .await;
    }
    assert!(node.stop().await.success());

    let (engine, signer) = beside(&bed).await;
    let place = tempfile::tempdir().unwrap();
    let wish = ArchiveWish {
        dir: place.path().join("pages"),
        workflow: None,
        clearance: Class::Restricted,
        made_by: "test".into(),
        script: "none".into(),
    };
    let (done, other) = (AtomicBool::new(false), engine.clone());
    let progress = |what: &'static str, n: u64| {
        // The newest run is written, the one that waits for a person is read and not written yet.
        if what == "runs" && n == 1 && !done.swap(true, Ordering::SeqCst) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(meanwhile(&other, &late));
            });
        }
    };
    let by = Actor::Person("rhea".into());
    let made = Box::pin(archive(&engine, &wish, &by, signer.verifier(), &progress)).await;
    let made = made.unwrap();
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(made.runs, 3, "what arrived meanwhile is not in it");
    let names = pages(&wish.dir);
    let text = |name: &str| std::fs::read_to_string(wish.dir.join(name)).unwrap();
    let runs: Vec<&String> = names.iter().filter(|n| n.contains("/run_")).collect();
    assert_eq!(runs.len(), 3, "{runs:?}");

    // Page, list and sums tell the same of the run that finished.
    let own = |case: &str| {
        let end = format!("{}.html", told[case]);
        let name = names.iter().find(|n| n.ends_with(&end)).unwrap();
        text(name)
    };
    let page = own("asked");
    assert!(
        page.contains("Not at rest") && page.contains("It went on after"),
        "{page}"
    );
    assert!(
        page.contains("review refused") || page.contains("rejected"),
        "{page}"
    );
    for case in ["a1", "a2"] {
        assert!(!own(case).contains("Not at rest"), "{case}");
    }
    let is_list = |n: &&String| n.starts_with("workflows/faults/runs/20") && !n.contains("/run_");
    let list = text(names.iter().find(is_list).unwrap());
    let line = list
        .split("<tr>")
        .find(|l| l.contains(&told["asked"]))
        .unwrap();
    assert!(
        line.contains("Rejected") || line.contains("rejected"),
        "{line}"
    );
    assert!(!list.contains("late: auto"), "{list}");
    let sums = text("workflows/faults/index.html");
    assert!(sums.contains("faults, 3 runs."), "{sums}");
    assert!(!sums.to_lowercase().contains("not ended"), "{sums}");

    // What was changed after the bound is not there, and the first page says up to when it goes.
    for name in ["changes.html", "workflows/faults/changes.html"] {
        assert!(!text(name).contains("said too late for it"), "{name}");
    }
    let first = text("index.html");
    assert!(first.contains("1 run went on meanwhile"), "{first}");
    assert!(
        first.contains("entries of the log: runs, incidents and changes from after that"),
        "{first}"
    );
    // The log beside it has what the page tells.
    let filter = tuesday_store::AuditFilter {
        run: Some(told["asked"].parse().unwrap()),
        ..tuesday_store::AuditFilter::default()
    };
    let newest = engine.reader().audit_page(&filter, None, 1).await.unwrap();
    let last = newest[0].index.unwrap();
    assert!(last >= made.entries, "it was refused after the bound");
    let bundle = text("audit/log.bundle");
    let there = bundle.lines().any(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        line["index"] == last
    });
    assert!(there, "{last} is not in {bundle}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finishes_while_pages_are_made_is_told_in_one_way() {
    each("archived", one_picture).await;
}
