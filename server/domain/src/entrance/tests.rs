//! Callers at the door.

use super::*;
use crate::{
    id::{CompanyId, EmployeeId, InvitationId, MemberId, OccurrenceId, RoomId},
    invitation::{Invitation, Terms},
    meeting::Invitee,
    number::{PhoneNumber, ShortNumber},
    room::{Pin, RoomSettings},
    rules::RetryRules,
};

const NOW: Millis = Millis(1_000_000);

fn room(pin: Option<&str>) -> Room {
    Room {
        id: RoomId::new(NOW, [1; 10]),
        company: CompanyId::new(NOW, [2; 10]),
        number: ShortNumber::parse("9000").unwrap(),
        name: "Dealers".to_owned(),
        pin: pin.map(|pin| Pin::parse(pin).unwrap()),
        moderator_pin: pin.and_then(|_| Pin::parse("777777").ok()),
        settings: RoomSettings::default(),
    }
}

/// A room in which moderators alone have a PIN.
fn moderators_room() -> Room {
    Room {
        moderator_pin: Pin::parse("777777").ok(),
        ..room(None)
    }
}

const AROUND: Around = Around {
    opens_at: None,
    watched: Ok(()),
    locked: false,
    moderator_inside: false,
    lobby: false,
};

fn stranger(pin: Option<&str>) -> Entrance {
    at_door(room(pin), AROUND)
}

fn at_door(room: Room, around: Around) -> Entrance {
    Entrance::new(room, Known::Stranger(Role::Speaker), around, NOW)
}

fn wrong_pin() -> Vec<Phrase> {
    let mut phrases = speech::wrong_pin();
    phrases.extend(speech::enter_pin());
    phrases
}

fn drain(entrance: &mut Entrance) -> Vec<Output> {
    std::iter::from_fn(|| entrance.poll_output()).collect()
}

fn press(entrance: &mut Entrance, keys: &str, now: Millis) -> Vec<Output> {
    for key in keys.chars() {
        entrance.on_digit(key, now);
    }
    drain(entrance)
}

fn once(phrases: Vec<Phrase>) -> Output {
    Output::Play {
        phrases,
        mode: PlayMode::Once,
    }
}

#[test]
fn a_room_without_a_pin_is_open() {
    assert_eq!(drain(&mut stranger(None)), [Output::Join(Role::Speaker)]);
}

#[test]
fn a_pin_opens_as_soon_as_it_is_complete() {
    let mut caller = stranger(Some("1234"));
    assert_eq!(drain(&mut caller), [once(speech::enter_pin())]);

    assert_eq!(
        press(&mut caller, "1234", NOW),
        [Output::RightPin, Output::Join(Role::Speaker)]
    );
    assert_eq!(press(&mut caller, "1234", NOW), []);
}

#[test]
fn the_moderators_pin_opens_as_moderator() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);

    assert_eq!(
        press(&mut caller, "777777", NOW),
        [Output::RightPin, Output::Join(Role::Moderator)]
    );
}

#[test]
fn three_wrong_pins_end_the_call_and_each_costs_a_longer_silence() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);

    assert_eq!(
        press(&mut caller, "1111#", NOW),
        [Output::WrongPin, once(wrong_pin())]
    );
    // Not heard in the silence that follows.
    assert_eq!(press(&mut caller, "1234", NOW + Span(999)), []);
    assert_eq!(
        press(&mut caller, "2222#", NOW + Span::seconds(1)),
        [Output::WrongPin, once(wrong_pin())]
    );
    assert_eq!(press(&mut caller, "1234", NOW + Span::seconds(2)), []);
    assert_eq!(
        press(&mut caller, "3333#", NOW + Span::seconds(3)),
        [Output::WrongPin, once(speech::pin_locked())]
    );
    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HangUp]);
}

#[test]
fn a_star_begins_the_pin_anew() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);

    assert_eq!(
        press(&mut caller, "99*1234", NOW),
        [Output::RightPin, Output::Join(Role::Speaker)]
    );
}

#[test]
fn a_star_after_what_could_have_been_a_pin_is_a_wrong_try() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);

    assert_eq!(
        press(&mut caller, "9999*1234", NOW),
        [Output::WrongPin, once(wrong_pin())],
        "and the silence that follows it is deaf to the next"
    );
}

