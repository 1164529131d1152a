//! Waits for a cancel, and native events.

#[path = "support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{status::*, token::*, wait::*};
use listening::*;
use std::ptr::{null, null_mut};
use std::thread;
use std::time::{Duration, Instant};

fn wait_any(tokens: &[Token], timeout_ns: u64) -> (dcc_status, usize) {
    let pointers: Vec<_> = tokens.iter().map(|token| token.pointer().cast_const()).collect();
    let mut index = usize::MAX;
    // SAFETY: an array of that length, a writable result.
    let status = unsafe {
        dcc_cancel_token_wait_any(pointers.as_ptr(), pointers.len(), timeout_ns, &mut index)
    };
    (status, index)
}

#[test]
fn a_wait_ends_with_the_cancel_and_sees_what_was_written_before() {
    let _alone = alone();
    let token = Token::new();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait_for_ever());
        thread::sleep(Duration::from_millis(10));
        assert_eq!(token.cancel(), DCC_OK);
        assert_eq!(waiter.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
    });
    assert_eq!(token.wait_for_ever(), DCC_CANCELLED_BY_TOKEN, "at once");
    token.release();
}

#[test]
fn a_wait_ends_with_its_time_and_not_before() {
    let _alone = alone();
    let token = Token::new();
    let start = Instant::now();
    assert_eq!(token.wait(Duration::from_millis(20)), DCC_TIMED_OUT);
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!(token.wait(Duration::ZERO), DCC_TIMED_OUT, "only looks");
    assert_eq!(NO_TOKEN.wait(Duration::from_millis(1)), DCC_TIMED_OUT);
    assert_eq!(NO_TOKEN.wait_for_ever(), DCC_NEVER);
    token.release();
}

#[test]
fn who_waits_for_what_nobody_holds_learns_that_it_is_gone() {
    let _alone = alone();
    let token = Token::new();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait_for_ever());
        until("it waits", || stats().live_registrations == 1);
        token.release();
        assert_eq!(waiter.join().unwrap(), DCC_POLL_GONE);
    });
    assert_eq!(token.wait_for_ever(), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn all_who_wait_wake() {
    let _alone = alone();
    let token = Token::new();
    let child = Token::child_of(&[token]);
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..16)
            .map(|number| if number % 2 == 0 { token } else { child })
            .map(|token| scope.spawn(move || token.wait_for_ever()))
            .collect();
        until("all wait", || stats().live_registrations == 16);
        assert_eq!(token.cancel(), DCC_OK);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
        }
    });
    token.release();
    child.release();
}

#[test]
fn a_wait_for_several_tells_which() {
    let _alone = alone();
    let tokens = [Token::new(), NO_TOKEN, Token::new(), Token::new()];
    assert_eq!(wait_any(&tokens, 0), (DCC_TIMED_OUT, 0));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait_any(&tokens, DCC_FOREVER));
        until("it waits", || stats().live_registrations == 3);
        assert_eq!(tokens[2].cancel(), DCC_OK);
        assert_eq!(waiter.join().unwrap(), (DCC_CANCELLED_BY_TOKEN, 2));
    });
    assert_eq!(tokens[3].cancel(), DCC_OK);
    assert_eq!(wait_any(&tokens, DCC_FOREVER), (DCC_CANCELLED_BY_TOKEN, 2), "the first of them");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| wait_any(&tokens[..2], DCC_FOREVER));
        until("it waits", || stats().live_registrations == 1);
        tokens[0].release();
        assert_eq!(waiter.join().unwrap(), (DCC_POLL_GONE, 0));
    });
    assert_eq!(wait_any(&tokens, 0).0, DCC_ERROR_INVALID_HANDLE, "one is stale");
    assert_eq!(wait_any(&[NO_TOKEN, NO_TOKEN], DCC_FOREVER), (DCC_NEVER, 0));
    assert_eq!(wait_any(&[], DCC_FOREVER).0, DCC_NEVER);
    // SAFETY: NULL is refused.
    let refused = unsafe { dcc_cancel_token_wait_any(null(), 1, 0, null_mut()) };
    assert_eq!(refused, DCC_ERROR_INVALID_ARGUMENT);
    tokens[2].release();
    tokens[3].release();
}

#[test]
fn a_callback_that_blocks_keeps_no_waiter_from_waking() {
    let _alone = alone();
    let gate = Gate::new();
    let token = Token::new();
    let registration = token.register(Watch::doing(|_| gate.pass()));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait_for_ever());
        until("it waits", || stats().live_registrations == 2);
        scope.spawn(|| token.cancel());
        assert_eq!(waiter.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
        gate.open();
    });
    registration.unregister();
    token.release();
}

#[cfg(target_os = "linux")]
mod events {
    use super::*;

    /// The caller's event of a token.
    struct Event(dcc_native_event);

    impl Event {
        fn of(token: Token) -> Self {
            let mut event = 7;
            // SAFETY: a writable result.
            let status = unsafe { dcc_cancel_token_event(token.pointer(), &mut event) };
            assert_eq!(status, DCC_OK);
            Self(event)
        }

        fn descriptor(&self) -> i32 {
            self.0 as i32
        }

