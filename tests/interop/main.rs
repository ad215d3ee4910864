//! Real phones of three makes against a real server: SIPp, baresip and linphone; and
//! Kamailio as a proxy in between.
//!
//! They have no sound cards: each plays a tone of its own frequency, and what each
//! has heard is told by the frequencies in its recording. Nothing here waits for time
//! to pass; everything waits for an event, with a deadline that only a failure reaches.

mod baresip;
mod house;
mod kamailio;
mod linphone;
mod process;
mod proxied;
mod sipp;
mod sound;

use baresip::Baresip;
use house::{House, KATYA, LENA, OLEG, TONES};
use linphone::Linphone;
use sipp::{Scenario, Sipp};
use tests::wait;

fn katya_account() -> baresip::Account<'static> {
    baresip::Account {
        user: KATYA.user,
        secret: KATYA.secret,
        codec: "G722/16000/1",
        tone_hz: TONES[0],
        encrypts: false,
    }
}

fn katya(house: &House) -> Baresip {
    Baresip::start(house.folder(), house.sip(), &katya_account())
}

fn lena_account() -> linphone::Account<'static> {
    linphone::Account {
        user: LENA.user,
        secret: LENA.secret,
        codec: "opus",
        tone_hz: TONES[1],
        encrypts: false,
    }
}

fn lena(house: &House) -> Linphone {
    Linphone::start(house.folder(), house.sip(), &lena_account())
}

fn oleg(house: &House) -> Sipp {
    let mut phone = Sipp::new(
        house.folder(),
        house.sip(),
        OLEG.user,
        OLEG.secret,
        TONES[2],
    );
    phone.register();
    phone
}

#[test]
fn three_makes_with_three_codecs_hear_exactly_the_other_two() {
    let house = House::open();
    let [katya_hz, lena_hz, oleg_hz] = TONES;
    let mut katya = katya(&house);
    let mut lena = lena(&house);
    let mut oleg = oleg(&house);

    katya.dial("9000");
    katya.wait_for("CALL_ESTABLISHED");
    lena.dial("9000", house.sip());
    lena.wait_for_audio();
    let mut call = oleg.run(Scenario::Call, "9000");
    house.wait_for_members("9000", 3);
    oleg.audio.wait_for_tones([katya_hz, lena_hz]);
    sound::wait_for_more(lena.recording());
    sound::wait_for_more(&katya.recording());

    // Each leaves by its own hand; SIPp is hung up on, as the last one in the room.
    lena.hang_up();
    katya.hang_up();
    katya.wait_for("CALL_CLOSED");
    house.wait_for_members("9000", 1);
    house.hang_up_all("9000");
    assert!(
        call.finished(wait::LONG),
        "SIPp's call went wrong:\n{}",
        call.trace()
    );
    house.wait_for_members("9000", 0);

    let heard = oleg.audio.heard();
    assert!(
        !sound::hears_itself(&heard, oleg_hz, [katya_hz, lena_hz]),
        "SIPp hears itself"
    );
    let heard = sound::heard_in(lena.recording());
    assert!(
        sound::heard_together(&heard, [katya_hz, oleg_hz]),
        "linphone heard {heard:?}"
    );
    assert!(
        !sound::hears_itself(&heard, lena_hz, [katya_hz, oleg_hz]),
        "linphone hears itself"
    );
    let heard = sound::heard_in(&katya.recording());
    assert!(
        sound::heard_together(&heard, [lena_hz, oleg_hz]),
        "baresip heard {heard:?}"
    );
    assert!(
        !sound::hears_itself(&heard, katya_hz, [lena_hz, oleg_hz]),
        "baresip hears itself"
    );
}

/// A phone that shows how others are and tells how its owner is.
fn katya_watching(house: &House, watched: &[&str]) -> Baresip {
    Baresip::start_watching(house.folder(), house.sip(), &katya_account(), watched)
}

#[test]
fn a_real_phone_shows_who_is_away_who_is_free_and_who_talks() {
    let house = House::open();
    let mut katya = katya_watching(&house, &[LENA.extension, OLEG.extension]);
    katya.wait_for_presence(LENA.extension, "Offline");

    let mut lena = lena(&house);
    katya.wait_for_presence(LENA.extension, "Online");
    katya.wait_for_presence(OLEG.extension, "Offline");
    lena.dial("9000", house.sip());
    house.wait_for_members("9000", 1);
    katya.wait_for_presence(LENA.extension, "Busy");
    lena.hang_up();
    katya.wait_for_presence(LENA.extension, "Online");
}

#[test]
fn a_real_phone_publishes_that_its_owner_is_away() {
    let house = House::open();
    let mut katya = katya_watching(&house, &[LENA.extension]);
    house.wait_for_evidence(KATYA, "presence", "open");
    katya.goes_away();
    house.wait_for_evidence(KATYA, "presence", "closed");
}

