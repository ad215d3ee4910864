//! What `rollcall serve` is told: by flag, by `ROLLCALL_*` variable, by file, in
//! this order, and what holds if nobody says anything.
//!
//! Every value knows where it came from, so that a wrong one is told in one
//! line that says what to change, and where.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use crate::{http_out::Network, notices::MailServer, toml_reader::Source};

/// The settings of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The database (unless a URL is given), the key of the secrets, recordings.
    pub data: PathBuf,
    pub http: SocketAddr,
    pub sip_udp: Vec<SocketAddr>,
    pub sip_tcp: Vec<SocketAddr>,
    /// Even ports carry RTP, the odd ones after them RTCP.
    pub rtp_ports: RangeInclusive<u16>,
    /// Where the audio of all browsers is received, at one UDP port.
    pub webrtc: Webrtc,
    /// What SIP and SDP name as ours, when it is not the address we listen on (NAT).
    pub public_address: Option<IpAddr>,
    /// Networks that requests of ours may reach though they are not public.
    pub http_out_allow: Vec<Network>,
    /// Certificates believed beside the public ones (PEM).
    pub http_out_ca: Option<PathBuf>,
    /// The name server asked which hosts serve an operator's name; the system's if there is none.
    pub dns: Option<SocketAddr>,
    /// PostgreSQL; SQLite in `data` if there is none.
    pub database_url: Option<String>,
    /// How long running calls may go on when the service is asked to end.
    pub drain: Duration,
    /// By what mails leave; they are kept and shown as not sent if there is nothing.
    pub mail: Option<Mail>,
    /// The board's address as people outside reach it, for links in mails.
    pub public_url: Option<String>,
    /// `info`, or a filter such as `info,sip=debug`.
    pub log: String,
}

/// Where browsers are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webrtc {
    /// At [`WEBRTC_PORT`] of the address SIP is spoken at, or any free port if it is taken.
    BesideSip,
    At(SocketAddr),
    /// Nobody comes in by browser.
    Off,
}

/// That of STUN, which many firewalls let out.
pub const WEBRTC_PORT: u16 = 3478;

/// The mail server, and in whose name mails leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// With the password.
    pub smtp_url: String,
    pub from: String,
}

/// The flags that every command which needs the server's settings takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// A TOML file with any of these settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder for the database and its key [default: data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Where the board and the API are served [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Where SIP is spoken, over UDP and TCP; `udp:` or `tcp:` in front means only that. A list with commas [default: 127.0.0.1:5060]
    #[arg(long, value_name = "ADDRESSES")]
    pub sip: Option<String>,
    /// The ports for audio [default: 20000-29999]
    #[arg(long, value_name = "FIRST-LAST")]
    pub rtp_ports: Option<String>,
    /// The UDP address for the audio of all browsers, or `off` [default: port 3478 beside SIP, or any free one if it is taken]
    #[arg(long, value_name = "ADDRESS")]
    pub webrtc: Option<String>,
    /// Our IP address as others see it, if it is not the one we listen on
    #[arg(long, value_name = "IP")]
    pub public_address: Option<String>,
    /// Networks that webhooks and status requests may reach though they are not public, such as 10.1.0.0/16. A list with commas
    #[arg(long, value_name = "NETWORKS")]
    pub http_out_allow: Option<String>,
    /// A PEM file with certificates to believe beside the public ones
    #[arg(long, value_name = "FILE")]
    pub http_out_ca: Option<String>,
    /// The name server to ask for the hosts of an operator's name, instead of the system's
    #[arg(long, value_name = "ADDRESS")]
    pub dns: Option<String>,
    /// A PostgreSQL database instead of the embedded one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// How many seconds running calls may go on after SIGTERM; new ones are turned away [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub drain: Option<String>,
    /// The mail server for invitations and reports, such as smtps://user:password@mail.example
    #[arg(long, value_name = "URL")]
    pub smtp_url: Option<String>,
    /// The address in whose name mails leave
    #[arg(long, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// The board's address as people outside reach it, for the links in mails
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// error, warn, info, debug, trace, or a filter such as info,sip=debug [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
}

/// One line that says what is wrong and where. The program ends with exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

const KEYS: &[&str] = &[
    "data",
    "http",
    "sip",
    "rtp_ports",
    "webrtc",
    "public_address",
    "http_out_allow",
    "http_out_ca",
    "dns",
    "database_url",
    "drain",
    "smtp_url",
    "mail_from",
    "public_url",
    "log",
];

/// A setting and where it came from.
#[derive(Debug, Clone)]
struct Setting {
    value: String,
    /// `--http`, `ROLLCALL_HTTP` or `rollcall.toml:3:8: http`.
    origin: String,
}

