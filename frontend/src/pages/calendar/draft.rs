//! A meeting being made or changed, before it goes to the server. Plain Rust.

use api::{
    ChangeMeeting, CheckMeeting, Company, EmployeeId, ErrorDetails, LocalDate, Meeting, MeetingId,
    MoveOccurrence, NewMeeting, NewParticipant, Occurrence, OccurrenceId, Person, RetryRules, Role,
    RoomId,
};

use super::{days::Day, repeats::Repeats};
use crate::client::Failure;

/// Somebody on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    pub person: Option<EmployeeId>,
    pub name: String,
    /// For who is not an employee.
    pub number: Option<String>,
    /// Where he is written to, likewise.
    pub email: Option<String>,
    pub role: Role,
}

/// The date of a series that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneDate {
    pub occurrence: OccurrenceId,
    pub date: LocalDate,
    /// It is called off, and can be brought back.
    pub off: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// `None`: a new one.
    pub id: Option<MeetingId>,
    pub repeats: Repeats,
    /// Whether it was said here how it repeats.
    pub own_repeats: bool,
    /// Whether the plan repeats, as the server has it, and whether it is paused.
    pub series: Option<bool>,
    pub one: Option<OneDate>,
    pub title: String,
    pub room: Option<RoomId>,
    pub day: Day,
    /// Minutes since midnight, on the clocks of `zone`.
    pub start_min: u32,
    pub duration_min: u32,
    pub zone: String,
    pub lead_s: u32,
    pub early_s: u32,
    pub warn_s: u32,
    pub remind_min: u32,
    pub no_key: bool,
    pub lobby: bool,
    pub guests: Vec<Guest>,
    pub rules: RetryRules,
    /// Whether the rules were the meeting's own, or have been changed here.
    pub own_rules: bool,
}

pub const DAY_MIN: u32 = 24 * 60;
pub const STEP_MIN: u32 = 15;

impl Draft {
    pub fn new(
        day: Day,
        start_min: u32,
        duration_min: u32,
        room: Option<RoomId>,
        company: Option<&Company>,
    ) -> Self {
        Self {
            id: None,
            repeats: Repeats::ONCE,
            own_repeats: false,
            series: None,
            one: None,
            title: String::new(),
            room,
            day,
            start_min,
            duration_min,
            zone: company.map_or_else(|| "UTC".to_owned(), |company| company.time_zone.clone()),
            lead_s: company.map_or(300, |company| company.lead_s),
            early_s: 0,
            warn_s: 300,
            remind_min: company.map_or(15, |company| company.remind_min),
            no_key: true,
            lobby: false,
            guests: Vec::new(),
            rules: company.map_or_else(RetryRules::default, |company| company.rules.clone()),
            own_rules: false,
        }
    }

    /// An existing meeting, to be changed. `None` when its local time cannot be read.
    pub fn of(meeting: &Meeting, company: Option<&Company>) -> Option<Self> {
        let (date, time) = meeting.starts_local.split_once('T')?;
        let rules = meeting
            .rules
            .clone()
            .or_else(|| company.map(|company| company.rules.clone()));
        Some(Self {
            id: Some(meeting.id),
            repeats: meeting
                .series
                .as_ref()
                .map_or(Repeats::ONCE, |series| Repeats::of(&series.rule)),
            own_repeats: false,
            series: meeting
                .series
                .as_ref()
                .map(|series| series.paused_since_at.is_some()),
            one: None,
            title: meeting.title.clone(),
            room: Some(meeting.room_id),
            day: Day::parse(date)?,
            start_min: parse_time(time)?,
            duration_min: meeting.duration_min,
            zone: meeting.time_zone.clone(),
            lead_s: meeting.lead_s,
            early_s: meeting.early_s,
            warn_s: meeting.warn_s,
            remind_min: meeting.remind_min,
            no_key: meeting.own_people_need_no_key,
            lobby: meeting.lobby,
            guests: meeting
                .participants
                .iter()
                .map(|participant| Guest {
                    person: participant.employee_id,
                    name: participant.name.clone(),
                    number: participant.number.clone(),
                    email: participant.email.clone(),
                    role: participant.role,
                })
                .collect(),
            rules: rules.unwrap_or_default(),
            own_rules: meeting.rules.is_some(),
        })
    }

