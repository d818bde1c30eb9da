//! How long what was read, said and written is kept, what keeps it longer, and what is said where it was.
//!
//! The log never holds a payload, only a salted commitment: once bytes and salt are gone, nothing of
//! the log has to change and the commitment says nothing any more. Who erased it, when and under
//! which policy stands in an entry of its own.

mod erased;
mod find;
mod hold;
mod retention;

pub use erased::{ERASED, Erasure, Erasures, erasures, is_gone};
pub use find::Finder;
pub use hold::{Hold, HoldScope, holding};
pub use retention::{CLASSES, DEFAULT_DAYS, Kept, MOST_DAYS, RetentionLimits, RetentionSpec};
