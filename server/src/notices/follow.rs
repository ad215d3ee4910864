//! Reads the events and writes what follows from them: invitations when a plan is
//! made or changed, reminders when a date stands, the report when it is over.
//!
//! How far it has read is written with what came of it, so a crash neither loses
//! an event nor tells anybody twice. What is written is found by comparing what
//! holds with what was told, never by what the event says has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    CompanyId, Language, MeetingId, Millis, OccurrenceId, PhoneNumber, Span,
    meeting::Meeting,
    notice::{About, Address, Calendar, Content, Method, Notice, State, TRIED_FOR},
    occurrence::{Occurrence, Status},
    recurrence::End,
    room::Room,
    series,
    time::LocalDate,
    trunk::Target,
};
use serde_json::Value;
use store::{CompanyDirectory, Followed, NoticeRow, StoreError, person_key};

use super::{
    address::{self, Ways},
    ical,
    last_act::join,
    new_id,
    told::{self, Guest, Plan, Told, Word},
    words,
};
use crate::shared::Shared;

/// Under this name it notes how far it has read.
const NAME: &str = "notices";

/// How many events are read at once.
const PAGE: i64 = 300;

/// Whoever is called so soon anyway needs no invitation.
const AT_ONCE: Span = Span::minutes(1);

/// A series' zone is told with its clock changes of so long: five years.
const ZONE_TOLD_FOR: Span = Span::minutes(5 * 366 * 24 * 60);

/// The last words of a meeting are over by then, and everybody's leaving is written.
const REPORT_AFTER: Span = Span::seconds(15);

pub struct Follower {
    shared: Arc<Shared>,
    /// How far it has read, of each company.
    read: BTreeMap<CompanyId, i64>,
}

/// What events touched.
#[derive(Default)]
struct Touched {
    meetings: BTreeSet<MeetingId>,
    dates: BTreeSet<OccurrenceId>,
    over: BTreeSet<OccurrenceId>,
}

impl Touched {
    fn by(&mut self, event: &str) {
        fn id<T: std::str::FromStr>(value: &Value) -> Option<T> {
            value.as_str()?.parse().ok()
        }
        let Ok(event) = serde_json::from_str::<Value>(event) else {
            return;
        };
        match event["kind"].as_str() {
            Some("meeting" | "meeting_removed") => {
                self.meetings.extend(id::<MeetingId>(&event["id"]));
            }
            Some("occurrence") => match event["status"].as_str() {
                Some("scheduled") => self.dates.extend(id::<OccurrenceId>(&event["id"])),
                Some("ended" | "missed") if !event["meeting_id"].is_null() => {
                    self.over.extend(id::<OccurrenceId>(&event["id"]));
                }
                _ => {}
            },
            Some("invitation") => {
                self.dates
                    .extend(id::<OccurrenceId>(&event["occurrence_id"]));
            }
            _ => {}
        }
    }
}

