//! What the simulated lines do: a TOML file, read and checked.
//!
//! ```toml
//! again_after_s = 30           # everyone idle for so long: all scripts begin anew
//!
//! [[line]]
//! name = "Katya Melnik"
//! account = "katya"            # a SIP phone: registers with `secret`; or instead
//! # number = "+79161230104"    # a number behind the operator's trunk
//! secret = "katya-demo"
//! voice = { say = "Katya here, good morning.", language = "en", every_s = 11 }
//! steps = [
//!   { do = "busy", until_s = 35 },
//!   { do = "answer", after_s = 3, press = [{ key = "1", after_hearing_s = 5 }] },
//! ]
//! ```
//!
//! `[operator]` is the operator's HTTP interface ([`Operator`]).
//!
//! All times are seconds. `until_s` and `at_s` count from the *curtain*: the first
//! call that reaches any line. A step with `until_s` holds until then; one without
//! governs a single call; the last one holds for good.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Duration};

use serde::Deserialize;

#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("{path}: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {message}")]
    Malformed { path: String, message: String },
    #[error("{path}: line '{line}': {problem}")]
    Wrong {
        path: String,
        line: String,
        problem: &'static str,
    },
}

/// Every line of a simulated company and its operator.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// When all lines have been idle for so long, the scripts begin anew; never if absent.
    #[serde(default, rename = "again_after_s", with = "optional_seconds")]
    pub again_after: Option<Duration>,
    #[serde(default, rename = "line")]
    pub lines: Vec<Line>,
    /// How the operator tells of the lines behind his trunk, besides by subscription.
    #[serde(default)]
    pub operator: Option<Operator>,
}

/// The operator's HTTP interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Where it is asked: `GET /any?number=%2B7916...`.
    #[serde(default)]
    pub status_listen: Option<SocketAddr>,
    /// The bearer token it wants.
    #[serde(default)]
    pub token: Option<String>,
    /// How late it answers.
    #[serde(default, rename = "answers_after_s", with = "seconds")]
    pub answers_after: Duration,
    /// Answers what nobody can read.
    #[serde(default)]
    pub nonsense: bool,
    /// Where it tells by itself, when a line changes: `http://` and an address.
    #[serde(default)]
    pub push_url: Option<String>,
    /// The bearer token it shows there.
    #[serde(default)]
    pub push_token: Option<String>,
}

/// One line: a phone with an account, or a number behind the trunk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub name: String,
    /// The SIP account it registers; exclusive with `number`.
    #[serde(default)]
    pub account: Option<String>,
    #[serde(default)]
    pub secret: Option<String>,
    /// The number the operator's trunk reaches it by.
    #[serde(default)]
    pub number: Option<String>,
    /// What it shows in From in the place of its own number, where it calls.
    #[serde(default)]
    pub claims: Option<String>,
    /// Whether the operator tells by P-Asserted-Identity who calls.
    #[serde(default = "yes")]
    pub vouched: bool,
    #[serde(default)]
    pub voice: Voice,
    pub steps: Vec<Step>,
    /// Calls it places by itself.
    #[serde(default)]
    pub calls: Vec<OwnCall>,
    /// After a call it missed, it calls back the number that rang it.
    #[serde(default, rename = "calls_back_after_s", with = "optional_seconds")]
    pub calls_back_after: Option<Duration>,
}

/// What the line sounds like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// Spoken by espeak-ng where there is one, else imitated.
    pub say: String,
    pub language: String,
    /// A sine of this frequency in Hz instead of speech: what tests tell apart.
    pub tone_hz: Option<f32>,
    /// White noise at about -35 dBov instead of speech: a fan, and nobody beside it.
    pub noise: bool,
    /// One utterance every so often; a tone goes on without pause.
    #[serde(rename = "every_s", with = "seconds")]
    pub every: Duration,
    /// Codecs it offers, best first: "opus", "g722", "pcmu", "pcma". All if empty.
    pub codecs: Vec<CodecName>,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            say: "Good morning, everyone.".to_owned(),
            language: "en".to_owned(),
            tone_hz: None,
            noise: false,
            every: Duration::from_secs(12),
            codecs: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodecName {
    Opus,
    G722,
    Pcmu,
    Pcma,
}

