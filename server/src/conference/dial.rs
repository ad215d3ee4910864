//! A call begins, or goes on after a restart.
//!
//! The order matters: the guard is asked, the attempt is written, and only then
//! its INVITE leaves. Its ids derive from the attempt's, so the same row makes
//! the same packet in the next process.

use domain::{
    AttemptId, InvitationId, Millis, PhoneNumber, ShortNumber, TrunkId,
    attempt::{Attempt, Call, CallEnd, CallSetup, Route},
    company::Company,
    decode::{self, CallFacts, Profile, Verdict, Way as CallWay},
    employee::DeviceClass,
    guard::{self, Cap, Charged, Circumstances, InFlight, Spent},
    invitation::{Invitation, Why},
    line::LineKey,
    meeting::Invitee,
    numbering,
    reach::{self, Candidate, Choice, TrunkNow},
    speech::{self, Briefing},
};
use media::Leg;
use sip::{CallId, Codec, Invite, LocalMedia};
use store::{AttemptRow, StoreError, person_key};

use super::{
    Conference,
    party::{Part, Party, Tie},
};
use crate::{
    clock,
    dialling::{self, Way},
    directory::Numbers,
};

/// G.711 in both laws: what every telephone network carries.
const G711: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

/// Over a trunk most calls end in a telephone network, where Opus gains nothing and costs
/// either side an encoder: offered, but last.
const TRUNK: [Codec; 4] = [Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::Opus];

/// A short wait where something that should not happen stands in the way.
const AGAIN: domain::Span = domain::Span::seconds(2);

impl Conference {
    /// Calls somebody who is due, if nothing speaks against it.
    pub(super) async fn dial(&mut self, id: InvitationId) {
        let now = clock::now();
        let Some(seat) = self.seats.get(&id) else {
            return;
        };
        let invitation = seat.invitation.clone();
        if self
            .parties
            .values()
            .any(|party| party.who.invitation == Some(id))
        {
            // He waits at the door, or his last call is not quite over.
            return self.put_off(id, now + AGAIN, Why::AlreadyCalled);
        }
        if invitation.poll_timeout().is_none_or(|(due, _)| due > now) {
            return;
        }
        let spent = match self.spent(now).await {
            Ok(spent) => spent,
            // Without the rows nobody could be called anyhow.
            Err(error) => {
                tracing::warn!(%error, "Nobody knows what was called today: nobody is called");
                return self.put_off(id, now + AGAIN, Why::NoChannel);
            }
        };
        let candidates = self.candidates(&invitation, spent, now).await;
        let trunks = self.trunks(&invitation);
        let busy = self.rules().busy;
        let route = match reach::choose(&invitation, &candidates, &trunks, &busy, now) {
            Choice::Call(route) => route,
            Choice::Busy => {
                return self.put_off(id, now + busy.wait_ms, Why::Busy);
            }
            Choice::ToldBusy => {
                return self.change(id, |one| one.let_talk(&busy, now)).await;
            }
            Choice::NoChannel => {
                return self.put_off(id, now + AGAIN, Why::NoChannel);
            }
            // Its attempt is on record like any other, though no packet can leave.
            Choice::NotRegistered(route) => route,
            Choice::Barred(why) => return self.on_blocked(id, why, now).await,
            Choice::NoWay => return self.change(id, |one| one.no_way(now)).await,
        };
        self.begin(id, invitation, route, spent, now).await;
    }

    /// The guard has refused the call.
    async fn on_blocked(&mut self, id: InvitationId, blocked: guard::Blocked, now: Millis) {
        match blocked.retry(now) {
            Some((until, why)) => self.put_off(id, until, why),
            None if matches!(blocked, guard::Blocked::Limit { .. }) => {
                tracing::info!(invitation = %id, %blocked, "He is not called");
                self.change(id, |one| one.not_allowed(now)).await;
            }
            // What is over or calls nobody is not due again: its rows say so.
            None if blocked == guard::Blocked::MeetingOver => {}
            None => self.change(id, |one| one.give_up(now)).await,
        }
    }

