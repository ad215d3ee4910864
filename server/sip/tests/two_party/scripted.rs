//! What a peer may send that is unusual, wrong or late, message by message.

use std::time::Duration;

use sip::{
    CallId, Command, Event, Failure, FailureCause, Flow, Hop, Host, Lookup, Output, SipUri,
    Transport,
    message::{Message, Method, Request},
};

use crate::{
    pair::{Door, address, audio, credentials, invite},
    solo::{ANSWER, Solo, ok},
};

#[test]
fn an_operator_may_challenge_the_bye_as_well() {
    let mut solo = Solo::new(Door::Open);
    let (call, invite) = solo.dial(|invite| invite.credentials = Some(credentials("secret")));
    solo.reply(&ok(&invite, "theirs"));
    solo.sent();
    solo.endpoint.command(
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
        solo.now,
    );
    let (_, bye) = solo.requests().pop().unwrap();
    let challenge = bye.response(407, None).with(
        "Proxy-Authenticate",
        "Digest realm=\"operator\", nonce=\"n\", qop=\"auth\"",
    );
    solo.reply(&challenge);

    let (_, again) = solo.requests().pop().unwrap();
    assert_eq!(again.method.as_str(), "BYE");
    assert!(
        again
            .headers
            .get("Proxy-Authorization")
            .unwrap()
            .contains("realm=\"operator\"")
    );
    assert_eq!(again.headers.get("CSeq"), Some("3 BYE"));
    // Wrong again is wrong for good.
    let challenge = again.response(407, None).with(
        "Proxy-Authenticate",
        "Digest realm=\"operator\", nonce=\"n\", qop=\"auth\"",
    );
    solo.reply(&challenge);
    assert!(solo.requests().is_empty());
}

#[test]
fn an_answer_of_another_phone_behind_a_proxy_is_released() {
    let mut solo = Solo::new(Door::Open);
    let (_, invite) = solo.dial(|_| {});
    solo.reply(&ok(&invite, "first"));
    solo.reply(&ok(&invite, "second"));
    let sent: Vec<String> = solo
        .requests()
        .iter()
        .map(|(_, r)| format!("{} {}", r.method, r.envelope().unwrap().to.tag().unwrap()))
        .collect();
    assert_eq!(sent, ["ACK first", "ACK second", "BYE second"]);
    assert_eq!(solo.events.len(), 1);

    // Both come again: both are acknowledged again, nothing more.
    solo.reply(&ok(&invite, "second"));
    solo.reply(&ok(&invite, "first"));
    let again: Vec<String> = solo
        .requests()
        .iter()
        .map(|(_, r)| r.method.to_string())
        .collect();
    assert_eq!(again, ["ACK", "ACK"]);
}

#[test]
fn requests_follow_the_route_a_proxy_recorded() {
    let mut solo = Solo::new(Door::Open);
    let (call, invite) = solo.dial(|_| {});
    let recorded = "<sip:192.0.2.77;lr;ftag=x>, <sip:192.0.2.78:5070;lr>";
    solo.reply(&ok(&invite, "theirs").with("Record-Route", recorded));
    solo.endpoint.command(
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
        solo.now,
    );

    let requests = solo.requests();
    assert_eq!(requests.len(), 2);
    for (flow, request) in requests {
        assert_eq!(flow.remote, "192.0.2.78:5070".parse().unwrap());
        assert_eq!(request.uri.to_string(), "sip:700@192.0.2.2:5060");
        let routes: Vec<&str> = request.headers.all("Route").collect();
        assert_eq!(
            routes,
            ["<sip:192.0.2.78:5070;lr>", "<sip:192.0.2.77;lr;ftag=x>"]
        );
    }
}

