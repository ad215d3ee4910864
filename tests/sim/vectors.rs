//! The line state table, row by row: what a call's facts come to.

use domain::{
    Outcome::{self, *},
    Span,
    decode::{self, CallFacts, Fingerprint, Profile, Q850, Row, Way},
    line::LineState::{self, Busy as LineBusy, Free, Offline as LineOffline},
};

/// One vector: the facts in words, the facts, and what they come to.
struct Vector {
    said: &'static str,
    facts: CallFacts,
    outcome: Outcome,
    row: Row,
    line: Option<LineState>,
}

fn vector(
    said: &'static str,
    facts: CallFacts,
    outcome: Outcome,
    row: Row,
    line: Option<LineState>,
) -> Vector {
    Vector {
        said,
        facts,
        outcome,
        row,
        line,
    }
}

/// A code alone, half a second after the INVITE.
fn code(code: u16) -> CallFacts {
    CallFacts {
        final_code: Some(code),
        ended_after_ms: Span(500),
        ..CallFacts::default()
    }
}

/// A code after so long a ring.
fn rang(ms: i64, final_code: u16) -> CallFacts {
    CallFacts {
        ringing_after_ms: Some(Span(1_000)),
        ended_after_ms: Span(1_000 + ms),
        ..code(final_code)
    }
}

/// A code after sound that never became ringing.
fn sounded(final_code: u16) -> CallFacts {
    CallFacts {
        early_media_after_ms: Some(Span(900)),
        ended_after_ms: Span(9_000),
        ..code(final_code)
    }
}

/// We gave up after 30 s.
fn gave_up(facts: CallFacts) -> CallFacts {
    CallFacts {
        timed_out_by_us: true,
        ..facts
    }
}

/// The same with a cause.
fn cause(cause: u8, facts: CallFacts) -> CallFacts {
    CallFacts {
        q850: Some(Q850 {
            cause,
            location_user: None,
        }),
        ..facts
    }
}

fn at_user(number: u8, at: bool, facts: CallFacts) -> CallFacts {
    CallFacts {
        q850: Some(Q850 {
            cause: number,
            location_user: Some(at),
        }),
        ..facts
    }
}

fn to_device(facts: CallFacts) -> CallFacts {
    CallFacts {
        way: Way::Device,
        ..facts
    }
}

fn retry_after(seconds: u32, facts: CallFacts) -> CallFacts {
    CallFacts {
        retry_after_s: Some(seconds),
        ..facts
    }
}

