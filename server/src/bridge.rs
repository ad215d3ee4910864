//! One phone of ours calls another: two legs and a room of their own.
//!
//! The two talk in a room of the mixer like any other, so that what begins as
//! a talk between two can become a conference without a drop.

use std::{sync::Arc, time::Duration};

use domain::{
    EmployeeId,
    line::{LineKey, LineState, Seen},
    trunk::Trunk,
};
use media::{Hearing, Leg, LegEvent, LegId, RoomKey};
use sip::{CallId, Ending, Event, Failure, Incoming, LocalMedia, Party, Rejection};
use tokio::sync::mpsc;

use crate::{
    clock,
    dialling::{Way, family_of, host_of, shown_number},
    shared::Shared,
    wire,
};

/// How long a colleague's phones ring.
const RING: Duration = Duration::from_secs(60);

/// One side of the talk.
struct Side {
    call: CallId,
    leg: LegId,
    line: LineKey,
}

/// Who calls whom.
pub struct Connection {
    pub call: CallId,
    pub incoming: Incoming,
    pub caller_line: LineKey,
    /// What the called phone shows.
    pub from: Party,
    pub callee: EmployeeId,
}

/// Connects the two and stays with them until one hangs up.
pub async fn connect(shared: Arc<Shared>, connection: Connection) {
    let Connection {
        call,
        incoming,
        caller_line,
        from,
        callee,
    } = connection;
    let signalling = shared.switchboard.signalling().clone();
    let (sip_tx, mut sip_rx) = mpsc::unbounded_channel();
    let (leg_tx, mut leg_rx) = mpsc::unbounded_channel();
    shared.switchboard.take(call, sip_tx.clone());

    let Some((way, callee_line)) = way_to(&shared, callee, from).await else {
        // Nowhere to ring: 480, as an operator says of a phone that is off.
        signalling.reject(call, Rejection::status(480));
        return;
    };
    let caller_family = incoming
        .media
        .as_ref()
        .map_or(way.family, |media| family_of(media.remote.ip()));
    let legs = open_two(&shared, caller_family, way.family, &leg_tx);
    let Some((leg_a, leg_b)) = legs else {
        signalling.reject(
            call,
            Rejection {
                retry_after: Some(Duration::from_secs(5)),
                ..Rejection::status(503)
            },
        );
        return;
    };
    let seed = *uuid_of(clock::now()).as_bytes();
    let invite = way.invite(seed, LocalMedia::at(leg_b.local));
    let other = shared.switchboard.invite(invite, sip_tx);
    let a = Side {
        call,
        leg: leg_a.id,
        line: caller_line,
    };
    let b = Side {
        call: other,
        leg: leg_b.id,
        line: callee_line,
    };
    mark(&shared, &a, LineState::Busy);
    mark(&shared, &b, LineState::Ringing);

    let mut talk = Talk {
        shared: shared.clone(),
        a,
        b,
        room: RoomKey(u128::from_be_bytes(seed)),
        answered: false,
    };
    let mut ring = Box::pin(tokio::time::sleep(RING));
    loop {
        tokio::select! {
            event = sip_rx.recv() => match event {
                Some(event) => if talk.signalled(event, leg_a) { break },
                None => break,
            },
            event = leg_rx.recv() => if let Some((leg, LegEvent::Digit(digit))) = event {
                talk.digit(leg, digit);
            },
            () = &mut ring, if !talk.answered => {
                signalling.hang_up(talk.b.call, Vec::new());
                signalling.reject(talk.a.call, Rejection::status(480));
                break;
            }
        }
    }
    talk.part();
}

/// The callee's phones that are registered; else his first number, over its operator.
async fn way_to(shared: &Arc<Shared>, callee: EmployeeId, from: Party) -> Option<(Way, LineKey)> {
    let page = shared.book.page();
    let (company, employee) = page.directory().employee(callee)?;
    for device in &employee.devices {
        if let Some(way) = Way::to_phone(shared, device.id, from.clone()).await {
            return Some((way, device.line()));
        }
    }
    // Nothing of his is registered: his first number, over its operator.
    employee.devices.iter().find_map(|device| {
        let number = device.kind.number()?;
        let own = company.sim_trunks.get(&device.id);
        let mut trunks: Vec<_> = company.trunks.iter().collect();
        let down = |trunk: &Trunk| shared.trunks.is_down(trunk.id);
        trunks.sort_by_key(|trunk| (down(trunk), Some(&trunk.id) != own, trunk.rank));
        let free = |trunk: &&Trunk| {
            let carried = shared.flights.on_trunk(trunk.id);
            trunk.channels.is_none_or(|channels| carried < channels)
        };
        let trunk = trunks.into_iter().find(free)?;
        let ours = shown_number(shared, trunk.id)?;
        let way = Way::over_trunk(trunk, number, from.display.clone(), &ours)?;
        Some((way, device.line()))
    })
}