impl Follower {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            read: BTreeMap::new(),
        }
    }

    /// Reads on in every company. What fails in one is tried again at the next look.
    pub async fn look(&mut self, now: Millis) -> Result<(), StoreError> {
        for (company, last) in self.shared.store.last_events().await? {
            if self.read.get(&company).is_some_and(|read| *read >= last) {
                continue;
            }
            if let Err(error) = self.read_on(company, last, now).await {
                tracing::warn!(%company, %error, "What happened is not told to those it concerns yet");
            }
        }
        Ok(())
    }

    async fn read_on(
        &mut self,
        company: CompanyId,
        last: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let mut read = match self.read.get(&company) {
            Some(read) => *read,
            None => match store.follower(company, NAME).await? {
                Some(read) => read,
                // From the beginning, if it is still there.
                None => match store.events_after(company, 0, 1).await? {
                    Some(_) => 0,
                    None => last,
                },
            },
        };
        while read < last {
            let mut touched = Touched::default();
            match store.events_after(company, read, PAGE).await? {
                Some(events) => {
                    for event in &events {
                        touched.by(&event.body);
                    }
                    read = events.last().map_or(last, |event| event.seq);
                }
                // Away for longer than events are kept: what holds now is what counts.
                None => {
                    let all = store.meetings(company).await?;
                    touched.meetings = all.iter().map(|meeting| meeting.id).collect();
                    read = last;
                }
            }
            let followed = self.follow(company, touched, now).await?;
            store.follow(company, NAME, read, &followed).await?;
            self.read.insert(company, read);
        }
        self.read.insert(company, read);
        Ok(())
    }

    async fn follow(
        &self,
        company: CompanyId,
        touched: Touched,
        now: Millis,
    ) -> Result<Followed, StoreError> {
        let mut followed = Followed::default();
        // The directory may be newer than the one in memory.
        self.shared.book.refresh(&self.shared.store).await?;
        let page = self.shared.book.page();
        let Some(directory) = page.company(company) else {
            return Ok(followed);
        };
        let scribe = Scribe {
            shared: &self.shared,
            directory,
            now,
        };
        for meeting in touched.meetings {
            scribe.invite(meeting, &mut followed).await?;
        }
        for date in touched.dates {
            scribe.remind(date, &mut followed).await?;
        }
        for date in touched.over {
            scribe.report(date, &mut followed).await?;
        }
        Ok(followed)
    }
}

/// Writes notices of one company.
struct Scribe<'a> {
    shared: &'a Shared,
    directory: &'a CompanyDirectory,
    now: Millis,
}

