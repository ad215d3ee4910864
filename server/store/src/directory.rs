//! The directory: every company with its people, devices, trunks, numbers and
//! rooms, read as one snapshot. The running server keeps it in memory, looks
//! calls up in it, and reads it anew when [`Store::revision`] has moved.

use std::collections::BTreeMap;

use domain::{
    CompanyId, DeviceId, EmployeeId, Millis, PhoneNumber, TrunkId, UserId,
    calibration::Calibration,
    company::{Company, SmsGateway},
    employee::{Device, DeviceKind, Employee, Level, Login, Secret},
    event_number::EventNumber,
    room::{Pin, Room},
    trunk::{DidNumber, Target, Trunk},
};

use crate::{
    Store, StoreError, calibrations,
    db::Tx,
    event_numbers,
    ha1::Ha1,
    never_again,
    quiet::{self, Quiet},
    text::{from_json, parse},
};

/// All companies, as of one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    pub revision: i64,
    pub companies: BTreeMap<CompanyId, CompanyDirectory>,
}

/// One company. Every list is in the order of its file; what was added by hand comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanyDirectory {
    pub company: Company,
    /// Their devices' secrets are left empty: see `credentials`.
    pub employees: Vec<Employee>,
    /// With their secrets, opened.
    pub trunks: Vec<Trunk>,
    pub numbers: Vec<DidNumber>,
    /// City numbers kept for events, and what each is bound to.
    pub event_numbers: Vec<EventNumber>,
    pub rooms: Vec<Room>,
    /// What devices log in with, by user name. The realm is the company's domain.
    pub credentials: BTreeMap<String, Credential>,
    /// The operators of those IP-SIMs that name theirs.
    pub sim_trunks: BTreeMap<DeviceId, TrunkId>,
    /// The web users behind the employees' logins.
    pub users: BTreeMap<EmployeeId, UserId>,
    /// What is being learnt of its trunks.
    pub calibrations: BTreeMap<TrunkId, Calibration>,
    /// What employees prove themselves with by telephone.
    pub phone_pins: BTreeMap<EmployeeId, Pin>,
    /// Numbers that must not be called again: see [`CompanyDirectory::may_call`].
    pub never: Vec<PhoneNumber>,
    /// By what short messages leave, with its secret, opened.
    pub sms: Option<SmsGateway>,
    /// Who wants to be left alone, and until when.
    pub quiet: BTreeMap<EmployeeId, Quiet>,
}

/// A device's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub device: DeviceId,
    pub employee: EmployeeId,
    pub ha1: Ha1,
}

impl Directory {
    /// The employee, and the company he is of.
    pub fn employee(&self, id: EmployeeId) -> Option<(&CompanyDirectory, &Employee)> {
        self.companies
            .values()
            .find_map(|company| company.employee(id).map(|employee| (company, employee)))
    }
}

impl CompanyDirectory {
    /// Whether somebody wants to be left alone now.
    pub fn wants_quiet(&self, employee: EmployeeId, now: Millis) -> bool {
        self.quiet
            .get(&employee)
            .is_some_and(|until| until.is_none_or(|until| now < until))
    }

    pub fn employee(&self, id: EmployeeId) -> Option<&Employee> {
        self.employees.iter().find(|employee| employee.id == id)
    }

    /// The employee behind a web login.
    pub fn employee_behind(&self, user: UserId) -> Option<&Employee> {
        let (id, _) = self.users.iter().find(|(_, own)| **own == user)?;
        self.employee(*id)
    }

    pub fn room(&self, id: domain::RoomId) -> Option<&Room> {
        self.rooms.iter().find(|room| room.id == id)
    }

    /// Whether the owner of a number has not forbidden calls to it, however it is spelt.
    pub fn may_call(&self, number: &PhoneNumber) -> bool {
        !self.never.iter().any(|never| never.same_line(number))
    }
}

