//! Real threads on shared objects. At the end of each run all objects are counted. `DCC_STRESS`
//! makes the long runs longer. A lock lets one test run at a time, because the counts belong to the
//! whole process.

#[path = "../support/stats.rs"]
mod counts;
#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/linked.rs"]
mod linked;
#[path = "../support/random.rs"]
mod random;

use counts::stats;
use dcc_cancel::ffi::{
    context::*, current::*, job::*, job_life::*, poll::*, stats::*, status::*, token::*,
};
use linked::linked_to;
use random::Random;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn assert_empty() {
    let left = stats();
    assert_eq!((left.live_tokens, left.live_jobs, left.live_contexts), (0, 0, 0));
}

fn token(bits: usize) -> *mut dcc_cancel_token {
    std::ptr::without_provenance_mut(bits)
}

fn new_token(parents: &[usize]) -> Result<usize, dcc_status> {
    let mut created = null_mut();
    let parents: Vec<*const dcc_cancel_token> =
        parents.iter().map(|p| token(*p).cast_const()).collect();
    // SAFETY: a filled-in descriptor, a writable result.
    let status = unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut created) };
    if status == DCC_OK { Ok(created.addr()) } else { Err(status) }
}

fn cancel(bits: usize) -> dcc_status {
    // SAFETY: a text of that length.
    unsafe { dcc_cancel_token_cancel(token(bits), c"stress".as_ptr(), 6) }
}

static DESTROYED: AtomicU64 = AtomicU64::new(0);

/// The user data of a foreign job: whether its check is being asked.
type Inside = AtomicBool;

unsafe extern "C" fn destroy(inside: *mut c_void) {
    // SAFETY: the box that `new_job` gave up.
    let inside = unsafe { Box::from_raw(inside.cast::<Inside>()) };
    assert!(!inside.load(Ordering::SeqCst), "destroyed while it is asked");
    DESTROYED.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn never_twice_at_a_time(inside: *mut c_void) -> i32 {
    // SAFETY: the box of a job that lives during the call.
    let inside = unsafe { &*inside.cast::<Inside>() };
    assert!(!inside.swap(true, Ordering::SeqCst), "entered twice");
    std::thread::yield_now();
    inside.store(false, Ordering::SeqCst);
    0
}

fn new_job(parent: usize, foreign: bool) -> Result<usize, dcc_status> {
    let mut job = null_mut();
    let inside = Box::into_raw(Box::new(Inside::new(false)));
    // SAFETY: zero is a value of the descriptor; a writable result.
    let status = unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.parent = token(parent);
        desc.user_data = inside.cast();
        desc.destroy = Some(destroy);
        if foreign {
            desc.is_cancelled = Some(never_twice_at_a_time);
            desc.flags = DCC_JOB_ASK_ON_ANY_THREAD;
        }
        dcc_job_create(&desc, &mut job)
    };
    if status != DCC_OK {
        // SAFETY: of a failed create the user data is still the caller's.
        drop(unsafe { Box::from_raw(inside) });
        return Err(status);
    }
    Ok(job.addr())
}

/// Handles that threads share. A place owns one reference of the handle in it; 0 means empty.
struct Shared([AtomicUsize; 16]);

impl Shared {
    const fn new() -> Self {
        Self([const { AtomicUsize::new(0) }; 16])
    }

    /// Puts a reference in and returns the one that was there.
    fn swap(&self, random: &mut Random, bits: usize) -> usize {
        self.0[random.below(16) as usize].swap(bits, Ordering::AcqRel)
    }

    /// A handle that may go stale at any time.
    fn peek(&self, random: &mut Random) -> usize {
        let bits = self.0[random.below(16) as usize].load(Ordering::Relaxed);
        match random.below(40) {
            0 => bits ^ (1 << random.below(64)),
            1 => random.0 as usize,
            _ => bits,
        }
    }
}

/// Counts that must agree with other counts at the end.
#[derive(Default)]
struct Counts {
    jobs: AtomicU64,
    won_ends: AtomicU64,
}

