//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::config::{ConfigError, Flags};

/// A PBX built around the conference: it calls the roll
#[derive(Debug, Clone, Parser)]
#[command(name = "rollcall", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve the board, the API and SIP
    Serve(Flags),
    /// Play phones, IP-SIMs and an operator for a server to call
    Simulate(Simulate),
    /// Load companies from files, and read them back
    #[command(subcommand)]
    Company(Company),
}

#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// What each line does
    #[arg(long, value_name = "FILE")]
    pub lines: PathBuf,
    /// The server's SIP address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5060")]
    pub server: SocketAddr,
    /// Where the operator of the simulated mobiles listens
    #[arg(long, value_name = "ADDRESS")]
    pub trunk_listen: Option<SocketAddr>,
    /// Tell what the lines live through, as JSON lines
    #[arg(long)]
    pub events: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum Company {
    /// Make a company what its file says; doing it again changes nothing
    Apply {
        file: PathBuf,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print a company as such a file, without its secrets
    Show {
        /// The company's name; not needed if there is only one
        name: Option<String>,
        #[command(flatten)]
        flags: Flags,
    },
}

/// What the command line came to.
#[derive(Debug)]
pub enum Asked {
    Run(Box<Command>),
    /// Help or the version: to be printed, and that is all.
    Print(String),
}

/// Reads the command line.
///
/// # Errors
/// One line that says what is wrong.
pub fn parse(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<Asked, ConfigError> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Asked::Run(Box::new(cli.command))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Ok(Asked::Print(error.render().to_string()))
            }
            _ => {
                let text = error.render().to_string();
                let said: Vec<&str> = text
                    .lines()
                    .take_while(|line| !line.starts_with("Usage:"))
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .collect();
                let line = said.join(" ");
                Err(ConfigError(format!(
                    "{} (see rollcall --help)",
                    line.trim_start_matches("error: ")
                )))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        parse(line.split(' ').map(Into::into))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_wrong_word_is_told_in_one_line() {
        assert!(told("rollcall serve --htpp 127.0.0.1:1").contains("'--htpp'"));
        assert!(told("rollcall company apply").contains("<FILE>"));
        assert_eq!(told("rollcall serve --htpp 127.0.0.1:1").lines().count(), 1);
    }

    #[test]
    fn a_command_takes_the_servers_settings() {
        let asked = parse(
            "rollcall company show Northway --data data/demo"
                .split(' ')
                .map(Into::into),
        )
        .unwrap();
        let Asked::Run(command) = asked else {
            panic!("{asked:?}")
        };
        let Command::Company(Company::Show { name, flags }) = *command else {
            panic!("{command:?}")
        };
        assert_eq!(name.as_deref(), Some("Northway"));
        assert_eq!(flags.data.as_deref(), Some("data/demo"));
    }
}
