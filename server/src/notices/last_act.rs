//! What is written when calling somebody has come to its end: a word to him, a
//! word to the organiser.

use domain::{
    InvitationId, Language, Millis,
    invitation::{Finish, Invitation},
    meeting::Meeting,
    notice::{About, Address, Content, Notice},
    occurrence::Occurrence,
    room::Room,
    rules::LastAct,
    trunk::Target,
};
use store::{CompanyDirectory, NoticeRow};

use super::{
    address::{self, Ways},
    new_id, words,
};

/// What holds around somebody who is not reached.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub company: &'a CompanyDirectory,
    pub room: &'a Room,
    pub occurrence: &'a Occurrence,
    pub meeting: Option<&'a Meeting>,
    pub language: Language,
    /// What the meeting is called.
    pub title: &'a str,
    pub has_mail: bool,
}

impl Scene<'_> {
    /// A word to somebody who was not reached. None if there is nothing to write to.
    pub fn word(&self, to: &Invitation, act: LastAct, now: Millis) -> Option<NoticeRow> {
        let (about, key) = match act {
            LastAct::SendRoomNumber => (About::RoomNumber, "room_number"),
            LastAct::SendJoinLater => (About::JoinLater, "join_later"),
            LastAct::AnnounceOffline | LastAct::TellOrganiser | LastAct::Nothing => return None,
        };
        let ways = Ways::to(&to.invitee, self.company, self.meeting);
        let address = ways.quick(self.company.sms.is_some(), self.has_mail)?;
        let form = match address {
            Address::Mail(_) => "mail",
            Address::Sms(_) => "sms",
        };
        let zone = self.company.company.zone;
        let join = self.join();
        let until = words::time(self.occurrence.ends_at, zone);
        let gaps = [
            ("company", self.company.company.name.as_str()),
            ("title", self.title),
            ("name", &ways.name),
            ("join", &join),
            ("until", &until),
        ];
        let say = |part: &str| words::say(self.language, &format!("{key}.{part}"), &gaps);
        let content = Content::Text {
            subject: say("subject"),
            text: say(form),
            calendar: None,
        };
        let mut notice = self.notice(about, address, content, now);
        notice.invitation = Some(to.id);
        notice.name = Some(ways.name);
        // A room that is closed is no use to anybody.
        notice.useless_at = notice.useless_at.min(self.occurrence.ends_at);
        Some(self.once(notice, to))
    }

    /// The organiser is told of somebody who does not come. None if nobody is known to be one.
    pub fn word_to_organiser(
        &self,
        of: &Invitation,
        why: Finish,
        now: Millis,
    ) -> Option<NoticeRow> {
        let user = self.meeting?.organiser?;
        let (organiser, mail) = address::organiser(self.company, user)?;
        let name = Ways::to(&of.invitee, self.company, self.meeting).name;
        let zone = organiser.zone.unwrap_or(self.company.company.zone);
        let when = words::date_and_time(self.occurrence.starts_at, zone, self.language);
        let why = words::say(self.language, &format!("why.{}", finish_key(why)), &[]);
        let gaps = [
            ("company", self.company.company.name.as_str()),
            ("title", self.title),
            ("name", &name),
            ("when", &when),
            ("why", &why),
        ];
        let content = Content::Text {
            subject: words::say(self.language, "not_coming.subject", &gaps),
            text: words::say(self.language, "not_coming.mail", &gaps),
            calendar: None,
        };
        let address = Address::Mail(mail.to_owned());
        let mut notice = self.notice(About::NotComing, address, content, now);
        notice.invitation = Some(of.id);
        notice.name = Some(organiser.name.clone());
        Some(self.once(notice, of))
    }

    fn notice(&self, about: About, to: Address, content: Content, now: Millis) -> Notice {
        let mut notice = Notice::new(
            new_id(now),
            self.company.company.id,
            about,
            to,
            content,
            now,
        );
        notice.occurrence = Some(self.occurrence.id);
        notice
    }

    /// The same end of the same calls is told once, though a crash may have us tell it again.
    fn once(&self, notice: Notice, of: &Invitation) -> NoticeRow {
        let once = once_key(notice.about, of.id, of.attempts());
        NoticeRow {
            notice,
            once: Some(once),
        }
    }

    /// How to get into the room by telephone.
    fn join(&self) -> String {
        join(self.company, self.room, self.language)
    }
}

fn once_key(about: About, of: InvitationId, attempts: u32) -> String {
    format!("{about:?} {of} {attempts}")
}

/// How to get into a room by telephone: by a number that leads there, or by its own.
pub fn join(company: &CompanyDirectory, room: &Room, language: Language) -> String {
    let number = company
        .numbers
        .iter()
        .find(|number| matches!(number.target, Target::Room(id) if id == room.id))
        .map(|number| number.number.to_string());
    let key = match (&number, &room.pin) {
        (Some(_), Some(_)) => "join.number_pin",
        (Some(_), None) => "join.number",
        (None, _) => "join.room",
    };
    let gaps = [
        ("number", number.as_deref().unwrap_or_default()),
        ("room", room.number.as_str()),
    ];
    words::say(language, key, &gaps)
}

/// The key of why somebody is not called any more.
pub fn finish_key(why: Finish) -> &'static str {
    match why {
        Finish::Declined => "declined",
        Finish::CannotCome => "cannot_come",
        Finish::Offline => "offline",
        Finish::NoAnswer => "no_answer",
        Finish::NotConfirmed => "not_confirmed",
        Finish::Left => "left",
        Finish::Invalid => "invalid",
        Finish::NoDevice => "no_device",
        Finish::TakenOut => "taken_out",
        Finish::GivenUp => "given_up",
        Finish::NotAllowed => "not_allowed",
        Finish::Attended => "attended",
        Finish::Absent => "absent",
    }
}