#[test]
fn random_calls_from_many_threads_end_with_nothing_left() {
    let _alone = alone();
    let (tokens, jobs, contexts) = (Shared::new(), Shared::new(), Shared::new());
    let counts = Counts::default();
    let before = stats();
    let destroyed = DESTROYED.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            let (tokens, jobs, contexts, counts) = (&tokens, &jobs, &contexts, &counts);
            scope.spawn(move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
                for _ in 0..effort::times(300_000) {
                    step(&mut random, tokens, jobs, contexts, counts);
                }
            });
        }
    });
    for slot in &tokens.0 {
        assert_eq!(dcc_cancel_token_release(token(slot.load(Ordering::Relaxed))), DCC_OK);
    }
    for slot in &jobs.0 {
        let job = std::ptr::without_provenance_mut(slot.load(Ordering::Relaxed));
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
    for slot in &contexts.0 {
        let context = std::ptr::without_provenance_mut(slot.load(Ordering::Relaxed));
        assert_eq!(dcc_context_release(context), DCC_OK);
    }
    assert_empty();
    let after = stats();
    let made = counts.jobs.load(Ordering::Relaxed);
    assert!(made > 100);
    assert_eq!(DESTROYED.load(Ordering::Relaxed) - destroyed, made, "a notify for each job");
    let ended = |stats: &dcc_stats| {
        stats.jobs_completed + stats.jobs_failed + stats.jobs_cancelled + stats.jobs_interrupted
    };
    assert_eq!(ended(&after) - ended(&before), made, "an end for each job");
    let by_calls = counts.won_ends.load(Ordering::Relaxed);
    assert!(by_calls > 0 && by_calls <= made, "{by_calls} of {made}");
}

fn step(random: &mut Random, tokens: &Shared, jobs: &Shared, contexts: &Shared, counts: &Counts) {
    let job = |bits| std::ptr::without_provenance_mut::<dcc_job>(bits);
    let context = |bits| std::ptr::without_provenance_mut::<dcc_context>(bits);
    let refusals = [DCC_ERROR_INVALID_HANDLE, DCC_ERROR_RESOURCES];
    match random.below(16) {
        0..=2 => {
            let parents: Vec<usize> = (0..random.below(4)).map(|_| tokens.peek(random)).collect();
            match new_token(&parents) {
                Ok(created) => {
                    let old = tokens.swap(random, created);
                    assert_eq!(dcc_cancel_token_release(token(old)), DCC_OK);
                }
                Err(status) => assert!(refusals.contains(&status), "{status}"),
            }
        }
        3 | 4 => {
            let parent = tokens.peek(random);
            match new_job(parent, random.below(4) == 0) {
                Ok(created) => {
                    counts.jobs.fetch_add(1, Ordering::Relaxed);
                    let old = jobs.swap(random, created);
                    assert_eq!(dcc_job_release(job(old)), DCC_OK);
                }
                Err(status) => assert!(refusals.contains(&status), "{status}"),
            }
        }
        5 => {
            let bits = tokens.peek(random);
            if dcc_cancel_token_retain(token(bits)) == DCC_OK {
                let old = tokens.swap(random, bits);
                assert_eq!(dcc_cancel_token_release(token(old)), DCC_OK);
            }
        }
        6 if random.below(4) == 0 => {
            cancel(tokens.peek(random));
        }
        7 if random.below(4) == 0 => {
            // SAFETY: no reason.
            unsafe { dcc_job_cancel(job(jobs.peek(random)), null(), 0) };
        }
        8 => {
            let bits = jobs.peek(random);
            if bits == 0 || dcc_job_retain(job(bits)) != DCC_OK {
                return;
            }
            dcc_job_begin(job(bits));
            let ended = match random.below(3) {
                0 => dcc_job_complete(job(bits)),
                1 => dcc_job_acknowledge_cancel(job(bits)),
                // SAFETY: a text of that length.
                _ => unsafe { dcc_job_fail(job(bits), c"broken".as_ptr(), 6) },
            };
            counts.won_ends.fetch_add(u64::from(ended == DCC_OK), Ordering::Relaxed);
            assert_eq!(dcc_job_release(job(bits)), DCC_OK);
        }
        9..=11 => {
            let (mut token_ticket, mut job_ticket) = (0, 0);
            // SAFETY: writable results.
            let (set_token, set_job) = unsafe {
                (
                    dcc_cancel_token_set_current(token(tokens.peek(random)), &mut token_ticket),
                    dcc_job_set_current(job(jobs.peek(random)), &mut job_ticket),
                )
            };
            let mut captured = null_mut();
            // SAFETY: a writable result.
            if random.below(4) == 0 && unsafe { dcc_context_capture(&mut captured) } == DCC_OK {
                let old = contexts.swap(random, captured.addr());
                assert_eq!(dcc_context_release(context(old)), DCC_OK);
            }
            assert!((0..=DCC_POLL_GONE).contains(&dcc_check_cancelled()));
            if set_token == DCC_OK {
                assert_eq!(dcc_cancel_token_reset_current(token_ticket), DCC_OK);
            }
            if set_job == DCC_OK {
                assert_eq!(dcc_job_reset_current(job_ticket), DCC_OK);
            }
            assert_eq!(dcc_check_cancelled(), DCC_OK);
        }
        12 => {
            let mut ticket = 0;
            // SAFETY: a writable result.
            if unsafe { dcc_context_enter(context(contexts.peek(random)), &mut ticket) } == DCC_OK {
                dcc_check_cancelled();
                assert_eq!(dcc_context_unwind(ticket), DCC_OK);
            }
        }
        _ => {
            let bits = tokens.peek(random);
            let mut layer = dcc_poll_layer { word: null(), expected: 0 };
            // SAFETY: writable results and a NUL-terminated name; the word is readable for ever.
            unsafe {
                dcc_poll_read_token(token(bits), &mut layer);
                let word = AtomicU64::from_ptr(layer.word.cast_mut()).load(Ordering::Relaxed);
                if word != layer.expected {
                    dcc_poll_slow(layer.expected, 0, c"here".as_ptr(), 1);
                }
                dcc_cancel_token_reason(token(bits), null_mut(), 0, null_mut());
            }
            dcc_cancel_token_is_cancelled(token(bits));
        }
    }
}

