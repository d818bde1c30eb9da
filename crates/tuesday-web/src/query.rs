//! Reading ids, page sizes and bodies the same way everywhere.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use tuesday_domain::id::IdError;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;

/// No list is longer than this.
pub(crate) const MAX_PAGE: usize = 200;

/// Parses an id of the expected kind.
pub(crate) fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|e: IdError| Problem::new("malformed_id", e.to_string()))
}

/// The page size asked for, within bounds.
pub(crate) fn limit(asked: Option<usize>, usual: usize) -> usize {
    asked.unwrap_or(usual).clamp(1, MAX_PAGE)
}

/// A word of a closed set, or a refusal that lists the set.
pub(crate) fn word<T: FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.filter(|t| !t.is_empty())
        .map(|t| {
            t.parse()
                .map_err(|e: T::Err| Problem::new("bad_request", e.to_string()).field(field))
        })
        .transpose()
}

/// The group of a run: `?` asks for those without a known one.
pub(crate) fn group(text: Option<&str>) -> Option<Option<String>> {
    let text = text.filter(|t| !t.is_empty())?;
    Some((text != tuesday_engine::ops::NO_GROUP).then(|| text.to_owned()))
}

/// First and last day, where one of them is given; an end that is not given is open.
pub(crate) fn days(from: &str, to: &str) -> Result<Option<Days>, Problem> {
    if from.is_empty() && to.is_empty() {
        return Ok(None);
    }
    let day = |field: &'static str, text: &str, open: &str| {
        let text = if text.is_empty() { open } else { text };
        Day::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    };
    Ok(Some(Days {
        from: day("from", from, "2000-01-01")?,
        to: day("to", to, "2199-12-31")?,
    }))
}

/// A JSON body; an empty one counts as an empty object.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|e| Problem::new("bad_request", e.to_string()))
}

/// How long a new token works.
pub(crate) fn token_life(days: Option<u64>) -> Result<std::time::Duration, Problem> {
    let days = days
        .filter(|d| (1..=365).contains(d))
        .ok_or_else(|| Problem::new("bad_request", "1 to 365 days").field("days"))?;
    Ok(std::time::Duration::from_secs(days * 86_400))
}

/// Text for a query string.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut out, b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                out.push(char::from(b));
            } else {
                let _ = write!(out, "%{b:02X}");
            }
            out
        })
}

/// A query string of the pairs that have a value: empty, or starting with `?`.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let parts: Vec<String> = pairs
        .iter()
        .filter(|(_, v)| !v.is_empty())
        .map(|(n, v)| format!("{n}={}", encode(v)))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("?{}", parts.join("&"))
    }
}

/// Only a path of this site is ever redirected to.
pub(crate) fn own_path(text: &str) -> &str {
    let plain =
        text.starts_with('/') && !text.starts_with("//") && !text.contains(['\\', '\r', '\n']);
    if plain { text } else { "/queue" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_capped_and_redirects_stay_here() {
        assert_eq!(
            (limit(None, 50), limit(Some(0), 50), limit(Some(5_000), 50)),
            (50, 1, 200)
        );
        assert_eq!(own_path("/runs?day=1"), "/runs?day=1");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(own_path(bad), "/queue", "{bad}");
        }
        assert_eq!(query(&[("q", "a b&c"), ("who", "")]), "?q=a%20b%26c");
    }
}
