//! A room and the keys pressed in it.

use super::{keys::KEY_TIME, *};
use crate::{loudness::Turn, time::Span};

const NOW: Millis = Millis(1_000_000);

fn member(n: u8, role: Role) -> Member {
    Member {
        id: MemberId::new(NOW, [n; 10]),
        name: format!("Member {n}"),
        employee: None,
        number: None,
        class: DeviceClass::SipPhone,
        role,
        invitation: None,
        joined_at: NOW,
        muted: false,
        talking: false,
        hand: None,
        loudness: Loudness::default(),
    }
}

fn room(roles: &[Role]) -> (LiveRoom, Vec<MemberId>) {
    let mut room = LiveRoom::new(RoomId::new(NOW, [9; 10]));
    let ids = roles.iter().zip(1..).map(|(role, n)| {
        let someone = member(n, *role);
        let id = someone.id;
        room.join(someone);
        id
    });
    let ids = ids.collect();
    drain(&mut room);
    (room, ids)
}

fn drain(room: &mut LiveRoom) -> Vec<Output> {
    std::iter::from_fn(|| room.poll_output()).collect()
}

fn press(room: &mut LiveRoom, id: MemberId, keys: &str) -> Vec<Output> {
    for key in keys.chars() {
        room.on_digit(id, key, NOW);
    }
    drain(room)
}

#[test]
fn a_newcomer_is_welcomed_and_told_how_many_are_here() {
    let (mut room, _) = room(&[Role::Speaker, Role::Speaker]);
    let third = member(3, Role::Listener);

    room.join(third.clone());

    assert_eq!(
        drain(&mut room),
        [
            Output::Joined(third.clone()),
            Output::Hearing {
                member: third.id,
                speaks: false,
                hears: true
            },
            Output::Tell {
                member: third.id,
                phrases: speech::welcome(2)
            },
        ]
    );
    assert_eq!(room.count(), 3);
}

#[test]
fn star_six_mutes_and_a_second_time_unmutes() {
    let (mut room, ids) = room(&[Role::Speaker]);

    let outputs = press(&mut room, ids[0], "*6");

    assert!(room.member(ids[0]).unwrap().muted);
    assert!(outputs.contains(&Output::Hearing {
        member: ids[0],
        speaks: false,
        hears: true
    }));
    assert!(outputs.contains(&Output::Tell {
        member: ids[0],
        phrases: speech::muted(true)
    }));
    press(&mut room, ids[0], "*6");
    assert!(!room.member(ids[0]).unwrap().muted);
}

#[test]
fn whoever_was_muted_by_a_moderator_can_unmute_himself() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Speaker]);
    room.mute(ids[1], true);

    press(&mut room, ids[1], "*6");

    assert!(!room.member(ids[1]).unwrap().muted);
}

#[test]
fn a_listener_cannot_unmute_himself_into_the_talk() {
    let (mut room, ids) = room(&[Role::Listener]);

    let outputs = press(&mut room, ids[0], "*6");

    assert_eq!(
        outputs,
        [Output::Tell {
            member: ids[0],
            phrases: speech::may_speak(false)
        }]
    );
}

#[test]
fn single_digits_and_slow_keys_do_nothing() {
    let (mut room, ids) = room(&[Role::Speaker]);

    assert_eq!(press(&mut room, ids[0], "6660"), []);
    room.on_digit(ids[0], '*', NOW);
    room.on_digit(ids[0], '6', NOW + KEY_TIME + Span(1));
    assert_eq!(drain(&mut room), []);
    // One member's star is not another's.
    assert_eq!(press(&mut room, MemberId::new(NOW, [8; 10]), "*6"), []);
}

