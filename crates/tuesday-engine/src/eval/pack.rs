//! A whole pack: some cases at a time, results in the order of the cases, so that what is stored is
//! always a beginning of the pack and an evaluation that was killed goes on where it stopped.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use tuesday_domain::eval::{Case, CaseResult};

use super::Trial;

/// One case on its way.
#[derive(Debug)]
pub struct Item {
    /// The case.
    pub case: Case,
    /// Hash of its line.
    pub hash: String,
    /// Its result, when an earlier evaluation of the same texts has it.
    pub known: Option<CaseResult>,
}

/// One case with its result, and with that of the release it is compared with.
pub type Told = (Case, CaseResult, Option<CaseResult>);

/// Tries every case `repeats` times, `at_once` cases at a time, and answers the results in the order
/// of the cases. With `other`, each case is tried by that release as well. A trial that panicked
/// gives no result, and a case without one stops the gate.
pub fn evaluate<'a>(
    trial: &'a Arc<Trial>,
    other: Option<&'a Arc<Trial>>,
    items: impl Iterator<Item = Item> + Send + 'a,
    repeats: u32,
    at_once: usize,
) -> impl Stream<Item = Told> + Send + 'a {
    futures::stream::iter(items.map(move |item| {
        let (trial, other) = (Arc::clone(trial), other.cloned());
        // A task of its own: trials of a built-in model then use every core.
        tokio::spawn(async move { both(&trial, other.as_deref(), item, repeats).await })
    }))
    .buffered(at_once.max(1))
    .filter_map(|joined| std::future::ready(joined.ok()))
}

async fn both(
    trial: &Trial,
    other: Option<&Trial>,
    item: Item,
    repeats: u32,
) -> (Case, CaseResult, Option<CaseResult>) {
    let Item { case, hash, known } = item;
    let result = match known {
        Some(known) => known,
        None => tried(trial, &case, &hash, repeats).await,
    };
    let beside = match other {
        Some(other) => Some(tried(other, &case, &hash, repeats).await),
        None => None,
    };
    (case, result, beside)
}

async fn tried(trial: &Trial, case: &Case, hash: &str, repeats: u32) -> CaseResult {
    let mut trials = Vec::with_capacity(repeats as usize);
    for _ in 0..repeats {
        trials.push(trial.once(case).await);
    }
    CaseResult {
        case: case.name.clone(),
        hash: hash.to_owned(),
        trials,
    }
}
