//! Real threads register, unregister, cancel, wait, arm and clear deadlines, and close owners, at
//! random. At the end each callback has run at most once, each destroy-notify exactly once, and no
//! object is left. `DCC_STRESS` makes the runs longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/random.rs"]
mod random;

use dcc_cancel::ffi::{
    deadline::*, job::*, job_life::*, owner::*, registration::*, status::*, token::*, wait::*,
};
use listening::*;
use random::Random;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

static MADE: AtomicU64 = AtomicU64::new(0);
static CALLED: AtomicU64 = AtomicU64::new(0);
static DESTROYED: AtomicU64 = AtomicU64::new(0);

/// The user data of a registration. It is boxed, so that a sanitizer sees a late use.
#[derive(Default)]
struct Data {
    calls: AtomicU32,
    /// The token that the callback cancels.
    next: usize,
}

unsafe extern "C" fn call(_token: *const dcc_cancel_token, data: *mut c_void) {
    // SAFETY: the registration's box.
    let data = unsafe { &*data.cast::<Data>() };
    assert_eq!(data.calls.fetch_add(1, Ordering::Relaxed), 0, "called twice");
    CALLED.fetch_add(1, Ordering::Relaxed);
    cancel(data.next);
    std::thread::yield_now();
    assert_eq!(data.calls.load(Ordering::Relaxed), 1);
}

unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: the box that was given away.
    drop(unsafe { Box::from_raw(data.cast::<Data>()) });
    DESTROYED.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn ask(data: *mut c_void) -> i32 {
    // SAFETY: the job's box.
    let data = unsafe { &*data.cast::<Data>() };
    i32::from(data.calls.fetch_add(1, Ordering::Relaxed) == 40)
}

fn token(bits: usize) -> *mut dcc_cancel_token {
    std::ptr::without_provenance_mut(bits)
}

fn registration(bits: usize) -> *mut dcc_registration {
    std::ptr::without_provenance_mut(bits)
}

fn cancel(bits: usize) -> dcc_status {
    // SAFETY: no reason.
    unsafe { dcc_cancel_token_cancel(token(bits), null(), 0) }
}

/// Places that own the object in them; 0 means empty. The thread that swaps an object out ends it.
#[derive(Default)]
struct Shared([AtomicUsize; 12]);

impl Shared {
    fn swap(&self, random: &mut Random, bits: usize) -> usize {
        self.0[random.below(12) as usize].swap(bits, Ordering::AcqRel)
    }

    /// A handle that may go stale at any time; sometimes it was never valid.
    fn peek(&self, random: &mut Random) -> usize {
        let bits = self.0[random.below(12) as usize].load(Ordering::Relaxed);
        if random.below(50) == 0 { bits ^ (1 << random.below(64)) } else { bits }
    }
}

#[derive(Default)]
struct World {
    tokens: Shared,
    registrations: Shared,
    owners: Shared,
    jobs: Shared,
}

fn new_data(next: usize) -> *mut c_void {
    MADE.fetch_add(1, Ordering::Relaxed);
    Box::into_raw(Box::new(Data { next, ..Data::default() })).cast()
}

/// After a failed call the user data still belongs to the caller.
fn take_back(data: *mut c_void) {
    // SAFETY: what `new_data` gave, refused.
    drop(unsafe { Box::from_raw(data.cast::<Data>()) });
    MADE.fetch_sub(1, Ordering::Relaxed);
}

fn end_registration(bits: usize, wait: bool) {
    let ended = if wait {
        dcc_registration_unregister(registration(bits))
    } else {
        dcc_registration_unregister_no_wait(registration(bits))
    };
    match ended {
        DCC_OK | DCC_CALLBACK_DONE | DCC_CALLBACK_RUNNING => (),
        // Another thread has ended it through a guessed handle.
        DCC_ERROR_INVALID_HANDLE => (),
        DCC_ERROR_WOULD_DEADLOCK => end_registration(bits, false),
        other => panic!("{other}"),
    }
}

