//! Reading what has arrived on a socket: one system call for all of it, each
//! datagram with the kernel's time of its arrival.
//!
//! The thread reads its sockets once a frame, so its own clock would say that
//! everything arrived just now; jitter, drift and round trips are only seen in
//! the kernel's time stamps (`SO_TIMESTAMPNS`). And `recvmmsg` finds out in the same
//! call that nothing more is there, where `recv` needs a second one.
//!
//! Even so the look that finds nothing costs. With a thousand listeners, whose packets
//! need not be heard at once, it is spared: each sends one packet a frame, and that one is
//! read. Whether more may be there shows in its age: a packet older than a frame is not the
//! frame's own.
//!
//! Here and in `limits` is all `unsafe` code of the media threads.
#![expect(
    unsafe_code,
    reason = "recvmmsg and its control messages exist in C alone"
)]

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};

use mixer::FRAME;

/// Datagrams of one call. A phone sends one a frame; more are read by the next call.
const BATCH: usize = 4;
/// An Ethernet frame; RTP is far smaller, and what is larger is cut and then refused.
const LARGEST: usize = 1_500;
/// Room for one control message with a `timespec`, and to spare.
const CONTROL: usize = 64;

/// Asks the kernel to note when datagrams arrive.
pub fn stamp_arrivals(socket: &impl AsRawFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets a connected socket hear and send to everybody again. It keeps the address and port it
/// was bound to, if both were named.
pub fn disconnect(socket: &impl AsRawFd) {
    // SAFETY: an address of zeros is valid plain data and outlives the call.
    let result = unsafe {
        let mut nobody: libc::sockaddr = mem::zeroed();
        nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
        libc::connect(
            socket.as_raw_fd(),
            &raw const nobody,
            size_of_val(&nobody) as libc::socklen_t,
        )
    };
    if result != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "Cannot disconnect a socket");
    }
}

/// A datagram and where and when it came from.
#[derive(Debug)]
pub struct Received<'a> {
    /// The reader's to change: what is encrypted is opened in its place.
    pub bytes: &'a mut [u8],
    pub from: SocketAddr,
    pub arrived: Instant,
}

/// Buffers for reading sockets one after the other.
pub struct Inbox {
    slots: Box<[Slot; BATCH]>,
    /// The same instant by both clocks: time stamps are by the wall.
    now: (Instant, SystemTime),
}

/// One datagram's memory; aligned for the control messages' headers.
#[repr(C, align(8))]
struct Slot {
    control: [u8; CONTROL],
    address: libc::sockaddr_storage,
    bytes: [u8; LARGEST],
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    pub fn new() -> Self {
        // SAFETY: all of a slot is plain bytes and integers, for which zeros are valid.
        let slot = || unsafe { mem::zeroed::<Slot>() };
        Self {
            slots: Box::new(std::array::from_fn(|_| slot())),
            now: (Instant::now(), SystemTime::now()),
        }
    }

    /// Compares the clocks; to be called before each round of reading.
    pub fn set_clock(&mut self) {
        self.now = (Instant::now(), SystemTime::now());
    }

