//! Which room has a task, and how to reach it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use domain::{CompanyId, RoomId, live::LiveRoom};
use media::RoomKey;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender, error::SendError},
    task::JoinSet,
};

use super::{Channels, Conference, Inputs, Message, ending::Ending, rows::Unwritten};
use crate::{clock, shared::Shared};

/// All live rooms. A room's task is started by the first message to it and ends
/// by itself.
#[derive(Default)]
pub struct Conferences {
    rooms: Mutex<BTreeMap<RoomId, UnboundedSender<Message>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Conferences {
    /// Tells a room's task something; starts it if there is none.
    pub fn tell(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        company: CompanyId,
        room: RoomId,
        message: Message,
    ) {
        let mut rooms = self.lock();
        let inbox = rooms
            .entry(room)
            .or_insert_with(|| self.start(shared.clone(), company, room));
        // A task leaves the map before it ends, and under this lock: one that is
        // gone all the same has panicked, and its room begins anew.
        if let Err(SendError(message)) = inbox.send(message) {
            tracing::error!(%room, "The room's task has failed: it begins anew");
            *inbox = self.start(shared.clone(), company, room);
            _ = inbox.send(message);
        }
    }

    /// Has every room look at its rows, those of `under_way` even if they have no task yet.
    pub fn refresh(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        under_way: impl IntoIterator<Item = (CompanyId, RoomId)>,
    ) {
        let mut rooms = self.lock();
        for (company, room) in under_way {
            rooms
                .entry(room)
                .or_insert_with(|| self.start(shared.clone(), company, room));
        }
        for inbox in rooms.values() {
            _ = inbox.send(Message::Refresh);
        }
    }

    /// Ends all tasks and waits for them.
    pub async fn stop(&self) {
        for inbox in self.lock().values() {
            _ = inbox.send(Message::Stop);
        }
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }

    /// Takes a room without further messages out of the map. False if there are some.
    pub(super) fn leave(&self, room: RoomId, inbox: &UnboundedReceiver<Message>) -> bool {
        let mut rooms = self.lock();
        let quiet = inbox.is_empty();
        if quiet {
            rooms.remove(&room);
        }
        quiet
    }

    fn start(
        self: &Arc<Self>,
        shared: Arc<Shared>,
        company: CompanyId,
        room: RoomId,
    ) -> UnboundedSender<Message> {
        let (inbox_tx, inbox) = mpsc::unbounded_channel();
        let (sip_tx, sip) = mpsc::unbounded_channel();
        let (legs_tx, legs) = mpsc::unbounded_channel();
        let (orders_tx, orders) = mpsc::unbounded_channel();
        let (rooms_tx, rooms) = mpsc::unbounded_channel();
        let key = RoomKey(room.uuid().as_u128());
        shared.media.watch(key, rooms_tx);
        let lines = shared.lines.news();
        let shared_settled = shared.settled.load(Ordering::Acquire);
        let conference = Conference {
            shared,
            company,
            room,
            key,
            occurrence: None,
            meeting: None,
            seats: BTreeMap::new(),
            parties: BTreeMap::new(),
            seated: BTreeMap::new(),
            calls: BTreeMap::new(),
            live: LiveRoom::new(room),
            moderated: false,
            suppresses_noise: false,
            tokens: 0,
            ending: Ending::No,
            warned_of: None,
            at_the_door: Vec::new(),
            left_over: None,
            settled: shared_settled,
            tape: None,
            unwritten: Unwritten::default(),
            leaving: Default::default(),
            takes_out: false,
            not_now: Vec::new(),
            carries_out: false,
            out: Channels {
                sip: sip_tx,
                legs: legs_tx,
                orders: orders_tx,
            },
        };
        let inputs = Inputs {
            inbox,
            sip,
            legs,
            orders,
            rooms,
            lines,
            steps: clock::steps(),
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(conference.run(inputs, self.clone()));
        inbox_tx
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, UnboundedSender<Message>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
