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
    line.add(Evidence::outcome(state, now, Seen::Cause(20).here()), now)
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
    let mut told = Evidence::outcome(LineState::Free, after(20), Seen::NoAnswer.here());
    told.source = Source::Operator;
    line.add(told, after(20));
    assert_eq!(state(&line, after(20)), LineState::Free);
    // Exact.
    line.call("a", LineState::Busy, after(30), Seen::OurCall.here());
    let view = line.state(after(30));
    assert_eq!(view.state, LineState::Busy);
    assert_eq!(view.winner.unwrap().detail, Seen::OurCall.here());
}

#[test]
fn our_own_call_is_exact_while_it_lasts_and_its_end_frees_the_line() {
    let mut line = registered();
    line.call("a", LineState::Busy, NOW, Seen::OurCall.here());
    outcome(&mut line, LineState::Busy, after(5));
    assert_eq!(state(&line, after(3_000)), LineState::Busy);

    assert_eq!(line.call_ended("a", after(40)), Some(Change::Freed));

    assert_eq!(state(&line, after(40)), LineState::Free);
    assert_eq!(line.call_ended("a", after(41)), None);
}

#[test]
fn the_end_of_one_of_two_calls_frees_nothing() {
    let mut line = registered();
    line.call("a", LineState::Busy, NOW, Seen::OurCall.here());
    line.call("b", LineState::Busy, NOW, Seen::OurCall.here());

    assert_eq!(line.call_ended("a", after(1)), None);
    assert_eq!(line.call_ended("b", after(2)), Some(Change::Freed));
}

#[test]
fn a_ring_that_ends_is_no_call_that_ended() {
    let mut line = registered();
    line.call("a", LineState::Ringing, NOW, Seen::OurCall.here());

    assert_eq!(line.call_ended("a", after(30)), None);
}

#[test]
fn a_phone_that_unregisters_is_offline_until_it_is_back() {
    let mut line = registered();
    line.add(
        Evidence::unregistered(after(60), Seen::Unregistered),
        after(60),
    );
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
fn a_phone_that_goes_off_while_it_rings_in_vain_is_seen_to_return() {
    let mut line = registered();
    line.call("a", LineState::Ringing, NOW, Seen::OurCall.here());
    line.add(
        Evidence::unregistered(after(9), Seen::Unregistered),
        after(9),
    );
    line.call_ended("a", after(30));
    // It rang, and nobody came: that is the last word, and it is wrong.
    outcome(&mut line, LineState::Free, after(30));

    let back = line.add(Evidence::registered(after(300), HOUR), after(300));

    assert_eq!(back, Some(Change::Returned));
}

#[test]
fn a_phone_taken_up_for_another_call_while_ours_rings_is_seen_to_free() {
    let presence = |seen: Seen, at| Evidence::presence(seen.over("North"), at, HOUR);
    let mut line = registered();
    line.call("a", LineState::Ringing, NOW, Seen::OurCall.here());
    line.add(presence(Seen::OnThePhone, after(9)), after(9));
    line.call_ended("a", after(30));
    outcome(&mut line, LineState::Free, after(30));

    let free = line.add(presence(Seen::Open, after(300)), after(300));

    assert_eq!(free, Some(Change::Freed));
}

#[test]
fn whatever_comes_from_the_line_itself_clears_offline() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Offline, NOW);

    assert_eq!(line.seen(after(1)), Some(Change::Returned));
    assert_eq!(state(&line, after(1)), LineState::Unknown);
    assert_eq!(line.seen(after(2)), None);
    outcome(&mut line, LineState::Offline, after(3));
    let calls = line.call("in", LineState::Busy, after(4), Seen::OurCall.here());
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
        Evidence::outcome(LineState::Busy, after(60), Seen::NoAnswer.here()),
        NOW,
    );
    line.add(
        Evidence::outcome(LineState::Busy, NOW, Seen::NoAnswer.here()),
        after(120),
    );

    assert_eq!(state(&line, NOW), LineState::Free);
    assert_eq!(line.state(NOW).evidence.len(), 1);
}

