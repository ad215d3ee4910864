//! Requests that leave us: to operators' status APIs, gateways and webhooks.
//!
//! Their addresses are typed by users, so they are not trusted: a request
//! reaches public addresses alone, unless the server's settings allow more
//! (`http_out_allow`). The name is looked up once, what it resolves to is
//! judged, and the connection goes to that very address, so that a name that
//! resolves differently a moment later gains nothing. Redirects are not
//! followed: a 3xx is an answer like another.
//!
//! Nobody waits for a slow destination but whoever asked it: every request has
//! a time within which all of it must be done, an answer has a size, and one
//! host may hold a few connections only.

mod network;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    StatusCode, Uri,
    body::Bytes,
    client::conn::http1,
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
};
use tokio_rustls::TlsConnector;

pub use hyper::Method;
pub use network::Network;

/// The largest answer that is read, bytes.
pub const ANSWER_MOST: usize = 256 * 1024;

/// Requests at once to one host, and to all: more wait, within their time.
const PER_HOST: usize = 8;
const ALL: usize = 256;

/// How long one of several addresses is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// What to ask for.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    /// Further header fields; `Host` and `Content-Length` are set by themselves.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// For everything together: look-up, connection, and the whole answer.
    pub within: Duration,
}

/// What came back, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    /// Seconds, where the answer says so in numbers.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// An address that can be asked: `http` or `https`, with a host and without a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    uri: Uri,
    host: String,
    port: u16,
    tls: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpOutError {
    #[error("{host} is at {address}, which this server may not reach")]
    Forbidden { host: String, address: String },
    #[error("{0} cannot be looked up")]
    NoAddress(String),
    #[error("No answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("No connection: {0}")]
    Connection(String),
    #[error("The answer is larger than {ANSWER_MOST} bytes")]
    TooLarge,
    #[error("A header field cannot be sent: {0}")]
    Header(&'static str),
}

/// The way out. Cheap to clone.
#[derive(Clone)]
pub struct HttpOut {
    inner: Arc<Inner>,
}

struct Inner {
    tls: TlsConnector,
    allowed: Vec<Network>,
    all: Semaphore,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl HttpOut {
    /// `allowed` are networks that may be reached though they are not public;
    /// `authority` is a file (PEM) of certificates believed beside the public ones.
    ///
    /// # Errors
    /// When that file cannot be read.
    pub fn new(allowed: Vec<Network>, authority: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(path) = authority {
            let wrong =
                |error: &dyn std::fmt::Display| format!("Cannot read {}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))? {
                let certificate = certificate.map_err(|e| wrong(&e))?;
                roots.add(certificate).map_err(|e| wrong(&e))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(HttpOut {
            inner: Arc::new(Inner {
                tls: TlsConnector::from(Arc::new(config)),
                allowed,
                all: Semaphore::new(ALL),
                hosts: Mutex::default(),
            }),
        })
    }

    /// Asks, and reads the whole answer.
    pub async fn send(&self, request: Request) -> Result<Answer, HttpOutError> {
        let within = request.within;
        tokio::time::timeout(within, self.exchange(request))
            .await
            .unwrap_or(Err(HttpOutError::Late(within)))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, HttpOutError> {
        let host = self.inner.host(&request.url.host);
        // Semaphores are never closed.
        let (_of_host, _of_all) = (host.acquire().await, self.inner.all.acquire().await);

        let stream = self.connect(&request.url).await?;
        if request.url.tls {
            let name = ServerName::try_from(request.url.host.clone())
                .map_err(|error| HttpOutError::Connection(error.to_string()))?;
            let stream = self.inner.tls.connect(name, stream).await;
            let stream = stream.map_err(|error| HttpOutError::Connection(error.to_string()))?;
            converse(stream, request).await
        } else {
            converse(stream, request).await
        }
    }

    /// A connection to the first address that answers and may be reached.
    async fn connect(&self, url: &Url) -> Result<TcpStream, HttpOutError> {
        let found = tokio::net::lookup_host((url.host.as_str(), url.port)).await;
        let found: Vec<SocketAddr> = found
            .map_err(|_| HttpOutError::NoAddress(url.host.clone()))?
            .collect();
        let Some(first) = found.first() else {
            return Err(HttpOutError::NoAddress(url.host.clone()));
        };
        let mut failed = HttpOutError::Forbidden {
            host: url.host.clone(),
            address: first.ip().to_string(),
        };
        for address in found.iter().filter(|address| self.may_reach(address)) {
            let connected = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
            failed = match connected {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => HttpOutError::Connection(error.to_string()),
                Err(_) => HttpOutError::Late(CONNECT_WITHIN),
            };
        }
        Err(failed)
    }

    fn may_reach(&self, address: &SocketAddr) -> bool {
        let ip = address.ip();
        network::is_public(ip) || self.inner.allowed.iter().any(|network| network.holds(ip))
    }
}

impl Inner {
    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds one has a copy of it: the others are asked no more.
        hosts.retain(|name, places| name == host || Arc::strong_count(places) > 1);
        hosts
            .entry(host.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(PER_HOST)))
            .clone()
    }
}

/// One request and its answer over a connection, which is closed after it.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request,
) -> Result<Answer, HttpOutError> {
    let broken = |error: hyper::Error| HttpOutError::Connection(error.to_string());
    let outgoing = outgoing(request)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let speak = async {
        let answer = sender.send_request(outgoing).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let read = Limited::new(body, ANSWER_MOST).collect().await;
        let body = read.map_err(|error| match error.is::<LengthLimitError>() {
            true => HttpOutError::TooLarge,
            false => HttpOutError::Connection(error.to_string()),
        })?;
        let text = |name: HeaderName| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        Ok(Answer {
            status: head.status.as_u16(),
            content_type: text(header::CONTENT_TYPE),
            retry_after: text(header::RETRY_AFTER)
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
            body: body.to_bytes().to_vec(),
        })
    };
    tokio::pin!(connection, speak);
    tokio::select! {
        answer = &mut speak => answer,
        // It is over when it has handed over the answer, or why there is none.
        ended = &mut connection => match ended {
            Ok(()) => speak.await,
            Err(error) => Err(broken(error)),
        },
    }
}

fn outgoing(request: Request) -> Result<hyper::Request<Full<Bytes>>, HttpOutError> {
    let Request {
        method,
        url,
        headers,
        body,
        within: _,
    } = request;
    let path = url.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut outgoing = hyper::Request::new(Full::new(Bytes::from(body)));
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = path.parse().map_err(|_| HttpOutError::Header("path"))?;
    let host = url
        .uri
        .authority()
        .map_or("", |authority| authority.as_str());
    let own = [
        ("host", host.to_owned()),
        (
            "user-agent",
            concat!("Rollcall/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        ("connection", "close".to_owned()),
    ];
    for (name, value) in own.into_iter().chain(headers) {
        let value = HeaderValue::from_str(&value).map_err(|_| HttpOutError::Header(name))?;
        outgoing
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    Ok(outgoing)
}

impl Answer {
    /// Whether it is a 2xx.
    pub fn is_success(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }
}

impl std::str::FromStr for Url {
    /// What is wrong with it, for whoever typed it.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is not an address such as https://api.example.com/status");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (tls, default) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            Some(_) | None => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("a login in the address is not used: give a token".to_owned());
        }
        // An IPv6 address stands in brackets, which neither look-up nor certificate know.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || authority.as_str().ends_with(':') {
            return Err(wrong());
        }
        let port = authority.port_u16().unwrap_or(default);
        Ok(Url {
            uri,
            host,
            port,
            tls,
        })
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests;
