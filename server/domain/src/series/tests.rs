use super::*;
use crate::{
    id::{CompanyId, MeetingId, OccurrenceId},
    occurrence::{Occurrence, Status},
    time::Zone,
};

fn at(utc: &str) -> Millis {
    let local: LocalTime = utc.parse().unwrap();
    local.resolve(Zone::UTC).unwrap().at
}

pub(super) fn meeting(zone: &str, starts_local: &str, rule: &str) -> Meeting {
    Meeting {
        id: MeetingId::new(Millis(0), [1; 10]),
        company: CompanyId::new(Millis(0), [2; 10]),
        title: "Dealers' hour".to_owned(),
        room: RoomId::new(Millis(0), [3; 10]),
        zone: zone.parse().unwrap(),
        starts_local: starts_local.parse().unwrap(),
        duration_ms: Span::minutes(60),
        series: Some(Series::new(rule.parse().unwrap())),
        lead_ms: Span::minutes(5),
        early_ms: Span::ZERO,
        warn_ms: Span::ZERO,
        participants: Vec::new(),
        rules: None,
        own_people_need_no_key: true,
        lobby: false,
        language: None,
        remind_ms: None,
        organiser: None,
    }
}

/// A plan with its rows, reconciled over and over as a server does.
struct Book {
    plan: Meeting,
    rows: Vec<Occurrence>,
    made: u8,
}

impl Book {
    fn new(plan: Meeting) -> Self {
        Self {
            plan,
            rows: Vec::new(),
            made: 0,
        }
    }

    /// How many rows were written.
    fn reconcile(&mut self, now: Millis) -> usize {
        self.rows.sort_by_key(|row| row.starts_at);
        let changes = reconcile(&self.plan, &self.rows, now).unwrap();
        let written = changes.changed.len() + changes.new.len();
        for row in changes.changed {
            let there = self.rows.iter_mut().find(|there| there.id == row.id);
            *there.unwrap() = row;
        }
        for date in changes.new {
            self.made += 1;
            let id = OccurrenceId::new(now, [self.made; 10]);
            self.rows.push(self.plan.occurrence(date, id, now));
        }
        self.rows.sort_by_key(|row| row.starts_at);
        written
    }

    /// Lets time pass as the scheduler does; how many dates begin to call people.
    fn look(&mut self, now: Millis) -> usize {
        let begun = |row: &Occurrence| row.calls(now);
        let before = self.rows.iter().filter(|row| begun(row)).count();
        for row in &mut self.rows {
            row.handle_timeout(now);
            row.handle_timeout(now);
        }
        self.rows.iter().filter(|row| begun(row)).count() - before
    }

    fn starts(&self, status: fn(&Status) -> bool) -> Vec<String> {
        self.rows
            .iter()
            .filter(|row| status(&row.status))
            .map(|row| row.starts_at.in_zone(self.plan.zone).unwrap().to_string())
            .collect()
    }

    fn scheduled(&self) -> Vec<String> {
        self.starts(|status| *status == Status::Scheduled)
    }
}

/// When a daily meeting is held around a change of the clocks, in UTC.
fn around(zone: &str, first: &str) -> Vec<String> {
    let plan = meeting(zone, first, "FREQ=DAILY;COUNT=3");
    plan.dates(at("2030-01-01T00:00"))
        .unwrap()
        .iter()
        .map(|date| date.starts_at.in_zone(Zone::UTC).unwrap().to_string())
        .collect()
}

#[test]
fn an_hour_the_clocks_skip_is_held_once_at_its_end() {
    assert_eq!(
        around("Europe/Berlin", "2027-03-27T02:30"),
        ["2027-03-27T01:30", "2027-03-28T01:00", "2027-03-29T00:30"]
    );
    assert_eq!(
        around("America/New_York", "2027-03-13T02:30"),
        ["2027-03-13T07:30", "2027-03-14T07:00", "2027-03-15T06:30"]
    );
    // The clocks jumped at midnight, the last time in 2018.
    assert_eq!(
        around("America/Sao_Paulo", "2018-11-03T00:30"),
        ["2018-11-03T03:30", "2018-11-04T03:00", "2018-11-05T02:30"]
    );
    // By half an hour.
    assert_eq!(
        around("Australia/Lord_Howe", "2027-10-02T02:15"),
        ["2027-10-01T15:45", "2027-10-02T15:30", "2027-10-03T15:15"]
    );
    // From 02:45 to 03:45.
    assert_eq!(
        around("Pacific/Chatham", "2027-09-25T03:00"),
        ["2027-09-24T14:15", "2027-09-25T14:00", "2027-09-26T13:15"]
    );
}

