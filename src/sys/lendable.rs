//! A value that is present for a while and is used by threads without a lock.
//!
//! Invariants:
//! 1. A thread that uses the value is counted in `users` first and looks for the value afterwards.
//!    A thread that takes the value takes it out first and looks for users afterwards, by a
//!    read-modify-write of `users`. One of the two read-modify-writes of `users` comes first. If
//!    the user's comes first, the taker waits for this user. If the taker's comes first, the user
//!    finds the value that the taker has put into the place, or none.
//! 2. So a value that was taken out belongs to its taker alone.
//!
//! A use is short and waits for nothing, so the taker yields the processor until no use is left.

use crate::sys::sync::{AtomicPtr, AtomicU32, Ordering, yield_now};
use std::ops::Deref;
use std::ptr::null_mut;

/// The place of a value that threads use without a lock. It is NULL while there is no value.
#[derive(Debug)]
pub struct Lendable<T> {
    value: AtomicPtr<T>,
    users: AtomicU32,
}

/// A use of the value of a [`Lendable`]. Dropping it ends the use.
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
    /// Lends the present value for a moment; `None` if there is no value.
    #[inline]
    pub fn lend(&self) -> Option<Loan<'_, T>> {
        if self.value.load(Ordering::Relaxed).is_null() {
            return None;
        }
        self.users.fetch_add(1, Ordering::Acquire);
        let loan = Loan { value: self.value.load(Ordering::Acquire), users: &self.users };
        // If there is no value, dropping the loan here ends the use.
        (!loan.value.is_null()).then_some(loan)
    }

    /// Puts a value into the place. Returns the value that was there before, after every use of
    /// that earlier value has ended.
    pub fn replace(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        let value = value.map_or(null_mut(), Box::into_raw);
        let before = self.value.swap(value, Ordering::AcqRel);
        if before.is_null() {
            return None;
        }
        while self.has_users() {
            yield_now();
        }
        // SAFETY: the pointer came from a box, and the swap gave it to this call alone. By
        // invariant 1 every user that saw it was counted, and no count is left.
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
            // SAFETY: the pointer came from a box. A loan borrows the place, so no use is left.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

impl<T> Deref for Loan<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `lend` found the value after it was counted, so a taker waits for the end of this
        // loan.
        unsafe { &*self.value }
    }
}

impl<T> Drop for Loan<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.users.fetch_sub(1, Ordering::Release);
    }
}
