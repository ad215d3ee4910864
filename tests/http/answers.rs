//! What people say in writing about a series: it holds for dates whose lists are
//! made later, until the hour is another.

use domain::Span;
use serde_json::json;

use crate::{
    notices::{form, invitation, page, reply},
    world::{Answer, Asker, World},
};

const DAY: Span = Span::minutes(24 * 60);
const HIS: &str = "oleg@northway.example";

/// A series on Tuesdays at ten: its id.
async fn tuesdays(world: &World, who: &Asker) -> String {
    let mut body = world.meeting_body().await;
    body["repeats"] = json!("FREQ=WEEKLY;BYDAY=TU");
    let made = world.post(who, "/api/v1/meetings", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn mail(world: &World, who: &Asker, text: String) -> Answer {
    let mut request = who.request("POST", "/api/v1/mail-replies", Some(text));
    let kind = "message/rfc822".parse().unwrap();
    request.headers_mut().insert("content-type", kind);
    world.send(request).await
}

/// A week passes after the other, and the lists of the weeks to come are made.
async fn weeks_pass(world: &World, weeks: i64) {
    for _ in 0..weeks {
        world.pass(Span(7 * DAY.0));
        let directory = world.store.directory().await.unwrap();
        let company = |id| directory.companies.get(&id);
        let due = rollcall::series::make_due(&world.store, company, world.now());
        due.await.unwrap();
    }
}

/// The dates that have a list, with what Oleg and the guest said and whether they are to be called.
async fn lists(world: &World) -> Vec<String> {
    // His last login has run out by now.
    let who = &world.irina().await;
    let from = world.now().0;
    let path = format!("/api/v1/occurrences?from={from}&to={}", from + 60 * DAY.0);
    let dates = world.get(who, &path).await.json();
    let mut shown = Vec::new();
    for date in dates.as_array().unwrap() {
        let path = format!("/api/v1/occurrences/{}", date["id"].as_str().unwrap());
        let report = world.get(who, &path).await.json();
        let people = report["invitations"].as_array().unwrap().iter();
        let people: Vec<String> = people
            .map(|one| {
                let (said, kind) = (
                    &one["invitation"]["rsvp"],
                    &one["invitation"]["status"]["kind"],
                );
                format!(
                    "{}:{}",
                    said.as_str().unwrap_or("-"),
                    kind.as_str().unwrap()
                )
            })
            .collect();
        if people.is_empty() {
            continue;
        }
        let at = domain::Millis(date["starts_at"].as_i64().unwrap());
        let local = at.in_zone("Europe/Moscow".parse().unwrap()).unwrap();
        shown.push(format!("{local} {}", people.join(" ")));
    }
    shown
}

#[tokio::test]
async fn whoever_declines_a_series_by_mail_is_not_called_for_dates_whose_lists_come_later() {
    let world = World::new().await;
    let (irina, anna) = (world.irina().await, world.anna().await);
    let series = tuesdays(&world, &irina).await;

    let theirs = mail(&world, &anna, reply(&series, HIS, HIS, "DECLINED")).await;
    assert_eq!(theirs.refusal(), "404 not_found");
    let taken = mail(&world, &irina, reply(&series, HIS, HIS, "DECLINED")).await;
    assert_eq!(taken.status, 200, "{}", taken.text);

    weeks_pass(&world, 3).await;
    assert_eq!(
        lists(&world).await,
        [
            "2026-12-15T10:00 declined:finished -:waiting",
            "2026-12-22T10:00 declined:finished -:waiting",
        ]
    );

    let irina = world.irina().await;
    mail(&world, &irina, reply(&series, HIS, HIS, "ACCEPTED")).await;
    weeks_pass(&world, 2).await;
    assert_eq!(
        lists(&world).await,
        [
            "2026-12-29T10:00 accepted:waiting -:waiting",
            "2027-01-05T10:00 accepted:waiting -:waiting",
        ]
    );
}

#[tokio::test]
async fn a_series_is_answered_as_a_whole_by_its_link_too() {
    let world = World::new().await;
    let irina = world.irina().await;
    let series = tuesdays(&world, &irina).await;
    let path = page(&world, &series, "4930901820");

    let shown = form(&world, &path, "date=all&answer=declined".to_owned()).await;

    assert_eq!(shown.status, 200, "{}", shown.text);
    assert_eq!(
        shown
            .text
            .matches("value=\"declined\" aria-pressed=\"true\"")
            .count(),
        3,
        "all of them, and the two dates of the next weeks: {}",
        shown.text
    );
    weeks_pass(&world, 3).await;
    assert_eq!(
        lists(&world).await[1],
        "2026-12-22T10:00 -:waiting declined:finished"
    );
}

#[tokio::test]
async fn a_single_date_far_ahead_is_declined_before_anybody_is_on_its_list() {
    let world = World::new().await;
    let irina = world.irina().await;
    let series = tuesdays(&world, &irina).await;
    let declines = |date: &str| {
        let named = format!("RECURRENCE-ID;TZID=Europe/Moscow:{date}\r\nATTENDEE");
        reply(&series, HIS, HIS, "DECLINED").replace("ATTENDEE", &named)
    };

    for date in ["20261222T100000", "20270309T100000"] {
        let taken = mail(&world, &irina, declines(date)).await;
        assert_eq!(taken.json()["recorded"], 1, "{}", taken.text);
    }
    let never = mail(&world, &irina, declines("20270310T100000")).await;
    assert_eq!(never.refusal(), "422 bad_mail_reply", "a Wednesday");

    weeks_pass(&world, 3).await;
    assert_eq!(
        lists(&world).await,
        [
            "2026-12-15T10:00 -:waiting -:waiting",
            "2026-12-22T10:00 declined:finished -:waiting",
        ]
    );
    weeks_pass(&world, 11).await;
    assert_eq!(
        lists(&world).await[1],
        "2027-03-09T10:00 declined:finished -:waiting"
    );
}

#[tokio::test]
async fn what_was_said_of_a_series_goes_along_where_it_is_split() {
    let world = World::new().await;
    let irina = world.irina().await;
    let series = tuesdays(&world, &irina).await;
    mail(&world, &irina, reply(&series, HIS, HIS, "DECLINED")).await;

    let path = format!("/api/v1/meetings/{series}");
    let change = json!({ "from_date": "2026-12-15", "title": "Winter roll" });
    let after = world.ask(&irina, "PATCH", &path, Some(change)).await;
    assert_ne!(after.json()["id"], json!(series), "{}", after.text);

    weeks_pass(&world, 3).await;
    assert_eq!(
        lists(&world).await,
        [
            "2026-12-15T10:00 declined:finished -:waiting",
            "2026-12-22T10:00 declined:finished -:waiting",
        ]
    );
}

#[tokio::test]
async fn whoever_declined_is_asked_anew_when_the_hour_is_another_or_he_is_invited_anew() {
    for (changes, said) in [
        (vec!["title"], "declined:finished"),
        (vec!["hour"], "-:waiting"),
        (vec!["rule"], "-:waiting"),
        (vec!["off", "on"], "-:waiting"),
    ] {
        let world = World::new().await;
        let irina = world.irina().await;
        let series = tuesdays(&world, &irina).await;
        mail(&world, &irina, reply(&series, HIS, HIS, "DECLINED")).await;
        let people = world.meeting_body().await["participants"].clone();
        for change in &changes {
            let change = match *change {
                "title" => json!({ "title": "Winter roll" }),
                "hour" => json!({ "starts_local": "2026-11-24T11:00" }),
                "rule" => json!({ "repeats": "FREQ=WEEKLY;BYDAY=TU,TH" }),
                "off" => json!({ "participants": [people[1]] }),
                _ => json!({ "participants": people }),
            };
            let path = format!("/api/v1/meetings/{series}");
            let answer = world.ask(&irina, "PATCH", &path, Some(change)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        weeks_pass(&world, 3).await;
        let later = lists(&world).await;
        let later = later.last().unwrap();
        assert!(later.contains(said), "{changes:?}: {later}");
    }
}

#[tokio::test]
async fn a_single_date_that_is_moved_before_it_has_a_list_is_asked_about_anew() {
    let world = World::new().await;
    let irina = world.irina().await;
    let series = tuesdays(&world, &irina).await;
    mail(&world, &irina, reply(&series, HIS, HIS, "DECLINED")).await;
    let path = format!("/api/v1/meetings/{series}");
    let dates = world.get(&irina, &path).await.json()["occurrence_ids"].clone();

    let path = format!("/api/v1/occurrences/{}/move", dates[3].as_str().unwrap());
    let moved = json!({ "starts_local": "2026-12-15T16:00" });
    assert_eq!(world.post(&irina, &path, moved).await.status, 200);

    weeks_pass(&world, 3).await;
    assert_eq!(
        lists(&world).await,
        [
            "2026-12-15T16:00 -:waiting -:waiting",
            "2026-12-22T10:00 declined:finished -:waiting",
        ]
    );
}

/// His calendar has the meeting at this start since this word of ours.
async fn told(world: &World, meeting: &str, starts_at: &serde_json::Value, since: u32) {
    let entry = json!({
        "sequence": since, "hours_since": since, "people": {}, "called_off": false,
        "plan": { "title": "Morning roll", "starts_at": starts_at, "lasts": 3_600_000, "room": "9000" },
    });
    let followed = store::Followed {
        entries: vec![(meeting.parse().unwrap(), entry.to_string())],
        ..store::Followed::default()
    };
    let company = world.northway();
    world
        .store
        .follow(company, "calendars", 1, &followed)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_answer_to_an_hour_that_holds_no_more_does_not_count() {
    let world = World::new().await;
    let irina = world.irina().await;
    let made = world.meeting(&irina).await;
    let (id, date) = (
        made["id"].as_str().unwrap(),
        made["occurrence_ids"][0].as_str().unwrap(),
    );
    // He accepted ten o'clock, then it became eleven, and his answer comes now.
    let accepted = |sequence: u32| {
        let numbered = format!("SEQUENCE:{sequence}\r\nATTENDEE");
        reply(id, HIS, HIS, "ACCEPTED").replace("ATTENDEE", &numbered)
    };
    let path = format!("/api/v1/meetings/{id}");
    told(&world, id, &made["starts_at"], 0).await;
    let later = json!({ "starts_local": "2026-11-23T11:00" });
    let moved = world.ask(&irina, "PATCH", &path, Some(later)).await.json();
    let untold = mail(&world, &irina, accepted(0)).await.json();
    assert_eq!(
        untold["outdated"], true,
        "he cannot know yet that it was moved"
    );
    told(&world, id, &moved["starts_at"], 1).await;

    let old = mail(&world, &irina, accepted(0)).await.json();

    assert_eq!(
        (&old["recorded"], &old["outdated"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        invitation(&world, &irina, date, 0).await["rsvp"],
        json!(null)
    );
    let new = mail(&world, &irina, accepted(1)).await.json();
    assert_eq!(
        (&new["recorded"], &new["outdated"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        invitation(&world, &irina, date, 0).await["rsvp"],
        "accepted"
    );
}

#[tokio::test]
async fn of_two_answers_that_come_in_the_wrong_order_the_later_one_counts() {
    let world = World::new().await;
    let irina = world.irina().await;
    let made = world.meeting(&irina).await;
    let (id, date) = (
        made["id"].as_str().unwrap(),
        made["occurrence_ids"][0].as_str().unwrap(),
    );
    let says = |what: &str, stamp: &str| {
        let stamped = format!("DTSTAMP:{stamp}\r\nATTENDEE");
        reply(id, HIS, HIS, what).replace("ATTENDEE", &stamped)
    };

    mail(&world, &irina, says("DECLINED", "20261122T120000Z")).await;
    let late = mail(&world, &irina, says("ACCEPTED", "20261122T110000Z")).await;

    assert_eq!(late.json()["outdated"], true);
    assert_eq!(
        invitation(&world, &irina, date, 0).await["rsvp"],
        "declined"
    );
    mail(&world, &irina, says("ACCEPTED", "20261122T130000Z")).await;
    assert_eq!(
        invitation(&world, &irina, date, 0).await["rsvp"],
        "accepted"
    );
}
