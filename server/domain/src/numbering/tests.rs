//! Numbers of several countries, from several companies.

use super::*;

const MOSCOW: &str = "Europe/Moscow";

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn full(text: &str, home: &str) -> String {
    let number = PhoneNumber::parse(text).unwrap();
    in_full(&number, zone(home)).to_string()
}

fn zones(text: &str, home: &str) -> Vec<&'static str> {
    let number = PhoneNumber::parse(text).unwrap();
    let zones = zones_of(&number, zone(home)).into_iter();
    zones.map(Zone::name).collect()
}

#[test]
fn a_number_is_written_in_full_by_the_prefixes_of_the_companys_country() {
    for (dialled, home, expected) in [
        ("0900 123456", "Europe/Berlin", "+49900123456"),
        ("030 901820", "Europe/Berlin", "+4930901820"),
        ("0049 30 901820", MOSCOW, "+4930901820"),
        ("8 10 49 30 901820", MOSCOW, "+4930901820"),
        ("8 809 555-12-34", MOSCOW, "+78095551234"),
        ("916 204-11-38", MOSCOW, "+79162041138"),
        ("1 900 555 0100", "America/Chicago", "+19005550100"),
        ("(310) 555-0100", "America/Toronto", "+13105550100"),
        ("011 44 20 7946 0000", "America/New_York", "+442079460000"),
        ("06 1 234 5678", "Europe/Budapest", "+3612345678"),
        ("612 345 678", "Europe/Madrid", "+34612345678"),
        ("06 1234 5678", "Europe/Rome", "+390612345678"),
        ("+33 1 40 20 50 50", MOSCOW, "+33140205050"),
    ] {
        assert_eq!(full(dialled, home), expected, "{dialled} at {home}");
    }
}

#[test]
fn what_does_not_tell_its_country_stays_as_it_is_dialled() {
    for (dialled, home) in [
        ("204-11-38", MOSCOW),
        ("901820", "Europe/Berlin"),
        ("0900123456", "UTC"),
        ("112", "Europe/Madrid"),
    ] {
        let number = PhoneNumber::parse(dialled).unwrap();
        assert_eq!(full(dialled, home), number.as_str(), "{dialled} at {home}");
    }
}

#[test]
fn an_area_code_tells_where_it_is_night() {
    for (number, expected) in [
        ("+1 310 555 0100", "America/Los_Angeles"),
        ("+1 212 555 0100", "America/New_York"),
        ("+1 602 555 0100", "America/Phoenix"),
        ("+7 423 222 3344", "Asia/Vladivostok"),
        ("8 401 222 3344", "Europe/Kaliningrad"),
        ("+7 495 120 4040", "Europe/Moscow"),
        ("+7 701 234 5678", "Asia/Almaty"),
        ("+61 8 9234 5678", "Australia/Perth"),
        ("+55 92 98123 4567", "America/Manaus"),
        ("+49 30 901820", "Europe/Berlin"),
        ("0081 3 1234567", "Asia/Tokyo"),
        ("+351 295 123 456", "Atlantic/Azores"),
    ] {
        assert_eq!(zones(number, MOSCOW), [expected], "{number}");
    }
}

#[test]
fn a_mobile_that_tells_no_area_is_at_home_or_anywhere_its_people_live() {
    let mobile = "+7 916 204-11-38";
    assert_eq!(zones(mobile, MOSCOW), [""; 0]);
    assert_eq!(zones(mobile, "Asia/Novosibirsk"), [""; 0]);
    assert_eq!(
        zones(mobile, "Europe/Berlin"),
        ["Europe/Moscow", "Asia/Yekaterinburg"]
    );
    assert_eq!(
        zones("+61 412 345 678", MOSCOW),
        ["Australia/Sydney", "Australia/Perth"]
    );
    // Of nowhere we know.
    assert_eq!(zones("+299 12 34 56", MOSCOW), [""; 0]);
    assert_eq!(zones("204-11-38", MOSCOW), [""; 0]);
}

#[test]
fn every_zone_exists_no_code_begins_another_and_no_area_hides_another() {
    for country in COUNTRIES {
        let twins = COUNTRIES
            .iter()
            .filter(|other| other.code.starts_with(country.code));
        assert_eq!(twins.count(), 1, "{}", country.code);
        let (last, before) = country.areas.split_last().unwrap();
        assert!(last.begins.is_empty(), "{} has no last line", country.code);
        assert!(before.iter().all(|area| !area.begins.is_empty()));
        let mut begins: Vec<_> = before.iter().flat_map(|area| area.begins).collect();
        let count = begins.len();
        begins.sort_unstable();
        begins.dedup();
        assert_eq!(begins.len(), count, "+{} names an area twice", country.code);
        for zone in country.areas.iter().flat_map(|area| area.zones) {
            assert!(zone.parse::<Zone>().is_ok(), "{zone}");
        }
    }
    for zone in areas::ALSO_NORTH_AMERICA.iter().chain(areas::ALSO_RUSSIA) {
        assert!(zone.parse::<Zone>().is_ok(), "{zone}");
    }
}
