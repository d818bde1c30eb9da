//! Lets in by the table of doors: the act of the address that was asked for, and what the rights reach.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Subject;
use tuesday_engine::Engine;

use super::doors::DOORS;
use super::doors::Door::Key;

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

    use super::super::doors::Door::{Nobody, Open};
    use super::*;

    /// The addresses as the router names them, read from its source and from the API description,
    /// so that an address nobody thought about fails here.
    fn routed() -> BTreeSet<(String, String)> {
        let mut out = BTreeSet::new();
        let source = concat!(
            include_str!("../router.rs"),
            include_str!("../router_charter.rs")
        );
        let source: String = source.split_whitespace().collect();
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
