//! The torture messages of RFC 4475 and RFC 5118, row by row as their manifests say.
//!
//! Each message is given to an endpoint twice: from a stranger, who is challenged
//! before anything else, and from a trunk, whose calls are looked at closely. What
//! comes back must be one of the statuses the row accepts, go to the sender alone,
//! and leave the endpoint answering OPTIONS.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use serde_json::Value;
use sip::{
    Authority, Config, Credentials, Endpoint, Event, Flow, Local, Output, Transport, TrunkId,
    message::{Message, Method, parse},
};
use uuid::Uuid;

const TRUNK: TrunkId = TrunkId(Uuid::from_u128(1));

struct Door {
    trusts_everyone: bool,
}

impl Authority for Door {
    fn credentials(&self, _: &str, _: &str) -> Option<Credentials> {
        None
    }

    fn trunk_by_source(&self, _: SocketAddr) -> Option<TrunkId> {
        self.trusts_everyone.then_some(TRUNK)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

/// The rows of both manifests: folder, and the row itself.
fn rows() -> Vec<(&'static str, Value)> {
    ["rfc4475", "rfc5118"]
        .into_iter()
        .flat_map(|rfc| {
            let text = std::fs::read(folder().join(rfc).join("manifest.json")).unwrap();
            let manifest: Value = serde_json::from_slice(&text).unwrap();
            let rows = manifest["messages"].as_array().unwrap().clone();
            rows.into_iter().map(move |row| (rfc, row))
        })
        .collect()
}

fn bytes(rfc: &str, file: &str) -> Vec<u8> {
    std::fs::read(folder().join(rfc).join(file)).unwrap()
}

fn flow(transport: &str) -> Flow {
    Flow {
        transport: match transport {
            "tcp" => Transport::Tcp,
            _ => Transport::Udp,
        },
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: "127.0.0.2:5060".parse().unwrap(),
    }
}

fn endpoint(trusts_everyone: bool) -> Endpoint {
    let local = |transport| Local {
        transport,
        bound: "127.0.0.1:5060".parse().unwrap(),
        host_ip: "127.0.0.1".parse().unwrap(),
    };
    let config = Config::new(vec![local(Transport::Udp), local(Transport::Tcp)]);
    Endpoint::new(
        config,
        Arc::new(Door { trusts_everyone }),
        [3; 32],
        now(),
        0,
    )
}

fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "an arbitrary origin for virtual time"
    )]
    Instant::now()
}

/// Everything sent in answer, and the calls that came in.
fn put_in(endpoint: &mut Endpoint, flow: Flow, bytes: &[u8]) -> (Vec<u16>, usize) {
    endpoint.handle_message(flow, bytes, now());
    let mut statuses = Vec::new();
    let mut calls = 0;
    while let Some(output) = endpoint.poll_output() {
        match output {
            Output::Send { flow: to, bytes } => {
                assert_eq!(to.remote.ip(), flow.remote.ip(), "sent to a third party");
                let Ok(Message::Response(response)) = parse(&bytes) else {
                    panic!("sent something that is no response");
                };
                statuses.push(response.status);
            }
            Output::Event(Event::Incoming { .. }) => calls += 1,
            Output::Event(event) => panic!("{event:?}"),
            Output::Resolve(lookup) => panic!("looked up {lookup:?}"),
        }
    }
    (statuses, calls)
}

