//! Random calls that listen, cancel, close and wait, on shared objects. Four threads make them,
//! mostly from inside callbacks. At the end no object is left, and the user data of each accepted
//! call was destroyed once. `DCC_STRESS` makes the runs longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{
    job::*, job_life::*, owner::*, registration::*, status::*, token::*, wait::*,
};
use listening::{alone, linked_to, until};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

thread_local! {
    static RANDOM: Cell<u64> = const { Cell::new(0) };
    /// How many callbacks this thread is inside.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

fn below(end: u64) -> u64 {
    static SEEDS: AtomicU64 = AtomicU64::new(1);
    RANDOM.with(|random| {
        let mut now = random.get();
        if now == 0 {
            now = SEEDS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        now ^= now << 13;
        now ^= now >> 7;
        now ^= now << 17;
        random.set(now);
        now % end
    })
}

/// Handles that all threads share. A place owns the object in it; 0 means empty.
struct Shared<const N: usize>([AtomicUsize; N]);

impl<const N: usize> Shared<N> {
    const fn new() -> Self {
        Self([const { AtomicUsize::new(0) }; N])
    }

    /// Puts a handle in and returns the one that was there.
    fn swap(&self, bits: usize) -> usize {
        self.0[below(N as u64) as usize].swap(bits, Ordering::AcqRel)
    }

    /// A handle that may go stale at any time or be bad.
    fn peek<T>(&self) -> *mut T {
        let bits = self.0[below(N as u64) as usize].load(Ordering::Relaxed);
        std::ptr::without_provenance_mut(if below(50) == 0 {
            bits ^ (1 << below(64))
        } else {
            bits
        })
    }

    fn drain(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|slot| slot.swap(0, Ordering::AcqRel))
    }
}

static TOKENS: Shared<16> = Shared::new();
static REGISTRATIONS: Shared<16> = Shared::new();
static OWNERS: Shared<4> = Shared::new();
static JOBS: Shared<8> = Shared::new();

static ACCEPTED: AtomicU64 = AtomicU64::new(0);
static CALLED: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static DESTROYED: AtomicU64 = AtomicU64::new(0);
static FULLY_CLOSED: AtomicU64 = AtomicU64::new(0);

const ALIVE: u32 = 0x600d_da7a;

/// The user data of a registration or job; its destroy-notify frees it.
struct Data {
    mark: AtomicU32,
    calls: AtomicU32,
    inside: AtomicU32,
}

impl Data {
    fn give() -> *mut c_void {
        let data = Self {
            mark: AtomicU32::new(ALIVE),
            calls: AtomicU32::new(0),
            inside: AtomicU32::new(0),
        };
        Box::into_raw(Box::new(data)).cast()
    }

    /// Handles the status of a call that was to take over the data.
    fn given(data: *mut c_void, status: dcc_status) {
        if status == DCC_OK {
            ACCEPTED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let refusals = [DCC_ERROR_INVALID_HANDLE, DCC_ERROR_SHUTDOWN];
        assert!(refusals.contains(&status), "{status}");
        // SAFETY: it is still the caller's, as `give` made it.
        let data = unsafe { Box::from_raw(data.cast::<Self>()) };
        assert_eq!(data.calls.load(Ordering::Relaxed), 0, "called after a refusal");
    }

    fn enter(&self) {
        assert_eq!(self.mark.load(Ordering::SeqCst), ALIVE, "called after its destroy-notify");
        assert_eq!(self.inside.fetch_add(1, Ordering::SeqCst), 0, "entered twice");
        if below(64) == 0 {
            // A short sleep, so that other threads find it running.
            std::thread::sleep(Duration::from_micros(50));
        }
        DEPTH.with(|depth| {
            depth.set(depth.get() + 1);
            if depth.get() < 4 {
                for _ in 0..below(3) {
                    step_anywhere();
                }
            }
            depth.set(depth.get() - 1);
        });
        assert_eq!(self.mark.load(Ordering::SeqCst), ALIVE, "destroyed while it is called");
        self.inside.store(0, Ordering::SeqCst);
    }
}

unsafe extern "C" fn on_cancel(token: *const dcc_cancel_token, data: *mut c_void) {
    // SAFETY: alive until its destroy-notify, as is tested.
    let data = unsafe { &*data.cast::<Data>() };
    assert_eq!(data.calls.fetch_add(1, Ordering::SeqCst), 0, "called twice");
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_CANCELLED_BY_TOKEN);
    data.enter();
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_CANCELLED_BY_TOKEN, "still borrowed");
    CALLED.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn is_cancelled(data: *mut c_void) -> i32 {
    // SAFETY: as above.
    unsafe { &*data.cast::<Data>() }.enter();
    ASKED.fetch_add(1, Ordering::Relaxed);
    i32::from(below(8) == 0)
}

unsafe extern "C" fn on_destroy(data: *mut c_void) {
    // SAFETY: as `give` made it; a second time finds the mark gone, most of the time.
    let data = unsafe { Box::from_raw(data.cast::<Data>()) };
    assert_eq!(data.mark.swap(0, Ordering::SeqCst), ALIVE, "destroyed twice");
    assert_eq!(data.inside.load(Ordering::SeqCst), 0, "destroyed while it is called");
    DESTROYED.fetch_add(1, Ordering::Relaxed);
}

fn new_token() {
    let parents: Vec<*const dcc_cancel_token> =
        (0..below(3)).map(|_| TOKENS.peek::<dcc_cancel_token>().cast_const()).collect();
    let mut token = null_mut();
    // SAFETY: a filled-in descriptor, a writable result.
    let status = unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut token) };
    if status == DCC_OK {
        release_token(TOKENS.swap(token.addr()));
    }
}

