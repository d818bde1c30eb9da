//! The queue as people see it: what waits, in which order, under which filter, how many exactly.
//!
//! Everything here reads open tasks only, through partial indexes: what was decided costs nothing,
//! however much of it there is.

mod counts;
mod page;
mod rows;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests;

pub use counts::QueueCounts;
pub(crate) use page::conditions;
pub use page::{DueGroup, QueueFilter, QueuePage, QueuePlace, QueueRow, QueueTimes};
pub(crate) use rows::{DROP_VIEW, PRIORITIES, VIEWS, bind_priority, bind_view};

/// Word for word the condition of the partial indexes, so that the queue reads open tasks only.
pub(crate) const OPEN: &str = "state IN ('open', 'claimed', 'suspended')";
