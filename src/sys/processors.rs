//! How many threads of the process can run at the same time, asked without allocating memory. The
//! standard library reads files for that, and ends the process if there is no memory for their
//! names.

/// The number of processors that the calling thread may run on; 1 if the system does not tell.
pub fn count() -> usize {
    system::count().max(1)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    pub fn count() -> usize {
        // SAFETY: all zeros is a valid set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: 0 is the calling thread; the set is writable and of the size passed.
        let status = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
        if status != 0 {
            return 1;
        }
        // SAFETY: the system has filled the set in.
        usize::try_from(unsafe { libc::CPU_COUNT(&set) }).unwrap_or(1)
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod system {
    pub fn count() -> usize {
        // SAFETY: the call takes no pointers; its answer says whether it failed.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
    }
}

#[cfg(windows)]
mod system {
    /// The number of processors; 1 if the system does not tell. On Windows the standard library
    /// makes one call of the system and allocates nothing.
    pub fn count() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_as_many_as_the_standard_library_finds_or_more() {
        // The standard library also counts what a container's quota leaves, so it may find fewer.
        let found = std::thread::available_parallelism().unwrap().get();
        assert!(super::count() >= found);
    }
}
