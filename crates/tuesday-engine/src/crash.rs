//! Named places where a process may die, so that tests can make it die exactly there.
//!
//! In production the hook is absent and a crash point costs one branch. The test harness installs
//! a hook that aborts the process, and fails when a step of the table has no point.

use std::sync::Arc;

/// A place where a process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint(pub &'static str);

/// Called with the name of the point that was reached.
pub type CrashHook = Arc<dyn Fn(CrashPoint) + Send + Sync>;

/// Every point there is: for each step before its commit, after its commit, and after its outside
/// call but before the commit that records it.
pub const CRASH_POINTS: &[&str] = &[
    "accept.before_commit",
    "accept.after_commit",
    "snapshot.after_call",
    "snapshot.before_commit",
    "snapshot.after_commit",
    "generate.after_call",
    "route.before_commit",
    "route.after_commit",
    "approve.before_commit",
    "approve.after_commit",
    "dispatch.before_intent_commit",
    "dispatch.after_intent_commit",
    "dispatch.after_call",
    "confirm.before_commit",
    "confirm.after_commit",
];