impl Store {
    /// A number that changes whenever the directory does.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        let (revision,): (i64,) =
            sqlx::query_as("SELECT CAST(COALESCE(SUM(revision + 1), 0) AS BIGINT) FROM companies")
                .fetch_one(&self.db)
                .await?;
        Ok(revision)
    }

    /// The whole directory, as of one moment.
    pub async fn directory(&self) -> Result<Directory, StoreError> {
        // A transaction that only reads, so that no half of a change is seen.
        let mut tx = self.read().await?;
        let (revision,): (i64,) =
            sqlx::query_as("SELECT CAST(COALESCE(SUM(revision + 1), 0) AS BIGINT) FROM companies")
                .fetch_one(&mut tx)
                .await?;
        let bodies: Vec<(String,)> = sqlx::query_as("SELECT body FROM companies ORDER BY id")
            .fetch_all(&mut tx)
            .await?;
        let mut companies = BTreeMap::new();
        for (body,) in bodies {
            let company: Company = from_json("companies", &body)?;
            companies.insert(company.id, self.read_company(&mut tx, company).await?);
        }
        Ok(Directory {
            revision,
            companies,
        })
    }

    /// One company's part of the directory, within a transaction.
    pub(crate) async fn read_company(
        &self,
        tx: &mut Tx,
        company: Company,
    ) -> Result<CompanyDirectory, StoreError> {
        let mut directory = CompanyDirectory {
            employees: Vec::new(),
            trunks: self.read_trunks(tx, company.id).await?,
            numbers: read_numbers(tx, company.id).await?,
            event_numbers: event_numbers::read(tx, company.id).await?,
            rooms: read_rooms(tx, company.id).await?,
            credentials: BTreeMap::new(),
            sim_trunks: BTreeMap::new(),
            users: BTreeMap::new(),
            calibrations: calibrations::read(tx, company.id).await?,
            phone_pins: BTreeMap::new(),
            never: never_again::read(tx, company.id).await?,
            sms: self.read_sms_gateway(tx, company.id).await?,
            quiet: quiet::read(tx, company.id).await?,
            company,
        };
        read_employees(tx, &mut directory).await?;
        self.read_devices(tx, &mut directory).await?;
        Ok(directory)
    }

    async fn read_trunks(&self, tx: &mut Tx, company: CompanyId) -> Result<Vec<Trunk>, StoreError> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT body, sealed_secret FROM trunks WHERE company_id = $1 ORDER BY position, id",
        )
        .bind(company.to_string())
        .fetch_all(&mut *tx)
        .await?;
        rows.into_iter()
            .map(|(body, sealed)| {
                let mut trunk: Trunk = from_json("trunks", &body)?;
                if let (Some(registration), Some(sealed)) = (&mut trunk.registration, sealed) {
                    registration.secret =
                        Secret::new(self.seal.open(&trunk.id.to_string(), &sealed)?);
                }
                let id = trunk.id.to_string();
                let token = trunk.status.api.as_mut().and_then(|api| api.token.as_mut());
                if let Some(token) = token {
                    *token = Secret::new(self.seal.open(&id, token.reveal())?);
                }
                Ok(trunk)
            })
            .collect()
    }

    async fn read_devices(
        &self,
        tx: &mut Tx,
        directory: &mut CompanyDirectory,
    ) -> Result<(), StoreError> {
        let rows: Vec<DeviceColumns> = sqlx::query_as(
            "SELECT id, employee_id, kind, username, number, short_number, trunk_id, sealed_ha1
               FROM devices WHERE company_id = $1 ORDER BY position, id",
        )
        .bind(directory.company.id.to_string())
        .fetch_all(&mut *tx)
        .await?;
        let mut devices: BTreeMap<EmployeeId, Vec<Device>> = BTreeMap::new();
        for (id, employee, kind, username, number, short, trunk, sealed) in rows {
            let device: DeviceId = parse("devices", &id)?;
            let owner: EmployeeId = parse("devices", &employee)?;
            if let (Some(username), Some(sealed)) = (&username, &sealed) {
                let ha1 = Ha1::from_text(&self.seal.open(&id, sealed)?)
                    .ok_or_else(|| StoreError::WrongKey(format!("device {id}")))?;
                directory.credentials.insert(
                    username.clone(),
                    Credential {
                        device,
                        employee: owner,
                        ha1,
                    },
                );
            }
            if let Some(trunk) = trunk {
                directory
                    .sim_trunks
                    .insert(device, parse("devices", &trunk)?);
            }
            let kind = device_kind(&kind, username, number, short)?;
            devices
                .entry(owner)
                .or_default()
                .push(Device { id: device, kind });
        }
        for employee in &mut directory.employees {
            employee.devices = devices.remove(&employee.id).unwrap_or_default();
        }
        Ok(())
    }
}

