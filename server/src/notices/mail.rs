//! Mails, over SMTP.
//!
//! A mail's Message-ID is its notice's id: whoever gets one twice can tell.

use std::time::Duration;

use domain::notice::{Address, Calendar, Method, Notice, Trouble, TroubleKind};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp,
};

/// How long the server may take for one step.
const STEP: Duration = Duration::from_secs(15);

/// The server through which mails leave, and in whose name.
pub struct MailServer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: lettre::Address,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The company, as the sender's name.
    pub sender: &'a str,
    /// Whom an answer goes to.
    pub reply_to: Option<&'a str>,
    pub subject: &'a str,
    pub text: &'a str,
    pub calendar: Option<&'a Calendar>,
    /// Files that go with it: name, type, text.
    pub files: Vec<(String, &'static str, String)>,
}

impl MailServer {
    /// # Errors
    /// What is wrong with the URL or the address, for the one who set them.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            "expected a URL such as smtps://user:password@mail.example or smtp://127.0.0.1:25"
                .to_owned()
        })?;
        Ok(Self {
            transport: builder.timeout(Some(STEP)).build(),
            from: from
                .parse()
                .map_err(|_| "expected a mail address such as rollcall@pbx.example".to_owned())?,
        })
    }

    /// The address in whose name mails leave, and to which calendars answer.
    pub fn from(&self) -> &str {
        self.from.as_ref()
    }

    pub async fn send(&self, notice: &Notice, letter: &Letter<'_>) -> Result<(), Trouble> {
        let message = self
            .message(notice, letter)
            .map_err(|error| Trouble::new(TroubleKind::Refused, error))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(trouble(&error)),
        }
    }

    fn message(&self, notice: &Notice, letter: &Letter<'_>) -> Result<Message, String> {
        let Address::Mail(to) = &notice.to else {
            return Err("This goes by another way than mail".to_owned());
        };
        let plain = |error: lettre::address::AddressError| format!("{to}: {error}");
        let name = notice.name.as_deref().map(one_line);
        let to = Mailbox::new(name, to.parse().map_err(plain)?);
        let from = Mailbox::new(Some(one_line(letter.sender)), self.from.clone());
        let id = format!("<{}@{}>", notice.id, self.from.domain());
        let mut message = Message::builder()
            .from(from)
            .to(to)
            .subject(one_line(letter.subject))
            .message_id(Some(id))
            .date_now();
        if let Some(address) = letter.reply_to.and_then(|text| text.parse().ok()) {
            message = message.reply_to(Mailbox::new(None, address));
        }
        let text = SinglePart::plain(letter.text.to_owned());
        let body = match letter.calendar {
            Some(calendar) => with_calendar(text, calendar)?,
            None => MultiPart::mixed().singlepart(text),
        };
        let body = letter
            .files
            .iter()
            .try_fold(body, |body, (name, kind, text)| {
                let kind = ContentType::parse(kind).map_err(|error| error.to_string())?;
                let file = Attachment::new(name.clone()).body(text.clone(), kind);
                Ok::<_, String>(body.singlepart(file))
            })?;
        message.multipart(body).map_err(|error| error.to_string())
    }
}

/// A header is one line, whatever people wrote.
fn one_line(text: &str) -> String {
    let clean = |sign: char| if sign.is_control() { ' ' } else { sign };
    text.chars().map(clean).collect()
}

/// As calendars want it (RFC 6047): beside the text, with its method; and as a
/// file once more, for those that look at files alone.
fn with_calendar(text: SinglePart, calendar: &Calendar) -> Result<MultiPart, String> {
    let method = match calendar.method {
        Method::Request => "REQUEST",
        Method::Cancel => "CANCEL",
    };
    let parse = |kind: String| ContentType::parse(&kind).map_err(|error| error.to_string());
    let part = SinglePart::builder()
        .header(parse(format!(
            "text/calendar; charset=utf-8; method={method}"
        ))?)
        .body(calendar.text.clone());
    let file = Attachment::new("invite.ics".to_owned())
        .body(calendar.text.clone(), parse("application/ics".to_owned())?);
    let shown = MultiPart::alternative().singlepart(text).singlepart(part);
    Ok(MultiPart::mixed().multipart(shown).singlepart(file))
}

fn trouble(error: &smtp::Error) -> Trouble {
    // 53x is about our own login, not about the mail: whoever set it up can mend it.
    let ours = error
        .status()
        .is_some_and(|code| code.to_string().starts_with("53"));
    let kind = if error.is_permanent() && !ours {
        TroubleKind::Refused
    } else {
        TroubleKind::Unreachable
    };
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !said.contains(&cause_text) {
            said = format!("{said}: {cause_text}");
        }
        source = cause.source();
    }
    Trouble::new(kind, said)
}

#[cfg(test)]
mod tests {
    use domain::{
        CompanyId, Millis, NoticeId,
        notice::{About, Content},
    };

    use super::*;

    fn letter() -> Letter<'static> {
        Letter {
            sender: "Northway \"&\" Söhne",
            reply_to: Some("irina@northway.example"),
            subject: "Планёрка\r\nBcc: everybody@northway.example",
            text: "Здравствуйте",
            calendar: None,
            files: Vec::new(),
        }
    }

    fn written(letter: &Letter<'_>) -> String {
        let server = MailServer::new("smtp://127.0.0.1:2525", "rollcall@pbx.example").unwrap();
        let mut notice = Notice::new(
            NoticeId::new(Millis(1), [1; 10]),
            CompanyId::new(Millis(1), [2; 10]),
            About::Invitation,
            Address::Mail("oleg@northway.example".to_owned()),
            Content::Report,
            Millis(1),
        );
        notice.name = Some("Oleg\r\nX-Evil: yes".to_owned());
        let message = server.message(&notice, letter).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn nothing_written_by_people_becomes_a_header_of_its_own() {
        let text = written(&letter());
        let head = text.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split(':').next())
            .collect();
        assert!(
            !names.contains(&"Bcc") && !names.contains(&"X-Evil"),
            "{head}"
        );
        assert!(head.contains("@pbx.example>"), "{head}");
    }

    #[test]
    fn a_calendar_object_goes_with_its_method_and_as_a_file() {
        let calendar = Calendar {
            method: Method::Cancel,
            text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(),
        };
        let text = written(&Letter {
            calendar: Some(&calendar),
            ..letter()
        });
        assert!(text.contains("multipart/alternative"), "{text}");
        assert!(
            text.contains("text/calendar; charset=utf-8; method=CANCEL"),
            "{text}"
        );
        assert!(text.contains("filename=\"invite.ics\""), "{text}");
    }

    #[test]
    fn a_url_or_address_that_is_none_is_refused() {
        assert!(MailServer::new("mail.example", "a@b.example").is_err());
        assert!(MailServer::new("smtp://mail.example", "nobody").is_err());
    }
}
