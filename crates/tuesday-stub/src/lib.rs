//! The stub world: scriptable stand-ins for every system a workflow touches, each with a ledger.
//!
//! It ships with the product so that an outsider can prove the claims. What a run did is judged by
//! the ledger of the system that was written to, never by what the sender says about itself.
//!
//! One HTTP server holds record systems (`/{system}/{collection}/{id}`), models in three dialects
//! and the control paths, which begin with `/_`; a small SMTP server keeps mail, and a small IMAP server
//! shows it. It is meant for a
//! loopback address: there is no sign-in, and whoever reaches it may script it.

mod body;
mod clock;
mod control;
mod fault;
mod http;
pub mod imap;
mod keys;
mod ledger;
mod mailbox;
mod model;
mod read;
mod record;
mod script;
mod seed;
mod serve;
pub mod smtp;
mod system;
mod world;
mod write;

pub use fault::StubError;
pub use ledger::{Counts, Entry};
pub use model::{ModelRule, ProviderCounts, TokenCounts};
pub use script::{Cut, Script};
pub use serve::serve;
pub use system::Profile;
pub use world::{LedgerCounts, World};