#[rustfmt::skip]
fn vectors() -> Vec<Vector> {
    let again = |facts| CallFacts { audio_only_before: true, ..facts };
    let no_100 = CallFacts { no_100: true, ..CallFacts::default() };
    let unsent = CallFacts { transport_error: true, ..CallFacts::default() };
    let mut vectors = vec![
        // Busy, or the red key.
        vector("486 alone before any 180",            code(486),                   Busy,     Row::Busy486,          Some(LineBusy)),
        vector("486 with 17 before any 180",          cause(17, code(486)),        Busy,     Row::Cause17,          Some(LineBusy)),
        vector("486 alone within 1 s of the 180",     rang(999, 486),              Busy,     Row::Busy486,          Some(LineBusy)),
        vector("486 with 17 within 1 s of the 180",   cause(17, rang(999, 486)),   Busy,     Row::Cause17,          Some(LineBusy)),
        vector("486 alone after 1 s of ringing",      rang(1_000, 486),            Declined, Row::Declined486,      Some(Free)),
        vector("486 with 17 after 1 s of ringing",    cause(17, rang(1_000, 486)), Declined, Row::Cause17Rang,      Some(Free)),
        vector("486 after 6 s of ringing",            rang(6_000, 486),            Declined, Row::Declined486,      Some(Free)),
        vector("17 with a code that says otherwise",  cause(17, code(503)),        Busy,     Row::Cause17,          Some(LineBusy)),
        vector("600",                                 code(600),                   Busy,     Row::BusyEverywhere600, Some(LineBusy)),
        vector("603",                                 code(603),                   Declined, Row::Declined603,      Some(Free)),
        vector("21 located at the user",              at_user(21, true, code(480)), Declined, Row::Cause21User,     Some(Free)),
        vector("21 located elsewhere, with 603",      at_user(21, false, code(603)), Declined, Row::Declined603,    Some(Free)),
        vector("21 unlocated after ringing",          cause(21, rang(4_000, 480)), Declined, Row::Cause21Rang,      Some(Free)),
        vector("21 unlocated before ringing",         cause(21, code(480)),        Unknown,  Row::Cause21Elsewhere, None),
        vector("607",                                 code(607),                   Declined, Row::Unwanted,         Some(Free)),
        vector("608",                                 code(608),                   Declined, Row::Unwanted,         Some(Free)),
        vector("607 with 21: never again all the same", cause(21, code(607)),      Declined, Row::Unwanted,         Some(Free)),
        vector("608 with 21 located at the user",     at_user(21, true, code(608)), Declined, Row::Unwanted,        Some(Free)),
        vector("607 with 17 after ringing",           cause(17, rang(4_000, 607)), Declined, Row::Unwanted,         Some(Free)),
        vector("600 with 17: busy everywhere still",  cause(17, code(600)),        Busy,     Row::BusyEverywhere600, Some(LineBusy)),
        vector("600 after ringing is no red key",     cause(17, rang(4_000, 600)), Busy,     Row::BusyEverywhere600, Some(LineBusy)),

        // Offline, or nobody came.
        vector("480 with 20",                         cause(20, code(480)),        Offline,  Row::Cause20,          Some(LineOffline)),
        vector("404 with 20: the cause wins",         cause(20, code(404)),        Offline,  Row::Cause20,          Some(LineOffline)),
        vector("408 with 18",                         cause(18, code(408)),        Offline,  Row::Cause18,          Some(LineOffline)),
        vector("480 with 18",                         cause(18, code(480)),        Offline,  Row::Cause18,          Some(LineOffline)),
        vector("480 with 31",                         cause(31, code(480)),        Offline,  Row::Cause31,          Some(LineOffline)),
        vector("500 with 31: the code decides",       cause(31, code(500)),        Network,  Row::ServerFailure,    None),
        vector("480 with 19",                         cause(19, rang(20_000, 480)), NoAnswer, Row::Cause19,         Some(Free)),
        vector("480 with 19 and no 180 seen",         cause(19, code(480)),        NoAnswer, Row::Cause19,          Some(Free)),
        vector("480 alone after 180",                 rang(20_000, 480),           NoAnswer, Row::NoAnswer480,      Some(Free)),
        vector("480 alone before any 180 or 183",     code(480),                   Offline,  Row::Offline480,       Some(LineOffline)),
        vector("480 alone after sound only",          sounded(480),                Unknown,  Row::AudioOnly480,     None),
        vector("480 alone after sound only, again",   again(sounded(480)),         Offline,  Row::AudioOnly480Again, Some(LineOffline)),
        vector("480 with Retry-After",                retry_after(90, code(480)),  Offline,  Row::OfflineRetryAfter, Some(LineOffline)),
        vector("408 from the far side after 180",     rang(20_000, 408),           NoAnswer, Row::NoAnswer408,      Some(Free)),
        vector("408 from a phone that never rang",    to_device(code(408)),        Offline,  Row::Offline408,       Some(LineOffline)),

        // Our own timeout.
        vector("our timeout after 180",               gave_up(rang(30_000, 487)),  NoAnswer, Row::TimeoutRang,      Some(Free)),
        vector("our timeout after 183, then 180",     gave_up(CallFacts { early_media_after_ms: Some(Span(500)), ..rang(30_000, 487) }), NoAnswer, Row::TimeoutRang, Some(Free)),
        vector("our timeout, sound but no 180",       gave_up(sounded(487)),       Unknown,  Row::TimeoutAudioOnly, Some(LineState::Unknown)),
        vector("the same for the second time",        again(gave_up(sounded(487))), Offline, Row::TimeoutAudioOnlyAgain, Some(LineOffline)),
        vector("our timeout and nothing at all",      gave_up(code(487)),          Unknown,  Row::TimeoutSilent,    None),
        vector("our timeout before any 100 was due",  gave_up(no_100.clone()),     Network,  Row::TrunkSilent,      None),
        vector("603 that crosses our CANCEL",         gave_up(rang(30_000, 603)),  Declined, Row::Declined603,      Some(Free)),

        // The way there.
        vector("no 100 within 4 s on a trunk",        no_100.clone(),              Network,  Row::TrunkSilent,      None),
        vector("could not be sent to a trunk",        unsent.clone(),              Network,  Row::TrunkSilent,      None),
        vector("no 100 from a registered phone",      to_device(no_100),           Offline,  Row::DeviceSilent,     Some(LineOffline)),
        vector("could not be sent to a phone",        to_device(unsent),           Offline,  Row::DeviceSilent,     Some(LineOffline)),
        vector("27 located at the user",              at_user(27, true, code(502)), Offline, Row::Cause27User,      Some(LineOffline)),
        vector("27 located in the network",           at_user(27, false, code(502)), Network, Row::Cause27Network,  None),
        vector("27 unlocated",                        cause(27, code(502)),        Network,  Row::Cause27Network,   None),
        vector("403 from a trunk",                    code(403),                   Network,  Row::TrunkRefused,     None),
        vector("402 from a trunk",                    code(402),                   Network,  Row::TrunkRefused,     None),
        vector("403 from a phone",                    to_device(code(403)),        Unknown,  Row::Unlisted,         None),

        // Nothing that is known.
        vector("486 with 16: an unlisted cause",      cause(16, code(486)),        Busy,     Row::Busy486,          Some(LineBusy)),
        vector("a code nobody listed",                code(420),                   Unknown,  Row::Unlisted,         None),
        vector("a code nobody listed, after 180",     rang(3_000, 420),            Unknown,  Row::Unlisted,         Some(Free)),
    ];
    for invalid in [404, 410, 484, 604] {
        vectors.push(vector("no such number, by code", code(invalid), Invalid, Row::InvalidCode, None));
    }
    for invalid in [1, 22, 28] {
        vectors.push(vector("no such number, by cause", cause(invalid, code(500)), Invalid, Row::CauseInvalid, None));
    }
    for failure in [500, 502, 503, 504] {
        vectors.push(vector("the network, by code", code(failure), Network, Row::ServerFailure, None));
    }
    for congestion in [34, 38, 41, 42, 47] {
        vectors.push(vector("the network, by cause", cause(congestion, code(480)), Network, Row::CauseCongestion, None));
    }
    for barred in [55, 57] {
        vectors.push(vector("barred by the trunk", cause(barred, code(403)), Network, Row::CauseBarred, None));
    }
    for codec in [415, 488, 606] {
        vectors.push(vector("no common codec, by code", code(codec), Network, Row::CodecRefused, None));
    }
    for codec in [65, 79, 88] {
        vectors.push(vector("no common codec, by cause", cause(codec, code(488)), Network, Row::CauseCodec, None));
    }
    vectors
}