    /// Hands over what has arrived on the socket, at most `most` datagrams (and a batch).
    pub fn read(&mut self, socket: &UdpSocket, most: usize, mut take: impl FnMut(Received<'_>)) {
        let mut taken = 0;
        while taken < most {
            let batch = self.read_batch::<BATCH>(socket, &mut take);
            taken += batch.count;
            if batch.count < BATCH {
                break;
            }
        }
    }

    /// Hands over the datagram that came first, and the others only if it is older than a
    /// frame: one that has just come may be left for the next frame.
    pub fn read_next(
        &mut self,
        socket: &UdpSocket,
        most: usize,
        mut take: impl FnMut(Received<'_>),
    ) {
        let first = self.read_batch::<1>(socket, &mut take);
        // One without a time stamp might be any age.
        let young = first
            .arrived
            .is_some_and(|arrived| self.now.0.saturating_duration_since(arrived) <= FRAME);
        if first.count > 0 && !young {
            self.read(socket, most, take);
        }
    }

    /// Everything, if it may be heard at once, or else what is next.
    pub fn sweep(
        &mut self,
        socket: &UdpSocket,
        heard: bool,
        most: usize,
        take: impl FnMut(Received<'_>),
    ) {
        if heard {
            self.read(socket, most, take);
        } else {
            self.read_next(socket, most, take);
        }
    }

    /// One system call, for so many datagrams at most.
    fn read_batch<const MOST: usize>(
        &mut self,
        socket: &UdpSocket,
        take: &mut impl FnMut(Received<'_>),
    ) -> Read {
        const { assert!(MOST <= BATCH) };
        let mut vectors: [libc::iovec; MOST] = std::array::from_fn(|i| libc::iovec {
            iov_base: self.slots[i].bytes.as_mut_ptr().cast(),
            iov_len: LARGEST,
        });
        let mut headers: [libc::mmsghdr; MOST] = std::array::from_fn(|i| {
            // SAFETY: a header of zeros is valid, and on some systems it has private padding.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            let slot = &mut self.slots[i];
            header.msg_hdr.msg_name = (&raw mut slot.address).cast();
            header.msg_hdr.msg_namelen = size_of_val(&slot.address) as libc::socklen_t;
            header.msg_hdr.msg_iov = &raw mut vectors[i];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = slot.control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL as _;
            header
        });
        // SAFETY: every header points to live memory of the length it names, which nothing
        // else touches during the call; without a time-out the last argument may be null.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                MOST as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        // An error is an empty socket or somebody's ICMP: either way there is no datagram.
        let mut read = Read {
            count: usize::try_from(count).unwrap_or(0),
            arrived: None,
        };
        let (wall, slots) = (self.now, self.slots.iter_mut());
        for (header, slot) in headers.iter().zip(slots).take(read.count) {
            let stamp = time_stamp(&header.msg_hdr).and_then(|stamp| instant(wall, stamp));
            read.arrived = stamp;
            let Some(from) = address(&slot.address) else {
                continue;
            };
            let length = (header.msg_len as usize).min(LARGEST);
            take(Received {
                bytes: &mut slot.bytes[..length],
                from,
                arrived: stamp.unwrap_or(wall.0),
            });
        }
        read
    }
}

/// What a system call has brought.
struct Read {
    count: usize,
    /// When the last of them came, if the kernel says so.
    arrived: Option<Instant>,
}

/// The wall clock may be set at any time: a stamp that makes no sense says nothing.
fn instant((now, wall): (Instant, SystemTime), stamp: SystemTime) -> Option<Instant> {
    let sane = Duration::from_secs(1);
    match wall.duration_since(stamp) {
        Ok(age) if age < sane => now.checked_sub(age),
        Err(ahead) if ahead.duration() < sane => now.checked_add(ahead.duration()),
        Ok(_) | Err(_) => None,
    }
}

/// The kernel's time stamp among a message's control messages.
fn time_stamp(header: &libc::msghdr) -> Option<SystemTime> {
    // SAFETY: the kernel has filled the control buffer up to msg_controllen, and both macros
    // stay within it. The data of a control message need not be aligned: it is read as such.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(control) = message.as_ref() {
            if control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SCM_TIMESTAMPNS
            {
                let time: libc::timespec = libc::CMSG_DATA(message)
                    .cast::<libc::timespec>()
                    .read_unaligned();
                let seconds = u64::try_from(time.tv_sec).ok()?;
                let nanos = u32::try_from(time.tv_nsec).ok()?;
                return SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is what the kernel wrote, and storage is
            // large and aligned enough for every address.
            let v4 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let address = SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id);
            Some(address.into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(any: &str) -> (UdpSocket, UdpSocket) {
        let ours = UdpSocket::bind(any).unwrap();
        stamp_arrivals(&ours).unwrap();
        let theirs = UdpSocket::bind(any).unwrap();
        theirs.connect(ours.local_addr().unwrap()).unwrap();
        (ours, theirs)
    }

    #[test]
    fn datagrams_are_read_in_order_with_source_and_time() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let (ours, theirs) = pair(any);
            let before = Instant::now();
            for i in 0..10u8 {
                theirs.send(&vec![i; usize::from(i) + 1]).unwrap();
            }
            let after = Instant::now();

            let mut inbox = Inbox::new();
            let mut seen = Vec::new();
            inbox.read(&ours, 64, |received| {
                assert_eq!(received.from, theirs.local_addr().unwrap());
                let slack = Duration::from_millis(50);
                assert!(received.arrived + slack >= before && received.arrived <= after + slack);
                seen.push(received.bytes.to_vec());
            });

            let sent: Vec<_> = (0..10u8).map(|i| vec![i; usize::from(i) + 1]).collect();
            assert_eq!(seen, sent);
        }
    }

    #[test]
    fn a_disconnected_socket_hears_everybody_again_at_the_same_port() {
        let any = || UdpSocket::bind("127.0.0.1:0").unwrap();
        // At a port that was asked for, as ours are: one that the kernel chose would be given back.
        let at = any().local_addr().unwrap();
        let (ours, theirs, other) = (UdpSocket::bind(at).unwrap(), any(), any());
        theirs.connect(at).unwrap();
        let mut inbox = Inbox::new();
        let mut heard = |expected: &[SocketAddr]| {
            theirs.send(b"x").unwrap();
            _ = other.send_to(b"x", at);
            let mut from = Vec::new();
            inbox.read(&ours, 8, |received| from.push(received.from));
            assert_eq!(from, expected);
        };
        let (a, b) = (theirs.local_addr().unwrap(), other.local_addr().unwrap());
        heard(&[a, b]);
        ours.connect(a).unwrap();
        heard(&[a]);
        disconnect(&ours);
        heard(&[a, b]);
        assert_eq!(ours.local_addr().unwrap(), at);
    }

    #[test]
    fn a_flood_is_read_in_portions_and_an_empty_socket_is_left_at_once() {
        let (ours, theirs) = pair("127.0.0.1:0");
        for _ in 0..20 {
            theirs.send(b"x").unwrap();
        }
        let mut inbox = Inbox::new();
        let mut portions = [0, 0, 0, 0];
        for portion in &mut portions {
            inbox.read(&ours, 8, |_| *portion += 1);
        }

        assert_eq!(portions, [8, 8, 4, 0]);
    }

    #[test]
    fn of_a_listener_the_next_packet_is_read_and_a_backlog_is_cleared() {
        let clock = || (Instant::now(), SystemTime::now());
        let (ours, theirs) = pair("127.0.0.1:0");
        let before = clock();
        for i in 0..5u8 {
            theirs.send(&[i]).unwrap();
        }
        let after = clock();
        let mut inbox = Inbox::new();
        let mut read_at = |(now, wall): (Instant, SystemTime)| {
            inbox.now = (now, wall);
            let mut seen = Vec::new();
            inbox.read_next(&ours, 64, |received| seen.push(received.bytes[0]));
            seen
        };
        // They have just come: the first is this frame's, and the others may wait.
        assert_eq!(read_at(before), [0]);
        assert_eq!(read_at(before), [1]);
        // They have waited longer than a frame.
        let later = (after.0 + FRAME * 2, after.1 + FRAME * 2);
        assert_eq!(read_at(later), [2, 3, 4]);
        assert_eq!(read_at(later), [0; 0]);
    }
}