#[test]
fn a_call_through_a_proxy_in_front_goes_back_through_it() {
    let mut solo = Solo::new(Door::Open);
    let text = format!(
        "INVITE sip:700@192.0.2.1 SIP/2.0\r\nRecord-Route: <sip:192.0.2.2;lr=on>\r\n\
         Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKproxy\r\n\
         Via: SIP/2.0/UDP 10.0.0.5:5062;rport=3000;received=203.0.113.9;branch=z9hG4bKphone\r\n\
         Route: <sip:192.0.2.1;lr>\r\n\
         From: <sip:a@x>;tag=f\r\nTo: <sip:700@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:a@203.0.113.9:3000>\r\nContent-Type: application/sdp\r\n\r\n{ANSWER}"
    );
    solo.receive(text.as_bytes());
    solo.sent();
    let Some(Event::Incoming { call, .. }) = solo.events.pop() else {
        panic!("no call");
    };
    solo.endpoint.command(
        Command::Answer {
            call,
            media: audio(0),
        },
        solo.now,
    );
    let (to, answer) = solo.sent().pop().unwrap();
    assert_eq!(to.remote, "192.0.2.2:5060".parse().unwrap());
    let Message::Response(answer) = answer else {
        panic!("no response");
    };
    assert_eq!(
        answer.headers.get("Record-Route"),
        Some("<sip:192.0.2.2;lr=on>")
    );
    assert_eq!(answer.headers.list("Via").count(), 2);
    let ack = format!(
        "ACK sip:700@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKack\r\n\
         From: <sip:a@x>;tag=f\r\nTo: {}\r\nCall-ID: c\r\nCSeq: 1 ACK\r\n\r\n",
        answer.headers.get("To").unwrap(),
    );
    solo.receive(ack.as_bytes());

    solo.endpoint.command(
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
        solo.now,
    );
    let (flow, bye) = solo.requests().pop().unwrap();
    assert_eq!(flow.remote, "192.0.2.2:5060".parse().unwrap());
    assert_eq!(bye.uri.to_string(), "sip:a@203.0.113.9:3000");
    assert_eq!(bye.headers.get("Route"), Some("<sip:192.0.2.2;lr=on>"));
}

fn operator(port: Option<u16>) -> Lookup {
    Lookup {
        name: "sip.operator.example".to_owned(),
        transport: Transport::Udp,
        port,
    }
}

fn by_name(invite: &mut sip::Invite) {
    let host = Host::Name("sip.operator.example".to_owned());
    invite.targets[0].uri = SipUri::new(Some("700"), host, Some(5080));
    invite.targets[0].hop = None;
}

#[test]
fn a_name_is_looked_up_and_the_first_usable_address_taken() {
    let mut solo = Solo::new(Door::Open);
    let mut call = invite(1, &[1]);
    by_name(&mut call);
    let command = Command::Invite {
        call: CallId::ours(1),
        invite: Box::new(call),
    };
    solo.endpoint.command(command, solo.now);
    assert!(solo.requests().is_empty());
    let lookup = operator(Some(5080));
    assert_eq!(solo.looked_up, std::slice::from_ref(&lookup));

    let found = ["[2001:db8::1]:5080", "192.0.2.9:5080"].map(|at| at.parse().unwrap());
    solo.endpoint.resolved(&lookup, &found, solo.now);
    let (flow, request) = solo.requests().pop().unwrap();
    assert_eq!(flow.remote, "192.0.2.9:5080".parse().unwrap());
    assert_eq!(request.uri.to_string(), "sip:700@sip.operator.example:5080");
}

/// A call to an operator whose name leads to two servers, and the first INVITE.
fn to_two_servers(within: Option<Duration>) -> (Solo, Request) {
    let mut solo = Solo::new(Door::Open);
    let mut call = invite(1, &[1]);
    let host = Host::Name("sip.operator.example".to_owned());
    call.targets[0].uri = SipUri::new(Some("700"), host, None);
    call.targets[0].hop = None;
    call.first_response_within = within;
    let command = Command::Invite {
        call: CallId::ours(1),
        invite: Box::new(call),
    };
    solo.endpoint.command(command, solo.now);
    solo.requests();
    assert_eq!(solo.looked_up, [operator(None)]);
    let found = ["192.0.2.9:5070", "192.0.2.10:5072"].map(|at| at.parse().unwrap());
    solo.endpoint.resolved(&operator(None), &found, solo.now);
    let (flow, first) = solo.requests().pop().unwrap();
    assert_eq!(flow.remote, found[0]);
    (solo, first)
}

#[test]
fn a_server_that_refuses_service_is_followed_by_the_next_of_its_name() {
    let (mut solo, first) = to_two_servers(None);

    solo.reply(&first.response(503, Some("one")));

    let sent = solo.requests();
    let (flow, second) = sent.last().unwrap();
    assert_eq!(flow.remote, "192.0.2.10:5072".parse().unwrap());
    assert_eq!(second.uri, first.uri);
    assert_ne!(second.headers.get("Via"), first.headers.get("Via"));
    solo.reply(&ok(second, "two"));
    solo.sent();
    assert!(matches!(solo.events.pop(), Some(Event::Answered { .. })));
}

