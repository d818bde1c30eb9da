//! One suite for every back end: what the store promises, checked on each of them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]
#![expect(missing_docs, reason = "a test binary has no readers of its documentation")]

mod apply;
mod audit;
mod bed;
mod queue;
mod reads;
mod rows;
mod schema;