    /// He is due, and something stands in the way. Told once for as long as it is the same.
    fn put_off(&mut self, id: InvitationId, until: Millis, why: Why) {
        if let Some(seat) = self.seats.get(&id)
            && seat.invitation.poll_timeout().map(|(_, why)| why) != Some(why)
        {
            tracing::info!(
                name = self.name_of(&seat.invitation.invitee),
                ?why,
                "He is not called now"
            );
        }
        self.not_now.push((id, until, why));
    }

    /// Writes as one that all these are not called now: where the channels are taken, whole
    /// meetings wait for the next look.
    pub(super) async fn write_who_is_put_off(&mut self) {
        let put_off = std::mem::take(&mut self.not_now);
        let mut before = Vec::new();
        for (id, until, why) in &put_off {
            let Some(seat) = self.seats.get_mut(id) else {
                continue;
            };
            let old = seat.invitation.clone();
            seat.invitation.postpone(*until, *why);
            if seat.invitation == old || !self.unwritten.invitations.insert(*id) {
                continue;
            }
            let is_short = matches!(why, Why::NoChannel | Why::AlreadyCalled);
            if is_short && old.poll_timeout().map(|(_, why)| why) == Some(*why) {
                self.unwritten.untold.insert(*id);
            }
            before.push((*id, old));
        }
        match self.try_write().await {
            Ok(()) => {}
            // Somebody has written one of them meanwhile, and may have declined: one after the other.
            Err(StoreError::Stale {
                what: "invitation", ..
            }) => {
                for (id, old) in before {
                    self.unwritten.invitations.remove(&id);
                    if let Some(seat) = self.seats.get_mut(&id) {
                        seat.invitation = old;
                    }
                }
                for (id, until, why) in put_off {
                    self.change(id, |one| one.postpone(until, why)).await;
                }
            }
            Err(error) => tracing::warn!(%error, "Who is put off is not written yet"),
        }
    }

    /// Puts the attempt on record and sends its INVITE: in this order.
    async fn begin(
        &mut self,
        id: InvitationId,
        mut invitation: Invitation,
        route: Route,
        spent: (Spent, Spent),
        now: Millis,
    ) {
        let attempt = AttemptId::new(now, clock::random());
        if let Err(blocked) = self.allowed(attempt, &invitation, &route, spent, now) {
            return self.on_blocked(id, blocked, now).await;
        }
        let way = self.way(&route).await;
        let family = way.as_ref().map_or(media::Family::V4, |way| way.family);
        let leg = match self.shared.open_leg(family, None, self.out.legs.clone()) {
            Ok(leg) => leg,
            Err(error) => {
                tracing::error!(%error, "No audio for a call");
                self.shared.flights.end(attempt);
                return self.put_off(id, now + AGAIN, Why::NoChannel);
            }
        };
        let Ok(record) = invitation.dial(attempt, route, now) else {
            self.shared.flights.end(attempt);
            return self.shared.media.close(leg.id);
        };
        let machine = Call::new(self.setup(&invitation, &record));
        let row = AttemptRow {
            company: self.company,
            person: person_key(&invitation.invitee),
            rtp_port: Some(leg.local.port()),
            dialog: None,
            call: serde_json::to_string(&machine).ok(),
            attempt: record,
        };
        if let Err(error) = self.put_on_record(id, invitation, &row).await {
            self.shared.flights.end(attempt);
            self.shared.media.close(leg.id);
            return self.on_refused(id, error, now).await;
        }
        self.place(row, machine, leg, way, Way::invite).await;
    }

