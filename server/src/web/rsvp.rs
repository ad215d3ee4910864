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
    Language, MeetingId, OccurrenceId, Zone,
    invitation::Rsvp,
    meeting::{Meeting, Participant},
    occurrence::{Occurrence, Status},
};
use store::{Batch, CompanyDirectory, InvitationRow, StoreError, Versioned, person_key};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
    resources::{self, Around},
    texts::preferred,
};
use crate::notices::{address, ical, mime, start_of, uid_of, words};

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
    let date: OccurrenceId = field("date")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| unreadable("date"))?;
    let person = person_key(&asked(&app, meeting, &signature).await?.participant.invitee);
    let directory = app.directory().await?;
    put_on_record(&app, &directory, meeting, &person, Some(date), rsvp).await?;
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
    let date = match &reply.date {
        None => None,
        Some(date) => Some(date_called(&app, &found, date).await?.ok_or_else(bad)?),
    };
    let recorded = match reply.says {
        Some(rsvp) => put_on_record(&app, &signed.directory, meeting, &person, date, rsvp).await?,
        None => 0,
    };
    Ok(Json(MailReply {
        meeting_id: meeting,
        rsvp: reply.says.map(resources::rsvp),
        recorded,
    }))
}

/// The date of a series that a calendar calls by its start.
async fn date_called(
    app: &App,
    meeting: &Meeting,
    called: &ical::Property,
) -> Result<Option<OccurrenceId>, ApiError> {
    let dates = app.store.occurrences_of(meeting.id).await?;
    let found = dates.iter().find(|date| {
        let by_rule = date.value.slot.and_then(|slot| start_of(meeting, slot));
        let start = by_rule.unwrap_or(date.value.starts_at);
        ical::is_called(called, start, meeting.zone)
    });
    Ok(found.map(|date| date.value.id))
}

/// Writes an answer at a date, or at all that are to come. Answers at how many.
async fn put_on_record(
    app: &App,
    directory: &store::Directory,
    meeting: MeetingId,
    person: &str,
    only: Option<OccurrenceId>,
    rsvp: Rsvp,
) -> Result<u32, ApiError> {
    for _ in 0..TRIES {
        let now = app.now();
        let Some((meeting, false)) = app.store.meeting_or_removed(meeting).await? else {
            return Err(ApiError::not_found("meeting"));
        };
        let company = directory
            .companies
            .get(&meeting.company)
            .ok_or_else(|| ApiError::not_found("meeting"))?;
        let mut batch = Batch::new(meeting.company, now);
        let mut dates = coming(app, meeting.id, person).await?;
        dates.retain(|(date, _)| only.is_none_or(|id| date.value.id == id));
        if dates.is_empty() {
            return Err(ApiError::new(ErrorCode::OccurrenceIsOver));
        }
        let recorded = u32::try_from(dates.len()).unwrap_or(u32::MAX);
        for (date, mut row) in dates {
            let before = row.invitation.clone();
            row.invitation.on_reply(rsvp, date.value.dial_at, now);
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
        if batch.invitations.is_empty() {
            return Ok(recorded);
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
    let dates = coming(app, id, &person_key(&participant.invitee)).await?;
    Ok(Asked {
        meeting,
        participant,
        dates,
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
    if asked.dates.is_empty() {
        html += &format!("<p>{}</p>", say("page.over"));
    } else {
        html += &format!("<p>{}</p>", say("page.question"));
    }
    for (date, row) in &asked.dates {
        html += &form(&date.value, row, zone, language);
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

fn form(date: &Occurrence, row: &InvitationRow, zone: Zone, language: Language) -> String {
    let when = words::date_and_time(date.starts_at, zone, language);
    let rsvp = row.invitation.rsvp();
    let button = |value: &str, key: &str, is_so: bool| {
        format!(
            "<button name=\"answer\" value=\"{value}\" aria-pressed=\"{is_so}\">{}</button>",
            escape(&words::say(language, key, &[]))
        )
    };
    format!(
        "<p><strong>{}</strong> <span class=\"note\">{}</span></p>\
         <form method=\"post\"><input type=\"hidden\" name=\"date\" value=\"{}\">{}{}</form>",
        escape(&when),
        escape(zone.name()),
        date.id,
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
