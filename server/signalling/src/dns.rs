//! One question to a name server: which hosts serve a name (SRV, RFC 2782).
//!
//! The system's own resolver knows addresses only. This asks what it cannot, and
//! nothing else; what comes is read with suspicion.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// How long one server may take.
const PATIENCE: Duration = Duration::from_secs(1);
const SRV: u16 = 33;
const INTERNET: u16 = 1;
/// Hosts of one service; more are not asked for anything.
const MAX_RECORDS: usize = 32;
/// Jumps within one compressed name.
const MAX_JUMPS: usize = 16;

/// One host of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The least is tried first.
    pub priority: u16,
    /// Among equals, how often one comes first.
    pub weight: u16,
    pub port: u16,
    pub target: String,
    pub ttl: Duration,
}

/// Asks these servers in turn. `None` when none of them answers; an empty list when
/// the name has no such service.
pub async fn services(name: &str, servers: &[SocketAddr]) -> Option<Vec<Service>> {
    for server in servers {
        match timeout(PATIENCE, ask(name, *server)).await {
            Ok(Ok(found)) => return Some(found),
            Ok(Err(error)) => tracing::debug!(name, %server, %error, "No answer about a service"),
            Err(_) => tracing::debug!(name, %server, "No answer about a service in time"),
        }
    }
    None
}

/// The name servers the system uses.
pub fn system_servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| {
        let address = line.trim().strip_prefix("nameserver")?.trim();
        let address: IpAddr = address.split('%').next()?.parse().ok()?;
        Some(SocketAddr::new(address, 53))
    });
    servers.take(3).collect()
}

async fn ask(name: &str, server: SocketAddr) -> io::Result<Vec<Service>> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|error| io::Error::other(error.to_string()))?;
    let query = query(id, name).ok_or(io::ErrorKind::InvalidInput)?;
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    // Whoever else sends to this port is not heard.
    socket.connect(server).await?;
    socket.send(&query).await?;
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match read(&buffer[..length], id, &query) {
            Reply::Services(found) => return Ok(found),
            Reply::Truncated => return ask_at_length(&query, id, server).await,
            Reply::Failed => return Err(io::ErrorKind::InvalidData.into()),
            Reply::NotOurs => {}
        }
    }
}

/// The same over TCP, where the answer is too long for a datagram.
async fn ask_at_length(query: &[u8], id: [u8; 2], server: SocketAddr) -> io::Result<Vec<Service>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(query).await?;
    let mut answer = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut answer).await?;
    match read(&answer, id, query) {
        Reply::Services(found) => Ok(found),
        Reply::Truncated | Reply::Failed | Reply::NotOurs => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A question, recursion desired. `None` when the name is none.
fn query(id: [u8; 2], name: &str) -> Option<Vec<u8>> {
    let mut bytes = id.to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|n| (1..64).contains(n))?;
        bytes.push(length);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(SRV.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    (bytes.len() <= 271).then_some(bytes)
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Services(Vec<Service>),
    Truncated,
    /// The server could not say.
    Failed,
    /// Not the answer to this question.
    NotOurs,
}

fn read(bytes: &[u8], id: [u8; 2], query: &[u8]) -> Reply {
    let mut reader = Reader { bytes, at: 0 };
    let header = (|| {
        let theirs = [reader.u8()?, reader.u8()?];
        let flags = reader.u16()?;
        let counts = [reader.u16()?, reader.u16()?];
        reader.skip(4)?;
        Some((theirs, flags, counts))
    })();
    let Some((theirs, flags, [questions, answers])) = header else {
        return Reply::NotOurs;
    };
    let asked = bytes.get(12..query.len());
    let same = asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&query[12..]));
    if theirs != id || flags & 0x8000 == 0 || questions != 1 || !same {
        return Reply::NotOurs;
    }
    if flags & 0x0200 != 0 {
        return Reply::Truncated;
    }
    match flags & 0x000f {
        0 => {}
        // The name does not exist, so neither does its service.
        3 => return Reply::Services(Vec::new()),
        _ => return Reply::Failed,
    }
    reader.at = query.len();
    let mut found = Vec::new();
    for _ in 0..answers {
        match reader.record() {
            Some(Some(service)) if found.len() < MAX_RECORDS => found.push(service),
            Some(_) => {}
            None => return Reply::Failed,
        }
    }
    Reply::Services(found)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn u8(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// One resource record; the inner `None` for one of another type.
    fn record(&mut self) -> Option<Option<Service>> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        let ttl = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        let length = usize::from(self.u16()?);
        let end = self.at + length;
        if end > self.bytes.len() {
            return None;
        }
        let service = if (kind, class) == (SRV, INTERNET) {
            Some(Service {
                priority: self.u16()?,
                weight: self.u16()?,
                port: self.u16()?,
                target: self.name()?,
                ttl: Duration::from_secs(ttl.into()),
            })
        } else {
            None
        };
        self.at = end;
        Some(service)
    }

    /// A name, which may continue elsewhere; empty for the root.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut back = None;
        let mut jumps = 0;
        loop {
            let length = self.u8()?;
            match length {
                0 => break,
                1..64 => {
                    let label = self.bytes.get(self.at..self.at + usize::from(length))?;
                    self.at += usize::from(length);
                    if !name.is_empty() {
                        name.push('.');
                    }
                    let sound = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
                    if !label.iter().all(sound) || name.len() > 255 {
                        return None;
                    }
                    name.push_str(std::str::from_utf8(label).ok()?);
                }
                0xc0.. => {
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, self.u8()?]));
                    back.get_or_insert(self.at);
                    jumps += 1;
                    if jumps > MAX_JUMPS {
                        return None;
                    }
                    self.at = to;
                }
                _ => return None,
            }
        }
        self.at = back.unwrap_or(self.at);
        Some(name)
    }
}

