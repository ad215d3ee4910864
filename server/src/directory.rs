//! The directory in memory: whom a number, a user name or a caller belongs to.
//!
//! Signalling asks it for every request and must not wait, so it is a snapshot
//! that is replaced as a whole when the rows have changed. What can be looked
//! up by key is indexed when the snapshot is made.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
};

use domain::{
    CompanyId, DeviceId, EmployeeId, Millis, NumberId, PhoneNumber, RoomId, ShortNumber, TrunkId,
    employee::{Device, DeviceKind, Employee},
    event_number::EventNumber,
    line::LineKey,
    room::Room,
    trunk::{Target, Trunk},
};
use signalling::Names;
use sip::{
    AccountId, Authority, Caller, Credentials, Hop, Host, Lookup, Package, ResourceId, Secret,
    SipUri, Transport,
};
use store::{CompanyDirectory, Store, StoreError};

use crate::{clock, road::Road};

/// How often operators' names are looked up, s.
const LOOK_UP_EVERY_S: u32 = 30;

/// The directory as it stands; cheap to share.
pub struct Book {
    page: RwLock<Arc<Page>>,
    names: Names,
}

/// One snapshot.
#[derive(Debug, Default)]
pub struct Page {
    directory: store::Directory,
    devices: BTreeMap<DeviceId, (CompanyId, EmployeeId)>,
    trunks: BTreeMap<TrunkId, CompanyId>,
    /// Where each trunk's packets come from.
    sources: Vec<(Source, TrunkId)>,
}

/// Where a trunk's packets may come from.
///
/// Over UDP an operator that names a port sends from it; a TCP connection of
/// his comes from any.
#[derive(Debug, Clone)]
enum Source {
    At(IpAddr, Option<u16>),
    /// Wherever this name leads now.
    Named(Lookup),
}

/// What a dialled number means inside a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialled {
    Room(RoomId),
    Employee(EmployeeId),
    /// A number told to the public for an event.
    Event(NumberId),
    /// The number behind which meetings are planned by telephone.
    Service,
    /// A number that is none of ours.
    Outside(PhoneNumber),
    Nothing,
}

/// A device with the people around it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub company: &'a CompanyDirectory,
    pub employee: &'a Employee,
    pub device: &'a Device,
}

impl Book {
    /// An empty one; operators' names are those looked up here.
    pub fn new(names: Names) -> Self {
        Book {
            page: RwLock::default(),
            names,
        }
    }

    /// Looks up the operators' names, and again before they are old, so that whoever
    /// calls is known at once. Runs until the task is dropped.
    pub async fn keep_names(self: Arc<Self>) {
        loop {
            let page = self.page();
            for (source, _) in &page.sources {
                let Source::Named(lookup) = source else {
                    continue;
                };
                if self.names.look_up(lookup).await.is_empty() {
                    tracing::warn!(name = lookup.name, "An operator's name leads nowhere");
                }
            }
            let revision = page.directory.revision;
            for _ in 0..LOOK_UP_EVERY_S {
                clock::glance_at(Some(Millis(i64::MAX))).await;
                if self.page().directory.revision != revision {
                    break;
                }
            }
        }
    }

    /// The snapshot of this moment.
    pub fn page(&self) -> Arc<Page> {
        self.page
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the rows anew if they have changed. Whoever acts on a change compares
    /// revisions: several tasks refresh the book, and each change must be seen by all.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        if store.revision().await? == self.page().directory.revision {
            return Ok(());
        }
        let page = Page::new(store.directory().await?);
        *self.page.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(page);
        Ok(())
    }
}

impl Page {
    fn new(directory: store::Directory) -> Self {
        let mut page = Page::default();
        for (id, company) in &directory.companies {
            for employee in &company.employees {
                for device in &employee.devices {
                    page.devices.insert(device.id, (*id, employee.id));
                }
            }
            for trunk in &company.trunks {
                page.trunks.insert(trunk.id, *id);
                match source(trunk) {
                    Some(source) => page.sources.push((source, trunk.id)),
                    None => tracing::warn!(
                        trunk = trunk.name,
                        address = trunk.address,
                        "A trunk's address cannot be read"
                    ),
                }
            }
        }
        page.directory = directory;
        page
    }

    pub fn directory(&self) -> &store::Directory {
        &self.directory
    }

    pub fn companies(&self) -> impl Iterator<Item = &CompanyDirectory> {
        self.directory.companies.values()
    }

    pub fn company(&self, id: CompanyId) -> Option<&CompanyDirectory> {
        self.directory.companies.get(&id)
    }

