//! What an operator says of a number, as it comes over HTTP: read and checked.

use domain::{
    Millis, PhoneNumber, Span,
    line::{OPERATOR_LIVES, OperatorState},
};
use serde::Deserialize;

/// A clock may differ by so much; what is later than that is nonsense.
const FUTURE: Span = Span::seconds(5);

/// One statement of an operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSays {
    pub state: OperatorState,
    pub at: Millis,
}

/// Why a statement is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    #[error("its time is {0} s in the future")]
    Future(i64),
    #[error("it is {0} s old: nothing counts that long")]
    Old(i64),
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// What a question is answered with; further keys are the operator's own.
#[derive(Deserialize)]
struct Answer {
    state: OperatorState,
    /// Unix milliseconds; now, where it is not said.
    #[serde(default)]
    at: Option<i64>,
    #[serde(default)]
    number: Option<String>,
}

impl OperatorSays {
    /// Checks a statement of the time `at`.
    pub fn check(state: OperatorState, at: Option<i64>, now: Millis) -> Result<Self, Nonsense> {
        let at = at.map_or(now, Millis);
        let ahead = at.0.saturating_sub(now.0);
        if ahead > FUTURE.0 {
            return Err(Nonsense::Future(ahead / 1000));
        }
        if ahead <= -OPERATOR_LIVES.0 {
            return Err(Nonsense::Old(-(ahead / 1000)));
        }
        Ok(OperatorSays {
            state,
            at: at.min(now),
        })
    }

    /// Reads the answer to a question about this number: JSON, or the bare word.
    pub fn read(body: &[u8], about: &PhoneNumber, now: Millis) -> Result<Self, Nonsense> {
        let unreadable = |error: serde_json::Error| {
            let error = error.to_string();
            Nonsense::Unreadable(error.chars().take(200).collect())
        };
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if !text.starts_with('{') {
            let word = serde_json::Value::String(text.chars().take(64).collect());
            let state = serde_json::from_value(word).map_err(unreadable)?;
            return Self::check(state, None, now);
        }
        let answer: Answer = serde_json::from_str(text).map_err(unreadable)?;
        let another = answer
            .number
            .as_deref()
            .is_some_and(|number| !PhoneNumber::parse(number).is_ok_and(|n| n.same_line(about)));
        if another {
            return Err(Nonsense::Unreadable(
                "it is about another number".to_owned(),
            ));
        }
        Self::check(answer.state, answer.at, now)
    }
}

/// Words that say somebody is back, and words that say he is not.
const BACK: [&str; 8] = [
    "back in network",
    "back online",
    "is available",
    "is now available",
    "снова в сети",
    "появился в сети",
    "доступен для звонка",
    "на связи",
];
const AWAY: [&str; 6] = [
    "not available",
    "unavailable",
    "out of",
    "не в сети",
    "недоступен",
    "не доступен",
];

/// Whom an operator's SMS calls back in the network; none when it says nothing of the kind.
pub fn notice(text: &str) -> Option<PhoneNumber> {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if !says(&BACK) || says(&AWAY) {
        return None;
    }
    let mut numbers = text
        .split(|letter: char| !(letter.is_ascii_digit() || "+-() ".contains(letter)))
        .map(|part| {
            part.chars()
                .filter(|c| c.is_ascii_digit() || *c == '+')
                .collect::<String>()
        })
        .filter(|digits| digits.trim_start_matches('+').len() >= 9);
    PhoneNumber::parse(&numbers.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn number() -> PhoneNumber {
        PhoneNumber::parse("+79162120003").unwrap()
    }

    fn read(body: &str) -> Result<OperatorSays, Nonsense> {
        OperatorSays::read(body.as_bytes(), &number(), NOW)
    }

    #[test]
    fn an_answer_is_read_as_json_or_as_a_word() {
        let idle = OperatorSays {
            state: OperatorState::AssumedIdle,
            at: NOW,
        };
        assert_eq!(read("assumedIdle\n"), Ok(idle.clone()));
        assert_eq!(
            read(r#"{"state":"assumedIdle","vlr":"x"}"#),
            Ok(idle.clone())
        );
        assert_eq!(
            read(r#"{"state":"camelBusy","at":1799999990000,"number":"89162120003"}"#),
            Ok(OperatorSays {
                state: OperatorState::CamelBusy,
                at: NOW - Span::seconds(10)
            })
        );
        // A clock that is a little fast is forgiven.
        let fast = format!(r#"{{"state":"assumedIdle","at":{}}}"#, NOW.0 + 4_000);
        assert_eq!(read(&fast), Ok(idle));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (state, at) in [("assumedIdle", NOW.0 + 60_000), ("absent", NOW.0 - 600_000)] {
            let body = format!(r#"{{"state":"{state}","at":{at}}}"#);
            assert!(read(&body).is_err(), "{body}");
        }
        for nonsense in [
            "",
            "{}",
            "<html>",
            "idle",
            r#"{"state":"assumedIdle","number":"+79160000000"}"#,
            r#"{"state":["assumedIdle"]}"#,
            r#"{"state":"assumedIdle","at":"soon"}"#,
            "{\"state\":",
        ] {
            assert!(
                matches!(read(nonsense), Err(Nonsense::Unreadable(_))),
                "{nonsense}"
            );
        }
    }

    #[test]
    fn an_sms_that_somebody_is_back_names_him() {
        for text in [
            "Абонент +7 916 212-00-03 снова в сети.",
            "The subscriber +79162120003 is now available.",
            "89162120003 появился в сети, перезвоните ему",
        ] {
            assert!(notice(text).unwrap().same_line(&number()), "{text}");
        }
        for text in [
            "Абонент +79162120003 не в сети",
            "The subscriber +79162120003 is not available, he is back online never",
            "Back in network!",
            "Win 1000000000 now",
            "",
        ] {
            assert_eq!(notice(text), None, "{text}");
        }
    }
}