#[test]
fn late_evidence_does_not_replace_fresher_of_its_source() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Free, after(10));

    let late = Evidence::outcome(LineState::Busy, NOW, Seen::NoAnswer.here());
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

fn operator(state: OperatorState, at: Millis) -> Evidence {
    Evidence::operator(state, "North", at)
}

/// What others say, row by row.
#[test]
fn every_signal_of_others_means_what_the_table_says() {
    let reg = |seen: Seen| Evidence::reg_event(seen.over("North"), NOW, HOUR);
    let dialog = |seen: Seen| Evidence::dialog_event(seen.over("North"), NOW, HOUR);
    let presence = |seen: Seen| Evidence::presence(seen.here(), NOW, HOUR);
    for (evidence, state, until) in [
        (reg(Seen::Registered), LineState::Free, HOUR),
        (reg(Seen::Unregistered), LineState::Offline, HOUR),
        (reg(Seen::Probation(30)), LineState::Offline, after(30)),
        (reg(Seen::NotRegistered), LineState::Unknown, HOUR),
        (dialog(Seen::Talks), LineState::Busy, HOUR),
        (dialog(Seen::Rings), LineState::Ringing, HOUR),
        (dialog(Seen::NoCall), LineState::Unknown, HOUR),
        (presence(Seen::Closed), LineState::Offline, HOUR),
        (presence(Seen::OnThePhone), LineState::Busy, HOUR),
        (presence(Seen::Open), LineState::Free, HOUR),
        (
            operator(OperatorState::AssumedIdle, NOW),
            LineState::Free,
            after(60),
        ),
        (
            operator(OperatorState::CamelBusy, NOW),
            LineState::Busy,
            after(60),
        ),
        (
            operator(OperatorState::NetDetNotReachable, NOW),
            LineState::Offline,
            after(60),
        ),
        (
            operator(OperatorState::NotProvidedFromVlr, NOW),
            LineState::Unknown,
            after(60),
        ),
        (
            operator(OperatorState::Connected, NOW),
            LineState::Unknown,
            after(60),
        ),
        (
            operator(OperatorState::Absent, NOW),
            LineState::Offline,
            after(60),
        ),
    ] {
        let mut line = Line::default();
        line.add(evidence.clone(), NOW);
        assert_eq!(state, line.state(NOW).state, "{evidence:?}");
        assert_eq!(evidence.until, Some(until), "{evidence:?}");
    }
}

#[test]
fn no_call_and_registered_is_free_and_no_call_alone_is_unknown() {
    let none = || Evidence::dialog_event(Seen::NoCall.over("North"), after(5), HOUR);
    let talks = Evidence::dialog_event(Seen::Talks.over("North"), NOW, HOUR);
    let mut line = registered();
    line.add(talks.clone(), NOW);
    assert_eq!(state(&line, NOW), LineState::Busy);
    assert_eq!(line.add(none(), after(5)), Some(Change::Freed));
    assert_eq!(state(&line, after(5)), LineState::Free);

    let mut line = Line::default();
    line.add(talks, NOW);
    assert_eq!(line.add(none(), after(5)), Some(Change::Freed));
    assert_eq!(state(&line, after(5)), LineState::Unknown);
}

#[test]
fn the_end_of_somebody_elses_call_outdoes_the_busy_that_we_met() {
    let mut line = Line::default();
    line.add(
        Evidence::dialog_event(Seen::Talks.over("North"), NOW, HOUR),
        NOW,
    );
    outcome(&mut line, LineState::Busy, after(1));

    let none = Evidence::dialog_event(Seen::NoCall.over("North"), after(9), HOUR);

    assert_eq!(line.add(none, after(9)), Some(Change::Freed));
    assert_eq!(state(&line, after(9)), LineState::Unknown);
}

