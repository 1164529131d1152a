//! What tests of callbacks, owners, deadlines and waits share: the C functions behind small types,
//! user data that counts its calls, and a guard that checks that nothing is left at the end.

#![allow(dead_code, reason = "each test uses a part of it")]

#[path = "stats.rs"]
mod counts;
#[path = "job_state.rs"]
mod job_state;
#[path = "linked.rs"]
mod linked;

pub use counts::stats;
use dcc_cancel::ffi::{
    deadline::*, dispatcher::DCC_NO_LIMIT, job::*, job_life::*, library::dcc_clock_now_ns,
    owner::*, registration::*, stats::*, status::*, token::*, wait::*,
};
pub use job_state::state_of;
pub use linked::linked_to;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A wait that takes longer counts as hanging.
pub const LONG: Duration = Duration::from_secs(include!("hang_seconds"));

/// Waits until another thread has done something.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    for attempt in 0.. {
        if is_so() {
            return;
        }
        if attempt < 100 {
            std::thread::yield_now();
        } else {
            assert!(Instant::now() < end, "never: {what}");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Runs a part of a test that has to do something before a deadline. If the machine stood still for
/// that time, the part returns `None` and is run again with twice the time.
#[track_caller]
pub fn with_enough_time<T>(mut test: impl FnMut(Duration) -> Option<T>) -> T {
    let mut time = Duration::from_millis(30);
    loop {
        if let Some(value) = test(time) {
            return value;
        }
        time *= 2;
        assert!(time < LONG, "never in time");
    }
}

/// Whether less than `time` has passed since `start`, by the library's clock.
pub fn is_within(start: u64, time: Duration) -> bool {
    now_ns() - start < time.as_nanos() as u64
}

fn alive(stats: &dcc_stats) -> [u64; 10] {
    [
        stats.live_tokens,
        stats.live_jobs,
        stats.live_registrations,
        stats.live_owners,
        stats.armed_deadlines,
        stats.live_dispatchers,
        stats.unfinished_posts,
        stats.live_sessions,
        stats.live_requests,
        stats.live_shares,
    ]
}

/// Lets one test run at a time, because the counts belong to the whole process. At the end it
/// checks that everything was released.
pub struct Alone {
    _lock: MutexGuard<'static, ()>,
    /// The counts at the start: a test that failed earlier may have left objects.
    before: [u64; 10],
}

pub fn alone() -> Alone {
    static LOCK: Mutex<()> = Mutex::new(());
    let lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    Alone { _lock: lock, before: alive(&stats()) }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // The callback thread may still hold the last references.
        let end = Instant::now() + LONG;
        while alive(&stats()) != self.before && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        let left = alive(&stats());
        assert_eq!(
            left, self.before,
            "left: tokens, jobs, registrations, owners, deadlines, dispatchers, posts, sessions, \
             requests, shares"
        );
    }
}

/// A token's handle as a number, so that threads can share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub usize);

pub const NO_TOKEN: Token = Token(0);

/// The type of the functions that register.
type RegisterFn = unsafe extern "C" fn(
    *const dcc_cancel_token,
    dcc_cancel_fn,
    *mut c_void,
    dcc_destroy_fn,
    *const dcc_owner,
    *mut *mut dcc_registration,
) -> dcc_status;

impl Token {
    pub fn new() -> Self {
        Self::child_of(&[])
    }