fn release_token(bits: usize) {
    assert_eq!(dcc_cancel_token_release(std::ptr::without_provenance_mut(bits)), DCC_OK);
}

fn register(keep: bool) {
    let (data, mut registration) = (Data::give(), null_mut());
    let result = if keep { &raw mut registration } else { null_mut() };
    // SAFETY: functions that take such data; NULL or a writable result.
    let status = unsafe {
        dcc_cancel_token_register(
            TOKENS.peek(),
            Some(on_cancel),
            data,
            Some(on_destroy),
            OWNERS.peek::<dcc_owner>(),
            result,
        )
    };
    Data::given(data, status);
    if keep && status == DCC_OK {
        unregister(REGISTRATIONS.swap(registration.addr()), below(2) == 0);
    }
}

fn unregister(bits: usize, wait: bool) {
    let registration = std::ptr::without_provenance_mut(bits);
    let status = if wait {
        dcc_registration_unregister(registration)
    } else {
        dcc_registration_unregister_no_wait(registration)
    };
    // Another thread may have ended it through a handle that it peeked.
    let ended = [DCC_OK, DCC_CALLBACK_DONE, DCC_CALLBACK_RUNNING, DCC_ERROR_INVALID_HANDLE];
    if status == DCC_ERROR_WOULD_DEADLOCK {
        assert!(wait && DEPTH.get() > 0, "no callback waits for this thread");
        // The handle is still valid, unless another thread uses it meanwhile.
        unregister(bits, false);
    } else {
        assert!(ended.contains(&status), "{status}");
    }
}

fn new_job() {
    let (data, mut job) = (Data::give(), null_mut());
    // SAFETY: zero is a value of the descriptor; a writable result.
    let status = unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.parent = TOKENS.peek();
        desc.user_data = data;
        desc.destroy = Some(on_destroy);
        desc.owner = OWNERS.peek();
        if below(2) == 0 {
            desc.is_cancelled = Some(is_cancelled);
            desc.flags = DCC_JOB_ASK_ON_ANY_THREAD;
        }
        dcc_job_create(&desc, &mut job)
    };
    Data::given(data, status);
    if status == DCC_OK {
        if below(2) == 0 {
            dcc_job_begin(job);
        }
        let old = std::ptr::without_provenance_mut(JOBS.swap(job.addr()));
        assert_eq!(dcc_job_release(old), DCC_OK);
    }
}

fn listen_to_an_event() {
    let mut event = DCC_NO_NATIVE_EVENT;
    // SAFETY: a writable result.
    if unsafe { dcc_cancel_token_native_event(TOKENS.peek(), &mut event) } == DCC_OK {
        assert_eq!(dcc_native_event_close(event), DCC_OK);
    }
}

