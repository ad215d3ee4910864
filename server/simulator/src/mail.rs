//! A mail server that keeps what it is sent, for trying and testing: it can also
//! refuse, be busy, or say nothing at all.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// How it behaves towards whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes every mail.
    Takes,
    /// Takes the connection and never says a word.
    Hangs,
    /// Refuses every recipient with this code: 550 for good, 451 for now.
    Refuses(u16),
}

/// One mail, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body (RFC 5322).
    pub text: String,
}

/// The server. It listens until the process ends.
#[derive(Clone)]
pub struct MailSink {
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    manner: Manner,
    mails: Vec<Mail>,
    connections: usize,
}

impl MailSink {
    /// Listens at an address; port 0 finds a free one. `on_mail` hears of every mail.
    pub fn start(
        address: SocketAddr,
        on_mail: impl Fn(&Mail) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let sink = Self {
            address: listener.local_addr()?,
            kept: Arc::new(Mutex::new(Kept {
                manner: Manner::Takes,
                mails: Vec::new(),
                connections: 0,
            })),
        };
        let ours = sink.clone();
        let on_mail = Arc::new(on_mail);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sink, on_mail) = (ours.clone(), on_mail.clone());
                // Whoever breaks off has sent no mail.
                thread::spawn(move || _ = sink.serve(stream, on_mail.as_ref()));
            }
        });
        Ok(sink)
    }

    pub fn behave(&self, manner: Manner) {
        self.kept().manner = manner;
    }

    /// Every mail so far, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.kept().mails.clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.kept().connections
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, on_mail: &(dyn Fn(&Mail) + Send + Sync)) -> io::Result<()> {
        let manner = {
            let mut kept = self.kept();
            kept.connections += 1;
            kept.manner
        };
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let mut out = stream;
        if manner == Manner::Hangs {
            // Reads until the other side has had enough.
            lines.for_each(drop);
            return Ok(());
        }
        let mut mail = Mail {
            from: String::new(),
            to: Vec::new(),
            text: String::new(),
        };
        write!(out, "220 simulated mail server\r\n")?;
        while let Some(line) = lines.next().transpose()? {
            let verb = line.to_ascii_uppercase();
            let answer = if verb.starts_with("EHLO") {
                "250-simulated\r\n250 8BITMIME".to_owned()
            } else if verb.starts_with("HELO") {
                "250 simulated".to_owned()
            } else if verb.starts_with("MAIL FROM:") {
                mail.from = in_brackets(&line);
                "250 ok".to_owned()
            } else if verb.starts_with("RCPT TO:") {
                match manner {
                    Manner::Refuses(code) => format!("{code} not here"),
                    Manner::Takes | Manner::Hangs => {
                        mail.to.push(in_brackets(&line));
                        "250 ok".to_owned()
                    }
                }
            } else if verb == "DATA" {
                write!(out, "354 go on\r\n")?;
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mail.text += line.strip_prefix('.').unwrap_or(&line);
                    mail.text += "\r\n";
                }
                on_mail(&mail);
                self.kept().mails.push(mail.clone());
                mail.to.clear();
                mail.text.clear();
                "250 kept".to_owned()
            } else if verb == "QUIT" {
                write!(out, "221 bye\r\n")?;
                return Ok(());
            } else if verb == "RSET" || verb == "NOOP" {
                "250 ok".to_owned()
            } else {
                "502 not known here".to_owned()
            };
            write!(out, "{answer}\r\n")?;
        }
        Ok(())
    }
}

fn in_brackets(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}
