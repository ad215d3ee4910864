//! Browsers on their way into rooms, and in them.
//!
//! A page of the board rings at a room's door with an offer ([`Browsers::ring`]). The room's
//! task opens the leg and answers ([`Browsers::answer`]); what becomes of it after that is the
//! same as with any caller. The page may ask how far it is, and end it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::{BrowserCall, BrowserCallState};
use domain::{
    BrowserCallId, CompanyId, EmployeeId, MemberId, RoomId, employee::DeviceClass, entrance::Caller,
};
use media::{BrowserLeg, LegEvent, LegId};
use sip::sdp::{BrowserOffer, OurSide};
use tokio::{
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    time::timeout,
};

use crate::{
    clock,
    conference::{Arrival, Bell, Conferences, Message},
    shared::Shared,
    web::BrowserRefused,
};

/// So many at once are more than one person has pages for.
const MOST_OF_ONE: usize = 4;
/// Whoever comes while the last ones are leaving waits at the door for so long.
const AT_THE_DOOR: Duration = Duration::from_secs(10);

/// A browser at a room's door.
#[derive(Debug)]
pub struct BrowserRing {
    pub id: BrowserCallId,
    pub offer: BrowserOffer,
    company: CompanyId,
    employee: EmployeeId,
    answer: oneshot::Sender<String>,
}

/// A ring, and at which room.
pub struct Rung {
    company: CompanyId,
    room: RoomId,
    arrival: Arrival,
}

struct Entry {
    company: CompanyId,
    employee: EmployeeId,
    room: RoomId,
    leg: LegId,
    /// It has come in, as far as the door.
    here: bool,
    member: Option<MemberId>,
    /// Where the room hears of its legs.
    owner: UnboundedSender<(LegId, LegEvent)>,
}

pub struct Browsers {
    public: Option<IpAddr>,
    calls: Mutex<BTreeMap<BrowserCallId, Entry>>,
    rings: UnboundedSender<Rung>,
}

impl Browsers {
    /// `public` is our address as others see it.
    pub fn new(public: Option<IpAddr>) -> (Self, UnboundedReceiver<Rung>) {
        let (rings, rung) = mpsc::unbounded_channel();
        let browsers = Self {
            public,
            calls: Mutex::default(),
            rings,
        };
        (browsers, rung)
    }

    /// Rings at the door, and waits for the answer.
    pub async fn ring(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        room: RoomId,
        offer: BrowserOffer,
    ) -> Result<BrowserCall, BrowserRefused> {
        let his = |entry: &&Entry| entry.employee == employee;
        if self.lock().values().filter(his).count() >= MOST_OF_ONE {
            return Err(BrowserRefused::TooMany);
        }
        let (answer, answered) = oneshot::channel();
        let id = BrowserCallId::new(clock::now(), clock::random());
        let ring = BrowserRing {
            id,
            offer,
            company,
            employee,
            answer,
        };
        let arrival = Arrival {
            bell: Bell::Browser(ring),
            caller: Caller::Employee(employee),
            shown: None,
            class: DeviceClass::Browser,
            line: None,
            dialled: None,
            source: format!("browser of {employee}"),
            told: None,
        };
        let rung = Rung {
            company,
            room,
            arrival,
        };
        self.rings.send(rung).map_err(|_| BrowserRefused::NotNow)?;
        match timeout(AT_THE_DOOR, answered).await {
            Ok(Ok(sdp)) => self
                .of(company, employee, id)
                .map(|call| BrowserCall {
                    sdp: Some(sdp),
                    ..call
                })
                .ok_or(BrowserRefused::NotNow),
            Ok(Err(_)) | Err(_) => Err(BrowserRefused::NotNow),
        }
    }

