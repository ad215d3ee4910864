//! The task of one live room: the roll that is called for it, and the people in it.
//!
//! There is one task for each room with a meeting under way or people inside,
//! and it alone owns what happens there: the invitations of the occurrence, the
//! calls made for them, the calls that came in, the members. What it decides,
//! `domain` decides for it; here inputs are handed to the pure machines and
//! what they ask for is carried out. A fault ends one call, never the room.
//!
//! Rows are the truth. The task keeps copies; whatever others write (the API,
//! the scheduler) it reads again on [`Message::Refresh`], and what it changes
//! itself it writes before anybody hears of it. An attempt is on disk before
//! its INVITE leaves.
//!
//! It must not touch audio: it tells the media threads what to do and hears
//! from them what happened.

mod arrivals;
mod calls;
mod clock_set;
mod dial;
mod ending;
mod facts;
mod lobby;
mod members;
mod messages;
mod party;
mod recording;
mod registry;
mod restart;
mod roll;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{
    CompanyId, InvitationId, MemberId, Millis, RecordingId, RoomId, attempt::LeaveWay,
    invitation::Why, live::LiveRoom, meeting::Meeting, occurrence::Occurrence,
};
use media::{LegEvent, LegId, RoomEvent, RoomKey};
use sip::{CallId, Event};
use store::{AttemptRow, InboundRow, InvitationRow, Versioned};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};

pub use arrivals::{Arrival, Bell, ToldOf};
pub use dial::spent_on;
pub use party::Guest;
pub use recording::{Answer, RecordingRefused};
pub use registry::Conferences;

use crate::{clock, lines::LineNews, members::Order, recording::Tape, shared::Shared};
use party::Party;

/// What a room's task is told by the rest of the server.
#[derive(Debug)]
pub enum Message {
    /// Rows of its occurrence may have changed.
    Refresh,
    /// These have fallen due and are claimed for this task.
    Due(Vec<InvitationId>),
    /// A call that came in and wants into the room.
    Arrival(Box<Arrival>),
    /// Calls of an earlier process that were not over: those it placed, and those that came in.
    TakeUp(Vec<AttemptRow>, Vec<InboundRow>),
    /// A recording broke off.
    RecordingFailed(RecordingId),
    /// The server stops: hang up, keep the rows as they are.
    Stop,
}

/// One room and everything that goes on in it.
struct Conference {
    shared: Arc<Shared>,
    company: CompanyId,
    room: RoomId,
    key: RoomKey,
    /// What is held here now.
    occurrence: Option<Versioned<Occurrence>>,
    meeting: Option<Meeting>,
    /// Everyone expected.
    seats: BTreeMap<InvitationId, InvitationRow>,
    /// Every call here, by its audio.
    parties: BTreeMap<LegId, Party>,
    /// Whose audio is whose.
    seated: BTreeMap<MemberId, LegId>,
    calls: BTreeMap<CallId, LegId>,
    /// The people inside.
    live: LiveRoom,
    /// Whether a moderator was among them when those at the door last heard of it.
    moderated: bool,
    /// Voices are heard without the noise around them.
    suppresses_noise: bool,
    /// Numbers what is played, so that "heard to its end" can be told apart.
    tokens: u64,
    ending: ending::Ending,
    /// The end of which the room has been told.
    warned_of: Option<Millis>,
    /// Callers who came while the last ones were leaving.
    at_the_door: Vec<Arrival>,
    /// What an earlier process left, until the rows could be read.
    left_over: Option<(Vec<AttemptRow>, Vec<InboundRow>)>,
    /// What an earlier process left is taken up: a row that says otherwise is wrong.
    settled: bool,
    /// The room is recorded.
    tape: Option<Tape>,
    unwritten: rows::Unwritten,
    /// Who is to be taken out, and whether somebody is at it.
    leaving: VecDeque<(MemberId, LeaveWay)>,
    takes_out: bool,
    /// Who is due and not called now: until when, and why.
    not_now: Vec<(InvitationId, Millis, Why)>,
    /// Whether somebody is carrying out what the invitations ask for.
    carries_out: bool,
    out: Channels,
}

/// Where answers to this task come in.
#[derive(Clone)]
struct Channels {
    sip: mpsc::UnboundedSender<Event>,
    legs: mpsc::UnboundedSender<(LegId, LegEvent)>,
    orders: mpsc::UnboundedSender<Order>,
}

/// At most so many inputs of a kind are taken in one round.
const ROUND: usize = 256;

/// Everything that can wake the task.
struct Inputs {
    inbox: mpsc::UnboundedReceiver<Message>,
    sip: mpsc::UnboundedReceiver<Event>,
    legs: mpsc::UnboundedReceiver<(LegId, LegEvent)>,
    orders: mpsc::UnboundedReceiver<Order>,
    rooms: mpsc::UnboundedReceiver<(RoomKey, RoomEvent)>,
    lines: broadcast::Receiver<LineNews>,
    steps: clock::Steps,
}

/// What has woken it.
enum Woken {
    /// Its inbox, a time that has come, or a clock that was set.
    Anyhow,
    Signalling(Box<Event>),
    Leg(LegId, LegEvent),
    Order(Order),
    Announced,
    Line(Result<LineNews, RecvError>),
}

/// Tells how somebody sounds, and asks for nothing.
fn is_reading(event: &LegEvent) -> bool {
    matches!(event, LegEvent::Quality(_) | LegEvent::Level { .. })
}

