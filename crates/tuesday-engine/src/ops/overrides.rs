//! What a person changed about the machine's work: kind, reason and the exact difference, kept with
//! the decision, and counted.

use serde_json::{Value, json};
use tuesday_domain::diff::diff;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{OverrideKind, PayloadKind, Review};
use tuesday_domain::time::Timestamp;
use tuesday_store::OverrideCount;

use super::task::Task;
use crate::draft::Draft;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// How often people overrode the machine since `since`, by workflow, kind and reason.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn overrides(
        &self,
        workflow: Option<&str>,
        since: Timestamp,
    ) -> Result<Vec<OverrideCount>, Problem> {
        let reader = &self.0.reader;
        reader
            .override_counts(workflow, since)
            .await
            .map_err(read_problem)
    }
}

/// Keeps the override with the decision. `edited` is the final text and its payload number; its
/// difference from the model's own text reproduces it.
pub(super) fn keep(
    draft: &mut Draft,
    task: &Task,
    review: &mut Review,
    kind: OverrideKind,
    edited: Option<(&Value, u32)>,
) {
    let model = task.model_output();
    let steps = match (&model, edited) {
        (Some((_, from)), Some((to, _))) => json!(diff(from, to)),
        _ => json!([]),
    };
    let record = json!({
        "v": 1, "override": kind.word(), "by": draft_actor(review), "reason": review.decision_reason,
        "draft": model.map(|(n, _)| n), "final": edited.map(|(_, n)| n), "diff": steps,
    });
    review.override_ref = Some(draft.payload(PayloadKind::Note, record.to_string().into_bytes()));
    review.override_kind = Some(kind);
    draft.fact("override", kind.word());
    if let Some(reason) = &review.decision_reason {
        draft.fact("reason", reason.clone());
    }
}

fn draft_actor(review: &Review) -> Option<String> {
    review
        .decided_by
        .clone()
        .or_else(|| review.edited_by.clone())
}