/// Of many cancels of one token one wins, and each loser returns after the flag is visible.
#[test]
fn a_losing_cancel_returns_after_the_flag() {
    let _alone = alone();
    for _ in 0..effort::times(2000) {
        let bits = new_token(&[]).unwrap();
        let child = new_token(&[bits]).unwrap();
        let (wins, start) = (AtomicU32::new(0), Barrier::new(3));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    let won = cancel(bits) == DCC_OK;
                    wins.fetch_add(u32::from(won), Ordering::Relaxed);
                    assert_eq!(dcc_cancel_token_is_cancelled(token(bits)), DCC_CANCELLED_BY_TOKEN);
                });
            }
        });
        assert_eq!(wins.into_inner(), 1);
        assert_eq!(dcc_cancel_token_is_cancelled(token(child)), DCC_CANCELLED_BY_TOKEN);
        assert_eq!(dcc_cancel_token_release(token(child)), DCC_OK);
        assert_eq!(dcc_cancel_token_release(token(bits)), DCC_OK);
    }
    assert_empty();
}

/// Children are linked, released and cancelled through their parent, all at the same time.
#[test]
fn a_child_of_a_cancelled_parent_is_cancelled_in_the_end() {
    let _alone = alone();
    for _ in 0..effort::times(2000) {
        let parents = [new_token(&[]).unwrap(), new_token(&[]).unwrap()];
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            let makers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let mut kept = Vec::new();
                        for round in 0..50 {
                            let child = new_token(&parents).unwrap();
                            if round % 2 == 0 {
                                kept.push(child);
                            } else {
                                assert_eq!(dcc_cancel_token_release(token(child)), DCC_OK);
                            }
                        }
                        kept
                    })
                })
                .collect();
            start.wait();
            assert_eq!(cancel(parents[0]), DCC_OK);
            assert_eq!(cancel(parents[1]), DCC_OK);
            for child in makers.into_iter().flat_map(|maker| maker.join().unwrap()) {
                assert_eq!(dcc_cancel_token_is_cancelled(token(child)), DCC_CANCELLED_BY_TOKEN);
                assert_eq!(dcc_cancel_token_release(token(child)), DCC_OK);
            }
        });
        for parent in parents {
            assert_eq!(dcc_cancel_token_release(token(parent)), DCC_OK);
        }
    }
    assert_empty();
}

/// Runs on a stack that is too small for a recursion over thirty thousand tokens.
fn on_a_small_stack(body: fn()) {
    let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(body).unwrap();
    thread.join().unwrap();
}

const MANY: usize = 30_000;

