//! How connections come in: no more than there may be, none that only sits there, and all of them told when it ends.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{app::App, stall::Timed};
use crate::socket::is_of_own_user;

/// How much of a request that is not read yet is kept, and how long its head may be.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// How long a request may go on when the server ends.
const END_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long to wait when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(50);
/// What those hear for whom there is no place.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Where connections come from.
pub(super) enum Door {
    /// The network.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener),
}

/// Takes connections until the server ends, and waits for what they still do.
pub(super) async fn accept(door: Door, app: App, router: Router, places: std::sync::Arc<Semaphore>) {
    let mut open = JoinSet::new();
    loop {
        let came = tokio::select! {
            came = take(&door, app.settings.stall_timeout) => came,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            () = app.closing.wait() => break,
        };
        let stream = match came {
            Ok(stream) => stream,
            Err(err) => {
                // One that is gone already, or no descriptor for it: the others go on.
                tracing::debug!(error = %err, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            open.spawn(talk(stream, app.clone(), router.clone(), place));
        } else {
            let mut stream = stream;
            app.metrics.turned_away();
            open.spawn(async move {
                drop(tokio::time::timeout(PAUSE, stream.write_all(FULL)).await);
            });
        }
    }
    while open.join_next().await.is_some() {}
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn take(door: &Door, limit: Duration) -> io::Result<Box<dyn Stream>> {
    match door {
        Door::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // One who is gone and never said so does not stay longer than one who does not read.
            let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
            rustix::net::sockopt::set_tcp_user_timeout(&stream, limit)?;
            Ok(Box::new(stream))
        }
        Door::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            let stream = stream.into_std()?;
            if !is_of_own_user(&stream)? {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(Box::new(tokio::net::UnixStream::from_std(stream)?))
        }
    }
}

async fn talk(stream: Box<dyn Stream>, app: App, router: Router, place: OwnedSemaphorePermit) {
    let limit = app.settings.stall_timeout;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limit).max_buf_size(BUFFER_BYTES_MAX);
    let service = TowerToHyperService::new(router);
    let connection =
        http.serve_connection(TokioIo::new(Timed::within(limit, stream)), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.closing.wait() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(END_WAIT_MAX, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => Ok(()),
            }
        }
    };
    if let Err(err) = ended {
        tracing::debug!(error = %err, "a connection ended");
    }
    drop(place);
}
