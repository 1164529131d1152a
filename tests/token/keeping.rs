//! Registrations that keep their token: the callback is called although no caller owns the token.
//! If nothing can cancel the token, it is gone.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{dispatcher::DCC_NO_LIMIT, registration::*, status::*, wait::*};
use dcc_cancel::handle::{Handle, NULL};
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::memory::slot::{Holder, MOST_HOLDS};
use dcc_cancel::sys::callout::{Callback, Payload, UserData};
use dcc_cancel::token::create::Origin;
use dcc_cancel::token::keep::Tie;
use dcc_cancel::token::register::Unregistered;
use dcc_cancel::token::{TokenPin, Tokens};
use listening::*;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::time::Duration;

const MUCH_LATER: Duration = Duration::from_secs(3600);

#[test]
fn it_is_called_although_nobody_owns_the_token() {
    let _alone = alone();
    for which in 0..2 {
        let parents = [Token::new(), Token::new()];
        let (token, watch) = (Token::child_of(&parents), Watch::new());
        let registration = token.register_keeping(watch);
        token.release();
        assert_eq!((watch.counts(), token.is_alive()), ((0, 0), true));
        assert_eq!(parents[which].cancel(), DCC_OK);
        assert_eq!((watch.counts(), token.is_alive()), ((1, 1), false), "kept no longer");
        assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
        parents.iter().for_each(|parent| parent.release());
    }
}

#[test]
fn a_deadline_is_enough_to_be_kept_for_whichever_came_first() {
    let _alone = alone();
    for is_armed_first in [false, true] {
        let (token, watch) = (Token::new(), Watch::new());
        let arm = || assert_eq!(token.set_deadline_after(Duration::from_millis(5)), DCC_OK);
        if is_armed_first {
            arm();
        }
        let registration = token.register_keeping(watch);
        if !is_armed_first {
            arm();
        }
        token.release();
        until("it was called", || watch.counts() == (1, 1));
        assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
        until("and kept no longer", || !token.is_alive());
    }
}

#[test]
fn the_last_registration_lets_go() {
    let _alone = alone();
    let parent = Token::new();
    let token = Token::child_of(&[parent]);
    let registrations = [(); 3].map(|()| token.register_keeping(Watch::new()));
    let detached = Watch::new();
    assert_eq!(token.register_unkept(detached, NO_OWNER), DCC_OK);
    let named = token.register(Watch::new());
    token.release();
    for which in [1, 0] {
        assert_eq!(registrations[which].unregister(), DCC_OK);
        assert!(token.is_alive());
    }
    assert_eq!(detached.counts(), (0, 0));
    assert_eq!(registrations[2].unregister(), DCC_OK);
    assert!(!token.is_alive());
    assert_eq!(detached.counts(), (0, 1), "what does not keep it is dropped with it");
    assert_eq!(named.unregister(), DCC_CALLBACK_DONE);
    parent.release();
}

/// A callback that is never called.
fn bare() -> Callback {
    // SAFETY: a function that takes nothing.
    unsafe { Callback::new(never, Payload::new(UserData::new(null_mut()), None)) }
}

unsafe extern "C" fn never(_token: *const c_void, _user_data: *mut c_void) {
    panic!("nobody cancels its token");
}

fn create(tokens: &Tokens, parents: &[Handle]) -> Handle {
    tokens.create(parents.iter().copied(), Origin::default(), Holder::Owner).unwrap()
}

/// All keeping registrations of a token share one reference, so more of them may keep a token than
/// there are references.
#[test]
fn any_number_may_keep_it() {
    static TOKENS: Tokens = Tokens::new();
    let parent = create(&TOKENS, &[]);
    let token = create(&TOKENS, &[parent]);
    let register = || TOKENS.register_at(token, bare(), NULL, Tie::Keeping).unwrap();
    let many: Vec<_> = (0..=MOST_HOLDS).map(|_| register()).collect();
    TOKENS.release(token).unwrap();
    assert_eq!(TOKENS.arena().live(), 2);
    for registration in many {
        assert_eq!(TOKENS.unregister(registration, true), Ok(Unregistered::Removed));
    }
    assert_eq!(TOKENS.arena().live(), 1);
    TOKENS.release(parent).unwrap();
}

fn wait_for_any(tokens: [Token; 2]) -> dcc_status {
    let tokens = tokens.map(|token| token.pointer().cast_const());
    // SAFETY: an array of that length; NULL for the index.
    unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), 2, DCC_NO_LIMIT, null_mut()) }
}

/// Waits for a token, in one wait for it alone and in one for several, runs `end`, and checks that
/// both end as gone.
fn waits_end_as_gone(token: Token, end: impl FnOnce()) {
    let other = Token::new();
    let before = stats().live_registrations;
    std::thread::scope(|scope| {
        let alone = scope.spawn(|| token.wait_for_ever());
        let several = scope.spawn(|| wait_for_any([token, other]));
        until("both wait", || stats().live_registrations == before + 3);
        end();
        assert_eq!(alone.join().unwrap(), DCC_POLL_GONE);
        assert_eq!(several.join().unwrap(), DCC_POLL_GONE);
    });
    other.release();
}

