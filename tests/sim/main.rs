//! Whole roll calls on virtual time.
//!
//! The pure parts are run together exactly as the server runs them, with phones
//! that are scripts and a clock that jumps: an hour of retries takes a
//! millisecond. [`world`] is the server's glue and the telephone network in one;
//! the other modules are tests.

mod meeting;
mod mission;
mod properties;
mod restart;
mod vectors;
mod world;
