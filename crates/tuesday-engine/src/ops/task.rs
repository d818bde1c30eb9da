//! What every act on a review task needs: the rows, the right, and the same refusals everywhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Action, Change, Grant, Job, Lease, Payload, PayloadKind, Review, Run, Seed,
};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::snapshot::{Snapshot, sha256_hex};
use tuesday_store::ApplyError;

use super::approve::Decided;
use super::release::ToRead;
use super::rules::RulesNews;
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::worker::Held;
use crate::worker::drive::{Work, hand_over};

/// A task with everything a decision looks at.
pub(crate) struct Task {
    pub(crate) review: Review,
    pub(crate) run: Run,
    pub(crate) release: Arc<LiveRelease>,
    pub(crate) payloads: Vec<Payload>,
    pub(crate) actions: Vec<Action>,
    /// The first stored bytes that are not what was committed to.
    pub(crate) damaged: Option<String>,
    /// The rules changed since the workflow was installed: what must be read before deciding.
    pub(crate) news: Option<RulesNews>,
    /// The release that must be read before deciding.
    pub(crate) release_news: Option<ToRead>,
    /// What active persons hold on the workflow now: who may decide, and who may see what.
    pub(crate) grants: Vec<Grant>,
    /// Who had a part in the approval that a second look asks about; none for other tasks.
    pub(crate) had_part: Vec<String>,
    /// The known error that the task is; nobody may be told before it is decided.
    pub(crate) seed: Option<Seed>,
    /// Who has learnt to decide here; none where the workflow does not ask for it.
    pub(crate) trained: Option<BTreeSet<String>>,
}

impl Task {
    /// The exact bytes of a payload.
    pub(crate) fn bytes(&self, n: u32) -> Option<Vec<u8>> {
        self.payloads
            .iter()
            .find(|p| p.n == n)
            .map(|p| p.bytes.clone())
    }

    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.run
            .snapshot_ref
            .and_then(|n| self.bytes(n))
            .and_then(|b| serde_json::from_slice(&b).ok())
    }

    pub(crate) fn facts(&self) -> Option<Value> {
        let snapshot = self.snapshot()?;
        let facts = tuesday_domain::snapshot::facts_of(&self.release.ready.def, &snapshot, |n| {
            self.bytes(n)
        })?;
        Some(tuesday_domain::decide::plan_facts(&facts, &snapshot))
    }

    /// The output in force, as text and as JSON.
    pub(crate) fn output(&self) -> Option<(String, Value)> {
        let text = String::from_utf8(self.bytes(self.run.output_ref?)?).ok()?;
        let value = parsed(&text)?;
        Some((text, value))
    }

    /// The model's own text for these inputs, with its payload number; what a person's edit is held
    /// against.
    pub(crate) fn model_output(&self) -> Option<(u32, Value)> {
        let frozen = self.run.snapshot_ref?;
        let made = self
            .payloads
            .iter()
            .filter(|p| p.kind == PayloadKind::Output && p.n > frozen)
            .max_by_key(|p| p.n)?;
        let text = std::str::from_utf8(&made.bytes).ok()?;
        Some((made.n, parsed(text)?))
    }

    /// What `person` holds on the workflow; nothing once deactivated.
    pub(crate) fn rights(&self, person: &str) -> Rights {
        let own = self.grants.iter().filter(|g| g.person == person);
        Rights::new(own.cloned().collect())
    }

    /// The tier lists its people: nobody else approves its outputs.
    fn closed(&self) -> bool {
        self.review.kind == ReviewKind::Output && self.tier().is_some_and(|t| !t.people.is_empty())
    }

    fn decides(&self, person: &str) -> bool {
        let r = &self.review;
        self.rights(person)
            .decides(&r.workflow, &r.tier, self.closed())
    }

    /// The known error, once it is decided.
    pub(crate) fn told_seed(&self) -> Option<Seed> {
        self.seed.clone().filter(|s| s.result.is_some())
    }

    /// The answer to a decision request that counted already.
    ///
    /// # Errors
    /// `key_reused` when the key came with another request before.
    pub(crate) fn repeated(&self, request: Option<&Request>) -> Result<Option<Decided>, Problem> {
        let Some(request) = request else {
            return Ok(None);
        };
        let mut kept = self.review.request_keys.iter();
        let Some(kept) = kept.find(|k| k.starts_with(&request.key)) else {
            return Ok(None);
        };
        if *kept != request.text() {
            return Err(Problem::new(
                "key_reused",
                "this idempotency key came with another request before",
            )
            .way_out("send a new request with a key of its own"));
        }
        let review = self.review.clone();
        let given = u32::try_from(review.approved_by.len()).unwrap_or(u32::MAX);
        let left = if review.state.is_decided() {
            0
        } else {
            review.approvals_needed.saturating_sub(given)
        };
        let mut done = Decided::of(review, self.run.clone(), left);
        done.recall_until = super::recall::recall_until(&self.actions, self.run.updated_at);
        done.seed = self.told_seed();
        Ok(Some(done))
    }
}