#[test]
fn digits_without_end_are_one_wrong_try_per_longest_pin() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);

    assert_eq!(press(&mut caller, "99999999999", NOW), []);
    assert_eq!(
        press(&mut caller, "9", NOW),
        [Output::WrongPin, once(wrong_pin())]
    );
}

#[test]
fn hanging_up_or_falling_silent_after_four_digits_is_a_wrong_try() {
    let mut leaver = stranger(Some("1234"));
    press(&mut leaver, "9999", NOW);
    leaver.on_gone();
    assert_eq!(drain(&mut leaver), [Output::WrongPin]);
    leaver.on_gone();
    assert_eq!(drain(&mut leaver), [], "it is counted once");

    let mut silent = stranger(Some("1234"));
    press(&mut silent, "9999", NOW);
    let (until, _) = silent.poll_timeout().unwrap();
    silent.handle_timeout(until);
    silent.on_gone();
    assert_eq!(drain(&mut silent), [Output::WrongPin]);
}

#[test]
fn hanging_up_is_free_for_who_tried_no_pin_or_the_right_one() {
    for keys in ["", "999", "99*99", "1234", "1234999"] {
        let mut caller = stranger(Some("1234"));
        press(&mut caller, keys, NOW);
        drain(&mut caller);
        caller.on_gone();
        assert_eq!(drain(&mut caller), [], "{keys}");
    }
}

#[test]
fn a_wrong_pin_nobody_has_heard_of_yet_outlives_the_call() {
    let mut caller = stranger(Some("1234"));
    for key in "9999#".chars() {
        caller.on_digit(key, NOW);
    }

    caller.on_gone();

    assert_eq!(drain(&mut caller), [Output::WrongPin]);
}

#[test]
fn who_presses_nothing_is_hung_up() {
    let mut caller = stranger(Some("1234"));
    drain(&mut caller);
    let (until, why) = caller.poll_timeout().unwrap();
    assert_eq!(why, "no key");

    caller.handle_timeout(until - Span(1));
    assert_eq!(drain(&mut caller), []);
    caller.handle_timeout(until);
    assert_eq!(drain(&mut caller), [Output::HangUp]);
}

#[test]
fn a_source_that_guessed_is_not_even_asked() {
    let around = Around {
        watched: Err(NOW + Span::seconds(30)),
        ..AROUND
    };
    let mut caller = at_door(room(Some("1234")), around);

    assert_eq!(drain(&mut caller), [once(speech::pin_locked())]);
    assert_eq!(press(&mut caller, "1234", NOW), []);
}

#[test]
fn who_is_expected_needs_no_pin_and_waits_for_the_start_with_music() {
    let start = NOW + Span::minutes(3);
    let known = Known::Expected(Role::Moderator);
    let mut caller = Entrance::new(room(Some("1234")), known, before(start), NOW);
    assert_eq!(drain(&mut caller), [once(speech::not_begun())]);

    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HoldMusic]);
    caller.handle_timeout(start - Span(1));
    assert_eq!(drain(&mut caller), []);
    caller.handle_timeout(start);
    assert_eq!(drain(&mut caller), [Output::Join(Role::Moderator)]);
}

#[test]
fn start_pressed_early_lets_those_who_wait_in() {
    let start = NOW + Span::minutes(3);
    let known = Known::Expected(Role::Speaker);
    let mut caller = Entrance::new(room(None), known, before(start), NOW);
    drain(&mut caller);

    caller.on_start_moved(NOW + Span::seconds(5), NOW + Span::seconds(5));

    assert_eq!(drain(&mut caller), [Output::Join(Role::Speaker)]);
}

fn before(start: Millis) -> Around {
    Around {
        opens_at: Some(start),
        ..AROUND
    }
}

#[test]
fn a_room_with_a_moderators_pin_alone_asks_for_it_and_lets_everybody_in() {
    let mut boss = at_door(moderators_room(), AROUND);
    assert_eq!(drain(&mut boss), [once(speech::enter_moderator_pin())]);
    assert_eq!(
        press(&mut boss, "777777", NOW),
        [Output::RightPin, Output::Join(Role::Moderator)]
    );

    let mut hasty = at_door(moderators_room(), AROUND);
    drain(&mut hasty);
    assert_eq!(press(&mut hasty, "#", NOW), [Output::Join(Role::Speaker)]);

    let mut silent = at_door(moderators_room(), AROUND);
    drain(&mut silent);
    silent.on_played(NOW);
    let (until, _) = silent.poll_timeout().unwrap();
    assert_eq!(until, NOW + OPEN_KEY_LIMIT);
    silent.handle_timeout(until);
    assert_eq!(drain(&mut silent), [Output::Join(Role::Speaker)]);
}

