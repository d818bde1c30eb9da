//! Legal holds: placed and lifted by a person with a reason. A hold counts from the moment it is
//! committed: an erasure that read the holds before that is refused by the database.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::HoldId;
use tuesday_domain::privacy::{Hold, HoldScope};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, PrivacyChange, Subject};

use crate::engine::{Engine, read_problem};
use crate::ids;
use crate::ops::task::not_found;

/// A hold to be placed.
#[derive(Clone, Debug, Default)]
pub struct NewHold {
    /// What it covers.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
}

impl Engine {
    /// `by` places a hold.
    ///
    /// # Errors
    /// `bad_request` for a hold on nothing or a span that ends before it begins, `reason_required`,
    /// `unknown_workflow`, `not_allowed`.
    pub async fn place_hold(&self, wish: NewHold, by: &str) -> Result<Hold, Problem> {
        let scope = HoldScope {
            record: wish
                .scope
                .record
                .map(|r| r.trim().to_owned())
                .filter(|r| !r.is_empty()),
            ..wish.scope
        };
        if scope.is_empty() {
            return Err(Problem::new("bad_request", "a hold names what it keeps")
                .field("record")
                .way_out("name a record, a workflow, or a span of time"));
        }
        if let (Some(from), Some(to)) = (scope.from, scope.to)
            && from >= to
        {
            return Err(Problem::new("bad_request", "the span ends before it begins").field("to"));
        }
        let reason = reasoned(&wish.reason, "a legal hold needs a reason")?;
        self.may_privately(Act::HoldData, scope.workflow.as_deref(), by)
            .await?;
        if let Some(workflow) = &scope.workflow {
            self.known_workflow(workflow).await?;
        }
        let now = self.now();
        let hold = Hold {
            id: ids::hold(),
            scope,
            reason,
            placed_by: by.to_owned(),
            placed_at: now,
            lifted: None,
            version: 1,
        };
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "hold.placed",
            about(&hold),
        )
        .fact("hold", hold.id.to_string())
        .fact("reason", hold.reason.clone());
        let changes = [
            PrivacyChange::InsertHold(Box::new(hold.clone())),
            PrivacyChange::MoveHolds,
        ];
        self.commit(changes.map(boxed).into(), entry).await?;
        Ok(hold)
    }

    /// `by` lifts a hold; retention and requests reach what it kept from then on.
    ///
    /// # Errors
    /// `not_found`, `illegal_state` for one that is lifted, `reason_required`, `not_allowed`.
    pub async fn lift_hold(&self, id: HoldId, reason: &str, by: &str) -> Result<Hold, Problem> {
        let reason = reasoned(reason, "lifting a legal hold needs a reason")?;
        let found = self.0.reader.hold(id).await.map_err(read_problem)?;
        let mut hold = found.ok_or_else(|| not_found(&id.to_string()))?;
        self.may_privately(Act::HoldData, hold.scope.workflow.as_deref(), by)
            .await?;
        if let Some((who, _, at)) = &hold.lifted {
            let words = format!("{who} lifted it at {}", at.rfc3339());
            return Err(Problem::new("illegal_state", words));
        }
        let now = self.now();
        hold.lifted = Some((by.to_owned(), reason.clone(), now));
        hold.version += 1;
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "hold.lifted",
            about(&hold),
        )
        .fact("hold", hold.id.to_string())
        .fact("reason", reason);
        let changes = [
            PrivacyChange::UpdateHold(Box::new(hold.clone())),
            PrivacyChange::MoveHolds,
        ];
        self.commit(changes.map(boxed).into(), entry).await?;
        Ok(hold)
    }

    /// Passes when `by` may do this on a workflow, or everywhere.
    pub(super) async fn may_privately(
        &self,
        act: Act,
        workflow: Option<&str>,
        by: &str,
    ) -> Result<(), Problem> {
        // Nobody's workflow has an empty name: only a role for the whole instance reaches it.
        if self
            .rights(by)
            .await?
            .may(act, workflow.unwrap_or_default())
        {
            return Ok(());
        }
        let place = workflow.unwrap_or("every workflow");
        let what = act.word().replace('_', " ");
        let words = format!("the roles of {by} do not allow it on {place}: {what}");
        let may = self.who_may(act, workflow.unwrap_or_default()).await?;
        let names: Vec<String> = may.into_iter().map(|(_, name)| name).collect();
        let way_out = if names.is_empty() {
            "nobody holds a role that may; an administrator grants one".to_owned()
        } else {
            format!("ask one of: {}", names.join(", "))
        };
        Err(Problem::new("not_allowed", words)
            .with("act", act.word())
            .way_out(way_out))
    }
}

/// The record that is held may be a person's name; it stands in the row, never in the log.
fn about(hold: &Hold) -> Subject {
    hold.scope
        .workflow
        .clone()
        .map_or(Subject::Instance, Subject::Workflow)
}

pub(super) fn boxed(change: PrivacyChange) -> Change {
    Change::Privacy(Box::new(change))
}

pub(super) fn reasoned(reason: &str, words: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Problem::new("reason_required", words).field("reason"));
    }
    Ok(reason.to_owned())
}
