//! Which act each address is. An address that is not in this table lets nobody in, and fails a test.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Subject;
use tuesday_engine::Engine;

use super::access::Door::{Key, Nobody, Open};

/// What an address asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    /// Anybody, signed in or not.
    Open,
    /// The event's own signature or token, checked where it is received.
    Nobody,
    /// Somebody who may do this.
    Key(Act),
}

const READ: Door = Key(Act::ReadWork);
const SIGN: Door = Key(Act::SignCharter);

/// Every address with its method.
pub(crate) const DOORS: &[(&str, &str, Door)] = &[
    ("POST", "/api/v1/triggers/{workflow}", Nobody),
    ("GET", "/api/v1/runs", READ),
    ("GET", "/api/v1/runs/{id}", READ),
    ("GET", "/api/v1/runs/{id}/story", READ),
    ("POST", "/api/v1/runs/{id}/retry", Key(Act::RetryRun)),
    ("POST", "/api/v1/runs/{id}/rerun", Key(Act::RetryRun)),
    ("POST", "/api/v1/runs/{id}/cancellation", Key(Act::RetryRun)),
    ("POST", "/api/v1/runs/{id}/recall", Key(Act::DecideReview)),
    ("GET", "/api/v1/reviews", READ),
    ("GET", "/api/v1/reviews/{id}", READ),
    ("POST", "/api/v1/reviews/{id}/claim", Key(Act::DecideReview)),
    (
        "POST",
        "/api/v1/reviews/{id}/release",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/approval",
        Key(Act::DecideReview),
    ),
    ("POST", "/api/v1/reviews/{id}/edit", Key(Act::DecideReview)),
    (
        "POST",
        "/api/v1/reviews/{id}/rejection",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/escalation",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/settlement",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/recall",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/verdict",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/seeds",
        Key(Act::SeedReview),
    ),
    ("GET", "/api/v1/workflows", READ),
    ("GET", "/api/v1/workflows/{workflow}", READ),
    ("GET", "/api/v1/workflows/{workflow}/rules", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules",
        Key(Act::EditRules),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/backtest",
        Key(Act::EditRules),
    ),
    ("GET", "/api/v1/workflows/{workflow}/rules/history", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/proposals/{version}/approval",
        Key(Act::ApproveBounds),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/proposals/{version}/refusal",
        Key(Act::ApproveBounds),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/acknowledgement",
        Key(Act::DecideReview),
    ),
    (
        "GET",
        "/api/v1/workflows/{workflow}/rules/reroute",
        Key(Act::EditRules),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/reroute",
        Key(Act::EditRules),
    ),
    ("GET", "/api/v1/workflows/{workflow}/rules/unmapped", READ),
    ("GET", "/api/v1/workflows/{workflow}/rules/report", READ),
    ("GET", "/api/v1/workflows/{workflow}/rules/advice", READ),
    ("GET", "/api/v1/workflows/{workflow}/charter", READ),
    ("GET", "/api/v1/workflows/{workflow}/checklist", READ),
    (
        "GET",
        "/api/v1/workflows/{workflow}/readiness/{sheet}",
        READ,
    ),
    ("GET", "/api/v1/workflows/{workflow}/label", READ),
    ("POST", "/api/v1/workflows/{workflow}/label", SIGN),
    ("POST", "/api/v1/workflows/{workflow}/label/review", SIGN),
    ("POST", "/api/v1/workflows/{workflow}/charter/{field}", SIGN),
    (
        "POST",
        "/api/v1/workflows/{workflow}/training/{person}",
        SIGN,
    ),
    ("GET", "/api/v1/workflows/{workflow}/standing", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/pause",
        Key(Act::PauseWorkflow),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/resume",
        Key(Act::ResumeWorkflow),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/kill",
        Key(Act::KillWorkflow),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/restrict",
        Key(Act::PauseWorkflow),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/stage",
        Key(Act::SetStage),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/retire",
        Key(Act::KillWorkflow),
    ),
    ("GET", "/api/v1/workflows/{workflow}/decisions", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/decisions",
        Key(Act::ResumeWorkflow),
    ),
    ("GET", "/api/v1/workflows/{workflow}/signals", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/signals",
        Key(Act::ReportProblem),
    ),
    ("GET", "/api/v1/intake", READ),
    ("GET", "/api/v1/intake/{id}", READ),
    (
        "POST",
        "/api/v1/intake/{id}/resubmission",
        Key(Act::ResubmitIntake),
    ),
    ("GET", "/api/v1/audit/checkpoint", Key(Act::VerifyAudit)),
    ("GET", "/api/v1/audit/checkpoints", Key(Act::VerifyAudit)),
    ("GET", "/api/v1/audit/entries", Key(Act::VerifyAudit)),
    (
        "GET",
        "/api/v1/audit/entries/{seq}/proof",
        Key(Act::VerifyAudit),
    ),
    ("POST", "/api/v1/reviews/decisions", Key(Act::DecideReview)),
    (
        "POST",
        "/api/v1/reviews/{id}/reading",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/reassignment",
        Key(Act::ReassignReview),
    ),
    ("GET", "/api/v1/saved-views", Key(Act::OwnAccount)),
    ("PUT", "/api/v1/saved-views/{name}", Key(Act::OwnAccount)),
    ("DELETE", "/api/v1/saved-views/{name}", Key(Act::OwnAccount)),
    ("GET", "/api/v1/workflows/{workflow}/priority", READ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/priority",
        Key(Act::SetPriority),
    ),
    ("GET", "/api/v1/workflows/{workflow}/batches/{day}", READ),
    ("POST", "/api/v1/problem-reports", Key(Act::ReportProblem)),
    ("GET", "/api/v1/problem-reports", READ),
    ("GET", "/api/v1/problem-reports/{id}", READ),
    (
        "POST",
        "/api/v1/problem-reports/{id}/triage",
        Key(Act::HandleIncident),
    ),
    ("GET", "/api/v1/incidents", READ),
    ("POST", "/api/v1/incidents", Key(Act::HandleIncident)),
    ("GET", "/api/v1/incidents/{id}", READ),
    (
        "POST",
        "/api/v1/incidents/{id}/{verb}",
        Key(Act::HandleIncident),
    ),
    (
        "POST",
        "/api/v1/incidents/{id}/corrections",
        Key(Act::HandleIncident),
    ),
    ("GET", "/api/v1/incidents/{id}/postmortem", READ),
    (
        "POST",
        "/api/v1/corrections/{id}/settlement",
        Key(Act::HandleIncident),
    ),
    ("GET", "/api/v1/blast-radius", READ),
    ("GET", "/api/v1/security/report", Key(Act::ReviewAccess)),
    ("GET", "/api/v1/security/egress", Key(Act::ReviewAccess)),
    ("GET", "/api/v1/people", Key(Act::ReviewAccess)),
    ("POST", "/api/v1/people", Key(Act::ManagePeople)),
    ("GET", "/api/v1/people/{handle}", Key(Act::ReviewAccess)),
    (
        "POST",
        "/api/v1/people/{handle}/link",
        Key(Act::ManagePeople),
    ),
    (
        "POST",
        "/api/v1/people/{handle}/grants",
        Key(Act::ManagePeople),
    ),
    (
        "POST",
        "/api/v1/people/{handle}/grants/withdrawal",
        Key(Act::ManagePeople),
    ),
    (
        "POST",
        "/api/v1/people/{handle}/deactivation",
        Key(Act::ManagePeople),
    ),
    (
        "POST",
        "/api/v1/people/{handle}/activation",
        Key(Act::ManagePeople),
    ),
    ("GET", "/api/v1/tokens", Key(Act::ReviewAccess)),
    ("POST", "/api/v1/tokens", Key(Act::ManageTokens)),
    (
        "POST",
        "/api/v1/tokens/{id}/revocation",
        Key(Act::ManageTokens),
    ),
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/metrics", Open),
    ("GET", "/openapi.json", Open),
    ("GET", "/", Open),
    ("GET", "/errors/{code}", Open),
    ("GET", "/assets/{name}", Open),
    ("GET", "/sign-in", Open),
    ("POST", "/sign-in", Open),
    ("POST", "/sign-in/passkey", Open),
    ("GET", "/sign-in/oidc", Open),
    ("GET", "/sign-in/oidc/callback", Open),
    ("POST", "/sign-out", Key(Act::OwnAccount)),
    ("POST", "/look", Key(Act::OwnAccount)),
    ("GET", "/queue", READ),
    ("GET", "/queue/rows", READ),
    ("POST", "/queue/views", Key(Act::OwnAccount)),
    ("GET", "/queue/together", Key(Act::DecideReview)),
    ("POST", "/queue/together", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/reading", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/pause", Key(Act::DecideReview)),
    ("GET", "/events", READ),
    ("POST", "/reviews/{id}/owner", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/problem", Key(Act::ReportProblem)),
    ("GET", "/workflows", READ),
    ("GET", "/reviews/{id}", READ),
    ("GET", "/reviews/{id}/edit", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/edit", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/changes", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/approval", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/rejection", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/escalation", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/settlement", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/claim", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/release", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/recall", Key(Act::DecideReview)),
    ("POST", "/reviews/{id}/verdict", Key(Act::DecideReview)),
    ("GET", "/runs/{id}/case.jsonl", READ),
    ("GET", "/runs", READ),
    ("GET", "/runs/{id}", READ),
    ("GET", "/runs/{id}/story.txt", READ),
    ("POST", "/runs/{id}/rerun", Key(Act::RetryRun)),
    ("POST", "/runs/{id}/recall", Key(Act::DecideReview)),
    ("GET", "/intake", READ),
    ("GET", "/intake/{id}", READ),
    (
        "POST",
        "/intake/{id}/resubmission",
        Key(Act::ResubmitIntake),
    ),
    ("POST", "/runs/{id}/problem", Key(Act::ReportProblem)),
    ("GET", "/workflows/{workflow}/wrong", READ),
    ("GET", "/incidents", READ),
    ("GET", "/incidents/{id}", READ),
    ("GET", "/incidents/{id}/postmortem.md", READ),
    ("POST", "/incidents/{id}/{verb}", Key(Act::HandleIncident)),
    ("GET", "/runbooks/{page}", Open),
    ("GET", "/problem-reports", READ),
    ("GET", "/problem-reports/{id}", READ),
    (
        "POST",
        "/problem-reports/{id}/sorting",
        Key(Act::HandleIncident),
    ),
    (
        "POST",
        "/problem-reports/{id}/triage",
        Key(Act::HandleIncident),
    ),
    ("GET", "/audit", Key(Act::VerifyAudit)),
    ("POST", "/audit/export", Key(Act::ExportAudit)),
    ("GET", "/changes", READ),
    ("GET", "/workflows/{workflow}/batches", READ),
    ("GET", "/workflows/{workflow}", READ),
    ("GET", "/hub", READ),
    ("GET", "/workflows/{workflow}/charter", READ),
    ("POST", "/workflows/{workflow}/charter/{verb}", SIGN),
    ("POST", "/workflows/{workflow}/seeds", Key(Act::SeedReview)),
    ("GET", "/workflows/{workflow}/releases", READ),
    (
        "POST",
        "/workflows/{workflow}/releases/rollback",
        Key(Act::RollBackRelease),
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/approval",
        Key(Act::ApproveRelease),
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/clearance",
        Key(Act::ApproveSecurity),
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/promotion",
        Key(Act::ProposeRelease),
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/withdrawal",
        Key(Act::ProposeRelease),
    ),
    (
        "POST",
        "/workflows/{workflow}/pause",
        Key(Act::PauseWorkflow),
    ),
    (
        "POST",
        "/workflows/{workflow}/resume",
        Key(Act::ResumeWorkflow),
    ),
    ("POST", "/workflows/{workflow}/kill", Key(Act::KillWorkflow)),
    (
        "POST",
        "/workflows/{workflow}/restrict",
        Key(Act::PauseWorkflow),
    ),
    ("POST", "/workflows/{workflow}/stage", Key(Act::SetStage)),
    (
        "POST",
        "/workflows/{workflow}/retire",
        Key(Act::KillWorkflow),
    ),
    (
        "POST",
        "/workflows/{workflow}/decisions",
        Key(Act::ResumeWorkflow),
    ),
    ("GET", "/workflows/{workflow}/rules", READ),
    ("POST", "/workflows/{workflow}/rules", Key(Act::EditRules)),
    ("GET", "/workflows/{workflow}/rules.csv", READ),
    (
        "GET",
        "/workflows/{workflow}/rules/reroute",
        Key(Act::EditRules),
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/reroute",
        Key(Act::EditRules),
    ),
    ("GET", "/workflows/{workflow}/rules/versions", READ),
    ("GET", "/workflows/{workflow}/rules/evidence", READ),
    (
        "POST",
        "/workflows/{workflow}/rules/judgement",
        Key(Act::EditRules),
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/rollback",
        Key(Act::EditRules),
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/acknowledgement",
        Key(Act::DecideReview),
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/proposals/{version}",
        Key(Act::ApproveBounds),
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/proposals/{version}/withdrawal",
        Key(Act::EditRules),
    ),
    ("GET", "/api/v1/costs/report", Key(Act::ReadWork)),
    (
        "GET",
        "/api/v1/workflows/{workflow}/scorecard",
        Key(Act::ReadWork),
    ),
    (
        "GET",
        "/api/v1/workflows/{workflow}/weekly",
        Key(Act::ReadWork),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/weekly",
        Key(Act::KeepLedger),
    ),
    ("GET", "/api/v1/costs", Key(Act::ReadWork)),
    ("POST", "/api/v1/costs", Key(Act::KeepLedger)),
    ("POST", "/api/v1/costs/{id}/reversal", Key(Act::KeepLedger)),
    ("GET", "/api/v1/prices", Key(Act::ReadWork)),
    ("POST", "/api/v1/prices", Key(Act::KeepLedger)),
    (
        "GET",
        "/api/v1/workflows/{workflow}/baseline",
        Key(Act::ReadWork),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/baseline",
        Key(Act::KeepLedger),
    ),
    (
        "GET",
        "/api/v1/workflows/{workflow}/spend-limit",
        Key(Act::ReadWork),
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/spend-limit",
        Key(Act::KeepLedger),
    ),
    ("GET", "/workflows/{workflow}/scorecard", Key(Act::ReadWork)),
    (
        "GET",
        "/workflows/{workflow}/scorecard.csv",
        Key(Act::ReadWork),
    ),
    (
        "GET",
        "/workflows/{workflow}/scorecard.json",
        Key(Act::ReadWork),
    ),
    ("GET", "/workflows/{workflow}/weekly", Key(Act::ReadWork)),
    ("POST", "/workflows/{workflow}/weekly", Key(Act::KeepLedger)),
    ("GET", "/workflows/{workflow}/costs", Key(Act::ReadWork)),
    ("POST", "/workflows/{workflow}/costs", Key(Act::KeepLedger)),
    (
        "POST",
        "/workflows/{workflow}/costs/{id}/reversal",
        Key(Act::KeepLedger),
    ),
    (
        "POST",
        "/workflows/{workflow}/baseline",
        Key(Act::KeepLedger),
    ),
    (
        "POST",
        "/workflows/{workflow}/spend-limit",
        Key(Act::KeepLedger),
    ),
    ("GET", "/account", Key(Act::OwnAccount)),
    ("POST", "/account/confirmation", Key(Act::OwnAccount)),
    (
        "POST",
        "/account/confirmation/options",
        Key(Act::OwnAccount),
    ),
    ("POST", "/account/passkeys", Key(Act::OwnAccount)),
    ("POST", "/account/passkeys/options", Key(Act::OwnAccount)),
    ("POST", "/account/passkeys/removal", Key(Act::OwnAccount)),
    ("GET", "/account/oidc", Key(Act::OwnAccount)),
    ("POST", "/account/oidc/removal", Key(Act::OwnAccount)),
    ("POST", "/account/password", Key(Act::OwnAccount)),
    ("POST", "/account/codes", Key(Act::OwnAccount)),
    ("POST", "/account/sessions", Key(Act::OwnAccount)),
    ("GET", "/security", Key(Act::ReviewAccess)),
    ("GET", "/people", Key(Act::ReviewAccess)),
    ("POST", "/people", Key(Act::ManagePeople)),
    ("GET", "/people/matrix", Key(Act::OwnAccount)),
    ("GET", "/people/tokens", Key(Act::ReviewAccess)),
    ("POST", "/people/tokens", Key(Act::ManageTokens)),
    (
        "POST",
        "/people/tokens/{id}/revocation",
        Key(Act::ManageTokens),
    ),
    ("GET", "/people/{handle}", Key(Act::ReviewAccess)),
    ("POST", "/people/{handle}/role", Key(Act::ManagePeople)),
    ("POST", "/people/{handle}/standing", Key(Act::ManagePeople)),
];

/// The act of the address that a request matched.
pub(crate) fn act_of(parts: &Parts) -> Result<Act, Problem> {
    let path = parts
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    // A page can be asked for its head alone.
    let method = match parts.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let found = DOORS
        .iter()
        .find(|(m, p, _)| *m == method && Some(*p) == path);
    match found {
        Some((_, _, Key(act))) => Ok(*act),
        _ => Err(Problem::new(
            "not_allowed",
            "nobody has said who may do this",
        )),
    }
}

/// Refuses an act that the rights hold nowhere, and keeps that it was asked for.
pub(crate) async fn check(
    engine: &Engine,
    by: &Actor,
    rights: &Rights,
    act: Act,
) -> Result<(), Problem> {
    let own = act == Act::OwnAccount && by.person().is_some();
    if own || rights.may_anywhere(act) {
        return Ok(());
    }
    let facts = [("act", act.word().to_owned())];
    engine
        .access_event("access.refused", by, Subject::Instance, &facts)
        .await?;
    Err(refusal(act))
}

/// Whether the rights reach an object of this workflow; what one may not even read does not exist.
pub(crate) fn reaches(rights: &Rights, act: Act, workflow: &str) -> Result<(), Problem> {
    if rights.may(act, workflow) {
        return Ok(());
    }
    if rights.may(Act::ReadWork, workflow) {
        return Err(refusal(act));
    }
    Err(Problem::new(
        "not_found",
        "there is nothing under that address for you",
    ))
}

fn refusal(act: Act) -> Problem {
    Problem::new(
        "not_allowed",
        format!(
            "your roles do not allow this: {}",
            act.word().replace('_', " ")
        ),
    )
    .with("act", act.word())
    .way_out("the matrix of roles is on /people/matrix; an administrator grants them")
}

/// Keeps that an object was refused, without making the reader wait.
pub(crate) fn tell_refused(engine: &Engine, by: Actor, act: Act, workflow: &str) {
    let (engine, workflow) = (engine.clone(), workflow.to_owned());
    tokio::spawn(async move {
        let facts = [("act", act.word().to_owned())];
        let subject = Subject::Workflow(workflow);
        if let Err(e) = engine
            .access_event("access.refused", &by, subject, &facts)
            .await
        {
            tracing::error!(error = %e, "a refused access was not kept");
        }
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The addresses as the router names them, read from its source and from the API description,
    /// so that an address nobody thought about fails here.
    fn routed() -> BTreeSet<(String, String)> {
        let mut out = BTreeSet::new();
        let source: String = include_str!("../router.rs").split_whitespace().collect();
        let console = source.split("fnconsole()").nth(1).unwrap();
        for part in console.split(".route(\"").skip(1) {
            let path = part.split('"').next().unwrap().to_owned();
            for method in ["get", "post", "put", "delete", "patch"] {
                if part.contains(&format!("{method}(")) {
                    out.insert((method.to_uppercase(), path.clone()));
                }
            }
        }
        let api = serde_json::to_value(crate::router::description()).unwrap();
        for (path, methods) in api["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                out.insert((method.to_uppercase(), path.clone()));
            }
        }
        out.insert(("GET".into(), "/openapi.json".into()));
        out
    }

    #[test]
    fn every_address_has_a_door_and_every_door_an_address() {
        let doors: BTreeSet<_> = DOORS
            .iter()
            .map(|(m, p, _)| ((*m).to_owned(), (*p).to_owned()))
            .collect();
        assert_eq!(doors.len(), DOORS.len(), "a door stands there twice");
        let routed = routed();
        assert!(routed.len() > 50, "the list of addresses was not read");
        let without: Vec<_> = routed.difference(&doors).collect();
        assert!(without.is_empty(), "no door: {without:?}");
        let idle: Vec<_> = doors.difference(&routed).collect();
        assert!(idle.is_empty(), "no address: {idle:?}");
    }

    #[test]
    fn what_changes_something_is_open_to_nobody() {
        for (method, path, door) in DOORS {
            match door {
                Open => assert!(*method == "GET" || path.starts_with("/sign-in"), "{path}"),
                Key(act) if *method != "GET" => assert!(act.changes(), "{path}"),
                Key(_) | Nobody => {}
            }
        }
    }
}