#[test]
fn two_stars_and_a_digit_turn_the_loudness_and_more_digits_turn_on() {
    let (mut room, ids) = room(&[Role::Speaker]);
    let db = |room: &LiveRoom| {
        let loudness = room.member(ids[0]).unwrap().loudness;
        (loudness.voice.db(), loudness.ear.db())
    };

    let outputs = press(&mut room, ids[0], "**3");
    assert_eq!(db(&room), (0, 4));
    assert!(outputs.contains(&Output::Loudness {
        member: ids[0],
        loudness: Loudness::default().with(Side::Ear, Gain::new(4).unwrap()),
    }));
    assert!(outputs.contains(&Output::Tell {
        member: ids[0],
        phrases: speech::loudness(Side::Ear, Some(Turn::Up)),
    }));
    press(&mut room, ids[0], "33");
    assert_eq!(db(&room), (0, 12));
    press(&mut room, ids[0], "**444444");
    assert_eq!(db(&room), (-20, 12));
    assert_eq!(
        press(&mut room, ids[0], "**4"),
        [Output::Tell {
            member: ids[0],
            phrases: speech::loudness(Side::Voice, None),
        }]
    );
    press(&mut room, ids[0], "**5");
    press(&mut room, ids[0], "**2");
    assert_eq!(db(&room), (0, 0));
    // One star after that is a key like any other.
    press(&mut room, ids[0], "**3*6");
    assert!(room.member(ids[0]).unwrap().muted);
    assert_eq!(db(&room), (0, 4));
    // And two of them too slowly are one.
    room.on_digit(ids[0], '*', NOW);
    room.on_digit(ids[0], '*', NOW + KEY_TIME + Span(1));
    room.on_digit(ids[0], '6', NOW + KEY_TIME + Span(1));
    assert!(!room.member(ids[0]).unwrap().muted);
}

#[test]
fn whoever_comes_again_is_as_loud_as_he_was_made() {
    let (mut room, ids) = room(&[Role::Moderator]);
    let somebody = Member {
        employee: Some(EmployeeId::new(NOW, [5; 10])),
        ..member(7, Role::Speaker)
    };
    room.join(somebody.clone());
    assert!(room.set_gain(somebody.id, Side::Voice, Gain::new(-6).unwrap()));
    room.leave(somebody.id, LeaveWay::Lost);
    drain(&mut room);

    let again = Member {
        id: MemberId::new(NOW, [8; 10]),
        ..somebody
    };
    room.join(again.clone());
    let loudness = Loudness::default().with(Side::Voice, Gain::new(-6).unwrap());
    assert_eq!(room.member(again.id).unwrap().loudness, loudness);
    assert!(drain(&mut room).contains(&Output::Loudness {
        member: again.id,
        loudness
    }));
    assert_eq!(room.member(ids[0]).unwrap().loudness, Loudness::default());
    assert!(!room.set_gain(MemberId::new(NOW, [9; 10]), Side::Ear, Gain::default()));
}

#[test]
fn keys_count_heads_and_lead_out() {
    let (mut room, ids) = room(&[Role::Speaker, Role::Speaker, Role::Speaker]);

    assert_eq!(
        press(&mut room, ids[0], "*5"),
        [Output::Tell {
            member: ids[0],
            phrases: speech::head_count(2)
        }]
    );
    assert_eq!(
        press(&mut room, ids[0], "*0"),
        [Output::HangUp {
            member: ids[0],
            way: LeaveWay::Key
        }]
    );
}

#[test]
fn a_muted_member_does_not_show_as_talking() {
    let (mut room, ids) = room(&[Role::Speaker]);
    room.on_talking(ids[0], true);
    assert!(room.member(ids[0]).unwrap().talking);

    room.mute(ids[0], true);
    assert!(!room.member(ids[0]).unwrap().talking);
    room.on_talking(ids[0], true);
    assert!(!room.member(ids[0]).unwrap().talking);
}

#[test]
fn a_role_change_that_matters_to_the_voice_is_told() {
    let (mut room, ids) = room(&[Role::Speaker]);

    room.set_role(ids[0], Role::Moderator);
    assert_eq!(
        drain(&mut room),
        [Output::Changed(room.member(ids[0]).unwrap().clone())]
    );
    room.set_role(ids[0], Role::Listener);
    assert!(drain(&mut room).contains(&Output::Tell {
        member: ids[0],
        phrases: speech::may_speak(false)
    }));
}

#[test]
fn announcements_are_said_one_after_the_other() {
    let (mut room, _) = room(&[Role::Speaker]);
    let offline = |name| speech::is_offline(speech::name(name));

    room.announce(offline("Anna"));
    room.announce(offline("Boris"));

    assert_eq!(drain(&mut room), [Output::Announce(offline("Anna"))]);
    room.on_announced();
    assert_eq!(drain(&mut room), [Output::Announce(offline("Boris"))]);
    room.on_announced();
    assert_eq!(drain(&mut room), []);
}

#[test]
fn what_is_said_into_an_empty_room_is_heard_by_the_first_who_comes() {
    let (mut room, ids) = room(&[Role::Speaker]);
    room.leave(ids[0], LeaveWay::HungUp);
    drain(&mut room);

    room.announce(speech::meeting_ended());
    assert_eq!(drain(&mut room), []);
    room.join(member(2, Role::Speaker));

    assert!(drain(&mut room).contains(&Output::Announce(speech::meeting_ended())));
}

