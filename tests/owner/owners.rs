//! Owners: the close of a plugin's owner ends all that the plugin gave to the library, and none of
//! its functions is called afterwards.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{job::*, job_life::*, status::*};
use listening::*;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn a_close_drops_its_registrations_and_no_others() {
    let _alone = alone();
    let (token, owner, other) = (Token::new(), Owner::new(), Owner::new());
    let (kept, unkept, others, nobodys) = (Watch::new(), Watch::new(), Watch::new(), Watch::new());
    let registration = token.try_register(kept, owner).unwrap();
    assert_eq!(token.register_unkept(unkept, owner), DCC_OK);
    assert_eq!(token.register_unkept(others, other), DCC_OK);
    assert_eq!(token.register_unkept(nobodys, NO_OWNER), DCC_OK);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!((kept.counts(), unkept.counts()), ((0, 1), (0, 1)));
    assert_eq!((others.counts(), nobodys.counts()), ((0, 0), (0, 0)));
    token.cancel();
    assert_eq!((others.counts(), nobodys.counts()), ((1, 1), (1, 1)));
    assert_eq!((kept.counts(), unkept.counts()), ((0, 1), (0, 1)));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    token.release();
    assert_eq!(other.close(), DCC_OK);
}

#[test]
fn the_stats_count_what_listens() {
    let _alone = alone();
    let count = || {
        let now = stats();
        (now.live_owners, now.live_registrations, now.armed_deadlines)
    };
    assert_eq!(count(), (0, 0, 0));
    let (token, owner, other) = (Token::new(), Owner::new(), Owner::new());
    assert_eq!(token.register_unkept(Watch::new(), owner), DCC_OK);
    let kept = token.register(Watch::new());
    assert_eq!(token.set_deadline_after(LONG), DCC_OK);
    assert_eq!(count(), (2, 2, 1));
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(count(), (1, 1, 1));
    token.release();
    assert_eq!(count(), (1, 1, 0), "a handle that is kept");
    assert_eq!(kept.unregister(), DCC_CALLBACK_DONE);
    assert_eq!(other.close(), DCC_OK);
}

#[test]
fn what_ended_by_itself_leaves_nothing_in_a_long_lived_owner() {
    let _alone = alone();
    let owner = Owner::new();
    for _ in 0..1000 {
        let token = Token::new();
        let unregistered = token.try_register(Watch::new(), owner).unwrap();
        assert_eq!(unregistered.unregister(), DCC_OK);
        assert_eq!(token.register_unkept(Watch::new(), owner), DCC_OK);
        token.cancel();
        token.release();
        Job::try_new(Watch::new(), owner, NO_TOKEN, true).unwrap().release();
    }
    assert_eq!(stats().live_registrations, 0);
    assert_eq!(owner.close(), DCC_OK, "waits for nothing");
}

#[test]
fn a_pending_job_is_interrupted_and_a_running_one_goes_on_without_its_functions() {
    let _alone = alone();
    let (owner, token) = (Owner::new(), Token::new());
    let (pending_watch, running_watch) = (Watch::new(), Watch::new());
    let pending = Job::try_new(pending_watch, owner, NO_TOKEN, true).unwrap();
    let running = Job::try_new(running_watch, owner, token, true).unwrap();
    assert_eq!(dcc_job_begin(running.pointer()), DCC_OK);
    assert_eq!((running.is_cancelled(), running_watch.asked()), (DCC_OK, 1), "it is asked");
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!((pending_watch.counts(), running_watch.counts()), ((0, 1), (0, 1)));
    assert_eq!((pending.state(), running.state()), (DCC_JOB_INTERRUPTED, DCC_JOB_RUNNING));
    assert!(!running.has_user_data(), "it was destroyed");
    assert_eq!((running.is_cancelled(), running_watch.asked()), (DCC_OK, 1), "asked no more");
    token.cancel();
    assert_eq!(running.is_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_acknowledge_cancel(running.pointer()), DCC_OK);
    assert_eq!(running.state(), DCC_JOB_CANCELLED);
    pending.release();
    running.release();
    token.release();
    assert_eq!((pending_watch.counts(), running_watch.counts()), ((0, 1), (0, 1)));
}

