//! Calls between two and more endpoints on virtual time.

use std::time::Duration;

use crate::pair::{Door, Fate, Net, TRUNK, address, audio, credentials, dice, invite, is_account};
use sip::{Caller, Command, Ending, Event, Failure, FailureCause, Reason, Rejection};

const OPEN: [Door; 2] = [Door::Open, Door::Open];

fn failure(event: Event) -> Failure {
    match event {
        Event::Failed { failure, .. } => *failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_rings_is_answered_and_ended_by_either_side() {
    for hangs_up in [0, 1] {
        let mut net = Net::new(&OPEN);
        let placed = net.dial(0, invite(1, &[1]));
        net.moment();
        let (call, incoming) = net.incoming(1);
        assert_eq!(incoming.caller, Caller::Trunk(TRUNK));
        assert_eq!(incoming.dialled.user.as_deref(), Some("700"));
        assert_eq!(incoming.from_display.as_deref(), Some("The \"100\""));
        net.command(1, Command::Ring { call });
        net.moment();
        assert!(
            matches!(net.event(0), Event::Ringing { provisional, .. } if provisional.status == 180 && !provisional.early_media)
        );
        net.command(
            1,
            Command::Answer {
                call,
                media: audio(1),
            },
        );
        net.moment();
        let Event::Answered {
            media,
            provisionals,
            ..
        } = net.event(0)
        else {
            panic!("not answered");
        };
        assert_eq!(media.remote, audio(1).address);
        assert_eq!(provisionals.len(), 1);
        assert!(
            matches!(net.event(1), Event::Answered { media, .. } if media.remote == audio(0).address)
        );

        let by = if hangs_up == 0 { placed } else { call };
        let reasons = vec![Reason::q850(16, "Normal call clearing")];
        net.command(
            hangs_up,
            Command::HangUp {
                call: by,
                reasons: reasons.clone(),
            },
        );
        net.moment();
        assert_eq!(
            net.event(hangs_up),
            Event::Ended {
                call: by,
                ending: Ending::ByUs
            }
        );
        let other = 1 - hangs_up;
        assert!(
            matches!(net.event(other), Event::Ended { ending: Ending::ByPeer { reasons: told }, .. } if told == reasons)
        );
        assert!(net.is_quiet_after_a_while());
    }
}

#[test]
fn everything_doubled_is_still_one_call() {
    let mut net = Net::new(&OPEN);
    net.fate = Box::new(|_| Fate::Doubled);
    let (placed, _) = net.call();
    net.command(
        0,
        Command::HangUp {
            call: placed,
            reasons: Vec::new(),
        },
    );
    net.run(Duration::from_secs(60));

    assert_eq!(net.events(0).len(), 1);
    assert_eq!(net.events(1).len(), 1);
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn heavy_loss_costs_time_but_no_call_and_leaves_no_ghost() {
    for seed in 0..100 {
        let mut net = Net::new(&OPEN);
        let mut dice = dice(seed);
        net.fate = Box::new(move |_| match dice(100) {
            0..20 => Fate::Lost,
            20..25 => Fate::Doubled,
            _ => Fate::Arrives,
        });
        let placed = net.dial(0, invite(1, &[1]));
        net.run(Duration::from_secs(8));
        let (call, _) = net.incoming(1);
        net.command(
            1,
            Command::Answer {
                call,
                media: audio(1),
            },
        );
        net.run(Duration::from_secs(12));
        for agent in [0, 1] {
            assert!(
                matches!(net.event(agent), Event::Answered { .. }),
                "seed {seed}"
            );
        }
        net.command(
            0,
            Command::HangUp {
                call: placed,
                reasons: Vec::new(),
            },
        );
        net.run(Duration::from_secs(20));
        assert_eq!(net.events(0).len(), 1, "seed {seed}");
        assert_eq!(net.events(1).len(), 1, "seed {seed}");
        assert!(net.is_quiet_after_a_while(), "seed {seed}");
    }
}

#[test]
fn a_lost_ack_ends_the_call_after_64_t1() {
    let mut net = Net::new(&OPEN);
    net.fate = Box::new(|packet| match packet.start().starts_with("ACK") {
        true => Fate::Lost,
        false => Fate::Arrives,
    });
    net.call();
    net.run(Duration::from_secs(31));
    assert_eq!(net.events(1), []);
    net.run(Duration::from_secs(2));

    assert!(matches!(
        net.event(1),
        Event::Ended {
            ending: Ending::AckLost,
            ..
        }
    ));
    assert!(matches!(
        net.event(0),
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn cancel_and_answer_crossing_have_one_outcome_for_both() {
    for offset in 0..200 {
        let mut net = Net::new(&OPEN);
        let placed = net.dial(0, invite(1, &[1]));
        net.moment();
        let (call, _) = net.incoming(1);
        net.command(1, Command::Ring { call });
        net.moment();
        assert!(matches!(net.event(0), Event::Ringing { .. }));

        // The answer comes up to 50 ms before or after the CANCEL is sent.
        let (answer_at, cancel_at) = (
            Duration::from_micros(500 * offset),
            Duration::from_millis(50),
        );
        let answer = Command::Answer {
            call,
            media: audio(1),
        };
        let cancel = Command::HangUp {
            call: placed,
            reasons: Vec::new(),
        };
        if answer_at < cancel_at {
            net.run(answer_at);
            net.command(1, answer);
            net.run(cancel_at - answer_at);
            net.command(0, cancel);
        } else {
            net.run(cancel_at);
            net.command(0, cancel);
            net.run(answer_at - cancel_at);
            net.command(1, answer);
        }
        assert!(net.is_quiet_after_a_while(), "offset {offset}");
        let (caller, called) = (net.events(0), net.events(1));
        // Both sides see an answer and its end, or neither ever saw audio.
        match caller.last().unwrap() {
            Event::Ended {
                ending: Ending::ByUs,
                ..
            } => assert_eq!(caller.len(), 2),
            Event::Failed { failure, .. } => {
                assert_eq!(failure.cause, FailureCause::Cancelled);
                assert_eq!(caller.len(), 1);
            }
            other => panic!("offset {offset}: {other:?}"),
        }
        assert!(
            matches!(
                called.last().unwrap(),
                Event::Ended {
                    ending: Ending::ByPeer { .. },
                    ..
                }
            ),
            "offset {offset}: {called:?}"
        );
    }
}

/// Agent 1 answers while a CANCEL is on its way to it; what agent 0 asked for is `cancel`.
fn answer_across(cancel: impl Fn(sip::CallId) -> Vec<Command>) -> (Net, Vec<Event>, Vec<Event>) {
    let mut net = Net::new(&OPEN);
    let placed = net.dial(0, invite(1, &[1]));
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(1, Command::Ring { call });
    net.moment();
    assert!(matches!(net.event(0), Event::Ringing { .. }));

    for command in cancel(placed) {
        net.command(0, command);
    }
    let media = audio(1);
    net.command(1, Command::Answer { call, media });
    net.run(Duration::from_secs(10));
    assert_eq!(net.logged("CANCEL").len(), 1);
    let (caller, called) = (net.events(0), net.events(1));
    (net, caller, called)
}

#[test]
fn an_answer_that_crosses_the_end_of_ringing_is_a_call() {
    let (net, caller, called) = answer_across(|call| vec![Command::StopRinging { call }]);
    assert!(matches!(caller[..], [Event::Answered { .. }]), "{caller:?}");
    assert!(matches!(called[..], [Event::Answered { .. }]), "{called:?}");
    assert!(net.logged("BYE").is_empty());
}

#[test]
fn an_answer_to_a_call_that_nobody_wants_any_more_is_ended() {
    fn hang_up(call: sip::CallId) -> Command {
        let reasons = Vec::new();
        Command::HangUp { call, reasons }
    }
    let wishes: [fn(sip::CallId) -> Vec<Command>; 2] = [
        |call| vec![hang_up(call)],
        // It rang too long, and then it was withdrawn.
        |call| vec![Command::StopRinging { call }, hang_up(call)],
    ];
    for wish in wishes {
        let (net, caller, called) = answer_across(wish);
        assert!(matches!(caller[..], [Event::Failed { .. }]), "{caller:?}");
        assert!(
            matches!(
                called[..],
                [
                    Event::Answered { .. },
                    Event::Ended {
                        ending: Ending::ByPeer { .. },
                        ..
                    }
                ]
            ),
            "{called:?}"
        );
        assert_eq!(net.logged("BYE").len(), 1);
    }
}

#[test]
fn ringing_that_was_long_enough_ends_as_cancelled() {
    let mut net = Net::new(&OPEN);
    let call = net.dial(0, invite(1, &[1]));
    net.moment();
    let (called, _) = net.incoming(1);
    net.command(1, Command::Ring { call: called });
    net.moment();
    net.events(0);
    net.command(0, Command::StopRinging { call });
    net.moment();
    assert_eq!(failure(net.event(0)).cause, FailureCause::Cancelled);
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn a_call_given_up_before_anything_was_heard_is_cancelled_when_it_is() {
    let mut net = Net::new(&OPEN);
    net.fate = Box::new(|packet| match packet.start().as_str() {
        "SIP/2.0 100 Trying" => Fate::Lost,
        _ => Fate::Arrives,
    });
    let placed = net.dial(0, invite(1, &[1]));
    net.moment();
    net.command(
        0,
        Command::HangUp {
            call: placed,
            reasons: Vec::new(),
        },
    );
    assert_eq!(failure(net.event(0)).cause, FailureCause::Cancelled);
    assert!(net.logged("CANCEL").is_empty());

    let (call, _) = net.incoming(1);
    net.command(1, Command::Ring { call });
    net.moment();
    assert_eq!(net.logged("CANCEL").len(), 1);
    assert!(matches!(
        net.event(1),
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    assert!(net.is_quiet_after_a_while());
}

#[test]
fn the_same_invite_from_a_new_process_is_the_same_bytes_and_rings_once() {
    let mut net = Net::new(&OPEN);
    net.dial(0, invite(7, &[1]));
    net.run(Duration::from_millis(100));
    let (call, _) = net.incoming(1);
    net.command(1, Command::Ring { call });
    net.run(Duration::from_millis(100));
    let first = net.logged("INVITE")[0].bytes.clone();

    net.add(0, Door::Open, |_| {});
    net.dial(0, invite(7, &[1]));
    net.moment();
    assert_eq!(net.logged("INVITE").last().unwrap().bytes, first);
    assert_eq!(net.events(1), []);
    assert!(matches!(net.event(0), Event::Ringing { .. }));

    net.command(
        1,
        Command::Answer {
            call,
            media: audio(1),
        },
    );
    net.moment();
    assert!(matches!(net.event(0), Event::Answered { .. }));
}

#[test]
fn what_the_network_says_of_a_failure_is_all_told() {
    let mut net = Net::new(&OPEN);
    net.dial(0, invite(1, &[1]));
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(
        1,
        Command::Progress {
            call,
            status: 183,
            media: Some(audio(1)),
        },
    );
    net.run(Duration::from_secs(1));
    net.command(1, Command::Ring { call });
    net.run(Duration::from_secs(2));
    net.command(
        1,
        Command::Reject {
            call,
            rejection: Rejection {
                status: 480,
                reasons: vec![Reason::q850(20, "Subscriber absent"), Reason::sip(480, "x")],
                retry_after: Some(Duration::from_secs(90)),
            },
        },
    );
    net.moment();

    let events = net.events(0);
    let failure = failure(events.last().unwrap().clone());
    assert_eq!(failure.cause, FailureCause::Response);
    assert_eq!(
        (failure.status, failure.retry_after_s),
        (Some(480), Some(90))
    );
    assert_eq!(failure.reasons[0].cause, Some(20));
    assert_eq!(failure.reasons[1].protocol, "SIP");
    let seen: Vec<_> = failure
        .provisionals
        .iter()
        .map(|p| (p.status, p.early_media, p.after_ms))
        .collect();
    assert_eq!(seen, [(183, true, 320), (180, false, 1320)]);
    assert_eq!(failure.after_ms, 3320);
    assert!(failure.heard_within_4s);
}

#[test]
fn nobody_there_is_told_after_the_time_allowed() {
    for (allowed, expected) in [(Some(Duration::from_secs(4)), 4), (None, 32)] {
        let mut net = Net::new(&OPEN);
        net.fate = Box::new(|_| Fate::Lost);
        let mut invite = invite(1, &[1]);
        invite.first_response_within = allowed;
        net.dial(0, invite);
        net.run(Duration::from_secs(expected) - Duration::from_millis(1));
        assert_eq!(net.events(0), []);
        net.run(Duration::from_millis(2));

        let failure = failure(net.event(0));
        assert_eq!(failure.cause, FailureCause::NoResponse);
        assert_eq!(failure.after_ms, expected * 1000);
        assert!(!failure.heard_within_4s);
        assert!(net.is_quiet_after_a_while());
    }
}

#[test]
fn the_first_phone_to_answer_wins_and_the_others_stop_ringing() {
    let mut net = Net::new(&[Door::Open; 4]);
    net.dial(0, invite(1, &[1, 2, 3]));
    net.moment();
    let calls: Vec<_> = (1..4).map(|phone| net.incoming(phone).0).collect();
    for (nth, call) in calls.iter().enumerate() {
        net.command(nth + 1, Command::Ring { call: *call });
    }
    net.moment();
    net.command(
        2,
        Command::Answer {
            call: calls[1],
            media: audio(2),
        },
    );
    net.moment();

    assert!(
        matches!(net.events(0).last(), Some(Event::Answered { media, .. }) if media.remote == audio(2).address)
    );
    for phone in [1, 3] {
        assert!(
            matches!(net.event(phone), Event::Ended { ending: Ending::ByPeer { reasons }, .. } if reasons[0].cause == Some(200))
        );
    }
    assert_eq!(net.agents[0].endpoint.calls(), 1);
}

#[test]
fn two_phones_answering_at_once_leave_one_call() {
    let mut net = Net::new(&[Door::Open; 3]);
    net.dial(0, invite(1, &[1, 2]));
    net.moment();
    let calls = [net.incoming(1).0, net.incoming(2).0];
    for phone in [1, 2] {
        net.command(
            phone,
            Command::Answer {
                call: calls[phone - 1],
                media: audio(phone),
            },
        );
    }
    net.moment();

    let answered = net.events(0);
    assert_eq!(answered.len(), 1, "{answered:?}");
    let open: usize = [1, 2]
        .iter()
        .map(|phone| net.agents[*phone].endpoint.calls())
        .sum();
    assert_eq!(open, 1);
    assert_eq!(net.logged("BYE").len(), 1);
    assert_eq!(net.logged("ACK").len(), 2);
}

#[test]
fn the_refusal_that_says_most_is_told_when_all_phones_refuse() {
    for (statuses, best) in [([503, 486], 486), ([480, 603], 603), ([482, 404], 404)] {
        let mut net = Net::new(&[Door::Open; 3]);
        net.dial(0, invite(1, &[1, 2]));
        net.moment();
        for phone in [1, 2] {
            let (call, _) = net.incoming(phone);
            let rejection = Rejection::status(statuses[phone - 1]);
            net.command(phone, Command::Reject { call, rejection });
            net.moment();
        }
        assert_eq!(failure(net.event(0)).status, Some(best));
        assert!(net.is_quiet_after_a_while());
    }
}

#[test]
fn a_global_refusal_stops_all_the_phones() {
    let mut net = Net::new(&[Door::Open; 3]);
    net.dial(0, invite(1, &[1, 2]));
    net.moment();
    let (declines, rings) = (net.incoming(1).0, net.incoming(2).0);
    net.command(2, Command::Ring { call: rings });
    net.moment();
    net.command(
        1,
        Command::Reject {
            call: declines,
            rejection: Rejection::status(603),
        },
    );
    net.moment();

    assert!(matches!(
        net.event(2),
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    assert_eq!(failure(net.events(0).pop().unwrap()).status, Some(603));
}

#[test]
fn a_redirection_is_reported_and_not_followed() {
    let mut net = Net::new(&OPEN);
    net.dial(0, invite(1, &[1]));
    net.moment();
    let (call, _) = net.incoming(1);
    net.command(
        1,
        Command::Reject {
            call,
            rejection: Rejection::status(302),
        },
    );
    net.moment();
    assert_eq!(failure(net.event(0)).status, Some(302));
    assert_eq!(net.logged("INVITE").len(), 1);
}

#[test]
fn strangers_prove_who_they_are_before_anybody_is_disturbed() {
    let mut net = Net::new(&[Door::Open, Door::Digest]);
    let mut known = invite(1, &[1]);
    known.credentials = Some(credentials("secret"));
    net.dial(0, known);
    net.moment();
    let (_, incoming) = net.incoming(1);
    assert!(is_account(incoming.caller, "alice"));
    assert_eq!(net.logged("INVITE").len(), 2);
    assert!(
        net.logged("SIP/2.0 401")[0]
            .text()
            .contains("algorithm=SHA-256")
    );
    net.events(0);

    for credentials in [None, Some(credentials("wrong"))] {
        let mut unknown = invite(2, &[1]);
        unknown.credentials = credentials;
        net.dial(0, unknown);
        net.moment();
        assert_eq!(failure(net.event(0)).status, Some(401));
        assert_eq!(net.events(1), []);
    }
}

#[test]
fn credentials_are_kept_from_other_realms() {
    let mut net = Net::new(&[Door::Open, Door::Digest]);
    let mut call = invite(1, &[1]);
    let mut secret = credentials("secret");
    secret.realm = Some("elsewhere".to_owned());
    call.credentials = Some(secret);
    net.dial(0, call);
    net.moment();

    assert_eq!(failure(net.event(0)).status, Some(401));
    assert_eq!(net.logged("INVITE").len(), 1);
}

#[test]
fn a_full_or_draining_endpoint_says_so() {
    let mut net = Net::new(&OPEN);
    net.add(1, Door::Open, |config| config.max_calls = 1);
    net.dial(0, invite(1, &[1]));
    net.dial(0, invite(2, &[1]));
    net.moment();
    let failed = failure(net.event(0));
    assert_eq!((failed.status, failed.retry_after_s), (Some(503), Some(5)));

    let retry_after = Duration::from_secs(60);
    net.command(0, Command::Drain { retry_after });
    let mut back = invite(3, &[0]);
    back.from.user = "700".to_owned();
    net.dial(1, back);
    net.moment();
    let failed = failure(net.events(1).pop().unwrap());
    assert_eq!((failed.status, failed.retry_after_s), (Some(503), Some(60)));
}

#[test]
fn a_broken_connection_fails_the_call_that_waits_on_it() {
    let mut net = Net::new(&OPEN);
    let mut call = invite(1, &[1]);
    call.targets[0].hop = Some(sip::Hop::to(sip::Transport::Tcp, address(1)));
    net.fate = Box::new(|_| Fate::Lost);
    net.dial(0, call);
    let flow = net.log[0].flow;
    let now = net.now;
    net.agents[0]
        .endpoint
        .handle_unreachable(flow, "Connection refused", now);
    net.moment();

    assert_eq!(
        failure(net.event(0)).cause,
        FailureCause::Transport("Connection refused".to_owned())
    );
}

#[test]
fn an_answer_taken_back_at_once_ends_the_call_even_when_it_is_lost() {
    let mut net = Net::new(&OPEN);
    let mut answers = 0;
    net.fate = Box::new(move |packet| match packet.start().as_str() {
        "SIP/2.0 200 OK" if answers < 2 => {
            answers += 1;
            Fate::Lost
        }
        _ => Fate::Arrives,
    });
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
    net.command(
        1,
        Command::HangUp {
            call,
            reasons: Vec::new(),
        },
    );
    assert!(matches!(net.event(1), Event::Answered { .. }));
    assert!(matches!(
        net.event(1),
        Event::Ended {
            ending: Ending::ByUs,
            ..
        }
    ));
    assert_eq!(net.agents[1].endpoint.calls(), 0);

    net.run(Duration::from_secs(5));
    assert!(matches!(net.event(0), Event::Answered { .. }));
    assert!(matches!(
        net.event(0),
        Event::Ended {
            ending: Ending::ByPeer { .. },
            ..
        }
    ));
    assert_eq!(net.events(1), []);
    assert!(net.is_quiet_after_a_while());
}

/// Nobody knows what comes of such a call, but everybody lives and nothing is left of it.
#[test]
fn damaged_messages_harm_nobody() {
    for seed in 0..300 {
        let mut net = Net::new(&[Door::Open, Door::Digest]);
        let mut dice = dice(seed);
        net.fate = Box::new(move |_| match dice(4) {
            0 => Fate::Damaged(dice(1500) as usize, u8::try_from(dice(256)).unwrap()),
            _ => Fate::Arrives,
        });
        let mut call = invite(1, &[1]);
        call.credentials = Some(credentials("secret"));
        let placed = net.dial(0, call);
        net.run(Duration::from_secs(5));
        for event in net.events(1) {
            if let Event::Incoming { call, .. } = event {
                net.command(1, Command::Ring { call });
                net.command(
                    1,
                    Command::Answer {
                        call,
                        media: audio(1),
                    },
                );
            }
        }
        net.run(Duration::from_secs(5));
        net.command(
            0,
            Command::Hold {
                call: placed,
                hold: true,
            },
        );
        net.run(Duration::from_secs(5));
        net.command(
            0,
            Command::HangUp {
                call: placed,
                reasons: Vec::new(),
            },
        );
        // A BYE that was damaged beyond recognition leaves the session timer to notice.
        net.run(Duration::from_secs(2000));
        assert!(net.is_quiet_after_a_while(), "seed {seed}");
    }
}

#[test]
fn who_somebody_says_he_is_counts_from_a_trunk_alone_however_it_is_spelt() {
    let claims = [
        ("p-ASSERTED-identity", "\"Boss\" <sip:100@elsewhere>"),
        ("REMOTE-party-id", "<sip:100@elsewhere>;party=calling"),
        ("Diversion", "<sip:100@elsewhere>;reason=unconditional"),
        ("history-INFO", "<sip:100@elsewhere>;index=1"),
    ];
    for (door, believed) in [(Door::Open, true), (Door::Digest, false)] {
        let mut net = Net::new(&[Door::Open, door]);
        let mut call = invite(1, &[1]);
        call.credentials = Some(credentials("secret"));
        call.headers = claims
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        net.dial(0, call);
        net.moment();

        let (_, incoming) = net.incoming(1);

        let asserted = incoming.asserted_user.as_deref();
        assert_eq!(asserted, believed.then_some("100"), "{door:?}");
        assert_eq!(incoming.diversion.is_empty(), !believed, "{door:?}");
        assert_eq!(incoming.history.is_empty(), !believed, "{door:?}");
    }
}
