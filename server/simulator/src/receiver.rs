//! An HTTP server that keeps what it is asked, for trying and testing: a gateway
//! for short messages, a program that is told of events. It can also refuse, or
//! say nothing at all.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Answers everything with this status.
    Answers(u16),
    /// Takes the request and never answers.
    Hangs,
}

/// One request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `POST /path`.
    pub what: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The server. It listens until the process ends.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    conduct: Conduct,
    asked: Vec<Asked>,
}

/// No request is larger.
const BODY_MOST: usize = 1 << 20;

impl Receiver {
    /// Listens at an address; port 0 finds a free one. `on_asked` hears of every request.
    pub fn start(
        address: SocketAddr,
        on_asked: impl Fn(&Asked) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let receiver = Self {
            address: listener.local_addr()?,
            kept: Arc::new(Mutex::new(Kept {
                conduct: Conduct::Answers(200),
                asked: Vec::new(),
            })),
        };
        let ours = receiver.clone();
        let on_asked = Arc::new(on_asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (receiver, on_asked) = (ours.clone(), on_asked.clone());
                // Whoever breaks off has asked nothing.
                thread::spawn(move || _ = receiver.serve(stream, on_asked.as_ref()));
            }
        });
        Ok(receiver)
    }

    pub fn behave(&self, conduct: Conduct) {
        self.kept().conduct = conduct;
    }

    /// Every request so far, in order, whatever was answered.
    pub fn asked(&self) -> Vec<Asked> {
        self.kept().asked.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(
        &self,
        stream: TcpStream,
        on_asked: &(dyn Fn(&Asked) + Send + Sync),
    ) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let what = [words.next(), words.next()]
            .map(Option::unwrap_or_default)
            .join(" ");
        let mut headers = Vec::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let mut asked = Asked {
            what,
            headers,
            body: String::new(),
        };
        let length = asked.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; usize::min(length, BODY_MOST)];
        reader.read_exact(&mut body)?;
        asked.body = String::from_utf8_lossy(&body).into_owned();
        on_asked(&asked);
        let conduct = {
            let mut kept = self.kept();
            kept.asked.push(asked);
            kept.conduct
        };
        match conduct {
            Conduct::Answers(status) => {
                let mut out = stream;
                write!(
                    out,
                    "HTTP/1.1 {status} Simulated\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
            }
            Conduct::Hangs => {
                // Until the other side has had enough.
                _ = reader.read_line(&mut line);
                Ok(())
            }
        }
    }
}
