//! Every fuzz target with what is known to be telling, and with random bytes.

mod targets;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use targets::TARGETS;

/// Cases that were found, and beginnings that lead somewhere.
#[test]
fn whatever_has_been_found_holds() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fuzz/corpus")
            .join(name);
        let mut cases = 0;
        for entry in fs::read_dir(&folder).expect("every target has a corpus") {
            let path = entry.expect("the folder is ours").path();
            println!("{}", path.display());
            target(&fs::read(&path).expect("the file is ours"));
            cases += 1;
        }
        assert!(cases > 0, "{name} has an empty corpus");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn whatever_bytes_come_every_target_holds(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }
}
