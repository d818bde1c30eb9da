//! A request to each of many addresses, and the same address asked for often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Address, Connection, Heard};
use crate::fault::BenchError;
use crate::histogram::{Histogram, Latency};

/// What many requests came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EachReport {
    /// Requests that were answered with success.
    pub requests: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Requests by that time.
    pub per_second: f64,
    /// From sending to having the answer.
    pub latency: Latency,
}

/// Posts `body` once to each of `paths` over `concurrency` connections.
///
/// # Errors
/// When a request is refused or a connection breaks.
pub async fn post_each(
    base_url: &str,
    token: &str,
    paths: Vec<String>,
    body: &'static str,
    concurrency: usize,
) -> Result<EachReport, BenchError> {
    let address = Address::parse(base_url)?;
    let (paths, next) = (Arc::new(paths), Arc::new(AtomicUsize::new(0)));
    let headers = [authorization(token)?];
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..concurrency.max(1) {
        let mut connection = Connection::open(&address).await?;
        let (paths, next, headers) = (Arc::clone(&paths), Arc::clone(&next), headers.clone());
        senders.spawn(async move {
            let mut taken = Histogram::default();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                connection.turn_to(path)?;
                let from = Instant::now();
                let heard = connection
                    .post(&headers, Bytes::from_static(body.as_bytes()))
                    .await?;
                taken.record(from.elapsed());
                good(path, &heard)?;
            }
            Ok::<_, BenchError>(taken)
        });
    }
    let mut taken = Histogram::default();
    while let Some(ended) = senders.join_next().await {
        taken.merge(&ended.map_err(|_| BenchError::Gone("load generator"))??);
    }
    Ok(report(&taken, began))
}

/// Asks for `url` so many times over one connection; answers the last body too.
///
/// # Errors
/// As [`post_each`].
pub async fn get_often(
    url: &str,
    token: &str,
    times: usize,
) -> Result<(EachReport, Bytes), BenchError> {
    let mut connection = Connection::open(&Address::parse(url)?).await?;
    let headers = [authorization(token)?];
    let (mut taken, mut last, began) = (Histogram::default(), Bytes::new(), Instant::now());
    for _ in 0..times {
        let from = Instant::now();
        let heard = connection.get_with(&headers).await?;
        taken.record(from.elapsed());
        good(url, &heard)?;
        last = heard.body;
    }
    Ok((report(&taken, began), last))
}

/// Asks for each of `paths` once, one after the other over one connection, as the browser of somebody
/// who is signed in; `part` asks for what the console's script loads.
///
/// # Errors
/// As [`post_each`]; being sent on to another page counts as refused.
pub async fn pages(
    base_url: &str,
    cookie: &str,
    paths: &[String],
    part: bool,
) -> Result<Latency, BenchError> {
    let mut connection = Connection::open(&Address::parse(base_url)?).await?;
    let cookie = HeaderValue::try_from(cookie);
    let cookie = cookie.map_err(|_| BenchError::Address("the cookie is no header".to_owned()))?;
    let mut headers = vec![(COOKIE, cookie)];
    if part {
        let yes = HeaderValue::from_static("1");
        headers.push((HeaderName::from_static("x-part"), yes));
    }
    let mut taken = Histogram::default();
    for path in paths {
        connection.turn_to(path)?;
        let from = Instant::now();
        let heard = connection.get_with(&headers).await?;
        taken.record(from.elapsed());
        good(path, &heard)?;
    }
    Ok(taken.latency())
}

pub(super) fn authorization(token: &str) -> Result<(HeaderName, HeaderValue), BenchError> {
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    let value = value.map_err(|_| BenchError::Address("the token is no header".to_owned()))?;
    Ok((AUTHORIZATION, value))
}

fn good(what: &str, heard: &Heard) -> Result<(), BenchError> {
    if (200..300).contains(&heard.status) {
        return Ok(());
    }
    Err(BenchError::Answer {
        what: what.to_owned(),
        status: heard.status,
        detail: heard.excerpt(),
    })
}

fn report(taken: &Histogram, began: Instant) -> EachReport {
    let (latency, seconds) = (taken.latency(), began.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "no bench has 2^52 requests")]
    let per_second = latency.count as f64 / seconds;
    EachReport {
        requests: latency.count,
        seconds,
        per_second,
        latency,
    }
}
