//! Evaluation: cases of a pack go through the steps of a run, without a run, a database or an effect.
//!
//! `trial` takes one case from its event to its route; `pack` takes a whole pack, some cases at a
//! time and in order, so that results can be stored as they come; `graders` asks models about outputs; `purse` takes what they cost from the workflow's limit. What the results mean is the
//! domain's (`tuesday_domain::eval`).

mod asking;
mod graders;
mod pack;
mod purse;
mod trial;

pub use graders::{GraderUse, Graders};
pub use pack::{Item, Told, evaluate};
pub(crate) use purse::Purse;
pub use trial::Trial;