#[test]
fn every_row_says_what_the_table_says() {
    for vector in vectors() {
        let verdict = decode::judge(&vector.facts, &Profile::default());

        let said = (verdict.outcome, verdict.row, verdict.line);
        assert_eq!(
            said,
            (vector.outcome, vector.row, vector.line),
            "{}",
            vector.said
        );
        assert!(!verdict.key_required, "{}", vector.said);
    }
}

#[test]
fn every_row_of_the_table_is_reached_by_a_vector() {
    let reached: Vec<Row> = vectors().iter().map(|vector| vector.row).collect();

    for entry in decode::TABLE {
        assert!(
            reached.contains(&entry.row),
            "{:?} is never tried",
            entry.row
        );
    }
}

#[test]
fn a_200_within_two_seconds_without_180_may_be_a_machine() {
    let answer = |ringing: Option<i64>, after: i64| {
        decode::judge_answer(&CallFacts {
            ringing_after_ms: ringing.map(Span),
            ended_after_ms: Span(after),
            ..code(200)
        })
    };

    assert!(answer(None, 1_999).key_required);
    assert_eq!(answer(None, 1_999).row, Row::AnsweredTooQuickly);
    assert!(!answer(None, 2_000).key_required);
    assert!(!answer(Some(300), 1_000).key_required);
    assert_eq!(answer(Some(300), 1_000).outcome, Answered);
}

#[test]
fn a_200_from_a_mailbox_needs_the_key_however_long_it_rang() {
    let verdict = decode::judge_answer(&CallFacts {
        diverted_to_mailbox: true,
        ..rang(20_000, 200)
    });

    assert!(verdict.key_required);
    assert_eq!(verdict.row, Row::AnsweredByMailbox);
}

#[test]
fn a_time_to_call_again_is_kept_where_the_wait_is_for_the_other_side() {
    let after = |facts| decode::judge(&facts, &Profile::default()).retry_after_ms;

    assert_eq!(after(retry_after(90, code(480))), Some(Span::seconds(90)));
    assert_eq!(after(retry_after(0, code(480))), Some(Span::seconds(1)));
    assert_eq!(after(retry_after(7, code(503))), Some(Span::seconds(7)));
    assert_eq!(after(retry_after(90, code(603))), None);
}

#[test]
fn a_trunks_own_profile_wins_over_code_and_cause() {
    let profile = Profile {
        prints: vec![Fingerprint {
            code: Some(503),
            cause: Some(20),
            rang: false,
            early_media: true,
            after_ms: None,
            outcome: Busy,
            learnt_at: domain::Millis(0),
        }],
    };
    let facts = CallFacts {
        early_media_after_ms: Some(Span(700)),
        ..cause(20, code(503))
    };

    let verdict = decode::judge(&facts, &profile);
    assert_eq!((verdict.outcome, verdict.row), (Busy, Row::Profile));
    // Another pattern is none of its business.
    let verdict = decode::judge(&cause(20, code(503)), &profile);
    assert_eq!((verdict.outcome, verdict.row), (Offline, Row::Cause20));
    // An answer that crosses our CANCEL is the trunk's; the answer to it is ours.
    let verdict = decode::judge(&gave_up(facts), &profile);
    assert_eq!(verdict.row, Row::Profile);
    let verdict = decode::judge(&gave_up(rang(30_000, 487)), &profile);
    assert_eq!(verdict.row, Row::TimeoutRang);
}
