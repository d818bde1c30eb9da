//! Sets a workflow's stage: up one step at a time, on evidence, with a word to its people; down at any
//! time, any distance.

use std::sync::Arc;

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Run, Workflow};
use tuesday_domain::watch::{EntryCondition, Judged, Standing, judge};
use tuesday_domain::workflow::Stage;

use super::standing::{Move, contended, reasoned};
use super::watch::counted_from;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// A condition of a stage with its present figure.
type Entry = (EntryCondition, Judged);

/// The next stage up.
#[derive(Clone, Debug)]
pub struct NextStage {
    /// The stage.
    pub stage: Stage,
    /// What must be true for it, with the present figures.
    pub conditions: Vec<Entry>,
    /// Nobody wrote any down, and this stage needs some.
    pub undeclared: bool,
    /// They are others than when the present stage began.
    pub changed: bool,
    /// What the rollout plan leaves open: who changes what, and which figure shows that it stuck.
    pub blanks: Vec<String>,
}

impl NextStage {
    /// What keeps it from being taken besides its conditions, or should make one look twice.
    #[must_use]
    pub fn remark(&self) -> Option<&'static str> {
        if self.undeclared {
            Some("Nobody wrote down what must be true for it, so it cannot begin.")
        } else if self.changed {
            Some("Its conditions were changed after the present stage began.")
        } else {
            None
        }
    }
}

impl Engine {
    /// The stage that binds a run now: that of its acceptance, or the present one where it is lower.
    pub(crate) fn stage_of(&self, run: &Run) -> Stage {
        let row = self.0.catalog.cached_workflow(&run.workflow);
        row.map_or(run.stage, |w| run.stage.min(w.stage_in_force()))
    }

    /// Moves the stage. Going up, every declared entry condition must be true, somebody must have
    /// reviewed the evidence since the present stage began, and `notice` tells the people concerned.
    ///
    /// When something else changed the row meanwhile it is decided again from what stands there then: always
    /// on the way down; on the way up as long as nothing moved that a person goes by.
    ///
    /// # Errors
    /// `stage_skipped`, `label_cap`, `capacity_undeclared`, `gate_not_passed` beyond drafts unless the
    /// live release passed its pack not long ago, `entry_condition` naming the one that is not true,
    /// `decision_required`, `capacity_exceeded` when people could not keep up with it, `review_required`, `bad_request` without a
    /// notice, `reason_required`, `workflow_retired`, `revision_moved` when label, stage, switch, release, rules or
    /// restriction moved on the way up, `unknown_workflow`.
    pub async fn set_stage(
        &self,
        name: &str,
        to: Stage,
        notice: Option<&str>,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        let seen = self.not_retired(name).await?;
        contended(true, || {
            Box::pin(self.staged((name, &seen), to, notice, by, reason))
        })
        .await
    }

    async fn staged(
        &self,
        (name, seen): (&str, &Workflow),
        to: Stage,
        notice: Option<&str>,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let mut row = self.not_retired(name).await?;
        if to > row.stage && !stands(&row, seen) {
            let words = format!("{name} was changed by somebody else meanwhile");
            return Err(Problem::new("revision_moved", words)
                .way_out("look at what it is now, and go up if that is still right"));
        }
        let mut facts: Vec<(&'static str, serde_json::Value)> = Vec::new();
        let mut told = format!("stage {} from now on", to.word().replace('_', " "));
        if to > row.stage {
            may_follow(&row, to)?;
            if to > Stage::DraftOnly {
                Box::pin(self.live_passed(&row)).await?;
            }
            self.has_capacity(&row, to).await?;
            let text = notice.map(str::trim).filter(|t| !t.is_empty());
            let text = text.ok_or_else(|| {
                let words = "going up needs a word to the people concerned";
                Problem::new("bad_request", words)
                    .field("notice")
                    .way_out("say what changes for them: --notice …")
            })?;
            let (entries, changed) = self.entry(&row, to).await?;
            if entries.is_empty() && to >= Stage::ApprovalFirst {
                let words = format!("nobody wrote down what must be true for stage {to}");
                return Err(Problem::new("entry_condition", words).way_out(format!(
                    "declare [[rollout.entry]] with stage = \"{to}\" in the package and release it"
                )));
            }
            if let Some((_, judged)) = entries.iter().find(|(_, j)| j.standing != Standing::Met) {
                let words = format!("not true yet for stage {to}: {}", judged.words);
                return Err(Problem::new("entry_condition", words).way_out(
                    "go up when every condition is true; tuesday workflow show has the figures",
                ));
            }
            self.has_room_at(&row, to).await?;
            self.reviewed_since_stage(&row).await?;
            let figures: Vec<_> = entries.into_iter().map(|(_, j)| j.words).collect();
            facts.push(("conditions", figures.into()));
            let blanks = self.plan_blanks(&row, to).await?;
            if !blanks.is_empty() {
                facts.push(("plan_blank", blanks.into()));
            }
            facts.push(("conditions_changed", changed.into()));
            facts.push(("notice", text.into()));
            told = format!("{told}. {text}");
        }
        let words = format!("stage {} {to}", row.stage);
        row.stage = to;
        row.rollout.staged_at = Some(self.now());
        let mut moved = Move::new(row, "workflow.stage", words).tell(told);
        moved.facts = facts;
        self.commit_move(moved, by, reason).await
    }

    /// The stage above the present one, as far as the label allows one, with what must be true for it.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub async fn next_stage(&self, row: &Workflow) -> Result<Option<NextStage>, Problem> {
        let mut above = Stage::ALL.iter().copied().filter(|s| *s > row.stage);
        let Some(stage) = above.next().filter(|s| *s <= row.label.cap()) else {
            return Ok(None);
        };
        let (conditions, changed) = self.entry(row, stage).await?;
        Ok(Some(NextStage {
            stage,
            undeclared: conditions.is_empty() && stage >= Stage::ApprovalFirst,
            conditions,
            changed,
            blanks: self.plan_blanks(row, stage).await?,
        }))
    }

