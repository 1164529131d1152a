//! The one place where panics stop and errors become statuses.

use super::status::{self, DCC_OK, DCC_SECOND_INSTANCE, dcc_status};
use super::thread;
use crate::error::{Error, panic_text};
use crate::sys::process::{self, ProcessState};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a call inside the guard comes to.
pub(super) type Outcome<T = dcc_status> = Result<T, Error>;

/// Runs a call whose answer is a status. Refused where locks may be held for ever.
#[inline]
pub(super) fn guard(call: impl FnOnce() -> Outcome) -> dcc_status {
    guard_anywhere(|| match process::state() {
        ProcessState::Usable => call(),
        ProcessState::Forked => Err(Error::Forked),
        ProcessState::Ending => Err(Error::ShutDown),
    })
}

/// Runs a call whose answer is a status, also where no lock can be taken: it takes none there.
#[inline]
pub(super) fn guard_anywhere(call: impl FnOnce() -> Outcome) -> dcc_status {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => failed(&error),
        Err(panic) => panicked(&*panic),
    }
}

/// Runs a call that creates something: pins the module, and says so if this copy of the library
/// is not the first in the process.
#[inline]
pub(super) fn guard_creating(call: impl FnOnce() -> Outcome<()>) -> dcc_status {
    guard(|| {
        let first = thread::is_first()?;
        call()?;
        Ok(if first { DCC_OK } else { DCC_SECOND_INSTANCE })
    })
}

/// Runs a call that answers with a value of its own and takes no lock; `fallback` if it fails.
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
    // Noting the text may itself go wrong; the status stays.
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