impl Scribe<'_> {
    /// Tells those invited what they have not been told of the plan.
    async fn invite(&self, id: MeetingId, followed: &mut Followed) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let Some((meeting, removed)) = store.meeting_or_removed(id).await? else {
            return Ok(());
        };
        let entry = store.calendar_entry(id).await?;
        let told: Option<Told> = entry.and_then(|body| serde_json::from_str(&body).ok());
        let dates = store.occurrences_of(id).await?;
        let Some(holds) = self.holds(&meeting, told.as_ref()) else {
            return Ok(());
        };
        let plan = &holds.0;
        let past = match meeting.series {
            Some(_) => !meeting.has_dates_after(self.now),
            None => plan.starts_at + plan.lasts <= self.now,
        };
        let at_once = plan.series.is_none() && plan.starts_at <= self.now + AT_ONCE;
        if past || (told.is_none() && at_once) {
            return Ok(());
        }
        // Nobody is called for a series while it is paused: calendars forget it.
        let paused = matches!(&meeting.series, Some(series) if series.paused_since.is_some());
        let holds = (!removed && !paused).then_some(holds);
        let Some((told, words)) = told::tell(told.as_ref(), holds) else {
            return Ok(());
        };
        // Where it is shown: the next date.
        let coming = dates.iter().find(|date| !is_over(&date.value));
        let invitations = match coming {
            Some(date) => store.invitations(date.value.id).await?,
            None => Vec::new(),
        };
        for word in &words {
            let next = coming.map_or(told.plan.starts_at, |date| date.value.starts_at);
            let mut notice = self.invitation(&meeting, &told, word, next);
            notice.occurrence = coming.or(dates.last()).map(|date| date.value.id);
            notice.invitation = invitations
                .iter()
                .find(|row| person_key(&row.invitation.invitee) == word.guest.person)
                .map(|row| row.invitation.id);
            let once = format!("{:?} {id} {} {}", word.about, told.sequence, word.to);
            followed.notices.push(NoticeRow {
                notice,
                once: Some(once),
            });
        }
        let body = serde_json::to_string(&told).unwrap_or_default();
        followed.entries.push((id, body));
        Ok(())
    }

    /// The plan as calendars take it, and who is to have it: by mail, and who has no
    /// mailbox by short message, where there is a gateway or he was `told` that way before.
    fn holds(
        &self,
        meeting: &Meeting,
        told: Option<&Told>,
    ) -> Option<(Plan, BTreeMap<String, Guest>)> {
        let company = &self.directory.company;
        let room = self.directory.room(meeting.room)?;
        let (starts_at, ends_at) = meeting.hours().ok()?;
        let language = meeting.language.unwrap_or(company.language);
        let mut people = BTreeMap::new();
        for participant in &meeting.participants {
            let ways = Ways::to(&participant.invitee, self.directory, Some(meeting));
            let knows = |number: &String| told.is_some_and(|told| told.people.contains_key(number));
            let mail = ways.mail.map(|mail| mail.to_lowercase());
            let number = ways.mobile.map(|number| number.to_string());
            let number = number.filter(|to| self.directory.sms.is_some() || knows(to));
            let Some(to) = mail.or(number) else { continue };
            let guest = Guest {
                name: ways.name,
                person: person_key(&participant.invitee),
                zone: address::zone_of(&participant.invitee, self.directory, meeting.zone),
                language,
            };
            people.insert(to, guest);
        }
        let plan = Plan {
            title: meeting.title.clone(),
            starts_at,
            lasts: ends_at - starts_at,
            room: room.number.to_string(),
            number: city_number(self.directory, room),
            series: meeting
                .series
                .as_ref()
                .and_then(|series| repeats(meeting, series)),
        };
        Some((plan, people))
    }

    /// `next` is the date that the text tells of.
    fn invitation(&self, meeting: &Meeting, told: &Told, word: &Word, next: Millis) -> Notice {
        let Word { to, guest, about } = word;
        let plan = &told.plan;
        let say = |key: &str, gaps: &[(&str, &str)]| words::say(guest.language, key, gaps);
        let when = words::date_and_time(next, guest.zone, guest.language);
        let minutes = (plan.lasts.as_seconds() / 60).to_string();
        let room = self.directory.room(meeting.room);
        let join = room.map_or_else(String::new, |room| {
            join(self.directory, room, guest.language)
        });
        let answer = answer(self.shared, meeting.id, &guest.person, guest.language);
        let gaps = [
            ("company", self.directory.company.name.as_str()),
            ("title", plan.title.as_str()),
            ("name", guest.name.as_str()),
            ("when", when.as_str()),
            ("zone", guest.zone.name()),
            ("minutes", minutes.as_str()),
            ("join", join.as_str()),
            ("answer", answer.as_str()),
        ];
        let (key, method) = match about {
            About::Change => ("change", Method::Request),
            About::CallingOff => ("calling_off", Method::Cancel),
            _ => ("invitation", Method::Request),
        };
        let place = match &plan.number {
            Some(number) => say(
                "entry.place",
                &[("number", number.as_str()), ("room", plan.room.as_str())],
            ),
            None => say("entry.place_room", &[("room", plan.room.as_str())]),
        };
        let organiser = meeting
            .organiser
            .and_then(|user| address::organiser(self.directory, user));
        let from = self.shared.mail.as_ref().map(|server| server.from());
        let uid = uid(meeting.id);
        let description = format!("{join}\n{answer}");
        let entry = ical::Entry {
            uid: &uid,
            sequence: told.sequence,
            title: &plan.title,
            place: &place,
            description: description.trim(),
            times: times(plan),
            organiser: ical::Person {
                name: organiser.map_or(self.directory.company.name.as_str(), |(who, _)| &who.name),
                // Answers come back to us: we put them on record.
                mail: from
                    .or(organiser.map(|(_, mail)| mail))
                    .unwrap_or("rollcall@invalid"),
            },
            invited: ical::Person {
                name: &guest.name,
                mail: to,
            },
        };
        let (to, content) = match PhoneNumber::parse(to) {
            Ok(number) => {
                let content = Content::Text {
                    subject: String::new(),
                    text: say(&format!("{key}.sms"), &gaps),
                    calendar: None,
                };
                (Address::Sms(number), content)
            }
            Err(_) => {
                let content = Content::Text {
                    subject: say(&format!("{key}.subject"), &gaps),
                    text: say(&format!("{key}.mail"), &gaps),
                    calendar: Some(Calendar {
                        method,
                        text: entry.write(method, self.now),
                    }),
                };
                (Address::Mail(to.clone()), content)
            }
        };
        let company = self.directory.company.id;
        let mut notice = Notice::new(new_id(self.now), company, *about, to, content, self.now);
        notice.name = Some(guest.name.clone());
        notice.reply_to = organiser.map(|(_, mail)| mail.to_owned());
        notice
    }

    /// Everybody expected at a date to come is to be reminded of it.
    async fn remind(&self, id: OccurrenceId, followed: &mut Followed) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let company = self.directory.company.id;
        let date = match store.occurrence(company, id).await {
            Ok(date) => date.value,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(meeting) = date.meeting.filter(|_| date.is_ahead()) else {
            return Ok(());
        };
        let Some((meeting, false)) = store.meeting_or_removed(meeting).await? else {
            return Ok(());
        };
        let Some(before) = meeting.remind_ms else {
            return Ok(());
        };
        let due_at = date.starts_at - before;
        if due_at <= self.now {
            return Ok(());
        }
        for row in store.invitations(id).await? {
            let one = &row.invitation;
            let ways = Ways::to(&one.invitee, self.directory, Some(&meeting));
            let mobile = ways.mobile.filter(|_| self.directory.sms.is_some());
            let Some(to) = ways.mail.map(Address::Mail).or(mobile.map(Address::Sms)) else {
                continue;
            };
            let content = Content::Reminder {
                starts_at: date.starts_at,
            };
            let about = About::Reminder;
            let mut notice = Notice::new(new_id(self.now), company, about, to, content, self.now);
            notice.occurrence = Some(id);
            notice.invitation = Some(one.id);
            notice.name = Some(ways.name);
            notice.state = State::Waiting { due_at };
            notice.useless_at = date.starts_at;
            followed.notices.push(NoticeRow {
                notice,
                once: Some(format!("{about:?} {} {}", one.id, date.starts_at.0)),
            });
        }
        Ok(())
    }

    /// The organiser is to get the report of a date that is over.
    async fn report(&self, id: OccurrenceId, followed: &mut Followed) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let company = self.directory.company.id;
        let date = match store.occurrence(company, id).await {
            Ok(date) => date.value,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let over_at = match date.status {
            Status::Ended { at } | Status::Missed { at } => at,
            Status::Scheduled
            | Status::Early { .. }
            | Status::Calling { .. }
            | Status::Live { .. }
            | Status::Cancelled { .. } => return Ok(()),
        };
        let Some(meeting) = date.meeting else {
            return Ok(());
        };
        let organiser = store
            .meeting_or_removed(meeting)
            .await?
            .and_then(|(meeting, _)| meeting.organiser)
            .and_then(|user| address::organiser(self.directory, user));
        // One that is over for long was reported long ago, or is nobody's concern any more.
        let Some((who, mail)) = organiser.filter(|_| over_at + TRIED_FOR > self.now) else {
            return Ok(());
        };
        let to = Address::Mail(mail.to_owned());
        let about = About::Report;
        let id_of_it = new_id(self.now);
        let mut notice = Notice::new(id_of_it, company, about, to, Content::Report, self.now);
        notice.occurrence = Some(id);
        notice.name = Some(who.name.clone());
        notice.state = State::Waiting {
            due_at: over_at + REPORT_AFTER,
        };
        followed.notices.push(NoticeRow {
            notice,
            once: Some(format!("{about:?} {id}")),
        });
        Ok(())
    }
}

