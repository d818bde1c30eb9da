//! The turn of a release in the line has come, and something else is live than it was judged beside: a
//! node evaluates it again. With the same text and nothing worse, its approval stands and it goes live
//! by itself; otherwise it goes back to whoever queued it, with the reason. A model that does not answer
//! is asked again a declared number of times, then the release goes back as well.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::eval::{Paired, Summary};
use tuesday_domain::outlet::widened;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, GateRow, Release, ReleaseFix, ReleaseState, Workflow,
};
use tuesday_domain::release::ReleaseEvent;
use tuesday_domain::release::guards::given_up;
use tuesday_domain::settling::{LineTest, SettlingSpec, Waiting, frozen};
use tuesday_domain::time::Timestamp;

use super::approve::{Judged, beside_another};
use super::evaluate::Bench;
use super::{Evaluation, GateRecord, entry, moved, told};
use crate::engine::{Engine, read_problem};

const SYSTEM: Actor = Actor::System("line");
/// A test of a node that was killed goes on, there or on another one, after so long.
const LEASE: Duration = Duration::from_secs(60);
/// So often a node says that its test still goes on.
const RENEW: Duration = Duration::from_secs(20);
/// How often a change that lost to another one is decided again.
const AGAIN: u32 = 4;

/// What may become of the release whose turn it is.
pub(in crate::ops) enum Turn {
    /// It goes live.
    Ready,
    /// It is tested first: this is why.
    Test(String),
    /// Nothing can put it live.
    Gone,
}

/// What a test came to.
struct Tested {
    record: GateRecord,
    fix: Option<ReleaseFix>,
    /// What the approval says nothing about: what it reaches beyond the present live release only.
    wider: Vec<String>,
}

impl Engine {
    /// Where the next release in the line stands, beside what is live now.
    pub(in crate::ops) async fn turn_of(
        &self,
        workflow: &Workflow,
        next: &Waiting,
    ) -> Result<Turn, Problem> {
        let row = self.release_row(next.release).await?;
        if row.state == ReleaseState::Evaluating && next.test.is_some() {
            let gate = self.0.reader.gate(row.id).await.map_err(read_problem)?;
            let approved = gate.is_some_and(|g| g.decided_by.is_some());
            let why = "its test against the live release is not over";
            return Ok(if approved {
                Turn::Test(why.to_owned())
            } else {
                Turn::Gone
            });
        }
        if row.state != ReleaseState::Approved {
            return Ok(Turn::Gone);
        }
        Ok(match self.gate_standing(&row).await? {
            Judged::No(_) => Turn::Gone,
            Judged::Again(why) => Turn::Test(why),
            Judged::Holds(_, record) => {
                let live = self.release_row(workflow.live_release).await?;
                beside_another(&record, &live).map_or(Turn::Ready, Turn::Test)
            }
        })
    }

    /// Tests the next release in the line where it has to be. Of two nodes one does it.
    ///
    /// # Errors
    /// When the database does not answer; what keeps this release alone away takes it out of the line.
    pub(crate) async fn test_next(&self, seen: &Workflow) -> Result<(), Problem> {
        let row = self.standing(&seen.name).await?;
        let changes = &row.rollout.changes;
        let (None, Some(next)) = (changes.settling, changes.waiting.first().cloned()) else {
            return Ok(());
        };
        let live = self.loaded(row.live_release).await?;
        let def = &live.ready.def;
        let now = self.now();
        if frozen(&def.freeze, now).is_some() {
            return Ok(());
        }
        let mine = &self.0.config.node;
        if next.test.as_ref().is_some_and(|t| !t.free_for(mine, now)) {
            return Ok(());
        }
        let why = match self.turn_of(&row, &next).await {
            Ok(Turn::Test(why)) => why,
            Ok(Turn::Ready | Turn::Gone) => return Ok(()),
            Err(p) if p.code == "unavailable" => return Err(p),
            // `follow` tells why.
            Err(_) => return Ok(()),
        };
        let most = SettlingSpec::tests(def.settling.as_ref()).0;
        let done = next.test.as_ref().map_or(0, |t| t.tries);
        if done >= most {
            let words = format!("its test against the live release did not end in {done} tries");
            return self.returned(&next, &words).await;
        }
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        match Box::pin(self.tested(row, &next, done + 1, why, def)).await {
            Err(p) if p.code == "unavailable" || p.code == "illegal_state" => Err(p),
            Err(p) => self.returned(&next, &p.detail).await,
            Ok(()) => Ok(()),
        }
    }

