//! The connections: how many, how slow, and how they end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

/// Beyond it new clients wait until others leave; no board and no audio suffers.
const CONNECTIONS_MOST: u32 = 2_000;

/// A client that does not say within this time what it wants is hung up on.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const HEADERS_MOST_BYTES: usize = 32 * 1024;

/// How long running requests get when the server stops.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be accepted (no file descriptors left).
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then lets running requests end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = TowerToHyperService::new(router);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MOST as usize));
    let (stopping, stopped) = watch::channel(());

    tokio::pin!(stop);
    loop {
        let next = accept(&listener, places.clone());
        let (stream, peer, place) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        tokio::spawn(connection(
            stream,
            peer,
            service.clone(),
            stopped.clone(),
            place,
        ));
    }
    drop(listener);
    stopping.send_replace(());
    // Every place free again is every request answered; the boards' sockets have left theirs long ago.
    _ = timeout(DRAINED_WITHIN, places.acquire_many(CONNECTIONS_MOST)).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let place = places
            .clone()
            .acquire_owned()
            .await
            .expect("the places are never closed");
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    mut stopped: watch::Receiver<()>,
    place: OwnedSemaphorePermit,
) where
    S: Service<
            hyper::Request<hyper::body::Incoming>,
            Response = axum::response::Response,
            Error = std::convert::Infallible,
            Future: Send,
        > + Send
        + 'static,
{
    // An event is a small packet that must not wait for the next.
    _ = stream.set_nodelay(true);
    let with_peer = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_MOST_BYTES)
        .serve_connection(TokioIo::new(stream), with_peer)
        .with_upgrades();
    tokio::pin!(connection);
    // However it ends, it concerns its client alone.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            _ = connection.await;
        }
    }
    drop(place);
}
