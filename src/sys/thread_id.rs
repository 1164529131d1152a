//! The system's number of a thread, as debuggers and profilers show it.

/// The calling thread's number.
pub fn current() -> u64 {
    #[cfg(loom)]
    return super::thread_identity::current();
    #[cfg(all(not(loom), target_os = "linux"))]
    // By number, because glibc has had the function only since 2.30.
    // SAFETY: takes no arguments.
    return unsafe { libc::syscall(libc::SYS_gettid) }.unsigned_abs();
    #[cfg(all(not(loom), target_os = "macos"))]
    {
        let mut number = 0;
        // SAFETY: 0 is the calling thread; a writable result.
        unsafe { libc::pthread_threadid_np(0, &mut number) };
        return number;
    }
    #[cfg(all(not(loom), windows))]
    // SAFETY: takes no arguments.
    return u64::from(unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() });
    #[cfg(all(not(loom), not(any(target_os = "linux", target_os = "macos", windows))))]
    return super::thread_identity::current();
}
