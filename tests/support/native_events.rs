//! Finds out whether a native event is set, on each system.

use dcc_cancel::ffi::wait::dcc_native_event;

/// Whether the event is set now.
#[cfg(unix)]
pub fn is_set(event: dcc_native_event) -> bool {
    let mut one = libc::pollfd { fd: event as i32, events: libc::POLLIN, revents: 0 };
    // SAFETY: one writable entry.
    let ready = unsafe { libc::poll(&mut one, 1, 0) };
    assert!(ready == 0 || ready == 1 && one.revents == libc::POLLIN, "{ready}, {:#x}", one.revents);
    ready == 1
}

/// Whether the event is set now.
#[cfg(windows)]
pub fn is_set(event: dcc_native_event) -> bool {
    use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
    use windows_sys::Win32::System::Threading::WaitForSingleObject;
    // SAFETY: an event of this process.
    let answer = unsafe { WaitForSingleObject(event as _, 0) };
    assert!([WAIT_OBJECT_0, WAIT_TIMEOUT].contains(&answer), "{answer:#x}");
    answer == WAIT_OBJECT_0
}
