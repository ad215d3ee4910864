//! What the test suites share: a server of their own, and a way to talk to it.

pub mod api;
pub mod postgres;
pub mod server;
pub mod simulator;
pub mod wait;

pub use api::Api;
pub use server::Server;
