//! HTTP API, console and inbound webhooks. Reads through the store's reader, acts through the engine.
//!
//! `api/` has one file per resource, `console/` one per screen, `auth/` everything about who is
//! asking. Permission is a value: a handler that needs it takes an argument that only the check can
//! make. All addresses stand in [`router`] and
//! `router_charter`.

mod api;
mod archive;
mod assets;
mod auth;
mod config;
mod console;
mod definitions;
mod headers;
mod query;
mod refusal;
mod router;
mod router_charter;
mod serve;
mod state;
mod verbs;

pub use archive::{ArchiveWish, Archived, archive};
pub use config::{
    IdentityAnswer, IdentityHttp, IdentityProvider, IdentityReply, MetricsText, OidcSettings,
    RequiredClaim, WebConfig,
};
pub use console::runbooks;
pub use router::router;
pub use serve::serve;
