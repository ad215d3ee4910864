//! What happens to a call after its answer: hold, moves, refreshes, restarts.

use std::time::Duration;

use crate::pair::{Door, Fate, Net, Packet, address, audio, invite};
use sip::{
    CallId, Codec, Command, DialogRecord, Direction, Ending, Event, FailureCause, LocalMedia,
    NegotiatedMedia, Transport,
};

const OPEN: [Door; 2] = [Door::Open, Door::Open];

fn changed(event: Event) -> NegotiatedMedia {
    match event {
        Event::MediaChanged { media, .. } => media,
        other => panic!("{other:?}"),
    }
}

#[test]
fn hold_and_its_end_are_seen_by_both_sides() {
    let mut net = Net::new(&OPEN);
    let (placed, _) = net.call();
    net.command(
        0,
        Command::Hold {
            call: placed,
            hold: true,
        },
    );
    net.moment();
    assert_eq!(changed(net.event(1)).direction, Direction::Inactive);
    assert!(changed(net.event(0)).held_by_peer());

    net.command(
        0,
        Command::Hold {
            call: placed,
            hold: false,
        },
    );
    net.moment();
    assert_eq!(changed(net.event(1)).direction, Direction::SendRecv);
    assert_eq!(changed(net.event(0)).direction, Direction::SendRecv);
}

#[test]
fn a_reinvite_moves_address_and_codec() {
    let mut net = Net::new(&OPEN);
    let (_, call) = net.call();
    let media = LocalMedia {
        address: "192.0.2.77:41000".parse().unwrap(),
        codecs: Some(vec![Codec::Pcma]),
    };
    net.command(1, Command::Remedia { call, media });
    net.moment();

    let moved = changed(net.event(0));
    assert_eq!(moved.remote, "192.0.2.77:41000".parse().unwrap());
    assert_eq!(moved.remote_rtcp.port(), 41_001);
    assert_eq!(moved.codec, Codec::Pcma);
    assert_eq!(changed(net.event(1)).codec, Codec::Pcma);
}

#[test]
fn a_change_that_cannot_be_agreed_upon_leaves_the_call_as_it_was() {
    let mut net = Net::new(&OPEN);
    net.add(0, Door::Open, |config| {
        config.codecs = vec![Codec::Pcmu, Codec::Pcma]
    });
    let (_, call) = net.call();
    let media = LocalMedia {
        codecs: Some(vec![Codec::G722]),
        ..audio(1)
    };
    net.command(1, Command::Remedia { call, media });
    net.run(Duration::from_secs(10));

    assert_eq!(net.logged("SIP/2.0 488").len(), 1);
    assert_eq!(net.events(0), []);
    assert_eq!(net.events(1), []);
    assert_eq!(net.agents[1].endpoint.calls(), 1);
}

#[test]
fn both_changing_at_once_get_their_turns() {
    let mut net = Net::new(&OPEN);
    let (placed, call) = net.call();
    net.command(
        0,
        Command::Remedia {
            call: placed,
            media: LocalMedia::at("192.0.2.1:42000".parse().unwrap()),
        },
    );
    net.command(
        1,
        Command::Remedia {
            call,
            media: LocalMedia::at("192.0.2.2:43000".parse().unwrap()),
        },
    );
    net.run(Duration::from_secs(10));

    assert_eq!(net.logged("SIP/2.0 491").len(), 2);
    let seen: Vec<u16> = [0, 1]
        .into_iter()
        .map(|agent| changed(net.events(agent).pop().unwrap()).remote.port())
        .collect();
    assert_eq!(seen, [43_000, 42_000]);
}

#[test]
fn an_invite_without_an_offer_is_agreed_upon_in_the_ack() {
    let mut net = Net::new(&OPEN);
    let mut offerless = invite(1, &[1]);
    offerless.offerless = true;
    offerless.media.codecs = Some(vec![Codec::Pcma]);
    net.dial(0, offerless);
    net.moment();
    let (call, incoming) = net.incoming(1);
    assert_eq!(incoming.media, None);
    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();

    for agent in [0, 1] {
        let Event::Answered { media, .. } = net.event(agent) else {
            panic!("not answered");
        };
        assert_eq!(media.codec, Codec::Pcma);
        assert_eq!(media.remote, audio(1 - agent).address);
    }
    assert!(net.logged("ACK")[0].text().contains("m=audio 40000"));
}

#[test]
fn an_offer_nobody_can_speak_is_refused_without_ringing() {
    let mut net = Net::new(&OPEN);
    net.add(1, Door::Open, |config| config.codecs = vec![Codec::G722]);
    let mut call = invite(1, &[1]);
    call.media.codecs = Some(vec![Codec::Pcmu]);
    net.dial(0, call);
    net.moment();

    assert_eq!(net.events(1), []);
    let Event::Failed { failure, .. } = net.event(0) else {
        panic!("not failed");
    };
    assert_eq!(failure.status, Some(488));
    assert!(failure.warnings[0].starts_with("304"));
}

