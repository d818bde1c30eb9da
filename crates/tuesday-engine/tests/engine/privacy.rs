//! Keeping and erasing: retention by class, erasure on request, legal holds, and what is said afterwards.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::eval::Kind;
use tuesday_domain::id::RunId;
use tuesday_domain::privacy::{HoldScope, is_gone};
use tuesday_domain::record::{Grant, ProblemKind};
use tuesday_engine::Worker;
use tuesday_engine::ops::{
    Complaint, Erase, ErasureOf, ErasureQuery, ExportQuery, Inputs, NewHold, PostedSignal, Rerun,
};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::{Bench, aged};

const DAY_US: i64 = 86_400_000_000;
const MONTH: &[(&str, &str)] = &[(
    "[limits]\n",
    "[retention]\ninternal = 30\nconfidential = 30\nrestricted = 30\n[limits]\n",
)];

async fn gone(bench: &Bench, run: RunId) -> (usize, usize) {
    let all = bench.engine.reader().payloads(run).await.unwrap();
    (all.iter().filter(|p| is_gone(p)).count(), all.len())
}

/// Whoever may erase and hold.
async fn sia(bench: &Bench) {
    let engine = &bench.engine;
    let person = tuesday_domain::record::Person {
        handle: "sia".into(),
        name: "Sia Berg".into(),
        email: "sia.berg@example.com".into(),
        active: true,
    };
    let by = Actor::Person("administrator".into());
    engine
        .invite(person, "she answers for data", &by)
        .await
        .unwrap();
    let grant = Grant::new("sia", Role::SecurityApprover, None);
    engine
        .grant(grant, "she answers for data", &by)
        .await
        .unwrap();
}

fn hold(record: Option<&str>, workflow: Option<&str>) -> NewHold {
    NewHold {
        scope: HoldScope {
            record: record.map(Into::into),
            workflow: workflow.map(Into::into),
            ..HoldScope::default()
        },
        reason: "a dispute".into(),
    }
}

/// Everything that is past its time by now.
async fn retained(bench: &Bench) -> u64 {
    let mut runs = 0;
    loop {
        let done = bench.engine.retain().await.unwrap();
        runs += done.runs;
        if done.runs == 0 {
            return runs;
        }
    }
}

