//! The store against a real database: SQLite, or PostgreSQL under `scripts/with-postgres`.

mod calls;
mod company;
mod events;
mod faults;
mod meetings;
mod notices;
mod people;
mod receipts;
