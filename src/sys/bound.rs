//! A plugin's function that a thread is to run in a context. Whoever builds one promises what C callers
//! promise in the header.

use super::callout::{FunctionCell, Payload, UserData};
use std::ffi::c_void;

/// C form of what a thread runs; that of POSIX threads.
pub type ThreadFn = unsafe extern "C" fn(user_data: *mut c_void) -> *mut c_void;

/// A function for threads with its user data.
#[derive(Debug)]
#[must_use = "the destroy-notify of the payload has to run exactly once"]
pub struct Bound {
    function: ThreadFn,
    payload: Payload,
}

/// The function of a `Bound`, to be called while that is there.
#[derive(Clone, Copy, Debug)]
pub struct BoundFunction {
    function: ThreadFn,
    user_data: UserData,
}

impl Bound {
    /// # Safety
    /// `function` may be called with the payload's user data, on any thread, any number of times and also
    /// at the same time, until the payload is destroyed.
    pub unsafe fn new(function: ThreadFn, payload: Payload) -> Self {
        Self { function, payload }
    }
}

impl BoundFunction {
    /// Calls the function. Never call it under a lock.
    pub fn call(self) -> UserData {
        // SAFETY: promised to `Bound::new`.
        UserData::new(unsafe { (self.function)(self.user_data.pointer()) })
    }
}

/// Room for a `Bound`, filled and emptied by turns, as any `FunctionCell` is.
#[derive(Debug, Default)]
pub struct BoundCell(FunctionCell);

impl BoundCell {
    /// Fills the empty cell.
    pub fn put(&self, bound: Bound) {
        let Bound { function, payload } = bound;
        self.0.put(function as usize, payload);
    }

    /// The function of what is in it, for who keeps that from being taken out.
    pub fn function(&self) -> Option<BoundFunction> {
        let (function, user_data) = self.0.function();
        // SAFETY: the word is that of the `Bound` that `put` got, whose maker's promise still holds.
        let function = unsafe { std::mem::transmute::<usize, Option<ThreadFn>>(function) };
        function.map(|function| BoundFunction { function, user_data })
    }

    /// Empties the cell: what is left when the function is not called any more.
    #[inline]
    pub fn take(&self) -> Option<Payload> {
        self.0.take().map(|(_, payload)| payload)
    }
}