#[test]
fn closing_hangs_everyone_up() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Listener]);

    room.close();

    let gone = ids.iter().map(|member| Output::HangUp {
        member: *member,
        way: LeaveWay::MeetingOver,
    });
    assert_eq!(drain(&mut room), gone.collect::<Vec<_>>());
}

fn told(member: MemberId, phrases: Vec<Phrase>) -> Output {
    Output::Tell { member, phrases }
}

#[test]
fn star_nine_raises_a_hand_and_a_second_time_lowers_it() {
    let (mut room, ids) = room(&[Role::Listener]);

    let outputs = press(&mut room, ids[0], "*9");
    assert_eq!(room.member(ids[0]).unwrap().hand, Some(NOW));
    assert!(outputs.contains(&told(ids[0], speech::hand(true))));

    press(&mut room, ids[0], "*9");
    assert_eq!(room.member(ids[0]).unwrap().hand, None);
}

#[test]
fn the_next_hand_is_the_one_that_has_been_up_the_longest_and_may_speak() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Speaker, Role::Listener]);
    room.raise_hand(ids[2], true, NOW);
    room.raise_hand(ids[1], true, NOW + Span(1));
    room.mute(ids[1], true);
    drain(&mut room);

    let outputs = press(&mut room, ids[0], "*2");
    let listener = room.member(ids[2]).unwrap();
    assert_eq!((listener.role, listener.hand), (Role::Speaker, None));
    assert!(outputs.contains(&Output::Hearing {
        member: ids[2],
        speaks: true,
        hears: true
    }));
    let name = Some(speech::name("Member 3"));
    assert!(outputs.contains(&told(ids[0], speech::next_hand(name))));

    press(&mut room, ids[0], "*2");
    assert!(!room.member(ids[1]).unwrap().muted);
    assert_eq!(
        press(&mut room, ids[0], "*2"),
        [told(ids[0], speech::next_hand(None))]
    );
}

#[test]
fn moderators_lock_the_room_and_mute_everybody_else() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Speaker, Role::Speaker]);

    assert_eq!(
        press(&mut room, ids[0], "*7"),
        [Output::Locked(true), told(ids[0], speech::locked(true))]
    );
    press(&mut room, ids[0], "*8");
    let muted = |room: &LiveRoom| {
        ids.iter()
            .map(|id| room.member(*id).unwrap().muted)
            .collect()
    };
    let now: Vec<bool> = muted(&room);
    assert_eq!(now, [false, true, true]);
    press(&mut room, ids[1], "*6");
    press(&mut room, ids[0], "*8");
    let now: Vec<bool> = muted(&room);
    assert_eq!(now, [false, true, true], "one was heard: all are muted");
    press(&mut room, ids[0], "*8");
    let now: Vec<bool> = muted(&room);
    assert_eq!(now, [false; 3]);
    assert!(room.is_locked());

    for id in ids {
        room.leave(id, LeaveWay::HungUp);
    }
    assert!(!room.is_locked(), "who comes next finds it open");
}

#[test]
fn only_moderators_keys_need_a_moderator() {
    let (mut room, ids) = room(&[Role::Speaker]);

    for keys in ["*1", "*2", "*4", "*4", "*7", "*8"] {
        assert_eq!(
            press(&mut room, ids[0], keys),
            [told(ids[0], speech::only_moderators())],
            "{keys}"
        );
    }
}

#[test]
fn the_meeting_is_ended_by_a_moderator_who_says_so_twice() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Moderator]);

    assert_eq!(
        press(&mut room, ids[0], "*4"),
        [told(ids[0], speech::end_asked())]
    );
    assert_eq!(
        press(&mut room, ids[1], "*4"),
        [told(ids[1], speech::end_asked())],
        "the other one has not said it yet"
    );
    assert_eq!(press(&mut room, ids[1], "*4"), [Output::EndMeeting]);
}

#[test]
fn a_moderators_key_asks_for_more_time() {
    let (mut room, ids) = room(&[Role::Moderator]);
    assert_eq!(
        press(&mut room, ids[0], "*1"),
        [Output::Extend { member: ids[0] }]
    );
}

