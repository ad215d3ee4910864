//! One phone of ours calls another, or a number outside: two legs and a room of their own.
//!
//! The two talk in a room of the mixer like any other, so that what begins as
//! a talk between two can become a conference without a drop.
//!
//! A talk is on record from before its INVITE leaves. After a crash two dialogs
//! that stood are taken up by re-INVITE and the two talk on; whatever was less
//! than that is ended, lest a phone rings on or talks to nobody. The record is
//! written beside the talk: a database that is away never keeps two people apart.

mod record;
mod ways;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    CompanyId, EmployeeId, PhoneNumber,
    line::{LineKey, LineState, Seen},
};
use media::{Hearing, Leg, LegEvent, LegId, RoomKey};
use sip::{CallId, DialogRecord, Ending, Event, Failure, Incoming, LocalMedia, Party, Rejection};
use store::{StoreError, TalkRow};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{clock, dialling::family_of, shared::Shared, wire};
use record::{Kept, KeptSide, Record};
use ways::{way_again, way_outside, way_to};

pub use ways::caller_party;

/// How long a colleague's phones ring.
const RING: Duration = Duration::from_secs(60);

/// Who calls whom.
pub struct Connection {
    pub call: CallId,
    pub incoming: Incoming,
    pub caller_line: LineKey,
    /// What the called phone shows.
    pub from: Party,
    pub to: Callee,
    pub company: CompanyId,
    /// Names the talk; the called side's INVITE derives from it.
    pub id: Uuid,
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    Colleague(EmployeeId),
    Outside(PhoneNumber),
}

/// One side of the talk.
struct Side {
    call: CallId,
    leg: LegId,
    local: SocketAddr,
    line: LineKey,
    dialog: Option<String>,
}

/// Connects the two and stays with them until one hangs up.
pub async fn connect(shared: Arc<Shared>, connection: Connection) {
    let Connection {
        call,
        incoming,
        caller_line,
        from,
        to,
        company,
        id,
    } = connection;
    let signalling = shared.switchboard.signalling().clone();
    let (sip_tx, sip_rx) = mpsc::unbounded_channel();
    let (leg_tx, leg_rx) = mpsc::unbounded_channel();
    shared.switchboard.take(call, sip_tx.clone());

    let road = match &to {
        Callee::Colleague(callee) => way_to(&shared, *callee, from.clone()).await,
        Callee::Outside(number) => way_outside(&shared, company, number, &from),
    };
    let Some(road) = road else {
        // Nowhere to ring: 480, as an operator says of a phone that is off.
        shared.own_calls.ended(id, clock::now());
        signalling.reject(call, Rejection::status(480));
        return;
    };
    let caller_family = incoming
        .media
        .as_ref()
        .map_or(road.way.family, |media| family_of(media.remote.ip()));
    let Some((leg_a, leg_b)) = open_two(&shared, caller_family, road.way.family, &leg_tx) else {
        shared.own_calls.ended(id, clock::now());
        signalling.reject(
            call,
            Rejection {
                retry_after: Some(Duration::from_secs(5)),
                ..Rejection::status(503)
            },
        );
        return;
    };
    let now = clock::now();
    let kept = Kept {
        caller: KeptSide {
            line: caller_line.clone(),
            rtp_port: leg_a.local.port(),
        },
        callee: KeptSide {
            line: road.line.clone(),
            rtp_port: leg_b.local.port(),
        },
        over: road.over.clone(),
        from: (from.display, from.user),
    };
    let record = Record::begin(&shared.store, id, company, now, kept);
    record.written(None, None).await;
    let seed = id.into_bytes();
    let invite = road.way.invite(seed, LocalMedia::at(leg_b.local));
    let other = shared.switchboard.invite(invite, sip_tx);
    let side = |call, leg: Leg, line| Side {
        call,
        leg: leg.id,
        local: leg.local,
        line,
        dialog: None,
    };
    let talk = Talk {
        a: side(call, leg_a, caller_line),
        b: side(other, leg_b, road.line),
        room: RoomKey(u128::from_be_bytes(seed)),
        answered: false,
        resumed: false,
        record,
        shared,
    };
    mark(&talk.shared, &talk.a, LineState::Busy);
    mark(&talk.shared, &talk.b, LineState::Ringing);
    talk.run(sip_rx, leg_rx).await;
}

