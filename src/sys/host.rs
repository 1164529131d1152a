//! The functions that a host gives its dispatcher. Whoever builds one promises what C callers
//! promise in the header: they stay loaded, and neither unwind nor longjmp.

use super::callout::UserData;
use std::ffi::c_void;

/// C form of what tells a host that a dispatcher has something to do.
pub type WakeFn = unsafe extern "C" fn(user_data: *mut c_void);
/// C form of a host's "not now": 0 lets jobs run.
pub type VetoFn = unsafe extern "C" fn(user_data: *mut c_void) -> i32;
/// C form of what shows how far a job is. The job is borrowed.
pub type ProgressFn =
    unsafe extern "C" fn(job: *const c_void, done: u64, total: u64, user_data: *mut c_void);
/// C form of what runs something on one of the host's own threads: 0 if it will.
pub type ExecuteFn = unsafe extern "C" fn(
    run: unsafe extern "C" fn(argument: *mut c_void),
    argument: *mut c_void,
    user_data: *mut c_void,
) -> i32;

/// The functions that a host gives its dispatcher.
#[derive(Clone, Copy, Debug)]
pub struct HostFunctions {
    /// Carried to all of them.
    pub user_data: UserData,
    /// There is something to do.
    pub wake: Option<WakeFn>,
    /// Not now.
    pub veto: Option<VetoFn>,
    /// How far a job is.
    pub progress: Option<ProgressFn>,
    /// Runs jobs of any thread.
    pub execute: Option<ExecuteFn>,
    /// What `execute` is to call.
    pub run: RunFn,
}

/// A host's functions that may be called.
#[derive(Clone, Copy, Debug)]
pub struct Host(HostFunctions);

impl Host {
    /// # Safety
    /// The functions may be called with their user data until the payload of the dispatcher that
    /// has them is destroyed: `veto` and `progress` on its thread, the others on any.
    pub unsafe fn new(functions: HostFunctions) -> Self {
        Self(functions)
    }

    /// Whether it wants to be told.
    pub fn wants_wakes(&self) -> bool {
        self.0.wake.is_some()
    }

    /// Whether it may say "not now".
    pub fn has_veto(&self) -> bool {
        self.0.veto.is_some()
    }

    /// Tells that there is something to do. Never call it under a lock.
    pub fn wake(&self) {
        if let Some(wake) = self.0.wake {
            // SAFETY: promised to `new`.
            unsafe { wake(self.0.user_data.pointer()) }
        }
    }

    /// Whether jobs must not run now. Never call it under a lock.
    pub fn vetoes(&self) -> bool {
        // SAFETY: promised to `new`.
        self.0.veto.is_some_and(|veto| unsafe { veto(self.0.user_data.pointer()) } != 0)
    }

    /// Shows how far a job is. Never call it under a lock.
    pub fn show_progress(&self, job: u64, done: u64, total: u64) {
        if let Some(progress) = self.0.progress {
            let job = std::ptr::without_provenance(job as usize);
            // SAFETY: promised to `new`.
            unsafe { progress(job, done, total, self.0.user_data.pointer()) }
        }
    }

    /// Whether the host runs jobs of any thread itself.
    pub fn executes(&self) -> bool {
        self.0.execute.is_some()
    }

    /// Has the host call `run` with `number` on one of its threads. False: it refused. Never call
    /// it under a lock.
    pub fn execute(&self, number: u64) -> bool {
        let argument = std::ptr::without_provenance_mut(number as usize);
        let user_data = self.0.user_data.pointer();
        // SAFETY: promised to `new`.
        self.0
            .execute
            .is_some_and(|execute| unsafe { execute(self.0.run, argument, user_data) } == 0)
    }
}

/// What a host's threads are given to run; its argument is a number, not an address.
pub type RunFn = unsafe extern "C" fn(argument: *mut c_void);
