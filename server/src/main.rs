//! The one program: `rollcall serve`, `rollcall simulate`, `rollcall company`.

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use rollcall::{
    cli::{self, Asked, Command, Company, Simulate},
    company_file,
    config::{Config, ConfigError, Flags},
};
use store::Store;
use tracing_subscriber::EnvFilter;

/// What a wrong setting or a port that is taken ends with.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(Asked::Run(command)) => *command,
        Ok(Asked::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(&error),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&ConfigError(format!("Cannot start: {error}"))),
    };
    match runtime.block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

async fn run(command: Command) -> Result<(), ConfigError> {
    match command {
        Command::Serve(flags) => {
            let config = settings(&flags)?;
            log_to_stderr(&config.log);
            let drain = config.drain;
            rollcall::serve(config, asked_to_drain(drain)).await
        }
        Command::Simulate(simulate) => play(simulate).await,
        Command::Company(Company::Apply { file, flags }) => {
            let store = open(&flags).await?;
            let said = company_file::apply(&store, &file, rollcall::now()).await?;
            println!("{said}");
            Ok(())
        }
        Command::Company(Company::Show { name, flags }) => {
            let store = open(&flags).await?;
            print!("{}", company_file::show(&store, name.as_deref()).await?);
            Ok(())
        }
    }
}

async fn play(simulate: Simulate) -> Result<(), ConfigError> {
    log_to_stderr("warn");
    let options = simulator::Options {
        lines: simulate.lines,
        server: simulate.server,
        trunk_listen: simulate.trunk_listen,
        events: simulate.events,
    };
    simulator::run(options, asked_to_stop())
        .await
        .map_err(|error| ConfigError(error.to_string()))
}

fn settings(flags: &Flags) -> Result<Config, ConfigError> {
    Config::load(flags, |name| std::env::var(name).ok())
}

async fn open(flags: &Flags) -> Result<Store, ConfigError> {
    let config = settings(flags)?;
    Store::open(&config.data, config.database_url.as_deref())
        .await
        .map_err(|error| ConfigError(error.to_string()))
}

fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Ctrl-C, or the end a service manager asks for.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("Signals can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("Signals can be listened to");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The end of service: Ctrl-C at once; what a service manager asks for when the calls
/// are over, the limit has come, or somebody asks again.
async fn asked_to_drain(limit: Duration) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("Signals can be listened to");
    let mut interrupt = signal(SignalKind::interrupt()).expect("Signals can be listened to");
    let patient = tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => false,
    };
    async move {
        if patient {
            tokio::select! {
                () = tokio::time::sleep(limit) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    }
}

fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("rollcall: {error}");
    ExitCode::from(WRONG)
}
