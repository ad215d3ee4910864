//! Calls through a proxy that records its route: every request of a call, of either
//! side, goes through it, and so does whatever the server sends to a phone behind it.

use tests::{server, wait};

use crate::{
    house::{House, OLEG, TONES},
    kamailio::Kamailio,
    sipp::{Scenario, Sipp},
};

/// A house, the proxy in front of it, and a phone that registered through the proxy.
fn behind_a_proxy() -> (House, Kamailio, Sipp) {
    let house = House::open();
    let own = server::free_address();
    let proxy = Kamailio::start(house.folder(), own, house.sip());
    let mut phone = Sipp::new(house.folder(), own, OLEG.user, OLEG.secret, TONES[2]);
    let mut run = phone.run(Scenario::Register, "");
    assert!(run.finished(wait::LONG), "{}", run.trace());
    let path = format!("Path: <sip:{own};lr>");
    assert!(
        run.trace().contains(&path),
        "no {path} in:\n{}",
        run.trace()
    );
    (house, proxy, phone)
}

#[test]
fn a_phone_behind_a_proxy_calls_holds_resumes_and_leaves() {
    let (house, _proxy, mut phone) = behind_a_proxy();

    let mut call = phone.run(Scenario::CallHoldLeave, "9000");

    assert!(call.finished(wait::LONG), "{}", call.trace());
    house.wait_for_members("9000", 0);
}

#[test]
fn a_phone_behind_a_proxy_is_called_and_requests_go_both_ways() {
    let (mut house, _proxy, mut phone) = behind_a_proxy();
    let mut call = phone.run(Scenario::AnswerHold, "");

    house.call_the_roll("9000", &[OLEG]);
    house.wait_until_in_room(OLEG);
    phone.audio.wait_for_sound();
    wait::until("the phone to hold and resume", wait::LONG, || {
        call.trace().contains("CSeq: 2 ACK").then_some(())
    });
    // A server that comes back asks by re-INVITE whether the phone is still there.
    house.crash();
    house.wait_until_in_room(OLEG);
    house.end_meeting();

    assert!(call.finished(wait::LONG), "{}", call.trace());
}

#[test]
fn a_phone_behind_a_proxy_that_was_called_hangs_up() {
    let (mut house, _proxy, mut phone) = behind_a_proxy();
    let mut call = phone.run(Scenario::AnswerLeave, "");

    house.call_the_roll("9000", &[OLEG]);

    assert!(call.finished(wait::LONG), "{}", call.trace());
    house.end_meeting();
}

#[test]
fn a_ring_behind_a_proxy_is_cancelled_at_the_phone() {
    let (mut house, _proxy, mut phone) = behind_a_proxy();
    let mut ringing = phone.run(Scenario::RingOutProxied, "");
    house.call_the_roll("9000", &[OLEG]);
    house.wait_until_ringing(OLEG);

    house.stop(OLEG);

    assert!(ringing.finished(wait::LONG), "{}", ringing.trace());
    house.end_meeting();
}

#[test]
fn an_operator_is_reached_and_reaches_us_through_his_proxy() {
    let (own, at) = (server::free_address(), server::free_address());
    let mut house = House::open_with(&format!(
        "[[trunks]]\nname = \"Operator\"\naddress = \"{at}\"\nproxy = \"{own}\"\n\
         caller_number = \"+74951204040\"\n\
         [[numbers]]\nnumber = \"+74951204040\"\nroom = \"9000\"\n"
    ));
    let _proxy = Kamailio::start(house.folder(), own, house.sip());
    let mut operator = Sipp::at(at, house.folder(), own, "operator", "", TONES[2]);

    let mut call = operator.run(Scenario::AnswerLeave, "");
    house.call_outside("9000", "+79160000001");
    assert!(call.finished(wait::LONG), "{}", call.trace());
    let trace = call.trace();
    let asked = format!("INVITE sip:+79160000001@{at} SIP/2.0");
    assert!(trace.contains(&asked), "no {asked} in:\n{trace}");
    house.end_meeting();

    let mut call = operator.run(Scenario::Deliver, "+74951204040");
    assert!(call.finished(wait::LONG), "{}", call.trace());
}