    /// What the rollout plan leaves open before the workflow goes up to a stage. A warning: it stops nothing.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub async fn plan_blanks(&self, row: &Workflow, to: Stage) -> Result<Vec<String>, Problem> {
        if to <= row.stage {
            return Ok(Vec::new());
        }
        self.plan_left_open(row).await
    }

    /// What the rollout plan of the live release leaves open.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub async fn plan_left_open(&self, row: &Workflow) -> Result<Vec<String>, Problem> {
        let release = self.loaded_release(row.live_release).await?;
        let rollout = &release.ready.def.rollout;
        Ok(rollout.plan.blanks(&rollout.scope))
    }

    /// The conditions of the next stage with their figures, and whether they are others than when the
    /// present stage began.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub async fn entry(&self, row: &Workflow, to: Stage) -> Result<(Vec<Entry>, bool), Problem> {
        let release = self.loaded_release(row.live_release).await?;
        let began = row.rollout.staged_at.unwrap_or(row.installed_at);
        let from = began.max(counted_from(row));
        let mut out = Vec::new();
        let all = &release.ready.def.rollout.entry;
        for entry in all.iter().filter(|e| e.stage == to) {
            let rule = entry.as_rule();
            let reading = self.figure_of(row, &rule, from, &release.ready).await?;
            out.push((entry.clone(), judge(&rule, &reading)));
        }
        let before = self.0.reader.releases(&row.name).await;
        let mut before = before.map_err(read_problem)?.into_iter();
        let before = before.find(|r| r.created_at <= began).map(|r| r.id);
        let changed = match before.filter(|id| *id != row.live_release) {
            Some(id) => self.loaded_release(id).await?.ready.def.rollout.entry != *all,
            None => false,
        };
        Ok((out, changed))
    }

    async fn loaded_release(
        &self,
        id: tuesday_domain::id::ReleaseId,
    ) -> Result<Arc<LiveRelease>, Problem> {
        let release = self.0.catalog.release(&self.0.reader, id).await;
        release.map_err(|e| Problem::new("unavailable", e.to_string()))
    }
}

/// What a person goes by who takes a workflow up stands as it was seen. The rest of the row is the engine's own:
/// what a confidence is worth, how a load is answered.
fn stands(row: &Workflow, seen: &Workflow) -> bool {
    let of = |w: &Workflow| (w.label, w.stage, w.switch, w.live_release, w.rules_version);
    of(row) == of(seen)
        && row.rollout.scope == seen.rollout.scope
        && row.rollout.staged_at == seen.rollout.staged_at
        && row.rollout.switched_at == seen.rollout.switched_at
}

fn may_follow(row: &Workflow, to: Stage) -> Result<(), Problem> {
    if to > row.label.cap() {
        let words = format!("label {} allows at most {}", row.label, row.label.cap());
        return Err(
            Problem::new("label_cap", words).way_out("a higher label is earned from evidence")
        );
    }
    if !to.follows(row.stage) {
        let words = format!("from {} to {to} skips a stage", row.stage);
        let next = Stage::ALL.iter().find(|s| **s > row.stage);
        let next = next.map_or("", |s| s.word());
        return Err(Problem::new("stage_skipped", words)
            .field("stage")
            .way_out(format!("the next stage is {next}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tuesday_domain::id::ReleaseId;
    use tuesday_domain::time::Timestamp;
    use tuesday_domain::workflow::{Label, Switch};

    use super::*;

    #[test]
    fn only_what_a_person_goes_by_keeps_a_way_up_from_being_decided_again() {
        let seen = Workflow {
            name: "w".into(),
            title: "W".into(),
            owner: "rhea".into(),
            label: Label::Production,
            stage: Stage::Shadow,
            switch: Switch::Running,
            live_release: ReleaseId::new(uuid::Uuid::from_u128(1)),
            rules_version: 1,
            installed_at: Timestamp::from_micros(0),
            rollout: tuesday_domain::record::Rollout::default(),
            version: 3,
        };
        let moved = |change: &dyn Fn(&mut Workflow)| {
            let mut row = seen.clone();
            change(&mut row);
            !stands(&row, &seen)
        };
        assert!(!moved(&|w| w.version = 4));
        assert!(!moved(
            &|w| w.rollout.counted_from = Some(Timestamp::from_micros(9))
        ));
        assert!(moved(&|w| w.switch = Switch::Paused));
        assert!(moved(&|w| w.stage = Stage::Off));
        assert!(moved(&|w| w.label = Label::Pilot));
        assert!(moved(&|w| w.rules_version = 2));
        assert!(moved(
            &|w| w.live_release = ReleaseId::new(uuid::Uuid::from_u128(2))
        ));
        assert!(moved(&|w| w.rollout.scope.percent = Some(10)));
        assert!(moved(
            &|w| w.rollout.switched_at = Some(Timestamp::from_micros(9))
        ));
    }
}
