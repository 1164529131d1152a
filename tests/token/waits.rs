//! Waiting for tokens: by threads, and by native events in poll and epoll.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{dispatcher::DCC_NO_LIMIT, job_life::*, status::*, wait::*};
use listening::*;
use std::ptr::{null, null_mut};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

fn wait_any(tokens: &[Token], timeout_ns: u64) -> (dcc_status, usize) {
    let tokens: Vec<_> = tokens.iter().map(|token| token.pointer().cast_const()).collect();
    let mut index = 77;
    // SAFETY: an array of that length, a writable result.
    let status =
        unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), tokens.len(), timeout_ns, &mut index) };
    (status, index)
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos() as u64
}

#[test]
fn a_cancelled_token_is_not_waited_for() {
    let _alone = alone();
    let token = Token::new();
    token.cancel();
    assert_eq!(token.wait(Duration::ZERO), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(token.wait_for_ever(), DCC_CANCELLED_BY_TOKEN);
    token.release();
}

#[test]
fn a_timeout_is_waited_for_and_zero_only_looks() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.wait(Duration::ZERO), DCC_TIMED_OUT);
    let start = now_ns();
    assert_eq!(token.wait(SHORT), DCC_TIMED_OUT);
    assert!(now_ns() - start >= nanoseconds(SHORT));
    let start = now_ns();
    assert_eq!(NO_TOKEN.wait(SHORT), DCC_TIMED_OUT, "nothing but the timeout can end it");
    assert!(now_ns() - start >= nanoseconds(SHORT));
    assert_eq!(stats().live_registrations, 0);
    token.release();
}

#[test]
fn what_can_never_end_is_not_begun() {
    let _alone = alone();
    assert_eq!(NO_TOKEN.wait_for_ever(), DCC_NEVER);
    assert_eq!(wait_any(&[], DCC_NO_LIMIT), (DCC_NEVER, 0));
    assert_eq!(wait_any(&[NO_TOKEN, NO_TOKEN], DCC_NO_LIMIT), (DCC_NEVER, 0));
    assert_eq!(wait_any(&[], nanoseconds(SHORT)), (DCC_TIMED_OUT, 0));
    // SAFETY: no entries; NULL for the result.
    let status = unsafe { dcc_cancel_token_wait_any(null(), 0, DCC_NO_LIMIT, null_mut()) };
    assert_eq!(status, DCC_NEVER);
}

#[test]
fn the_longest_timeouts_do_not_overflow() {
    let _alone = alone();
    let token = Token::new();
    thread::scope(|scope| {
        let waits = [u64::MAX - 1, u64::MAX / 2, DCC_NO_LIMIT]
            .map(|timeout| scope.spawn(move || dcc_cancel_token_wait(token.pointer(), timeout)));
        until("all wait", || stats().live_registrations == 3);
        token.cancel();
        for wait in waits {
            assert_eq!(wait.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
        }
    });
    token.release();
}

#[test]
fn what_was_written_before_the_cancel_is_visible_after_the_wait() {
    let _alone = alone();
    for _ in 0..200 {
        let (token, mut written) = (Token::new(), 0_u64);
        let place = (&raw mut written).addr();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let status = token.wait_for_ever();
                // SAFETY: written before the cancel, which the wait has seen.
                (status, unsafe { std::ptr::with_exposed_provenance::<u64>(place).read() })
            });
            // SAFETY: the other thread reads only after the cancel.
            unsafe { (&raw mut written).write(41) };
            let _ = (&raw mut written).expose_provenance();
            token.cancel();
            assert_eq!(waiting.join().unwrap(), (DCC_CANCELLED_BY_TOKEN, 41));
        });
        token.release();
    }
}

#[test]
fn many_waiters_of_one_token_all_wake() {
    let _alone = alone();
    let parent = Token::new();
    let token = Token::child_of(&[parent]);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..30).map(|_| scope.spawn(move || token.wait_for_ever())).collect();
        until("all wait", || stats().live_registrations == 30);
        parent.cancel();
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
        }
    });
    [parent, token].iter().for_each(|token| token.release());
}

#[test]
fn waiters_wake_before_the_callbacks_run() {
    let _alone = alone();
    let token = Token::new();
    thread::scope(|scope| {
        let (woken, other) = (scope.spawn(move || token.wait_for_ever()), Gate::new());
        until("it waits", || stats().live_registrations == 1);
        let watch = Watch::doing(move |_| other.pass());
        assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
        scope.spawn(move || token.cancel());
        other.await_arrivals(1);
        assert_eq!(woken.join().unwrap(), DCC_CANCELLED_BY_TOKEN, "while the callback stands");
        other.open();
    });
    token.release();
}

