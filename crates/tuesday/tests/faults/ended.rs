//! What becomes of the work when a workflow is killed, narrowed, given back to people or retired.

use serde_json::json;
use tuesday_domain::action::ActionState;
use tuesday_domain::record::Review;
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::{Reason, Status};
use tuesday_stub::{Cut, Script};
use tuesday_testkit::check::{Found, read_all};
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each};
use crate::stopped::nodes;

/// Runs `tuesday workflow …` as a person; answers exit code, output and messages.
async fn workflow(bed: &Bed, person: &str, args: &[&str]) -> (i32, String) {
    let who = ["--as", person, "--reason", "a test", "--json"];
    let (code, out, err) = bed.home.run(&[&["workflow"], args, &who].concat()).await;
    (code, format!("{out}{err}"))
}

async fn done(bed: &Bed, args: &[&str]) {
    let (code, said) = workflow(bed, "rhea", args).await;
    assert_eq!(code, 0, "{args:?}: {said}");
}

async fn refused(bed: &Bed, person: &str, args: &[&str], code: i32, words: &[&str]) {
    let (found, said) = workflow(bed, person, args).await;
    assert_eq!(found, code, "{args:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{args:?}: `{word}` is not in {said}");
    }
}

async fn case(bed: &Bed, event: &str, wanted: impl Fn(&Found) -> bool) -> Found {
    until(&format!("{event} is where it should be"), || async {
        let mut all = read_all(&bed.reader()).await;
        all.remove(event).filter(|f| wanted(f))
    })
    .await
}

/// The one manual work item of a run that is over.
fn item(found: &Found, reason: Reason) -> Review {
    let open: Vec<_> = found
        .reviews
        .iter()
        .filter(|r| !r.state.is_decided())
        .collect();
    let [one] = open.as_slice() else {
        panic!("one open item, not {open:#?}");
    };
    assert_eq!((one.kind, one.reason), (ReviewKind::Manual, reason));
    assert_eq!(one.owner, "rhea", "the person the package names");
    (*one).clone()
}

fn disturb(bed: &Bed) {
    let busy = Script {
        system: Some("desk".into()),
        path_prefix: Some("/desk/tickets/busy".into()),
        method: Some("PUT".into()),
        status: Some(503),
        times: 1_000_000,
        ..Script::default()
    };
    bed.world.script(busy).unwrap();
    let cut = Script {
        system: Some("mail".into()),
        method: Some("DATA".into()),
        drop: Some(Cut::AfterApply),
        ..Script::default()
    };
    bed.world.script(cut).unwrap();
}