#[test]
fn a_close_waits_for_a_callback_on_another_thread_and_refuses_meanwhile() {
    let _alone = alone();
    let (token, other, owner, gate) = (Token::new(), Token::new(), Owner::new(), Gate::new());
    let (watch, waiting, late) = (Watch::doing(|_| gate.pass()), Watch::new(), Watch::new());
    assert_eq!(other.register_unkept(waiting, owner), DCC_OK);
    assert_eq!(token.register_unkept(watch, owner), DCC_OK);
    thread::scope(|scope| {
        scope.spawn(|| token.cancel());
        gate.await_arrivals(1);
        let closing = scope.spawn(move || (owner.close(), watch.counts()));
        // A callback that is not running is dropped at once.
        until("dropped", || waiting.counts() == (0, 1));
        assert_eq!(other.try_register(late, owner), Err(DCC_ERROR_SHUTDOWN));
        assert_eq!(other.register_unkept(late, owner), DCC_ERROR_SHUTDOWN);
        assert_eq!(Job::try_new(late, owner, NO_TOKEN, true), Err(DCC_ERROR_SHUTDOWN));
        thread::sleep(Duration::from_millis(50));
        assert!(!closing.is_finished());
        gate.open();
        assert_eq!(closing.join().unwrap(), (DCC_OK, (1, 1)));
    });
    other.cancel();
    assert_eq!(late.counts(), (0, 0), "its user data is still the caller's");
    assert_eq!(other.try_register(late, owner), Err(DCC_ERROR_SHUTDOWN), "it is closed");
    [token, other].iter().for_each(|token| token.release());
}

#[test]
fn a_close_waits_for_a_question_on_another_thread() {
    let _alone = alone();
    let (owner, gate) = (Owner::new(), Gate::new());
    let watch = Watch::doing(|_| gate.pass());
    let job = Job::try_new(watch, owner, NO_TOKEN, true).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| job.is_cancelled());
        gate.await_arrivals(1);
        let closing = scope.spawn(move || (owner.close(), watch.counts()));
        until("closing", || job.state() == DCC_JOB_INTERRUPTED);
        thread::sleep(Duration::from_millis(50));
        assert!(!closing.is_finished());
        gate.open();
        assert_eq!(closing.join().unwrap(), (DCC_OK, (0, 1)));
    });
    job.release();
    assert_eq!(watch.counts(), (0, 1));
}

/// The close leaves the destroy-notify to the thread that is inside the check. The end of the job
/// then has none left to call.
#[test]
fn a_job_that_goes_while_its_closed_owner_is_asked_is_destroyed() {
    let _alone = alone();
    let (owner, gate) = (Owner::new(), Gate::new());
    let watch = Watch::doing(|_| gate.pass());
    let job = Job::try_new(watch, owner, NO_TOKEN, true).unwrap();
    let token = job.token();
    assert_eq!(token.retain(), DCC_OK);
    thread::scope(|scope| {
        scope.spawn(move || token.is_cancelled());
        gate.await_arrivals(1);
        let closing = scope.spawn(move || (owner.close(), watch.counts()));
        until("the close took the user data", || !job.has_user_data());
        thread::sleep(Duration::from_millis(50));
        job.release();
        assert_eq!(watch.counts(), (0, 0));
        gate.open();
        assert_eq!(closing.join().unwrap(), (DCC_OK, (0, 1)));
    });
    token.release();
}

#[test]
fn a_close_from_inside_a_callback_does_nothing_and_can_be_done_later() {
    let _alone = alone();
    let (token, other, owner) = (Token::new(), Token::new(), Owner::new());
    let sibling = Watch::new();
    assert_eq!(other.register_unkept(sibling, owner), DCC_OK);
    let watch = Watch::doing(move |_| {
        assert_eq!(owner.close(), DCC_ERROR_WOULD_DEADLOCK);
        assert_eq!(sibling.counts(), (0, 0));
        let more = other.try_register(Watch::new(), owner).expect("it is still open");
        assert_eq!(more.unregister(), DCC_OK);
    });
    assert_eq!(token.register_unkept(watch, owner), DCC_OK);
    token.cancel();
    assert_eq!(watch.counts(), (1, 1));
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(sibling.counts(), (0, 1));
    [token, other].iter().for_each(|token| token.release());
}