/// Names the first payload whose bytes do not open its commitment: whatever is read from it may have
/// been changed behind the log's back.
pub(crate) fn damaged(payloads: &[Payload]) -> Option<String> {
    payloads
        .iter()
        .find(|p| !p.commitment.opens_with(&p.salt, &p.bytes))
        .map(|p| {
            if tuesday_domain::privacy::is_gone(p) {
                format!("stored {} {} was erased", p.kind, p.n)
            } else {
                format!("stored {} {} does not match its commitment", p.kind, p.n)
            }
        })
}

/// How a request is remembered: its person and key, and what it asked for, as hashes.
pub(crate) struct Request {
    key: String,
    act: String,
}

impl Request {
    /// `act` is the whole request, without its key.
    pub(crate) fn new(by: &str, key: Option<&str>, act: &Value) -> Option<Self> {
        let key = sha256_hex(format!("{by}\n{}", key?).as_bytes());
        let act = sha256_hex(act.to_string().as_bytes());
        Some(Self { key, act })
    }

    /// As it is kept on the task.
    pub(crate) fn text(&self) -> String {
        format!("{}:{}", self.key, self.act)
    }
}

/// An output's text as JSON, with or without a code fence around it.
pub(crate) fn parsed(text: &str) -> Option<Value> {
    tuesday_domain::json::parse_strict(unfenced(text).as_bytes()).ok()
}

fn unfenced(text: &str) -> &str {
    let t = text.trim();
    t.strip_prefix("```json")
        .or_else(|| t.strip_prefix("```"))
        .and_then(|t| t.strip_suffix("```"))
        .map_or(t, str::trim)
}

