//! A person of the company and the devices that reach him.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, DeviceId, EmployeeId},
    line::LineKey,
    number::{PhoneNumber, ShortNumber},
    time::Zone,
};

/// A person of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Employee {
    /// His id.
    pub id: EmployeeId,
    /// Whose he is.
    pub company: CompanyId,
    /// His name, as it is shown and spoken.
    pub name: String,
    /// The group he is listed under.
    #[serde(default)]
    pub group: Option<String>,
    /// The extension he is dialled by.
    pub extension: ShortNumber,
    /// What reaches him, the one he likes best first.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Where his clocks hang, if not where the company's do.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// His web login, if he has one.
    #[serde(default)]
    pub login: Option<Login>,
}

/// A web login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// What he logs in with.
    pub email: String,
    /// The argon2id hash of his password, in PHC form.
    pub password_hash: Secret,
    /// What he may do.
    #[serde(default)]
    pub level: Level,
}

/// What a login may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything in his company.
    Administrator,
    /// Meetings.
    #[default]
    Employee,
}

/// One thing a person is reached by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What it is.
    #[serde(flatten)]
    pub kind: DeviceKind,
}

/// The kinds of device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceKind {
    /// A phone that registers with us.
    SipPhone {
        /// Its user name.
        username: String,
        /// Its password.
        secret: Secret,
    },
    /// A mobile whose SIM is a line of the company: called through its own operator.
    IpSim {
        /// Its number in the public network.
        mobile: PhoneNumber,
        /// Its number in the company.
        short: ShortNumber,
    },
    /// A plain mobile or city number, called over a trunk.
    Outside {
        /// The number.
        number: PhoneNumber,
    },
}

/// The kinds of device, without what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    /// A phone that registers with us.
    SipPhone,
    /// A mobile whose SIM is a line of the company.
    IpSim,
    /// A number of the public network.
    Outside,
    /// The board's page: nobody is called on it, people come in by it.
    Browser,
}

/// A text that no log may show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Employee {
    /// Whether a caller with this number is him.
    pub fn is_called_by(&self, number: &PhoneNumber) -> bool {
        let numbers = self
            .devices
            .iter()
            .filter_map(|device| device.kind.number());
        numbers.into_iter().any(|own| own.same_line(number))
    }
}

impl Device {
    /// The key of its line.
    pub fn line(&self) -> LineKey {
        LineKey::Device(self.id)
    }
}

impl DeviceKind {
    /// Its kind alone.
    pub fn class(&self) -> DeviceClass {
        match self {
            Self::SipPhone { .. } => DeviceClass::SipPhone,
            Self::IpSim { .. } => DeviceClass::IpSim,
            Self::Outside { .. } => DeviceClass::Outside,
        }
    }

    /// Its number in the public network, if it has one.
    pub fn number(&self) -> Option<&PhoneNumber> {
        match self {
            Self::SipPhone { .. } => None,
            Self::IpSim { mobile, .. } => Some(mobile),
            Self::Outside { number } => Some(number),
        }
    }

    /// Whether the company owns the line, so that whoever answers is its own.
    pub fn is_own(&self) -> bool {
        match self {
            Self::SipPhone { .. } | Self::IpSim { .. } => true,
            Self::Outside { .. } => false,
        }
    }
}

impl Secret {
    /// Keeps a text out of the logs.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
