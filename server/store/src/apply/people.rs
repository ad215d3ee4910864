//! Employees, their logins and their devices.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    DeviceId, EmployeeId, UserId,
    employee::{DeviceKind, Employee, Secret},
    room::Pin,
};

use super::{ChangeKind, MadeSecret, PlanError, Work, order, refused};
use crate::{
    Ha1, PlannedDevice, PlannedDeviceKind, PlannedEmployee, StoreError, db::Tx,
    directory::level_text, seal::random,
};

/// What tells one device of a company from another: its kind and its address.
type DeviceKey = (&'static str, String);

/// A device as it was: whose, in which place, and what of it may change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OldDevice {
    id: DeviceId,
    employee: EmployeeId,
    position: usize,
    short: Option<String>,
    trunk: Option<String>,
    username: Option<String>,
    ha1: Option<Ha1>,
}

impl Work<'_> {
    pub(super) async fn people(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let old = self
            .there
            .as_ref()
            .map(|there| there.employees.clone())
            .unwrap_or_default();
        let matched = match_people(&self.plan.employees, &old);
        let devices = self.old_devices();

        // Extensions, addresses and user names may have changed hands: set aside first what must be unique.
        for statement in [
            "UPDATE employees SET extension = 'was ' || extension WHERE company_id = $1",
            "UPDATE users SET email = 'was ' || email WHERE company_id = $1",
            "UPDATE devices SET username = NULL WHERE company_id = $1",
        ] {
            sqlx::query(statement)
                .bind(self.company.to_string())
                .execute(&mut *tx)
                .await?;
        }
        self.remove_devices(tx, &devices).await?;

        let plan = self.plan;
        for (index, (planned, matched)) in plan.employees.iter().zip(&matched).enumerate() {
            let id = matched.map_or_else(|| EmployeeId::new(self.now, random()), |old| old.id);
            self.employee(tx, index, planned, id, *matched).await?;
            self.login(tx, index, planned, id, *matched).await?;
            for (place, device) in planned.devices.iter().enumerate() {
                let old = devices.get(&key(&device.kind));
                let at = format!("employees[{index}].devices[{place}]");
                self.device(tx, &at, place, device, id, old).await?;
            }
        }

        let kept: BTreeSet<EmployeeId> = matched.iter().flatten().map(|old| old.id).collect();
        for gone in old.iter().filter(|old| !kept.contains(&old.id)) {
            self.note(ChangeKind::Removed, "employee", &gone.name);
            sqlx::query("DELETE FROM employees WHERE id = $1")
                .bind(gone.id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    async fn employee(
        &mut self,
        tx: &mut Tx,
        index: usize,
        planned: &PlannedEmployee,
        id: EmployeeId,
        old: Option<&Employee>,
    ) -> Result<(), StoreError> {
        let same = old.is_some_and(|old| {
            old.name == planned.name
                && old.group == planned.group
                && old.extension == planned.extension
                && old.zone == planned.zone
        });
        let there = self.there.as_ref();
        let old_pin = there.and_then(|there| there.phone_pins.get(&id)).cloned();
        let pin = super::places::pin(&planned.phone_pin, old_pin.as_ref());
        let same = same && pin == old_pin;
        match old {
            Some(_) if same => {}
            Some(_) => self.note(ChangeKind::Changed, "employee", &planned.name),
            None => self.note(ChangeKind::Added, "employee", &planned.name),
        }
        sqlx::query(
            "INSERT INTO employees (id, company_id, position, name, group_name, extension, time_zone, phone_pin)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE
                SET position = excluded.position, name = excluded.name, group_name = excluded.group_name,
                    extension = excluded.extension, time_zone = excluded.time_zone, phone_pin = excluded.phone_pin",
        )
        .bind(id.to_string())
        .bind(self.company.to_string())
        .bind(order(index))
        .bind(&planned.name)
        .bind(&planned.group)
        .bind(planned.extension.as_str())
        .bind(planned.zone.map(|zone| zone.name()))
        .bind(pin.as_ref().map(Pin::reveal))
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    async fn login(
        &mut self,
        tx: &mut Tx,
        index: usize,
        planned: &PlannedEmployee,
        id: EmployeeId,
        old: Option<&Employee>,
    ) -> Result<(), PlanError> {
        let old = old.and_then(|old| old.login.as_ref());
        let Some(login) = &planned.login else {
            if old.is_some() {
                self.note(ChangeKind::Removed, "login", &planned.name);
                sqlx::query("DELETE FROM users WHERE employee_id = $1")
                    .bind(id.to_string())
                    .execute(&mut *tx)
                    .await?;
            }
            return Ok(());
        };
        let taken: Option<(String,)> =
            sqlx::query_as("SELECT id FROM users WHERE email = $1 AND employee_id <> $2")
                .bind(&login.email)
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        if taken.is_some() {
            let problem = format!(
                "{} is the login of somebody of another company",
                login.email
            );
            return Err(refused(format!("employees[{index}].email"), problem));
        }
        let hash = match (&login.password_hash, old) {
            (Some(hash), _) => hash.clone(),
            (None, Some(old)) => old.password_hash.clone(),
            (None, None) => {
                let at = format!("employees[{index}].password");
                return Err(refused(at, "a new web login needs a password"));
            }
        };
        let user = self
            .there
            .as_ref()
            .and_then(|there| there.users.get(&id))
            .copied();
        let new_password = old.is_some_and(|old| old.password_hash != hash);
        match old {
            Some(old) if old.email == login.email && old.level == login.level && !new_password => {}
            Some(_) => self.note(ChangeKind::Changed, "login", &login.email),
            None => self.note(ChangeKind::Added, "login", &login.email),
        }
        let user = user
            .unwrap_or_else(|| UserId::new(self.now, random()))
            .to_string();
        sqlx::query(
            "INSERT INTO users (id, company_id, employee_id, email, password_hash, level)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
                SET email = excluded.email, password_hash = excluded.password_hash, level = excluded.level",
        )
        .bind(&user)
        .bind(self.company.to_string())
        .bind(id.to_string())
        .bind(&login.email)
        .bind(hash.reveal())
        .bind(level_text(login.level))
        .execute(&mut *tx)
        .await?;
        if new_password {
            // Whoever knew the old password is out.
            sqlx::query("DELETE FROM sessions WHERE user_id = $1")
                .bind(&user)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    async fn device(
        &mut self,
        tx: &mut Tx,
        at: &str,
        place: usize,
        planned: &PlannedDevice,
        employee: EmployeeId,
        old: Option<&OldDevice>,
    ) -> Result<(), PlanError> {
        let id = old.map_or_else(|| DeviceId::new(self.now, random()), |old| old.id);
        let new = OldDevice {
            id,
            employee,
            position: place,
            short: planned.kind.short().map(|short| short.to_string()),
            trunk: match &planned.trunk {
                Some(name) => Some(self.trunk_id(tx, name).await?),
                None => None,
            },
            username: planned.kind.username().map(str::to_owned),
            ha1: self.ha1(at, planned, old)?,
        };
        match old {
            Some(old) if *old == new => {}
            Some(_) => self.note(ChangeKind::Changed, "device", planned.kind.address()),
            None => self.note(ChangeKind::Added, "device", planned.kind.address()),
        }
        let id = id.to_string();
        let sealed = new
            .ha1
            .as_ref()
            .map(|ha1| self.store.seal.close(&id, &ha1.to_text()));
        sqlx::query(
            "INSERT INTO devices
                (id, company_id, employee_id, position, kind, username, number, short_number, trunk_id, sealed_ha1)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (id) DO UPDATE
                SET employee_id = excluded.employee_id, position = excluded.position,
                    username = excluded.username, short_number = excluded.short_number,
                    trunk_id = excluded.trunk_id, sealed_ha1 = excluded.sealed_ha1",
        )
        .bind(&id)
        .bind(self.company.to_string())
        .bind(employee.to_string())
        .bind(order(place))
        .bind(planned.kind.name())
        .bind(&new.username)
        .bind(planned.kind.number().map(|number| number.as_str()))
        .bind(&new.short)
        .bind(&new.trunk)
        .bind(sealed)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    /// What the device logs in with from now on.
    ///
    /// Who is new gets a secret made for him where the plan gives none. A hash is made
    /// over user name and domain: when one of them changes, the old hash is worth
    /// nothing, and without the secret there is no new one.
    fn ha1(
        &mut self,
        at: &str,
        planned: &PlannedDevice,
        old: Option<&OldDevice>,
    ) -> Result<Option<Ha1>, PlanError> {
        let Some(username) = planned.kind.username() else {
            return Ok(None);
        };
        let plan = self.plan;
        let domain = &plan.company.domain;
        if let Some(secret) = &planned.secret {
            return Ok(Some(Ha1::of(username, domain, secret.reveal())));
        }
        let at = format!("{at}.secret");
        let Some(kept) = old.and_then(|old| old.ha1.clone()) else {
            let secret = made_secret();
            let ha1 = Ha1::of(username, domain, secret.reveal());
            self.secrets.push(MadeSecret {
                username: username.to_owned(),
                secret,
            });
            return Ok(Some(ha1));
        };
        let renamed = old.is_some_and(|old| old.username.as_deref() != Some(username));
        let moved = self
            .there
            .as_ref()
            .is_some_and(|there| there.company.domain != *domain);
        if renamed || moved {
            let problem = format!(
                "the user name or the domain has changed: {username} needs its secret once more"
            );
            return Err(refused(at, problem));
        }
        Ok(Some(kept))
    }

    async fn remove_devices(
        &mut self,
        tx: &mut Tx,
        old: &BTreeMap<DeviceKey, OldDevice>,
    ) -> Result<(), StoreError> {
        let planned: BTreeSet<DeviceKey> = self
            .plan
            .employees
            .iter()
            .flat_map(|employee| &employee.devices)
            .map(|device| key(&device.kind))
            .collect();
        for (key, gone) in old.iter().filter(|(key, _)| !planned.contains(*key)) {
            self.note(ChangeKind::Removed, "device", &key.1);
            let id = gone.id.to_string();
            sqlx::query("DELETE FROM bindings WHERE account = $1")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM devices WHERE id = $1")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    fn old_devices(&self) -> BTreeMap<DeviceKey, OldDevice> {
        let Some(there) = &self.there else {
            return BTreeMap::new();
        };
        let logins: BTreeMap<DeviceId, (&String, &Ha1)> = there
            .credentials
            .iter()
            .map(|(username, credential)| (credential.device, (username, &credential.ha1)))
            .collect();
        let mut devices = BTreeMap::new();
        for employee in &there.employees {
            for (position, device) in employee.devices.iter().enumerate() {
                let login = logins.get(&device.id);
                let (key, short) = match &device.kind {
                    DeviceKind::SipPhone { username, .. } => {
                        (("sip_phone", username.clone()), None)
                    }
                    DeviceKind::IpSim { mobile, short, .. } => {
                        (("ip_sim", mobile.to_string()), Some(short.to_string()))
                    }
                    DeviceKind::Outside { number } => (("outside", number.to_string()), None),
                };
                let old = OldDevice {
                    id: device.id,
                    employee: employee.id,
                    position,
                    short,
                    trunk: there
                        .sim_trunks
                        .get(&device.id)
                        .map(|trunk| trunk.to_string()),
                    username: login.map(|(username, _)| (*username).clone()),
                    ha1: login.map(|(_, ha1)| (*ha1).clone()),
                };
                devices.insert(key, old);
            }
        }
        devices
    }
}

fn key(kind: &PlannedDeviceKind) -> DeviceKey {
    (kind.name(), kind.address().to_owned())
}

/// Who of those there is whom in the file: the one with the same name and
/// extension, else the same web login, else the same name, else the same extension.
///
/// So a person who moves to another extension stays the same person, and one
/// who marries does too.
fn match_people<'a>(planned: &[PlannedEmployee], old: &'a [Employee]) -> Vec<Option<&'a Employee>> {
    let rules: [fn(&PlannedEmployee, &Employee) -> bool; 4] = [
        |new, old| new.name == old.name && new.extension == old.extension,
        |new, old| match (&new.login, &old.login) {
            (Some(new), Some(old)) => new.email == old.email,
            _ => false,
        },
        |new, old| new.name == old.name,
        |new, old| new.extension == old.extension,
    ];
    let mut matched: Vec<Option<&Employee>> = vec![None; planned.len()];
    let mut taken = BTreeSet::new();
    for rule in rules {
        for (place, new) in planned.iter().enumerate() {
            if matched[place].is_some() {
                continue;
            }
            let found = old
                .iter()
                .find(|old| !taken.contains(&old.id) && rule(new, old));
            if let Some(found) = found {
                taken.insert(found.id);
                matched[place] = Some(found);
            }
        }
    }
    matched
}

/// 80 bits in letters and digits that are not taken for each other on paper.
fn made_secret() -> Secret {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bits = random::<10>().into_iter();
    let bits = bits.fold(0u128, |bits, byte| bits << 8 | u128::from(byte));
    let letter = |nth: u32| char::from(ALPHABET[(bits >> (5 * nth) & 31) as usize]);
    Secret::new((0..16).map(letter).collect::<String>())
}
