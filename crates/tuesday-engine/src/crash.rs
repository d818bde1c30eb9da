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
    "refuse.before_commit",
    "refuse.after_commit",
    "snapshot.after_call",
    "snapshot.before_commit",
    "snapshot.after_commit",
    "snapshot.before_retry_commit",
    "snapshot.after_retry_commit",
    "hold.before_commit",
    "hold.after_commit",
    "generate.before_begin_commit",
    "generate.after_begin_commit",
    "generate.after_call",
    "generate.before_retry_commit",
    "generate.after_retry_commit",
    "generate.before_repair_commit",
    "generate.after_repair_commit",
    "late.before_commit",
    "late.after_commit",
    "person.before_commit",
    "person.after_commit",
    "route.before_commit",
    "route.after_commit",
    "approve.before_first_commit",
    "approve.after_first_commit",
    "approve.before_commit",
    "approve.after_commit",
    "approve.after_recheck",
    "approve.before_note_commit",
    "approve.after_note_commit",
    "reject.before_commit",
    "reject.after_commit",
    "again.before_commit",
    "again.after_commit",
    "settle.before_commit",
    "settle.after_commit",
    "end.before_commit",
    "end.after_commit",
    "seed.before_mark_commit",
    "seed.after_mark_commit",
    "seed.before_commit",
    "seed.after_commit",
    "seed.before_end_commit",
    "seed.after_end_commit",
    "restore.before_commit",
    "restore.after_commit",
    "look.before_open_commit",
    "look.after_open_commit",
    "look.before_commit",
    "look.after_commit",
    "recall.before_commit",
    "recall.after_commit",
    "overwrite.before_first_commit",
    "overwrite.after_first_commit",
    "reroute.before_commit",
    "reroute.after_commit",
    "rerun.before_commit",
    "rerun.after_commit",
    "dispatch.after_recheck",
    "dispatch.before_intent_commit",
    "dispatch.after_intent_commit",
    "dispatch.after_target_read",
    "dispatch.after_call",
    "dispatch.after_read_back",
    "dispatch.before_wait_commit",
    "dispatch.after_wait_commit",
    "dispatch.before_unclear_commit",
    "dispatch.after_unclear_commit",
    "dispatch.after_look",
    "dispatch.before_look_later_commit",
    "dispatch.after_look_later_commit",
    "dispatch.before_resend_commit",
    "dispatch.after_resend_commit",
    "confirm.before_commit",
    "confirm.after_commit",
];
