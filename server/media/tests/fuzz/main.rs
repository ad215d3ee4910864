//! Every fuzz target with what is known to be telling, and with random bytes.

mod targets;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn the_request_of_the_rfc_is_answered() {
    targets::genuine_is_answered();
}

/// Cases that were found, and beginnings that lead somewhere.
#[test]
fn whatever_has_been_found_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/stun");
    for entry in fs::read_dir(&folder).expect("the folder is ours") {
        let path = entry.expect("the folder is ours").path();
        println!("{}", path.display());
        targets::stun(&fs::read(&path).expect("the file is ours"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_bytes_come_nobody_is_answered_who_does_not_know_the_password(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        targets::stun(&bytes);
    }
}
