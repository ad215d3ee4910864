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
    CompanyId, DeviceId, EmployeeId, PhoneNumber, RoomId, ShortNumber, TrunkId,
    employee::{Device, DeviceKind, Employee},
    line::LineKey,
    room::Room,
    trunk::{Target, Transport, Trunk},
};
use sip::{AccountId, Authority, Caller, Credentials, Host, Package, ResourceId, Secret, SipUri};
use store::{CompanyDirectory, Store, StoreError};

/// The directory as it stands; cheap to share.
#[derive(Default)]
pub struct Book {
    page: RwLock<Arc<Page>>,
}

/// One snapshot.
#[derive(Debug, Default)]
pub struct Page {
    directory: store::Directory,
    devices: BTreeMap<DeviceId, (CompanyId, EmployeeId)>,
    trunks: BTreeMap<TrunkId, CompanyId>,
    /// Where each trunk's packets come from. A port is compared only where the
    /// trunk's address names one.
    sources: Vec<(IpAddr, Option<u16>, TrunkId)>,
}

/// What a dialled number means inside a company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialled {
    Room(RoomId),
    Employee(EmployeeId),
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
    /// The snapshot of this moment.
    pub fn page(&self) -> Arc<Page> {
        self.page
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the rows anew if they have changed. Answers whether they had.
    pub async fn refresh(&self, store: &Store) -> Result<bool, StoreError> {
        if store.revision().await? == self.page().directory.revision {
            return Ok(false);
        }
        let page = Page::new(store.directory().await?).await;
        *self.page.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(page);
        Ok(true)
    }
}

impl Page {
    async fn new(directory: store::Directory) -> Self {
        let mut page = Page::default();
        for (id, company) in &directory.companies {
            for employee in &company.employees {
                for device in &employee.devices {
                    page.devices.insert(device.id, (*id, employee.id));
                }
            }
            for trunk in &company.trunks {
                page.trunks.insert(trunk.id, *id);
                for (ip, port) in sources(trunk).await {
                    page.sources.push((ip, port, trunk.id));
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
    /// The employee whose IP-SIM an operator's caller number is, by its mobile or its short number.
    ///
    /// Only over the IP-SIM's own trunk: a number that any operator shows proves nothing.
    fn mobile_calling(&self, number: &str, over: TrunkId) -> Option<(&Employee, &Device)>;
    /// The lines of an employee.
    fn lines(&self, employee: EmployeeId) -> Vec<LineKey>;
}

impl Numbers for CompanyDirectory {
    fn dialled(&self, number: &str) -> Dialled {
        let Ok(short) = ShortNumber::parse(number) else {
            return self
                .room_behind(number)
                .map_or(Dialled::Nothing, Dialled::Room);
        };
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
            .find(|(own, port, _)| *own == ip && port.is_none_or(|port| port == source.port()))
            .map(|(_, _, trunk)| sip::TrunkId(trunk.uuid()))
    }
}

/// Where a trunk's packets may come from.
///
/// Over UDP an operator that names a port sends from it; a TCP connection of
/// his comes from any.
async fn sources(trunk: &Trunk) -> Vec<(IpAddr, Option<u16>)> {
    // A proxy on the way is whom we hear from.
    let first = trunk.proxy.as_ref().unwrap_or(&trunk.address);
    let Ok((host, port)) = Host::parse_with_port(first) else {
        tracing::warn!(
            trunk = trunk.name,
            address = trunk.address,
            "A trunk's address cannot be read"
        );
        return Vec::new();
    };
    let compared = match trunk.transport {
        Transport::Udp => port,
        Transport::Tcp => None,
    };
    if let Some(ip) = host.ip() {
        return vec![(ip.to_canonical(), compared)];
    }
    match tokio::net::lookup_host((host.to_string(), port.unwrap_or(5060))).await {
        Ok(addresses) => addresses
            .map(|address| (address.ip().to_canonical(), compared))
            .collect(),
        Err(error) => {
            tracing::warn!(trunk = trunk.name, address = trunk.address, %error, "A trunk's name does not resolve");
            Vec::new()
        }
    }
}
