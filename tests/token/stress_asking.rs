//! Real threads that wait, and ask hosts' own checks meanwhile. Each thread has its own jobs. Their
//! checks may be asked by that thread only, or by any thread. Each thread waits for objects of all
//! kinds, while the other threads cancel them and wait for them too. `DCC_STRESS` makes the runs
//! longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/random.rs"]
mod random;

use dcc_cancel::ffi::{current::*, job::*, job_life::*, job_wait::*, status::*, wait::*};
use dcc_cancel::sys::system_thread;
use listening::{LONG, NO_TOKEN, Token, alone, until};
use random::Random;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

const THREADS: usize = 4;

static MADE: AtomicU64 = AtomicU64::new(0);
static DESTROYED: AtomicU64 = AtomicU64::new(0);
static ASKED_ELSEWHERE: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// How many checks this thread is inside.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A host with an Esc key, the user data of a job. It is boxed, so that a sanitizer sees a late
/// question.
struct Host {
    /// The thread that created its job.
    thread: u64,
    may_any_ask: bool,
    asked: AtomicU32,
    /// The number of the question from which on it answers "stop".
    stop_at: u32,
    is_inside: AtomicBool,
}

unsafe extern "C" fn is_cancelled(host: *mut c_void) -> i32 {
    // SAFETY: the box of a job that is alive, or whose end waits for this to return.
    let host = unsafe { &*host.cast::<Host>() };
    assert!(!host.is_inside.swap(true, Ordering::SeqCst), "asked twice at a time");
    let here = system_thread::current();
    if here != host.thread {
        assert!(host.may_any_ask, "asked on a thread that may not");
        ASKED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
    }
    let number = host.asked.fetch_add(1, Ordering::SeqCst) + 1;
    // Some checks ask the current objects themselves; that does not lead back here.
    DEPTH.set(DEPTH.get() + 1);
    if number % 3 == 0 && DEPTH.get() < 4 {
        let mut again_ns = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_context_ask(NO_TOKEN.pointer(), &mut again_ns) }, DCC_OK);
    } else {
        std::thread::yield_now();
    }
    DEPTH.set(DEPTH.get() - 1);
    host.is_inside.store(false, Ordering::SeqCst);
    i32::from(number >= host.stop_at)
}

unsafe extern "C" fn destroy(host: *mut c_void) {
    // SAFETY: the box that was given away.
    let host = unsafe { Box::from_raw(host.cast::<Host>()) };
    assert!(!host.is_inside.load(Ordering::SeqCst), "destroyed while it is asked");
    DESTROYED.fetch_add(1, Ordering::Relaxed);
}

/// Handles that may go stale at any time; the threads that created the objects own them.
#[derive(Default)]
struct Shared {
    jobs: [AtomicUsize; THREADS],
    children: [AtomicUsize; THREADS],
}

impl Shared {
    fn job(&self, random: &mut Random) -> *mut dcc_job {
        let bits = self.jobs[random.below(THREADS as u64) as usize].load(Ordering::Relaxed);
        std::ptr::without_provenance_mut(bits)
    }

    /// A job's token, or a child of it.
    fn token(&self, random: &mut Random) -> Token {
        if random.below(2) == 0 {
            return Token(dcc_job_token(self.job(random)).addr());
        }
        Token(self.children[random.below(THREADS as u64) as usize].load(Ordering::Relaxed))
    }
}

fn new_job(random: &mut Random) -> *mut dcc_job {
    let host = Box::into_raw(Box::new(Host {
        thread: system_thread::current(),
        may_any_ask: random.below(2) == 0,
        asked: AtomicU32::new(0),
        stop_at: 1 + random.below(5) as u32,
        is_inside: AtomicBool::new(false),
    }));
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; functions and data that go together; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.flags = if (*host).may_any_ask { DCC_JOB_ASK_ON_ANY_THREAD } else { 0 };
        desc.user_data = host.cast();
        desc.destroy = Some(destroy);
        desc.is_cancelled = Some(is_cancelled);
        desc.min_interval_ns = [0, 0, 1, 20_000][random.below(4) as usize];
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    MADE.fetch_add(1, Ordering::Relaxed);
    job
}

/// A random time limit of up to 60 microseconds, in nanoseconds.
fn short(random: &mut Random) -> u64 {
    random.below(60_000)
}

fn meet_others(random: &mut Random, shared: &Shared, own: Token) {
    let status = match random.below(8) {
        0 => own.wait(Duration::from_nanos(short(random))),
        1 | 2 => shared.token(random).wait(Duration::from_nanos(short(random))),
        3 => {
            let tokens = [own, shared.token(random)].map(|token| token.pointer().cast_const());
            // SAFETY: an array of two.
            unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), 2, short(random), null_mut()) }
        }
        4 => dcc_job_wait(shared.job(random), short(random)),
        5 => {
            let mut again_ns = 0;
            // SAFETY: a writable result.
            unsafe { dcc_context_ask(shared.token(random).pointer(), &mut again_ns) }
        }
        6 if random.below(8) == 0 => shared.token(random).cancel(),
        _ => dcc_job_is_cancelled(shared.job(random)),
    };
    // The call is refused if a handle is stale, or if the wait would close a ring.
    let may_be_refused = [DCC_ERROR_INVALID_HANDLE, DCC_ERROR_WOULD_DEADLOCK];
    assert!(status >= 0 || may_be_refused.contains(&status), "{status}");
}

/// A job from its start to its end. Its thread waits, at the latest, until the host answers "stop".
fn work(random: &mut Random, shared: &Shared, place: usize) {
    let job = new_job(random);
    let token = Token(dcc_job_token(job).addr());
    let child = Token::child_of(&[token]);
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_set_current(job, &mut ticket) }, DCC_OK);
    shared.jobs[place].store(job.addr(), Ordering::Relaxed);
    shared.children[place].store(child.0, Ordering::Relaxed);
    for _ in 0..random.below(6) {
        meet_others(random, shared, token);
    }
    // Only the check ends these waits. They time out only if no thread asks the check.
    let stopped = match random.below(3) {
        0 => token.wait(LONG),
        1 => child.wait(LONG),
        _ => {
            let tokens = [NO_TOKEN, child].map(|token| token.pointer().cast_const());
            let most = LONG.as_nanos() as u64;
            // SAFETY: an array of two.
            unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), 2, most, null_mut()) }
        }
    };
    assert_eq!(stopped, DCC_CANCELLED_BY_TOKEN, "its host says stop, and nobody asks");
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
    child.release();
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn checks_are_asked_in_waits_and_by_who_may_alone() {
    let alone = alone();
    let shared = Shared::default();
    std::thread::scope(|scope| {
        for place in 0..THREADS {
            let shared = &shared;
            scope.spawn(move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(place as u64 + 1));
                for _ in 0..effort::times(300) {
                    work(&mut random, shared, place);
                }
            });
        }
    });
    until("every notify has run", || {
        DESTROYED.load(Ordering::Relaxed) == MADE.load(Ordering::Relaxed)
    });
    drop(alone);
    assert!(ASKED_ELSEWHERE.load(Ordering::Relaxed) > 0, "none was asked where any thread may");
}
