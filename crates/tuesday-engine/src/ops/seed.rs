//! Puts a known error into the queue: the output of a decided case, spoilt in a declared way, as a
//! task that looks like any other.
//!
//! It can write nothing. The row of the seed is committed before its run exists; with that row the
//! database refuses every action of the run, whatever the code above it does, and a decision of the
//! task ends the run. No job is ever made for it.

use serde_json::Value;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::decide::plan_facts;
use tuesday_domain::definition::FaultSpec;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Attempt, AuditEntry, Change, Decision, DeskChange, Payload, PayloadKind, Review, Run, Seed,
    SeedResult, Subject,
};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::route::{Planned, plan};
use tuesday_domain::run::{RunEvent, RunState};
use tuesday_domain::seeding::{spoil, wanted};
use tuesday_domain::snapshot::{Snapshot, facts_of};
use tuesday_domain::time::Timestamp;
use tuesday_store::{ApplyError, Work as Found};

use super::task::{damaged, not_found, parsed};
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::steps::route::bound_to;
use crate::steps::{Ask, open_review};

/// How many decided cases are looked at for one that the fault fits.
const SOURCES: usize = 50;
/// The span that the declared share is about.
const WEEK: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// Which known error is wanted.
#[derive(Clone, Debug, Default)]
pub struct SeedWish {
    /// One of the declared faults; any when absent.
    pub fault: Option<String>,
    /// The decided run it is made from; any when absent.
    pub run: Option<RunId>,
}

/// A known error that stands in the queue.
#[derive(Clone, Debug)]
pub struct SeedPlaced {
    /// What it is.
    pub seed: Seed,
    /// Its task.
    pub review: Review,
}

/// How many were placed, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedTally {
    /// All of them.
    pub placed: u64,
    /// Found by whoever decided.
    pub caught: u64,
    /// Approved with the fault in them.
    pub missed: u64,
}

/// A decided case with a fault in its output.
struct Spoilt {
    source: Review,
    found: Found,
    fault: FaultSpec,
    output: Value,
    snapshot: Snapshot,
}

impl Engine {
    /// `by` puts a known error of `workflow` into the queue.
    ///
    /// # Errors
    /// `not_allowed`, `unknown_workflow`; `nothing_to_seed` when the package declares no such fault or
    /// no decided case fits it.
    pub async fn seed(
        &self,
        workflow: &str,
        wish: &SeedWish,
        by: &str,
    ) -> Result<SeedPlaced, Problem> {
        let grants = self.0.reader.grants_on(workflow).await;
        let mut grants = grants.map_err(read_problem)?;
        let now = self.now();
        grants.retain(|g| g.person == by && g.holds(now));
        let (_, live) = self.live(workflow).await?;
        if !Rights::new(grants).may(Act::SeedReview, workflow) {
            let owner = &live.ready.def.owners.operator;
            return Err(Problem::new(
                "not_allowed",
                format!("{by} may not put known errors into the queue of {workflow}"),
            )
            .with("people", vec![owner.handle.clone()])
            .way_out(format!("ask {}", owner.name)));
        }
        let spoilt = self.spoilt(workflow, &live, wish, ids::draw()).await?;
        self.place(&live, spoilt, Actor::Person(by.to_owned()))
            .await
    }

    /// Places one more where the declared share of a workflow wants it; `false` where it does not. Two
    /// nodes that do so at once choose the same case, and one of them finds it taken.
    ///
    /// # Errors
    /// As [`Engine::seed`].
    pub async fn place_seeds(&self, workflow: &str) -> Result<bool, Problem> {
        let (_, live) = self.live(workflow).await?;
        let percent = live.ready.def.review.seeds.weekly_percent;
        if percent <= 0.0 {
            return Ok(false);
        }
        let since = self.now().minus(WEEK);
        let share = self.0.reader.seed_share(workflow, since).await;
        let (ever, placed, decided) = share.map_err(read_problem)?;
        if !wanted(percent, decided, placed) {
            return Ok(false);
        }
        let name = tuesday_domain::snapshot::sha256_hex(format!("{workflow} {ever}").as_bytes());
        let pick = u32::from_str_radix(name.get(..8).unwrap_or_default(), 16).unwrap_or(0);
        let wish = SeedWish::default();
        let spoilt = self.spoilt(workflow, &live, &wish, pick).await?;
        let by = Actor::System("seeds");
        self.place(&live, spoilt, by).await.map(|_| true)
    }

