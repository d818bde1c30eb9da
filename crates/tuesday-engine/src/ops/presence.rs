//! Who is there: persons that can be given a task now, because they are active and not away.

use std::collections::{BTreeMap, BTreeSet};

use tuesday_domain::definition::Owners;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};

/// Who is not there at a moment, with the stand-in where one is named.
pub(crate) struct Gone {
    stand_ins: BTreeMap<String, Option<String>>,
    known: BTreeSet<String>,
    /// Deactivated: they do not come back by themselves.
    left: BTreeSet<String>,
}

impl Gone {
    pub(crate) fn is(&self, person: &str) -> bool {
        self.stand_ins.contains_key(person)
    }

    /// Handles of everybody who is not there.
    pub(crate) fn people(&self) -> Vec<String> {
        self.stand_ins.keys().cloned().collect()
    }

    /// Somebody who is known and there.
    pub(crate) fn is_here(&self, person: &str) -> bool {
        self.known.contains(person) && !self.is(person)
    }

    /// Who has the tasks of `person` meanwhile: the stand-in, the stand-in's stand-in, then the
    /// persons the task escalates along, then the operator owner, the backup and the sponsor. What was the
    /// operator owner's or the backup's goes to the sponsor first, where both have left.
    pub(crate) fn instead(&self, person: &str, review: &Review, owners: &Owners) -> Option<String> {
        let mut next = person;
        for _ in 0..self.stand_ins.len() {
            match self.stand_ins.get(next).and_then(Option::as_deref) {
                Some(backup) if self.is_here(backup) => return Some(backup.to_owned()),
                Some(backup) => next = backup,
                None => break,
            }
        }
        let (operator, backup) = (
            owners.operator.handle.as_str(),
            owners.backup.handle.as_str(),
        );
        let answered = person == operator || person == backup;
        let steps_in = owners.sponsor_answers(|p| !self.left.contains(p));
        let steps_in = steps_in.filter(|_| answered).map(|s| s.handle.as_str());
        let sponsor = owners.sponsor.as_ref().map(|s| s.handle.as_str());
        steps_in
            .into_iter()
            .chain(review.chain.iter().map(String::as_str))
            .chain([operator, backup])
            .chain(sponsor)
            .find(|p| *p != person && self.is_here(p))
            .map(str::to_owned)
    }
}

impl Engine {
    /// Who is deactivated or away at `now`, or, on this workflow, is being done without.
    pub(crate) async fn gone(
        &self,
        workflow: Option<&str>,
        now: Timestamp,
    ) -> Result<Gone, Problem> {
        let reader = &self.0.reader;
        let (people, absences, tests) = tokio::try_join!(
            reader.people(),
            reader.absences(),
            reader.turnovers_running()
        )
        .map_err(read_problem)?;
        let mut stand_ins: BTreeMap<_, _> = absences
            .into_iter()
            .filter(|a| now < a.until)
            .map(|a| (a.person, a.to))
            .collect();
        let left = people.iter().filter(|p| !p.active);
        let left: BTreeSet<String> = left.map(|p| p.handle.clone()).collect();
        for person in &left {
            stand_ins.entry(person.clone()).or_insert(None);
        }
        for test in tests {
            if workflow == Some(test.workflow.as_str()) {
                stand_ins.entry(test.without).or_insert(None);
            }
        }
        Ok(Gone {
            stand_ins,
            known: people.into_iter().map(|p| p.handle).collect(),
            left,
        })
    }
}
