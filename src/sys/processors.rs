//! How many threads of the process run at a time, asked without memory: the standard library reads files
//! for it, and ends the process where there is no memory for their names.

/// The processors that this thread may run on; 1 where the system does not tell.
pub fn count() -> usize {
    system::count().max(1)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    pub fn count() -> usize {
        // SAFETY: zero is a value of a set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: 0 is the calling thread; a writable set of that size.
        let status = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
        if status != 0 {
            return 1;
        }
        // SAFETY: a set that was filled in.
        usize::try_from(unsafe { libc::CPU_COUNT(&set) }).unwrap_or(1)
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod system {
    pub fn count() -> usize {
        // SAFETY: a question that cannot fail but by its answer.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
    }
}

#[cfg(windows)]
mod system {
    /// There it is one call of the system.
    pub fn count() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_as_many_as_the_standard_library_finds_or_more() {
        // It counts what a container's quota leaves.
        let found = std::thread::available_parallelism().unwrap().get();
        assert!(super::count() >= found);
    }
}
