//! Real phones.
