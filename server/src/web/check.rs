//! `/api/v1/meetings/check`: what is in a plan's way, before it is saved and when it is.
//!
//! A room that is taken refuses a plan, people who are elsewhere only warn. A
//! series is looked at a year ahead, beyond the dates that are made already, and
//! so is every other series that has dates yet to be made.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    CheckMeeting, ErrorBody, ErrorCode, ErrorDetails, Finding, FindingCode, FindingMeeting,
    FindingPerson, MeetingCheck, NewMeeting, Severity,
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use domain::{
    Language, MeetingId, Millis, OccurrenceId, Span, Zone,
    meeting::Meeting,
    series::{
        Clash, Date, HORIZON, Held, LOOKED_AHEAD, Wanted, clashes, free_for_all, free_when, unmade,
    },
    time::Shift,
};
use store::CompanyDirectory;

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    guarded,
    json::Json,
    resources,
    texts::{Phrase, preferred},
    validate,
};

/// More findings than anybody reads.
const FINDINGS_MOST: usize = 50;

/// More dates of a series than anybody plans by hand.
const DATES_MOST: usize = 400;

/// How many of a series' next dates are answered.
const DATES_SHOWN: usize = 10;

/// What would become of a plan if it were saved: who or what is in its way.
///
/// Nothing is saved. `room_booked` would be refused on saving as well; the rest are warnings.
#[utoipa::path(post, path = "/meetings/check", tag = "meetings", request_body = CheckMeeting, responses(
    (status = 200, body = MeetingCheck),
    (status = 422, body = ErrorBody, description = "as for `POST /meetings`"),
))]
pub(super) async fn check(
    State(app): State<App>,
    signed: Signed,
    headers: HeaderMap,
    Json(request): Json<CheckMeeting>,
) -> Result<Json<MeetingCheck>, ApiError> {
    let now = app.now();
    let directory = signed.company()?;
    let language = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|wanted| preferred(wanted.to_str().ok()?))
        .unwrap_or(directory.company.language);
    let plan = NewMeeting {
        // Everything but the title can be checked while the title is still being typed.
        title: "-".to_owned(),
        room_id: request.room_id,
        time_zone: request.time_zone,
        starts_local: request.starts_local,
        duration_min: request.duration_min,
        repeats: request.repeats,
        lead_s: None,
        early_s: None,
        warn_s: None,
        own_people_need_no_key: None,
        lobby: None,
        remind_min: None,
        participants: request.participants,
        rules: None,
    };
    let id = request
        .meeting_id
        .unwrap_or_else(|| MeetingId::new(now, random()));
    let meeting = validate::new_meeting(&plan, id, Some(signed.user.id), directory, now)?;
    let dates = dates_of(&meeting, now)?;
    let mut around = Surroundings::of(&app, &meeting, &dates, None, now).await?;

    let mut findings = around.rooms(&meeting, language);
    let free_at = around.free_for_everybody(&app, &meeting).await;
    findings.extend(around.people(&meeting, free_at, directory, language));
    findings.extend(guarded::findings(&meeting, &dates, directory, language));
    findings.extend(shifts(&meeting, &dates, language));
    findings.sort_by_key(|finding| finding.severity);
    findings.truncate(FINDINGS_MOST);
    let (starts_at, _) = meeting
        .hours()
        .map_err(|_| ApiError::new(ErrorCode::Internal))?;
    let next = dates.iter().map(|date| date.starts_at.0);
    Ok(Json(MeetingCheck {
        starts_at: starts_at.0,
        dates_at: next.take(DATES_SHOWN).collect(),
        findings,
    }))
}

/// Refuses a plan whose room is taken at one of its dates; `but` is the plan it is split from.
pub(super) async fn room_is_free(
    app: &App,
    meeting: &Meeting,
    but: Option<MeetingId>,
    now: Millis,
) -> Result<(), ApiError> {
    let dates = dates_of(meeting, now)?;
    let around = Surroundings::of(app, meeting, &dates, but, now).await?;
    match around.taken().first() {
        None => Ok(()),
        Some(taken) => Err(taken.refusal(meeting.zone)),
    }
}

/// The dates that are still to come and are held.
fn dates_of(meeting: &Meeting, now: Millis) -> Result<Vec<Date>, ApiError> {
    let mut dates = meeting
        .dates(now + LOOKED_AHEAD)
        .map_err(|_| ApiError::new(ErrorCode::Internal))?;
    dates.retain(|date| date.held && date.ends_at > now);
    dates.sort_by_key(|date| date.starts_at);
    dates.truncate(DATES_MOST);
    Ok(dates)
}

/// A plan's dates, and what else is held at those times.
struct Surroundings {
    wanted: Vec<Wanted>,
    held: Vec<Held>,
    /// What the other meetings are called.
    others: BTreeMap<MeetingId, Meeting>,
}

/// One meeting that has the room at some of the dates.
struct Taken<'a> {
    first: Clash<'a>,
    title: String,
    dates: usize,
    free_at: Option<Millis>,
}

