//! The model adapters against a scripted provider: both dialects, every failure, exact kinds and codes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod answers;
mod built_in;
mod commands;
mod failures;
mod guard;
mod server;
mod streams;
mod support;
