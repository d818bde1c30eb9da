//! Begins scheduled changes of the rules, ends those whose time is over, and holds automatic actions
//! that have not left against the rules in force.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.due_rules().await.map_err(|e| e.to_string())
}
