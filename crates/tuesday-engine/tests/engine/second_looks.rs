//! What was approved is looked at again by somebody who had no part in it.

use serde_json::json;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::record::{
    ProblemState, Review, ReviewDecision, SecondLookBasis, SecondLookResult,
};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, SecondVerdict, Settlement};
use tuesday_store::{ProblemFilter, RunFilter, RunKind};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const ALL: (&str, &str) = (
    "[[review.tier]]",
    "[review.second_look]\nautomatic_percent = 100.0\nhuman_percent = 100.0\n[[review.tier]]",
);

async fn looked(bench: &Bench, event: &str) -> Review {
    until("the second look is opened", || async {
        let found = bench.rest(event).await.reviews;
        found.into_iter().find(|r| r.kind == ReviewKind::SecondLook)
    })
    .await
}

fn wrong(reason: &str) -> SecondVerdict {
    SecondVerdict {
        reason: reason.into(),
        ..SecondVerdict::default()
    }
}

async fn looks(database: Option<&str>) {
    let bench = Bench::on(&[ALL], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let reader = engine.reader();
    bench.receive("by-rule").await;
    let task = looked(&bench, "by-rule").await;
    let run = reader.run(task.run).await.unwrap().unwrap();
    assert!(run.state.status.is_terminal(), "nothing waits for it");
    let look = reader.second_look(task.run).await.unwrap().unwrap();
    assert_eq!(
        (look.basis, look.share_ppm),
        (SecondLookBasis::Automatic, 1_000_000)
    );
    let output = reader.payloads(run.id).await.unwrap();
    let output = output.iter().find(|p| Some(p.n) == run.output_ref).unwrap();
    let again = tuesday_domain::oversight::draw(run.id, &output.salt);
    assert_eq!(look.draw, again, "anybody with the record draws it again");

    // It is neither approved nor settled, it has a verdict.
    let approved = engine.approve(task.id, "rhea", Approval::default()).await;
    assert_eq!(approved.unwrap_err().code, "illegal_state");
    let done = Settlement::HandOver {
        result: "done".into(),
    };
    let settled = engine.settle(task.id, "rhea", None, done).await;
    assert_eq!(settled.unwrap_err().code, "illegal_state");
    let silent = engine.second_verdict(task.id, "rhea", wrong(" ")).await;
    assert_eq!(silent.unwrap_err().code, "reason_required");
    let said = engine
        .second_verdict(task.id, "rhea", wrong("should be high"))
        .await;
    let said = said.unwrap();
    assert_eq!(said.decision, Some(ReviewDecision::Incorrect));
    let look = reader.second_look(task.run).await.unwrap().unwrap();
    assert_eq!(look.result, Some(SecondLookResult::Incorrect));
    let about = ProblemFilter {
        run: Some(task.run),
        ..ProblemFilter::default()
    };
    let reports = reader.problem_reports(&about, None, 9).await.unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(
        (reports[0].state, reports[0].words.as_str()),
        (ProblemState::New, "should be high")
    );

    // What a person approved goes to another person.
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("by-hand").await;
    let first = bench.task("by-hand").await;
    engine
        .approve(first.id, "rhea", Approval::default())
        .await
        .unwrap();
    let task = looked(&bench, "by-hand").await;
    assert_ne!(task.owner, "rhea");
    assert!(!task.chain.contains(&"rhea".to_owned()), "{:?}", task.chain);
    let yes = SecondVerdict {
        correct: true,
        ..SecondVerdict::default()
    };
    let own = engine.second_verdict(task.id, "rhea", yes.clone()).await;
    assert_eq!(own.unwrap_err().code, "same_person_twice");
    let other = engine
        .second_verdict(task.id, "boris", yes.clone())
        .await
        .unwrap();
    assert_eq!(other.state, ReviewState::Approved);
    let late = engine.second_verdict(task.id, "edda", yes).await;
    assert_eq!(late.unwrap_err().code, "already_decided");

    let from = tuesday_domain::time::Timestamp::from_micros(0);
    let to = engine.now().plus(std::time::Duration::from_secs(1));
    let report = engine.oversight(from, to).await.unwrap();
    let found: Vec<_> = report
        .second_looks
        .iter()
        .map(|l| (l.basis, l.drawn, l.open, l.wrong.hits, l.wrong.of))
        .collect();
    assert_eq!(found, [("automatic", 1, 0, 1, 1), ("human", 1, 0, 0, 1)]);
    assert_eq!(
        report.tiers[0].unopened.unwrap().hits,
        1,
        "approved without a look"
    );
    // What went alone was wrong, and what was held back stood as it was: by release, each with its records.
    engine.make_figures().await.unwrap();
    let day = Day::parse(&run.batch).unwrap();
    let days = Days {
        from: day,
        to: day.plus(1),
    };
    let judged = engine.judged_report("small", days).await.unwrap();
    assert_eq!(judged.releases.len(), 1);
    let c = judged.releases[0].counts;
    assert_eq!((c.alone, c.alone_known, c.alone_wrong), (1, 1, 1));
    assert_eq!((c.held, c.held_known, c.held_right), (1, 1, 1));
    for (kind, event) in [
        (RunKind::ActedWrongly, "by-rule"),
        (RunKind::HeldWrongly, "by-hand"),
    ] {
        let filter = RunFilter {
            kind: Some(kind),
            ..RunFilter::default()
        };
        let found = reader.run_page(&filter, None, 9).await.unwrap();
        let ids: Vec<_> = found.iter().map(|r| r.id).collect();
        assert_eq!(ids, [bench.rest(event).await.run.id], "{event}");
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_approval_is_looked_at_by_somebody_else() {
    Box::pin(looks(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_approval_is_looked_at_by_somebody_else_on_postgresql() {
    let database = Database::create().await;
    Box::pin(looks(Some(&database.url()))).await;
    database.drop().await;
}
