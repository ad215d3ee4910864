//! One date of a meeting: when its room opens, when dialling begins, when it is live, over or missed.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, MeetingId, OccurrenceId, RoomId},
    time::{LocalDate, Millis, Span, Zone},
};

/// How late an occurrence may begin and still call everyone.
pub const GRACE: Span = Span::minutes(5);

/// A start this much after its time is not late, only slow.
pub const PUNCTUAL: Span = Span::seconds(2);

/// One date of a meeting, or a gathering nobody planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Its id.
    pub id: OccurrenceId,
    /// Whose it is.
    pub company: CompanyId,
    /// The plan; none when it came about by calling people into a room.
    pub meeting: Option<MeetingId>,
    /// The day its series gives it, wherever it was moved; none for a meeting held once.
    #[serde(default)]
    pub slot: Option<LocalDate>,
    /// Where it is held.
    pub room: RoomId,
    /// What it is called.
    pub title: String,
    /// The zone in which its meeting is planned.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// When it begins.
    pub starts_at: Millis,
    /// When it is over.
    pub ends_at: Millis,
    /// When dialling begins.
    pub dial_at: Millis,
    /// When the room opens to those who come early, where that is before dialling begins.
    #[serde(default)]
    pub opens_at: Option<Millis>,
    /// Whether it began too late, by our fault.
    pub late: bool,
    /// How far it is.
    pub status: Status,
}

/// How far an occurrence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Status {
    /// Its time has not come.
    Scheduled,
    /// The room is open to those who come early; nobody is called yet.
    Early {
        /// Since when.
        since: Millis,
    },
    /// People are being called ahead of the start.
    Calling {
        /// Since when.
        since: Millis,
    },
    /// It goes on.
    Live {
        /// Since when.
        since: Millis,
        /// Whether people are called. Not when it began so late that they would
        /// be surprised: then the room is open, and that is all.
        calls: bool,
    },
    /// It is over.
    Ended {
        /// Since when.
        at: Millis,
    },
    /// Nobody was there to begin it before it was over.
    Missed {
        /// When that was found.
        at: Millis,
    },
    /// It was called off.
    Cancelled {
        /// When.
        at: Millis,
    },
}

/// How far an occurrence is, without the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// Its time has not come.
    Scheduled,
    /// The room is open to those who come early; nobody is called yet.
    Early,
    /// People are being called ahead of the start.
    Calling,
    /// It goes on.
    Live,
    /// It is over.
    Ended,
    /// It never began.
    Missed,
    /// It was called off.
    Cancelled,
}

/// What an occurrence asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Make the invitations due: dialling begins.
    CallEveryone,
    /// Let people in who were held, and those who call; greet them as begun.
    Begin,
    /// Let people in, call nobody.
    OpenRoom,
    /// Hang up, close the room, end every invitation.
    Close,
    /// Tell the organiser that it was missed.
    ReportMissed,
}

impl Occurrence {
    /// Goes on to what holds at `now`. Idempotent: waking it early or often, or
    /// after the clock was set back, changes nothing.
    pub fn handle_timeout(&mut self, now: Millis) -> Vec<Output> {
        match self.status {
            Status::Scheduled | Status::Early { .. } | Status::Calling { .. }
                if now >= self.ends_at =>
            {
                self.miss(now)
            }
            Status::Scheduled | Status::Early { .. } | Status::Calling { .. }
                if now >= self.starts_at =>
            {
                self.begin(now)
            }
            Status::Scheduled | Status::Early { .. } if now >= self.dial_at => {
                self.status = Status::Calling { since: now };
                vec![Output::CallEveryone]
            }
            Status::Scheduled if self.opens_at.is_some_and(|at| now >= at) => {
                self.status = Status::Early { since: now };
                vec![Output::OpenRoom]
            }
            Status::Live { .. } if now >= self.ends_at => self.end(now),
            Status::Scheduled
            | Status::Early { .. }
            | Status::Calling { .. }
            | Status::Live { .. }
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => Vec::new(),
        }
    }

    /// When to come back, and why.
    pub fn poll_timeout(&self) -> Option<(Millis, &'static str)> {
        match self.status {
            Status::Scheduled => Some(match self.opens_at {
                Some(opens_at) if opens_at < self.dial_at => (opens_at, "the room opens"),
                Some(_) | None => (self.dial_at.min(self.starts_at), "dialling begins"),
            }),
            Status::Early { .. } => Some((self.dial_at.min(self.starts_at), "dialling begins")),
            Status::Calling { .. } => Some((self.starts_at, "start")),
            Status::Live { .. } => Some((self.ends_at, "end")),
            Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => None,
        }
    }

