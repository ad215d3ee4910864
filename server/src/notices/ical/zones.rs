//! A zone with its clock changes (RFC 5545 §3.6.5), one by one: what a rule says
//! of the years to come is nothing to rely on, the zone database is.

use domain::{Millis, Span, Zone};

use super::{lines::Lines, write::basic};

/// A zone has no two clock changes within so long.
const STEP: Span = Span::minutes(7 * 24 * 60);

/// Writes the zone as it is from a while before `from` until `until`.
pub fn write(lines: &mut Lines, zone: Zone, from: Millis, until: Millis) {
    let begin = from - Span::minutes(24 * 60);
    lines.put("BEGIN:VTIMEZONE");
    lines.put(&format!("TZID:{}", zone.name()));
    let first = offset(begin, zone);
    observance(lines, zone, begin, first, first);
    let mut at = begin;
    while at < until {
        let next = at + STEP;
        let (before, after) = (offset(at, zone), offset(next, zone));
        if before != after {
            observance(lines, zone, change_between(at, next, zone), before, after);
        }
        at = next;
    }
    lines.put("END:VTIMEZONE");
}

/// From `at` on, the clocks stand `after` minutes ahead of UTC. Its start is told
/// on the clocks as they stood before.
fn observance(lines: &mut Lines, zone: Zone, at: Millis, before: i64, after: i64) {
    let kind = if after > winter(at, zone) {
        "DAYLIGHT"
    } else {
        "STANDARD"
    };
    let shown = (at + Span::minutes(before)).in_zone(Zone::UTC);
    lines.put(&format!("BEGIN:{kind}"));
    lines.put(&format!("DTSTART:{}", shown.map(basic).unwrap_or_default()));
    lines.put(&format!("TZOFFSETFROM:{}", signed(before)));
    lines.put(&format!("TZOFFSETTO:{}", signed(after)));
    lines.put(&format!("END:{kind}"));
}

/// The lesser of the offsets around a year from `at`.
fn winter(at: Millis, zone: Zone) -> i64 {
    let months = (0..12).map(|month| offset(at + Span::minutes(month * 30 * 24 * 60), zone));
    months.min().unwrap_or(0)
}

/// The first minute at which the clocks stand as they do at `late`.
fn change_between(early: Millis, late: Millis, zone: Zone) -> Millis {
    let (mut early, mut late) = (early, late);
    let after = offset(late, zone);
    while late - early > Span::minutes(1) {
        let middle = Millis(early.0 + (late.0 - early.0) / 2);
        if offset(middle, zone) == after {
            late = middle;
        } else {
            early = middle;
        }
    }
    // Clocks change at a full minute.
    let minute = Span::minutes(1).0;
    Millis(late.0 - late.0.rem_euclid(minute))
}

/// How many minutes the clocks are ahead of UTC.
fn offset(at: Millis, zone: Zone) -> i64 {
    match (at.in_zone(zone), at.in_zone(Zone::UTC)) {
        (Some(local), Some(utc)) => (local.0 - utc.0).num_minutes(),
        _ => 0,
    }
}

/// `+0300`
fn signed(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use domain::LocalTime;

    use super::*;

    fn zone_of(name: &str, from: &str, until: &str) -> String {
        let at = |text: &str| {
            let local: LocalTime = text.parse().unwrap();
            local.resolve(Zone::UTC).unwrap().at
        };
        let mut lines = Lines::default();
        write(&mut lines, name.parse().unwrap(), at(from), at(until));
        lines.done().replace("\r\n", "\n")
    }

    #[test]
    fn a_zone_tells_each_clock_change_of_the_time() {
        let berlin = zone_of("Europe/Berlin", "2026-10-01T00:00", "2027-05-01T00:00");
        assert!(berlin.contains(
            "BEGIN:STANDARD\nDTSTART:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD"
        ), "{berlin}");
        assert!(berlin.contains(
            "BEGIN:DAYLIGHT\nDTSTART:20270328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT"
        ), "{berlin}");
    }

    #[test]
    fn half_hours_and_zones_without_changes_are_told_too() {
        let howe = zone_of(
            "Australia/Lord_Howe",
            "2026-09-01T00:00",
            "2026-11-01T00:00",
        );
        assert!(
            howe.contains("TZOFFSETFROM:+1030\nTZOFFSETTO:+1100"),
            "{howe}"
        );
        let moscow = zone_of("Europe/Moscow", "2026-01-01T00:00", "2027-01-01T00:00");
        assert_eq!(moscow.matches("BEGIN:STANDARD").count(), 1, "{moscow}");
    }
}
