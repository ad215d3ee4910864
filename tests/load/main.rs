//! `load`: how much a room bears.
//!
//! Places N real calls into a room over loopback, lets a few of them talk and one of
//! them send a marker, and reports what came out: calls up, delivered audio, the
//! delay from mouth to ear, and what it cost the server. JSON on standard output,
//! and with `--table` a table on standard error.
//!
//! Without `--server` it starts a server of its own. Only the rate of the codec is
//! fixed (G.711); the server does not know that it is measured.

mod caller;
mod marker;
mod phones;
mod process;
mod report;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use caller::{Account, Room};
use report::Report;
use tests::Server;

const USAGE: &str = "\
Usage: load [--members 50,100,200] [--talkers 3] [--seconds 20] [--table]
            [--server IP:PORT --room NUMBER --account USER --secret SECRET [--pid PID]]

Without --server, a server of its own is started (ROLLCALL_BIN names the binary).";

/// The company of the server started here.
const COMPANY: &str = include_str!("company.toml");

struct Options {
    members: Vec<usize>,
    talkers: usize,
    measure_for: Duration,
    table: bool,
    /// Fails unless all calls are up and most audio comes through.
    strict: bool,
    server: Option<SocketAddr>,
    pid: Option<u32>,
    room: String,
    account: Account,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            members: vec![50],
            talkers: 3,
            measure_for: Duration::from_secs(20),
            table: false,
            strict: false,
            server: None,
            pid: None,
            room: "9000".to_owned(),
            account: Account {
                user: "load".to_owned(),
                secret: "load-secret-1".to_owned(),
            },
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--table" => options.table = true,
                "--strict" => options.strict = true,
                "--members" => {
                    let list = value()?;
                    let members = list.split([',', ' ']).map(parsed).collect::<Result<_, _>>();
                    options.members = members?;
                }
                "--talkers" => options.talkers = parsed(&value()?)?,
                "--seconds" => options.measure_for = Duration::from_secs(parsed(&value()?)?),
                "--server" => options.server = Some(parsed(&value()?)?),
                "--pid" => options.pid = Some(parsed(&value()?)?),
                "--room" => options.room = value()?,
                "--account" => options.account.user = value()?,
                "--secret" => options.account.secret = value()?,
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(options)
    }
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
    let mut sound = true;
    if options.table {
        eprintln!("{}", Report::HEADINGS);
    }
    for &members in &options.members {
        // A server started here serves one run, so that no run inherits another's memory.
        let own = options.server.is_none().then(|| Server::start(COMPANY));
        let server = options.server.or(own.as_ref().map(|own| own.sip));
        let Some(server) = server else {
            return ExitCode::FAILURE;
        };
        let room = Room {
            server,
            number: &options.room,
            account: &options.account,
            pid: options.pid.or(own.as_ref().map(Server::pid)),
        };
        let report = match room
            .load(members, options.talkers, options.measure_for)
            .await
        {
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
    if options.strict && !sound {
        eprintln!("Not every call came up, or too little audio came through");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
