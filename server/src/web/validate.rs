//! What a request may say: the limits, and each refusal with its field.

use api::{ChangeMeeting, ErrorCode, NewMeeting, NewParticipant};
use domain::{
    LocalDate, LocalTime, MeetingId, Millis, PhoneNumber, Span, UserId, Zone,
    meeting::{Invitee, Meeting, Participant, WARNING},
    recurrence::{End, Recurrence, RecurrenceError},
    rules::RetryRules,
    series::Series,
};
use store::CompanyDirectory;

use super::{error::ApiError, texts::Phrase};

const TITLE_MOST: usize = 200;
const NAME_MOST: usize = 100;
pub(super) const PARTICIPANTS_MOST: usize = 500;
const DAY: Span = Span::minutes(24 * 60);

/// A start so long ago is still meant as "now": a form takes a while to fill in.
const STALE_START: Span = Span::minutes(10);

/// A plan from a request.
pub(super) fn new_meeting(
    request: &NewMeeting,
    id: MeetingId,
    organiser: Option<UserId>,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<Meeting, ApiError> {
    let company = &directory.company;
    let zone = request
        .time_zone
        .as_deref()
        .map_or(Ok(company.zone), time_zone)?;
    let starts_local = match &request.starts_local {
        Some(text) => local_time(text)?,
        None => now
            .in_zone(zone)
            .ok_or_else(|| ApiError::new(ErrorCode::Internal))?,
    };
    let mut meeting = Meeting {
        id,
        company: company.id,
        title: title(&request.title)?,
        room: room(request.room_id, directory)?,
        zone,
        starts_local,
        duration_ms: duration(request.duration_min)?,
        series: series(request.repeats.as_deref().unwrap_or_default())?,
        lead_ms: request.lead_s.map_or(Ok(company.lead_ms), lead)?,
        early_ms: request
            .early_s
            .map_or(Ok(Span::ZERO), |seconds| ahead("early_s", seconds))?,
        warn_ms: request
            .warn_s
            .map_or(Ok(WARNING), |seconds| ahead("warn_s", seconds))?,
        participants: participants(&request.participants, directory)?,
        rules: request.rules.as_ref().map(rules).transpose()?,
        own_people_need_no_key: request.own_people_need_no_key.unwrap_or(true),
        lobby: request.lobby.unwrap_or_default(),
        language: None,
        remind_ms: match request.remind_min {
            Some(minutes) => reminder(minutes)?,
            None => company.remind_ms,
        },
        organiser,
    };
    begin_on_a_date_to_come(&mut meeting, now)?;
    check_start(&meeting, now)?;
    Ok(meeting)
}

/// A plan as a request changes it.
pub(super) fn changed_meeting(
    old: &Meeting,
    request: &ChangeMeeting,
    directory: &CompanyDirectory,
    now: Millis,
) -> Result<Meeting, ApiError> {
    let mut meeting = old.clone();
    if let Some(text) = &request.title {
        meeting.title = title(text)?;
    }
    if let Some(id) = request.room_id {
        meeting.room = room(id, directory)?;
    }
    if let Some(name) = &request.time_zone {
        meeting.zone = time_zone(name)?;
    }
    let start = request
        .starts_local
        .as_deref()
        .map(local_time)
        .transpose()?;
    match (&request.repeats, start) {
        (Some(text), start) => {
            meeting.starts_local = start.unwrap_or(meeting.starts_local);
            let (old, new) = (meeting.series.take(), series(text)?);
            meeting.series = new.map(|new| match old {
                Some(old) => Series {
                    rule: new.rule,
                    ..old
                },
                None => new,
            });
            meeting
                .begin_on_a_date()
                .map_err(|error| bad_rule(&error))?;
        }
        (None, Some(start)) => {
            let first = LocalDate(meeting.starts_local.date());
            if !meeting.move_along(first, start) {
                return Err(ApiError::new(ErrorCode::CannotMoveAlong).at("repeats"));
            }
        }
        (None, None) => {}
    }
    if let Some(minutes) = request.duration_min {
        meeting.duration_ms = duration(minutes)?;
    }
    if let Some(seconds) = request.lead_s {
        meeting.lead_ms = lead(seconds)?;
    }
    if let Some(seconds) = request.early_s {
        meeting.early_ms = ahead("early_s", seconds)?;
    }
    if let Some(seconds) = request.warn_s {
        meeting.warn_ms = ahead("warn_s", seconds)?;
    }
    if let Some(needs_none) = request.own_people_need_no_key {
        meeting.own_people_need_no_key = needs_none;
    }
    if let Some(lobby) = request.lobby {
        meeting.lobby = lobby;
    }
    if let Some(minutes) = request.remind_min {
        meeting.remind_ms = reminder(minutes)?;
    }
    if let Some(list) = &request.participants {
        meeting.participants = participants(list, directory)?;
    }
    if let Some(own) = &request.rules {
        meeting.rules = Some(rules(own)?);
    }
    let same_time = (meeting.zone, meeting.starts_local) == (old.zone, old.starts_local);
    if meeting.series.is_some() {
        has_dates_to_come(&meeting, now)?;
    } else if !same_time {
        check_start(&meeting, now)?;
    }
    Ok(meeting)
}

/// A rule; none for an empty text.
fn series(text: &str) -> Result<Option<Series>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let rule = text.parse().map_err(|error| bad_rule(&error))?;
    Ok(Some(Series::new(rule)))
}

