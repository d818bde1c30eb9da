//! A reviewer has read the rules in force; until then no decision in that workflow.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, RulesAck};

use super::{entry, moved};
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ops::release::release_read;
use crate::ops::task::Task;

/// A change of the rules that people who decide must have read.
#[derive(Clone, Debug)]
pub struct RulesNews {
    /// The version in force.
    pub version: u64,
    /// Why it was changed.
    pub reason: String,
    /// Who changed it.
    pub made_by: String,
    /// Handles of those who need not read it: they made it, agreed to it, or have read it.
    pub readers: Vec<String>,
}

impl RulesNews {
    /// Whether this person may decide without reading it first.
    #[must_use]
    pub fn known_to(&self, person: &str) -> bool {
        self.readers.iter().any(|reader| reader == person)
    }
}

impl Engine {
    /// What people must have read before they decide; nothing where the rules never changed.
    ///
    /// # Errors
    /// `unavailable`, `record_damaged`.
    pub async fn rules_news(&self, workflow: &str) -> Result<Option<RulesNews>, Problem> {
        let Some(w) = self
            .0
            .catalog
            .workflow(&self.0.reader, workflow)
            .await
            .map_err(read_problem)?
        else {
            return Ok(None);
        };
        if w.rules_version <= 1 {
            return Ok(None);
        }
        let row = self.rules_row(workflow, w.rules_version).await?;
        let acks = self
            .0
            .reader
            .rules_acks(workflow)
            .await
            .map_err(read_problem)?;
        let mut readers: Vec<String> = acks
            .into_iter()
            .filter(|ack| ack.version >= row.version)
            .map(|ack| ack.person)
            .collect();
        readers.extend(row.created_by.strip_prefix("person:").map(str::to_owned));
        readers.extend(row.decided_by.clone());
        Ok(Some(RulesNews {
            version: row.version,
            reason: row.reason,
            made_by: row.created_by,
            readers,
        }))
    }

    /// `by` has read the version in force.
    ///
    /// # Errors
    /// `rules_moved` when another version is in force.
    pub async fn acknowledge_rules(
        &self,
        workflow: &str,
        by: &str,
        version: u64,
    ) -> Result<RulesAck, Problem> {
        let desk = self.rules_desk(workflow).await?;
        if desk.active.version != version {
            return Err(
                moved(&format!("version {} is in force", desk.active.version))
                    .with("version", desk.active.version),
            );
        }
        let now = self.now();
        let ack = RulesAck {
            workflow: workflow.to_owned(),
            person: by.to_owned(),
            version,
            at: now,
        };
        let entry = entry(
            "rules.read",
            workflow,
            Actor::Person(by.to_owned()),
            &desk.active.reason,
            now,
        )
        .fact("version", version);
        let changes = vec![Change::PutRulesAck(ack.clone())];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(ack)
    }
}

/// Refuses a decision of somebody who has not read the rules in force, or the release that is live.
pub(crate) fn acknowledged(task: &Task, by: &str) -> Result<(), Problem> {
    let Some(news) = task.news.as_ref().filter(|news| !news.known_to(by)) else {
        return release_read(task, by);
    };
    let workflow = &task.review.workflow;
    Err(Problem::new(
        "acknowledge_first",
        format!("rules version {} is in force and you have not read it", news.version),
    )
    .with("version", news.version)
    .with("reason", news.reason.clone())
    .with("made_by", news.made_by.clone())
    .way_out(format!(
        "read it and say so: /workflows/{workflow}/rules, or `tuesday rules acknowledge {workflow} {}`",
        news.version
    )))
}