/// As whom an employee calls a colleague.
pub fn caller_party(company: &domain::company::Company, name: &str, extension: &str) -> Party {
    Party {
        display: Some(name.to_owned()),
        user: extension.to_owned(),
        host: host_of(company),
    }
}

fn open_two(
    shared: &Shared,
    a: media::Family,
    b: media::Family,
    events: &mpsc::UnboundedSender<(LegId, LegEvent)>,
) -> Option<(Leg, Leg)> {
    let failed = |error: media::OpenError| tracing::error!(%error, "No audio for a call");
    let leg_a = shared
        .open_leg(a, None, events.clone())
        .map_err(failed)
        .ok()?;
    match shared.open_leg(b, None, events.clone()) {
        Ok(leg_b) => Some((leg_a, leg_b)),
        Err(error) => {
            failed(error);
            shared.media.close(leg_a.id);
            None
        }
    }
}

fn uuid_of(now: domain::Millis) -> uuid::Uuid {
    domain::AttemptId::new(now, clock::random()).uuid()
}

fn mark(shared: &Shared, side: &Side, state: LineState) {
    shared.lines.call(
        &side.line,
        &format!("{:?}", side.call),
        state,
        clock::now(),
        Seen::OurCall.here(),
    );
}

struct Talk {
    shared: Arc<Shared>,
    a: Side,
    b: Side,
    room: RoomKey,
    answered: bool,
}

impl Talk {
    /// Takes one piece of news. Answers whether the talk is over.
    fn signalled(&mut self, event: Event, leg_a: Leg) -> bool {
        let signalling = self.shared.switchboard.signalling().clone();
        match event {
            Event::Ringing { .. } => signalling.ring(self.a.call),
            Event::Answered { call, media, .. } => {
                let side = self.side(call);
                self.shared.media.connect(side.leg, wire::stream(&media));
                self.shared
                    .media
                    .enter(side.leg, self.room, Hearing::SPEAKER);
                if call == self.b.call {
                    self.answered = true;
                    mark(&self.shared, &self.b, LineState::Busy);
                    signalling.answer(self.a.call, LocalMedia::at(leg_a.local));
                }
            }
            Event::MediaChanged { call, media, .. } => {
                self.shared
                    .media
                    .connect(self.side(call).leg, wire::stream(&media));
            }
            Event::Digit { call, digit } => self.digit(self.side(call).leg, digit),
            Event::Failed { failure, .. } => {
                signalling.reject(self.a.call, as_rejection(&failure));
                return true;
            }
            Event::Ended { call, ending } => {
                let reasons = match ending {
                    Ending::ByPeer { reasons } => reasons,
                    Ending::ByUs
                    | Ending::AckLost
                    | Ending::SessionLost
                    | Ending::NoCommonCodec => Vec::new(),
                };
                let other = if call == self.a.call {
                    self.b.call
                } else {
                    self.a.call
                };
                signalling.hang_up(other, reasons);
                return true;
            }
            Event::Incoming { .. }
            | Event::Bindings { .. }
            | Event::Registration { .. }
            | Event::Subscription { .. }
            | Event::Notified { .. }
            | Event::Wanted { .. }
            | Event::Watched { .. }
            | Event::Unwanted { .. }
            | Event::Published { .. }
            | Event::Garbage { .. } => {}
        }
        false
    }

    /// A key pressed on one side is heard by the other's menu.
    fn digit(&self, from: LegId, digit: char) {
        let to = if from == self.a.leg {
            self.b.leg
        } else {
            self.a.leg
        };
        self.shared.media.send_digit(to, digit);
    }

    fn side(&self, call: CallId) -> &Side {
        if call == self.a.call {
            &self.a
        } else {
            &self.b
        }
    }

    fn part(self) {
        for side in [&self.a, &self.b] {
            self.shared.media.close(side.leg);
            self.shared
                .lines
                .call_ended(&side.line, &format!("{:?}", side.call), clock::now());
        }
    }
}

/// The caller is told what the called phone said, so that his own phone shows it.
fn as_rejection(failure: &Failure) -> Rejection {
    let status = match failure.status {
        Some(status) if (400..700).contains(&status) && status != 401 && status != 407 => status,
        Some(_) | None => 480,
    };
    Rejection {
        status,
        reasons: failure.reasons.clone(),
        retry_after: None,
    }
}
