//! Keeping and erasing what was read, said and written.

mod beside;
mod erase;
mod find;
mod hold;
mod plan;
mod retain;
mod rules;
mod told;
mod wipe;

pub use erase::{Erase, ErasureDone};
pub use hold::NewHold;
pub use plan::{ErasureOf, ErasurePlan, ErasureQuery, HeldBy, KeptCopy, PlannedRun};
pub use retain::Retained;
pub use rules::RetentionRule;
