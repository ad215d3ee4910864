//! The server: what glues the pure parts to the world.
//!
//! [`run`] starts everything. The rows are read by the [`scheduler`], which
//! hands what is due to the task of its room ([`conference`]); calls that come
//! in go through the [`exchange`]; [`lines`] and [`members`] hold what everybody
//! may look at; what is written to people leaves through [`notices`]; [`web`] is
//! the API over all of it.

mod accounts;
mod booth;
mod bridge;
mod browsers;
mod calibrator;
pub mod cli;
mod clock;
pub mod company_file;
mod conference;
pub mod config;
mod dialling;
mod directory;
mod exchange;
mod housekeeping;
pub mod http_out;
mod inflight;
mod lamps;
mod lead;
mod lines;
mod members;
mod notices;
mod operators;
mod own_calls;
mod people;
mod plans;
pub mod recorded_names;
mod recording;
mod registrations;
mod road;
mod run;
mod scheduler;
mod secretary;
pub mod series;
mod shared;
mod sounds;
mod switchboard;
mod toml_reader;
mod trunks;
pub mod web;
mod wire;

pub use clock::now;
pub use notices::signature;
pub use run::serve;