fn bad_rule(error: &RecurrenceError) -> ApiError {
    let problem = match error {
        RecurrenceError::NotAPart(part) => {
            Phrase::new("problems.rule_part").with("part", short(part))
        }
        RecurrenceError::Unsupported(part) => {
            Phrase::new("problems.rule_unsupported").with("part", short(part))
        }
        RecurrenceError::Twice(part) => Phrase::new("problems.rule_twice").with("part", part),
        RecurrenceError::NoFrequency => Phrase::new("problems.rule_no_frequency"),
        RecurrenceError::TooOften(part) => {
            Phrase::new("problems.rule_too_often").with("part", part)
        }
        RecurrenceError::BadValue { part, value } => Phrase::new("problems.rule_bad_value")
            .with("part", part)
            .with("value", short(value)),
        RecurrenceError::Together(one, other) => Phrase::new("problems.rule_together")
            .with("one", one)
            .with("other", other),
        RecurrenceError::TooMany { found, most } => Phrase::new("problems.rule_too_many")
            .with("found", found)
            .with("most", most),
        RecurrenceError::Never => Phrase::new("problems.rule_never"),
    };
    ApiError::new(ErrorCode::BadRepeats)
        .at("repeats")
        .with_phrase("problem", problem)
}

/// A new series begins on the first date of its rule that is not over yet: "every day
/// at nine", said at noon, begins tomorrow.
fn begin_on_a_date_to_come(meeting: &mut Meeting, now: Millis) -> Result<(), ApiError> {
    let (start, zone) = (meeting.starts_local, meeting.zone);
    let Some(series) = &meeting.series else {
        return Ok(());
    };
    // From the start that was asked for, so that weekday, day of the month and every other week
    // are as it says. What is left out at first must not count: the rule begins with its first date.
    let rule = match series.rule.end {
        End::Count(_) => Recurrence {
            end: End::Never,
            ..series.rule.clone()
        },
        _ => series.rule.clone(),
    };
    let is_to_come = |date: &LocalDate| {
        let begins = start.on(*date).resolve(zone);
        begins.is_ok_and(|begins| begins.at >= now - STALE_START)
    };
    let first = rule.within_a_lifetime(start, zone).find(is_to_come);
    let first = first.ok_or_else(|| bad_rule(&RecurrenceError::Never))?;
    meeting.starts_local = start.on(first);
    Ok(())
}

