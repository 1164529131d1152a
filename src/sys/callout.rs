//! Functions of a plugin, and the calls of them: callbacks, `is_cancelled` checks and
//! destroy-notifies. The functions of a dispatcher's host are in `host.rs`, those of a posted job
//! in `work.rs`, those that a thread runs in a context in `bound.rs`. No other file calls a
//! plugin's function.
//!
//! The code that constructs one of these types promises, once, what C callers promise in the
//! header: the function stays loaded, may be called with its user data, and neither unwinds nor
//! longjmps.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A plugin's user data. The library passes the pointer on and never reads through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserData(*mut c_void);

// SAFETY: the library only hands the pointer back to functions of the plugin that gave it. The
// plugin says itself on which threads these may run.
unsafe impl Send for UserData {}
// SAFETY: as above; the library never follows the pointer.
unsafe impl Sync for UserData {}

impl UserData {
    /// User data from C's pointer.
    pub fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// The pointer as C gave it.
    pub fn pointer(self) -> *mut c_void {
        self.0
    }
}

/// A destroy-notify in C.
pub type DestroyFn = unsafe extern "C" fn(user_data: *mut c_void);

/// A foreign check, a host's own `is_cancelled`, in C.
pub type IsCancelledFn = unsafe extern "C" fn(user_data: *mut c_void) -> i32;

/// User data with its destroy-notify, the function that frees it. Running the notify consumes the
/// payload.
#[derive(Debug)]
#[must_use = "a destroy-notify has to run exactly once"]
pub struct Payload {
    user_data: UserData,
    destroy: Option<DestroyFn>,
}

impl Payload {
    /// # Safety
    /// `destroy`, if any, may be called once with `user_data`, on any thread.
    pub unsafe fn new(user_data: UserData, destroy: Option<DestroyFn>) -> Self {
        Self { user_data, destroy }
    }

    /// The user data, still owned by the payload.
    pub fn user_data(&self) -> UserData {
        self.user_data
    }

    /// Whether the plugin gave a destroy-notify.
    pub fn has_notify(&self) -> bool {
        self.destroy.is_some()
    }

    /// Takes the payload apart without running the notify. The caller has to run it later.
    pub(super) fn into_parts(self) -> (UserData, Option<DestroyFn>) {
        (self.user_data, self.destroy)
    }

    /// Runs the destroy-notify, if there is one. Never call it under a lock.
    pub fn destroy(self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the caller of `new` promised it; `self` is consumed, so it happens once.
            unsafe { destroy(self.user_data.0) }
        }
    }
}

/// A foreign check: a host's own `is_cancelled`, which asks for instance whether Esc was pressed.
#[derive(Clone, Copy, Debug)]
pub struct ForeignCheck {
    function: IsCancelledFn,
    user_data: UserData,
}

impl ForeignCheck {
    /// # Safety
    /// `function` may be called with `user_data` until the job that carries it is recycled, on the
    /// threads that the job's descriptor names.
    pub unsafe fn new(function: IsCancelledFn, user_data: UserData) -> Self {
        Self { function, user_data }
    }

    /// Asks the host whether the work should stop; true: it should. Never call this under a lock.
    pub fn ask(&self) -> bool {
        // SAFETY: the caller of `new` promised it.
        unsafe { (self.function)(self.user_data.0) != 0 }
    }
}

/// A callback for the cancel of a token, in C. The token is borrowed.
pub type CancelFn = unsafe extern "C" fn(token: *const c_void, user_data: *mut c_void);

/// A plugin's function that is called when a token is cancelled, with its user data and notify.
#[derive(Debug)]
#[must_use = "the destroy-notify of the payload has to run exactly once"]
pub struct Callback {
    function: CancelFn,
    payload: Payload,
}

impl Callback {
    /// # Safety
    /// `function` may be called once with any token's handle and the payload's user data, on any
    /// thread, until the payload is destroyed.
    pub unsafe fn new(function: CancelFn, payload: Payload) -> Self {
        Self { function, payload }
    }

