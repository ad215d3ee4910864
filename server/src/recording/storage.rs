//! What a recording is written on. A disk may be full at any write: whatever is
//! written must be able to take the last, half-written piece back.

use std::{
    fs::File,
    io::{self, Seek, Write},
};

/// A file, or in tests something that is full sooner.
pub trait Storage: Write + Seek {
    /// Cuts it off after so many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Brings it to where it survives the machine.
    fn settle(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
pub mod testing {
    use std::io::{Cursor, ErrorKind, SeekFrom};

    use super::*;

    /// A disk of so many bytes.
    pub struct Small {
        pub bytes: Cursor<Vec<u8>>,
        pub room: usize,
    }

    impl Small {
        pub fn new(room: usize) -> Self {
            Self {
                bytes: Cursor::default(),
                room,
            }
        }
    }

    impl Write for Small {
        /// Takes what still fits, as a disk does.
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            let at = usize::try_from(self.bytes.position()).unwrap();
            let fits = data.len().min(self.room.saturating_sub(at));
            if fits == 0 && !data.is_empty() {
                return Err(ErrorKind::StorageFull.into());
            }
            self.bytes.write(&data[..fits])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Small {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    impl Storage for Small {
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.bytes
                .get_mut()
                .truncate(usize::try_from(length).unwrap());
            Ok(())
        }

        fn settle(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