    /// The same, opened at one of its dates.
    pub fn at(mut self, meeting: &Meeting, occurrence: &Occurrence) -> Self {
        let (Some(series), Some(date)) = (&meeting.series, occurrence.date) else {
            return self;
        };
        let moved = series.exceptions.iter().find(|one| one.date == date);
        let local = moved.and_then(|moved| moved.starts_local.clone());
        let (day, minute) = match local.as_deref().and_then(parse_local) {
            Some(local) => local,
            None => match Day::parse(&date.to_string()) {
                Some(day) => (day, self.start_min),
                None => return self,
            },
        };
        self.day = day;
        self.start_min = minute;
        if let Some(minutes) = moved.and_then(|moved| moved.duration_min) {
            self.duration_min = minutes;
        }
        self.room = Some(occurrence.room_id);
        self.one = Some(OneDate {
            occurrence: occurrence.id,
            date,
            off: occurrence.restorable,
        });
        self
    }

    /// Moves the start by whole minutes, over midnight too.
    pub fn shift(&mut self, minutes: i64) {
        let day_min = i64::from(DAY_MIN);
        let at = self.day.number() * day_min + i64::from(self.start_min) + minutes;
        self.day = Day::from_number(at.div_euclid(day_min));
        self.start_min = u32::try_from(at.rem_euclid(day_min)).unwrap_or(0);
    }

    /// Adds a person once. Who is there already is left where he is.
    pub fn invite(&mut self, person: &Person) -> bool {
        if self.has(person.id) {
            return false;
        }
        self.guests.push(Guest {
            person: Some(person.id),
            name: person.name.clone(),
            number: None,
            email: None,
            role: Role::Speaker,
        });
        true
    }

    pub fn has(&self, person: EmployeeId) -> bool {
        self.guests.iter().any(|guest| guest.person == Some(person))
    }

    pub fn starts_local(&self) -> String {
        format!("{}T{}", self.day.iso(), time(self.start_min))
    }

    /// `at_once`: it starts now, whatever its time says.
    pub fn as_new(&self, at_once: bool) -> Option<NewMeeting> {
        Some(NewMeeting {
            title: self.title.trim().to_owned(),
            room_id: self.room?,
            time_zone: Some(self.zone.trim().to_owned()),
            starts_local: (!at_once).then(|| self.starts_local()),
            duration_min: self.duration_min,
            repeats: self.repeats.rule(self.day).filter(|_| !at_once),
            lead_s: Some(self.lead_s),
            early_s: Some(self.early_s),
            warn_s: Some(self.warn_s),
            own_people_need_no_key: Some(self.no_key),
            lobby: Some(self.lobby),
            remind_min: Some(self.remind_min),
            participants: self.participants(),
            rules: self.own_rules.then(|| self.rules.clone()),
        })
    }

    pub fn as_change(&self) -> ChangeMeeting {
        ChangeMeeting {
            title: Some(self.title.trim().to_owned()),
            room_id: self.room,
            time_zone: Some(self.zone.trim().to_owned()),
            starts_local: Some(self.starts_local()),
            duration_min: Some(self.duration_min),
            repeats: self
                .own_repeats
                .then(|| self.repeats.rule(self.day).unwrap_or_default()),
            from_date: self.one.map(|one| one.date),
            lead_s: Some(self.lead_s),
            early_s: Some(self.early_s),
            warn_s: Some(self.warn_s),
            own_people_need_no_key: Some(self.no_key),
            lobby: Some(self.lobby),
            remind_min: Some(self.remind_min),
            participants: Some(self.participants()),
            rules: self.own_rules.then(|| self.rules.clone()),
        }
    }

    /// Only the opened date.
    pub fn as_move(&self) -> MoveOccurrence {
        MoveOccurrence {
            starts_local: Some(self.starts_local()),
            duration_min: Some(self.duration_min),
            room_id: self.room,
        }
    }

    /// What is asked while it is being made.
    pub fn as_check(&self) -> Option<CheckMeeting> {
        Some(CheckMeeting {
            meeting_id: self.id,
            room_id: self.room?,
            time_zone: Some(self.zone.trim().to_owned()),
            starts_local: Some(self.starts_local()),
            duration_min: self.duration_min,
            repeats: self.repeats.rule(self.day),
            participants: self.participants(),
        })
    }

    pub fn participants(&self) -> Vec<NewParticipant> {
        self.guests
            .iter()
            .map(|guest| NewParticipant {
                employee_id: guest.person,
                name: guest
                    .person
                    .is_none()
                    .then(|| guest.name.clone())
                    .filter(|name| !name.is_empty()),
                number: guest.number.clone(),
                email: guest.email.clone(),
                role: guest.role,
            })
            .collect()
    }

    /// Moves the start, and never over midnight.
    pub fn start_at(&mut self, minute: u32) {
        self.start_min = minute.min(DAY_MIN - STEP_MIN);
    }

    /// Sets the length by its end, at least one step.
    pub fn end_at(&mut self, minute: u32) {
        self.duration_min = minute.max(self.start_min + STEP_MIN) - self.start_min;
    }
}