    pub fn child_of(parents: &[Self]) -> Self {
        let parents: Vec<_> = parents.iter().map(|parent| parent.pointer().cast_const()).collect();
        let mut token = null_mut();
        // SAFETY: a filled-in descriptor, a writable result.
        let status = unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut token) };
        assert_eq!(status, DCC_OK);
        Self(token.addr())
    }

    pub fn pointer(self) -> *mut dcc_cancel_token {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn cancel(self) -> dcc_status {
        // SAFETY: no reason.
        unsafe { dcc_cancel_token_cancel(self.pointer(), null(), 0) }
    }

    pub fn cancel_async(self) -> dcc_status {
        // SAFETY: a text of that length.
        unsafe { dcc_cancel_token_cancel_async(self.pointer(), c"async".as_ptr(), 5) }
    }

    pub fn is_cancelled(self) -> bool {
        let status = dcc_cancel_token_is_cancelled(self.pointer());
        assert!(status >= 0, "{status}");
        status == DCC_CANCELLED_BY_TOKEN
    }

    pub fn is_alive(self) -> bool {
        dcc_cancel_token_is_cancelled(self.pointer()) >= 0
    }

    pub fn retain(self) -> dcc_status {
        dcc_cancel_token_retain(self.pointer())
    }

    #[track_caller]
    pub fn release(self) {
        assert_eq!(dcc_cancel_token_release(self.pointer()), DCC_OK);
    }

    pub fn try_register(
        self,
        watch: &'static Watch,
        owner: Owner,
    ) -> Result<Registration, dcc_status> {
        self.register_by(dcc_cancel_token_register, watch, owner)
    }

    fn register_by(
        self,
        function: RegisterFn,
        watch: &'static Watch,
        owner: Owner,
    ) -> Result<Registration, dcc_status> {
        let mut registration = std::ptr::without_provenance_mut(1);
        // SAFETY: both functions take a watch, which lives for ever; a writable result.
        let status = unsafe {
            function(
                self.pointer(),
                Some(note_call),
                watch.user_data(),
                Some(note_destroy),
                owner.pointer(),
                &mut registration,
            )
        };
        assert_eq!(registration.is_null(), status < 0, "a failed register leaves NULL");
        if status < 0 { Err(status) } else { Ok(Registration(registration.addr())) }
    }

    #[track_caller]
    pub fn register(self, watch: &'static Watch) -> Registration {
        self.try_register(watch, NO_OWNER).unwrap()
    }

    /// A registration that keeps the token.
    pub fn try_register_keeping(
        self,
        watch: &'static Watch,
        owner: Owner,
    ) -> Result<Registration, dcc_status> {
        self.register_by(dcc_cancel_token_register_keeping, watch, owner)
    }

    #[track_caller]
    pub fn register_keeping(self, watch: &'static Watch) -> Registration {
        self.try_register_keeping(watch, NO_OWNER).unwrap()
    }

    /// Registers without taking a handle for the registration, which ends by itself.
    pub fn register_unkept(self, watch: &'static Watch, owner: Owner) -> dcc_status {
        // SAFETY: both functions take a watch, which lives for ever; NULL for the result.
        unsafe {
            dcc_cancel_token_register(
                self.pointer(),
                Some(note_call),
                watch.user_data(),
                Some(note_destroy),
                owner.pointer(),
                null_mut(),
            )
        }
    }

    pub fn set_deadline_after(self, time: Duration) -> dcc_status {
        dcc_cancel_token_set_deadline_after(self.pointer(), time.as_nanos() as u64)
    }

    pub fn set_deadline(self, at_ns: u64) -> dcc_status {
        dcc_cancel_token_set_deadline(self.pointer(), at_ns)
    }

    pub fn clear_deadline(self) -> dcc_status {
        dcc_cancel_token_clear_deadline(self.pointer())
    }

    pub fn deadline(self) -> (dcc_status, u64) {
        let mut at_ns = 7;
        // SAFETY: a writable result.
        let status = unsafe { dcc_cancel_token_deadline(self.pointer(), &mut at_ns) };
        (status, at_ns)
    }

    pub fn cause(self) -> dcc_cause {
        let mut cause = 7;
        // SAFETY: a writable result.
        let status = unsafe { dcc_cancel_token_cause(self.pointer(), &mut cause) };
        assert!(status >= 0, "{status}");
        cause
    }

    pub fn reason(self) -> String {
        let mut buffer = [0 as c_char; 100];
        // SAFETY: a buffer of that size, ended by NUL.
        unsafe {
            let size = buffer.len();
            let status =
                dcc_cancel_token_reason(self.pointer(), buffer.as_mut_ptr(), size, null_mut());
            assert!(status >= 0, "{status}");
            CStr::from_ptr(buffer.as_ptr()).to_str().unwrap().to_owned()
        }
    }

    pub fn time_since_cancelled(self) -> u64 {
        let mut nanoseconds = 0;
        // SAFETY: a writable result.
        let status =
            unsafe { dcc_cancel_token_time_since_cancelled(self.pointer(), &mut nanoseconds) };
        assert_eq!(status, DCC_OK);
        nanoseconds
    }

    pub fn wait(self, timeout: Duration) -> dcc_status {
        dcc_cancel_token_wait(self.pointer(), timeout.as_nanos() as u64)
    }

    pub fn wait_for_ever(self) -> dcc_status {
        dcc_cancel_token_wait(self.pointer(), DCC_NO_LIMIT)
    }
}

