//! A workflow that stops asks seven questions, which records answer as far as they can; what follows has
//! an owner and a day, and everything that is with a person stands on one list.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::FollowUpId;
use tuesday_domain::postmortem::follow_up::{FollowUpEvent, FollowUpState};
use tuesday_domain::postmortem::{PostmortemState, Question, RootCause, RuledOut, Stopped, Wall};
use tuesday_domain::record::{Choice, FollowUp};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_domain::trouble::{Category, Severity};
use tuesday_domain::workflow::Switch;
use tuesday_engine::Worker;
use tuesday_engine::ops::{
    Closed, ClosedWith, FollowUpOf, Looked, NewFollowUp, NewIncident, PostmortemAnswer,
    PostmortemView, WorkflowDecision,
};
use tuesday_store::FollowUpFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

async fn view(bench: &Bench) -> PostmortemView {
    let newest = bench.engine.postmortem_of_workflow("small", None);
    Box::pin(newest).await.unwrap()
}

async fn code<T: std::fmt::Debug>(
    said: impl Future<Output = Result<T, tuesday_domain::problem::Problem>>,
) -> (&'static str, Option<String>) {
    let refused = Box::pin(said).await.unwrap_err();
    (refused.code, refused.field)
}

fn said(question: Question, yes: Option<bool>, evidence: &str) -> PostmortemAnswer {
    PostmortemAnswer {
        question,
        yes,
        evidence: evidence.to_owned(),
    }
}

fn after(bench: &Bench, hours: u64) -> Timestamp {
    bench.engine.now().plus(Duration::from_secs(hours * 3_600))
}

async fn todo(bench: &Bench, of: FollowUpOf, owner: &str, due_at: Timestamp) -> FollowUp {
    let new = NewFollowUp {
        of,
        words: "name a backup".to_owned(),
        owner: owner.to_owned(),
        due_at,
    };
    bench.engine.add_follow_up(new, "rhea").await.unwrap()
}

