//! A plugin's function that a thread runs in a context. The code that constructs a `Bound` promises
//! what C callers promise in the header.

use super::callout::{FunctionCell, Payload, UserData};
use std::ffi::c_void;

/// What a thread runs, in C; the signature is that of POSIX threads.
pub type ThreadFn = unsafe extern "C" fn(user_data: *mut c_void) -> *mut c_void;

/// A function for threads with its user data.
#[derive(Debug)]
#[must_use = "the destroy-notify of the payload has to run exactly once"]
pub struct Bound {
    function: ThreadFn,
    payload: Payload,
}

/// The function of a `Bound`; may be called only while the `Bound` it came from lives.
#[derive(Clone, Copy, Debug)]
pub struct BoundFunction {
    function: ThreadFn,
    user_data: UserData,
}

impl Bound {
    /// # Safety
    /// `function` may be called with the payload's user data, on any thread, any number of times
    /// and also at the same time, until the payload is destroyed.
    pub unsafe fn new(function: ThreadFn, payload: Payload) -> Self {
        Self { function, payload }
    }
}

impl BoundFunction {
    /// Calls the function and returns its result. Never call this under a lock.
    pub fn call(self) -> UserData {
        // SAFETY: the caller of `Bound::new` promised it.
        UserData::new(unsafe { (self.function)(self.user_data.pointer()) })
    }
}

/// Room for one `Bound`; see `FunctionCell`.
#[derive(Debug, Default)]
pub struct BoundCell(FunctionCell);

impl BoundCell {
    pub fn put(&self, bound: Bound) {
        let Bound { function, payload } = bound;
        self.0.put(function as usize, payload);
    }

    /// The function in the cell; `None` if the cell is empty. The caller has to keep other threads
    /// from emptying the cell meanwhile.
    pub fn function(&self) -> Option<BoundFunction> {
        let (function, user_data) = self.0.function();
        // SAFETY: the word came from the `Bound` that was given to `put`, and the promise made for
        // that value still holds.
        let function = unsafe { std::mem::transmute::<usize, Option<ThreadFn>>(function) };
        function.map(|function| BoundFunction { function, user_data })
    }

    /// Empties the cell and returns the payload, which the caller destroys. The function is not
    /// called any more.
    #[inline]
    pub fn take(&self) -> Option<Payload> {
        self.0.take().map(|(_, payload)| payload)
    }
}
