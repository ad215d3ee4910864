//! How what is held here ends, and how a call that went silent is found out.
//!
//! At the end everybody hears that the meeting is over, and then is hung up;
//! what comes next in this room waits until the last one is out. A gathering
//! nobody planned ends by itself when the last one has left.

use domain::{MemberId, Millis, Span, invitation::StatusKind, speech};
use media::LegId;
use sip::LocalMedia;
use store::Versioned;

use super::Conference;
use crate::{clock, web::resources};

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is not the end.
    No,
    /// The last words are heard, until then at the latest.
    LastWords { until: Millis },
    /// Everybody is being hung up.
    Leaving,
    /// The last one is out.
    Over,
}

/// The last words are shorter than this.
const LAST_WORDS: Span = Span::seconds(8);

/// A warning this late has been heard already, or helps nobody.
const WARNED_LATE: Span = Span::seconds(30);

/// What a press of the key gives a meeting. The phrase says it too.
const EXTENDED_BY: Span = Span::minutes(15);

/// Somebody who is silent for so long is asked whether he is still there.
const SILENCE: Span = Span::seconds(20);

impl Conference {
    /// What was held here is over: nobody is called any more, and everybody hears it.
    pub(super) async fn close(&mut self, now: Millis) {
        if self.ending != Ending::No {
            return;
        }
        for id in self.seats.keys().copied().collect::<Vec<_>>() {
            self.change(id, |invitation| invitation.on_meeting_over(now))
                .await;
        }
        self.carry_out_all().await;
        self.live.say_goodbye();
        self.follow_room().await;
        self.ending = Ending::LastWords {
            until: now + LAST_WORDS,
        };
        self.go_on_ending(now).await;
    }

    /// What was said into the room has been heard.
    pub(super) async fn on_announced(&mut self) {
        self.live.on_announced();
        self.follow_room().await;
        if let Ending::LastWords { .. } = self.ending {
            self.ending = Ending::LastWords { until: Millis(0) };
        }
    }

    pub(super) async fn go_on_ending(&mut self, now: Millis) {
        if let Ending::LastWords { until } = self.ending
            && (until <= now || self.live.count() == 0)
        {
            self.ending = Ending::Leaving;
            self.send_everybody_home(now).await;
        }
        if self.ending == Ending::Leaving && self.parties.is_empty() {
            self.ending = Ending::Over;
            // Perhaps somebody waits for the room already.
            Box::pin(self.refresh()).await;
            for arrival in std::mem::take(&mut self.at_the_door) {
                self.on_arrival(arrival);
            }
        }
    }

    /// Forgets what was held here.
    pub(super) fn forget(&mut self) {
        self.ending = Ending::No;
        self.occurrence = None;
        self.meeting = None;
        let unwritten = &self.unwritten.invitations;
        self.seats.retain(|id, _| unwritten.contains(id));
        let page = self.shared.book.page();
        if let Some((company, room)) = page.room(self.room) {
            let members = self.shared.members.in_room(self.room);
            let told = resources::room(room, company, None, &members);
            self.unwritten.events.push(api::EventKind::Room(told));
        }
    }

    /// A gathering that nobody planned is over when the last one has left and nobody is awaited.
    pub(super) async fn end_gathering(&mut self, now: Millis) {
        let Some(held) = &self.occurrence else { return };
        let awaited = self.seats.values().any(|seat| {
            let kind = seat.invitation.status().kind();
            matches!(
                kind,
                StatusKind::Waiting | StatusKind::Calling | StatusKind::Held
            )
        });
        if held.value.meeting.is_some()
            || awaited
            || !self.parties.is_empty()
            || self.ending != Ending::No
        {
            return;
        }
        self.end_occurrence(now).await;
    }

    /// A moderator ends what is held here, as the board's button does.
    pub(super) async fn end_by_key(&mut self) {
        Box::pin(self.end_occurrence(clock::now())).await;
    }

