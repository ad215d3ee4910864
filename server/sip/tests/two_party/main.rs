//! Endpoints talking to each other on virtual time.

mod calls;
mod oracle;
mod pair;
mod registrations;
mod scripted;
mod sessions;
