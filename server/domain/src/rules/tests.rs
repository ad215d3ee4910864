//! The rules, and what they refuse to be.

use super::*;

const NOW: Millis = Millis(1_000_000);

fn count(times: u32) -> Count {
    Count {
        times,
        busy_since: NOW,
        network_rounds: times,
    }
}

fn waits(outcome: Outcome) -> Vec<i64> {
    let rules = RetryRules::default();
    let wait = |times| match rules.next(outcome, Row::Unlisted, count(times), NOW) {
        Decision::Wait { until, .. } => Some((until - NOW).as_seconds()),
        Decision::Stop { .. } => None,
    };
    (1..=5).map_while(wait).collect()
}

#[test]
fn the_defaults_are_the_products() {
    assert_eq!(waits(Outcome::Offline), [300, 300]);
    assert_eq!(waits(Outcome::NoAnswer), [60, 180]);
    assert_eq!(waits(Outcome::Unknown), [60, 180]);
    assert_eq!(waits(Outcome::NotConfirmed), [300]);
    assert_eq!(waits(Outcome::Dropped), [5]);
    assert_eq!(waits(Outcome::Network), [10, 20, 30, 30, 30]);
    assert_eq!(waits(Outcome::Busy), [20, 20, 20, 20, 20]);
    assert_eq!(waits(Outcome::Declined), [0; 0]);
    assert_eq!(waits(Outcome::Invalid), [0; 0]);
    RetryRules::default().check().unwrap();
}

#[test]
fn knocking_slows_down_after_two_minutes() {
    let rules = RetryRules::default();
    let wait = |busy_for: Span, row| {
        let busy = Count {
            busy_since: NOW - busy_for,
            ..count(1)
        };
        rules.next(Outcome::Busy, row, busy, NOW)
    };
    let knock = |span| Decision::Wait {
        until: NOW + span,
        why: Why::Busy,
    };

    assert_eq!(wait(Span(119_999), Row::Busy486), knock(Span::seconds(20)));
    assert_eq!(wait(Span(120_000), Row::Busy486), knock(Span::seconds(45)));
    assert_eq!(
        wait(Span::ZERO, Row::BusyEverywhere600),
        knock(Span::seconds(45))
    );
}

#[test]
fn each_end_has_its_last_act() {
    let rules = RetryRules::default();
    let act = |outcome, row| match rules.next(outcome, row, count(9), NOW) {
        Decision::Stop { act, .. } => Some(act),
        Decision::Wait { .. } => None,
    };

    assert_eq!(
        act(Outcome::Offline, Row::Cause20),
        Some(LastAct::AnnounceOffline)
    );
    assert_eq!(
        act(Outcome::NoAnswer, Row::TimeoutRang),
        Some(LastAct::SendRoomNumber)
    );
    assert_eq!(
        act(Outcome::Declined, Row::Declined603),
        Some(LastAct::SendJoinLater)
    );
    assert_eq!(
        act(Outcome::Declined, Row::Unwanted),
        Some(LastAct::Nothing)
    );
    assert_eq!(
        act(Outcome::Invalid, Row::InvalidCode),
        Some(LastAct::TellOrganiser)
    );
    assert_eq!(act(Outcome::Busy, Row::Busy486), None);
    assert_eq!(act(Outcome::Network, Row::ServerFailure), None);
}

#[test]
fn rules_are_written_in_part_and_the_rest_is_the_default() {
    let rules: RetryRules = toml::from_str("ring_ms = 2000\n[offline]\nwait_ms = 500\n").unwrap();

    assert_eq!(rules.ring_ms, Span(2_000));
    assert_eq!(rules.offline.wait_ms, Span(500));
    assert_eq!(rules.offline.tries, 2);
    assert_eq!(rules.busy, BusyRule::default());
    assert!(toml::from_str::<RetryRules>("rings = 1").is_err());
    assert!(toml::from_str::<RetryRules>("[offline]\nwait = 1").is_err());
}

#[test]
fn rules_of_before_there_were_last_acts_to_choose_mean_what_they_meant() {
    let offline = |text: &str| {
        let rules: RetryRules = serde_json::from_str(text).unwrap();
        rules.offline.last_act
    };
    assert_eq!(offline("{}"), LastAct::AnnounceOffline);
    assert_eq!(
        offline(r#"{"offline":{"announce":false}}"#),
        LastAct::TellOrganiser
    );
    assert_eq!(
        offline(r#"{"offline":{"announce":true,"last_act":"nothing"}}"#),
        LastAct::Nothing
    );
}

#[test]
fn the_last_act_can_be_chosen_where_it_makes_sense() {
    let mut rules = RetryRules::default();
    rules.no_answer.last_act = LastAct::TellOrganiser;
    rules.check().unwrap();
    let act = match rules.next(Outcome::NoAnswer, Row::TimeoutRang, count(9), NOW) {
        Decision::Stop { act, .. } => Some(act),
        Decision::Wait { .. } => None,
    };
    assert_eq!(act, Some(LastAct::TellOrganiser));

    rules.declined.last_act = LastAct::AnnounceOffline;
    assert_eq!(rules.check().unwrap_err().field, "declined.last_act");
}

#[test]
fn a_rule_that_cannot_be_followed_is_named() {
    let mut rules = RetryRules::default();
    rules.busy.wait_ms = Span(-1);
    assert_eq!(rules.check().unwrap_err().field, "busy.wait_ms");

    let mut rules = RetryRules::default();
    rules.network.round_waits_ms.clear();
    assert_eq!(rules.check().unwrap_err().field, "network.round_waits_ms");

    let mut rules = RetryRules::default();
    rules.offline.tries = 1_000;
    assert_eq!(
        rules.check().unwrap_err().to_string(),
        "offline.tries: 1000 tries are more than 100"
    );
}