async fn killed(database: Option<Database>) {
    let bed = Bed::changed(database, &[("max_attempts = 4", "max_attempts = 400")]).await;
    disturb(&bed);
    let all = nodes(&bed).await;
    let url = all[0].url.clone();
    let cases = [
        Case::new("asked", "review"),
        Case::new("busy", "auto"),
        Case::new("mailed", "mail"),
    ];
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(&url, case).await, Some(202));
    }
    case(&bed, "asked", |f| f.run.state.status == Status::InReview).await;
    case(&bed, "mailed", |f| f.run.state.status == Status::InReview).await;
    let waits = |f: &Found| f.actions.iter().any(|a| a.state == ActionState::RetryWait);
    case(&bed, "busy", waits).await;

    refused(
        &bed,
        "pia",
        &["kill", "faults"],
        3,
        &["not_allowed", "Rhea Lind"],
    )
    .await;
    done(&bed, &["kill", "faults"]).await;
    let over = |f: &Found| f.run.state.status == Status::HandedOff;
    let asked = case(&bed, "asked", over).await;
    assert!(asked.run.snapshot_ref.is_some(), "with its inputs");
    assert!(asked.actions.is_empty());
    assert_eq!(asked.reviews[0].state, ReviewState::Superseded);
    item(&asked, Reason::ManualFallback);
    let busy = case(&bed, "busy", over).await;
    let words = item(&busy, Reason::ManualFallback).reasons;
    assert_eq!(words[0], "the workflow was killed: a test");
    assert!(
        words[1].starts_with("already written, do not do it again: note to busy"),
        "{words:?}"
    );
    assert!(
        words[2].starts_with("approved, not written: ticket to busy"),
        "{words:?}"
    );
    let ticket = busy.actions.iter().find(|a| a.name == "ticket").unwrap();
    assert_eq!(ticket.state, ActionState::Voided);
    let mailed = case(&bed, "mailed", |_| true).await;
    assert_eq!(
        mailed.run.state.status,
        Status::InReview,
        "its outcome comes first"
    );

    assert_eq!(bed.send(&url, &Case::new("late", "auto")).await, Some(409));
    let kept = bed.home.run(&["intake", "list", "--json"]).await;
    assert!(kept.1.contains("workflow_killed"), "{kept:?}");
    for node in all {
        assert!(node.stop().await.success());
    }
    let node = bed.home.ready(&[]).await;
    assert_eq!(
        bed.send(&node.url, &Case::new("later", "auto")).await,
        Some(409)
    );

    let resume = ["resume", "faults"];
    refused(
        &bed,
        "rhea",
        &resume,
        3,
        &["decision_required", "workflow decide"],
    )
    .await;
    let decide = |choice: &'static str| {
        let bed = &bed;
        async move {
            let what = ["decide", "faults", "--decision", choice];
            let why = ["--question", "Does it go on?", "--evidence", "three runs"];
            let link = ["--link", "/workflows/faults/scorecard"];
            done(bed, &[&what[..], &why[..], &link[..]].concat()).await;
        }
    };
    decide("stop").await;
    refused(
        &bed,
        "rhea",
        &resume,
        3,
        &["decision_required", "was to stop"],
    )
    .await;
    decide("another_pilot").await;
    done(&bed, &resume).await;
    // The same event again: its run is over, people have it.
    until("the node takes work again", || async {
        (bed.send(&node.url, &cases[0]).await == Some(202)).then_some(())
    })
    .await;
    let fresh = Case::new("fresh", "auto");
    bed.accounts(std::slice::from_ref(&fresh));
    assert_eq!(bed.send(&node.url, &fresh).await, Some(202));
    case(&bed, "fresh", |f| f.run.state.status == Status::Completed).await;
    assert_eq!(case(&bed, "asked", |_| true).await.run.id, asked.run.id);
    let written = bed.world.entries("desk");
    assert!(
        written
            .iter()
            .all(|e| !String::from_utf8_lossy(&e.body).contains("asked"))
    );
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workflow_gives_its_work_to_people_and_stays_killed() {
    each("what a kill leaves", killed).await;
}

const SCOPE: (&str, &str) = (
    "label = \"production\"\nstage = \"auto\"",
    "label = \"production\"\nstage = \"auto\"\n\n[rollout.scope]\ngroup = \"input.lane\"\ngroups = [\"auto\", \"review\"]\n\n[capacity]\nminutes_per_task = 1\n[[capacity.person]]\nperson = \"rhea\"\ndays = \"mon-sun\"\nhours = 24\n",
);

