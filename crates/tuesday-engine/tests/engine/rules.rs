//! Friday, 4 pm: the ops lead changes the rules while runs go on.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Review, RuleSetState};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::rules::{CellEdit, Lane};
use tuesday_domain::run::{Reason, Status};
use tuesday_engine::ops::{
    Approval, BacktestWindow, Refusal, RulesChange, RulesChanged, RulesEdit,
};
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const TABLE: &str = "row,amount:money[USD] soft 0..1000 hard 0..2000,route,review_tier,reason,note\n\
    r1,<= 500,auto,,It is small,\nr2,any,review,desk,The amount is over the limit,\n";

fn cell(value: &str) -> RulesChange {
    RulesChange {
        base: None,
        edit: RulesEdit::Cells(vec![CellEdit {
            row: "r1".into(),
            column: "amount".into(),
            value: value.into(),
        }]),
        reason: "quarter-end backlog".into(),
        starts_at: None,
        ends_at: None,
    }
}

fn code(result: Result<RulesChanged, Problem>) -> &'static str {
    result.map_or_else(|p| p.code, |_| "accepted")
}

async fn set(engine: &Engine, value: &str) -> RulesChanged {
    engine
        .change_rules("small", "rhea", cell(value))
        .await
        .unwrap()
}

async fn route(bench: &Bench, engine: &Engine, id: &str, amount: Option<&str>) -> (Status, u64) {
    bench.receive_amount(engine, id, amount).await;
    let run = bench.rest(id).await.run;
    (run.state.status, run.rules_version.unwrap_or(0))
}

async fn approve(bench: &Bench, event: &str, by: &str) -> Result<(), Problem> {
    let task: Review = bench.task(event).await;
    bench
        .engine
        .approve(task.id, by, Approval::default())
        .await
        .map(drop)
}

/// The story, on one database with two nodes on it.
async fn friday(database: Option<&str>) {
    let bench = Bench::amounts(TABLE, database).await;
    let other = bench.another("two").await;
    let workers = [Worker::start(&bench.engine), Worker::start(&other)];
    let (a, b) = (bench.engine.clone(), other);

    for (id, amount) in [("t640", "640"), ("t900", "900"), ("t1500", "1500")] {
        assert_eq!(
            route(&bench, &a, id, Some(amount)).await,
            (Status::InReview, 1)
        );
    }
    assert_eq!(
        route(&bench, &a, "t480", Some("480")).await,
        (Status::Completed, 1)
    );

    refusals(&bench).await;
    let preview = a
        .backtest_rules(
            "small",
            "rhea",
            &cell("750").edit,
            BacktestWindow::default(),
        )
        .await
        .unwrap();
    assert_eq!((preview.tally.runs, preview.open_now_auto), (4, 1));
    assert_eq!(
        preview.tally.moved[&(Lane::Review, Lane::Auto)].undecided,
        1
    );
    assert_eq!(preview.tally.items.len(), 1);

    let changed = set(&a, "750").await;
    assert_eq!(
        (changed.row.version, changed.row.state),
        (2, RuleSetState::Active)
    );
    // The other node routes by it without a restart, well within five seconds.
    let tries = AtomicU32::new(0);
    until("the other node routes by version 2", || {
        let id = format!("probe{}", tries.fetch_add(1, Ordering::SeqCst));
        let (bench, b) = (&bench, &b);
        async move { (route(bench, b, &id, Some("10")).await.1 == 2).then_some(()) }
    })
    .await;
    for (id, amount, status) in [
        ("i700", Some("700"), Status::Completed),
        ("i750", Some("750"), Status::Completed),
        ("i75001", Some("750.01"), Status::InReview),
        ("i751", Some("751"), Status::InReview),
        ("inone", None, Status::InReview),
    ] {
        assert_eq!(route(&bench, &b, id, amount).await, (status, 2), "{id}");
    }
    // What was routed before keeps its stamp and its reviewer.
    let before = bench.rest("t640").await;
    assert_eq!(
        (before.run.rules_version, before.run.state.status),
        (Some(1), Status::InReview)
    );
    reads_first(&bench).await;
    second_person(&bench).await;

    for worker in workers {
        worker.shut_down(Duration::from_secs(10)).await;
    }
}

