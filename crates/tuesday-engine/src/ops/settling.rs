//! Watches a change until it has settled: a broken guard takes it back, and then the next one follows.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{Change, RuleSetState, Workflow};
use tuesday_domain::settling::{Changed, Changes, Settling, Waiting, frozen};
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::watch::{Judged, PauseRule, judge};

use super::release::Turn;
use super::standing::Move;
use crate::engine::Engine;
use crate::maintenance::notice;

const SYSTEM: Actor = Actor::System("settling");

impl Engine {
    /// Refuses a change while the package declares a freeze.
    ///
    /// # Errors
    /// `change_frozen`.
    pub(super) fn not_frozen(&self, def: &Definition) -> Result<(), Problem> {
        let Some(freeze) = frozen(&def.freeze, self.now()) else {
            return Ok(());
        };
        let words = format!(
            "{} is frozen until {}: {}",
            def.workflow.name, freeze.until, freeze.why
        );
        Err(Problem::new("change_frozen", words).way_out(
            "wait until it is over; pausing, rolling back and tightening are never frozen",
        ))
    }

    /// The guards of the change that settles, with their figures since it.
    pub(super) async fn guards(
        &self,
        row: &Workflow,
        ready: &Ready,
    ) -> Result<Vec<(PauseRule, Judged)>, Problem> {
        let mut out = Vec::new();
        let (Some(open), Some(spec)) = (&row.rollout.changes.settling, &ready.def.settling) else {
            return Ok(out);
        };
        for guard in &spec.guard {
            let reading = self.figure_of(row, guard, open.began_at, ready).await?;
            out.push((guard.clone(), judge(guard, &reading)));
        }
        Ok(out)
    }

    /// Takes a change back whose guard is broken, closes a window that is over, and lets the next
    /// change follow. Looks at the row again, so that two nodes do it once.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn settle_changes(&self, seen: &Workflow) -> Result<(), Problem> {
        let row = self.standing(&seen.name).await?;
        let release = self.loaded(row.live_release).await?;
        let Some(open) = row.rollout.changes.settling else {
            return match row.rollout.changes.waiting.first() {
                Some(next) if frozen(&release.ready.def.freeze, self.now()).is_none() => {
                    let next = next.clone();
                    self.follow(row, next).await
                }
                _ => Ok(()),
            };
        };
        let in_force = match open.changed {
            Changed::Release { came, .. } => row.live_release == came,
            Changed::Rules { came, .. } => row.rules_version == came,
        };
        if !in_force {
            return self.settled(row, "another change took its place").await;
        }
        let guards = self.guards(&row, &release.ready).await?;
        if let Some((guard, judged)) = guards.iter().find(|(_, j)| j.standing.stops()) {
            let why = format!("settling guard {}: {}", guard.name, judged.words);
            return self.take_change_back(row, open, &guard.name, why).await;
        }
        if self.now() >= open.until {
            return self
                .settled(row, "its window is over, no guard broke")
                .await;
        }
        Ok(())
    }

    async fn settled(&self, mut row: Workflow, why: &str) -> Result<(), Problem> {
        row.rollout.changes.settling = None;
        let moved = Move::new(row, "workflow.settled", "settling open over".to_owned());
        self.crash_point("settled.before_commit");
        self.commit_move(moved, &SYSTEM, why).await?;
        self.crash_point("settled.after_commit");
        Ok(())
    }

    /// The next release goes live in the name of who promoted it, when it was judged beside what is live
    /// now; what cannot any more is dropped.
    async fn follow(&self, mut row: Workflow, next: Waiting) -> Result<(), Problem> {
        // What was judged beside another release is tested first; `test_next` does that.
        match self.turn_of(&row, &next).await {
            Ok(Turn::Test(_)) => return Ok(()),
            Err(p) if p.code == "unavailable" => return Err(p),
            Ok(Turn::Ready | Turn::Gone) | Err(_) => {}
        }
        let by = Actor::Person(next.by.clone());
        let why = match Box::pin(self.go_live(next.release, &by)).await {
            Ok(_) => return Ok(()),
            Err(p) if p.code == "unavailable" => return Err(p),
            Err(p) => p.detail,
        };
        row.rollout.changes.waiting.retain(|w| *w != next);
        let words = format!("waiting {} dropped", next.release);
        let mut moved = Move::new(row, "release.dropped", words);
        moved.changes = self.dropped(&moved.row.name, &[next], &why);
        self.commit_move(moved, &SYSTEM, &why).await.map(drop)
    }

    async fn take_change_back(
        &self,
        row: Workflow,
        open: Settling,
        guard: &str,
        why: String,
    ) -> Result<(), Problem> {
        let name = row.name.clone();
        let subject = format!("{name} settling {guard}");
        let broken = Trouble::new(Category::GuardBroken, subject, Some(&name), why.clone());
        let mut more = vec![self.report_trouble(broken)];
        let words = "the change before it was taken back";
        more.extend(self.dropped(&name, &row.rollout.changes.waiting, words));
        match open.changed {
            Changed::Release { came, back } => {
                let (live, back) = (self.release_row(came).await?, self.release_row(back).await?);
                let back = (live, back);
                self.back_to(row, back, (&SYSTEM, why), more)
                    .await
                    .map(drop)
            }
            Changed::Rules { came, .. } => {
                let over = self.rules_row(&name, came).await?;
                if over.state != RuleSetState::Active {
                    return Ok(());
                }
                self.take_rules_back(over, why, more).await
            }
        }
    }

    /// Tells those whose releases do not go live any more.
    pub(super) fn dropped(&self, name: &str, waiting: &[Waiting], why: &str) -> Vec<Change> {
        let tell = |w: &Waiting| {
            let title = format!("{name}: {} does not go live: {why}", w.release);
            let path = format!("/workflows/{name}/releases");
            let (person, name) = (w.by.clone(), name.to_owned());
            let told = notice(person, name, "release_dropped", title, path, self.now());
            Change::InsertNotice(Box::new(told))
        };
        waiting.iter().map(tell).collect()
    }
}

/// The workflow's changes with this one watched from now on; one that is watched already goes on.
pub(super) fn watched_from(
    present: &Changes,
    def: &Definition,
    changed: Changed,
    now: tuesday_domain::time::Timestamp,
) -> Changes {
    let new = || tuesday_domain::settling::watch(def.settling.as_ref(), changed, now);
    Changes {
        settling: present.settling.or_else(new),
        ..present.clone()
    }
}
