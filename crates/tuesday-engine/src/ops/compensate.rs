//! Undoes a confirmed write: the old values go back as an action of its own, with its own key, intent
//! and receipt, and only while the record is as our write left it. What somebody edited since stays, and
//! a person decides with both versions before them.
//!
//! A person authorises it, so it also works while the workflow is paused: that is when it is needed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tuesday_domain::access::Act;
use tuesday_domain::action::{ActionEvent, ActionState, action_key, undoing_place};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ActionId, ReviewId, RunId};
use tuesday_domain::port::{Delivery, Intent, Target};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, PayloadKind};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::Reason;
use tuesday_store::Work;

use super::standing::reasoned;
use super::task::{damaged, not_found};
use crate::catalog::LiveRelease;
use crate::clock::Clock;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::steps::route::request_json;
use crate::steps::stored_intent;
use crate::steps::turn;
use crate::steps::undo::{self, Question, Undo, at_version};

/// What became of undoing an action.
#[derive(Clone, Debug)]
pub struct Compensation {
    /// The action that undoes: confirmed when the old values are there; voided when the record was
    /// edited since.
    pub action: Action,
    /// What it undoes.
    pub original: Action,
    /// The task that a person has now.
    pub task: Option<ReviewId>,
}

impl Engine {
    /// `by` puts back what an action of a run that is over had overwritten. Said again, it answers what
    /// became of it.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required`, `illegal_state` unless the run is over and the
    /// action confirmed, `not_undoable` where the receipt or the destination does not say enough,
    /// `record_damaged`, `unavailable` when the record cannot be read now.
    pub async fn compensate(
        &self,
        run: RunId,
        id: ActionId,
        by: &str,
        reason: &str,
    ) -> Result<Compensation, Problem> {
        reasoned(reason)?;
        let found = self.0.reader.work(run).await.map_err(read_problem)?;
        let found = found.ok_or_else(|| not_found(&run.to_string()))?;
        let rights = self.rights(by).await?;
        if !rights.may(Act::HandleIncident, &found.run.workflow) {
            let words = format!("{by} does not put right what {} wrote", found.run.workflow);
            return Err(Problem::new("not_allowed", words).way_out("ask its operator owner"));
        }
        let original = found.actions.iter().find(|a| a.id == id).cloned();
        let original =
            original.ok_or_else(|| Problem::new("not_found", format!("{run} has no {id}")))?;
        if let Some(known) = known(&found, &original) {
            return Ok(known);
        }
        let release = self
            .0
            .catalog
            .release(&self.0.reader, found.run.release)
            .await;
        let release = release.map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let intent = self.undoable(&found, &original, &release)?;
        let place = intent.spec.place(&intent.target);
        let turn = turn::at(self, place).await.map_err(apply_problem)?;
        let longest = Duration::from_millis(intent.timeout_ms);
        let seen = tokio::time::timeout(longest, self.0.ports.destination.target(&intent)).await;
        let Ok(Ok(seen)) = seen else {
            let words = format!("{} cannot be read now", intent.spec.system);
            return Err(Problem::new("unavailable", words).way_out("try again when it answers"));
        };
        let undo = new_undo(&found, &original, &release, intent, (by, self.now()));
        let done = Box::pin(self.put_back(undo, seen, by, reason.trim())).await;
        drop(turn);
        done
    }

    /// The intent that puts the old values back, where enough is known.
    pub(super) fn undoable(
        &self,
        found: &Work,
        original: &Action,
        release: &LiveRelease,
    ) -> Result<Intent, Problem> {
        if original.undoes().is_some() || original.state != ActionState::Confirmed {
            let words = format!("the action is {}: there is nothing to undo", original.state);
            return Err(Problem::new("illegal_state", words));
        }
        if !found.run.state.status.is_terminal() {
            let words = format!("the run is {}: it may still write", found.run.state.status);
            return Err(Problem::new("illegal_state", words).way_out("wait until it is over"));
        }
        if let Some(why) = damaged(&found.payloads) {
            return Err(Problem::new("record_damaged", why));
        }
        let stored = |n: Option<u32>| {
            n.and_then(|n| found.payload(n))
                .and_then(|p| serde_json::from_slice::<Value>(&p.bytes).ok())
        };
        let request = stored(Some(original.request_ref)).unwrap_or(Value::Null);
        let intent = stored_intent(&release.ready, original, &request);
        let mut intent = intent.map_err(|e| Problem::new("record_damaged", e))?;
        if intent.spec.production && matches!(self.clock(), Clock::Test(_)) {
            let words = "the destination is for production, and this is a test instance";
            return Err(not_undoable(words));
        }
        let receipt = stored(original.receipt_ref);
        let receipt = receipt.and_then(|r| serde_json::from_value::<Delivery>(r).ok());
        let receipt = receipt.ok_or_else(|| not_undoable("there is no receipt of the write"))?;
        let before = before(
            receipt.before,
            receipt.version_before.is_some(),
            &intent.fields,
        )?;
        let Some(after) = receipt.version_after else {
            let words = "the destination did not say which version our write left, so an edit since could not be seen";
            return Err(not_undoable(words));
        };
        intent.fields = before;
        intent.expected_version = Some(after);
        Ok(intent)
    }

