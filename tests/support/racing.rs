//! What stress tests of dispatchers share: random numbers, threads that start at the same moment,
//! hosts that notice late calls, and the checks of all posted jobs at the end.

#![allow(dead_code, reason = "each test uses a part of it")]

#[path = "effort.rs"]
mod effort;
#[path = "random.rs"]
mod random;

use super::listening::LONG;
use super::posting::*;
use dcc_cancel::ffi::{
    current::dcc_check_cancelled, dispatcher::*, job::*, owner::dcc_owner, post::*, status::*,
};
pub use random::Random;
use std::ffi::c_void;
use std::hint::spin_loop;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Instant;

/// Ends the program at the first panic of any thread; otherwise other threads could wait for that
/// thread for ever.
fn end_with_first_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            usual(info);
            let _ = writeln!(std::io::stderr(), "{info}");
            std::process::abort();
        }));
    });
}

/// Repeats a round as often as the effort says.
pub fn rounds(mut round: impl FnMut(&mut Random)) {
    end_with_first_panic();
    for count in 0..effort::times(300) {
        round(&mut Random::of(count));
    }
}

/// A line at which threads wait until all have come.
pub struct StartLine(AtomicU32);

impl StartLine {
    pub fn for_threads(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    pub fn pass(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
        for attempt in 0_u32.. {
            if self.0.load(Ordering::Acquire) == 0 {
                break;
            }
            // On a machine with few processors the other threads may need this one.
            if attempt % 1000 == 999 { std::thread::yield_now() } else { spin_loop() }
        }
    }
}

/// A host, the user data of a dispatcher. It lives for ever, so that a late call is noticed.
#[derive(Default)]
pub struct Host {
    woken: AtomicBool,
    destroys: AtomicU32,
}

fn assert_alive(host: &Host) {
    assert_eq!(host.destroys.load(Ordering::SeqCst), 0, "called after its destroy-notify");
}

unsafe extern "C" fn wake(host: *mut c_void) {
    // SAFETY: a host, which lives for ever.
    let host = unsafe { &*host.cast::<Host>() };
    assert_alive(host);
    host.woken.store(true, Ordering::SeqCst);
    (0..200).for_each(|_| spin_loop());
    assert_alive(host);
}

unsafe extern "C" fn destroy(host: *mut c_void) {
    // SAFETY: a host, which lives for ever.
    let host = unsafe { &*host.cast::<Host>() };
    assert_eq!(host.destroys.fetch_add(1, Ordering::SeqCst), 0, "destroyed twice");
}

impl Host {
    pub fn new() -> &'static Self {
        // The list shows leak checkers that the hosts are still in use.
        static KEPT: Mutex<Vec<&'static Host>> = Mutex::new(Vec::new());
        let host: &'static Self = Box::leak(Box::default());
        KEPT.lock().unwrap().push(host);
        host
    }

    /// Creates a dispatcher of this host on this thread.
    pub fn dispatcher(&'static self, owner: *const dcc_owner) -> Dispatcher {
        Dispatcher::with(|desc| {
            desc.capacity = 64;
            desc.user_data = std::ptr::from_ref(self).cast_mut().cast();
            desc.wake = Some(wake);
            desc.destroy = Some(destroy);
            desc.owner = owner;
        })
    }

    pub fn destroys(&self) -> u32 {
        self.destroys.load(Ordering::SeqCst)
    }

    /// Pumps only when the host was woken, until `is_enough` says so.
    #[track_caller]
    pub fn pump_when_woken(&self, dispatcher: Dispatcher, is_enough: impl Fn() -> bool) {
        let mut end = Instant::now() + LONG;
        while !is_enough() {
            if self.woken.swap(false, Ordering::SeqCst) {
                match dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT) {
                    Ok(_) | Err(DCC_ERROR_INVALID_HANDLE) => (),
                    Err(other) => panic!("{other}: {}", last_error()),
                }
                end = Instant::now() + LONG;
            } else {
                assert!(Instant::now() < end, "nobody wakes the host for what is left");
                std::thread::yield_now();
            }
        }
    }
}

/// Whether the dispatcher has no accepted job left.
pub fn is_empty(dispatcher: Dispatcher) -> bool {
    let stats = dispatcher.stats();
    let ended = stats.completed + stats.failed + stats.cancelled + stats.interrupted;
    let here = stats.depth + stats.between_slices + stats.running + stats.awaiting_completion;
    here == 0 && ended == stats.posted
}

