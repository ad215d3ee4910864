//! By which way somebody is written to.

use domain::{
    PhoneNumber, UserId, Zone,
    employee::{DeviceKind, Employee},
    meeting::{Invitee, Meeting},
    notice::Address,
};
use store::CompanyDirectory;

/// What somebody can be written to by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    pub name: String,
    pub mail: Option<String>,
    pub mobile: Option<PhoneNumber>,
}

impl Ways {
    pub fn to(invitee: &Invitee, company: &CompanyDirectory, meeting: Option<&Meeting>) -> Self {
        match invitee {
            Invitee::Employee(id) => company.employee(*id).map(Self::of).unwrap_or_default(),
            Invitee::Outside { name, number } => Self {
                name: name.clone().unwrap_or_else(|| number.to_string()),
                mail: meeting.and_then(|meeting| meeting.mail_of(invitee)),
                mobile: Some(number.clone()),
            },
        }
    }

    fn of(employee: &Employee) -> Self {
        let numbers = employee
            .devices
            .iter()
            .filter_map(|device| match &device.kind {
                DeviceKind::IpSim { mobile, .. } => Some((0, mobile)),
                DeviceKind::Outside { number } => Some((1, number)),
                DeviceKind::SipPhone { .. } => None,
            });
        Self {
            name: employee.name.clone(),
            mail: employee.login.as_ref().map(|login| login.email.clone()),
            mobile: numbers
                .min_by_key(|(rank, _)| *rank)
                .map(|(_, number)| number.clone()),
        }
    }

    /// The way for a short word: to the mobile where a gateway is set up, else by
    /// mail; where neither is, it is kept for whichever there is an address for.
    pub fn quick(&self, has_sms: bool, has_mail: bool) -> Option<Address> {
        let sms = || self.mobile.clone().map(Address::Sms);
        let mail = || self.mail.clone().map(Address::Mail);
        let (first, second) = if has_sms || !has_mail {
            (sms(), mail())
        } else {
            (mail(), sms())
        };
        first.or(second)
    }
}

/// On whose clocks somebody reads a time: his own, else the meeting's.
pub fn zone_of(invitee: &Invitee, company: &CompanyDirectory, meeting: Zone) -> Zone {
    match invitee {
        Invitee::Employee(id) => {
            let employee = company.employee(*id);
            employee
                .and_then(|employee| employee.zone)
                .unwrap_or(company.company.zone)
        }
        Invitee::Outside { .. } => meeting,
    }
}

/// The mailbox of whoever made the meeting, and his name.
pub fn organiser(company: &CompanyDirectory, user: UserId) -> Option<(&Employee, &str)> {
    let employee = company.employee_behind(user)?;
    Some((employee, employee.login.as_ref()?.email.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_word_goes_where_it_can_be_sent() {
        let both = Ways {
            name: "Oleg".to_owned(),
            mail: Some("oleg@northway.example".to_owned()),
            mobile: Some("+79162040001".parse().unwrap()),
        };
        let is_sms = |way: Option<Address>| matches!(way, Some(Address::Sms(_)));

        assert!(is_sms(both.quick(true, true)));
        assert!(!is_sms(both.quick(false, true)));
        assert!(
            is_sms(both.quick(false, false)),
            "kept until a gateway is set up"
        );
        let no_mobile = Ways {
            mobile: None,
            ..both
        };
        assert!(!is_sms(no_mobile.quick(true, true)));
        assert_eq!(Ways::default().quick(true, true), None);
    }
}