/// A single date is not moved into the past.
pub(super) fn is_to_come(local: LocalTime, zone: Zone, now: Millis) -> Result<(), ApiError> {
    match local.resolve(zone) {
        Ok(start) if start.at >= now - STALE_START => Ok(()),
        Ok(_) | Err(_) => Err(ApiError::new(ErrorCode::StartsInThePast).at("starts_local")),
    }
}

/// A series that is changed has at least one date that is not over.
fn has_dates_to_come(meeting: &Meeting, now: Millis) -> Result<(), ApiError> {
    if meeting.has_dates_after(now - meeting.duration_ms) {
        return Ok(());
    }
    Err(bad_rule(&RecurrenceError::Never))
}

fn check_start(meeting: &Meeting, now: Millis) -> Result<(), ApiError> {
    let out_of_range = |_| {
        let problem = Phrase::new("problems.out_of_range");
        ApiError::new(ErrorCode::WrongType)
            .at("starts_local")
            .with("name", "starts_local")
            .with_phrase("problem", problem)
    };
    let (starts_at, _) = meeting.hours().map_err(out_of_range)?;
    if starts_at < now - STALE_START {
        return Err(ApiError::new(ErrorCode::StartsInThePast).at("starts_local"));
    }
    Ok(())
}

fn title(text: &str) -> Result<String, ApiError> {
    let title = text.trim();
    if title.is_empty() {
        return Err(ApiError::new(ErrorCode::EmptyTitle).at("title"));
    }
    if title.chars().count() > TITLE_MOST {
        return Err(ApiError::new(ErrorCode::TitleTooLong)
            .at("title")
            .with("limit", TITLE_MOST));
    }
    Ok(printable(title))
}

/// A name: of a room, a token, a guest.
pub(super) fn name_of(field: &str, text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(ApiError::new(ErrorCode::EmptyName).at(field));
    }
    if name.chars().count() > NAME_MOST {
        return Err(ApiError::new(ErrorCode::NameTooLong)
            .at(field)
            .with("limit", NAME_MOST));
    }
    Ok(printable(name))
}

/// Line breaks and other controls would reach logs, SIP headers and mails.
fn printable(text: &str) -> String {
    text.chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect()
}

pub(super) fn time_zone(name: &str) -> Result<Zone, ApiError> {
    name.parse().map_err(|_| {
        ApiError::new(ErrorCode::UnknownTimeZone)
            .at("time_zone")
            .with("zone", short(name))
    })
}

pub(super) fn local_time(text: &str) -> Result<LocalTime, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::BadLocalTime)
            .at("starts_local")
            .with("time", short(text))
    })
}

pub(super) fn duration(minutes: u32) -> Result<Span, ApiError> {
    let span = Span::minutes(i64::from(minutes));
    let fits = minutes > 0 && span <= DAY;
    fits.then_some(span)
        .ok_or_else(|| ApiError::new(ErrorCode::BadDuration).at("duration_min"))
}

/// 0 is never.
pub(super) fn reminder(minutes: u32) -> Result<Option<Span>, ApiError> {
    let span = Span::minutes(i64::from(minutes));
    if span > DAY {
        return Err(ApiError::new(ErrorCode::BadReminder).at("remind_min"));
    }
    Ok((minutes > 0).then_some(span))
}

pub(super) fn lead(seconds: u32) -> Result<Span, ApiError> {
    let span = Span::seconds(i64::from(seconds));
    (span <= DAY)
        .then_some(span)
        .ok_or_else(|| ApiError::new(ErrorCode::BadLead).at("lead_s"))
}

/// Ahead of the start, or of the end: an hour at most.
fn ahead(field: &str, seconds: u32) -> Result<Span, ApiError> {
    let span = Span::seconds(i64::from(seconds));
    (span <= Span::minutes(60))
        .then_some(span)
        .ok_or_else(|| ApiError::new(ErrorCode::BadAhead).at(field))
}

