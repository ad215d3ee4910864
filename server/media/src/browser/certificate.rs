//! The certificate we show to browsers, and the key in the one they show.
//!
//! Both are signed by nobody but themselves: whose a certificate is, its fingerprint in the
//! SDP tells. So nothing of X.509 matters but the key, and that the form is right.

use dimpl::DtlsCertificate;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const UTF8: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
/// `[0]`, in which the version stands.
const VERSION: u8 = 0xa0;

/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.2.840.10045.4.3.2
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
}

/// Makes a new key and signs its certificate with it.
pub fn generate() -> Result<DtlsCertificate, ring::error::Unspecified> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let private_key = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, private_key.as_ref(), &random)?;
    let mut serial = [0; 16];
    random.fill(&mut serial)?;
    // Positive, and without a zero in front.
    serial[0] = serial[0] & 0x7f | 0x40;

    let signed_by = der(SEQUENCE, &der(OBJECT, ECDSA_SHA256));
    let name = [der(OBJECT, COMMON_NAME), der(UTF8, b"Rollcall")].concat();
    let name = der(SEQUENCE, &der(SET, &der(SEQUENCE, &name)));
    // Nobody looks at the dates: the key lives as long as the process.
    let validity = [
        der(UTC_TIME, b"200101000000Z"),
        der(UTC_TIME, b"491231235959Z"),
    ]
    .concat();
    let kind = [der(OBJECT, EC_PUBLIC_KEY), der(OBJECT, P256)].concat();
    let key = [&[0], pair.public_key().as_ref()].concat();
    let key = [der(SEQUENCE, &kind), der(BIT_STRING, &key)].concat();
    let body = [
        der(VERSION, &der(INTEGER, &[2])),
        der(INTEGER, &serial),
        signed_by.clone(),
        name.clone(),
        der(SEQUENCE, &validity),
        name,
        der(SEQUENCE, &key),
    ]
    .concat();
    let body = der(SEQUENCE, &body);
    let signature = pair.sign(&random, &body)?;
    let signature = der(BIT_STRING, &[&[0], signature.as_ref()].concat());
    Ok(DtlsCertificate {
        certificate: der(SEQUENCE, &[body, signed_by, signature].concat()),
        private_key: private_key.as_ref().to_vec(),
    })
}

/// The key in a certificate, if it is of a curve that browsers use.
pub fn public_key(certificate: &[u8]) -> Option<(Curve, &[u8])> {
    let (body, _) = take(SEQUENCE, take(SEQUENCE, certificate)?.0)?;
    let rest = take(VERSION, body).map_or(body, |(_, rest)| rest);
    let (_, rest) = take(INTEGER, rest)?; // serial
    let (_, rest) = take(SEQUENCE, rest)?; // signed by
    let (_, rest) = take(SEQUENCE, rest)?; // issuer
    let (_, rest) = take(SEQUENCE, rest)?; // validity
    let (_, rest) = take(SEQUENCE, rest)?; // subject
    let (key, _) = take(SEQUENCE, rest)?;
    let (kind, bits) = take(SEQUENCE, key)?;
    let (algorithm, curve) = take(OBJECT, kind)?;
    let curve = match (algorithm, take(OBJECT, curve)?.0) {
        (EC_PUBLIC_KEY, P256) => Curve::P256,
        (EC_PUBLIC_KEY, P384) => Curve::P384,
        _ => return None,
    };
    let (&unused, point) = take(BIT_STRING, bits)?.0.split_first()?;
    (unused == 0).then_some((curve, point))
}

/// One element of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..=0x7f) => out.push(short),
        Ok(long) => out.extend([0x81, long]),
        // A certificate of ours has some hundred bytes.
        Err(_) => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// The content of the element that these bytes begin with, if it is one of this kind, and what
/// is behind it.
fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match length {
        0x81 => {
            let (&[length], rest) = rest.split_first_chunk()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        ..=0x7f => (usize::from(length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    #[test]
    fn a_certificate_of_ours_is_signed_by_the_key_in_it() {
        let ours = generate().unwrap();
        let (curve, key) = public_key(&ours.certificate).unwrap();
        assert_eq!((curve, key.len()), (Curve::P256, 65));

        let (whole, nothing) = take(SEQUENCE, &ours.certificate).unwrap();
        assert_eq!(nothing, []);
        let (_, behind) = take(SEQUENCE, whole).unwrap();
        let body = &whole[..whole.len() - behind.len()];
        let (_, signature) = take(SEQUENCE, behind).unwrap();
        let (signature, _) = take(BIT_STRING, signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(body, &signature[1..])
            .unwrap();
    }

    #[test]
    fn no_bytes_panic() {
        let ours = generate().unwrap().certificate;
        for at in 0..ours.len() {
            let mut bytes = ours.clone();
            bytes[at] = 0xff;
            _ = public_key(&bytes);
            _ = public_key(&ours[..at]);
        }
    }
}