#[test]
fn wait_any_says_which_one() {
    let _alone = alone();
    let tokens: Vec<_> = (0..5).map(|_| Token::new()).collect();
    let mut list = tokens.clone();
    list.insert(2, NO_TOKEN);
    assert_eq!(wait_any(&list, nanoseconds(SHORT)), (DCC_TIMED_OUT, 0));
    thread::scope(|scope| {
        let (list, waited) = (&list, 5);
        let waiting = scope.spawn(move || wait_any(list, DCC_NO_LIMIT));
        until("it waits", || stats().live_registrations == waited);
        tokens[3].cancel();
        assert_eq!(waiting.join().unwrap(), (DCC_CANCELLED_BY_TOKEN, 4));
    });
    tokens[1].cancel();
    assert_eq!(wait_any(&list, 0), (DCC_CANCELLED_BY_TOKEN, 1), "the first of the cancelled ones");
    assert_eq!(wait_any(&list[2..], 0), (DCC_CANCELLED_BY_TOKEN, 2));
    assert_eq!(wait_any(&[tokens[0], tokens[0]], 0), (DCC_TIMED_OUT, 0), "twice the same");
    assert_eq!(stats().live_registrations, 0);
    tokens.iter().for_each(|token| token.release());
}

#[test]
fn a_wait_for_what_goes_ends() {
    let _alone = alone();
    let (token, other) = (Token::new(), Token::new());
    thread::scope(|scope| {
        let waiting = scope.spawn(move || token.wait_for_ever());
        let any = scope.spawn(move || wait_any(&[other, token], DCC_NO_LIMIT));
        until("both wait", || stats().live_registrations == 3);
        token.release();
        assert_eq!(waiting.join().unwrap(), DCC_POLL_GONE);
        assert_eq!(any.join().unwrap(), (DCC_POLL_GONE, 1));
    });
    other.release();
}

