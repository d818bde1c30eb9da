//! Copies of a run that the server worked on, with ids and keys of their own, written through the store:
//! no engine makes a million of them in an hour.
//!
//! Two things differ from real ones: the event is cut short to spare the disk, and a copy has one entry
//! in the log instead of four.

use futures::StreamExt as _;
use tuesday_domain::action::action_key;
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::Commitment;
use tuesday_domain::id::{ActionId, ReviewId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Action, Attempt, AuditEntry, Change, Decision, Payload, PayloadKind, Review, Routed, Run,
    Subject,
};
use tuesday_domain::run::Status;
use tuesday_store::{ReadError, RunFilter};
use uuid::Uuid;

use super::package::Bed;
use crate::out::unavailable;

/// Decisions under way at once: enough for full batches.
const AT_ONCE: usize = 512;

/// A run with everything that belongs to it.
pub(super) struct Model {
    run: Run,
    payloads: Vec<Payload>,
    attempts: Vec<Attempt>,
    actions: Vec<Action>,
    /// The task that is open, for a run that waits for a person.
    review: Option<Review>,
}

/// Where one copied task differs from its model.
pub(super) type Differ<'a> = &'a (dyn Fn(u64, &mut Review) + Sync);

impl Model {
    /// The newest run of a workflow that stands there.
    pub(super) async fn read(bed: &Bed, workflow: &str, status: Status) -> Result<Self, Problem> {
        let (reader, failed) = (bed.reader(), |e: ReadError| unavailable(e.to_string()));
        let filter = RunFilter {
            workflow: Some(workflow.to_owned()),
            status: Some(status),
            ..RunFilter::default()
        };
        let page = reader.run_page(&filter, None, 1).await.map_err(failed)?;
        let run = page
            .into_iter()
            .next()
            .ok_or_else(|| unavailable(format!("no run of {workflow} is {status}")))?;
        let reviews = reader.reviews_of(run.id).await.map_err(failed)?;
        Ok(Self {
            payloads: reader.payloads(run.id).await.map_err(failed)?,
            attempts: reader.attempts(run.id).await.map_err(failed)?,
            actions: reader.actions_of(run.id).await.map_err(failed)?,
            review: reviews.into_iter().find(|r| !r.state.is_decided()),
            run,
        })
    }

    /// Copy number `n` of a finished run.
    pub(super) fn copy(&self, n: u64) -> (RunId, Decision) {
        let id = RunId::new(Uuid::now_v7());
        (id, self.decision(id, "history", n, None))
    }

    /// Copy number `n` of a finished run that was routed on other values.
    pub(super) fn copy_routed(&self, n: u64, routed: Routed) -> (RunId, Decision) {
        let (run, mut decision) = self.copy(n);
        let routed = Routed { run, ..routed };
        decision.changes.push(Change::PutRouted(Box::new(routed)));
        (run, decision)
    }

    pub(super) const fn run_id(&self) -> RunId {
        self.run.id
    }

    /// Copy number `n` of a run that waits, with its task.
    pub(super) fn copy_open(&self, n: u64, differ: Differ<'_>) -> (ReviewId, Decision) {
        let (run, id) = (RunId::new(Uuid::now_v7()), ReviewId::new(Uuid::now_v7()));
        let review = self.review.clone().map(|mut review| {
            (review.id, review.run) = (id, run);
            differ(n, &mut review);
            review
        });
        (id, self.decision(run, "open", n, review))
    }

    fn decision(&self, id: RunId, prefix: &str, n: u64, review: Option<Review>) -> Decision {
        let mut run = Run {
            id,
            event_id: format!("{prefix}-{n}"),
            version: 1,
            ..self.run.clone()
        };
        if let Some(review) = &review {
            run.subject.clone_from(&review.subject);
            run.reason = Some(review.reason);
            run.owner = Some(review.owner.clone());
            run.received_at = review.created_at;
        }
        let subject = Subject::Run(id, run.version);
        let mut entry = AuditEntry::new(
            run.updated_at,
            Actor::System("bench"),
            "run.copied",
            subject,
        );
        let mut changes = vec![Change::InsertRun(Box::new(run))];
        for p in &self.payloads {
            let mut p = Payload {
                run: id,
                ..p.clone()
            };
            if p.kind == PayloadKind::Event {
                p.bytes = format!(r#"{{"id":"{prefix}-{n}"}}"#).into_bytes();
                p.commitment = Commitment::new(&p.salt, &p.bytes);
            }
            let name = format!("{}/{}", p.kind, p.n);
            entry.commits.push((name, p.commitment));
            changes.push(Change::InsertPayload(p));
        }
        changes.extend(self.attempts.iter().map(|a| {
            Change::InsertAttempt(Box::new(Attempt {
                run: id,
                ..a.clone()
            }))
        }));
        changes.extend(self.actions.iter().map(|a| {
            Change::InsertAction(Box::new(Action {
                id: ActionId::new(Uuid::now_v7()),
                run: id,
                key: action_key(id, a.ordinal, a.revision),
                ..a.clone()
            }))
        }));
        changes.extend(review.map(|r| Change::InsertReview(Box::new(r))));
        Decision { changes, entry }
    }
}

/// Writes copies, and tells of each, with its number, that it is there.
pub(super) async fn write<I>(
    bed: &Bed,
    copies: impl Iterator<Item = (I, Decision)>,
    mut there: impl FnMut(u64, I),
) -> Result<(), Problem> {
    let mut copies = futures::stream::iter((0..).zip(copies).map(|(n, (id, decision))| {
        let applied = bed.store().apply(decision);
        async move { applied.await.map(|_| (n, id)) }
    }))
    .buffer_unordered(AT_ONCE);
    while let Some(done) = copies.next().await {
        let (n, id) = done.map_err(|e| unavailable(e.to_string()))?;
        there(n, id);
    }
    Ok(())
}
