//! Hosts' own checks, asked while the only thread that may ask them waits; and calls that are
//! refused inside a check.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{
    current::*, dispatcher::*, job::*, job_life::*, pump::*, status::*, token::*, wait::*,
};
use listening::{LONG, NO_TOKEN, Token, alone, until};
use posting::{Dispatcher, job, nothing};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

/// A host with an Esc key, and an action that its check does when it is asked.
struct Host<'a> {
    asked: AtomicU32,
    /// The number of the question that is answered with "stop".
    stop_at: u32,
    does: Box<dyn Fn() + Sync + 'a>,
}

unsafe extern "C" fn is_cancelled(host: *mut c_void) -> i32 {
    // SAFETY: a host that outlives its job.
    let host = unsafe { &*host.cast::<Host<'_>>() };
    let number = host.asked.fetch_add(1, Ordering::SeqCst) + 1;
    (host.does)();
    i32::from(number == host.stop_at)
}

impl Host<'_> {
    fn stopping_at(stop_at: u32) -> Self {
        Host { asked: AtomicU32::new(0), stop_at, does: Box::new(|| ()) }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// A running job; only this thread may ask its check.
    fn job(&self, interval_ns: u64) -> HostJob {
        let mut job = null_mut();
        // SAFETY: zero is a value of the descriptor; the function takes a host, which outlives the job.
        unsafe {
            let mut desc: dcc_job_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_job_desc>() as u32;
            desc.user_data = std::ptr::from_ref(self).cast_mut().cast();
            desc.is_cancelled = Some(is_cancelled);
            desc.min_interval_ns = interval_ns;
            assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
        }
        assert_eq!(dcc_job_begin(job), DCC_OK);
        HostJob(job)
    }
}

struct HostJob(*mut dcc_job);

impl HostJob {
    fn token(&self) -> Token {
        Token(dcc_job_token(self.0).addr())
    }

    /// A child of the job's token.
    fn child(&self) -> Token {
        Token::child_of(&[self.token()])
    }

    fn set_current(&self) -> u64 {
        let mut ticket = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_job_set_current(self.0, &mut ticket) }, DCC_OK);
        ticket
    }

    fn assert_stopped_by_its_host(&self) {
        let mut cause = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_cancel_token_cause(dcc_job_token(self.0), &mut cause) }, DCC_OK);
        assert_eq!(cause, DCC_CAUSE_FOREIGN);
    }
}

impl Drop for HostJob {
    fn drop(&mut self) {
        assert_eq!(dcc_job_release(self.0), DCC_OK);
    }
}

#[test]
fn a_wait_asks_until_the_host_says_stop() {
    let _alone = alone();
    for interval_ns in [0, 1, 2_000_000] {
        let host = Host::stopping_at(3);
        let job = host.job(interval_ns);
        assert_eq!(job.token().wait(LONG), DCC_CANCELLED_BY_TOKEN);
        assert_eq!(host.asked(), 3);
        job.assert_stopped_by_its_host();
    }
}

#[test]
fn a_wait_for_something_below_the_current_job_asks_that() {
    let _alone = alone();
    let host = Host::stopping_at(3);
    let job = host.job(1_000_000);
    let child = job.child();
    let ticket = job.set_current();
    assert_eq!(child.wait(LONG), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!(host.asked(), 3);
    job.assert_stopped_by_its_host();
    child.release();
}

#[test]
fn a_wait_for_several_asks_all() {
    let _alone = alone();
    let (patient, host) = (Host::stopping_at(0), Host::stopping_at(3));
    let (other, job) = (patient.job(1_000_000), host.job(1_000_000));
    let tokens = [other.token(), NO_TOKEN, job.token()].map(|token| token.pointer().cast_const());
    let mut index = 77;
    // SAFETY: three entries, a writable result.
    let status = unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), 3, DCC_NO_LIMIT, &mut index) };
    assert_eq!((status, index), (DCC_CANCELLED_BY_TOKEN, 2));
    assert_eq!(host.asked(), 3);
    assert!(patient.asked() > 0);
}

#[test]
fn a_wait_for_something_else_goes_on_though_the_current_job_is_stopped() {
    let _alone = alone();
    let host = Host::stopping_at(1);
    let (job, other) = (host.job(0), Token::new());
    let ticket = job.set_current();
    assert_eq!(other.wait(SHORT), DCC_TIMED_OUT);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!(host.asked(), 1, "no more after that");
    job.assert_stopped_by_its_host();
    other.release();
}

#[test]
fn a_wait_on_another_thread_does_not_ask() {
    let _alone = alone();
    let host = Host::stopping_at(1);
    let job = host.job(0);
    let token = job.token();
    thread::scope(|scope| {
        let waiting = scope.spawn(move || token.wait(SHORT));
        assert_eq!(waiting.join().unwrap(), DCC_TIMED_OUT);
    });
    assert_eq!(host.asked(), 0);
}

#[test]
fn a_wait_without_time_asks_once() {
    let _alone = alone();
    for (stop_at, expected) in [(1, DCC_CANCELLED_BY_TOKEN), (2, DCC_TIMED_OUT)] {
        let host = Host::stopping_at(stop_at);
        let job = host.job(0);
        assert_eq!(job.token().wait(Duration::ZERO), expected);
        assert_eq!(host.asked(), 1);
    }
}

