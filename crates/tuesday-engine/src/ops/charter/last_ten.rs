//! The test of the last ten runs: one that cannot be told from its record, and it is still a pilot.

use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::story::Story;
use tuesday_store::RunFilter;

use crate::engine::{Engine, read_problem};

/// So many of the newest ended runs are opened.
const RUNS: usize = 10;

/// One run, opened.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedRun {
    /// Its id.
    pub run: String,
    /// One line that names the case.
    pub subject: String,
    /// Its story can be told whole from the record.
    pub told: bool,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

/// What came of the test.
#[derive(Clone, Debug, Serialize)]
pub struct LastTen {
    /// Workflow name.
    pub workflow: String,
    /// Ten runs were there and each could be told.
    pub passed: bool,
    /// In words.
    pub verdict: String,
    /// The runs, newest first.
    pub runs: Vec<OpenedRun>,
}

impl Engine {
    /// Opens the last ten ended runs of a workflow.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn last_ten(&self, name: &str) -> Result<LastTen, Problem> {
        self.known_workflow(name).await?;
        let filter = RunFilter {
            workflow: Some(name.to_owned()),
            ..RunFilter::default()
        };
        // Open ones among the newest are passed over; further back than that is not the last ten.
        let newest = self.0.reader.run_page(&filter, None, RUNS * 10).await;
        let ended = newest
            .map_err(read_problem)?
            .into_iter()
            .filter(|r| r.state.outcome.is_some());
        let mut runs = Vec::new();
        for run in ended.take(RUNS) {
            runs.push(opened(
                Box::pin(self.story(run.id)).await,
                run.id.to_string(),
                run.subject,
            )?);
        }
        let broken = runs.iter().filter(|r| !r.told).count();
        let passed = runs.len() == RUNS && broken == 0;
        let verdict = if runs.len() < RUNS {
            format!("not enough runs: {} of {RUNS} have ended", runs.len())
        } else if broken > 0 {
            format!("still pilot: {broken} of {RUNS} runs cannot be told from their record")
        } else {
            format!("all {RUNS} can be told from their record")
        };
        Ok(LastTen {
            workflow: name.to_owned(),
            passed,
            verdict,
            runs,
        })
    }
}

/// A record that is damaged is a finding and not an error of the test.
fn opened(
    story: Result<Story, Problem>,
    run: String,
    subject: String,
) -> Result<OpenedRun, Problem> {
    let missing = match story {
        Ok(s) => {
            let gone = s.integrity.erased.iter();
            let gone = gone.map(|e| format!("{} {}", e.payload, e.words));
            let lost = s.integrity.damaged.iter().cloned().chain(gone);
            let gaps = s
                .integrity
                .gaps
                .iter()
                .map(|g| format!("change {g} is not in the log"));
            lost.chain(gaps).collect()
        }
        Err(e) if e.code == "record_damaged" => vec![e.detail],
        Err(e) => return Err(e),
    };
    Ok(OpenedRun {
        run,
        subject,
        told: missing.is_empty(),
        missing,
    })
}
