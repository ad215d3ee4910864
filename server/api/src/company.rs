//! The company and its settings, and how the server is.

use serde::{Deserialize, Serialize};

use crate::{CompanyId, Language, RetryRules, Trunk};

/// `GET /company`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    /// The host part of its SIP addresses.
    pub domain: String,
    pub language: Language,
    pub time_zone: String,
    pub quiet_hours: Option<QuietHours>,
    /// Dialling begins so long before the start, unless the meeting says otherwise.
    pub lead_s: u32,
    /// Everybody is reminded so long before the start, unless the meeting says otherwise; 0: never.
    pub remind_min: u32,
    pub rules: RetryRules,
    /// Whom employees call to plan meetings by telephone.
    #[serde(default)]
    pub service_number: Option<String>,
    #[serde(default)]
    pub service_city_number: Option<String>,
    pub trunks: Vec<Trunk>,
}

/// Nobody is called from `from` to `until`, on the clocks of the called person; over midnight if `from` is the later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// `21:00`
    pub from: String,
    pub until: String,
}

/// `PATCH /company`: what is left out stays as it is. For administrators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeCompany {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RetryRules>,
}

/// `GET /company/sms-gateway`: by what short messages leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmsGateway {
    pub url: String,
    pub content_type: String,
    pub template: String,
    pub has_token: bool,
}

/// `PUT /company/sms-gateway`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSmsGateway {
    pub url: String,
    /// Left out: `application/json`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// The request, with `{to}` and `{text}` in it, and `{id}` where the gateway wants one.
    pub template: String,
    /// Goes along as `Authorization: Bearer`. Left out: as it is for this address.
    #[serde(default)]
    pub token: Option<String>,
}

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Everything works, the database included.
    pub ready: bool,
    pub version: String,
    /// The server's clock.
    pub now: i64,
}
