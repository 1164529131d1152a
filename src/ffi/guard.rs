//! The single place where panics stop and errors become statuses.

use super::status::{self, DCC_OK, DCC_SECOND_INSTANCE, dcc_status};
use super::thread;
use crate::error::{Error, panic_text};
use crate::sys::process::{self, ProcessState};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of a call inside the guard.
pub(super) type Outcome<T = dcc_status> = Result<T, Error>;

/// Runs a call that answers with a status. Refused in a fork or at the end of a process, where a
/// lock may stay locked for ever.
#[inline]
pub(super) fn guard(call: impl FnOnce() -> Outcome) -> dcc_status {
    guard_anywhere(|| match process::state() {
        ProcessState::Usable => call(),
        ProcessState::Forked => Err(Error::Forked),
        ProcessState::Ending => Err(Error::ShutDown),
    })
}

/// Runs a call that answers with a status, also in a fork or at the end of a process. There the
/// call must take no lock.
#[inline]
pub(super) fn guard_anywhere(call: impl FnOnce() -> Outcome) -> dcc_status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => failed(&error),
        Err(panic) => panicked(&*panic),
    }
}

/// Runs a call that creates or installs something. It pins the module first, and answers
/// `DCC_SECOND_INSTANCE` if this copy of the library is not the first in the process.
#[inline]
pub(super) fn guard_creating(call: impl FnOnce() -> Outcome<()>) -> dcc_status {
    guard(|| {
        let first = thread::is_first()?;
        call()?;
        Ok(if first { DCC_OK } else { DCC_SECOND_INSTANCE })
    })
}

/// Runs a call that answers with a value and takes no lock. If the call fails, the answer is
/// `fallback`.
#[inline]
pub(super) fn guard_value<T>(fallback: T, call: impl FnOnce() -> Outcome<T>) -> T {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => {
            failed(&error);
            fallback
        }
        Err(panic) => {
            panicked(&*panic);
            fallback
        }
    }
}

#[cold]
fn failed(error: &Error) -> dcc_status {
    // If noting the text panics, that panic is dropped and the status stays right.
    let _ = catch_unwind(AssertUnwindSafe(|| thread::note_error(format_args!("{error}"))));
    status::of(error)
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> dcc_status {
    let text = panic_text(panic);
    let note = || thread::note_error(format_args!("{}: {text}", Error::Internal));
    let _ = catch_unwind(AssertUnwindSafe(note));
    status::of(&Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::status::DCC_ERROR_INTERNAL;

    #[test]
    fn a_panic_becomes_a_status_and_its_text_the_last_error() {
        let status = guard(|| panic!("the {} broke", "list"));
        assert_eq!(status, DCC_ERROR_INTERNAL);
        thread::show_error(|text| {
            assert_eq!(text, "a panic inside the library was caught: the list broke");
        });
        let value = guard_value(7, || panic!("again"));
        assert_eq!(value, 7);
        thread::show_error(|text| assert!(text.ends_with("again"), "{text}"));
    }
}
