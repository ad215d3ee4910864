//! domain
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
