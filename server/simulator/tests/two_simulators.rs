//! A simulated phone calls a number of a simulated operator, with no server between
//! them: what one says the other hears, over real sockets.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use serde_json::Value;
use simulator::Options;

/// Hands each event to a channel.
struct Lines(Sender<Value>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Ok(event) = serde_json::from_slice(line) {
                self.0.send(event).map_err(io::Error::other)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn script(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{name}-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn free_address() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

fn play(
    lines: PathBuf,
    server: SocketAddr,
    trunk_listen: Option<SocketAddr>,
    events: &Sender<Value>,
) -> tokio::task::JoinHandle<()> {
    let options = Options {
        lines,
        server,
        trunk_listen,
        events: true,
    };
    let sink = Box::new(Lines(events.clone()));
    tokio::spawn(async move {
        simulator::run_telling(options, Some(sink), std::future::pending())
            .await
            .unwrap();
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_and_a_number_hear_each_other_until_one_leaves() {
    let operator_at = free_address();
    let operator = script(
        "operator",
        r#"
        [[line]]
        name = "Number"
        number = "+7 916 204-00-01"
        voice = { tone_hz = 523, codecs = ["g722"] }
        steps = [{ do = "answer", after_s = 0.1, press = [{ key = "1", after_hearing_s = 1 }] }]
        "#,
    );
    let phone = script(
        "phone",
        r#"
        [[line]]
        name = "Phone"
        account = "phone"
        secret = "secret"
        voice = { tone_hz = 870 }
        steps = [{ do = "answer" }]
        calls = [{ to = "+79162040001", at_s = 0, from_start = true, leaves_after_s = 4 }]
        "#,
    );
    let (sender, events) = channel();
    let tasks = [
        play(operator, free_address(), Some(operator_at), &sender),
        play(phone, operator_at, None, &sender),
    ];

    let mut seen: Vec<Value> = Vec::new();
    let happened = |seen: &[Value], line: &str, event: &str| {
        seen.iter()
            .any(|e| e["line"] == line && e["event"] == event)
    };
    while !(happened(&seen, "Number", "released") && happened(&seen, "Phone", "released")) {
        match events.recv_timeout(Duration::from_secs(30)) {
            Ok(event) => seen.push(event),
            Err(_) => panic!("Nothing more happens after {seen:#?}"),
        }
    }
    for task in tasks {
        task.abort();
    }

    let heard = |line: &str, hz: u64| {
        seen.iter().any(|e| {
            e["line"] == line
                && e["event"] == "heard"
                && e["tones"]
                    .as_array()
                    .is_some_and(|tones| tones.iter().any(|t| t.as_u64().unwrap().abs_diff(hz) < 8))
        })
    };
    assert!(heard("Number", 870), "{seen:#?}");
    assert!(heard("Phone", 523), "{seen:#?}");
    assert!(happened(&seen, "Number", "pressed"));
    let answered = seen
        .iter()
        .find(|e| e["line"] == "Phone" && e["event"] == "answered");
    assert_eq!(answered.unwrap()["codec"], "G722");
}
