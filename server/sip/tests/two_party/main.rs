//! Endpoints talking to each other on virtual time.

mod calls;
mod encrypted;
mod oracle;
mod pair;
mod publishing;
mod registrations;
mod scripted;
mod sessions;
mod solo;
mod trust;
mod watches;
mod watching;
