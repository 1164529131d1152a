//! Functions of a plugin, and the calls of them: callbacks, `is_cancelled` checks and destroy-notifies.
//! `host.rs` has those of a dispatcher's host, `work.rs` those of a posted job. No other file calls any.
//!
//! Whoever builds one of these promises, once, what C callers promise in the header: the function
//! stays loaded, may be called with its user data, and neither unwinds nor longjmps.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// User data of a plugin: carried, never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserData(*mut c_void);

// SAFETY: the library only hands the pointer back to the plugin that gave it, whose functions say
// themselves which threads they may run on.
unsafe impl Send for UserData {}
// SAFETY: as above; the pointer is never followed here.
unsafe impl Sync for UserData {}

impl UserData {
    /// Wraps the pointer.
    pub fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// The pointer as it was given.
    pub fn pointer(self) -> *mut c_void {
        self.0
    }
}

/// C form of a destroy-notify.
pub type DestroyFn = unsafe extern "C" fn(user_data: *mut c_void);

/// C form of a foreign `is_cancelled`.
pub type IsCancelledFn = unsafe extern "C" fn(user_data: *mut c_void) -> i32;

/// User data with the notify that ends its life; consumed by running it.
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

    /// The user data.
    pub fn user_data(&self) -> UserData {
        self.user_data
    }

    /// Whether its end is told.
    pub fn has_notify(&self) -> bool {
        self.destroy.is_some()
    }

    /// What it is made of.
    pub(super) fn into_parts(self) -> (UserData, Option<DestroyFn>) {
        (self.user_data, self.destroy)
    }

    /// Ends the payload's life. Never call it under a lock.
    pub fn destroy(self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: promised to `new`; `self` is consumed, so it happens once.
            unsafe { destroy(self.user_data.0) }
        }
    }
}

/// A host's own `is_cancelled`, for instance its Esc key.
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

    /// Asks the host. Never call it under a lock.
    pub fn ask(&self) -> bool {
        // SAFETY: promised to `new`.
        unsafe { (self.function)(self.user_data.0) != 0 }
    }
}

/// C form of what is called when a token is cancelled. The token is borrowed.
pub type CancelFn = unsafe extern "C" fn(token: *const c_void, user_data: *mut c_void);

/// A plugin's function to call when a token is cancelled, with its user data and notify.
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
        // SAFETY: promised to `new`.
        unsafe { (self.function)(token, self.payload.user_data.0) }
    }

    /// What is left when the function is not called any more.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

/// Room for a function with its user data and notify, filled and emptied by turns. Who may do either is the
/// affair of the thing that contains it; the cell only carries the words from one thread to the other.
#[derive(Debug, Default)]
pub(super) struct FunctionCell {
    function: AtomicUsize,
    user_data: AtomicPtr<c_void>,
    destroy: AtomicUsize,
}

impl FunctionCell {
    /// Fills the empty cell; `function` is the bits of a function pointer.
    #[inline]
    pub(super) fn put(&self, function: usize, payload: Payload) {
        self.user_data.store(payload.user_data.0, Ordering::Relaxed);
        let destroy = payload.destroy.map_or(0, |destroy| destroy as usize);
        self.destroy.store(destroy, Ordering::Relaxed);
        self.function.store(function, Ordering::Relaxed);
    }

    /// What is in it, while somebody keeps that from being taken out. The function is 0 if it is empty.
    #[inline]
    pub(super) fn function(&self) -> (usize, UserData) {
        let function = self.function.load(Ordering::Relaxed);
        (function, UserData(self.user_data.load(Ordering::Relaxed)))
    }

    /// Empties the cell and forgets what was in it. False: it is empty.
    #[inline]
    pub(super) fn clear(&self) -> bool {
        if self.function.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.function.store(0, Ordering::Relaxed);
        // Leak checkers must not take an empty cell for a user.
        self.user_data.store(std::ptr::null_mut(), Ordering::Relaxed);
        true
    }

    /// Whether there is a destroy-notify.
    #[inline]
    pub(super) fn has_notify(&self) -> bool {
        self.destroy.load(Ordering::Relaxed) != 0
    }

    /// Empties the cell; `None` if it is empty.
    #[inline]
    pub(super) fn take(&self) -> Option<(usize, Payload)> {
        let (function, user_data) = self.function();
        if !self.clear() {
            return None;
        }
        let destroy = self.destroy.load(Ordering::Relaxed);
        // SAFETY: the word is that of the `Payload` that `put` got, whose maker's promise still holds.
        let destroy = unsafe { std::mem::transmute::<usize, Option<DestroyFn>>(destroy) };
        Some((function, Payload { user_data, destroy }))
    }
}

/// Room for a callback.
#[derive(Debug, Default)]
pub struct CallbackCell(FunctionCell);

impl CallbackCell {
    /// Fills the empty cell.
    #[inline]
    pub fn put(&self, callback: Callback) {
        let Callback { function, payload } = callback;
        self.0.put(function as usize, payload);
    }

    /// Empties a cell with nothing to be destroyed. False: there is, or it is empty.
    #[inline]
    pub fn forget_plain(&self) -> bool {
        !self.0.has_notify() && self.0.clear()
    }

    /// Empties the cell; `None` if it is empty.
    #[inline]
    pub fn take(&self) -> Option<Callback> {
        let (function, payload) = self.0.take()?;
        // SAFETY: the word is that of the `Callback` that `put` got, whose maker's promise still holds.
        let function = unsafe { std::mem::transmute::<usize, CancelFn>(function) };
        Some(Callback { function, payload })
    }
}
