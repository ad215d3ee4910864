//! What the media threads ask of the system beyond sockets.
#![expect(unsafe_code, reason = "the system calls exist in C alone")]

/// Between the usual 0 and the most urgent -20.
const NICENESS: libc::c_int = -11;

/// Asks the system to run this thread before others: audio that is late is lost. Without
/// the privilege it stays as it is.
pub fn prefer_this_thread() {
    // SAFETY: plain integers; on Linux 0 means the calling thread.
    let preferred = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    if preferred != 0 {
        tracing::debug!("Media threads run at normal priority");
    }
}

/// Returns to the system what the allocator keeps of memory that nobody uses any more. Hundreds of
/// greetings at once take twice what hundreds of listeners do later, and it would keep that for good.
///
/// It takes a millisecond or two, in which a media thread waits only if it allocates just then: not
/// while its rooms are settled.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches nothing but what has been freed.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Raises the number of files the process may have open to the most it is allowed: each
/// member has two sockets, and the usual 1024 would end at five hundred members.
pub fn allow_many_sockets() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls are given a live structure that they read or fill.
    let raised = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
        }
    };
    if !raised {
        tracing::warn!("The number of open files stays limited, and so does that of members");
    }
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    /// Pages of memory of its own that the process has.
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let mut pages = statm.split_whitespace().skip(1);
        let mut next = || pages.next().unwrap().parse::<usize>().unwrap();
        next() - next()
    }

    #[test]
    fn what_many_have_used_and_freed_is_given_back_though_a_few_stay() {
        let mut all: Vec<Vec<u8>> = (0..40_000).map(|_| vec![1; 1_000]).collect();
        let most = resident();
        // Each five hundredth stays, as whoever is still there does.
        let mut nth = 0;
        all.retain(|_| {
            nth += 1;
            nth % 500 == 0
        });
        give_back_memory();

        assert_eq!(all.len(), 80);
        assert!(resident() < most - 5_000, "{} of {most} pages", resident());
    }
}