#[test]
fn stale_and_bad_handles_are_refused() {
    let _alone = alone();
    let (stale, token, cancelled) = (Token::new(), Token::new(), Token::new());
    stale.release();
    cancelled.cancel();
    let owner = Owner::new();
    for bad in [stale, Token(1), Token(usize::MAX), Token(owner.0), Token(token.0 | 1)] {
        assert_eq!(bad.wait(SHORT), DCC_ERROR_INVALID_HANDLE);
        let refused = (DCC_ERROR_INVALID_HANDLE, 0);
        assert_eq!(wait_any(&[token, bad], DCC_NO_LIMIT), refused);
        assert_eq!(wait_any(&[bad, cancelled], DCC_NO_LIMIT), refused);
        assert_eq!(wait_any(&[cancelled, NO_TOKEN, bad], DCC_NO_LIMIT), refused);
        assert_eq!(event(bad), Err(DCC_ERROR_INVALID_HANDLE));
    }
    // SAFETY: NULL is what is tested.
    unsafe {
        let status = dcc_cancel_token_wait_any(null(), 1, 0, null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        let status = dcc_cancel_token_native_event(token.pointer(), null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
    }
    assert_eq!(stats().live_registrations, 0);
    [token, cancelled].iter().for_each(|token| token.release());
    assert_eq!(owner.close(), DCC_OK);
}

#[test]
fn a_foreign_job_is_asked_and_its_wait_ends_by_a_cancel() {
    let _alone = alone();
    let watch = Watch::new();
    let job = Job::try_new(watch, NO_OWNER, NO_TOKEN, true).unwrap();
    assert_eq!(job.token().wait(SHORT), DCC_TIMED_OUT);
    assert!(watch.asked() > 0);
    thread::scope(|scope| {
        let waiting = scope.spawn(move || job.token().wait_for_ever());
        until("it waits", || stats().live_registrations == 1);
        // SAFETY: no reason.
        assert_eq!(unsafe { dcc_job_cancel(job.pointer(), null(), 0) }, DCC_OK);
        assert_eq!(waiting.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
    });
    job.release();
}

fn event(token: Token) -> Result<dcc_native_event, dcc_status> {
    let mut event = 7;
    // SAFETY: a writable result.
    let status = unsafe { dcc_cancel_token_native_event(token.pointer(), &mut event) };
    if status == DCC_OK {
        Ok(event)
    } else {
        assert_eq!(event, DCC_NO_NATIVE_EVENT);
        Err(status)
    }
}

#[cfg(target_os = "linux")]
mod native {
    use super::*;

    /// Whether `poll` reports the event as set within this many milliseconds.
    fn is_set(event: dcc_native_event, timeout_ms: i32) -> bool {
        let mut polled = libc::pollfd { fd: event as i32, events: libc::POLLIN, revents: 0 };
        // SAFETY: one writable entry.
        let ready = unsafe { libc::poll(&mut polled, 1, timeout_ms) };
        assert!((0..=1).contains(&ready));
        assert!(ready == 0 || polled.revents == libc::POLLIN, "{:#x}", polled.revents);
        ready == 1
    }

    fn close(event: dcc_native_event) {
        assert_eq!(dcc_native_event_close(event), DCC_OK);
    }

    fn descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    #[test]
    fn an_event_is_set_by_the_cancel_and_stays_set() {
        let _alone = alone();
        let parent = Token::new();
        let token = Token::child_of(&[parent]);
        let before = event(token).unwrap();
        let second = event(token).unwrap();
        assert_ne!(before, second, "each is the caller's own");
        assert!(!is_set(before, 0) && !is_set(second, 0));
        thread::scope(|scope| {
            let polling = scope.spawn(move || is_set(before, 60_000));
            thread::sleep(SHORT);
            parent.cancel();
            assert!(polling.join().unwrap());
        });
        let after = event(token).unwrap();
        for _ in 0..3 {
            assert!(is_set(before, 0) && is_set(second, 0) && is_set(after, 0));
        }
        [parent, token].iter().for_each(|token| token.release());
        assert!(is_set(before, 0) && is_set(after, 0), "also when the token is gone");
        [before, second, after].into_iter().for_each(close);
    }

    #[test]
    fn an_event_of_a_token_that_goes_is_set() {
        let _alone = alone();
        let token = Token::new();
        let event = event(token).unwrap();
        token.release();
        assert!(is_set(event, 0));
        close(event);
    }

    #[test]
    fn the_event_of_no_token_is_never_set() {
        let _alone = alone();
        let events = [event(NO_TOKEN).unwrap(), event(NO_TOKEN).unwrap()];
        assert!(!is_set(events[0], 20));
        close(events[0]);
        assert!(!is_set(events[1], 0));
        close(events[1]);
    }

    #[test]
    fn a_deadline_and_an_async_cancel_set_it() {
        let _alone = alone();
        let tokens = [Token::new(), Token::new()];
        let events = tokens.map(|token| event(token).unwrap());
        assert_eq!(tokens[0].set_deadline_after(SHORT), DCC_OK);
        assert!(is_set(events[0], 60_000));
        assert_eq!(tokens[1].cancel_async(), DCC_OK);
        assert!(is_set(events[1], 0), "before the call returns");
        events.into_iter().for_each(close);
        tokens.iter().for_each(|token| token.release());
    }

    #[test]
    fn epoll_says_it_again_and_again() {
        let _alone = alone();
        let token = Token::new();
        let event = event(token).unwrap();
        // SAFETY: calls with descriptors of this test and writable results.
        unsafe {
            let queue = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            let mut wanted = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 5 };
            let added = libc::epoll_ctl(queue, libc::EPOLL_CTL_ADD, event as i32, &mut wanted);
            assert_eq!(added, 0);
            let mut found = libc::epoll_event { events: 0, u64: 0 };
            assert_eq!(libc::epoll_wait(queue, &mut found, 1, 0), 0);
            token.cancel();
            for _ in 0..3 {
                assert_eq!(libc::epoll_wait(queue, &mut found, 1, 60_000), 1);
                assert_eq!({ found.u64 }, 5);
            }
            assert_eq!(libc::close(queue), 0);
        }
        close(event);
        token.release();
    }

    #[test]
    fn programs_that_the_process_starts_do_not_inherit_it() {
        let _alone = alone();
        let token = Token::new();
        for event in [event(token).unwrap(), event(token).unwrap(), event(NO_TOKEN).unwrap()] {
            // SAFETY: a question about an open descriptor.
            let flags = unsafe { libc::fcntl(event as i32, libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
            close(event);
        }
        let child = std::process::Command::new("ls").arg("-l").arg("/proc/self/fd").output();
        let listing = String::from_utf8(child.unwrap().stdout).unwrap();
        assert!(listing.contains("pipe") && !listing.contains("eventfd"), "{listing}");
        token.release();
    }

    #[test]
    fn many_events_leak_no_descriptors() {
        let _alone = alone();
        close(event(NO_TOKEN).unwrap()); // The library keeps one event for all such calls.
        let before = descriptors();
        for round in 0..2000 {
            let token = Token::new();
            let events = [event(token).unwrap(), event(token).unwrap(), event(NO_TOKEN).unwrap()];
            assert!(descriptors() <= before + 4, "one more for the token itself");
            if round % 2 == 0 {
                token.cancel();
            }
            token.release();
            events.into_iter().for_each(close);
        }
        let cancelled = Token::new();
        cancelled.cancel();
        for _ in 0..2000 {
            close(event(cancelled).unwrap());
        }
        cancelled.release();
        assert_eq!(descriptors(), before);
    }

    #[test]
    fn closing_twice_is_an_answer() {
        let _alone = alone();
        let token = Token::new();
        let event = event(token).unwrap();
        close(event);
        assert_eq!(dcc_native_event_close(event), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_native_event_close(DCC_NO_NATIVE_EVENT), DCC_OK);
        for bad in [-2, isize::MIN, isize::MAX, 1 << 40, 1_000_000] {
            assert_eq!(dcc_native_event_close(bad), DCC_ERROR_INVALID_ARGUMENT, "{bad}");
        }
        token.release();
    }

    #[test]
    fn without_descriptors_it_is_an_answer_and_nothing_is_left() {
        let _alone = alone();
        let token = Token::new();
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writable and readable limits; restored below. The other tests wait for this one.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut before), 0);
            let none = libc::rlimit { rlim_cur: 0, ..before };
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &none), 0);
        }
        let refused = event(token);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &before) }, 0);
        assert_eq!(refused, Err(DCC_ERROR_RESOURCES));
        assert_eq!(stats().live_registrations, 0);
        let event = event(token).unwrap();
        token.cancel();
        assert!(is_set(event, 0));
        close(event);
        token.release();
    }
}
