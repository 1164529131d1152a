//! A dispatcher is freed and the next one gets its slot, while a cancel of one of the first one's
//! jobs is under way. The cancel wakes the host of the first dispatcher or no host, and does not
//! use up a wake of the second one.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/racing.rs"]
mod racing;

use dcc_cancel::ffi::{job::*, status::*, trace::dcc_stats_live_jobs};
use listening::{Gate, NO_OWNER, Owner, Token, Watch, alone, until};
use posting::*;
use racing::{StartLine, rounds};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A host that counts how often it was woken, and notices calls after the end of its owner.
#[derive(Default)]
struct Host {
    wakes: AtomicU32,
    is_closed: AtomicBool,
    /// What `execute` does before it refuses a job. Without this it accepts jobs and never runs
    /// them.
    refuse: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

unsafe extern "C" fn wake(host: *mut c_void) {
    // SAFETY: a host, which lives for ever.
    let host = unsafe { &*host.cast::<Host>() };
    assert!(!host.is_closed.load(Ordering::SeqCst), "called after its owner was closed");
    host.wakes.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn execute(
    _run: Option<unsafe extern "C" fn(*mut c_void)>,
    _argument: *mut c_void,
    host: *mut c_void,
) -> i32 {
    // SAFETY: a host, which lives for ever.
    let host = unsafe { &*host.cast::<Host>() };
    let Some(mut refuse) = host.refuse.lock().unwrap().take() else { return 0 };
    refuse();
    -1
}

impl Host {
    fn new() -> &'static Self {
        listening::keep_for_ever(Self::default())
    }

    fn dispatcher(&'static self, owner: Owner) -> Dispatcher {
        Dispatcher::with(|desc| {
            desc.user_data = std::ptr::from_ref(self).cast_mut().cast();
            desc.wake = Some(wake);
            desc.execute = Some(execute);
            desc.owner = owner.pointer();
        })
    }

    fn wakes(&self) -> u32 {
        self.wakes.load(Ordering::SeqCst)
    }
}

/// The part of a handle that names the slot. The next object in that slot has the same.
fn place(dispatcher: Dispatcher) -> usize {
    dispatcher.0 >> 8 & 0xff_ffff
}

/// Releases a dispatcher and creates the next one in its slot, with a host.
fn replace(old: Dispatcher) -> (Dispatcher, &'static Host) {
    old.pump();
    old.release();
    let host = Host::new();
    let new = host.dispatcher(NO_OWNER);
    assert_eq!(place(new), place(old), "or the test shows nothing");
    (new, host)
}

/// A job that is cancelled while its dispatcher is freed.
struct Victim {
    parent: Token,
    old: Dispatcher,
    posted: Posted,
    token: Token,
}

impl Victim {
    fn new() -> Self {
        let parent = Token::new();
        let old = Dispatcher::new();
        let posted = old.post(nothing().parent(parent));
        let token = Token(dcc_job_token(posted.job.pointer()).addr());
        Self { parent, old, posted, token }
    }

