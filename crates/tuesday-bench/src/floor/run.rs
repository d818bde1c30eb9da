//! One run of the floor program: four steps, each committed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use super::counter::Counter;
use super::{Durable, FloorOptions};
use crate::client::{Address, Connection};
use crate::fault::BenchError;

/// Everything that the runs share.
pub(super) struct Runner<S> {
    store: Arc<S>,
    workers: Arc<Semaphore>,
    counter: Arc<Counter>,
    model: Pool,
    write: Pool,
    next_run: AtomicI64,
}

/// Idle connections to one place.
struct Pool {
    to: Address,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    fn new(url: &str) -> Result<Self, BenchError> {
        Ok(Self {
            to: Address::parse(url)?,
            idle: Mutex::default(),
        })
    }

    async fn post(
        &self,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Bytes, BenchError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.to).await?,
        };
        let heard = connection.post(headers, body).await?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        if !(200..300).contains(&heard.status) {
            let what = "the stand-in of the floor program".to_owned();
            return Err(BenchError::Answer {
                what,
                status: heard.status,
                detail: heard.excerpt(),
            });
        }
        Ok(heard.body)
    }
}

impl<S: Durable> Runner<S> {
    pub(super) fn new(
        store: Arc<S>,
        options: &FloorOptions,
        counter: Arc<Counter>,
    ) -> Result<Self, BenchError> {
        if options.workers == 0 {
            return Err(BenchError::Nothing("workers"));
        }
        Ok(Self {
            store,
            workers: Arc::new(Semaphore::new(options.workers)),
            counter,
            model: Pool::new(&options.model_url)?,
            write: Pool::new(&options.write_url)?,
            next_run: AtomicI64::new(1),
        })
    }

    /// Commits the event, and lets its run begin as soon as there is a worker.
    pub(super) async fn accept(self: &Arc<Self>, event: Bytes) -> Result<i64, BenchError> {
        let run = self.next_run.fetch_add(1, Ordering::Relaxed);
        self.store.accept(run, event.clone()).await?;
        let runner = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_worker) = runner.workers.acquire().await else {
                return;
            };
            match runner.work(run, event).await {
                Ok(()) => runner.counter.finish(),
                Err(fault) => runner.counter.fail(&fault),
            }
        });
        Ok(run)
    }

    async fn work(&self, run: i64, event: Bytes) -> Result<(), BenchError> {
        let lane = self.store.lane()?;
        let question = question(&event);
        self.store.step(&lane, run, 1, event).await?;
        let answer = self.model.post(&[], question).await?;
        let said = said(&answer)?;
        self.store.step(&lane, run, 2, answer).await?;
        let route = if said.len() > 2 { "auto" } else { "person" };
        self.store
            .step(&lane, run, 3, Bytes::from_static(route.as_bytes()))
            .await?;
        let number = HeaderValue::from(run);
        let headers = [
            (HeaderName::from_static("idempotency-key"), number.clone()),
            (HeaderName::from_static("x-tuesday-run"), number),
        ];
        let body = Bytes::from(json!({ "run": run, "route": route, "said": said }).to_string());
        let receipt = self.write.post(&headers, body).await?;
        self.store.step(&lane, run, 4, receipt).await
    }
}

/// The event as a prompt.
fn question(event: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(event);
    Bytes::from(
        json!({ "model": "floor", "messages": [{ "role": "user", "content": text }] }).to_string(),
    )
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

fn said(answer: &[u8]) -> Result<String, BenchError> {
    let fault = |detail: String| BenchError::Answer {
        what: "the model".to_owned(),
        status: 200,
        detail,
    };
    let completion: Completion =
        serde_json::from_slice(answer).map_err(|e| fault(e.to_string()))?;
    let first = completion.choices.into_iter().next();
    first
        .map(|choice| choice.message.content)
        .ok_or_else(|| fault("no choice".to_owned()))
}
