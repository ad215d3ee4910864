//! Tells the processor what will be read soon.
//!
//! In a large room each member's state is looked at once in 20 ms, and between two of them the
//! kernel sends or receives a packet: by the time it is a member's turn nothing of him is in the
//! near caches, and to wait for it line by line takes as long as to mix. Asked for a turn or two
//! before, it is there. This changes when something is read, never what.
#![expect(unsafe_code, reason = "a hint to the processor takes an address")]

/// Bytes that are fetched at once.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Has a value, or the beginning of a large one, fetched.
#[inline]
pub fn fetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        /// No more lines than are worth it.
        const MOST: usize = 24;
        let lines = size_of::<T>().div_ceil(LINE).min(MOST);
        for line in 0..lines {
            let address = (&raw const *value).cast::<i8>().wrapping_add(line * LINE);
            // SAFETY: a prefetch reads nothing, and is harmless whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
