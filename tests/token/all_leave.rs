//! Tokens of all: such a token is cancelled when all parents that it waits for have left.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{status::*, token::*, token_all::*};
use listening::*;
use std::ffi::CStr;
use std::ptr::null_mut;
use std::thread;

fn all_of(parents: &[Token]) -> Token {
    let parents: Vec<_> = parents.iter().map(|parent| parent.pointer().cast_const()).collect();
    let mut token = null_mut();
    // SAFETY: entries and a writable result.
    let status =
        unsafe { dcc_cancel_token_create_all(parents.as_ptr(), parents.len(), &mut token) };
    assert_eq!(status, DCC_OK);
    Token(token.addr())
}

fn join(token: Token, parent: Token) -> dcc_status {
    dcc_cancel_token_join(token.pointer(), parent.pointer())
}

fn reason(token: Token) -> String {
    let mut text = [0_u8; 64];
    // SAFETY: a writable buffer of that size.
    let status = unsafe {
        dcc_cancel_token_reason(token.pointer(), text.as_mut_ptr().cast(), 64, null_mut())
    };
    assert_eq!(status, DCC_OK);
    CStr::from_bytes_until_nul(&text).unwrap().to_str().unwrap().to_owned()
}

/// How a parent leaves: it is cancelled or freed.
#[derive(Clone, Copy, Debug)]
enum By {
    Cancel,
    Release,
}

fn leave(parent: Token, by: By) {
    if let By::Cancel = by {
        assert_eq!(parent.cancel(), DCC_OK);
    }
    parent.release();
}

#[test]
fn the_last_that_leaves_cancels_in_whichever_way() {
    let _alone = alone();
    for ways in [[By::Cancel; 3], [By::Release; 3], [By::Cancel, By::Release, By::Cancel]] {
        for order in [[0, 1, 2], [2, 0, 1]] {
            let parents = [(); 3].map(|()| Token::new());
            let token = all_of(&parents);
            let child = Token::child_of(&[token]);
            for (left, which) in order.into_iter().enumerate() {
                assert!(!token.is_cancelled(), "{left} have left");
                leave(parents[which], ways[which]);
            }
            assert!(token.is_cancelled() && child.is_cancelled(), "{ways:?}");
            let is_gone = matches!(ways[order[2]], By::Release);
            assert_eq!(reason(token) == "nobody waits for it any more", is_gone);
            assert_eq!(join(token, NO_TOKEN), DCC_ALREADY_CANCELLED);
            [token, child].into_iter().for_each(Token::release);
        }
    }
}

#[test]
fn those_that_have_left_before_count_and_null_never_leaves() {
    let _alone = alone();
    let (cancelled, live) = (Token::new(), Token::new());
    cancelled.cancel();
    let born = all_of(&[cancelled, cancelled]);
    assert!(born.is_cancelled());
    let waits = all_of(&[cancelled, live, live]);
    let for_ever = all_of(&[cancelled, NO_TOKEN, live]);
    assert!(!waits.is_cancelled());
    live.cancel();
    assert!(waits.is_cancelled() && !for_ever.is_cancelled());
    assert_eq!(for_ever.cancel(), DCC_OK);
    for token in [cancelled, live, born, waits, for_ever] {
        token.release();
    }
}

#[test]
fn without_parents_it_waits_for_the_first_and_those_that_join_keep_it_going() {
    let _alone = alone();
    let token = all_of(&[]);
    let [first, second, third] = [(); 3].map(|()| Token::new());
    assert!(!token.is_cancelled());
    assert_eq!(join(token, first), DCC_OK);
    assert_eq!(join(token, second), DCC_OK);
    leave(first, By::Cancel);
    assert_eq!(join(token, third), DCC_OK);
    leave(second, By::Release);
    assert!(!token.is_cancelled());
    leave(third, By::Cancel);
    assert!(token.is_cancelled());
    let late = Token::new();
    assert_eq!(join(token, late), DCC_ALREADY_CANCELLED);
    let other = Token::new();
    assert_eq!(join(other, late), DCC_ERROR_INVALID_ARGUMENT);
    assert_eq!(dcc_cancel_token_join(std::ptr::null(), late.pointer()), DCC_OK);
    [token, late, other].into_iter().for_each(Token::release);
    assert_eq!(join(token, NO_TOKEN), DCC_ERROR_INVALID_HANDLE);
}

/// A long-lived token has many short works that wait for it, and a work has many waiters: nothing
/// is left of those that are over.
#[test]
fn nothing_is_left_of_what_is_over() {
    let _alone = alone();
    let session = Token::new();
    for _ in 0..1000 {
        all_of(&[session]).release();
    }
    assert_eq!(stats().live_registrations, 0);
    let shared = all_of(&[session]);
    for _ in 0..1000 {
        let waiter = Token::new();
        assert_eq!(join(shared, waiter), DCC_OK);
        leave(waiter, By::Cancel);
        assert!(stats().live_registrations < 64);
    }
    assert!(!shared.is_cancelled());
    [shared, session].into_iter().for_each(Token::release);
}

#[test]
fn a_chain_of_them_costs_no_stack() {
    let _alone = alone();
    for by in [By::Cancel, By::Release] {
        let first = Token::new();
        let mut chain = vec![first];
        for _ in 0..10_000 {
            chain.push(all_of(&[*chain.last().unwrap()]));
        }
        let last = *chain.last().unwrap();
        let small = thread::Builder::new().stack_size(128 << 10);
        small.spawn(move || leave(first, by)).unwrap().join().unwrap();
        assert!(last.is_cancelled());
        chain.into_iter().skip(1).for_each(Token::release);
    }
}

#[test]
fn waits_and_callbacks_hear_of_it() {
    let _alone = alone();
    for by in [By::Cancel, By::Release] {
        let parent = Token::new();
        let token = all_of(&[parent]);
        let watch = Watch::new();
        let registration = token.register(watch);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || token.wait_for_ever());
            until("it waits", || stats().live_registrations == 3);
            leave(parent, by);
            assert_eq!(waiting.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
        });
        until("it is called", || watch.counts().0 == 1);
        registration.unregister();
        token.release();
    }
}

/// Many parents leave on several threads at the same time while others join: the token is cancelled
/// once, by the last one.
#[test]
fn many_leave_and_join_at_a_time() {
    let _alone = alone();
    for round in 0..300 {
        let parents: Vec<_> = (0..8).map(|_| Token::new()).collect();
        let late = Token::new();
        let token = all_of(&parents);
        thread::scope(|scope| {
            for (number, parent) in parents.iter().copied().enumerate() {
                let by = if (number + round) % 2 == 0 { By::Cancel } else { By::Release };
                scope.spawn(move || leave(parent, by));
            }
            let joining = scope.spawn(move || join(token, late));
            let joined = joining.join().unwrap();
            if joined == DCC_OK {
                assert!(!token.is_cancelled(), "one that joined in time has not left");
            } else {
                assert_eq!(joined, DCC_ALREADY_CANCELLED);
            }
        });
        late.cancel();
        assert!(token.is_cancelled());
        [token, late].into_iter().for_each(Token::release);
    }
}
