//! A company as its file describes it: checked, but without ids.

use domain::{
    PhoneNumber, ShortNumber, Zone,
    company::Company,
    employee::{Level, Secret},
    room::{Pin, RoomSettings},
    trunk::{StatusApi, StatusEvent, Transport},
};

/// What a company is to be. Applying it makes it so, whatever is there.
#[derive(Debug, Clone)]
pub struct CompanyPlan {
    /// Its id is not looked at: the name says which company is meant.
    pub company: Company,
    pub employees: Vec<PlannedEmployee>,
    pub trunks: Vec<PlannedTrunk>,
    pub numbers: Vec<PlannedNumber>,
    pub event_numbers: Vec<PlannedEventNumber>,
    pub rooms: Vec<PlannedRoom>,
}

#[derive(Debug, Clone)]
pub struct PlannedEmployee {
    pub name: String,
    pub group: Option<String>,
    pub extension: ShortNumber,
    pub zone: Option<Zone>,
    pub login: Option<PlannedLogin>,
    /// What he proves himself with by telephone.
    pub phone_pin: PlannedPin,
    pub devices: Vec<PlannedDevice>,
}

#[derive(Debug, Clone)]
pub struct PlannedLogin {
    /// In lower case.
    pub email: String,
    /// The argon2id hash; `None` keeps the password that is there.
    pub password_hash: Option<Secret>,
    pub level: Level,
}

#[derive(Debug, Clone)]
pub struct PlannedDevice {
    pub kind: PlannedDeviceKind,
    /// A name in `trunks`, for an IP-SIM.
    pub trunk: Option<String>,
    /// `None` keeps the secret that is there.
    pub secret: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlannedDeviceKind {
    SipPhone {
        username: String,
    },
    IpSim {
        mobile: PhoneNumber,
        short: ShortNumber,
        username: Option<String>,
    },
    Outside {
        number: PhoneNumber,
    },
}

#[derive(Debug, Clone)]
pub struct PlannedTrunk {
    pub name: String,
    pub address: String,
    pub proxy: Option<String>,
    pub transport: Transport,
    pub registration: Option<PlannedRegistration>,
    pub caller_number: Option<PhoneNumber>,
    pub channels: Option<u32>,
    /// None: the operator tells nothing of lines.
    pub status: Option<PlannedStatus>,
}

/// What the operator tells of lines. Tokens that are left out stay as they are.
#[derive(Debug, Clone)]
pub struct PlannedStatus {
    pub events: Vec<StatusEvent>,
    /// Without a token.
    pub api: Option<StatusApi>,
    pub token: Option<Secret>,
    pub push: PlannedPush,
}

/// What becomes of the token with which an operator tells us unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedPush {
    Keep,
    None,
    /// Its SHA-256 in hex.
    Set(String),
}

#[derive(Debug, Clone)]
pub struct PlannedRegistration {
    pub username: String,
    pub realm: Option<String>,
    pub register: bool,
    /// `None` keeps the secret that is there.
    pub secret: Option<Secret>,
}

#[derive(Debug, Clone)]
pub struct PlannedNumber {
    pub number: PhoneNumber,
    /// A name in `trunks`; any trunk if there is none.
    pub trunk: Option<String>,
    /// A number in `rooms`.
    pub room: ShortNumber,
    /// Its place among all `[[numbers]]`, for problems.
    pub place: usize,
}

/// A city number that is kept for events; what it is bound to is not the file's affair.
#[derive(Debug, Clone)]
pub struct PlannedEventNumber {
    pub number: PhoneNumber,
    /// A name in `trunks`; any trunk if there is none.
    pub trunk: Option<String>,
    /// Its place among all `[[numbers]]`, for problems.
    pub place: usize,
}

#[derive(Debug, Clone)]
pub struct PlannedRoom {
    pub number: ShortNumber,
    pub name: String,
    pub pin: PlannedPin,
    pub moderator_pin: PlannedPin,
    pub settings: RoomSettings,
}

/// What becomes of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedPin {
    /// As it is; none in a new room.
    Keep,
    None,
    Set(Pin),
}

impl PlannedDeviceKind {
    /// The name of the kind, as rows and files write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SipPhone { .. } => "sip_phone",
            Self::IpSim { .. } => "ip_sim",
            Self::Outside { .. } => "outside",
        }
    }

    /// What the device is told from others by.
    pub fn address(&self) -> &str {
        match self {
            Self::SipPhone { username } => username,
            Self::IpSim { mobile, .. } => mobile.as_str(),
            Self::Outside { number } => number.as_str(),
        }
    }

    /// What it logs in with, if it may register.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::SipPhone { username } => Some(username),
            Self::IpSim { username, .. } => username.as_deref(),
            Self::Outside { .. } => None,
        }
    }

    pub(crate) fn number(&self) -> Option<&PhoneNumber> {
        match self {
            Self::SipPhone { .. } => None,
            Self::IpSim { mobile, .. } => Some(mobile),
            Self::Outside { number } => Some(number),
        }
    }

    pub(crate) fn short(&self) -> Option<&ShortNumber> {
        match self {
            Self::IpSim { short, .. } => Some(short),
            Self::SipPhone { .. } | Self::Outside { .. } => None,
        }
    }
}
