//! Where a request came from, as far as guesses are counted by it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::state::App;

/// The other side's address; of IPv6 the network, because one host has very many addresses in it.
pub(crate) struct Source(pub(crate) String);

fn counted(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) if v6.is_loopback() => v6.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Behind our own proxies the client is the last address in `X-Forwarded-For` that none of them has;
/// what stands before it was written by whoever likes to.
fn client(peer: IpAddr, forwarded: &[&str], ours: &[IpAddr]) -> IpAddr {
    if !ours.contains(&peer) {
        return peer;
    }
    let hops = forwarded.iter().flat_map(|line| line.split(','));
    let mut last = peer;
    for hop in hops.collect::<Vec<_>>().into_iter().rev() {
        let Ok(ip) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        last = ip.to_canonical();
        if !ours.contains(&last) {
            break;
        }
    }
    last
}

impl FromRequestParts<App> for Source {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Ok(Self(String::new()));
        };
        let lines = parts.headers.get_all("x-forwarded-for").iter();
        let lines: Vec<&str> = lines.filter_map(|v| v.to_str().ok()).collect();
        let ip = client(
            peer.ip().to_canonical(),
            &lines,
            &app.config.trusted_proxies,
        );
        Ok(Self(counted(ip)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        assert_eq!(counted(ip("192.0.2.7")), "192.0.2.7");
        assert_eq!(counted(ip("::ffff:192.0.2.7")), "192.0.2.7");
        assert_eq!(counted(ip("2001:db8:1:2::9")), "2001:db8:1:2::/64");
        assert_eq!(
            counted(ip("2001:db8:1:2:ffff::1")),
            counted(ip("2001:db8:1:2::9"))
        );
    }

    #[test]
    fn only_our_proxies_are_believed() {
        let (proxy, other) = (ip("10.0.0.1"), ip("10.0.0.2"));
        let line = ["203.0.113.9, 198.51.100.4, 10.0.0.2"];
        assert_eq!(client(proxy, &line, &[]), proxy, "nobody is trusted");
        let both = [proxy, other];
        assert_eq!(client(proxy, &line, &both), ip("198.51.100.4"));
        assert_eq!(client(ip("192.0.2.1"), &line, &both), ip("192.0.2.1"));
        assert_eq!(client(proxy, &["nonsense"], &both), proxy);
        assert_eq!(client(proxy, &[], &both), proxy);
    }
}