/// The processor time of this thread, which other programs do not change.
#[cfg(unix)]
fn worked() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a writable result.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(not(unix))]
fn worked() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// Checks that ten times as many take about ten times as long: somewhat more, for caches, and far
/// from a hundred times.
fn assert_linear(what: &str, work: impl Fn(usize)) {
    let time = |count| {
        let start = worked();
        work(count);
        worked() - start
    };
    time(MANY);
    let (few, many) = (time(MANY), time(10 * MANY));
    assert!(many < few * 40, "{what}: {few:?} for {MANY}, {many:?} for ten times as many");
}

fn cancel_and_release_wide(count: usize, parent_first: bool) {
    let parent = new_token(&[]).unwrap();
    let children: Vec<usize> = (0..count).map(|_| new_token(&[parent]).unwrap()).collect();
    assert_eq!(cancel(parent), DCC_OK);
    if parent_first {
        assert_eq!(dcc_cancel_token_release(token(parent)), DCC_OK);
    }
    for child in children {
        assert_eq!(dcc_cancel_token_is_cancelled(token(child)), DCC_CANCELLED_BY_TOKEN);
        assert_eq!(dcc_cancel_token_release(token(child)), DCC_OK);
    }
    if !parent_first {
        assert_eq!(dcc_cancel_token_release(token(parent)), DCC_OK);
    }
}

#[test]
fn a_wide_parent_is_cancelled_and_released_in_either_order_in_linear_time() {
    let _alone = alone();
    on_a_small_stack(|| {
        for parent_first in [true, false] {
            assert_linear("wide", |count| cancel_and_release_wide(count, parent_first));
            assert_empty();
        }
    });
}

fn cancel_and_release_chain(count: usize, cancelled: bool, root_first: bool) {
    let mut chain = vec![new_token(&[]).unwrap()];
    for _ in 1..count {
        let last = chain[chain.len() - 1];
        chain.push(new_token(&[last]).unwrap());
    }
    if cancelled {
        assert_eq!(cancel(chain[0]), DCC_OK);
        let leaf = token(chain[count - 1]);
        assert_eq!(dcc_cancel_token_is_cancelled(leaf), DCC_CANCELLED_BY_TOKEN);
    }
    if !root_first {
        chain.reverse();
    }
    for bits in chain {
        assert_eq!(dcc_cancel_token_release(token(bits)), DCC_OK);
    }
}

#[test]
fn a_long_chain_is_cancelled_and_released_in_either_order_in_linear_time() {
    let _alone = alone();
    on_a_small_stack(|| {
        for (cancelled, root_first) in [(true, true), (true, false), (false, true), (false, false)]
        {
            let work = |count| cancel_and_release_chain(count, cancelled, root_first);
            assert_linear("a chain", work);
            assert_empty();
        }
    });
}

/// Many links to one parent, and children that are gone, leave nothing in a long-lived parent. A
/// child is made and freed as fast among a million siblings as alone.
#[test]
fn a_long_lived_parent_collects_nothing_and_its_children_cost_the_same() {
    let _alone = alone();
    let parent = new_token(&[]).unwrap();
    let come_and_go = || {
        let start = worked();
        for _ in 0..MANY {
            let child = new_token(&[parent, parent]).unwrap();
            assert_eq!(dcc_cancel_token_release(token(child)), DCC_OK);
        }
        worked() - start
    };
    let by_themselves = come_and_go();
    assert_eq!(stats().live_tokens, 1);
    let siblings: Vec<usize> = (0..10 * MANY).map(|_| new_token(&[parent]).unwrap()).collect();
    let among_siblings = come_and_go();
    assert!(among_siblings < by_themselves * 10, "{by_themselves:?}, then {among_siblings:?}");
    // Children are released from the middle of the list outwards.
    let (older, newer) = siblings.split_at(siblings.len() / 2);
    let start = worked();
    for (older, newer) in older.iter().rev().zip(newer) {
        assert_eq!(dcc_cancel_token_release(token(*older)), DCC_OK);
        assert_eq!(dcc_cancel_token_release(token(*newer)), DCC_OK);
    }
    let released = worked() - start;
    assert!(released < by_themselves * 100, "{by_themselves:?} for a tenth, then {released:?}");
    assert_eq!(stats().live_tokens, 1);
    assert_eq!(dcc_cancel_token_release(token(parent)), DCC_OK);
    assert_empty();
}
