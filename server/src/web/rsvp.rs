//! Whether somebody comes, as he says it in writing: on a page that opens by a
//! signed link and asks for no login, and by his calendar's answer by mail.
//!
//! Looking at the page changes nothing: mail scanners open every link.

use api::{ErrorBody, ErrorCode, EventKind, MailReply};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use domain::{
    CompanyId, Language, LocalDate, MeetingId, Millis, OccurrenceId,
    invitation::Rsvp,
    meeting::{Meeting, Participant},
    occurrence::{Occurrence, Status},
    series::{LOOKED_AHEAD, Said},
};
use store::{Answered, Batch, CompanyDirectory, InvitationRow, StoreError, Versioned, person_key};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    resources::{self, Around},
    texts::preferred,
};
use crate::notices::{Told, address, ical, mime, start_of, uid_of, words};

/// How often a change is decided anew when the rows move under it.
const TRIES: usize = 5;

/// This page has a form, and a style of its own.
const CSP: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; \
                   frame-ancestors 'none'";

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:8vh auto;padding:0 1.2rem;\
color:#1d2733;background:#fff}h1{font-size:1.5rem}form{display:flex;gap:.7rem;flex-wrap:wrap;margin:.6rem 0 1.6rem}\
button{font:inherit;padding:.55rem 1.1rem;border:1px solid #8794a3;border-radius:.5rem;background:#fff;color:inherit;cursor:pointer}\
button[aria-pressed=true]{background:#1257a8;border-color:#1257a8;color:#fff}.note{color:#586675}\
@media(prefers-color-scheme:dark){body,button{background:#14181d;color:#e7ecf1}.note{color:#9aa7b4}}";

pub(super) async fn style() -> Response<Body> {
    let mut response = Response::new(Body::from(STYLE));
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Whom a link belongs to, and what he is expected at.
struct Asked {
    meeting: Meeting,
    participant: Participant,
    /// What is still to come, or goes on, with his place on its list.
    dates: Vec<(Versioned<Occurrence>, InvitationRow)>,
    /// What he said of all dates of a series that has more to come.
    all: Option<Option<Rsvp>>,
}

/// Which dates are answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Date(OccurrenceId),
    /// One of a series, by the day its rule gives it: perhaps nobody is on a list of it yet.
    Day(LocalDate),
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    Path((meeting, signature)): Path<(MeetingId, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let asked = asked(&app, meeting, &signature).await?;
    let directory = app.directory().await?;
    let company = company_of(&directory, &asked)?;
    Ok(draw(
        &asked,
        company,
        language(&headers, &asked, company),
        None,
    ))
}

/// The answer from the page's form.
pub(super) async fn answer(
    State(app): State<App>,
    Path((meeting, signature)): Path<(MeetingId, String)>,
    headers: HeaderMap,
    body: String,
) -> Result<Response<Body>, ApiError> {
    let field = |name: &str| {
        body.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(known, value)| (known == name).then_some(value))
    };
    let unreadable = |name: &'static str| {
        ApiError::new(ErrorCode::BadParameter)
            .with("name", name)
            .at(name)
    };
    let rsvp = match field("answer") {
        Some("accepted") => Rsvp::Accepted,
        Some("declined") => Rsvp::Declined,
        _ => return Err(unreadable("answer")),
    };
    let which = match field("date") {
        Some("all") => Some(Which::All),
        Some(id) => id.parse().ok().map(Which::Date),
        None => None,
    };
    let which = which.ok_or_else(|| unreadable("date"))?;
    let asked_for = asked(&app, meeting, &signature).await?;
    let answer = Answer {
        company: asked_for.meeting.company,
        meeting,
        person: person_key(&asked_for.participant.invitee),
        which,
        rsvp,
        stamped_at: None,
        but: Vec::new(),
    };
    let directory = app.directory().await?;
    put_on_record(&app, &directory, &answer).await?;
    let asked = asked(&app, meeting, &signature).await?;
    let company = company_of(&directory, &asked)?;
    let language = language(&headers, &asked, company);
    Ok(draw(&asked, company, language, Some("page.thanks")))
}

/// What a calendar answered by mail: the mail as it came, `message/rfc822`.
///
/// For the mail server that gets the answers to Rollcall's address: it hands each
/// one over here, with a token. Whoever wrote the mail must be the one invited; that
/// he is who he says is for the mail server to check (SPF, DKIM).
#[utoipa::path(post, path = "/mail-replies", tag = "invitations",
    request_body(content = String, content_type = "message/rfc822"), responses(
    (status = 200, body = MailReply),
    (status = 404, body = ErrorBody, description = "`not_found`: nothing of the company's is meant"),
    (status = 422, body = ErrorBody, description = "`bad_mail_reply`: no calendar's answer is in it, or it is by somebody who is not invited"),
))]
pub(super) async fn mail_reply(
    State(app): State<App>,
    signed: Signed,
    body: Bytes,
) -> Result<Json<MailReply>, ApiError> {
    let bad = || ApiError::new(ErrorCode::BadMailReply);
    let mail = String::from_utf8_lossy(&body);
    let reply = mime::calendar(&mail)
        .and_then(|text| ical::read_reply(&text))
        .ok_or_else(bad)?;
    if mime::sender(&mail).as_deref() != Some(reply.mail.as_str()) {
        return Err(bad());
    }
    let meeting = uid_of(&reply.uid).ok_or_else(|| ApiError::not_found("meeting"))?;
    let found = app.store.meeting(signed.company_id(), meeting).await?;
    let directory = signed.company()?;
    let participant = found.participants.iter().find(|one| {
        let ways = address::Ways::to(&one.invitee, directory, Some(&found));
        ways.mail
            .is_some_and(|mail| mail.eq_ignore_ascii_case(&reply.mail))
    });
    let person = person_key(&participant.ok_or_else(bad)?.invitee);
    let which = match &reply.date {
        None => Which::All,
        Some(date) => date_called(&app, &found, date).await?.ok_or_else(bad)?,
    };
    let told = app.store.calendar_entry(meeting).await?;
    let told: Option<Told> = told.and_then(|body| serde_json::from_str(&body).ok());
    let (sequence, stamped_at) = (reply.sequence, reply.stamped_at);
    let age = Age {
        told: told.zip(sequence),
        stamped_at,
    };
    let outdated = age.is_outdated(&app, &found, &person, which).await?;
    let recorded = match reply.says {
        Some(rsvp) if !outdated => {
            let answer = Answer {
                company: signed.company_id(),
                meeting,
                person,
                which,
                rsvp,
                stamped_at,
                but: match which {
                    Which::All => age.moved_since(),
                    Which::Date(_) | Which::Day(_) => Vec::new(),
                },
            };
            put_on_record(&app, &signed.directory, &answer).await?
        }
        Some(_) | None => 0,
    };
    Ok(Json(MailReply {
        meeting_id: meeting,
        rsvp: reply.says.map(resources::rsvp),
        recorded,
        outdated,
    }))
}

/// The date of a series that a calendar calls by its start.
async fn date_called(
    app: &App,
    meeting: &Meeting,
    called: &ical::Property,
) -> Result<Option<Which>, ApiError> {
    let dates = app.store.occurrences_of(meeting.id).await?;
    let found = dates.iter().find(|date| {
        let by_rule = date.value.slot.and_then(|slot| start_of(meeting, slot));
        let start = by_rule.unwrap_or(date.value.starts_at);
        ical::is_called(called, start, meeting.zone)
    });
    if let Some(date) = found {
        return Ok(Some(Which::Date(date.value.id)));
    }
    // His calendar shows further ahead than dates are made.
    let further = meeting.dates(app.now() + LOOKED_AHEAD).unwrap_or_default();
    let mut slots = further.into_iter().filter_map(|date| date.slot);
    let slot = slots.find(|slot| {
        let start = start_of(meeting, *slot);
        start.is_some_and(|start| ical::is_called(called, start, meeting.zone))
    });
    Ok(slot.map(Which::Day))
}

/// What somebody says about coming.
struct Answer {
    company: CompanyId,
    meeting: MeetingId,
    person: String,
    which: Which,
    rsvp: Rsvp,
    /// When his calendar wrote it, if one did.
    stamped_at: Option<Millis>,
    /// Dates that have moved since he was asked, by their starts by the rule: what he says of
    /// all is not about them.
    but: Vec<Millis>,
}

/// How old an answer by mail is.
struct Age {
    /// What we have told, and which word of it he answers.
    told: Option<(Told, u32)>,
    stamped_at: Option<Millis>,
}

impl Age {
    /// Whether it is about hours that hold no more, or was overtaken by another of his.
    async fn is_outdated(
        &self,
        app: &App,
        meeting: &Meeting,
        person: &str,
        which: Which,
    ) -> Result<bool, ApiError> {
        let slot = match which {
            Which::All => None,
            Which::Day(slot) => Some(slot),
            Which::Date(id) => {
                let date = app.store.occurrence(meeting.company, id).await?;
                date.value.slot
            }
        };
        if let Some((told, sequence)) = &self.told {
            let date = slot.and_then(|slot| start_of(meeting, slot));
            // It was moved a moment ago, and he cannot know yet.
            let is_untold = meeting.series.is_none()
                && meeting
                    .hours()
                    .is_ok_and(|(start, _)| start != told.plan.starts_at);
            if is_untold || told.is_outdated(*sequence, date) {
                return Ok(true);
            }
        }
        let last = app
            .store
            .answers(meeting.id)
            .await?
            .stamped_at(person, slot);
        Ok(self.stamped_at.is_some_and(|stamp| last > Some(stamp)))
    }

    fn moved_since(&self) -> Vec<Millis> {
        let told = self.told.as_ref();
        told.map_or_else(Vec::new, |(told, sequence)| told.moved_after(*sequence))
    }
}

/// Writes an answer at a date, or at all that are to come, and keeps it for the
/// lists made later. Answers at how many it was written.
async fn put_on_record(
    app: &App,
    directory: &store::Directory,
    answer: &Answer,
) -> Result<u32, ApiError> {
    let Answer { person, rsvp, .. } = answer;
    for _ in 0..TRIES {
        let now = app.now();
        let found = app.store.meeting_to_change(answer.company, answer.meeting);
        let Versioned {
            version,
            value: meeting,
        } = found.await?;
        let company = directory
            .companies
            .get(&meeting.company)
            .ok_or_else(|| ApiError::not_found("meeting"))?;
        let mut batch = Batch::new(meeting.company, now);
        let mut dates = coming(app, meeting.id, person).await?;
        let is_left_out = |slot: Option<LocalDate>| {
            let start = slot.and_then(|slot| start_of(&meeting, slot));
            start.is_some_and(|start| answer.but.contains(&start))
        };
        dates.retain(|(date, _)| match answer.which {
            Which::All => !is_left_out(date.value.slot),
            Which::Date(id) => date.value.id == id,
            Which::Day(slot) => date.value.slot == Some(slot),
        });
        let slot = match answer.which {
            Which::All => None,
            Which::Day(slot) => Some(slot),
            Which::Date(id) => match dates.first() {
                Some((date, _)) => date.value.slot,
                None => still_ahead(app, meeting.company, id).await?,
            },
        };
        let is_kept_for_later = match answer.which {
            Which::All => meeting.has_dates_after(now),
            Which::Date(_) | Which::Day(_) => slot.is_some(),
        };
        if dates.is_empty() && !is_kept_for_later {
            return Err(ApiError::new(ErrorCode::OccurrenceIsOver));
        }
        let recorded = u32::try_from(dates.len().max(1)).unwrap_or(u32::MAX);
        let there = app.store.answers(meeting.id).await?;
        let mut answers = there.clone();
        let said = Said {
            rsvp: Some(*rsvp),
            at: now,
            stamped_at: answer.stamped_at,
        };
        answers.say((person.clone(), slot), said);
        let locals = answer.but.iter().filter_map(|at| at.in_zone(meeting.zone));
        for left_out in locals.map(|local| LocalDate(local.date())) {
            let asked_anew = Said { rsvp: None, ..said };
            let stays = there.of_date(person, left_out).unwrap_or(asked_anew);
            answers.say((person.clone(), Some(left_out)), stays);
        }
        batch.answered = Some(Answered {
            meeting: meeting.id,
            read_at: version,
            changes: answers.beside(&there),
        });
        for (date, mut row) in dates {
            let before = row.invitation.clone();
            row.invitation.on_reply(*rsvp, date.value.dial_at, now);
            if row.invitation == before {
                continue;
            }
            let around = Around {
                room: date.value.room,
                starts_at: date.value.starts_at,
                rules: resources::rules_of(Some(&meeting), &company.company),
                directory: company,
            };
            let shown = EventKind::Invitation(resources::invitation(&row.invitation, around));
            batch.events.push(resources::event(&shown));
            batch.invitations.push(row);
        }
        match app.store.write_batch(&batch).await {
            Err(StoreError::Stale { .. }) => continue,
            written => written?,
        };
        app.changed(meeting.company);
        return Ok(recorded);
    }
    Err(ApiError::unavailable())
}

/// The day of a series' date at which nobody is expected yet; none if it is over.
async fn still_ahead(
    app: &App,
    company: CompanyId,
    id: OccurrenceId,
) -> Result<Option<LocalDate>, ApiError> {
    let date = app.store.occurrence(company, id).await?.value;
    Ok(date
        .slot
        .filter(|_| date.is_ahead() && date.ends_at > app.now()))
}

/// The dates of a plan that are not over and at which somebody is expected.
async fn coming(
    app: &App,
    meeting: MeetingId,
    person: &str,
) -> Result<Vec<(Versioned<Occurrence>, InvitationRow)>, ApiError> {
    let mut found = Vec::new();
    for date in app.store.occurrences_of(meeting).await? {
        let over = match date.value.status {
            Status::Scheduled
            | Status::Early { .. }
            | Status::Calling { .. }
            | Status::Live { .. } => date.value.ends_at <= app.now(),
            Status::Ended { .. } | Status::Missed { .. } | Status::Cancelled { .. } => true,
        };
        if over {
            continue;
        }
        let rows = app.store.invitations(date.value.id).await?;
        let row = rows
            .into_iter()
            .find(|row| person_key(&row.invitation.invitee) == person);
        found.extend(row.map(|row| (date, row)));
    }
    Ok(found)
}

async fn asked(app: &App, id: MeetingId, signature: &str) -> Result<Asked, ApiError> {
    let gone = || ApiError::not_found("meeting");
    let Some((meeting, false)) = app.store.meeting_or_removed(id).await? else {
        return Err(gone());
    };
    let participant = meeting
        .participants
        .iter()
        .find(|one| {
            let text = format!("{id} {}", person_key(&one.invitee));
            app.store.is_signed("rsvp", &text, signature)
        })
        .cloned()
        .ok_or_else(gone)?;
    let person = person_key(&participant.invitee);
    let dates = coming(app, id, &person).await?;
    let all = match meeting.has_dates_after(app.now()) {
        true => Some(app.store.answers(id).await?.of_all(&person)),
        false => None,
    };
    Ok(Asked {
        meeting,
        participant,
        dates,
        all,
    })
}

fn company_of<'a>(
    directory: &'a store::Directory,
    asked: &Asked,
) -> Result<&'a CompanyDirectory, ApiError> {
    let company = directory.companies.get(&asked.meeting.company);
    company.ok_or_else(|| ApiError::not_found("meeting"))
}

