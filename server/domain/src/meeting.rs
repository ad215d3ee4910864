//! A meeting: the plan. Its dates are [occurrences](crate::occurrence).

use serde::{Deserialize, Serialize};

use crate::{
    company::Language,
    id::{CompanyId, EmployeeId, MeetingId, RoomId, UserId},
    number::PhoneNumber,
    role::Role,
    rules::RetryRules,
    series::Series,
    time::{LocalTime, Millis, Resolved, Span, TimeError, Zone},
};

/// The plan of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its id.
    pub id: MeetingId,
    /// Whose it is.
    pub company: CompanyId,
    /// What it is called.
    pub title: String,
    /// Where it is held.
    pub room: RoomId,
    /// The zone in which its time is meant.
    pub zone: Zone,
    /// When it begins there; the first time, if it repeats.
    pub starts_local: LocalTime,
    /// How long it lasts.
    pub duration_ms: Span,
    /// How it repeats; held once when it does not.
    #[serde(default)]
    pub series: Option<Series>,
    /// How long before the start dialling begins; zero is at the start.
    pub lead_ms: Span,
    /// How long before the start those who call the room are let in.
    #[serde(default)]
    pub early_ms: Span,
    /// How long before the end the room hears that it is near; zero is not at all.
    #[serde(default = "usual_warning")]
    pub warn_ms: Span,
    /// Who is expected.
    #[serde(default)]
    pub participants: Vec<Participant>,
    /// Rules of its own; the company's when there are none.
    #[serde(default)]
    pub rules: Option<RetryRules>,
    /// Whether employees join from the company's own devices without a key.
    #[serde(default)]
    pub own_people_need_no_key: bool,
    /// Whoever calls and is not expected comes in when a moderator lets him.
    #[serde(default)]
    pub lobby: bool,
    /// Its language, when it is not the company's.
    #[serde(default)]
    pub language: Option<Language>,
    /// How long before the start everybody is reminded; never if none.
    #[serde(default = "default_reminder")]
    pub remind_ms: Option<Span>,
    /// Who made it, and is told of those who cannot be reached.
    #[serde(default)]
    pub organiser: Option<UserId>,
}

/// A quarter of an hour.
pub const DEFAULT_REMINDER: Span = Span::minutes(15);

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands for a value that may be none"
)]
pub(crate) fn default_reminder() -> Option<Span> {
    Some(DEFAULT_REMINDER)
}

/// How long before the end the room hears that it is near, where nobody said otherwise.
pub const WARNING: Span = Span::minutes(5);

fn usual_warning() -> Span {
    WARNING
}

/// One person expected, and what he may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub invitee: Invitee,
    /// As what.
    #[serde(default)]
    pub role: Role,
    /// Where somebody from outside is written to. Employees have their logins' addresses.
    #[serde(default)]
    pub email: Option<String>,
}

/// Who is expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invitee {
    /// Somebody of the company, on whichever device reaches him.
    Employee(EmployeeId),
    /// Somebody outside.
    Outside {
        /// His name, if it is known.
        #[serde(default)]
        name: Option<String>,
        /// The number to call.
        number: PhoneNumber,
    },
}