#[test]
fn an_hour_that_comes_twice_is_held_once_at_the_first() {
    assert_eq!(
        around("Europe/Berlin", "2026-10-24T02:30"),
        ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]
    );
    assert_eq!(
        around("America/New_York", "2026-10-31T01:30"),
        ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]
    );
    assert_eq!(
        around("America/Sao_Paulo", "2018-02-16T23:30"),
        ["2018-02-17T01:30", "2018-02-18T01:30", "2018-02-19T02:30"]
    );
    assert_eq!(
        around("Australia/Lord_Howe", "2027-04-03T01:45"),
        ["2027-04-02T14:45", "2027-04-03T14:45", "2027-04-04T15:15"]
    );
    assert_eq!(
        around("Pacific/Chatham", "2027-04-03T03:00"),
        ["2027-04-02T13:15", "2027-04-03T13:15", "2027-04-04T14:15"]
    );
}

#[test]
fn ten_in_the_morning_stays_ten_in_the_morning() {
    assert_eq!(
        around("Europe/Berlin", "2026-10-24T10:00"),
        ["2026-10-24T08:00", "2026-10-25T09:00", "2026-10-26T09:00"]
    );
}

#[test]
fn dates_are_made_ahead_and_only_once() {
    let now = at("2026-11-24T06:00");
    let mut book = Book::new(meeting("Europe/Moscow", "2026-11-24T10:00", "FREQ=WEEKLY"));

    assert_eq!(book.reconcile(now), 9);
    assert_eq!(book.reconcile(now), 0);
    assert_eq!(book.reconcile(now + Span::minutes(60 * 24 * 2)), 0);
    assert_eq!(book.reconcile(now + Span::minutes(60 * 24 * 7)), 1);
    assert_eq!(book.rows[0].starts_at, at("2026-11-24T07:00"));
    assert_eq!(book.rows[0].dial_at, at("2026-11-24T06:55"));
}

#[test]
fn a_room_that_opens_before_dialling_does_so_by_the_start_of_each_date() {
    let mut plan = meeting("Europe/Berlin", "2027-03-27T02:30", "FREQ=DAILY;COUNT=3");
    plan.early_ms = Span::minutes(60);
    let mut book = Book::new(plan);
    book.reconcile(at("2027-03-26T12:00"));

    // The clocks jump from 02:00 to 03:00 in the second night.
    let opens: Vec<_> = book.rows.iter().map(|row| row.opens_at).collect();
    assert_eq!(
        opens,
        ["2027-03-27T00:30", "2027-03-28T00:00", "2027-03-28T23:30"].map(|utc| Some(at(utc)))
    );
    book.plan.early_ms = Span::minutes(5);
    book.reconcile(at("2027-03-26T12:00"));
    assert!(book.rows.iter().all(|row| row.opens_at.is_none()));
}

#[test]
fn a_date_whose_room_is_open_follows_its_plan_until_people_are_called() {
    let mut plan = meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY;COUNT=2");
    plan.early_ms = Span::minutes(60);
    let mut book = Book::new(plan);
    book.reconcile(at("2026-11-24T06:00"));
    let now = at("2026-11-24T09:30");
    assert_eq!(book.look(now), 0);
    assert!(book.rows[0].is_open() && book.rows[0].is_ahead());

    // Half an hour later, its room would be open too; two hours later it would not.
    book.plan.starts_local = "2026-11-24T10:30".parse().unwrap();
    book.reconcile(now);
    assert!(book.rows[0].is_open());
    assert_eq!(book.rows[0].dial_at, at("2026-11-24T10:25"));
    book.plan.starts_local = "2026-11-24T12:00".parse().unwrap();
    book.reconcile(now);
    assert_eq!(book.rows[0].status, Status::Scheduled);

    book.look(at("2026-11-24T11:30"));
    let first = book.rows[0].slot.unwrap();
    let series = book.plan.series.as_mut().unwrap();
    series.exceptions.insert(first, Exception::CalledOff);
    book.reconcile(at("2026-11-24T11:31"));
    assert!(matches!(book.rows[0].status, Status::Cancelled { .. }));
}