    /// A moderator gives what is held here more time, as the board's button does, unless
    /// somebody else has the room then.
    pub(super) async fn extend_by_key(&mut self, moderator: MemberId) {
        let Some(held) = &self.occurrence else { return };
        let (from, meeting) = (held.value.ends_at, held.value.meeting);
        // A gathering that nobody planned lasts as long as it likes.
        if meeting.is_none() || self.ending != Ending::No {
            return;
        }
        let until = from + EXTENDED_BY;
        let (company, room) = (self.company, self.room);
        let store = &self.shared.store;
        let free = match store.booking(company, room, from, until, meeting).await {
            Ok(booking) => booking.is_none(),
            Err(error) => return tracing::warn!(%error, "A meeting is not extended"),
        };
        if !free {
            return self.live.say_to(moderator, speech::extended(false));
        }
        let mut longer = held.value.clone();
        longer.extend(until);
        let now = clock::now();
        let mut batch = store::Batch::new(company, now);
        let page = self.shared.book.page();
        if let Some(company) = page.company(company) {
            let expected = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
            let told =
                api::EventKind::Occurrence(resources::occurrence(&longer, company, expected));
            batch.events.push(resources::event(&told));
        }
        batch.occurrences.push(Versioned {
            version: held.version,
            value: longer,
        });
        match self.shared.store.write_batch(&batch).await {
            Ok(_) => self.shared.hub.wake(company),
            // The board was quicker, or the database is away: he presses again.
            Err(error) => return tracing::warn!(%error, "A meeting is not extended"),
        }
        self.live.announce(speech::extended(true));
        self.refresh().await;
    }

    async fn end_occurrence(&mut self, now: Millis) {
        let Some(held) = &self.occurrence else { return };
        let mut ended = held.value.clone();
        ended.end(now);
        let page = self.shared.book.page();
        let mut batch = store::Batch::new(self.company, now);
        if let Some(company) = page.company(self.company) {
            let expected = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
            let told = api::EventKind::Occurrence(resources::occurrence(&ended, company, expected));
            batch.events.push(resources::event(&told));
            if let Some(room) = company.room(self.room) {
                let told = api::EventKind::Room(resources::room(room, company, None, &[]));
                batch.events.push(resources::event(&told));
            }
        }
        batch.occurrences.push(Versioned {
            version: held.version,
            value: ended,
        });
        match self.shared.store.write_batch(&batch).await {
            Ok(_) => self.shared.hub.wake(self.company),
            // Somebody just called another one into the room, or the database is away: looked at again.
            Err(error) => return tracing::debug!(%error, "A gathering does not end yet"),
        }
        self.refresh().await;
    }

    /// Asks those who have been silent for long, by a re-INVITE, whether they
    /// are still there. Whoever is gone does not answer it, and the call ends.
    pub(super) fn probe_the_silent(&mut self, now: Millis) {
        let silent: Vec<LegId> = self
            .parties
            .iter()
            .filter(|(_, party)| party.silence_is_long(now))
            .map(|(leg, _)| *leg)
            .collect();
        for leg in silent {
            let Some(party) = self.parties.get_mut(&leg) else {
                continue;
            };
            party.probed = true;
            // A browser that is gone is noticed by its own means.
            let Some(call) = party.tie.call() else {
                continue;
            };
            tracing::info!(
                name = party.who.name,
                "Nothing comes from him: is he still there?"
            );
            self.shared
                .switchboard
                .signalling()
                .remedia(call, LocalMedia::at(party.local));
        }
    }

    /// When the room is to hear that the end is near; none when it has.
    pub(super) fn next_warning(&self) -> Option<Millis> {
        let (held, meeting) = (self.occurrence.as_ref()?, self.meeting.as_ref()?);
        let told = self.warned_of == Some(held.value.ends_at) || self.ending != Ending::No;
        held.value.warns_at(meeting.warn_ms).filter(|_| !told)
    }

    /// Says into the room how long it still lasts: once for each end it is given.
    pub(super) async fn warn_of_the_end(&mut self, now: Millis) {
        let (Some(at), Some(held)) = (self.next_warning(), &self.occurrence) else {
            return;
        };
        if at > now {
            return;
        }
        let left = held.value.ends_at - now;
        self.warned_of = Some(held.value.ends_at);
        // A server that comes back later does not say what people have heard.
        if now - at < WARNED_LATE && self.live.count() > 0 {
            tracing::info!(room = %self.room, left_s = left.as_seconds(), "The end is near");
            self.live.announce(speech::meeting_ends_in(left));
            self.follow_room().await;
        }
    }

    pub(super) fn next_end(&self) -> Option<Millis> {
        match self.ending {
            Ending::LastWords { until } => Some(until),
            Ending::No | Ending::Leaving | Ending::Over => None,
        }
    }
}

impl super::party::Party {
    fn silence_is_long(&self, now: Millis) -> bool {
        !self.probed && self.probe_at().is_some_and(|at| at <= now)
    }

    /// When a silent one is asked.
    pub(super) fn probe_at(&self) -> Option<Millis> {
        let since = self.quality?.silent_since_at?;
        (!self.probed).then_some(Millis(since) + SILENCE)
    }

    pub(super) fn glance(&self) -> Option<Millis> {
        [self.poll_timeout(), self.probe_at()]
            .into_iter()
            .flatten()
            .min()
    }
}
