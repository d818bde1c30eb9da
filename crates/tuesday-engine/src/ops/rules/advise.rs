//! Advice on a cutoff from the workflow's own reviewed outcomes. It is printed and drawn; a person
//! applies it, or does not.

use tuesday_domain::problem::Problem;
use tuesday_domain::record::ReviewDecision;
use tuesday_domain::rules::{Advice, Case, ColumnType, Side, advise, number_of};

use crate::engine::{Engine, read_problem};

/// Runs held in memory at once.
const PAGE: usize = 20_000;
/// Reviewed cases looked at, newest first.
const MOST_CASES: usize = 200_000;

/// Advice with what it was asked about.
#[derive(Clone, Debug)]
pub struct CutoffAdvice {
    /// The column.
    pub column: String,
    /// On which side cases would go without a person.
    pub side: Side,
    /// The tolerable share of errors.
    pub budget: f64,
    /// How sure one wants to be.
    pub confidence: f64,
    /// What the outcomes allow.
    pub advice: Advice,
    /// The result in one sentence.
    pub words: String,
}

impl Engine {
    /// The loosest cutoff on a column whose error stays under `budget` at `confidence`.
    ///
    /// # Errors
    /// `bad_request` for a column that holds no numbers, or shares outside 0..1.
    pub async fn advise_cutoff(
        &self,
        workflow: &str,
        column: &str,
        budget: f64,
        confidence: f64,
    ) -> Result<CutoffAdvice, Problem> {
        for (field, share) in [("budget", budget), ("confidence", confidence)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(Problem::new(
                    "bad_request",
                    format!("{field} is a share between 0 and 1, such as 0.02"),
                )
                .field(field));
            }
        }
        let desk = self.rules_desk(workflow).await?;
        let found = desk.rules.columns().iter().find(|c| c.name == column);
        let numbers: Vec<_> = desk
            .rules
            .columns()
            .iter()
            .filter(|c| c.is_numeric())
            .map(|c| c.name.as_str())
            .collect();
        let Some(found) = found.filter(|c| c.is_numeric()) else {
            return Err(Problem::new(
                "bad_request",
                format!("`{column}` is not a column of numbers in these rules"),
            )
            .field("column")
            .way_out(format!("one of: {}", numbers.join(", "))));
        };
        let side = if matches!(found.kind, ColumnType::Ratio) {
            Side::AtLeast
        } else {
            Side::AtMost
        };
        let cases = self.reviewed(workflow, column).await?;
        let advice = advise(&cases, side, budget, confidence);
        let words = words(column, side, budget, confidence, &advice);
        Ok(CutoffAdvice {
            column: column.to_owned(),
            side,
            budget,
            confidence,
            advice,
            words,
        })
    }

    /// Cases that a person has decided, with the value of the column.
    async fn reviewed(&self, workflow: &str, column: &str) -> Result<Vec<Case>, Problem> {
        let mut cases = Vec::new();
        let mut before = None;
        while cases.len() < MOST_CASES {
            let page = self
                .0
                .reader
                .past_runs(workflow, before, None, PAGE)
                .await
                .map_err(read_problem)?;
            let Some(last) = page.last() else { break };
            before = Some(last.run);
            for run in &page {
                let right = match run.decision {
                    Some(ReviewDecision::Approve) => true,
                    Some(
                        ReviewDecision::ApproveWithEdits
                        | ReviewDecision::Reject
                        | ReviewDecision::HandOver
                        | ReviewDecision::CloseFailed,
                    ) => false,
                    _ => continue,
                };
                let Ok(then) = self
                    .0
                    .catalog
                    .rules(&self.0.reader, workflow, run.version)
                    .await
                else {
                    continue;
                };
                if let Some(score) = number_of(then.columns(), &run.facts, column) {
                    cases.push(Case { score, right });
                }
            }
        }
        Ok(cases)
    }
}

fn words(column: &str, side: Side, budget: f64, confidence: f64, advice: &Advice) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let (sure, under) = (percent(confidence), percent(budget));
    if advice.cases < advice.needed {
        return format!(
            "not enough reviewed cases: {} are there, {} without an error are needed to say that errors stay under {under} with {sure} confidence",
            advice.cases, advice.needed
        );
    }
    match advice.cutoff {
        Some(cutoff) => {
            let comparison = match side {
                Side::AtLeast => ">=",
                Side::AtMost => "<=",
            };
            format!(
                "{column} {comparison} {cutoff}: among reviewed cases on that side errors stay under {under} with {sure} confidence"
            )
        }
        None => format!(
            "no cutoff on {column} keeps errors under {under} with {sure} confidence in {} reviewed cases",
            advice.cases
        ),
    }
}
