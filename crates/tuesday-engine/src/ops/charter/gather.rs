//! Reads everything that proofs look at: one statement for each kind of record.

use std::sync::Arc;
use std::time::Duration;

use tuesday_domain::access::{Act, Rights};
use tuesday_domain::adoption::Adopted;
use tuesday_domain::charter::fallback::declared;
use tuesday_domain::charter::label::{Basis, Standing};
use tuesday_domain::charter::milestone::Target;
use tuesday_domain::charter::{
    Before, Facts, Fault, Figures, GateFacts, InForce, Picture, Pilot, ReleaseFacts, Statement,
    Use, WrongPart, disused, is_blank, missing_parts,
};
use tuesday_domain::eval::PackReader;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    BaselineRow, CharterFact, Choice, DecisionRecord, Grant, LabelEvent, Person, WeeklyReview,
    Workflow,
};
use tuesday_domain::rules::RuleSet;
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;
use tuesday_store::InstanceKind;

use super::milestones::{NOBODY_CAN_SAY, ninety_days};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};
use crate::ops::secret_uses;

/// A confirmed write from before this is not looked for; what it shows lapses long before.
const WRITTEN: Duration = Duration::from_secs(365 * 86_400);
/// Decisions that are looked through for one for another pilot, the newest first.
const DECISIONS: usize = 50;
/// The Monday of the oldest of four whole weeks lies at most so many days back.
const FOUR_WEEKS: i64 = 34;
/// Releases whose runs are looked through for a confirmed write, the newest first.
const RELEASES: usize = 20;

/// What is known about a workflow at one moment.
pub(crate) struct Gathered {
    pub(crate) now: Timestamp,
    pub(crate) row: Workflow,
    pub(crate) live: Arc<LiveRelease>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) release: ReleaseFacts,
    pub(crate) people: Vec<Person>,
    pub(crate) deciders: Vec<String>,
    pub(crate) facts: Facts,
    pub(crate) figures: Figures,
    pub(crate) events: Vec<LabelEvent>,
    pub(crate) decision: Option<DecisionRecord>,
    /// When somebody last decided for another pilot.
    another_pilot: Option<Timestamp>,
    before: Before,
    pub(crate) overload: Option<String>,
    /// Why the live release has no judgement that more trust could rest on.
    pub(crate) unjudged: Option<String>,
    pub(crate) wrong: Vec<WrongPart>,
    /// What became of the outputs of the last 30 days.
    pub(crate) adopted: Adopted,
    pub(crate) test_instance: bool,
}

impl Gathered {
    pub(crate) fn picture(&self) -> Picture<'_> {
        Picture {
            now: self.now,
            ready: &self.live.ready,
            release: self.release.clone(),
            rules: &self.rules,
            rules_version: self.row.rules_version,
            people: &self.people,
            deciders: self.deciders.clone(),
            facts: &self.facts,
            figures: self.figures,
            overload: self.overload.clone(),
            wrong: self.wrong.clone(),
            test_instance: self.test_instance,
            before: self.before.clone(),
        }
    }

    /// Why it should be asked whether to retire it.
    pub(crate) fn disused(&self) -> Option<String> {
        if self.row.label == Label::Retired {
            return None;
        }
        let has = |p: &&String| {
            let fact = self.facts.about(Statement::Training, p);
            fact.is_some_and(|f| !f.value.is_empty())
        };
        let of = Use {
            figures: self.figures,
            adopted: self.adopted,
            installed_at: self.row.installed_at,
            deciders: self.deciders.len(),
            trained: self.deciders.iter().filter(has).count(),
        };
        disused(&of, self.now)
    }

    pub(crate) fn standing(&self) -> Standing {
        standing(&self.row, &self.events, self.test_instance)
    }

    /// How the work was by hand.
    pub(crate) const fn baseline(&self) -> Option<&BaselineRow> {
        self.before.baseline.as_ref()
    }

    /// When the label of the pilot was given; nothing where none runs.
    fn began(&self) -> Option<Timestamp> {
        let standing = self.standing();
        (self.row.label == Label::Pilot && standing.basis == Basis::Decided)
            .then_some(standing.since)
    }

    /// The newest decision for another pilot since this one's label was given.
    fn again(&self) -> Option<Timestamp> {
        let began = self.began()?;
        self.another_pilot.filter(|at| *at > began)
    }

    /// The pilot as it stands. Deciding for another one begins it anew.
    pub(crate) fn pilot(&self) -> Pilot {
        let decided = self.decision.as_ref().map(|d| (d.decided_at, d.choice));
        Pilot::of(
            &self.facts,
            self.again().or_else(|| self.began()),
            self.before.came_down,
            decided,
            self.now,
            &self.live.ready.zone,
        )
    }

    /// Whether the end of the pilot may be moved to this day; blank takes it back.
    pub(crate) fn may_end(&self, day: &str) -> Result<(), Fault> {
        self.pilot()
            .may_end(day, self.again(), &self.live.ready.zone)
    }
}

