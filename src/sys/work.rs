//! The functions of a posted job. Whoever builds one promises what C callers promise in the header.

use super::callout::{Payload, UserData};
use std::ffi::c_void;

/// C form of what a posted job does. The job is borrowed. May unwind: it then ends its job only.
pub type JobFn = unsafe extern "C-unwind" fn(job: *const c_void, user_data: *mut c_void) -> i32;

/// C form of what is told when a posted job is over. The job is borrowed.
pub type CompletionFn =
    unsafe extern "C" fn(job: *const c_void, state: i32, user_data: *mut c_void);

/// The functions of a posted job with their user data.
#[derive(Debug)]
#[must_use = "the destroy-notify of the payload has to run exactly once"]
pub struct Work {
    function: JobFn,
    completion: Option<CompletionFn>,
    payload: Payload,
}

/// The function of a posted job, to be called while its `Work` is there.
#[derive(Clone, Copy, Debug)]
pub struct JobFunction {
    function: JobFn,
    user_data: UserData,
}

impl Work {
    /// # Safety
    /// `function` may be called with any job's handle and the payload's user data, any number of
    /// times one after the other, and then `completion` once, until the payload is destroyed; on
    /// the threads that the dispatcher they are posted to says.
    pub unsafe fn new(function: JobFn, completion: Option<CompletionFn>, payload: Payload) -> Self {
        Self { function, completion, payload }
    }

    /// What is to be called while this is there.
    pub fn function(&self) -> JobFunction {
        JobFunction { function: self.function, user_data: self.payload.user_data() }
    }

    /// Calls the completion. Never call it under a lock.
    pub fn complete(&self, job: u64, state: i32) {
        if let Some(completion) = self.completion {
            let job = std::ptr::without_provenance(job as usize);
            // SAFETY: promised to `new`.
            unsafe { completion(job, state, self.payload.user_data().pointer()) }
        }
    }

    /// Whether there is a completion.
    pub fn has_completion(&self) -> bool {
        self.completion.is_some()
    }

    /// What is left when nothing is called any more.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

impl JobFunction {
    /// Calls the function. Never call it under a lock. A panic goes through.
    pub fn call(&self, job: u64) -> i32 {
        let job = std::ptr::without_provenance(job as usize);
        // SAFETY: promised to `Work::new`.
        unsafe { (self.function)(job, self.user_data.pointer()) }
    }
}
