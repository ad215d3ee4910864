//! Any message we can write is read back as it was; nothing makes the reader panic.

use proptest::{collection::vec, prelude::*};
use sip::{
    Host, SipUri, Uri,
    message::{Frame, Framer, Headers, Message, Method, NameAddr, Request, Response, Via, parse},
    sdp,
};

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

/// A value as it is in memory: trimmed, and without line breaks.
fn value() -> impl Strategy<Value = String> {
    "[ -~äж]{0,40}".prop_map(|text| text.trim().to_owned())
}

fn headers() -> impl Strategy<Value = Headers> {
    let known = prop_oneof![
        "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Subject", "Reason"
    ]
    .prop_map(|name| name.to_owned());
    // A made-up name may be the compact form of a known one; Content-Length is the writer's.
    let name = prop_oneof![known, token().prop_map(|name| format!("X-{name}"))];
    vec((name, value()), 0..12).prop_map(|fields| {
        let mut headers = Headers::default();
        for (name, value) in fields {
            headers.push(&name, &value);
        }
        headers
    })
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Host::Ip(ip.into())),
        any::<[u16; 8]>().prop_map(|ip| Host::Ip(ip.into())),
        "[a-z][a-z0-9-]{0,8}\\.[a-z]{2,4}".prop_map(Host::Name),
    ]
}

fn uri() -> impl Strategy<Value = SipUri> {
    let user = proptest::option::of("[ -~äж]{1,12}");
    // No name appears twice (RFC 3261 §19.1.1).
    let value = proptest::option::of("[ -~]{1,8}");
    let params = proptest::collection::btree_map("[a-z]{1,6}", value, 0..3);
    (any::<bool>(), user, host(), any::<Option<u16>>(), params).prop_map(
        |(secure, user, host, port, params)| SipUri {
            secure,
            params: params.into_iter().collect(),
            ..SipUri::new(user.as_deref(), host, port)
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let body = vec(any::<u8>(), 0..200);
    (token(), uri(), headers(), body).prop_map(|(method, uri, headers, body)| Request {
        method: Method::parse(&method),
        uri: Uri::Sip(uri),
        headers,
        body,
    })
}

fn response() -> impl Strategy<Value = Response> {
    let body = vec(any::<u8>(), 0..200);
    (100u16..700, value(), headers(), body).prop_map(|(status, phrase, headers, body)| Response {
        status,
        phrase,
        headers,
        body,
    })
}

proptest! {
    #[test]
    fn requests_are_read_as_they_were_written(request in request()) {
        let message = Message::Request(request);
        prop_assert_eq!(parse(&message.to_bytes()), Ok(message));
    }

    #[test]
    fn responses_are_read_as_they_were_written(response in response()) {
        let message = Message::Response(response);
        prop_assert_eq!(parse(&message.to_bytes()), Ok(message));
    }

    #[test]
    fn uris_are_read_as_they_were_written(uri in uri()) {
        let text = uri.to_string();
        let again: SipUri = text.parse().unwrap();
        prop_assert!(again.matches(&uri), "{}", text);
        prop_assert_eq!(again, uri);
    }

    #[test]
    fn addresses_are_read_as_they_were_written(display in proptest::option::of("[ -~]{1,20}"), uri in uri(), tag in token()) {
        let address = NameAddr { display, ..NameAddr::new(uri) }.with_tag(&tag);
        let again: NameAddr = address.to_string().parse().unwrap();
        prop_assert_eq!(again, address);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        _ = parse(&bytes);
        _ = sdp::read(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        _ = text.parse::<Uri>();
        _ = text.parse::<NameAddr>();
        _ = text.parse::<Via>();
        _ = sip::Reason::parse_list(&text);
        let mut framer = Framer::default();
        framer.push(&bytes);
        while framer.next_frame().is_some() {}
    }

    /// Nearly right is more dangerous than random.
    #[test]
    fn no_damage_to_a_message_makes_the_reader_panic(request in request(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = request.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(Message::Request(damaged)) = parse(&bytes) {
            _ = damaged.envelope();
        }
        bytes.truncate(at);
        _ = parse(&bytes);
    }

    #[test]
    fn a_stream_is_cut_where_the_messages_end(messages in vec(request(), 1..4), size in 1usize..100) {
        let stream: Vec<u8> = messages.iter().flat_map(Request::to_bytes).collect();
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for chunk in stream.chunks(size) {
            framer.push(chunk);
            while let Some(frame) = framer.next_frame() {
                let Frame::Message(bytes) = frame else {
                    panic!("{frame:?}");
                };
                found.push(parse(&bytes).unwrap());
            }
        }
        let expected: Vec<Message> = messages.into_iter().map(Message::Request).collect();
        prop_assert_eq!(found, expected);
    }
}