fn step(random: &mut Random, world: &World) {
    let owner = |bits| std::ptr::without_provenance_mut::<dcc_owner>(bits);
    match random.below(14) {
        0 | 1 => {
            let parents = [world.tokens.peek(random), world.tokens.peek(random)].map(token);
            let parents = parents.map(<*mut _>::cast_const);
            let mut created = null_mut();
            let desc = linked_to(&parents[..random.below(3) as usize]);
            // SAFETY: a filled-in descriptor, a writable result.
            let status = unsafe { dcc_cancel_token_create_from(&desc, &mut created) };
            if status == DCC_OK {
                let old = world.tokens.swap(random, created.addr());
                assert_eq!(dcc_cancel_token_release(token(old)), DCC_OK);
            }
        }
        2..=4 => {
            let data = new_data(world.tokens.peek(random));
            let keep = random.below(2) == 0;
            let mut registered = null_mut();
            let out = if keep { &raw mut registered } else { null_mut() };
            let of = if random.below(2) == 0 { world.owners.peek(random) } else { 0 };
            // SAFETY: functions and data that go together, a writable result or none.
            let status = unsafe {
                let watched = token(world.tokens.peek(random));
                dcc_cancel_token_register(watched, Some(call), data, Some(destroy), owner(of), out)
            };
            if status < 0 {
                return take_back(data);
            }
            if keep {
                let old = world.registrations.swap(random, registered.addr());
                end_registration(old, random.below(2) == 0);
            }
        }
        5 => end_registration(world.registrations.swap(random, 0), random.below(2) == 0),
        6 => {
            let bits = world.tokens.peek(random);
            if random.below(2) == 0 {
                cancel(bits);
            } else {
                // SAFETY: no reason.
                unsafe { dcc_cancel_token_cancel_async(token(bits), null(), 0) };
            }
        }
        7 => {
            dcc_cancel_token_set_deadline_after(
                token(world.tokens.peek(random)),
                random.below(300_000),
            );
        }
        8 => {
            dcc_cancel_token_clear_deadline(token(world.tokens.peek(random)));
        }
        9 => {
            let tokens = [world.tokens.peek(random), world.tokens.peek(random)].map(token);
            let tokens = tokens.map(<*mut _>::cast_const);
            // SAFETY: an array of two.
            let status = unsafe {
                dcc_cancel_token_wait_any(tokens.as_ptr(), 2, random.below(100_000), null_mut())
            };
            assert!((DCC_ERROR_RESOURCES..=DCC_TIMED_OUT).contains(&status), "{status}");
        }
        10 if random.below(4) == 0 => {
            let mut created = null_mut();
            // SAFETY: a writable result.
            assert_eq!(unsafe { dcc_owner_create(&mut created) }, DCC_OK);
            // Other threads may have closed it through guessed handles, or may be closing it.
            dcc_owner_close(owner(world.owners.swap(random, created.addr())));
        }
        11 => {
            let data = new_data(0);
            let mut job = null_mut();
            // SAFETY: zero is a value of the descriptor; functions and data that go together.
            let status = unsafe {
                let mut desc: dcc_job_desc = std::mem::zeroed();
                desc.struct_size = size_of::<dcc_job_desc>() as u32;
                desc.parent = token(world.tokens.peek(random));
                desc.user_data = data;
                desc.destroy = Some(destroy);
                desc.is_cancelled = Some(ask);
                desc.flags = DCC_JOB_ASK_ON_ANY_THREAD;
                desc.owner = owner(world.owners.peek(random));
                dcc_job_create(&desc, &mut job)
            };
            if status < 0 {
                return take_back(data);
            }
            let old = world.jobs.swap(random, job.addr());
            assert_eq!(dcc_job_release(std::ptr::without_provenance_mut(old)), DCC_OK);
        }
        12 => {
            let job = std::ptr::without_provenance_mut::<dcc_job>(world.jobs.peek(random));
            dcc_job_is_cancelled(job);
            dcc_cancel_token_is_cancelled(dcc_job_token(job));
        }
        _ => {
            let mut event = DCC_NO_NATIVE_EVENT;
            // SAFETY: a writable result.
            unsafe { dcc_cancel_token_native_event(token(world.tokens.peek(random)), &mut event) };
            assert_eq!(dcc_native_event_close(event), DCC_OK);
        }
    }
}

#[test]
fn random_listening_from_many_threads_ends_with_nothing_left() {
    let alone = alone();
    let world = World::default();
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            let world = &world;
            scope.spawn(move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
                for _ in 0..effort::times(150_000) {
                    step(&mut random, world);
                }
            });
        }
    });
    let all = |shared: &Shared| shared.0.each_ref().map(|slot| slot.swap(0, Ordering::Relaxed));
    for bits in all(&world.registrations) {
        end_registration(bits, true);
    }
    for bits in all(&world.tokens) {
        assert_eq!(dcc_cancel_token_release(token(bits)), DCC_OK);
    }
    for bits in all(&world.jobs) {
        assert_eq!(dcc_job_release(std::ptr::without_provenance_mut(bits)), DCC_OK);
    }
    for bits in all(&world.owners) {
        dcc_owner_close(std::ptr::without_provenance_mut(bits));
    }
    // Dropping this checks the counts of live objects.
    drop(alone);
    until("every notify has run", || {
        DESTROYED.load(Ordering::Relaxed) == MADE.load(Ordering::Relaxed)
    });
    let (made, called) = (MADE.load(Ordering::Relaxed), CALLED.load(Ordering::Relaxed));
    assert!(made > 1000 && called > 100 && called < made, "{called} of {made}");
}