    pub fn device(&self, id: DeviceId) -> Option<Owner<'_>> {
        let (company, employee) = self.devices.get(&id)?;
        let company = self.company(*company)?;
        let employee = company.employee(*employee)?;
        let device = employee.devices.iter().find(|device| device.id == id)?;
        Some(Owner {
            company,
            employee,
            device,
        })
    }

    pub fn trunk(&self, id: TrunkId) -> Option<(&CompanyDirectory, &Trunk)> {
        let company = self.company(*self.trunks.get(&id)?)?;
        let trunk = company.trunks.iter().find(|trunk| trunk.id == id)?;
        Some((company, trunk))
    }

    /// The trunk a call came over. Several companies may share an operator, and
    /// so its address: then it is the one whose number was dialled.
    pub fn trunk_for(
        &self,
        id: TrunkId,
        dialled: [Option<&String>; 2],
    ) -> Option<(&CompanyDirectory, &Trunk)> {
        let known = self.trunk(id)?;
        let alike = self
            .companies()
            .flat_map(|company| company.trunks.iter().map(move |trunk| (company, trunk)))
            .filter(|(_, trunk)| trunk.address == known.1.address)
            .find(|(company, trunk)| {
                dialled.iter().flatten().any(|number| {
                    let ours = trunk.caller_number.as_ref();
                    let same =
                        |number: PhoneNumber| ours.is_some_and(|ours| ours.same_line(&number));
                    company.room_behind(number).is_some()
                        || company.event_behind(number).is_some()
                        || company.is_service(number)
                        || PhoneNumber::parse(number).is_ok_and(same)
                })
            });
        Some(alike.unwrap_or(known))
    }

    pub fn room(&self, id: RoomId) -> Option<(&CompanyDirectory, &Room)> {
        self.companies()
            .find_map(|company| Some((company, company.room(id)?)))
    }
}

/// The company's plan of numbers.
pub trait Numbers {
    /// What one of its own phones means by a number.
    fn dialled(&self, number: &str) -> Dialled;
    /// The room behind one of its city numbers, however the operator writes it.
    fn room_behind(&self, number: &str) -> Option<RoomId>;
    /// The event number that was dialled, likewise.
    fn event_behind(&self, number: &str) -> Option<&EventNumber>;
    /// Whether it is the city number behind which meetings are planned.
    fn is_service(&self, number: &str) -> bool;
    /// The employee whose IP-SIM an operator's caller number is, by its mobile or its short number.
    ///
    /// Only over the IP-SIM's own trunk: a number that any operator shows proves nothing.
    fn mobile_calling(&self, number: &str, over: TrunkId) -> Option<(&Employee, &Device)>;
    /// Whether an IP-SIM is this trunk's own, so that its operator vouches for it.
    fn is_of_trunk(&self, device: DeviceId, trunk: TrunkId) -> bool;
    /// The lines of an employee.
    fn lines(&self, employee: EmployeeId) -> Vec<LineKey>;
}

impl Numbers for CompanyDirectory {
    fn dialled(&self, number: &str) -> Dialled {
        let Ok(short) = ShortNumber::parse(number) else {
            if self.is_service(number) {
                return Dialled::Service;
            }
            let event = || self.event_behind(number).map(|event| event.id);
            return self
                .room_behind(number)
                .map(Dialled::Room)
                .or_else(|| event().map(Dialled::Event))
                .unwrap_or(Dialled::Nothing);
        };
        if self.company.service.number.as_ref() == Some(&short) {
            return Dialled::Service;
        }
        if let Some(room) = self.rooms.iter().find(|room| room.number == short) {
            return Dialled::Room(room.id);
        }
        let employee = self.employees.iter().find(|employee| {
            employee.extension == short
                || employee.devices.iter().any(|device| match &device.kind {
                    DeviceKind::IpSim { short: own, .. } => *own == short,
                    DeviceKind::SipPhone { .. } | DeviceKind::Outside { .. } => false,
                })
        });
        employee.map_or(Dialled::Nothing, |employee| Dialled::Employee(employee.id))
    }

    fn room_behind(&self, number: &str) -> Option<RoomId> {
        let number = PhoneNumber::parse(number).ok()?;
        let did = self
            .numbers
            .iter()
            .find(|did| did.number.same_line(&number))?;
        match did.target {
            Target::Room(room) => Some(room),
        }
    }

    fn event_behind(&self, number: &str) -> Option<&EventNumber> {
        let number = PhoneNumber::parse(number).ok()?;
        self.event_numbers
            .iter()
            .find(|event| event.number.same_line(&number))
    }

    fn is_service(&self, number: &str) -> bool {
        let ours = self.company.service.city_number.as_ref();
        let number = PhoneNumber::parse(number).ok();
        ours.zip(number)
            .is_some_and(|(ours, number)| ours.same_line(&number))
    }

