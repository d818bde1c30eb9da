//! Somebody answers a duty: with the release or the version of the rules that did it, or with the reason why
//! nothing has to change.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::DutyId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Duty, DutyAnswer, DutyKind, DutyState, ReleaseState, RuleSetState};
use tuesday_domain::time::Timestamp;

use super::duty_entry;
use crate::engine::{Engine, read_problem};
use crate::ops::people::reasoned;

/// What answers a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The release of this number, live since.
    Release(u32),
    /// This version of the rules, in force since.
    Rules(u64),
    /// Nothing changed; the words say why.
    Reason,
}

impl Engine {
    /// A duty by its id.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn duty(&self, id: DutyId) -> Result<Duty, Problem> {
        let found = self.0.reader.duty(id).await.map_err(read_problem)?;
        found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))
    }

    /// `by` says what answered it. Whoever caused an emergency does not look back at it alone.
    ///
    /// # Errors
    /// `illegal_state` when it is answered, or only the record can answer it, `not_allowed`, `same_person_twice`, `reason_required` without words,
    /// `bad_request` for a release or version that was there before the duty, or never in force.
    pub async fn answer_duty(
        &self,
        id: DutyId,
        with: Answered,
        words: &str,
        by: &str,
    ) -> Result<Duty, Problem> {
        let mut duty = self.duty(id).await?;
        if duty.state == DutyState::Done {
            let by = duty.done_by.unwrap_or_default();
            return Err(Problem::new(
                "illegal_state",
                format!("{by} answered it already"),
            ));
        }
        if duty.owner != by {
            self.allowed(Act::SignCharter, &duty.workflow, by).await?;
        }
        let actor = Actor::Person(by.to_owned());
        if duty.kind.shown_by_record() {
            let words = "nobody's word answers it: it is done when the record shows it";
            return Err(
                Problem::new("illegal_state", words).way_out(match duty.kind {
                    DutyKind::Successor => {
                        "name the successor under [owners] and install the package"
                    }
                    _ => "pass the practice of the workflow",
                }),
            );
        }
        let looks_back = duty.kind == DutyKind::EmergencyReview;
        if looks_back && duty.opened_by == actor.to_string() {
            return Err(Problem::new(
                "same_person_twice",
                "nobody looks back at an emergency change of their own: a second person is needed",
            ));
        }
        if duty.kind.wants_words() && with != Answered::Reason {
            let words = "it is answered in words: what was found, and what follows";
            return Err(Problem::new("bad_request", words).field("reason"));
        }
        let (answer, number) = match with {
            Answered::Release(number) => {
                self.live_since(&duty, number).await?;
                (DutyAnswer::Release, Some(u64::from(number)))
            }
            Answered::Rules(version) => {
                self.in_force_since(&duty, version).await?;
                (DutyAnswer::Rules, Some(version))
            }
            Answered::Reason => (DutyAnswer::Reason, None),
        };
        let words = words.trim();
        if answer == DutyAnswer::Reason {
            reasoned(words)?;
        }
        let now = self.now();
        duty.state = DutyState::Done;
        duty.answer = Some(answer);
        duty.number = number;
        duty.words = Some(words.to_owned()).filter(|w| !w.is_empty());
        duty.done_by = Some(by.to_owned());
        duty.done_at = Some(now);
        duty.version += 1;
        let said = number.map_or_else(|| answer.to_string(), |n| format!("{answer} {n}"));
        let mut entry = duty_entry(&duty, "duty.answered", &actor, now)
            .fact("answer", said)
            .fact("reason", words);
        entry.moves.push("duty open done".to_owned());
        self.duty_moved(&duty, Vec::new(), entry).await?;
        Ok(duty)
    }

    async fn live_since(&self, duty: &Duty, number: u32) -> Result<(), Problem> {
        let no = |why: &str| {
            Problem::new(
                "bad_request",
                format!("release {number} of {}: {why}", duty.workflow),
            )
            .field("release")
            .way_out("name the release that answered it, or say why nothing has to change")
        };
        let all = self.0.reader.releases(&duty.workflow).await;
        let all = all.map_err(read_problem)?;
        let row = all.iter().find(|r| r.number == number);
        let row = row.ok_or_else(|| no("there is none"))?;
        if !matches!(row.state, ReleaseState::Live | ReleaseState::Superseded) {
            return Err(no("it is not live and was not"));
        }
        let gate = self.0.reader.gate(row.id).await.map_err(read_problem)?;
        let live_at: Timestamp = gate.and_then(|g| g.live_at).unwrap_or(row.created_at);
        if live_at < duty.opened_at {
            return Err(no("it was live before"));
        }
        Ok(())
    }

    async fn in_force_since(&self, duty: &Duty, version: u64) -> Result<(), Problem> {
        let no = |why: &str| {
            let words = format!("rules version {version} of {}: {why}", duty.workflow);
            Problem::new("bad_request", words)
                .field("rules")
                .way_out("name the version that answered it, or say why nothing has to change")
        };
        let row = self.rules_row(&duty.workflow, version).await;
        let row = row.map_err(|e| {
            if e.code == "not_found" {
                no("there is none")
            } else {
                e
            }
        })?;
        if !matches!(
            row.state,
            RuleSetState::Active | RuleSetState::Superseded | RuleSetState::Expired
        ) {
            return Err(no("it is not in force and was not"));
        }
        let since = row.starts_at.or(row.decided_at).unwrap_or(row.created_at);
        if since < duty.opened_at {
            return Err(no("it was in force before"));
        }
        Ok(())
    }
}
