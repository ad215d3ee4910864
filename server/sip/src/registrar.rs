//! Who is bound where: the registrar's table (RFC 3261 §10.3).

use serde::{Deserialize, Serialize};

use crate::{
    authority::AccountId,
    command::Target,
    flow::{Flow, Hop},
    uri::SipUri,
};

/// One contact of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub account: AccountId,
    /// The user name it proved to be.
    pub username: String,
    /// The contact as the device gave it; requests carry it as Request-URI.
    pub contact: SipUri,
    /// Where the REGISTER came from, and so where requests must go: the contact's
    /// own address may be behind a NAT.
    pub flow: Flow,
    /// Preference, 0-1000.
    pub q: u16,
    /// Wall clock, Unix ms.
    pub expires_at: i64,
    pub call_id: String,
    pub cseq: u32,
    pub user_agent: Option<String>,
    /// `+sip.instance` (RFC 5626), where the device has one.
    pub instance: Option<String>,
}

impl Binding {
    /// How to call it: its contact as Request-URI, sent back the way it came.
    pub fn target(&self) -> Target {
        Target {
            uri: self.contact.clone(),
            route: Vec::new(),
            hop: Some(Hop::Flow(self.flow)),
        }
    }
}