/// Everything that is refused, with the table in force untouched.
async fn refusals(bench: &Bench) {
    let e = &bench.engine;
    let beyond = e
        .change_rules("small", "rhea", cell("2500"))
        .await
        .unwrap_err();
    assert_eq!(
        (beyond.code, beyond.field.as_deref(), beyond.status()),
        ("bound_exceeded", Some("r1.amount"), 422)
    );
    assert_eq!(beyond.more["owner"], "sia");
    for value in ["-5", "abc", "NaN", "750 EUR"] {
        let p = e
            .change_rules("small", "rhea", cell(value))
            .await
            .unwrap_err();
        assert_eq!(
            (p.code, p.field.as_deref(), p.status()),
            ("rules_invalid", Some("r1.amount"), 422),
            "{value}"
        );
    }
    let mut silent = cell("750");
    silent.reason = " ".into();
    assert_eq!(
        code(e.change_rules("small", "rhea", silent).await),
        "reason_required"
    );
    let reviewer = e
        .change_rules("small", "quin", cell("750"))
        .await
        .unwrap_err();
    assert_eq!((reviewer.code, reviewer.status()), ("not_allowed", 403));
    let mut stale = cell("750");
    stale.base = Some(7);
    assert_eq!(
        code(e.change_rules("small", "rhea", stale).await),
        "rules_moved"
    );
    let header = RulesChange {
        edit: RulesEdit::Text(TABLE.replace("hard 0..2000", "hard 0..9000")),
        ..cell("1")
    };
    assert_eq!(
        code(e.change_rules("small", "rhea", header).await),
        "not_editable"
    );
    let open_end = RulesChange {
        edit: RulesEdit::Text(TABLE.replace("r2,any,review,desk", "r2,> 500,review,desk")),
        ..cell("1")
    };
    assert_eq!(
        code(e.change_rules("small", "rhea", open_end).await),
        "rules_invalid"
    );
    assert_eq!(e.live_rules("small").await.unwrap().version, 1);
}

/// Nobody decides before having read the change, except who made it.
async fn reads_first(bench: &Bench) {
    let refused = approve(bench, "t640", "boris").await.unwrap_err();
    assert_eq!((refused.code, refused.status()), ("acknowledge_first", 428));
    let task = bench.task("t640").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let no = bench
        .engine
        .reject(task.id, "boris", refusal)
        .await
        .unwrap_err();
    assert_eq!(no.code, "acknowledge_first");
    let old = bench.engine.acknowledge_rules("small", "boris", 1).await;
    assert_eq!(old.unwrap_err().code, "rules_moved");
    bench
        .engine
        .acknowledge_rules("small", "boris", 2)
        .await
        .unwrap();
    approve(bench, "t640", "boris").await.unwrap();
    approve(bench, "t900", "rhea").await.unwrap();
    let notices = bench.engine.reader().notices_of("boris", 50).await.unwrap();
    let told = notices.iter().find(|n| n.kind == "rules_changed").unwrap();
    assert!(!told.title.contains("750") && !told.title.contains("backlog"));
}