#[test]
fn a_poster_asks_while_it_waits() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|_| ());
    let host = Host::stopping_at(3);
    thread::scope(|scope| {
        scope.spawn(|| {
            let job = host.job(1_000_000);
            let ticket = job.set_current();
            // No thread pumps, so only the check can end the wait.
            let (status, state, log) =
                dispatcher.post_and_wait(nothing().parent(job.token()), Duration::MAX);
            assert_eq!((status, state, log.runs()), (DCC_OK, DCC_JOB_CANCELLED, 0));
            assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
            assert_eq!(host.asked(), 3);
            job.assert_stopped_by_its_host();
        });
    });
    dispatcher.pump();
    dispatcher.release();
}

#[test]
fn a_poster_asks_the_check_of_what_it_posts_under() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|_| ());
    let host = Host::stopping_at(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let job = host.job(1_000_000);
            let post = nothing().parent(job.token());
            let (status, state, _) = dispatcher.post_and_wait(post, Duration::MAX);
            assert_eq!((status, state, host.asked()), (DCC_OK, DCC_JOB_CANCELLED, 2));
        });
    });
    dispatcher.pump();
    dispatcher.release();
}

fn ask(token: Token) -> (dcc_status, u64) {
    let mut again_ns = 77;
    // SAFETY: a writable result.
    let status = unsafe { dcc_context_ask(token.pointer(), &mut again_ns) };
    (status, again_ns)
}

#[test]
fn who_waits_in_another_way_asks_by_a_call() {
    let _alone = alone();
    assert_eq!(ask(NO_TOKEN), (DCC_OK, DCC_NO_LIMIT));
    let host = Host::stopping_at(2);
    let job = host.job(3_600_000_000_000);
    assert_eq!(ask(NO_TOKEN), (DCC_OK, DCC_NO_LIMIT), "it is not current");
    let (status, again_ns) = ask(job.token());
    assert_eq!((status, host.asked()), (DCC_OK, 1));
    assert!((1..=3_600_000_000_000).contains(&again_ns), "{again_ns}");
    let ticket = job.set_current();
    let (_, again_ns) = ask(NO_TOKEN);
    assert!((1..=3_600_000_000_000).contains(&again_ns), "{again_ns}");
    assert_eq!(host.asked(), 1, "too soon");
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);

    let host = Host::stopping_at(1);
    let job = host.job(0);
    let ticket = job.set_current();
    assert_eq!(ask(NO_TOKEN), (DCC_OK, DCC_NO_LIMIT), "it said stop");
    assert_eq!(dcc_job_is_cancelled(job.0), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    // SAFETY: no result.
    assert_eq!(unsafe { dcc_context_ask(null(), null_mut()) }, DCC_ERROR_INVALID_ARGUMENT);
}

#[test]
fn no_pump_runs_inside_a_check() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|_| ());
    let waiting = dispatcher.post(nothing());
    let pumped = AtomicU32::new(0);
    let pump = || {
        // SAFETY: no result.
        let status = unsafe { dcc_dispatcher_pump(dispatcher.pointer(), u64::MAX, 9, null_mut()) };
        assert_eq!(status, DCC_ERROR_REENTRANT);
        pumped.fetch_add(1, Ordering::SeqCst);
    };
    let host = Host { does: Box::new(pump), ..Host::stopping_at(0) };
    let asking = host.job(0);
    assert_eq!(dcc_job_is_cancelled(asking.0), DCC_OK, "by a poll");
    assert_eq!(asking.token().wait(Duration::ZERO), DCC_TIMED_OUT, "in a wait");
    assert_eq!((pumped.load(Ordering::SeqCst), waiting.log.runs()), (2, 0));
    dispatcher.pump();
    assert_eq!(waiting.log.runs(), 1, "afterwards it pumps");
    waiting.job.release();
    dispatcher.release();
}

#[test]
fn a_check_on_one_thread_keeps_no_other_from_pumping() {
    let _alone = alone();
    let dispatcher = Dispatcher::with(|_| ());
    let (is_asked, may_answer) = (AtomicBool::new(false), AtomicBool::new(false));
    let answer = || {
        is_asked.store(true, Ordering::SeqCst);
        until("the other thread has pumped", || may_answer.load(Ordering::SeqCst));
    };
    let host = Host { does: Box::new(answer), ..Host::stopping_at(0) };
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(dcc_job_is_cancelled(host.job(0).0), DCC_OK));
        until("it is asked", || is_asked.load(Ordering::SeqCst));
        let posted = dispatcher.post(job(|_| 0));
        dispatcher.pump();
        assert_eq!(posted.log.runs(), 1);
        may_answer.store(true, Ordering::SeqCst);
        posted.job.release();
    });
    dispatcher.release();
}

#[test]
fn a_check_that_waits_itself_is_not_asked_inside() {
    let _alone = alone();
    let waited = AtomicU32::new(0);
    let other = Token::new();
    let wait = || {
        assert_eq!(other.wait(SHORT), DCC_TIMED_OUT);
        waited.fetch_add(1, Ordering::SeqCst);
    };
    let host = Host { does: Box::new(wait), ..Host::stopping_at(2) };
    let job = host.job(1_000_000);
    let ticket = job.set_current();
    assert_eq!(job.token().wait(LONG), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!((host.asked(), waited.load(Ordering::SeqCst)), (2, 2));
    other.release();
}

#[test]
fn a_check_may_let_go_of_what_is_waited_for() {
    let _alone = alone();
    let token = Token::new();
    let is_gone = AtomicBool::new(false);
    let release = || {
        if !is_gone.swap(true, Ordering::SeqCst) {
            token.release();
        }
    };
    let host = Host { does: Box::new(release), ..Host::stopping_at(0) };
    let job = host.job(1_000_000);
    let ticket = job.set_current();
    assert_eq!(token.wait(LONG), DCC_POLL_GONE);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
}