/// One calls the other's extension, they hear each other, and the caller hangs up.
fn katya_calls_lena(mut katya: Baresip, mut lena: Linphone) {
    let [katya_hz, lena_hz, _] = TONES;
    katya.dial(LENA.extension);
    lena.answer(1);
    katya.wait_for("CALL_ESTABLISHED");
    sound::wait_for_more(lena.recording());
    sound::wait_for_more(&katya.recording());
    katya.hang_up();
    katya.wait_for("CALL_CLOSED");
    lena.wait_for_end(1);

    let heard = sound::heard_in(lena.recording());
    assert!(
        sound::ever_heard(&heard, katya_hz),
        "linphone heard {heard:?}"
    );
    let heard = sound::heard_in(&katya.recording());
    assert!(
        sound::ever_heard(&heard, lena_hz),
        "baresip heard {heard:?}"
    );
}

#[test]
fn an_extension_calls_an_extension_through_the_server() {
    let house = House::open();
    katya_calls_lena(katya(&house), lena(&house));
}

#[test]
fn phones_that_insist_on_encrypted_audio_call_and_are_called() {
    let house = House::open();
    let account = baresip::Account {
        encrypts: true,
        ..katya_account()
    };
    let katya = Baresip::start(house.folder(), house.sip(), &account);
    let account = linphone::Account {
        encrypts: true,
        ..lena_account()
    };
    let lena = Linphone::start(house.folder(), house.sip(), &account);
    katya_calls_lena(katya, lena);
}

#[test]
fn dialled_phones_join_are_busy_and_decline() {
    let mut house = House::open();
    let mut katya = katya(&house);
    let mut lena = lena(&house);
    let mut oleg = oleg(&house);
    // She talks to somebody the server knows nothing of, and takes one call at a time.
    let mut friend = Sipp::new(house.folder(), house.sip(), "friend", "", 440);
    let mut talk = friend.run(Scenario::Answer, "");
    katya.dial(&friend.uri());
    katya.wait_for("CALL_ESTABLISHED");
    let mut answering = oleg.run(Scenario::Answer, "");

    house.call_the_roll("9000", &[KATYA, LENA, OLEG]);
    lena.wait_for_ring(1);
    house.wait_until_ringing(LENA);
    lena.decline();

    assert_eq!(house.first_outcome(KATYA), "busy");
    assert_eq!(house.first_outcome(LENA), "declined");
    house.wait_until_in_room(OLEG);
    oleg.audio.wait_for_sound();
    // She has rung off, so that the next knock reaches her.
    katya.hang_up();
    assert!(talk.finished(wait::LONG), "{}", talk.trace());
    katya.wait_for("CALL_INCOMING");
    katya.accept();
    house.wait_until_in_room(KATYA);
    assert_eq!(lena.rung(), 1, "linphone was called again after declining");

    house.end_meeting();
    assert!(
        answering.finished(wait::LONG),
        "SIPp's call went wrong:\n{}",
        answering.trace()
    );
    katya.wait_for_nth("CALL_CLOSED", 2);
}

#[test]
fn who_is_in_another_room_is_called_when_he_has_left_it() {
    let mut house = House::open();
    let mut katya = katya(&house);
    katya.dial("9001");
    house.wait_for_members("9001", 1);

    house.call_the_roll("9000", &[KATYA]);
    house.wait_until_waiting(KATYA);
    assert!(katya.rung().is_empty(), "called while she was talking");
    katya.hang_up();
    katya.wait_for("CALL_INCOMING");
    katya.accept();

    house.wait_until_in_room(KATYA);
    house.end_meeting();
}

#[test]
fn a_phone_that_sipp_says_is_busy_or_declines_is_judged_so() {
    let mut house = House::open();
    let mut oleg = oleg(&house);
    for (scenario, outcome) in [(Scenario::Busy, "busy"), (Scenario::Decline, "declined")] {
        let mut run = oleg.run(scenario, "");
        house.call_the_roll("9000", &[OLEG]);

        assert_eq!(house.first_outcome(OLEG), outcome);

        house.end_meeting();
        assert!(run.finished(wait::LONG), "{}", run.trace());
    }
}

#[test]
fn a_ring_that_is_stopped_is_cancelled_at_the_phone() {
    let mut house = House::open();
    let mut oleg = oleg(&house);
    let mut ringing = oleg.run(Scenario::RingOut, "");
    house.call_the_roll("9000", &[OLEG]);
    house.wait_until_ringing(OLEG);

    house.stop(OLEG);

    assert!(ringing.finished(wait::LONG), "{}", ringing.trace());
    house.end_meeting();
}

#[test]
fn phones_ring_once_through_a_crash_and_the_meeting_goes_on() {
    let mut house = House::open();
    let mut katya = katya(&house);
    let mut lena = lena(&house);
    house.call_the_roll("9000", &[KATYA, LENA]);
    katya.wait_for("CALL_INCOMING");
    lena.wait_for_ring(1);
    house.wait_until_ringing(KATYA);
    house.wait_until_ringing(LENA);

    house.crash();

    house.wait_until_ringing(KATYA);
    house.wait_until_ringing(LENA);
    katya.accept();
    katya.wait_for("CALL_ESTABLISHED");
    lena.answer(1);
    house.wait_until_in_room(KATYA);
    house.wait_until_in_room(LENA);
    assert_eq!(
        katya.rung().len(),
        1,
        "baresip was called {:?}",
        katya.rung()
    );
    assert_eq!(lena.rung(), 1, "linphone rang more than once");
    house.wait_for_members("9000", 2);
    house.end_meeting();
    katya.wait_for("CALL_CLOSED");
}