    /// The first case, from a drawn one on, that a fault fits.
    async fn spoilt(
        &self,
        workflow: &str,
        live: &LiveRelease,
        wish: &SeedWish,
        pick: u32,
    ) -> Result<Spoilt, Problem> {
        let faults = wished(live, wish)?;
        let reader = &self.0.reader;
        let sources = reader.seed_sources(workflow, live.id, SOURCES).await;
        let sources = sources.map_err(read_problem)?;
        let mut outputs: Vec<(Review, Found, Value)> = Vec::new();
        for source in sources {
            let found = reader.work(source.run).await.map_err(read_problem)?;
            let Some(found) = found else { continue };
            if let Some(output) = output_of(&found) {
                outputs.push((source, found, output));
            }
        }
        let count = outputs.len();
        let start = usize::try_from(pick).unwrap_or(0);
        for i in 0..count {
            let at = (start + i) % count;
            let (source, found, output) = &outputs[at];
            if wish.run.is_some_and(|run| run != source.run) {
                continue;
            }
            let others = (1..count).map(|n| &outputs[(at + n) % count].2);
            let fits = (0..faults.len()).map(|n| &faults[(start + n) % faults.len()]);
            for fault in fits {
                if let Some((output, snapshot)) =
                    fitting(live, found, output, fault, others.clone())
                {
                    return Ok(Spoilt {
                        source: source.clone(),
                        found: found.clone(),
                        fault: fault.clone(),
                        output,
                        snapshot,
                    });
                }
            }
        }
        Err(Problem::new(
            "nothing_to_seed",
            "no decided case of the release in force fits a declared fault",
        )
        .way_out("let people approve some cases first; a known error is made from one of them"))
    }

    async fn place(
        &self,
        live: &LiveRelease,
        spoilt: Spoilt,
        by: Actor,
    ) -> Result<SeedPlaced, Problem> {
        let attempts = self.0.reader.attempts(spoilt.found.run.id).await;
        let attempts = attempts.map_err(read_problem)?;
        let now = self.now();
        let (draft, review) = run_of(live, &spoilt, attempts, now)?;
        let seed = Seed {
            run: draft.run.id,
            result: None,
            decided_by: None,
            decided_at: None,
            version: 1,
            workflow: draft.run.workflow.clone(),
            tier: review.tier.clone(),
            fault: spoilt.fault.name.clone(),
            field: spoilt.fault.field.clone(),
            made_from: Some(spoilt.found.run.id),
            placed_by: by.to_string(),
            placed_at: now,
        };
        let subject = Subject::Workflow(seed.workflow.clone());
        let entry = AuditEntry::new(now, by, "seed.placed", subject)
            .fact("seed", seed.run.to_string())
            .fact("fault", seed.fault.clone())
            .fact("field", seed.field.clone())
            .fact("made_from", spoilt.found.run.id.to_string());
        // First the row that keeps the run from ever acting, then the run.
        self.crash_point("seed.before_mark_commit");
        let mark = Decision {
            changes: vec![Change::Desk(Box::new(DeskChange::InsertSeed(seed.clone())))],
            entry,
        };
        self.apply(mark).await.map_err(taken)?;
        self.crash_point("seed.after_mark_commit");
        let (decision, _) = draft.finish();
        self.crash_point("seed.before_commit");
        self.apply(decision).await.map_err(apply_problem)?;
        self.crash_point("seed.after_commit");
        Ok(SeedPlaced { seed, review })
    }

    /// How the known errors of a workflow fared.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn seed_tally(&self, workflow: &str) -> Result<SeedTally, Problem> {
        let (from, to) = (Timestamp::from_micros(0), self.now().plus(WEEK));
        let figures = self.0.reader.seed_figures(from, to).await;
        let mut tally = SeedTally::default();
        for f in figures.map_err(read_problem)? {
            if f.workflow != workflow {
                continue;
            }
            tally.placed += f.seeds;
            match f.result {
                Some(SeedResult::Caught) => tally.caught += f.seeds,
                Some(SeedResult::Missed) => tally.missed += f.seeds,
                None => {}
            }
        }
        Ok(tally)
    }

    /// The known error that a task is, for the engine alone until it is decided.
    pub(crate) async fn seed_of(&self, review: &Review) -> Result<Option<Seed>, Problem> {
        if review.kind != ReviewKind::Output {
            return Ok(None);
        }
        self.0.reader.seed(review.run).await.map_err(read_problem)
    }
}

/// Another node chose the same case at the same moment.
fn taken(e: ApplyError) -> Problem {
    match e {
        ApplyError::Conflict { .. } => Problem::new(
            "nothing_to_seed",
            "the case was taken for another known error at this moment",
        )
        .way_out("ask again"),
        e => apply_problem(e),
    }
}

/// The declared faults that are asked for.
fn wished(live: &LiveRelease, wish: &SeedWish) -> Result<Vec<FaultSpec>, Problem> {
    let declared = &live.ready.def.review.seeds.fault;
    let named = |f: &&FaultSpec| wish.fault.as_ref().is_none_or(|n| *n == f.name);
    let faults: Vec<FaultSpec> = declared.iter().filter(named).cloned().collect();
    if faults.is_empty() {
        let names: Vec<&str> = declared.iter().map(|f| f.name.as_str()).collect();
        let p = Problem::new("nothing_to_seed", "the package declares no such fault");
        return Err(p
            .field("fault")
            .with("faults", names.clone())
            .way_out(if names.is_empty() {
                "declare a [[review.seeds.fault]] in the package".to_owned()
            } else {
                format!("one of: {}", names.join(", "))
            }));
    }
    Ok(faults)
}

