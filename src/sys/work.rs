//! The functions of a posted job. Whoever builds one promises what C callers promise in the header.

use super::callout::{DestroyFn, Payload, UserData};
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

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

    /// Whether foreign code runs where it ends.
    pub fn is_told_its_end(&self) -> bool {
        self.completion.is_some() || self.payload.has_notify()
    }

    /// What is left when nothing is called any more.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

/// Room for the functions of a posted job, filled and emptied by turns. Who may do either is the affair of
/// the thing that contains it; the cell only carries the words from one thread to the other.
#[derive(Debug, Default)]
pub struct WorkCell {
    function: AtomicUsize,
    completion: AtomicUsize,
    user_data: AtomicPtr<c_void>,
    destroy: AtomicUsize,
}

impl WorkCell {
    /// Fills the empty cell.
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

    /// Whether something is in it.
    #[inline]
    pub fn is_filled(&self) -> bool {
        self.function.load(Ordering::Relaxed) != 0
    }

    /// The function of what is in it, for who keeps that from being taken out.
    #[inline]
    pub fn function(&self) -> Option<JobFunction> {
        let function = self.function.load(Ordering::Relaxed);
        let user_data = UserData::new(self.user_data.load(Ordering::Relaxed));
        // SAFETY: the word is that of the `Work` that `put` got, whose maker's promise still holds.
        let function = unsafe { std::mem::transmute::<usize, Option<JobFn>>(function) };
        function.map(|function| JobFunction { function, user_data })
    }

    /// Empties the cell; `None` if it is empty.
    #[inline]
    pub fn take(&self) -> Option<Work> {
        let JobFunction { function, user_data } = self.function()?;
        self.function.store(0, Ordering::Relaxed);
        // Leak checkers must not take an empty cell for a user.
        self.user_data.store(std::ptr::null_mut(), Ordering::Relaxed);
        let read = |word: &AtomicUsize| word.load(Ordering::Relaxed);
        // SAFETY: the words are those of the `Work` that `put` got, whose maker's promise still holds.
        Some(unsafe {
            let completion = read(&self.completion);
            let completion = std::mem::transmute::<usize, Option<CompletionFn>>(completion);
            let destroy = std::mem::transmute::<usize, Option<DestroyFn>>(read(&self.destroy));
            Work { function, completion, payload: Payload::new(user_data, destroy) }
        })
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
