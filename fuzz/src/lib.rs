//! The targets, as `mixer/tests/fuzz` has them.
#[path = "../../mixer/tests/fuzz/targets.rs"]
pub mod targets;