#[test]
fn without_a_source_waits_end_as_gone() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    let registration = token.register_keeping(watch);
    waits_end_as_gone(token, || token.release());
    assert_eq!((watch.counts(), token.is_alive()), ((0, 1), false));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
}

#[test]
fn when_its_deadline_is_cleared_waits_end_as_gone() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
    let registration = token.register_keeping(watch);
    token.release();
    waits_end_as_gone(token, || assert_eq!(token.clear_deadline(), DCC_OK));
    assert_eq!((watch.counts(), token.is_alive()), ((0, 1), false));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
}

/// While a parent or a deadline can still cancel the token, the end of another source changes
/// nothing.
#[test]
fn while_one_source_is_left_it_is_kept() {
    let _alone = alone();
    let parent = Token::new();
    let (token, watch) = (Token::child_of(&[parent]), Watch::new());
    assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
    let registration = token.register_keeping(watch);
    token.release();
    assert_eq!(token.clear_deadline(), DCC_OK);
    assert!(token.is_alive());
    assert_eq!(parent.cancel(), DCC_OK);
    assert_eq!(watch.counts(), (1, 1));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    parent.release();
}

/// A host's check stops being a source when its job or its owner ends.
#[test]
fn when_its_jobs_check_ends_waits_end_as_gone() {
    let _alone = alone();
    for is_closed in [false, true] {
        let (owner, hosts, watch) = (Owner::new(), Watch::new(), Watch::new());
        let job = Job::try_new(hosts, owner, NO_TOKEN, true).unwrap();
        let token = job.token();
        let registration = token.register_keeping(watch);
        if is_closed {
            assert_eq!(owner.close(), DCC_OK);
            assert_eq!((hosts.counts(), token.is_alive()), ((0, 1), true), "its job holds it");
            waits_end_as_gone(token, || job.release());
        } else {
            waits_end_as_gone(token, || job.release());
            assert_eq!(owner.close(), DCC_OK);
        }
        assert_eq!((watch.counts(), token.is_alive()), ((0, 1), false));
        assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    }
}

/// A kept token is a token like any other: it can be borrowed, retained and made a parent.
#[test]
fn what_is_kept_can_be_shared_again() {
    let _alone = alone();
    let parent = Token::new();
    let (token, watch) = (Token::child_of(&[parent]), Watch::new());
    let registration = token.register_keeping(watch);
    token.release();
    assert_eq!(token.retain(), DCC_OK);
    assert_eq!(registration.unregister(), DCC_OK);
    assert!(token.is_alive());
    let (again, child) = (token.register_keeping(Watch::new()), Token::child_of(&[token]));
    token.release();
    child.release();
    assert!(token.is_alive());
    assert_eq!(token.cancel(), DCC_OK, "by its name");
    assert_eq!(again.unregister(), DCC_CALLBACK_DONE);
    parent.release();
}

#[test]
fn of_an_owner_it_ends_with_that() {
    let _alone = alone();
    let (parent, owner, watch) = (Token::new(), Owner::new(), Watch::new());
    let token = Token::child_of(&[parent]);
    let registration = token.try_register_keeping(watch, owner).unwrap();
    token.release();
    assert!(token.is_alive());
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!((watch.counts(), token.is_alive()), ((0, 1), false));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    parent.release();
}

#[test]
fn what_it_is_refused_for_and_what_it_keeps_not() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    // SAFETY: both functions take a watch, which lives for ever; NULL is looked at.
    let status = unsafe {
        dcc_cancel_token_register_keeping(
            token.pointer(),
            Some(note_call),
            watch.user_data(),
            Some(note_destroy),
            NO_OWNER.pointer(),
            null_mut(),
        )
    };
    assert_eq!((status, watch.counts()), (DCC_ERROR_INVALID_ARGUMENT, (0, 0)));
    assert_eq!(token.cancel(), DCC_OK);
    let registration = token.register_keeping(watch);
    assert_eq!(watch.counts(), (1, 1), "at once");
    token.release();
    assert!(!token.is_alive());
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    let late = token.try_register_keeping(Watch::new(), NO_OWNER);
    assert_eq!(late, Err(DCC_ERROR_INVALID_HANDLE));
    let nothing = NO_TOKEN.register_keeping(Watch::new());
    assert_eq!(nothing.unregister(), DCC_OK);
}

/// The end of the timer removes all deadlines, and lets go of tokens that were kept only for them.
#[test]
fn the_end_of_all_deadlines_is_the_end_of_sources() {
    static TOKENS: Tokens = Tokens::new();
    let token = create(&TOKENS, &[]);
    let pin = TokenPin::new(&TOKENS, token).unwrap();
    assert_eq!(TOKENS.arm(&pin, u64::MAX), Ok(Some(false)));
    drop(pin);
    let registration = TOKENS.register_at(token, bare(), NULL, Tie::Keeping).unwrap();
    TOKENS.release(token).unwrap();
    assert_eq!((TOKENS.arena().live(), TOKENS.deadlines().count()), (1, 1));
    TOKENS.stop_deadlines();
    assert_eq!((TOKENS.arena().live(), TOKENS.deadlines().count()), (0, 0));
    assert_eq!(TOKENS.unregister(registration, true), Ok(Unregistered::Done));
}