/// The browser's, else the meeting's.
fn language(headers: &HeaderMap, asked: &Asked, company: &CompanyDirectory) -> Language {
    headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|wanted| preferred(wanted.to_str().ok()?))
        .or(asked.meeting.language)
        .unwrap_or(company.company.language)
}

fn draw(
    asked: &Asked,
    company: &CompanyDirectory,
    language: Language,
    said: Option<&str>,
) -> Response<Body> {
    let say = |key: &str| escape(&words::say(language, key, &[]));
    let zone = address::zone_of(&asked.participant.invitee, company, asked.meeting.zone);
    let mut html = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/rsvp/style.css\">\
         <main><p class=\"note\">{company}</p><h1>{title}</h1>",
        language.code(),
        title = escape(&asked.meeting.title),
        company = escape(&company.company.name),
    );
    if let Some(key) = said {
        html += &format!("<p role=\"status\"><strong>{}</strong></p>", say(key));
    }
    if asked.dates.is_empty() && asked.all.is_none() {
        html += &format!("<p>{}</p>", say("page.over"));
    } else {
        html += &format!("<p>{}</p>", say("page.question"));
    }
    if let Some(rsvp) = asked.all {
        let what = words::say(language, "page.all", &[]);
        html += &form((&what, ""), "all", rsvp, language);
    }
    for (date, row) in &asked.dates {
        let when = words::date_and_time(date.value.starts_at, zone, language);
        let id = date.value.id.to_string();
        html += &form((&when, zone.name()), &id, row.invitation.rsvp(), language);
    }
    html += "</main></html>";
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CSP),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The question about one date, or about all of them; `note` stands small beside it.
fn form((what, note): (&str, &str), date: &str, rsvp: Option<Rsvp>, language: Language) -> String {
    let button = |value: &str, key: &str, is_so: bool| {
        format!(
            "<button name=\"answer\" value=\"{value}\" aria-pressed=\"{is_so}\">{}</button>",
            escape(&words::say(language, key, &[]))
        )
    };
    format!(
        "<p><strong>{}</strong> <span class=\"note\">{}</span></p>\
         <form method=\"post\"><input type=\"hidden\" name=\"date\" value=\"{}\">{}{}</form>",
        escape(what),
        escape(note),
        escape(date),
        button("accepted", "page.accept", rsvp == Some(Rsvp::Accepted)),
        button("declined", "page.decline", rsvp == Some(Rsvp::Declined)),
    )
}

/// Text as HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}
