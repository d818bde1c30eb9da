//! Keeps labels true as time passes: says that evidence is lost, lets the label fall after the grace,
//! asks for the quarterly decision, and pauses a pilot that reached its end without a decision.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::label::{Basis, Next, Standing, unmet};
use tuesday_domain::charter::{PILOT_MOST, PilotState};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, LabelMove, Subject, Workflow};
use tuesday_domain::workflow::{Label, Switch};

use super::gather::standing;
use super::{Gathered, Told, lines};
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;
use crate::ops::standing::Move;

const KEEPER: Actor = Actor::System("label");

impl Engine {
    /// Looks at the labels of all workflows and does what is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_labels(&self) -> Result<(), Problem> {
        let test = self.test_instance().await?;
        for workflow in self.0.reader.workflows().await.map_err(read_problem)? {
            // One workflow that cannot be judged must not keep the others from being looked at.
            match Box::pin(self.keep_label(&workflow, test)).await {
                // Another node did it.
                Err(e) if e.code == "revision_moved" => {}
                Err(e) => {
                    tracing::warn!(workflow = %workflow.name, error = %e, "the label could not be looked at");
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Does to a workflow's label what is due. Two nodes that do so at once do it once: the event has
    /// one number.
    ///
    /// # Errors
    /// When the database does not answer, or another change came first.
    pub(crate) async fn keep_label(
        &self,
        seen: &Workflow,
        test_instance: bool,
    ) -> Result<(), Problem> {
        if matches!(seen.label, Label::Research | Label::Retired) {
            return Ok(());
        }
        let events = self
            .0
            .reader
            .label_events(&seen.name)
            .await
            .map_err(read_problem)?;
        // A granted label rests on nothing that could be lost: the rest is not even read.
        if standing(seen, &events, test_instance).basis == Basis::Granted {
            return Ok(());
        }
        let gathered = self.gather(&seen.name).await?;
        let now = gathered.now;
        let standing = gathered.standing();
        let lost = unmet(gathered.row.label, &gathered.picture());
        // The end of a pilot pauses it and takes no evidence away.
        let lost: Vec<_> = lost
            .into_iter()
            .filter(|u| u.topic != tuesday_domain::charter::Topic::PilotEnd)
            .collect();
        if let Some(next) = standing.judge(lost.len(), now) {
            let reasons = lines(&lost, &standing, now);
            return self.carry_out(&gathered, &standing, next, reasons).await;
        }
        self.end_pilot(&gathered).await
    }

    async fn carry_out(
        &self,
        gathered: &Gathered,
        standing: &Standing,
        next: Next,
        reasons: String,
    ) -> Result<(), Problem> {
        let row = &gathered.row;
        let (label, name) = (row.label, row.name.as_str());
        let (kind, to, until, words) = match next {
            Next::Lapse { until } => {
                let day = gathered.live.ready.zone.day(until);
                let words =
                    format!("label {label} lapsing: falls on {day} unless its evidence is back");
                (LabelMove::Lapsing, label, Some(until), words)
            }
            Next::Restore => (
                LabelMove::Restored,
                label,
                None,
                format!("label {label}: its evidence is back"),
            ),
            Next::Fall { to } => (
                LabelMove::Fell,
                to,
                None,
                format!(
                    "label {to} from now on: evidence was lost{}",
                    ends(gathered, to)
                ),
            ),
            Next::Ask => (LabelMove::Asked, label, None, asked(label, gathered)),
        };
        let event = Told {
            workflow: name,
            kind,
            label: to,
            reasons: reasons.clone(),
            until,
            decision: None,
            quarter: None,
            by: KEEPER.to_string(),
        };
        let event = event.behind(standing.seq, gathered.now);
        if to != label {
            let mut row = row.clone();
            row.label = to;
            let mut moved =
                Move::new(row, "workflow.label", format!("label {label} {to}")).tell(words);
            moved.changes = vec![event];
            return self.commit_move(moved, &KEEPER, &reasons).await.map(drop);
        }
        let mut changes = vec![event];
        for person in answerable(gathered) {
            let (path, title) = (
                format!("/workflows/{name}/charter"),
                format!("{name}: {words}"),
            );
            let told = notice(person, name.to_owned(), "label", title, path, gathered.now);
            changes.push(Change::InsertNotice(Box::new(told)));
        }
        let entry = AuditEntry::new(
            gathered.now,
            KEEPER,
            entry_kind(kind),
            Subject::Workflow(name.to_owned()),
        )
        .fact("label", label.word())
        .fact("reasons", reasons);
        self.apply(Decision { changes, entry })
            .await
            .map(drop)
            .map_err(apply_problem)
    }

    /// A pilot whose last day is over without a decision acts no more.
    async fn end_pilot(&self, gathered: &Gathered) -> Result<(), Problem> {
        let acts = gathered.row.switch.acts(gathered.row.stage_in_force());
        if !acts
            || gathered.row.label != Label::Pilot
            || gathered.pilot().state != PilotState::Lapsed
        {
            return Ok(());
        }
        let mut row = gathered.row.clone();
        let before = row.switch;
        row.switch = Switch::Paused;
        row.rollout.switched_at = Some(gathered.now);
        row.rollout.switched_by = Some(KEEPER.to_string());
        let reason = "the pilot's last day is over and nobody has decided: proceed, narrow, redesign, another pilot, stop";
        row.rollout.switch_reason = Some(reason.to_owned());
        let moved = Move::new(row, "workflow.switch", format!("switch {before} paused"))
            .tell("paused: the pilot is over and waits for a decision".to_owned());
        self.commit_move(moved, &KEEPER, reason).await.map(drop)
    }
}

/// Until when a workflow that comes down to a pilot now may be one: it begins there and then.
pub(super) fn ends(gathered: &Gathered, to: Label) -> String {
    if to != Label::Pilot {
        return String::new();
    }
    let last = gathered.now.plus(PILOT_MOST);
    let day = gathered.live.ready.zone.day(last);
    format!("; as a pilot it goes on until {day} at most, and pauses then unless somebody decides")
}

/// The quarterly decision, with the question whether to retire what nobody uses.
fn asked(label: Label, gathered: &Gathered) -> String {
    let retire = gathered.disused();
    let retire = retire.map(|r| format!("; {r}")).unwrap_or_default();
    format!(
        "label {label}: the quarterly decision is due: expand, keep, narrow, pause or retire{retire}"
    )
}

/// Operator owner and sponsor, or who stands in for an owner that left.
pub(super) fn answerable(gathered: &Gathered) -> Vec<String> {
    let owners = &gathered.live.ready.def.owners;
    let active = |handle: &str| {
        gathered
            .people
            .iter()
            .any(|p| p.handle == handle && p.active)
    };
    let operator = [&owners.operator, &owners.backup]
        .into_iter()
        .find(|p| active(&p.handle));
    let mut out: Vec<String> = operator
        .into_iter()
        .chain(owners.sponsor.as_ref().filter(|p| active(&p.handle)))
        .map(|p| p.handle.clone())
        .collect();
    out.dedup();
    out
}

const fn entry_kind(kind: LabelMove) -> &'static str {
    match kind {
        LabelMove::Lapsing => "label.lapsing",
        LabelMove::Restored => "label.restored",
        LabelMove::Asked => "label.review_due",
        _ => "workflow.label",
    }
}