type DeviceColumns = (
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn device_kind(
    kind: &str,
    username: Option<String>,
    number: Option<String>,
    short: Option<String>,
) -> Result<DeviceKind, StoreError> {
    match (kind, username, number, short) {
        ("sip_phone", Some(username), _, _) => Ok(DeviceKind::SipPhone {
            username,
            secret: Secret::new(""),
        }),
        ("ip_sim", _, Some(mobile), Some(short)) => Ok(DeviceKind::IpSim {
            mobile: parse("devices", &mobile)?,
            short: parse("devices", &short)?,
        }),
        ("outside", _, Some(number), _) => Ok(DeviceKind::Outside {
            number: parse("devices", &number)?,
        }),
        _ => Err(StoreError::Damaged {
            table: "devices",
            reason: format!("a {kind} lacks what it is reached by"),
        }),
    }
}

async fn read_employees(tx: &mut Tx, directory: &mut CompanyDirectory) -> Result<(), StoreError> {
    type Columns = (
        String,
        String,
        Option<String>,
        String,
        Option<String>,
        Option<String>,
    );
    let company = directory.company.id;
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, name, group_name, extension, time_zone, phone_pin
           FROM employees WHERE company_id = $1 ORDER BY position, id",
    )
    .bind(company.to_string())
    .fetch_all(&mut *tx)
    .await?;
    let mut logins = read_logins(tx, company).await?;
    for (id, name, group, extension, zone, phone_pin) in rows {
        let id: EmployeeId = parse("employees", &id)?;
        if let Some(pin) = phone_pin.and_then(|pin| Pin::parse(&pin).ok()) {
            directory.phone_pins.insert(id, pin);
        }
        let login = logins.remove(&id);
        if let Some((user, _)) = &login {
            directory.users.insert(id, *user);
        }
        directory.employees.push(Employee {
            id,
            company,
            name,
            group,
            extension: parse("employees", &extension)?,
            devices: Vec::new(),
            zone: zone.map(|zone| parse("employees", &zone)).transpose()?,
            login: login.map(|(_, login)| login),
        });
    }
    Ok(())
}

async fn read_logins(
    tx: &mut Tx,
    company: CompanyId,
) -> Result<BTreeMap<EmployeeId, (UserId, Login)>, StoreError> {
    let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "SELECT id, employee_id, email, password_hash, level FROM users WHERE company_id = $1",
    )
    .bind(company.to_string())
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(id, employee, email, password_hash, level)| {
            let login = Login {
                email,
                password_hash: Secret::new(password_hash),
                level: level_from(&level)?,
            };
            Ok((parse("users", &employee)?, (parse("users", &id)?, login)))
        })
        .collect()
}

pub(crate) fn level_from(text: &str) -> Result<Level, StoreError> {
    match text {
        "administrator" => Ok(Level::Administrator),
        "employee" => Ok(Level::Employee),
        _ => Err(StoreError::Damaged {
            table: "users",
            reason: format!("the level {text}"),
        }),
    }
}

pub(crate) fn level_text(level: Level) -> &'static str {
    match level {
        Level::Administrator => "administrator",
        Level::Employee => "employee",
    }
}

async fn read_numbers(tx: &mut Tx, company: CompanyId) -> Result<Vec<DidNumber>, StoreError> {
    let rows: Vec<(String, String, Option<String>, String)> = sqlx::query_as(
        "SELECT id, number, trunk_id, room_id FROM numbers WHERE company_id = $1 ORDER BY id",
    )
    .bind(company.to_string())
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(id, number, trunk, room)| {
            Ok(DidNumber {
                id: parse("numbers", &id)?,
                company,
                number: parse("numbers", &number)?,
                trunk: trunk.map(|trunk| parse("numbers", &trunk)).transpose()?,
                target: Target::Room(parse("numbers", &room)?),
            })
        })
        .collect()
}

pub(crate) async fn read_rooms(tx: &mut Tx, company: CompanyId) -> Result<Vec<Room>, StoreError> {
    type Columns = (
        String,
        String,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, number, name, pin, moderator_pin, settings FROM rooms WHERE company_id = $1
          ORDER BY position, number",
    )
    .bind(company.to_string())
    .fetch_all(&mut *tx)
    .await?;
    let pin = |text: Option<String>| text.map(|text| Pin::parse(&text)).transpose();
    rows.into_iter()
        .map(|(id, number, name, open, moderator, settings)| {
            let damaged = |_| StoreError::Damaged {
                table: "rooms",
                reason: format!("the PIN of {number}"),
            };
            Ok(Room {
                id: parse("rooms", &id)?,
                company,
                number: parse("rooms", &number)?,
                name,
                pin: pin(open).map_err(damaged)?,
                moderator_pin: pin(moderator).map_err(damaged)?,
                settings: settings
                    .map(|settings| from_json("rooms", &settings))
                    .transpose()?
                    .unwrap_or_default(),
            })
        })
        .collect()
}
