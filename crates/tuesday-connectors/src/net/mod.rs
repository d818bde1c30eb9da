//! The one way out over HTTP, shared by models, sources, destinations, secrets and notices.
//!
//! Who does what: [`policy`] decides which addresses may be reached, [`resolve`] asks it again for each address a name
//! resolves to (and the connection goes to exactly those addresses), [`client`] sends and reads under a deadline and a size
//! limit, [`fault`] says how far a failed call came, [`origin`] keeps rendered addresses on the host the definition wrote,
//! [`auth`] turns a secret reference into a header that cannot be printed.
//!
//! Not relied on: system proxies, redirects, cookies, compression and hidden retries are all off.

mod auth;
mod client;
mod fault;
mod origin;
mod policy;
mod resolve;
mod retry_after;

pub use auth::{Credential, scrub};
pub use client::{Answer, Http, HttpOptions, Outgoing};
pub use fault::{HttpFault, Stage};
pub use origin::pinned;
pub use policy::HostPolicy;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, Url};
pub use retry_after::retry_after;
