//! What is known about a workflow at one moment, and which live object proves which topic.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use super::statement::Statement;
use super::topic::Topic;
use super::wrong::WrongPart;
use super::{people, records};
use crate::eval::Kind;
use crate::ready::Ready;
use crate::record::{BaselineRow, CharterFact, Person};
use crate::rules::RuleSet;
use crate::time::{Timestamp, Zone};

/// How a verdict on the last ten runs begins that puts a label at risk.
pub const STILL_PILOT: &str = "still pilot";

/// The statements in force, each the newest of its kind.
#[derive(Clone, Debug, Default)]
pub struct Facts(Vec<CharterFact>);

impl Facts {
    /// From rows in any order; of several about one thing the newest counts.
    #[must_use]
    pub fn new(mut rows: Vec<CharterFact>) -> Self {
        rows.sort_by_key(|f| std::cmp::Reverse(f.seq));
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|f| seen.insert((f.statement, f.about.clone())));
        Self(rows)
    }

    /// A statement about the workflow itself; nothing when it is blank.
    #[must_use]
    pub fn get(&self, statement: Statement) -> Option<&CharterFact> {
        self.about(statement, "")
    }

    /// A statement about somebody or something.
    #[must_use]
    pub fn about(&self, statement: Statement, about: &str) -> Option<&CharterFact> {
        let mut rows = self.0.iter();
        let found = rows.find(|f| f.statement == statement && f.about == about);
        found.filter(|f| !super::is_blank(&f.value))
    }

    /// Every statement of a kind that says something, the newest first.
    pub fn each(&self, statement: Statement) -> impl Iterator<Item = &CharterFact> {
        let own = move |f: &&CharterFact| f.statement == statement && !super::is_blank(&f.value);
        self.0.iter().filter(own)
    }

    /// Its text.
    #[must_use]
    pub fn value(&self, statement: Statement) -> Option<&str> {
        self.get(statement).map(|f| f.value.as_str())
    }

    /// The highest number of a row.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.iter().map(|f| f.seq).max().unwrap_or(0)
    }
}

/// What the store counts for the proofs, all in one statement. The last 30 days where nothing else is
/// said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The newest confirmed action at a destination that counts as live.
    pub written_back_at: Option<Timestamp>,
    /// The newest change or rejection by a person.
    pub override_at: Option<Timestamp>,
    /// Outputs that people decided.
    pub decided: u64,
    /// Of those, approved as they stood.
    pub stood: u64,
    /// Tasks that wait for a person now.
    pub open: u64,
    /// Of those, past their time.
    pub overdue: u64,
    /// Runs that ended.
    pub finished: u64,
    /// Of those, after a failure.
    pub failed: u64,
    /// What they cost, in millionths of the price's currency.
    pub cost_micros: i64,
    /// Of those, with a usage that nobody knows.
    pub cost_unknown: u64,
    /// Corrections that are open now, from whenever.
    pub uncorrected: u64,
    /// The newest use of the declared old path outside declared fallback, from whenever.
    pub old_path_at: Option<Timestamp>,
    /// The newest signed head of the log.
    pub sealed_at: Option<Timestamp>,
}

/// The gate's word about a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateFacts {
    /// Nothing was missing and nothing failed.
    pub passed: bool,
    /// When it was said.
    pub at: Timestamp,
}

/// What is known of the time before, and of days that are over.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// How the work was by hand.
    pub baseline: Option<BaselineRow>,
    /// It came down to its label at this moment.
    pub came_down: Option<Timestamp>,
    /// What the day of the ninety-day metric as it is stated now came to, in words; nothing, when nobody could
    /// say or that day was never put before anybody.
    pub verdict: Option<String>,
    /// Of the last four weeks, how many the operator owner or the backup signed.
    pub weeks_signed: u64,
}

/// The release in force.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFacts {
    /// Its number.
    pub number: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// What the gate said about exactly it.
    pub gate: Option<GateFacts>,
    /// Cases of its pack by kind.
    pub cases: BTreeMap<Kind, u64>,
    /// Its runbook says something.
    pub runbook: bool,
    /// Releases that can be gone back to.
    pub before: usize,
    /// References of secrets that lead to no value where this is asked.
    pub lost_secrets: Vec<String>,
}

/// Everything that proofs look at.
pub struct Picture<'a> {
    /// The moment.
    pub now: Timestamp,
    /// The release in force, ready to run.
    pub ready: &'a Ready,
    /// What is known about it.
    pub release: ReleaseFacts,
    /// The decision table in force.
    pub rules: &'a RuleSet,
    /// Its version.
    pub rules_version: u64,
    /// Everybody who is known.
    pub people: &'a [Person],
    /// Handles of those who may decide tasks.
    pub deciders: Vec<String>,
    /// What people stated.
    pub facts: &'a Facts,
    /// What the store counts.
    pub figures: Figures,
    /// How the review work passes what people have hours for, when it does.
    pub overload: Option<String>,
    /// What nothing in force says about the day it is wrong.
    pub wrong: Vec<WrongPart>,
    /// An instance for tests: its stand-ins can stand for live systems.
    pub test_instance: bool,
    /// The time before, and days that are over.
    pub before: Before,
}

impl Picture<'_> {
    pub(super) fn zone(&self) -> &Zone {
        &self.ready.zone
    }

    /// The name of an active person.
    pub(super) fn active(&self, handle: &str) -> Option<&str> {
        let mut all = self.people.iter();
        all.find(|p| p.handle == handle && p.active)
            .map(|p| p.name.as_str())
    }
}

/// How the evidence of a topic stands.
#[must_use]
pub fn prove(topic: Topic, p: &Picture<'_>) -> Evidence {
    match topic {
        Topic::OperatorOwner => people::operator(p),
        Topic::TechnicalOwner => people::technical(p),
        Topic::Sponsor => people::sponsor(p),
        Topic::EscalationPath => people::escalation(p),
        Topic::OnCall => people::on_call(p),
        Topic::ReviewTiers => people::tiers(p),
        Topic::ReviewChecklists => people::checklists(p),
        Topic::Training => people::training(p),
        Topic::Support => people::support(p),
        Topic::WrongPage => wrong_page(p),
        Topic::SupportOwner => people::support_owner(p),
        other => records::prove(other, p),
    }
}

/// The page that says what happens when the model is wrong, without a gap.
fn wrong_page(p: &Picture<'_>) -> Evidence {
    let lacks: Vec<&str> = p.wrong.iter().map(|part| part.lacks()).collect();
    if lacks.is_empty() {
        return Evidence::verified("every part of the answer is in force");
    }
    Evidence::missing(lacks.join("; "))
}
