//! Answers of the quiz go on into the charter: with the first installation of the workflow under the names of
//! those who gave them, later under the name of who carries them. What the charter says already stays.

use tuesday_domain::access::{Act, may};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::map::Map;
use tuesday_domain::charter::quiz::Said;
use tuesday_domain::charter::{Statement, is_blank};
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Candidate, CandidateState, Change, CharterChange, CharterFact, Subject,
};
use tuesday_domain::time::{Timestamp, Zone};

use super::answers;
use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;
use crate::ops::cleared::Reader;
use crate::ops::install::roles;

/// What was carried.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Carried {
    /// Field and value of each statement that the charter has now.
    pub added: Vec<(&'static str, String)>,
    /// Those that it had before, with what it says.
    pub had: Vec<(&'static str, String)>,
    /// Those that a charter does not take any more, with why: the day of a metric is over.
    pub refused: Vec<(&'static str, String)>,
}

impl Carried {
    /// What was added as the log keeps it: `maintenance_budget=400 EUR`.
    fn told(&self) -> Vec<String> {
        let each = self.added.iter();
        each.map(|(field, value)| format!("{field}={value}"))
            .collect()
    }
}

/// Statements on their way into a charter.
struct Carrying {
    carried: Carried,
    changes: Vec<Change>,
    /// Who gave the answers, each once.
    answered_by: Vec<String>,
}

/// Where the statements go, and by whom and when they are made.
struct Into<'a> {
    workflow: &'a str,
    owner: &'a str,
    facts: &'a [CharterFact],
    /// The number of the newest statement there was ever.
    last: u32,
    now: Timestamp,
    by: Option<&'a str>,
}

impl Engine {
    /// Adds the answers of a candidate to the charter of the workflow of its name, as far as the charter says
    /// nothing there.
    ///
    /// # Errors
    /// `not_found`, `unknown_workflow`, `workflow_retired`, `not_allowed`, `revision_moved` when the charter
    /// changed meanwhile.
    pub async fn carry_candidate(
        &self,
        name: &str,
        reader: &Reader<'_>,
    ) -> Result<Carried, Problem> {
        let (row, _) = self.open_row(name, reader).await?;
        let workflow = self.not_retired(name).await?;
        let by = match reader.who {
            Actor::Person(handle) if reader.rights.may(Act::SignCharter, name) => handle,
            _ => {
                let words = format!("your roles do not allow it to sign the charter of {name}");
                return Err(Problem::new("not_allowed", words)
                    .way_out("ask its operator owner, technical owner or sponsor"));
            }
        };
        let db = &self.0.reader;
        let (facts, newest) =
            tokio::try_join!(db.charter_facts(name), db.charter_history(name, 0, 1))
                .map_err(read_problem)?;
        let now = self.now();
        let said = answers(&row)?;
        let done = carry(
            said.statements(),
            &Into {
                workflow: name,
                owner: &workflow.owner,
                facts: &facts,
                last: newest.first().map_or(0, |f| f.seq),
                now,
                by: Some(by),
            },
        );
        if done.changes.is_empty() {
            return Ok(done.carried);
        }
        let subject = Subject::Workflow(name.to_owned());
        let entry = AuditEntry::new(now, reader.who.clone(), "charter.carried", subject)
            .fact("from", "quiz")
            .fact("candidate", name)
            .fact("statements", done.carried.told())
            .fact("answered_by", done.answered_by.clone());
        self.commit(done.changes, entry).await?;
        Ok(done.carried)
    }

    /// What a new workflow's charter begins with: the answers of the candidate of its name, by those who may sign
    /// that charter. Others' answers wait until somebody who may carries them. With it, the words for the entry.
    ///
    /// # Errors
    /// When the database does not answer, or the answers cannot be read.
    pub(in crate::ops) async fn carried_at_install(
        &self,
        def: &Definition,
        now: Timestamp,
    ) -> Result<(Vec<Change>, Vec<String>), Problem> {
        let (name, db) = (&def.workflow.name, &self.0.reader);
        let row = db.candidate(name).await.map_err(read_problem)?;
        let Some(row) = row.filter(|r| r.state == CandidateState::Open) else {
            return Ok(Default::default());
        };
        let signers = self.signers(&row, def).await?;
        let (facts, newest) =
            tokio::try_join!(db.charter_facts(name), db.charter_history(name, 0, 1))
                .map_err(read_problem)?;
        let said = answers(&row)?;
        let signed = said.statements().filter(|(_, s)| signers.contains(&s.by));
        let done = carry(
            signed,
            &Into {
                workflow: name,
                owner: &def.owners.operator.handle,
                facts: &facts,
                last: newest.first().map_or(0, |f| f.seq),
                now,
                by: None,
            },
        );
        let each = done.carried.told().into_iter();
        Ok((done.changes, each.collect()))
    }

    /// Of those who answered, who may sign the charter of the workflow once it is there.
    async fn signers(&self, row: &Candidate, def: &Definition) -> Result<Vec<String>, Problem> {
        let mut people: Vec<String> = answers(row)?
            .statements()
            .map(|(_, s)| s.by.clone())
            .collect();
        people.sort_unstable();
        people.dedup();
        let named = roles(def);
        let mut out = Vec::new();
        for person in people {
            let known = self.0.reader.person(&person).await.map_err(read_problem)?;
            // Who was deactivated signs nothing; who is not known yet comes with the package.
            if known.is_some_and(|p| !p.active) {
                continue;
            }
            let by_package = named
                .iter()
                .any(|(handle, role, _)| *handle == person && may(*role, Act::SignCharter));
            let rights = self.rights(&person).await?;
            if by_package || rights.may(Act::SignCharter, &def.workflow.name) {
                out.push(person);
            }
        }
        Ok(out)
    }
}

fn carry<'a>(said: impl Iterator<Item = (Statement, &'a Said)>, to: &Into<'_>) -> Carrying {
    let mut out = Carrying {
        carried: Carried::default(),
        changes: Vec::new(),
        answered_by: Vec::new(),
    };
    let mut seq = to.last;
    for (statement, said) in said {
        let there = to
            .facts
            .iter()
            .find(|f| f.statement == statement && f.about.is_empty() && !is_blank(&f.value));
        if let Some(there) = there {
            out.carried
                .had
                .push((statement.word(), there.value.clone()));
            continue;
        }
        // As if it were stated now: what was a day to come may be over.
        if let Err(fault) = statement.read(&said.value, to.now, &Zone::utc()) {
            out.carried.refused.push((statement.word(), fault.words));
            continue;
        }
        seq += 1;
        let fact = CharterFact {
            workflow: to.workflow.to_owned(),
            seq,
            statement,
            about: String::new(),
            value: said.value.clone(),
            by: to.by.unwrap_or(&said.by).to_owned(),
            at: to.now,
        };
        out.changes
            .push(Change::Charter(Box::new(CharterChange::InsertFact(fact))));
        if statement == Statement::BeforeAfterMap {
            out.changes.extend(more_steps(to, &said.value));
        }
        out.carried
            .added
            .push((statement.word(), said.value.clone()));
        if !out.answered_by.contains(&said.by) {
            out.answered_by.push(said.by.clone());
        }
    }
    out
}

