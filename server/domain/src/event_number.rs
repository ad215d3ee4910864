//! An event number: a city number bound to one date of a meeting, or to all of
//! them, and told to the public.
//!
//! It answers only in its window, which opens some minutes before the start and
//! closes with the event. Before it says when the event begins, after it that
//! the event is over; then it rests, as if it were out of service, so that
//! nobody who dials an old poster lands in somebody else's event; and then it is
//! free to be bound anew. Where it stands is never stored: it follows from the
//! binding and the dates, so that a moved or cancelled meeting moves it too.

use serde::{Deserialize, Serialize};

use crate::{
    id::{CompanyId, MeetingId, NumberId, OccurrenceId, RoomId, TrunkId},
    meeting::Meeting,
    number::PhoneNumber,
    occurrence::{Occurrence, Status},
    role::{Approach, Grant, Role, Who},
    time::{Millis, Span},
};

/// A city number that is kept for events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNumber {
    /// Its id.
    pub id: NumberId,
    /// Whose it is.
    pub company: CompanyId,
    /// The number.
    pub number: PhoneNumber,
    /// The trunk it comes by; any when none is set.
    #[serde(default)]
    pub trunk: Option<TrunkId>,
    /// What it is bound to, or was bound to last.
    #[serde(default)]
    pub binding: Option<Binding>,
}

/// What an event number leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The meeting.
    pub meeting: MeetingId,
    /// Only this date of it; all of them when none is set.
    #[serde(default)]
    pub occurrence: Option<OccurrenceId>,
    /// It answers so long before the start.
    #[serde(default = "default_opens_before")]
    pub opens_before_ms: Span,
    /// It rests so long once it has said that the event is over.
    #[serde(default = "default_rest")]
    pub rest_ms: Span,
    /// Who comes as what; by default employees speak and all others listen.
    #[serde(default = "default_grants")]
    pub grants: Vec<Grant>,
    /// It was taken back: the event is over for its callers since then.
    #[serde(default)]
    pub released_at: Option<Millis>,
}

/// What the number does with a caller now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Nothing is bound to it.
    Free,
    /// It says when the event begins.
    Before {
        /// When.
        starts_at: Millis,
    },
    /// It lets him in.
    Open {
        /// Where.
        room: RoomId,
        /// Into which date.
        occurrence: OccurrenceId,
        /// When that begins.
        starts_at: Millis,
    },
    /// It says that the event is over.
    Over {
        /// Until when.
        until: Millis,
    },
    /// It is out of service.
    Resting {
        /// Until when.
        until: Millis,
    },
}

/// A quarter of an hour.
pub const OPENS_BEFORE: Span = Span::minutes(15);

/// A week.
pub const REST: Span = Span::minutes(7 * 24 * 60);

/// So long after the end the number says that the event is over.
pub const SAYS_OVER: Span = Span::minutes(24 * 60);

fn default_opens_before() -> Span {
    OPENS_BEFORE
}

fn default_rest() -> Span {
    REST
}

/// Employees on their own lines speak, everybody else listens.
pub fn default_grants() -> Vec<Grant> {
    vec![
        Grant {
            who: Who::Employee,
            dialled: None,
            role: Role::Speaker,
        },
        Grant {
            who: Who::Anyone,
            dialled: None,
            role: Role::Listener,
        },
    ]
}

impl Binding {
    /// A binding to all dates of a meeting, with what is usual.
    pub fn new(meeting: MeetingId) -> Self {
        Self {
            meeting,
            occurrence: None,
            opens_before_ms: OPENS_BEFORE,
            rest_ms: REST,
            grants: default_grants(),
            released_at: None,
        }
    }

    /// What somebody comes as who is on no list.
    pub fn role(&self, approach: &Approach<'_>) -> Role {
        approach.granted(&self.grants).unwrap_or(Role::Listener)
    }

    /// Where the number stands. `dates` are those of the meeting that have rows, `planned` is the
    /// next one by its plan, which may be further ahead than rows are made.
    pub fn stand(&self, dates: &[Occurrence], planned: Option<Millis>, now: Millis) -> Stand {
        let own = || {
            dates
                .iter()
                .filter(|date| self.occurrence.is_none_or(|only| only == date.id))
        };
        if self.released_at.is_none() {
            let mut coming: Vec<&Occurrence> = own().filter(|date| is_to_come(date, now)).collect();
            coming.sort_by_key(|date| (date.starts_at, date.id));
            if let Some(next) = coming.first() {
                return self.stand_at(next, now);
            }
            if let (Some(starts_at), None) = (planned, self.occurrence) {
                return Stand::Before { starts_at };
            }
        }
        let ended = own().filter_map(|date| ended_at(date, now)).max();
        // Taken back before the public could have used it: nothing is to be forgotten.
        let since = match (self.released_at, ended) {
            (Some(released), Some(ended)) => Some(released.min(ended)),
            (Some(released), None) if own().any(|date| released >= self.opens_at(date)) => {
                Some(released)
            }
            (Some(_), None) => None,
            (None, ended) => ended,
        };
        let Some(since) = since else {
            return Stand::Free;
        };
        let (quiet, free) = (since + SAYS_OVER, since + SAYS_OVER + self.rest_ms);
        if now < quiet {
            Stand::Over { until: quiet }
        } else if now < free {
            Stand::Resting { until: free }
        } else {
            Stand::Free
        }
    }

    fn stand_at(&self, date: &Occurrence, now: Millis) -> Stand {
        let starts_at = date.starts_at;
        if date.is_open() || now >= self.opens_at(date) {
            Stand::Open {
                room: date.room,
                occurrence: date.id,
                starts_at,
            }
        } else {
            Stand::Before { starts_at }
        }
    }