    async fn put_on_record(
        &mut self,
        id: InvitationId,
        invitation: Invitation,
        row: &AttemptRow,
    ) -> Result<(), StoreError> {
        let Some(seat) = self.seats.get_mut(&id) else {
            return Err(StoreError::NotFound {
                what: "invitation",
                id: id.to_string(),
            });
        };
        let before = std::mem::replace(&mut seat.invitation, invitation);
        self.unwritten.invitations.insert(id);
        self.unwritten.untold.remove(&id);
        self.unwritten.attempts.insert(row.attempt.id, row.clone());
        let written = self.try_write().await;
        if written.is_err() {
            self.unwritten.invitations.remove(&id);
            self.unwritten.attempts.remove(&row.attempt.id);
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.invitation = before;
            }
        }
        written
    }

    /// The attempt could not be put on record, so nobody is called now.
    async fn on_refused(&mut self, id: InvitationId, error: StoreError, now: Millis) {
        match error {
            StoreError::AlreadyCalling { .. } => {
                let until = now + AGAIN;
                self.put_off(id, until, Why::AlreadyCalled);
            }
            // Somebody was quicker: the claim is void, the row is read again.
            StoreError::Stale { .. } => self.refresh().await,
            error => {
                tracing::warn!(invitation = %id, %error, "Nobody is called: the attempt cannot be put on record")
            }
        }
    }

    /// Sends the INVITE of an attempt that is on record, for the first time or again.
    pub(super) async fn place(
        &mut self,
        row: AttemptRow,
        machine: Call,
        leg: Leg,
        way: Option<Way>,
        invite: fn(Way, [u8; 16], LocalMedia) -> Invite,
    ) {
        let Some(way) = way else {
            let verdict = if row.attempt.route.trunk.is_none() {
                Verdict::not_registered()
            } else {
                let facts = CallFacts {
                    transport_error: true,
                    ..CallFacts::default()
                };
                decode::judge(&facts, &Profile::default())
            };
            self.seat_party(CallId::ours(u64::MAX), row, machine, leg);
            return self
                .on_call_over(leg.id, CallEnd::Failed, &verdict, clock::now())
                .await;
        };
        let route = &row.attempt.route;
        let codecs = match route.trunk {
            _ if route.g711_only => Some(G711.to_vec()),
            Some(_) => Some(TRUNK.to_vec()),
            None => None,
        };
        let audio = LocalMedia {
            address: leg.local,
            codecs,
        };
        let invite = invite(way, row.attempt.id.bytes(), audio);
        let call = self.shared.switchboard.invite(invite, self.out.sip.clone());
        self.seat_party(call, row, machine, leg);
    }

    pub(super) fn seat_party(&mut self, call: CallId, row: AttemptRow, machine: Call, leg: Leg) {
        let who = self.who(&row.attempt);
        let party = Party {
            tie: Tie::Call(call),
            who,
            part: Part::Called {
                machine: Box::new(machine),
                row: Box::new(row),
            },
            codec: None,
            hears: 0,
            member: None,
            quality: None,
            local: leg.local,
            probed: false,
            talked: Default::default(),
        };
        self.calls.insert(call, leg.id);
        self.parties.insert(leg.id, party);
    }

    fn allowed(
        &self,
        attempt: AttemptId,
        invitation: &Invitation,
        route: &Route,
        (meeting_spent, day_spent): (Spent, Spent),
        now: Millis,
    ) -> Result<(), guard::Blocked> {
        let page = self.shared.book.page();
        let company = page.company(self.company).map(|company| &company.company);
        let never = page
            .company(self.company)
            .map(|company| company.never.clone())
            .unwrap_or_default();
        let flight = self.flight(invitation, route);
        let (line, number) = (flight.line.clone(), flight.number.clone());
        let limits = company
            .map(|company| company.limits.clone())
            .unwrap_or_default();
        self.shared
            .flights
            .begin(attempt, flight, route.trunk, |others| {
                let around = Circumstances {
                    ends_at: self.times().1,
                    calls: self
                        .occurrence
                        .as_ref()
                        .is_some_and(|held| held.value.calls(now)),
                    quiet_hours: company.and_then(|company| company.quiet_hours),
                    quiet: self.wants_quiet(&invitation.invitee, now),
                    zones: &self.zones_of(&invitation.invitee),
                    home: self.home_zone(),
                    in_flight: others,
                    never: &never,
                    line: &line,
                    number: number.as_ref(),
                    limits: &limits,
                    meeting_spent,
                    day_spent,
                };
                guard::check(invitation, &around, now)
            })
    }

    /// What this meeting, and the company today, have called and spent over operators.
    async fn spent(&self, now: Millis) -> Result<(Spent, Spent), StoreError> {
        let page = self.shared.book.page();
        let Some(company) = page.company(self.company).map(|company| &company.company) else {
            return Ok(Default::default());
        };
        let limits = &company.limits;
        let store = &self.shared.store;
        let meeting = match &self.occurrence {
            Some(held) if limits.meeting != Cap::default() => {
                spent_on(company, &store.attempts_of(held.value.id).await?, now)
            }
            Some(_) | None => Spent::default(),
        };
        let day = if limits.day == Cap::default() {
            Spent::default()
        } else {
            let since = now.day_begins(company.zone).unwrap_or(now);
            spent_on(
                company,
                &store.attempts_since(self.company, since).await?,
                now,
            ) + self
                .shared
                .own_calls
                .spent(limits, self.company, since, now)
        };
        Ok((meeting, day))
    }

    fn wants_quiet(&self, invitee: &Invitee, now: Millis) -> bool {
        let page = self.shared.book.page();
        match invitee {
            Invitee::Employee(employee) => page
                .company(self.company)
                .is_some_and(|company| company.wants_quiet(*employee, now)),
            Invitee::Outside { .. } => false,
        }
    }

    pub(super) fn flight(&self, invitation: &Invitation, route: &Route) -> InFlight {
        InFlight {
            invitation: invitation.id,
            occurrence: invitation.occurrence,
            invitee: invitation.invitee.clone(),
            line: route.line.clone(),
            number: PhoneNumber::parse(&route.address)
                .ok()
                .filter(|_| route.trunk.is_some()),
        }
    }

    /// All lines of a person, with what is known of them now, and, by what was `spent`, which of
    /// their numbers may still be dialled.
    pub(super) async fn candidates(
        &self,
        invitation: &Invitation,
        spent: (Spent, Spent),
        now: Millis,
    ) -> Vec<Candidate> {
        let mut candidates = self.lines_of(invitation, now).await;
        let home = self.home_zone();
        let page = self.shared.book.page();
        if let Some(company) = page.company(self.company) {
            for candidate in &mut candidates {
                candidate.barred = candidate.number.as_ref().and_then(|number| {
                    let limits = &company.company.limits;
                    guard::number_allowed(number, &company.never, limits, home, spent).err()
                });
            }
        }
        candidates
    }

    /// The same, whatever may be dialled.
    pub(super) async fn lines_of(&self, invitation: &Invitation, now: Millis) -> Vec<Candidate> {
        let number = match &invitation.invitee {
            Invitee::Outside { number, .. } => {
                let line = self.shared.lines.line(&LineKey::Number(number.clone()));
                return vec![Candidate::of_number(number, &line.state(now))];
            }
            Invitee::Employee(id) => *id,
        };
        let page = self.shared.book.page();
        let Some(employee) = page
            .company(self.company)
            .and_then(|company| company.employee(number))
        else {
            return Vec::new();
        };
        let mut candidates = Vec::new();
        for device in &employee.devices {
            let account = sip::AccountId(device.id.uuid());
            let registered = !self
                .shared
                .switchboard
                .signalling()
                .bindings(account)
                .await
                .is_empty();
            let line = self.shared.lines.line(&device.line());
            let view = line.state(now);
            candidates.push((view.dnd, Candidate::of_device(device, registered, &view)));
        }
        // A phone that asked for quiet itself is passed over while he has another.
        let all_quiet = candidates.iter().all(|(quiet, _)| *quiet);
        candidates.retain(|(quiet, _)| all_quiet || !quiet);
        candidates.into_iter().map(|(_, one)| one).collect()
    }

    /// The trunks in the order of trying: an IP-SIM's own operator first, those that are
    /// known to be down last.
    pub(super) fn trunks(&self, invitation: &Invitation) -> Vec<TrunkNow> {
        let page = self.shared.book.page();
        let Some(company) = page.company(self.company) else {
            return Vec::new();
        };
        let own = match &invitation.invitee {
            Invitee::Employee(id) => company.lines(*id).into_iter().find_map(|line| match line {
                LineKey::Device(device) => company.sim_trunks.get(&device).copied(),
                LineKey::Number(_) => None,
            }),
            Invitee::Outside { .. } => None,
        };
        let mut trunks: Vec<_> = company.trunks.iter().collect();
        let down = |trunk: TrunkId| self.shared.trunks.is_down(trunk);
        trunks.sort_by_key(|trunk| (down(trunk.id), Some(trunk.id) != own, trunk.rank));
        trunks
            .into_iter()
            .map(|trunk| TrunkNow {
                id: trunk.id,
                free_channels: trunk.channels.map(|channels| {
                    channels.saturating_sub(self.shared.flights.on_trunk(trunk.id))
                }),
            })
            .collect()
    }

    pub(super) async fn way(&self, route: &Route) -> Option<Way> {
        let page = self.shared.book.page();
        let company = page.company(self.company)?;
        let room = company.room(self.room)?;
        let title = self.title();
        match (route.trunk, &route.line) {
            (Some(trunk), _) => {
                let (_, trunk) = page.trunk(trunk)?;
                let number = PhoneNumber::parse(&route.address).ok()?;
                let ours = dialling::shown_number(&self.shared, trunk.id)
                    .or_else(|| PhoneNumber::parse(room.number.as_str()).ok())?;
                Way::over_trunk(trunk, &number, Some(company.company.name.clone()), &ours)
            }
            (None, LineKey::Device(device)) => {
                // Calling back what the phone shows is dialling the room.
                let from = sip::Party {
                    display: Some(title),
                    user: room.number.as_str().to_owned(),
                    host: dialling::host_of(&company.company),
                };
                Way::to_phone(&self.shared, *device, from).await
            }
            (None, LineKey::Number(_)) => None,
        }
    }

    pub(super) fn setup(&self, invitation: &Invitation, attempt: &Attempt) -> CallSetup {
        let rules = self.rules();
        let own = match attempt.route.class {
            DeviceClass::SipPhone | DeviceClass::IpSim => true,
            DeviceClass::Outside | DeviceClass::Browser => false,
        };
        let keyless = self
            .meeting
            .as_ref()
            .is_none_or(|meeting| meeting.own_people_need_no_key);
        let page = self.shared.book.page();
        CallSetup {
            attempt: attempt.id,
            started_at: attempt.started_at,
            starts_at: self.times().0,
            way: match attempt.route.trunk {
                Some(_) => CallWay::Trunk,
                None => CallWay::Device,
            },
            profile: attempt
                .route
                .trunk
                .and_then(|trunk| page.trunk(trunk))
                .map_or_else(Profile::default, |(_, trunk)| trunk.profile.clone()),
            needs_key: !(own && keyless),
            audio_only_before: invitation.audio_only_before(),
            ring_ms: rules.ring_ms,
            setup_ms: rules.setup_ms,
            confirm_ms: rules.confirm_ms,
            briefing: self.briefing(invitation),
        }
    }

    fn briefing(&self, invitation: &Invitation) -> Briefing {
        let page = self.shared.book.page();
        let company = page.company(self.company);
        let (starts_at, _) = self.times();
        Briefing {
            language: self.language(),
            organiser: company
                .zip(self.meeting.as_ref().and_then(|meeting| meeting.organiser))
                .and_then(|(company, user)| company.employee_behind(user))
                // Nobody is invited by himself: he hears the company alone.
                .filter(|who| invitation.invitee != Invitee::Employee(who.id))
                .map(|who| speech::in_own_voice(who.id, speech::organiser(&who.name))),
            caller: company.map(|company| speech::caller(&company.company.name)),
            callee: None,
            title: self
                .meeting
                .as_ref()
                .map(|meeting| speech::title(&meeting.title)),
            zone: self.zone_of(&invitation.invitee),
            starts_at,
            room: company
                .and_then(|company| company.room(self.room))
                .map_or_else(no_number, |room| room.number.clone()),
        }
    }
}

/// The number of a room that was removed while it was in use.
fn no_number() -> ShortNumber {
    ShortNumber::parse("00").expect("Two digits are a short number")
}

pub fn spent_on(company: &Company, attempts: &[Attempt], now: Millis) -> Spent {
    let called: Vec<(PhoneNumber, &Attempt)> = attempts
        .iter()
        .filter(|attempt| attempt.route.trunk.is_some())
        .filter_map(|attempt| {
            let number = PhoneNumber::parse(&attempt.route.address).ok()?;
            Some((numbering::in_full(&number, company.zone), attempt))
        })
        .collect();
    let charged = called.iter().map(|(number, attempt)| Charged {
        number,
        answered_at: attempt.answered_at,
        ended_at: attempt.ended_at,
    });
    company.limits.spent(charged, now)
}
