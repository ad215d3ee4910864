//! Phones that publish their state (RFC 3903).

use std::time::Duration;

use crate::pair::{Door, Net, account, address, credentials};
use sip::{
    Event, Flow, Package, Presence, Told, Transport, digest,
    message::{Message, Response, parse},
};

const ON_THE_PHONE: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:alice@x'>\
    <tuple id='a'><status><basic>open</basic></status></tuple>\
    <p xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><r:activities><r:on-the-phone/></r:activities></p></presence>";
const AWAY: &str = "<presence entity='sip:alice@x'><tuple id='a'><status><basic>closed</basic></status></tuple></presence>";

/// A phone written by hand, at agent 0, and the server, at agent 1.
struct Phone {
    net: Net,
    cseq: u32,
}

impl Phone {
    fn new() -> Self {
        Phone {
            net: Net::new(&[Door::Open, Door::Digest]),
            cseq: 0,
        }
    }

    fn send(&mut self, user: &str, fields: &str, body: &str, proof: Option<&str>) -> Response {
        self.cseq += 1;
        let cseq = self.cseq;
        let proof = proof.map_or_else(String::new, |proof| format!("Authorization: {proof}\r\n"));
        let text = format!(
            "PUBLISH sip:{user}@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKp{cseq}\r\n\
             From: <sip:alice@192.0.2.2>;tag=t\r\nTo: <sip:{user}@192.0.2.2>\r\nCall-ID: p\r\nCSeq: {cseq} PUBLISH\r\n\
             Max-Forwards: 70\r\nEvent: presence\r\n{proof}{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let flow = Flow {
            transport: Transport::Udp,
            local: address(1),
            remote: address(0),
        };
        let now = self.net.now;
        self.net.agents[1]
            .endpoint
            .handle_message(flow, text.as_bytes(), now);
        self.net.run(Duration::from_millis(1));
        match parse(&self.net.log.last().unwrap().bytes) {
            Ok(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    /// Publishes with proof; the answer.
    fn publish(&mut self, user: &str, fields: &str, body: &str) -> Response {
        let challenge = self.send(user, fields, body, None);
        assert_eq!(challenge.status, 401);
        let proof = digest::respond(
            challenge.headers.all("WWW-Authenticate"),
            &credentials("secret"),
            "PUBLISH",
            &format!("sip:{user}@192.0.2.2"),
            "cnonce",
            1,
        );
        self.send(user, fields, body, Some(&proof.unwrap().value))
    }

    fn told(&mut self) -> Vec<Option<Presence>> {
        let events = self.net.events(1).into_iter();
        events
            .filter_map(|event| match event {
                Event::Published {
                    account: whose,
                    package: Package::Presence,
                    told,
                } => {
                    assert_eq!(whose, account("alice"));
                    Some(told.map(|(told, _)| match told {
                        Told::Presence(presence) => presence,
                        other => panic!("{other:?}"),
                    }))
                }
                _ => None,
            })
            .collect()
    }
}

const PIDF: &str = "Content-Type: application/pidf+xml\r\n";

fn tag(response: &Response) -> String {
    response.headers.get("SIP-ETag").unwrap().to_owned()
}

#[test]
fn a_phone_publishes_refreshes_changes_and_removes() {
    let mut phone = Phone::new();
    let first = phone.publish("alice", &format!("{PIDF}Expires: 60\r\n"), ON_THE_PHONE);
    assert_eq!(
        (first.status, first.headers.get("Expires")),
        (200, Some("60"))
    );
    let told = phone.told();
    assert!(told[0].as_ref().unwrap().on_the_phone);

    let refreshed = phone.publish(
        "alice",
        &format!("SIP-If-Match: {}\r\nExpires: 60\r\n", tag(&first)),
        "",
    );
    assert_eq!(refreshed.status, 200);
    assert_ne!(tag(&refreshed), tag(&first));
    assert!(phone.told()[0].as_ref().unwrap().on_the_phone);

    // The old tag is worth nothing now.
    let stale = phone.publish("alice", &format!("SIP-If-Match: {}\r\n", tag(&first)), "");
    assert_eq!(stale.status, 412);

    let changed = phone.publish(
        "alice",
        &format!("{PIDF}SIP-If-Match: {}\r\nExpires: 60\r\n", tag(&refreshed)),
        AWAY,
    );
    assert_eq!(phone.told()[0].as_ref().unwrap().open, Some(false));

    let removed = phone.publish(
        "alice",
        &format!("SIP-If-Match: {}\r\nExpires: 0\r\n", tag(&changed)),
        "",
    );
    assert_eq!(removed.status, 200);
    assert_eq!(phone.told(), [None]);
}

#[test]
fn what_is_not_refreshed_fades() {
    let mut phone = Phone::new();
    phone.publish("alice", &format!("{PIDF}Expires: 60\r\n"), AWAY);
    phone.told();
    phone.net.run(Duration::from_secs(61));
    assert_eq!(phone.told(), [None]);
}

#[test]
fn nobody_publishes_for_another_or_without_proof() {
    let mut phone = Phone::new();
    assert_eq!(phone.publish("bob", PIDF, AWAY).status, 403);
    assert_eq!(
        phone.send("alice", PIDF, AWAY, Some("Digest x")).status,
        401
    );
    assert!(phone.told().is_empty());
}

#[test]
fn nonsense_is_refused_and_told() {
    let mut phone = Phone::new();
    for (fields, body, status) in [
        (PIDF, "<presence", 400),
        (PIDF, "", 400),
        ("Content-Type: text/plain\r\n", AWAY, 415),
        (
            "Content-Type: application/pidf+xml\r\nExpires: 5\r\n",
            AWAY,
            423,
        ),
        ("SIP-If-Match: nobodys\r\n", "", 412),
        ("Expires: 0\r\n", "", 412),
    ] {
        assert_eq!(
            phone.publish("alice", fields, body).status,
            status,
            "{fields}{body}"
        );
    }
    let garbage = phone.net.events(1).into_iter();
    assert_eq!(
        garbage
            .filter(|event| matches!(event, Event::Garbage { .. }))
            .count(),
        1
    );
}

#[test]
fn a_phone_with_ever_new_publications_is_bounded() {
    let mut phone = Phone::new();
    let statuses: Vec<u16> = (0..10)
        .map(|_| phone.publish("alice", PIDF, AWAY).status)
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 8);
    assert_eq!(statuses.last(), Some(&403));
}