impl Config {
    /// Gathers the settings. `variable` looks up an environment variable.
    ///
    /// # Errors
    /// On an unknown key, a value that cannot be read, or a file that cannot be.
    pub fn load(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let file = match config_file(flags, &variable) {
            Some(path) => read_file(&path)?,
            None => Vec::new(),
        };
        let gathered = Gathered {
            flags,
            variable: &variable,
            file: &file,
        };

        let sip = gathered.parse("sip", "127.0.0.1:5060", sip_addresses)?;
        Ok(Self {
            data: gathered.get("data", "data").value.into(),
            http: gathered.parse("http", "127.0.0.1:8080", address)?,
            sip_udp: sip
                .iter()
                .filter(|(udp, _, _)| *udp)
                .map(|(_, _, at)| *at)
                .collect(),
            sip_tcp: sip
                .iter()
                .filter(|(_, tcp, _)| *tcp)
                .map(|(_, _, at)| *at)
                .collect(),
            rtp_ports: gathered.parse("rtp_ports", "20000-29999", ports)?,
            webrtc: gathered
                .parse_if_set("webrtc", webrtc)?
                .unwrap_or(Webrtc::BesideSip),
            public_address: gathered.parse_if_set("public_address", |text| {
                text.parse()
                    .map_err(|_| "expected an IP address such as 203.0.113.7".to_owned())
            })?,
            http_out_allow: gathered
                .parse_if_set("http_out_allow", networks)?
                .unwrap_or_default(),
            http_out_ca: gathered.find("http_out_ca").map(|file| file.value.into()),
            dns: gathered.parse_if_set("dns", |text| {
                SocketAddr::from_str(text).map_err(|_| {
                    "expected an address with a port, such as 192.0.2.53:53".to_owned()
                })
            })?,
            database_url: gathered.parse_if_set("database_url", database_url)?,
            drain: gathered.parse("drain", "30", seconds)?,
            mail: mail(&gathered)?,
            public_url: gathered.parse_if_set("public_url", public_url)?,
            log: gathered.parse("log", "info", log_filter)?,
        })
    }
}

fn config_file(flags: &Flags, variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    flags.config.clone().or_else(|| {
        variable("ROLLCALL_CONFIG")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    })
}

/// The settings of a file, in its order.
fn read_file(path: &std::path::Path) -> Result<Vec<(&'static str, Setting)>, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("Cannot read {name}: {error}")))?;
    let read = Source::new(&name, &text).read(|source, root| {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for &key in KEYS {
            let value = match key {
                "sip" | "http_out_allow" => root.texts(source, key).map(|list| list.join(",")),
                _ => root.text(source, key).map(str::to_owned),
            };
            found.extend(value.map(|value| (key, value)));
        }
        Some(found)
    });
    let first = |problems: Vec<crate::toml_reader::Problem>| {
        ConfigError(
            problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        )
    };
    let (found, places) = read.map_err(first)?;
    Ok(found
        .into_iter()
        .map(|(key, value)| {
            let origin = places.problem(key, "").to_string();
            (
                key,
                Setting {
                    value,
                    origin: origin.trim_end_matches(": ").to_owned(),
                },
            )
        })
        .collect())
}

struct Gathered<'a, V> {
    flags: &'a Flags,
    variable: &'a V,
    file: &'a [(&'static str, Setting)],
}

impl<V: Fn(&str) -> Option<String>> Gathered<'_, V> {
    fn find(&self, key: &'static str) -> Option<Setting> {
        if let Some(value) = self.flags.get(key) {
            let origin = format!("--{}", key.replace('_', "-"));
            return Some(Setting {
                value: value.clone(),
                origin,
            });
        }
        let name = format!("ROLLCALL_{}", key.to_uppercase());
        if let Some(value) = (self.variable)(&name).filter(|value| !value.is_empty()) {
            return Some(Setting {
                value,
                origin: name,
            });
        }
        self.file
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, setting)| setting.clone())
    }

    fn get(&self, key: &'static str, default: &str) -> Setting {
        self.find(key).unwrap_or_else(|| Setting {
            value: default.to_owned(),
            origin: key.to_owned(),
        })
    }

    fn parse<T>(
        &self,
        key: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let Setting { value, origin } = self.get(key, default);
        parse(value.trim())
            .map_err(|problem| ConfigError(format!("{origin}: \"{value}\": {problem}")))
    }

    fn parse_if_set<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.find(key)
            .map(|_| self.parse(key, "", parse))
            .transpose()
    }
}

