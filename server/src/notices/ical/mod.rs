//! iCalendar (RFC 5545), as far as inviting needs it (iTIP, RFC 5546): written for
//! the invited, read from their answers. Pure: whoever calls says what time it is.

mod lines;
mod read;
mod write;
mod zones;

pub use lines::Property;
pub use read::{is_called, read_reply};
pub use write::{Entry, Moved, Person, Series, Times};