    fn mobile_calling(&self, number: &str, over: TrunkId) -> Option<(&Employee, &Device)> {
        let phone = PhoneNumber::parse(number).ok();
        let short = ShortNumber::parse(number).ok();
        self.employees.iter().find_map(|employee| {
            let device = employee.devices.iter().find(|device| {
                let DeviceKind::IpSim { mobile, short: own } = &device.kind else {
                    return false;
                };
                let is_his = phone.as_ref().is_some_and(|phone| mobile.same_line(phone))
                    || short.as_ref() == Some(own);
                is_his
                    && self
                        .sim_trunks
                        .get(&device.id)
                        .is_none_or(|trunk| *trunk == over)
            })?;
            Some((employee, device))
        })
    }

    fn is_of_trunk(&self, device: DeviceId, trunk: TrunkId) -> bool {
        self.sim_trunks.get(&device) == Some(&trunk)
    }

    fn lines(&self, employee: EmployeeId) -> Vec<LineKey> {
        self.employee(employee)
            .map(|employee| employee.devices.iter().map(Device::line).collect())
            .unwrap_or_default()
    }
}

impl Authority for Book {
    fn credentials(&self, username: &str, realm: &str) -> Option<Credentials> {
        let page = self.page();
        let company = page
            .companies()
            .find(|company| company.company.domain.eq_ignore_ascii_case(realm))?;
        let credential = company.credentials.get(username)?;
        Some(Credentials {
            account: AccountId(credential.device.uuid()),
            secret: Secret::Ha1 {
                md5: credential.ha1.md5.clone(),
                sha256: credential.ha1.sha256.clone(),
            },
        })
    }

    /// The company's domain; for a host that is no company's (an address, say) the first company's.
    fn realm(&self, host: &str) -> Option<String> {
        let page = self.page();
        let domain = |company: &CompanyDirectory| company.company.domain.clone();
        let named = page
            .companies()
            .map(domain)
            .find(|domain| domain.eq_ignore_ascii_case(host));
        named.or_else(|| page.companies().next().map(domain))
    }

    /// People and rooms of the watcher's own company, by the numbers its phones dial.
    fn watched(&self, watcher: Caller, address: &SipUri, _: Package) -> Option<ResourceId> {
        let Caller::Account(account) = watcher else {
            return None;
        };
        let page = self.page();
        let company = page.device(DeviceId::from_uuid(account.0))?.company;
        let host = address.host.to_string();
        let is_anothers = page.companies().any(|other| {
            other.company.domain.eq_ignore_ascii_case(&host)
                && other.company.id != company.company.id
        });
        if is_anothers {
            return None;
        }
        let user = address.user.as_deref()?;
        match company.dialled(user) {
            Dialled::Room(room) => Some(ResourceId(room.uuid())),
            Dialled::Employee(employee) => Some(ResourceId(employee.uuid())),
            // Neither is a person or a place that could be free or busy.
            Dialled::Event(_) | Dialled::Service | Dialled::Outside(_) => None,
            Dialled::Nothing => {
                let device = company.credentials.get(user)?.device;
                let owner = page.device(device)?;
                Some(ResourceId(owner.employee.id.uuid()))
            }
        }
    }

    fn trunk_by_source(&self, source: SocketAddr) -> Option<sip::TrunkId> {
        let ip = source.ip().to_canonical();
        self.page()
            .sources
            .iter()
            .find(|(own, _)| match own {
                Source::At(own, port) => {
                    *own == ip && port.is_none_or(|port| port == source.port())
                }
                Source::Named(lookup) => self.names.known(lookup).iter().any(|own| {
                    own.ip().to_canonical() == ip
                        && (compared_port(lookup.transport, lookup.port)
                            .is_none_or(|port| port == source.port()))
                }),
            })
            .map(|(_, trunk)| sip::TrunkId(trunk.uuid()))
    }
}

fn source(trunk: &Trunk) -> Option<Source> {
    // A proxy on the way is whom we hear from.
    let Hop::To {
        transport,
        host,
        port,
    } = Road::to(trunk)?.hop
    else {
        return None;
    };
    let named = trunk.proxy.as_ref().unwrap_or(&trunk.address);
    let written = Host::parse_with_port(named).ok()?.1;
    Some(match host {
        Host::Ip(ip) => Source::At(ip.to_canonical(), compared_port(transport, written)),
        Host::Name(name) => Source::Named(Lookup {
            name,
            transport,
            port,
        }),
    })
}

fn compared_port(transport: Transport, port: Option<u16>) -> Option<u16> {
    port.filter(|_| transport == Transport::Udp)
}
