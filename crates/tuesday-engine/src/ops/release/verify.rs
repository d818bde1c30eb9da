//! Holds every stored release against its hash, and the evidence of each against its own. A live
//! release whose text was changed behind the product's back is dropped from memory, so that the next
//! run refuses, and an incident finds its owner.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Package, with_artefact};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Decision, Release, ReleaseState};
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_domain::trouble::{Category, Trouble};

use super::{GateRecord, entry};
use crate::engine::{Engine, read_problem};

/// A release that is not what was approved.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ReleaseFault {
    /// Its workflow.
    pub workflow: String,
    /// Its number.
    pub number: u32,
    /// Its id.
    pub release: String,
    /// `release_hash_mismatch` or `evidence_changed`.
    pub code: &'static str,
    /// In words, with both hashes where there are two.
    pub detail: String,
}

impl Engine {
    /// Every release of every workflow, or of one.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn verify_releases(
        &self,
        workflow: Option<&str>,
    ) -> Result<Vec<ReleaseFault>, Problem> {
        let rows = self.0.reader.workflows().await.map_err(read_problem)?;
        let mut faults = Vec::new();
        for row in rows.iter().filter(|w| workflow.is_none_or(|n| n == w.name)) {
            for release in self
                .0
                .reader
                .releases(&row.name)
                .await
                .map_err(read_problem)?
            {
                faults.extend(text_fault(&release));
                let gate = self.0.reader.gate(release.id).await.map_err(read_problem)?;
                let judged = gate.as_ref().is_some_and(|g| g.judged.is_some());
                if judged && let Err(why) = GateRecord::of(gate.as_ref()) {
                    faults.push(fault(&release, "evidence_changed", why));
                }
                for said in self.judged_since(release.id).await? {
                    if !said.valid {
                        let why = format!("judgement {}: {}", said.number, said.reasons.join("; "));
                        faults.push(fault(&release, "evidence_changed", why));
                    }
                }
            }
        }
        Ok(faults)
    }

    /// Looks at the live releases; the one whose text was changed is forgotten by this node and opens an
    /// incident.
    pub(crate) async fn watch_live_releases(&self) -> Result<(), String> {
        let reader = &self.0.reader;
        for workflow in reader.workflows().await.map_err(|e| e.to_string())? {
            let row = reader.release(workflow.live_release).await;
            let Some(row) = row.map_err(|e| e.to_string())? else {
                continue;
            };
            let Some(found) = text_fault(&row) else {
                continue;
            };
            // A node that never used it says so as well: events are refused until somebody looks.
            if self.0.catalog.forget(row.id) || !self.is_known(&row).await? {
                incident_for(self, &row, &found).await?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Whether an incident about it is open already.
    async fn is_known(&self, row: &Release) -> Result<bool, String> {
        let key = changed(row, String::new()).key();
        let known = self.0.reader.incident_of_cause(&key).await;
        let known = known.map_err(|e| e.to_string())?;
        let over =
            |s: IncidentState| matches!(s, IncidentState::Resolved | IncidentState::Reviewed);
        Ok(known.is_some_and(|i| !over(i.state)))
    }
}

fn changed(row: &Release, words: String) -> Trouble {
    let name = &row.workflow;
    Trouble::new(Category::ReleaseFault, name.clone(), Some(name), words)
}

/// A live release that is not what was approved is an incident of its workflow.
async fn incident_for(engine: &Engine, row: &Release, found: &ReleaseFault) -> Result<(), String> {
    let (now, by) = (engine.now(), Actor::System("release_watch"));
    let words = format!(
        "the text of release {} was changed, nothing runs with it: {}",
        row.number, found.detail
    );
    let trouble = changed(row, words);
    let entry = entry("release.hash_mismatch", row, &by, now).fact("detail", found.detail.clone());
    let changes = vec![engine.report_trouble(trouble)];
    let decision = Decision { changes, entry };
    engine
        .apply(decision)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

fn text_fault(row: &Release) -> Option<ReleaseFault> {
    // A draft's text is checked when it is loaded for its evaluation.
    if row.state == ReleaseState::Withdrawn {
        return None;
    }
    let (package, vars) = match Package::from_bundle(&row.bundle) {
        Ok(found) => found,
        Err(why) => return Some(fault(row, "release_hash_mismatch", why)),
    };
    (!package.is_release(&vars, &row.artifact, row.hash)).then(|| {
        let what = if row.artifact.is_empty() {
            "the stored text"
        } else {
            "the stored text with its trained model"
        };
        let found = with_artefact(package.release_hash(&vars), &row.artifact);
        let words = format!(
            "{what} has the hash {}, approved was {}",
            crate::catalog::hex(&found),
            crate::catalog::hex(&row.hash)
        );
        fault(row, "release_hash_mismatch", words)
    })
}

fn fault(row: &Release, code: &'static str, detail: String) -> ReleaseFault {
    ReleaseFault {
        workflow: row.workflow.clone(),
        number: row.number,
        release: row.id.to_string(),
        code,
        detail,
    }
}