/// How a meeting repeats, as calendars take it.
fn repeats(meeting: &Meeting, series: &series::Series) -> Option<told::Series> {
    let start_of = |slot: LocalDate| start_of(meeting, slot);
    let mut rule = series.rule.clone();
    // Beside a start with a zone, RFC 5545 wants the end in UTC.
    rule.end = match rule.end {
        End::UntilDate(date) => End::UntilInstant(start_of(date)?),
        End::UntilLocal(local) => End::UntilInstant(local.resolve(meeting.zone).ok()?.at),
        end @ (End::Never | End::Count(_) | End::UntilInstant(_)) => end,
    };
    let (mut without, mut moved) = (Vec::new(), Vec::new());
    for (slot, exception) in &series.exceptions {
        let of = start_of(*slot)?;
        match exception {
            series::Exception::CalledOff => without.push(of),
            series::Exception::Moved(one) => {
                let starts_at = match one.starts_local {
                    Some(local) => local.resolve(meeting.zone).ok()?.at,
                    None => of,
                };
                moved.push((
                    of,
                    starts_at,
                    one.duration_ms.unwrap_or(meeting.duration_ms),
                ));
            }
        }
    }
    Some(told::Series {
        zone: meeting.zone,
        rule: rule.to_string(),
        without,
        moved,
    })
}

