//! Says what is wrong with a draft of the rules while somebody types it. Changes nothing.

use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::{Finding, parse};

use super::RulesEdit;
use crate::engine::Engine;

/// What the checks say about a draft.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Gaps, overlaps, rows out of reach, values past a bound.
    pub findings: Vec<Finding>,
    /// Which of them a second person must agree to.
    pub second_person: Vec<Finding>,
    /// Why it cannot be saved as it stands; absent when it can, or when nothing differs.
    pub refused: Option<Problem>,
    /// It is the table in force.
    pub same: bool,
}

impl Engine {
    /// Judges a draft by `by` against the table in force.
    ///
    /// # Errors
    /// `not_allowed`, `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn judge_rules(
        &self,
        workflow: &str,
        by: &str,
        edit: &RulesEdit,
    ) -> Result<Draft, Problem> {
        let desk = self.rules_desk(workflow).await?;
        self.may_about_rules(Act::EditRules, workflow, by, "ask the operator owner")
            .await?;
        match self.judged(&desk, by, edit).await {
            Ok(judged) => Ok(Draft {
                findings: judged.findings,
                second_person: judged.second_person,
                ..Draft::default()
            }),
            Err(p) if p.code == "illegal_state" => Ok(Draft {
                findings: parse(&desk.active.csv).map(|(_, f)| f).unwrap_or_default(),
                same: true,
                ..Draft::default()
            }),
            Err(p) if matches!(p.code, "unavailable" | "record_damaged") => Err(p),
            Err(p) => {
                let found = p.more.get("findings").cloned().unwrap_or_default();
                Ok(Draft {
                    findings: serde_json::from_value(found).unwrap_or_default(),
                    refused: Some(p),
                    ..Draft::default()
                })
            }
        }
    }
}
