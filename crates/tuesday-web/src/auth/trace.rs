//! Every address that changes something names the audit entry that it leaves, or why it leaves none.
//!
//! Two halves make the list complete: each address of `DOORS` that is not a read stands here with
//! kinds that the engine really writes, and the engine has no way to write without an entry but the
//! few that are named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::access::DOORS;

const NOTHING: &[&str] = &[];

/// Method, path, the kinds of entry; without any, why.
const TRACES: &[(&str, &str, &[&str], &str)] = &[
    (
        "POST",
        "/api/v1/triggers/{workflow}",
        &["run.accepted", "event.refused"],
        "",
    ),
    ("POST", "/api/v1/runs/{id}/retry", &["run.accepted"], ""),
    ("POST", "/api/v1/runs/{id}/rerun", &["run.accepted"], ""),
    (
        "POST",
        "/api/v1/runs/{id}/cancellation",
        &["run.cancelled"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/claim",
        &["review.claimed"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/release",
        &["review.released"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/approval",
        &[
            "review.approved",
            "review.partly_approved",
            "action.accepted_by_person",
            "action.partly_accepted",
            "review.source_changed",
        ],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/edit",
        &["review.approved_with_edits", "review.partly_approved"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/rejection",
        &["review.rejected"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/escalation",
        &["review.escalated"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/settlement",
        &[
            "review.handed_over",
            "review.closed_failed",
            "review.input_supplied",
            "review.regenerate",
            "action.confirmed_by_person",
            "action.reauthorised_by_person",
        ],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/recall",
        &["review.recalled"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/verdict",
        &["review.second_look"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/reading",
        &["review.opened_by", "review.read_by"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/{id}/reassignment",
        &["review.reassigned"],
        "",
    ),
    (
        "POST",
        "/api/v1/reviews/decisions",
        &["review.approved", "review.rejected"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules",
        &[
            "rules.changed",
            "rules.proposed",
            "rules.scheduled",
            "rules.rolled_back",
        ],
        "",
    ),
    (
        "POST",
        "/api/v1/corrections/{id}/settlement",
        &["incident.correction_settled"],
        "",
    ),
    ("POST", "/api/v1/incidents", &["incident.opened"], ""),
    (
        "POST",
        "/api/v1/incidents/{id}/corrections",
        &["incident.corrected"],
        "",
    ),
    (
        "POST",
        "/api/v1/incidents/{id}/{verb}",
        &[
            "incident.acknowledged",
            "incident.assigned",
            "incident.noted",
            "incident.linked",
            "incident.mitigated",
            "incident.resolved",
            "incident.reviewed",
            "incident.reopened",
        ],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/reroute",
        &["run.rerouted"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/signals",
        &["signal.received"],
        "",
    ),
    (
        "POST",
        "/incidents/{id}/{verb}",
        &[
            "incident.acknowledged",
            "incident.assigned",
            "incident.noted",
            "incident.linked",
            "incident.mitigated",
            "incident.resolved",
            "incident.reviewed",
            "incident.reopened",
            "incident.corrected",
            "incident.correction_settled",
        ],
        "",
    ),
    (
        "POST",
        "/problem-reports/{id}/sorting",
        &["problem.sorted"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/reroute",
        &["run.rerouted"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/backtest",
        NOTHING,
        "asks the table about past runs and keeps nothing",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/proposals/{version}/approval",
        &["rules.approved"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/proposals/{version}/refusal",
        &["rules.refused"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/rules/acknowledgement",
        &["rules.read"],
        "",
    ),
    (
        "POST",
        "/api/v1/workflows/{workflow}/priority",
        &["workflow.priority"],
        "",
    ),
    (
        "POST",
        "/api/v1/intake/{id}/resubmission",
        &["run.accepted"],
        "",
    ),
    ("PUT", "/api/v1/saved-views/{name}", &["view.saved"], ""),
    (
        "DELETE",
        "/api/v1/saved-views/{name}",
        &["view.dropped"],
        "",
    ),
    ("POST", "/api/v1/problem-reports", &["problem.reported"], ""),
    (
        "POST",
        "/api/v1/problem-reports/{id}/triage",
        &["problem.sorted"],
        "",
    ),
    (
        "POST",
        "/sign-in",
        &["session.started", "sign_in.refused"],
        "",
    ),
    ("POST", "/sign-out", &["session.ended"], ""),
    (
        "POST",
        "/look",
        NOTHING,
        "the look of the console is a cookie of the browser; nothing is stored",
    ),
    ("POST", "/queue/views", &["view.saved", "view.dropped"], ""),
    ("POST", "/reviews/{id}/owner", &["review.reassigned"], ""),
    ("POST", "/reviews/{id}/problem", &["problem.reported"], ""),
    (
        "POST",
        "/reviews/{id}/edit",
        &["review.approved_with_edits"],
        "",
    ),
    (
        "POST",
        "/reviews/{id}/changes",
        NOTHING,
        "shows what an edit would do while it is typed, and keeps nothing",
    ),
    ("POST", "/reviews/{id}/approval", &["review.approved"], ""),
    ("POST", "/reviews/{id}/rejection", &["review.rejected"], ""),
    (
        "POST",
        "/reviews/{id}/escalation",
        &["review.escalated"],
        "",
    ),
    (
        "POST",
        "/reviews/{id}/settlement",
        &["review.handed_over"],
        "",
    ),
    ("POST", "/reviews/{id}/claim", &["review.claimed"], ""),
    ("POST", "/reviews/{id}/release", &["review.released"], ""),
    ("POST", "/reviews/{id}/recall", &["review.recalled"], ""),
    ("POST", "/api/v1/runs/{id}/recall", &["review.recalled"], ""),
    ("POST", "/runs/{id}/recall", &["review.recalled"], ""),
    ("POST", "/reviews/{id}/verdict", &["review.second_look"], ""),
    (
        "POST",
        "/api/v1/workflows/{workflow}/seeds",
        &["seed.placed"],
        "",
    ),
    ("POST", "/workflows/{workflow}/seeds", &["seed.placed"], ""),
    ("POST", "/runs/{id}/rerun", &["run.accepted"], ""),
    ("POST", "/intake/{id}/resubmission", &["run.accepted"], ""),
    (
        "POST",
        "/workflows/{workflow}/rules",
        &["rules.changed", "rules.proposed"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/rollback",
        &["release.rolled_back"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/approval",
        &["release.approved"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/promotion",
        &["release.live"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/releases/{id}/withdrawal",
        &["release.withdrawn"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/rollback",
        &["rules.rolled_back"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/acknowledgement",
        &["rules.read"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/proposals/{version}",
        &["rules.approved", "rules.refused"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/proposals/{version}/withdrawal",
        &["rules.refused"],
        "",
    ),
    ("POST", "/account/confirmation", &["session.confirmed"], ""),
    ("POST", "/account/password", &["credential.set"], ""),
    (
        "POST",
        "/account/codes",
        &["credential.set", "credential.dropped"],
        "",
    ),
    ("POST", "/account/sessions", &["session.ended"], ""),
    ("POST", "/people", &["person.invited"], ""),
    ("POST", "/people/tokens", &["token.created"], ""),
    (
        "POST",
        "/people/tokens/{id}/revocation",
        &["token.revoked"],
        "",
    ),
    (
        "POST",
        "/people/{handle}/role",
        &["right.granted", "right.revoked"],
        "",
    ),
    (
        "POST",
        "/people/{handle}/standing",
        &[
            "person.activated",
            "person.deactivated",
            "person.away",
            "person.reset",
        ],
        "",
    ),
    (
        "POST",
        "/account/confirmation/options",
        NOTHING,
        "a challenge that is used once and expires; what is done with it has its entry",
    ),
    ("POST", "/account/oidc/removal", &["credential.dropped"], ""),
    ("POST", "/account/passkeys", &["credential.set"], ""),
    (
        "POST",
        "/account/passkeys/options",
        NOTHING,
        "a challenge that is used once and expires; what is done with it has its entry",
    ),
    (
        "POST",
        "/account/passkeys/removal",
        &["credential.dropped"],
        "",
    ),
    ("POST", "/api/v1/people", &["person.invited"], ""),
    (
        "POST",
        "/api/v1/people/{handle}/activation",
        &["person.activated"],
        "",
    ),
    (
        "POST",
        "/api/v1/people/{handle}/deactivation",
        &["person.deactivated"],
        "",
    ),
    (
        "POST",
        "/api/v1/people/{handle}/grants",
        &["right.granted"],
        "",
    ),
    (
        "POST",
        "/api/v1/people/{handle}/grants/withdrawal",
        &["right.revoked"],
        "",
    ),
    (
        "POST",
        "/api/v1/people/{handle}/link",
        &["person.reset"],
        "",
    ),
    ("POST", "/api/v1/tokens", &["token.created"], ""),
    (
        "POST",
        "/api/v1/tokens/{id}/revocation",
        &["token.revoked"],
        "",
    ),
    ("POST", "/audit/export", &["audit.exported"], ""),
    (
        "POST",
        "/problem-reports/{id}/triage",
        &["problem.sorted"],
        "",
    ),
    (
        "POST",
        "/queue/together",
        &[
            "review.approved",
            "review.rejected",
            "review.reassigned",
            "review.released",
        ],
        "",
    ),
    ("POST", "/reviews/{id}/pause", &["workflow.switch"], ""),
    ("POST", "/reviews/{id}/reading", &["review.read_by"], ""),
    ("POST", "/runs/{id}/problem", &["problem.reported"], ""),
    (
        "POST",
        "/sign-in/passkey",
        &["session.started", "credential.suspected"],
        "",
    ),
    (
        "POST",
        "/workflows/{workflow}/rules/judgement",
        NOTHING,
        "judges a draft and keeps nothing",
    ),
];

/// What the engine writes without an entry, and why that is enough.
const BARE: &[(&str, &str)] = &[
    (
        "apply",
        "the decision carries the entry; without one nothing happens",
    ),
    (
        "claim",
        "a lease of a job; the step that follows has its entry",
    ),
    (
        "turn",
        "a lease on the record of a destination; the step that writes has its entry",
    ),
    (
        "begin_ceremony",
        "a challenge with a short life; what is done with it has its entry",
    ),
    ("end_ceremony", "the challenge is used up, or expired"),
    (
        "count_guess",
        "wrong guesses at a door, counted before they are judged",
    ),
    ("forgive_guess", "the right one takes its count back"),
    ("heartbeat", "a lease runs on"),
    (
        "put_day",
        "what a day came to, made from its records at any time",
    ),
    ("put_figure_mark", "up to where the records were looked at"),
    ("release_leases_of", "leases of a process that is gone"),
    (
        "right_used",
        "when a right was last used, to the hour, for the access review",
    ),
    (
        "session_seen",
        "when a session was last used, to the minute",
    ),
    (
        "sequence_audit",
        "writes the log itself: places and a checkpoint",
    ),
];
/// Methods of the store that write nothing.
const READING: &[&str] = &["reader", "watch", "clone", "close", "instance", "dialect"];

fn engine() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tuesday-engine/src")
}

fn sources(dir: &Path, out: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_address_that_changes_something_names_its_entry() {
    let mut source = String::new();
    sources(&engine(), &mut source);
    let traces = || TRACES.iter().chain(super::trace_money::TRACES);
    let listed: BTreeSet<_> = traces().map(|(m, p, ..)| (*m, *p)).collect();
    assert_eq!(
        listed.len(),
        traces().count(),
        "an address stands there twice"
    );
    let changing: BTreeSet<_> = DOORS
        .iter()
        .filter(|(m, ..)| *m != "GET")
        .map(|(m, p, _)| (*m, *p))
        .collect();
    let without: Vec<_> = changing.difference(&listed).collect();
    assert!(without.is_empty(), "no trace is named for {without:?}");
    let idle: Vec<_> = listed.difference(&changing).collect();
    assert!(idle.is_empty(), "no such address: {idle:?}");
    for (method, path, kinds, why) in traces() {
        assert_eq!(
            kinds.is_empty(),
            !why.is_empty(),
            "{method} {path}: kinds or a reason"
        );
        for kind in *kinds {
            let written = source.contains(&format!("\"{kind}\""));
            assert!(written, "{method} {path}: the engine writes no `{kind}`");
        }
    }
}

#[test]
fn the_engine_writes_nothing_without_an_entry_but_what_is_named() {
    let mut source = String::new();
    sources(&engine(), &mut source);
    let tight: String = source.split_whitespace().collect();
    let mut found = BTreeSet::new();
    for (at, _) in tight.match_indices("store.") {
        // A field or a variable of that name; not the end of a longer word.
        if tight[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = tight[at + "store.".len()..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        if !READING.contains(&name.as_str()) {
            found.insert(name);
        }
    }
    let named: BTreeSet<_> = BARE.iter().map(|(n, _)| (*n).to_owned()).collect();
    assert_eq!(found, named);
    assert!(BARE.iter().all(|(_, why)| !why.is_empty()));
}
