//! Serves the world over HTTP/1.1.

use std::future::Future;
use std::io;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http::handle;
use crate::world::World;

/// Serves until `shutdown` resolves; open connections are closed then, in the middle of what they do.
///
/// # Errors
/// When the listener fails for another reason than one connection.
pub async fn serve(
    listener: TcpListener,
    world: World,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    tokio::pin!(shutdown);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return Ok(()),
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, world.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
        while connections.try_join_next().is_some() {}
    }
}

pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

async fn connection(stream: TcpStream, world: World) {
    // Small answers must not wait for more data; where it cannot be set, they are only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(world.clone(), request));
    // A service error closes the connection without an answer, which is what a script may ask for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
