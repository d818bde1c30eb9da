//! Everything that can be refused, in one table: stable code, HTTP status, exit code, title.
//!
//! Problems travel as RFC 9457 documents on HTTP and as one line plus exit code on the command
//! line. Each code has a page under `docs/errors/`.

use serde::Serialize;

/// `(code, HTTP status, exit code, title)`.
pub const CODES: &[(&str, u16, u8, &str)] = &[
    ("bad_request", 400, 2, "The request cannot be read"),
    (
        "capacity_invalid",
        422,
        2,
        "The declared hours cannot be used",
    ),
    (
        "capacity_undeclared",
        409,
        1,
        "Nobody has said whose hours there are",
    ),
    ("capacity_exceeded", 409, 1, "People could not keep up"),
    ("malformed_id", 400, 2, "That is not an id of this kind"),
    ("not_signed_in", 401, 3, "Nobody is signed in"),
    (
        "bad_signature",
        401,
        3,
        "The event's signature does not match",
    ),
    (
        "replay_window",
        401,
        3,
        "The event's time stamp is too far off",
    ),
    (
        "token_invalid",
        401,
        3,
        "The token is unknown, expired or withdrawn",
    ),
    (
        "not_allowed",
        403,
        3,
        "This person or token may not do that",
    ),
    (
        "not_cleared",
        403,
        3,
        "The reader's clearance is below the class of this field",
    ),
    (
        "fresh_sign_in_needed",
        403,
        3,
        "This needs a fresh proof of who is asking",
    ),
    ("sign_in_refused", 401, 3, "That did not sign anybody in"),
    (
        "sign_in_expired",
        401,
        3,
        "This sign-in is over, or was used already",
    ),
    (
        "identity_refused",
        401,
        3,
        "The identity provider's answer was not accepted",
    ),
    (
        "identity_unknown",
        403,
        3,
        "Nobody here belongs to that company account",
    ),
    (
        "identity_unavailable",
        503,
        5,
        "The identity provider does not answer",
    ),
    (
        "passkeys_unavailable",
        409,
        3,
        "Passkeys do not work under this address",
    ),
    (
        "weak_password",
        422,
        2,
        "The password would be guessed too soon",
    ),
    ("cost_invalid", 422, 2, "That cannot be booked"),
    (
        "spend_limit_reached",
        409,
        1,
        "The spend limit leaves no room for it",
    ),
    ("nothing_to_sign", 422, 1, "There is no value to sign"),
    ("nothing_to_seed", 409, 1, "No known error can be made"),
    (
        "label_not_earned",
        409,
        1,
        "The label needs evidence that is not there",
    ),
    (
        "no_path_to_production",
        409,
        1,
        "Without a path to production it is not a pilot",
    ),
    (
        "label_skipped",
        422,
        2,
        "Labels are earned one step at a time",
    ),
    (
        "step_out_of_order",
        409,
        1,
        "A pilot takes its steps in their order",
    ),
    (
        "charter_refused",
        422,
        2,
        "That is not what this field of the charter says",
    ),
    (
        "bound_field",
        422,
        2,
        "This field is a live object and not a text",
    ),
    ("unknown_field", 422, 2, "The charter has no such field"),
    ("own_word", 403, 3, "Nobody vouches for themselves"),
    (
        "training_needed",
        403,
        3,
        "Who decides has passed the practice first",
    ),
    (
        "practice_unavailable",
        409,
        3,
        "The pack has too few cases to practise on",
    ),
    (
        "first_shift_unavailable",
        409,
        3,
        "The pack has too few cases for a first shift",
    ),
    ("has_history", 409, 3, "What has a history is never deleted"),
    ("cross_site", 403, 3, "The request came from another site"),
    ("not_found", 404, 4, "There is nothing under that name"),
    ("unknown_workflow", 404, 4, "There is no such workflow"),
    (
        "method_not_allowed",
        405,
        2,
        "That cannot be done to this resource",
    ),
    (
        "event_mismatch",
        409,
        1,
        "The same event id came with another body",
    ),
    (
        "gate_not_passed",
        409,
        1,
        "The release has not passed the gate on exactly this text",
    ),
    (
        "clearance_needed",
        409,
        3,
        "The release reaches further than the live one and nobody cleared it",
    ),
    (
        "three_rewrites",
        409,
        1,
        "The error came back after three rewrites of the prompt",
    ),
    (
        "unknown_category",
        422,
        2,
        "That is no category of error of this workflow",
    ),
    (
        "unknown_case",
        422,
        2,
        "No pack of the workflow has that case",
    ),
    (
        "foreign_results",
        409,
        1,
        "Eval results belong to another release, pack, table or number of tries",
    ),
    (
        "already_decided",
        409,
        1,
        "Somebody has decided this already",
    ),
    (
        "revision_moved",
        409,
        1,
        "The task changed since it was read",
    ),
    (
        "source_changed",
        409,
        1,
        "A watched field changed since the output was made",
    ),
    (
        "freshness_unknown",
        409,
        1,
        "Nobody knows whether the sources are still the same",
    ),
    ("target_missing", 409, 1, "A watched record is gone"),
    (
        "target_changed",
        409,
        1,
        "The record that would be written has changed",
    ),
    (
        "key_reused",
        409,
        2,
        "The idempotency key belongs to another request",
    ),
    ("sending", 409, 1, "An action of this event is on its way"),
    ("already_sent", 409, 1, "It is being sent, or has been sent"),
    (
        "preview_required",
        422,
        2,
        "This needs the code of a preview that somebody has read",
    ),
    (
        "rules_moved",
        409,
        1,
        "The rules changed since they were read",
    ),
    ("claimed_by_other", 409, 1, "Somebody else is on it"),
    ("illegal_state", 409, 1, "That cannot happen in this state"),
    (
        "not_corrected",
        409,
        1,
        "Nothing shows that the record is right",
    ),
    (
        "not_undoable",
        409,
        1,
        "The old value cannot be put back by itself",
    ),
    (
        "same_person_twice",
        409,
        1,
        "Two distinct persons are needed",
    ),
    (
        "body_too_large",
        413,
        2,
        "The body is larger than the workflow allows",
    ),
    (
        "malformed_event",
        422,
        2,
        "The event is not the agreed JSON",
    ),
    ("schema_violation", 422, 2, "A field breaks the schema"),
    ("reason_required", 422, 2, "A reason is needed"),
    ("report_empty", 422, 2, "The report says nothing"),
    ("fix_not_said", 422, 2, "Say how the next error is fixed"),
    (
        "incident_category_required",
        422,
        2,
        "An incident has a category",
    ),
    (
        "blast_empty",
        422,
        2,
        "Nothing is named that could be the cause",
    ),
    (
        "follow_ups_open",
        409,
        1,
        "Something that follows is not done yet",
    ),
    (
        "postmortem_incomplete",
        422,
        1,
        "The postmortem is not filled in",
    ),
    (
        "corrections_open",
        409,
        1,
        "Wrong outputs are not put right yet",
    ),
    (
        "case_required",
        409,
        1,
        "Nothing guards against the same wrong answer",
    ),
    (
        "owner_not_a_person",
        422,
        2,
        "The owner is not a person who is there",
    ),
    (
        "not_opened",
        422,
        2,
        "Not every item was opened by the person who decides",
    ),
    (
        "too_many_items",
        422,
        2,
        "More items than one decision may cover",
    ),
    (
        "unknown_reason",
        422,
        2,
        "The reason is not one of the declared codes",
    ),
    (
        "checklist_unanswered",
        422,
        2,
        "The checklist is not fully answered",
    ),
    (
        "rewrite_required",
        422,
        2,
        "This type of output must be rewritten by a person",
    ),
    ("rules_invalid", 422, 2, "The decision table has faults"),
    (
        "bound_exceeded",
        422,
        3,
        "A value lies beyond its hard bound",
    ),
    (
        "not_editable",
        422,
        3,
        "This part of the rules is not open to change",
    ),
    (
        "acknowledge_first",
        428,
        3,
        "The rules, or what the model is told, changed: read it before the next decision",
    ),
    ("package_faulty", 422, 1, "The package has faults"),
    (
        "plaintext_secret",
        422,
        2,
        "A secret stands in clear where a reference belongs",
    ),
    ("label_cap", 409, 3, "The label does not allow that stage"),
    ("workflow_killed", 409, 3, "The workflow is killed"),
    ("workflow_retired", 409, 3, "The workflow is retired"),
    ("nobody_answers", 409, 3, "Nobody answers for the workflow"),
    (
        "evidence_not_linked",
        422,
        2,
        "A decision needs evidence that can be opened",
    ),
    (
        "second_owner",
        422,
        2,
        "A workflow has one accountable owner",
    ),
    (
        "decision_required",
        409,
        3,
        "A decision record is needed first",
    ),
    (
        "review_required",
        409,
        1,
        "The evidence must be reviewed first",
    ),
    (
        "rule_still_holds",
        409,
        3,
        "What paused the workflow still holds",
    ),
    (
        "reviewers_not_told",
        409,
        1,
        "Those who decide could not be told of the release",
    ),
    ("change_frozen", 409, 3, "Nothing is changed at this time"),
    ("open_work", 409, 1, "The workflow has open work"),
    ("erased", 409, 1, "What this needs was erased"),
    ("export_refused", 409, 1, "The export cannot be imported"),
    ("legal_hold", 409, 3, "A legal hold keeps this"),
    (
        "confirm_scope",
        409,
        1,
        "The restriction leaves nothing, or everything",
    ),
    (
        "entry_condition",
        409,
        1,
        "A condition of the stage is not true yet",
    ),
    ("stage_skipped", 422, 2, "Stages are taken one at a time"),
    (
        "test_clock_live",
        409,
        3,
        "A test clock and live destinations exclude each other",
    ),
    ("rate_limited", 429, 5, "Too many requests"),
    (
        "audit_unavailable",
        503,
        5,
        "The audit log cannot be written, so nothing was changed",
    ),
    (
        "storage_full",
        507,
        5,
        "There is no room left; nothing was accepted",
    ),
    ("unavailable", 503, 5, "The database cannot be reached"),
    ("shutting_down", 503, 5, "The node is shutting down"),
    (
        "schema_newer",
        503,
        5,
        "The database was written by a newer version",
    ),
    (
        "clock_skew",
        503,
        5,
        "This machine's clock disagrees with the database's",
    ),
    (
        "internal",
        500,
        5,
        "Something that should not happen happened",
    ),
    (
        "record_damaged",
        500,
        1,
        "Stored bytes do not match their commitment",
    ),
    ("audit_broken", 409, 1, "The audit log does not verify"),
    (
        "foreign_checkpoint",
        409,
        2,
        "The checkpoint is of another instance",
    ),
];

