//! What is known of a line, on virtual time.

use super::*;

const NOW: Millis = Millis(10_000_000);
const HOUR: Millis = Millis(13_600_000);

fn after(seconds: i64) -> Millis {
    NOW + Span::seconds(seconds)
}

fn registered() -> Line {
    let mut line = Line::default();
    line.add(Evidence::registered(NOW, HOUR), NOW);
    line
}

fn outcome(line: &mut Line, state: LineState, now: Millis) -> Option<Change> {
    line.add(Evidence::outcome(state, now, "cause 20".to_owned()), now)
}

fn state(line: &Line, now: Millis) -> LineState {
    line.state(now).state
}

#[test]
fn nothing_known_is_unknown_and_never_free() {
    let line = Line::default();

    assert_eq!(state(&line, NOW), LineState::Unknown);
    assert_eq!(line.state(NOW).winner, None);
}

#[test]
fn a_registration_makes_it_free_until_it_expires() {
    let line = registered();

    assert_eq!(state(&line, NOW), LineState::Free);
    assert_eq!(line.next_change(NOW), Some(HOUR));
    assert_eq!(state(&line, HOUR - Span(1)), LineState::Free);
    assert_eq!(state(&line, HOUR), LineState::Unknown);
}

#[test]
fn an_outcome_counts_for_two_minutes_to_the_millisecond() {
    let mut line = registered();
    outcome(&mut line, LineState::Busy, NOW);

    assert_eq!(state(&line, NOW + Span(119_999)), LineState::Busy);
    assert_eq!(state(&line, NOW + Span(120_000)), LineState::Free);
    assert_eq!(line.next_change(NOW), Some(after(120)));
}

#[test]
fn the_freshest_of_the_highest_confidence_wins() {
    let mut line = registered();
    outcome(&mut line, LineState::Busy, NOW);
    // Fresher, but no more than likely.
    line.add(Evidence::registered(after(10), HOUR), after(10));
    assert_eq!(state(&line, after(10)), LineState::Busy);
    // Equally sure, and fresher.
    let mut told = Evidence::outcome(LineState::Free, after(20), String::new());
    told.source = Source::Operator;
    line.add(told, after(20));
    assert_eq!(state(&line, after(20)), LineState::Free);
    // Exact.
    line.call("a", LineState::Busy, after(30), "talks to 101");
    let view = line.state(after(30));
    assert_eq!(view.state, LineState::Busy);
    assert_eq!(view.winner.unwrap().detail, "talks to 101");
}

#[test]
fn our_own_call_is_exact_while_it_lasts_and_its_end_frees_the_line() {
    let mut line = registered();
    line.call("a", LineState::Busy, NOW, "");
    outcome(&mut line, LineState::Busy, after(5));
    assert_eq!(state(&line, after(3_000)), LineState::Busy);

    assert_eq!(line.call_ended("a", after(40)), Some(Change::Freed));

    assert_eq!(state(&line, after(40)), LineState::Free);
    assert_eq!(line.call_ended("a", after(41)), None);
}

#[test]
fn the_end_of_one_of_two_calls_frees_nothing() {
    let mut line = registered();
    line.call("a", LineState::Busy, NOW, "");
    line.call("b", LineState::Busy, NOW, "");

    assert_eq!(line.call_ended("a", after(1)), None);
    assert_eq!(line.call_ended("b", after(2)), Some(Change::Freed));
}

#[test]
fn a_ring_that_ends_is_no_call_that_ended() {
    let mut line = registered();
    line.call("a", LineState::Ringing, NOW, "");

    assert_eq!(line.call_ended("a", after(30)), None);
}

#[test]
fn a_phone_that_unregisters_is_offline_until_it_is_back() {
    let mut line = registered();
    line.add(Evidence::unregistered(after(60), "unregistered"), after(60));
    assert_eq!(state(&line, HOUR + Span::minutes(600)), LineState::Offline);

    let back = line.add(Evidence::registered(after(90), HOUR), after(90));

    assert_eq!(back, Some(Change::Returned));
    assert_eq!(state(&line, after(90)), LineState::Free);
}

#[test]
fn a_return_is_noticed_after_the_outcome_has_faded_too() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Offline, NOW);
    assert_eq!(state(&line, after(240)), LineState::Unknown);

    let back = line.add(Evidence::registered(after(240), HOUR), after(240));

    assert_eq!(back, Some(Change::Returned));
}

#[test]
fn a_registration_that_is_refreshed_is_no_return() {
    let mut line = registered();
    outcome(&mut line, LineState::Offline, after(10));

    for minute in 1..5 {
        let now = after(60 * minute);
        assert_eq!(line.add(Evidence::registered(now, HOUR), now), None);
    }
}

#[test]
fn whatever_comes_from_the_line_itself_clears_offline() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Offline, NOW);

    assert_eq!(line.seen(after(1)), Some(Change::Returned));
    assert_eq!(state(&line, after(1)), LineState::Unknown);
    assert_eq!(line.seen(after(2)), None);
    outcome(&mut line, LineState::Offline, after(3));
    let calls = line.call("in", LineState::Busy, after(4), "");
    assert_eq!(calls, Some(Change::Returned));
}

#[test]
fn what_only_fades_is_no_event() {
    let mut line = registered();
    outcome(&mut line, LineState::Busy, NOW);
    line.prune(after(500));

    let refreshed = line.add(Evidence::registered(after(500), HOUR), after(500));

    assert_eq!(refreshed, None);
    assert_eq!(state(&line, after(500)), LineState::Free);
}

#[test]
fn evidence_from_the_future_or_already_stale_is_refused() {
    let mut line = registered();

    line.add(
        Evidence::outcome(LineState::Busy, after(60), String::new()),
        NOW,
    );
    line.add(
        Evidence::outcome(LineState::Busy, NOW, String::new()),
        after(120),
    );

    assert_eq!(state(&line, NOW), LineState::Free);
    assert_eq!(line.state(NOW).evidence.len(), 1);
}

#[test]
fn late_evidence_does_not_replace_fresher_of_its_source() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Free, after(10));

    let late = Evidence::outcome(LineState::Busy, NOW, String::new());
    line.add(late, after(11));

    assert_eq!(state(&line, after(11)), LineState::Free);
}

#[test]
fn do_not_disturb_lies_over_the_state() {
    let mut line = registered();
    line.set_dnd(true, Some(after(60)));

    let view = line.state(NOW);
    assert!(view.dnd && view.state == LineState::Free);
    assert_eq!(line.next_change(NOW), Some(after(60)));
    assert!(!line.state(after(60)).dnd);
    line.set_dnd(true, None);
    assert!(line.state(HOUR).dnd);
    line.set_dnd(false, None);
    assert!(!line.state(HOUR).dnd);
}