/// Whether the row lets this final outcome pass; `None` stands for silence.
fn passes(row: &Value, outcome: Option<u16>) -> bool {
    let patterns = |field: &str| {
        let patterns = row[field].as_array().unwrap().iter();
        patterns
            .map(|p| p.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (acceptable, tolerated) = (patterns("acceptable"), patterns("tolerated"));
    let named = |wanted: &str| {
        acceptable
            .iter()
            .chain(&tolerated)
            .any(|pattern| pattern == wanted)
    };
    match outcome {
        None => named("drop"),
        Some(status) if named(&format!("!{status}")) => false,
        Some(status) => named(&status.to_string()) || named("*"),
    }
}

fn try_row(rfc: &str, file: &str, row: &Value, trusts_everyone: bool) {
    let context = format!("{file}, trusted: {trusts_everyone}");
    let mut endpoint = endpoint(trusts_everyone);
    let flow = flow(row["transport"].as_str().unwrap());

    let (statuses, calls) = put_in(&mut endpoint, flow, &bytes(rfc, file));

    let finals: Vec<u16> = statuses.iter().copied().filter(|s| *s >= 200).collect();
    assert!(finals.len() <= 1, "{context}: {finals:?}");
    // A call let in is an INVITE processed normally; its answer is the callee's affair.
    let let_in = calls == 1 && finals.is_empty();
    let outcome = if let_in {
        Some(200)
    } else {
        finals.first().copied()
    };
    assert!(
        (let_in && passes(row, Some(480))) || passes(row, outcome),
        "{context}: {outcome:?} of {} {}",
        row["acceptable"],
        row["tolerated"],
    );

    let options =
        b"OPTIONS sip:rollcall SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKalive\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:rollcall>\r\nCall-ID: alive\r\nCSeq: 1 OPTIONS\r\n\r\n";
    assert_eq!(
        put_in(&mut endpoint, self::flow("udp"), options).0,
        [200],
        "{context}"
    );
}

#[test]
fn every_message_is_answered_as_its_manifest_says() {
    let rows = rows();
    assert_eq!(rows.len(), 61);
    for (rfc, row) in rows {
        for trusts_everyone in [false, true] {
            try_row(rfc, row["file"].as_str().unwrap(), &row, trusts_everyone);
        }
    }
}

#[test]
fn a_corrected_content_length_changes_nothing() {
    for (rfc, row) in rows() {
        let fixed = format!("{}.fixed-content-length.dat", row["name"].as_str().unwrap());
        if folder().join(rfc).join(&fixed).exists() {
            for trusts_everyone in [false, true] {
                try_row(rfc, &fixed, &row, trusts_everyone);
            }
        }
    }
}

#[test]
fn valid_messages_survive_being_written_and_read_again() {
    for (rfc, row) in rows() {
        if row["klass"] != "valid" {
            continue;
        }
        let name = &row["name"];
        let message = parse(&bytes(rfc, row["file"].as_str().unwrap())).unwrap();
        let again = parse(&message.to_bytes()).unwrap();
        assert_eq!(again, message, "{name}");
    }
}

#[test]
fn odd_values_are_understood_rather_than_only_survived() {
    let request = |rfc, file| match parse(&bytes(rfc, file)).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{file} is a response"),
    };

    let winding = request("rfc4475", "wsinv.dat");
    let envelope = winding.envelope().unwrap();
    assert_eq!(envelope.cseq.number, 9);
    assert_eq!(envelope.to.tag(), Some("1918181833n"));
    assert_eq!(envelope.from.display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(winding.headers.list("Via").count(), 3);
    assert_eq!(winding.headers.get("Subject"), Some(""));

    let odd = request("rfc4475", "intmeth.dat");
    assert!(matches!(odd.method, Method::Other(_)));
    assert!(odd.headers.get("To").unwrap().contains('\0'));

    let escaped = request("rfc4475", "esc02.dat");
    assert_eq!(escaped.method, Method::Other("RE%47IST%45R".into()));
    assert!(escaped.headers.has("C%6Fntact"));

    let binary = request("rfc4475", "mpart01.dat");
    assert_eq!(binary.body.len(), 553);

    let long = request("rfc4475", "longreq.dat");
    assert_eq!(long.headers.list("Via").count(), 34);

    let two = request("rfc4475", "dblreq.dat");
    assert!(two.body.is_empty());

    let ambiguous = request("rfc5118", "port-ambiguous.dat");
    assert_eq!(ambiguous.uri.as_sip().unwrap().port, None);
    let unambiguous = request("rfc5118", "port-unambiguous.dat");
    assert_eq!(unambiguous.uri.as_sip().unwrap().port, Some(5070));
}