/// Past the soft bound it waits for the sponsor; then it is rolled back in one act.
async fn second_person(bench: &Bench) {
    let e = &bench.engine;
    let proposed = set(e, "1200").await;
    assert_eq!(
        (proposed.row.version, proposed.row.state),
        (3, RuleSetState::Proposed)
    );
    assert_eq!(proposed.row.bound_owner.as_deref(), Some("sia"));
    assert_eq!(e.live_rules("small").await.unwrap().version, 2);
    for by in ["rhea", "boris"] {
        let p = e.approve_rules("small", 3, by, "").await.unwrap_err();
        assert_eq!((p.code, p.status()), ("not_allowed", 403), "{by}");
    }
    let active = e.approve_rules("small", 3, "sia", "fine").await.unwrap();
    assert_eq!(active.state, RuleSetState::Active);
    let twice = e.approve_rules("small", 3, "sia", "").await.unwrap_err();
    assert_eq!(twice.code, "illegal_state");
    let back = RulesChange {
        edit: RulesEdit::Version(1),
        ..cell("1")
    };
    let back = e.change_rules("small", "rhea", back).await.unwrap();
    assert_eq!((back.row.version, back.row.restores), (4, Some(1)));
    let first = e.reader().ruleset("small", 1).await.unwrap().unwrap();
    assert_eq!(back.row.hash, first.hash, "equal, not merely alike");
    let states: Vec<_> = e
        .reader()
        .rulesets("small")
        .await
        .unwrap()
        .iter()
        .map(|r| (r.version, r.state))
        .collect();
    use RuleSetState::{Active, Superseded};
    assert_eq!(
        states,
        [
            (4, Active),
            (3, Superseded),
            (2, Superseded),
            (1, Superseded)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn friday_four_pm() {
    friday(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn friday_four_pm_on_two_nodes_with_postgresql() {
    let database = Database::create().await;
    friday(Some(&database.url())).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_from_one_version_the_second_is_told() {
    let bench = Bench::amounts(TABLE, None).await;
    let other = bench.another("two").await;
    let edit = |value: &str| RulesChange {
        base: Some(1),
        ..cell(value)
    };
    let (one, two) = tokio::join!(
        bench.engine.change_rules("small", "rhea", edit("600")),
        other.change_rules("small", "boris", edit("700")),
    );
    let mut codes = [code(one), code(two)];
    codes.sort_unstable();
    assert_eq!(codes, ["accepted", "rules_moved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsent_automatic_action_obeys_the_stricter_rules() {
    let bench = Bench::amounts(TABLE, None).await;
    set(&bench.engine, "750").await;
    let (reached, seen) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let (gate, armed) = (Mutex::new(gate), AtomicBool::new(true));
    let hook = Arc::new(move |point: tuesday_engine::CrashPoint| {
        if point.0 == "route.after_commit" && armed.swap(false, Ordering::SeqCst) {
            reached.send(()).unwrap();
            let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(30));
        }
    });
    let node = bench.hooked("held", hook).await;
    let worker = Worker::start(&node);
    bench.receive_amount(&node, "unsent", Some("700")).await;
    // The action is authorised and has not left when the limit goes back to 500.
    tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(30)).unwrap())
        .await
        .unwrap();
    set(&bench.engine, "500").await;
    let found = bench.rest("unsent").await;
    let_go.send(()).unwrap();
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::Rule)),
        "{}",
        found.ending()
    );
    assert!(found.ending().contains("note voided"), "{}", found.ending());
    assert_eq!(found.run.rules_version, Some(2), "the stamp stays");
    // A person may still send it; the voided one never leaves. The held worker's late result may
    // touch the run meanwhile.
    until("a person sends it", || async {
        approve(&bench, "unsent", "rhea").await.ok()
    })
    .await;
    assert_eq!(
        bench.rest("unsent").await.run.state.status,
        Status::Completed
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

const SECOND: &str = "[[action]]\nname = \"copy\"\nclass = \"write\"\nkind = \"http\"\nsystem = \"Desk\"\n\
    ability = \"D\"\nread_url = \"https://desk.example.com/copies/{{ target }}\"\ntarget = \"input.id\"\n\
    method = \"POST\"\nurl = \"https://desk.example.com/copies\"\n[action.fields]\ngrade = \"output.grade\"\n";

/// The first of two actions is out when the rules become stricter: it stays, the second is blocked, and
/// a person settles it.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_plan_that_is_partly_sent_the_rest_is_blocked() {
    let bench = Bench::amounts_and(TABLE, SECOND, None).await;
    set(&bench.engine, "750").await;
    let (reached, seen) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let (gate, times) = (Mutex::new(gate), AtomicU32::new(0));
    let hook = Arc::new(move |point: tuesday_engine::CrashPoint| {
        let second =
            point.0 == "dispatch.before_intent_commit" && times.fetch_add(1, Ordering::SeqCst) == 1;
        if second {
            reached.send(()).unwrap();
            let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(60));
        }
    });
    let node = bench.hooked("held", hook).await;
    let worker = Worker::start(&node);
    bench.receive_amount(&node, "partly", Some("700")).await;
    tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
    set(&bench.engine, "500").await;
    let found = bench.rest("partly").await;
    let_go.send(()).unwrap();
    let (ending, task) = (found.ending(), bench.task("partly").await);
    assert!(ending.contains("note confirmed"), "{ending}");
    assert!(ending.contains("copy blocked"), "{ending}");
    assert_eq!(
        (found.run.state.status, task.kind, task.reason),
        (Status::InReview, ReviewKind::Action, Reason::Rule)
    );
    assert_eq!(bench.fakes.effects().len(), 1, "the second never left");
    bench.end(worker).await;
}

/// A node that can no longer read which rules are in force routes nothing by those it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_picture_is_old_routes_nothing() {
    let bench = Bench::amounts(TABLE, None).await;
    let (reached, seen) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let (gate, armed) = (Mutex::new(gate), AtomicBool::new(true));
    let hook = Arc::new(move |point: tuesday_engine::CrashPoint| {
        if point.0 == "generate.after_call" && armed.swap(false, Ordering::SeqCst) {
            reached.send(()).unwrap();
            let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(60));
        }
    });
    let node = bench.hooked("blind", hook).await;
    let worker = Worker::start(&node);
    bench.receive_amount(&node, "blind", Some("480")).await;
    tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
    // The answer is there. Now the rules cannot be read, and the last picture grows old.
    bench.raw("ALTER TABLE workflow_priorities RENAME TO gone");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let_go.send(()).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let run = read_all(bench.engine.reader())
        .await
        .remove("blind")
        .unwrap()
        .run;
    assert_eq!(
        (run.rules_version, run.state.outcome),
        (None, None),
        "not routed"
    );
    assert!(bench.fakes.effects().is_empty());
    // It can be read again: the run goes on by itself.
    bench.raw("ALTER TABLE gone RENAME TO workflow_priorities");
    assert_eq!(
        bench.rest("blind").await.run.state.status,
        Status::Completed
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_begins_and_ends_by_itself() {
    let bench = Bench::amounts(TABLE, None).await;
    let worker = Worker::start(&bench.engine);
    let now = bench.engine.now();
    let later = RulesChange {
        starts_at: Some(now.plus(Duration::from_secs(3600))),
        ends_at: Some(now.plus(Duration::from_secs(7200))),
        ..cell("750")
    };
    let row = bench
        .engine
        .change_rules("small", "rhea", later)
        .await
        .unwrap()
        .row;
    assert_eq!(row.state, RuleSetState::Scheduled);
    assert_eq!(bench.engine.live_rules("small").await.unwrap().version, 1);
    for (secs, version) in [(3601, 2), (7201, 3)] {
        bench.store.set_clock(secs * 1_000_000).await.unwrap();
        until(&format!("version {version} is in force"), || async {
            let row = bench.engine.live_rules("small").await.unwrap();
            (row.version == version).then_some(())
        })
        .await;
    }
    let row = bench.engine.live_rules("small").await.unwrap();
    assert_eq!(
        (row.restores, row.reason.as_str(), row.created_by.as_str()),
        (Some(1), "quarter-end backlog", "system:rules")
    );
    let over = bench.engine.reader().ruleset("small", 2).await.unwrap();
    assert_eq!(over.unwrap().state, RuleSetState::Expired);
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_and_the_advice_count_what_people_said() {
    let bench = Bench::amounts(TABLE, None).await;
    let worker = Worker::start(&bench.engine);
    for (id, amount) in [("a", "600"), ("b", "700"), ("c", "800"), ("d", "100")] {
        route(&bench, &bench.engine, id, Some(amount)).await;
    }
    approve(&bench, "a", "boris").await.unwrap();
    let task = bench.task("b").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    bench
        .engine
        .reject(task.id, "boris", refusal)
        .await
        .unwrap();
    let report = bench.engine.rules_report("small", 30).await.unwrap();
    let row = |id: &str| {
        let r = report
            .iter()
            .find(|r| r.row.as_deref() == Some(id))
            .unwrap();
        (r.hits, r.approved, r.edited, r.rejected)
    };
    assert_eq!((row("r1"), row("r2")), ((1, 0, 0, 0), (3, 1, 0, 1)));
    let done = bench
        .engine
        .backtest_rules(
            "small",
            "rhea",
            &cell("900").edit,
            BacktestWindow::default(),
        )
        .await
        .unwrap();
    let auto = done.tally.newly_auto();
    assert_eq!(
        (auto.runs, auto.approved, auto.rejected, auto.undecided),
        (3, 1, 1, 1)
    );
    assert_eq!((auto.errors(), auto.decided()), (1, 2));
    let advice = bench
        .engine
        .advise_cutoff("small", "amount", 0.02, 0.95)
        .await
        .unwrap();
    assert_eq!(
        (
            advice.advice.cutoff,
            advice.advice.cases,
            advice.advice.needed
        ),
        (None, 2, 149)
    );
    assert!(advice.words.starts_with("not enough reviewed cases"));
    let nothing = bench
        .engine
        .advise_cutoff("small", "colour", 0.02, 0.95)
        .await;
    assert_eq!(nothing.unwrap_err().code, "bad_request");
    worker.shut_down(Duration::from_secs(10)).await;
}
