//! One suite for every back end: what the store promises, checked on each of them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod apply;
mod audit;
mod bed;
mod candidates;
mod charter;
mod desk;
mod fixes;
mod gates;
mod money;
mod portable;
mod privacy;
mod queue;
mod reads;
mod rights;
mod rollout;
mod rows;
mod rules;
mod schema;
mod shadows;
mod trouble;
mod turns;