async fn narrowed(database: Option<Database>) {
    let bed = Bed::changed(database, &[SCOPE]).await;
    let all = nodes(&bed).await;
    let send = |id: &'static str, lane: &'static str| {
        let (bed, url) = (&bed, &all[all.len() - 1].url);
        async move {
            let case = Case::new(id, lane);
            bed.accounts(std::slice::from_ref(&case));
            // The other node may still be looking: a second is what it has.
            tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
            assert_eq!(bed.send(url, &case).await, Some(202));
        }
    };
    send("mail", "mail").await;
    let over = |f: &Found| f.run.state.status == Status::HandedOff;
    let outside = case(&bed, "mail", over).await;
    let words = item(&outside, Reason::OutOfRollout).reasons;
    assert_eq!(words, ["group mail is not in the rollout"]);
    assert!(
        bed.world.entries("model").is_empty(),
        "the model was not asked"
    );

    let none = ["restrict", "faults", "--groups", "nobody"];
    refused(&bed, "rhea", &none, 1, &["confirm_scope", "leaves nothing"]).await;
    let every = ["restrict", "faults", "--groups", "auto,review"];
    refused(
        &bed,
        "rhea",
        &every,
        1,
        &["confirm_scope", "leaves everything"],
    )
    .await;
    done(&bed, &["restrict", "faults", "--groups", "auto"]).await;
    send("review", "review").await;
    item(&case(&bed, "review", over).await, Reason::OutOfRollout);
    send("served", "auto").await;
    let served = case(&bed, "served", |f| f.run.state.status == Status::Completed).await;
    assert_eq!(served.run.scope.as_deref(), Some("groups auto"));
    let shown = bed
        .home
        .json(&["run", "show", &served.run.id.to_string()])
        .await;
    assert_eq!(shown["scope"], "groups auto");

    // The others come in again only on reviewed evidence, and by who may set the stage.
    let lift = ["restrict", "faults", "--yes"];
    let unseen = ["review_required", "nobody has reviewed"];
    refused(&bed, "rhea", &lift, 1, &unseen).await;
    let more = ["restrict", "faults", "--groups", "auto,mail"];
    refused(&bed, "rhea", &more, 1, &unseen).await;
    let decide = ["decide", "faults", "--decision", "proceed"];
    let why = ["--question", "All again?", "--evidence", "what was served"];
    let link = ["--link", "/workflows/faults/runs"];
    done(&bed, &[&decide[..], &why[..], &link[..]].concat()).await;
    refused(&bed, "tove", &lift, 3, &["not_allowed", "set stage"]).await;

    let effects = bed.effects().len();
    done(&bed, &["restrict", "faults", "--to-stage", "shadow"]).await;
    send("shadow", "auto").await;
    case(&bed, "shadow", |f| f.run.state.status == Status::Completed).await;
    assert_eq!(bed.effects().len(), effects, "shadow touches nothing");
    done(&bed, &lift).await;

    done(&bed, &["manual-fallback", "faults", "on"]).await;
    send("by-hand", "auto").await;
    let by_hand = case(&bed, "by-hand", over).await;
    item(&by_hand, Reason::ManualFallback);
    done(&bed, &["manual-fallback", "faults", "off"]).await;
    send("again", "auto").await;
    case(&bed, "again", |f| f.run.state.status == Status::Completed).await;
    assert_eq!(
        case(&bed, "by-hand", over).await.run.version,
        by_hand.run.version
    );

    send("left", "review").await;
    let left = case(&bed, "left", |f| f.run.state.status == Status::InReview).await;
    let id = left.run.id.to_string();
    refused(&bed, "rhea", &["retire", "faults"], 1, &["open_work", &id]).await;
    let made = bed
        .home
        .json(&[
            "token",
            "create",
            "--scope",
            "trigger",
            "--workflow",
            "faults",
        ])
        .await;
    let own = tuesday_testkit::Client::new(made["token"].as_str().unwrap());
    done(&bed, &["retire", "faults", "--hand-over"]).await;
    item(&case(&bed, "left", over).await, Reason::ManualFallback);
    let trigger = format!("{}/api/v1/triggers/faults", all[0].url);
    until("the token is withdrawn", || async {
        (own.post(&trigger, &json!({})).await?.status == 401).then_some(())
    })
    .await;
    // The node hears of it at its next look; what it took in until then goes to nobody's system.
    let tries = std::sync::atomic::AtomicU32::new(0);
    let late = until("a late event is refused", || async {
        let n = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let event = Case::new(format!("late{n}"), "auto").event();
        let answer = bed.client.post(&trigger, &event).await?;
        (answer.status == 409).then_some(answer)
    })
    .await;
    assert_eq!(late.body["code"], json!("workflow_retired"));
    refused(
        &bed,
        "rhea",
        &["resume", "faults"],
        3,
        &["workflow_retired"],
    )
    .await;
    let (code, story, err) = bed.home.run(&["reconstruct", &id]).await;
    assert_eq!(code, 0, "{story}{err}");
    for node in all {
        assert!(node.stop().await.success());
    }
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_narrowed_done_by_hand_and_retired() {
    each("restrict, fallback, retire", narrowed).await;
}

/// ROL-20: what is marked for production is out of reach of a test instance.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_instance_writes_to_no_production_destination() {
    let marked = (
        "name = \"note\"\nclass = \"write\"",
        "name = \"note\"\nproduction = true\nclass = \"write\"",
    );
    let bed = Bed::changed(None, &[marked]).await;
    let node = bed.home.ready(&[]).await;
    let only = Case::new("only", "auto");
    bed.accounts(std::slice::from_ref(&only));
    assert_eq!(bed.send(&node.url, &only).await, Some(202));
    let found = case(&bed, "only", |f| f.run.state.status == Status::InReview).await;
    let open = found.reviews.last().unwrap();
    assert_eq!(open.reason, Reason::ActionFailed);
    assert!(
        open.reasons[0].contains("production_only"),
        "{:?}",
        open.reasons
    );
    assert!(bed.effects().is_empty(), "nothing was written");
    assert!(node.stop().await.success());
    bed.check().await;
}