    /// Somebody pressed Start: it begins now and lasts as long as planned.
    pub fn start_now(&mut self, now: Millis) -> Vec<Output> {
        match self.status {
            Status::Scheduled | Status::Early { .. } | Status::Calling { .. } => {
                let lasts = self.ends_at - self.starts_at;
                self.starts_at = now;
                self.dial_at = self.dial_at.min(now);
                self.ends_at = now + lasts;
                self.status = Status::Live {
                    since: now,
                    calls: true,
                };
                vec![Output::CallEveryone, Output::Begin]
            }
            // It began too late to call by itself; a person may still want it.
            Status::Live {
                since,
                calls: false,
            } => {
                self.status = Status::Live { since, calls: true };
                vec![Output::CallEveryone]
            }
            Status::Live { calls: true, .. }
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => Vec::new(),
        }
    }

    /// Makes calls possible before dialling begins, and when it began too late to call by
    /// itself. The start stays where it is, and whoever is due later is called later.
    pub fn call_ahead(&mut self, now: Millis) {
        match self.status {
            Status::Scheduled | Status::Early { .. } => {
                self.dial_at = now;
                self.handle_timeout(now);
            }
            Status::Live { calls: false, .. } => {
                self.start_now(now);
            }
            Status::Calling { .. }
            | Status::Live { calls: true, .. }
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => {}
        }
    }

    /// Its plan gives it other hours, while nobody is called for it yet: a room that is
    /// open already is closed where it opens later now.
    pub fn on_moved(&mut self, now: Millis) {
        if let Status::Early { .. } = self.status
            && self.opens_at.is_none_or(|at| now < at)
        {
            self.status = Status::Scheduled;
        }
    }

    /// It is over, by its hour or by somebody's wish.
    pub fn end(&mut self, now: Millis) -> Vec<Output> {
        match self.status {
            Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
                self.status = Status::Ended { at: now };
                vec![Output::Close]
            }
            Status::Scheduled
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => Vec::new(),
        }
    }

    /// It is called off.
    pub fn cancel(&mut self, now: Millis) -> Vec<Output> {
        match self.status {
            Status::Scheduled => {
                self.status = Status::Cancelled { at: now };
                Vec::new()
            }
            Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
                self.status = Status::Cancelled { at: now };
                vec![Output::Close]
            }
            Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => Vec::new(),
        }
    }

    /// It lasts longer, or shorter, than planned.
    pub fn extend(&mut self, ends_at: Millis) {
        self.ends_at = ends_at.max(self.starts_at);
    }

    /// Whether people are to be called at `now`.
    pub fn calls(&self, now: Millis) -> bool {
        match self.status {
            Status::Calling { .. } | Status::Live { calls: true, .. } => now < self.ends_at,
            Status::Scheduled
            | Status::Early { .. }
            | Status::Live { calls: false, .. }
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => false,
        }
    }

    /// When the room is to hear that the end is near, `ahead` of it. Not in a meeting so
    /// short that it would hear it at once.
    pub fn warns_at(&self, ahead: Span) -> Option<Millis> {
        let lasts = self.ends_at - self.starts_at;
        let is_live = matches!(self.status, Status::Live { .. });
        (is_live && ahead > Span::ZERO && lasts.0 >= 2 * ahead.0).then(|| self.ends_at - ahead)
    }

    /// Whether it fell out of its plan before it was held: it can only be forgotten.
    pub fn is_gone(&self) -> bool {
        self.slot.is_none() && matches!(self.status, Status::Cancelled { .. })
    }

    /// Whether nobody was called for it yet: its plan may still change it.
    pub fn is_ahead(&self) -> bool {
        matches!(self.status, Status::Scheduled | Status::Early { .. })
    }

    /// When it begins for whoever is called or comes at `now`: what has begun is not undone by
    /// a clock that is set back to before its hour.
    pub fn begins_at(&self, now: Millis) -> Millis {
        match self.status {
            Status::Live { .. } => self.starts_at.min(now),
            Status::Scheduled
            | Status::Early { .. }
            | Status::Calling { .. }
            | Status::Ended { .. }
            | Status::Missed { .. }
            | Status::Cancelled { .. } => self.starts_at,
        }
    }

    /// Whether people are being called for it, or it is held.
    pub fn is_under_way(&self) -> bool {
        matches!(self.status, Status::Calling { .. } | Status::Live { .. })
    }

    /// Whether people may be in the room because of it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Early { .. }) || self.is_under_way()
    }

    /// The start has come, or has passed while nobody was there to see it.
    fn begin(&mut self, now: Millis) -> Vec<Output> {
        let dialled = matches!(self.status, Status::Calling { .. });
        let too_late = now > self.starts_at + GRACE;
        self.late = self.late || now > self.starts_at + PUNCTUAL;
        self.status = Status::Live {
            since: now,
            calls: !too_late,
        };
        match (too_late, dialled) {
            (true, _) => vec![Output::OpenRoom],
            (false, true) => vec![Output::Begin],
            (false, false) => vec![Output::CallEveryone, Output::Begin],
        }
    }

    fn miss(&mut self, now: Millis) -> Vec<Output> {
        self.late = true;
        self.status = Status::Missed { at: now };
        vec![Output::ReportMissed, Output::Close]
    }
}

