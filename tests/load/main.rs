//! `load`: how much a server bears.
//!
//! Places N real calls over loopback, into one room or into many, lets a few talk in each, and
//! reports what came out: calls up, delivered audio, the delay through the mixer, and
//! what it cost the server. JSON on standard output, and with `--table` a table on
//! standard error; with `--bare`, beside it, what a program costs that only returns the packets.
//!
//! Without `--server` it starts a server of its own, which does not know that it is measured.

mod caller;
mod churn;
mod marker;
mod phones;
mod process;
mod reflector;
mod report;

use std::{fmt::Write, net::SocketAddr, process::ExitCode, time::Duration};

use caller::{Account, Load, LoadError, Site};
use churn::Churn;
use mixer::Codec;
use report::{Report, rounded};
use tests::Server;

const USAGE: &str = "\
Usage: load [--members 50,100,200] [--rooms 1] [--talkers 3] [--codecs pcmu,g722,opus]
            [--seconds 20] [--rate 50] [--table] [--bare] [--strict] [--churn MS]
            [--server IP:PORT --room NUMBER --account USER --secret SECRET [--pid PID]]

With --churn each call is hung up after so many ms, and what is measured is how long it
takes to join while RATE a second come and go.
Members are spread over the rooms, which have the numbers from NUMBER on.
Without --server, a server of its own is started (ROLLCALL_BIN names the binary).";

/// The company of the server started here, but for its rooms.
const COMPANY: &str = include_str!("company.toml");

/// A server's RTP port is not used again for so many seconds.
const PORT_RESTS: f64 = 6.0;

struct Options {
    members: Vec<usize>,
    rooms: usize,
    talkers: usize,
    codecs: Vec<Codec>,
    measure_for: Duration,
    rate: u32,
    /// How long each call stays, if they come and go.
    churn: Option<Duration>,
    table: bool,
    bare: bool,
    /// Fails unless all calls are up and most audio comes through.
    strict: bool,
    server: Option<SocketAddr>,
    pid: Option<u32>,
    room: u32,
    account: Account,
    /// Be the reflector of so many.
    reflect: Option<usize>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            members: vec![50],
            rooms: 1,
            talkers: 3,
            codecs: vec![Codec::Pcmu],
            measure_for: Duration::from_secs(20),
            rate: 50,
            churn: None,
            table: false,
            bare: false,
            strict: false,
            server: None,
            pid: None,
            room: 9_000,
            account: Account {
                user: "load".to_owned(),
                secret: "load-secret-1".to_owned(),
            },
            reflect: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--table" => options.table = true,
                "--bare" => options.bare = true,
                "--strict" => options.strict = true,
                "--members" => options.members = list(&value()?, parsed)?,
                "--codecs" => options.codecs = list(&value()?, codec)?,
                "--rooms" => options.rooms = parsed::<usize>(&value()?)?.max(1),
                "--talkers" => options.talkers = parsed(&value()?)?,
                "--seconds" => options.measure_for = Duration::from_secs(parsed(&value()?)?),
                "--rate" => options.rate = parsed(&value()?)?,
                "--churn" => options.churn = Some(Duration::from_millis(parsed(&value()?)?)),
                "--server" => options.server = Some(parsed(&value()?)?),
                "--pid" => options.pid = Some(parsed(&value()?)?),
                "--room" => options.room = parsed(&value()?)?,
                "--account" => options.account.user = value()?,
                "--secret" => options.account.secret = value()?,
                "--reflect" => options.reflect = Some(parsed(&value()?)?),
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(options)
    }
}

fn list<T>(text: &str, read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split([',', ' ']).map(read).collect()
}

fn codec(name: &str) -> Result<Codec, String> {
    [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus]
        .into_iter()
        .find(|codec| codec.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("'{name}' is no codec of ours"))
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is not understood"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    media::allow_many_sockets();
    if let Some(members) = options.reflect {
        return match reflector::run(members) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("Reflecting {members}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    if let Some(stays) = options.churn {
        return come_and_go(&options, stays).await;
    }
    let mut sound = true;
    if options.table {
        eprintln!("{}", Report::HEADINGS);
    }
    for &codec in &options.codecs {
        for &members in &options.members {
            let report = match measure(&options, members, codec).await {
                Ok(report) => report,
                Err(error) => {
                    eprintln!("{members} members: {error}");
                    return ExitCode::FAILURE;
                }
            };
            match serde_json::to_string(&report) {
                Ok(json) => println!("{json}"),
                Err(error) => eprintln!("The report cannot be written: {error}"),
            }
            if options.table {
                eprintln!("{}", report.row());
            }
            sound &= report.calls_up == members
                && report.delivered_share > 0.9
                && report.markers_share > 0.5;
        }
    }
    if options.strict && !sound {
        eprintln!("Not every call came up, or too little audio came through");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One run of this size, between two of the reflector if it is asked for.
async fn measure(options: &Options, members: usize, codec: Codec) -> Result<Report, LoadError> {
    let bare = || match options.bare {
        true => reflector::cost(members, codec, options.measure_for / 2).map(Some),
        false => Ok(None),
    };
    let before = bare()?;
    let report = serve(options, members, codec).await?;
    let after = bare()?;
    Ok(Report {
        reflector_ms_per_member_second: before
            .zip(after)
            .map(|(before, after)| rounded((before + after) / 2.0, 4)),
        ..report
    })
}

async fn come_and_go(options: &Options, stays: Duration) -> ExitCode {
    let churn = Churn {
        rate: options.rate,
        rooms: options.rooms,
        stays,
        place_for: options.measure_for,
    };
    // Those who are in, and those whose ports rest.
    let members = (f64::from(churn.rate) * (stays.as_secs_f64() + PORT_RESTS)) as usize;
    match with_site(options, members, async |site| site.churn(churn).await).await {
        Ok(report) => {
            match serde_json::to_string(&report) {
                Ok(json) => println!("{json}"),
                Err(error) => eprintln!("The report cannot be written: {error}"),
            }
            eprintln!("{}", report.row());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options, members: usize, codec: Codec) -> Result<Report, LoadError> {
    let load = Load {
        members,
        rooms: options.rooms,
        talkers: options.talkers,
        codec,
        rate: options.rate,
        measure_for: options.measure_for,
    };
    with_site(options, members, async |site| site.load(load).await).await
}

/// Tries something on the server that was named, or on one of our own.
async fn with_site<T>(
    options: &Options,
    members: usize,
    try_it: impl AsyncFnOnce(Site<'_>) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    // A server started here serves one run, so that no run inherits another's memory.
    let own = options.server.is_none().then(|| {
        // Two ports a member, and some that rest.
        let ports = u16::try_from(2 * members + 1_000).unwrap_or(u16::MAX);
        Server::start_with(&company(options.room, options.rooms), ports)
    });
    let (server, pid) = match (&own, options.server) {
        (Some(own), _) => (own.sip, Some(own.pid())),
        (None, Some(server)) => (server, options.pid),
        (None, None) => unreachable!("without a server we start one"),
    };
    let site = Site {
        server,
        number: options.room,
        account: &options.account,
        pid,
    };
    try_it(site).await
}

fn company(first: u32, rooms: usize) -> String {
    let mut company = COMPANY.to_owned();
    for number in (first..).take(rooms) {
        // Writing to a string cannot fail.
        _ = write!(
            company,
            "\n[[rooms]]\nnumber = \"{number}\"\nname = \"Room {number}\"\n"
        );
    }
    company
}
