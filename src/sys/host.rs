//! The functions that a host gives its dispatcher. The code that constructs a `Host` promises what
//! C callers promise in the header: the functions stay loaded, and neither unwind nor longjmp.

use super::callout::UserData;
use std::ffi::c_void;

/// The function that tells a host that a dispatcher has something to do, in C.
pub type WakeFn = unsafe extern "C" fn(user_data: *mut c_void);
/// A host's "not now", in C: 0 lets jobs run.
pub type VetoFn = unsafe extern "C" fn(user_data: *mut c_void) -> i32;
/// The function by which a host shows how far a job is, in C. The job is borrowed.
pub type ProgressFn =
    unsafe extern "C" fn(job: *const c_void, done: u64, total: u64, user_data: *mut c_void);
/// The function that asks a host to run something on one of the host's own threads, in C. It
/// returns 0 if the host will run it.
pub type ExecuteFn = unsafe extern "C" fn(
    run: unsafe extern "C" fn(argument: *mut c_void),
    argument: *mut c_void,
    user_data: *mut c_void,
) -> i32;

/// The functions that a host gives its dispatcher, as it gave them.
#[derive(Clone, Copy, Debug)]
pub struct HostFunctions {
    /// Passed to each of the functions.
    pub user_data: UserData,
    /// Tells the host that its dispatcher has something to do.
    pub wake: Option<WakeFn>,
    /// Answers whether the host says "not now", so that no jobs run.
    pub veto: Option<VetoFn>,
    /// Shows how far a job is.
    pub progress: Option<ProgressFn>,
    /// Runs jobs that need no particular thread on the host's own threads.
    pub execute: Option<ExecuteFn>,
    /// The library's function that `execute` has to call on a thread of the host.
    pub run: RunFn,
}

/// A host's functions, together with the promise that they may be called.
#[derive(Clone, Copy, Debug)]
pub struct Host(HostFunctions);

impl Host {
    /// # Safety
    /// The functions may be called with their user data until the payload of the dispatcher that
    /// has them is destroyed: `veto` and `progress` on its thread, the others on any.
    pub unsafe fn new(functions: HostFunctions) -> Self {
        Self(functions)
    }

    /// Whether the host wants to be told when its dispatcher has something to do.
    pub fn wants_wakes(&self) -> bool {
        self.0.wake.is_some()
    }

    /// Whether the host may say "not now".
    pub fn has_veto(&self) -> bool {
        self.0.veto.is_some()
    }

    /// Tells the host that there is something to do. Never call it under a lock.
    pub fn wake(&self) {
        if let Some(wake) = self.0.wake {
            // SAFETY: the caller of `new` promised it.
            unsafe { wake(self.0.user_data.pointer()) }
        }
    }

    /// Whether the host says that jobs must not run now. Never call it under a lock.
    pub fn vetoes(&self) -> bool {
        // SAFETY: the caller of `new` promised it.
        self.0.veto.is_some_and(|veto| unsafe { veto(self.0.user_data.pointer()) } != 0)
    }

    /// Lets the host show how far a job is. Never call it under a lock.
    pub fn show_progress(&self, job: u64, done: u64, total: u64) {
        if let Some(progress) = self.0.progress {
            let job = std::ptr::without_provenance(job as usize);
            // SAFETY: the caller of `new` promised it.
            unsafe { progress(job, done, total, self.0.user_data.pointer()) }
        }
    }

    /// Whether the host itself runs jobs that need no particular thread.
    pub fn executes(&self) -> bool {
        self.0.execute.is_some()
    }

    /// Asks the host to call `run` with `number` on one of its threads. False: the host refused.
    /// Never call it under a lock.
    pub fn execute(&self, number: u64) -> bool {
        let argument = std::ptr::without_provenance_mut(number as usize);
        let user_data = self.0.user_data.pointer();
        // SAFETY: the caller of `new` promised it.
        self.0
            .execute
            .is_some_and(|execute| unsafe { execute(self.0.run, argument, user_data) } == 0)
    }
}

/// The function that a host's threads are given to run. Its argument is a number, not an address.
pub type RunFn = unsafe extern "C" fn(argument: *mut c_void);
