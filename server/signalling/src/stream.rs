//! One TCP connection: frames in, bytes out.

use std::time::Duration;

use sip::{
    Flow,
    message::{Frame, Framer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

use crate::task::Input;

/// How long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// How long a message once begun may take to arrive.
const FRAME_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may say nothing at all: longer than registrations live.
const IDLE_PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// How long a peer may refuse to read.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// Connects, then serves the connection. Ends by telling that the flow is closed.
pub async fn connect(flow: Flow, outbox: mpsc::Receiver<Vec<u8>>, inputs: mpsc::Sender<Input>) {
    let why = match timeout(CONNECT_PATIENCE, TcpStream::connect(flow.remote)).await {
        Ok(Ok(stream)) => return serve(stream, flow, outbox, inputs).await,
        Ok(Err(error)) => format!("Cannot connect: {error}"),
        Err(_) => "Cannot connect: no answer".to_owned(),
    };
    // The task tells by this that it was this very connection that closed.
    drop(outbox);
    _ = inputs.send(Input::Closed { flow, why }).await;
}

/// Serves a connection until either side has had enough.
pub async fn serve(
    stream: TcpStream,
    flow: Flow,
    mut outbox: mpsc::Receiver<Vec<u8>>,
    inputs: mpsc::Sender<Input>,
) {
    // Small messages must not wait for each other.
    _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let mut framer = Framer::default();
    let mut chunk = vec![0; 4096];
    let why = loop {
        let patience = match framer.is_partial() {
            true => FRAME_PATIENCE,
            false => IDLE_PATIENCE,
        };
        tokio::select! {
            read = timeout(patience, reader.read(&mut chunk)) => match read {
                Err(_) => break "Nothing came for too long".to_owned(),
                Ok(Err(error)) => break error.to_string(),
                Ok(Ok(0)) => break "Closed by the peer".to_owned(),
                Ok(Ok(length)) => framer.push(&chunk[..length]),
            },
            bytes = outbox.recv() => {
                let Some(bytes) = bytes else { return };
                match timeout(WRITE_PATIENCE, writer.write_all(&bytes)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => break error.to_string(),
                    Err(_) => break "The peer does not read".to_owned(),
                }
            }
        }
        let mut broken = false;
        while let Some(frame) = framer.next_frame() {
            let bytes = match frame {
                Frame::Message(bytes) => bytes,
                Frame::Ping => {
                    _ = timeout(WRITE_PATIENCE, writer.write_all(b"\r\n")).await;
                    continue;
                }
                Frame::Broken(bytes) => {
                    broken = true;
                    bytes
                }
            };
            if inputs.send(Input::Message { flow, bytes }).await.is_err() {
                return;
            }
        }
        if broken {
            // The refusal, where there is one, is in the outbox by the time it is read.
            if let Ok(Some(bytes)) = timeout(Duration::from_secs(1), outbox.recv()).await {
                _ = timeout(WRITE_PATIENCE, writer.write_all(&bytes)).await;
            }
            break "What came was no SIP".to_owned();
        }
    };
    drop(outbox);
    _ = inputs.send(Input::Closed { flow, why }).await;
}