#[test]
fn a_server_that_is_silent_is_followed_by_the_next_and_cancelled_if_it_wakes() {
    let (mut solo, first) = to_two_servers(Some(Duration::from_secs(4)));

    solo.now += Duration::from_secs(4);
    solo.endpoint.handle_timeout(solo.now);
    let sent = solo.requests();
    let (flow, second) = sent.last().unwrap().clone();
    assert_eq!(flow.remote, "192.0.2.10:5072".parse().unwrap());
    solo.reply(&first.response(180, Some("late")));
    let sent = solo.requests();
    assert!(
        sent.iter()
            .any(|(_, request)| request.method == Method::Cancel)
    );
    assert!(solo.events.is_empty(), "{:?}", solo.events);

    // The second is silent as well: then nobody is there.
    let _ = second;
    solo.now += Duration::from_secs(4);
    solo.endpoint.handle_timeout(solo.now);
    solo.sent();
}

#[test]
fn when_all_servers_of_a_name_refuse_the_call_fails() {
    let (mut solo, first) = to_two_servers(None);
    solo.reply(&first.response(503, Some("one")));
    let (_, second) = solo.requests().pop().unwrap();

    solo.reply(&second.response(503, Some("two")));

    solo.sent();
    let Some(Event::Failed { failure, .. }) = solo.events.pop() else {
        panic!("not failed");
    };
    assert_eq!((failure.status, failure.target), (Some(503), Some(0)));
}

#[test]
fn a_name_nobody_knows_fails_the_call() {
    for answered in [true, false] {
        let mut solo = Solo::new(Door::Open);
        let mut call = invite(1, &[1]);
        by_name(&mut call);
        let command = Command::Invite {
            call: CallId::ours(1),
            invite: Box::new(call),
        };
        solo.endpoint.command(command, solo.now);
        if answered {
            solo.endpoint.resolved(&operator(Some(5080)), &[], solo.now);
        } else {
            let at = solo.endpoint.poll_timeout().unwrap();
            assert_eq!(at, solo.now + Duration::from_secs(5));
            solo.endpoint.handle_timeout(at);
        }
        solo.sent();
        let Some(Event::Failed { failure, .. }) = solo.events.pop() else {
            panic!("not failed");
        };
        assert!(matches!(
            *failure,
            Failure {
                cause: FailureCause::Transport(_),
                ..
            }
        ));
    }
}

