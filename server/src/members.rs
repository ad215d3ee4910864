//! Who is in which room at this moment, as everybody else sees it.
//!
//! Each room's task owns its members and writes here what they look like; the
//! API reads it and sends commands back to the owner.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use api::{NewRecording, Talking};
use domain::{
    CompanyId, EmployeeId, MemberId, Role, RoomId,
    live::Act,
    loudness::{Gain, Side},
};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

use crate::conference::Answer;

/// What a member's room is asked to do. The answer comes when it is done.
#[derive(Debug)]
pub enum Order {
    Mute {
        member: MemberId,
        muted: bool,
        done: oneshot::Sender<()>,
    },
    SetRole {
        member: MemberId,
        role: Role,
        done: oneshot::Sender<()>,
    },
    RaiseHand {
        member: MemberId,
        up: bool,
        done: oneshot::Sender<()>,
    },
    Turn {
        member: MemberId,
        side: Side,
        gain: Gain,
        done: oneshot::Sender<()>,
    },
    Act {
        act: Act,
        done: oneshot::Sender<()>,
    },
    HangUp {
        member: MemberId,
        done: oneshot::Sender<()>,
    },
    Record {
        wanted: NewRecording,
        by: EmployeeId,
        done: Answer,
    },
    StopRecording {
        done: Answer,
    },
}

struct Entry {
    company: CompanyId,
    member: api::Member,
    owner: UnboundedSender<Order>,
    /// 0-100.
    level: u8,
}

#[derive(Default)]
pub struct Members {
    entries: Mutex<BTreeMap<MemberId, Entry>>,
    locked: Mutex<BTreeSet<RoomId>>,
    /// Those who wait to be let in.
    waiting: Mutex<BTreeMap<MemberId, Knocking>>,
}

struct Knocking {
    company: CompanyId,
    shown: api::Waiting,
    owner: UnboundedSender<Order>,
}

/// What is quieter than this is not drawn, dBov.
const QUIETEST: i32 = -60;

impl Members {
    /// A member joined, or looks different. Answers what he looked like before.
    pub fn put(
        &self,
        company: CompanyId,
        member: api::Member,
        owner: UnboundedSender<Order>,
    ) -> Option<api::Member> {
        let mut entries = self.lock();
        let level = entries.get(&member.id).map_or(0, |entry| entry.level);
        entries
            .insert(
                member.id,
                Entry {
                    company,
                    member,
                    owner,
                    level,
                },
            )
            .map(|before| before.member)
    }

    pub fn remove(&self, member: MemberId) {
        self.lock().remove(&member);
    }

    /// How loud a member is now, dBov.
    pub fn level(&self, member: MemberId, dbov: i8) {
        if let Some(entry) = self.lock().get_mut(&member) {
            let above = (i32::from(dbov) - QUIETEST).clamp(0, -QUIETEST);
            entry.level = u8::try_from(above * 100 / -QUIETEST).unwrap_or(100);
        }
    }

    /// How a member's audio travels now, where that is called by the same word as before.
    pub fn quality(&self, member: MemberId, quality: api::Quality) {
        if let Some(entry) = self.lock().get_mut(&member) {
            entry.member.quality = Some(quality);
        }
    }

    /// Who talks now and how loud, by company; companies in which nobody talks are left out.
    pub fn talking(&self) -> BTreeMap<CompanyId, Vec<Talking>> {
        let mut talking: BTreeMap<CompanyId, Vec<Talking>> = BTreeMap::new();
        for (id, entry) in self.lock().iter().filter(|(_, entry)| entry.member.talking) {
            talking.entry(entry.company).or_default().push(Talking {
                member_id: *id,
                level: entry.level,
            });
        }
        talking
    }

    /// Everybody in the company's rooms, in order of joining.
    pub fn of_company(&self, company: CompanyId) -> Vec<api::Member> {
        self.collect(|entry| entry.company == company)
    }

    /// Whether anybody is in any room.
    pub fn any(&self) -> bool {
        !self.lock().is_empty()
    }

    pub fn in_room(&self, room: RoomId) -> Vec<api::Member> {
        self.collect(|entry| entry.member.room_id == room)
    }

    /// Sends an order to the member's room. None if he is in none.
    pub fn order(
        &self,
        member: MemberId,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> Option<oneshot::Receiver<()>> {
        let (done, answer) = oneshot::channel();
        let entries = self.lock();
        entries.get(&member)?.owner.send(order(done)).ok()?;
        Some(answer)
    }

    /// Somebody waits to be let in.
    pub fn knock(&self, company: CompanyId, shown: api::Waiting, owner: UnboundedSender<Order>) {
        let one = Knocking {
            company,
            owner,
            shown,
        };
        self.at_doors().insert(one.shown.id, one);
    }

    /// He waits no more.
    pub fn stop_knocking(&self, id: MemberId) {
        self.at_doors().remove(&id);
    }

    /// Those who wait to be let into the company's rooms, by when they came.
    pub fn waiting(&self, company: CompanyId) -> Vec<api::Waiting> {
        let waiting = self.at_doors();
        let mut shown: Vec<_> = waiting
            .values()
            .filter(|one| one.company == company)
            .map(|one| one.shown.clone())
            .collect();
        shown.sort_by_key(|one| (one.since_at, one.id));
        shown
    }

    fn at_doors(&self) -> MutexGuard<'_, BTreeMap<MemberId, Knocking>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for a room as a whole. None if nobody is in it, nor waits to be let in.
    pub fn order_room(
        &self,
        room: RoomId,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> Option<oneshot::Receiver<()>> {
        let (done, answer) = oneshot::channel();
        let at_door = || {
            let waiting = self.at_doors();
            let mut here = waiting.values().filter(|one| one.shown.room_id == room);
            here.next().map(|one| one.owner.clone())
        };
        let owner = self.owner(room).or_else(at_door)?;
        owner.send(order(done)).ok()?;
        Some(answer)
    }

    /// The room was locked, or opened.
    pub fn set_locked(&self, room: RoomId, locked: bool) {
        let mut all = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        if locked {
            all.insert(room);
        } else {
            all.remove(&room);
        }
    }

    pub fn is_locked(&self, room: RoomId) -> bool {
        let all = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        all.contains(&room)
    }

    /// The way to the room's task; none if nobody is in the room.
    pub fn owner(&self, room: RoomId) -> Option<UnboundedSender<Order>> {
        let entries = self.lock();
        let mut inside = entries
            .values()
            .filter(|entry| entry.member.room_id == room);
        inside.next().map(|entry| entry.owner.clone())
    }

    fn collect(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<api::Member> {
        let entries = self.lock();
        let mut members: Vec<_> = entries
            .values()
            .filter(|entry| wanted(entry))
            .map(|entry| entry.member.clone())
            .collect();
        members.sort_by_key(|member| (member.joined_at, member.id));
        members
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<MemberId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the boards who talks, ten times a second while anybody does, and once
/// when the last one stops. Runs until the task is dropped.
pub async fn tell_levels(shared: std::sync::Arc<crate::shared::Shared>) {
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut before: BTreeSet<CompanyId> = BTreeSet::new();
    loop {
        tick.tick().await;
        let talking = shared.members.talking();
        for company in before
            .iter()
            .filter(|company| !talking.contains_key(company))
        {
            shared.hub.levels(*company, Vec::new());
        }
        before = talking.keys().copied().collect();
        for (company, levels) in talking {
            shared.hub.levels(company, levels);
        }
    }
}
