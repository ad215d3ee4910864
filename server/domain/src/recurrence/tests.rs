use super::*;

fn rule(text: &str) -> Recurrence {
    text.parse().unwrap()
}

fn refusal(text: &str) -> String {
    text.parse::<Recurrence>().unwrap_err().to_string()
}

fn dates(text: &str, start: &str, how_many: usize) -> Vec<String> {
    let start: LocalTime = start.parse().unwrap();
    let last = "2060-12-31".parse().unwrap();
    rule(text)
        .dates(start, Zone::UTC, last)
        .take(how_many)
        .map(|date| date.to_string())
        .collect()
}

#[test]
fn dates_are_those_that_another_program_finds() {
    let vectors = include_str!("vectors.txt");
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (start, text) = (parts.next().unwrap(), parts.next().unwrap());
        let expected = parts.next().unwrap_or_default();

        let found = dates(text, &format!("{start}T10:00"), 10).join(",");

        assert_eq!(found, expected, "{text} from {start}");
    }
}

#[test]
fn a_start_that_does_not_fit_is_followed_by_the_first_that_does() {
    // A Tuesday.
    assert_eq!(
        dates("FREQ=WEEKLY;BYDAY=MO,FR;COUNT=3", "2026-11-24T10:00", 9),
        ["2026-11-27", "2026-11-30", "2026-12-04"]
    );
}

#[test]
fn an_end_counts_on_the_clocks_of_the_meeting() {
    // 2026-11-26 00:30 in Moscow is still the 25th in UTC.
    let start: LocalTime = "2026-11-24T00:30".parse().unwrap();
    let moscow: Zone = "Europe/Moscow".parse().unwrap();
    let last = "2027-01-01".parse().unwrap();
    let count = |text: &str| rule(text).dates(start, moscow, last).count();

    assert_eq!(count("FREQ=DAILY;UNTIL=20261125T213000Z"), 3);
    assert_eq!(count("FREQ=DAILY;UNTIL=20261125T212959Z"), 2);
    assert_eq!(count("FREQ=DAILY;UNTIL=20261126T003000"), 3);
    assert_eq!(count("FREQ=DAILY;UNTIL=20261126"), 3);
}

#[test]
fn a_rule_that_never_comes_is_found_out() {
    let start = "2026-11-24T10:00".parse().unwrap();
    let first = |text: &str| rule(text).first(start, Zone::UTC);

    for never in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=DAILY;UNTIL=20200101",
        "FREQ=MONTHLY;BYMONTHDAY=-31;BYMONTH=2,4",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
    ] {
        assert_eq!(first(never), Err(RecurrenceError::Never), "{never}");
    }
    // Rare is not never.
    assert_eq!(
        first("FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=29").unwrap(),
        "2032-02-29".parse().unwrap()
    );
}

#[test]
fn what_cannot_be_kept_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "FREQ is missing"),
        ("every day", "\"EVERY DAY\" is not a part of a rule"),
        (
            "FREQ=SECONDLY",
            "FREQ=SECONDLY would call people more than once a day",
        ),
        (
            "FREQ=HOURLY;INTERVAL=24",
            "FREQ=HOURLY would call people more than once a day",
        ),
        (
            "FREQ=DAILY;BYHOUR=9,17",
            "BYHOUR would call people more than once a day",
        ),
        ("FREQ=FORTNIGHTLY", "FREQ cannot be \"FORTNIGHTLY\""),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL cannot be \"0\""),
        ("FREQ=DAILY;INTERVAL=99999999999", "INTERVAL cannot be"),
        ("FREQ=DAILY;COUNT=0", "COUNT cannot be \"0\""),
        ("FREQ=DAILY;COUNT=5000", "names 5000 dates: at most 2000"),
        (
            "FREQ=DAILY;COUNT=2;UNTIL=20270101",
            "COUNT and UNTIL do not go together",
        ),
        (
            "FREQ=DAILY;UNTIL=2027-01-01",
            "UNTIL cannot be \"2027-01-01\"",
        ),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ is given twice"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO is not supported"),
        (
            "FREQ=WEEKLY;BYDAY=2MO",
            "FREQ=WEEKLY and a counted BYDAY do not go together",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=3",
            "FREQ=WEEKLY and BYMONTHDAY do not go together",
        ),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY cannot be \"0MO\""),
        ("FREQ=MONTHLY;BYDAY=", "BYDAY cannot be \"\""),
        ("FREQ=MONTHLY;BYDAY=é", "BYDAY cannot be \"é\""),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY cannot be \"32\""),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS cannot be"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(reason), "{text}: {refusal}");
    }
}

#[test]
fn a_rule_reads_back_as_it_was_written() {
    for (text, written) in [
        ("RRULE:freq=weekly;byday=tu,mo", "FREQ=WEEKLY;BYDAY=MO,TU"),
        (
            "FREQ=MONTHLY;BYDAY=-1FR;COUNT=4;INTERVAL=2",
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR;COUNT=4",
        ),
        (
            "FREQ=DAILY;WKST=SU;UNTIL=20270131T120000Z",
            "FREQ=DAILY;WKST=SU;UNTIL=20270131T120000Z",
        ),
    ] {
        let read = rule(text);
        assert_eq!(read.to_string(), written);
        assert_eq!(rule(written), read);
    }
}

#[test]
fn a_rule_moves_along_with_a_date_that_is_dragged() {
    let moved = |text: &str, from: &str, to: &str| {
        rule(text)
            .moved(from.parse().unwrap(), to.parse().unwrap())
            .map(|rule| rule.to_string())
    };

    assert_eq!(
        moved("FREQ=WEEKLY;BYDAY=TU,TH", "2026-11-24", "2026-11-25").unwrap(),
        "FREQ=WEEKLY;BYDAY=WE,FR"
    );
    assert_eq!(
        moved("FREQ=WEEKLY;BYDAY=MO", "2026-11-23", "2026-11-22").unwrap(),
        "FREQ=WEEKLY;BYDAY=SU"
    );
    assert_eq!(
        moved("FREQ=MONTHLY;BYMONTHDAY=24", "2026-11-24", "2026-11-26").unwrap(),
        "FREQ=MONTHLY;BYMONTHDAY=26"
    );
    assert_eq!(
        moved("FREQ=MONTHLY;BYDAY=4TU", "2026-11-24", "2026-11-18").unwrap(),
        "FREQ=MONTHLY;BYDAY=3WE"
    );
    assert_eq!(
        moved("FREQ=MONTHLY;BYDAY=-1MO", "2026-11-30", "2026-11-27").unwrap(),
        "FREQ=MONTHLY;BYDAY=-1FR"
    );
    assert_eq!(
        moved(
            "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=30",
            "2026-11-30",
            "2026-12-01"
        )
        .unwrap(),
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=1"
    );
    assert_eq!(
        moved("FREQ=DAILY", "2026-11-24", "2026-11-25").unwrap(),
        "FREQ=DAILY"
    );
    // The last working day of the month, on another day: nobody knows what is meant.
    let last_working_day = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1";
    assert_eq!(moved(last_working_day, "2026-11-30", "2026-11-27"), None);
}
