//! Host names and the addresses behind them, remembered: whoever asks again is not
//! kept waiting, and a name server that is away for a while is not missed.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sip::{Lookup, SIP_PORT, Transport};

use crate::dns;

/// How long addresses serve before they are looked up anew: what the system tells has
/// no lifetime, and a service's is kept within these bounds.
const LEAST_LIFE: Duration = Duration::from_secs(5);
const USUAL_LIFE: Duration = Duration::from_secs(60);
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// Names remembered; beyond them the one that runs out first is forgotten.
const MAX_NAMES: usize = 1000;

#[derive(Debug, Clone)]
struct Known {
    addresses: Vec<SocketAddr>,
    until: Instant,
}

/// Cheap to share.
#[derive(Debug, Clone)]
pub struct Names {
    servers: Arc<[SocketAddr]>,
    known: Arc<Mutex<BTreeMap<Lookup, Known>>>,
}

impl Names {
    /// Asks this name server about services, or those of the system.
    pub fn new(server: Option<SocketAddr>) -> Self {
        let servers = server.map_or_else(dns::system_servers, |server| vec![server]);
        Names {
            servers: servers.into(),
            known: Arc::default(),
        }
    }

    /// What is remembered of a name, however old.
    pub fn known(&self, lookup: &Lookup) -> Vec<SocketAddr> {
        let known = self.lock();
        known
            .get(lookup)
            .map_or(Vec::new(), |known| known.addresses.clone())
    }

    /// The addresses of a name, the best first. What is remembered is told at once,
    /// and looked up anew behind the asker's back when it is old.
    pub async fn find(&self, lookup: &Lookup) -> Vec<SocketAddr> {
        let known = self.lock().get(lookup).cloned();
        match known {
            Some(known) if !known.addresses.is_empty() => {
                if known.until <= Instant::now() {
                    let (names, lookup) = (self.clone(), lookup.clone());
                    tokio::spawn(async move { names.look_up(&lookup).await });
                }
                known.addresses
            }
            Some(known) if known.until > Instant::now() => Vec::new(),
            Some(_) | None => self.look_up(lookup).await,
        }
    }

    /// Looks up anew. What was known stays while nothing is found.
    pub async fn look_up(&self, lookup: &Lookup) -> Vec<SocketAddr> {
        let (found, life) = self.ask(lookup).await;
        let mut known = self.lock();
        let addresses = match known.remove(lookup) {
            Some(before) if found.is_empty() => before.addresses,
            Some(_) | None => found,
        };
        if known.len() >= MAX_NAMES {
            let oldest = known.iter().min_by_key(|(_, known)| known.until);
            if let Some(oldest) = oldest.map(|(lookup, _)| lookup.clone()) {
                known.remove(&oldest);
            }
        }
        let until = Instant::now() + life.clamp(LEAST_LIFE, LONGEST_LIFE);
        let entry = Known {
            addresses: addresses.clone(),
            until,
        };
        known.insert(lookup.clone(), entry);
        addresses
    }

    /// The hosts of the service, where the name has one, else the name's own addresses.
    async fn ask(&self, lookup: &Lookup) -> (Vec<SocketAddr>, Duration) {
        let Lookup {
            name,
            transport,
            port,
        } = lookup;
        let own = addresses(name, port.unwrap_or(SIP_PORT));
        // A bare host of the local network has no services.
        if port.is_some() || !name.trim_end_matches('.').contains('.') {
            return lived(own.await);
        }
        let service = match transport {
            Transport::Udp => format!("_sip._udp.{name}"),
            Transport::Tcp => format!("_sip._tcp.{name}"),
        };
        let (services, own) = tokio::join!(dns::services(&service, &self.servers), own);
        let Some(services) = services.filter(|services| !services.is_empty()) else {
            return lived(own);
        };
        let life = services.iter().map(|service| service.ttl).min();
        let mut found = Vec::new();
        for service in dns::order(services, lot) {
            // A dot alone says that there is decidedly no such service.
            if !service.target.is_empty() {
                found.extend(addresses(&service.target, service.port).await);
            }
        }
        match found.is_empty() {
            true => lived(found),
            false => (found, life.unwrap_or(USUAL_LIFE)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Lookup, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long addresses without a lifetime of their own serve; none are asked for soon.
fn lived(found: Vec<SocketAddr>) -> (Vec<SocketAddr>, Duration) {
    let life = if found.is_empty() {
        LEAST_LIFE
    } else {
        USUAL_LIFE
    };
    (found, life)
}

async fn addresses(name: &str, port: u16) -> Vec<SocketAddr> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return vec![SocketAddr::new(ip, port)];
    }
    match tokio::net::lookup_host((name, port)).await {
        Ok(found) => found.collect(),
        Err(error) => {
            tracing::debug!(name, %error, "Name not found");
            Vec::new()
        }
    }
}

/// A number below the bound; the same each time where there is no randomness.
fn lot(bound: u32) -> u32 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_be_bytes(bytes) % bound.max(1),
        Err(_) => 0,
    }
}
