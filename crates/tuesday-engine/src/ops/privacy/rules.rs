//! For how long each class of each workflow is kept, and what that rests on.

use serde::Serialize;
use tuesday_domain::privacy::CLASSES;
use tuesday_domain::problem::Problem;

use crate::engine::{Engine, read_problem};

/// One class of one workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionRule {
    /// Workflow name.
    pub workflow: String,
    /// The class.
    pub class: &'static str,
    /// Days after the end of a run.
    pub days: u32,
    /// The policy in words, as an erasure names it.
    pub policy: String,
    /// Days up to this one have been gone through; absent before the first.
    pub done_to: Option<String>,
    /// Days of these that still hold something: it is open, held, or too young.
    pub waiting: usize,
}

impl Engine {
    /// Every rule in force.
    ///
    /// # Errors
    /// `unavailable`, `record_damaged`.
    pub async fn retention(&self) -> Result<Vec<RetentionRule>, Problem> {
        let reader = &self.0.reader;
        let mut rules = Vec::new();
        for workflow in reader.workflows().await.map_err(read_problem)? {
            let live = self.loaded(workflow.live_release).await?;
            for class in CLASSES {
                let limits = &self.0.config.retention;
                let kept = limits.kept(&live.ready.def.retention, class);
                let mark = reader.retention_mark(&workflow.name, class).await;
                let mark = mark.map_err(read_problem)?;
                rules.push(RetentionRule {
                    workflow: workflow.name.clone(),
                    class: class.word(),
                    days: kept.days,
                    policy: kept.policy,
                    waiting: mark.as_ref().map_or(0, |m| m.waiting.len()),
                    done_to: mark.map(|m| m.done_to).filter(|d| !d.is_empty()),
                });
            }
        }
        Ok(rules)
    }
}
