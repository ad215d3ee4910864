//! Digest authentication, both sides (RFC 7616, RFC 8760; RFC 3261 §22).
//!
//! As server: SHA-256 is offered before MD5, `qop=auth` is required, nonces expire and
//! each may be used once per count. A nonce proves by itself that we made it, so
//! challenging a flood of strangers costs no memory; only nonces that were used with
//! the right secret are remembered. A nonce serves only where it was sent to, so that
//! wrong answers cannot be laid at another's door; those are counted in `backoff`.

mod backoff;
mod client;
mod server;

pub use client::{Answer, respond};
pub use server::{Asked, Authenticator, Proof};

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::{
    authority::Secret,
    scan::{self, hex},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    /// `None` for those we do not do (`-sess`, SHA-512-256).
    fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Some(Algorithm::Md5),
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Some(Algorithm::Sha256),
            Some(_) => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Sha256 => hex(&Sha256::digest(text.as_bytes())),
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
        }
    }
}

/// `H(username:realm:password)`.
pub fn ha1(algorithm: Algorithm, username: &str, realm: &str, secret: &Secret) -> String {
    match (secret, algorithm) {
        (Secret::Password(password), _) => {
            algorithm.hash(&format!("{username}:{realm}:{password}"))
        }
        (Secret::Ha1 { md5, .. }, Algorithm::Md5) => md5.clone(),
        (Secret::Ha1 { sha256, .. }, Algorithm::Sha256) => sha256.clone(),
    }
}

/// The fields of a challenge or of credentials, values unquoted.
#[derive(Debug, Clone, Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    /// `None` for another scheme and for what is malformed.
    fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = scan::trim(value).split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let fields = scan::split(rest, ',')?
            .into_iter()
            .map(|part| {
                let (name, value) = part.split_once('=')?;
                let name = scan::trim(name).to_ascii_lowercase();
                Some((name, scan::unquote(scan::trim(value))))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Fields(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        values.next().map(|(_, value)| value.as_str())
    }
}

/// What the `response` field must be with `qop=auth`, or without qop where `counted`
/// is `None` (RFC 2069 style servers).
fn response(
    algorithm: Algorithm,
    ha1: &str,
    nonce: &str,
    counted: Option<(&str, &str)>,
    method: &str,
    uri: &str,
) -> String {
    let ha2 = algorithm.hash(&format!("{method}:{uri}"));
    match counted {
        Some((nc, cnonce)) => algorithm.hash(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")),
        None => algorithm.hash(&format!("{ha1}:{nonce}:{ha2}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7616_come_out() {
        let uri = "/dir/index.html";
        let realm = "http-auth@example.org";
        let secret = Secret::Password("Circle of Life".into());
        let counted = Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"));
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let of = |algorithm| {
            let ha1 = ha1(algorithm, "Mufasa", realm, &secret);
            response(algorithm, &ha1, nonce, counted, "GET", uri)
        };
        assert_eq!(of(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            of(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }
}
