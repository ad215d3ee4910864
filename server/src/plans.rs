//! A plan as rows: its dates, who is expected at them, and the events that tell
//! of both. The API and the task that extends series write plans alike.

use std::collections::{BTreeMap, BTreeSet};

use api::EventKind;
use domain::{
    InvitationId, LocalDate, Millis, OccurrenceId, Span, TimeError,
    invitation::{Invitation, Rsvp},
    meeting::Meeting,
    occurrence::Occurrence,
    series::{self, Answers, INVITED_AHEAD},
};
use store::{CompanyDirectory, InvitationRow, Plan, Store, StoreError, Versioned, person_key};

use crate::{
    clock::random,
    web::resources::{self, Around},
};

/// How often a series is looked at for further dates.
const EXTENDED_EVERY: Span = Span::minutes(24 * 60);

/// What is there of a plan before it is written.
#[derive(Debug, Default)]
pub struct There {
    /// The version the plan was read at; 0 for a new one.
    version: i64,
    pub dates: Vec<Versioned<Occurrence>>,
    /// The dates at which somebody is expected already.
    listed: BTreeSet<OccurrenceId>,
    /// The dates of the series it is split off from: what was said about one of them
    /// is said about the date at that time.
    split_from: BTreeMap<Millis, OccurrenceId>,
    /// The plan as it was, and what was said in writing about it.
    was: Option<Meeting>,
    answers: Answers,
}

impl There {
    pub async fn of(store: &Store, meeting: &Versioned<Meeting>) -> Result<Self, StoreError> {
        let id = meeting.value.id;
        Ok(Self {
            version: meeting.version,
            dates: store.occurrences_of(id).await?,
            listed: store.dates_with_a_list(id).await?,
            split_from: BTreeMap::new(),
            was: Some(meeting.value.clone()),
            answers: store.answers(id).await?,
        })
    }

    /// Of a new plan that goes on where a series was cut.
    pub fn split_from(&self) -> Self {
        let listed = |date: &&Versioned<Occurrence>| self.listed.contains(&date.value.id);
        let dates = self.dates.iter().filter(listed);
        Self {
            split_from: dates
                .map(|date| (date.value.starts_at, date.value.id))
                .collect(),
            was: self.was.clone(),
            answers: self.answers.clone(),
            ..Self::default()
        }
    }

    /// What was said that holds for the plan as it `is` now: nothing of another hour.
    fn answers_under(
        &self,
        is: &Meeting,
        written: &[Versioned<Occurrence>],
        why: Why,
        now: Millis,
    ) -> Answers {
        let Some(was) = self.was.as_ref().filter(|_| why == Why::Changed) else {
            return self.answers.clone();
        };
        let people: BTreeSet<String> = is
            .participants
            .iter()
            .map(|one| person_key(&one.invitee))
            .collect();
        let has_moved = |row: &&Versioned<Occurrence>| {
            let mut before = self.dates.iter().map(|date| &date.value);
            before.any(|before| {
                before.id == row.value.id
                    && before.slot == row.value.slot
                    && before.starts_at != row.value.starts_at
            })
        };
        let moved: Vec<LocalDate> = written
            .iter()
            .filter(has_moved)
            .filter_map(|row| row.value.slot)
            .collect();
        self.answers
            .under(was, is, |person| people.contains(person), &moved, now)
    }

    /// What is kept of answers under this very plan: a new one has none yet.
    fn answers_kept(&self, of: &Meeting) -> Answers {
        let is_the_same = self.was.as_ref().is_some_and(|was| was.id == of.id);
        match is_the_same {
            true => self.answers.clone(),
            false => Answers::default(),
        }
    }
}

/// Why a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody made or changed it: its dates to come are as it says.
    Changed,
    /// Time has passed: further dates are made, and nobody's list is touched. Where a zone has
    /// got other rules, dates and lists stay at their hour of the wall clock.
    Extended,
}

