//! How the called side is reached: a colleague's phones, or a number over an operator.

use std::sync::Arc;

use domain::{CompanyId, EmployeeId, PhoneNumber, TrunkId, line::LineKey, trunk::Trunk};
use serde::{Deserialize, Serialize};
use sip::{Host, Party};

use super::record::Kept;
use crate::{
    clock,
    dialling::{Way, host_of, shown_number},
    shared::Shared,
};

/// The way to whom is called.
pub(super) struct Road {
    pub(super) way: Way,
    pub(super) line: LineKey,
    pub(super) over: Over,
}

/// What it leads over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Over {
    /// Directly to his phone.
    Direct,
    Trunk {
        id: TrunkId,
        number: PhoneNumber,
    },
}

/// The callee's phones that are registered; else his first number, over its operator.
pub(super) async fn way_to(shared: &Arc<Shared>, callee: EmployeeId, from: Party) -> Option<Road> {
    let page = shared.book.page();
    let (company, employee) = page.directory().employee(callee)?;
    let now = clock::now();
    for device in &employee.devices {
        // A phone that asked for quiet itself is passed over.
        if shared.lines.line(&device.line()).state(now).dnd {
            continue;
        }
        if let Some(way) = Way::to_phone(shared, device.id, from.clone()).await {
            return Some(Road {
                way,
                line: device.line(),
                over: Over::Direct,
            });
        }
    }
    // Nothing of his is registered: his first number, over its operator.
    employee.devices.iter().find_map(|device| {
        let number = device.kind.number()?;
        let own = company.sim_trunks.get(&device.id);
        let mut trunks: Vec<_> = company.trunks.iter().collect();
        let down = |trunk: &Trunk| shared.trunks.is_down(trunk.id);
        trunks.sort_by_key(|trunk| (down(trunk), Some(&trunk.id) != own, trunk.rank));
        let free = |trunk: &&Trunk| {
            let carried = shared.flights.on_trunk(trunk.id);
            trunk.channels.is_none_or(|channels| carried < channels)
        };
        let trunk = trunks.into_iter().find(free)?;
        let ours = shown_number(shared, trunk.id)?;
        let way = Way::over_trunk(trunk, number, from.display.clone(), &ours)?;
        Some(Road {
            way,
            line: device.line(),
            over: Over::Trunk {
                id: trunk.id,
                number: number.clone(),
            },
        })
    })
}

/// To a number outside, over the first operator that has a channel.
pub(super) fn way_outside(
    shared: &Arc<Shared>,
    company: CompanyId,
    number: &PhoneNumber,
    from: &Party,
) -> Option<Road> {
    let page = shared.book.page();
    let company = page.company(company)?;
    let mut trunks: Vec<_> = company.trunks.iter().collect();
    trunks.sort_by_key(|trunk| (shared.trunks.is_down(trunk.id), trunk.rank));
    let free = |trunk: &&Trunk| {
        let carried = shared.flights.on_trunk(trunk.id);
        trunk.channels.is_none_or(|channels| carried < channels)
    };
    let trunk = trunks.into_iter().find(free)?;
    let ours = shown_number(shared, trunk.id)?;
    let way = Way::over_trunk(trunk, number, from.display.clone(), &ours)?;
    Some(Road {
        way,
        line: LineKey::Number(number.clone()),
        over: Over::Trunk {
            id: trunk.id,
            number: number.clone(),
        },
    })
}

/// The same way once more, in another process.
pub(super) async fn way_again(shared: &Arc<Shared>, kept: &Kept) -> Option<Way> {
    let page = shared.book.page();
    match (&kept.over, &kept.callee.line) {
        (Over::Direct, LineKey::Device(device)) => {
            let owner = page.device(*device)?;
            let from = Party {
                display: kept.from.0.clone(),
                user: kept.from.1.clone(),
                host: host_of(&owner.company.company),
            };
            Way::to_phone(shared, *device, from).await
        }
        (Over::Trunk { id, number }, _) => {
            let (_, trunk) = page.trunk(*id)?;
            let ours = shown_number(shared, *id)?;
            Way::over_trunk(trunk, number, kept.from.0.clone(), &ours)
        }
        (Over::Direct, LineKey::Number(_)) => None,
    }
}

/// As whom an employee calls a colleague.
pub fn caller_party(company: &domain::company::Company, name: &str, extension: &str) -> Party {
    let host: Host = host_of(company);
    Party {
        display: Some(name.to_owned()),
        user: extension.to_owned(),
        host,
    }
}