    /// Calls the function. Never call it under a lock.
    pub fn call(&self, token: u64) {
        let token = std::ptr::without_provenance(token as usize);
        // SAFETY: the caller of `new` promised it.
        unsafe { (self.function)(token, self.payload.user_data.0) }
    }

    /// Returns the payload, so that it can be destroyed. The function is not called any more.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

/// Room for a function with its user data and notify; it is filled and emptied any number of times.
/// The object that contains the cell decides which thread may fill or empty it, and orders those
/// accesses. The cell only carries the words from one thread to the other, so all its accesses are
/// Relaxed.
#[derive(Debug, Default)]
pub(super) struct FunctionCell {
    function: AtomicUsize,
    user_data: AtomicPtr<c_void>,
    destroy: AtomicUsize,
}

impl FunctionCell {
    /// Fills the empty cell; `function` holds the bits of a function pointer.
    #[inline]
    pub(super) fn put(&self, function: usize, payload: Payload) {
        self.user_data.store(payload.user_data.0, Ordering::Relaxed);
        let destroy = payload.destroy.map_or(0, |destroy| destroy as usize);
        self.destroy.store(destroy, Ordering::Relaxed);
        self.function.store(function, Ordering::Relaxed);
    }

    /// The bits of the function pointer in the cell, 0 if the cell is empty, and the user data. The
    /// caller has to keep other threads from emptying the cell meanwhile.
    #[inline]
    pub(super) fn function(&self) -> (usize, UserData) {
        let function = self.function.load(Ordering::Relaxed);
        (function, UserData(self.user_data.load(Ordering::Relaxed)))
    }

    /// Empties the cell without running the notify. False: the cell was empty.
    #[inline]
    pub(super) fn clear(&self) -> bool {
        if self.function.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.function.store(0, Ordering::Relaxed);
        // Leak checkers must not take the pointer in an empty cell for a reference to the user
        // data.
        self.user_data.store(std::ptr::null_mut(), Ordering::Relaxed);
        true
    }

    /// Whether the function in the cell has a destroy-notify. The answer has a meaning only while
    /// the cell is filled.
    #[inline]
    pub(super) fn has_notify(&self) -> bool {
        self.destroy.load(Ordering::Relaxed) != 0
    }

    /// Takes out the function and its payload; `None` if the cell is empty.
    #[inline]
    pub(super) fn take(&self) -> Option<(usize, Payload)> {
        let (function, user_data) = self.function();
        if !self.clear() {
            return None;
        }
        let destroy = self.destroy.load(Ordering::Relaxed);
        // SAFETY: the word came from the `Payload` that was given to `put`, and the promise made
        // for that payload still holds.
        let destroy = unsafe { std::mem::transmute::<usize, Option<DestroyFn>>(destroy) };
        Some((function, Payload { user_data, destroy }))
    }
}

/// Room for one callback; see `FunctionCell`.
#[derive(Debug, Default)]
pub struct CallbackCell(FunctionCell);

impl CallbackCell {
    #[inline]
    pub fn put(&self, callback: Callback) {
        let Callback { function, payload } = callback;
        self.0.put(function as usize, payload);
    }

    /// Empties the cell if its callback has no destroy-notify. False: nothing was done, because the
    /// callback has a notify or the cell is empty.
    #[inline]
    pub fn forget_plain(&self) -> bool {
        !self.0.has_notify() && self.0.clear()
    }

    /// Takes out the callback; `None` if the cell is empty.
    #[inline]
    pub fn take(&self) -> Option<Callback> {
        let (function, payload) = self.0.take()?;
        // SAFETY: the word came from the `Callback` that was given to `put`, and the promise made
        // for that callback still holds.
        let function = unsafe { std::mem::transmute::<usize, CancelFn>(function) };
        Some(Callback { function, payload })
    }
}
