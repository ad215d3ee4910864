//! What an invited person's calendar answers.

use domain::{LocalTime, Millis, Span, Zone, invitation::Rsvp};

use super::{
    lines::{Property, unfold},
    write::{local, utc},
};

/// The answer of one invited person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub uid: String,
    /// The date meant, as it was written; none for all of them.
    pub date: Option<Property>,
    /// Who answers.
    pub mail: String,
    /// None if he has not decided.
    pub says: Option<Rsvp>,
    /// Which of our words on it he answers.
    pub sequence: Option<u32>,
    /// When his calendar wrote it.
    pub stamped_at: Option<Millis>,
}

/// Reads an object with `METHOD:REPLY`. None if it is another, or none at all.
pub fn read_reply(text: &str) -> Option<Reply> {
    let properties: Vec<Property> = unfold(text)
        .iter()
        .filter_map(|line| Property::parse(line))
        .collect();
    let method = properties.iter().find(|one| one.name == "METHOD")?;
    if !method.value.trim().eq_ignore_ascii_case("REPLY") {
        return None;
    }
    let event = event(&properties)?;
    let find = |name: &str| event.iter().find(|one| one.name == name);
    let attendee = find("ATTENDEE")?;
    let says = match attendee
        .parameter("PARTSTAT")?
        .to_ascii_uppercase()
        .as_str()
    {
        "ACCEPTED" => Some(Rsvp::Accepted),
        "DECLINED" => Some(Rsvp::Declined),
        _ => None,
    };
    Some(Reply {
        uid: find("UID")?.value.trim().to_owned(),
        date: find("RECURRENCE-ID").copied().cloned(),
        mail: mail_of(&attendee.value)?,
        says,
        sequence: find("SEQUENCE").and_then(|one| one.value.trim().parse().ok()),
        stamped_at: find("DTSTAMP").and_then(|one| instant(&one.value)),
    })
}

/// The first event, without what is nested in it.
fn event(properties: &[Property]) -> Option<Vec<&Property>> {
    let is = |one: &Property, name: &str, value: &str| {
        one.name == name && one.value.trim().eq_ignore_ascii_case(value)
    };
    let from = properties
        .iter()
        .position(|one| is(one, "BEGIN", "VEVENT"))?;
    let mut depth = 0;
    let mut event = Vec::new();
    for one in &properties[from + 1..] {
        match one.name.as_str() {
            "BEGIN" => depth += 1,
            "END" if depth == 0 => return Some(event),
            "END" => depth -= 1,
            _ if depth == 0 => event.push(one),
            _ => {}
        }
    }
    None
}

/// Whether a calendar means this date: by its start in UTC, or on the clocks of the
/// zone it was told in.
pub fn is_called(called: &Property, starts_at: Millis, zone: Zone) -> bool {
    let text = called.value.trim();
    if text.ends_with('Z') {
        return text == utc(starts_at);
    }
    let named = called
        .parameter("TZID")
        .and_then(|name| name.parse().ok())
        .unwrap_or(zone);
    let start = local(starts_at, named);
    // Some calendars name the day alone.
    text == start || Some(text) == start.split('T').next()
}

/// `20261124T070000Z`.
fn instant(value: &str) -> Option<Millis> {
    let (date, time) = value.trim().strip_suffix('Z')?.split_once('T')?;
    let part = |text: &str, at: usize, length: usize| text.get(at..at + length).map(str::to_owned);
    let (year, month, day) = (part(date, 0, 4)?, part(date, 4, 2)?, part(date, 6, 2)?);
    let (hour, minute, second) = (part(time, 0, 2)?, part(time, 2, 2)?, part(time, 4, 2)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}");
    let local: LocalTime = text.parse().ok()?;
    let second: i64 = second.parse().ok()?;
    Some(local.resolve(Zone::UTC).ok()?.at + Span::seconds(second))
}

fn mail_of(value: &str) -> Option<String> {
    let value = value.trim();
    let scheme = value.get(..7)?;
    scheme
        .eq_ignore_ascii_case("mailto:")
        .then(|| value[7..].trim().to_ascii_lowercase())
        .filter(|mail| mail.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Google Calendar answers, shortened.
    const ACCEPTED: &str = "BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nDTSTART:20261124T070000Z\r\nDTEND:20261124T080000Z\r\nUID:01939d5e-6c2a-7b3c-9d4e-5f6071829304@rollcall\r\nATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Oleg\r\n  Sorokin;X-NUM-GUESTS=0:mailto:Oleg@northway.example\r\nSEQUENCE:0\r\nBEGIN:VALARM\r\nATTENDEE;PARTSTAT=DECLINED:mailto:x@y\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn an_answer_says_who_and_what() {
        let reply = read_reply(ACCEPTED).unwrap();
        assert_eq!(reply.uid, "01939d5e-6c2a-7b3c-9d4e-5f6071829304@rollcall");
        assert_eq!(reply.mail, "oleg@northway.example");
        assert_eq!(reply.says, Some(Rsvp::Accepted));
        assert_eq!(reply.date, None);
        assert_eq!((reply.sequence, reply.stamped_at), (Some(0), None));
    }

    #[test]
    fn an_undecided_one_has_said_nothing_yet() {
        let text = ACCEPTED.replace("PARTSTAT=ACCEPTED", "PARTSTAT=TENTATIVE");
        assert_eq!(read_reply(&text).unwrap().says, None);
    }

    #[test]
    fn an_answer_says_which_word_it_answers_and_when_it_was_written() {
        let stamped = |stamp: &str| {
            let text = ACCEPTED.replace("SEQUENCE:0", &format!("SEQUENCE:3\r\nDTSTAMP:{stamp}"));
            let reply = read_reply(&text).unwrap();
            (reply.sequence, reply.stamped_at)
        };

        assert_eq!(stamped("19700101T000102Z"), (Some(3), Some(Millis(62_000))));
        assert_eq!(stamped("yesterday"), (Some(3), None));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in [
            "",
            "BEGIN:VCALENDAR",
            &ACCEPTED.replace("REPLY", "REQUEST"),
            &ACCEPTED.replace("mailto:Oleg", "tel:Oleg"),
            &ACCEPTED.replace("END:VEVENT\r\nEND:VCALENDAR", ""),
            &ACCEPTED.replace("UID:", "X-UID:"),
        ] {
            assert_eq!(read_reply(text), None, "{text}");
        }
    }
}
