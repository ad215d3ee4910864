//! What an earlier process left is taken up, and what this one leaves is left tidy.
//!
//! A call that was not answered is placed again: the same bytes, from the same
//! port. One that was is taken up by re-INVITE. What nobody wants any more is
//! ended, not forgotten: its phone would ring on, or talk to nobody. And a row
//! that says somebody is being called or is inside, with no call behind it, is
//! put right.

use domain::{
    AttemptId, InvitationId, Millis, Outcome, Span,
    attempt::{Call, CallEnd, LeaveWay},
    decode::{CallFacts, Row, Verdict},
    entrance::{Around, Entrance, Known},
    invitation::{Remaining, Status, Terms},
};
use media::{Family, Leg, LegId, OpenError};
use sip::{DialogRecord, LocalMedia};
use store::{AttemptRow, InboundRow, person_key};

use super::{
    Conference,
    party::{Guest, Part, Tie},
};
use crate::{
    clock,
    dialling::{Way, family_of},
};

impl Conference {
    /// Takes up what an earlier process left, as soon as the rows can be read.
    pub(super) async fn take_up_left_over(&mut self) {
        if self.left_over.is_none() {
            return;
        }
        if let Err(error) = self.read().await {
            return tracing::warn!(room = %self.room, %error, "Calls of before the restart wait for the database");
        }
        let Some((placed, came_in)) = self.left_over.take() else {
            return;
        };
        for row in placed {
            self.take_up(row).await;
        }
        for row in came_in {
            self.take_up_guest(row).await;
        }
        self.settled = true;
        self.settle().await;
    }

    async fn take_up(&mut self, row: AttemptRow) {
        let now = clock::now();
        let (invitation, attempt) = (row.attempt.invitation, row.attempt.id);
        let dialog = row
            .dialog
            .as_deref()
            .and_then(|dialog| serde_json::from_str::<DialogRecord>(dialog).ok());
        let way = self.way(&row.attempt.route).await;
        let family = match (&way, &dialog) {
            (Some(way), _) => way.family,
            (None, Some(dialog)) => family_of(dialog.flow.remote.ip()),
            (None, None) => Family::V4,
        };
        let leg = match self.leg_of_before(family, row.rtp_port, dialog.is_some()) {
            Ok(leg) => leg,
            Err(error) => {
                tracing::error!(%attempt, %error, "A call of before the restart cannot be taken up");
                return self.write_off(row, now).await;
            }
        };
        let Some(seat) = self.seats.get(&invitation) else {
            self.let_go(&row, dialog, leg, way);
            return self.write_off(row, now).await;
        };
        let wanted = seat.invitation.status().attempt() == Some(attempt);
        let mut machine = row
            .call
            .as_deref()
            .and_then(|call| serde_json::from_str::<Call>(call).ok())
            .unwrap_or_else(|| Call::new(self.setup(&seat.invitation, &row.attempt)));
        let ahead = row.attempt.started_at - now;
        if ahead > Span::ZERO {
            machine.on_clock_set_back(ahead);
        }
        let flight = self.flight(&seat.invitation, &row.attempt.route);
        // It was allowed when it began, and is the one that counts.
        _ = self
            .shared
            .flights
            .begin(attempt, flight, row.attempt.route.trunk, |_| {
                Ok::<(), ()>(())
            });
        tracing::info!(%attempt, answered = dialog.is_some(), wanted, "Takes up a call of before the restart");
        match dialog {
            Some(dialog) => {
                let audio = LocalMedia::at(leg.local);
                let call = self
                    .shared
                    .switchboard
                    .resume(dialog, audio, self.out.sip.clone());
                self.seat_party(call, row, machine, leg);
            }
            None => {
                machine.on_restart(now);
                self.place(row, machine, leg, way, Way::invite_again).await;
            }
        }
        // It was taken back, and the other side may not have heard of it.
        if !wanted && let Some(Part::Called { machine, .. }) = self.part(leg.id) {
            machine.withdraw(now);
        }
        self.follow_call(leg.id).await;
    }

    /// The port of before; for a dialog another one will do, as a re-INVITE names it.
    fn leg_of_before(
        &self,
        family: Family,
        at: Option<u16>,
        moves: bool,
    ) -> Result<Leg, OpenError> {
        let events = || self.out.legs.clone();
        match self.shared.open_leg(family, at, events()) {
            Err(_) if moves => self.shared.open_leg(family, None, events()),
            opened => opened,
        }
    }

    /// Ends a call that no row wants, wherever it stands.
    fn let_go(&self, row: &AttemptRow, dialog: Option<DialogRecord>, leg: Leg, way: Option<Way>) {
        let (audio, switchboard) = (LocalMedia::at(leg.local), &self.shared.switchboard);
        let call = match (dialog, way) {
            (Some(dialog), _) => Some(switchboard.resume(dialog, audio, self.out.sip.clone())),
            (None, Some(way)) => {
                let invite = way.invite(row.attempt.id.bytes(), audio);
                Some(switchboard.invite(invite, self.out.sip.clone()))
            }
            (None, None) => None,
        };
        if let Some(call) = call {
            switchboard.signalling().hang_up(call, Vec::new());
        }
        self.shared.media.close(leg.id);
    }

