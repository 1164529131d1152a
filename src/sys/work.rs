//! The functions of a posted job. The code that constructs a `Work` promises what C callers promise
//! in the header.

use super::callout::{DestroyFn, Payload, UserData};
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// The function of a posted job, in C. The job is borrowed. It may unwind; that ends only its job.
pub type JobFn = unsafe extern "C-unwind" fn(job: *const c_void, user_data: *mut c_void) -> i32;

/// The completion of a posted job, called when the job has ended, in C. The job is borrowed.
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

/// The function of a posted job; may be called only while the `Work` it came from lives.
#[derive(Clone, Copy, Debug)]
pub struct JobFunction {
    function: JobFn,
    user_data: UserData,
}

impl Work {
    /// # Safety
    /// `function` may be called with any job's handle and the payload's user data, any number of
    /// times one after the other, and then `completion` once, until the payload is destroyed. The
    /// calls may be made on the threads that the header names for the dispatcher that the job is
    /// posted to.
    pub unsafe fn new(function: JobFn, completion: Option<CompletionFn>, payload: Payload) -> Self {
        Self { function, completion, payload }
    }

    /// The function of the job. It may be called while this `Work` lives.
    pub fn function(&self) -> JobFunction {
        JobFunction { function: self.function, user_data: self.payload.user_data() }
    }

    /// Calls the completion, if there is one. Never call it under a lock.
    pub fn complete(&self, job: u64, state: i32) {
        if let Some(completion) = self.completion {
            let job = std::ptr::without_provenance(job as usize);
            // SAFETY: the caller of `new` promised it.
            unsafe { completion(job, state, self.payload.user_data().pointer()) }
        }
    }

    /// Whether there is a completion.
    pub fn has_completion(&self) -> bool {
        self.completion.is_some()
    }

    /// Whether code of the plugin is called at the end of the job: a completion or a
    /// destroy-notify.
    pub fn is_told_its_end(&self) -> bool {
        self.completion.is_some() || self.payload.has_notify()
    }

    /// Returns the payload, so that it can be destroyed. Neither function is called any more.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

/// Room for the functions of a posted job; it is filled and emptied any number of times. The object
/// that contains the cell decides which thread may fill or empty it, and orders those accesses. The
/// cell only carries the words from one thread to the other, so all its accesses are Relaxed.
#[derive(Debug, Default)]
pub struct WorkCell {
    function: AtomicUsize,
    completion: AtomicUsize,
    user_data: AtomicPtr<c_void>,
    destroy: AtomicUsize,
}

impl WorkCell {
    #[inline]
    pub fn put(&self, work: Work) {
        let Work { function, completion, payload } = work;
        let (user_data, destroy) = payload.into_parts();
        self.user_data.store(user_data.pointer(), Ordering::Relaxed);
        let completion = completion.map_or(0, |completion| completion as usize);
        self.completion.store(completion, Ordering::Relaxed);
        self.destroy.store(destroy.map_or(0, |destroy| destroy as usize), Ordering::Relaxed);
        self.function.store(function as usize, Ordering::Relaxed);
    }

    /// Whether there are functions in the cell.
    #[inline]
    pub fn is_filled(&self) -> bool {
        self.function.load(Ordering::Relaxed) != 0
    }

    /// The job's function in the cell; `None` if the cell is empty. The caller has to keep other
    /// threads from emptying the cell meanwhile.
    #[inline]
    pub fn function(&self) -> Option<JobFunction> {
        let function = self.function.load(Ordering::Relaxed);
        let user_data = UserData::new(self.user_data.load(Ordering::Relaxed));
        // SAFETY: the word came from the `Work` that was given to `put`, and the promise made for
        // that work still holds.
        let function = unsafe { std::mem::transmute::<usize, Option<JobFn>>(function) };
        function.map(|function| JobFunction { function, user_data })
    }

    /// Takes out the functions; `None` if the cell is empty.
    #[inline]
    pub fn take(&self) -> Option<Work> {
        let JobFunction { function, user_data } = self.function()?;
        self.function.store(0, Ordering::Relaxed);
        // Leak checkers must not take the pointer in an empty cell for a reference to the user
        // data.
        self.user_data.store(std::ptr::null_mut(), Ordering::Relaxed);
        let read = |word: &AtomicUsize| word.load(Ordering::Relaxed);
        // SAFETY: the words came from the `Work` that was given to `put`, and the promise made for
        // that work still holds.
        Some(unsafe {
            let completion = read(&self.completion);
            let completion = std::mem::transmute::<usize, Option<CompletionFn>>(completion);
            let destroy = std::mem::transmute::<usize, Option<DestroyFn>>(read(&self.destroy));
            Work { function, completion, payload: Payload::new(user_data, destroy) }
        })
    }
}

impl JobFunction {
    /// Calls the function. Never call it under a lock. A panic of the function passes through.
    pub fn call(&self, job: u64) -> i32 {
        let job = std::ptr::without_provenance(job as usize);
        // SAFETY: the caller of `Work::new` promised it.
        unsafe { (self.function)(job, self.user_data.pointer()) }
    }
}