#[test]
fn an_answer_nobody_can_speak_ends_the_call() {
    let mut net = Net::new(&OPEN);
    let mut call = invite(1, &[1]);
    call.offerless = true;
    call.media.codecs = Some(vec![Codec::Pcmu]);
    net.dial(0, call);
    net.moment();
    let (call, _) = net.incoming(1);
    let media = LocalMedia {
        codecs: Some(vec![Codec::G722]),
        ..audio(1)
    };
    net.command(1, Command::Answer { call, media });
    net.moment();

    assert!(
        matches!(net.event(0), Event::Failed { failure, .. } if failure.cause == FailureCause::NoCommonCodec)
    );
    assert!(matches!(net.event(1), Event::Ended { .. }));
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn a_quiet_session_is_refreshed_and_a_dead_peer_noticed() {
    for alive in [0, 1] {
        let mut net = Net::new(&OPEN);
        net.call();
        net.run(Duration::from_secs(3600));
        assert!(net.logged("UPDATE").len() >= 3);
        assert_eq!(net.events(0), []);

        net.fate = Box::new(|_| Fate::Lost);
        net.run(Duration::from_secs(2000));
        assert!(matches!(
            net.event(alive),
            Event::Ended {
                ending: Ending::SessionLost,
                ..
            }
        ));
    }
}

#[test]
fn a_session_interval_too_short_for_the_peer_is_made_longer() {
    let mut net = Net::new(&OPEN);
    net.add(0, Door::Open, |config| {
        config.session_expires = Duration::from_secs(90);
    });
    net.add(1, Door::Open, |config| {
        config.min_session_expires = Duration::from_secs(300);
    });
    net.call();

    assert_eq!(net.logged("SIP/2.0 422").len(), 1);
    assert!(
        net.logged("INVITE")[1]
            .text()
            .contains("Session-Expires: 300\r\n")
    );
}

#[test]
fn provisional_answers_are_acknowledged_where_that_is_required() {
    let mut net = Net::new(&OPEN);
    let mut call = invite(1, &[1]);
    call.headers
        .push(("Require".to_owned(), "100rel".to_owned()));
    let mut lost = 0;
    net.fate = Box::new(move |packet| match packet.start().as_str() {
        "SIP/2.0 180 Ringing" if lost < 2 => {
            lost += 1;
            Fate::Lost
        }
        _ => Fate::Arrives,
    });
    net.dial(0, call);
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(1, Command::Ring { call });
    net.run(Duration::from_secs(5));
    assert_eq!(net.logged("SIP/2.0 180").len(), 3);
    assert_eq!(net.logged("PRACK").len(), 1);
    assert!(net.logged("PRACK")[0].text().contains("RAck: "));

    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();
    assert!(matches!(net.events(0).last(), Some(Event::Answered { .. })));
    // The confirmed dialog numbers on behind the PRACK.
    net.command(
        1,
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
    );
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn digits_come_by_info_too() {
    let mut net = Net::new(&OPEN);
    let (placed, call) = net.call();
    for digit in ['1', '*', '#'] {
        net.command(
            0,
            Command::SendDigit {
                call: placed,
                digit,
            },
        );
        net.moment();
        assert_eq!(net.event(1), Event::Digit { call, digit });
    }
}

/// The record of agent 0's call, as persisted.
fn record(net: &mut Net) -> DialogRecord {
    net.dial(0, invite(1, &[1]));
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();
    net.event(1);
    match net.event(0) {
        Event::Answered { dialog, .. } => {
            let text = serde_json::to_string(&dialog).unwrap();
            serde_json::from_str(&text).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn resume(net: &mut Net, record: DialogRecord) -> CallId {
    let call = CallId::ours(77);
    let media = LocalMedia::at("192.0.2.1:47000".parse().unwrap());
    let record = Box::new(record);
    net.command(
        0,
        Command::Resume {
            call,
            record,
            media,
        },
    );
    call
}

#[test]
fn a_call_goes_on_in_a_new_process() {
    let mut net = Net::new(&OPEN);
    let record = record(&mut net);
    net.add(0, Door::Open, |_| {});
    let call = resume(&mut net, record);
    net.moment();

    assert!(matches!(net.event(0), Event::Answered { call: resumed, .. } if resumed == call));
    assert_eq!(changed(net.event(1)).remote.port(), 47_000);
    net.command(
        0,
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
    );
    net.moment();
    assert!(matches!(
        net.event(1),
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    assert!(net.is_quiet_after_a_while());
}

/// Agent 0 has called agent 1 and holds its ACK to the answer.
fn held(net: &mut Net) -> (CallId, DialogRecord) {
    let mut call = invite(1, &[1]);
    call.holds_ack = true;
    let placed = net.dial(0, call);
    net.moment();
    let (call, _) = net.incoming(1);
    let media = audio(1);
    net.command(1, Command::Answer { call, media });
    net.moment();
    let Event::Answered { dialog, .. } = net.event(0) else {
        panic!("it is answered");
    };
    net.events(1);
    (placed, *dialog)
}

#[test]
fn an_answer_is_acknowledged_when_it_is_on_record() {
    let mut net = Net::new(&OPEN);
    let (call, _) = held(&mut net);
    assert!(net.logged("ACK").is_empty());
    net.run(Duration::from_millis(500));
    assert!(net.logged("ACK").is_empty(), "its answer came once more");

    net.command(0, Command::Acknowledge { call });
    net.command(0, Command::Acknowledge { call });
    net.run(Duration::from_secs(40));

    assert_eq!(net.logged("ACK").len(), 1);
    assert!(net.events(1).is_empty(), "nobody missed an ACK");
}

#[test]
fn an_answer_that_nobody_puts_on_record_is_acknowledged_all_the_same() {
    let mut net = Net::new(&OPEN);
    held(&mut net);

    net.run(Duration::from_secs(40));

    assert!(!net.logged("ACK").is_empty());
    assert!(net.events(1).is_empty(), "nobody missed an ACK");
}

#[test]
fn whoever_hangs_up_before_the_record_acknowledges_first() {
    let mut net = Net::new(&OPEN);
    let (call, _) = held(&mut net);
    let reasons = Vec::new();
    net.command(0, Command::HangUp { call, reasons });
    net.moment();

    let ours = |packet: &&Packet| packet.flow.local == address(0);
    let last: Vec<String> = net.log.iter().filter(ours).map(Packet::start).collect();
    let words: Vec<&str> = last.iter().rev().take(2).map(|line| &line[..3]).collect();
    assert_eq!(words, ["BYE", "ACK"]);
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn a_process_that_died_before_its_record_hears_the_answer_again() {
    let mut net = Net::new(&OPEN);
    held(&mut net);
    net.add(0, Door::Open, |_| {});

    // The same bytes as before.
    net.dial(0, invite(1, &[1]));
    net.run(Duration::from_secs(5));

    assert!(matches!(net.event(0), Event::Answered { .. }));
    assert!(net.events(1).is_empty(), "one call, which goes on");
    net.run(Duration::from_secs(40));
    assert!(net.events(1).is_empty(), "and is acknowledged");
}

#[test]
fn a_process_that_died_before_its_ack_is_acknowledged_for() {
    let mut net = Net::new(&OPEN);
    let (_, record) = held(&mut net);
    net.add(0, Door::Open, |_| {});

    let call = resume(&mut net, record);
    net.run(Duration::from_secs(15));

    assert!(matches!(net.event(0), Event::Answered { call: resumed, .. } if resumed == call));
    net.run(Duration::from_secs(40));
    assert!(
        !net.events(1)
            .iter()
            .any(|event| matches!(event, Event::Ended { .. })),
        "the call goes on"
    );
}

#[test]
fn a_call_is_taken_up_twice_by_the_same_record() {
    let mut net = Net::new(&OPEN);
    let record = record(&mut net);
    net.add(0, Door::Open, |_| {});
    resume(&mut net, record.clone());
    net.moment();
    net.events(1);

    // It died once more, before it could write that it had been heard.
    net.add(0, Door::Open, |_| {});
    let call = resume(&mut net, record);
    net.run(Duration::from_secs(5));

    assert!(matches!(net.event(0), Event::Answered { call: resumed, .. } if resumed == call));
    assert!(net.events(1).is_empty(), "the call goes on");
}

#[test]
fn a_call_the_peer_has_forgotten_is_not_taken_up() {
    let mut net = Net::new(&OPEN);
    let record = record(&mut net);
    net.add(0, Door::Open, |_| {});
    net.add(1, Door::Open, |_| {});
    let call = resume(&mut net, record);
    net.moment();

    assert!(
        matches!(net.event(0), Event::Failed { call: failed, failure } if failed == call && failure.cause == FailureCause::NotResumed)
    );
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn a_call_over_a_connection_stays_on_it() {
    let mut net = Net::new(&OPEN);
    let mut call = invite(1, &[1]);
    call.targets[0].hop = Some(sip::Hop::to(Transport::Tcp, address(1)));
    let placed = net.dial(0, call);
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();
    net.command(
        1,
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
    );
    net.moment();

    assert!(matches!(net.events(0).last(), Some(Event::Ended { call, .. }) if *call == placed));
    assert!(
        net.log
            .iter()
            .all(|packet| packet.flow.transport == Transport::Tcp)
    );
    assert!(
        net.logged("INVITE")[0]
            .text()
            .contains("Via: SIP/2.0/TCP 192.0.2.1:5060")
    );
}
