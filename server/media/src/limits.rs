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
