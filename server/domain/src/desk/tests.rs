//! Calls at the desk.

use super::*;
use crate::speech;

fn zone() -> Zone {
    "Europe/Moscow".parse().unwrap()
}

/// A Tuesday, 11 o'clock in Moscow.
fn now() -> Millis {
    at("2026-11-24T11:00")
}

fn at(local: &str) -> Millis {
    let local: LocalTime = local.parse().unwrap();
    local.resolve(zone()).unwrap().at
}

fn visitor(lists: &[&str]) -> Visitor {
    Visitor {
        employee: EmployeeId::new(Millis(0), [1; 10]),
        name: "Irina Belova".to_owned(),
        zone: zone(),
        lists: lists.iter().map(|list| (*list).to_owned()).collect(),
    }
}

fn known(lists: &[&str]) -> Desk {
    let mut desk = Desk::service(Some(visitor(lists)), zone(), now());
    drain(&mut desk);
    desk
}

fn drain(desk: &mut Desk) -> Vec<Output> {
    std::iter::from_fn(|| desk.poll_output()).collect()
}

fn press(desk: &mut Desk, keys: &str) -> Vec<Output> {
    for key in keys.chars() {
        desk.on_digit(key, now());
    }
    drain(desk)
}

fn heard(phrases: Vec<Phrase>) -> [Output; 1] {
    [Output::Play(phrases)]
}

fn wanted(starts: &str, minutes: i64, list: Option<usize>) -> Wanted {
    Wanted {
        starts: starts.parse().unwrap(),
        lasts: Span::minutes(minutes),
        list,
    }
}

#[test]
fn a_notice_is_heard_once_and_then_the_call_is_over() {
    let mut desk = Desk::notice(speech::event_over(), now());
    assert_eq!(drain(&mut desk), heard(speech::event_over()));

    desk.on_played(now());
    assert_eq!(drain(&mut desk), [Output::HangUp]);
    desk.on_played(now());
    desk.handle_timeout(now() + PARTING_LIMIT);
    assert_eq!(drain(&mut desk), []);
}

#[test]
fn a_notice_nobody_reports_as_heard_ends_all_the_same() {
    let mut desk = Desk::notice(speech::event_over(), now());
    drain(&mut desk);

    desk.handle_timeout(desk.poll_timeout().unwrap());

    assert_eq!(drain(&mut desk), [Output::HangUp]);
}

#[test]
fn a_meeting_is_keyed_in_read_back_and_saved() {
    let mut desk = known(&["Dealers", "Drivers"]);

    assert_eq!(press(&mut desk, "1"), heard(says::date()));
    assert_eq!(press(&mut desk, "2#"), heard(says::time()));
    assert_eq!(press(&mut desk, "0930"), heard(says::length()));
    let lists = ["Dealers".to_owned(), "Drivers".to_owned()];
    assert_eq!(press(&mut desk, "45#"), heard(says::lists(&lists)));
    assert_eq!(
        press(&mut desk, "2"),
        heard(says::read_back(
            at("2026-11-25T09:30"),
            zone(),
            now(),
            Span::minutes(45),
            Some("Drivers")
        ))
    );
    assert_eq!(
        press(&mut desk, "1"),
        [Output::Save(wanted("2026-11-25T09:30", 45, Some(1)))]
    );
    let room = ShortNumber::parse("9000").unwrap();
    desk.on_saved(Ok(room.clone()), now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::saved(&room), says::main()))
    );
}

#[test]
fn the_date_is_today_tomorrow_or_the_next_of_its_day_and_month() {
    let date = |keyed| fields::date(keyed, now(), zone()).map(|date| date.to_string());

    assert_eq!(date("1").as_deref(), Some("2026-11-24"));
    assert_eq!(date("2").as_deref(), Some("2026-11-25"));
    assert_eq!(date("2412").as_deref(), Some("2026-12-24"));
    assert_eq!(date("2311").as_deref(), Some("2027-11-23"));
    for wrong in ["", "3", "3102", "9999", "24122"] {
        assert_eq!(date(wrong), None, "{wrong}");
    }
}

#[test]
fn a_time_that_is_over_leads_back_to_the_date() {
    let mut desk = known(&[]);
    press(&mut desk, "11#");

    assert_eq!(
        press(&mut desk, "1000"),
        heard(joined(says::past(), says::date()))
    );
    press(&mut desk, "1#");
    assert_eq!(
        press(&mut desk, "930#"),
        heard(joined(says::past(), says::date()))
    );
}

#[test]
fn without_lists_nobody_is_asked_whom_to_call() {
    let mut desk = known(&[]);
    press(&mut desk, "11#1200");

    press(&mut desk, "30#");

    assert_eq!(
        press(&mut desk, "1"),
        [Output::Save(wanted("2026-11-24T12:00", 30, None))]
    );
}

#[test]
fn what_makes_no_sense_is_asked_again_and_the_third_time_he_is_hung_up() {
    let mut desk = known(&[]);
    press(&mut desk, "1");

    assert_eq!(
        press(&mut desk, "3102"),
        heard(joined(says::no_date(), says::date()))
    );
    desk.on_played(now());
    desk.handle_timeout(now() + KEY_LIMIT);
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::no_date(), says::date()))
    );
    assert_eq!(press(&mut desk, "0000"), heard(says::goodbye()));
    desk.on_played(now());
    assert_eq!(drain(&mut desk), [Output::HangUp]);
}

