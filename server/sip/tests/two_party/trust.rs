//! Whom we prove ourselves to, and what we call ourselves to whom.

use std::sync::Arc;

use sip::{
    Command, Config, Endpoint, Event, Hop, LocalMedia, SipUri, Transport,
    message::{Message, Request},
};

use crate::{
    pair::{Door, address, credentials},
    solo::{ANSWER, Solo, locals, ok},
};

#[test]
fn a_login_is_for_the_realm_it_was_first_given_to_and_for_that_host_alone() {
    let challenged = |request: &Request, realm: &str| {
        let challenge = format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
        request
            .response(407, Some("theirs"))
            .with("Proxy-Authenticate", &challenge)
    };
    for (realm, host, proved) in [
        ("operator", address(1), true),
        ("elsewhere", address(1), false),
        ("operator", address(2), false),
    ] {
        let mut solo = Solo::new(Door::Open);
        let (call, invite) = solo.dial(|invite| invite.credentials = Some(credentials("secret")));
        solo.reply(&challenged(&invite, "operator"));
        let (_, invite) = solo.requests().pop().unwrap();
        assert!(invite.headers.has("Proxy-Authorization"));
        solo.reply(&ok(&invite, "theirs"));
        solo.sent();
        let reasons = Vec::new();
        let hang_up = Command::HangUp { call, reasons };
        solo.endpoint.command(hang_up, solo.now);
        let (_, bye) = solo.requests().pop().unwrap();
        solo.flow.remote = host;
        solo.reply(&challenged(&bye, realm));
        assert_eq!(solo.requests().len(), usize::from(proved), "{realm} {host}");
    }
}

/// The address that a description offers audio at.
fn audio_at(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().find_map(|line| line.strip_prefix("c=IN IP4 "));
    line.unwrap().to_owned()
}

#[test]
fn behind_a_proxy_on_our_own_machine_a_phone_is_told_an_address_it_can_reach() {
    let any = "0.0.0.0:5060".parse().unwrap();
    let proxy = "127.0.0.1:5080".parse().unwrap();
    let media = LocalMedia::at("0.0.0.0:40000".parse().unwrap());
    let phone = "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKphone";
    let way = "SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKproxy";
    for (vias, ours) in [
        (format!("{way}\r\nVia: {phone}"), "192.0.2.1"),
        (format!("{way}, {phone};received=198.51.100.7"), "192.0.2.1"),
        // A phone on this very machine is told what it can reach, proxy or not.
        (format!("{way}, {phone};received=127.0.0.1"), "127.0.0.1"),
        (phone.to_owned(), "127.0.0.1"),
    ] {
        let mut solo = Solo::between(Door::Open, any, proxy);
        let invite = format!(
            "INVITE sip:700@192.0.2.1 SIP/2.0\r\nVia: {vias}\r\n\
             Record-Route: <sip:127.0.0.1:5080;lr>\r\nMax-Forwards: 69\r\n\
             From: <sip:201@192.0.2.1>;tag=a\r\nTo: <sip:700@192.0.2.1>\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:201@10.0.0.7>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{ANSWER}",
            ANSWER.len(),
        );
        solo.receive(invite.as_bytes());
        solo.sent();
        let Some(Event::Incoming { call, .. }) = solo.events.pop() else {
            panic!("{:?}", solo.events);
        };
        let media = media.clone();
        let answer = Command::Answer { call, media };
        solo.endpoint.command(answer, solo.now);
        let Some((_, Message::Response(answer))) = solo.sent().pop() else {
            panic!("no answer");
        };
        assert_eq!(audio_at(&answer.body), ours, "{vias}");
    }

    let mut solo = Solo::between(Door::Open, any, proxy);
    let (_, invite) = solo.dial(|invite| {
        invite.media = media.clone();
        for target in &mut invite.targets {
            target.route = vec![SipUri::at(None, proxy)];
            target.hop = Some(Hop::to(Transport::Udp, proxy));
        }
    });
    assert_eq!(audio_at(&invite.body), "192.0.2.1");
}

#[test]
fn whoever_asks_what_a_registrar_serves_is_told_register_too() {
    for registrar in [true, false] {
        let mut solo = Solo::new(Door::Digest);
        if !registrar {
            let mut config = Config::new(locals(address(0)));
            config.registrar = false;
            let door = Arc::new(Door::Digest);
            solo.endpoint = Endpoint::new(config, door, [5; 32], solo.now, 0);
        }
        let options = "OPTIONS sip:192.0.2.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKoptions\r\nMax-Forwards: 70\r\n\
             From: <sip:ping@192.0.2.2>;tag=a\r\nTo: <sip:192.0.2.1>\r\nCall-ID: options\r\n\
             CSeq: 1 OPTIONS\r\nSubject: a head long enough to be answered in full\r\n\r\n";
        solo.receive(options.as_bytes());
        let Some((_, Message::Response(response))) = solo.sent().pop() else {
            panic!("no answer");
        };
        assert_eq!(response.status, 200);
        assert_eq!(response.headers.lists("Allow", "REGISTER"), registrar);
    }
}