async fn retention(database: Option<&str>) {
    let bench = Bench::on(MONTH, database).await;
    sia(&bench).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    for source in ["crm", "contract"] {
        bench.fakes.record(source, aged(0, "tier-of-Quillfeather"));
    }
    bench.receive("old").await;
    bench.receive("held").await;
    let old = bench.rest("old").await.run;
    let held = bench.rest("held").await.run;
    worker.shut_down(Duration::from_secs(10)).await;
    let kept = engine
        .place_hold(hold(Some("held"), None), "sia")
        .await
        .unwrap();

    engine.clock().set_offset(29 * DAY_US);
    assert_eq!(retained(&bench).await, 0, "a day too early");
    engine.clock().set_offset(31 * DAY_US);
    assert_eq!(retained(&bench).await, 1);
    let (out, all) = gone(&bench, old.id).await;
    assert_eq!(out, all);
    assert!(
        all >= 4,
        "event, source, snapshot, answer, output, …: {all}"
    );
    assert_eq!(gone(&bench, held.id).await.0, 0, "the hold keeps it");

    // The record says what became of it, and stays whole.
    let story = engine.story(old.id).await.unwrap();
    assert!(story.integrity.whole, "{:?}", story.integrity);
    assert_eq!(story.integrity.erased.len(), all);
    assert_eq!(story.subject, "(erased)");
    let read = &story.answers[1].answer;
    assert!(read.starts_with("erased on "), "{read}");
    let policy =
        "by retention under policy retention of internal: 30 days (declared by the package)";
    assert!(read.ends_with(policy), "{read}");
    let told = serde_json::to_string(&story).unwrap();
    assert!(!told.contains("Quillfeather"), "{told}");
    let other = serde_json::to_string(&engine.story(held.id).await.unwrap()).unwrap();
    assert!(other.contains("Quillfeather"));

    // What needs it says so.
    let case = engine.case_of_run(old.id, Kind::Regression, None).await;
    let refused = case.unwrap_err();
    assert_eq!(refused.code, "erased");
    assert!(
        refused.detail.contains("under policy"),
        "{}",
        refused.detail
    );
    let again = Rerun {
        inputs: Inputs::Frozen,
        reason: "once more".into(),
        without_effect: true,
        ..Rerun::default()
    };
    let by = Actor::Person("rhea".into());
    let refused = engine.rerun(old.id, &again, &by).await.unwrap_err();
    assert_eq!(refused.code, "erased");

    // A bundle says it too, and holds.
    let query = ExportQuery {
        run: Some(old.id),
        ..ExportQuery::default()
    };
    let mut out = Vec::new();
    let key = bench.key();
    engine
        .export(&query, &by, &key, &mut out, |_, _| ())
        .await
        .unwrap();
    let report = tuesday_domain::audit::verify_bundle(out.as_slice(), Some(&key)).unwrap();
    assert_eq!((report.erased, report.payloads), (all as u64, 0));
    assert!(!String::from_utf8(out).unwrap().contains("Quillfeather"));

    // Lifted, the hold keeps it no more; nothing of either is in the files.
    let lifted = engine.lift_hold(kept.id, "settled", "sia").await.unwrap();
    assert!(lifted.lifted.is_some());
    assert_eq!(retained(&bench).await, 1);
    if database.is_none() {
        assert!(
            !bench.files_hold("Quillfeather"),
            "bytes are left in the files"
        );
    }
    let worker = Worker::start(engine);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_goes_and_the_record_says_so() {
    Box::pin(retention(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_time_goes_and_the_record_says_so_on_postgresql() {
    let database = Database::create().await;
    Box::pin(retention(Some(&database.url()))).await;
}

/// Bytes that are gone without a word, or back although the log says they are gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_erased_is_damaged() {
    let bench = Bench::on(MONTH, None).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("one").await;
    let run = bench.rest("one").await.run;
    worker.shut_down(Duration::from_secs(10)).await;
    let sql =
        "UPDATE payloads SET bytes = x'', salt = x'00000000000000000000000000000000' WHERE n = 1";
    assert_eq!(bench.raw(sql), 1);
    let story = bench.engine.story(run.id).await.unwrap();
    assert!(!story.integrity.whole);
    assert_eq!(story.integrity.erased.len(), 0);
    let refused = bench
        .engine
        .case_of_run(run.id, Kind::Regression, None)
        .await;
    assert_eq!(refused.unwrap_err().code, "record_damaged");
    bench.engine.clock().set_offset(31 * DAY_US);
    assert_eq!(retained(&bench).await, 1);
    assert_eq!(
        bench.raw("UPDATE payloads SET bytes = x'7b7d' WHERE n = 2"),
        1
    );
    let story = bench.engine.story(run.id).await.unwrap();
    assert!(!story.integrity.whole, "{:?}", story.integrity);
}

async fn request(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    sia(&bench).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    for source in ["crm", "contract"] {
        bench
            .fakes
            .record(source, aged(0, "tier of Mara Quillfeather"));
    }
    bench.receive("q-1").await;
    let done = bench.rest("q-1").await.run;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("q-2").await;
    let open = bench.rest("q-2").await.run;
    for source in ["crm", "contract"] {
        bench.fakes.record(source, aged(0, "gold"));
    }
    bench.receive("other").await;
    let other = bench.rest("other").await.run;
    let query = ErasureQuery {
        of: ErasureOf::Customer("mara quillfeather".into()),
        except: Vec::new(),
    };
    let how = |code: Option<&str>| Erase {
        code: code.map(Into::into),
        reason: "she asked us to".into(),
        policy: Some("GDPR article 17".into()),
        hand_over: false,
    };

    // Only the security role, only after the list, only while nothing stands in the way.
    let refused = engine.plan_erasure(&query, "rhea").await.unwrap_err();
    assert_eq!(refused.code, "not_allowed");
    let plan = engine.plan_erasure(&query, "sia").await.unwrap();
    let named: Vec<_> = plan.runs.iter().map(|r| r.run.clone()).collect();
    assert_eq!(named, [done.id.to_string(), open.id.to_string()]);
    assert_eq!(plan.open(), [open.id.to_string()]);
    assert_eq!(plan.runs[0].payloads["snapshot"], 1);
    let code = plan.code.as_str();
    let refused = engine.erase(&query, &how(None), "sia").await.unwrap_err();
    assert_eq!(refused.code, "preview_required");
    let refused = engine
        .erase(&query, &how(Some("AAAA-BBBB")), "sia")
        .await
        .unwrap_err();
    assert_eq!(refused.code, "revision_moved");
    let refused = engine
        .erase(&query, &how(Some(code)), "rhea")
        .await
        .unwrap_err();
    assert_eq!(refused.code, "not_allowed");
    let refused = engine
        .erase(&query, &how(Some(code)), "sia")
        .await
        .unwrap_err();
    assert_eq!(refused.code, "open_work");
    let kept = engine
        .place_hold(hold(None, Some("small")), "sia")
        .await
        .unwrap();
    let refused = engine
        .erase(&query, &how(Some(code)), "sia")
        .await
        .unwrap_err();
    assert_eq!(refused.code, "legal_hold");
    assert!(
        refused.detail.contains(&kept.id.to_string()),
        "{}",
        refused.detail
    );
    engine.lift_hold(kept.id, "settled", "sia").await.unwrap();

    let erase = Erase {
        hand_over: true,
        ..how(Some(code))
    };
    let did = engine.erase(&query, &erase, "sia").await.unwrap();
    assert_eq!((did.runs, did.waiting), (2, 0));
    for run in [done.id, open.id] {
        let (out, all) = gone(&bench, run).await;
        assert_eq!(out, all);
        let story = engine.story(run).await.unwrap();
        assert!(story.integrity.whole, "{:?}", story.integrity);
        let words = &story.integrity.erased[0].words;
        assert!(
            words.ends_with("by Sia Berg under policy GDPR article 17"),
            "{words}"
        );
        assert!(
            !serde_json::to_string(&story)
                .unwrap()
                .contains("Quillfeather")
        );
    }
    let task = bench.task("q-2").await;
    assert_eq!(task.kind.word(), "manual", "a person has it");
    assert!(!task.state.is_decided());
    engine.case(task.id).await.unwrap();
    assert_eq!(gone(&bench, other.id).await.0, 0);
    let orders = engine.erasures(None, 10).await.unwrap();
    assert_eq!(orders.len(), 1);
    assert!(orders[0].done_at.is_some());
    let nothing = engine.plan_erasure(&query, "sia").await.unwrap();
    assert!(nothing.is_empty());
    if database.is_none() {
        assert!(
            !bench.files_hold("Quillfeather"),
            "bytes are left in the files"
        );
    }
    bench.end(worker).await;
}

/// Whoever leaves a held run out of the list gets at nothing that belongs to it: not at its report, not at
/// refused events, not at signals of the record.
async fn beside(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    sia(&bench).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    bench
        .fakes
        .record("crm", aged(0, "Mara Quillfeather, gold"));
    bench.receive("q-1").await;
    let run = bench.rest("q-1").await.run.id;
    let by = Actor::Person("sia".into());
    let says = |words: &str, run: Option<RunId>| Complaint {
        kind: ProblemKind::Wrong,
        words: words.into(),
        run,
        review: None,
        record: None,
        workflow: None,
        reported_by: "customer@example.org".into(),
    };
    let told = says("Mara Quillfeather says it is wrong", Some(run));
    let report = engine.report_problem(told, &by).await.unwrap();
    let signal = PostedSignal {
        event: Some("loose".into()),
        kind: "returned".into(),
        run: None,
        record: Some("Mara Quillfeather".into()),
        wrong: true,
        count: 1,
        at: None,
    };
    engine.post_signal("small", signal, &by).await.unwrap();
    let query = ErasureQuery {
        of: ErasureOf::Customer("mara quillfeather".into()),
        except: vec![run],
    };
    let held = engine
        .place_hold(hold(None, Some("small")), "sia")
        .await
        .unwrap();
    let plan = engine.plan_erasure(&query, "sia").await.unwrap();
    assert!(plan.runs.is_empty(), "it was left out");
    let mut kept: Vec<&str> = plan.held.iter().map(|h| h.object.as_str()).collect();
    kept.sort_unstable();
    let mut wanted = [report.id.to_string(), "a signal without a run".to_owned()];
    wanted.sort_unstable();
    assert_eq!(kept, wanted);
    let how = Erase {
        code: Some(plan.code),
        reason: "she asked us to".into(),
        ..Erase::default()
    };
    let refused = engine.erase(&query, &how, "sia").await.unwrap_err();
    assert_eq!(refused.code, "legal_hold");
    let words = engine.reader().problem_report(report.id).await.unwrap();
    assert!(words.unwrap().words.contains("Quillfeather"));

    // A hold on another record keeps none of them.
    engine.lift_hold(held.id, "settled", "sia").await.unwrap();
    let other = hold(Some("contract 4711"), None);
    engine.place_hold(other, "sia").await.unwrap();
    let plan = engine.plan_erasure(&query, "sia").await.unwrap();
    assert_eq!(plan.held, [], "nothing of it names that record");
    let how = Erase {
        code: Some(plan.code),
        ..how
    };
    let done = engine.erase(&query, &how, "sia").await.unwrap();
    assert_eq!((done.runs, done.reports), (0, 1));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_what_belongs_to_a_run_that_was_left_out() {
    Box::pin(beside(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_what_belongs_to_a_run_that_was_left_out_on_postgresql() {
    let database = Database::create().await;
    Box::pin(beside(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_erased_after_the_list_was_read() {
    Box::pin(request(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_erased_after_the_list_was_read_on_postgresql() {
    let database = Database::create().await;
    Box::pin(request(Some(&database.url()))).await;
}
