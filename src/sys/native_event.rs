//! Events of the operating system that `poll`, `epoll`, `WaitForMultipleObjects` or a toolkit's
//! notifier can wait for. The events are level-triggered: once set, an event stays set. Programs
//! that the process starts do not inherit the events.

/// What C code gets: a file descriptor, on Windows a `HANDLE`.
pub type Raw = isize;

/// The system has no descriptor or handle left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEvent;

/// One event. It has a descriptor or handle of the library's own; callers get duplicates.
#[derive(Debug)]
pub struct NativeEvent(system::SystemEvent);

impl NativeEvent {
    /// An event that is not set.
    pub fn new() -> Result<Self, NoEvent> {
        system::SystemEvent::new().map(Self)
    }

    /// Sets the event; from then on every wait for it returns at once.
    pub fn set(&self) {
        self.0.set();
    }

    /// A descriptor or handle of the same event, which the receiver closes.
    pub fn duplicate(&self) -> Result<Raw, NoEvent> {
        self.0.duplicate()
    }
}

/// Closes a descriptor or handle of `duplicate`. The caller must not pass any other. False: it was
/// not open.
pub fn close(raw: Raw) -> bool {
    system::close(raw)
}

#[cfg(unix)]
mod system {
    use super::{NoEvent, Raw};
    use std::fs::File;
    use std::io::Write;
    #[cfg(target_os = "linux")]
    use std::os::fd::FromRawFd;
    use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

    /// An eventfd, or a pipe whose read end is waited for and whose write end sets the event.
    #[derive(Debug)]
    pub struct SystemEvent {
        wait: File,
        write: Option<File>,
    }

    impl SystemEvent {
        #[cfg(target_os = "linux")]
        pub fn new() -> Result<Self, NoEvent> {
            // SAFETY: the call takes no pointers; a descriptor or -1 comes back.
            let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if descriptor < 0 {
                return Err(NoEvent);
            }
            // SAFETY: the descriptor is new, and nothing else owns it.
            let wait = File::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
            Ok(Self { wait, write: None })
        }

        #[cfg(not(target_os = "linux"))]
        pub fn new() -> Result<Self, NoEvent> {
            // The standard library's pipes are closed on exec.
            let (wait, write) = std::io::pipe().map_err(|_| NoEvent)?;
            let file = |end: OwnedFd| File::from(end);
            Ok(Self { wait: file(wait.into()), write: Some(file(write.into())) })
        }

        pub fn set(&self) {
            // An eventfd is set by a write of eight bytes. The write cannot be refused, because the
            // event was not set before.
            let mut end = self.write.as_ref().unwrap_or(&self.wait);
            let _ = end.write(&1_u64.to_ne_bytes());
        }

        pub fn duplicate(&self) -> Result<Raw, NoEvent> {
            let copy = self.wait.as_fd().try_clone_to_owned().map_err(|_| NoEvent)?;
            Ok(copy.into_raw_fd() as Raw)
        }
    }

    pub fn close(raw: Raw) -> bool {
        let Ok(descriptor) = i32::try_from(raw) else { return false };
        if descriptor < 0 {
            return false;
        }
        // SAFETY: the call only asks about a number.
        let open = unsafe { libc::fcntl(descriptor, libc::F_GETFD) >= 0 };
        // SAFETY: the descriptor is open, and the caller says that it is the caller's own.
        open && unsafe { libc::close(descriptor) == 0 }
    }
}

#[cfg(windows)]
mod system {
    use super::{NoEvent, Raw};
    use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
    use std::ptr::{null, null_mut};
    use windows_sys::Win32::Foundation::{CloseHandle, TRUE};
    use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent};

    #[derive(Debug)]
    pub struct SystemEvent(OwnedHandle);

    impl SystemEvent {
        pub fn new() -> Result<Self, NoEvent> {
            // SAFETY: the call gets no security descriptor and no name. The event is not inherited
            // and is never reset.
            let handle = unsafe { CreateEventW(null(), TRUE, 0, null()) };
            if handle.is_null() {
                return Err(NoEvent);
            }
            // SAFETY: the handle is new, and nothing else owns it.
            Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
        }

        pub fn set(&self) {
            // SAFETY: the handle stays open as long as `self` lives.
            unsafe { SetEvent(self.0.as_raw_handle()) };
        }

        pub fn duplicate(&self) -> Result<Raw, NoEvent> {
            let copy = self.0.as_handle().try_clone_to_owned().map_err(|_| NoEvent)?;
            Ok(copy.into_raw_handle() as Raw)
        }
    }

    pub fn close(raw: Raw) -> bool {
        let handle = raw as *mut core::ffi::c_void;
        // SAFETY: the caller says that the handle is the caller's own; the system refuses a value
        // that is not a handle.
        handle != null_mut() && raw != -1 && unsafe { CloseHandle(handle) != 0 }
    }
}
