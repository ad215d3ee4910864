//! The operator's HTTP interface: it answers how a line is, and tells by itself when
//! that changes. Small on purpose: one request a connection, nothing but what the
//! server speaks.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{agent::digits, line::Look, script::Operator};

/// No request of the server's is longer, bytes.
const REQUEST_MOST: usize = 8 * 1024;

pub struct OperatorApi {
    looks: Arc<Mutex<BTreeMap<String, Look>>>,
    pushes: Option<mpsc::UnboundedSender<(String, &'static str)>>,
}

impl OperatorApi {
    /// Listens and pushes as the script says.
    pub async fn start(script: Option<Operator>) -> std::io::Result<Self> {
        let looks = Arc::default();
        let Some(script) = script else {
            return Ok(Self {
                looks,
                pushes: None,
            });
        };
        if let Some(listen) = script.status_listen {
            let listener = TcpListener::bind(listen).await?;
            tokio::spawn(serve(listener, script.clone(), Arc::clone(&looks)));
        }
        let pushes = script.push_url.clone().map(|url| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(push(url, script.push_token.unwrap_or_default(), receiver));
            sender
        });
        Ok(Self { looks, pushes })
    }

    /// How a number's line is now.
    pub fn note(&self, number: &str, look: Look) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = looks.insert(digits(number), look);
        let (Some(pushes), Some(before)) = (&self.pushes, before) else {
            return;
        };
        if before != look {
            let state = match (before, look) {
                (Look::Off, _) => "backInNetwork",
                (_, look) => state(look),
            };
            // Whoever pushes lives as long as we do.
            _ = pushes.send((number.to_owned(), state));
        }
    }
}

fn state(look: Look) -> &'static str {
    match look {
        Look::Idle => "assumedIdle",
        Look::Ringing | Look::Talking => "camelBusy",
        Look::Off => "netDetNotReachable",
    }
}

async fn serve(listener: TcpListener, script: Operator, looks: Arc<Mutex<BTreeMap<String, Look>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (script, looks) = (script.clone(), Arc::clone(&looks));
        tokio::spawn(async move { answer(stream, &script, &looks).await });
    }
}

async fn answer(
    mut stream: TcpStream,
    script: &Operator,
    looks: &Mutex<BTreeMap<String, Look>>,
) -> Option<()> {
    let request = read_head(&mut stream).await?;
    tokio::time::sleep(script.answers_after).await;
    let told = script.token.as_ref().is_none_or(|token| {
        let wanted = format!("authorization: bearer {token}").to_lowercase();
        request.lines().any(|line| line.to_lowercase() == wanted)
    });
    // `GET /path?number=%2B7916... HTTP/1.1`
    let target = request.split(' ').nth(1)?;
    let (_, number) = target.split_once("number=")?;
    let number = digits(&number.replace("%2B", "+"));
    let look = {
        let looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&number).copied()
    };
    let (status, body) = match (told, look) {
        (false, _) => ("401 Unauthorized", String::new()),
        (true, _) if script.nonsense => ("200 OK", "{\"state\": 7".to_owned()),
        (true, None) => ("404 Not Found", String::new()),
        (true, Some(look)) => ("200 OK", format!("{{\"state\": \"{}\"}}", state(look))),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await.ok()?;
        head.extend_from_slice(&part[..read]);
        if read == 0 || head.len() > REQUEST_MOST {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

async fn push(
    url: String,
    token: String,
    mut pushes: mpsc::UnboundedReceiver<(String, &'static str)>,
) {
    let rest = url.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    while let Some((number, state)) = pushes.recv().await {
        let body = format!("{{\"number\": \"{number}\", \"state\": \"{state}\"}}");
        let request = format!(
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        if let Err(error) = post(host, &request).await {
            tracing::warn!(%error, "The server is not told how a line is");
        }
    }
}

async fn post(host: &str, request: &str) -> std::io::Result<()> {
    let address: SocketAddr = host
        .parse()
        .map_err(|error| std::io::Error::other(format!("{host}: {error}")))?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let head = String::from_utf8_lossy(&answer);
    match head.starts_with("HTTP/1.1 204") {
        true => Ok(()),
        false => Err(std::io::Error::other(
            head.lines().next().unwrap_or_default().to_owned(),
        )),
    }
}
