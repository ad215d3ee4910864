//! Somebody with a phone.

use std::collections::BTreeSet;

use domain::{
    AttemptId, DeviceId, Millis, OccurrenceId, PhoneNumber,
    employee::DeviceClass,
    line::{Line, LineKey},
    meeting::Invitee,
    reach::Candidate,
};

use super::phone::Script;

/// A person, his line, and what his phone does.
pub struct Person {
    pub name: String,
    pub invitee: Invitee,
    pub needs_key: bool,
    pub script: Script,
    pub line: Line,
    /// Every distinct call that reached his phone.
    pub rings: Vec<(Millis, AttemptId)>,
    /// Where he said no.
    pub declined: BTreeSet<OccurrenceId>,
    key: LineKey,
    number: PhoneNumber,
}

impl Person {
    pub fn new(
        index: usize,
        name: &str,
        invitee: Invitee,
        needs_key: bool,
        script: Script,
    ) -> Self {
        let number = Self::number_of(index);
        let key = match &invitee {
            Invitee::Employee(id) => LineKey::Device(DeviceId::from_uuid(id.uuid())),
            Invitee::Outside { number, .. } => LineKey::Number(number.clone()),
        };
        Self {
            name: name.to_owned(),
            invitee,
            needs_key,
            script,
            line: Line::default(),
            rings: Vec::new(),
            declined: BTreeSet::new(),
            key,
            number,
        }
    }

    pub fn number_of(index: usize) -> PhoneNumber {
        PhoneNumber::parse(&format!("+7916{index:07}")).expect("a number")
    }

    /// What is known of his only line.
    pub fn candidate(&self, now: Millis) -> Candidate {
        let view = self.line.state(now);
        Candidate {
            line: self.key.clone(),
            class: DeviceClass::IpSim,
            ..Candidate::of_number(&self.number, &view)
        }
    }
}
