//! Every route, asked in process against a real SQLite store and a stand-in for
//! what is alive. Answers are snapshots: a change of the API shows as a diff.
//!
//! Ids are replaced by the order in which they appear, and the clock stands
//! still unless a test moves it.

mod world;

mod answers;
mod browser_calls;
mod company;
mod do_not_disturb;
mod errors;
mod event_numbers;
mod events;
mod guarded;
mod invitations;
mod isolation;
mod line_status;
mod lobby;
mod meetings;
mod members;
mod notices;
mod occurrences;
mod once;
mod openapi;
mod pages;
mod recorded_names;
mod recordings;
mod rooms;
mod series;
mod sessions;
mod templates;
mod trunks;
