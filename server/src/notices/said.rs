//! What a notice says at the moment it is sent: most is written down, but a
//! reminder of what has moved must not go out, and a report tells of the last one.

use domain::{
    invitation::Rsvp,
    notice::{Address, Calendar, Content, Notice, Trouble, TroubleKind},
    occurrence::Status,
};
use store::{CompanyDirectory, StoreError, person_key};

use super::{
    address::{self, Ways},
    follow::answer,
    last_act::join,
    report::Report,
    words,
};
use crate::shared::Shared;

/// What is sent.
pub struct Said {
    pub subject: String,
    pub text: String,
    pub calendar: Option<Calendar>,
    pub files: Vec<(String, &'static str, String)>,
}

pub async fn said(
    shared: &Shared,
    company: &CompanyDirectory,
    notice: &Notice,
) -> Result<Said, Trouble> {
    match &notice.content {
        Content::Text {
            subject,
            text,
            calendar,
        } => Ok(Said {
            subject: subject.clone(),
            text: text.clone(),
            calendar: calendar.clone(),
            files: Vec::new(),
        }),
        Content::Report => report(shared, company, notice).await,
        Content::Reminder { starts_at } => {
            let said = reminder(shared, company, notice, *starts_at).await;
            said.map_err(unreadable)?
                .ok_or_else(|| Trouble::new(TroubleKind::OutOfUse, ""))
        }
    }
}

async fn report(
    shared: &Shared,
    company: &CompanyDirectory,
    notice: &Notice,
) -> Result<Said, Trouble> {
    let out_of_use = || Trouble::new(TroubleKind::OutOfUse, "");
    let id = notice.occurrence.ok_or_else(out_of_use)?;
    let report = Report::read(&shared.store, company, id)
        .await
        .map_err(unreadable)?;
    let organiser = report
        .meeting
        .as_ref()
        .and_then(|meeting| meeting.organiser)
        .and_then(|user| address::organiser(company, user));
    let zone = organiser
        .and_then(|(who, _)| who.zone)
        .unwrap_or(company.company.zone);
    let language = report
        .meeting
        .as_ref()
        .and_then(|meeting| meeting.language)
        .unwrap_or(company.company.language);
    let (subject, text) = report.letter(company, zone, language);
    let file = words::say(language, "report.file", &[]);
    Ok(Said {
        subject,
        text,
        calendar: None,
        files: vec![(file, "text/csv; charset=utf-8", report.csv(company))],
    })
}

/// None if it does not begin then any more, or not with him.
async fn reminder(
    shared: &Shared,
    company: &CompanyDirectory,
    notice: &Notice,
    starts_at: domain::Millis,
) -> Result<Option<Said>, StoreError> {
    let (Some(date), Some(one)) = (notice.occurrence, notice.invitation) else {
        return Ok(None);
    };
    let id = company.company.id;
    let date = match shared.store.occurrence(id, date).await {
        Ok(date) => date.value,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let one = match shared.store.invitation(id, one).await {
        Ok(row) => row.invitation,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let stands = date.is_ahead() || matches!(date.status, Status::Calling { .. });
    if !stands || date.starts_at != starts_at || one.rsvp() == Some(Rsvp::Declined) {
        return Ok(None);
    }
    let meeting = match date.meeting {
        Some(id) => shared.store.meeting_or_removed(id).await?,
        None => None,
    };
    let (Some((meeting, false)), Some(room)) = (meeting, company.room(date.room)) else {
        return Ok(None);
    };
    let language = meeting.language.unwrap_or(company.company.language);
    let zone = address::zone_of(&one.invitee, company, meeting.zone);
    let name = Ways::to(&one.invitee, company, Some(&meeting)).name;
    let when = words::date_and_time(starts_at, zone, language);
    let at = words::time(starts_at, zone);
    let join = join(company, room, language);
    let answer = answer(shared, meeting.id, &person_key(&one.invitee), language);
    let gaps = [
        ("company", company.company.name.as_str()),
        ("title", date.title.as_str()),
        ("name", name.as_str()),
        ("when", when.as_str()),
        ("at", at.as_str()),
        ("zone", zone.name()),
        ("join", join.as_str()),
        ("answer", answer.as_str()),
    ];
    let form = match notice.to {
        Address::Mail(_) => "reminder.mail",
        Address::Sms(_) => "reminder.sms",
    };
    Ok(Some(Said {
        subject: words::say(language, "reminder.subject", &gaps),
        text: words::say(language, form, &gaps),
        calendar: None,
        files: Vec::new(),
    }))
}

/// The rows cannot be read now: as if the way were closed for a while.
fn unreadable(error: StoreError) -> Trouble {
    Trouble::new(TroubleKind::Unreachable, error.to_string())
}