/// One random call that is allowed anywhere, even inside callbacks.
fn step_anywhere() {
    use dcc_cancel::ffi::deadline::*;
    let token = || TOKENS.peek::<dcc_cancel_token>();
    match below(16) {
        0 | 1 => new_token(),
        2 | 3 => register(true),
        4 | 5 => register(false),
        6 => unregister(REGISTRATIONS.swap(0), true),
        // The registration may be another thread's, and may be running.
        7 => unregister(REGISTRATIONS.peek::<dcc_registration>().addr(), below(2) == 0),
        // SAFETY: no reasons.
        8 => unsafe {
            dcc_cancel_token_cancel(token(), null(), 0);
        },
        // SAFETY: as above.
        9 => unsafe {
            dcc_cancel_token_cancel_async(token(), null(), 0);
        },
        10 => {
            dcc_cancel_token_set_deadline_after(token(), below(2_000_000));
        }
        11 => {
            dcc_cancel_token_clear_deadline(token());
        }
        12 => new_job(),
        13 => {
            dcc_job_is_cancelled(JOBS.peek());
        }
        14 => listen_to_an_event(),
        _ => {
            let token = token();
            if dcc_cancel_token_retain(token) == DCC_OK {
                release_token(TOKENS.swap(token.addr()));
            }
        }
    }
}

fn close_owner(bits: usize) {
    let status = dcc_owner_close(std::ptr::without_provenance_mut(bits));
    assert_eq!(status, DCC_OK, "nobody waits for this thread");
    FULLY_CLOSED.fetch_add(1, Ordering::Relaxed);
}

/// One random call that needs a thread outside of all callbacks.
fn step_outside() {
    match below(40) {
        0 => {
            let mut owner = null_mut();
            // SAFETY: a writable result.
            assert_eq!(unsafe { dcc_owner_create(&mut owner) }, DCC_OK);
            close_owner(OWNERS.swap(owner.addr()));
        }
        1 => {
            let status = dcc_cancel_token_wait(TOKENS.peek(), below(200_000));
            let answers =
                [DCC_CANCELLED_BY_TOKEN, DCC_TIMED_OUT, DCC_POLL_GONE, DCC_ERROR_INVALID_HANDLE];
            assert!(answers.contains(&status), "{status}");
        }
        2 => {
            let tokens: [*const dcc_cancel_token; 3] =
                std::array::from_fn(|_| TOKENS.peek::<dcc_cancel_token>().cast_const());
            let mut index = 9;
            // SAFETY: an array of that length, a writable result.
            let status = unsafe {
                dcc_cancel_token_wait_any(tokens.as_ptr(), 3, below(200_000), &mut index)
            };
            if [DCC_CANCELLED_BY_TOKEN, DCC_POLL_GONE].contains(&status) {
                assert!(index < 3 && !tokens[index].is_null());
            }
        }
        _ => step_anywhere(),
    }
}

#[test]
fn random_listening_from_many_threads_ends_with_nothing_left() {
    let _alone = alone();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..effort::times(100_000) {
                    step_outside();
                }
            });
        }
    });
    // Until no token is left, callbacks on the callback thread may still put handles in.
    until("all is released and destroyed", || {
        TOKENS.drain().for_each(release_token);
        REGISTRATIONS.drain().for_each(|registration| unregister(registration, true));
        OWNERS.drain().filter(|owner| *owner != 0).for_each(close_owner);
        for job in JOBS.drain() {
            assert_eq!(dcc_job_release(std::ptr::without_provenance_mut(job)), DCC_OK);
        }
        let now = listening::stats();
        now.live_tokens + now.live_jobs + now.live_registrations + now.live_owners == 0
            && ACCEPTED.load(Ordering::SeqCst) == DESTROYED.load(Ordering::SeqCst)
    });
    let counts = [&ACCEPTED, &CALLED, &ASKED, &FULLY_CLOSED];
    let [accepted, called, asked, closed] = counts.map(|count| count.load(Ordering::SeqCst));
    assert_eq!(accepted, DESTROYED.load(Ordering::SeqCst), "a notify for each");
    let all = format!("{accepted} accepted, {called} called, {asked} asked, {closed} closed");
    assert!(called > 50 && called < accepted && asked > 10 && closed > 10, "{all}");
    println!("{all}");
}
