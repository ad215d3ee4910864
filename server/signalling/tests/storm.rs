//! What strangers may throw at the sockets without anybody noticing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use signalling::{Authority, Config, Credentials, Event, Signalling, TrunkId, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    sync::mpsc::UnboundedReceiver,
    time::timeout,
};

struct Nobody;

impl Authority for Nobody {
    fn credentials(&self, _: &str, _: &str) -> Option<Credentials> {
        None
    }

    fn trunk_by_source(&self, _: SocketAddr) -> Option<TrunkId> {
        None
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

async fn server() -> (Signalling, UnboundedReceiver<Event>, SocketAddr) {
    let config = Config::new(vec!["127.0.0.1:0".parse().unwrap()]);
    let (signalling, events) = start(config, Arc::new(Nobody), Vec::new()).await.unwrap();
    let address = signalling.addresses()[0];
    (signalling, events, address)
}

fn options(nth: usize) -> String {
    format!(
        "OPTIONS sip:rollcall SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{nth}\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:rollcall>\r\nCall-ID: c{nth}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Asks until there is an answer: datagrams in a storm may be lost.
async fn is_alive(address: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut buffer = [0; 2048];
    let asked = timeout(PATIENCE, async {
        for nth in 0.. {
            socket
                .send_to(options(nth).as_bytes(), address)
                .await
                .unwrap();
            let answer = timeout(Duration::from_millis(500), socket.recv_from(&mut buffer)).await;
            if let Ok(Ok((length, _))) = answer {
                return buffer[..length].starts_with(b"SIP/2.0 200");
            }
        }
        false
    });
    assert!(asked.await.expect("an answer in time"));
}

/// Everything a connection brings until it is closed.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut text))
        .await
        .expect("closed in time")
        .unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_flood_of_datagrams_is_survived_and_forgotten() {
    let (_signalling, mut events, address) = server().await;
    let flood = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for nth in 0..20_000 {
        let garbage = match nth % 4 {
            0 => options(nth).replace("OPTIONS", "INVITE"),
            1 => options(nth).replace("OPTIONS", "REGISTER"),
            2 => "\0\u{ff}garbage\r\n\r\n".repeat(nth % 50),
            _ => options(nth)[..nth % 150].to_owned(),
        };
        // What the kernel has no room for is lost, as in any flood.
        _ = flood.send_to(garbage.as_bytes(), address).await;
    }
    is_alive(address).await;
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_of_several_requests_gets_several_answers() {
    let (_signalling, _events, address) = server().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let both = format!("\r\n\r\n{}{}", options(1), options(2));
    for byte in both.as_bytes().chunks(7) {
        stream.write_all(byte).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let text = until_closed(&mut stream).await;
    assert!(text.starts_with("\r\n"), "no answer to the keep-alive");
    assert_eq!(text.matches("SIP/2.0 200 OK").count(), 2);
}

#[tokio::test]
async fn a_stream_that_cannot_be_cut_is_refused_and_closed() {
    let (_signalling, _events, address) = server().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let broken = options(1).replace("Content-Length: 0", "Content-Length: -5");
    stream.write_all(broken.as_bytes()).await.unwrap();
    let text = until_closed(&mut stream).await;
    assert!(text.starts_with("SIP/2.0 400"), "{text}");

    let mut stream = TcpStream::connect(address).await.unwrap();
    // The peer may close before we have sent it all.
    _ = stream.write_all(&vec![b'a'; 200_000]).await;
    let mut rest = Vec::new();
    _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("closed in time");
    is_alive(address).await;
}
