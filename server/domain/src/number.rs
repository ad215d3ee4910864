//! Numbers people dial: telephone numbers and the company's own short numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::serde_as_text;

/// A telephone number: an optional `+` and 3 to 15 digits (E.164), nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "+79162041138"))]
pub struct PhoneNumber(String);

/// A number inside the company, 2 to 6 digits: an extension, a room, a short
/// number of a mobile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "9000"))]
pub struct ShortNumber(String);

/// Why a text is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing was given.
    #[error("The number is empty")]
    Empty,
    /// A letter or another sign that no number has.
    #[error("\"{found}\" at place {place} does not belong in a number")]
    BadCharacter {
        /// The sign.
        found: char,
        /// Its place, counted from 1.
        place: usize,
    },
    /// A plus that is not in front.
    #[error("The plus at place {place} belongs in front of the number")]
    MisplacedPlus {
        /// Its place, counted from 1.
        place: usize,
    },
    /// Too few or too many digits.
    #[error("The number has {digits} digits: expected {least} to {most}")]
    Length {
        /// How many it has.
        digits: usize,
        /// The least it may have.
        least: usize,
        /// The most it may have.
        most: usize,
    },
}

/// So many digits tell a line.
const SIGNIFICANT: usize = 9;

impl PhoneNumber {
    /// Reads a number as people write it: spaces, hyphens, dots, slashes and
    /// parentheses are dropped, anything else but digits and a leading plus refused.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let mut number = String::with_capacity(text.len());
        for (index, found) in text.chars().enumerate() {
            let place = index + 1;
            match found {
                '0'..='9' => number.push(found),
                '+' if number.is_empty() => number.push('+'),
                '+' => return Err(NumberError::MisplacedPlus { place }),
                '-' | '(' | ')' | '.' | '/' | '\u{2010}'..='\u{2013}' => {}
                _ if found.is_whitespace() => {}
                _ => return Err(NumberError::BadCharacter { found, place }),
            }
        }
        let digits = number.trim_start_matches('+').len();
        check_length(digits, 3, 15)?;
        Ok(Self(number))
    }

    /// The number as it is dialled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits, without the plus.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }

    /// Whether two spellings reach one subscriber: `+7 916 204-11-38`,
    /// `8 (916) 204-11-38` and `9162041138` do.
    ///
    /// Operators present a caller in the form they like. Fewer than nine digits
    /// in common prove nothing.
    pub fn same_line(&self, other: &Self) -> bool {
        if self.digits() == other.digits() {
            return true;
        }
        let (one, two) = (self.national(), other.national());
        let (short, long) = if one.len() < two.len() {
            (one, two)
        } else {
            (two, one)
        };
        short.len() >= SIGNIFICANT && long.ends_with(short)
    }

    /// The last digits, which all numbers of one line have in common.
    pub fn ending(&self) -> &str {
        let digits = self.digits();
        &digits[digits.len().saturating_sub(SIGNIFICANT)..]
    }

    /// The digits without a prefix that says "abroad" or "another town".
    fn national(&self) -> &str {
        let digits = self.digits();
        if self.0.starts_with('+') {
            return digits;
        }
        match digits.strip_prefix('8') {
            Some(rest) if rest.len() == 10 => rest,
            Some(_) | None => digits.trim_start_matches('0'),
        }
    }
}

impl ShortNumber {
    /// Reads a number of 2 to 6 digits.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        Self::parse_within(text, 2, 6)
    }

    /// Reads an employee's extension, 2 to 4 digits.
    pub fn parse_extension(text: &str) -> Result<Self, NumberError> {
        Self::parse_within(text, 2, 4)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse_within(text: &str, least: usize, most: usize) -> Result<Self, NumberError> {
        let text = text.trim();
        let stranger = text.chars().enumerate().find(|(_, c)| !c.is_ascii_digit());
        if let Some((index, found)) = stranger {
            let place = index + 1;
            return Err(NumberError::BadCharacter { found, place });
        }
        check_length(text.len(), least, most)?;
        Ok(Self(text.to_owned()))
    }
}

fn check_length(digits: usize, least: usize, most: usize) -> Result<(), NumberError> {
    match digits {
        0 => Err(NumberError::Empty),
        _ if (least..=most).contains(&digits) => Ok(()),
        _ => Err(NumberError::Length {
            digits,
            least,
            most,
        }),
    }
}

impl FromStr for PhoneNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl FromStr for ShortNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ShortNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text! { PhoneNumber ShortNumber }

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        assert_eq!(phone(" +7 (916) 204-11-38 ").as_str(), "+79162041138");
        assert_eq!(phone("030/901.820").as_str(), "030901820");
        assert_eq!(phone("+49\u{a0}30\u{2011}901820").as_str(), "+4930901820");
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_place() {
        let refused = |text| PhoneNumber::parse(text).unwrap_err();

        assert_eq!(refused(""), NumberError::Empty);
        assert_eq!(refused("+ -"), NumberError::Empty);
        assert_eq!(
            refused("8 800 FLOWERS"),
            NumberError::BadCharacter {
                found: 'F',
                place: 7
            }
        );
        assert_eq!(refused("7+916"), NumberError::MisplacedPlus { place: 2 });
        assert_eq!(
            refused("1234567890123456"),
            NumberError::Length {
                digits: 16,
                least: 3,
                most: 15
            }
        );
    }

    #[test]
    fn other_digits_than_ascii_are_no_digits() {
        assert!(PhoneNumber::parse("٣٤٥٦").is_err());
        assert!(ShortNumber::parse("１０１").is_err());
    }

    #[test]
    fn one_subscriber_is_known_in_every_spelling() {
        let mobile = phone("+79162041138");

        for spelling in ["79162041138", "89162041138", "9162041138", "0079162041138"] {
            assert!(mobile.same_line(&phone(spelling)), "{spelling}");
        }
        assert!(phone("+49309018200").same_line(&phone("0309018200")));
    }

    #[test]
    fn a_like_ending_is_not_the_same_subscriber() {
        assert!(!phone("+79162041138").same_line(&phone("+79262041138")));
        assert!(!phone("+79162041138").same_line(&phone("2041138")));
        assert!(!phone("+79162041138").same_line(&phone("+74952041138")));
    }

    #[test]
    fn short_numbers_have_their_lengths() {
        assert_eq!(ShortNumber::parse("9000").unwrap().as_str(), "9000");
        assert!(ShortNumber::parse("9").is_err());
        assert!(ShortNumber::parse("1234567").is_err());
        assert!(ShortNumber::parse_extension("12345").is_err());
        assert_eq!(
            ShortNumber::parse("90a0"),
            Err(NumberError::BadCharacter {
                found: 'a',
                place: 3
            })
        );
    }
}