async fn answered(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    assert_eq!(
        code(engine.postmortem_of_workflow("small", None)).await.0,
        "not_found"
    );
    let by = Actor::Person("rhea".to_owned());
    engine
        .set_switch("small", Switch::Killed, &by, "it was wrong too often")
        .await
        .unwrap();
    let killed = view(&bench).await;
    assert_eq!(
        (
            killed.row.stopped,
            killed.row.owner.as_str(),
            killed.row.seq
        ),
        (Stopped::Killed, "rhea", 1)
    );
    assert_eq!(killed.answers.len(), 7);
    let of = |v: &PostmortemView, q: Question| {
        let found = v.answers.iter().find(|a| a.question == q).unwrap();
        (found.yes, found.evidence.clone())
    };
    assert_eq!(
        of(&killed, Question::OwnerOnDayOne),
        (Some(true), "release 1 named Rhea Lind".to_owned())
    );
    assert_eq!(of(&killed, Question::Integrated).0, Some(false));
    assert_eq!(
        of(&killed, Question::LoadFit).0,
        None,
        "no hours are declared"
    );
    assert_eq!(of(&killed, Question::TimeSaved).0, Some(false));
    assert_eq!(of(&killed, Question::InputsFixed).0, None, "nothing ran");
    assert_eq!(of(&killed, Question::OutputUsed).0, Some(false));
    assert!(!killed.offered.is_empty());

    // Stopped twice is one postmortem, and stopping does not fail because of it.
    let stop = WorkflowDecision {
        choice: Choice::Stop,
        question: "does it go on?".to_owned(),
        evidence: "the kill condition was met".to_owned(),
        reason: "it does not".to_owned(),
    };
    engine.decide_workflow("small", stop, "rhea").await.unwrap();
    assert_eq!(engine.postmortems(Some("small")).await.unwrap().len(), 1);
    assert_eq!(
        code(engine.open_postmortem("small", "again", "rhea"))
            .await
            .0,
        "illegal_state"
    );

    // Closing names what is blank, one after the other.
    let mut with = ClosedWith::default();
    let close = |with: &ClosedWith| engine.close_postmortem("small", 1, with.clone(), "rhea");
    let blank = |field: &str| ("postmortem_incomplete", Some(field.to_owned()));
    assert_eq!(code(close(&with)).await, blank("load_fit"));
    let silent = engine.answer_postmortem(
        "small",
        1,
        said(Question::LoadFit, Some(false), " "),
        "rhea",
    );
    assert_eq!(
        code(silent).await,
        ("reason_required", Some("evidence".to_owned()))
    );
    let stranger = said(Question::LoadFit, Some(false), "I saw it");
    let stranger = engine.answer_postmortem("small", 1, stranger, "nobody");
    assert_eq!(code(stranger).await.0, "not_allowed");
    for (question, evidence) in [
        (Question::LoadFit, "two people waited three days"),
        (Question::InputsFixed, "the feed was never repaired"),
    ] {
        let answer = said(question, Some(false), evidence);
        engine
            .answer_postmortem("small", 1, answer, "rhea")
            .await
            .unwrap();
    }
    let now = view(&bench).await;
    assert!(now.verdict.model_is_irrelevant(), "{:?}", now.verdict);
    assert!(now.verdict.words().contains("Model quality is irrelevant"));
    assert_eq!(close_field(&close, &with).await, blank("root"));
    with.root = Some(RootCause::Model);
    assert_eq!(close_field(&close, &with).await, blank("wall"));
    with.wall = Some(Wall::Ops);
    assert_eq!(close_field(&close, &with).await, blank("lessons"));
    with.lessons = "name a backup first".to_owned();
    assert_eq!(close_field(&close, &with).await, blank("ruled_out.inputs"));
    with.ruled_out = RuledOut {
        inputs: "none was stale".to_owned(),
        rules: "nobody touched them".to_owned(),
        governance: "one release".to_owned(),
    };
    let of = FollowUpOf::Postmortem {
        workflow: "small".to_owned(),
        seq: 1,
    };
    let first = todo(&bench, of.clone(), "boris", after(&bench, 24)).await;
    assert_eq!(close_field(&close, &with).await.0, "follow_ups_open");
    ended(&bench, first.id).await;

    let closed = Box::pin(close(&with)).await.unwrap();
    assert_eq!(closed.state, PostmortemState::Closed);
    let kept = view(&bench).await;
    assert_eq!(kept.answers.len(), 7, "all are kept, those of records too");
    assert!(kept.answers.iter().all(|a| a.yes.is_some()));
    assert_eq!(code(close(&with)).await.0, "illegal_state");
    let late = NewFollowUp {
        of,
        words: "one more".to_owned(),
        owner: "rhea".to_owned(),
        due_at: after(&bench, 1),
    };
    assert_eq!(
        code(engine.add_follow_up(late, "rhea")).await.0,
        "illegal_state"
    );
    let counts = engine
        .postmortem_causes(Timestamp::default())
        .await
        .unwrap();
    assert_eq!(counts, [(RootCause::Model, Wall::Ops, 1)]);
    let again = engine.open_postmortem("small", "another look", "rhea");
    assert_eq!(again.await.unwrap().seq, 2);
    bench.end(worker).await;
}

