//! The log of a workflow from some place on, entry by entry: what the tests of people are graded from.

use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};

const PAGE: usize = 2_000;

/// One entry, as far as its author and kind go.
pub(super) struct Logged {
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) kind: String,
    pub(super) run: String,
}

impl Logged {
    /// Reads an entry. One that cannot be read is an error and no silence.
    pub(super) fn read(leaf: &[u8]) -> Result<Self, Problem> {
        let value: serde_json::Value = serde_json::from_slice(leaf)
            .map_err(|e| Problem::new("record_damaged", format!("an entry of the log: {e}")))?;
        let text = |name: &str| value.get(name).and_then(serde_json::Value::as_str);
        let at = value.get("at").and_then(serde_json::Value::as_i64);
        let (Some(at), Some(actor), Some(kind)) = (at, text("actor"), text("kind")) else {
            let words = "an entry of the log has no time, author or kind";
            return Err(Problem::new("record_damaged", words));
        };
        Ok(Self {
            at: Timestamp::from_micros(at),
            actor: actor.to_owned(),
            kind: kind.to_owned(),
            run: text("run").unwrap_or_default().to_owned(),
        })
    }
}

impl Engine {
    /// Every entry of a workflow from this place on, with its place: those with one in the tree, then those
    /// that had none when the reading began. The latter are read first: one that gets its place meanwhile is
    /// in neither else.
    pub(super) async fn each_leaf(
        &self,
        workflow: &str,
        from: u64,
        mut each: impl FnMut(Option<u64>, &[u8]) -> Result<(), Problem> + Send,
    ) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let waiting = reader.leaves_waiting(workflow).await;
        let mut waiting = waiting.map_err(read_problem)?;
        let mut next = from;
        loop {
            let page = reader.leaves_of(workflow, next, PAGE).await;
            let page = page.map_err(read_problem)?;
            let full = page.len() == PAGE;
            next = page.last().map_or(next, |(index, _)| index + 1);
            for (index, leaf) in &page {
                each(Some(*index), leaf)?;
                if let Some(placed) = waiting.iter().position(|w| w == leaf) {
                    waiting.swap_remove(placed);
                }
            }
            if !full {
                break;
            }
        }
        for leaf in waiting {
            each(None, &leaf)?;
        }
        Ok(())
    }
}