    async fn tested(
        &self,
        row: Workflow,
        next: &Waiting,
        tries: u32,
        why: String,
        def: &Definition,
    ) -> Result<(), Problem> {
        let release = self.release_row(next.release).await?;
        let before = self.0.reader.gate(release.id).await.map_err(read_problem)?;
        // Never fewer tries of a case than what was approved rests on.
        let repeats = before.map_or(0, |g| g.repeats);
        let mut bench = self.bench(release, repeats).await?;
        let gate = self.test_begun(row, next, &bench, tries, &why).await?;
        bench.row = self.release_row(next.release).await?;
        let earlier = self.results_so_far(&bench).await?;
        let how = Evaluation {
            repeats: 0,
            at_once: 0,
            progress: &|_, _| {},
        };
        let cases = self.cases_tried(&bench, earlier, &how, Some(&SYSTEM));
        let (summary, paired, _) = self.while_tested(next, tries, cases).await?;
        let (most, pause) = SettlingSpec::tests(def.settling.as_ref());
        if let Some(why) = unanswered(&summary)
            && tries < most
        {
            return self.test_later(next, tries, why, pause.0).await;
        }
        self.test_ended(next, &bench, gate, summary, paired).await
    }

    /// Does the work while this node has the test, and keeps it. A release that leaves the line meanwhile
    /// ends the work.
    async fn while_tested<T>(
        &self,
        next: &Waiting,
        tries: u32,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(RENEW) => {}
            }
            let release = self.release_row(next.release).await?;
            self.on_the_line(next, |row, at, now| {
                row.rollout.changes.waiting[at].test = Some(self.test_claim(tries, now));
                let entry = entry("release.tested", &release, &SYSTEM, now);
                (Vec::new(), entry.fact("goes_on", true).fact("try", tries))
            })
            .await?;
        }
    }

    fn test_claim(&self, tries: u32, now: Timestamp) -> LineTest {
        LineTest {
            tries,
            node: self.0.config.node.clone(),
            until: now.plus(LEASE),
            why: None,
        }
    }

    /// This node has the test; the release is `evaluating`, and its approval is kept beside it.
    async fn test_begun(
        &self,
        mut row: Workflow,
        next: &Waiting,
        bench: &Bench,
        tries: u32,
        why: &str,
    ) -> Result<GateRow, Problem> {
        let (now, release) = (self.now(), &bench.row);
        let before = self.0.reader.gate(release.id).await.map_err(read_problem)?;
        let Some(before) = before.filter(|g| g.decided_by.is_some()) else {
            return Err(Problem::new("gate_not_passed", "nobody has approved it"));
        };
        let entry = bench.facts(entry("release.tested", release, &SYSTEM, now));
        let mut entry = entry.fact("why", why).fact("try", tries);
        let mut changes = Vec::new();
        let gate = if release.state == ReleaseState::Evaluating {
            before
        } else {
            let (change, _, words) = moved(release, ReleaseEvent::Evaluate)?;
            entry.moves.push(words);
            changes.extend([
                change,
                Change::DropEvalParts {
                    release: release.id,
                },
            ]);
            GateRow {
                decided_at: before.decided_at,
                decided_by: before.decided_by,
                reason: before.reason,
                cleared_at: before.cleared_at,
                cleared_by: before.cleared_by,
                ..bench.gate(&SYSTEM, now)
            }
        };
        changes.push(Change::PutGate(Box::new(gate.clone())));
        let waiting = &mut row.rollout.changes.waiting;
        for w in waiting.iter_mut().filter(|w| w.release == next.release) {
            w.test = Some(self.test_claim(tries, now));
        }
        row.version += 1;
        changes.push(Change::PutWorkflow(Box::new(row)));
        self.crash_point("retest.before_begin_commit");
        self.commit_release(Decision { changes, entry }).await?;
        self.crash_point("retest.after_begin_commit");
        Ok(gate)
    }

    /// The model did not answer: the release waits, and says why.
    async fn test_later(
        &self,
        next: &Waiting,
        tries: u32,
        why: String,
        pause: Duration,
    ) -> Result<(), Problem> {
        let release = self.release_row(next.release).await?;
        self.on_the_line(next, |row, at, now| {
            row.rollout.changes.waiting[at].test = Some(LineTest {
                tries,
                node: self.0.config.node.clone(),
                until: now.plus(pause),
                why: Some(why.clone()),
            });
            let entry = entry("release.waits", &release, &SYSTEM, now);
            let entry = entry.fact("why", why.clone()).fact("try", tries);
            (Vec::new(), entry)
        })
        .await
    }

    /// The gate has said something: the approval stands, or the release goes back.
    async fn test_ended(
        &self,
        next: &Waiting,
        bench: &Bench,
        gate: GateRow,
        summary: Summary,
        paired: Paired,
    ) -> Result<(), Problem> {
        let judged = self.judgement(bench, gate.started_at, summary, paired);
        let (record, fix) = judged.await?;
        // Somebody may have evaluated it anew meanwhile: then this test says nothing any more.
        let stored = self
            .0
            .reader
            .gate(bench.row.id)
            .await
            .map_err(read_problem)?;
        if stored.is_none_or(|g| g.started_at != gate.started_at || g.started_by != gate.started_by)
        {
            return Err(Problem::new(
                "illegal_state",
                "another evaluation of it began",
            ));
        }
        let wider = if record.verdict.passed {
            self.wider_than_approved(bench, &gate, &record).await?
        } else {
            Vec::new()
        };
        let tested = Tested { record, fix, wider };
        let (changes, entry) = self.after_test(bench, gate, &tested)?;
        let back = tested.why_back();
        self.on_the_line(next, |row, at, now| {
            let mut all = changes.clone();
            let waiting = &mut row.rollout.changes.waiting;
            let mut entry = AuditEntry {
                at: now,
                ..entry.clone()
            };
            match &back {
                None => waiting[at].test = None,
                Some(why) => {
                    waiting.remove(at);
                    all.push(went_back(&bench.row, next, why, now));
                    entry = entry
                        .fact("why", why.clone())
                        .fact("returned_to", next.by.clone());
                }
            }
            (all, entry)
        })
        .await
    }

    /// What the test moves: the release, its gate, its approval.
    fn after_test(
        &self,
        bench: &Bench,
        mut gate: GateRow,
        tested: &Tested,
    ) -> Result<(Vec<Change>, AuditEntry), Problem> {
        let now = self.now();
        let (bytes, hash) = tested.record.bytes();
        gate.finished_at = Some(now);
        gate.judged = Some(bytes);
        gate.judged_hash = Some(hash);
        let mut entry = tested
            .record
            .told(entry("release.judged", &bench.row, &SYSTEM, now));
        let mut row = bench.row.clone();
        let mut changes = Vec::new();
        let events: &[ReleaseEvent] = match (tested.record.verdict.passed, tested.wider.is_empty())
        {
            (true, true) => &[ReleaseEvent::Pass, ReleaseEvent::Approve],
            (true, false) => &[ReleaseEvent::Pass],
            (false, _) => &[ReleaseEvent::Block],
        };
        for event in events {
            let (change, to, words) = moved(&row, *event)?;
            row.state = to;
            changes.push(change);
            entry.moves.push(words);
        }
        if row.state == ReleaseState::Approved {
            let by = gate.decided_by.clone().unwrap_or_default();
            entry = entry.fact("approval_of", by);
        } else {
            (gate.decided_at, gate.decided_by, gate.reason) = (None, None, None);
            (gate.cleared_at, gate.cleared_by) = (None, None);
        }
        changes.push(Change::PutGate(Box::new(gate)));
        let fix = tested.fix.clone();
        changes.extend(fix.map(|fix| Change::PutFix(Box::new(fix))));
        Ok((changes, entry))
    }

    /// What the release reaches or gives up beside the present live release, and did not beside the one
    /// that whoever approved and cleared it saw.
    async fn wider_than_approved(
        &self,
        bench: &Bench,
        gate: &GateRow,
        record: &GateRecord,
    ) -> Result<Vec<String>, Problem> {
        let mut wider = self.widens(&bench.row).await?;
        if wider.is_empty() {
            return Ok(wider);
        }
        let all = self.0.reader.releases(&bench.row.workflow).await;
        let now = record.evidence.compared.as_ref().map(|c| &c.baseline_hash);
        let mut known: Option<Vec<String>> = None;
        for old in all.map_err(read_problem)? {
            let hash = crate::catalog::hex(&old.hash);
            let was_live = matches!(
                old.state,
                ReleaseState::Superseded | ReleaseState::RolledBack
            );
            if !was_live || Some(&hash) == now {
                continue;
            }
            let live_then = self.0.reader.gate(old.id).await.map_err(read_problem)?;
            let live_at = live_then.and_then(|g| g.live_at).unwrap_or(old.created_at);
            if gate.decided_at.is_none_or(|at| live_at > at) {
                continue;
            }
            // Any of them may have been the live one that day: only what each of them shows was agreed to.
            let (old, new) = (self.loaded(old.id).await?, self.loaded(bench.row.id).await?);
            let mut seen = widened(&old.ready, &new.ready);
            seen.extend(given_up(
                (&old.package, &old.ready.def),
                (&new.package, &new.ready.def),
            ));
            known = Some(match known {
                None => seen,
                Some(all) => all.into_iter().filter(|w| seen.contains(w)).collect(),
            });
        }
        let known = known.unwrap_or_default();
        wider.retain(|w| !known.contains(w));
        Ok(wider)
    }

    /// A release leaves the line without a judgement.
    async fn returned(&self, next: &Waiting, why: &str) -> Result<(), Problem> {
        let release = self.release_row(next.release).await?;
        let gate = self.0.reader.gate(release.id).await.map_err(read_problem)?;
        self.on_the_line(next, |row, at, now| {
            row.rollout.changes.waiting.remove(at);
            let mut changes = vec![went_back(&release, next, why, now)];
            // Its approval was for a judgement that is not there any more.
            if release.state == ReleaseState::Evaluating
                && let Some(gate) = gate.clone()
            {
                changes.push(Change::PutGate(Box::new(GateRow {
                    decided_at: None,
                    decided_by: None,
                    reason: None,
                    cleared_at: None,
                    cleared_by: None,
                    ..gate
                })));
            }
            let entry = entry("release.returned", &release, &SYSTEM, now);
            let entry = entry.fact("why", why).fact("returned_to", next.by.clone());
            (changes, entry)
        })
        .await
    }

    /// Changes the place of a release in the line, beside whatever else changes the workflow meanwhile.
    async fn on_the_line(
        &self,
        next: &Waiting,
        decide: impl Fn(&mut Workflow, usize, Timestamp) -> (Vec<Change>, AuditEntry),
    ) -> Result<(), Problem> {
        let mut last = None;
        for _ in 0..AGAIN {
            let mut row = self
                .standing(&self.release_row(next.release).await?.workflow)
                .await?;
            let waiting = &row.rollout.changes.waiting;
            let Some(at) = waiting.iter().position(|w| w.release == next.release) else {
                let words = "it is not in the line any more";
                return Err(Problem::new("illegal_state", words));
            };
            let (mut changes, entry) = decide(&mut row, at, self.now());
            row.version += 1;
            changes.push(Change::PutWorkflow(Box::new(row)));
            self.crash_point("retest.before_commit");
            let done = self.commit_release(Decision { changes, entry }).await;
            self.crash_point("retest.after_commit");
            match done {
                Err(p) if p.code == "illegal_state" => last = Some(p),
                done => return done,
            }
        }
        last.map_or(Ok(()), Err)
    }
}

