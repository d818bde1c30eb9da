//! Day thirty and the day of the ninety-day metric: what it came to is put before a named person, once, with
//! the figures as they stand. The duty's id follows from what it is about, so two nodes make one.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::milestone::{
    THIRTY, Target, Verdict, is_here, is_thirty, late_words, thirty,
};
use tuesday_domain::id::DutyId;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Decision, DutyKind, Workflow};
use tuesday_domain::watch::judge;
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ops::upkeep::{Owed, duty_entry};

const KEEPER: Actor = Actor::System("milestones");
/// So long somebody has to say what follows.
const WITHIN: Duration = Duration::from_secs(7 * 86_400);
/// Days that the checkpoint looks at.
const DAYS: i64 = 30;

/// How the words of a day begin on which there was no verdict.
pub(super) const NOBODY_CAN_SAY: &str = "Nobody can say";

/// A day that has come, with what it came to.
struct Reached {
    kind: DutyKind,
    owner: String,
    about: &'static str,
    item: String,
    verdict: Verdict,
    words: String,
}

impl Engine {
    /// Looks whether a day has come for any workflow.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn look_at_milestones(&self) -> Result<(), Problem> {
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            if row.label == Label::Retired {
                continue;
            }
            // One workflow that cannot be judged must not keep the others from being looked at.
            if let Err(e) = Box::pin(self.milestones_of(&row)).await {
                tracing::warn!(workflow = %row.name, error = %e, "its milestones could not be looked at");
            }
        }
        Ok(())
    }

    async fn milestones_of(&self, row: &Workflow) -> Result<(), Problem> {
        let (_, live) = self.live(&row.name).await?;
        if is_thirty(row.installed_at, self.now()) {
            let id = named(&row.name, "thirty_days", &row.installed_at.to_string());
            if self
                .0
                .reader
                .duty(id)
                .await
                .map_err(read_problem)?
                .is_none()
            {
                let mut reached = self.thirty_days(row, &live).await?;
                let late = late_words(row.installed_at.plus(THIRTY), self.now());
                reached.words.insert_str(0, &late);
                self.reached(id, row, &live, reached).await?;
            }
        }
        let facts = self.0.reader.charter_facts(&row.name).await;
        let facts = facts.map_err(read_problem)?;
        let stated = facts
            .iter()
            .find(|f| f.statement == Statement::NinetyDayMetric && !f.value.is_empty());
        let Some((stated, target)) = stated.and_then(|f| Some((f, Target::of(&f.value)?))) else {
            return Ok(());
        };
        let begins = live.ready.zone.moment(&format!("{}T00:00", target.day));
        let begins = begins.map_err(|e| Problem::new("internal", e.to_string()))?;
        if is_here(begins, self.now()) {
            let id = ninety_days(&row.name, &stated.value);
            if self
                .0
                .reader
                .duty(id)
                .await
                .map_err(read_problem)?
                .is_none()
            {
                let mut reached = self.ninety_days(row, &live, &stated.value, &target).await?;
                reached.words.insert_str(0, &late_words(begins, self.now()));
                self.reached(id, row, &live, reached).await?;
            }
        }
        Ok(())
    }

    /// The thirty days after the installation, by the figures of the scorecard.
    async fn thirty_days(&self, row: &Workflow, live: &LiveRelease) -> Result<Reached, Problem> {
        let first = live.ready.zone.day(row.installed_at);
        let first = Day::parse(&first).map_err(|e| Problem::new("internal", e.to_string()))?;
        let days = Days {
            from: first,
            to: first.plus(DAYS),
        };
        let card = Box::pin(self.scorecard(&row.name, days)).await?;
        let (verdict, words) = thirty(&card.figures);
        Ok(Reached {
            kind: DutyKind::ThirtyDays,
            owner: live.ready.def.owners.operator.handle.clone(),
            about: "day thirty",
            item: format!("is it working, {} to {}", days.from, days.to),
            verdict,
            words: format!(
                "{words} The figures: /workflows/{}/scorecard?from={}&to={}",
                row.name, days.from, days.to
            ),
        })
    }

    /// The metric over the thirty days up to now, held against its target.
    async fn ninety_days(
        &self,
        row: &Workflow,
        live: &LiveRelease,
        stated: &str,
        target: &Target,
    ) -> Result<Reached, Problem> {
        let owners = &live.ready.def.owners;
        let (verdict, found) = match target.metric {
            None => {
                let words = format!("{} is not computed from records by the week", target.name);
                (Verdict::Unknown, words)
            }
            Some(metric) => {
                let rule = target.as_rule(metric);
                let reading = self
                    .figure_of(row, &rule, row.installed_at, &live.ready)
                    .await?;
                let judged = judge(&rule, &reading);
                (target.verdict(&judged), judged.words)
            }
        };
        let said = match verdict {
            Verdict::Met => "Met",
            Verdict::NotMet => "Not met",
            Verdict::Unknown => NOBODY_CAN_SAY,
        };
        let decides = owners.sponsor.as_ref().unwrap_or(&owners.operator);
        Ok(Reached {
            kind: DutyKind::NinetyDays,
            owner: decides.handle.clone(),
            about: "ninety-day metric",
            item: stated.to_owned(),
            verdict,
            words: format!(
                "{said}: {found}; over thirty days up to {}, the target was {stated}.",
                live.ready.zone.day(self.now())
            ),
        })
    }

    /// Puts it before its person, and tells everybody who answers for the workflow.
    async fn reached(
        &self,
        id: DutyId,
        row: &Workflow,
        live: &LiveRelease,
        r: Reached,
    ) -> Result<(), Problem> {
        let owed = Owed {
            kind: r.kind,
            owner: r.owner,
            within: WITHIN,
            about: r.about,
            item: r.item,
            reason: &r.words,
        };
        let (duty, made) = self.owed_as(id, &row.name, owed, &KEEPER);
        let mut changes = made.to_vec();
        let title = match r.verdict {
            Verdict::Unknown => format!("{}: {}: no data, nobody can say", row.name, r.about),
            Verdict::Met => format!("{}: {}: the figures are there", row.name, r.about),
            Verdict::NotMet => format!("{}: {}: not met", row.name, r.about),
        };
        let o = &live.ready.def.owners;
        let all = [Some(&o.operator), Some(&o.backup), Some(&o.technical)];
        let mut told: Vec<&str> = all
            .into_iter()
            .chain([o.sponsor.as_ref()])
            .flatten()
            .map(|p| p.handle.as_str())
            .filter(|handle| *handle != duty.owner || r.verdict == Verdict::Unknown)
            .collect();
        told.sort_unstable();
        told.dedup();
        for person in told {
            changes.push(self.duty_notice(&duty, person.to_owned(), "milestone", title.clone()));
        }
        let entry = duty_entry(&duty, "milestone.reached", &KEEPER, self.now())
            .fact("verdict", r.verdict.word())
            .fact("words", r.words.clone());
        match self.apply(Decision { changes, entry }).await {
            // Another node was faster.
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
            Err(e) => Err(apply_problem(e)),
        }
    }
}

/// What is owed about the day of a metric as it was stated.
pub(super) fn ninety_days(workflow: &str, stated: &str) -> DutyId {
    named(workflow, "ninety_days", stated)
}

/// The id of what is owed about this, the same on every node.
pub(in crate::ops) fn named(workflow: &str, kind: &str, about: &str) -> DutyId {
    let mut hash = Sha256::new();
    for part in [workflow, kind, about] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    DutyId::new(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