        fn is_set(&self, timeout_ms: i32) -> bool {
            let mut entry =
                libc::pollfd { fd: self.descriptor(), events: libc::POLLIN, revents: 0 };
            // SAFETY: an array of one.
            unsafe {
                libc::poll(&mut entry, 1, timeout_ms) == 1 && entry.revents & libc::POLLIN != 0
            }
        }
    }

    impl Drop for Event {
        fn drop(&mut self) {
            assert_eq!(dcc_native_event_close(self.0), DCC_OK);
        }
    }

    fn open_descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").unwrap().count()
    }

    #[test]
    fn poll_wakes_with_the_cancel_and_the_event_stays_set() {
        let _alone = alone();
        let token = Token::new();
        let (event, other) = (Event::of(token), Event::of(token));
        assert!(!event.is_set(0));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| event.is_set(60_000));
            thread::sleep(Duration::from_millis(5));
            assert_eq!(token.cancel(), DCC_OK);
            assert!(waiter.join().unwrap());
        });
        assert!(event.is_set(0) && other.is_set(0), "level-triggered");
        assert!(Event::of(token).is_set(0), "after the cancel");
        token.release();
        assert!(event.is_set(0), "a duplicate outlives the token");
    }

    #[test]
    fn epoll_wakes_with_a_parents_cancel() {
        let _alone = alone();
        let parent = Token::new();
        let child = Token::child_of(&[parent]);
        let event = Event::of(child);
        // SAFETY: plain calls with descriptors and structures of this function.
        unsafe {
            let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            let mut interest = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 42 };
            let added = libc::EPOLL_CTL_ADD;
            assert_eq!(libc::epoll_ctl(epoll, added, event.descriptor(), &mut interest), 0);
            let mut seen = libc::epoll_event { events: 0, u64: 0 };
            assert_eq!(libc::epoll_wait(epoll, &mut seen, 1, 0), 0);
            assert_eq!(parent.cancel(), DCC_OK);
            assert_eq!(libc::epoll_wait(epoll, &mut seen, 1, 60_000), 1);
            assert_eq!({ seen.u64 }, 42);
            libc::close(epoll);
        }
        parent.release();
        child.release();
    }

    #[test]
    fn it_is_set_when_the_token_is_gone_and_never_for_no_token() {
        let _alone = alone();
        let token = Token::new();
        let (event, never) = (Event::of(token), Event::of(NO_TOKEN));
        token.release();
        assert!(event.is_set(60_000));
        assert!(!never.is_set(10));
    }

    #[test]
    fn it_is_not_inherited() {
        let _alone = alone();
        let token = Token::new();
        let event = Event::of(token);
        // SAFETY: a question about a descriptor.
        let flags = unsafe { libc::fcntl(event.descriptor(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        token.release();
    }

    #[test]
    fn many_calls_leave_no_descriptors_behind() {
        let _alone = alone();
        let token = Token::new();
        drop(Event::of(NO_TOKEN));
        let before = open_descriptors();
        for _ in 0..1000 {
            drop(Event::of(token));
            drop(Event::of(NO_TOKEN));
        }
        assert!(open_descriptors() <= before + 1, "one of the library's own for the token");
        token.release();
        assert_eq!(open_descriptors(), before);
    }

    #[test]
    fn descriptors_that_are_used_up_are_an_answer() {
        let _alone = alone();
        let token = Token::new();
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writable and readable structures.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
            let none = libc::rlimit { rlim_cur: 0, ..limit };
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &none), 0);
            let mut event = 7;
            let status = dcc_cancel_token_event(token.pointer(), &mut event);
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
            assert_eq!((status, event), (DCC_ERROR_RESOURCES, DCC_NO_EVENT));
        }
        assert!(!Event::of(token).is_set(0), "the next call works");
        token.release();
    }

    #[test]
    fn closing_twice_and_bad_arguments_are_answered() {
        let _alone = alone();
        let token = Token::new();
        let event = std::mem::ManuallyDrop::new(Event::of(token));
        assert_eq!(dcc_native_event_close(event.0), DCC_OK);
        assert_eq!(dcc_native_event_close(event.0), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_native_event_close(DCC_NO_EVENT), DCC_OK);
        // SAFETY: NULL is refused.
        let refused = unsafe { dcc_cancel_token_event(token.pointer(), null_mut()) };
        assert_eq!(refused, DCC_ERROR_INVALID_ARGUMENT);
        token.release();
        let mut event = 7;
        // SAFETY: a writable result.
        let refused = unsafe { dcc_cancel_token_event(token.pointer(), &mut event) };
        assert_eq!((refused, event), (DCC_ERROR_INVALID_HANDLE, DCC_NO_EVENT));
    }
}

#[test]
fn a_wait_for_a_job_ends_with_its_cancel() {
    use dcc_cancel::ffi::job::*;
    let _alone = alone();
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
        assert_eq!(dcc_job_cancel(job, null(), 0), DCC_OK);
    }
    let token: *mut dcc_cancel_token = dcc_job_token(job);
    assert_eq!(dcc_cancel_token_wait(token, DCC_FOREVER), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(dcc_job_release(job), DCC_OK);
}
