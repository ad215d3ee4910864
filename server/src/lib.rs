//! The server.

pub mod web;
