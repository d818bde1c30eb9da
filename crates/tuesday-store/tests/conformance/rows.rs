//! Small rows for tests and probes.

use std::time::Duration;

use serde_json::Map;
use tuesday_domain::action::{Ability, ActionClass, ActionState, action_key};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::audit::Commitment;
use tuesday_domain::id::{ActionId, IntakeId, NoticeId, ReleaseId, ReviewId, RunId, TokenId};
use tuesday_domain::record::*;
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::{Outcome, Reason, ReviewStatus, RunState, Status, Step};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::{Label, Stage, Switch};
use uuid::Uuid;

/// 2026-11-17 09:00 UTC plus `secs`.
pub(crate) fn at(secs: u64) -> Timestamp {
    Timestamp::from_micros(1_795_078_800_000_000).plus(Duration::from_secs(secs))
}

pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn run(workflow: &str, event: &str) -> Run {
    Run {
        id: RunId::new(new_id()),
        workflow: workflow.into(),
        release: ReleaseId::new(Uuid::from_u128(1)),
        event_source: "webhook:ticket".into(),
        event_id: event.into(),
        body_hash: [7; 32],
        requester: "trigger:webhook:ticket".into(),
        subject: format!("Ticket {event}"),
        batch: "2026-11-17".into(),
        stage: Stage::Auto,
        state: RunState::accepted(false),
        reason: None,
        owner: None,
        attempts: 0,
        repairs: 0,
        payloads: 1,
        body_ref: 1,
        snapshot_ref: None,
        output_ref: None,
        verdict_ref: None,
        rules_version: None,
        rules_row: None,
        version: 0,
        received_at: at(0),
        updated_at: at(0),
        deadline_at: at(3600),
        finished_at: None,
        cost_micros: 0,
        cost_unknown: false,
        rerun_of: None,
        scope: None,
    }
}

/// The run one version on, in another state.
pub(crate) fn step(run: &Run, status: Status, at_step: Step) -> Run {
    let mut next = run.clone();
    next.version += 1;
    next.state = RunState {
        status,
        step: at_step,
        ..run.state
    };
    next
}

/// The run one version on, written back.
pub(crate) fn done(run: &Run) -> Run {
    let mut next = step(run, Status::Completed, Step::Confirm);
    next.state.outcome = Some(Outcome::WrittenBack);
    next.finished_at = Some(at(5));
    next
}

/// The run one version on, in front of `owner`.
pub(crate) fn in_review(run: &Run, owner: &str) -> Run {
    let mut next = step(run, Status::InReview, Step::Review);
    next.state.review = ReviewStatus::Pending;
    next.owner = Some(owner.into());
    next.reason = Some(Reason::Rule);
    next
}

pub(crate) fn payload(run: &Run, n: u32, kind: PayloadKind, bytes: usize) -> Payload {
    let bytes: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
    let salt = [n as u8; 16];
    Payload {
        run: run.id,
        n,
        kind,
        class: Class::Internal,
        salt,
        commitment: Commitment::new(&salt, &bytes),
        bytes,
    }
}

pub(crate) fn job(run: &Run, due: Timestamp) -> Job {
    Job {
        run: run.id,
        workflow: run.workflow.clone(),
        due_at: due,
        fence: 0,
        lease: None,
    }
}

/// A job that is handed to a local worker at once.
pub(crate) fn leased(run: &Run, node: &str) -> Job {
    Job {
        fence: 1,
        lease: Some(Lease {
            node: node.into(),
            until: at(30),
        }),
        ..job(run, at(0))
    }
}

pub(crate) fn attempt(run: &Run) -> Attempt {
    Attempt {
        run: run.id,
        seq: run.version,
        step: Step::Generate,
        number: 1,
        started_at: at(1),
        duration_us: 123_456,
        result: AttemptResult::Done,
        code: None,
        detail: None,
        model: Some("gpt-test".into()),
        model_reported: Some("gpt-test-0613".into()),
        request_hash: Some([9; 32]),
        answer_ref: Some(3),
        usage: Some(Usage {
            input_tokens: 812,
            output_tokens: 97,
        }),
        cost_micros: Some(1_234),
        currency: Some("EUR".into()),
        price_version: Some(3),
        bytes_received: 611,
        retry_at: None,
    }
}

pub(crate) fn review(run: &Run, owner: &str, due: Timestamp) -> Review {
    Review {
        id: ReviewId::new(new_id()),
        run: run.id,
        workflow: run.workflow.clone(),
        kind: ReviewKind::Output,
        state: ReviewState::Open,
        tier: "standard".into(),
        subject: run.subject.clone(),
        reason: Reason::Rule,
        reasons: vec![
            "Row r3 asks for a person.".into(),
            "\"quoted\" and ünusual".into(),
        ],
        owner: owner.into(),
        chain: vec![owner.into(), "lena".into()],
        level: 0,
        claimed_by: None,
        claim_until: None,
        due_at: due,
        created_at: at(2),
        decided_at: None,
        decided_by: None,
        decision: None,
        decision_reason: None,
        note: None,
        output_ref: Some(3),
        bound_to: "sha256:00".into(),
        approved_by: vec![],
        exhausted_at: None,
        approvals_needed: 1,
        edited_by: None,
        recheck_ref: None,
        override_kind: None,
        override_ref: None,
        follows: None,
        request_keys: vec![],
        revision: 0,
    }
}