pub fn now_ns() -> u64 {
    dcc_clock_now_ns()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration(pub usize);

impl Registration {
    pub fn pointer(self) -> *mut dcc_registration {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn unregister(self) -> dcc_status {
        dcc_registration_unregister(self.pointer())
    }

    pub fn unregister_no_wait(self) -> dcc_status {
        dcc_registration_unregister_no_wait(self.pointer())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub usize);

pub const NO_OWNER: Owner = Owner(0);

impl Owner {
    pub fn new() -> Self {
        let mut owner = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_owner_create(&mut owner) }, DCC_OK);
        Self(owner.addr())
    }

    pub fn pointer(self) -> *mut dcc_owner {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn close(self) -> dcc_status {
        dcc_owner_close(self.pointer())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job(pub usize);

impl Job {
    /// A job with an owner and with a watch as its user data. A foreign job has a check, too.
    pub fn try_new(
        watch: &'static Watch,
        owner: Owner,
        parent: Token,
        foreign: bool,
    ) -> Result<Self, dcc_status> {
        let mut job = std::ptr::without_provenance_mut(1);
        // SAFETY: zero is a value of the descriptor; the functions take a watch, which lives for
        // ever; a writable result.
        let status = unsafe {
            let mut desc: dcc_job_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_job_desc>() as u32;
            desc.parent = parent.pointer();
            desc.user_data = watch.user_data();
            desc.destroy = Some(note_destroy);
            desc.is_cancelled = if foreign { Some(note_question) } else { None };
            desc.flags = if foreign { DCC_JOB_ASK_ON_ANY_THREAD } else { 0 };
            desc.owner = owner.pointer();
            dcc_job_create(&desc, &mut job)
        };
        assert_eq!(job.is_null(), status < 0, "a failed create leaves NULL");
        if status < 0 { Err(status) } else { Ok(Self(job.addr())) }
    }

    pub fn pointer(self) -> *mut dcc_job {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn is_cancelled(self) -> dcc_status {
        dcc_job_is_cancelled(self.pointer())
    }

    pub fn token(self) -> Token {
        Token(dcc_job_token(self.pointer()).addr())
    }

    pub fn state(self) -> i32 {
        state_of(self.pointer())
    }

    pub fn has_user_data(self) -> bool {
        let mut user_data = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_job_user_data(self.pointer(), &mut user_data) }, DCC_OK);
        !user_data.is_null()
    }

    #[track_caller]
    pub fn release(self) {
        assert_eq!(dcc_job_release(self.pointer()), DCC_OK);
    }
}

/// Keeps a value for ever. The static list shows leak checkers that it is still in use.
pub fn keep_for_ever<T: Send + Sync>(value: T) -> &'static T {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept: &'static T = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(std::ptr::from_ref(kept).expose_provenance());
    kept
}

type Body = Box<dyn Fn(Token) + Send + Sync>;

/// The user data of one registration: it counts calls, and knows what its functions are to do. It
/// lives for ever, so that a call that comes too late is counted instead of crashing.
pub struct Watch {
    called: AtomicU32,
    asked: AtomicU32,
    destroyed: AtomicU32,
    inside: AtomicBool,
    /// The position of its call among all calls in the process, counted from 1.
    place: AtomicU64,
    thread: Mutex<Option<std::thread::ThreadId>>,
    body: Body,
    on_destroy: Box<dyn Fn() + Send + Sync>,
}

impl Watch {
    pub fn new() -> &'static Self {
        Self::doing(|_| ())
    }

    /// A watch whose callback does this.
    pub fn doing(body: impl Fn(Token) + Send + Sync + 'static) -> &'static Self {
        Self::doing_both(body, || ())
    }

    /// A watch whose callback does the first and whose destroy-notify does the second.
    pub fn doing_both(
        body: impl Fn(Token) + Send + Sync + 'static,
        on_destroy: impl Fn() + Send + Sync + 'static,
    ) -> &'static Self {
        keep_for_ever(Self {
            called: AtomicU32::new(0),
            asked: AtomicU32::new(0),
            destroyed: AtomicU32::new(0),
            inside: AtomicBool::new(false),
            place: AtomicU64::new(0),
            thread: Mutex::new(None),
            body: Box::new(body),
            on_destroy: Box::new(on_destroy),
        })
    }

    pub fn user_data(&'static self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// How often its callback and its destroy-notify were called.
    pub fn counts(&self) -> (u32, u32) {
        (self.called.load(Ordering::SeqCst), self.destroyed.load(Ordering::SeqCst))
    }

    /// How often a foreign job's host was asked.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn place(&self) -> u64 {
        self.place.load(Ordering::SeqCst)
    }

    pub fn is_inside(&self) -> bool {
        self.inside.load(Ordering::SeqCst)
    }

    /// The thread that called its callback.
    pub fn thread(&self) -> Option<std::thread::ThreadId> {
        *self.thread.lock().unwrap()
    }
}

// Both functions panic if they find something that must not happen. A panic out of an `extern "C"`
// function ends the test program.

pub unsafe extern "C" fn note_call(token: *const dcc_cancel_token, watch: *mut c_void) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // SAFETY: a watch, which lives for ever.
    let watch = unsafe { &*watch.cast::<Watch>() };
    assert_eq!(watch.called.fetch_add(1, Ordering::SeqCst), 0, "called twice");
    assert_eq!(watch.destroyed.load(Ordering::SeqCst), 0, "called after its destroy-notify");
    watch.place.store(CALLS.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    *watch.thread.lock().unwrap() = Some(std::thread::current().id());
    watch.inside.store(true, Ordering::SeqCst);
    (watch.body)(Token(token.addr()));
    assert_eq!(watch.destroyed.load(Ordering::SeqCst), 0, "destroyed while it is called");
    watch.inside.store(false, Ordering::SeqCst);
}

/// A foreign job's check, which always answers no.
pub unsafe extern "C" fn note_question(watch: *mut c_void) -> i32 {
    // SAFETY: a watch, which lives for ever.
    let watch = unsafe { &*watch.cast::<Watch>() };
    assert_eq!(watch.destroyed.load(Ordering::SeqCst), 0, "asked after its destroy-notify");
    assert!(!watch.inside.swap(true, Ordering::SeqCst), "asked twice at a time");
    watch.asked.fetch_add(1, Ordering::SeqCst);
    (watch.body)(NO_TOKEN);
    assert_eq!(watch.destroyed.load(Ordering::SeqCst), 0, "destroyed while it is asked");
    watch.inside.store(false, Ordering::SeqCst);
    0
}

pub unsafe extern "C" fn note_destroy(watch: *mut c_void) {
    // SAFETY: a watch, which lives for ever.
    let watch = unsafe { &*watch.cast::<Watch>() };
    assert!(!watch.is_inside(), "destroyed while it is called");
    (watch.on_destroy)();
    assert_eq!(watch.destroyed.fetch_add(1, Ordering::SeqCst), 0, "destroyed twice");
}

/// A gate at which callbacks wait until a test opens it.
#[derive(Default)]
pub struct Gate {
    reached: AtomicU32,
    open: AtomicBool,
}

impl Gate {
    pub fn new() -> &'static Self {
        keep_for_ever(Self::default())
    }

    /// Waits while the gate is closed.
    pub fn pass(&self) {
        self.reached.fetch_add(1, Ordering::SeqCst);
        until("the gate opens", || self.open.load(Ordering::SeqCst));
    }

    pub fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    #[track_caller]
    pub fn await_arrivals(&self, count: u32) {
        until("the gate is reached", || self.reached.load(Ordering::SeqCst) >= count);
    }
}
