//! From the datagrams of one member to his voice, one 20 ms frame at a time.
//!
//! ```text
//! datagram -> buffer (order, streams) -> decoder -> pcm -> stretch, drift -> frame
//!                 \-> delay (how late packets come)  \-> conceal (when none is there)
//! ```
//!
//! Each part is a file: [`buffer`] puts packets in order, [`delay`] learns how
//! late they tend to come and how the sender's clock drifts, [`conceal`] stands
//! in for what is lost, [`stretch`] takes out or puts in a pitch period, [`drift`]
//! resamples by parts in a million, and [`playout`] decides at every frame which
//! of them is needed.

pub mod buffer;
pub mod conceal;
pub mod delay;
pub mod drift;
pub mod playout;
pub mod stretch;

#[cfg(test)]
mod tests;

pub use playout::{Frame, Playout};