pub(super) fn room(
    id: domain::RoomId,
    directory: &CompanyDirectory,
) -> Result<domain::RoomId, ApiError> {
    directory
        .room(id)
        .map(|room| room.id)
        .ok_or_else(|| ApiError::new(ErrorCode::UnknownRoom).at("room_id"))
}

pub(super) fn participants(
    list: &[NewParticipant],
    directory: &CompanyDirectory,
) -> Result<Vec<Participant>, ApiError> {
    if list.len() > PARTICIPANTS_MOST {
        return Err(ApiError::new(ErrorCode::TooManyParticipants)
            .at("participants")
            .with("limit", PARTICIPANTS_MOST));
    }
    let mut participants: Vec<Participant> = Vec::with_capacity(list.len());
    for (place, one) in list.iter().enumerate() {
        let at = format!("participants[{place}]");
        let invitee = invitee(
            &at,
            one.employee_id,
            one.number.as_deref(),
            one.name.as_deref(),
            directory,
        )?;
        if participants
            .iter()
            .any(|other| other.invitee.is_same_person(&invitee))
        {
            let name = shown(&invitee, directory);
            return Err(ApiError::new(ErrorCode::DuplicateParticipant)
                .at(at)
                .with("name", name));
        }
        let email = match one.email.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(email(&format!("{at}.email"), text)?),
        };
        participants.push(Participant {
            // An employee has the address he signs in with.
            email: email.filter(|_| matches!(invitee, Invitee::Outside { .. })),
            invitee,
            role: one.role,
        });
    }
    Ok(participants)
}

/// Somebody to be called: a person of the company, or a number. A number that is a
/// person's own device means that person, or he would be called twice.
pub(super) fn invitee(
    at: &str,
    employee: Option<domain::EmployeeId>,
    number: Option<&str>,
    name: Option<&str>,
    directory: &CompanyDirectory,
) -> Result<Invitee, ApiError> {
    let field = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    match (employee, number) {
        (Some(id), None) => {
            let known = directory.employee(id).is_some();
            let unknown = || ApiError::new(ErrorCode::UnknownEmployee).at(field("employee_id"));
            known.then_some(Invitee::Employee(id)).ok_or_else(unknown)
        }
        (None, Some(text)) => {
            let number = PhoneNumber::parse(text)
                .map_err(|error| ApiError::bad_number(field("number"), text, &error))?;
            if let Some(owner) = directory
                .employees
                .iter()
                .find(|employee| employee.is_called_by(&number))
            {
                return Ok(Invitee::Employee(owner.id));
            }
            let name = match name.map(str::trim) {
                None | Some("") => None,
                Some(name) => Some(name_of(&field("name"), name)?),
            };
            Ok(Invitee::Outside { name, number })
        }
        (Some(_), Some(_)) | (None, None) => {
            let error = ApiError::new(ErrorCode::BadParticipant);
            Err(if at.is_empty() {
                error.at("employee_id")
            } else {
                error.at(at)
            })
        }
    }
}

/// A mail address, as far as can be told without sending a mail.
pub(super) fn email(field: &str, text: &str) -> Result<String, ApiError> {
    let sound = text.len() <= 254
        && text
            .chars()
            .all(|sign| !sign.is_whitespace() && !sign.is_control())
        && text.parse::<lettre::Address>().is_ok();
    sound.then(|| text.to_owned()).ok_or_else(|| {
        ApiError::new(ErrorCode::BadEmail)
            .at(field)
            .with("email", short(text))
    })
}

/// An address that requests of ours may go to, as far as can be told from its text.
pub(super) fn url(field: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let sound = text.len() <= 1000 && text.parse::<crate::http_out::Url>().is_ok();
    sound.then(|| text.to_owned()).ok_or_else(|| {
        ApiError::new(ErrorCode::BadUrl)
            .at(field)
            .with("url", short(text))
    })
}