impl Engine {
    pub(crate) async fn task(&self, id: ReviewId) -> Result<Task, Problem> {
        let reader = &self.0.reader;
        let mut review = reader
            .review(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        let found = reader
            .work(review.run)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&review.run.to_string()))?;
        let release = self
            .0
            .catalog
            .release(reader, found.run.release)
            .await
            .map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        // Somebody decided between the two reads: the task is read again, so that whoever comes late
        // hears who was faster and not that the run is in another state.
        if !review.state.is_decided() && !found.run.state.status.wants_person() {
            review = reader
                .review(id)
                .await
                .map_err(read_problem)?
                .ok_or_else(|| not_found(&id.to_string()))?;
        }
        let had_part = self.had_part(&review).await?;
        let seed = self.seed_of(&review).await?;
        let news = Box::pin(self.rules_news(&review.workflow)).await?;
        let release_news = self.release_news(&review.workflow).await?;
        let mut grants = reader
            .grants_on(&review.workflow)
            .await
            .map_err(read_problem)?;
        let now = self.now();
        grants.retain(|g| g.holds(now));
        let trained = self.trained(&review.workflow, &release.ready.def).await?;
        Ok(Task {
            damaged: damaged(&found.payloads),
            review,
            run: found.run,
            release,
            payloads: found.payloads,
            actions: found.actions,
            news,
            release_news,
            grants,
            had_part,
            seed,
            trained,
        })
    }

    /// Commits a decision of a person; a race is told as the refusal it is.
    pub(crate) async fn commit_task(&self, id: ReviewId, draft: Draft) -> Result<Run, Problem> {
        let (decision, run) = draft.finish();
        match self.apply(decision).await {
            Ok(_) => Ok(run),
            Err(ApplyError::Conflict { .. }) => Err(self.who_won(id).await),
            Err(e) => Err(apply_problem(e)),
        }
    }

    async fn who_won(&self, id: ReviewId) -> Problem {
        match self.0.reader.review(id).await {
            Ok(Some(r)) if r.state.is_decided() => already_decided(&r),
            Ok(_) => Problem::new("revision_moved", "the task changed since it was read")
                .way_out("read it again"),
            Err(e) => read_problem(e),
        }
    }

    /// Queues the run again: with a free worker on this node, under its lease at once.
    pub(crate) fn queue(&self, draft: &mut Draft, release: &LiveRelease) -> Option<Held> {
        let now = draft.run.updated_at;
        let place = self
            .0
            .slots
            .take(&draft.run.workflow, release.ready.def.limits.concurrency);
        let lease = place.as_ref().map(|_| Lease {
            node: self.0.config.node.clone(),
            until: now.plus(self.0.config.lease),
        });
        let fence = i64::from(lease.is_some());
        draft.change(Change::InsertJob(Job {
            run: draft.run.id,
            workflow: draft.run.workflow.clone(),
            due_at: now,
            fence,
            lease,
        }));
        place
    }

    /// Queues the run for later: nobody holds it meanwhile.
    pub(crate) fn queue_at(&self, draft: &mut Draft, due_at: tuesday_domain::time::Timestamp) {
        draft.change(Change::InsertJob(Job {
            run: draft.run.id,
            workflow: draft.run.workflow.clone(),
            due_at,
            fence: 0,
            lease: None,
        }));
    }

    /// Hands the queued run to the place that was taken for it.
    pub(crate) fn go_on(&self, place: Option<Held>, work: Work) {
        match place {
            Some(place) => hand_over(self, place, work),
            None => self.0.slots.left_over(),
        }
    }
}

impl Work {
    /// A run that a person sent on, with what the task had read anyway.
    pub(crate) fn from_task(task: &Task, run: Run, actions: Vec<(Action, Value)>) -> Self {
        let body = Arc::new(task.bytes(run.body_ref).unwrap_or_default());
        let input = tuesday_domain::json::parse_strict(&body).unwrap_or(Value::Null);
        Self {
            run,
            fence: 1,
            release: Arc::clone(&task.release),
            body,
            input,
            snapshot: task.snapshot(),
            facts: task.facts(),
            flags: Vec::new(),
            actions,
            accepted: crate::steps::recheck::accepted(&task.payloads, task.run.snapshot_ref),
            damaged: task.damaged.clone(),
            repair: None,
            attempt: None,
            spend: None,
            fresh_lease: true,
            turns: None,
        }
    }
}

pub(crate) fn not_found(id: &str) -> Problem {
    Problem::new("not_found", format!("there is no {id}"))
}

pub(crate) fn already_decided(review: &Review) -> Problem {
    let winner = review
        .decided_by
        .clone()
        .unwrap_or_else(|| "the system".to_owned());
    let what = review.decision.map_or_else(
        || review.state.word(),
        tuesday_domain::record::ReviewDecision::word,
    );
    let mut problem = Problem::new(
        "already_decided",
        format!("{winner} has decided this: {what}"),
    )
    .with("winner", winner)
    .with("decision", what);
    if let Some(at) = review.decided_at {
        problem = problem.with("decided_at", at.rfc3339());
    }
    problem
}

