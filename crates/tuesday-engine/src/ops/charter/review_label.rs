//! The quarterly decision: should it continue at all? A person says expand, keep, narrow, pause or retire; the
//! figures of the quarter are kept with it as they stood. Without it the label lapses.

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, LabelMove, QuarterChoice, QuarterDecision, Subject,
};

use super::Told;
use super::keep::answerable;
use crate::engine::{Engine, apply_problem};
use crate::maintenance::notice;

/// Days that the figures look back.
const QUARTER: i64 = 91;
/// Most bytes of what is said beside the figures.
const MOST: usize = 8 * 1_024;

/// What somebody decides.
#[derive(Clone, Debug)]
pub struct QuarterWish {
    /// What becomes of it.
    pub choice: QuarterChoice,
    /// What it rests on beside the figures; may be empty.
    pub evidence: String,
    /// Why.
    pub reason: String,
}

impl QuarterWish {
    /// From what people type.
    ///
    /// # Errors
    /// `bad_request` naming the choices.
    pub fn read(choice: &str, evidence: &str, reason: &str) -> Result<Self, Problem> {
        let all: Vec<&str> = QuarterChoice::ALL.iter().map(|c| c.word()).collect();
        let choice = choice.trim().parse().map_err(|_| {
            let words = format!("a quarterly decision is one of {}", all.join(", "));
            Problem::new("bad_request", words).field("choice")
        })?;
        Ok(Self {
            choice,
            evidence: evidence.trim().to_owned(),
            reason: reason.trim().to_owned(),
        })
    }
}

/// A figure for the audit log.
fn value(s: &Shown) -> String {
    let currency = s.currency.as_deref().unwrap_or_default();
    match s.value {
        Some(n) => format!("{} {n} {}{currency} {}", s.key, s.unit, s.standing),
        None => format!("{} missing", s.key),
    }
}

impl Engine {
    /// Keeps what `by` decides about the quarter, with its figures, and tells who answers for the workflow.
    /// What follows from it is done by the acts that do it: nothing stops or grows by this alone.
    ///
    /// # Errors
    /// `reason_required`, `body_too_large`, `workflow_retired`, `unknown_workflow`, `revision_moved`.
    pub async fn review_label(
        &self,
        name: &str,
        wish: QuarterWish,
        by: &str,
    ) -> Result<(), Problem> {
        crate::ops::standing::reasoned(&wish.reason)?;
        if wish.evidence.len() > MOST {
            let words = format!("the evidence holds at most {MOST} bytes");
            return Err(Problem::new("body_too_large", words).field("evidence"));
        }
        self.not_retired(name).await?;
        let gathered = Box::pin(self.gather(name)).await?;
        let (now, label) = (gathered.now, gathered.row.label);
        let today = Day::parse(&gathered.live.ready.zone.day(now))
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let days = Days {
            from: today.plus(1 - QUARTER),
            to: today,
        };
        let card = Box::pin(self.scorecard(name, days)).await?;
        let evidence = json!({"v": 1, "from": days.from, "to": days.to, "figures": card.figures,
            "said": wish.evidence});
        let actor = Actor::Person(by.to_owned());
        let event = Told {
            workflow: name,
            kind: LabelMove::Reviewed,
            label,
            reasons: format!("{}: {}", wish.choice, wish.reason),
            until: None,
            decision: None,
            quarter: Some(QuarterDecision {
                choice: wish.choice,
                evidence: evidence.to_string(),
            }),
            by: actor.to_string(),
        };
        let figures: Vec<String> = card.figures.iter().map(value).collect();
        let entry = AuditEntry::new(
            now,
            actor,
            "label.reviewed",
            Subject::Workflow(name.to_owned()),
        )
        .fact("label", label.word())
        .fact("choice", wish.choice.word())
        .fact("from", days.from.to_string())
        .fact("to", days.to.to_string())
        .fact("figures", figures)
        .fact("evidence", wish.evidence.clone())
        .fact("reason", wish.reason.clone());
        let mut changes = vec![event.behind(gathered.standing().seq, now)];
        for person in answerable(&gathered).into_iter().filter(|p| p != by) {
            let title = format!(
                "{name}: decided for the quarter: {}: {}",
                wish.choice, wish.reason
            );
            let path = format!("/workflows/{name}/charter");
            let told = notice(person, name.to_owned(), "label", title, path, now);
            changes.push(Change::InsertNotice(Box::new(told)));
        }
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(())
    }
}