/// Why a plan cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeetingError {
    /// It has no name.
    #[error("The meeting needs a title")]
    NoTitle,
    /// It lasts no time, or for days.
    #[error("The meeting lasts {minutes} minutes: expected 1 minute to 24 hours")]
    Duration {
        /// The length asked for.
        minutes: i64,
    },
    /// Dialling would begin after the start, or a day before it.
    #[error("Dialling begins {seconds} s before the start: expected 0 s to 24 hours")]
    Lead {
        /// The lead asked for.
        seconds: i64,
    },
    /// Somebody is in it twice.
    #[error("{who} is in the list twice")]
    Twice {
        /// His id or number.
        who: String,
    },
    /// Its time is no time.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl Meeting {
    /// Whether the plan can be kept; the start it means.
    pub fn check(&self) -> Result<Resolved, MeetingError> {
        if self.title.trim().is_empty() {
            return Err(MeetingError::NoTitle);
        }
        if self.duration_ms < Span::minutes(1) || self.duration_ms > Span::minutes(24 * 60) {
            let minutes = self.duration_ms.as_seconds() / 60;
            return Err(MeetingError::Duration { minutes });
        }
        if self.lead_ms < Span::ZERO || self.lead_ms > Span::minutes(24 * 60) {
            let seconds = self.lead_ms.as_seconds();
            return Err(MeetingError::Lead { seconds });
        }
        for (index, one) in self.participants.iter().enumerate() {
            let earlier = &self.participants[..index];
            if earlier
                .iter()
                .any(|two| one.invitee.is_same_person(&two.invitee))
            {
                let who = one.invitee.to_string();
                return Err(MeetingError::Twice { who });
            }
        }
        Ok(self.starts_local.resolve(self.zone)?)
    }

    /// Where somebody from outside is written to, if it is known.
    pub fn mail_of(&self, invitee: &Invitee) -> Option<String> {
        let mut all = self.participants.iter();
        all.find(|one| one.invitee.is_same_person(invitee))?
            .email
            .clone()
    }

    /// When it begins and when it is over; the first time, if it repeats.
    pub fn hours(&self) -> Result<(Millis, Millis), TimeError> {
        let start = self.starts_local.resolve(self.zone)?.at;
        Ok((start, start + self.duration_ms))
    }
}

impl Invitee {
    /// Whether both are one person, as far as can be told without the directory.
    pub fn is_same_person(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Employee(one), Self::Employee(two)) => one == two,
            (Self::Outside { number: one, .. }, Self::Outside { number: two, .. }) => {
                one.same_line(two)
            }
            (Self::Employee(_), Self::Outside { .. })
            | (Self::Outside { .. }, Self::Employee(_)) => false,
        }
    }
}

impl std::fmt::Display for Invitee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Employee(id) => id.fmt(f),
            Self::Outside {
                name: Some(name), ..
            } => f.write_str(name),
            Self::Outside { name: None, number } => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting() -> Meeting {
        Meeting {
            id: MeetingId::new(Millis(0), [1; 10]),
            company: CompanyId::new(Millis(0), [2; 10]),
            title: "Dealers' hour".to_owned(),
            room: RoomId::new(Millis(0), [3; 10]),
            zone: "Europe/Moscow".parse().unwrap(),
            starts_local: "2026-11-23T14:00".parse().unwrap(),
            duration_ms: Span::minutes(60),
            series: None,
            lead_ms: Span::minutes(5),
            early_ms: Span::ZERO,
            warn_ms: WARNING,
            participants: Vec::new(),
            rules: None,
            own_people_need_no_key: true,
            lobby: false,
            language: None,
            remind_ms: Some(DEFAULT_REMINDER),
            organiser: None,
        }
    }

    fn outside(number: &str) -> Participant {
        Participant {
            invitee: Invitee::Outside {
                name: None,
                number: number.parse().unwrap(),
            },
            role: Role::Speaker,
            email: None,
        }
    }

    #[test]
    fn its_hours_are_those_of_its_zone() {
        let (start, end) = meeting().hours().unwrap();

        assert_eq!(
            start.in_zone(Zone::UTC).unwrap().to_string(),
            "2026-11-23T11:00"
        );
        assert_eq!(end - start, Span::minutes(60));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let refused = |change: fn(&mut Meeting)| {
            let mut plan = meeting();
            change(&mut plan);
            plan.check().unwrap_err()
        };

        assert_eq!(refused(|m| m.title = " ".to_owned()), MeetingError::NoTitle);
        assert_eq!(
            refused(|m| m.duration_ms = Span::ZERO),
            MeetingError::Duration { minutes: 0 }
        );
        assert_eq!(
            refused(|m| m.lead_ms = Span::seconds(-1)),
            MeetingError::Lead { seconds: -1 }
        );
        assert_eq!(
            refused(|m| m.participants = vec![outside("+79162041138"), outside("8 916 204 11 38")]),
            MeetingError::Twice {
                who: "89162041138".to_owned()
            }
        );
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let mut plan = meeting();
        plan.participants = vec![outside("+79162041138")];

        let text = serde_json::to_string(&plan).unwrap();

        assert_eq!(serde_json::from_str::<Meeting>(&text).unwrap(), plan);
    }
}