async fn close_field<F, Fut, T: std::fmt::Debug>(
    close: &F,
    with: &ClosedWith,
) -> (&'static str, Option<String>)
where
    F: Fn(&ClosedWith) -> Fut,
    Fut: Future<Output = Result<T, tuesday_domain::problem::Problem>>,
{
    code(close(with)).await
}

/// Nobody lets their own work go; whoever does it says what shows it.
async fn ended(bench: &Bench, id: FollowUpId) {
    let engine = &bench.engine;
    let silent = engine.end_follow_up(id, FollowUpEvent::Finish, " ", "boris");
    assert_eq!(
        code(silent).await,
        ("reason_required", Some("note".to_owned()))
    );
    let stranger = engine.end_follow_up(id, FollowUpEvent::Finish, "done", "nobody");
    assert_eq!(code(stranger).await.0, "not_allowed");
    let ending = engine.end_follow_up(id, FollowUpEvent::Finish, "Edda is the backup", "boris");
    assert_eq!(ending.await.unwrap().state, FollowUpState::Done);
    let twice = engine.end_follow_up(id, FollowUpEvent::Finish, "again", "boris");
    assert_eq!(code(twice).await.0, "illegal_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_workflow_asks_seven_questions_and_is_closed_in_full() {
    Box::pin(answered(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_workflow_asks_seven_questions_on_postgresql() {
    let database = Database::create().await;
    Box::pin(answered(Some(&database.url()))).await;
    database.drop().await;
}

async fn listed(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    bench.fakes.then(tuesday_testkit::fakes::Said::Text(
        r#"{"grade": "high"}"#.into(),
    ));
    bench.receive("one").await;
    let task = bench.task("one").await;
    let incident = engine
        .open_incident(
            NewIncident {
                category: Category::ConnectorFailing,
                severity: Some(Severity::High),
                words: "the desk is slow".to_owned(),
                workflow: Some("small".to_owned()),
                runs: Vec::new(),
            },
            "rhea",
        )
        .await
        .unwrap();
    let of = FollowUpOf::Incident(incident.id);
    let follow_up = todo(&bench, of, "rhea", after(&bench, 24)).await;
    let list = Box::pin(engine.handoffs("rhea")).await.unwrap();
    let kinds: Vec<&str> = list.items.iter().map(|i| i.kind).collect();
    for kind in ["review", "follow_up", "gap"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let since: Vec<&str> = list.items.iter().map(|i| i.since.as_str()).collect();
    assert!(since.is_sorted(), "the oldest first: {since:?}");
    let review = list.items.iter().find(|i| i.kind == "review").unwrap();
    assert_eq!(review.path, format!("/reviews/{}", task.id));
    assert_eq!(list.overdue, 0);
    let technical = Box::pin(engine.handoffs("tove")).await.unwrap();
    let kinds: Vec<_> = technical.items.iter().map(|i| (i.kind, &i.path)).collect();
    let path = format!("/incidents/{}", incident.id);
    assert_eq!(
        kinds,
        [("incident", &path)],
        "a connector is the technical owner's"
    );
    let nothing = Box::pin(engine.handoffs("boris")).await.unwrap();
    assert!(nothing.items.is_empty(), "{nothing:?}");
    assert_eq!(code(engine.handoffs("nobody")).await.0, "not_found");

    // Looked back upon only when nothing is left to do, and with a word about why nothing caught it.
    engine
        .mitigate_incident(incident.id, "the desk answers", "rhea")
        .await
        .unwrap();
    let closed = Closed {
        resolution: "the desk was restarted".to_owned(),
        ..Closed::default()
    };
    engine
        .resolve_incident(incident.id, closed, "rhea")
        .await
        .unwrap();
    let mut looked = Looked {
        layer: FixLayer::Connector,
        words: "the desk hung".to_owned(),
        uncaught: String::new(),
        without_code: Some(true),
    };
    let review = |looked: &Looked| engine.review_incident(incident.id, looked.clone(), "rhea");
    assert_eq!(
        code(review(&looked)).await,
        ("reason_required", Some("uncaught".to_owned()))
    );
    looked.uncaught = "nobody measured it".to_owned();
    assert_eq!(code(review(&looked)).await.0, "follow_ups_open");

    // Its day passes: told once, to its owner and to whoever answers for the workflow.
    let day = 25 * 3_600_000_000_i64;
    bench.store.set_clock(day).await.unwrap();
    engine.clock().set_offset(day);
    until("people are told that it is late", || async {
        let found = engine.follow_up(follow_up.id).await.unwrap();
        found.told_at.map(drop)
    })
    .await;
    let list = Box::pin(engine.handoffs("rhea")).await.unwrap();
    assert!(list.overdue > 0, "{list:?}");
    engine
        .end_follow_up(follow_up.id, FollowUpEvent::Drop, "not needed", "rhea")
        .await
        .unwrap();
    review(&looked).await.unwrap();
    let text = engine.postmortem(incident.id).await.unwrap();
    assert!(text.contains("rhea dropped until"), "{text}");
    let open = FollowUpFilter {
        open: true,
        ..FollowUpFilter::default()
    };
    assert!(engine.follow_ups(&open).await.unwrap().is_empty());
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_with_a_person_stands_on_one_list() {
    Box::pin(listed(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_with_a_person_stands_on_one_list_on_postgresql() {
    let database = Database::create().await;
    Box::pin(listed(Some(&database.url()))).await;
    database.drop().await;
}