    /// Checks that, after the cancel, `new` in the slot of the job's dispatcher is woken only by
    /// its own posts.
    fn check(self, new: Dispatcher, host: &Host) {
        self.posted.log.assert_over(DCC_JOB_CANCELLED);
        assert_eq!(host.wakes(), 0, "nothing was posted to it");
        let log = new.post_only(nothing());
        assert_eq!(host.wakes(), 1, "nobody was awake");
        new.pump();
        log.assert_over(DCC_JOB_COMPLETED);
        new.release();
        self.posted.job.release();
        self.parent.release();
    }
}

/// In a callback of the token, the dispatcher is freed and the next one created.
fn goes_in_a_callback(cancel: impl FnOnce(&Victim)) {
    let _alone = alone();
    let victim = Victim::new();
    let old = victim.old;
    let next: Arc<Mutex<Option<(Dispatcher, &Host)>>> = Arc::default();
    let made = next.clone();
    let watch = Watch::doing(move |_| *made.lock().unwrap() = Some(replace(old)));
    assert_eq!(victim.token.register_unkept(watch, NO_OWNER), DCC_OK);
    cancel(&victim);
    assert_eq!(watch.counts(), (1, 1));
    let (new, host) = next.lock().unwrap().take().unwrap();
    victim.check(new, host);
}

#[test]
fn a_job_is_cancelled() {
    goes_in_a_callback(|victim| assert_eq!(victim.posted.job.cancel(), DCC_OK));
}

#[test]
fn a_parent_is_cancelled() {
    goes_in_a_callback(|victim| assert_eq!(victim.parent.cancel(), DCC_OK));
}

/// While a callback of the token runs on the callback thread, the dispatcher is freed and the next
/// one created.
fn goes_beside_a_callback(cancel: impl FnOnce(&Victim)) {
    let _alone = alone();
    let victim = Victim::new();
    let gate = Gate::new();
    let watch = Watch::doing(|_| gate.pass());
    assert_eq!(victim.token.register_unkept(watch, NO_OWNER), DCC_OK);
    cancel(&victim);
    gate.await_arrivals(1);
    let (new, host) = replace(victim.old);
    gate.open();
    until("the callback is over", || watch.counts() == (1, 1));
    // This callback runs on that thread after all that the cancel does there.
    let (behind, token) = (Watch::new(), Token::new());
    assert_eq!(token.register_unkept(behind, NO_OWNER), DCC_OK);
    assert_eq!(token.cancel_async(), DCC_OK);
    until("the callback thread got there", || behind.counts() == (1, 1));
    token.release();
    victim.check(new, host);
}

#[test]
fn a_job_is_cancelled_by_the_callback_thread() {
    goes_beside_a_callback(|victim| assert_eq!(victim.token.cancel_async(), DCC_OK));
}

#[test]
fn a_parents_deadline_is_over() {
    goes_beside_a_callback(|victim| {
        assert_eq!(victim.parent.set_deadline_after(Duration::from_nanos(1)), DCC_OK);
    });
}

/// The slot of a posted job is used again before its dispatcher's slot is.
#[test]
fn a_job_that_is_over_does_not_wake_who_has_the_next_job_in_its_place() {
    let _alone = alone();
    let old = Dispatcher::new();
    let host = Host::new();
    let other = host.dispatcher(NO_OWNER);
    let posted = old.post(nothing());
    let token = Token(dcc_job_token(posted.job.pointer()).addr());
    let watch = Watch::doing(move |_| {
        old.pump();
        // The host's `execute` accepts the job and runs it later, so no host is woken.
        let next = other.post(nothing().any_thread());
        assert_eq!(host.wakes(), 0);
        next.job.release();
    });
    assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
    assert_eq!(posted.job.cancel(), DCC_OK);
    assert_eq!(watch.counts(), (1, 1));
    assert_eq!(host.wakes(), 0, "the cancel was of another dispatcher's job");
    other.close();
    other.release();
    posted.job.release();
    old.release();
}

/// A completion posts the next job, which gets the slot of the cancelled one, and releases its
/// dispatcher.
#[test]
fn a_completion_posts_to_another_dispatcher() {
    let _alone = alone();
    let old = Dispatcher::new();
    let host = Host::new();
    let other = host.dispatcher(NO_OWNER);
    let posted = old.post(nothing());
    let next: Arc<Mutex<Option<Posted>>> = Arc::default();
    let made = next.clone();
    let behind = old.post_only(nothing().completed(move |_, _| {
        old.release();
        *made.lock().unwrap() = Some(other.post(nothing().any_thread()));
    }));
    let token = Token(dcc_job_token(posted.job.pointer()).addr());
    let watch = Watch::doing(move |_| {
        old.pump();
    });
    assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
    assert_eq!(posted.job.cancel(), DCC_OK);
    posted.log.assert_over(DCC_JOB_CANCELLED);
    behind.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(host.wakes(), 0, "the cancel was of another dispatcher's job");
    let last = next.lock().unwrap().take().unwrap();
    last.job.cancel();
    assert_eq!(host.wakes(), 1, "this one was of its own");
    other.pump();
    last.log.assert_over(DCC_JOB_CANCELLED);
    last.job.release();
    other.release();
    posted.job.release();
}

/// The id of the only live job.
fn only_job() -> u64 {
    let mut buffer = [0_u8; 4096];
    let mut length = 0;
    // SAFETY: a buffer of that size, a writable result.
    let status =
        unsafe { dcc_stats_live_jobs(buffer.as_mut_ptr().cast(), buffer.len(), &mut length) };
    assert_eq!(status, DCC_OK);
    let listing = std::str::from_utf8(&buffer[..length]).unwrap();
    let jobs: serde_json::Value = serde_json::from_str(listing).unwrap();
    let jobs = jobs.as_array().unwrap();
    assert_eq!(jobs.len(), 1, "{listing}");
    jobs[0]["id"].as_u64().unwrap()
}

/// A post is refused after its token was linked to it and another thread has found the job.
#[test]
fn a_job_that_its_poster_took_back_wakes_nobody() {
    let _alone = alone();
    let host = Host::new();
    let old = host.dispatcher(NO_OWNER);
    let found: Arc<Mutex<Option<Job>>> = Arc::default();
    let finds = found.clone();
    *host.refuse.lock().unwrap() = Some(Box::new(move || {
        let mut job = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_job_find(only_job(), &mut job) }, DCC_OK);
        *finds.lock().unwrap() = Some(Job(job.addr()));
    }));
    let refused = old.try_post(nothing().any_thread());
    assert_eq!(refused.err(), Some(DCC_ERROR_OVERLOADED));
    old.release();
    let next_host = Host::new();
    let next = next_host.dispatcher(NO_OWNER);
    assert_eq!(place(next), place(old), "or the test shows nothing");
    // This job is in the slot of the job that was taken back.
    let waiting = next.post(nothing().any_thread());
    let job = found.lock().unwrap().take().unwrap();
    job.cancel();
    assert_eq!((host.wakes(), next_host.wakes()), (0, 0));
    assert_eq!(waiting.job.state(), DCC_JOB_PENDING);
    job.release();
    waiting.job.release();
    next.close();
    next.release();
}

