//! Decides which addresses may be reached.
//!
//! The hosts written in a definition are the allowlist; this is what stops a name in it from leading somewhere else, such
//! as the machine's own metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Which hosts may be reached, beyond what every installation allows.
///
/// Always: `https://` to public addresses, and to an IP address or `localhost` that is written literally. Never: link-local
/// and cloud metadata addresses. Plain `http://` only to loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPolicy {
    internal: Vec<String>,
}

impl HostPolicy {
    /// `internal` lists host names (or literal addresses) inside the operator's own network: they may resolve to private
    /// addresses and may be spoken to over plain `http://`.
    pub fn new(internal: impl IntoIterator<Item = String>) -> Self {
        Self {
            internal: internal
                .into_iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Checks what can be known before a name is resolved.
    ///
    /// # Errors
    /// Says in words why the address is refused; never repeats the query or credentials of `url`.
    pub fn check_url(&self, url: &Url) -> Result<(), String> {
        let Some(host) = url.host_str() else {
            return Err(format!(
                "a {} address without a host cannot be called",
                url.scheme()
            ));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!(
                "the address of {host} holds credentials; use a secret reference in a header"
            ));
        }
        let literal = literal(host);
        if literal.is_some_and(never) {
            return Err(format!(
                "{host} is a link-local or metadata address, which is never called"
            ));
        }
        let loopback =
            is_localhost(host) || literal.is_some_and(|address| plain(address).is_loopback());
        match url.scheme() {
            "https" => Ok(()),
            "http" if loopback || self.is_internal(host) => Ok(()),
            "http" => Err(format!(
                "http:// to {host} is refused: use https://, or list the host as internal"
            )),
            other => Err(format!(
                "{other}:// to {host} is refused: only https:// and http:// can be called"
            )),
        }
    }

    /// Whether a connection for the name `host` may go to `address`.
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        let address = plain(address);
        if never(address) {
            return false;
        }
        if is_localhost(host) {
            return address.is_loopback();
        }
        !is_private(address) || self.is_internal(host)
    }

    fn is_internal(&self, host: &str) -> bool {
        self.internal
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// The address that `host` literally is, with or without the brackets of IPv6.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_localhost(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
}

/// Sees through IPv6 forms that carry an IPv4 address, or the IPv4 rules could be walked around.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let s = v6.segments();
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            carried(high, low)
        }
        [0x2002, high, low, ..] => carried(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => carried(high, low),
        _ => address,
    }
}

/// Link-local, metadata services of the large clouds, and addresses that are no destination at all.
fn never(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_link_local()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || [a, b, c] == [192, 0, 0]
                || v4 == Ipv4Addr::new(100, 100, 100, 200)
                || v4 == Ipv4Addr::new(168, 63, 129, 16)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}

/// Inside somebody's network: loopback, private, carrier-grade NAT, benchmark and unique-local ranges.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn metadata_and_link_local_are_refused_in_every_spelling() {
        let policy = HostPolicy::new(["169.254.169.254".to_owned(), "meta.internal".to_owned()]);
        for text in [
            "http://169.254.169.254/latest",
            "https://169.254.0.1/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://100.100.100.200/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://0.0.0.0/",
        ] {
            assert!(policy.check_url(&url(text)).is_err(), "{text}");
        }
        assert!(!policy.allows("meta.internal", "169.254.169.254".parse().unwrap()));
    }

    #[test]
    fn names_never_lead_to_private_addresses_unless_listed() {
        let policy = HostPolicy::new(["crm.corp".to_owned()]);
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "172.16.0.1",
            "100.64.0.1",
            "::1",
            "fc00::1",
            "::ffff:10.0.0.1",
        ] {
            let address = address.parse().unwrap();
            assert!(!policy.allows("api.example.com", address), "{address}");
            assert!(policy.allows("crm.corp", address), "{address}");
        }
        assert!(policy.allows("api.example.com", "93.184.216.34".parse().unwrap()));
        assert!(policy.allows("localhost", "127.0.0.1".parse().unwrap()));
        assert!(!policy.allows("localhost", "10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let policy = HostPolicy::new(["crm.corp".to_owned()]);
        for text in [
            "http://localhost:8080/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://crm.corp/",
            "https://10.0.0.7/",
            "https://a.example/",
        ] {
            assert_eq!(policy.check_url(&url(text)), Ok(()), "{text}");
        }
        for text in [
            "http://a.example/",
            "http://10.0.0.7/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://u:p@a.example/",
        ] {
            assert!(policy.check_url(&url(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_repeats_no_credentials() {
        let refusal = HostPolicy::default()
            .check_url(&url("https://user:canary@a.example/?key=canary"))
            .unwrap_err();
        assert!(!refusal.contains("canary"), "{refusal}");
    }
}