/// When a date of a series begins by the rule: what calendars call it by.
pub fn start_of(meeting: &Meeting, slot: LocalDate) -> Option<Millis> {
    let local = meeting.starts_local.on(slot);
    Some(local.resolve(meeting.zone).ok()?.at)
}

/// When it is, as a calendar takes it.
fn times(plan: &Plan) -> ical::Times<'_> {
    let Some(series) = &plan.series else {
        return ical::Times::Once {
            starts_at: plan.starts_at,
            ends_at: plan.starts_at + plan.lasts,
        };
    };
    let moved = series
        .moved
        .iter()
        .map(|(of, starts_at, lasts)| ical::Moved {
            of: *of,
            starts_at: *starts_at,
            ends_at: *starts_at + *lasts,
        });
    ical::Times::Series(ical::Series {
        zone: series.zone,
        first: plan.starts_at,
        lasts: plan.lasts,
        rule: &series.rule,
        without: series.without.clone(),
        moved: moved.collect(),
        until: plan.starts_at + ZONE_TOLD_FOR,
    })
}

/// What a meeting is called by in calendars, for its whole life.
pub fn uid(meeting: MeetingId) -> String {
    format!("{meeting}@rollcall")
}

/// The meeting that a calendar's answer is about.
pub fn uid_of(uid: &str) -> Option<MeetingId> {
    uid.strip_suffix("@rollcall")?.parse().ok()
}

/// The sentence with the link by which somebody says whether he comes; none
/// where nobody knows how the board is reached from outside.
pub fn answer(shared: &Shared, meeting: MeetingId, person: &str, language: Language) -> String {
    match &shared.public_url {
        Some(url) => {
            let link = format!("{url}{}", rsvp_path(shared, meeting, person));
            words::say(language, "answer.link", &[("link", &link)])
        }
        None => String::new(),
    }
}

/// The page on which one person answers for one meeting. Nobody else can make it up.
fn rsvp_path(shared: &Shared, meeting: MeetingId, person: &str) -> String {
    let signature = shared.store.sign("rsvp", &format!("{meeting} {person}"));
    format!("/rsvp/{meeting}/{signature}")
}

fn city_number(directory: &CompanyDirectory, room: &Room) -> Option<String> {
    let leads_here = |target: &Target| matches!(target, Target::Room(id) if *id == room.id);
    let found = directory
        .numbers
        .iter()
        .find(|number| leads_here(&number.target));
    found.map(|number| number.number.to_string())
}

fn is_over(date: &Occurrence) -> bool {
    match date.status {
        Status::Scheduled | Status::Early { .. } | Status::Calling { .. } | Status::Live { .. } => {
            false
        }
        Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => true,
    }
}
