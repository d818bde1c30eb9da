//! Dies at every named point, and comes back to the same end.
//!
//! Each point gets an instance of its own: the node aborts there, a second one without the order to
//! die finishes the work, and the outcome must be that of an instance that never died, with one
//! effect for each action by the ledgers of the systems.

use std::collections::BTreeMap;
use std::path::Path;

use futures::StreamExt as _;
use serde_json::json;
use tuesday_domain::record::ReviewDecision;
use tuesday_domain::run::Status;
use tuesday_engine::CRASH_POINTS;
use tuesday_stub::{Cut, ModelRule, Profile, Script};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case};
use crate::{crash_again, crash_change, crash_desk, crash_erase, mailed, undone};

/// Functions that write without a point of their own, and why that is enough.
const WITHOUT: [(&str, &str, &str); 8] = [
    (
        "replaced.rs",
        "run",
        "reached only after a rollback; one decision, and the run begins anew after it as before it",
    ),
    (
        "spend.rs",
        "give_up_old",
        "counts what a kill left behind, and may do so twice: the engine's tests leave such a row themselves",
    ),
    (
        "settling.rs",
        "follow",
        "drops what cannot go live any more: one decision, which the next look makes again; its way to live is `go_live`",
    ),
    (
        "promote.rs",
        "in_line",
        "a person's own act, one decision; said again it answers that the release waits",
    ),
    (
        "dispatch.rs",
        "look_first",
        "reached only on a restored database; one decision, the same shape as `unclear`",
    ),
    (
        "person.rs",
        "unusable_release",
        "reached only with a damaged release; one decision, the same shape as `to_person`",
    ),
    (
        "dispatch.rs",
        "wait_for_recall",
        "reached only by a job that comes before its window is over; it changes nothing but its due time",
    ),
    (
        "dispatch.rs",
        "finish",
        "closes a run whose actions were all settled elsewhere; nothing leads there by itself",
    ),
];

/// Cases and disturbances that between them reach every point.
fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("plain", "auto"),
        Case::new("spoilt", "auto"),
        Case::new("unread", "auto"),
        Case::new("busy", "auto"),
        Case::new("lost", "auto"),
        Case::new("asked", "review"),
        Case::new("twice", "two"),
        Case::new("version", "version"),
        Case::new("search", "search"),
    ];
    cases.push(Case {
        bad: true,
        ..Case::new("refused", "auto")
    });
    cases
}

fn disturb(bed: &Bed) {
    let world = &bed.world;
    let once = |system: &str, path: &str, method: &str| Script {
        system: Some(system.into()),
        path_prefix: Some(path.into()),
        method: Some(method.into()),
        ..Script::default()
    };
    world
        .script(Script {
            status: Some(503),
            ..once("model", "/model/grader", "POST")
        })
        .unwrap();
    world
        .script(Script {
            status: Some(503),
            ..once("crm", "/crm/accounts/AC-unread", "GET")
        })
        .unwrap();
    world
        .script(Script {
            status: Some(503),
            ..once("desk", "/desk/tickets/busy", "PUT")
        })
        .unwrap();
    world
        .script(Script {
            drop: Some(Cut::AfterApply),
            ..once("desk", "/desk/notes-lost", "POST")
        })
        .unwrap();
    world
        .script(Script {
            drop: Some(Cut::BeforeApply),
            ..once("box", "/box/drafts-search", "POST")
        })
        .unwrap();
    // The mailbox knows no keys: only a search tells whether a draft is there.
    world.profile(
        "box",
        Profile {
            honours_keys: false,
            ..Profile::default()
        },
    );
    let spoilt = ModelRule {
        contains: Some("Case spoilt".into()),
        times: Some(1),
        text: Some("no JSON at all".into()),
        ..ModelRule::default()
    };
    world.answer(spoilt).unwrap();
}