/// A job of a random kind: it is done at once, works in steps, or polls until it is cancelled or
/// has polled often enough.
pub fn any_job(random: &mut Random) -> Post {
    any_job_of_plugin(random, &Arc::default())
}

/// As `any_job`, but once the flag says that the plugin is unloaded, none of the job's functions
/// may be called.
pub fn any_job_of_plugin(random: &mut Random, unloaded: &Arc<AtomicBool>) -> Post {
    let lanes = [DCC_LANE_INTERACTIVE, DCC_LANE_NORMAL, DCC_LANE_BACKGROUND];
    let lane = lanes[random.below(3) as usize];
    let slices = random.below(4);
    let polls = random.below(300);
    let mut done = 0;
    let [function, completion] = [(); 2].map(|()| unloaded.clone());
    job(move |_| {
        assert!(!function.load(Ordering::SeqCst), "called after it was unloaded");
        for _ in 0..polls {
            match dcc_check_cancelled() {
                0 => spin_loop(),
                cancelled => return cancelled,
            }
        }
        done += 1;
        if done > slices { 0 } else { DCC_RUN_AGAIN }
    })
    .completed(move |_, _| {
        assert!(!completion.load(Ordering::SeqCst), "completed after it was unloaded");
    })
    .lane(lane)
}

/// The logs of accepted and refused jobs.
#[derive(Default)]
pub struct Logs {
    accepted: Mutex<Vec<Arc<Log>>>,
    refused: Mutex<Vec<Arc<Log>>>,
}

impl Logs {
    pub fn accept(&self, log: Arc<Log>) {
        self.accepted.lock().unwrap().push(log);
    }

    /// Posts a job. If it is refused, the status must be one that the race allows.
    pub fn post(&self, dispatcher: Dispatcher, post: Post, refusals: &[dcc_status]) -> Option<Job> {
        let log = post.log.clone();
        match dispatcher.try_post(post) {
            Ok(posted) => {
                self.accept(log);
                Some(posted.job)
            }
            Err(status) => {
                assert!(refusals.contains(&status), "{status}: {}", last_error());
                self.refused.lock().unwrap().push(log);
                None
            }
        }
    }

    pub fn are_completed(&self) -> bool {
        let accepted = self.accepted.lock().unwrap();
        accepted.iter().all(|log| (log.completions(), log.destroys()) == (1, 1))
    }

    pub fn are_destroyed(&self) -> bool {
        self.accepted.lock().unwrap().iter().all(|log| log.destroys() == 1)
    }

    /// Checks that each accepted job was destroyed once and completed once; a job whose owner was
    /// closed on another thread may lack its completion. The dispatcher's counts must agree.
    /// Refused jobs must not have been called.
    #[track_caller]
    pub fn check(&self, dispatcher: Dispatcher) {
        let accepted = self.accepted.lock().unwrap();
        let stats = dispatcher.stats();
        let mut ends = [0; 4];
        let (mut ran, mut dropped) = (0, 0);
        for log in accepted.iter() {
            assert_eq!(log.destroys(), 1, "{log:?}");
            ran += u64::from(log.runs() > 0);
            match log.completions() {
                0 => dropped += 1,
                1 => {
                    let state = log.state();
                    assert!((DCC_JOB_COMPLETED..=DCC_JOB_INTERRUPTED).contains(&state), "{log:?}");
                    assert!(state != DCC_JOB_COMPLETED || log.runs() > 0, "{log:?}");
                    ends[(state - DCC_JOB_COMPLETED) as usize] += 1;
                }
                _ => panic!("{log:?}"),
            }
        }
        assert_eq!(stats.completions_dropped, dropped);
        let counted = [stats.completed, stats.failed, stats.cancelled, stats.interrupted];
        assert_eq!(stats.posted, accepted.len() as u64);
        assert_eq!(counted.iter().sum::<u64>(), stats.posted);
        if dropped == 0 {
            assert_eq!(counted, ends, "completed, failed, cancelled, interrupted");
        }
        assert_eq!(stats.executed, ran);
        assert_eq!((stats.depth, stats.between_slices, stats.running), (0, 0, 0));
        assert_eq!(stats.awaiting_completion, 0);
        for log in self.refused.lock().unwrap().iter() {
            let touched = (log.runs(), log.completions(), log.destroys());
            assert_eq!(touched, (0, 0, 0), "a refused payload is the poster's");
        }
    }
}
