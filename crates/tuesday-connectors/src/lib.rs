//! Adapters to the outside world: the only crate that opens a connection, reads a file or starts a program for a workflow.
//!
//! Each module implements one port of `tuesday_domain::port`. Only the binary depends on this crate; the engine sees the
//! ports. What all adapters share, the guarded HTTP client, lives in [`net`].

pub mod destinations;
pub mod feeds;
pub mod mailbox;
pub mod models;
pub mod net;
pub mod notifiers;
pub mod proof;
pub mod secrets;
pub mod sources;