/// A refusal, complete enough for a person to act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable code from [`CODES`].
    pub code: &'static str,
    /// What happened, naming the field.
    pub detail: String,
    /// The field, when one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
    /// Every wrong field, for schema violations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<crate::schema::FieldError>,
    /// Further members: the winner of a conflict, the run's id.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of this code.
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(
            CODES.iter().any(|c| c.0 == code),
            "{code} is not in the table"
        );
        Self {
            code,
            detail: detail.into(),
            field: None,
            way_out: None,
            errors: Vec::new(),
            more: serde_json::Map::new(),
        }
    }
    /// Names the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
    /// Names the way out.
    #[must_use]
    pub fn way_out(mut self, way_out: impl Into<String>) -> Self {
        self.way_out = Some(way_out.into());
        self
    }
    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
    fn row(&self) -> (&'static str, u16, u8, &'static str) {
        CODES.iter().copied().find(|c| c.0 == self.code).unwrap_or((
            "internal",
            500,
            5,
            "Something that should not happen happened",
        ))
    }
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.row().1
    }
    /// Exit code of the command line.
    #[must_use]
    pub fn exit(&self) -> u8 {
        self.row().2
    }
    /// The code's title.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.row().3
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(way_out) = &self.way_out {
            write!(f, "; {way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        for (i, a) in CODES.iter().enumerate() {
            assert!(a.1 >= 400 && a.2 > 0, "{}", a.0);
            assert!(
                CODES.iter().skip(i + 1).all(|b| b.0 != a.0),
                "{} twice",
                a.0
            );
        }
    }
}