/// One thread cancels. The other releases the dispatcher and creates others in its slot, each with
/// an owner that is closed before the next one is created.
#[test]
fn cancels_race_with_the_next_dispatchers() {
    let _alone = alone();
    rounds(|random| {
        let old = Dispatcher::new();
        let posted = old.post(nothing());
        let token = Token(dcc_job_token(posted.job.pointer()).addr());
        let is_in_callback: &AtomicBool = listening::keep_for_ever(AtomicBool::new(false));
        let dawdles = random.below(4000);
        let watch = Watch::doing(move |_| {
            is_in_callback.store(true, Ordering::SeqCst);
            (0..dawdles).for_each(|_| std::hint::spin_loop());
        });
        assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
        let line = StartLine::for_threads(2);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                line.pass();
                assert_eq!(posted.job.cancel(), DCC_OK);
                is_over.store(true, Ordering::SeqCst);
            });
            line.pass();
            until("it has left its queue", || is_in_callback.load(Ordering::SeqCst));
            old.pump();
            old.release();
            let mut is_last = false;
            while !is_last {
                is_last = is_over.load(Ordering::SeqCst);
                let (host, owner) = (Host::new(), Owner::new());
                let next = host.dispatcher(owner);
                let log = next.post_only(nothing());
                assert_eq!(host.wakes(), 1, "nobody was awake, and nobody else has posted");
                next.pump();
                log.assert_over(DCC_JOB_COMPLETED);
                assert_eq!(owner.close(), DCC_OK);
                host.is_closed.store(true, Ordering::SeqCst);
                next.release();
            }
        });
        posted.log.assert_over(DCC_JOB_CANCELLED);
        posted.job.release();
    });
}