    /// A call that is over without anybody's doing: not held against him.
    async fn write_off(&mut self, mut row: AttemptRow, now: Millis) {
        let facts = CallFacts::default();
        let verdict = Verdict::after_answer(Outcome::Dropped, Row::BrokenOff, facts);
        let end = CallEnd::Left(LeaveWay::Lost);
        row.attempt.finish(end, &verdict, now);
        let (id, attempt) = (row.attempt.invitation, row.attempt.id);
        self.shared.flights.end(attempt);
        self.unwritten.attempts.insert(attempt, row);
        let (rules, times) = (self.rules(), self.times());
        self.change(id, |invitation| {
            let terms = Terms {
                rules: &rules,
                starts_at: times.0,
                ends_at: times.1,
            };
            invitation.on_call_ended(attempt, end, &verdict, Remaining::default(), terms, now);
        })
        .await;
    }

    /// A call that came in before the restart: he goes on where he was.
    async fn take_up_guest(&mut self, row: InboundRow) {
        let now = clock::now();
        let page = self.shared.book.page();
        let (Ok(guest), Ok(dialog)) = (
            serde_json::from_str::<Guest>(&row.body),
            serde_json::from_str::<DialogRecord>(&row.dialog),
        ) else {
            return self.forget_guest(row.id);
        };
        let family = family_of(dialog.flow.remote.ip());
        let (Some((_, room)), Ok(leg)) = (
            page.room(self.room),
            self.leg_of_before(family, row.rtp_port, true),
        ) else {
            return self.forget_guest(row.id);
        };
        let known = match guest.who.invitation.is_some() || guest.member.is_some() {
            true => Known::Expected(guest.who.role),
            // Whoever waits to be let in has given his PIN.
            false if guest.awaits.is_some() || guest.knocks.is_some() => {
                Known::Told(guest.who.role)
            }
            false => Known::Stranger(guest.who.role),
        };
        let around = Around {
            opens_at: self.opens_at(now),
            watched: Ok(()),
            locked: false,
            moderator_inside: self.live.has_moderator(),
            lobby: self.has_lobby(),
        };
        let door = Entrance::new(room.clone(), known, around, now);
        let call =
            self.shared
                .switchboard
                .resume(dialog, LocalMedia::at(leg.local), self.out.sip.clone());
        self.seat_guest(Tie::Call(call), leg, door, guest);
    }

    /// Puts right what rows say of calls that are not there: their process died
    /// before it could, or its last word did not reach the database.
    pub(super) async fn settle(&mut self) {
        if !self.settled {
            return;
        }
        let now = clock::now();
        let adrift: Vec<(InvitationId, Status)> = self
            .seats
            .values()
            .map(|seat| (seat.invitation.id, *seat.invitation.status()))
            .filter(|(id, status)| is_in_a_call(status) && !self.has_party(*id))
            .collect();
        for (id, status) in adrift {
            tracing::warn!(invitation = %id, ?status, "A row speaks of a call that is not there");
            match (status.attempt(), status) {
                (Some(attempt), _) => self.write_off_adrift(id, attempt, now).await,
                (None, Status::InRoom { member, .. }) => {
                    self.on_guest_left(id, member, LeaveWay::Lost, now).await;
                }
                (None, _) => {}
            }
        }
    }

    async fn write_off_adrift(&mut self, id: InvitationId, attempt: AttemptId, now: Millis) {
        let attempts = match self.shared.store.attempts(id).await {
            Ok(attempts) => attempts,
            Err(error) => return tracing::warn!(%error, "A lost call cannot be looked up"),
        };
        let (Some(attempt), Some(seat)) = (
            attempts.into_iter().find(|one| one.id == attempt),
            self.seats.get(&id),
        ) else {
            return;
        };
        let row = AttemptRow {
            company: self.company,
            person: person_key(&seat.invitation.invitee),
            rtp_port: None,
            dialog: None,
            call: None,
            attempt,
        };
        self.write_off(row, now).await;
    }

    fn has_party(&self, id: InvitationId) -> bool {
        self.parties
            .values()
            .any(|party| party.who.invitation == Some(id))
    }

    /// The server stops: the calls end, and whoever is still expected is due again at the next start.
    pub(super) async fn stop(&mut self) {
        let now = clock::now();
        let members: Vec<_> = self.live.members().map(|member| member.id).collect();
        for member in members {
            self.live.leave(member, LeaveWay::Lost);
        }
        self.follow_room().await;
        let legs: Vec<LegId> = self.parties.keys().copied().collect();
        for leg in legs {
            let Some(party) = self.dismiss(leg) else {
                continue;
            };
            match party.part {
                Part::Called { row, .. } => self.write_off(*row, now).await,
                Part::Caller { guest, .. } => self.forget_guest(guest.id),
            }
            if let Tie::Browser(_) = party.tie {
                self.shared.media.close(leg);
            }
        }
        self.write().await;
    }
}

fn is_in_a_call(status: &Status) -> bool {
    match status {
        Status::Calling { .. } | Status::Held { .. } | Status::InRoom { .. } => true,
        Status::Waiting { .. } | Status::Finished { .. } => false,
    }
}
