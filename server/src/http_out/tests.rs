use std::{net::Ipv4Addr, path::PathBuf};

use rustls::pki_types::PrivateKeyDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfine";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/http_out/testing")
        .join(name)
}

fn out() -> HttpOut {
    let loopback = "127.0.0.0/8".parse().unwrap();
    HttpOut::new(vec![loopback], Some(&fixture("authority.pem"))).unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: vec![("authorization", "Bearer secret".to_owned())],
        body: Vec::new(),
        within: Duration::from_secs(5),
    }
}

/// Answers one request with these bytes, and returns what was asked.
async fn answering(answer: Vec<u8>) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, answer).await
    });
    (port, served)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> String {
    let mut asked = vec![0; 4096];
    let read = stream.read(&mut asked).await.unwrap();
    // Whoever asked may have had enough of it.
    _ = stream.write_all(&answer).await;
    _ = stream.shutdown().await;
    String::from_utf8_lossy(&asked[..read]).into_owned()
}

#[tokio::test]
async fn a_request_is_answered_and_carries_its_headers() {
    let (port, served) = answering(OK.into()).await;

    let answer = out()
        .send(get(&format!("http://127.0.0.1:{port}/line?number=%2B7916")))
        .await
        .unwrap();

    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"fine"[..]));
    let asked = served.await.unwrap();
    assert!(
        asked.starts_with("GET /line?number=%2B7916 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains(&format!("host: 127.0.0.1:{port}\r\n")),
        "{asked}"
    );
    assert!(
        asked.contains("authorization: Bearer secret\r\n"),
        "{asked}"
    );
}

#[tokio::test]
async fn an_encrypted_answer_is_believed_when_its_certificate_is() {
    for (trusted, host) in [
        (true, "localhost"),
        (false, "localhost"),
        (false, "127.0.0.2"),
    ] {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor().accept(stream).await {
                serve(stream, OK.into()).await;
            }
        });
        let authority = fixture("authority.pem");
        // The third has a certificate of an authority that is believed, for another name.
        let believed = trusted || host != "localhost";
        let out = HttpOut::new(
            vec!["127.0.0.0/8".parse().unwrap()],
            believed.then_some(authority.as_path()),
        )
        .unwrap();

        let answer = out.send(get(&format!("https://{host}:{port}/"))).await;

        assert_eq!(answer.is_ok(), trusted, "{host}: {answer:?}");
        served.await.unwrap();
    }
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(fixture("localhost.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            chain.map(Result::unwrap).collect(),
            PrivateKeyDer::from_pem_file(fixture("localhost.key")).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn what_is_inside_is_not_reached_unless_allowed() {
    let out = HttpOut::new(Vec::new(), None).unwrap();
    for url in [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
    ] {
        let refused = out.send(get(url)).await;
        assert!(
            matches!(refused, Err(HttpOutError::Forbidden { .. })),
            "{url}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (port, _served) = answering(moved.into()).await;

    let answer = out().send(get(&format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(answer.unwrap().status, 302);
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(ANSWER_MOST + 100_000, b'x');
    let (port, _served) = answering(endless).await;

    let answer = out().send(get(&format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(answer, Err(HttpOutError::TooLarge));
}

#[tokio::test]
async fn a_silent_host_is_waited_for_no_longer_than_was_said() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let within = Duration::from_millis(50);

    let request = Request {
        within,
        ..get(&format!("http://127.0.0.1:{port}/"))
    };
    assert_eq!(out().send(request).await, Err(HttpOutError::Late(within)));
    drop(listener);
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_broken_connection() {
    let (port, _served) = answering(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;

    let answer = out().send(get(&format!("http://127.0.0.1:{port}/"))).await;

    assert!(
        matches!(answer, Err(HttpOutError::Connection(_))),
        "{answer:?}"
    );
}

#[test]
fn an_address_that_cannot_be_asked_is_refused_in_words() {
    for wrong in [
        "",
        "api.example.com",
        "ftp://example.com/",
        "https://",
        "https://user:pass@example.com/",
        "/status",
        "http://exa mple.com/",
    ] {
        assert!(wrong.parse::<Url>().is_err(), "{wrong}");
    }
    let url: Url = "https://[2606:4700::1]:8443/x".parse().unwrap();
    assert_eq!(
        (url.host.as_str(), url.port, url.tls),
        ("2606:4700::1", 8443, true)
    );
}