pub(crate) fn action(run: &Run, ordinal: u16, request_ref: u32) -> Action {
    Action {
        id: ActionId::new(new_id()),
        run: run.id,
        ordinal,
        revision: 0,
        name: "reply".into(),
        class: ActionClass::Write,
        ability: Ability::ServerKey,
        target: "TCK-1".into(),
        key: action_key(run.id, ordinal, 0),
        state: ActionState::Authorised,
        request_ref,
        authorised_by: Some("rule:r1@3".into()),
        attempts: 0,
        first_sent_at: None,
        not_before: None,
        receipt_ref: None,
        external_id: None,
        detail: None,
        updated_at: at(2),
        version: 0,
    }
}

pub(crate) fn intake(workflow: &str) -> Intake {
    Intake {
        id: IntakeId::new(new_id()),
        workflow: workflow.into(),
        source: "webhook:ticket".into(),
        event_id: None,
        verdict: IntakeVerdict::Refused,
        code: "input_schema".into(),
        detail: "`amount` is missing.".into(),
        body: b"{}".to_vec(),
        body_len: 2,
        owner: "olga".into(),
        received_at: at(0),
        run: None,
        version: 0,
    }
}

pub(crate) fn notice(person: &str, due: Timestamp) -> Notice {
    Notice {
        id: NoticeId::new(new_id()),
        person: person.into(),
        workflow: "support".into(),
        kind: "review_opened".into(),
        title: "A review waits for you".into(),
        path: "/reviews/rev_1".into(),
        state: NoticeState::Waiting,
        attempts: 0,
        due_at: due,
        detail: None,
        created_at: at(0),
        version: 0,
    }
}

pub(crate) fn workflow(name: &str, release: ReleaseId) -> Workflow {
    Workflow {
        name: name.into(),
        title: "Support triage".into(),
        owner: "olga".into(),
        label: Label::Pilot,
        stage: Stage::ApprovalFirst,
        switch: Switch::Running,
        live_release: release,
        rules_version: 1,
        installed_at: at(0),
        rollout: Rollout::default(),
        version: 0,
    }
}

pub(crate) fn release(workflow: &str, number: u32) -> Release {
    Release {
        id: ReleaseId::new(new_id()),
        workflow: workflow.into(),
        number,
        state: ReleaseState::Live,
        hash: [3; 32],
        bundle: b"{\"workflow.toml\":\"\"}".to_vec(),
        artifact: vec![],
        created_at: at(0),
        created_by: "person:olga".into(),
    }
}

pub(crate) fn ruleset(workflow: &str, version: u64) -> RuleSetRow {
    RuleSetRow {
        workflow: workflow.into(),
        version,
        state: RuleSetState::Active,
        csv: "a,b\n1,2\n".into(),
        hash: [4; 32],
        reason: "first".into(),
        created_at: at(0),
        created_by: "person:olga".into(),
        base: None,
        restores: None,
        bound_owner: None,
        decided_at: None,
        decided_by: None,
        starts_at: None,
        ends_at: None,
    }
}

pub(crate) fn person(handle: &str) -> Person {
    Person {
        handle: handle.into(),
        name: "Olga O.".into(),
        email: "olga@example.org".into(),
        active: true,
    }
}

pub(crate) fn token(hash: u8) -> Token {
    Token {
        id: TokenId::new(new_id()),
        hash: [hash; 32],
        scope: Scope::Trigger,
        workflow: Some("support".into()),
        person: None,
        created_at: at(0),
        expires_at: at(1000),
        revoked_at: None,
    }
}

/// A decision about a run at its version.
pub(crate) fn about(run: &Run, kind: &'static str, changes: Vec<Change>) -> Decision {
    decide(Subject::Run(run.id, run.version), kind, changes)
}

pub(crate) fn decide(subject: Subject, kind: &'static str, changes: Vec<Change>) -> Decision {
    let mut entry = AuditEntry::new(at(0), Actor::System("test"), kind, subject);
    entry.moves = vec!["run received queued".into()];
    entry.commits = vec![("event 1".into(), Commitment([5; 32]))];
    entry.facts = Map::new();
    Decision { changes, entry }
}

/// Accepting an event: the run, its body, its job.
pub(crate) fn accept(run: &Run, job: Job) -> Decision {
    about(
        run,
        "run.accepted",
        vec![
            Change::InsertRun(Box::new(run.clone())),
            Change::InsertPayload(payload(run, 1, PayloadKind::Event, 2048)),
            Change::InsertJob(job),
        ],
    )
}
