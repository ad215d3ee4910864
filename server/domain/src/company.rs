//! A company: its name, its language, its hours and its rules.

use serde::{Deserialize, Serialize};

use crate::{
    employee::Secret,
    guard::Limits,
    id::CompanyId,
    meeting::default_reminder,
    number::{PhoneNumber, ShortNumber},
    rules::RetryRules,
    time::{LocalTime, Millis, Span, Zone},
};

/// The language in which a company is spoken to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Russian.
    #[serde(rename = "ru")]
    Russian,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// Its name, as it is spoken to those called.
    pub name: String,
    /// The host part of its SIP addresses, and the realm its phones log in to.
    pub domain: String,
    /// The language of its prompts.
    #[serde(default)]
    pub language: Language,
    /// Where its clocks hang.
    #[serde(default)]
    pub zone: Zone,
    /// What follows each outcome, unless a meeting says otherwise.
    #[serde(default)]
    pub rules: RetryRules,
    /// How long before the start dialling begins, unless a meeting says otherwise.
    #[serde(default = "default_lead")]
    pub lead_ms: Span,
    /// How long before the start everybody is reminded, unless a meeting says otherwise;
    /// never if none.
    #[serde(default = "default_reminder")]
    pub remind_ms: Option<Span>,
    /// When nobody is called who has not accepted.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
    /// Whom employees call to plan meetings by telephone.
    #[serde(default)]
    pub service: Service,
    /// Where its meetings may call, and what that may cost.
    #[serde(default)]
    pub limits: Limits,
}

/// The numbers behind which meetings are planned by telephone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Service {
    /// Within the company.
    #[serde(default)]
    pub number: Option<ShortNumber>,
    /// From outside.
    #[serde(default)]
    pub city_number: Option<PhoneNumber>,
}

/// A service of the company's that sends short messages, asked over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsGateway {
    /// Where it is asked, by POST.
    pub url: String,
    /// What the request is, such as `application/json`.
    pub content_type: String,
    /// The request, with `{to}`, `{text}` and `{id}` in it.
    pub template: String,
    /// Goes along as `Authorization: Bearer`. Kept sealed, beside this.
    #[serde(skip)]
    pub token: Option<Secret>,
}

/// A daily stretch in which nobody is called, by the clock of the callee's zone.
///
/// It may run over midnight: 21:00 to 09:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuietHours {
    /// Its first minute, counted from midnight.
    pub from_minute: u16,
    /// The first minute after it, counted from midnight.
    pub until_minute: u16,
}

/// Five minutes.
pub const DEFAULT_LEAD: Span = Span::minutes(5);

fn default_lead() -> Span {
    DEFAULT_LEAD
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Russian];

    /// The language's code, as folders are named.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }
}

impl QuietHours {
    /// When the quiet that holds at `now` ends; none when it is not quiet.
    pub fn until(&self, now: Millis, zone: Zone) -> Option<Millis> {
        let local = now.in_zone(zone)?;
        let (hour, minute) = local.hour_minute();
        let minute = u16::try_from(hour * 60 + minute).ok()?;

        let quiet = if self.from_minute <= self.until_minute {
            (self.from_minute..self.until_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.until_minute
        };
        if !quiet {
            return None;
        }
        let end_today = local
            .date()
            .and_hms_opt(
                u32::from(self.until_minute) / 60,
                u32::from(self.until_minute) % 60,
                0,
            )
            .map(LocalTime)?;
        let end = if minute < self.until_minute {
            end_today
        } else {
            LocalTime(end_today.0.checked_add_days(chrono::Days::new(1))?)
        };
        end.resolve(zone).ok().map(|resolved| resolved.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: QuietHours = QuietHours {
        from_minute: 21 * 60,
        until_minute: 9 * 60,
    };

    fn at(local: &str, zone: Zone) -> Millis {
        let local: LocalTime = local.parse().unwrap();
        local.resolve(zone).unwrap().at
    }

    #[test]
    fn the_night_ends_in_the_morning_of_the_callees_zone() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let morning = at("2026-11-24T09:00", berlin);

        assert_eq!(
            NIGHT.until(at("2026-11-23T21:00", berlin), berlin),
            Some(morning)
        );
        assert_eq!(
            NIGHT.until(at("2026-11-24T08:59", berlin), berlin),
            Some(morning)
        );
        assert_eq!(NIGHT.until(morning, berlin), None);
        assert_eq!(NIGHT.until(at("2026-11-23T20:59", berlin), berlin), None);
    }

    #[test]
    fn a_stretch_within_the_day_is_quiet_too() {
        let siesta = QuietHours {
            from_minute: 13 * 60,
            until_minute: 15 * 60,
        };
        let noon = at("2026-11-24T12:00", Zone::UTC);

        assert_eq!(siesta.until(noon, Zone::UTC), None);
        assert_eq!(
            siesta.until(noon + Span::minutes(61), Zone::UTC),
            Some(noon + Span::minutes(180))
        );
    }
}