#[test]
fn a_moderators_key_asks_for_a_recording_and_everybody_hears_of_it() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Speaker]);
    assert_eq!(
        press(&mut room, ids[1], "*3"),
        [told(ids[1], speech::only_moderators())]
    );
    assert_eq!(
        press(&mut room, ids[0], "*3"),
        [Output::Record { member: ids[0] }]
    );

    room.set_recorded(true);
    assert_eq!(
        drain(&mut room),
        [Output::Announce(speech::recording(true))]
    );
    room.on_announced();
    room.join(member(3, Role::Speaker));
    let is_told = drain(&mut room).into_iter().any(|output| {
        matches!(output, Output::Tell { phrases, .. } if phrases.ends_with(&speech::recorded()))
    });
    assert!(is_told, "who comes later is told too");
}

#[test]
fn a_recording_that_ends_with_the_last_member_is_not_told_to_the_next() {
    let (mut room, ids) = room(&[Role::Moderator]);
    room.set_recorded(true);
    drain(&mut room);
    room.on_announced();
    room.leave(ids[0], LeaveWay::HungUp);
    room.set_recorded(false);
    drain(&mut room);

    room.join(member(2, Role::Speaker));

    let outputs = drain(&mut room);
    assert!(
        !outputs
            .iter()
            .any(|output| matches!(output, Output::Announce(_))),
        "{outputs:?}"
    );
}

fn waiting(n: u8) -> Waiting {
    Waiting {
        id: MemberId::new(NOW, [n; 10]),
        name: vec![speech::name(&format!("Guest {n}"))],
    }
}

fn waits(n: u8) -> Vec<Phrase> {
    speech::waits_to_be_let_in(waiting(n).name)
}

#[test]
fn moderators_hear_who_waits_and_let_in_or_send_away_one_after_the_other() {
    let (mut room, ids) = room(&[Role::Moderator, Role::Speaker]);
    room.knock(waiting(7));
    room.knock(waiting(8));
    room.knock(waiting(8));
    assert_eq!(drain(&mut room), [told(ids[0], waits(7))], "one at a time");

    let mut let_in = speech::decided(true);
    let_in.extend(waits(8));
    assert_eq!(
        press(&mut room, ids[0], "**7"),
        [
            Output::LetIn {
                member: waiting(7).id
            },
            told(ids[0], let_in)
        ]
    );
    assert_eq!(
        press(&mut room, ids[0], "**8"),
        [
            Output::SendAway {
                member: waiting(8).id
            },
            told(ids[0], speech::decided(false))
        ]
    );
    assert_eq!(
        press(&mut room, ids[0], "**9"),
        [told(ids[0], speech::nobody_waits())]
    );
    assert_eq!(
        press(&mut room, ids[1], "**7"),
        [told(ids[1], speech::only_moderators())]
    );
}

#[test]
fn a_moderator_who_comes_later_hears_who_waits_and_lets_all_in() {
    let (mut room, _) = room(&[Role::Speaker]);
    for n in [7, 8, 9] {
        room.knock(waiting(n));
    }
    assert_eq!(drain(&mut room), [], "nobody here decides");
    let boss = member(3, Role::Moderator);
    room.join(boss.clone());
    let mut welcome = speech::welcome(1);
    welcome.extend(waits(7));
    assert!(drain(&mut room).contains(&told(boss.id, welcome)));

    assert!(room.stop_knocking(waiting(7).id));
    assert_eq!(drain(&mut room), [told(boss.id, waits(8))], "he hung up");
    let mut outputs = press(&mut room, boss.id, "**9");
    assert_eq!(outputs.pop(), Some(told(boss.id, speech::all_let_in())));
    let let_in = |n| Output::LetIn {
        member: waiting(n).id,
    };
    assert_eq!(outputs, [let_in(8), let_in(9)]);
}

#[test]
fn the_board_decides_about_one_of_them_or_all() {
    let (mut room, _) = room(&[]);
    for n in [7, 8, 9] {
        room.knock(waiting(n));
    }
    let away = |n| Output::SendAway {
        member: waiting(n).id,
    };
    room.act(Act::SendAway(Some(waiting(8).id)));
    assert_eq!(drain(&mut room), [away(8)]);
    room.act(Act::LetIn(Some(waiting(8).id)));
    assert_eq!(drain(&mut room), [], "he waits no more");
    room.act(Act::SendAway(None));
    assert_eq!(drain(&mut room), [away(7), away(9)]);
    assert_eq!(room.waiting().count(), 0);
}
