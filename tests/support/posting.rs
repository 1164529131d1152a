//! What tests of dispatchers share: closures as posted jobs, and the C functions behind small types.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::listening::{Token, state_of};
use dcc_cancel::ffi::{
    dispatcher::*, dispatcher_stats::*, job::*, job_life::*, job_texts::*, library::dcc_last_error,
    owner::dcc_owner, post::*, pump::*, status::*,
};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A job's handle as a number, so that threads can share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job(pub usize);

impl Job {
    pub fn pointer(self) -> *mut dcc_job {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn cancel(self) -> dcc_status {
        // SAFETY: no reason.
        unsafe { dcc_job_cancel(self.pointer(), null(), 0) }
    }

    pub fn state(self) -> i32 {
        state_of(self.pointer())
    }

    pub fn id(self) -> u64 {
        dcc_job_id(self.pointer())
    }

    pub fn release(self) {
        assert_eq!(dcc_job_release(self.pointer()), DCC_OK);
    }

    pub fn failure(self) -> String {
        text_of(|buffer, size, length| {
            // SAFETY: a writable buffer of that size.
            unsafe { dcc_job_failure(self.pointer(), buffer, size, length) }
        })
    }
}

pub fn text_of(read: impl FnOnce(*mut c_char, usize, *mut usize) -> dcc_status) -> String {
    let mut buffer = [0_u8; 512];
    let mut length = 0;
    assert_eq!(read(buffer.as_mut_ptr().cast(), buffer.len(), &mut length), DCC_OK);
    let text = CStr::from_bytes_until_nul(&buffer).unwrap().to_str().unwrap().to_owned();
    assert_eq!(text.len(), length, "{text:?}");
    text
}

/// The text of this thread's last error.
pub fn last_error() -> String {
    text_of(|buffer, size, length| {
        // SAFETY: a writable buffer of that size.
        unsafe { dcc_last_error(buffer, size, length) }
    })
}

/// The calls of one posted job's functions.
#[derive(Debug, Default)]
pub struct Log {
    pub runs: AtomicU32,
    pub completions: AtomicU32,
    pub destroys: AtomicU32,
    pub state: AtomicU32,
}

impl Log {
    pub fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    pub fn completions(&self) -> u32 {
        self.completions.load(Ordering::SeqCst)
    }

    pub fn destroys(&self) -> u32 {
        self.destroys.load(Ordering::SeqCst)
    }

    /// The state that the completion was called with.
    pub fn state(&self) -> i32 {
        self.state.load(Ordering::SeqCst) as i32
    }

    /// Checks that the job is over: completed once with this state, then destroyed once.
    #[track_caller]
    pub fn assert_over(&self, state: i32) {
        assert_eq!((self.completions(), self.destroys()), (1, 1), "{self:?}");
        assert_eq!(self.state(), state, "{self:?}");
    }
}

type Run = Box<dyn FnMut(Job) -> i32 + Send>;
type Completed = Box<dyn FnMut(Job, i32) + Send>;

struct Payload {
    run: Run,
    completed: Option<Completed>,
    log: Arc<Log>,
}

unsafe extern "C-unwind" fn run(job: *const dcc_job, payload: *mut c_void) -> i32 {
    // SAFETY: the box that `post` made; its functions are called one at a time.
    let payload = unsafe { &mut *payload.cast::<Payload>() };
    assert_eq!(payload.log.completions(), 0, "called after its completion");
    payload.log.runs.fetch_add(1, Ordering::SeqCst);
    (payload.run)(Job(job.addr()))
}

unsafe extern "C" fn complete(job: *const dcc_job, state: i32, payload: *mut c_void) {
    // SAFETY: as in `run`.
    let payload = unsafe { &mut *payload.cast::<Payload>() };
    assert_eq!(payload.log.destroys(), 0, "completed after its destroy-notify");
    assert_eq!(state_of(job), state);
    payload.log.state.store(state as u32, Ordering::SeqCst);
    payload.log.completions.fetch_add(1, Ordering::SeqCst);
    if let Some(completed) = &mut payload.completed {
        completed(Job(job.addr()), state);
    }
}

unsafe extern "C" fn destroy(payload: *mut c_void) {
    // SAFETY: the box that `post` gave away.
    let payload = unsafe { Box::from_raw(payload.cast::<Payload>()) };
    payload.log.destroys.fetch_add(1, Ordering::SeqCst);
}

/// A job to be posted.
pub struct Post {
    pub desc: dcc_post_desc,
    label: String,
    caller_id: String,
    run: Run,
    completed: Option<Completed>,
    pub log: Arc<Log>,
}

/// The result of a post: the job and the log of its calls.
pub struct Posted {
    pub job: Job,
    pub log: Arc<Log>,
}

pub fn job(run: impl FnMut(Job) -> i32 + Send + 'static) -> Post {
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    let mut desc: dcc_post_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_post_desc>() as u32;
    Post {
        desc,
        label: "test".into(),
        caller_id: String::new(),
        run: Box::new(run),
        completed: None,
        log: Arc::default(),
    }
}

/// A job that does nothing and completes.
pub fn nothing() -> Post {
    job(|_| 0)
}

impl Post {
    pub fn label(mut self, label: &str) -> Self {
        self.label = label.into();
        self
    }

    pub fn caller_id(mut self, id: &str) -> Self {
        self.caller_id = id.into();
        self
    }

    pub fn parent(mut self, parent: Token) -> Self {
        self.desc.parent = parent.pointer();
        self
    }

