//! What a number says of its country: how it is written in full, and where its
//! clocks hang.
//!
//! Numbers reach us as people dial them, with the prefixes of the country they
//! are in; that is the company's, which its zone tells. Written in full (E.164),
//! they can be compared with what may be dialled and what that costs.
//!
//! The zone of a number decides when it is night there. Where its country has
//! several, the area code tells which; a mobile of the company's own country is
//! taken to be where the company is, and one of another may be anywhere: then
//! all zones count in which most of its people live, and it is quiet as long as
//! it is in any of them.

mod areas;

use crate::{number::PhoneNumber, time::Zone};

/// A country, or several that share a code.
#[derive(Debug)]
struct Country {
    /// Its code (ITU-T E.164), and no other begins with it.
    code: &'static str,
    /// What is dialled there before a national number; empty where nothing is.
    trunk_prefix: &'static str,
    /// Its parts: the first that fits counts, and the last one fits all.
    areas: &'static [Area],
}

/// Part of a country.
#[derive(Debug)]
struct Area {
    /// What its national numbers begin with; every number where there is none.
    begins: &'static [&'static str],
    /// Its zones; several where the number does not tell which.
    zones: &'static [&'static str],
}

const fn country(
    code: &'static str,
    trunk_prefix: &'static str,
    areas: &'static [Area],
) -> Country {
    Country {
        code,
        trunk_prefix,
        areas,
    }
}

const fn part(begins: &'static [&'static str], zones: &'static [&'static str]) -> Area {
    Area { begins, zones }
}

/// Fewer digits are no number that could be called from elsewhere.
const SHORTEST: usize = 7;