/// The approved output of an intact record.
fn output_of(found: &Found) -> Option<Value> {
    if damaged(&found.payloads).is_some() {
        return None;
    }
    let n = found.run.output_ref?;
    let stored = found.payloads.iter().find(|p| p.n == n)?;
    parsed(std::str::from_utf8(&stored.bytes).ok()?)
}

/// The spoilt output, when it still looks like one: it meets the schema and has an effect to show.
fn fitting<'a>(
    live: &LiveRelease,
    found: &Found,
    output: &Value,
    fault: &FaultSpec,
    others: impl Iterator<Item = &'a Value>,
) -> Option<(Value, Snapshot)> {
    let candidates = std::iter::once(None).chain(others.map(Some));
    let mut wrong = candidates.filter_map(|other| spoil(output, fault, other));
    let wrong = wrong.find(|w| live.ready.output.check(w).is_empty())?;
    let snapshot = frozen(found)?;
    effects(live, found, found.run.id, &snapshot, &wrong)?;
    Some((wrong, snapshot))
}

fn frozen(found: &Found) -> Option<Snapshot> {
    let n = found.run.snapshot_ref?;
    let stored = found.payloads.iter().find(|p| p.n == n)?;
    serde_json::from_slice(&stored.bytes).ok()
}

/// What approving would write if it were no known error: what the page shows and the task is bound to.
fn effects(
    live: &LiveRelease,
    found: &Found,
    run: RunId,
    snapshot: &Snapshot,
    output: &Value,
) -> Option<Vec<Planned>> {
    let bytes = |n| {
        let stored = found.payloads.iter().find(|p| p.n == n);
        stored.map(|p| p.bytes.clone())
    };
    let facts = facts_of(&live.ready.def, snapshot, bytes)?;
    let facts = plan_facts(&facts, snapshot);
    plan(&live.ready, run, found.run.stage, &facts, output).ok()
}

/// The run that carries it, as one that came in now and was sent to the same people for the same
/// reasons.
fn run_of(
    live: &LiveRelease,
    spoilt: &Spoilt,
    attempts: Vec<Attempt>,
    now: Timestamp,
) -> Result<(Draft, Review), Problem> {
    let old = &spoilt.found.run;
    let ready = &live.ready;
    let run = Run {
        id: ids::run(),
        event_id: ids::salt_text(),
        batch: ready.zone.day(now),
        state: RunState::accepted(false),
        reason: None,
        owner: None,
        payloads: 0,
        snapshot_ref: None,
        output_ref: None,
        verdict_ref: None,
        version: 1,
        received_at: now,
        updated_at: now,
        deadline_at: now.plus(ready.def.limits.deadline.0),
        finished_at: None,
        rerun_of: None,
        ..old.clone()
    };
    let mut draft = Draft::new_run(run, ready.strictest(), Actor::System("worker"), now);
    copy(&mut draft, old, &spoilt.found.payloads);
    let text = spoilt.output.to_string();
    let n = draft.payload(PayloadKind::Output, text.clone().into_bytes());
    draft.run.output_ref = Some(n);
    for event in [
        RunEvent::SnapshotTaken,
        RunEvent::LeaseTaken,
        RunEvent::RoutedReview,
    ] {
        draft.event(event)?;
    }
    for attempt in attempts {
        draft.change(Change::InsertAttempt(Box::new(Attempt {
            run: draft.run.id,
            started_at: now,
            answer_ref: attempt.answer_ref.map(|_| n),
            ..attempt
        })));
    }
    let id = draft.run.id;
    let effects = effects(live, &spoilt.found, id, &spoilt.snapshot, &spoilt.output);
    let effects = effects.ok_or_else(|| not_found(&old.id.to_string()))?;
    let source = &spoilt.source;
    let ask = Ask {
        tier: source.tier.clone(),
        bound_to: bound_to(&text, &spoilt.snapshot, &effects),
        ..Ask::output(
            source.reason,
            source.reasons.clone(),
            RunEvent::RoutedReview,
        )
    };
    let review = open_review(&ready.def, &draft.run, ask, now);
    draft.fact("reason", review.reason.word());
    draft.open_review(review.clone());
    Ok((draft, review))
}

/// Keeps what was read and how it was routed under the numbers that the manifest knows them by.
fn copy(draft: &mut Draft, old: &Run, payloads: &[Payload]) {
    let mut kept: Vec<&Payload> = payloads
        .iter()
        .filter(|p| {
            matches!(p.kind, PayloadKind::Source)
                || [Some(old.body_ref), old.snapshot_ref, old.verdict_ref].contains(&Some(p.n))
        })
        .collect();
    kept.sort_by_key(|p| p.n);
    for p in kept {
        draft.run.payloads = p.n - 1;
        let n = draft.payload_of_class(p.kind, p.class, p.bytes.clone());
        if old.snapshot_ref == Some(p.n) {
            draft.run.snapshot_ref = Some(n);
        }
        if old.verdict_ref == Some(p.n) {
            draft.run.verdict_ref = Some(n);
        }
    }
}