/// What the line does with calls, for a time or for one call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Rings, is answered, talks.
    Answer {
        #[serde(default = "three", rename = "after_s", with = "seconds")]
        after: Duration,
        /// Keys pressed in turn.
        #[serde(default)]
        press: Vec<Press>,
        /// Says nothing.
        #[serde(default)]
        silent: bool,
        /// Hangs up so long after the answer, like a person who says goodbye or a call that drops.
        #[serde(default, rename = "leaves_after_s", with = "optional_seconds")]
        leaves_after: Option<Duration>,
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Somebody else is on the line: busy before it rings.
    Busy {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Switched off: a phone un-registers, a number is not reachable.
    Off {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Sound comes from the network (183 with a session), and it never rings.
    Sounds {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Nothing but a 100 ever comes.
    Silent {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Rings and rings.
    RingOut {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Rings, then its owner presses the red key.
    Decline {
        #[serde(default = "three", rename = "after_s", with = "seconds")]
        after: Duration,
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// A machine answers at once, speaks, and hangs up after a while.
    Voicemail {
        #[serde(default = "half_a_minute", rename = "leaves_after_s", with = "seconds")]
        leaves_after: Duration,
        /// Rings so long before, and says by 181 that the call is forwarded.
        #[serde(default, rename = "forwards_after_s", with = "optional_seconds")]
        forwards_after: Option<Duration>,
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// No such number.
    Invalid {
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
    /// Any other final answer, at once or after ringing.
    Refuse {
        status: u16,
        /// Q.850 cause in a `Reason` header.
        #[serde(default)]
        cause: Option<u16>,
        /// The cause lies with the user (RFC 8606).
        #[serde(default)]
        at_user: bool,
        #[serde(default, rename = "retry_after_s", with = "optional_seconds")]
        retry_after: Option<Duration>,
        #[serde(default, rename = "rings_s", with = "optional_seconds")]
        rings: Option<Duration>,
        /// Sound for so long before, an announcement of the network's.
        #[serde(default, rename = "sounds_s", with = "optional_seconds")]
        sounds: Option<Duration>,
        #[serde(default, rename = "until_s", with = "optional_seconds")]
        until: Option<Duration>,
    },
}

impl Step {
    /// When it ends by the clock, counted from the curtain.
    pub fn until(&self) -> Option<Duration> {
        match self {
            Step::Answer { until, .. }
            | Step::Busy { until }
            | Step::Off { until }
            | Step::Sounds { until }
            | Step::Silent { until }
            | Step::RingOut { until }
            | Step::Decline { until, .. }
            | Step::Voicemail { until, .. }
            | Step::Invalid { until }
            | Step::Refuse { until, .. } => *until,
        }
    }
}

/// A key, pressed once enough has been heard.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    pub key: char,
    /// So many seconds of sound (not of silence) since the answer or the key before.
    #[serde(default = "three", rename = "after_hearing_s", with = "seconds")]
    pub after_hearing: Duration,
}

/// A call the line places.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCall {
    pub to: String,
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// Counted from the start of the simulator instead of the curtain.
    #[serde(default)]
    pub from_start: bool,
    #[serde(default)]
    pub press: Vec<Press>,
    #[serde(default, rename = "leaves_after_s", with = "optional_seconds")]
    pub leaves_after: Option<Duration>,
}

impl Script {
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// `path` is only named in errors.
    pub fn parse(text: &str, path: &str) -> Result<Self, ScriptError> {
        let script: Script = toml::from_str(text).map_err(|error| ScriptError::Malformed {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let mut seen = BTreeSet::new();
        for line in &script.lines {
            line.check(&mut seen)
                .map_err(|problem| ScriptError::Wrong {
                    path: path.to_owned(),
                    line: line.name.clone(),
                    problem,
                })?;
        }
        Ok(script)
    }
}

impl Line {
    fn check<'a>(&'a self, seen: &mut BTreeSet<&'a str>) -> Result<(), &'static str> {
        let address = match (&self.account, &self.number) {
            (Some(account), None) => account,
            (None, Some(number)) => number,
            (Some(_), Some(_)) | (None, None) => {
                return Err("give either 'account' or 'number'");
            }
        };
        if self.account.is_some() && self.secret.is_none() {
            return Err("an account needs its 'secret'");
        }
        if !seen.insert(address) {
            return Err("another line has the same account or number");
        }
        let Some((_, before)) = self.steps.split_last() else {
            return Err("it needs at least one step");
        };
        let endless = |step: &Step| matches!(step, Step::Off { until: None });
        if self.account.is_some() && before.iter().any(endless) {
            return Err(
                "a phone that is off gets no call: 'off' needs 'until_s' or the last place",
            );
        }
        Ok(())
    }

    /// The account or number it is reached by.
    pub fn address(&self) -> &str {
        self.account
            .as_deref()
            .or(self.number.as_deref())
            .unwrap_or_default()
    }
}

fn yes() -> bool {
    true
}

fn three() -> Duration {
    Duration::from_secs(3)
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

mod seconds {
    use super::Duration;
    use serde::{Deserialize, Deserializer, de::Error};

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(input)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom(format!("{seconds} is not a span of seconds")))
    }
}

mod optional_seconds {
    use super::Duration;
    use serde::Deserializer;

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
        super::seconds::deserialize(input).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Script, ScriptError> {
        Script::parse(text, "lines.toml")
    }

    #[test]
    fn a_line_with_steps_is_read_with_its_defaults() {
        let script = parsed(
            r#"
            again_after_s = 30
            [[line]]
            name = "Katya"
            number = "+79161230104"
            steps = [
              { do = "busy", until_s = 35.5 },
              { do = "answer", press = [{ key = "1" }] },
            ]
            "#,
        )
        .unwrap();

        assert_eq!(script.again_after, Some(Duration::from_secs(30)));
        let line = &script.lines[0];
        assert_eq!(line.address(), "+79161230104");
        assert_eq!(line.steps[0].until(), Some(Duration::from_millis(35_500)));
        assert_eq!(
            line.steps[1],
            Step::Answer {
                after: three(),
                press: vec![Press {
                    key: '1',
                    after_hearing: three()
                }],
                silent: false,
                leaves_after: None,
                until: None,
            }
        );
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_place() {
        let error = parsed(
            "[[line]]\nname = \"K\"\nnumber = \"1\"\nsteps = [{ do = \"busy\", untill_s = 3 }]",
        )
        .unwrap_err()
        .to_string();

        assert!(error.starts_with("lines.toml: "), "{error}");
        assert!(error.contains("untill_s"), "{error}");
        assert!(error.contains("line 4"), "{error}");
    }

    #[test]
    fn what_cannot_be_played_is_refused_by_name() {
        let problem = |line: &str| {
            parsed(&format!("[[line]]\nname = \"K\"\n{line}"))
                .unwrap_err()
                .to_string()
        };

        assert!(problem("steps = [{ do = \"busy\" }]").contains("'account' or 'number'"));
        assert!(problem("number = \"1\"\nsteps = []").contains("at least one step"));
        assert!(
            problem("account = \"k\"\nsteps = [{ do = \"busy\" }]").contains("needs its 'secret'")
        );
        assert!(
            problem("number = \"1\"\nsteps = [{ do = \"busy\", until_s = -1 }]")
                .contains("not a span of seconds")
        );
    }
}
