//! Answering a challenge.

use super::{Algorithm, Fields, ha1, response};
use crate::{authority::Secret, command::OutboundCredentials, scan::quote};

/// What answers a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The realm that asked.
    pub realm: String,
    /// The value of `Authorization` or `Proxy-Authorization`.
    pub value: String,
}

/// The answer to the best of these challenges; `None` when there is none we may or can answer.
///
/// `nc` counts the uses of this nonce, from 1.
pub fn respond<'a>(
    challenges: impl Iterator<Item = &'a str>,
    credentials: &OutboundCredentials,
    method: &str,
    uri: &str,
    cnonce: &str,
    nc: u32,
) -> Option<Answer> {
    let (fields, algorithm) = challenges
        .filter_map(Fields::parse)
        .filter(|fields| match &credentials.realm {
            Some(realm) => fields.get("realm") == Some(realm),
            None => true,
        })
        .filter_map(|fields| {
            let algorithm = Algorithm::parse(fields.get("algorithm"))?;
            Some((fields, algorithm))
        })
        // The first is the server's preference (RFC 8760 §2.4).
        .next()?;
    let realm = fields.get("realm")?;
    let nonce = fields.get("nonce")?;
    let counts = match fields.get("qop") {
        None => false,
        Some(qop)
            if qop
                .split(',')
                .any(|q| q.trim().eq_ignore_ascii_case("auth")) =>
        {
            true
        }
        Some(_) => return None,
    };
    let secret = Secret::Password(credentials.password.clone());
    let ha1 = ha1(algorithm, &credentials.username, realm, &secret);
    let nc = format!("{nc:08x}");
    let counted = counts.then_some((nc.as_str(), cnonce));
    let answer = response(algorithm, &ha1, nonce, counted, method, uri);
    let mut value = format!(
        "Digest username={}, realm={}, nonce={}, uri={}, response=\"{answer}\", algorithm={}",
        quote(&credentials.username),
        quote(realm),
        quote(nonce),
        quote(uri),
        algorithm.name(),
    );
    if counts {
        value += &format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
    }
    if let Some(opaque) = fields.get("opaque") {
        value += &format!(", opaque={}", quote(opaque));
    }
    Some(Answer {
        realm: realm.to_owned(),
        value,
    })
}
