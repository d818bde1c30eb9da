//! What the log says about bytes that are gone.

use serde_json::Value;
use tuesday_domain::id::RunId;
use tuesday_domain::privacy::{Erasures, erasures, is_gone};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Payload;

use crate::engine::{Engine, read_problem};

impl Engine {
    /// The erasures of a run, by the name of the payload.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn erasures_of(&self, run: RunId) -> Result<Erasures, Problem> {
        let entries = self.0.reader.audit_of(run).await.map_err(read_problem)?;
        let leaves: Vec<Value> = entries
            .iter()
            .filter_map(|(_, leaf)| serde_json::from_slice(leaf).ok())
            .collect();
        Ok(erasures(&leaves))
    }

    /// Passes when nothing of these payloads was erased.
    ///
    /// # Errors
    /// `erased` with when, by whom and under which policy; `record_damaged` where bytes are gone and no
    /// entry says so.
    pub(crate) async fn not_erased(&self, run: RunId, payloads: &[Payload]) -> Result<(), Problem> {
        let Some(gone) = payloads.iter().find(|p| is_gone(p)) else {
            return Ok(());
        };
        let name = format!("{}/{}", gone.kind, gone.n);
        let Some(erasure) = self.erasures_of(run).await?.remove(&name) else {
            let words = format!("{name} of {run} is gone, and no entry says that it was erased");
            return Err(Problem::new("record_damaged", words));
        };
        let words = erasure.words(None, str::to_owned);
        Err(
            Problem::new("erased", format!("{name} of {run} was {words}"))
                .with("run", run.to_string())
                .with("policy", erasure.policy)
                .way_out("use a run whose contents are kept; what was erased does not come back"),
        )
    }
}
