//! The application: the only writer.
//!
//! `ops/` has one file per verb that people and machines can do, `steps/` one per part of a run,
//! `worker/` the loop that drives runs, `maintenance/` the services that look at the state and act.
//! Each of them loads rows, asks the domain what follows, and hands the store one decision; calls
//! to the outside happen between decisions, never inside one.

mod catalog;
mod clock;
mod crash;
mod dependencies;
mod draft;
mod engine;
pub mod eval;
mod ids;
mod maintenance;
pub mod ops;
mod rate;
mod steps;
mod worker;

pub use catalog::{LiveRelease, LoadFault};
pub use clock::Clock;
pub use crash::{CRASH_POINTS, CrashHook, CrashPoint};
pub use engine::{Engine, EngineConfig, Health, Space};
pub use maintenance::schedule;
pub use worker::Worker;
