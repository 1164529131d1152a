//! The number and the name that the system gave a thread, as debuggers and profilers show them. To
//! tell threads apart, `thread_identity` is cheaper.

use std::io::{Read, Write};

/// The calling thread's number.
pub fn current() -> u64 {
    #[cfg(loom)]
    return super::thread_identity::current();
    #[cfg(all(not(loom), target_os = "linux"))]
    // Made as a system call by number, because glibc has the function `gettid` only since 2.30.
    // SAFETY: the call takes no arguments.
    return unsafe { libc::syscall(libc::SYS_gettid) }.unsigned_abs();
    #[cfg(all(not(loom), target_os = "macos"))]
    {
        let mut number = 0;
        // SAFETY: 0 is the calling thread, and the result is writable.
        unsafe { libc::pthread_threadid_np(0, &mut number) };
        return number;
    }
    #[cfg(all(not(loom), windows))]
    // SAFETY: the call takes no arguments.
    return u64::from(unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() });
    #[cfg(all(not(loom), not(any(target_os = "linux", target_os = "macos", windows))))]
    return super::thread_identity::current();
}

/// Room for the name of a thread.
pub type NameRoom = [u8; 32];

/// The name of a living thread of this process, written to `room`; `None` if the system does not
/// tell it.
pub fn name(thread: u64, room: &mut NameRoom) -> Option<&str> {
    if !cfg!(all(not(loom), target_os = "linux")) {
        return None;
    }
    let mut path = [0; 48];
    let mut rest = path.as_mut_slice();
    write!(rest, "/proc/self/task/{thread}/comm").ok()?;
    let left = rest.len();
    let path = std::str::from_utf8(&path[..path.len() - left]).ok()?;
    let length = std::fs::File::open(path).ok()?.read(room).ok()?;
    let name = std::str::from_utf8(&room[..length]).ok()?.trim_end_matches('\n');
    (!name.is_empty()).then_some(name)
}