/// The countries known here, with what their numbering plans say (ITU-T E.164
/// and the national plans, 2026).
const COUNTRIES: &[Country] = &[
    country("1", "1", areas::NORTH_AMERICA),
    country("20", "0", &[part(&[], &["Africa/Cairo"])]),
    country("212", "0", &[part(&[], &["Africa/Casablanca"])]),
    country("213", "0", &[part(&[], &["Africa/Algiers"])]),
    country("216", "", &[part(&[], &["Africa/Tunis"])]),
    country("234", "0", &[part(&[], &["Africa/Lagos"])]),
    country("254", "0", &[part(&[], &["Africa/Nairobi"])]),
    country("27", "0", &[part(&[], &["Africa/Johannesburg"])]),
    country("30", "", &[part(&[], &["Europe/Athens"])]),
    country("31", "0", &[part(&[], &["Europe/Amsterdam"])]),
    country("32", "0", &[part(&[], &["Europe/Brussels"])]),
    country("33", "0", &[part(&[], &["Europe/Paris"])]),
    country("34", "", areas::SPAIN),
    country("351", "", areas::PORTUGAL),
    country("352", "", &[part(&[], &["Europe/Luxembourg"])]),
    country("353", "0", &[part(&[], &["Europe/Dublin"])]),
    country("354", "", &[part(&[], &["Atlantic/Reykjavik"])]),
    country("355", "0", &[part(&[], &["Europe/Tirane"])]),
    country("356", "", &[part(&[], &["Europe/Malta"])]),
    country("357", "", &[part(&[], &["Asia/Nicosia"])]),
    country("358", "0", &[part(&[], &["Europe/Helsinki"])]),
    country("359", "0", &[part(&[], &["Europe/Sofia"])]),
    country("36", "06", &[part(&[], &["Europe/Budapest"])]),
    country("370", "0", &[part(&[], &["Europe/Vilnius"])]),
    country("371", "", &[part(&[], &["Europe/Riga"])]),
    country("372", "", &[part(&[], &["Europe/Tallinn"])]),
    country("373", "0", &[part(&[], &["Europe/Chisinau"])]),
    country("374", "0", &[part(&[], &["Asia/Yerevan"])]),
    country("375", "80", &[part(&[], &["Europe/Minsk"])]),
    country("380", "0", &[part(&[], &["Europe/Kyiv"])]),
    country("381", "0", &[part(&[], &["Europe/Belgrade"])]),
    country("382", "0", &[part(&[], &["Europe/Podgorica"])]),
    country("385", "0", &[part(&[], &["Europe/Zagreb"])]),
    country("386", "0", &[part(&[], &["Europe/Ljubljana"])]),
    country("387", "0", &[part(&[], &["Europe/Sarajevo"])]),
    country("389", "0", &[part(&[], &["Europe/Skopje"])]),
    country("39", "", &[part(&[], &["Europe/Rome"])]),
    country("40", "0", &[part(&[], &["Europe/Bucharest"])]),
    country("41", "0", &[part(&[], &["Europe/Zurich"])]),
    country("420", "", &[part(&[], &["Europe/Prague"])]),
    country("421", "0", &[part(&[], &["Europe/Bratislava"])]),
    country("423", "", &[part(&[], &["Europe/Vaduz"])]),
    country("43", "0", &[part(&[], &["Europe/Vienna"])]),
    country("44", "0", &[part(&[], &["Europe/London"])]),
    country("45", "", &[part(&[], &["Europe/Copenhagen"])]),
    country("46", "0", &[part(&[], &["Europe/Stockholm"])]),
    country("47", "", &[part(&[], &["Europe/Oslo"])]),
    country("48", "", &[part(&[], &["Europe/Warsaw"])]),
    country("49", "0", &[part(&[], &["Europe/Berlin"])]),
    country("51", "0", &[part(&[], &["America/Lima"])]),
    country("52", "", areas::MEXICO),
    country("54", "0", &[part(&[], &["America/Argentina/Buenos_Aires"])]),
    country("55", "0", areas::BRAZIL),
    country("56", "", &[part(&[], &["America/Santiago"])]),
    country("57", "", &[part(&[], &["America/Bogota"])]),
    country("58", "0", &[part(&[], &["America/Caracas"])]),
    country("593", "0", &[part(&[], &["America/Guayaquil"])]),
    country("595", "0", &[part(&[], &["America/Asuncion"])]),
    country("598", "0", &[part(&[], &["America/Montevideo"])]),
    country("60", "0", &[part(&[], &["Asia/Kuala_Lumpur"])]),
    country("61", "0", areas::AUSTRALIA),
    country("62", "0", areas::INDONESIA),
    country("63", "0", &[part(&[], &["Asia/Manila"])]),
    country("64", "0", &[part(&[], &["Pacific/Auckland"])]),
    country("65", "", &[part(&[], &["Asia/Singapore"])]),
    country("66", "0", &[part(&[], &["Asia/Bangkok"])]),
    country("7", "8", areas::RUSSIA),
    country("81", "0", &[part(&[], &["Asia/Tokyo"])]),
    country("82", "0", &[part(&[], &["Asia/Seoul"])]),
    country("84", "0", &[part(&[], &["Asia/Ho_Chi_Minh"])]),
    country("852", "", &[part(&[], &["Asia/Hong_Kong"])]),
    country("86", "0", &[part(&[], &["Asia/Shanghai"])]),
    country("886", "0", &[part(&[], &["Asia/Taipei"])]),
    country("90", "0", &[part(&[], &["Europe/Istanbul"])]),
    country("91", "0", &[part(&[], &["Asia/Kolkata"])]),
    country("92", "0", &[part(&[], &["Asia/Karachi"])]),
    country("94", "0", &[part(&[], &["Asia/Colombo"])]),
    country("95", "0", &[part(&[], &["Asia/Yangon"])]),
    country("98", "0", &[part(&[], &["Asia/Tehran"])]),
    country("961", "0", &[part(&[], &["Asia/Beirut"])]),
    country("962", "0", &[part(&[], &["Asia/Amman"])]),
    country("965", "", &[part(&[], &["Asia/Kuwait"])]),
    country("966", "0", &[part(&[], &["Asia/Riyadh"])]),
    country("971", "0", &[part(&[], &["Asia/Dubai"])]),
    country("972", "0", &[part(&[], &["Asia/Jerusalem"])]),
    country("974", "", &[part(&[], &["Asia/Qatar"])]),
    country("992", "", &[part(&[], &["Asia/Dushanbe"])]),
    country("993", "8", &[part(&[], &["Asia/Ashgabat"])]),
    country("994", "0", &[part(&[], &["Asia/Baku"])]),
    country("995", "0", &[part(&[], &["Asia/Tbilisi"])]),
    country("996", "0", &[part(&[], &["Asia/Bishkek"])]),
    country("998", "", &[part(&[], &["Asia/Tashkent"])]),
];