impl Flags {
    fn get(&self, key: &str) -> Option<&String> {
        match key {
            "data" => self.data.as_ref(),
            "http" => self.http.as_ref(),
            "sip" => self.sip.as_ref(),
            "rtp_ports" => self.rtp_ports.as_ref(),
            "webrtc" => self.webrtc.as_ref(),
            "public_address" => self.public_address.as_ref(),
            "http_out_allow" => self.http_out_allow.as_ref(),
            "http_out_ca" => self.http_out_ca.as_ref(),
            "dns" => self.dns.as_ref(),
            "database_url" => self.database_url.as_ref(),
            "drain" => self.drain.as_ref(),
            "smtp_url" => self.smtp_url.as_ref(),
            "mail_from" => self.mail_from.as_ref(),
            "public_url" => self.public_url.as_ref(),
            "log" => self.log.as_ref(),
            _ => None,
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text)
        .map_err(|_| "expected an address with a port, such as 127.0.0.1:8080".to_owned())
}

/// Whether UDP, whether TCP, and where.
fn sip_addresses(text: &str) -> Result<Vec<(bool, bool, SocketAddr)>, String> {
    text.split(',')
        .map(|one| {
            let one = one.trim();
            let (udp, tcp, at) = match one.split_once(':') {
                Some(("udp", at)) => (true, false, at),
                Some(("tcp", at)) => (false, true, at),
                Some(_) | None => (true, true, one),
            };
            Ok((udp, tcp, address(at)?))
        })
        .collect()
}

fn networks(text: &str) -> Result<Vec<Network>, String> {
    let networks = text.split(',').map(|one| {
        Network::from_str(one.trim())
            .map_err(|_| "expected networks such as 10.1.0.0/16".to_owned())
    });
    networks.collect()
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong = || "expected a range such as 20000-29999, with two ports at least".to_owned();
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: u16 = first.trim().parse().map_err(|_| wrong())?;
    let last: u16 = last.trim().parse().map_err(|_| wrong())?;
    if first == 0 || first >= last {
        return Err(wrong());
    }
    Ok(first..=last)
}

fn webrtc(text: &str) -> Result<Webrtc, String> {
    if text == "off" {
        return Ok(Webrtc::Off);
    }
    SocketAddr::from_str(text)
        .map(Webrtc::At)
        .map_err(|_| "expected an address with a port, such as 0.0.0.0:3478, or \"off\"".to_owned())
}

fn database_url(text: &str) -> Result<String, String> {
    let known = ["postgres://", "postgresql://", "sqlite:"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    if known {
        Ok(text.to_owned())
    } else {
        Err("expected a URL such as postgres://user@host/database".to_owned())
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 60 * 60;
    match text.parse() {
        Ok(seconds) if seconds <= DAY => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err("expected seconds, from 0 to a day".to_owned()),
    }
}

/// Both, or neither: a server without a sender's name sends nothing.
fn mail<V: Fn(&str) -> Option<String>>(
    gathered: &Gathered<'_, V>,
) -> Result<Option<Mail>, ConfigError> {
    let smtp_url = gathered.find("smtp_url");
    let from = gathered.find("mail_from");
    let missing = |there: &Setting, other: &str| {
        ConfigError(format!("{}: {other} must be set too", there.origin))
    };
    match (smtp_url, from) {
        (Some(url), Some(from)) => {
            // What is wrong is told without the password that may be in it.
            MailServer::new(&url.value, &from.value).map_err(|problem| {
                ConfigError(format!("{} or {}: {problem}", url.origin, from.origin))
            })?;
            Ok(Some(Mail {
                smtp_url: url.value,
                from: from.value,
            }))
        }
        (Some(url), None) => Err(missing(&url, "mail_from")),
        (None, Some(from)) => Err(missing(&from, "smtp_url")),
        (None, None) => Ok(None),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let sound = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|sign: char| sign.is_whitespace() || sign == '?')
    });
    if sound {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("expected a URL such as https://pbx.example".to_owned())
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && tracing_subscriber::EnvFilter::try_new(text).is_ok();
    let level = |part: &str| {
        let level = part.rsplit('=').next().unwrap_or_default();
        ["error", "warn", "info", "debug", "trace", "off"].contains(&level)
    };
    if sound && text.split(',').all(level) {
        Ok(text.to_owned())
    } else {
        Err(
            "expected error, warn, info, debug, trace, or a filter such as info,sip=debug"
                .to_owned(),
        )
    }
}

/// The line for a port that cannot be listened on.
pub fn cannot_listen(what: &str, at: impl fmt::Display, error: &std::io::Error) -> ConfigError {
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program has this port".to_owned(),
        std::io::ErrorKind::AddrNotAvailable => {
            "this machine does not have this address".to_owned()
        }
        std::io::ErrorKind::PermissionDenied => "this port needs more rights".to_owned(),
        _ => error.to_string(),
    };
    ConfigError(format!("Cannot serve {what} on {at}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: Flags, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::load(&flags, variable).map_err(|error| error.to_string())
    }

    fn in_file(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.toml");
        std::fs::write(&path, text).unwrap();
        let read = load(
            Flags {
                config: Some(path.clone()),
                ..Flags::default()
            },
            &[],
        );
        read.map_err(|error| error.replace(&path.display().to_string(), "rollcall.toml"))
    }

    #[test]
    fn without_a_word_it_serves_on_loopback_alone() {
        let config = load(Flags::default(), &[]).unwrap();

        assert!(config.http.ip().is_loopback());
        assert!(
            config
                .sip_udp
                .iter()
                .chain(&config.sip_tcp)
                .all(|at| at.ip().is_loopback())
        );
        assert_eq!(config.sip_udp, config.sip_tcp);
        assert_eq!(config.database_url, None);
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.toml");
        std::fs::write(
            &path,
            "http = '127.0.0.1:1'\nlog = 'warn'\ndata = 'from-file'\n",
        )
        .unwrap();
        let flags = Flags {
            config: Some(path),
            http: Some("127.0.0.1:3".to_owned()),
            ..Flags::default()
        };

        let config = load(
            flags,
            &[("ROLLCALL_HTTP", "127.0.0.1:2"), ("ROLLCALL_LOG", "debug")],
        )
        .unwrap();

        assert_eq!(config.http.port(), 3);
        assert_eq!(config.log, "debug");
        assert_eq!(config.data, PathBuf::from("from-file"));
    }

    #[test]
    fn sip_may_be_told_by_transport() {
        let config =
            in_file("sip = ['udp:192.0.2.1:5060', 'tcp:[::1]:5061', '127.0.0.1:5070']\n").unwrap();

        assert_eq!(
            config.sip_udp,
            [
                "192.0.2.1:5060".parse().unwrap(),
                "127.0.0.1:5070".parse().unwrap()
            ]
        );
        assert_eq!(
            config.sip_tcp,
            [
                "[::1]:5061".parse().unwrap(),
                "127.0.0.1:5070".parse().unwrap()
            ]
        );
    }

    #[test]
    fn browsers_come_beside_sip_or_where_it_is_said_or_not_at_all() {
        let at = |text: &str| in_file(text).unwrap().webrtc;
        assert_eq!(at(""), Webrtc::BesideSip);
        assert_eq!(at("webrtc = 'off'\n"), Webrtc::Off);
        let named = "0.0.0.0:4000".parse().unwrap();
        assert_eq!(at("webrtc = '0.0.0.0:4000'\n"), Webrtc::At(named));
        let told = in_file("webrtc = '4000'\n").unwrap_err();
        assert!(told.starts_with("rollcall.toml:1:10: webrtc: \"4000\": expected an address"));
    }

    #[test]
    fn what_is_wrong_is_told_in_one_line_with_its_place() {
        let told = |text: &str| in_file(text).unwrap_err();

        assert_eq!(
            told("http = 'localhost'\n"),
            "rollcall.toml:1:8: http: \"localhost\": expected an address with a port, such as 127.0.0.1:8080"
        );
        assert!(
            told("\nhtpp = '127.0.0.1:1'\n")
                .starts_with("rollcall.toml:2:1: htpp: there is no such key here")
        );
        assert!(
            told("rtp_ports = 20000\n")
                .starts_with("rollcall.toml:1:13: rtp_ports: expected a text")
        );
        assert!(told("rtp_ports = '3-2'\n").contains("a range such as"));
        assert!(told("log = 'loud'\n").starts_with("rollcall.toml:1:7: log: \"loud\""));
        assert!(told("http_out_allow = ['home']\n").contains("networks such as 10.1.0.0/16"));
        assert!(told("database_url = 'mysql://x'\n").contains("postgres://"));
        assert_eq!(told("a = \n").lines().count(), 1);
    }

    #[test]
    fn mails_need_a_server_and_a_sender() {
        let told = |text: &str| in_file(text).unwrap_err();
        assert!(told("smtp_url = 'smtp://127.0.0.1:25'\n").contains("mail_from must be set too"));
        let wrong = told("smtp_url = 'mail:secret@x'\nmail_from = 'a@b.example'\n");
        assert!(wrong.contains("expected a URL such as smtps://") && !wrong.contains("secret@x"));
        assert!(told("public_url = 'pbx.example'\n").contains("https://pbx.example"));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let told = load(Flags::default(), &[("ROLLCALL_PUBLIC_ADDRESS", "home")]).unwrap_err();
        assert_eq!(
            told,
            "ROLLCALL_PUBLIC_ADDRESS: \"home\": expected an IP address such as 203.0.113.7"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let flags = Flags {
            config: Some("/no/such.toml".into()),
            ..Flags::default()
        };
        assert!(
            load(flags, &[])
                .unwrap_err()
                .starts_with("Cannot read /no/such.toml: ")
        );
    }
}
