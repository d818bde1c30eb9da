//! Shadow runs beside what people did about the same events: agreement by class, what cannot be
//! compared, and a destination that hears of nothing.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::eval::Count;
use tuesday_domain::record::Run;
use tuesday_domain::run::{Outcome, Status};
use tuesday_domain::shadow::Shadow;
use tuesday_domain::workflow::Stage;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Inputs, PostedSignal, Refusal, Rerun, ShadowQuery};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

fn rhea() -> Actor {
    Actor::Person("rhea".into())
}

fn graded(bench: &Bench, grade: &str) {
    let text = json!({"grade": grade}).to_string();
    bench.fakes.then(Said::Text(text));
}

/// The run again without effect, with this answer of the model.
async fn again(bench: &Bench, run: &Run, grade: &str) -> Run {
    graded(bench, grade);
    let how = Rerun {
        inputs: Inputs::Frozen,
        without_effect: true,
        reason: "compared".into(),
        ..Rerun::default()
    };
    let new = bench.engine.rerun(run.id, &how, &rhea()).await.unwrap();
    let found = until("the shadow run is over", || async {
        let found = bench.engine.reader().run(new.id).await.unwrap()?;
        found.state.status.is_terminal().then_some(found)
    });
    let found = found.await;
    assert_eq!(found.state.outcome, Some(Outcome::ShadowOnly));
    found
}

/// The model says high, a person approves it as it stands or as edited.
async fn approved(bench: &Bench, event: &str, edit: Option<&str>) -> Run {
    graded(bench, "high");
    bench.receive(event).await;
    let task = bench.task(event).await;
    let approval = Approval {
        edit: edit.map(|grade| json!({"grade": grade})),
        reason: edit.map(|_| "wrong".into()),
        ..Approval::default()
    };
    bench
        .engine
        .approve(task.id, "rhea", approval)
        .await
        .unwrap();
    until("it is written", || async {
        let found = bench.engine.reader().run(task.run).await.unwrap()?;
        (found.state.status == Status::Completed).then_some(found)
    })
    .await
}

async fn report(bench: &Bench, clearance: Class) -> Shadow {
    let asked = ShadowQuery {
        workflow: "small",
        against: None,
        days: ("2000-01-01", "2999-12-31"),
        clearance,
        most: 100,
    };
    let (report, cut) = bench.engine.shadow_report(asked).await.unwrap();
    assert!(!cut);
    report
}

async fn compares(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;

    let same = approved(&bench, "same", None).await;
    again(&bench, &same, "high").await;
    let other = approved(&bench, "other", None).await;
    again(&bench, &other, "low").await;
    let edited = approved(&bench, "edited", Some("low")).await;
    again(&bench, &edited, "low").await;
    // Rejected: what was right nobody said.
    graded(&bench, "high");
    bench.receive("no").await;
    let task = bench.task("no").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let refused = e.reject(task.id, "rhea", refusal).await.unwrap().run;
    again(&bench, &refused, "low").await;
    let written = bench.fakes.effects().len();
    assert_eq!(written, 3);

    // The stage itself is shadow: people work elsewhere and say later how it was decided.
    let why = "compared with people first";
    e.set_stage("small", Stage::Shadow, None, &rhea(), why)
        .await
        .unwrap();
    for (event, otherwise) in [("d", Some(false)), ("e", Some(true)), ("f", None)] {
        bench.receive(event).await;
        let run = bench.rest(event).await.run;
        assert_eq!(run.state.outcome, Some(Outcome::ShadowOnly));
        let Some(wrong) = otherwise else { continue };
        let signal = PostedSignal {
            event: None,
            kind: "outcome".into(),
            run: Some(run.id),
            record: None,
            wrong,
            count: 1,
            at: None,
        };
        e.post_signal("small", signal, &rhea()).await.unwrap();
    }

    let s = report(&bench, Class::Internal).await;
    let counted = |passed, of| Count { passed, of };
    assert_eq!((s.runs, s.compared(), s.not_compared()), (7, 5, 2));
    assert_eq!((s.whole, s.outcomes), (counted(2, 3), counted(1, 2)));
    assert_eq!(
        (s.rejected, s.nobody, s.no_output, s.no_field),
        (1, 1, 0, 0)
    );
    let grade = &s.fields["grade"];
    assert_eq!(grade.all, counted(2, 3));
    assert_eq!(grade.classes["high"], counted(1, 2));
    assert_eq!(grade.classes["low"], counted(1, 1));
    assert_eq!(grade.instead[&("high".to_owned(), "low".to_owned())], 1);
    // Judged by the destination and by the record: nothing left a shadow run.
    assert_eq!((bench.fakes.effects().len(), s.sent), (written, 0));
    // Who is not cleared for the field sees no value of it, and every run is still counted.
    let s = report(&bench, Class::Public).await;
    assert_eq!((s.runs, s.fields.len(), s.no_field), (7, 0, 3));

    // Other days have no runs; an unknown workflow is no empty report; what is left out is said.
    let asked = |workflow, days, most| ShadowQuery {
        workflow,
        against: None,
        days,
        clearance: Class::Internal,
        most,
    };
    let (none, _) = e
        .shadow_report(asked("small", ("2000-01-01", "2000-01-02"), 10))
        .await
        .unwrap();
    assert_eq!(none, Shadow::default());
    let all = ("2000-01-01", "2999-12-31");
    let unknown = e.shadow_report(asked("nothing", all, 10)).await;
    assert_eq!(unknown.unwrap_err().code, "unknown_workflow");
    let (some, cut) = e.shadow_report(asked("small", all, 4)).await.unwrap();
    assert_eq!((some.runs, cut), (4, true));
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_runs_are_compared_with_people() {
    Box::pin(compares(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_runs_are_compared_with_people_postgres() {
    let db = Database::create().await;
    Box::pin(compares(Some(&db.url()))).await;
    db.drop().await;
}