#[test]
fn a_close_from_inside_a_notify_or_a_question_would_deadlock() {
    let _alone = alone();
    let owner = Owner::new();
    let close = move || assert_eq!(owner.close(), DCC_ERROR_WOULD_DEADLOCK);
    let in_notify = Watch::doing_both(|_| (), close);
    let token = Token::new();
    let registration = token.try_register(in_notify, owner).unwrap();
    assert_eq!(registration.unregister(), DCC_OK);
    token.release();
    let in_question = Watch::doing_both(move |_| close(), close);
    let job = Job::try_new(in_question, owner, NO_TOKEN, true).unwrap();
    assert_eq!((job.is_cancelled(), in_question.asked()), (DCC_OK, 1));
    job.release();
    assert_eq!((in_notify.counts(), in_question.counts()), ((0, 1), (0, 1)));
    assert_eq!(owner.close(), DCC_OK);
}

/// A notify that its owner's close runs finds the owner closed.
#[test]
fn a_notify_that_the_close_runs_may_register_nothing_for_that_owner() {
    let _alone = alone();
    let (owner, token, late) = (Owner::new(), Token::new(), Watch::new());
    let status: &'static AtomicI32 = Box::leak(Box::default());
    let register = move || status.store(token.register_unkept(late, owner), Ordering::SeqCst);
    let watch = Watch::doing_both(|_| (), register);
    assert_eq!(token.register_unkept(watch, owner), DCC_OK);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(status.load(Ordering::SeqCst), DCC_ERROR_SHUTDOWN);
    token.cancel();
    token.release();
    assert_eq!((watch.counts(), late.counts()), ((0, 1), (0, 0)));
}

