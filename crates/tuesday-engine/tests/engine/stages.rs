//! A stage is set while the engine changes the same row: it is decided again, down and up, with a word to the
//! people and without; what a person goes by is read anew.

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{AuditEntry, Change, Choice, Decision, Subject};
use tuesday_domain::workflow::Stage;
use tuesday_engine::ops::WorkflowDecision;
use tuesday_testkit::Database;

use crate::bench::Bench;

/// Times each way is taken while something else writes the row.
const ROUNDS: u32 = 12;

impl Bench {
    /// Something that the engine does to the row by itself, once; it may lose.
    async fn beside(&self) {
        let found = self.engine.reader().workflow("small").await;
        let mut row = found.unwrap().unwrap();
        row.version += 1;
        let subject = Subject::Workflow("small".into());
        let now = self.engine.now();
        let mut entry = AuditEntry::new(now, Actor::System("test"), "test.beside", subject);
        entry.moves.push("load a b".into());
        let changes = vec![Change::PutWorkflow(Box::new(row))];
        let _ = self.store.apply(Decision { changes, entry }).await;
    }

    async fn looked_at(&self) {
        let decision = WorkflowDecision {
            choice: Choice::Proceed,
            question: "Are the drafts good?".into(),
            evidence: "the shadow report".into(),
            links: vec!["/workflows/small/charter".into()],
            conditions: Vec::new(),
            reason: "they are".into(),
            supersedes: None,
        };
        let decided = self.engine.decide_workflow("small", decision, "rhea");
        decided.await.unwrap();
    }
}

async fn again(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let rhea = Actor::Person("rhea".into());
    let told = Some("Drafts from now on");
    for _ in 0..ROUNDS {
        let down = e.set_stage("small", Stage::Shadow, told, &rhea, "compare first");
        let (row, ()) = tokio::join!(down, bench.beside());
        assert_eq!(row.unwrap().stage, Stage::Shadow);
        bench.looked_at().await;
        let up = e.set_stage("small", Stage::DraftOnly, told, &rhea, "good");
        let (row, ()) = tokio::join!(up, bench.beside());
        assert_eq!(row.unwrap().stage, Stage::DraftOnly);
    }
    // A word to the people does not make up for what must be true.
    let down = e.set_stage("small", Stage::Shadow, told, &rhea, "compare first");
    down.await.unwrap();
    let up = e.set_stage("small", Stage::DraftOnly, told, &rhea, "good");
    let (refused, ()) = tokio::join!(up, bench.beside());
    assert_eq!(refused.unwrap_err().code, "review_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_decided_again_when_the_engine_changed_the_row() {
    Box::pin(again(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_decided_again_when_the_engine_changed_the_row_on_postgresql() {
    let database = Database::create().await;
    Box::pin(again(Some(&database.url()))).await;
    database.drop().await;
}
