//! `/events`: tells open pages that the queue changed, so that they read it again.
//!
//! A hint carries a number and nothing else; what changed is read from the database like any page.
//! One task for each node asks the database whether the queue looks different: after changes of this
//! node, at most once a second, and every few seconds for changes of others. It runs only while
//! somebody listens.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tuesday_store::{QueueFilter, ReviewCount};

use super::visit::Visit;
use crate::refusal::PageError;
use crate::state::{App, Web};

/// Never more hints in a row than one in this time, however much happens.
const APART: Duration = Duration::from_secs(1);
/// Changes of other nodes are seen after this time at the latest.
const OTHERS: Duration = Duration::from_secs(3);
/// A stream looks this often whether the node goes down, so that it never holds up a shutdown.
const LOOK: Duration = Duration::from_millis(500);

/// The hints of this node and whether somebody makes them.
#[derive(Default)]
pub(crate) struct Live(Mutex<Option<watch::Receiver<u64>>>);

impl Live {
    /// The hints; the first listener starts what makes them.
    fn listen(&self, app: &App) -> watch::Receiver<u64> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hints) = running.as_ref().filter(|h| h.has_changed().is_ok()) {
            return hints.clone();
        }
        let (hints, listener) = watch::channel(0);
        *running = Some(listener.clone());
        tokio::spawn(watch_queue(Arc::downgrade(app), hints));
        listener
    }
}

/// Compares the queue's counts until nobody but the table above listens.
async fn watch_queue(app: Weak<Web>, hints: watch::Sender<u64>) {
    let mut seen: Option<Vec<ReviewCount>> = None;
    let Some(mut changes) = app.upgrade().map(|a| a.engine.changes()) else {
        return;
    };
    while hints.receiver_count() > 1 {
        let Some(counts) = counts(&app).await else {
            return;
        };
        if let Some(counts) = counts {
            if seen.as_ref().is_some_and(|old| *old != counts) {
                hints.send_modify(|n| *n += 1);
            }
            seen = Some(counts);
        }
        sleep(APART).await;
        // Whether it changed here or the time is up: either way the database is asked.
        if let Ok(Err(_)) = timeout(OTHERS - APART, changes.changed()).await {
            return;
        }
    }
}

/// The counts by workflow, owner, tier and state; nothing when the database does not answer, and the
/// outer nothing when the node is gone.
async fn counts(app: &Weak<Web>) -> Option<Option<Vec<ReviewCount>>> {
    let reader = app.upgrade()?.engine.reader().clone();
    Some(reader.review_counts(&QueueFilter::default()).await.ok())
}

/// The stream of one page. A page whose session has ended hears so, and asks no more: the way to the
/// sign-in page would be no answer to it.
pub(crate) async fn stream(
    State(app): State<App>,
    visit: Result<Visit, PageError>,
) -> Result<impl IntoResponse, Response> {
    visit.map_err(|e| match e {
        PageError::Refused(_) => e.into_response(),
        PageError::SignIn | PageError::Account => StatusCode::UNAUTHORIZED.into_response(),
    })?;
    let hints = app.live.listen(&app);
    Ok(Sse::new(hints_of(app, hints)).keep_alive(KeepAlive::default()))
}

fn hints_of(
    app: App,
    hints: watch::Receiver<u64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((app, hints), |(app, mut hints)| async move {
        loop {
            if app.engine.is_stopping() {
                return None;
            }
            match timeout(LOOK, hints.changed()).await {
                Err(_) => {}
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {
                    let n = *hints.borrow_and_update();
                    let event = Event::default().event("queue").data(n.to_string());
                    return Some((Ok(event), (app, hints)));
                }
            }
        }
    })
}