/// A label drawn together. On a test instance one without a history was granted by an older program.
pub(super) fn standing(row: &Workflow, events: &[LabelEvent], test_instance: bool) -> Standing {
    let mut out = Standing::of(row.label, row.installed_at, events);
    if out.basis == Basis::Carried && test_instance {
        out.basis = Basis::Granted;
    }
    out
}

impl Engine {
    /// Whether this is an instance for tests; asked of the database, which never forgets it.
    pub(crate) async fn test_instance(&self) -> Result<bool, Problem> {
        let found = self.0.reader.instance().await.map_err(read_problem)?;
        Ok(found.is_some_and(|i| i.kind == InstanceKind::Test))
    }

    /// Everything about a workflow that its charter rests on.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub(crate) async fn gather(&self, name: &str) -> Result<Gathered, Problem> {
        self.gather_at(name, self.now()).await
    }

    /// As [`Engine::gather`], with ages and spans as of a moment that has passed.
    ///
    /// # Errors
    /// As [`Engine::gather`].
    pub(crate) async fn gather_at(&self, name: &str, now: Timestamp) -> Result<Gathered, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let rules = self
            .0
            .catalog
            .rules(&self.0.reader, name, row.rules_version)
            .await;
        let rules = rules.map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let reader = &self.0.reader;
        let (mut facts, people, grants, events, decisions, weeks) = tokio::try_join!(
            reader.charter_facts(name),
            reader.people(),
            reader.grants(),
            reader.label_events(name),
            reader.decisions(name, DECISIONS),
            // Four whole weeks, and the present one.
            reader.weekly_reviews(name, 5),
        )
        .map_err(read_problem)?;
        facts.extend(weeks.first().cloned().map(signed));
        let facts = Facts::new(facts);
        let instance = reader.instance().await.map_err(read_problem)?;
        let gate = self.newest_judgement(row.live_release).await?;
        let unjudged = self.live_unjudged(&row).await?.map(|(_, why)| why);
        let found = reader
            .charter_figures(
                name,
                facts.value(Statement::OldPathSignal),
                &declared(&facts),
                now,
            )
            .await;
        let found = found.map_err(read_problem)?;
        let gate = gate.ok().map(|(record, at)| GateFacts {
            passed: record.verdict.passed,
            at,
        });
        let release = ReleaseFacts {
            number: live.number,
            made_at: found.released_at.unwrap_or(row.installed_at),
            gate,
            cases: cases(&live),
            runbook: live
                .package
                .text("runbook.md")
                .is_some_and(|t| !is_blank(t)),
            before: found.releases_before,
            lost_secrets: self.lost_secrets(&live),
        };
        let overload = self.overload(&row, &live).await?;
        let test_instance = instance.is_some_and(|i| i.kind == InstanceKind::Test);
        let written_back_at = self.live_write(name, test_instance, now).await?;
        let adopted = self.adopted_lately(name, &live, now).await?;
        let down = came_down(&row, &events, test_instance);
        let before = self.before(name, &live, (&facts, &weeks[..]), down, now);
        Ok(Gathered {
            another_pilot: another_pilot(&decisions),
            before: before.await?,
            overload,
            adopted,
            unjudged,
            wrong: self.wrong_parts(&row, &live).await?,
            deciders: deciders(&people, grants, name, now),
            now,
            row,
            live,
            rules,
            release,
            people,
            facts,
            figures: Figures {
                written_back_at,
                ..found.figures
            },
            events,
            decision: decisions.into_iter().next(),
            test_instance,
        })
    }

    /// What became of the outputs of the last 30 days.
    async fn adopted_lately(
        &self,
        name: &str,
        live: &LiveRelease,
        now: Timestamp,
    ) -> Result<Adopted, Problem> {
        let today = Day::parse(&live.ready.zone.day(now))
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let month = Days {
            from: today.plus(-29),
            to: today,
        };
        let (groups, _) = self.adopted(name, month).await?;
        let mut adopted = Adopted::default();
        groups.values().for_each(|n| adopted.merge(n));
        Ok(adopted)
    }

    /// References that lead nowhere, each once.
    fn lost_secrets(&self, live: &LiveRelease) -> Vec<String> {
        let uses = secret_uses(&live.ready.def, &live.package);
        let mut lost: Vec<String> = uses
            .into_iter()
            .map(|s| s.reference)
            .filter(|r| self.0.ports.secrets.resolve(r).is_err())
            .collect();
        lost.sort();
        lost.dedup();
        lost
    }

    /// What is known of the time before, and of days that are over.
    async fn before(
        &self,
        name: &str,
        live: &LiveRelease,
        (facts, weeks): (&Facts, &[WeeklyReview]),
        came_down: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Before, Problem> {
        Ok(Before {
            baseline: self.baseline(name).await?,
            came_down,
            verdict: self.verdict(name, facts, live, now).await?,
            weeks_signed: weeks_signed(weeks, live, now),
        })
    }

    /// What the day of the ninety-day metric came to, once it is over and somebody could say.
    async fn verdict(
        &self,
        name: &str,
        facts: &Facts,
        live: &LiveRelease,
        now: Timestamp,
    ) -> Result<Option<String>, Problem> {
        let stated = facts.value(Statement::NinetyDayMetric);
        let Some((stated, target)) = stated.and_then(|s| Some((s, Target::of(s)?))) else {
            return Ok(None);
        };
        if target.day >= live.ready.zone.day(now) {
            return Ok(None);
        }
        let duty = self.0.reader.duty(ninety_days(name, stated)).await;
        let words = duty.map_err(read_problem)?.map(|d| d.reason);
        Ok(words.filter(|w| !w.starts_with(NOBODY_CAN_SAY)))
    }

    /// Which parts of "what happens when the model is wrong" nothing in force gives.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn wrong_parts(
        &self,
        row: &Workflow,
        live: &LiveRelease,
    ) -> Result<Vec<WrongPart>, Problem> {
        let may = self.who_may(Act::PauseWorkflow, &row.name).await?;
        let now = InForce {
            stage: row.stage,
            alternative: row.rollout.alternative.is_some(),
            can_be_stopped: !may.is_empty(),
        };
        Ok(missing_parts(&live.ready.def, now))
    }

    /// When something was last confirmed at a destination that counts as live, by what the release that
    /// wrote it declared. A write of a time when the address was a stub's shows nothing.
    async fn live_write(
        &self,
        name: &str,
        test_instance: bool,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Problem> {
        let reader = &self.0.reader;
        let since = now.minus(WRITTEN);
        let releases = reader.release_page(Some(name), None, None, None, RELEASES);
        let mut live = Vec::new();
        for row in releases.await.map_err(read_problem)? {
            // One that cannot be read shows nothing.
            let Ok(release) = self.0.catalog.release(reader, row.id).await else {
                continue;
            };
            let actions = release.ready.def.action.iter();
            live.extend(
                actions
                    .filter(|a| a.is_live(test_instance))
                    .map(|a| (row.id, a.name.clone())),
            );
        }
        let first: String = since.rfc3339().chars().take(10).collect();
        let at = reader.last_confirmed(name, &first, &live).await;
        at.map_err(read_problem)
    }
}

