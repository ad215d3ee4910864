//! Which addresses belong to the world, and networks that are allowed besides.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of addresses: `10.1.0.0/16`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    pub fn holds(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                own.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.bits))
                    .unwrap_or(0);
                own.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a network such as 10.1.0.0/16");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| wrong())?,
            None => most,
        };
        if bits > most {
            return Err(wrong());
        }
        Ok(Network { address, bits })
    }
}

/// Whether an address is one of the world's, rather than of a machine, a house
/// or a provider's inside. An IPv6 address that carries an IPv4 one is judged by it.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match carried(ip) {
            Some(ip) => is_public_v4(ip),
            // Only 2000::/3 is given out to the world.
            None => {
                let [first, second, ..] = ip.segments();
                (first & 0xe000) == 0x2000 && (first, second) != (0x2001, 0x0db8)
            }
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let local = ip.is_private() || ip.is_loopback() || ip.is_link_local();
    let shared = a == 100 && (64..128).contains(&b);
    let special = matches!((a, b, c), (0, _, _) | (192, 0, 0) | (198, 18 | 19, _));
    !(local || shared || special || a >= 224 || ip.is_documentation())
}

/// The IPv4 address inside a NAT64 (RFC 6052), 6to4 (RFC 3056) or IPv4-compatible one.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let at = |first: u16, second: u16| Ipv4Addr::from((u32::from(first) << 16) | u32::from(second));
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, first, second] => Some(at(first, second)),
        [0x2002, first, second, ..] => Some(at(first, second)),
        [0, 0, 0, 0, 0, 0, first, second] => Some(at(first, second)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_worlds_addresses_are_public() {
        for inside in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(ip(inside)), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "93.184.215.14",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_public(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_alone() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.holds(ip("10.1.200.3")));
        assert!(network.holds(ip("::ffff:10.1.0.9")));
        assert!(!network.holds(ip("10.2.0.1")));
        assert!(!network.holds(ip("::1")));

        let one: Network = "::1".parse().unwrap();
        assert!(one.holds(ip("::1")) && !one.holds(ip("::2")));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.holds(ip("127.0.0.1")));
    }

    #[test]
    fn nonsense_is_no_network() {
        for wrong in ["", "10.0.0.0/33", "::/129", "localhost", "10.0.0.0/x"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
