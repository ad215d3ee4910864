//! Parts that several pages share.

pub mod carried;
pub mod fetched;
pub mod icon;
pub mod loudness;
pub mod menu;
pub mod offline;
pub mod own_name;
pub mod rail;
pub mod rows;
pub mod rules;
pub mod slot;
pub mod tip;
pub mod toast;