impl Status {
    /// Its kind.
    pub fn kind(&self) -> StatusKind {
        match self {
            Self::Scheduled => StatusKind::Scheduled,
            Self::Early { .. } => StatusKind::Early,
            Self::Calling { .. } => StatusKind::Calling,
            Self::Live { .. } => StatusKind::Live,
            Self::Ended { .. } => StatusKind::Ended,
            Self::Missed { .. } => StatusKind::Missed,
            Self::Cancelled { .. } => StatusKind::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = Millis(10_000_000);
    const HOUR: Span = Span::minutes(60);

    fn occurrence(lead: Span) -> Occurrence {
        Occurrence {
            id: OccurrenceId::new(START, [1; 10]),
            company: CompanyId::new(START, [2; 10]),
            meeting: None,
            slot: None,
            room: RoomId::new(START, [3; 10]),
            title: "Morning roll".to_owned(),
            zone: None,
            starts_at: START,
            ends_at: START + HOUR,
            dial_at: START - lead,
            opens_at: None,
            late: false,
            status: Status::Scheduled,
        }
    }

    /// It opens half an hour before the start, and calls five minutes before.
    fn open_early() -> Occurrence {
        Occurrence {
            opens_at: Some(START - Span::minutes(30)),
            ..occurrence(Span::minutes(5))
        }
    }

    #[test]
    fn the_end_is_told_of_ahead_and_again_when_it_moves() {
        let mut plan = occurrence(Span::ZERO);
        let ahead = Span::minutes(5);
        assert_eq!(plan.warns_at(ahead), None, "it has not begun");
        plan.handle_timeout(START);

        assert_eq!(plan.warns_at(ahead), Some(START + Span::minutes(55)));
        assert_eq!(plan.warns_at(Span::ZERO), None);
        assert_eq!(
            plan.warns_at(Span::minutes(31)),
            None,
            "it is too short for that"
        );
        plan.extend(START + Span::minutes(75));
        assert_eq!(plan.warns_at(ahead), Some(START + Span::minutes(70)));
        plan.handle_timeout(START + Span::minutes(75));
        assert_eq!(plan.warns_at(ahead), None);
    }

    #[test]
    fn what_has_begun_is_not_undone_by_a_clock_that_is_set_back() {
        let mut plan = occurrence(Span::ZERO);
        let before = START - Span::minutes(60);
        assert_eq!(plan.begins_at(before), START);

        plan.handle_timeout(START);

        assert_eq!(plan.begins_at(START), START);
        assert_eq!(
            plan.begins_at(before),
            before,
            "whoever comes joins at once"
        );
        assert_eq!(plan.starts_at, START);
    }

    #[test]
    fn dialling_begins_a_lead_before_the_start() {
        let mut plan = occurrence(Span::minutes(5));
        assert_eq!(
            plan.poll_timeout(),
            Some((START - Span::minutes(5), "dialling begins"))
        );

        assert_eq!(plan.handle_timeout(START - Span(300_001)), []);
        assert_eq!(
            plan.handle_timeout(START - Span(300_000)),
            [Output::CallEveryone]
        );
        assert_eq!(plan.handle_timeout(START - Span(1)), []);
        assert_eq!(plan.handle_timeout(START), [Output::Begin]);
        assert!(plan.calls(START) && !plan.late);
        assert_eq!(plan.handle_timeout(START + HOUR), [Output::Close]);
        assert_eq!(plan.status, Status::Ended { at: START + HOUR });
    }

    #[test]
    fn a_room_that_opens_early_calls_nobody_before_dialling_begins() {
        let mut plan = open_early();
        let opens_at = START - Span::minutes(30);
        assert_eq!(plan.poll_timeout(), Some((opens_at, "the room opens")));
        assert_eq!(plan.handle_timeout(opens_at - Span(1)), []);

        assert_eq!(plan.handle_timeout(opens_at), [Output::OpenRoom]);
        assert!(plan.is_open() && plan.is_ahead() && !plan.calls(opens_at));
        let dial_at = START - Span::minutes(5);
        assert_eq!(plan.poll_timeout(), Some((dial_at, "dialling begins")));
        assert_eq!(plan.handle_timeout(dial_at - Span(1)), []);

        assert_eq!(plan.handle_timeout(dial_at), [Output::CallEveryone]);
        assert!(!plan.is_ahead() && plan.calls(dial_at));
        assert_eq!(plan.handle_timeout(START), [Output::Begin]);
    }

    #[test]
    fn a_start_slept_over_in_the_early_hours_is_a_late_start() {
        let mut plan = open_early();
        plan.handle_timeout(START - Span::minutes(20));

        assert_eq!(
            plan.handle_timeout(START + GRACE),
            [Output::CallEveryone, Output::Begin]
        );
        assert!(plan.late);
    }

    #[test]
    fn an_open_room_closes_when_its_meeting_moves_away_or_is_called_off() {
        let now = START - Span::minutes(20);
        let mut plan = open_early();
        plan.handle_timeout(now);

        plan.on_moved(now);
        assert!(plan.is_open(), "it would be open at its new hours as well");
        plan.opens_at = Some(now + Span(1));
        plan.on_moved(now);
        assert_eq!(plan.status, Status::Scheduled);

        let mut plan = open_early();
        plan.handle_timeout(now);
        assert_eq!(plan.cancel(now), [Output::Close]);
    }

    #[test]
    fn one_who_is_wanted_before_dialling_begins_can_be_called() {
        let now = START - Span::minutes(20);
        for seen in [START - Span::minutes(40), now] {
            let mut plan = open_early();
            plan.handle_timeout(seen);

            plan.call_ahead(now);

            assert_eq!(plan.status, Status::Calling { since: now });
            assert_eq!(plan.starts_at, START);
        }
    }

    #[test]
    fn a_lead_of_zero_dials_at_the_start() {
        let mut plan = occurrence(Span::ZERO);

        assert_eq!(
            plan.handle_timeout(START + Span(40)),
            [Output::CallEveryone, Output::Begin]
        );
        assert!(!plan.late);
    }

    #[test]
    fn a_late_start_within_the_grace_dials_at_once_and_is_marked() {
        let mut plan = occurrence(Span::minutes(5));

        let outputs = plan.handle_timeout(START + GRACE);

        assert_eq!(outputs, [Output::CallEveryone, Output::Begin]);
        assert!(plan.late && plan.calls(START + GRACE));
    }

    #[test]
    fn a_later_start_only_opens_the_room_until_somebody_presses_start() {
        let mut plan = occurrence(Span::minutes(5));
        let late = START + GRACE + Span(1);

        assert_eq!(plan.handle_timeout(late), [Output::OpenRoom]);
        assert!(plan.is_open() && !plan.calls(late));
        assert_eq!(plan.start_now(late + Span(1)), [Output::CallEveryone]);
        assert!(plan.calls(late + Span(1)));
    }

    #[test]
    fn an_occurrence_slept_over_is_reported_missed() {
        let mut plan = occurrence(Span::minutes(5));

        assert_eq!(
            plan.handle_timeout(START + HOUR),
            [Output::ReportMissed, Output::Close]
        );
        assert_eq!(plan.poll_timeout(), None);
    }

    #[test]
    fn a_clock_set_back_repeats_nothing() {
        let mut plan = occurrence(Span::minutes(5));
        plan.handle_timeout(START);

        for back in [START - Span::minutes(5), START - HOUR, START] {
            assert_eq!(plan.handle_timeout(back), []);
        }
    }

    #[test]
    fn start_pressed_early_keeps_the_length() {
        let mut plan = occurrence(Span::ZERO);
        let early = START - Span::minutes(10);

        assert_eq!(plan.start_now(early), [Output::CallEveryone, Output::Begin]);

        assert_eq!(plan.ends_at, early + HOUR);
        assert_eq!(plan.start_now(early + Span(1)), []);
    }
}
