//! LISTEN and NOTIFY: a hint that another node has made work, and nothing more. Losing one costs
//! the time until the next poll.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::poll_fn;
use tokio::sync::{mpsc, watch};
use tokio_postgres::AsyncMessage;

use super::connect::Address;
use super::writer::Pending;

/// Pause before a lost connection is opened again.
const AGAIN: Duration = Duration::from_secs(2);
pub(super) const NOTIFY: &str = "NOTIFY tuesday_work";
const LISTEN: &str = "LISTEN tuesday_work";

/// Listens for as long as the store is alive.
pub(super) fn listen(address: Address, alive: mpsc::WeakSender<Pending>) -> watch::Receiver<u64> {
    let (tell, seen) = watch::channel(0);
    tokio::spawn(async move {
        while alive.upgrade().is_some() && !tell.is_closed() {
            tokio::select! {
                ended = once(&address, &tell) => if let Err(e) = ended {
                    tracing::debug!(error = %e, "listening ended; polling goes on");
                },
                () = gone(&alive) => return,
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
    seen
}

/// Resolves once nobody can write any more.
async fn gone(alive: &mpsc::WeakSender<Pending>) {
    while alive.upgrade().is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn once(address: &Address, tell: &watch::Sender<u64>) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = address.config.connect(address.tls.clone()).await?;
    let messages = poll_fn(move |cx| connection.poll_message(cx));
    let heard = messages.for_each(|message| async move {
        if matches!(message, Ok(AsyncMessage::Notification(_))) {
            tell.send_modify(|n| *n += 1);
        }
    });
    // The connection moves only while it is polled, so the request and the answers go together.
    let asked = client.batch_execute(LISTEN);
    let keep = async {
        let answer = asked.await;
        if answer.is_ok() {
            std::future::pending::<()>().await;
        }
        answer
    };
    tokio::select! {
        () = heard => Ok(()),
        answer = keep => answer,
    }
}