/// The newest week that somebody signed, as a statement: it is kept with its figures, and only there.
fn signed(week: WeeklyReview) -> CharterFact {
    CharterFact {
        workflow: week.workflow,
        seq: 0,
        statement: Statement::WeeklyReview,
        about: String::new(),
        value: format!("week of {}: {}", week.week, week.note),
        by: week.signed_by,
        at: week.signed_at,
    }
}

/// When a pilot got its label from above.
fn came_down(row: &Workflow, events: &[LabelEvent], test_instance: bool) -> Option<Timestamp> {
    let standing = standing(row, events, test_instance);
    (standing.came_down && row.label == Label::Pilot).then_some(standing.since)
}

/// When somebody last decided for another pilot; the newest decision comes first.
fn another_pilot(decisions: &[DecisionRecord]) -> Option<Timestamp> {
    let found = decisions.iter().find(|d| d.choice == Choice::AnotherPilot);
    found.map(|d| d.decided_at)
}

/// How many of the last four weeks the operator owner or the backup signed.
fn weeks_signed(weeks: &[WeeklyReview], live: &LiveRelease, now: Timestamp) -> u64 {
    let owners = &live.ready.def.owners;
    let answers = |w: &&WeeklyReview| {
        w.signed_by == owners.operator.handle || w.signed_by == owners.backup.handle
    };
    let Ok(today) = Day::parse(&live.ready.zone.day(now)) else {
        return 0;
    };
    let recent =
        |w: &&WeeklyReview| Day::parse(&w.week).is_ok_and(|week| today.since(week) <= FOUR_WEEKS);
    let signed = weeks.iter().filter(answers).filter(recent).count();
    u64::try_from(signed.min(4)).unwrap_or(0)
}

/// Active people who may decide tasks of the workflow, by handle.
fn deciders(people: &[Person], grants: Vec<Grant>, workflow: &str, now: Timestamp) -> Vec<String> {
    let mut held = std::collections::BTreeMap::<String, Vec<Grant>>::new();
    for grant in grants.into_iter().filter(|g| g.holds(now)) {
        held.entry(grant.person.clone()).or_default().push(grant);
    }
    let mut out: Vec<String> = people
        .iter()
        .filter(|p| p.active)
        .filter(|p| {
            let grants = held.get(&p.handle).cloned().unwrap_or_default();
            Rights::new(grants).may(Act::DecideReview, workflow)
        })
        .map(|p| p.handle.clone())
        .collect();
    out.sort();
    out
}

/// Cases of the release's pack by kind.
fn cases(live: &LiveRelease) -> std::collections::BTreeMap<tuesday_domain::eval::Kind, u64> {
    let mut reader = PackReader::new(live.package.text("evals/gate.toml"));
    let packs = live.package.files.iter();
    for (name, text) in packs.filter(|(n, _)| tuesday_domain::eval::holds_cases(n)) {
        for (line, number) in text.lines().zip(1..) {
            reader.line(name, number, line);
        }
    }
    reader.finish().kinds
}
