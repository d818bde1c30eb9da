//! Story 7 and the pause rules: a workflow stops by itself on what it declared, on every node, with the
//! figures; it goes on only after a person decided.

use serde_json::{Value, json};
use tuesday_domain::record::ReleaseState;
use tuesday_domain::run::Status;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, until};

use crate::bed::{Bed, Case, each};
use crate::outage::{SUMMARY, pack};
use crate::overload::history;
use crate::stopped::nodes;

const CONDITIONS: (&str, &str) = (
    "[rollout]\n",
    r#"[kill]
condition = "more than 20 % false negatives over 100 decided cases"
signal = "outcome"
above = 20
over = 100
feed_within = "30d"

[[pause_rule]]
name = "complaints"
metric = "signals"
signal = "complaint"
comparison = "above"
number = 4
over = "24h"

[rollout]
"#,
);

async fn shown(bed: &Bed) -> Value {
    bed.home.json(&["workflow", "show", "faults"]).await
}

async fn switched(bed: &Bed, to: &str) -> Value {
    until(&format!("the switch is {to}"), || async {
        let shown = shown(bed).await;
        (shown["switch"] == to).then_some(shown)
    })
    .await
}

async fn post(bed: &Bed, url: &str, kind: &str, wrong: bool, record: &str) {
    let address = format!("{url}/api/v1/workflows/faults/signals");
    let body = json!({"kind": kind, "record": record, "wrong": wrong});
    let answer = bed.reviewers[0].1.post(&address, &body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Several outcomes, one after the other.
async fn outcomes(bed: &Bed, url: &str, wrong: bool, names: std::ops::Range<u32>) {
    for i in names {
        post(bed, url, "outcome", wrong, &format!("deal {i}")).await;
    }
}

/// A token with everything its person may do.
async fn admin(bed: &Bed, person: &str) -> Client {
    Client::new(&bed.home.token("admin", Some(person)).await)
}

async fn resume(url: &str, owner: &Client) -> (u16, String) {
    let address = format!("{url}/api/v1/workflows/faults/resume");
    let why = json!({"reason": "a test"});
    let answer = owner.post(&address, &why).await.unwrap();
    (answer.status, answer.code().to_owned())
}

async fn decide(url: &str, owner: &Client, decision: &str) {
    let address = format!("{url}/api/v1/workflows/faults/decisions");
    let body = json!({
        "decision": decision, "question": "Does it go on?", "evidence": "the figures of the week", "links": ["/workflows/faults/scorecard"], "reason": "a test",
    });
    let answer = owner.post(&address, &body).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn story(database: Option<Database>) {
    let bed = Bed::changed(database, &[CONDITIONS]).await;
    let mut all = nodes(&bed).await;
    let url = all[0].url.clone();
    let (pia, owner) = (&admin(&bed, "pia").await, &admin(&bed, "rhea").await);

    outcomes(&bed, &url, false, 0..79).await;
    outcomes(&bed, &url, true, 79..99).await;
    let counting = shown(&bed).await;
    assert_eq!(counting["kill"]["standing"], "counting");
    assert_eq!(
        counting["kill"]["figure"],
        "99 of 100 decided, 20 of them wrong"
    );
    outcomes(&bed, &url, false, 99..100).await;
    let exactly = shown(&bed).await;
    assert_eq!(
        exactly["kill"]["standing"], "clear",
        "20 of 100 is not above 20 %"
    );
    assert_eq!(exactly["switch"], "running");

    outcomes(&bed, &url, true, 100..103).await;
    let killed = switched(&bed, "killed").await;
    let reason = killed["switch_reason"].as_str().unwrap();
    // It may be looked at after the first of the three: 21 of 100 is above the limit already.
    let wrong = (21..=23)
        .find(|n| reason.contains(&format!("{n} % wrong ({n} of 100), limit above 20 %")))
        .expect(reason);
    assert_eq!(killed["switched_by"], "system:pause_rules");
    for node in &all {
        until("the node refuses events", || async {
            let case = Case::new("late", "auto");
            (bed.send(&node.url, &case).await == Some(409)).then_some(())
        })
        .await;
    }
    let entries = bed
        .home
        .run(&["changes", "--workflow", "faults", "--json"])
        .await;
    assert!(
        entries.1.contains(&format!("{wrong} of 100")),
        "the log has the figures: {entries:?}"
    );
    let asked = bed
        .home
        .run(&["postmortem", "show", "faults", "--json"])
        .await;
    let asked: serde_json::Value = serde_json::from_str(&asked.1).expect("one postmortem is open");
    assert_eq!(asked["stopped"], "killed", "{asked}");
    assert_eq!(asked["state"], "open");
    assert_eq!(asked["answers"].as_array().map(Vec::len), Some(7));
    assert!(
        asked["reason"]
            .as_str()
            .is_some_and(|r| r.contains("% wrong")),
        "{asked}"
    );
    for node in all.drain(..) {
        assert!(node.stop().await.success());
    }
    let node = bed.home.ready(&[]).await;
    let url = node.url.clone();
    assert_eq!(bed.send(&url, &Case::new("later", "auto")).await, Some(409));
    assert_eq!(resume(&url, pia).await, (403, "not_allowed".to_owned()));
    assert_eq!(
        resume(&url, owner).await,
        (409, "decision_required".to_owned())
    );
    decide(&url, owner, "another_pilot").await;
    assert_eq!(resume(&url, owner).await.0, 200);
    let anew = shown(&bed).await;
    assert_eq!(
        anew["kill"]["figure"], "0 of 100 decided, 0 of them wrong",
        "it counts anew"
    );

    for i in 0..5 {
        post(&bed, &url, "complaint", true, &format!("listing {i}")).await;
    }
    let paused = switched(&bed, "paused").await;
    let reason = paused["switch_reason"].as_str().unwrap();
    assert_eq!(reason, "pause rule complaints: signals 5, limit above 4");
    let case = Case::new("held", "auto");
    bed.accounts(std::slice::from_ref(&case));
    assert_eq!(
        bed.send(&url, &case).await,
        Some(202),
        "intake is held, not lost"
    );
    assert_eq!(
        resume(&url, owner).await,
        (409, "rule_still_holds".to_owned())
    );
    decide(&url, owner, "proceed").await;
    assert_eq!(resume(&url, owner).await.0, 200);
    until("the held run goes on to its end", || async {
        let all = read_all(&bed.reader()).await;
        (all["held"].run.state.status == Status::Completed).then_some(())
    })
    .await;
    assert_eq!(shown(&bed).await["switch"], "running");

    // 31 days later nobody has said how anything turned out.
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    let month = 31 * 86_400 * 1_000_000;
    bed.store.set_clock(offset + month).await.unwrap();
    let silent = switched(&bed, "paused").await;
    let reason = silent["switch_reason"].as_str().unwrap();
    assert!(reason.contains("no outcome arrived for 30d"), "{reason}");
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_stops_by_itself_on_what_it_declared() {
    each("kill condition and pause rules", story).await;
}

/// One step at a time, with a word to its people, when the declared conditions are true.
async fn climbed(database: Option<Database>) {
    let entry = "[rollout]\nlabel = \"production\"\nstage = \"shadow\"\n\n[[rollout.entry]]\nstage = \"draft_only\"\n\
        metric = \"error_rate\"\ncomparison = \"below\"\nnumber = 50\nover_runs = 2\n\
        [[rollout.entry]]\nstage = \"approval_first\"\nmetric = \"signals\"\nsignal = \"complaint\"\n\
        comparison = \"below\"\nnumber = 1\nover = \"1d\"\n";
    let asked = "[rollout]\nlabel = \"production\"\nstage = \"auto\"";
    let bed = Bed::changed(database, &[(asked, entry)]).await;
    // A row of the table for each case of the pack, and a pack.
    let judged = bed.variant("judged", &[&[(asked, entry)], &SUMMARY[1..3]].concat());
    std::fs::create_dir(judged.join("evals")).unwrap();
    let node = bed.home.ready(&[]).await;
    let stage = |to: &'static str, notice: &'static [&'static str]| {
        let home = bed.home.clone();
        async move {
            let what = [
                "workflow", "stage", "faults", to, "--as", "rhea", "--reason", "a test",
            ];
            let (code, out, err) = home.run(&[&what, notice].concat()).await;
            (code, format!("{out}{err}"))
        }
    };
    let told: &[&str] = &["--notice", "Drafts appear in your queue"];
    let (code, said) = stage("auto", told).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("stage_skipped"), "{said}");
    let (code, said) = stage("draft_only", &[]).await;
    assert!(code == 2 && said.contains("notice"), "{said}");
    let (code, said) = stage("draft_only", told).await;
    assert!(code == 1 && said.contains("error_rate 0 of 2"), "{said}");
    let cases = [Case::new("one", "auto"), Case::new("two", "auto")];
    bed.accounts(&cases);
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    bed.settle(&node).await;
    assert!(bed.effects().is_empty(), "shadow touches nothing");
    // The stage of the installation is one as well: somebody looks at what it showed.
    let (code, said) = stage("draft_only", told).await;
    assert!(code == 1 && said.contains("review_required"), "{said}");
    decide(&node.url, &admin(&bed, "rhea").await, "proceed").await;
    let (code, said) = stage("draft_only", told).await;
    assert_eq!(code, 0, "{said}");
    // The people concerned were told in these words, and what they were told is kept.
    for person in ["pia", "quentin"] {
        let kept = bed.reader().notices_of(person, 50).await.unwrap();
        let told =
            |n: &&tuesday_domain::record::Notice| n.title.contains("Drafts appear in your queue");
        assert_eq!(kept.iter().filter(told).count(), 1, "{person}: {kept:?}");
    }
    // Nothing beyond drafts without a pack that the live release passed.
    let (code, said) = stage("approval_first", told).await;
    assert!(code == 1 && said.contains("gate_not_passed"), "{said}");
    assert!(said.contains("it was never evaluated"), "{said}");
    std::fs::write(judged.join("evals/golden.jsonl"), pack()).unwrap();
    bed.home.install(&judged, &bed.vars()).await;
    let all = bed.reader().releases("faults").await.unwrap();
    let live = all.iter().find(|r| r.state == ReleaseState::Live).unwrap();
    let id = live.id.to_string();
    let eval = ["release", "eval", &id, "--as", "tove"];
    let (code, out, err) = bed.home.run(&eval).await;
    assert_eq!(code, 0, "{out}{err}");
    let said = bed.home.json(&["release", "show", &id, "--evidence"]).await;
    let since = &said["gate"]["judged_since"][0];
    assert_eq!(
        (&since["passed"], &since["by"]),
        (&json!(true), &json!("person:tove")),
        "{said}"
    );
    let (code, said) = stage("approval_first", told).await;
    assert!(code == 1 && said.contains("capacity_undeclared"), "{said}");
    let file = bed.home.dir.join("capacity.toml");
    let hours =
        "minutes_per_task = 3\n[[person]]\nperson = \"pia\"\ndays = \"mon-sun\"\nhours = 4\n";
    std::fs::write(&file, hours).unwrap();
    let path = file.display().to_string();
    let set = [
        "capacity", "set", "faults", "--file", &path, "--as", "rhea", "--reason", "a test",
    ];
    assert_eq!(bed.home.run(&set).await.0, 0);
    // 112 a day of 3 min are 140 % of four hours, 64 are 80 %: the forecast is asked before the step.
    history(&bed, live.id, 112).await;
    let (code, said) = stage("approval_first", told).await;
    assert!(
        code == 1
            && said.contains("capacity_exceeded")
            && said.contains("reviewer hours a week are lacking"),
        "{code} {said}"
    );
    assert_eq!(shown(&bed).await["stage"], "draft_only");
    history(&bed, live.id, 64).await;
    let (code, said) = stage("approval_first", told).await;
    assert!(code == 1 && said.contains("review_required"), "{said}");
    decide(&node.url, &admin(&bed, "rhea").await, "proceed").await;
    let (code, said) = stage("approval_first", told).await;
    assert_eq!(code, 0, "{said}");
    // Nobody wrote down what must be true for the last step.
    let (code, said) = stage("auto", told).await;
    assert!(code == 1 && said.contains("nobody wrote down"), "{said}");
    let show = ["workflow", "show", "faults", "--json"];
    let (_, shown, _) = bed.home.run(&show).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["next_stage"]["stage"], "auto", "{shown}");
    assert_eq!(shown["next_stage"]["undeclared"], true, "{shown}");
    let (code, said) = stage("off", &[]).await;
    assert_eq!(code, 0, "down is free: {said}");
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_climbed_one_at_a_time_on_evidence() {
    each("stages", climbed).await;
}