    fn opens_at(&self, date: &Occurrence) -> Millis {
        date.starts_at - self.opens_before_ms
    }
}

/// The next date of a series that is further ahead than rows are made: `dates` have theirs.
pub fn planned(meeting: &Meeting, dates: &[Occurrence], now: Millis) -> Option<Millis> {
    let last = dates.iter().map(|date| date.starts_at).max();
    meeting.next_date(last.map_or(now, |last| last.max(now)))
}

fn is_to_come(date: &Occurrence, now: Millis) -> bool {
    match date.status {
        Status::Scheduled | Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
            now < date.ends_at
        }
        Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => false,
    }
}

fn ended_at(date: &Occurrence, now: Millis) -> Option<Millis> {
    match date.status {
        Status::Ended { at } | Status::Cancelled { at } => Some(at),
        Status::Missed { .. } => Some(date.ends_at),
        Status::Scheduled | Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
            (now >= date.ends_at).then_some(date.ends_at)
        }
    }
}

impl Stand {
    /// Its name, as the API writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Before { .. } => "before",
            Self::Open { .. } => "open",
            Self::Over { .. } => "over",
            Self::Resting { .. } => "resting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = Millis(10_000_000_000);
    const HOUR: Span = Span::minutes(60);
    const DAY: Span = Span::minutes(24 * 60);

    fn date(n: u8, starts_at: Millis) -> Occurrence {
        Occurrence {
            id: OccurrenceId::new(START, [n; 10]),
            company: CompanyId::new(START, [2; 10]),
            meeting: Some(MeetingId::new(START, [4; 10])),
            slot: None,
            zone: None,
            room: RoomId::new(START, [3; 10]),
            title: "Open day".to_owned(),
            starts_at,
            ends_at: starts_at + HOUR,
            dial_at: starts_at,
            opens_at: None,
            late: false,
            status: Status::Scheduled,
        }
    }

    fn binding() -> Binding {
        Binding::new(MeetingId::new(START, [4; 10]))
    }

    fn open(date: &Occurrence) -> Stand {
        Stand::Open {
            room: date.room,
            occurrence: date.id,
            starts_at: date.starts_at,
        }
    }

    #[test]
    fn it_answers_in_its_window_and_speaks_of_it_before_and_after() {
        let (number, mut event) = (binding(), date(1, START));
        let at = |event: &Occurrence, now| number.stand(std::slice::from_ref(event), None, now);

        let opens = START - OPENS_BEFORE;
        assert_eq!(
            at(&event, opens - Span(1)),
            Stand::Before { starts_at: START }
        );
        assert_eq!(at(&event, opens), open(&event));
        event.handle_timeout(START);
        assert_eq!(at(&event, START + HOUR - Span(1)), open(&event));

        let end = START + HOUR;
        event.handle_timeout(end);
        let quiet = end + SAYS_OVER;
        assert_eq!(at(&event, end), Stand::Over { until: quiet });
        assert_eq!(
            at(&event, quiet),
            Stand::Resting {
                until: quiet + REST
            }
        );
        assert_eq!(at(&event, quiet + REST - Span(1)).name(), "resting");
        assert_eq!(at(&event, quiet + REST), Stand::Free);
    }

    #[test]
    fn the_number_of_a_rare_series_is_its_own_until_the_next_date() {
        let (number, mut event) = (binding(), date(1, START));
        event.end(START + HOUR);
        let next = START + Span::minutes(60 * 24 * 90);
        let between = START + SAYS_OVER + REST + DAY;
        let dates = [event];

        assert_eq!(
            number.stand(&dates, Some(next), between),
            Stand::Before { starts_at: next }
        );
        assert_eq!(number.stand(&dates, None, between), Stand::Free);
        // Bound to that one date alone, or taken back, it is another's in time.
        let only = Binding {
            occurrence: Some(dates[0].id),
            ..binding()
        };
        assert_eq!(only.stand(&dates, Some(next), between), Stand::Free);
        let taken = Binding {
            released_at: Some(START + HOUR),
            ..binding()
        };
        assert_eq!(taken.stand(&dates, Some(next), between), Stand::Free);
    }

    #[test]
    fn a_start_pressed_early_opens_it_and_an_early_end_closes_it() {
        let (number, mut event) = (binding(), date(1, START));
        let early = START - HOUR;
        event.start_now(early);
        assert_eq!(number.stand(&[event.clone()], None, early), open(&event));

        event.end(early + Span(1));
        assert_eq!(number.stand(&[event], None, early + Span(1)).name(), "over");
    }

    #[test]
    fn of_a_series_the_next_date_counts_and_of_one_date_that_date_alone() {
        let (first, second) = (date(1, START), date(2, START + DAY));
        let dates = [first.clone(), second.clone()];
        let between = START + HOUR;

        let series = binding();
        assert_eq!(
            series.stand(&dates, None, between),
            Stand::Before {
                starts_at: second.starts_at
            }
        );
        let one = Binding {
            occurrence: Some(first.id),
            ..binding()
        };
        assert_eq!(one.stand(&dates, None, between).name(), "over");
    }

    #[test]
    fn taken_back_before_it_opened_it_is_free_and_later_it_rests() {
        let event = [date(1, START)];
        let taken = |at| Binding {
            released_at: Some(at),
            ..binding()
        };
        let early = START - DAY;
        assert_eq!(taken(early).stand(&event, None, early), Stand::Free);

        assert_eq!(taken(START).stand(&event, None, START).name(), "over");
    }

    #[test]
    fn a_stranger_listens_and_an_employee_on_his_own_line_speaks() {
        let stranger = Approach::default();
        let employee = Approach {
            employee: true,
            ..stranger
        };

        assert_eq!(binding().role(&stranger), Role::Listener);
        assert_eq!(binding().role(&employee), Role::Speaker);
    }
}
