//! What tests of several crates share: a node as a child process, its HTTP API as a client sees it,
//! databases that go away, waiting for conditions, fakes for the ports, and one check of the
//! invariants that every fault test ends with.
//!
//! A dev-dependency only. Everything here fails loudly: a helper that cannot do its part panics with
//! the reason, because a test that goes on would prove nothing.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

pub mod check;
pub mod client;
pub mod database;
pub mod fakes;
pub mod node;
pub mod random;
pub mod wait;

pub use check::{Effect, Found, check};
pub use client::{Answer, Client};
pub use database::Database;
pub use node::{Home, Node};
pub use random::Random;
pub use wait::until;
