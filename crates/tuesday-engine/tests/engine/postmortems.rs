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
        links: vec!["/workflows/small/charter".into()],
        conditions: Vec::new(),
        supersedes: None,
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

/// Rounds of two people who do both at once; one round alone could be lucky.
const ROUNDS: usize = 12;

/// One node takes a follow-up while another one closes what it follows from: whichever comes second is
/// refused, and nothing is ever closed with something left to do.
async fn raced(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let other = bench.another("second").await;
    let engine = &bench.engine;
    let add = |of: FollowUpOf, hours: u64| {
        let new = NewFollowUp {
            of,
            words: "look once more".to_owned(),
            owner: "rhea".to_owned(),
            due_at: after(&bench, hours),
        };
        other.add_follow_up(new, "rhea")
    };
    for round in 0..ROUNDS {
        let new = NewIncident {
            category: Category::DeliveryLate,
            severity: None,
            workflow: Some("small".to_owned()),
            words: format!("late for the {round}. time"),
            runs: Vec::new(),
        };
        let id = engine.open_incident(new, "rhea").await.unwrap().id;
        let closed = Closed {
            resolution: "sent".to_owned(),
            ..Closed::default()
        };
        engine.resolve_incident(id, closed, "rhea").await.unwrap();
        let looked = Looked {
            layer: FixLayer::Connector,
            words: "the desk hung".to_owned(),
            uncaught: "nobody measured it".to_owned(),
            without_code: Some(true),
        };
        let review = || engine.review_incident(id, looked.clone(), "rhea");
        let (looked_back, added) = tokio::join!(review(), add(FollowUpOf::Incident(id), 24));
        match (looked_back, added) {
            (Ok(_), Err(late)) => {
                assert!(
                    ["illegal_state", "revision_moved"].contains(&late.code),
                    "{late:?}"
                );
            }
            (Err(early), Ok(follow_up)) => {
                assert!(
                    ["follow_ups_open", "revision_moved"].contains(&early.code),
                    "{early:?}"
                );
                assert_eq!(code(review()).await.0, "follow_ups_open");
                ended(&bench, follow_up.id).await;
                review().await.unwrap();
            }
            (both, neither) => panic!("round {round}: {both:?} {neither:?}"),
        }
        let left = FollowUpFilter {
            open: true,
            ..FollowUpFilter::default()
        };
        assert_eq!(engine.follow_ups(&left).await.unwrap(), [], "round {round}");
    }
    raced_to_the_end(&bench, add).await;
}

/// The same for a postmortem, as often as the follow-up is faster.
async fn raced_to_the_end<F>(bench: &Bench, add: impl Fn(FollowUpOf, u64) -> F)
where
    F: Future<Output = Result<FollowUp, tuesday_domain::problem::Problem>>,
{
    let engine = &bench.engine;
    engine
        .open_postmortem("small", "it stopped", "rhea")
        .await
        .unwrap();
    for question in Question::ALL {
        let answer = said(*question, Some(true), "we all saw it");
        engine
            .answer_postmortem("small", 1, answer, "rhea")
            .await
            .unwrap();
    }
    let with = ClosedWith {
        root: Some(RootCause::Ownership),
        wall: Some(Wall::Ops),
        lessons: "name a backup first".to_owned(),
        ruled_out: RuledOut::default(),
    };
    let of = FollowUpOf::Postmortem {
        workflow: "small".to_owned(),
        seq: 1,
    };
    for _ in 0..ROUNDS {
        let close = Box::pin(engine.close_postmortem("small", 1, with.clone(), "rhea"));
        let (closed, added) = tokio::join!(close, add(of.clone(), 24));
        match (closed, added) {
            (Ok(_), Err(late)) => {
                assert!(
                    ["illegal_state", "revision_moved"].contains(&late.code),
                    "{late:?}"
                );
                break;
            }
            (Err(early), Ok(follow_up)) => {
                assert!(
                    ["follow_ups_open", "revision_moved"].contains(&early.code),
                    "{early:?}"
                );
                ended(bench, follow_up.id).await;
            }
            (both, neither) => panic!("{both:?} {neither:?}"),
        }
    }
    let all = engine.follow_ups(&FollowUpFilter::default()).await.unwrap();
    assert!(all.iter().all(|f| f.ended_at.is_some()), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_closed_over_a_follow_up_that_comes_in_the_same_moment() {
    Box::pin(raced(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_closed_over_a_follow_up_that_comes_in_the_same_moment_on_postgresql() {
    let database = Database::create().await;
    Box::pin(raced(Some(&database.url()))).await;
    database.drop().await;
}