/// `10:05`
pub fn time(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

pub fn parse_time(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// `2026-11-24T10:05`
pub fn parse_local(text: &str) -> Option<(Day, u32)> {
    let (date, time) = text.split_once('T')?;
    Some((Day::parse(date)?, parse_time(time)?))
}

/// The part of the form that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Title,
    When,
    Repeats,
    Room,
    /// The people; the one at fault, if it is one.
    People(Option<usize>),
    /// When people are let in, warned and reminded.
    Hours,
    Calling,
    /// None of them: it stands at the foot.
    Whole,
}

pub fn part_at_fault(failure: &Failure) -> Part {
    let booked = matches!(failure, Failure::Refused(body) if matches!(body.details, Some(ErrorDetails::RoomBooked { .. })));
    match failure.field() {
        Some(field) => part_of(field),
        None if booked => Part::Room,
        None => Part::Whole,
    }
}

/// The part of the form that has a field.
pub fn part_of(field: &str) -> Part {
    let root: String = field
        .chars()
        .take_while(|c| c.is_ascii_alphabetic() || *c == '_')
        .collect();
    match root.as_str() {
        "title" => Part::Title,
        "starts_local" | "time_zone" | "duration_min" => Part::When,
        "repeats" | "from_date" => Part::Repeats,
        "room_id" => Part::Room,
        "participants" => {
            let index = field
                .split(['[', ']'])
                .nth(1)
                .and_then(|index| index.parse().ok());
            Part::People(index)
        }
        "early_s" | "lobby" | "warn_s" | "remind_min" => Part::Hours,
        "lead_s" | "rules" | "own_people_need_no_key" => Part::Calling,
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use api::{ErrorBody, ErrorCode};

    use super::*;
    use crate::live::fixtures::{company, person_id, room_id};

    fn draft() -> Draft {
        Draft::new(
            Day {
                year: 2026,
                month: 11,
                day: 24,
            },
            600,
            60,
            Some(room_id(1)),
            None,
        )
    }

    fn refused(field: Option<&str>) -> Failure {
        Failure::Refused(Box::new(ErrorBody {
            code: ErrorCode::BadNumber,
            message: "No".into(),
            field: field.map(str::to_owned),
            details: None,
        }))
    }

    #[test]
    fn a_person_is_invited_once() {
        let live = company();
        let mut draft = draft();
        assert!(draft.invite(&live.people[&person_id(1)]));
        assert!(!draft.invite(&live.people[&person_id(1)]));
        assert_eq!(draft.as_new(false).unwrap().participants.len(), 1);
    }

    #[test]
    fn a_meeting_at_once_names_no_time() {
        assert_eq!(draft().as_new(true).unwrap().starts_local, None);
        assert_eq!(
            draft().as_new(false).unwrap().starts_local.unwrap(),
            "2026-11-24T10:00"
        );
    }

    #[test]
    fn the_companys_rules_stay_the_companys_until_touched() {
        let mut draft = draft();
        assert_eq!(draft.as_new(false).unwrap().rules, None);
        draft.own_rules = true;
        assert!(draft.as_new(false).unwrap().rules.is_some());
    }

    #[test]
    fn dragging_the_edge_keeps_a_quarter_of_an_hour() {
        let mut draft = draft();
        draft.end_at(0);
        assert_eq!(draft.duration_min, STEP_MIN);
        draft.end_at(690);
        assert_eq!(draft.duration_min, 90);
        draft.start_at(5_000);
        assert_eq!(draft.start_min, DAY_MIN - STEP_MIN);
    }

    #[test]
    fn a_start_is_shifted_over_midnight() {
        let mut draft = draft();
        draft.shift(-11 * 60);
        assert_eq!(draft.starts_local(), "2026-11-23T23:00");
        draft.shift(26 * 60);
        assert_eq!(draft.starts_local(), "2026-11-25T01:00");
    }

    #[test]
    fn a_refusal_finds_its_place_in_the_form() {
        assert_eq!(
            part_at_fault(&refused(Some("participants[2].number"))),
            Part::People(Some(2))
        );
        assert_eq!(part_at_fault(&refused(Some("time_zone"))), Part::When);
        assert_eq!(
            part_at_fault(&refused(Some("rules.busy.wait_ms"))),
            Part::Calling
        );
        assert_eq!(part_at_fault(&refused(None)), Part::Whole);
        assert_eq!(part_at_fault(&Failure::Offline), Part::Whole);
    }

    #[test]
    fn times_are_read_as_the_field_writes_them() {
        assert_eq!(parse_time("10:05"), Some(605));
        assert_eq!(parse_time("10:05:30"), Some(605));
        assert_eq!(parse_time("24:00"), None);
        assert_eq!(time(605), "10:05");
    }
}
