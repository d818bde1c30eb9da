//! Contracts of vendors whose declared end is near: their owner inside hears of it while there is time to decide.

use std::time::Duration;

use tuesday_domain::trouble::{Category, Trouble};

use super::watch::{live, observe};
use crate::engine::Engine;

/// So long before its end a contract is told about.
const WARN_BEFORE: Duration = Duration::from_secs(60 * 86_400);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let mut present = Vec::new();
    for (workflow, release) in live(&engine).await {
        let ready = &release.ready;
        for vendor in &ready.def.vendor {
            let Ok(start) = ready
                .zone
                .moment(&format!("{}T00:00", vendor.contract_ends))
            else {
                continue;
            };
            let end = ready.zone.day_end(start);
            if now.plus(WARN_BEFORE) < end {
                continue;
            }
            let when = if now >= end { "ended on" } else { "ends on" };
            let words = format!(
                "the contract of {} {when} {}; it provides {}; {} says what follows",
                vendor.name, vendor.contract_ends, vendor.provides, vendor.owner
            );
            let subject = format!("{} {}", workflow.name, vendor.name);
            let trouble = Trouble::new(
                Category::ContractEnding,
                subject,
                Some(&workflow.name),
                words,
            );
            present.push(trouble);
        }
    }
    observe(&engine, Category::ContractEnding, present).await
}