impl Tested {
    /// Why the release goes back to whoever queued it.
    fn why_back(&self) -> Option<String> {
        if let Some(first) = self.record.verdict.reasons.first() {
            let more = self.record.verdict.reasons.len() - 1;
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            return Some(format!("{}: {}{more}", first.reason, first.detail));
        }
        if !self.record.verdict.passed {
            return Some("the gate stopped it".to_owned());
        }
        (!self.wider.is_empty()).then(|| {
            let wider = self.wider.join("; ");
            format!("it reaches further than what is live now, which nobody approved: {wider}")
        })
    }
}

/// Cases that the model did not answer say nothing about the release.
fn unanswered(summary: &Summary) -> Option<String> {
    let many = summary.errors.count + summary.timeouts.count;
    let first = summary
        .errors
        .first
        .first()
        .or(summary.timeouts.first.first());
    let first = first.map_or("", String::as_str);
    (many > 0).then(|| {
        let why = summary
            .failed
            .iter()
            .find(|f| f.case == first)
            .map(|f| f.faults.join("; "))
            .unwrap_or_default();
        format!(
            "the model did not answer {many} of {} cases, first {first}: {why}",
            summary.cases.of
        )
    })
}

/// The word to whoever queued it.
fn went_back(row: &Release, next: &Waiting, why: &str, now: Timestamp) -> Change {
    let title = format!(
        "{}: release {} does not go live, it was tested against what is live now: {why}",
        row.workflow, row.number
    );
    told(row, &next.by, "release_returned", title, now)
}
