//! Deadlines: when they fire, what moves and disarms them, how many there may be.

#[path = "support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{deadline::*, status::*, token::*};
use listening::*;
use std::ptr::null;
use std::thread;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn it_cancels_not_before_its_time_and_says_that_it_was_the_deadline() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.deadline(), (DCC_NOT_FOUND, 0));
    let start = Instant::now();
    let before = now_ns();
    assert_eq!(token.cancel_after(Duration::from_millis(30)), DCC_OK);
    let (status, time) = token.deadline();
    assert_eq!(status, DCC_OK);
    assert!(time >= before + 30_000_000);
    until("the deadline fires", || token.is_cancelled());
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(token.cause(), DCC_CAUSE_DEADLINE);
    assert_eq!(token.reason(), "deadline exceeded");
    assert_eq!(token.deadline(), (DCC_NOT_FOUND, 0));
    assert_eq!(token.cancel_after(HOUR), DCC_ALREADY_CANCELLED);
    token.release();
}

#[test]
fn arming_again_moves_it_in_either_direction() {
    let _alone = alone();
    let (later, earlier) = (Token::new(), Token::new());
    assert_eq!(later.cancel_after(Duration::from_millis(20)), DCC_OK);
    assert_eq!(later.cancel_after(HOUR), DCC_OK);
    assert_eq!(earlier.cancel_after(HOUR), DCC_OK);
    assert_eq!(earlier.cancel_after(Duration::from_millis(40)), DCC_OK);
    until("the moved one fires", || earlier.is_cancelled());
    assert!(!later.is_cancelled(), "its first time has passed");
    assert_eq!(stats().armed_deadlines, 1);
    assert_eq!(later.disarm(), DCC_OK);
    later.release();
    earlier.release();
}

#[test]
fn a_disarmed_one_never_fires() {
    let _alone = alone();
    let (token, other) = (Token::new(), Token::new());
    assert_eq!(token.disarm(), DCC_NOT_FOUND);
    assert_eq!(token.cancel_after(Duration::from_millis(20)), DCC_OK);
    assert_eq!(other.cancel_after(Duration::from_millis(60)), DCC_OK);
    assert_eq!(token.disarm(), DCC_OK);
    assert_eq!(token.disarm(), DCC_NOT_FOUND);
    until("a later one fires", || other.is_cancelled());
    assert!(!token.is_cancelled());
    assert_eq!(other.disarm(), DCC_NOT_FOUND, "it has fired");
    token.release();
    other.release();
}

#[test]
fn a_time_that_has_passed_cancels_at_once() {
    let _alone = alone();
    let (past, now) = (Token::new(), Token::new());
    assert_eq!(past.cancel_at(1), DCC_OK);
    assert_eq!(now.cancel_after(Duration::ZERO), DCC_OK);
    until("both fire", || past.is_cancelled() && now.is_cancelled());
    past.release();
    now.release();
}

#[test]
fn a_time_beyond_all_clocks_is_as_good_as_never() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.cancel_at(u64::MAX), DCC_OK);
    assert_eq!(token.cancel_after(Duration::from_nanos(u64::MAX)), DCC_OK);
    let other = Token::new();
    assert_eq!(other.cancel_after(Duration::from_millis(5)), DCC_OK);
    until("the near one fires", || other.is_cancelled());
    assert!(!token.is_cancelled());
    token.release();
    other.release();
}

#[test]
fn a_cancel_that_comes_first_wins() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.cancel_after(Duration::from_millis(30)), DCC_OK);
    assert_eq!(token.cancel(), DCC_OK);
    thread::sleep(Duration::from_millis(60));
    assert_eq!(token.cause(), DCC_CAUSE_REQUEST);
    token.release();
}

#[test]
fn children_see_the_deadline_of_their_parent() {
    let _alone = alone();
    let parent = Token::new();
    let child = Token::child_of(&[parent]);
    assert_eq!(parent.cancel_after(Duration::from_millis(5)), DCC_OK);
    parent.release();
    until("the child is cancelled", || child.is_cancelled());
    assert_eq!(child.cause(), DCC_CAUSE_DEADLINE);
    child.release();
}