impl Conference {
    /// Lives until nothing is held and nobody is here.
    ///
    /// Whatever has come by the time it wakes is taken in one **round**, and written once: with
    /// dozens coming and going every second a write for each would keep the next one waiting
    /// at the door for all before him.
    async fn run(mut self, mut inputs: Inputs, registry: Arc<Conferences>) {
        let mut mail = Vec::new();
        let mut due = self.next_wake();
        loop {
            // In a large room readings come all the time, and are no reason to look after everybody.
            let mut readings_alone = false;
            let woken = tokio::select! {
                1.. = inputs.inbox.recv_many(&mut mail, ROUND) => Woken::Anyhow,
                Some(event) = inputs.sip.recv() => Woken::Signalling(Box::new(event)),
                Some((leg, event)) = inputs.legs.recv() => Woken::Leg(leg, event),
                Some(order) = inputs.orders.recv() => Woken::Order(order),
                Some((_, RoomEvent::Played { .. })) = inputs.rooms.recv() => Woken::Announced,
                news = inputs.lines.recv() => Woken::Line(news),
                () = inputs.steps.stepped() => Woken::Anyhow,
                () = clock::glance_at(due) => Woken::Anyhow,
            };
            // Before anything is noted by the clock as it is now.
            if let Some(by) = inputs.steps.take() {
                self.on_clock_set_back(by).await;
            }
            match woken {
                Woken::Anyhow => {}
                Woken::Signalling(event) => self.on_signalling(*event).await,
                Woken::Leg(leg, event) => {
                    readings_alone = is_reading(&event);
                    self.on_leg(leg, event).await;
                }
                Woken::Order(order) => self.on_order(order).await,
                Woken::Announced => self.on_announced().await,
                Woken::Line(news) => self.on_line(news).await,
            }
            for _ in 0..ROUND {
                let Ok(event) = inputs.sip.try_recv() else {
                    break;
                };
                readings_alone = false;
                self.on_signalling(event).await;
            }
            for _ in 0..ROUND {
                let Ok((leg, event)) = inputs.legs.try_recv() else {
                    break;
                };
                readings_alone &= is_reading(&event);
                self.on_leg(leg, event).await;
            }
            while mail.len() < ROUND
                && let Ok(message) = inputs.inbox.try_recv()
            {
                mail.push(message);
            }
            if mail.iter().any(|message| matches!(message, Message::Stop)) {
                self.stop().await;
                break;
            }
            let now = clock::now();
            if readings_alone && mail.is_empty() && due.is_none_or(|due| due > now) {
                self.write().await;
                if self.unwritten.is_empty() {
                    continue;
                }
            }
            self.on_messages(&mut mail).await;
            self.wake(clock::now()).await;
            self.write().await;
            self.tell_whom_it_waits_for();
            if self.is_idle() && registry.leave(self.room, &inputs.inbox) {
                break;
            }
            due = self.next_wake();
        }
        self.shared.asking.wait_for(self.room, BTreeSet::new());
        tracing::debug!(room = %self.room, "The room is empty");
    }

    /// Takes all that has come. The rows are read once for all of it.
    async fn on_messages(&mut self, mail: &mut Vec<Message>) {
        let mut read = false;
        for message in mail.drain(..) {
            let reads = matches!(
                message,
                Message::Refresh | Message::Due(_) | Message::Arrival(_)
            );
            if reads && !std::mem::replace(&mut read, true) {
                self.refresh().await;
                self.follow_settings().await;
            }
            match message {
                Message::Refresh | Message::Stop => {}
                Message::Due(invitations) => {
                    for id in invitations {
                        self.dial(id).await;
                    }
                    self.write_who_is_put_off().await;
                }
                Message::Arrival(arrival) => self.on_arrival(*arrival),
                Message::TakeUp(placed, came_in) => {
                    self.left_over = Some((placed, came_in));
                    self.take_up_left_over().await;
                    read = false;
                }
                Message::RecordingFailed(id) => self.on_recording_failed(id).await,
            }
        }
    }

    /// When the next machine wants to be woken.
    fn next_wake(&self) -> Option<Millis> {
        let machines = self.parties.values().filter_map(Party::glance).min();
        // What could not be written is tried again at the next glance, a second from now.
        let waits = !self.unwritten.is_empty() || self.left_over.is_some();
        let retry = waits.then_some(Millis(i64::MAX));
        [machines, retry, self.next_end(), self.next_warning()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets every machine go on to what holds now.
    async fn wake(&mut self, now: Millis) {
        let due: BTreeSet<LegId> = self
            .parties
            .iter()
            .filter(|(_, party)| party.poll_timeout().is_some_and(|at| at <= now))
            .map(|(leg, _)| *leg)
            .collect();
        for leg in due {
            self.on_timeout(leg, now).await;
        }
        self.take_up_left_over().await;
        self.carry_out_all().await;
        self.probe_the_silent(now);
        self.warn_of_the_end(now).await;
        self.go_on_ending(now).await;
        self.end_gathering(now).await;
    }

    fn is_idle(&self) -> bool {
        self.occurrence.is_none()
            && self.parties.is_empty()
            && self.unwritten.is_empty()
            && self.at_the_door.is_empty()
            && self.left_over.is_none()
    }
}