#[test]
fn who_guesses_the_moderators_pin_comes_in_as_everybody_and_is_counted() {
    let mut caller = at_door(moderators_room(), AROUND);
    drain(&mut caller);

    press(&mut caller, "1111#", NOW);
    press(&mut caller, "2222#", NOW + Span::seconds(1));
    assert_eq!(
        press(&mut caller, "3333#", NOW + Span::seconds(3)),
        [Output::WrongPin, Output::Join(Role::Speaker)]
    );

    let around = Around {
        watched: Err(NOW + Span::seconds(30)),
        ..AROUND
    };
    let mut again = at_door(moderators_room(), around);
    assert_eq!(
        drain(&mut again),
        [Output::Join(Role::Speaker)],
        "he is not asked, but the room is open"
    );

    let mut in_many_calls = at_door(moderators_room(), AROUND);
    drain(&mut in_many_calls);
    in_many_calls.on_watched(NOW);
    assert_eq!(drain(&mut in_many_calls), [Output::Join(Role::Speaker)]);
}

#[test]
fn a_locked_room_takes_those_expected_and_moderators_and_nobody_else() {
    let around = Around {
        locked: true,
        ..AROUND
    };
    let mut caller = at_door(room(Some("1234")), around);
    drain(&mut caller);
    assert_eq!(
        press(&mut caller, "1234", NOW),
        [Output::RightPin, once(speech::locked_out())]
    );
    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HangUp]);

    let mut boss = at_door(room(Some("1234")), around);
    drain(&mut boss);
    assert_eq!(
        press(&mut boss, "777777", NOW),
        [Output::RightPin, Output::Join(Role::Moderator)]
    );

    let known = Known::Expected(Role::Speaker);
    let mut expected = Entrance::new(room(Some("1234")), known, around, NOW);
    assert_eq!(drain(&mut expected), [Output::Join(Role::Speaker)]);

    let mut at_the_question = at_door(room(Some("1234")), AROUND);
    drain(&mut at_the_question);
    at_the_question.on_lock(true);
    assert_eq!(
        press(&mut at_the_question, "1234", NOW),
        [Output::RightPin, once(speech::locked_out())]
    );
}

#[test]
fn where_the_moderator_is_awaited_callers_hear_music_until_he_is_there() {
    let mut held = room(None);
    held.settings.wait_for_moderator = true;
    let mut caller = at_door(held.clone(), AROUND);
    assert_eq!(drain(&mut caller), [once(speech::awaits_moderator())]);
    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HoldMusic]);
    assert_eq!(caller.poll_timeout(), None);

    caller.on_moderator(true, NOW);
    caller.handle_timeout(NOW);
    assert_eq!(drain(&mut caller), [Output::Join(Role::Speaker)]);

    let known = Known::Expected(Role::Moderator);
    let mut boss = Entrance::new(held.clone(), known, AROUND, NOW);
    assert_eq!(drain(&mut boss), [Output::Join(Role::Moderator)]);

    let around = Around {
        moderator_inside: true,
        ..AROUND
    };
    assert_eq!(
        drain(&mut at_door(held, around)),
        [Output::Join(Role::Speaker)]
    );
}

const LOBBY: Around = Around {
    lobby: true,
    ..AROUND
};

#[test]
fn where_there_is_a_lobby_a_stranger_waits_with_music_until_he_is_let_in() {
    let mut caller = at_door(room(Some("1234")), LOBBY);
    drain(&mut caller);
    assert_eq!(
        press(&mut caller, "1234", NOW),
        [
            Output::RightPin,
            Output::Knock(Role::Speaker),
            once(speech::lobby_wait())
        ]
    );
    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HoldMusic]);
    assert_eq!(caller.poll_timeout(), None);

    caller.on_let_in();
    assert_eq!(drain(&mut caller), [Output::Join(Role::Speaker)]);
    caller.on_let_in();
    caller.on_sent_away(NOW);
    assert_eq!(drain(&mut caller), [], "he is inside");
}

