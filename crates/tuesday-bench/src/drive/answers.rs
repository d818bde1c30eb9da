//! Requests that are let go together and may be refused: every answer is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::each::authorization;
use crate::client::{Address, Connection};
use crate::fault::BenchError;

/// A request of somebody.
#[derive(Clone)]
pub struct Post {
    /// Path on the server.
    pub path: String,
    /// Sent as a bearer token.
    pub token: Arc<str>,
    /// JSON.
    pub body: &'static str,
}

/// What a request came to.
#[derive(Debug)]
pub struct Answer {
    /// Its place in the list of requests.
    pub request: usize,
    /// From sending to having the answer.
    pub taken: Duration,
    /// Status and body.
    ///
    /// # Errors
    /// When the connection broke.
    pub heard: Result<(u16, Bytes), BenchError>,
}

/// Posts every request once over `connections`, neighbours in the list at the same moment. Nothing is
/// sent before every connection is open. Answers in the order they came in on each connection, with
/// the seconds from the first request to the last answer.
///
/// # Errors
/// When the server takes no connection.
pub async fn post_all(
    base_url: &str,
    posts: Vec<Post>,
    connections: usize,
) -> Result<(Vec<Answer>, f64), BenchError> {
    let address = Address::parse(base_url)?;
    let connections = connections.clamp(1, posts.len().max(1));
    let (posts, next) = (Arc::new(posts), Arc::new(AtomicUsize::new(0)));
    let together = Arc::new(Barrier::new(connections + 1));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let connection = Connection::open(&address).await?;
        let (address, posts) = (address.clone(), Arc::clone(&posts));
        let (next, together) = (Arc::clone(&next), Arc::clone(&together));
        senders.spawn(async move {
            together.wait().await;
            turns(connection, &address, &posts, &next).await
        });
    }
    together.wait().await;
    let began = Instant::now();
    let mut answers = Vec::with_capacity(posts.len());
    while let Some(ended) = senders.join_next().await {
        answers.extend(ended.map_err(|_| BenchError::Gone("load generator"))?);
    }
    Ok((answers, began.elapsed().as_secs_f64()))
}

/// The requests that one connection gets to. A broken one is opened again.
async fn turns(
    connection: Connection,
    address: &Address,
    posts: &[Post],
    next: &AtomicUsize,
) -> Vec<Answer> {
    let (mut connection, mut answers) = (Some(connection), Vec::new());
    loop {
        let request = next.fetch_add(1, Ordering::Relaxed);
        let Some(post) = posts.get(request) else {
            return answers;
        };
        let from = Instant::now();
        let heard = send(&mut connection, address, post).await;
        if heard.is_err() {
            connection = None;
        }
        answers.push(Answer {
            request,
            taken: from.elapsed(),
            heard,
        });
    }
}

async fn send(
    connection: &mut Option<Connection>,
    address: &Address,
    post: &Post,
) -> Result<(u16, Bytes), BenchError> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(address).await?),
    };
    open.turn_to(&post.path)?;
    let headers = [authorization(&post.token)?];
    let heard = open
        .post(&headers, Bytes::from_static(post.body.as_bytes()))
        .await?;
    Ok((heard.status, heard.body))
}