    pub fn owner(mut self, owner: *const dcc_owner) -> Self {
        self.desc.owner = owner;
        self
    }

    pub fn lane(mut self, lane: i32) -> Self {
        self.desc.lane = lane;
        self
    }

    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.desc.deadline_after_ns = deadline.as_nanos() as u64;
        self
    }

    pub fn any_thread(mut self) -> Self {
        self.desc.flags |= DCC_POST_ANY_THREAD;
        self
    }

    pub fn completed(mut self, completed: impl FnMut(Job, i32) + Send + 'static) -> Self {
        self.completed = Some(Box::new(completed));
        self
    }

    /// Hands the descriptor to a call. If the call refuses it, the payload is taken back.
    fn call(self, call: impl FnOnce(&dcc_post_desc) -> dcc_status) -> (dcc_status, Arc<Log>) {
        let Self { mut desc, label, caller_id, run: function, completed, log } = self;
        let payload = Box::new(Payload { run: function, completed, log: log.clone() });
        let user_data = Box::into_raw(payload);
        desc.label = label.as_ptr().cast();
        desc.label_length = label.len();
        desc.caller_id = caller_id.as_ptr().cast();
        desc.caller_id_length = caller_id.len();
        desc.function = Some(run);
        desc.completion = Some(complete);
        desc.user_data = user_data.cast();
        desc.destroy = Some(destroy);
        let status = call(&desc);
        if status < 0 {
            assert_eq!(log.destroys(), 0, "a refused payload is the caller's");
            // SAFETY: a refused payload is the caller's.
            drop(unsafe { Box::from_raw(user_data) });
        }
        (status, log)
    }
}

/// A dispatcher's handle as a number, so that threads can share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatcher(pub usize);

pub fn dispatcher_desc() -> dcc_dispatcher_desc {
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    let mut desc: dcc_dispatcher_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
    desc
}

impl Dispatcher {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut dcc_dispatcher_desc)) -> Self {
        let mut desc = dispatcher_desc();
        change(&mut desc);
        let mut dispatcher = null_mut();
        // SAFETY: a filled-in descriptor and a writable result.
        let status = unsafe { dcc_dispatcher_create(&desc, &mut dispatcher) };
        assert_eq!(status, DCC_OK, "{}", last_error());
        Self(dispatcher.addr())
    }

    pub fn pointer(self) -> *mut dcc_dispatcher {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn try_post(self, post: Post) -> Result<Posted, dcc_status> {
        let mut job = null_mut();
        let (status, log) = post.call(|desc| {
            // SAFETY: a filled-in descriptor and a writable result.
            unsafe { dcc_dispatcher_post(self.pointer(), desc, &mut job, null_mut()) }
        });
        if status < 0 {
            assert!(job.is_null());
            return Err(status);
        }
        Ok(Posted { job: Job(job.addr()), log })
    }

    #[track_caller]
    pub fn post(self, post: Post) -> Posted {
        match self.try_post(post) {
            Ok(posted) => posted,
            Err(status) => panic!("{status}: {}", last_error()),
        }
    }

    /// Posts a job and asks for no reference to it.
    #[track_caller]
    pub fn post_only(self, post: Post) -> Arc<Log> {
        let (status, log) = post.call(|desc| {
            // SAFETY: a filled-in descriptor.
            unsafe { dcc_dispatcher_post(self.pointer(), desc, null_mut(), null_mut()) }
        });
        assert_eq!(status, DCC_OK, "{}", last_error());
        log
    }

    /// Posts a job and waits for it. Returns the status, the state at the end of the wait, and the
    /// log.
    pub fn post_and_wait(self, post: Post, timeout: Duration) -> (dcc_status, i32, Arc<Log>) {
        let mut state = -1;
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(DCC_NO_LIMIT);
        let (status, log) = post.call(|desc| {
            let dispatcher = self.pointer();
            // SAFETY: a filled-in descriptor and a writable result.
            unsafe {
                dcc_dispatcher_post_and_wait(dispatcher, desc, timeout, null_mut(), &mut state)
            }
        });
        (status, state, log)
    }

    pub fn try_pump(self, budget_ns: u64, most: u64) -> Result<dcc_tick, dcc_status> {
        // SAFETY: numbers, for which zero is a value; then a structure of that size.
        unsafe {
            let mut tick: dcc_tick = std::mem::zeroed();
            tick.struct_size = size_of::<dcc_tick>() as u32;
            match dcc_dispatcher_pump(self.pointer(), budget_ns, most, &mut tick) {
                DCC_OK => Ok(tick),
                status => Err(status),
            }
        }
    }

    /// Pumps once, without limits of time or number.
    #[track_caller]
    pub fn pump(self) -> dcc_tick {
        self.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).expect("on its thread")
    }

    pub fn close(self) -> dcc_status {
        dcc_dispatcher_close(self.pointer())
    }

    pub fn release(self) {
        assert_eq!(dcc_dispatcher_release(self.pointer()), DCC_OK);
    }

    pub fn stats(self) -> dcc_dispatcher_stats {
        // SAFETY: numbers, for which zero is a value; then a structure of that size.
        unsafe {
            let mut info: dcc_dispatcher_stats = std::mem::zeroed();
            info.struct_size = size_of::<dcc_dispatcher_stats>() as u32;
            assert_eq!(dcc_dispatcher_read_stats(self.pointer(), &mut info), DCC_OK);
            info
        }
    }
}
