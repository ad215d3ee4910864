//! The targets, as `mixer/tests/fuzz` and `server/media/tests/fuzz` have them.
#[path = "../../server/media/tests/fuzz/targets.rs"]
pub mod browsers;
#[path = "../../mixer/tests/fuzz/targets.rs"]
pub mod targets;
