//! The pages: each knows what it shows, and nothing of the others.

pub mod board;
pub mod calendar;
pub mod company;
pub mod history;
pub mod login;
pub mod nothing;
