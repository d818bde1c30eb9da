//! The stub world, spoken to over its own wires.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod client;
mod imap;
mod keys;
mod mail;
mod models;
mod records;
mod scripts;
