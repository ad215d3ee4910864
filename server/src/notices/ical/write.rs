//! An invitation as a calendar object.

use domain::{LocalTime, Millis, Zone, notice::Method};

use super::{
    lines::{Lines, quote},
    zones,
};

/// What stands in the calendar, for one invited person.
///
/// He sees himself as the only one invited: the others' addresses are not his.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// The same for the meeting's whole life.
    pub uid: &'a str,
    /// Grows with every change that matters to whoever is invited.
    pub sequence: u32,
    pub title: &'a str,
    pub place: &'a str,
    pub description: &'a str,
    pub times: Times<'a>,
    pub organiser: Person<'a>,
    pub invited: Person<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    pub name: &'a str,
    pub mail: &'a str,
}

/// When it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Times<'a> {
    Once { starts_at: Millis, ends_at: Millis },
    Series(Series<'a>),
}

/// Dates that follow a rule, on the clocks of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    pub zone: Zone,
    /// The first date by the rule.
    pub first: Millis,
    pub lasts: domain::Span,
    /// As RFC 5545 writes it, without the property's name.
    pub rule: &'a str,
    /// Dates of the rule that do not take place, by their start.
    pub without: Vec<Millis>,
    pub moved: Vec<Moved>,
    /// The zone's clock changes are told up to here.
    pub until: Millis,
}

/// A date that is held at another time than the rule has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Its start by the rule: what it is called by.
    pub of: Millis,
    pub starts_at: Millis,
    pub ends_at: Millis,
}

impl Entry<'_> {
    /// The object that asks a calendar to take it in, or out.
    pub fn write(&self, method: Method, now: Millis) -> String {
        let mut lines = Lines::default();
        lines.put("BEGIN:VCALENDAR");
        lines.put("PRODID:-//Rollcall//Rollcall//EN");
        lines.put("VERSION:2.0");
        lines.put("CALSCALE:GREGORIAN");
        lines.put(match method {
            Method::Request => "METHOD:REQUEST",
            Method::Cancel => "METHOD:CANCEL",
        });
        match &self.times {
            Times::Once { starts_at, ends_at } => {
                let when = [
                    format!("DTSTART:{}", utc(*starts_at)),
                    format!("DTEND:{}", utc(*ends_at)),
                ];
                self.event(&mut lines, method, now, &when);
            }
            Times::Series(series) => {
                let zone = series.zone;
                zones::write(&mut lines, zone, series.first, series.until);
                let at = |name: &str, at: Millis| {
                    format!("{name};TZID={}:{}", zone.name(), local(at, zone))
                };
                let mut when = vec![
                    at("DTSTART", series.first),
                    at("DTEND", series.first + series.lasts),
                    format!("RRULE:{}", series.rule),
                ];
                when.extend(series.without.iter().map(|date| at("EXDATE", *date)));
                self.event(&mut lines, method, now, &when);
                if method == Method::Request {
                    for one in &series.moved {
                        let when = [
                            at("RECURRENCE-ID", one.of),
                            at("DTSTART", one.starts_at),
                            at("DTEND", one.ends_at),
                        ];
                        self.event(&mut lines, method, now, &when);
                    }
                }
            }
        }
        lines.put("END:VCALENDAR");
        lines.done()
    }

    fn event(&self, lines: &mut Lines, method: Method, now: Millis, when: &[String]) {
        lines.put("BEGIN:VEVENT");
        lines.put(&format!("UID:{}", self.uid));
        lines.put(&format!("DTSTAMP:{}", utc(now)));
        lines.put(&format!("SEQUENCE:{}", self.sequence));
        for line in when {
            lines.put(line);
        }
        lines.text("SUMMARY", self.title);
        lines.text("LOCATION", self.place);
        lines.text("DESCRIPTION", self.description);
        lines.put(&format!(
            "ORGANIZER;CN={}:mailto:{}",
            quote(self.organiser.name),
            self.organiser.mail
        ));
        let (asks, status) = match method {
            Method::Request => ("PARTSTAT=NEEDS-ACTION;RSVP=TRUE", "CONFIRMED"),
            Method::Cancel => ("PARTSTAT=NEEDS-ACTION", "CANCELLED"),
        };
        lines.put(&format!(
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;{asks};CN={}:mailto:{}",
            quote(self.invited.name),
            self.invited.mail
        ));
        lines.put(&format!("STATUS:{status}"));
        lines.put("TRANSP:OPAQUE");
        lines.put("END:VEVENT");
    }
}

/// `20261124T070000Z`
pub fn utc(at: Millis) -> String {
    format!("{}Z", local(at, Zone::UTC))
}

/// `20261124T100000`, on the clocks of a zone.
pub fn local(at: Millis, zone: Zone) -> String {
    at.in_zone(zone).map_or_else(String::new, basic)
}

pub fn basic(local: LocalTime) -> String {
    local.0.format("%Y%m%dT%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use domain::Span;

    use super::*;
    use crate::notices::ical::lines::unfold;

    fn at(text: &str, zone: &str) -> Millis {
        let local: LocalTime = text.parse().unwrap();
        local.resolve(zone.parse().unwrap()).unwrap().at
    }

    fn entry(times: Times<'_>) -> Entry<'_> {
        Entry {
            uid: "01939d5e-6c2a-7b3c-9d4e-5f6071829304@rollcall",
            sequence: 2,
            title: "Dealers, drivers; all",
            place: "+74951204040, room 9000",
            description: "Call +74951204040.\nOr wait.",
            times,
            organiser: Person {
                name: "Irina \"Boss\" Belova",
                mail: "rollcall@pbx.example",
            },
            invited: Person {
                name: "Oleg",
                mail: "oleg@northway.example",
            },
        }
    }

    #[test]
    fn one_date_is_told_in_utc() {
        let starts_at = at("2026-11-24T10:00", "Europe/Moscow");
        let text = entry(Times::Once {
            starts_at,
            ends_at: starts_at + Span::minutes(90),
        })
        .write(Method::Request, starts_at - Span::minutes(60));

        insta::assert_snapshot!(unfold(&text).join("\n"));
    }

    #[test]
    fn a_series_is_told_on_its_zones_clocks_with_its_exceptions() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let first = at("2026-10-19T09:00", "Europe/Berlin");
        let day = |text: &str| at(text, "Europe/Berlin");
        let text = entry(Times::Series(Series {
            zone,
            first,
            lasts: Span::minutes(30),
            rule: "FREQ=WEEKLY;BYDAY=MO",
            without: vec![day("2026-11-02T09:00")],
            moved: vec![Moved {
                of: day("2026-11-09T09:00"),
                starts_at: day("2026-11-10T11:00"),
                ends_at: day("2026-11-10T11:30"),
            }],
            until: day("2027-04-30T00:00"),
        }))
        .write(Method::Request, first - Span::minutes(60));

        insta::assert_snapshot!(unfold(&text).join("\n"));
    }

    #[test]
    fn what_is_called_off_is_called_off_under_the_same_uid() {
        let starts_at = at("2026-11-24T10:00", "UTC");
        let text = entry(Times::Once {
            starts_at,
            ends_at: starts_at,
        })
        .write(Method::Cancel, starts_at);
        for line in ["METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:2"] {
            assert!(text.contains(line), "{line}");
        }
    }
}