/// The order of trying (RFC 2782): by priority, among equals by lot, the heavier the
/// likelier. `lot` draws a number below its argument.
pub fn order(mut services: Vec<Service>, mut lot: impl FnMut(u32) -> u32) -> Vec<Service> {
    // The weightless first, so that they are drawn now and then.
    services.sort_by_key(|service| (service.priority, service.weight));
    let mut ordered: Vec<Service> = Vec::with_capacity(services.len());
    while let Some(priority) = services.first().map(|service| service.priority) {
        let equals = services.iter().take_while(|s| s.priority == priority);
        let sum: u32 = equals.map(|service| u32::from(service.weight)).sum();
        let mark = lot(sum.saturating_add(1));
        let mut reached = 0;
        let drawn = services.iter().position(|service| {
            reached += u32::from(service.weight);
            reached >= mark
        });
        ordered.push(services.remove(drawn.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 2] = [7, 9];

    fn service(priority: u16, weight: u16, port: u16) -> Service {
        Service {
            priority,
            weight,
            port,
            target: "one.example".to_owned(),
            ttl: Duration::from_secs(300),
        }
    }

    /// The answer to the question, with one record whose target points into it.
    fn answer() -> (Vec<u8>, Vec<u8>) {
        let query = query(ID, "_sip._udp.example").unwrap();
        let mut bytes = query.clone();
        bytes[2] = 0x81;
        bytes[3] = 0x80;
        bytes[7] = 1;
        // Its name is the question's; the target `one` goes on at the question's `example`.
        let example = u8::try_from(12 + 5 + 5).unwrap();
        bytes.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 1, 44, 0, 12]);
        bytes.extend([0, 10, 0, 20, 0x13, 0xc4, 3, b'o', b'n', b'e', 0xc0, example]);
        (bytes, query)
    }

    #[test]
    fn a_service_is_read_with_its_compressed_name() {
        let (bytes, query) = answer();
        assert_eq!(
            read(&bytes, ID, &query),
            Reply::Services(vec![service(10, 20, 5060)])
        );
    }

    #[test]
    fn what_answers_another_question_is_not_heard() {
        let (bytes, query) = answer();
        assert_eq!(read(&bytes, [7, 8], &query), Reply::NotOurs);
        assert_eq!(read(&query, ID, &query), Reply::NotOurs);
        let other = super::query(ID, "_sip._udp.exarple").unwrap();
        assert_eq!(read(&bytes, ID, &other), Reply::NotOurs);
    }

    #[test]
    fn damaged_answers_harm_nobody() {
        let (bytes, query) = answer();
        for length in 0..bytes.len() {
            assert!(!matches!(
                read(&bytes[..length], ID, &query),
                Reply::Services(found) if !found.is_empty()
            ));
        }
        for at in 0..bytes.len() {
            for byte in [0, 1, 0x3f, 0xc0, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = byte;
                // Whatever it says: it is read to an end.
                _ = read(&damaged, ID, &query);
            }
        }
    }

    #[test]
    fn a_name_that_does_not_exist_has_no_service() {
        let (mut bytes, query) = answer();
        bytes[3] = 0x83;
        assert_eq!(read(&bytes, ID, &query), Reply::Services(Vec::new()));
        bytes[3] = 0x82;
        assert_eq!(read(&bytes, ID, &query), Reply::Failed);
        bytes[2] |= 0x02;
        assert_eq!(read(&bytes, ID, &query), Reply::Truncated);
    }

    #[test]
    fn the_first_priority_comes_first_and_weight_decides_among_equals() {
        let all = vec![service(20, 0, 1), service(10, 90, 2), service(10, 10, 3)];
        let ports = |lots: &[u32]| {
            let mut lots = lots.iter().copied();
            let ordered = order(all.clone(), |_| lots.next().unwrap_or(0));
            ordered.iter().map(|s| s.port).collect::<Vec<_>>()
        };
        assert_eq!(ports(&[50]), [2, 3, 1]);
        assert_eq!(ports(&[10]), [3, 2, 1]);
        assert_eq!(ports(&[100]), [2, 3, 1]);
    }

    #[test]
    fn names_that_are_none_are_not_asked_for() {
        assert!(query(ID, "a..b").is_none());
        assert!(query(ID, &"a".repeat(64)).is_none());
        assert!(query(ID, &"abc.".repeat(80)).is_none());
    }
}
