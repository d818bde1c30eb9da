//! Reads how long the other side asks us to wait.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The wait that `headers` ask for: `retry-after-ms`, or `Retry-After` in seconds or as an HTTP date.
///
/// A date is read against the answer's own `Date` header: the other side's clock wrote both, so a wrong clock here or there
/// does no harm, and this code needs no clock. Without a `Date`, or when unreadable, there is no wish.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(ms) = text(headers, "retry-after-ms").and_then(|text| text.parse::<u64>().ok()) {
        return Some(Duration::from_millis(ms));
    }
    let wish = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = wish.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = seconds_of(wish)?;
    let now = seconds_of(text(headers, DATE.as_str())?)?;
    Some(Duration::from_secs(u64::try_from(then - now).unwrap_or(0)))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds_of(date: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(date)
        .ok()
        .map(|moment| moment.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn wish(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        retry_after(&headers)
    }

    #[test]
    fn seconds_milliseconds_and_dates() {
        assert_eq!(wish(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(
            wish(&[("retry-after-ms", "250"), ("retry-after", "7")]),
            Some(Duration::from_millis(250))
        );
        let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            wish(&[now, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            wish(&[now, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn what_cannot_be_read_is_no_wish() {
        for value in ["soon", "-3", "1.5.2", "Sun, 99 Nov 1994 08:50:07 GMT"] {
            assert_eq!(
                wish(&[
                    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("retry-after", value)
                ]),
                None,
                "{value}"
            );
        }
        assert_eq!(
            wish(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            None
        );
        assert_eq!(wish(&[]), None);
    }
}
