//! A package ships a decision table, and people change the one in force. When a release goes live that
//! ships another table than the one before it, the table in force stays, and the shipped one is
//! proposed to the bound owner in the same decision: never in force by itself, never forgotten.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, RuleSetEvent, RuleSetRow, RuleSetState, Workflow};
use tuesday_domain::rules::{ChangeRefused, RuleSet, judge, parse, to_csv};
use tuesday_domain::time::Timestamp;

use super::{bound_owner, next, notice, readable, refused};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// What becomes of the table that a release ships.
pub(in crate::ops) struct Shipped {
    /// The proposal and the word to the bound owner; nothing when it cannot be proposed, or waits already.
    pub(in crate::ops) changes: Vec<Change>,
    /// For the log and for people.
    pub(in crate::ops) words: String,
}

/// The table of a package; nothing when it ships none that can be read.
fn table(release: &LiveRelease) -> Option<RuleSet> {
    let text = release.package.text("rules.csv")?;
    parse(text).ok().map(|(rules, _)| rules)
}

impl Engine {
    /// Says that a release ships another table than the one in force; nothing when it does not.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn ships_other_rules(
        &self,
        workflow: &str,
        release: &LiveRelease,
    ) -> Result<Option<String>, Problem> {
        let active = self.live_rules(workflow).await?;
        let same =
            table(release).is_some_and(|t| crate::ops::install::unhex(&t.hash()) == active.hash);
        Ok((!same).then(|| {
            format!(
                "rules.csv of this package is not the table in force (version {}): runs and the gate go by the one in force; \
                 where the release before shipped another one, it is proposed to the bound owner when this release goes live",
                active.version
            )
        }))
    }

    /// What becomes of the table of `new`, which goes live in place of `old`; nothing when the release
    /// before shipped the same, or it is in force.
    pub(in crate::ops) async fn shipped_rules(
        &self,
        workflow: &Workflow,
        (old, new): (&LiveRelease, &LiveRelease),
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<Shipped>, Problem> {
        let (Some(before), Some(shipped)) = (table(old), table(new)) else {
            return Ok(None);
        };
        let hash = crate::ops::install::unhex(&shipped.hash());
        let name = &workflow.name;
        let active = self.rules_row(name, workflow.rules_version).await?;
        if before.hash() == shipped.hash() || active.hash == hash {
            return Ok(None);
        }
        let all = self.0.reader.rulesets(name).await.map_err(read_problem)?;
        let waits = |r: &&RuleSetRow| {
            r.hash == hash && matches!(r.state, RuleSetState::Proposed | RuleSetState::Scheduled)
        };
        if let Some(row) = all.iter().find(waits) {
            return Ok(Some(Shipped {
                changes: Vec::new(),
                words: format!("its table waits already as rules version {}", row.version),
            }));
        }
        let author = match by {
            Actor::Person(handle) => handle.as_str(),
            _ => "",
        };
        let def = &new.ready.def;
        // Another header, and values without bounds, are what a package may bring and an edit may not:
        // they belong to the bound owner, who decides here.
        match judge(&readable(&active)?, &to_csv(&shipped)) {
            Ok(_) | Err(ChangeRefused::HeaderChanged | ChangeRefused::NoBounds(_)) => {}
            Err(ChangeRefused::Nothing) => return Ok(None),
            Err(why) => {
                let why = refused(def, author, why).detail;
                let words = format!(
                    "its table is not proposed, version {} stays: {why}",
                    active.version
                );
                let changes = told(def, name, &words, now);
                return Ok(Some(Shipped { changes, words }));
            }
        }
        let owner = bound_owner(def, author);
        let row = RuleSetRow {
            workflow: name.clone(),
            version: all.iter().map(|r| r.version).max().unwrap_or(0) + 1,
            state: next(RuleSetState::Draft, RuleSetEvent::Propose)?,
            csv: to_csv(&shipped),
            hash,
            reason: format!("shipped with release {}", new.number),
            created_at: now,
            created_by: by.to_string(),
            base: Some(active.version),
            restores: None,
            bound_owner: Some(owner.clone()),
            decided_at: None,
            decided_by: None,
            starts_at: None,
            ends_at: None,
        };
        let words = format!(
            "its table is proposed as rules version {}, version {} stays in force until {owner} agrees",
            row.version, active.version
        );
        let title = format!(
            "{name}: rules version {} came with release {} and waits for your agreement",
            row.version, new.number
        );
        let changes = vec![
            Change::InsertRuleSet(Box::new(row)),
            notice(&owner, name, "rules_proposed", title, now),
        ];
        Ok(Some(Shipped { changes, words }))
    }
}

/// The word to those who answer for the package and for its bounds.
fn told(
    def: &tuesday_domain::definition::Definition,
    name: &str,
    words: &str,
    now: Timestamp,
) -> Vec<Change> {
    let mut people = vec![def.owners.technical.handle.clone(), bound_owner(def, "")];
    people.dedup();
    let title = format!("{name}: {words}");
    people
        .iter()
        .map(|p| notice(p, name, "rules_not_proposed", title.clone(), now))
        .collect()
}