#[test]
fn closing_it_again_or_anything_else_is_refused() {
    let _alone = alone();
    let (owner, token) = (Owner::new(), Token::new());
    let registration = token.register(Watch::new());
    for bits in [token.0, registration.0, 1, usize::MAX, owner.0 ^ (1 << 40), owner.0 | 1] {
        assert_eq!(Owner(bits).close(), DCC_ERROR_INVALID_HANDLE, "{bits:#x}");
    }
    assert_eq!(NO_OWNER.close(), DCC_OK);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(owner.close(), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(registration.unregister(), DCC_OK);
    token.release();
}

#[test]
fn of_two_closes_at_the_same_time_one_ends_it_after_the_callback() {
    let _alone = alone();
    let (token, owner, gate) = (Token::new(), Owner::new(), Gate::new());
    let watch = Watch::doing(|_| gate.pass());
    assert_eq!(token.register_unkept(watch, owner), DCC_OK);
    thread::scope(|scope| {
        scope.spawn(|| token.cancel());
        gate.await_arrivals(1);
        let close = || scope.spawn(move || (owner.close(), watch.counts()));
        let closing = [close(), close()];
        thread::sleep(Duration::from_millis(50));
        assert!(closing.iter().all(|closing| !closing.is_finished()));
        gate.open();
        let mut ends = closing.map(|closing| closing.join().unwrap());
        ends.sort();
        assert_eq!(ends, [(DCC_ERROR_INVALID_HANDLE, (1, 1)), (DCC_OK, (1, 1))]);
    });
    token.release();
}

/// Two plugins, each closed from a callback of the other on another thread.
#[test]
fn one_of_a_ring_of_closes_is_refused_and_can_be_repeated() {
    let _alone = alone();
    for _ in 0..20 {
        let (owners, gate) = ([Owner::new(), Owner::new()], Gate::new());
        let tokens = [Token::new(), Token::new()];
        let statuses: &'static [AtomicI32; 2] =
            Box::leak(Box::new([AtomicI32::new(i32::MAX), AtomicI32::new(i32::MAX)]));
        for number in 0..2 {
            let watch = Watch::doing(move |_| {
                gate.pass();
                statuses[number].store(owners[1 - number].close(), Ordering::SeqCst);
            });
            assert_eq!(tokens[number].register_unkept(watch, owners[number]), DCC_OK);
        }
        thread::scope(|scope| {
            for token in &tokens {
                scope.spawn(|| token.cancel());
            }
            gate.await_arrivals(2);
            gate.open();
        });
        let statuses = statuses.each_ref().map(|status| status.load(Ordering::SeqCst));
        let refused = statuses.iter().position(|status| *status == DCC_ERROR_WOULD_DEADLOCK);
        let refused = refused.unwrap_or_else(|| panic!("{statuses:?}"));
        assert_eq!(statuses[1 - refused], DCC_OK, "{statuses:?}");
        // The refused close has changed nothing.
        let (late, still_open) = (owners[1 - refused], Watch::new());
        let more = tokens[0].try_register(still_open, late);
        assert_eq!(more.map(Registration::unregister), Ok(DCC_CALLBACK_DONE), "it is cancelled");
        assert_eq!(still_open.counts(), (1, 1));
        assert_eq!(late.close(), DCC_OK);
        assert_eq!(owners[refused].close(), DCC_ERROR_INVALID_HANDLE);
        tokens.iter().for_each(|token| token.release());
    }
}

/// A callback that is due but has not begun is dropped; the close does not wait for the callbacks
/// before it.
#[test]
fn a_close_overtakes_what_the_callback_thread_has_not_begun() {
    let _alone = alone();
    let (blocked, due, owner, gate) = (Token::new(), Token::new(), Owner::new(), Gate::new());
    let (blocker, watch) = (Watch::doing(|_| gate.pass()), Watch::new());
    assert_eq!(blocked.register_unkept(blocker, NO_OWNER), DCC_OK);
    assert_eq!(due.register_unkept(watch, owner), DCC_OK);
    assert_eq!(blocked.cancel_async(), DCC_OK);
    gate.await_arrivals(1);
    assert_eq!(due.cancel_async(), DCC_OK);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(watch.counts(), (0, 1));
    gate.open();
    until("the blocker ends", || blocker.counts() == (1, 1));
    [blocked, due].iter().for_each(|token| token.release());
    assert_eq!(watch.counts(), (0, 1));
}

/// Registers for an owner and creates jobs of it while it is closed. Each accepted object ends
/// exactly once, whether or not the caller keeps its handle.
#[test]
fn registering_against_a_close() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    let _alone = alone();
    let (owner_now, accepted, refused) =
        (AtomicUsize::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let done = AtomicBool::new(false);
    let token = Token::new();
    let register = |keep: bool, as_job: bool| {
        while !done.load(Ordering::Relaxed) {
            let owner = Owner(owner_now.load(Ordering::Acquire));
            let watch = Watch::doing_both(
                |_| panic!("nobody cancels"),
                || {
                    ENDED.fetch_add(1, Ordering::SeqCst);
                },
            );
            let registered = if as_job {
                Job::try_new(watch, owner, NO_TOKEN, true).map(Job::release)
            } else if keep {
                token.try_register(watch, owner).map(|registration| {
                    assert!([DCC_OK, DCC_CALLBACK_DONE].contains(&registration.unregister()));
                })
            } else {
                let status = token.register_unkept(watch, owner);
                if status == DCC_OK { Ok(()) } else { Err(status) }
            };
            match registered {
                Ok(()) => accepted.fetch_add(1, Ordering::SeqCst),
                Err(status) => {
                    let refusals = [DCC_ERROR_SHUTDOWN, DCC_ERROR_INVALID_HANDLE];
                    assert!(refusals.contains(&status), "{status}");
                    assert_eq!(watch.counts(), (0, 0));
                    refused.fetch_add(1, Ordering::SeqCst)
                }
            };
        }
    };
    let mut owner = Owner::new();
    owner_now.store(owner.0, Ordering::Release);
    thread::scope(|scope| {
        scope.spawn(|| register(false, false));
        scope.spawn(|| register(true, false));
        scope.spawn(|| register(false, true));
        for _ in 0..500 {
            let next = Owner::new();
            let before = accepted.load(Ordering::SeqCst);
            until("something is registered", || accepted.load(Ordering::SeqCst) != before);
            assert_eq!(owner.close(), DCC_OK);
            owner = next;
            owner_now.store(owner.0, Ordering::Release);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(owner.close(), DCC_OK);
    let counts = (accepted.into_inner(), refused.into_inner());
    assert!(counts.0 > 100 && counts.1 > 10, "{counts:?}: the test tests nothing");
    assert_eq!(ENDED.load(Ordering::SeqCst), counts.0);
    token.release();
}