/// The owner hears of a new way with more steps, as when it is stated on the charter.
fn more_steps(to: &Into<'_>, value: &str) -> Option<Change> {
    let map = Map::read(value).filter(|m| m.has_more_steps())?;
    let name = to.workflow;
    let title = format!("{name}: the new way has more steps ({})", map.words());
    let path = format!("/workflows/{name}/charter");
    let told = notice(
        to.owner.to_owned(),
        name.to_owned(),
        "more_steps",
        title,
        path,
        to.now,
    );
    Some(Change::InsertNotice(Box::new(told)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_metric_whose_day_is_over_is_not_carried() {
        let said = |value: &str| Said {
            value: value.to_owned(),
            by: "dana".to_owned(),
            at: Timestamp::default(),
        };
        let (over, hours) = (said("override_rate at most 10 by 2026-11-01"), said("12"));
        let all = [
            (Statement::NinetyDayMetric, &over),
            (Statement::FrictionHours, &hours),
        ];
        let to = Into {
            workflow: "second",
            owner: "rhea",
            facts: &[],
            last: 0,
            now: Timestamp::parse("2026-11-22T10:00:00Z").unwrap(),
            by: None,
        };
        let done = carry(all.into_iter(), &to);
        assert_eq!(done.carried.added, [("friction_hours", "12".to_owned())]);
        assert_eq!(done.carried.refused[0].0, "ninety_day_metric");
        assert_eq!(done.changes.len(), 1);
    }
}
