//! The test of the last ten runs: one that cannot be told from its record, and it is still a pilot.

use serde::Serialize;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::{Facts, STILL_PILOT, Statement};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, Subject};
use tuesday_domain::story::Story;
use tuesday_domain::workflow::Label;
use tuesday_store::RunFilter;

use crate::engine::{Engine, read_problem};
use crate::maintenance::notice;

/// So many of the newest ended runs are opened.
const RUNS: usize = 10;
const KEEPER: Actor = Actor::System("last_ten");

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
            let first = runs.iter().find(|r| !r.told).map(|r| r.run.as_str());
            format!(
                "{STILL_PILOT}: {broken} of {RUNS} runs cannot be told from their record, the newest {}",
                first.unwrap_or_default()
            )
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

impl Engine {
    /// Opens the last ten runs of every workflow that is called more than research.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_last_ten(&self) -> Result<(), Problem> {
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            if matches!(row.label, Label::Research | Label::Retired) {
                continue;
            }
            // One workflow that cannot be read must not keep the others from being looked at.
            match Box::pin(self.keep_last_ten(&row.name)).await {
                Err(e) if e.code == "revision_moved" => {}
                Err(e) => {
                    tracing::warn!(workflow = %row.name, error = %e, "its last ten runs could not be opened");
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Opens the last ten runs and keeps what came of it where that is another finding than before. Who answers
    /// for the workflow is told when its label is at risk by it.
    ///
    /// # Errors
    /// As [`Engine::last_ten`].
    pub async fn keep_last_ten(&self, name: &str) -> Result<LastTen, Problem> {
        let test = Box::pin(self.last_ten(name)).await?;
        let facts = self.0.reader.charter_facts(name).await;
        let facts = Facts::new(facts.map_err(read_problem)?);
        let before = facts.value(Statement::LastTen);
        let broken = test.verdict.starts_with(STILL_PILOT);
        // Too few runs say nothing; that is worth a row only where something was said before.
        if before == Some(test.verdict.as_str()) || (before.is_none() && test.runs.len() < RUNS) {
            return Ok(test);
        }
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let at_risk = broken && !matches!(row.label, Label::Research | Label::Retired);
        let value = test.verdict.clone();
        let by = KEEPER.to_string();
        let fact = self
            .next_fact(name, Statement::LastTen, "", value, &by)
            .await?;
        let entry = AuditEntry::new(
            fact.at,
            KEEPER,
            "readiness.last_ten",
            Subject::Workflow(name.to_owned()),
        )
        .fact("verdict", test.verdict.clone())
        .fact("label_at_risk", at_risk);
        let at = fact.at;
        let insert = CharterChange::InsertFact(fact);
        let mut changes = vec![Change::Charter(Box::new(insert))];
        if at_risk && !before.is_some_and(|b| b.starts_with(STILL_PILOT)) {
            let owners = &live.ready.def.owners;
            let people = [Some(&owners.operator), owners.sponsor.as_ref()];
            for person in people.into_iter().flatten() {
                let title = format!("{name}: label {} at risk: {}", row.label, test.verdict);
                let path = format!("/workflows/{name}/charter");
                let told = notice(
                    person.handle.clone(),
                    name.to_owned(),
                    "label_at_risk",
                    title,
                    path,
                    at,
                );
                changes.push(Change::InsertNotice(Box::new(told)));
            }
        }
        self.commit(changes, entry).await?;
        Ok(test)
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
