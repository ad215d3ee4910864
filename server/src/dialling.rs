//! How a line is called: which packets go where, and as whom we call.
//!
//! Everything here follows from the directory, the registrations and the ids
//! given, so that the same call set up again after a restart is the same INVITE.

use std::{net::IpAddr, time::Duration};

use domain::{DeviceId, PhoneNumber, TrunkId, company::Company, trunk::Trunk};
use media::Family;
use sip::{
    AccountId, Binding, CallIdentity, Hop, Host, Invite, LocalMedia, OutboundCredentials, Party,
    Target,
};

use crate::{road::Road, shared::Shared};

/// Without any answer for this long another way is tried while it matters.
const FIRST_RESPONSE_WITHIN: Duration = Duration::from_secs(4);

/// A call of before a restart was perhaps answered meanwhile, and says so every four
/// seconds (RFC 3261 §13.3.1.4): whoever asked for less would take it for silence.
const FIRST_RESPONSE_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// All it takes to call a line, but for the call's own ids and audio.
#[derive(Debug, Clone)]
pub struct Way {
    pub targets: Vec<Target>,
    to: Party,
    pub from: Party,
    asserted: Option<Party>,
    pub credentials: Option<OutboundCredentials>,
    /// A phone of ours may insist on encrypted audio. With an operator that is agreed beforehand.
    may_encrypt: bool,
    /// Which of our addresses the audio uses.
    pub family: Family,
}

impl Way {
    /// To every place a device of ours is registered at: a phone, or an IP-SIM that registers. None if it is nowhere.
    pub async fn to_phone(shared: &Shared, device: DeviceId, from: Party) -> Option<Way> {
        let page = shared.book.page();
        let owner = page.device(device)?;
        let bindings = shared
            .switchboard
            .signalling()
            .bindings(AccountId(device.uuid()))
            .await;
        let first = bindings.first()?;
        let family = family_of(first.flow.remote.ip());
        let targets = bindings.iter().map(Binding::target).collect();
        Some(Way {
            targets,
            to: Party {
                display: None,
                user: first.username.clone(),
                host: host_of(&owner.company.company),
            },
            from,
            asserted: None,
            credentials: None,
            may_encrypt: true,
            family,
        })
    }

    /// To a number, over an operator. None if the trunk's address cannot be read.
    pub fn over_trunk(
        trunk: &Trunk,
        number: &PhoneNumber,
        name: Option<String>,
        ours: &PhoneNumber,
    ) -> Option<Way> {
        let road = Road::to(trunk)?;
        let uri = road.target(Some(number.as_str()));
        let host = road.host.clone();
        let party = |user: &str, display| Party {
            display,
            user: user.to_owned(),
            host: host.clone(),
        };
        let from = party(ours.as_str(), name);
        let family = match &road.hop {
            Hop::Flow(flow) => family_of(flow.remote.ip()),
            Hop::To { host, .. } => host.ip().map_or(Family::V4, family_of),
        };
        Some(Way {
            targets: vec![Target {
                uri,
                route: road.route,
                hop: Some(road.hop),
            }],
            to: party(number.as_str(), None),
            asserted: Some(from.clone()),
            from,
            credentials: trunk
                .registration
                .as_ref()
                .map(|registration| OutboundCredentials {
                    username: registration.username.clone(),
                    password: registration.secret.reveal().to_owned(),
                    realm: registration.realm.clone(),
                }),
            may_encrypt: false,
            family,
        })
    }

    /// The INVITE that an earlier process may have sent, once more.
    pub fn invite_again(self, seed: [u8; 16], audio: LocalMedia) -> Invite {
        Invite {
            first_response_within: Some(FIRST_RESPONSE_AGAIN_WITHIN),
            ..self.invite(seed, audio)
        }
    }

    /// The INVITE, with ids that follow from `seed` alone.
    pub fn invite(self, seed: [u8; 16], audio: LocalMedia) -> Invite {
        Invite {
            identity: CallIdentity::derive(seed),
            targets: self.targets,
            from: self.from,
            to: self.to,
            asserted: self.asserted,
            media: audio,
            offerless: false,
            holds_ack: true,
            credentials: self.credentials,
            may_encrypt: self.may_encrypt,
            first_response_within: Some(FIRST_RESPONSE_WITHIN),
            headers: Vec::new(),
        }
    }
}

/// The company's domain as a host; an address stands where it is not one.
pub fn host_of(company: &Company) -> Host {
    company
        .domain
        .parse()
        .unwrap_or(Host::Ip(IpAddr::from([127, 0, 0, 1])))
}

pub fn family_of(ip: IpAddr) -> Family {
    match ip.to_canonical() {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// The number an operator shows when we call over his trunk, and that is called
/// back: the trunk's own, else the company's first.
pub fn shown_number(shared: &Shared, trunk: TrunkId) -> Option<PhoneNumber> {
    let page = shared.book.page();
    let (company, trunk) = page.trunk(trunk)?;
    let of_trunk = company
        .numbers
        .iter()
        .find(|number| number.trunk == Some(trunk.id));
    trunk.caller_number.clone().or_else(|| {
        of_trunk
            .or(company.numbers.first())
            .map(|number| number.number.clone())
    })
}