    /// Commits the intent and sends it, when the record is as our write left it; else asks a person.
    async fn put_back(
        &self,
        mut undo: Undo,
        seen: Target,
        by: &str,
        reason: &str,
    ) -> Result<Compensation, Problem> {
        let now = self.now();
        let class = undo.release.ready.strictest();
        let actor = Actor::Person(by.to_owned());
        let mut draft = Draft::on(&undo.run, class, actor, "action.undoing", now);
        let request = request_json(&undo.intent).to_string().into_bytes();
        undo.action.request_ref = draft.payload(PayloadKind::Request, request);
        draft.fact("undoes", undo.original.id.to_string());
        draft.fact("reason", reason);
        let unchanged = at_version(&seen, undo.intent.expected_version.as_deref());
        let mut task = None;
        if unchanged {
            undo.action.attempts = 1;
            undo.action.first_sent_at = Some(now);
            let events = [ActionEvent::Authorise, ActionEvent::Send];
            draft.action(&mut undo.action, &events, true)?;
        } else {
            let words = "the record was edited since our write; nothing was overwritten";
            undo.action.detail = Some(words.to_owned());
            draft.action(&mut undo.action, &[ActionEvent::Void], true)?;
            let question = Question {
                reason: Reason::TargetChanged,
                words: words.to_owned(),
                found: Some(seen),
            };
            task = Some(undo::ask(&mut draft, &undo, &question, now));
        }
        let (decision, run) = draft.finish();
        let (before, after) = ("undo.before_intent_commit", "undo.after_intent_commit");
        let applied = self.apply_at(before, after, decision).await;
        applied.map_err(apply_problem)?;
        undo.run = run;
        if unchanged {
            undo = Box::pin(undo::send(self, undo)).await?;
            task = self.asked(&undo).await?;
            self.close_corrections().await?;
        }
        Ok(Compensation {
            action: undo.action,
            original: undo.original,
            task,
        })
    }

    /// The open task about what was to be undone.
    async fn asked(&self, undo: &Undo) -> Result<Option<ReviewId>, Problem> {
        if undo.action.state == ActionState::Confirmed {
            return Ok(None);
        }
        let found = self
            .0
            .reader
            .work(undo.run.id)
            .await
            .map_err(read_problem)?;
        Ok(found.and_then(|f| open_task(&f)))
    }
}

fn not_undoable(words: &str) -> Problem {
    Problem::new("not_undoable", words).way_out(
        "put it right in the destination; a correction of the incident is settled by reading it there",
    )
}

/// The old value of every field that was written. A field that the record did not show has no old
/// value: writing nothing in its place would leave the record as it never was.
fn before(
    shown: Option<Value>,
    was_read: bool,
    written: &Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    let shown = match shown {
        Some(Value::Object(shown)) => shown,
        None if was_read => Map::new(),
        _ => {
            let words = "the receipt does not say what was there before";
            return Err(not_undoable(words));
        }
    };
    let missing: Vec<&str> = written
        .keys()
        .filter(|name| !shown.contains_key(*name))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        let old = |name: &String| shown.get(name).map(|v| (name.clone(), v.clone()));
        return Ok(written.keys().filter_map(old).collect());
    }
    let words = format!(
        "before our write the record did not show {}, and what was not there cannot be put back",
        missing.join(", ")
    );
    Err(not_undoable(&words).with("fields", missing))
}

fn open_task(found: &Work) -> Option<ReviewId> {
    let asks = |r: Reason| {
        matches!(
            r,
            Reason::TargetChanged | Reason::UncertainAction | Reason::ActionFailed
        )
    };
    let mut open = found.reviews.iter();
    open.find(|r| r.kind == ReviewKind::Manual && asks(r.reason))
        .map(|r| r.id)
}

/// It is under way, or came to its end, or somebody is asked about it: then nothing happens again.
fn known(found: &Work, original: &Action) -> Option<Compensation> {
    let mine = |a: &&Action| a.undoes() == Some(original.ordinal);
    let last = found.actions.iter().rev().find(mine)?;
    let task = open_task(found);
    if last.state == ActionState::Voided && task.is_none() {
        return None;
    }
    Some(Compensation {
        action: last.clone(),
        original: original.clone(),
        task,
    })
}

fn new_undo(
    found: &Work,
    original: &Action,
    release: &Arc<LiveRelease>,
    mut intent: Intent,
    (by, now): (&str, tuesday_domain::time::Timestamp),
) -> Undo {
    let ordinal = undoing_place(original.ordinal);
    let before = found
        .actions
        .iter()
        .filter(|a| a.ordinal == ordinal)
        .count();
    let revision = u16::try_from(before).unwrap_or(u16::MAX);
    let key = action_key(found.run.id, ordinal, revision);
    intent.key.clone_from(&key);
    let action = Action {
        id: ids::action(),
        ordinal,
        revision,
        key,
        state: ActionState::Proposed,
        request_ref: 0,
        authorised_by: Some(Actor::Person(by.to_owned()).to_string()),
        attempts: 0,
        first_sent_at: None,
        not_before: None,
        receipt_ref: None,
        external_id: None,
        detail: None,
        updated_at: now,
        version: 0,
        ..original.clone()
    };
    Undo {
        run: found.run.clone(),
        release: Arc::clone(release),
        original: original.clone(),
        action,
        intent,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_shown_before_goes_back_and_a_null_that_was_there_is_a_value() {
        let written = json!({"grade": "low", "tier": "gold"});
        let written = written.as_object().unwrap();
        let old = json!({"grade": null, "tier": "silver", "owner": "ann"});
        let back = before(Some(old), true, written).unwrap();
        assert_eq!(
            Value::Object(back),
            json!({"grade": null, "tier": "silver"})
        );
        for (shown, was_read, named) in [
            (Some(json!({"tier": "silver"})), true, vec!["grade"]),
            (None, true, vec!["grade", "tier"]),
        ] {
            let refused = before(shown, was_read, written).unwrap_err();
            assert_eq!(refused.code, "not_undoable");
            assert_eq!(refused.more["fields"], json!(named));
        }
        let unread = before(None, false, written).unwrap_err();
        assert!(!unread.more.contains_key("fields"), "nothing is known");
    }
}
