//! Makes a draft of a package: checked, compiled, stored under its hash. Nothing runs with it yet.

use std::collections::BTreeMap;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Package, with_artefact};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseFix, ReleaseState};

use super::{entry, rewrites};
use crate::engine::{Engine, read_problem};
use crate::ids;
use crate::ops::install::{checked, same_text, texts_are_final};

impl Engine {
    /// A draft of `package` in the name of `by`, which answers a category of error where one is named.
    /// The same content that is on its way already, or live, is answered as it stands.
    ///
    /// # Errors
    /// `package_faulty` with every fault, `unknown_workflow` before the first installation,
    /// `unknown_category`, `not_allowed`.
    pub async fn create_release(
        &self,
        package: &Package,
        vars: &BTreeMap<String, String>,
        answers: Option<&str>,
        by: &Actor,
    ) -> Result<Release, Problem> {
        let parts = checked(package, vars)?;
        let def = &parts.ready.def;
        let name = &def.workflow.name;
        self.known_workflow(name).await?;
        self.may_release(Act::ProposeRelease, name, by).await?;
        let fix = match answers {
            Some(category) => {
                rewrites::known(category, def)?;
                Some((
                    category.to_owned(),
                    self.layers_changed(package, def).await?,
                ))
            }
            None => None,
        };
        let hash = package.release_hash(&def.vars);
        let releases = self.0.reader.releases(name).await.map_err(read_problem)?;
        let under_way = releases.iter().find(|r| {
            same_text(r, hash)
                && !matches!(
                    r.state,
                    ReleaseState::Blocked
                        | ReleaseState::Superseded
                        | ReleaseState::RolledBack
                        | ReleaseState::Withdrawn
                )
        });
        if let Some(row) = under_way {
            return Ok(row.clone());
        }
        texts_are_final(package, &parts.ready.texts, &releases)?;
        let (artifact, _) = self.compiled(def, package).await?;
        let row = Release {
            id: ids::release(),
            workflow: name.clone(),
            number: releases.iter().map(|r| r.number).max().unwrap_or(0) + 1,
            state: ReleaseState::Draft,
            hash: with_artefact(hash, &artifact),
            bundle: package.to_bundle(&def.vars),
            artifact,
            created_at: self.now(),
            created_by: by.to_string(),
        };
        let mut entry = entry("release.created", &row, by, row.created_at);
        let mut changes = vec![Change::InsertRelease(Box::new(row.clone()))];
        if let Some((category, layers)) = fix {
            entry = entry
                .fact("answers", category.clone())
                .fact("layers", layers.clone());
            changes.push(Change::PutFix(Box::new(ReleaseFix {
                release: row.id,
                category,
                layers,
                class: None,
                excuse: None,
                excused_by: None,
                excused_at: None,
            })));
        }
        self.commit_release(Decision { changes, entry }).await?;
        Ok(row)
    }
}