#[test]
fn an_armed_deadline_does_not_keep_its_token() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.cancel_after(HOUR), DCC_OK);
    token.release();
    assert!(!token.is_alive());
    assert_eq!(stats().armed_deadlines, 0);
    assert_eq!(token.cancel_after(HOUR), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(token.disarm(), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn the_next_user_of_a_slot_does_not_inherit_a_deadline() {
    let _alone = alone();
    for _ in 0..200 {
        let first = Token::new();
        assert_eq!(first.cancel_after(Duration::from_micros(50)), DCC_OK);
        thread::sleep(Duration::from_micros(40));
        first.release();
        let second = Token::new();
        thread::sleep(Duration::from_micros(60));
        assert!(!second.is_cancelled());
        second.release();
    }
}

#[test]
fn a_null_token_is_never_cancelled() {
    assert_eq!(dcc_cancel_token_cancel_after(null(), 0), DCC_OK);
    assert_eq!(dcc_cancel_token_disarm(null()), DCC_NOT_FOUND);
    assert_eq!(NO_TOKEN.deadline(), (DCC_NOT_FOUND, 0));
}

#[test]
fn callbacks_run_on_the_librarys_own_thread() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    let registration = token.register(watch);
    assert_eq!(token.cancel_after(Duration::from_millis(1)), DCC_OK);
    until("the callback has run", || watch.counts() == (1, 1));
    assert_ne!(watch.thread(), Some(thread::current().id()));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    token.release();
}

#[test]
fn a_callback_that_blocks_delays_no_flag_and_no_waiter() {
    let _alone = alone();
    let gate = Gate::new();
    let (blocked, other) = (Token::new(), Token::new());
    let watch = Watch::doing(|_| gate.pass());
    let registration = blocked.register(watch);
    let late = Watch::new();
    let late_registration = other.register(late);
    assert_eq!(blocked.cancel_after(Duration::ZERO), DCC_OK);
    gate.await_arrivals(1);
    assert_eq!(other.cancel_after(Duration::from_millis(2)), DCC_OK);
    assert_eq!(other.wait(LONG), DCC_CANCELLED_BY_TOKEN, "while the callback thread is blocked");
    assert_eq!(late.counts(), (0, 0), "its callback has to wait");
    gate.open();
    until("the other callback runs", || late.counts() == (1, 1));
    registration.unregister();
    late_registration.unregister();
    blocked.release();
    other.release();
}

/// Threads of this process.
#[cfg(target_os = "linux")]
fn threads() -> Vec<String> {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_need_one_thread_and_all_fire() {
    let _alone = alone();
    const COUNT: u64 = 100_000;
    let start = now_ns();
    let tokens: Vec<Token> = (0..COUNT).map(|_| Token::new()).collect();
    // Neither in the order of their times nor all at once.
    for (number, token) in tokens.iter().enumerate() {
        let spread = (number as u64).wrapping_mul(0x9e37_79b9) % 200_000_000;
        assert_eq!(token.cancel_at(start + 300_000_000 + spread), DCC_OK);
    }
    let timers = threads().iter().filter(|name| *name == "dcc-timer").count();
    assert_eq!(timers, 1, "{:?}", threads());
    for token in tokens.iter().step_by(10) {
        assert_eq!(token.disarm(), DCC_OK);
    }
    let expected = |number: usize| number % 10 != 0;
    until("all fire", || stats().armed_deadlines == 0);
    until("the last is flagged", || {
        tokens.iter().enumerate().all(|(number, token)| token.is_cancelled() == expected(number))
    });
    for (number, token) in tokens.iter().enumerate().filter(|(number, _)| expected(*number)) {
        let spread = (number as u64).wrapping_mul(0x9e37_79b9) % 200_000_000;
        // Asked for first, so that the difference is not before the cancel.
        let since = token.time_since_cancelled();
        assert!(now_ns() - since >= start + 300_000_000 + spread, "too early");
    }
    tokens.iter().for_each(|token| token.release());
}