impl Surroundings {
    async fn of(
        app: &App,
        meeting: &Meeting,
        dates: &[Date],
        but: Option<MeetingId>,
        now: Millis,
    ) -> Result<Self, ApiError> {
        let wanted: Vec<Wanted> = dates
            .iter()
            .map(|date| Wanted {
                room: date.room,
                from: date.starts_at,
                until: date.ends_at,
            })
            .collect();
        let mut around = Self {
            wanted,
            held: Vec::new(),
            others: BTreeMap::new(),
        };
        let from = around.wanted.iter().map(|date| date.from).min();
        let until = around.wanted.iter().map(|date| date.until).max();
        let (Some(from), Some(until)) = (from, until) else {
            return Ok(around);
        };
        // A free time is looked for a week on.
        let until = until + Span::minutes(7 * 24 * 60);
        let own = |id: MeetingId| id == meeting.id || Some(id) == but;
        let company = meeting.company;
        let made = app
            .store
            .planned_between(company, from, until, Some(meeting.id))
            .await?;
        around.held = made
            .into_iter()
            .filter(|slot| !own(slot.meeting))
            .map(|slot| Held {
                meeting: slot.meeting,
                occurrence: Some(slot.occurrence),
                room: slot.room,
                from: slot.starts_at,
                until: slot.ends_at,
            })
            .collect();
        // The last look at a series may be some days ago.
        let made_until = now + HORIZON - Span::minutes(3 * 24 * 60);
        if until > made_until {
            let made: BTreeSet<(MeetingId, Millis)> = around
                .held
                .iter()
                .map(|held| (held.meeting, held.from))
                .collect();
            for series in app.store.series_to_come(company).await? {
                if own(series.id) {
                    continue;
                }
                let dates = unmade(&series, meeting, &around.wanted, made_until, until);
                around
                    .held
                    .extend(dates.filter(|date| !made.contains(&(date.meeting, date.from))));
            }
        }
        for clash in clashes(&around.wanted, &around.held) {
            let id = clash.held.meeting;
            if let std::collections::btree_map::Entry::Vacant(place) = around.others.entry(id)
                && let Ok(other) = app.store.meeting(company, id).await
            {
                place.insert(other);
            }
        }
        Ok(around)
    }

    fn title(&self, id: MeetingId) -> String {
        self.others
            .get(&id)
            .map(|other| other.title.clone())
            .unwrap_or_default()
    }

    /// The meetings that have the room, the earliest first.
    fn taken(&self) -> Vec<Taken<'_>> {
        let mut taken: Vec<Taken<'_>> = Vec::new();
        for clash in clashes(&self.wanted, &self.held) {
            if clash.held.room != clash.wanted.room {
                continue;
            }
            let known = |one: &&mut Taken<'_>| one.first.held.meeting == clash.held.meeting;
            match taken.iter_mut().find(known) {
                Some(one) => one.dates += 1,
                None => taken.push(Taken {
                    first: clash,
                    title: self.title(clash.held.meeting),
                    dates: 1,
                    free_at: None,
                }),
            }
        }
        if let Some(first) = taken.first_mut() {
            let later = free_for_all(&self.wanted, &self.held);
            first.free_at = later.map(|later| first.first.wanted.from + later);
        }
        taken
    }

    fn rooms(&self, meeting: &Meeting, language: Language) -> Vec<Finding> {
        let found = self.taken();
        let findings = found.iter().map(|taken| Finding {
            severity: Severity::Refusal,
            code: FindingCode::RoomBooked,
            message: taken.phrase(meeting.zone).say(language),
            field: Some("room_id".to_owned()),
            person: None,
            meeting: Some(self.other(taken.first.held)),
            date_at: Some(taken.first.wanted.from.0),
            dates: count(taken.dates),
            free_at: taken.free_at.map(|at| at.0),
        });
        findings.collect()
    }

    fn other(&self, held: &Held) -> FindingMeeting {
        FindingMeeting {
            id: held.meeting,
            title: self.title(held.meeting),
            starts_at: held.from.0,
            ends_at: held.until.0,
        }
    }

    /// When the first date may begin so that all rooms are free and everybody can come to all
    /// of them; none if that is not within a week.
    async fn free_for_everybody(&mut self, app: &App, meeting: &Meeting) -> Option<Millis> {
        loop {
            let shares = |id: &MeetingId| {
                let other = self.others.get(id);
                other.is_some_and(|other| other.shares_people(meeting))
            };
            let later = free_when(&self.wanted, &self.held, |clash| {
                clash.held.room == clash.wanted.room || shares(&clash.held.meeting)
            })?;
            let moved: Vec<Wanted> = self.wanted.iter().map(|date| date.later(later)).collect();
            // Of whatever else is held then nobody knows yet whom it expects.
            let unknown: BTreeSet<MeetingId> = clashes(&moved, &self.held)
                .iter()
                .map(|clash| clash.held.meeting)
                .filter(|id| !self.others.contains_key(id))
                .collect();
            if unknown.is_empty() {
                return self.wanted.first().map(|date| date.from + later);
            }
            for id in unknown {
                let other = app.store.meeting(meeting.company, id).await.ok()?;
                self.others.insert(id, other);
            }
        }
    }

    /// Who of those expected is expected elsewhere at the same time.
    fn people(
        &self,
        meeting: &Meeting,
        free_at: Option<Millis>,
        directory: &CompanyDirectory,
        language: Language,
    ) -> Vec<Finding> {
        let mut found: BTreeMap<(usize, MeetingId), (Clash<'_>, usize)> = BTreeMap::new();
        for clash in clashes(&self.wanted, &self.held) {
            let Some(other) = self.others.get(&clash.held.meeting) else {
                continue;
            };
            for (place, one) in meeting.participants.iter().enumerate() {
                if other.expects(&one.invitee) {
                    found.entry((place, other.id)).or_insert((clash, 0)).1 += 1;
                }
            }
        }
        let findings = found.into_iter().map(|((place, other), (first, dates))| {
            let invitee = &meeting.participants[place].invitee;
            let (employee_id, name, number) = resources::who(invitee, directory);
            let key = match dates {
                1 => "findings.person_busy",
                _ => "findings.person_busy_dates",
            };
            let phrase = Phrase::new(key)
                .with("name", &name)
                .with("title", self.title(other))
                .with("dates", dates)
                .with("from", on_the_wall(first.held.from, meeting.zone))
                .with("until", on_the_wall(first.held.until, meeting.zone));
            Finding {
                severity: Severity::Warning,
                code: FindingCode::PersonBusy,
                message: phrase.say(language),
                field: Some(format!("participants[{place}]")),
                person: Some(FindingPerson {
                    employee_id,
                    name,
                    number,
                }),
                meeting: Some(self.other(first.held)),
                date_at: Some(first.wanted.from.0),
                dates: count(dates),
                free_at: free_at.map(|at| at.0),
            }
        });
        findings.take(FINDINGS_MOST).collect()
    }
}

