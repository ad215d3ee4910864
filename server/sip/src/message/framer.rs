//! Cutting messages out of a stream (RFC 3261 §18.3).

use super::{
    MAX_MESSAGE,
    parse::{content_length, read_headers, skip_blank_lines, split_head},
};

/// What a stream brought next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Message(Vec<u8>),
    /// A keep-alive that wants a single CRLF back (RFC 5626 §3.5.1).
    Ping,
    /// No frame can be cut here, nor behind: handle these bytes for the sake of an
    /// answer, then close the connection.
    Broken(Vec<u8>),
}

/// Buffers a stream; never holds more than one message and the chunk last put in.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// So much of the buffer has been searched for the end of a head in vain: a peer
    /// that sends byte by byte does not make us search it all every time.
    searched: usize,
    broken: bool,
}

impl Framer {
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether a message has begun and not ended; a peer that stays so is stalling.
    pub fn is_partial(&self) -> bool {
        !skip_blank_lines(&self.buffer).is_empty()
    }

    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.broken {
            return None;
        }
        if self.buffer.starts_with(b"\r\n\r\n") {
            self.buffer.drain(..4);
            return Some(Frame::Ping);
        }
        // The other half of a ping may still be under way.
        if b"\r\n\r".starts_with(&self.buffer) {
            return None;
        }
        let blank = self.buffer.len() - skip_blank_lines(&self.buffer).len();
        self.buffer.drain(..blank);
        self.searched = self.searched.saturating_sub(blank);

        let from = self.searched.min(self.buffer.len());
        let Some((_, rest)) = split_head(&self.buffer[from..]) else {
            self.searched = self.buffer.len().saturating_sub(3);
            return (self.buffer.len() > MAX_MESSAGE).then(|| self.give_up());
        };
        let before_body = self.buffer.len() - rest.len();
        let head = &self.buffer[..before_body];
        let text = String::from_utf8_lossy(head);
        let (headers, _) = read_headers(text.lines().skip(1));
        // On a stream the length is mandatory; its absence means there is no body to find.
        let body = match content_length(&headers) {
            Ok(length) => length.unwrap_or(0),
            Err(_) => return Some(self.give_up()),
        };
        let Some(end) = before_body
            .checked_add(body)
            .filter(|end| *end <= MAX_MESSAGE)
        else {
            return Some(self.give_up());
        };
        if self.buffer.len() < end {
            return None;
        }
        self.searched = 0;
        Some(Frame::Message(self.buffer.drain(..end).collect()))
    }

    fn give_up(&mut self) -> Frame {
        self.broken = true;
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.truncate(MAX_MESSAGE);
        Frame::Broken(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody";
    const SECOND: &[u8] = b"BYE sip:a SIP/2.0\r\nl: 0\r\n\r\n";

    #[test]
    fn messages_are_found_however_the_stream_is_chopped() {
        let stream = [b"\r\n", FIRST, SECOND, b"\r\n\r\n", FIRST].concat();
        for size in 1..stream.len() {
            let mut framer = Framer::default();
            let mut frames = Vec::new();
            for chunk in stream.chunks(size) {
                framer.push(chunk);
                while let Some(frame) = framer.next_frame() {
                    frames.push(frame);
                }
            }
            let message = |bytes: &[u8]| Frame::Message(bytes.to_vec());
            assert_eq!(
                frames,
                [message(FIRST), message(SECOND), Frame::Ping, message(FIRST)]
            );
            assert!(!framer.is_partial());
        }
    }

    #[test]
    fn a_length_that_cannot_be_believed_ends_the_stream() {
        for length in ["-1", "x", "999999", "1\r\nl: 2"] {
            let mut framer = Framer::default();
            framer.push(format!("BYE sip:a SIP/2.0\r\nl: {length}\r\n\r\n").as_bytes());
            assert!(
                matches!(framer.next_frame(), Some(Frame::Broken(_))),
                "{length}"
            );
            framer.push(SECOND);
            assert_eq!(framer.next_frame(), None);
        }
    }

    #[test]
    fn a_head_without_end_is_not_buffered_for_ever() {
        let mut framer = Framer::default();
        framer.push(&vec![b'a'; MAX_MESSAGE]);
        assert_eq!(framer.next_frame(), None);
        framer.push(b"a");
        assert!(matches!(framer.next_frame(), Some(Frame::Broken(_))));
        assert!(!framer.is_partial());
    }
}
