//! Where the clock of a number hangs, where its country has but one.
//!
//! Countries of several zones are left out: a guess that is an hour off would
//! ring at night. So are numbers that do not say their country.

use crate::{number::PhoneNumber, time::Zone};

/// Country codes and the one zone of each. No code begins another.
const ZONES: &[(&str, &str)] = &[
    ("20", "Africa/Cairo"),
    ("27", "Africa/Johannesburg"),
    ("30", "Europe/Athens"),
    ("31", "Europe/Amsterdam"),
    ("32", "Europe/Brussels"),
    ("33", "Europe/Paris"),
    ("353", "Europe/Dublin"),
    ("354", "Atlantic/Reykjavik"),
    ("358", "Europe/Helsinki"),
    ("359", "Europe/Sofia"),
    ("36", "Europe/Budapest"),
    ("370", "Europe/Vilnius"),
    ("371", "Europe/Riga"),
    ("372", "Europe/Tallinn"),
    ("373", "Europe/Chisinau"),
    ("374", "Asia/Yerevan"),
    ("375", "Europe/Minsk"),
    ("380", "Europe/Kyiv"),
    ("381", "Europe/Belgrade"),
    ("385", "Europe/Zagreb"),
    ("386", "Europe/Ljubljana"),
    ("39", "Europe/Rome"),
    ("40", "Europe/Bucharest"),
    ("41", "Europe/Zurich"),
    ("420", "Europe/Prague"),
    ("421", "Europe/Bratislava"),
    ("43", "Europe/Vienna"),
    ("44", "Europe/London"),
    ("45", "Europe/Copenhagen"),
    ("46", "Europe/Stockholm"),
    ("47", "Europe/Oslo"),
    ("48", "Europe/Warsaw"),
    ("49", "Europe/Berlin"),
    ("65", "Asia/Singapore"),
    ("66", "Asia/Bangkok"),
    ("81", "Asia/Tokyo"),
    ("82", "Asia/Seoul"),
    ("84", "Asia/Ho_Chi_Minh"),
    ("86", "Asia/Shanghai"),
    ("852", "Asia/Hong_Kong"),
    ("90", "Europe/Istanbul"),
    ("91", "Asia/Kolkata"),
    ("971", "Asia/Dubai"),
    ("972", "Asia/Jerusalem"),
    ("992", "Asia/Dushanbe"),
    ("993", "Asia/Ashgabat"),
    ("994", "Asia/Baku"),
    ("995", "Asia/Tbilisi"),
    ("996", "Asia/Bishkek"),
    ("998", "Asia/Tashkent"),
];

/// The zone of a number that says its country, if that has one zone alone.
pub fn zone_of(number: &PhoneNumber) -> Option<Zone> {
    let digits = number
        .as_str()
        .strip_prefix('+')
        .or_else(|| number.as_str().strip_prefix("00"))?;
    let (_, zone) = ZONES.iter().find(|(code, _)| digits.starts_with(code))?;
    zone.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_its_zone_where_its_country_has_but_one() {
        let zone = |text: &str| {
            let number = PhoneNumber::parse(text).unwrap();
            zone_of(&number).map(|zone| zone.name())
        };

        assert_eq!(zone("+49 30 901820"), Some("Europe/Berlin"));
        assert_eq!(zone("0081 3 1234567"), Some("Asia/Tokyo"));
        assert_eq!(zone("+420 224 123456"), Some("Europe/Prague"));
        for several in [
            "+7 916 204-11-38",
            "+1 212 555 0100",
            "+61 2 1234",
            "030 901820",
        ] {
            assert_eq!(zone(several), None, "{several}");
        }
    }

    #[test]
    fn every_zone_of_the_table_exists_and_no_code_begins_another() {
        for (code, zone) in ZONES {
            assert!(zone.parse::<Zone>().is_ok(), "{zone}");
            let twins = ZONES.iter().filter(|(other, _)| other.starts_with(code));
            assert_eq!(twins.count(), 1, "{code}");
        }
    }
}
