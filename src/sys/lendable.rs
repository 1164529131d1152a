//! Something that is there for a while, used by threads that take no lock for it.
//!
//! Invariants:
//! - Who wants to use it is counted first and looks then whether it is there. Who takes it away does that
//!   first and looks for users then, by a read-modify-write. Of the two counts one comes first: either the
//!   user is waited for, or what it looks at afterwards is what the taker left.
//! - So a value that was taken is its taker's alone.
//!
//! A use is short and waits for nothing: who takes the value away gives up its turn until no use is left.

use crate::sys::sync::{AtomicPtr, AtomicU32, Ordering, yield_now};
use std::ops::Deref;
use std::ptr::null_mut;

/// A place for such a thing.
#[derive(Debug)]
pub struct Lendable<T> {
    value: AtomicPtr<T>,
    users: AtomicU32,
}

/// A use of it.
#[derive(Debug)]
pub struct Loan<'a, T> {
    value: *const T,
    users: &'a AtomicU32,
}

impl<T> Default for Lendable<T> {
    fn default() -> Self {
        Self { value: AtomicPtr::new(null_mut()), users: AtomicU32::new(0) }
    }
}

impl<T: Send + Sync> Lendable<T> {
    /// What is there now, to be used for a moment.
    #[inline]
    pub fn lend(&self) -> Option<Loan<'_, T>> {
        if self.value.load(Ordering::Relaxed).is_null() {
            return None;
        }
        self.users.fetch_add(1, Ordering::Acquire);
        let loan = Loan { value: self.value.load(Ordering::Acquire), users: &self.users };
        // If it is gone, the loan ends here.
        (!loan.value.is_null()).then_some(loan)
    }

    /// Puts something into the place and gives what was in it, which nobody uses any more.
    pub fn replace(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        let value = value.map_or(null_mut(), Box::into_raw);
        let before = self.value.swap(value, Ordering::AcqRel);
        if before.is_null() {
            return None;
        }
        while self.has_users() {
            yield_now();
        }
        // SAFETY: it came from a box, and the swap gave it to this call alone. Who uses it was counted before
        // it looked, and no count is left.
        Some(unsafe { Box::from_raw(before) })
    }

    fn has_users(&self) -> bool {
        if crate::weakened!("loans_are_waited_for") {
            return false;
        }
        self.users.fetch_add(0, Ordering::AcqRel) != 0
    }
}

impl<T> Drop for Lendable<T> {
    fn drop(&mut self) {
        let value = self.value.swap(null_mut(), Ordering::Acquire);
        if !value.is_null() {
            // SAFETY: it came from a box, and a loan borrows the place.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

impl<T> Deref for Loan<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `lend` found it there after it was counted; who takes it away waits for this one's end.
        unsafe { &*self.value }
    }
}

impl<T> Drop for Loan<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.users.fetch_sub(1, Ordering::Release);
    }
}
