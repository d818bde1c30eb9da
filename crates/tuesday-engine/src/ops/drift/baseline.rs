//! Freezes the mix of some whole days, so that later shifts have something that does not move with them.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::Mix;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, DriftBaseline, LoadChange, Subject};

use crate::engine::{Engine, apply_problem, read_problem};

/// Fewer runs than so many shifts' worth make no baseline.
const SHIFTS: u64 = 5;

impl Engine {
    /// Freezes the mix of these days; what comes after the last one is compared with it.
    ///
    /// # Errors
    /// `bad_request` naming the field: days that are not over, too few runs; `reason_required`,
    /// `not_allowed`, `revision_moved`, `unknown_workflow`.
    pub async fn freeze_mix(
        &self,
        name: &str,
        days: Days,
        reason: &str,
        by: &str,
    ) -> Result<DriftBaseline, Problem> {
        if reason.trim().is_empty() {
            let words = "a new baseline needs a reason";
            return Err(Problem::new("reason_required", words).field("reason"));
        }
        self.allowed(Act::SetPriority, name, by).await?;
        let actor = Actor::Person(by.to_owned());
        self.freeze(name, days, reason.trim(), &actor).await
    }

    pub(super) async fn freeze(
        &self,
        name: &str,
        days: Days,
        reason: &str,
        by: &Actor,
    ) -> Result<DriftBaseline, Problem> {
        let bad =
            |field: &'static str, words: String| Problem::new("bad_request", words).field(field);
        let today = self.today(Some(name)).await?;
        let (_, live) = self.live(name).await?;
        if days.to < days.from || days.to >= today {
            return Err(bad(
                "to",
                "the last day comes after the first, and is over".to_owned(),
            ));
        }
        if days.count() > 366 {
            return Err(bad("from", "at most a year".to_owned()));
        }
        let mut mix = Mix::default();
        for d in self.day_mixes(name, days.from, days.to).await? {
            d.shifts.iter().for_each(|(_, m)| mix.merge(m));
        }
        let least = u64::from(live.ready.def.drift.least_runs) * SHIFTS;
        let known: u64 = mix.outcomes.values().sum();
        if known < least {
            let words = format!("{known} runs with an outcome in these days, {least} are needed");
            return Err(bad("from", words));
        }
        let old = self.0.reader.drift_baselines(name, 1).await;
        let old = old.map_err(read_problem)?.into_iter().next();
        let now = self.now();
        let row = DriftBaseline {
            workflow: name.to_owned(),
            // The first one is frozen by whichever node looks first; the other's is refused as a second 1.
            version: if matches!(by, Actor::System(_)) {
                1
            } else {
                old.map_or(0, |o| o.version) + 1
            },
            day_from: days.from.to_string(),
            day_to: days.to.to_string(),
            mix: serde_json::to_string(&mix)
                .map_err(|e| Problem::new("internal", e.to_string()))?,
            reason: reason.to_owned(),
            set_by: by.to_string(),
            set_at: now,
        };
        let subject = Subject::Workflow(name.to_owned());
        let entry = AuditEntry::new(now, by.clone(), "drift.baseline", subject)
            .fact("version", row.version)
            .fact("from", row.day_from.clone())
            .fact("to", row.day_to.clone())
            .fact("runs", mix.runs)
            .fact("reason", reason);
        let change = LoadChange::InsertBaseline(row.clone());
        let decision = Decision {
            changes: vec![Change::Load(Box::new(change))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(row)
    }

    /// Freezes the first whole days by itself, once there are enough; `true` when it did.
    pub(super) async fn freeze_first(
        &self,
        name: &str,
        days: u32,
        today: Day,
    ) -> Result<bool, Problem> {
        let span = Days {
            from: today.plus(-i64::from(days)),
            to: today.plus(-1),
        };
        let before = self.day_mixes(name, span.from.plus(-1), span.to).await?;
        // As many whole days must lie behind, not only some of them.
        let begun = before.first().is_some_and(|d| d.day <= span.from);
        if !begun {
            return Ok(false);
        }
        let words = format!("the first {days} whole days with enough runs");
        match self.freeze(name, span, &words, &super::SYSTEM).await {
            Ok(_) => Ok(true),
            Err(p) if p.code == "bad_request" => Ok(false),
            Err(p) => Err(p),
        }
    }
}
