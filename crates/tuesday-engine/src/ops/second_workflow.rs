//! A second workflow before the first one ships is discouraged, not forbidden: who installs it is told, its
//! owner too, and the decision is on record.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Definition, PackageFault};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Choice, DecisionRecord, RolloutChange, TextList, Workflow};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;

use crate::engine::{Engine, read_problem};
use crate::ids;
use crate::maintenance::notice;

/// What is said, and what is recorded with the first release.
pub(super) struct Second {
    pub(super) warning: PackageFault,
    pub(super) changes: Vec<Change>,
}

impl Engine {
    /// What a new workflow brings with it while others have not reached production.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn second_workflow(
        &self,
        def: &Definition,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<Second>, Problem> {
        let all = self.0.reader.workflows().await.map_err(read_problem)?;
        let name = &def.workflow.name;
        Ok(unshipped(&all, name).map(|others| {
            let words = format!("{name} is begun while none is in production: {others}");
            let decision = DecisionRecord {
                id: ids::decision(),
                workflow: name.clone(),
                choice: Choice::Proceed,
                question: "Another workflow before the first one is in production?".to_owned(),
                evidence: others,
                links: TextList::new(&["/hub".to_owned()]),
                conditions: TextList::default(),
                supersedes: None,
                reason: "installed in spite of the warning".to_owned(),
                decided_by: match by {
                    Actor::Person(handle) => handle.clone(),
                    other => other.to_string(),
                },
                decided_at: now,
            };
            let owner = def.owners.operator.handle.clone();
            let path = format!("/workflows/{name}");
            let told = notice(
                owner,
                name.clone(),
                "second_workflow",
                words.clone(),
                path,
                now,
            );
            Second {
                warning: PackageFault {
                    file: "workflow.toml".to_owned(),
                    line: None,
                    code: "second_workflow",
                    warning: true,
                    message: words,
                    way_out: "bring the first one to production before the second".to_owned(),
                },
                changes: vec![
                    Change::Rollout(Box::new(RolloutChange::InsertDecision(decision))),
                    Change::InsertNotice(Box::new(told)),
                ],
            }
        }))
    }
}

/// The others with their labels, when there are any and none of them is in production.
fn unshipped(all: &[Workflow], own: &str) -> Option<String> {
    let others: Vec<&Workflow> = all
        .iter()
        .filter(|w| w.name != own && w.label != Label::Retired)
        .collect();
    if others.is_empty() || others.iter().any(|w| w.label == Label::Production) {
        return None;
    }
    let words = others.iter().map(|w| format!("{} is {}", w.name, w.label));
    Some(words.collect::<Vec<_>>().join(", "))
}
