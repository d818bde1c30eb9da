//! Resolves a name once and hands out only addresses the policy allows; the connection goes to exactly those.
//!
//! Checking here and not before the call leaves no gap in which the name could change its address.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::policy::HostPolicy;

/// The resolver of the shared client.
pub(super) struct Guarded(pub(super) Arc<HostPolicy>);

/// A name that leads only where nothing may go.
#[derive(Debug, thiserror::Error)]
#[error("{0} resolves only to private or reserved addresses; list it as internal if it is yours")]
pub(super) struct Denied(String);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|place| policy.allows(host, place.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(Denied(host.to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