/// A plan cannot become rows.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// The rows of a plan beside what is `there`, and the plan as it is shown.
pub async fn rows(
    store: &Store,
    meeting: Meeting,
    there: &There,
    directory: &CompanyDirectory,
    why: Why,
    now: Millis,
) -> Result<(Plan, api::Meeting), PlanError> {
    let old: Vec<Occurrence> = there.dates.iter().map(|date| date.value.clone()).collect();
    let changes = series::reconcile(&meeting, &old, now)?;
    let mut written: Vec<Versioned<Occurrence>> = Vec::new();
    for value in changes.changed {
        let version = there
            .dates
            .iter()
            .find(|date| date.value.id == value.id)
            .map_or(0, |date| date.version);
        written.push(Versioned { version, value });
    }
    for date in changes.new {
        let id = OccurrenceId::new(now, random());
        written.push(Versioned::new(meeting.occurrence(date, id, now)));
    }

    let answers = there.answers_under(&meeting, &written, why, now);
    let mut dates: BTreeMap<OccurrenceId, &Occurrence> =
        old.iter().map(|date| (date.id, date)).collect();
    dates.extend(written.iter().map(|row| (row.value.id, &row.value)));
    let mut by_time: Vec<&Occurrence> = dates.values().copied().collect();
    by_time.sort_by_key(|date| (date.starts_at, date.id));
    let ids = by_time.iter().map(|date| date.id).collect();

    let shown = resources::meeting(&meeting, directory, ids);
    let mut events = Vec::new();
    if why == Why::Changed {
        events.push(EventKind::Meeting(shown.clone()));
    }
    let expected = u32::try_from(meeting.participants.len()).unwrap_or(u32::MAX);
    events.extend(
        written.iter().map(|row| {
            EventKind::Occurrence(resources::occurrence(&row.value, directory, expected))
        }),
    );

    let (mut invitations, mut withdrawn) = (Vec::new(), Vec::new());
    for date in by_time {
        let listed = there.listed.contains(&date.id);
        let before = old.iter().find(|before| before.id == date.id);
        let is_rezoned = why == Why::Extended
            && listed
            && before.is_some_and(|before| before.starts_at != date.starts_at);
        if !is_rezoned && !wants_a_list(&meeting, date, listed, why, now) {
            continue;
        }
        let list = if listed {
            store.invitations(date.id).await?
        } else {
            Vec::new()
        };
        let said = match there.split_from.get(&date.starts_at) {
            Some(before) => store.invitations(*before).await?,
            None => Vec::new(),
        };
        let stands = is_rezoned || before.is_some_and(|before| before.starts_at == date.starts_at);
        let said = Before {
            list: &said,
            answers: &answers,
        };
        let (rows, gone) = expect(&meeting, date, stands, list, said, now);
        let around = Around {
            room: date.room,
            starts_at: date.starts_at,
            rules: resources::rules_of(Some(&meeting), &directory.company),
            directory,
        };
        events.extend(
            rows.iter()
                .map(|row| EventKind::Invitation(resources::invitation(&row.invitation, around))),
        );
        events.extend(
            gone.iter()
                .map(|id| EventKind::InvitationRemoved { id: *id }),
        );
        invitations.extend(rows);
        withdrawn.extend(gone);
    }
    let plan = Plan {
        read_at: Some(there.version),
        extend_at: meeting
            .has_dates_after(now + INVITED_AHEAD)
            .then_some(now + EXTENDED_EVERY),
        even_if_booked: why == Why::Extended,
        answers: answers.beside(&there.answers_kept(&meeting)),
        meeting,
        occurrences: written,
        invitations,
        withdrawn,
        events: events.iter().map(resources::event).collect(),
    };
    Ok((plan, shown))
}

/// What was said about a date before there was a list of those expected at it.
#[derive(Clone, Copy)]
struct Before<'a> {
    /// The list of the same time in the plan it was split off from.
    list: &'a [InvitationRow],
    answers: &'a Answers,
}

impl Before<'_> {
    fn of(&self, person: &str, date: &Occurrence) -> Option<Rsvp> {
        let mut list = self.list.iter();
        let there = list.find(|row| person_key(&row.invitation.invitee) == person);
        match there {
            Some(row) => row.invitation.rsvp(),
            None => self.answers.of(person, date.slot),
        }
    }
}

/// Whether the list of those expected at a date is to be written.
fn wants_a_list(meeting: &Meeting, date: &Occurrence, listed: bool, why: Why, now: Millis) -> bool {
    let is_near = meeting.series.is_none() || date.starts_at < now + INVITED_AHEAD;
    match why {
        Why::Changed => date.is_ahead() && (listed || is_near),
        Why::Extended => !listed && is_near && (date.is_ahead() || date.is_under_way()),
    }
}

/// The list of those expected: who is on it already stays the same invitation,
/// and what he said about coming `stands` or, where the date has got another hour, does not. Whoever is new on it has said what he `said` before there was one.
fn expect(
    meeting: &Meeting,
    date: &Occurrence,
    stands: bool,
    mut there: Vec<InvitationRow>,
    said: Before<'_>,
    now: Millis,
) -> (Vec<InvitationRow>, Vec<InvitationId>) {
    let mut rows = Vec::with_capacity(meeting.participants.len());
    for (place, participant) in meeting.participants.iter().enumerate() {
        let position = i64::try_from(place).unwrap_or(i64::MAX);
        let key = person_key(&participant.invitee);
        let old = there
            .iter()
            .position(|row| person_key(&row.invitation.invitee) == key)
            .map(|at| there.remove(at));
        let (invitee, role) = (participant.invitee.clone(), participant.role);
        let new = |id| Invitation::new(id, date.id, invitee.clone(), role, date.dial_at);
        let row = match old.clone() {
            Some(mut row) => {
                row.position = position;
                match stands {
                    true => row.invitation.replan(invitee, role, date.dial_at),
                    false => row.invitation = new(row.invitation.id),
                }
                row
            }
            None => {
                let mut invitation = new(InvitationId::new(now, random()));
                if let Some(rsvp) = said.of(&key, date) {
                    invitation.on_reply(rsvp, date.dial_at, now);
                }
                InvitationRow {
                    company: meeting.company,
                    position,
                    version: 0,
                    invitation,
                }
            }
        };
        if old.as_ref() != Some(&row) {
            rows.push(row);
        }
    }
    let gone = there.into_iter().map(|row| row.invitation.id).collect();
    (rows, gone)
}