/// A run is under way when its workflow is paused: it is held, and goes on afterwards.
async fn play_held(point: &str, database: Option<Database>) {
    // Enough attempts that it is still being tried when the pause arrives, however slow the machine.
    let bed = Bed::changed(database, &[("max_attempts = 4", "max_attempts = 400")]).await;
    let cases = [Case::new("held", "auto")];
    bed.accounts(&cases);
    bed.world
        .script(Script {
            system: Some("model".into()),
            status: Some(503),
            delay_ms: 300,
            times: 1000,
            ..Script::default()
        })
        .unwrap();
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until("the model is called", || async {
        let _ = bed.send(&node.url, &cases[0]).await;
        (!bed.world.entries("model").is_empty()).then_some(())
    })
    .await;
    bed.home
        .json(&[
            "workflow",
            "pause",
            "faults",
            "--as",
            "rhea",
            "--reason",
            "a fault test",
        ])
        .await;
    assert_eq!(
        node.signal().await,
        Some(6),
        "{point}: it did not abort\n{}",
        node.log()
    );
    if bed.database.is_some() {
        bed.pass_leases().await;
    }
    bed.world.clear_scripts();
    let node = bed.home.ready(&[]).await;
    until("the run is held", || async {
        let runs = read_all(&bed.reader()).await;
        runs.values()
            .all(|f| f.run.state.status == Status::Held)
            .then_some(())
    })
    .await;
    bed.home
        .json(&[
            "workflow",
            "resume",
            "faults",
            "--as",
            "rhea",
            "--reason",
            "the test goes on",
        ])
        .await;
    until("the run goes on", || async {
        let runs = read_all(&bed.reader()).await;
        runs.values()
            .all(|f| f.run.state.status != Status::Held)
            .then_some(())
    })
    .await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends["held"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    bed.end().await;
}

/// The lease of a run is lost while its model thinks: the second claim goes on, the first comes late.
async fn play_late(point: &str, database: Option<Database>) {
    let bed = Bed::changed(
        database,
        &[("model_timeout = \"2s\"", "model_timeout = \"30s\"")],
    )
    .await;
    let cases = [Case::new("late", "auto")];
    bed.accounts(&cases);
    let answer = json!({"grade": "low", "summary": "slow but sure"});
    bed.world
        .answer(ModelRule {
            times: Some(1),
            answer: Some(answer),
            model: Some("stub-1".into()),
            delay_ms: 6_000,
            ..ModelRule::default()
        })
        .unwrap();
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until("the model is called", || async {
        let _ = bed.send(&node.url, &cases[0]).await;
        (!bed.world.entries("model").is_empty()).then_some(())
    })
    .await;
    bed.pass_leases().await;
    assert_eq!(
        node.signal().await,
        Some(6),
        "{point}: it did not abort\n{}",
        node.log()
    );
    if bed.database.is_some() {
        bed.pass_leases().await;
    }
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends["late"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// Points that only a workflow with watched fields and a recall window reaches.
const WATCHED: [&str; 6] = [
    "approve.after_recheck",
    "approve.before_note_commit",
    "approve.after_note_commit",
    "recall.before_commit",
    "recall.after_commit",
    "dispatch.after_recheck",
];

/// A watched field moves, an approval is recalled: whatever dies, it is written once in the end.
async fn play_watched(point: &str, database: Option<Database>) {
    let bed = Bed::changed(
        database,
        &[
            (
                "critical = [\"tier\"]",
                "critical = [\"tier\"]\nwatch = [\"tier\"]",
            ),
            ("recall_seconds = 0", "recall_seconds = 2"),
        ],
    )
    .await;
    // On a slow machine a recall can come after its window: then the next case is tried.
    let cases: Vec<Case> = (0..30)
        .map(|n| Case::new(format!("watched-{n}"), "review"))
        .collect();
    bed.accounts(&cases);
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let over = ended(&bed).await;
        let _ = bed.send(&node.url, &cases[over]).await;
        let tasks = bed.tasks().await;
        // A task that opens after this look is left for the next one: what must happen before or
        // right after its approval would come too late.
        if tasks.is_empty() {
            return node.gone().then_some(());
        }
        if point.contains("note_commit") {
            bed.tier(&cases[over], "gold");
        }
        bed.approve_all(&node.url).await;
        if point.starts_with("recall.") {
            for task in &tasks {
                bed.recall(&node.url, &task.id.to_string()).await;
            }
        }
        node.gone().then_some(())
    })
    .await;
    assert_eq!(
        node.signal().await,
        Some(6),
        "{point}: it did not abort\n{}",
        node.log()
    );
    if bed.database.is_some() {
        bed.pass_leases().await;
    }
    let sent = &cases[..=ended(&bed).await];
    bed.tier(&sent[sent.len() - 1], "silver");
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, sent).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert_eq!(ends.len(), sent.len(), "{point}: {ends:?}");
    for (case, end) in &ends {
        assert!(
            end.starts_with("completed written_back"),
            "{point}: {case} ends as {end}"
        );
    }
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// How many runs are over.
async fn ended(bed: &Bed) -> usize {
    let all = read_all(&bed.reader()).await;
    all.values()
        .filter(|f| f.run.state.status.is_terminal())
        .count()
}

/// A person rejects, asks for a new output, closes a case, or says what became of an action; the
/// node dies with it, the person says it again, and the end is the one that was said.
async fn play_said(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let stuck = point.starts_with("settle.");
    let cases = [Case::new("said", if stuck { "mail" } else { "review" })];
    bed.accounts(&cases);
    let (act, body, end, said) = match point.split('.').next() {
        Some("reject") => (
            "rejection",
            json!({"reason": "wrong_grade"}),
            "rejected",
            ReviewDecision::Reject,
        ),
        Some("again") => (
            "settlement",
            json!({"settle": "regenerate", "text": "wrong_grade"}),
            "completed written_back",
            ReviewDecision::Regenerate,
        ),
        Some("end") => (
            "settlement",
            json!({"settle": "close_failed", "text": "nobody can say"}),
            "failed",
            ReviewDecision::CloseFailed,
        ),
        _ => (
            "settlement",
            json!({"settle": "happened", "text": "it lies in the mailbox"}),
            "completed written_back",
            ReviewDecision::Happened,
        ),
    };
    if stuck {
        bed.world
            .script(Script {
                system: Some("mail".into()),
                method: Some("DATA".into()),
                drop: Some(Cut::AfterApply),
                ..Script::default()
            })
            .unwrap();
    }
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = bed.send(&node.url, &cases[0]).await;
        if stuck {
            bed.approve_all(&node.url).await;
        }
        bed.say(&node.url, act, &body).await;
        node.gone().then_some(())
    })
    .await;
    assert_eq!(
        node.signal().await,
        Some(6),
        "{point}: it did not abort\n{}",
        node.log()
    );
    if bed.database.is_some() {
        bed.pass_leases().await;
    }
    let node = bed.home.ready(&[]).await;
    until("what was said is kept", || async {
        let open = bed.tasks().await;
        if open.iter().any(|t| t.decision == Some(said)) {
            return Some(());
        }
        bed.say(&node.url, act, &body).await;
        None
    })
    .await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(ends["said"].starts_with(end), "{point}: {ends:?}");
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// Pushes the cases while the node may die under them, then finishes with one that does not.
async fn play(point: Option<&str>, database: Option<Database>) -> BTreeMap<String, String> {
    let bed = Bed::new(database).await;
    let cases = cases();
    bed.accounts(&cases);
    disturb(&bed);
    if let Some(point) = point {
        let mut node = bed.home.serve(&["--crash-at", point]).await;
        until(&format!("the node dies at {point}"), || async {
            for case in &cases {
                let _ = bed.send(&node.url, case).await;
            }
            bed.approve_all(&node.url).await;
            node.gone().then_some(())
        })
        .await;
        assert_eq!(
            node.signal().await,
            Some(6),
            "{point}: it did not abort\n{}",
            node.log()
        );
        if bed.database.is_some() {
            bed.pass_leases().await;
        }
    }
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert_eq!(
        bed.world.ledger_counts().total.duplicates,
        0,
        "I2: {point:?}"
    );
    bed.end().await;
    ends
}