    /// The room has opened a leg for it: now the browser may come.
    pub fn answer(
        &self,
        ring: BrowserRing,
        leg: &BrowserLeg,
        room: RoomId,
        owner: UnboundedSender<(LegId, LegEvent)>,
    ) {
        let entry = Entry {
            company: ring.company,
            employee: ring.employee,
            room,
            leg: leg.id,
            here: false,
            member: None,
            owner: owner.clone(),
        };
        self.lock().insert(ring.id, entry);
        let sdp = ring.offer.answer(&OurSide {
            addresses: &addresses(leg.local, self.public),
            ufrag: &leg.ufrag,
            password: &leg.password,
            fingerprint: &leg.fingerprint,
            ssrc: leg.ssrc,
        });
        if ring.answer.send(sdp).is_err() {
            // The page waits for it no more.
            _ = owner.send((leg.id, LegEvent::Gone { said: true }));
        }
    }

    pub fn came_in(&self, id: BrowserCallId) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.here = true;
        }
    }

    pub fn let_in(&self, id: BrowserCallId, member: MemberId) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.member = Some(member);
        }
    }

    pub fn remove(&self, id: BrowserCallId) {
        self.lock().remove(&id);
    }

    /// How far it is; nobody but who rang is told.
    pub fn of(
        &self,
        company: CompanyId,
        employee: EmployeeId,
        id: BrowserCallId,
    ) -> Option<BrowserCall> {
        let calls = self.lock();
        let entry = calls.get(&id)?;
        if (entry.company, entry.employee) != (company, employee) {
            return None;
        }
        Some(BrowserCall {
            id,
            room_id: entry.room,
            state: match (entry.member, entry.here) {
                (Some(_), _) => BrowserCallState::InRoom,
                (None, true) => BrowserCallState::AtDoor,
                (None, false) => BrowserCallState::Connecting,
            },
            member_id: entry.member,
            sdp: None,
        })
    }

    /// Ends it, as if the browser had closed. False if there is none.
    pub fn end(&self, company: CompanyId, employee: EmployeeId, id: BrowserCallId) -> bool {
        let calls = self.lock();
        let his = calls
            .get(&id)
            .filter(|entry| (entry.company, entry.employee) == (company, employee));
        his.is_some_and(|entry| {
            let gone = LegEvent::Gone { said: true };
            entry.owner.send((entry.leg, gone)).is_ok()
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BrowserCallId, Entry>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes whoever rings to the room's task.
pub async fn show_to_doors(
    shared: Arc<Shared>,
    conferences: Arc<Conferences>,
    mut rings: UnboundedReceiver<Rung>,
) {
    while let Some(rung) = rings.recv().await {
        let message = Message::Arrival(Box::new(rung.arrival));
        conferences.tell(&shared, rung.company, rung.room, message);
    }
}

/// Where a browser may reach the port: first as others see us, then as we are bound.
fn addresses(local: SocketAddr, public: Option<IpAddr>) -> Vec<SocketAddr> {
    let bound = match local.ip() {
        ip if ip.is_unspecified() => outward(ip),
        ip => Some(ip),
    };
    let mut ips: Vec<IpAddr> = public.into_iter().chain(bound).collect();
    ips.dedup();
    ips.into_iter()
        .map(|ip| SocketAddr::new(ip, local.port()))
        .collect()
}

/// The address by which we go out. Nothing is sent: the kernel only looks for the way.
fn outward(unspecified: IpAddr) -> Option<IpAddr> {
    let somewhere: SocketAddr = match unspecified {
        IpAddr::V4(_) => ([192, 0, 2, 1], 9).into(),
        IpAddr::V6(_) => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9).into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect(somewhere).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_the_public_address_first_and_none_twice() {
        let at = |local: &str, public: Option<&str>| {
            let public = public.map(|ip| ip.parse().unwrap());
            let found = addresses(local.parse().unwrap(), public);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(at("127.0.0.1:3478", None), ["127.0.0.1:3478"]);
        assert_eq!(
            at("10.0.0.5:3478", Some("203.0.113.7")),
            ["203.0.113.7:3478", "10.0.0.5:3478"]
        );
        assert_eq!(at("10.0.0.5:3478", Some("10.0.0.5")), ["10.0.0.5:3478"]);
        assert_eq!(
            at("0.0.0.0:3478", Some("203.0.113.7"))[0],
            "203.0.113.7:3478"
        );
    }
}
