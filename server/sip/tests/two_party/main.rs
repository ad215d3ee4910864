//! Endpoints talking to each other on virtual time.

mod calls;
mod pair;
mod registrations;
mod sessions;
