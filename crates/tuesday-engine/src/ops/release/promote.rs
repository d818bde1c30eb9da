//! An approved release becomes the live one: new runs get it, reviewers hear of it before its output
//! reaches them. While another change settles, or nothing may change, it waits its turn.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseState, Workflow};
use tuesday_domain::release::ReleaseEvent;
use tuesday_domain::release::news::ReleaseNews;
use tuesday_domain::settling::{Changed, Waiting, frozen, watch};
use tuesday_domain::time::Timestamp;

use super::approve::{beside_another, not_passed};
use super::reviewers_told::live_notices;
use super::{GateRecord, entry, moved};
use crate::engine::Engine;

/// What became of a promotion.
#[derive(Clone, Debug)]
pub struct Promoted {
    /// The release: live, or still approved.
    pub release: Release,
    /// It waits for the change before it: not before this moment.
    pub after: Option<Timestamp>,
}

impl Engine {
    /// `by` puts an approved release live, or in line behind the change that settles now, or behind a freeze.
    ///
    /// # Errors
    /// `gate_not_passed` unless it is approved on exactly this text and the table in force, and was
    /// compared with the release that is live now (one that waits is compared when its turn comes),
    /// `reviewers_not_told`, `not_allowed`.
    pub async fn promote_release(&self, id: ReleaseId, by: &Actor) -> Result<Promoted, Problem> {
        let row = self.release_row(id).await?;
        self.may_release(Act::ProposeRelease, &row.workflow, by)
            .await?;
        self.gate_passed(&row, ReleaseState::Approved).await?;
        let workflow = self.standing(&row.workflow).await?;
        let live = self.loaded(workflow.live_release).await?;
        let now = self.now();
        let freeze = frozen(&live.ready.def.freeze, now);
        if freeze.is_some() || workflow.rollout.changes.busy() {
            // Until when a freeze lasts that cannot be read, nobody knows: it waits all the same.
            let over = freeze.map(|f| f.span().map_or(now, |(_, until)| until));
            return self.in_line(row, workflow, over, by).await;
        }
        let release = Box::pin(self.go_live(id, by)).await?;
        Ok(Promoted {
            release,
            after: None,
        })
    }

    async fn in_line(
        &self,
        row: Release,
        mut workflow: Workflow,
        freeze_over: Option<Timestamp>,
        by: &Actor,
    ) -> Result<Promoted, Problem> {
        let now = self.now();
        let changes = &mut workflow.rollout.changes;
        let settled = changes.settling.map_or(now, |s| s.until);
        let after = freeze_over.map_or(settled, |over| over.max(settled));
        let done = Promoted {
            release: row.clone(),
            after: Some(after),
        };
        let Actor::Person(person) = by else {
            return Ok(done);
        };
        if changes.waiting.iter().any(|w| w.release == row.id) {
            return Ok(done);
        }
        changes.waiting.push(Waiting {
            release: row.id,
            by: person.clone(),
            at: now,
            test: None,
        });
        workflow.version += 1;
        let entry = entry("release.waits", &row, by, now).fact("after", after.rfc3339());
        let changes = vec![Change::PutWorkflow(Box::new(workflow))];
        self.commit_release(Decision { changes, entry }).await?;
        Ok(done)
    }

    /// `by` puts an approved release live, in whatever state the line is.
    ///
    /// # Errors
    /// As [`Engine::promote_release`].
    pub(in crate::ops) async fn go_live(
        &self,
        id: ReleaseId,
        by: &Actor,
    ) -> Result<Release, Problem> {
        let mut row = self.release_row(id).await?;
        self.may_release(Act::ProposeRelease, &row.workflow, by)
            .await?;
        let mut gate = self.gate_passed(&row, ReleaseState::Approved).await?;
        let mut workflow = self.standing(&row.workflow).await?;
        let old = self.release_row(workflow.live_release).await?;
        let record = GateRecord::of(Some(&gate)).map_err(|why| not_passed(&row, &why))?;
        if let Some(why) = beside_another(&record, &old) {
            return Err(not_passed(&row, &why));
        }
        let loaded = self.loaded(id).await?;
        let (away, _, away_words) = moved(&old, ReleaseEvent::Supersede)?;
        let (change, to, words) = moved(&row, ReleaseEvent::Promote)?;
        row.state = to;
        let (now, def) = (self.now(), &loaded.ready.def);
        workflow.live_release = id;
        workflow.title.clone_from(&def.workflow.title);
        workflow.owner.clone_from(&def.owners.operator.handle);
        workflow.version += 1;
        // What is live stands by for nobody.
        workflow.rollout.alternative.take_if(|a| *a == id);
        let (why, agreed) = (gate.reason.as_deref(), gate.decided_by.as_deref());
        let put_live = by.to_string();
        let known_to = [Some(row.created_by.as_str()), agreed, Some(&put_live)];
        let news = self.news_of(&row, &loaded, &old, why, known_to).await?;
        // Before the first run with it: its output finds people who know.
        let coming = live_title(&row, &old, "goes live", news.as_ref());
        let heard = self.tell_reviewers(&row, def, &coming, by).await?;
        let title = live_title(&row, &old, "is live", news.as_ref());
        let changes = &mut workflow.rollout.changes;
        let told_of = news.as_ref().map(|n| n.words.clone());
        news.into_iter().for_each(|n| changes.tell(n));
        changes.waiting.retain(|w| w.release != id);
        let (came, back) = (id, old.id);
        changes.settling = watch(def.settling.as_ref(), Changed::Release { came, back }, now);
        gate.live_at = Some(now);
        let mut entry = entry("release.live", &row, by, now).fact("before", old.number);
        if let Some(words) = &told_of {
            entry = entry.fact("changed", words.clone());
        }
        entry.moves.extend([words, away_words]);
        let mut changes = vec![away, change];
        let before = self.loaded(old.id).await?;
        let shipped = self.shipped_rules(&workflow, (&before, &loaded), by, now);
        let mut table = String::new();
        if let Some(shipped) = shipped.await? {
            entry = entry.fact("rules", shipped.words.clone());
            changes.extend(shipped.changes);
            table = format!("; {}", shipped.words);
        }
        changes.extend(self.named(def, by, now).await?);
        changes.push(Change::PutWorkflow(Box::new(workflow)));
        changes.push(Change::PutGate(Box::new(gate)));
        let title = format!("{title}{table}");
        changes.extend(live_notices(&row, def, &heard, &title, now));
        self.crash_point("live.before_commit");
        self.commit_release(Decision { changes, entry }).await?;
        self.crash_point("live.after_commit");
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(row)
    }
}

/// One line that tells people what is live, and what they see differently.
fn live_title(row: &Release, old: &Release, does: &str, news: Option<&ReleaseNews>) -> String {
    format!(
        "{}: release {} {does} in place of release {}{}",
        row.workflow,
        row.number,
        old.number,
        news.map(|n| format!(": {}", n.words)).unwrap_or_default()
    )
}
