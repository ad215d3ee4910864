//! What a process costs, from `/proc` (proc(5)).

use std::fs;

/// The kernel's clock tick and page on every Linux we run on.
const TICK_MS: u64 = 10;
const PAGE_KIB: u64 = 4;

/// CPU time used so far, user and system, of all threads; ms.
pub fn cpu_ms(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets; what follows its last bracket does not.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * TICK_MS)
}

/// Resident memory of its own, KiB: without the pages of its program and libraries, of which more
/// are read in as more of it is used, whoever uses it.
pub fn memory_kib(pid: u32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut pages = statm.split_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(shared) * PAGE_KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_has_used_memory_and_time() {
        let pid = std::process::id();

        assert!(memory_kib(pid).unwrap() > 100);
        assert!(cpu_ms(pid).is_some());
        assert_eq!(cpu_ms(u32::MAX), None);
    }
}
