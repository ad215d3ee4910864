//! What operators tell of the lines behind their trunks, as evidence.
//!
//! Three ways, each set per trunk: subscriptions ([`Subscriptions`]: we hear of
//! every change), questions by HTTP ([`Asking`]: right before a line is called
//! and while somebody waits for it), and what the operator tells unasked
//! ([`OperatorSays`]). None of them delays anybody: a subscription that is down, an
//! interface that is slow and an answer that is nonsense leave the line as it was
//! known, with a word in the log.

mod answer;
mod asking;
mod subscriptions;

use domain::{DeviceId, PhoneNumber, TrunkId, employee::DeviceKind, line::LineKey};
use store::CompanyDirectory;

pub use answer::{Nonsense, OperatorSays, notice};
pub use asking::{Asking, Question, ask_for_the_waiting};
pub use subscriptions::{Subscriptions, evidence};

/// Where the number goes in the address of a status interface.
pub const NUMBER: &str = "{number}";

/// A line behind a trunk: whose operator may speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    pub device: DeviceId,
    pub number: PhoneNumber,
}

/// The IP-SIMs behind a trunk; one that names no trunk is behind the company's first.
pub fn lines_behind(company: &CompanyDirectory, trunk: TrunkId) -> Vec<Behind> {
    let first = company.trunks.first().map(|first| first.id);
    let devices = company
        .employees
        .iter()
        .flat_map(|employee| &employee.devices);
    devices
        .filter_map(|device| {
            let DeviceKind::IpSim { mobile, .. } = &device.kind else {
                return None;
            };
            let own = company.sim_trunks.get(&device.id).copied().or(first);
            (own == Some(trunk)).then(|| Behind {
                device: device.id,
                number: mobile.clone(),
            })
        })
        .collect()
}

/// The line of this number behind a trunk.
pub fn line_behind(
    company: &CompanyDirectory,
    trunk: TrunkId,
    number: &PhoneNumber,
) -> Option<LineKey> {
    lines_behind(company, trunk)
        .into_iter()
        .find(|line| line.number.same_line(number))
        .map(|line| LineKey::Device(line.device))
}
