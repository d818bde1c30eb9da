//! Folders that installed workflows write files into. Without one, the first write would be the one to
//! find out; so they are made below the data folder when a package is installed or a node starts, and
//! asked about by `doctor` elsewhere.

use std::path::{Path, PathBuf};

use tuesday_domain::definition::{Definition, DestinationKind};
use tuesday_domain::problem::Problem;

use crate::args::stored;
use crate::out::unavailable;
use crate::wiring::Node;

/// A folder that is needed and not there.
pub(crate) struct Missing {
    pub(crate) workflow: String,
    pub(crate) action: String,
    pub(crate) folder: PathBuf,
}

/// What the installed workflows need and do not have.
pub(crate) async fn missing(node: &Node) -> Result<Vec<Missing>, Problem> {
    let workflows = node.engine.reader().workflows().await.map_err(stored)?;
    let mut all = Vec::new();
    for workflow in workflows {
        let (_, live) = node.engine.live(&workflow.name).await?;
        all.extend(needed(&node.home.dir, &live.ready.def).filter(|m| !m.folder.is_dir()));
    }
    Ok(all)
}

/// Makes those that lie below the data folder.
pub(crate) async fn make(node: &Node) -> Result<(), Problem> {
    for m in missing(node).await? {
        if m.folder.starts_with(&node.home.dir) {
            std::fs::create_dir_all(&m.folder)
                .map_err(|e| unavailable(format!("{}: {e}", m.folder.display())))?;
        }
    }
    Ok(())
}

fn needed<'a>(base: &'a Path, def: &'a Definition) -> impl Iterator<Item = Missing> + 'a {
    def.action
        .iter()
        .filter(|a| a.kind == DestinationKind::File)
        .filter_map(move |a| {
            let folder = base.join(a.path.as_deref()?).parent()?.to_owned();
            Some(Missing {
                workflow: def.workflow.name.clone(),
                action: a.name.clone(),
                folder,
            })
        })
}
