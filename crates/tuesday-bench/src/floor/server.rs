//! The front door of the floor program: any POST is an event.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Durable;
use super::run::Runner;

/// Serves until it is aborted; its connections end with it.
pub(super) async fn serve<S: Durable>(listener: TcpListener, runner: Arc<Runner<S>>) {
    let mut connections = JoinSet::new();
    // A listener that fails shows as a drive that cannot connect.
    while let Ok((stream, _)) = listener.accept().await {
        let runner = Arc::clone(&runner);
        connections.spawn(async move {
            if stream.set_nodelay(true).is_err() {
                return;
            }
            let service = service_fn(move |request| answer(Arc::clone(&runner), request));
            // The other end sees its own side of a broken connection.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn answer<S: Durable>(
    runner: Arc<Runner<S>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.into_body().collect().await {
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
        Ok(event) => match runner.accept(event.to_bytes()).await {
            Ok(run) => (StatusCode::ACCEPTED, format!("{{\"run_id\":\"{run}\"}}")),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    Ok(response)
}
