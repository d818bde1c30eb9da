//! The eval case that guards against an incident's next time must be there: in the pack of the live
//! release, or of a newer one on its way. A name alone guards against nothing.

use tuesday_domain::definition::Package;
use tuesday_domain::eval::Case;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseState};

use crate::engine::{Engine, read_problem};

impl Engine {
    /// Refuses a case that no pack of the workflow has. It is named by its name, or `FILE#NAME`.
    ///
    /// # Errors
    /// `unknown_case`, `unavailable`.
    pub(super) async fn guarded_by(
        &self,
        workflow: Option<&str>,
        case: &str,
    ) -> Result<(), Problem> {
        let Some(workflow) = workflow else {
            return Err(unknown(
                format!(
                    "the incident belongs to no workflow, so no pack can hold the case `{case}`"
                ),
                "give a waiver with its reason",
            ));
        };
        let releases = self.0.reader.releases(workflow).await;
        let releases = releases.map_err(read_problem)?;
        let live = releases
            .iter()
            .find(|r| r.state == ReleaseState::Live)
            .map_or(0, |r| r.number);
        if releases
            .iter()
            .filter(|r| guards(r, live))
            .any(|r| holds(r, case.trim()))
        {
            return Ok(());
        }
        Err(unknown(
            format!("no pack of {workflow} has a case `{case}`"),
            "add it to evals/ (tuesday eval add --from-run RUN) and create a release with it, or give a waiver",
        ))
    }
}

/// The live release, and what may still follow it.
fn guards(release: &Release, live: u32) -> bool {
    match release.state {
        ReleaseState::Live => true,
        ReleaseState::Draft
        | ReleaseState::Evaluating
        | ReleaseState::Passed
        | ReleaseState::Approved => release.number > live,
        ReleaseState::Blocked
        | ReleaseState::Superseded
        | ReleaseState::RolledBack
        | ReleaseState::Withdrawn => false,
    }
}

fn holds(release: &Release, wanted: &str) -> bool {
    let Ok((package, _)) = Package::from_bundle(&release.bundle) else {
        return false;
    };
    let packs = package.files.iter();
    let mut packs = packs.filter(|(n, _)| tuesday_domain::eval::holds_cases(n));
    packs.any(|(file, text)| {
        let in_file = wanted
            .strip_prefix(file.as_str())
            .and_then(|rest| rest.strip_prefix('#'));
        let cases = text
            .lines()
            .filter_map(|line| Case::parse(line.trim()).ok());
        cases
            .map(|c| c.name)
            .any(|name| name == wanted || in_file == Some(name.as_str()))
    })
}

fn unknown(words: String, way_out: &str) -> Problem {
    Problem::new("unknown_case", words)
        .field("case")
        .way_out(way_out)
}