impl Taken<'_> {
    fn phrase(&self, zone: Zone) -> Phrase {
        let key = match (self.dates, self.free_at) {
            (1, Some(_)) => "findings.room_booked",
            (1, None) => "findings.room_booked_all",
            (_, Some(_)) => "findings.room_booked_dates",
            (_, None) => "findings.room_booked_dates_all",
        };
        let held = self.first.held;
        Phrase::new(key)
            .with("title", &self.title)
            .with("dates", self.dates)
            .with("from", on_the_wall(held.from, zone))
            .with("until", on_the_wall(held.until, zone))
            .with(
                "free",
                self.free_at
                    .map_or_else(String::new, |at| on_the_wall(at, zone)),
            )
    }

    fn refusal(&self, zone: Zone) -> ApiError {
        let held = self.first.held;
        let free_at = self.free_at.unwrap_or(held.until);
        room_booked(
            held.meeting,
            held.occurrence,
            &self.title,
            (held.from, held.until),
            free_at,
            zone,
        )
    }
}

/// Says whose the room is, on the clocks of the one who asked.
pub(super) fn room_booked(
    meeting_id: MeetingId,
    occurrence_id: Option<OccurrenceId>,
    title: &str,
    (from, until): (Millis, Millis),
    free_at: Millis,
    zone: Zone,
) -> ApiError {
    ApiError::new(ErrorCode::RoomBooked)
        .at("room_id")
        .with("title", title)
        .with("until", on_the_wall(until, zone))
        .with("free", on_the_wall(free_at, zone))
        .details(ErrorDetails::RoomBooked {
            meeting_id,
            occurrence_id,
            title: title.to_owned(),
            starts_at: from.0,
            ends_at: until.0,
            next_free_at: free_at.0,
        })
}

/// `2026-11-24 10:00`.
pub(super) fn on_the_wall(at: Millis, zone: Zone) -> String {
    at.in_zone(zone)
        .map(|local| local.to_string().replace('T', " "))
        .unwrap_or_default()
}

/// Dates at which the clocks change just then.
fn shifts(meeting: &Meeting, dates: &[Date], language: Language) -> Vec<Finding> {
    let told = dates.iter().filter_map(|date| {
        let local = match date.slot {
            Some(slot) => meeting.starts_local.on(slot),
            None => meeting.starts_local,
        };
        let (code, key) = match local.resolve(meeting.zone).ok()?.shift {
            Shift::None => return None,
            Shift::Gap => (FindingCode::HourSkipped, "findings.hour_skipped"),
            Shift::Double => (FindingCode::HourTwice, "findings.hour_twice"),
        };
        let clock = |text: String| text.split(' ').nth(1).unwrap_or_default().to_owned();
        let phrase = Phrase::new(key)
            .with("date", local.date())
            .with("time", clock(local.to_string().replace('T', " ")))
            .with("instead", clock(on_the_wall(date.starts_at, meeting.zone)));
        Some(Finding {
            severity: Severity::Notice,
            code,
            message: phrase.say(language),
            field: Some("starts_local".to_owned()),
            person: None,
            meeting: None,
            date_at: Some(date.starts_at.0),
            dates: 1,
            free_at: None,
        })
    });
    told.collect()
}

fn count(dates: usize) -> u32 {
    u32::try_from(dates).unwrap_or(u32::MAX)
}
