//! What the engine does about systems that misbehave, one case after the other on one instance.

use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::action::ActionState;
use tuesday_domain::record::{Attempt, AttemptResult};
use tuesday_domain::run::{Reason, Status, Step};
use tuesday_domain::trouble::Category;
use tuesday_store::IncidentFilter;
use tuesday_stub::{Cut, ModelRule, Script};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Found, Node, until};

use crate::bed::{Bed, Case};

struct Stage {
    bed: Bed,
    node: Node,
}

impl Stage {
    async fn new() -> Self {
        let bed = Bed::new(None).await;
        let node = bed.home.ready(&[]).await;
        Self { bed, node }
    }

    /// Sends a case and waits until no machine has anything to do with it.
    async fn play(&self, case: &Case) -> Found {
        self.bed.accounts(std::slice::from_ref(case));
        assert_eq!(self.bed.send(&self.node.url, case).await, Some(202));
        self.rest(&case.id).await
    }

    /// Waits until the run is over or with a person.
    async fn rest(&self, event: &str) -> Found {
        until(&format!("{event} comes to rest"), || async {
            let found = read_all(&self.bed.reader()).await.remove(event)?;
            (!found.run.state.status.wants_job()).then_some(found)
        })
        .await
    }

    async fn calls(&self, found: &Found) -> Vec<Attempt> {
        let all = self.bed.reader().attempts(found.run.id).await.unwrap();
        all.into_iter()
            .filter(|a| a.step == Step::Generate)
            .collect()
    }

    fn model(&self, script: Script) {
        self.bed
            .world
            .script(Script {
                system: Some("model".into()),
                ..script
            })
            .unwrap();
    }

    fn at(&self, system: &str, path: &str, method: &str, script: Script) {
        let script = Script {
            system: Some(system.into()),
            path_prefix: Some(path.into()),
            method: Some(method.into()),
            ..script
        };
        self.bed.world.script(script).unwrap();
    }

    fn says(&self, rule: ModelRule) {
        self.bed
            .world
            .answer(ModelRule {
                times: rule.times.or(Some(1)),
                ..rule
            })
            .unwrap();
    }

    async fn advance(&self, by: Duration) {
        let offset = self
            .bed
            .reader()
            .instance()
            .await
            .unwrap()
            .unwrap()
            .clock_offset;
        self.bed
            .store
            .set_clock(offset + i64::try_from(by.as_micros()).unwrap())
            .await
            .unwrap();
    }

    /// One incident of this category is open.
    async fn incident(&self, category: Category) {
        let filter = IncidentFilter {
            category: Some(category),
            ..IncidentFilter::default()
        };
        until(&format!("{category} is an incident"), || async {
            let found = self.bed.reader().incidents(&filter, None, 9).await.unwrap();
            (!found.is_empty()).then_some(())
        })
        .await;
    }

    async fn settle(&self, found: &Found, body: &Value) {
        let task = found
            .reviews
            .iter()
            .find(|r| !r.state.is_decided())
            .expect("an open task");
        let url = format!("{}/api/v1/reviews/{}/settlement", self.node.url, task.id);
        let answer = self.bed.reviewers[2]
            .1
            .post(&url, body)
            .await
            .expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn requests(&self, system: &str, collection: &str) -> Vec<(bool, bool)> {
        let all = self.bed.world.entries(system);
        all.iter()
            .filter(|e| e.collection == collection)
            .map(|e| (e.applied, e.replayed))
            .collect()
    }

    async fn end(self) {
        assert!(self.node.stop().await.success());
        self.bed.check().await;
    }
}

fn asks(found: &Found, status: Status, reason: Reason) {
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (status, Some(reason)),
        "{}",
        found.ending()
    );
    let open: Vec<_> = found
        .reviews
        .iter()
        .filter(|r| !r.state.is_decided())
        .collect();
    assert_eq!(
        open.len(),
        1,
        "one open task with an owner: {}",
        found.ending()
    );
    assert!(!open[0].owner.is_empty() && open[0].due_at > open[0].created_at);
}

