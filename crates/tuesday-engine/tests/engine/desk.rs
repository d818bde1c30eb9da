//! What becomes of tasks when people are late, away, several, or say that something is wrong.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{
    PriorityClass, ProblemKind, ProblemState, ProblemTie, Review, ReviewDecision,
};
use tuesday_domain::review::ReviewState;
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_domain::workflow::Switch;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Answer, Complaint, Doing, Together};
use tuesday_store::{AuditFilter, IncidentFilter};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::until;

use crate::bench::Bench;

/// An open task about a grade that a person must look at.
async fn asked(bench: &Bench, event: &str) -> Review {
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive(event).await;
    bench.task(event).await
}

async fn now(bench: &Bench, task: &Review) -> Review {
    bench
        .engine
        .reader()
        .review(task.id)
        .await
        .unwrap()
        .unwrap()
}

fn rhea() -> Actor {
    Actor::Person("rhea".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_task_goes_up_once_per_level_and_is_never_decided() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let task = asked(&bench, "late").await;
    for (level, owner) in [(1, "boris"), (2, "edda")] {
        bench.raw("UPDATE reviews SET due_at = created_at");
        let there = until("the next level", || async {
            Some(now(&bench, &task).await).filter(|r| r.level == level)
        })
        .await;
        assert_eq!(
            (there.owner.as_str(), there.state),
            (owner, ReviewState::Open)
        );
        assert!(there.due_at > there.created_at, "a clock of its own");
    }
    bench.raw("UPDATE reviews SET due_at = created_at");
    let last = until("nobody is left", || async {
        Some(now(&bench, &task).await).filter(|r| r.exhausted_at.is_some())
    })
    .await;
    assert_eq!(last.owner, "rhea", "the operator owner keeps it");
    assert_eq!((last.level, last.state), (2, ReviewState::Open));
    assert_eq!(last.due_at, last.created_at, "it stays overdue");
    let told = bench.engine.reader().notices_of("rhea", 50).await.unwrap();
    let exhausted = told.iter().filter(|n| n.kind == "escalation_exhausted");
    assert_eq!(exhausted.count(), 1, "told once a day, not once a second");
    assert!(told.iter().all(|n| !n.title.contains("high")), "no content");
    assert!(bench.fakes.effects().is_empty(), "time decided nothing");
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_passed_on_by_those_who_may_to_those_who_may() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let task = asked(&bench, "passed").await;
    let engine = &bench.engine;
    let give = |by: &'static str, to: &'static str, why: &'static str| {
        engine.reassign(task.id, by, to, why, None)
    };
    for (by, to, why, code) in [
        ("rhea", "edda", " ", "reason_required"),
        ("edda", "boris", "mine", "not_allowed"),
        ("rhea", "tove", "wires it", "owner_not_a_person"),
        ("rhea", "nobody", "gone", "owner_not_a_person"),
    ] {
        assert_eq!(give(by, to, why).await.unwrap_err().code, code, "{by} {to}");
    }
    engine.claim(task.id, "rhea").await.unwrap();
    let given = give("rhea", "edda", "knows the customer").await.unwrap();
    assert_eq!((given.owner.as_str(), given.claimed_by), ("edda", None));
    assert_eq!(
        (given.due_at, given.created_at),
        (task.due_at, task.created_at)
    );
    assert_eq!(given.chain, ["edda", "boris"]);

    let until_later = engine.now().plus(Duration::from_secs(3_600));
    engine
        .set_away("edda", until_later, Some("boris".into()), "ill", &rhea())
        .await
        .unwrap();
    let covered = until("somebody stands in", || async {
        Some(now(&bench, &task).await).filter(|r| r.owner == "boris")
    })
    .await;
    assert_eq!((covered.created_at, covered.level), (task.created_at, 0));
    assert_eq!(
        give("rhea", "edda", "again").await.unwrap_err().code,
        "owner_not_a_person"
    );
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_decided_at_once_only_when_each_was_opened() {
    let tier = (
        "backup = \"boris\"\n[[action]]",
        "backup = \"boris\"\nbatch_max = 3\n[[action]]",
    );
    let bench = Bench::changed(&[tier]).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let mut items = Vec::new();
    for event in ["m1", "m2", "m3", "m4"] {
        let task = asked(&bench, event).await;
        items.push((task.id, task.revision));
    }
    let yes = Together::Approve { checklist: vec![] };
    let refused = engine.decide_many("rhea", &items, &yes, None).await;
    assert_eq!(refused.unwrap_err().code, "too_many_items");
    for (id, revision) in &items[..2] {
        let there = engine
            .reading(*id, "rhea", Doing::Viewing, *revision, Duration::ZERO)
            .await
            .unwrap();
        assert_eq!(there.len(), 1);
    }
    let refused = engine.decide_many("rhea", &items[..3], &yes, None).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, "not_opened");
    assert_eq!(refused.more["not_opened"], json!([items[2].0.to_string()]));
    let told = engine.left_out("rhea", &items, true).await.unwrap();
    let told: Vec<_> = told.iter().map(|t| t.as_ref().map(|p| p.code)).collect();
    let unopened = Some("not_opened");
    assert_eq!(told, [None, None, unopened, unopened]);
    // Somebody else is faster with one of them: the other one is decided all the same.
    engine.claim(items[0].0, "boris").await.unwrap();
    let done = engine
        .decide_many("rhea", &items[..2], &yes, None)
        .await
        .unwrap();
    let done: Vec<_> = done
        .iter()
        .map(|(_, d)| d.as_ref().map(|d| d.review.decision))
        .collect();
    let told = engine.left_out("rhea", &items[..2], true).await.unwrap();
    let told: Vec<_> = told.iter().map(|t| t.as_ref().map(|p| p.code)).collect();
    assert_eq!(told, [Some("revision_moved"), Some("already_decided")]);
    assert_eq!(done[0].unwrap_err().code, "revision_moved");
    assert_eq!(done[1].unwrap(), Some(ReviewDecision::Approve));
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_runs_on_while_somebody_reads_and_shows_who_is_there() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let task = asked(&bench, "read").await;
    let claimed = engine.claim(task.id, "rhea").await.unwrap();
    bench.raw("UPDATE reviews SET claim_until = claim_until - 1200000000");
    let second = Duration::from_secs(1);
    let open =
        |by: &'static str, doing| engine.reading(task.id, by, doing, claimed.revision, second);
    open("boris", Doing::Viewing).await.unwrap();
    let there = open("rhea", Doing::Editing).await.unwrap();
    let there: Vec<_> = there.iter().map(|t| (t.person.as_str(), t.doing)).collect();
    assert_eq!(there, [("boris", Doing::Viewing), ("rhea", Doing::Editing)]);
    let later = now(&bench, &task).await;
    assert!(
        later.claim_until >= claimed.claim_until,
        "the claim runs on"
    );
    assert_eq!(
        later.revision, claimed.revision,
        "what was seen stays what is decided"
    );
    let ahead = engine
        .reading(
            task.id,
            "rhea",
            Doing::Viewing,
            claimed.revision + 1,
            second,
        )
        .await;
    assert_eq!(ahead.unwrap_err().code, "revision_moved");
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sponsor_sets_the_order_and_nobody_else() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let set = |by: &'static str, why: &'static str| {
        engine.set_priority("small", PriorityClass::Urgent, by, why)
    };
    assert_eq!(
        set("boris", "me first").await.unwrap_err().code,
        "not_allowed"
    );
    assert_eq!(set("rhea", "").await.unwrap_err().code, "reason_required");
    set("rhea", "quarter end").await.unwrap();
    let row = &engine.reader().priorities().await.unwrap()[0];
    assert_eq!(
        (row.class, row.set_by.as_str()),
        (PriorityClass::Urgent, "rhea")
    );

    engine
        .save_view("pia", " Late ", "?due=overdue")
        .await
        .unwrap();
    let kept = engine.reader().saved_views("pia").await.unwrap();
    assert_eq!(
        (kept[0].name.as_str(), kept[0].query.as_str()),
        ("Late", "due=overdue")
    );
    assert!(engine.save_view("pia", "\u{7}", "").await.is_err());
    engine.drop_view("pia", "Late").await.unwrap();
    assert_eq!(
        engine.drop_view("pia", "Late").await.unwrap_err().code,
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_finds_its_run_or_is_kept_all_the_same() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench.receive("T-77").await;
    let run = bench.rest("T-77").await.run;
    let says = |words: &str, record: Option<&str>| Complaint {
        kind: ProblemKind::Wrong,
        words: words.into(),
        run: None,
        review: None,
        record: record.map(str::to_owned),
        workflow: None,
        reported_by: "customer@example.org".into(),
    };
    let by = Actor::Person("edda".into());
    let written = engine
        .report_problem(says("<script>", Some("T-77")), &by)
        .await
        .unwrap();
    assert_eq!(
        (written.run, written.tied_by),
        (Some(run.id), ProblemTie::Record)
    );
    assert_eq!(
        (written.owner.as_str(), written.state),
        ("rhea", ProblemState::New)
    );
    assert!(written.due_at > written.created_at);
    let lost = engine
        .report_problem(says("it is odd", Some("none such")), &by)
        .await
        .unwrap();
    assert_eq!(
        (lost.run, lost.tied_by, lost.owner.as_str()),
        (None, ProblemTie::Nothing, "rhea")
    );
    // Somebody finds out later what it is about, and says so; a stranger to it does not.
    let stranger = engine.tie_report(lost.id, run.id, "pia").await;
    assert_eq!(stranger.unwrap_err().code, "not_allowed");
    let nowhere = engine.tie_report(lost.id, RunId::new(uuid::Uuid::nil()), "rhea");
    assert_eq!(nowhere.await.unwrap_err().code, "not_found");
    let tied = engine.tie_report(lost.id, run.id, "rhea").await.unwrap();
    assert_eq!((tied.run, tied.tied_by), (Some(run.id), ProblemTie::Hand));
    assert_eq!(tied.workflow.as_deref(), Some("small"));
    let stored = engine.reader().problem_report(lost.id).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&tied));
    let again = engine.tie_report(lost.id, run.id, "rhea").await;
    assert_eq!(again.unwrap_err().code, "illegal_state");
    let kept = AuditFilter {
        kind: Some("problem.tied".into()),
        ..AuditFilter::default()
    };
    let entry = until("the tie is on record", || async {
        let kept = engine.reader().audit_page(&kept, None, 5).await.ok()?;
        kept.into_iter().next()
    })
    .await;
    let entry = String::from_utf8(entry.leaf).unwrap();
    assert!(
        entry.contains("person:rhea") && entry.contains(&run.id.to_string()),
        "{entry}"
    );
    let named = Complaint {
        run: Some(run.id),
        ..says("", None)
    };
    let one_click = engine.report_problem(named, &by).await.unwrap();
    assert_eq!(
        one_click.tied_by,
        ProblemTie::Run,
        "a kind and a case are enough"
    );
    bench.receive("T-78").await;
    let other = bench.rest("T-78").await.run.id;
    let said = engine.tie_report(one_click.id, other, "rhea").await;
    assert_eq!(
        said.unwrap_err().code,
        "illegal_state",
        "the reporter named it"
    );
    for (complaint, code) in [
        (says(" ", None), "report_empty"),
        (says(&"x".repeat(9_000), None), "body_too_large"),
    ] {
        assert_eq!(
            engine
                .report_problem(complaint, &by)
                .await
                .unwrap_err()
                .code,
            code
        );
    }
    let sort =
        |to, who: &'static str, words: &'static str| engine.triage(written.id, to, who, words);
    assert_eq!(
        sort(ProblemState::Triaged, "edda", "")
            .await
            .unwrap_err()
            .code,
        "not_allowed"
    );
    assert_eq!(
        sort(ProblemState::Triaged, "boris", "")
            .await
            .unwrap()
            .owner,
        "boris"
    );
    assert_eq!(
        sort(ProblemState::Incident, "boris", " ")
            .await
            .unwrap_err()
            .code,
        "reason_required"
    );
    let said = |layer, without_code| Answer {
        words: "the label was off".into(),
        layer,
        without_code,
        minutes: Some(25),
    };
    for (answer, field) in [
        (said(None, Some(true)), "fixed_in"),
        (said(Some(FixLayer::Rules), None), "without_code"),
    ] {
        let refused = engine.triage(written.id, ProblemState::QualityIssue, "boris", answer);
        let refused = refused.await.unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            ("fix_not_said", Some(field))
        );
    }
    let answer = said(Some(FixLayer::Rules), Some(true));
    let answered = engine
        .triage(written.id, ProblemState::QualityIssue, "boris", answer)
        .await
        .unwrap();
    assert_eq!(answered.answered_by.as_deref(), Some("boris"));
    assert_eq!(
        sort(ProblemState::Incident, "boris", "no")
            .await
            .unwrap_err()
            .code,
        "illegal_state"
    );
    // What is an incident opens one.
    let second = engine
        .report_problem(
            Complaint {
                kind: ProblemKind::Wrong,
                words: "wrong date".into(),
                run: None,
                review: None,
                record: None,
                workflow: Some("small".into()),
                reported_by: "ann@example.com".into(),
            },
            &Actor::Person("rhea".into()),
        )
        .await
        .unwrap();
    engine
        .triage(
            second.id,
            ProblemState::Incident,
            "rhea",
            "customers saw it",
        )
        .await
        .unwrap();
    let every = IncidentFilter::default();
    let open = engine.reader().incidents(&every, None, 5).await.unwrap();
    let found = open.iter().find(|i| i.category == Category::WrongAnswer);
    assert_eq!(found.unwrap().workflow.as_deref(), Some("small"));
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_pause_hears_who_can() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let workflow = asked(&bench, "pause").await.workflow;
    let refused = engine.pause(&workflow, "nobody", "looks odd").await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, "not_allowed");
    let may = engine.who_may(Act::PauseWorkflow, &workflow).await.unwrap();
    assert!(!may.is_empty());
    let names: Vec<_> = may.iter().map(|(_, name)| name.clone()).collect();
    assert_eq!(refused.more["people"], json!(names));
    let by = &may[0].0;
    let empty = engine.pause(&workflow, by, " ").await.unwrap_err();
    assert_eq!(empty.code, "reason_required");
    let paused = engine.pause(&workflow, by, "looks odd").await.unwrap();
    assert_eq!(paused.switch, Switch::Paused);
}
