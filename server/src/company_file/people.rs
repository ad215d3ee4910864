//! `[[employees]]` and `[[employees.devices]]`.

use domain::{PhoneNumber, ShortNumber, Zone, employee::Secret};
use store::{PlannedDevice, PlannedDeviceKind, PlannedEmployee, PlannedLogin};

use super::{
    places,
    read::{LEVELS, Names},
};
use crate::toml_reader::{Section, Source};

/// Somebody being read: his name, and his place in the file, which tells him from a namesake.
struct Owner {
    name: String,
    place: String,
}

/// What stands for the kinds of device in the file.
#[derive(Clone, Copy)]
enum Kind {
    SipPhone,
    IpSim,
    Outside,
}

const KINDS: [(&str, Kind); 3] = [
    ("sip_phone", Kind::SipPhone),
    ("ip_sim", Kind::IpSim),
    ("outside", Kind::Outside),
];

/// The least a password must have: it is tried over the network.
const PASSWORD_LEAST: usize = 8;

/// Each with the password given for the web.
pub(super) fn employees(
    source: &mut Source<'_>,
    root: &mut Section<'_>,
    names: &mut Names,
) -> Vec<(PlannedEmployee, Option<String>)> {
    root.sections(source, "employees", |source, section| {
        let name = section.required_text(source, "name").map(str::to_owned);
        let owner = Owner {
            name: name.clone().unwrap_or_else(|| "somebody else".to_owned()),
            place: section.path(""),
        };
        let extension = extension(source, section, names, &owner);
        let group = section
            .text(source, "group")
            .map(|group| group.trim().to_owned())
            .filter(|group| !group.is_empty());
        let zone = section.parsed::<Zone>(source, "time_zone");
        let (login, password) = login(source, section, names);
        let devices = section.sections(source, "devices", |source, section| {
            device(source, section, names, &owner)
        });
        let phone_pin = places::pin(source, section, "phone_pin");
        let employee = PlannedEmployee {
            name: name?,
            group,
            extension: extension?,
            zone,
            login,
            phone_pin,
            devices,
        };
        Some((employee, password))
    })
}

fn extension(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
    owner: &Owner,
) -> Option<ShortNumber> {
    let text = section.required_text(source, "extension")?;
    let extension = match ShortNumber::parse_extension(text) {
        Ok(extension) => extension,
        Err(error) => {
            section.refuse(source, "extension", error.to_string());
            return None;
        }
    };
    if let Some(other) = names.take_inside(extension.as_str(), &owner.place, &owner.name) {
        section.refuse(
            source,
            "extension",
            format!("{extension} is taken by {other}"),
        );
    }
    Some(extension)
}

fn login(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
) -> (Option<PlannedLogin>, Option<String>) {
    let email = section
        .text(source, "email")
        .map(|email| email.trim().to_lowercase());
    let password = section.text(source, "password").map(str::to_owned);
    let level = section.word(source, "level", &LEVELS);
    let Some(email) = email else {
        if password.is_some() || level.is_some() {
            section.refuse(source, "email", "it is missing: a web login needs it");
        }
        return (None, None);
    };
    let sound = email.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && host.contains('.') && !email.contains(char::is_whitespace)
    });
    if !sound {
        section.refuse(
            source,
            "email",
            format!("\"{email}\" is not an address such as anna@northway.example"),
        );
    }
    if names.take("email", &email, &email).is_some() {
        section.refuse(source, "email", format!("{email} is in the file twice"));
    }
    if password
        .as_ref()
        .is_some_and(|password| password.chars().count() < PASSWORD_LEAST)
    {
        section.refuse(
            source,
            "password",
            format!("it is shorter than {PASSWORD_LEAST} characters"),
        );
    }
    (
        Some(PlannedLogin {
            email,
            password_hash: None,
            level: level.unwrap_or_default(),
        }),
        password,
    )
}

fn device(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
    owner: &Owner,
) -> Option<PlannedDevice> {
    if section.required_text(source, "kind").is_none() {
        refuse_the_rest(source, section);
        return None;
    }
    let Some(kind) = section.word(source, "kind", &KINDS) else {
        refuse_the_rest(source, section);
        return None;
    };
    let (kind, trunk, secret) = match kind {
        Kind::SipPhone => {
            let username = username(source, section, names, owner, true);
            let secret = secret(source, section);
            (
                PlannedDeviceKind::SipPhone {
                    username: username?,
                },
                None,
                secret,
            )
        }
        Kind::IpSim => {
            let mobile = number(source, section, names, "mobile", owner);
            let short = short(source, section, names, owner);
            let trunk = places::trunk(source, section, names);
            let username = username(source, section, names, owner, false);
            let secret = secret(source, section);
            if secret.is_some() && username.is_none() {
                section.refuse(
                    source,
                    "username",
                    "it is missing: a SIM that registers needs it",
                );
            }
            (
                PlannedDeviceKind::IpSim {
                    mobile: mobile?,
                    short: short?,
                    username,
                },
                trunk,
                secret,
            )
        }
        Kind::Outside => {
            let number = number(source, section, names, "number", owner);
            (PlannedDeviceKind::Outside { number: number? }, None, None)
        }
    };
    Some(PlannedDevice {
        kind,
        trunk,
        secret,
    })
}

/// Without a kind nothing is known about the other keys: they are not called unknown on top.
fn refuse_the_rest(source: &mut Source<'_>, section: &mut Section<'_>) {
    for key in ["username", "secret", "mobile", "short", "trunk", "number"] {
        section.text(source, key);
    }
}

fn username(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
    owner: &Owner,
    needed: bool,
) -> Option<String> {
    let username = if needed {
        section.required_text(source, "username")
    } else {
        section.text(source, "username")
    }?;
    let sound = !username.is_empty()
        && username
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'+".contains(&byte));
    if !sound {
        let message =
            format!("\"{username}\" is not a SIP user name: letters, digits and -_.!~*'+ alone");
        section.refuse(source, "username", message);
        return None;
    }
    if let Some(other) = names.take("user name", username, &owner.name) {
        section.refuse(
            source,
            "username",
            format!("{username} is taken by {other}"),
        );
    }
    Some(username.to_owned())
}

/// What a phone logs in with. A short one is guessed within a day.
fn secret(source: &mut Source<'_>, section: &mut Section<'_>) -> Option<Secret> {
    const LEAST: usize = 8;
    let secret = section.text(source, "secret")?;
    if secret.chars().count() < LEAST {
        section.refuse(
            source,
            "secret",
            format!("it is shorter than {LEAST} characters"),
        );
    }
    Some(Secret::new(secret))
}

fn number(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
    key: &'static str,
    owner: &Owner,
) -> Option<PhoneNumber> {
    let number = section.required::<PhoneNumber>(source, key)?;
    if let Some(other) = names.take("telephone number", number.digits(), &owner.name) {
        section.refuse(
            source,
            key,
            format!("{number} is already a device of {other}"),
        );
    }
    Some(number)
}

fn short(
    source: &mut Source<'_>,
    section: &mut Section<'_>,
    names: &mut Names,
    owner: &Owner,
) -> Option<ShortNumber> {
    let short = section.required::<ShortNumber>(source, "short")?;
    if let Some(other) = names.take_inside(short.as_str(), &owner.place, &owner.name) {
        section.refuse(source, "short", format!("{short} is taken by {other}"));
    }
    Some(short)
}