#[test]
fn after_weeks_away_a_series_makes_up_for_one_date_at_most() {
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY"));
    book.reconcile(at("2026-11-24T06:00"));
    // Two minutes into a date, half a year later: most dates have no row at all.
    let now = at("2027-05-20T10:02");
    book.reconcile(now);

    assert_eq!(book.look(now), 1);
    let live = book.starts(|status| matches!(status, Status::Live { .. }));
    assert_eq!(live, ["2027-05-20T10:00"]);
    assert_eq!(
        book.starts(|status| matches!(status, Status::Missed { .. }))
            .len(),
        60
    );
    assert_eq!(book.scheduled()[0], "2027-05-21T10:00");

    // Later than the grace: the room is open, nobody is called.
    let mut late = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY"));
    late.reconcile(at("2026-11-24T06:00"));
    let now = at("2027-05-20T10:20");
    late.reconcile(now);
    assert_eq!(late.look(now), 0);
}

#[test]
fn a_clock_set_back_repeats_nothing() {
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY"));
    for day in 0..5 {
        let start = at("2026-11-24T10:00") + Span::minutes(60 * 24 * day);
        book.reconcile(start - Span::minutes(30));
        assert_eq!(book.look(start), 1);
        book.look(start + Span::minutes(60));
    }
    for minutes in 0..3 * 24 * 60 {
        let again = at("2026-11-24T09:00") + Span::minutes(minutes);
        book.reconcile(again);
        assert_eq!(book.look(again), 0);
    }
}

#[test]
fn a_change_is_for_the_dates_to_come() {
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY;COUNT=4"));
    book.reconcile(at("2026-11-24T06:00"));
    book.look(at("2026-11-24T10:00"));
    book.look(at("2026-11-24T11:00"));
    book.look(at("2026-11-25T10:00"));

    // While the second goes on.
    book.plan.starts_local = "2026-11-24T15:30".parse().unwrap();
    book.plan.title = "Late hour".to_owned();
    book.reconcile(at("2026-11-25T10:10"));

    let all: Vec<_> = book
        .rows
        .iter()
        .map(|row| (row.title.as_str(), row.starts_at))
        .collect();
    assert_eq!(
        all,
        [
            ("Dealers' hour", at("2026-11-24T10:00")),
            ("Dealers' hour", at("2026-11-25T10:00")),
            ("Late hour", at("2026-11-26T15:30")),
            ("Late hour", at("2026-11-27T15:30")),
        ]
    );
}

#[test]
fn todays_date_keeps_its_hour_when_the_new_one_is_over() {
    let mut book = Book::new(meeting("UTC", "2026-11-24T15:00", "FREQ=DAILY;COUNT=2"));
    book.reconcile(at("2026-11-24T06:00"));

    book.plan.starts_local = "2026-11-24T09:00".parse().unwrap();
    book.reconcile(at("2026-11-24T12:00"));
    assert_eq!(book.reconcile(at("2026-11-24T12:00")), 0);

    assert_eq!(book.scheduled(), ["2026-11-24T15:00", "2026-11-25T09:00"]);
}

