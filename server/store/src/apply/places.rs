//! Trunks, rooms and numbers of a plan.

use std::collections::BTreeSet;

use domain::{
    NumberId, RoomId, TrunkId,
    employee::Secret,
    room::{Pin, Room},
    trunk::{Registration, StatusApi, StatusSources, Target, Trunk},
};

use super::{ChangeKind, PlanError, Work, order, refused};
use crate::{
    PlannedPin, PlannedPush, PlannedStatus, PlannedTrunk, StoreError, db::Tx, occurrences,
    seal::random, text::to_json,
};

impl Work<'_> {
    pub(super) async fn trunks(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        for (index, planned) in self.plan.trunks.iter().enumerate() {
            let old = self.old_trunk(&planned.name).cloned();
            let new = self.trunk(index, planned, old.as_ref())?;
            match &old {
                Some(old) if *old == new => {}
                Some(_) => self.note(ChangeKind::Changed, "trunk", &new.name),
                None => self.note(ChangeKind::Added, "trunk", &new.name),
            }
            self.write_trunk(tx, index, &new).await?;
        }
        Ok(())
    }

    fn old_trunk(&self, name: &str) -> Option<&Trunk> {
        self.there
            .as_ref()?
            .trunks
            .iter()
            .find(|trunk| trunk.name == name)
    }

    fn trunk(
        &self,
        index: usize,
        planned: &PlannedTrunk,
        old: Option<&Trunk>,
    ) -> Result<Trunk, PlanError> {
        let kept = old.and_then(|old| old.registration.as_ref());
        let registration = match &planned.registration {
            None => None,
            Some(registration) => {
                let secret = registration
                    .secret
                    .clone()
                    .or_else(|| kept.map(|kept| kept.secret.clone()))
                    .ok_or_else(|| {
                        refused(
                            format!("trunks[{index}].secret"),
                            "a new login at an operator needs its secret",
                        )
                    })?;
                Some(Registration {
                    username: registration.username.clone(),
                    secret,
                    realm: registration.realm.clone(),
                    register: registration.register,
                })
            }
        };
        Ok(Trunk {
            id: old.map_or_else(|| TrunkId::new(self.now, random()), |old| old.id),
            company: self.company,
            name: planned.name.clone(),
            address: planned.address.clone(),
            proxy: planned.proxy.clone(),
            transport: planned.transport,
            registration,
            caller_number: planned.caller_number.clone(),
            rank: i32::try_from(index).unwrap_or(i32::MAX),
            channels: planned.channels,
            profile: old.map(|old| old.profile.clone()).unwrap_or_default(),
            status: status(planned.status.as_ref(), old.map(|old| &old.status)),
        })
    }

    async fn write_trunk(
        &self,
        tx: &mut Tx,
        index: usize,
        trunk: &Trunk,
    ) -> Result<(), StoreError> {
        let id = trunk.id.to_string();
        let sealed = trunk
            .registration
            .as_ref()
            .map(|registration| self.store.seal.close(&id, registration.secret.reveal()));
        let mut body = trunk.clone();
        if let Some(registration) = &mut body.registration {
            registration.secret = Secret::new("");
        }
        // A second secret of the trunk: sealed where it stands.
        if let Some(token) = body.status.api.as_mut().and_then(|api| api.token.as_mut()) {
            *token = Secret::new(self.store.seal.close(&id, token.reveal()));
        }
        sqlx::query(
            "INSERT INTO trunks (id, company_id, position, name, body, sealed_secret)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
                SET position = excluded.position, body = excluded.body, sealed_secret = excluded.sealed_secret",
        )
        .bind(&id)
        .bind(self.company.to_string())
        .bind(order(index))
        .bind(&trunk.name)
        .bind(to_json(&body))
        .bind(sealed)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    pub(super) async fn rooms(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let plan = self.plan;
        for (index, planned) in plan.rooms.iter().enumerate() {
            let old = self.there.as_ref().and_then(|there| {
                there
                    .rooms
                    .iter()
                    .find(|room| room.number == planned.number)
                    .cloned()
            });
            let new = Room {
                id: old
                    .as_ref()
                    .map_or_else(|| RoomId::new(self.now, random()), |old| old.id),
                company: self.company,
                number: planned.number.clone(),
                name: planned.name.clone(),
                pin: pin(&planned.pin, old.as_ref().and_then(|old| old.pin.as_ref())),
                moderator_pin: pin(
                    &planned.moderator_pin,
                    old.as_ref().and_then(|old| old.moderator_pin.as_ref()),
                ),
                settings: planned.settings.clone(),
            };
            match &old {
                Some(old) if *old == new => {}
                Some(_) => self.note(ChangeKind::Changed, "room", new.number.as_str()),
                None => self.note(ChangeKind::Added, "room", new.number.as_str()),
            }
            sqlx::query(
                "INSERT INTO rooms (id, company_id, number, name, pin, moderator_pin, settings, from_file, position)
                 VALUES ($1, $2, $3, $4, $5, $6, $8, 1, $7)
                 ON CONFLICT (id) DO UPDATE
                    SET name = excluded.name, pin = excluded.pin, moderator_pin = excluded.moderator_pin,
                        settings = excluded.settings, from_file = 1, position = excluded.position",
            )
            .bind(new.id.to_string())
            .bind(self.company.to_string())
            .bind(new.number.as_str())
            .bind(&new.name)
            .bind(new.pin.as_ref().map(Pin::reveal))
            .bind(new.moderator_pin.as_ref().map(Pin::reveal))
            .bind(order(index))
            .bind(to_json(&new.settings))
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    pub(super) async fn numbers(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let plan = self.plan;
        let kept: BTreeSet<&str> = plan
            .numbers
            .iter()
            .map(|planned| planned.number.as_str())
            .collect();
        let old = self
            .there
            .as_ref()
            .map(|there| there.numbers.clone())
            .unwrap_or_default();
        for gone in old.iter().filter(|old| !kept.contains(old.number.as_str())) {
            self.note(ChangeKind::Removed, "number", gone.number.as_str());
            sqlx::query("DELETE FROM numbers WHERE id = $1")
                .bind(gone.id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        for planned in &plan.numbers {
            let number = planned.number.as_str();
            let room = self.room_id(tx, planned.room.as_str()).await?;
            let trunk = match &planned.trunk {
                Some(name) => Some(self.trunk_id(tx, name).await?),
                None => None,
            };
            let old = old.iter().find(|old| old.number == planned.number);
            let same = old.is_some_and(|old| {
                let Target::Room(target) = old.target;
                target.to_string() == room && old.trunk.map(|id| id.to_string()) == trunk
            });
            if same {
                continue;
            }
            self.must_be_ours(tx, planned.place, number).await?;
            let kind = if old.is_some() {
                ChangeKind::Changed
            } else {
                ChangeKind::Added
            };
            self.note(kind, "number", number);
            let id = old.map_or_else(|| NumberId::new(self.now, random()), |old| old.id);
            sqlx::query(
                "INSERT INTO numbers (id, company_id, number, trunk_id, room_id) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (id) DO UPDATE SET trunk_id = excluded.trunk_id, room_id = excluded.room_id",
            )
            .bind(id.to_string())
            .bind(self.company.to_string())
            .bind(number)
            .bind(trunk)
            .bind(room)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    /// Numbers kept for events; whatever they are bound to, they stay bound to it.
    pub(super) async fn event_numbers(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let plan = self.plan;
        let old = self
            .there
            .as_ref()
            .map(|there| there.event_numbers.clone())
            .unwrap_or_default();
        let planned = |number: &str| {
            plan.event_numbers
                .iter()
                .any(|planned| planned.number.as_str() == number)
        };
        for gone in old.iter().filter(|old| !planned(old.number.as_str())) {
            self.note(ChangeKind::Removed, "event number", gone.number.as_str());
            sqlx::query("DELETE FROM event_numbers WHERE id = $1")
                .bind(gone.id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        for planned in &plan.event_numbers {
            let number = planned.number.as_str();
            let trunk = match &planned.trunk {
                Some(name) => Some(self.trunk_id(tx, name).await?),
                None => None,
            };
            let old = old.iter().find(|old| old.number == planned.number);
            if old.is_some_and(|old| old.trunk.map(|id| id.to_string()) == trunk) {
                continue;
            }
            self.must_be_ours(tx, planned.place, number).await?;
            let kind = match old {
                Some(_) => ChangeKind::Changed,
                None => ChangeKind::Added,
            };
            self.note(kind, "event number", number);
            let id = old.map_or_else(|| NumberId::new(self.now, random()), |old| old.id);
            sqlx::query(
                "INSERT INTO event_numbers (id, company_id, number, trunk_id) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO UPDATE SET trunk_id = excluded.trunk_id",
            )
            .bind(id.to_string())
            .bind(self.company.to_string())
            .bind(number)
            .bind(trunk)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    /// No two companies have one number, whatever they use it for.
    async fn must_be_ours(&self, tx: &mut Tx, place: usize, number: &str) -> Result<(), PlanError> {
        let owner: Option<(String,)> = sqlx::query_as(
            "SELECT company_id FROM numbers WHERE number = $1 AND company_id <> $2
              UNION SELECT company_id FROM event_numbers WHERE number = $1 AND company_id <> $2",
        )
        .bind(number)
        .bind(self.company.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        match owner {
            Some(_) => Err(refused(
                format!("numbers[{place}].number"),
                format!("{number} belongs to another company"),
            )),
            None => Ok(()),
        }
    }

    /// Trunks and rooms that are no longer in the file, once nothing refers to them.
    pub(super) async fn remove_places(&mut self, tx: &mut Tx) -> Result<(), PlanError> {
        let trunks: BTreeSet<&str> = self
            .plan
            .trunks
            .iter()
            .map(|trunk| trunk.name.as_str())
            .collect();
        let old = self
            .there
            .as_ref()
            .map(|there| there.trunks.clone())
            .unwrap_or_default();
        for gone in old.iter().filter(|old| !trunks.contains(old.name.as_str())) {
            self.note(ChangeKind::Removed, "trunk", &gone.name);
            sqlx::query("DELETE FROM trunks WHERE id = $1")
                .bind(gone.id.to_string())
                .execute(&mut *tx)
                .await?;
        }

        let rooms: BTreeSet<&str> = self
            .plan
            .rooms
            .iter()
            .map(|room| room.number.as_str())
            .collect();
        let from_file: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, number FROM rooms WHERE company_id = $1 AND from_file = 1 ORDER BY number",
        )
        .bind(self.company.to_string())
        .fetch_all(&mut *tx)
        .await?;
        for (id, number) in from_file
            .iter()
            .filter(|(_, number)| !rooms.contains(number.as_str()))
        {
            let room: RoomId = crate::text::parse("rooms", id)?;
            if let Some(title) = occurrences::plan_in(&mut *tx, room).await? {
                let problem = format!(
                    "room {number} is no longer in the file, but the meeting \"{title}\" is planned in it: move the meeting first"
                );
                return Err(refused("rooms", problem));
            }
            self.note(ChangeKind::Removed, "room", number);
            sqlx::query("DELETE FROM rooms WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    async fn room_id(&self, tx: &mut Tx, number: &str) -> Result<String, PlanError> {
        let (id,): (String,) =
            sqlx::query_as("SELECT id FROM rooms WHERE company_id = $1 AND number = $2")
                .bind(self.company.to_string())
                .bind(number)
                .fetch_one(&mut *tx)
                .await?;
        Ok(id)
    }

    pub(super) async fn trunk_id(&self, tx: &mut Tx, name: &str) -> Result<String, PlanError> {
        let (id,): (String,) =
            sqlx::query_as("SELECT id FROM trunks WHERE company_id = $1 AND name = $2")
                .bind(self.company.to_string())
                .bind(name)
                .fetch_one(&mut *tx)
                .await?;
        Ok(id)
    }
}

/// What is planned, with the tokens that are there where none is given.
fn status(planned: Option<&PlannedStatus>, old: Option<&StatusSources>) -> StatusSources {
    let Some(planned) = planned else {
        return StatusSources::default();
    };
    let kept = |api: &StatusApi| {
        let old = old.and_then(|old| old.api.as_ref())?;
        // A token is not shown to another host.
        (old.url == api.url).then(|| old.token.clone())?
    };
    StatusSources {
        events: planned.events.clone(),
        api: planned.api.as_ref().map(|api| StatusApi {
            token: planned.token.clone().or_else(|| kept(api)),
            ..api.clone()
        }),
        push_token_sha256: match &planned.push {
            PlannedPush::Set(hash) => Some(hash.clone()),
            PlannedPush::Keep => old.and_then(|old| old.push_token_sha256.clone()),
            PlannedPush::None => None,
        },
    }
}

pub(super) fn pin(planned: &PlannedPin, old: Option<&Pin>) -> Option<Pin> {
    match planned {
        PlannedPin::Keep => old.cloned(),
        PlannedPin::None => None,
        PlannedPin::Set(pin) => Some(pin.clone()),
    }
}