async fn matrix(server: Option<String>) {
    let database = || async {
        match &server {
            Some(server) => Some(Database::create_on(server).await),
            None => None,
        }
    };
    let plain = play(None, database().await).await;
    assert_eq!(plain.len(), cases().len() - 1, "{plain:#?}");
    for (event, end) in &plain {
        assert!(
            end.starts_with("completed written_back"),
            "without a crash, {event} ends as {end}"
        );
    }
    // While working on one step: only the points whose name begins so.
    let only = std::env::var("TUESDAY_TEST_POINTS").unwrap_or_default();
    let points = CRASH_POINTS.iter().filter(|p| p.starts_with(&only));
    let mut points = futures::stream::iter(points.map(|point| {
        let plain = &plain;
        let database = database();
        async move {
            if point.starts_with("hold.") {
                return play_held(point, database.await).await;
            }
            if point.starts_with("late.") {
                return play_late(point, database.await).await;
            }
            if ["reject.", "again.", "settle.", "end."]
                .iter()
                .any(|p| point.starts_with(p))
            {
                return play_said(point, database.await).await;
            }
            if point.starts_with("reroute.") {
                return crash_again::play_reroute(point, database.await).await;
            }
            if point.starts_with("rerun.") {
                return crash_again::play_rerun(point, database.await).await;
            }
            if point.starts_with("undo.") {
                return undone::play_undo(point, database.await).await;
            }
            if point.starts_with("spend.") {
                return crash_change::play_spend(point, database.await).await;
            }
            if ["settled.", "retest.", "live.", "back."]
                .iter()
                .any(|p| point.starts_with(p))
            {
                return crash_change::play_change(point, database.await).await;
            }
            if point.starts_with("mail.") {
                return mailed::play_mail(point, database.await).await;
            }
            if point.starts_with("erase.") || point.starts_with("wipe.") {
                return crash_erase::play_erase(point, database.await).await;
            }
            if point.starts_with("restore.") {
                return crash_desk::play_restore(point, database.await).await;
            }
            if point.starts_with("seed.") {
                return crash_desk::play_seed(point, database.await).await;
            }
            if point.starts_with("look.") {
                return crash_desk::play_look(point, database.await).await;
            }
            if point.starts_with("overwrite.") {
                return crash_again::play_overwrite(point, database.await).await;
            }
            if WATCHED.contains(point) {
                return play_watched(point, database.await).await;
            }
            let ends = play(Some(point), database.await).await;
            assert_eq!(ends, *plain, "{point}: another end than without the crash");
        }
    }))
    .buffer_unordered(3);
    let mut died = 0;
    while points.next().await.is_some() {
        died += 1;
    }
    println!("{died} points, each reached, each with the same end");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_comes_back_from_every_point() {
    matrix(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_comes_back_from_every_point() {
    matrix(Some(tuesday_testkit::database::server())).await;
}

/// Every write of a step stands between two points of the table, and the table names nothing else.
#[test]
fn no_step_writes_without_a_crash_point() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tuesday-engine/src");
    let mut files: Vec<_> = std::fs::read_dir(src.join("steps"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.extend(
        [
            "receive",
            "approve",
            "recheck",
            "recall",
            "reject",
            "settle",
            "accept",
            "rerun",
            "second_look",
            "seed",
            "seed_decided",
            "restore",
            "compensate",
            "report_by_mail",
        ]
        .map(|f| src.join(format!("ops/{f}.rs"))),
    );
    for more in [
        "ops/rules/reroute.rs",
        "ops/settling.rs",
        "ops/privacy/erase.rs",
        "ops/privacy/wipe.rs",
        "ops/release/promote.rs",
        "ops/release/retest.rs",
        "ops/release/roll_back.rs",
    ] {
        files.push(src.join(more));
    }
    let (mut faults, mut named, mut spared) = (Vec::new(), Vec::new(), 0);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (function, body) in functions(&std::fs::read_to_string(&file).unwrap()) {
            let points: Vec<String> = body
                .split('"')
                .filter(|t| CRASH_POINTS.contains(t))
                .map(str::to_owned)
                .collect();
            let writes = [
                ".apply(",
                ".apply_at(",
                ".commit_task(",
                ".commit_move(",
                ".commit_release(",
            ]
            .iter()
            .map(|w| body.matches(w).count())
            .sum::<usize>();
            let (before, after) = (
                points.iter().filter(|p| p.contains(".before_")).count(),
                points
                    .iter()
                    .filter(|p| p.contains("after") && p.contains("commit"))
                    .count(),
            );
            if WITHOUT.iter().any(|(f, n, _)| *f == name && *n == function) {
                spared += 1;
            } else if before != writes || after != writes {
                faults.push(format!("{name}: {function} writes {writes} times, with {before} points before and {after} after"));
            }
            named.extend(points);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(
        spared,
        WITHOUT.len(),
        "an exception names a function that is gone"
    );
    for point in CRASH_POINTS {
        assert_eq!(
            named.iter().filter(|n| n == point).count(),
            1,
            "{point} must stand at exactly one place"
        );
    }
}

/// Name and text of each function of a source file.
fn functions(text: &str) -> Vec<(String, String)> {
    let starts: Vec<usize> = text
        .match_indices("fn ")
        .filter(|(i, _)| text[..*i].ends_with([' ', '\n']))
        .map(|(i, _)| i)
        .collect();
    starts
        .iter()
        .enumerate()
        .map(|(n, &from)| {
            let body = &text[from..starts.get(n + 1).copied().unwrap_or(text.len())];
            let name = body[3..]
                .split(['(', '<'])
                .next()
                .unwrap_or_default()
                .to_owned();
            (name, body.to_owned())
        })
        .collect()
}

/// The order itself is checked: a wrong name must not look like a test that passed.
#[test]
fn the_points_have_one_form() {
    for point in CRASH_POINTS {
        let (step, place) = point.split_once('.').unwrap();
        assert!(
            !step.is_empty() && (place.starts_with("before_") || place.starts_with("after_")),
            "{point}"
        );
    }
    assert_ne!(json!(CRASH_POINTS), json!([]));
}