/// Takes up the talks of an earlier process, and ends those that did not stand.
pub async fn take_up(shared: &Arc<Shared>) -> Result<(), StoreError> {
    for row in shared.store.talks().await? {
        match serde_json::from_str::<Kept>(&row.body) {
            Ok(kept) => {
                let shared = shared.clone();
                tokio::spawn(async move { resume(shared, row, kept).await });
            }
            Err(error) => {
                tracing::warn!(%error, "A talk of before the restart cannot be read");
                shared.own_calls.ended(row.id, clock::now());
                shared.store.remove_talk(row.id).await?;
            }
        }
    }
    Ok(())
}

async fn resume(shared: Arc<Shared>, row: TalkRow, kept: Kept) {
    let dialog = |text: &Option<String>| {
        let text = text.as_deref()?;
        serde_json::from_str::<DialogRecord>(text).ok()
    };
    let (caller, callee) = (dialog(&row.caller_dialog), dialog(&row.callee_dialog));
    let record = Record::goes_on(&shared.store, &row, kept.clone());
    let (sip_tx, sip_rx) = mpsc::unbounded_channel();
    let (leg_tx, leg_rx) = mpsc::unbounded_channel();
    let (Some(caller), Some(callee)) = (caller.clone(), callee.clone()) else {
        tracing::info!(talk = %row.id, "A talk of before the restart did not stand: it is ended");
        let_go(&shared, &row, &kept, [caller, callee], &sip_tx, &leg_tx).await;
        shared.own_calls.ended(row.id, clock::now());
        return record.over();
    };
    let leg = |dialog: &DialogRecord, port| {
        let family = family_of(dialog.flow.remote.ip());
        let at_its_port = shared.open_leg(family, Some(port), leg_tx.clone());
        // A re-INVITE names another one just as well.
        at_its_port.or_else(|_| shared.open_leg(family, None, leg_tx.clone()))
    };
    let legs = (
        leg(&caller, kept.caller.rtp_port),
        leg(&callee, kept.callee.rtp_port),
    );
    let (Ok(leg_a), Ok(leg_b)) = legs else {
        tracing::error!(talk = %row.id, "No audio for a talk of before the restart");
        let dialogs = [Some(caller), Some(callee)];
        let_go(&shared, &row, &kept, dialogs, &sip_tx, &leg_tx).await;
        shared.own_calls.ended(row.id, clock::now());
        return record.over();
    };
    tracing::info!(talk = %row.id, "Takes up a talk of before the restart");
    let side = |dialog: DialogRecord, leg: Leg, line: &LineKey, text: &Option<String>| Side {
        call: shared
            .switchboard
            .resume(dialog, LocalMedia::at(leg.local), sip_tx.clone()),
        leg: leg.id,
        local: leg.local,
        line: line.clone(),
        dialog: text.clone(),
    };
    let talk = Talk {
        a: side(caller, leg_a, &kept.caller.line, &row.caller_dialog),
        b: side(callee, leg_b, &kept.callee.line, &row.callee_dialog),
        room: RoomKey(u128::from_be_bytes(row.id.into_bytes())),
        answered: true,
        resumed: true,
        record,
        shared: shared.clone(),
    };
    mark(&talk.shared, &talk.a, LineState::Busy);
    mark(&talk.shared, &talk.b, LineState::Busy);
    talk.run(sip_rx, leg_rx).await;
}