#[test]
fn dates_keep_their_rows_when_the_weekday_changes_and_the_rest_is_called_off() {
    let now = at("2026-11-23T06:00");
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=WEEKLY;COUNT=3"));
    book.reconcile(now);
    let ids: Vec<_> = book.rows.iter().map(|row| row.id).collect();

    assert!(book.plan.move_along(
        "2026-11-24".parse().unwrap(),
        "2026-11-25T11:00".parse().unwrap()
    ));
    book.plan.series.as_mut().unwrap().rule = "FREQ=WEEKLY;COUNT=2".parse().unwrap();
    book.reconcile(now);

    assert_eq!(book.scheduled(), ["2026-11-25T11:00", "2026-12-02T11:00"]);
    assert_eq!(book.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    let gone = book.rows.last().unwrap();
    assert_eq!(
        (gone.slot, gone.status),
        (None, Status::Cancelled { at: now })
    );
    assert_eq!(book.reconcile(now), 0);
}

#[test]
fn a_single_date_is_called_off_moved_and_brought_back() {
    let now = at("2026-11-23T06:00");
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY;COUNT=3"));
    book.reconcile(now);
    let (second, third) = ("2026-11-25".parse().unwrap(), "2026-11-26".parse().unwrap());
    let elsewhere = RoomId::new(Millis(0), [9; 10]);
    let moved = Moved {
        starts_local: Some("2026-11-28T12:00".parse().unwrap()),
        duration_ms: Some(Span::minutes(30)),
        room: Some(elsewhere),
    };
    let exceptions = &mut book.plan.series.as_mut().unwrap().exceptions;
    exceptions.insert(second, Exception::CalledOff);
    exceptions.insert(third, Exception::Moved(moved));
    book.reconcile(now);

    assert_eq!(book.scheduled(), ["2026-11-24T10:00", "2026-11-28T12:00"]);
    let last = book.rows.last().unwrap();
    assert_eq!(
        (last.room, last.ends_at),
        (elsewhere, at("2026-11-28T12:30"))
    );
    assert_eq!(book.reconcile(now), 0);

    book.plan.series.as_mut().unwrap().exceptions.clear();
    book.reconcile(now);
    assert_eq!(
        book.scheduled(),
        ["2026-11-24T10:00", "2026-11-25T10:00", "2026-11-26T10:00"]
    );
}

#[test]
fn a_paused_series_calls_nobody_and_goes_on_with_what_is_to_come() {
    let mut book = Book::new(meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY"));
    book.reconcile(at("2026-11-23T06:00"));
    let skipped = "2026-11-29".parse().unwrap();
    let series = book.plan.series.as_mut().unwrap();
    series.paused_since = Some(at("2026-11-23T07:00"));
    series.exceptions.insert(skipped, Exception::CalledOff);
    book.reconcile(at("2026-11-23T07:00"));
    assert_eq!(book.scheduled(), [""; 0]);
    assert_eq!(book.look(at("2026-11-24T10:00")), 0);

    book.plan.series.as_mut().unwrap().paused_since = None;
    book.reconcile(at("2026-11-27T12:00"));

    assert_eq!(
        book.scheduled()[..3],
        ["2026-11-28T10:00", "2026-11-30T10:00", "2026-12-01T10:00"]
    );
}

#[test]
fn a_meeting_held_once_becomes_a_series_and_back_on_the_same_row() {
    let now = at("2026-11-23T06:00");
    let mut plan = meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY;COUNT=3");
    let series = plan.series.take();
    let mut book = Book::new(plan);
    book.reconcile(now);
    let id = book.rows[0].id;

    book.plan.series = series;
    book.reconcile(now);
    assert_eq!(book.scheduled().len(), 3);
    assert_eq!(book.rows[0].id, id);

    book.plan.series = None;
    book.reconcile(now);
    assert_eq!(book.scheduled(), ["2026-11-24T10:00"]);
    assert_eq!((book.rows[0].id, book.rows[0].slot), (id, None));
    assert_eq!(book.reconcile(now), 0);
}

#[test]
fn a_series_is_split_at_one_of_its_dates() {
    let plan = meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY;COUNT=5");
    let (before, after) = plan.split("2026-11-26".parse().unwrap()).unwrap();
    let days = |plan: &Meeting| {
        let dates = plan.dates(at("2027-01-01T00:00")).unwrap();
        dates
            .iter()
            .map(|date| date.slot.unwrap().to_string())
            .collect::<Vec<_>>()
    };

    assert_eq!(days(&before), ["2026-11-24", "2026-11-25"]);
    assert_eq!(days(&after), ["2026-11-26", "2026-11-27", "2026-11-28"]);
    assert_eq!(plan.split("2026-11-24".parse().unwrap()), None);
    assert_eq!(plan.split("2027-11-24".parse().unwrap()), None);
}

#[test]
fn the_next_free_time_is_after_all_that_is_in_the_way() {
    let room = RoomId::new(Millis(0), [3; 10]);
    let minutes = |minutes: i64| at("2026-11-24T10:00") + Span::minutes(minutes);
    let held = |from: i64, until: i64, room: RoomId| Held {
        meeting: MeetingId::new(Millis(0), [1; 10]),
        occurrence: None,
        room,
        from: minutes(from),
        until: minutes(until),
    };
    let wanted = |from: i64| Wanted {
        room,
        from: minutes(from),
        until: minutes(from + 60),
    };
    let other = RoomId::new(Millis(0), [4; 10]);
    let taken = [held(60, 90, room), held(-30, 15, room), held(0, 600, other)];

    // 15 to 75 is not free, after 90 it is.
    assert_eq!(next_free(wanted(0), &taken), Some(minutes(90)));
    assert_eq!(next_free(wanted(90), &taken), Some(minutes(90)));
    let found = clashes(&[wanted(0), wanted(2000)], &taken);
    assert_eq!(found.len(), 2);

    // Both days must fit at the same hour.
    let taken = [held(0, 30, room), held(24 * 60 + 30, 24 * 60 + 120, room)];
    let both = [wanted(0), wanted(24 * 60)];
    assert_eq!(free_for_all(&both, &taken), Some(Span::minutes(120)));
}

#[test]
fn the_next_time_free_for_the_people_too_is_after_what_they_are_expected_at() {
    let room = |room: u8| RoomId::new(Millis(0), [room; 10]);
    let minutes = |minutes: i64| Millis(0) + Span::minutes(minutes);
    let held = |nth: u8, from: i64, until: i64| Held {
        meeting: MeetingId::new(Millis(0), [nth; 10]),
        occurrence: None,
        room: room(nth),
        from: minutes(from),
        until: minutes(until),
    };
    // The room is taken until 60; somebody is elsewhere until 90, and again from 120 to 150.
    let taken = [
        held(1, 0, 60),
        held(2, 30, 90),
        held(2, 120, 150),
        held(3, 0, 900),
    ];
    let wanted = [Wanted {
        room: room(1),
        from: minutes(0),
        until: minutes(60),
    }];

    let busy = MeetingId::new(Millis(0), [2; 10]);
    let later = free_when(&wanted, &taken, |clash| {
        clash.held.room == clash.wanted.room || clash.held.meeting == busy
    });

    assert_eq!(later, Some(Span::minutes(150)));
    assert_eq!(free_for_all(&wanted, &taken), Some(Span::minutes(60)));
}

#[test]
fn of_other_series_only_those_with_the_room_or_somebody_in_common_are_in_the_way() {
    let someone = |number: &str| crate::meeting::Participant {
        invitee: crate::meeting::Invitee::Outside {
            name: None,
            number: number.parse().unwrap(),
        },
        role: crate::role::Role::Speaker,
        email: None,
    };
    let daily = |room: u8, number: &str| {
        let mut series = meeting("UTC", "2026-11-24T10:00", "FREQ=DAILY");
        series.room = RoomId::new(Millis(0), [room; 10]);
        series.participants = vec![someone(number)];
        series
    };
    let plan = daily(1, "+79162041138");
    let wanted = [Wanted {
        room: plan.room,
        from: at("2026-11-24T10:00"),
        until: at("2026-11-24T11:00"),
    }];
    let (from, until) = (at("2026-12-01T00:00"), at("2026-12-04T00:00"));
    let count = |series: &Meeting| unmade(series, &plan, &wanted, from, until).count();

    assert_eq!(count(&daily(1, "+74951112233")), 3, "the same room");
    assert_eq!(
        count(&daily(2, "8 916 204-11-38")),
        3,
        "the same person, written otherwise"
    );
    assert_eq!(count(&daily(2, "+74951112233")), 0);

    // One date of it is held in the room.
    let mut moved = daily(2, "+74951112233");
    let here = Moved {
        room: Some(plan.room),
        ..Moved::default()
    };
    let slot = "2026-12-02".parse().unwrap();
    let exceptions = &mut moved.series.as_mut().unwrap().exceptions;
    exceptions.insert(slot, Exception::Moved(here));
    assert_eq!(count(&moved), 3);
}
