//! Definitions by release: what pages say about a workflow. Releases never change, so each is read
//! and parsed once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tuesday_domain::definition::{Definition, Package};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;
use tuesday_store::StoreReader;

use crate::refusal::read_problem;

/// A definition and its time zone.
pub(crate) struct Known {
    pub(crate) def: Definition,
    pub(crate) zone: Zone,
}

/// The cache.
#[derive(Default)]
pub(crate) struct Definitions(RwLock<HashMap<ReleaseId, Arc<Known>>>);

impl Definitions {
    /// The definition of a release.
    pub(crate) async fn of(
        &self,
        reader: &StoreReader,
        release: ReleaseId,
    ) -> Result<Arc<Known>, Problem> {
        if let Some(known) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&release)
        {
            return Ok(Arc::clone(known));
        }
        let row = reader.release(release).await.map_err(read_problem)?;
        let row =
            row.ok_or_else(|| Problem::new("not_found", format!("{release} is not there")))?;
        let damaged = |why: String| Problem::new("record_damaged", format!("{release}: {why}"));
        let (package, vars) = Package::from_bundle(&row.bundle).map_err(damaged)?;
        let def = package.definition(&vars).map_err(|f| damaged(f.message))?;
        let zone = Zone::named(&def.workflow.time_zone).map_err(|e| damaged(e.to_string()))?;
        let known = Arc::new(Known { def, zone });
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(release, Arc::clone(&known));
        Ok(known)
    }
}