/// Ends whatever there may be of a talk: dialogs by BYE, an INVITE that may be ringing by
/// the same one again and its CANCEL. A caller who was not answered hears from his own phone.
async fn let_go(
    shared: &Arc<Shared>,
    row: &TalkRow,
    kept: &Kept,
    dialogs: [Option<DialogRecord>; 2],
    events: &mpsc::UnboundedSender<Event>,
    legs: &mpsc::UnboundedSender<(LegId, LegEvent)>,
) {
    let switchboard = &shared.switchboard;
    let rang = dialogs[1].is_none();
    for dialog in dialogs.into_iter().flatten() {
        let family = family_of(dialog.flow.remote.ip());
        if let Ok(leg) = shared.open_leg(family, None, legs.clone()) {
            let call = switchboard.resume(dialog, LocalMedia::at(leg.local), events.clone());
            switchboard.signalling().hang_up(call, Vec::new());
            shared.media.close(leg.id);
        }
    }
    if !rang {
        return;
    }
    let Some(way) = way_again(shared, kept).await else {
        return;
    };
    let port = Some(kept.callee.rtp_port);
    if let Ok(leg) = shared.open_leg(way.family, port, legs.clone()) {
        let invite = way.invite(row.id.into_bytes(), LocalMedia::at(leg.local));
        let call = switchboard.invite(invite, events.clone());
        switchboard.signalling().hang_up(call, Vec::new());
        shared.media.close(leg.id);
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
    /// Both stood before this process began.
    resumed: bool,
    record: Record,
}

impl Talk {
    async fn run(
        mut self,
        mut sip: mpsc::UnboundedReceiver<Event>,
        mut legs: mpsc::UnboundedReceiver<(LegId, LegEvent)>,
    ) {
        let signalling = self.shared.switchboard.signalling().clone();
        self.shared
            .flights
            .occupy(self.record.row.id, self.record.trunk());
        let mut ring = Box::pin(tokio::time::sleep(RING));
        loop {
            tokio::select! {
                event = sip.recv() => match event {
                    Some(event) => if self.signalled(event) { break },
                    None => break,
                },
                event = legs.recv() => if let Some((leg, LegEvent::Digit(digit))) = event {
                    self.digit(leg, digit);
                },
                () = &mut ring, if !self.answered => {
                    signalling.hang_up(self.b.call, Vec::new());
                    signalling.reject(self.a.call, Rejection::status(480));
                    break;
                }
            }
        }
        self.part();
    }

    /// Takes one piece of news. Answers whether the talk is over.
    fn signalled(&mut self, event: Event) -> bool {
        let signalling = self.shared.switchboard.signalling().clone();
        match event {
            Event::Ringing { .. } => signalling.ring(self.a.call),
            Event::Answered {
                call,
                media,
                dialog,
                ..
            } => {
                let leg = self.side(call).leg;
                self.shared.media.connect(leg, wire::stream(&media));
                self.shared.media.enter(leg, self.room, Hearing::SPEAKER);
                self.note_dialog(call, &dialog);
                if call == self.b.call && !self.resumed {
                    self.answered = true;
                    self.shared
                        .own_calls
                        .answered(self.record.row.id, clock::now());
                    mark(&self.shared, &self.b, LineState::Busy);
                    signalling.answer(self.a.call, LocalMedia::at(self.a.local));
                }
            }
            Event::MediaChanged {
                call,
                media,
                dialog,
            } => {
                self.shared
                    .media
                    .connect(self.side(call).leg, wire::stream(&media));
                self.note_dialog(call, &dialog);
            }
            Event::Digit { call, digit } => self.digit(self.side(call).leg, digit),
            Event::Failed { call, failure } => {
                if self.resumed {
                    // The one the other side has let go of is gone; so is the talk.
                    signalling.hang_up(self.other(call), Vec::new());
                } else {
                    signalling.reject(self.a.call, as_rejection(&failure));
                }
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
                signalling.hang_up(self.other(call), reasons);
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

    fn note_dialog(&mut self, call: CallId, dialog: &DialogRecord) {
        let text = serde_json::to_string(dialog).ok();
        if call == self.a.call {
            self.a.dialog = text;
        } else {
            self.b.dialog = text;
        }
        let written = self
            .record
            .now(self.a.dialog.clone(), self.b.dialog.clone());
        if call == self.b.call {
            let signalling = self.shared.switchboard.signalling().clone();
            tokio::spawn(async move {
                // A record that cannot be written keeps nobody from talking.
                _ = written.await;
                signalling.acknowledge(call);
            });
        }
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

    fn other(&self, call: CallId) -> CallId {
        if call == self.a.call {
            self.b.call
        } else {
            self.a.call
        }
    }

    fn part(self) {
        for side in [&self.a, &self.b] {
            self.shared.media.close(side.leg);
            self.shared
                .lines
                .call_ended(&side.line, &format!("{:?}", side.call), clock::now());
        }
        self.shared.flights.release(self.record.row.id);
        self.shared
            .own_calls
            .ended(self.record.row.id, clock::now());
        self.record.over();
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
