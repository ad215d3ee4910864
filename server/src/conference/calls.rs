//! The calls here: what signalling and the media threads tell of them, and what
//! their machines ask for.

use domain::{
    MemberId, Millis, Span,
    attempt::{CallEnd, HangUp, LeaveWay, Output, PlayMode, Stage},
    decode::{Verdict, Way},
    invitation::{Output as InvitationOutput, Phase, Terms},
    line::{Detail, LineState, Seen},
    reach,
    speech::Phrase,
};
use media::{LegEvent, LegId, Mode, NO_AUDIO, Target};
use sip::{Ending, Event, Failure, Provisional, Reason};

use super::{
    Conference,
    party::{Part, Tie},
};
use crate::{clock, switchboard, wire};

impl Conference {
    pub(super) async fn on_signalling(&mut self, event: Event) {
        let Some(leg) =
            switchboard::call_of(&event).and_then(|call| self.calls.get(&call).copied())
        else {
            return;
        };
        let now = clock::now();
        match event {
            Event::Ringing { provisional, .. } => self.on_provisional(leg, &provisional, now),
            Event::Answered {
                media,
                dialog,
                diversion,
                history,
                ..
            } => {
                let diverted = wire::diverted(&diversion, &history);
                self.connect(leg, media);
                self.note_dialog(leg, &dialog).await;
                self.on_answered(leg, diverted, now).await;
            }
            Event::MediaChanged { media, dialog, .. } => {
                self.connect(leg, media);
                self.note_dialog(leg, &dialog).await;
                self.show(leg);
            }
            // It comes back as a digit of the leg, like all others.
            Event::Digit { digit, .. } => self.shared.media.digit(leg, digit),
            Event::Ended { ending, .. } => self.on_ended(leg, &ending, now).await,
            Event::Failed { failure, .. } => self.on_failed(leg, &failure, now).await,
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
        self.follow_call(leg).await;
    }

    fn on_provisional(&mut self, leg: LegId, provisional: &Provisional, now: Millis) {
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        let Part::Called { machine, .. } = &mut party.part else {
            return;
        };
        match provisional.status {
            180 => machine.on_ringing(now),
            181 => machine.on_diverted(),
            183 if provisional.early_media => machine.on_early_media(now),
            _ => return,
        }
        let proof = machine.ringing_is_proof();
        if let (180, Some(line)) = (provisional.status, &party.who.line) {
            if proof {
                self.shared.lines.seen(line, now);
            }
            self.shared.lines.call(
                line,
                &party.line_key(),
                LineState::Ringing,
                now,
                Seen::OurCallRings.here(),
            );
        }
    }

    async fn on_answered(&mut self, leg: LegId, diverted: bool, now: Millis) {
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        if let Some(line) = &party.who.line {
            self.shared.lines.call(
                line,
                &party.line_key(),
                LineState::Busy,
                now,
                Seen::OurCall.here(),
            );
        }
        match &mut party.part {
            Part::Called { machine, .. } if machine.times().1.is_some() => {
                self.take_up_answered(leg, now).await
            }
            Part::Called { machine, .. } => {
                if diverted {
                    machine.on_diverted();
                }
                machine.on_answered(now);
            }
            Part::Caller { .. } => self.on_guest_connected(leg, now),
        }
    }

    /// A call of before the restart stands again: he goes on where he was.
    async fn take_up_answered(&mut self, leg: LegId, now: Millis) {
        let Some(Part::Called { machine, .. }) = self.part(leg) else {
            return;
        };
        machine.on_restart(now);
        if *machine.stage() == Stage::Joined {
            self.rejoin(leg, now).await;
        }
    }

    async fn on_failed(&mut self, leg: LegId, failure: &Failure, now: Millis) {
        match self.part(leg) {
            // A dialog of before the restart that the other side has let go of.
            Some(Part::Called { machine, .. }) if machine.times().1.is_some() => {
                machine.on_gone(LeaveWay::Lost, now);
            }
            Some(Part::Called { machine, row }) => {
                let way = match row.attempt.route.trunk {
                    Some(_) => Way::Trunk,
                    None => Way::Device,
                };
                machine.on_failed(wire::facts(failure, way), now);
            }
            Some(Part::Caller { .. }) => self.on_caller_gone(leg, LeaveWay::Lost, now).await,
            None => {}
        }
    }

    async fn on_ended(&mut self, leg: LegId, ending: &Ending, now: Millis) {
        let way = match ending {
            Ending::ByPeer { .. } | Ending::ByUs => LeaveWay::HungUp,
            Ending::AckLost | Ending::SessionLost | Ending::NoCommonCodec => LeaveWay::AudioLost,
        };
        match self.part(leg) {
            Some(Part::Called { machine, .. }) => machine.on_gone(way, now),
            Some(Part::Caller { .. }) => self.on_caller_gone(leg, way, now).await,
            None => {}
        }
    }

    pub(super) async fn on_leg(&mut self, leg: LegId, event: LegEvent) {
        let now = clock::now();
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        match event {
            LegEvent::Digit(digit) => match (party.member, &mut party.part) {
                (Some(member), _) => self.live.on_digit(member, digit, now),
                (None, Part::Called { machine, .. }) => machine.on_digit(digit, now),
                (None, Part::Caller { door, .. }) => door.on_digit(digit, now),
            },
            LegEvent::Played { token } if token == party.hears => {
                match (party.member, &mut party.part) {
                    (Some(_), _) => {}
                    (None, Part::Called { machine, .. }) => machine.on_played(now),
                    (None, Part::Caller { door, .. }) => door.on_played(now),
                }
            }
            LegEvent::Played { .. } => {}
            LegEvent::Talking { on } => {
                if let Some(member) = party.member {
                    party.talk(on, now);
                    self.live.on_talking(member, on);
                }
            }
            LegEvent::Level { dbov } => {
                if let Some(member) = party.member {
                    self.shared.members.level(member, dbov);
                }
            }
            LegEvent::Quality(quality) => {
                let silent_since_at = party.quality.and_then(|known| known.silent_since_at);
                let now = wire::quality(&quality, silent_since_at);
                let before = party.quality.replace(now);
                // Every member has a reading each two seconds, and hardly one of them is news.
                let same = before.is_some_and(|before| wire::grade(&before) == wire::grade(&now));
                match party.member {
                    Some(member) if same => return self.shared.members.quality(member, now),
                    Some(_) | None => self.show(leg),
                }
            }
            LegEvent::NoAudio => {
                let waited = Span(i64::try_from(NO_AUDIO.as_millis()).unwrap_or(0));
                self.on_silence(leg, Some(now - waited));
            }
            LegEvent::AudioBack => self.on_silence(leg, None),
            LegEvent::CameIn => {
                // Browsers speak nothing else.
                party.codec = Some(sip::Codec::Opus);
                if let Tie::Browser(id) = party.tie {
                    self.shared.browsers.came_in(id);
                }
                self.on_guest_connected(leg, now);
                self.show(leg);
            }
            LegEvent::Gone { said } => {
                let way = if said {
                    LeaveWay::HungUp
                } else {
                    LeaveWay::AudioLost
                };
                self.on_caller_gone(leg, way, now).await;
            }
            LegEvent::RemoteRefused => {
                tracing::warn!(%leg, "The other side's SDP names an address we never send to");
            }
        }
        self.follow_call(leg).await;
    }

    fn on_silence(&mut self, leg: LegId, since: Option<Millis>) {
        if let Some(party) = self.parties.get_mut(&leg) {
            let quality = party.quality.get_or_insert(wire::NO_QUALITY);
            quality.silent_since_at = since.map(|since| since.0);
            party.probed &= since.is_some();
            self.show(leg);
        }
    }

    pub(super) async fn on_timeout(&mut self, leg: LegId, now: Millis) {
        match self.part(leg) {
            Some(Part::Called { machine, .. }) => machine.handle_timeout(now),
            Some(Part::Caller { door, .. }) => door.handle_timeout(now),
            None => {}
        }
        self.follow_call(leg).await;
    }

    /// Carries out what the call's machine asks for.
    pub(super) async fn follow_call(&mut self, leg: LegId) {
        let mut followed = false;
        loop {
            let output = match self.part(leg) {
                Some(Part::Called { machine, .. }) => machine.poll_output(),
                Some(Part::Caller { .. }) => break self.follow_caller(leg).await,
                None => None,
            };
            let Some(output) = output else { break };
            followed = true;
            self.carry_out(leg, output).await;
        }
        if followed {
            self.keep_machine(leg);
        }
        self.follow_room().await;
    }

    async fn carry_out(&mut self, leg: LegId, output: Output) {
        let now = clock::now();
        let Some(party) = self.parties.get(&leg) else {
            return;
        };
        let Part::Called { machine, .. } = &party.part else {
            return;
        };
        let (invitation, attempt) = (party.who.invitation, machine.attempt());
        // Whoever is called is called by SIP.
        let Some(call) = party.tie.call() else {
            return;
        };
        match output {
            Output::StopRinging => self.shared.switchboard.signalling().stop_ringing(call),
            Output::Cancel => self
                .shared
                .switchboard
                .signalling()
                .hang_up(call, Vec::new()),
            Output::HangUp(why) => self
                .shared
                .switchboard
                .signalling()
                .hang_up(call, vec![reason(why)]),
            Output::Play { phrases, mode } => self.play(leg, &phrases, mode).await,
            Output::HoldMusic => self.play_music(leg),
            Output::Join => self.join(leg, now).await,
            Output::Phase(phase) => {
                self.note_phase(leg, phase, now);
                if let Some(id) = invitation {
                    self.change(id, |one| one.on_phase(attempt, phase, now))
                        .await;
                }
            }
            Output::Held => {
                if let Some(id) = invitation {
                    self.change(id, |one| one.on_held(attempt, now)).await;
                }
            }
            Output::Rsvp(rsvp) => {
                if let Some(id) = invitation {
                    self.change(id, |one| one.on_rsvp(attempt, rsvp, now)).await;
                }
            }
            Output::Ended { end, verdict } => self.on_call_over(leg, end, &verdict, now).await,
        }
    }

    fn note_phase(&mut self, leg: LegId, phase: Phase, now: Millis) {
        let Some(Part::Called { row, .. }) = self.part(leg) else {
            return;
        };
        match phase {
            Phase::Dialling => {}
            Phase::Ringing => _ = row.attempt.ringing_at.get_or_insert(now),
            Phase::Answered => _ = row.attempt.answered_at.get_or_insert(now),
        }
    }

    /// Lets him into the room, unless nobody waits for him any more.
    async fn join(&mut self, leg: LegId, now: Millis) {
        let member = MemberId::new(now, clock::random());
        let Some(party) = self.parties.get(&leg) else {
            return;
        };
        let Part::Called { machine, .. } = &party.part else {
            return;
        };
        let (invitation, attempt) = (party.who.invitation, machine.attempt());
        let mut wanted = false;
        if let Some(id) = invitation {
            self.change(id, |one| wanted = one.on_joined(attempt, member, now))
                .await;
        }
        if !wanted {
            if let Some(Part::Called { machine, .. }) = self.part(leg) {
                machine.withdraw(now);
            }
            return;
        }
        self.seat(leg, member, now);
    }

    /// The call is over: the record, the line, the invitation, the audio.
    pub(super) async fn on_call_over(
        &mut self,
        leg: LegId,
        end: CallEnd,
        verdict: &Verdict,
        now: Millis,
    ) {
        if let (Some(member), CallEnd::Left(way)) =
            (self.parties.get(&leg).and_then(|party| party.member), end)
        {
            self.live.leave(member, way);
            self.follow_room().await;
        }
        let Some(party) = self.dismiss(leg) else {
            return;
        };
        if let Some(call) = party.tie.call() {
            self.calls.remove(&call);
        }
        self.shared.media.close(leg);
        let key = party.line_key();
        let Part::Called { mut row, .. } = party.part else {
            return;
        };
        let attempt = row.attempt.id;
        if let Some(line) = &party.who.line {
            self.shared.lines.call_ended(line, &key, now);
            if let Some(evidence) = verdict.evidence(now, self.detail(&row.attempt, verdict)) {
                self.shared.lines.add(line, evidence, now);
            }
        }
        row.attempt.finish(end, verdict, now);
        let invitation = row.attempt.invitation;
        let route = row.attempt.route.clone();
        self.unwritten.attempts.insert(attempt, *row);
        self.shared.flights.end(attempt);
        let Some(seat) = self
            .seats
            .get(&invitation)
            .map(|seat| seat.invitation.clone())
        else {
            return;
        };
        let candidates = self.candidates(&seat, Default::default(), now).await;
        let remaining = reach::remaining(&seat, &candidates, &self.trunks(&seat));
        let (rules, times) = (self.rules(), self.times());
        self.change(invitation, |one| {
            let terms = Terms {
                rules: &rules,
                starts_at: times.0,
                ends_at: times.1,
            };
            one.on_call_ended(attempt, end, verdict, remaining, terms, now);
        })
        .await;
        tracing::info!(
            name = party.who.name,
            %attempt,
            address = route.address,
            trunk = route.trunk.map(tracing::field::display),
            ?end,
            row = ?verdict.row,
            code = verdict.facts.final_code,
            cause = verdict.facts.q850.map(|q850| q850.cause),
            next = ?self.seats.get(&invitation).map(|seat| *seat.invitation.status()),
            "A call is over"
        );
        // What comes next may be due at once.
        self.shared.nudge.notify_one();
    }

    /// What a tooltip says of the evidence: cause, code and where it came from.
    fn detail(&self, attempt: &domain::attempt::Attempt, verdict: &Verdict) -> Detail {
        let facts = &verdict.facts;
        let page = self.shared.book.page();
        let trunk = attempt
            .route
            .trunk
            .and_then(|trunk| page.trunk(trunk))
            .map(|(_, trunk)| trunk.name.clone());
        let seen = match (facts.q850, facts.final_code) {
            (Some(q850), _) => Seen::Cause(q850.cause.into()),
            (None, Some(code)) => Seen::Code(code),
            (None, None) => Seen::NoAnswer,
        };
        Detail { seen, trunk }
    }

    /// Carries out what the invitations ask for besides calls: the first to come here all
    /// of it, whoever comes here on the way nothing (see [`Self::follow_room`]).
    pub(super) async fn carry_out_all(&mut self) {
        if std::mem::replace(&mut self.carries_out, true) {
            return;
        }
        while self.carry_out_once().await {}
        self.carries_out = false;
        self.follow_room().await;
    }

    /// Answers whether anything was asked for.
    async fn carry_out_once(&mut self) -> bool {
        let now = clock::now();
        let mut asked = false;
        for id in self.seats.keys().copied().collect::<Vec<_>>() {
            while let Some(output) = self
                .seats
                .get_mut(&id)
                .and_then(|seat| seat.invitation.poll_output())
            {
                asked = true;
                self.unwritten.invitations.insert(id);
                match output {
                    InvitationOutput::Withdraw(attempt) => self.withdraw(attempt, now).await,
                    InvitationOutput::AnnounceOffline => self.announce_offline(id),
                    InvitationOutput::TellOrganiser(why) => {
                        self.tell_organiser(id, why, now);
                    }
                    InvitationOutput::Send(act) => {
                        self.write_to(id, act, now);
                    }
                    InvitationOutput::NeverAgain(number) => {
                        tracing::info!(%number, "This number asked never to be called again");
                        self.unwritten.never_again.push(number);
                    }
                    InvitationOutput::Alarm => {
                        tracing::warn!(invitation = %id, "Every trunk refuses or ignores the call to him");
                    }
                }
            }
        }
        asked
    }

    async fn withdraw(&mut self, attempt: domain::AttemptId, now: Millis) {
        let leg = self
            .parties
            .iter()
            .find_map(|(leg, party)| match &party.part {
                Part::Called { machine, .. } if machine.attempt() == attempt => Some(*leg),
                Part::Called { .. } | Part::Caller { .. } => None,
            });
        let Some(leg) = leg else { return };
        if let Some(Part::Called { machine, .. }) = self.part(leg) {
            machine.withdraw(now);
        }
        Box::pin(self.follow_call(leg)).await;
    }

    pub(super) fn part(&mut self, leg: LegId) -> Option<&mut Part> {
        self.parties.get_mut(&leg).map(|party| &mut party.part)
    }

    /// Lets him hear this in the place of whatever he hears.
    pub(super) async fn play(&mut self, leg: LegId, phrases: &[Phrase], mode: PlayMode) {
        let sounds = self.shared.sounds.render(self.language(), phrases).await;
        self.tokens += 1;
        let token = self.tokens;
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        party.hears = token;
        self.shared.media.stop(Target::Leg(leg));
        let mode = match mode {
            PlayMode::Once => Mode::Once,
            PlayMode::Loop => Mode::Loop,
        };
        if sounds.is_empty() {
            // Nothing to hear is heard at once; nobody waits for it.
            _ = self.out.legs.send((leg, LegEvent::Played { token }));
        } else {
            self.shared
                .media
                .play(Target::Leg(leg), sounds, mode, token);
        }
    }

    pub(super) fn play_music(&mut self, leg: LegId) {
        self.shared.media.stop(Target::Leg(leg));
        if let Some(music) = self.shared.sounds.music() {
            self.shared
                .media
                .play(Target::Leg(leg), vec![music], Mode::Loop, 0);
        }
    }

    /// The dialog is on disk before its answer is acknowledged: a restarted server takes the
    /// call up by it, and until then the phone says again that it has answered.
    async fn note_dialog(&mut self, leg: LegId, dialog: &sip::DialogRecord) {
        let Ok(text) = serde_json::to_string(dialog) else {
            return;
        };
        let Some(party) = self.parties.get_mut(&leg) else {
            return;
        };
        let call = party.tie.call();
        match &mut party.part {
            Part::Called { row, .. } => {
                row.dialog = Some(text);
                let row = row.as_ref().clone();
                self.unwritten.attempts.insert(row.attempt.id, row);
                self.unwritten.answers.extend(call);
            }
            Part::Caller { guest, .. } => {
                guest.dialog = Some(text);
                self.keep_guest(leg);
            }
        }
    }

    /// Keeps the machine's state with its attempt, for the next process.
    fn keep_machine(&mut self, leg: LegId) {
        let Some(Part::Called { machine, row }) = self.part(leg) else {
            return;
        };
        row.call = serde_json::to_string(machine).ok();
        let row = row.as_ref().clone();
        self.unwritten.attempts.insert(row.attempt.id, row);
    }
}

/// What the BYE tells the other side.
fn reason(why: HangUp) -> Reason {
    let text = match why {
        HangUp::NotConfirmed => "No key was pressed",
        HangUp::AsAsked => "As asked",
        HangUp::Withdrawn => "Called off",
        HangUp::AudioLost => "No audio",
        HangUp::TakenOut => "Taken out by the moderator",
        HangUp::MeetingOver => "The meeting is over",
    };
    Reason::q850(16, text)
}
