//! What an edit would break and do, while it is being typed. Reads only.

use serde_json::Value;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::schema::FieldError;

use super::case::{CaseWrite, writes_of};
use super::cleared::cleared;
use crate::engine::Engine;

/// What approving an edited output would meet.
#[derive(Clone, Debug)]
pub struct EditPreview {
    /// Where it does not meet the output schema.
    pub errors: Vec<FieldError>,
    /// What it would write; empty while there are errors.
    pub writes: Vec<CaseWrite>,
}

impl Engine {
    /// Checks `output` as [`Engine::approve`] would check an edit by `by`, without deciding anything.
    ///
    /// # Errors
    /// `not_cleared` for who may not see what it rests on; `not_found`, `unavailable`, `record_damaged`.
    pub async fn preview_edit(
        &self,
        id: ReviewId,
        by: &str,
        output: &Value,
    ) -> Result<EditPreview, Problem> {
        let task = self.task(id).await?;
        cleared(&task, by)?;
        let errors = task.release.ready.output.check(output);
        let writes = if errors.is_empty() {
            writes_of(&task, output)
        } else {
            Vec::new()
        };
        Ok(EditPreview { errors, writes })
    }
}