#[test]
fn a_busy_that_we_met_is_over_when_the_operator_says_idle() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Busy, NOW);

    let freed = line.add(operator(OperatorState::AssumedIdle, after(20)), after(20));

    assert_eq!(freed, Some(Change::Freed));
    assert_eq!(state(&line, after(20)), LineState::Free);
}

#[test]
fn an_operator_who_says_the_same_again_and_again_returns_nobody() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Offline, NOW);
    let idle = |at| operator(OperatorState::AssumedIdle, at);
    assert_eq!(line.add(idle(after(10)), after(10)), Some(Change::Returned));
    outcome(&mut line, LineState::Offline, after(20));
    for seconds in [30, 60, 120, 600] {
        let at = after(seconds);
        assert_eq!(line.add(idle(at), at), None, "{seconds}");
        line.prune(at);
    }

    let absent = operator(OperatorState::Absent, after(700));
    assert_eq!(line.add(absent, after(700)), None);
    assert_eq!(
        line.add(idle(after(730)), after(730)),
        Some(Change::Returned)
    );
}

#[test]
fn whoever_is_somewhere_is_called_though_nobody_says_how_he_is() {
    for back in [OperatorState::Connected, OperatorState::BackInNetwork] {
        let mut line = Line::default();
        outcome(&mut line, LineState::Offline, NOW);
        assert_eq!(
            line.add(operator(back, after(5)), after(5)),
            Some(Change::Returned)
        );
        assert_eq!(state(&line, after(5)), LineState::Unknown);
    }
}

#[test]
fn a_notice_that_is_older_than_what_we_know_changes_nothing() {
    let mut line = Line::default();
    outcome(&mut line, LineState::Offline, after(30));
    let late = operator(OperatorState::BackInNetwork, after(10));

    assert_eq!(line.add(late, after(31)), None);
    assert_eq!(state(&line, after(31)), LineState::Offline);
}

#[test]
fn a_line_on_probation_is_back_when_it_was_told_to_be() {
    let mut line = Line::default();
    let probation = Seen::Probation(30).over("North");
    line.add(Evidence::reg_event(probation, NOW, HOUR), NOW);

    assert_eq!(line.prune(after(29)), None);
    assert_eq!(state(&line, after(29)), LineState::Offline);
    assert_eq!(line.prune(after(30)), Some(Change::Returned));
    assert_eq!(line.prune(after(31)), None);
    assert_eq!(state(&line, after(31)), LineState::Unknown);
}

#[test]
fn what_another_registrar_says_leaves_the_registration_with_us_in_place() {
    let mut line = registered();
    let gone = Evidence::reg_event(Seen::Unregistered.over("North"), after(10), after(60));
    line.add(gone, after(10));

    let view = line.state(after(11));
    assert_eq!(view.state, LineState::Offline);
    let sources: Vec<Source> = view.evidence.iter().map(|piece| piece.source).collect();
    assert_eq!(sources, [Source::RegEvent, Source::Registration]);
    // Its word ends, and with it nothing else.
    line.withdraw(Source::RegEvent, after(20));
    assert_eq!(state(&line, after(20)), LineState::Free);
}

#[test]
fn a_line_hears_what_is_said_after_the_clock_was_set_back() {
    const BACK: Span = Span::minutes(60);
    let mut line = registered();
    outcome(&mut line, LineState::Offline, after(10));
    line.on_clock_set_back(BACK);
    let now = after(20) - BACK;
    assert_eq!(state(&line, now), LineState::Offline);
    assert_eq!(
        line.next_change(now),
        Some(after(130) - BACK),
        "it fades as it would have"
    );

    assert_eq!(
        line.add(Evidence::unregistered(now, Seen::Unregistered), now),
        None,
        "heard, though older than what was said by the old clock"
    );
    let change = line.add(Evidence::registered(now, HOUR), now + Span::seconds(1));

    assert_eq!(change, Some(Change::Returned));
    assert_eq!(state(&line, now + Span::seconds(1)), LineState::Free);
}
