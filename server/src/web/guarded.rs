//! What the guard would refuse, said before the meeting is saved.
//!
//! The guard itself is asked right before each call; this is the same question
//! about a call that is still to come.

use api::{Finding, FindingCode, FindingPerson, Severity};
use domain::{
    Language, Millis, PhoneNumber, Zone,
    employee::DeviceKind,
    guard,
    meeting::{Invitee, Meeting},
    numbering,
    series::Date,
};
use store::CompanyDirectory;

use super::{check::on_the_wall, resources, texts::Phrase};

/// How somebody can be called.
struct Ways<'a> {
    /// By a phone that logs in with us: no operator, no limit.
    own_phone: bool,
    numbers: Vec<&'a PhoneNumber>,
}

/// What the guard would say to a plan's calls.
pub(super) fn findings(
    meeting: &Meeting,
    dates: &[Date],
    directory: &CompanyDirectory,
    language: Language,
) -> Vec<Finding> {
    let limits = &directory.company.limits;
    let mut found = Vec::new();
    let mut calls: u32 = 0;
    let mut price: u64 = 0;
    for (place, one) in meeting.participants.iter().enumerate() {
        let ways = ways(&one.invitee, directory);
        let about = |code, phrase: Phrase| {
            let (employee_id, name, number) = resources::who(&one.invitee, directory);
            Finding {
                severity: Severity::Warning,
                code,
                message: phrase.with("name", &name).say(language),
                field: Some(format!("participants[{place}]")),
                person: Some(FindingPerson {
                    employee_id,
                    name,
                    number,
                }),
                meeting: None,
                date_at: dates.first().map(|date| date.starts_at.0),
                dates: u32::try_from(dates.len()).unwrap_or(u32::MAX),
                free_at: None,
            }
        };
        if !ways.own_phone {
            let may_be_called: Vec<_> = ways
                .numbers
                .iter()
                .filter(|number| directory.may_call(number))
                .collect();
            let allowed = may_be_called
                .iter()
                .map(|number| numbering::in_full(number, directory.company.zone))
                .find(|number| limits.allow(number));
            match allowed {
                _ if ways.numbers.is_empty() => {
                    let phrase = Phrase::new("findings.nothing_to_call");
                    found.push(about(FindingCode::NothingToCall, phrase));
                    continue;
                }
                _ if may_be_called.is_empty() => {
                    let phrase = Phrase::new("findings.never_again");
                    found.push(about(FindingCode::NeverAgain, phrase));
                    continue;
                }
                None => {
                    let phrase = Phrase::new("findings.destination_forbidden");
                    found.push(about(FindingCode::DestinationForbidden, phrase));
                    continue;
                }
                Some(number) => {
                    calls += 1;
                    price = price.saturating_add(limits.per_minute(&number));
                }
            }
        }
        if let Some(phrase) = quiet(&one.invitee, dates, directory) {
            found.push(about(FindingCode::QuietHours, phrase));
        }
        if let Some(date) = dates.first()
            && let Invitee::Employee(id) = one.invitee
            && directory.wants_quiet(id, date.starts_at)
        {
            let phrase = Phrase::new("findings.do_not_disturb");
            found.push(about(FindingCode::DoNotDisturb, phrase));
        }
    }
    let minutes = u64::try_from(meeting.duration_ms.minutes_begun()).unwrap_or_default();
    let price = price.saturating_mul(minutes);
    let whole = |code, phrase: Phrase| Finding {
        severity: Severity::Warning,
        code,
        message: phrase.say(language),
        field: Some("participants".to_owned()),
        person: None,
        meeting: None,
        date_at: None,
        dates: u32::try_from(dates.len()).unwrap_or(u32::MAX),
        free_at: None,
    };
    let most_calls = least(limits.meeting.calls, limits.day.calls);
    if let Some(most) = most_calls.filter(|most| calls > *most) {
        let phrase = Phrase::new("findings.too_many_calls")
            .with("calls", calls)
            .with("most", most);
        found.push(whole(FindingCode::TooManyCalls, phrase));
    }
    let most_price = least(limits.meeting.price, limits.day.price);
    if let Some(most) = most_price.filter(|most| price > *most) {
        let money = |hundredths: u64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let phrase = Phrase::new("findings.too_dear")
            .with("price", money(price))
            .with("most", money(most));
        found.push(whole(FindingCode::TooDear, phrase));
    }
    found
}

fn least<T: Ord>(one: Option<T>, two: Option<T>) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

fn ways<'a>(invitee: &'a Invitee, directory: &'a CompanyDirectory) -> Ways<'a> {
    match invitee {
        Invitee::Outside { number, .. } => Ways {
            own_phone: false,
            numbers: vec![number],
        },
        Invitee::Employee(id) => {
            let devices = directory
                .employee(*id)
                .map_or(&[][..], |employee| &employee.devices[..]);
            Ways {
                own_phone: devices
                    .iter()
                    .any(|device| matches!(device.kind, DeviceKind::SipPhone { .. })),
                numbers: devices
                    .iter()
                    .filter_map(|device| device.kind.number())
                    .collect(),
            }
        }
    }
}

/// Whether it is quiet where he is when one of the dates begins.
fn quiet(invitee: &Invitee, dates: &[Date], directory: &CompanyDirectory) -> Option<Phrase> {
    let hours = directory.company.quiet_hours?;
    let zones = zones(invitee, directory);
    let (at, (until, zone)) = dates.iter().find_map(|date| {
        let quiet = guard::quiet_until(hours, &zones, date.starts_at)?;
        Some((date.starts_at, quiet))
    })?;
    let clock = |at: Millis| {
        let wall = on_the_wall(at, zone);
        wall.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    Some(
        Phrase::new("findings.quiet_hours")
            .with("time", clock(at))
            .with("until", clock(until)),
    )
}

/// Where his clock hangs, or may hang where his number does not tell.
fn zones(invitee: &Invitee, directory: &CompanyDirectory) -> Vec<Zone> {
    let home = directory.company.zone;
    let own = match invitee {
        Invitee::Employee(id) => directory
            .employee(*id)
            .and_then(|employee| employee.zone)
            .map_or_else(Vec::new, |zone| vec![zone]),
        Invitee::Outside { number, .. } => numbering::zones_of(number, home),
    };
    if own.is_empty() { vec![home] } else { own }
}
