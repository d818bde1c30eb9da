//! What shadow runs proposed against what people did about the same events.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tuesday_domain::actor::Class;
use tuesday_domain::eval::closed_fields;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::run::ReviewStatus;
use tuesday_domain::shadow::{Beside, People, Shadow};
use tuesday_store::ShadowRow;

use crate::engine::{Engine, read_problem};

/// Rows of one read.
const PAGE: usize = 500;

/// What is asked.
#[derive(Clone, Debug)]
pub struct ShadowQuery<'a> {
    /// The workflow whose runs were shadow.
    pub workflow: &'a str,
    /// The workflow in which people worked the same events, when it is another.
    pub against: Option<&'a str>,
    /// First and last day, YYYY-MM-DD.
    pub days: (&'a str, &'a str),
    /// Fields above this are left out.
    pub clearance: Class,
    /// At most so many runs, from the first day on.
    pub most: usize,
}

impl Engine {
    /// Compares the shadow runs of some days. The answer says whether runs beyond `most` were left out.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`; `record_damaged` when a release cannot be read.
    pub async fn shadow_report(&self, asked: ShadowQuery<'_>) -> Result<(Shadow, bool), Problem> {
        self.known_workflow(asked.workflow).await?;
        if let Some(other) = asked.against {
            self.known_workflow(other).await?;
        }
        let (mut report, mut known) = (Shadow::default(), BTreeMap::new());
        let mut after: Option<ShadowRow> = None;
        loop {
            let behind = after.as_ref().map(|r| (r.day.as_str(), r.run));
            let (w, a) = (asked.workflow, asked.against);
            let read = self.0.reader.shadow_runs(w, a, asked.days, behind, PAGE);
            let rows = read.await.map_err(read_problem)?;
            for row in &rows {
                if report.runs >= asked.most as u64 {
                    return Ok((report, true));
                }
                let beside = self.beside(row, asked.clearance, &mut known).await?;
                report.add(&beside);
            }
            if rows.len() < PAGE {
                return Ok((report, false));
            }
            after = rows.into_iter().next_back();
        }
    }

    async fn beside(
        &self,
        row: &ShadowRow,
        clearance: Class,
        known: &mut BTreeMap<ReleaseId, Arc<Ready>>,
    ) -> Result<Beside, Problem> {
        let proposed = match &row.output {
            Some(bytes) => {
                let ready = self.ready_once(row.release, known).await?;
                closed(&ready, bytes, clearance)
            }
            None => None,
        };
        let people = match (&row.people, row.otherwise) {
            (Some((ReviewStatus::Rejected, ..)), _) => People::Rejected,
            (Some((_, release, Some(bytes))), _) => {
                let ready = self.ready_once(*release, known).await?;
                closed(&ready, bytes, clearance).map_or(People::Nothing, People::Approved)
            }
            (_, Some(otherwise)) => People::Outcome { otherwise },
            (_, None) => People::Nothing,
        };
        Ok(Beside {
            proposed,
            people,
            sent: row.sent,
        })
    }

    async fn ready_once(
        &self,
        id: ReleaseId,
        known: &mut BTreeMap<ReleaseId, Arc<Ready>>,
    ) -> Result<Arc<Ready>, Problem> {
        if let Some(ready) = known.get(&id) {
            return Ok(Arc::clone(ready));
        }
        let ready = Arc::clone(&self.loaded(id).await?.ready);
        known.insert(id, Arc::clone(&ready));
        Ok(ready)
    }
}

/// The closed fields of an output that may be shown; nothing when the bytes are no object.
fn closed(ready: &Ready, bytes: &[u8], clearance: Class) -> Option<Map<String, Value>> {
    let output: Value = serde_json::from_slice(bytes).ok()?;
    output.as_object()?;
    let mut fields = closed_fields(ready, &output);
    fields.retain(|name, _| ready.output.class(name) <= clearance);
    Some(fields)
}