fn stranger(method: &str, branch: usize, extra: &str) -> Vec<u8> {
    format!(
        "{method} sip:700@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{branch}\r\n\
         From: <sip:x@y>;tag=f\r\nTo: <sip:700@192.0.2.1>{extra}\r\nCall-ID: c{branch}\r\n\
         CSeq: 1 {method}\r\nContact: <sip:x@192.0.2.2>\r\nMax-Forwards: 70\r\nUser-Agent: friendly-scanner\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn what_belongs_to_no_call_is_refused() {
    let mut solo = Solo::new(Door::Digest);
    for (method, extra, status) in [
        ("BYE", "", 481),
        ("BYE", ";tag=unknown", 481),
        ("INVITE", ";tag=unknown", 481),
        ("CANCEL", "", 481),
        ("MESSAGE", "", 405),
        ("REFER", "", 405),
        ("SUBSCRIBE", "", 401),
        ("SUBSCRIBE", ";tag=unknown", 481),
        ("NOTIFY", "", 481),
        ("PUBLISH", "", 401),
        ("FLY", "", 501),
        ("OPTIONS", "", 200),
        ("INVITE", "", 401),
        ("REGISTER", "", 401),
    ] {
        solo.receive(&stranger(method, 1, extra));
        assert_eq!(solo.status(), status, "{method}{extra}");
    }
    solo.receive(&stranger("ACK", 1, ";tag=unknown"));
    assert!(solo.sent().is_empty());
}

#[test]
fn a_flood_of_strangers_leaves_nothing_behind() {
    let mut solo = Solo::new(Door::Digest);
    for nth in 0..20_000 {
        let method = ["INVITE", "REGISTER", "OPTIONS", "BYE", "FLY"][nth % 5];
        solo.receive(&stranger(method, nth, ""));
        assert_eq!(solo.sent().len(), 1);
    }
    assert_eq!(solo.endpoint.transactions(), 0);
    assert_eq!(solo.endpoint.calls(), 0);
    assert!(solo.events.is_empty());
}

#[test]
fn the_answer_to_a_stranger_is_at_most_twice_his_request() {
    let mut solo = Solo::new(Door::Digest);
    for method in ["OPTIONS", "REGISTER", "INVITE", "FLY", "MESSAGE"] {
        let tiny = format!(
            "{method} sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: sip:a;tag=1\r\nt: sip:a\r\ni: 1\r\nCSeq: 1 {method}\r\n\r\n"
        );
        for request in [tiny.into_bytes(), stranger(method, 1, "")] {
            solo.receive(&request);
            while let Some(output) = solo.endpoint.poll_output() {
                if let Output::Send { bytes, .. } = output {
                    assert!(
                        bytes.len() <= 2 * request.len(),
                        "{method}: {} for {}",
                        bytes.len(),
                        request.len()
                    );
                }
            }
        }
    }
}

#[test]
fn a_stranger_over_udp_is_answered_where_his_packet_came_from_alone() {
    let mut solo = Solo::new(Door::Digest);
    let text = "OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP victim.example.com:7;maddr=203.0.113.1;branch=z9hG4bK1\r\n\
        From: <sip:x@y>;tag=f\r\nTo: <sip:a@y>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    solo.receive(text.as_bytes());
    let (flow, _) = solo.sent().pop().unwrap();
    assert_eq!(flow.remote, "192.0.2.2:7".parse().unwrap());
}

#[test]
fn a_connection_used_by_a_trunk_is_used_for_its_answers() {
    let mut solo = Solo::new(Door::Open);
    solo.flow.transport = Transport::Tcp;
    solo.flow.remote = "192.0.2.2:49152".parse().unwrap();
    solo.receive(&stranger("OPTIONS", 1, ""));
    let (flow, _) = solo.sent().pop().unwrap();
    assert_eq!(flow, solo.flow);
}

#[test]
fn a_phone_whose_connection_broke_is_tried_at_its_contact() {
    let mut solo = Solo::new(Door::Open);
    let broken = Flow {
        transport: Transport::Tcp,
        local: address(0),
        remote: "192.0.2.2:49152".parse().unwrap(),
    };
    let (_, first) = solo.dial(|invite| {
        invite.targets[0].hop = Some(Hop::Flow(broken));
        let contact = SipUri::at(Some("700"), address(1));
        invite.targets[0].uri = contact.with_param("transport", Some("tcp"));
    });
    solo.endpoint
        .handle_unreachable(broken, "Connection reset", solo.now);
    let (flow, again) = solo.requests().pop().unwrap();
    assert_eq!(flow.remote, address(1));
    assert_eq!(again, first);

    solo.endpoint
        .handle_unreachable(flow, "Connection refused", solo.now);
    assert!(solo.requests().is_empty());
    let Some(Event::Failed { failure, .. }) = solo.events.pop() else {
        panic!("not failed");
    };
    assert_eq!(
        failure.cause,
        FailureCause::Transport("Connection refused".to_owned())
    );
}

#[test]
fn a_flow_of_a_socket_we_no_longer_have_takes_another() {
    let mut solo = Solo::new(Door::Open);
    let mut invite = invite(1, &[1]);
    invite.targets[0].hop = Some(Hop::Flow(Flow {
        local: "192.0.2.1:9999".parse().unwrap(),
        ..solo.flow
    }));
    let command = Command::Invite {
        call: CallId::ours(1),
        invite: Box::new(invite),
    };
    solo.endpoint.command(command, solo.now);
    let (flow, _) = solo.requests().pop().unwrap();
    assert_eq!(flow, solo.flow);
}

#[test]
fn a_peer_that_does_not_know_update_is_refreshed_by_reinvite() {
    let mut solo = Solo::new(Door::Open);
    let (_, invite) = solo.dial(|_| {});
    let answer = ok(&invite, "theirs")
        .with("Session-Expires", "100;refresher=uac")
        .with("Allow", "INVITE, UPDATE");
    solo.reply(&answer);
    solo.sent();
    solo.now += Duration::from_secs(50);
    solo.endpoint.handle_timeout(solo.now);
    let (_, update) = solo.requests().pop().unwrap();
    assert_eq!(update.method.as_str(), "UPDATE");
    assert_eq!(
        update.headers.get("Session-Expires"),
        Some("100;refresher=uac")
    );
    solo.reply(&update.response(501, None));
    let (_, refresh) = solo.requests().pop().unwrap();
    assert_eq!(refresh.method.as_str(), "INVITE");
}

/// When copies of a request are sent, ms after the first, until nothing more comes.
fn copies(solo: &mut Solo, method: &str) -> Vec<u128> {
    let start = solo.now;
    let mut at = Vec::new();
    while let Some(next) = solo.endpoint.poll_timeout()
        && next < start + Duration::from_secs(40)
    {
        solo.now = next;
        solo.endpoint.handle_timeout(next);
        for (_, request) in solo.requests() {
            if request.method.as_str() == method {
                at.push((next - start).as_millis());
            }
        }
    }
    at
}

#[test]
fn an_invite_is_repeated_at_doubling_intervals_until_it_is_heard() {
    let mut solo = Solo::new(Door::Open);
    solo.dial(|_| {});
    assert_eq!(
        copies(&mut solo, "INVITE"),
        [500, 1500, 3500, 7500, 15_500, 31_500]
    );

    let mut solo = Solo::new(Door::Open);
    let (_, invite) = solo.dial(|_| {});
    solo.reply(&invite.response(100, None));
    assert!(copies(&mut solo, "INVITE").is_empty());
}

#[test]
fn a_bye_is_repeated_ever_more_slowly_and_over_a_connection_not_at_all() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut solo = Solo::new(Door::Open);
        solo.flow.transport = transport;
        let hop = Hop::to(transport, address(1));
        let (call, invite) = solo.dial(|invite| invite.targets[0].hop = Some(hop));
        solo.reply(&ok(&invite, "theirs"));
        solo.endpoint.command(
            Command::HangUp {
                call,
                reasons: Vec::new(),
            },
            solo.now,
        );
        solo.sent();
        let expected: &[u128] = match transport {
            Transport::Udp => &[
                500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
            ],
            Transport::Tcp => &[],
        };
        assert_eq!(copies(&mut solo, "BYE"), expected);
    }
}

