//! Programs that are told of the company's events.

use serde::{Deserialize, Serialize};

use crate::{NoticeTrouble, WebhookId};

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    /// The kinds of events it is told of; all if there are none.
    pub kinds: Vec<String>,
    pub created_at: i64,
    /// The last event it was told of.
    pub seq: i64,
    /// How often the next one was tried in vain.
    pub tries: u32,
    /// What stands in the way; `null` while it goes well.
    pub trouble: Option<NoticeTrouble>,
    /// When an event was last taken.
    pub taken_at: Option<i64>,
    /// How many were given up, a day old.
    pub given_up: u64,
}

/// `POST /webhooks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    pub url: String,
    /// Left out: all.
    #[serde(default)]
    pub kinds: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookCreated {
    pub webhook: Webhook,
    /// Signs what it is told. Shown this once.
    pub secret: String,
}

/// `POST /webhooks/{id}/replay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The number of the last event that is not to be told again.
    pub after: i64,
}