/// The checks that come before any decision: undecided, same revision, nobody else on it, allowed.
pub(crate) fn may_decide(
    task: &Task,
    by: &str,
    revision: Option<u32>,
    now: tuesday_domain::time::Timestamp,
) -> Result<(), Problem> {
    let r = &task.review;
    if r.state.is_decided() {
        return Err(already_decided(r));
    }
    if r.state == ReviewState::Suspended {
        return Err(Problem::new(
            "illegal_state",
            "the workflow is paused: reading is allowed, deciding is not",
        ));
    }
    if revision.is_some_and(|seen| seen != r.revision) {
        let detail = format!(
            "the task is at revision {}, you saw {}",
            r.revision,
            revision.unwrap_or(0)
        );
        return Err(Problem::new("revision_moved", detail)
            .with("revision", r.revision)
            .way_out("read it again"));
    }
    if let (Some(holder), Some(until)) = (&r.claimed_by, r.claim_until)
        && holder != by
        && until > now
    {
        return Err(Problem::new(
            "claimed_by_other",
            format!("{holder} is on it until {until}"),
        )
        .with("winner", holder.clone())
        .with("until", until.rfc3339()));
    }
    if !allowed(task, by) {
        return Err(
            Problem::new("not_allowed", format!("{by} may not decide this task"))
                .with("people", json!(people(task)))
                .way_out("ask one of the named persons, or escalate"),
        );
    }
    if task.trained.as_ref().is_some_and(|t| !t.contains(by)) {
        let words = format!("{by} has not passed the practice of {}", r.workflow);
        return Err(Problem::new("training_needed", words)
            .way_out(format!("ten cases: /workflows/{}/practice", r.workflow))
            .with("practice", format!("/workflows/{}/practice", r.workflow)));
    }
    Ok(())
}

/// Who may decide a task: those the workflow names for it, then others who were granted the role.
pub(crate) fn people(task: &Task) -> Vec<String> {
    let def = &task.release.ready.def;
    let mut out: Vec<String> = Vec::new();
    let tier = task.tier().into_iter().flat_map(|t| &t.people);
    let owners = def.owners.people().into_iter().map(|p| &p.handle);
    let granted = task.grants.iter().map(|g| &g.person);
    let routed = [&task.review.owner].into_iter().chain(&task.review.chain);
    for person in tier.chain(owners).chain(routed).chain(granted) {
        let free = !task.had_part.contains(person);
        if free && !out.contains(person) && allowed(task, person) {
            out.push(person.clone());
        }
    }
    out
}

/// A tier that lists its people is approved by them and by whoever was granted it since; whoever else
/// the task came to can pass it on.
pub(crate) fn listed(task: &Task, by: &str) -> Result<(), Problem> {
    if task.decides(by) {
        return Ok(());
    }
    let named: Vec<String> = people(task)
        .into_iter()
        .filter(|p| task.decides(p))
        .collect();
    Err(Problem::new(
        "not_allowed",
        format!("{by} is not among the people of tier {}", task.review.tier),
    )
    .way_out(format!("ask one of: {}", named.join(", ")))
    .with("people", json!(named)))
}

/// By a role on the workflow that is held now. Whoever a task was passed to may decide it in a tier of
/// others too.
fn allowed(task: &Task, by: &str) -> bool {
    let r = &task.review;
    let routed = r.owner == by || r.chain.iter().any(|p| p == by);
    task.decides(by) || (routed && task.rights(by).may(Act::DecideReview, &r.workflow))
}

/// A draft about the task's run, by a person.
pub(crate) fn draft(
    task: &Task,
    by: &str,
    kind: &'static str,
    now: tuesday_domain::time::Timestamp,
) -> Draft {
    let class: Class = task.release.ready.strictest();
    Draft::on(&task.run, class, Actor::Person(by.to_owned()), kind, now)
}
