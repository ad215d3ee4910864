//! An independent reader (`rsip`) sees in our ordinary messages what we see in them.
//!
//! It knows neither folding, compact forms nor IPv6, so only what we write ourselves
//! and the plain examples of RFC 3665 are compared.

use std::time::Duration;

use rsip::{
    Header,
    message::HeadersExt,
    prelude::{ToTypedHeader, UntypedHeader},
};
use sip::{
    Command, Reason, RegistrationId,
    message::{Headers, Message, NameAddr, Via, parse},
};

use crate::{
    pair::{Door, Net, audio, invite},
    registrations::registration,
};

fn compare(bytes: &[u8]) {
    let ours = parse(bytes).unwrap();
    let theirs = rsip::SipMessage::try_from(bytes).unwrap();
    match (&ours, &theirs) {
        (Message::Request(ours), rsip::SipMessage::Request(theirs)) => {
            assert_eq!(ours.method.as_str(), theirs.method.to_string());
            assert_eq!(ours.uri.to_string(), theirs.uri.to_string());
            assert_eq!(ours.body, theirs.body);
            compare_headers(&ours.headers, theirs);
        }
        (Message::Response(ours), rsip::SipMessage::Response(theirs)) => {
            assert_eq!(ours.status, theirs.status_code.code());
            assert_eq!(ours.body, theirs.body);
            compare_headers(&ours.headers, theirs);
        }
        _ => panic!("read as different kinds"),
    }
}

fn compare_headers(ours: &Headers, theirs: &impl HeadersExt) {
    let number = theirs.headers().iter().count();
    // The length is not kept among our fields.
    assert_eq!(ours.len() + 1, number);

    let name_addr = |name: &str| ours.get(name).unwrap().parse::<NameAddr>().unwrap();
    let from = theirs.from_header().unwrap().clone().typed().unwrap();
    let to = theirs.to_header().unwrap().clone().typed().unwrap();
    assert_eq!(name_addr("From").uri.to_string(), from.uri.to_string());
    assert_eq!(
        name_addr("From").tag(),
        from.tag().map(rsip::param::Tag::value)
    );
    assert_eq!(name_addr("To").uri.to_string(), to.uri.to_string());
    assert_eq!(name_addr("To").tag(), to.tag().map(rsip::param::Tag::value));

    let via: Via = ours.get("Via").unwrap().parse().unwrap();
    let their_via = theirs.via_header().unwrap().clone().typed().unwrap();
    assert_eq!(
        via.branch(),
        their_via.branch().map(rsip::param::Branch::value)
    );
    assert_eq!(via.transport, their_via.transport.to_string());
    assert_eq!(
        Some(via.host.to_string()),
        Some(their_via.uri.host().to_string())
    );

    let call_id = theirs.call_id_header().unwrap().value();
    assert_eq!(ours.get("Call-ID"), Some(call_id));
    let cseq = theirs.cseq_header().unwrap().clone().typed().unwrap();
    assert_eq!(
        ours.get("CSeq").unwrap(),
        format!("{} {}", cseq.seq, cseq.method)
    );

    let contacts: Vec<String> = ours
        .all("Contact")
        .map(|contact| contact.parse::<NameAddr>().unwrap().uri.to_string())
        // It respells transports.
        .map(|uri| uri.to_lowercase())
        .collect();
    let theirs: Vec<String> = theirs
        .headers()
        .iter()
        .filter_map(|header| match header {
            Header::Contact(contact) => Some(contact.uri().unwrap().to_string().to_lowercase()),
            _ => None,
        })
        .collect();
    assert_eq!(contacts, theirs);
}

#[test]
fn everything_we_write_is_read_alike() {
    let mut net = Net::new(&[Door::Open, Door::Digest]);
    let registration = Box::new(registration("line", 60));
    net.command(
        0,
        Command::Register {
            id: RegistrationId(1),
            registration,
        },
    );
    net.moment();
    let mut call = invite(1, &[1]);
    call.credentials = Some(crate::pair::credentials("secret"));
    call.headers
        .push(("Require".to_owned(), "100rel".to_owned()));
    let placed = net.dial(0, call);
    net.moment();
    let call = net.events(1).into_iter().find_map(|event| match event {
        sip::Event::Incoming { call, .. } => Some(call),
        _ => None,
    });
    let call = call.unwrap();
    net.command(1, Command::Ring { call });
    net.moment();
    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();
    net.command(
        0,
        Command::Hold {
            call: placed,
            hold: true,
        },
    );
    net.run(Duration::from_secs(1000));
    net.command(
        0,
        Command::SendDigit {
            call: placed,
            digit: '1',
        },
    );
    net.command(
        0,
        Command::HangUp {
            call: placed,
            reasons: vec![Reason::q850(16, "Bye")],
        },
    );
    net.moment();

    for method in [
        "REGISTER", "INVITE", "ACK", "PRACK", "UPDATE", "INFO", "BYE",
    ] {
        assert!(!net.logged(method).is_empty(), "{method}");
    }
    for packet in &net.log {
        compare(&packet.bytes);
    }
}

#[test]
fn the_plain_examples_of_rfc_3665_are_read_alike() {
    let examples = [
        "REGISTER sips:ss2.biloxi.example.com SIP/2.0\r\n\
         Via: SIP/2.0/TLS client.biloxi.example.com:5061;branch=z9hG4bKnashds7\r\n\
         Max-Forwards: 70\r\nFrom: Bob <sips:bob@biloxi.example.com>;tag=a73kszlfl\r\n\
         To: Bob <sips:bob@biloxi.example.com>\r\nCall-ID: 1j9FpLxk3uxtm8tn@biloxi.example.com\r\n\
         CSeq: 1 REGISTER\r\nContact: <sips:bob@client.biloxi.example.com>\r\nContent-Length: 0\r\n\r\n",
        "SIP/2.0 200 OK\r\n\
         Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;received=192.0.2.101\r\n\
         From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
         To: Bob <sip:bob@biloxi.example.com>;tag=8321234356\r\n\
         Call-ID: 3848276298220188511@atlanta.example.com\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:bob@client.biloxi.example.com;transport=tcp>\r\n\
         Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n",
        "SIP/2.0 407 Proxy Authorization Required\r\n\
         Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b43;received=192.0.2.101\r\n\
         From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
         To: Bob <sip:bob@biloxi.example.com>;tag=3flal12sf\r\n\
         Call-ID: 3848276298220188511@atlanta.example.com\r\nCSeq: 1 INVITE\r\n\
         Proxy-Authenticate: Digest realm=\"atlanta.example.com\", qop=\"auth\", nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5\r\n\
         Content-Length: 0\r\n\r\n",
    ];
    for example in examples {
        compare(example.as_bytes());
    }
}
