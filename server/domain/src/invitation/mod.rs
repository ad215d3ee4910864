//! One person expected at one occurrence: when he is called, and when no more.

mod status;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

pub use status::{
    Finish, LastAttempt, Next, Output, Phase, Rsvp, Standing, Status, StatusKind, Why,
};

use crate::{
    attempt::Route,
    id::{InvitationId, OccurrenceId},
    line::LineKey,
    meeting::Invitee,
    outcome::Outcome,
    role::Role,
    time::Millis,
};

/// One person × one occurrence. Persisted as a whole after every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// At what he is expected.
    pub occurrence: OccurrenceId,
    /// Who.
    pub invitee: Invitee,
    /// As what.
    pub role: Role,
    /// How far it is.
    status: Status,
    /// What he said about coming.
    rsvp: Option<Rsvp>,
    /// How many attempts there were.
    attempts: u32,
    /// The last one that is over.
    last: Option<LastAttempt>,
    /// What counts against further tries.
    tally: Tally,
    /// What was tried since he last had to wait.
    round: Vec<Route>,
    /// What is still to be carried out.
    outputs: VecDeque<Output>,
}

/// What counts against further tries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Tally {
    /// How often each outcome came.
    outcomes: BTreeMap<Outcome, u32>,
    /// When the busy tones began that have not ended yet.
    busy_since: Option<Millis>,
    /// How many rounds over all trunks failed, one after the other.
    network_rounds: u32,
    /// An attempt had sound but never rang.
    audio_only: bool,
    /// Lines that turned out not to exist.
    dead_lines: Vec<LineKey>,
}
