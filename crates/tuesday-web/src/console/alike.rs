//! What stands beside a case: how people decided others of the same rule, and who may stop the workflow.

use tuesday_domain::access::Act;
use tuesday_domain::record::ReviewDecision;
use tuesday_engine::ops::Case;
use tuesday_store::DecidedAlike;

use super::case_parts::decision_words;
use super::views::{AlikeView, CaseView};
use super::words::plural;
use crate::auth::User;
use crate::refusal::PageError;
use crate::state::App;

/// Decisions that are counted.
const COUNTED: usize = 50;
/// Cases that are named.
const NAMED: usize = 4;

/// Adds it to the case that `user` reads.
pub(super) async fn add(
    app: &App,
    case: &Case,
    user: &User,
    view: &mut CaseView,
) -> Result<(), PageError> {
    let (workflow, me) = (&case.review.workflow, &user.session.person);
    let alike = async {
        let Some(row) = &case.rules_row else {
            return Ok(Vec::new());
        };
        let reader = app.engine.reader();
        Ok::<_, PageError>(reader.decided_alike(workflow, row, COUNTED).await?)
    };
    let pausers = async { Ok(app.engine.who_may(Act::PauseWorkflow, workflow).await?) };
    let (mut alike, pausers) = tokio::try_join!(alike, pausers)?;
    alike.retain(|a| a.run != case.run.id);
    view.may_pause = pausers.iter().any(|(handle, _)| handle == me);
    let names: Vec<&str> = pausers.iter().map(|(_, name)| name.as_str()).collect();
    view.pausers = names.join(", ");
    if let Some(row) = &case.rules_row {
        view.alike_told = told(&alike, row);
    }
    alike.truncate(NAMED);
    let mut lines: Vec<_> = alike.iter().map(|a| (a.run, a.subject.clone())).collect();
    let veiled = app.engine.veil_subjects(&user.rights, workflow, &mut lines);
    veiled.await;
    let subjects = lines.into_iter().map(|(_, subject)| subject);
    let seen = alike.into_iter().zip(subjects);
    view.alike = seen
        .map(|(a, subject)| named(DecidedAlike { subject, ..a }))
        .collect();
    Ok(())
}

fn named(a: DecidedAlike) -> AlikeView {
    AlikeView {
        run: a.run.to_string(),
        subject: a.subject,
        words: decision_words(a.decision).to_owned(),
        tone: match a.decision {
            ReviewDecision::Approve => "ok",
            ReviewDecision::ApproveWithEdits => "warn",
            ReviewDecision::Reject => "bad",
            _ => "plain",
        },
    }
}

/// The counts in one sentence.
fn told(alike: &[DecidedAlike], row: &str) -> String {
    let count = |d| alike.iter().filter(|a| a.decision == d).count();
    let approved = count(ReviewDecision::Approve);
    let edited = count(ReviewDecision::ApproveWithEdits);
    let rejected = count(ReviewDecision::Reject);
    let other = alike.len() - approved - edited - rejected;
    let mut parts = vec![
        format!("{approved} approved"),
        format!("{edited} edited"),
        format!("{rejected} rejected"),
    ];
    if other > 0 {
        parts.push(format!("{other} by hand or otherwise"));
    }
    format!(
        "Rule {row}, the last {}: {}.",
        plural(alike.len() as u64, "decision"),
        parts.join(", ")
    )
}