#[test]
fn a_star_leads_back_to_the_choice_and_two_begins_anew() {
    let mut desk = known(&[]);

    assert_eq!(press(&mut desk, "1*"), {
        let mut both = heard(says::date()).to_vec();
        both.extend(heard(says::main()));
        both
    });
    press(&mut desk, "12#1200");
    press(&mut desk, "30#");
    assert_eq!(press(&mut desk, "2"), heard(says::date()));
}

#[test]
fn a_stranger_says_who_he_is_by_extension_and_pin_and_is_counted() {
    let mut desk = Desk::service(None, zone(), now());
    assert_eq!(drain(&mut desk), heard(says::welcome_stranger()));

    assert_eq!(press(&mut desk, "204#"), heard(says::pin()));
    assert_eq!(
        press(&mut desk, "1234#"),
        [Output::Identify {
            extension: "204".to_owned(),
            pin: "1234".to_owned()
        }]
    );
    desk.on_identified(None, now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::does_not_fit(), says::extension()))
    );
    press(&mut desk, "204#4711#");
    desk.on_identified(Some(visitor(&[])), now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::welcome(), says::main()))
    );

    let mut guesser = Desk::service(None, zone(), now());
    drain(&mut guesser);
    for guess in ["1111", "2222", "3333"] {
        press(&mut guesser, &format!("204#{guess}#"));
        guesser.on_identified(None, now());
    }
    assert_eq!(
        drain(&mut guesser).last(),
        Some(&Output::Play(speech::pin_locked()))
    );
    assert_eq!(press(&mut guesser, "204#"), []);
}

#[test]
fn his_next_meetings_are_read_out_and_his_own_are_cancelled() {
    let mut desk = known(&[]);
    let mine = |n: u8, own| Mine {
        meeting: MeetingId::new(Millis(0), [n; 10]),
        title: format!("Meeting {n}"),
        starts_at: at("2026-11-25T10:00"),
        room: ShortNumber::parse("9000").unwrap(),
        own,
    };
    assert_eq!(press(&mut desk, "2"), [Output::Mine]);
    desk.on_mine(vec![mine(1, false), mine(2, true)], now());
    assert_eq!(
        drain(&mut desk),
        heard(says::mine(&mine(1, false), zone(), now()))
    );

    assert_eq!(
        press(&mut desk, "7"),
        heard(says::mine(&mine(1, false), zone(), now())),
        "another's is not his to cancel"
    );
    press(&mut desk, "#");
    assert_eq!(
        press(&mut desk, "7"),
        [Output::Cancel(mine(2, true).meeting)]
    );
    desk.on_cancelled(true, now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::cancelled(true), says::main()))
    );

    press(&mut desk, "2");
    desk.on_mine(Vec::new(), now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::no_more(false), says::main()))
    );
}

/// At the desk, asked for his name, and having heard that.
fn naming() -> Desk {
    let mut desk = known(&[]);
    assert_eq!(press(&mut desk, "3"), heard(says::say_your_name()));
    assert_eq!(press(&mut desk, "#"), [], "he has not said it yet");
    desk.on_played(now());
    assert_eq!(drain(&mut desk), [Output::Record]);
    desk
}

#[test]
fn his_name_is_recorded_until_hash_and_played_back() {
    let mut desk = naming();
    assert_eq!(press(&mut desk, "#"), [Output::KeepName]);

    desk.on_recorded(Ok(()), now());

    let name = speech::in_own_voice(visitor(&[]).employee, speech::name("Irina Belova"));
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::name_kept(name), says::main()))
    );
}

#[test]
fn whoever_presses_no_hash_has_said_his_name_when_he_is_silent_or_time_is_up() {
    let after = |millis: i64| now() + Span(millis);
    let mut desk = naming();
    desk.on_talking(false, after(100));
    assert_eq!(
        desk.poll_timeout(),
        Some(now() + NAME_LIMIT),
        "he only stopped saying something else"
    );
    desk.on_talking(true, after(500));
    desk.on_talking(false, after(1_000));
    desk.on_talking(true, after(1_200));
    desk.on_talking(false, after(2_000));
    desk.handle_timeout(after(3_499));
    assert_eq!(drain(&mut desk), []);
    desk.handle_timeout(after(3_500));
    assert_eq!(drain(&mut desk), [Output::KeepName]);

    let mut desk = naming();
    desk.on_talking(true, after(500));
    desk.handle_timeout(now() + NAME_LIMIT);
    assert_eq!(drain(&mut desk), [Output::KeepName]);
}

#[test]
fn whoever_says_nothing_or_thinks_better_of_it_is_back_at_the_beginning() {
    let mut desk = naming();
    press(&mut desk, "#");
    desk.on_recorded(Err(NameLost::Silent), now());
    assert_eq!(
        drain(&mut desk),
        heard(joined(says::name_lost(), says::main()))
    );

    let mut desk = naming();
    assert_eq!(press(&mut desk, "*"), heard(says::main()));

    let mut desk = naming();
    press(&mut desk, "#");
    desk.on_recorded(Err(NameLost::Broken), now());
    assert_eq!(drain(&mut desk), heard(speech::out_of_order()));
}

#[test]
fn what_is_looked_up_in_vain_ends_the_call() {
    let mut desk = known(&[]);
    press(&mut desk, "2");

    desk.handle_timeout(desk.poll_timeout().unwrap());

    assert_eq!(drain(&mut desk), heard(speech::out_of_order()));
}