fn done(found: &Found) {
    assert_eq!(
        found.run.state.status,
        Status::Completed,
        "{}",
        found.ending()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_misbehave() {
    let stage = Stage::new().await;
    // 429 with a wish, then 503, then an answer: three attempts, the wish respected.
    stage.model(Script {
        status: Some(429),
        retry_after: Some(json!(7)),
        ..Script::default()
    });
    stage.model(Script {
        status: Some(503),
        ..Script::default()
    });
    let case = Case::new("limited", "auto");
    stage.bed.accounts(std::slice::from_ref(&case));
    assert_eq!(stage.bed.send(&stage.node.url, &case).await, Some(202));
    until("the wish is recorded", || async {
        read_all(&stage.bed.reader())
            .await
            .get("limited")
            .filter(|f| f.run.state.status == Status::RetryWait)
            .map(|_| ())
    })
    .await;
    stage.advance(Duration::from_secs(9)).await;
    let found = stage.rest("limited").await;
    done(&found);
    let calls = stage.calls(&found).await;
    let results: Vec<_> = calls.iter().map(|a| a.result).collect();
    assert_eq!(
        results,
        [
            AttemptResult::Transient,
            AttemptResult::Transient,
            AttemptResult::Done
        ]
    );
    assert!(
        calls[1].started_at.since(calls[0].started_at) >= Duration::from_secs(7),
        "{calls:?}"
    );

    for status in [400, 401] {
        stage.model(Script {
            status: Some(status),
            ..Script::default()
        });
        let found = stage
            .play(&Case::new(format!("denied{status}"), "auto"))
            .await;
        asks(&found, Status::InReview, Reason::PermanentFailure);
        assert_eq!(
            stage.calls(&found).await.len(),
            1,
            "what cannot pass is not tried again"
        );
    }

    // The pinned model is not there any more: the run waits for it, nobody else is asked in its place.
    for status in [404, 410, 404, 410, 404] {
        stage.model(Script {
            status: Some(status),
            ..Script::default()
        });
    }
    let found = stage.play(&Case::new("withdrawn", "auto")).await;
    done(&found);
    let calls = stage.calls(&found).await;
    assert_eq!(calls.len(), 6, "more than max_attempts: {calls:?}");
    let codes: Vec<_> = calls.iter().filter_map(|a| a.code.as_deref()).collect();
    assert_eq!(codes, ["model_withdrawn"; 5]);
    stage.incident(Category::ConnectorFailing).await;

    stage.model(Script {
        delay_ms: 60_000,
        ..Script::default()
    });
    let found = stage.play(&Case::new("hangs", "auto")).await;
    done(&found);
    assert_eq!(stage.calls(&found).await[0].result, AttemptResult::TimedOut);

    stage.says(ModelRule {
        text: Some("not JSON".into()),
        ..ModelRule::default()
    });
    let found = stage.play(&Case::new("repaired", "auto")).await;
    done(&found);
    let results: Vec<_> = stage.calls(&found).await.iter().map(|a| a.result).collect();
    assert_eq!(results, [AttemptResult::Invalid, AttemptResult::Done]);

    stage.says(ModelRule {
        text: Some("not JSON".into()),
        times: Some(2),
        ..ModelRule::default()
    });
    asks(
        &stage.play(&Case::new("spoilt", "auto")).await,
        Status::InReview,
        Reason::InvalidOutput,
    );

    stage.says(ModelRule {
        refusal: Some("I will not grade this".into()),
        ..ModelRule::default()
    });
    asks(
        &stage.play(&Case::new("refuses", "auto")).await,
        Status::InReview,
        Reason::Refused,
    );

    let answer = json!({"grade": "unsure", "summary": "hard to say"});
    stage.says(ModelRule {
        answer: Some(answer),
        model: Some("stub-1".into()),
        ..ModelRule::default()
    });
    asks(
        &stage.play(&Case::new("unsure", "auto")).await,
        Status::InReview,
        Reason::UncertainOutput,
    );

    // Another model than the pinned one never acts by itself.
    let answer = json!({"grade": "low", "summary": "fine"});
    stage.says(ModelRule {
        answer: Some(answer),
        model: Some("stub-2".into()),
        ..ModelRule::default()
    });
    asks(
        &stage.play(&Case::new("swapped", "auto")).await,
        Status::InReview,
        Reason::ModelMismatch,
    );
    assert!(stage.requests("desk", "notes-swapped").is_empty());
    stage.incident(Category::ModelMismatch).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_are_not_there() {
    let stage = Stage::new().await;
    let event = json!({"id": "hole", "lane": "auto", "text": "who is it?"});
    let answer = stage
        .bed
        .client
        .post(
            &format!("{}/api/v1/triggers/faults", stage.node.url),
            &event,
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    let found = stage.rest("hole").await;
    asks(&found, Status::WaitingInput, Reason::MissingInput);
    stage.bed.accounts(&[Case::new("hole", "auto")]);
    let input = json!({"id": "hole", "lane": "auto", "account": "AC-hole", "text": "who is it?"});
    stage
        .settle(&found, &json!({"settle": "supply", "input": input}))
        .await;
    done(&stage.rest("hole").await);

    let old = json!({"crm/accounts": [{"id": "AC-old", "tier": "gold", "owner": "ann", "updated_at": "@-100d"}]});
    stage.bed.world.seed(&old, crate::bed::now()).unwrap();
    assert_eq!(
        stage
            .bed
            .send(&stage.node.url, &Case::new("old", "auto"))
            .await,
        Some(202)
    );
    let found = stage.rest("old").await;
    assert_eq!(
        found.run.reason,
        Some(Reason::StaleSource),
        "{}",
        found.ending()
    );
    assert!(
        stage
            .bed
            .world
            .entries("model")
            .iter()
            .all(|e| !String::from_utf8_lossy(&e.body).contains("Case old")),
        "a stale record reached the model"
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_that_misbehave() {
    let stage = Stage::new().await;
    let lost = || Script {
        drop: Some(Cut::AfterApply),
        ..Script::default()
    };
    // B: the same key again; the other side answers from memory.
    stage.at("desk", "/desk/notes-b", "POST", lost());
    done(&stage.play(&Case::new("b", "auto")).await);
    assert_eq!(
        stage.requests("desk", "notes-b"),
        [(true, false), (false, true)]
    );

    // E: the search finds it; nothing is sent again.
    stage.at("box", "/box/drafts-e", "POST", lost());
    done(&stage.play(&Case::new("e", "search")).await);
    assert_eq!(stage.requests("box", "drafts-e"), [(true, false)]);

    // F: nobody can know; a person says what the mailbox shows.
    stage.at("mail", "", "DATA", lost());
    let found = stage.play(&Case::new("f", "mail")).await;
    asks(&found, Status::InReview, Reason::UncertainAction);
    let letters = |s: &Stage| {
        s.bed
            .world
            .entries("mail")
            .iter()
            .filter(|e| e.applied)
            .count()
    };
    assert_eq!(letters(&stage), 1);
    stage
        .settle(
            &found,
            &json!({"settle": "happened", "text": "seen in the outbox"}),
        )
        .await;
    done(&stage.rest("f").await);
    assert_eq!(letters(&stage), 1, "never twice after an unclear answer");

    // D: somebody changes the record while the model thinks.
    let answer = json!({"grade": "low", "summary": "fine"});
    stage.says(ModelRule {
        contains: Some("Case moved".into()),
        answer: Some(answer),
        model: Some("stub-1".into()),
        delay_ms: 500,
        ..ModelRule::default()
    });
    let case = Case::new("moved", "version");
    stage.bed.accounts(std::slice::from_ref(&case));
    assert_eq!(stage.bed.send(&stage.node.url, &case).await, Some(202));
    until("the model is asked", || async {
        stage
            .bed
            .world
            .entries("model")
            .iter()
            .any(|e| String::from_utf8_lossy(&e.body).contains("Case moved"))
            .then_some(())
    })
    .await;
    let moved = json!({"crm/accounts": [{"id": "AC-moved", "tier": "gold", "owner": "bea", "updated_at": "@-0s", "version": "9"}]});
    stage.bed.world.seed(&moved, crate::bed::now()).unwrap();
    let found = stage.rest("moved").await;
    asks(&found, Status::InReview, Reason::TargetChanged);
    let flag = found.actions.iter().find(|a| a.name == "flag").unwrap();
    assert_eq!(flag.state, ActionState::Blocked);
    assert!(
        stage.bed.world.entries("crm").iter().all(|e| !e.applied),
        "somebody's change was written over"
    );

    // Refused for now, with a wish beyond the own delays: kept, and sent once.
    stage.at(
        "desk",
        "/desk/tickets/slow",
        "PUT",
        Script {
            status: Some(429),
            retry_after: Some(json!(1)),
            ..Script::default()
        },
    );
    done(&stage.play(&Case::new("slow", "auto")).await);
    // Refused for good: a person.
    stage.at(
        "desk",
        "/desk/tickets/never",
        "PUT",
        Script {
            status: Some(422),
            ..Script::default()
        },
    );
    asks(
        &stage.play(&Case::new("never", "auto")).await,
        Status::InReview,
        Reason::ActionFailed,
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_asks_and_never_decides() {
    let stage = Stage::new().await;
    let found = stage.play(&Case::new("waits", "review")).await;
    asks(&found, Status::InReview, Reason::Rule);
    let chain = found.reviews[0].chain.clone();
    assert_eq!(chain, ["pia", "boris", "edda", "rhea"]);
    for next in &chain[1..] {
        stage.advance(Duration::from_secs(5 * 3600)).await;
        until(&format!("the task goes to {next}"), || async {
            let review = stage
                .bed
                .reader()
                .review(found.reviews[0].id)
                .await
                .ok()??;
            assert!(!review.state.is_decided(), "time decided: {review:?}");
            (review.owner == *next).then_some(())
        })
        .await;
    }
    assert!(stage.requests("desk", "notes-waits").is_empty());

    // A run that cannot get on is put before its owner when its deadline passes.
    stage.model(Script {
        status: Some(503),
        retry_after: Some(json!(86_000)),
        ..Script::default()
    });
    let case = Case::new("late", "auto");
    stage.bed.accounts(std::slice::from_ref(&case));
    assert_eq!(stage.bed.send(&stage.node.url, &case).await, Some(202));
    until("it waits", || async {
        read_all(&stage.bed.reader())
            .await
            .get("late")
            .filter(|f| f.run.state.status == Status::RetryWait)
            .map(|_| ())
    })
    .await;
    stage.advance(Duration::from_secs(13 * 3600)).await;
    asks(&stage.rest("late").await, Status::InReview, Reason::Overdue);
    stage.end().await;
}

/// A second workflow on the same node goes on while the model of the first is slow.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_workflow_slows_no_other() {
    let stage = Stage::new().await;
    stage.bed.install_twin().await;
    let answer = json!({"grade": "low", "summary": "fine"});
    let slow = ModelRule {
        provider: Some("grader".into()),
        answer: Some(answer),
        model: Some("stub-1".into()),
        delay_ms: 1_500,
        ..ModelRule::default()
    };
    stage.bed.world.answer(slow).unwrap();
    let cases: Vec<Case> = (0..160)
        .map(|i| Case::new(format!("s{i:02}"), "auto"))
        .collect();
    let quick: Vec<Case> = (0..10)
        .map(|i| Case::new(format!("q{i}"), "auto"))
        .collect();
    stage.bed.accounts(&cases);
    stage.bed.accounts(&quick);
    let sent = cases.iter().map(|c| stage.bed.send(&stage.node.url, c));
    for answer in futures::future::join_all(sent).await {
        assert_eq!(answer, Some(202));
    }
    for case in &quick {
        let answer = stage
            .bed
            .client
            .post(
                &format!("{}/api/v1/triggers/twin", stage.node.url),
                &case.event(),
            )
            .await
            .unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    until("the quick ones are done", || async {
        let all = read_all(&stage.bed.reader()).await;
        let open = |p: char| {
            all.iter()
                .filter(|(e, f)| e.starts_with(p) && !f.run.state.status.is_terminal())
                .count()
        };
        let (slow, quick) = (open('s'), open('q'));
        assert!(
            slow > 0 || quick == 0,
            "the quick workflow waited for the slow one"
        );
        (quick == 0).then_some(())
    })
    .await;
    stage.bed.finish(&stage.node, &cases).await;
    stage.end().await;
}