#[test]
fn whoever_is_not_let_in_hears_so_and_is_hung_up() {
    let mut caller = at_door(room(None), LOBBY);
    drain(&mut caller);

    caller.on_sent_away(NOW);
    assert_eq!(drain(&mut caller), [once(speech::not_let_in())]);
    caller.on_let_in();
    caller.on_played(NOW);
    assert_eq!(drain(&mut caller), [Output::HangUp]);
}

#[test]
fn the_lobby_holds_the_public_too_and_lets_those_expected_and_moderators_through() {
    let at_door = |known| drain(&mut Entrance::new(room(None), known, LOBBY, NOW));
    assert_eq!(
        at_door(Known::Told(Role::Listener)),
        [Output::Knock(Role::Listener), once(speech::lobby_wait())]
    );
    for known in [
        Known::Expected(Role::Listener),
        Known::Stranger(Role::Moderator),
    ] {
        let role = match known {
            Known::Expected(role) | Known::Told(role) | Known::Stranger(role) => role,
        };
        assert_eq!(at_door(known), [Output::Join(role)]);
    }
}

#[test]
fn before_the_start_nobody_is_bothered_and_a_lobby_that_is_given_up_lets_its_people_in() {
    let early = Around {
        opens_at: Some(NOW + Span::minutes(5)),
        ..LOBBY
    };
    let mut caller = at_door(room(None), early);
    assert_eq!(drain(&mut caller), [once(speech::not_begun())]);
    caller.handle_timeout(NOW + Span::minutes(5));
    assert_eq!(
        drain(&mut caller),
        [Output::Knock(Role::Speaker), once(speech::lobby_wait())]
    );

    caller.on_lobby(false);
    assert_eq!(drain(&mut caller), [Output::Join(Role::Speaker)]);
}

#[test]
fn who_comes_by_a_number_told_to_the_public_needs_no_pin_and_stays_out_of_a_locked_room() {
    let told = |around| {
        let known = Known::Told(Role::Listener);
        drain(&mut Entrance::new(room(Some("1234")), known, around, NOW))
    };
    let locked = Around {
        locked: true,
        ..AROUND
    };

    assert_eq!(told(AROUND), [Output::Join(Role::Listener)]);
    assert_eq!(told(locked), [once(speech::locked_out())]);
}

fn invited(n: u8, invitee: Invitee) -> Invitation {
    Invitation::new(
        InvitationId::new(NOW, [n; 10]),
        OccurrenceId::new(NOW, [n; 10]),
        invitee,
        Role::Speaker,
        NOW,
    )
}

#[test]
fn whoever_calls_back_is_found_by_his_line_or_his_number() {
    let employee = EmployeeId::new(NOW, [5; 10]);
    let mobile: PhoneNumber = "+79162041138".parse().unwrap();
    let own = [mobile.clone()];
    let his = invited(1, Invitee::Employee(employee));
    let expected = [Expected {
        invitation: &his,
        numbers: &own,
    }];
    let found = |caller: Caller| way_back(&caller, &expected).map(|invitation| invitation.id);

    assert_eq!(found(Caller::Employee(employee)), Some(his.id));
    let spelt = "8 (916) 204-11-38".parse().unwrap();
    assert_eq!(found(Caller::Number(spelt)), Some(his.id));
    assert_eq!(found(Caller::Number("+79990000000".parse().unwrap())), None);
    assert_eq!(found(Caller::Unknown), None);
}

#[test]
fn whoever_was_taken_out_does_not_come_back_by_calling() {
    let mobile: PhoneNumber = "+79162041138".parse().unwrap();
    let own = [mobile.clone()];
    let outside = Invitee::Outside {
        name: None,
        number: mobile.clone(),
    };
    let mut his = invited(1, outside);
    let member = MemberId::new(NOW, [1; 10]);
    let rules = RetryRules::default();
    let terms = Terms {
        rules: &rules,
        starts_at: NOW,
        ends_at: NOW + Span::minutes(60),
    };
    his.on_called_in(member, NOW);
    his.on_left(member, crate::attempt::LeaveWay::Moderator, terms, NOW);
    let expected = [Expected {
        invitation: &his,
        numbers: &own,
    }];

    assert_eq!(way_back(&Caller::Number(mobile), &expected), None);
}