impl Country {
    fn of(digits: &str) -> Option<&'static Self> {
        COUNTRIES
            .iter()
            .find(|country| digits.starts_with(country.code))
    }

    /// The country in which a company of this zone is.
    fn at(home: Zone) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| country.has(home))
    }

    fn has(&self, zone: Zone) -> bool {
        let mut zones = self.areas.iter().flat_map(|area| area.zones);
        zones.any(|name| *name == zone.name())
            || (self.code == "1" && areas::ALSO_NORTH_AMERICA.contains(&zone.name()))
            || (self.code == "7" && areas::ALSO_RUSSIA.contains(&zone.name()))
    }

    /// Where national numbers that begin like this are.
    fn zones(&self, national: &str) -> &'static [&'static str] {
        let fits = |area: &&Area| {
            area.begins.is_empty() || area.begins.iter().any(|one| national.starts_with(one))
        };
        self.areas.iter().find(fits).map_or(&[], |area| area.zones)
    }
}

/// The number as it is called from anywhere, if what it is dialled with at `home` tells;
/// otherwise as it is.
pub fn in_full(number: &PhoneNumber, home: Zone) -> PhoneNumber {
    full_digits(number, home)
        .and_then(|digits| PhoneNumber::parse(&format!("+{digits}")).ok())
        .unwrap_or_else(|| number.clone())
}

/// The digits of the number as it is called from anywhere.
fn full_digits(number: &PhoneNumber, home: Zone) -> Option<String> {
    let digits = number.digits();
    if number.as_str().starts_with('+') {
        return Some(digits.to_owned());
    }
    let country = Country::at(home);
    let abroad = match country.map(|country| country.code) {
        Some("1") => "011",
        Some("7") => "810",
        Some("61") => "0011",
        Some("81") => "010",
        Some("82" | "65" | "66" | "852") => "001",
        Some(_) | None => "00",
    };
    let rest = digits
        .strip_prefix(abroad)
        .or_else(|| digits.strip_prefix("00"));
    if let Some(rest) = rest.filter(|rest| rest.len() >= SHORTEST) {
        return Some(rest.to_owned());
    }
    let country = country?;
    let national = match (country.code, country.trunk_prefix) {
        // All their numbers have ten digits, and the prefix is often left out.
        ("1" | "7", prefix) => Some(digits)
            .filter(|digits| digits.len() == 11)
            .and_then(|digits| digits.strip_prefix(prefix))
            .or(Some(digits).filter(|digits| digits.len() == 10)),
        (_, "") => Some(digits),
        (_, prefix) => digits.strip_prefix(prefix),
    };
    let national = national.filter(|national| national.len() >= SHORTEST)?;
    Some(format!("{}{national}", country.code))
}

/// Where the clocks of a number may hang; none when nothing tells, so that it is taken to be
/// where the company is.
pub fn zones_of(number: &PhoneNumber, home: Zone) -> Vec<Zone> {
    let Some(digits) = full_digits(number, home) else {
        return Vec::new();
    };
    let Some(country) = Country::of(&digits) else {
        return Vec::new();
    };
    let zones = country.zones(&digits[country.code.len()..]);
    if zones.len() > 1 && country.has(home) {
        return Vec::new();
    }
    zones.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