/// How somebody is called in a sentence.
pub(super) fn shown(invitee: &Invitee, directory: &CompanyDirectory) -> String {
    match invitee {
        Invitee::Employee(id) => directory
            .employee(*id)
            .map(|employee| employee.name.clone())
            .unwrap_or_default(),
        Invitee::Outside { .. } => invitee.to_string(),
    }
}

/// Rules that could do harm: waits that are negative or shorter than a second
/// (a phone that is knocked on without a pause), and tries without number.
pub(super) fn rules(rules: &RetryRules) -> Result<RetryRules, ApiError> {
    const TRIES_MOST: u32 = 50;
    const WAIT_LEAST: Span = Span::seconds(1);

    let refuse = |name: String, problem: Phrase| {
        let field = format!("rules.{name}");
        Err(ApiError::new(ErrorCode::BadRule)
            .at(&field)
            .with("name", field)
            .with_phrase("problem", problem))
    };
    let mut waits = vec![
        ("busy.wait_ms".to_owned(), rules.busy.wait_ms, WAIT_LEAST),
        ("busy.first_ms".to_owned(), rules.busy.first_ms, Span::ZERO),
        (
            "busy.then_wait_ms".to_owned(),
            rules.busy.then_wait_ms,
            WAIT_LEAST,
        ),
        (
            "busy.let_talk_ms".to_owned(),
            rules.busy.let_talk_ms,
            Span::ZERO,
        ),
        (
            "offline.wait_ms".to_owned(),
            rules.offline.wait_ms,
            WAIT_LEAST,
        ),
        (
            "not_confirmed.wait_ms".to_owned(),
            rules.not_confirmed.wait_ms,
            WAIT_LEAST,
        ),
        (
            "dropped.wait_ms".to_owned(),
            rules.dropped.wait_ms,
            WAIT_LEAST,
        ),
        ("ring_ms".to_owned(), rules.ring_ms, WAIT_LEAST),
        ("setup_ms".to_owned(), rules.setup_ms, WAIT_LEAST),
        ("confirm_ms".to_owned(), rules.confirm_ms, WAIT_LEAST),
        ("later_ms".to_owned(), rules.later_ms, WAIT_LEAST),
        (
            "after_freed_ms".to_owned(),
            rules.after_freed_ms,
            Span::ZERO,
        ),
    ];
    let lists = [
        ("no_answer.waits_ms", &rules.no_answer.waits_ms),
        ("network.round_waits_ms", &rules.network.round_waits_ms),
    ];
    for (name, list) in lists {
        if list.len() > TRIES_MOST as usize {
            return refuse(
                name.to_owned(),
                Phrase::new("problems.too_many").with("most", TRIES_MOST),
            );
        }
        waits.extend(
            list.iter()
                .enumerate()
                .map(|(place, wait)| (format!("{name}[{place}]"), *wait, WAIT_LEAST)),
        );
    }
    for (name, wait, least) in waits {
        if wait < Span::ZERO {
            return refuse(name, Phrase::new("problems.not_negative"));
        }
        if wait > DAY {
            return refuse(name, Phrase::new("problems.too_long"));
        }
        if wait < least {
            return refuse(
                name,
                Phrase::new("problems.too_short").with("least", least.0),
            );
        }
    }
    let tries = [
        ("offline.tries", rules.offline.tries),
        ("not_confirmed.tries", rules.not_confirmed.tries),
        ("dropped.tries", rules.dropped.tries),
    ];
    for (name, tries) in tries {
        if tries > TRIES_MOST {
            return refuse(
                name.to_owned(),
                Phrase::new("problems.too_many").with("most", TRIES_MOST),
            );
        }
    }
    // What only the whole can say, such as an act that fits no other outcome.
    if let Err(error) = rules.check() {
        let problem = Phrase::new("problems.other").with("problem", error.problem);
        return refuse(error.field.to_owned(), problem);
    }
    Ok(rules.clone())
}

/// As much of somebody's input as belongs in a sentence.
fn short(text: &str) -> String {
    printable(&text.chars().take(60).collect::<String>())
}
