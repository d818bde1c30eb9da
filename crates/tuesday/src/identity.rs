//! The identity provider of `tuesday.toml`, reached through the same guarded client as everything
//! else outside: checked addresses, no redirects, a deadline and a size limit.

use std::sync::Arc;
use std::time::Duration;

use tuesday_connectors::net::{HostPolicy, Http, HttpOptions, Outgoing, Url};
use tuesday_connectors::secrets::SecretStore;
use tuesday_domain::problem::Problem;
use tuesday_web::{IdentityAnswer, IdentityHttp, IdentityProvider, IdentityReply};

use crate::config::Home;
use crate::out::unavailable;

/// A person is waiting.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Descriptions and key sets are a few kilobytes.
const MOST_BYTES: usize = 512 * 1024;

/// The provider that is configured, if one is.
pub(crate) fn provider(home: &Home) -> Result<Option<IdentityProvider>, Problem> {
    let Some(settings) = home.file.sign_in.oidc.clone() else {
        return Ok(None);
    };
    if home.file.public_url.is_none() {
        return Err(Problem::new(
            "bad_request",
            "[sign_in.oidc] needs public_url: the provider sends people back there",
        )
        .field("public_url")
        .way_out("set public_url in tuesday.toml to the address people use"));
    }
    let http = Http::new(HttpOptions {
        policy: HostPolicy::new(home.file.internal_hosts.clone()),
        ..HttpOptions::default()
    })
    .map_err(unavailable)?;
    let send: IdentityHttp = Arc::new(move |request| -> IdentityAnswer {
        let http = http.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(|e| e.to_string())?;
            let out = Outgoing {
                method: parts.method,
                url,
                headers: parts.headers,
                body: body.into(),
                run: None,
                timeout: TIMEOUT,
                most_bytes: MOST_BYTES,
            };
            let answer = http.send(out).await.map_err(|f| f.detail)?;
            Ok(IdentityReply {
                status: answer.status,
                body: answer.body.to_vec(),
            })
        })
    });
    let secrets = Arc::new(SecretStore::new(&home.dir));
    IdentityProvider::new(settings, send, secrets).map(Some)
}