#[test]
fn a_refusal_is_repeated_until_it_is_acknowledged() {
    let mut solo = Solo::new(Door::Open);
    solo.receive(&stranger("INVITE", 1, ""));
    solo.sent();
    let Some(Event::Incoming { call, .. }) = solo.events.pop() else {
        panic!("no call");
    };
    let rejection = sip::Rejection::status(486);
    solo.endpoint
        .command(Command::Reject { call, rejection }, solo.now);
    assert_eq!(solo.status(), 486);
    solo.now += Duration::from_millis(500);
    solo.endpoint.handle_timeout(solo.now);
    assert_eq!(solo.status(), 486);
    // The INVITE comes again too.
    solo.receive(&stranger("INVITE", 1, ""));
    assert_eq!(solo.status(), 486);

    solo.receive(&stranger("ACK", 1, ""));
    solo.now += Duration::from_secs(4);
    solo.endpoint.handle_timeout(solo.now);
    assert!(solo.sent().is_empty());
    solo.now += Duration::from_secs(2);
    solo.endpoint.handle_timeout(solo.now);
    assert_eq!(solo.endpoint.transactions(), 0);
}

#[test]
fn a_peer_without_session_timers_is_asked_whether_it_is_still_there() {
    for (answer, ends) in [
        (Some(200), false),
        (Some(405), false),
        (Some(481), true),
        (None, true),
    ] {
        let mut solo = Solo::new(Door::Open);
        let (call, invite) = solo.dial(|_| {});
        solo.reply(&ok(&invite, "theirs"));
        solo.sent();
        solo.events.clear();
        solo.now += Duration::from_secs(900);
        solo.endpoint.handle_timeout(solo.now);
        let (_, question) = solo.requests().pop().unwrap();
        assert_eq!(question.method.as_str(), "OPTIONS");
        match answer {
            Some(status) => solo.reply(&question.response(status, None)),
            None => {
                solo.now += Duration::from_secs(33);
                solo.endpoint.handle_timeout(solo.now);
            }
        }
        solo.sent();
        let ended = Event::Ended {
            call,
            ending: sip::Ending::SessionLost,
        };
        assert_eq!(solo.events.contains(&ended), ends, "{answer:?}");
    }
}

#[test]
fn an_operator_may_dial_a_bare_number() {
    let mut solo = Solo::new(Door::Open);
    let text = String::from_utf8(stranger("INVITE", 1, "")).unwrap();
    solo.receive(
        text.replace("sip:700@192.0.2.1 SIP", "tel:+4930100;phone-context=x SIP")
            .as_bytes(),
    );
    solo.sent();
    let Some(Event::Incoming { incoming, .. }) = solo.events.pop() else {
        panic!("no call");
    };
    assert_eq!(incoming.dialled.user.as_deref(), Some("+4930100"));
}

#[test]
fn an_invite_that_comes_by_two_ways_is_one_call() {
    let mut solo = Solo::new(Door::Open);
    let invite = |branch: u8| {
        format!(
            "INVITE sip:700@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKway{branch}\r\n\
             From: <sip:a@b>;tag=t\r\nTo: <sip:700@192.0.2.1>\r\nCall-ID: merged\r\nCSeq: 5 INVITE\r\n\
             Contact: <sip:a@192.0.2.2>\r\nContent-Length: 0\r\n\r\n"
        )
    };
    solo.receive(invite(1).as_bytes());
    solo.sent();
    assert_eq!(solo.events.len(), 1);

    solo.receive(invite(2).as_bytes());

    assert_eq!(solo.status(), 482);
    assert_eq!(solo.events.len(), 1);
}
