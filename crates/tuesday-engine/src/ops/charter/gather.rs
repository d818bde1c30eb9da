//! Reads everything that proofs look at: one statement for each kind of record.

use std::sync::Arc;

use tuesday_domain::access::{Act, Rights};
use tuesday_domain::charter::label::{Basis, Standing};
use tuesday_domain::charter::{
    Facts, Figures, GateFacts, Picture, Pilot, ReleaseFacts, Statement, is_blank,
};
use tuesday_domain::eval::PackReader;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    CharterFact, Choice, DecisionRecord, Grant, LabelEvent, Person, WeeklyReview, Workflow,
};
use tuesday_domain::rules::RuleSet;
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;
use tuesday_store::InstanceKind;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

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
    pub(crate) overload: Option<String>,
    /// Why the live release has no judgement that more trust could rest on.
    pub(crate) unjudged: Option<String>,
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
            test_instance: self.test_instance,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        standing(&self.row, &self.events, self.test_instance)
    }

    /// The pilot as it stands. Deciding for another one begins it anew.
    pub(crate) fn pilot(&self) -> Pilot {
        let standing = self.standing();
        let began = (self.row.label == Label::Pilot && standing.basis == Basis::Decided)
            .then_some(standing.since);
        let decision = self.decision.as_ref();
        let again = decision.filter(|d| {
            d.choice == Choice::AnotherPilot && began.is_some_and(|b| d.decided_at > b)
        });
        let started = again.map(|d| d.decided_at).or(began);
        let decided = decision.map(|d| d.decided_at);
        Pilot::of(
            &self.facts,
            started,
            decided,
            self.now,
            &self.live.ready.zone,
        )
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
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let rules = self
            .0
            .catalog
            .rules(&self.0.reader, name, row.rules_version)
            .await;
        let rules = rules.map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let reader = &self.0.reader;
        let now = self.now();
        let (mut facts, people, grants, events, decisions, weeks) = tokio::try_join!(
            reader.charter_facts(name),
            reader.people(),
            reader.grants(),
            reader.label_events(name),
            reader.decisions(name, 1),
            reader.weekly_reviews(name, 1),
        )
        .map_err(read_problem)?;
        facts.extend(weeks.into_iter().next().map(signed));
        let facts = Facts::new(facts);
        let instance = reader.instance().await.map_err(read_problem)?;
        let gate = self.newest_judgement(row.live_release).await?;
        let unjudged = self.live_unjudged(&row).await?.map(|(_, why)| why);
        let found = reader
            .charter_figures(name, facts.value(Statement::OldPathSignal), now)
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
        };
        let overload = self.overload(&row, &live).await?;
        Ok(Gathered {
            overload,
            unjudged,
            deciders: deciders(&people, grants, name),
            now,
            row,
            live,
            rules,
            release,
            people,
            facts,
            figures: found.figures,
            events,
            decision: decisions.into_iter().next(),
            test_instance: instance.is_some_and(|i| i.kind == InstanceKind::Test),
        })
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

/// Active people who may decide tasks of the workflow, by handle.
fn deciders(people: &[Person], grants: Vec<Grant>, workflow: &str) -> Vec<String> {
    let mut held = std::collections::BTreeMap::<String, Vec<Grant>>::new();
    for grant in grants {
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
