//! Callbacks of tokens: when they run, how often, in which order, and what ends them.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{current::*, registration::*, status::*};
use listening::*;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::thread;

#[test]
fn a_cancel_calls_it_once_then_destroys_its_user_data() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::doing(|token| assert!(token.is_cancelled())));
    let registration = token.register(watch);
    assert_eq!(watch.counts(), (0, 0));
    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!(watch.counts(), (1, 1), "both before the cancel returns");
    assert_eq!(watch.thread(), Some(thread::current().id()));
    assert_eq!(token.cancel(), DCC_ALREADY_CANCELLED);
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    token.release();
    assert_eq!(watch.counts(), (1, 1));
}

#[test]
fn on_a_cancelled_token_it_is_called_before_register_returns() {
    let _alone = alone();
    let token = Token::new();
    token.cancel();
    let (kept, unkept) = (Watch::new(), Watch::new());
    let registration = token.register(kept);
    assert_eq!((kept.counts(), kept.thread()), ((1, 1), Some(thread::current().id())));
    assert_eq!(token.register_unkept(unkept, NO_OWNER), DCC_OK);
    assert_eq!(unkept.counts(), (1, 1));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    token.release();
}

#[test]
fn the_newest_is_called_first() {
    let _alone = alone();
    let token = Token::new();
    let watches: Vec<_> = (0..5).map(|_| Watch::new()).collect();
    for watch in &watches {
        assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
    }
    token.cancel();
    let places: Vec<u64> = watches.iter().rev().map(|watch| watch.place()).collect();
    assert!(places[0] > 0 && places.is_sorted(), "{places:?}");
    token.release();
}

#[test]
fn an_unregistered_one_is_destroyed_and_never_called() {
    let _alone = alone();
    for unregister in [Registration::unregister, Registration::unregister_no_wait] {
        let (token, watch) = (Token::new(), Watch::new());
        let registration = token.register(watch);
        assert_eq!(unregister(registration), DCC_OK);
        assert_eq!(watch.counts(), (0, 1));
        token.cancel();
        token.release();
        assert_eq!(watch.counts(), (0, 1));
    }
}

#[test]
fn a_token_that_dies_uncancelled_destroys_without_calling() {
    let _alone = alone();
    let (token, kept, unkept) = (Token::new(), Watch::new(), Watch::new());
    let registration = token.register(kept);
    assert_eq!(token.register_unkept(unkept, NO_OWNER), DCC_OK);
    token.release();
    assert!(!token.is_alive(), "registrations keep no token alive");
    assert_eq!((kept.counts(), unkept.counts()), ((0, 1), (0, 1)));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE, "the handle is good until now");
    assert_eq!(registration.unregister(), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn a_failed_register_takes_nothing() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    token.release();
    assert_eq!(token.try_register(watch, NO_OWNER), Err(DCC_ERROR_INVALID_HANDLE));
    assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_ERROR_INVALID_HANDLE);
    let token = Token::new();
    assert_eq!(token.try_register(watch, Owner(token.0)), Err(DCC_ERROR_INVALID_HANDLE));
    let mut registration = std::ptr::without_provenance_mut(1);
    // SAFETY: no function is what is tested; a writable result.
    let status = unsafe {
        let (user_data, destroy) = (watch.user_data(), Some(note_destroy as _));
        let owner = NO_OWNER.pointer();
        let result = &mut registration;
        dcc_cancel_token_register(token.pointer(), None, user_data, destroy, owner, result)
    };
    assert_eq!((status, registration), (DCC_ERROR_INVALID_ARGUMENT, null_mut()));
    token.cancel();
    token.release();
    assert_eq!(watch.counts(), (0, 0));
}

#[test]
fn a_null_token_never_calls() {
    let _alone = alone();
    let (kept, unkept) = (Watch::new(), Watch::new());
    let registration = NO_TOKEN.register(kept);
    assert_eq!(kept.counts(), (0, 0));
    assert_eq!(NO_TOKEN.cancel(), DCC_OK);
    assert_eq!(registration.unregister(), DCC_OK);
    assert_eq!(kept.counts(), (0, 1));
    assert_eq!(NO_TOKEN.register_unkept(unkept, NO_OWNER), DCC_OK);
    assert_eq!(unkept.counts(), (0, 1), "nobody could end it later");
}

#[test]
fn without_functions_to_destroy_it_works_too() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    // SAFETY: the function takes a watch, which lives for ever.
    let status = unsafe {
        let (user_data, owner) = (watch.user_data(), NO_OWNER.pointer());
        dcc_cancel_token_register(
            token.pointer(),
            Some(note_call),
            user_data,
            None,
            owner,
            null_mut(),
        )
    };
    assert_eq!(status, DCC_OK);
    token.cancel();
    token.release();
    assert_eq!(watch.counts(), (1, 0));
}

/// A place for the handle of a registration that the registration's own callback uses.
fn slot() -> &'static AtomicUsize {
    Box::leak(Box::new(AtomicUsize::new(0)))
}

fn stored(slot: &AtomicUsize) -> Registration {
    Registration(slot.load(Ordering::SeqCst))
}

#[test]
fn from_inside_itself_unregister_returns_at_once() {
    let _alone = alone();
    for unregister in [Registration::unregister, Registration::unregister_no_wait] {
        let (token, own) = (Token::new(), slot());
        let watch =
            Watch::doing(move |_| assert_eq!(unregister(stored(own)), DCC_CALLBACK_RUNNING));
        own.store(token.register(watch).0, Ordering::SeqCst);
        token.cancel();
        assert_eq!(watch.counts(), (1, 1), "destroyed afterwards, as the watch checks");
        assert_eq!(stored(own).unregister(), DCC_ERROR_INVALID_HANDLE, "it was ended inside");
        token.release();
    }
}

#[test]
fn from_inside_its_own_destroy_notify_unregister_returns_at_once() {
    let _alone = alone();
    let (token, own) = (Token::new(), slot());
    let unregister = move || assert_eq!(stored(own).unregister(), DCC_CALLBACK_RUNNING);
    let watch = Watch::doing_both(|_| (), unregister);
    own.store(token.register(watch).0, Ordering::SeqCst);
    token.cancel();
    assert_eq!(watch.counts(), (1, 1));
    token.release();
}

/// The outer call ends the registration, whatever its destroy-notify does with the handle.
#[test]
fn an_unregister_whose_destroy_notify_unregisters_again_says_what_it_did() {
    let _alone = alone();
    for unregister in [Registration::unregister, Registration::unregister_no_wait] {
        for is_listed in [true, false] {
            let (token, own) = (Token::new(), slot());
            let again = move || assert_eq!(unregister(stored(own)), DCC_CALLBACK_RUNNING);
            let watch = Watch::doing_both(|_| (), again);
            let registration =
                if is_listed { token.register(watch) } else { NO_TOKEN.register(watch) };
            own.store(registration.0, Ordering::SeqCst);
            assert_eq!(unregister(registration), DCC_OK);
            assert_eq!(watch.counts(), (0, 1));
            assert_eq!(stored(own).unregister(), DCC_ERROR_INVALID_HANDLE);
            token.release();
        }
    }
}

#[test]
fn unregister_waits_for_that_one_callback_and_no_other() {
    let _alone = alone();
    let (token, first_gate, second_gate) = (Token::new(), Gate::new(), Gate::new());
    let second = Watch::doing(|_| second_gate.pass());
    let first = Watch::doing(|_| first_gate.pass());
    let second_registration = token.register(second);
    let first_registration = token.register(first); // The newer one is called first.
    thread::scope(|scope| {
        scope.spawn(|| token.cancel());
        first_gate.await_arrivals(1);
        let waiting = scope.spawn(move || {
            let status = first_registration.unregister();
            (status, first.counts(), second.counts())
        });
        thread::sleep(std::time::Duration::from_millis(50));
        assert!(!waiting.is_finished(), "the callback is still running");
        first_gate.open();
        second_gate.await_arrivals(1);
        // The cancel is now inside the second callback, and the unregister has returned.
        let (status, first, second) = waiting.join().unwrap();
        assert_eq!((status, first), (DCC_CALLBACK_DONE, (1, 1)));
        assert_eq!(second.1, 0);
        assert_eq!(second_registration.unregister_no_wait(), DCC_CALLBACK_RUNNING);
        second_gate.open();
    });
    assert_eq!(second.counts(), (1, 1), "by the cancelling thread");
    token.release();
}

#[test]
fn unregister_waits_for_a_destroy_notify_on_another_thread() {
    let _alone = alone();
    let (token, gate) = (Token::new(), Gate::new());
    let watch = Watch::doing_both(|_| (), || gate.pass());
    let registration = token.register(watch);
    thread::scope(|scope| {
        scope.spawn(|| token.cancel());
        gate.await_arrivals(1);
        let waiting = scope.spawn(move || (registration.unregister(), watch.counts()));
        thread::sleep(std::time::Duration::from_millis(50));
        assert!(!waiting.is_finished());
        gate.open();
        assert_eq!(waiting.join().unwrap(), (DCC_CALLBACK_DONE, (1, 1)));
    });
    token.release();
}

/// `count` threads in a ring, each inside a callback that unregisters the next one's registration.
/// One call is refused, and once that thread has left its callback, the others follow.
fn ring(count: usize) {
    let gate = Gate::new();
    let statuses: &'static Vec<AtomicI32> =
        Box::leak(Box::new((0..count).map(|_| AtomicI32::new(i32::MAX)).collect()));
    let slots: Vec<_> = (0..count).map(|_| slot()).collect();
    let tokens: Vec<_> = (0..count).map(|_| Token::new()).collect();
    let watches: Vec<_> = (0..count)
        .map(|number| {
            let next = slots[(number + 1) % count];
            let watch = Watch::doing(move |_| {
                gate.pass();
                statuses[number].store(stored(next).unregister(), Ordering::SeqCst);
            });
            slots[number].store(tokens[number].register(watch).0, Ordering::SeqCst);
            watch
        })
        .collect();
    thread::scope(|scope| {
        for token in &tokens {
            scope.spawn(|| token.cancel());
        }
        gate.await_arrivals(count as u32);
        gate.open();
    });
    let statuses: Vec<_> = statuses.iter().map(|status| status.load(Ordering::SeqCst)).collect();
    let refused: Vec<_> =
        (0..count).filter(|number| statuses[*number] == DCC_ERROR_WOULD_DEADLOCK).collect();
    assert_eq!(refused.len(), 1, "{statuses:?}");
    let others = statuses.iter().filter(|status| **status == DCC_CALLBACK_DONE).count();
    assert_eq!(others, count - 1, "{statuses:?}");
    // The handle of the refused call still belongs to the caller; the others are used up.
    for number in 0..count {
        let answer = stored(slots[(number + 1) % count]).unregister();
        let kept = number == refused[0];
        assert_eq!(answer, if kept { DCC_CALLBACK_DONE } else { DCC_ERROR_INVALID_HANDLE });
    }
    for (token, watch) in tokens.iter().zip(watches) {
        assert_eq!(watch.counts(), (1, 1));
        token.release();
    }
}

#[test]
fn one_of_a_ring_of_waiting_unregisters_is_refused() {
    let _alone = alone();
    for round in 0..20 {
        ring(2 + round % 2);
    }
    ring(7);
}

/// While the first of a token's two callbacks runs, the second has not begun. A thread that
/// unregisters the second has nothing to wait for, even if the first waits for that thread.
#[test]
fn waiting_for_a_callback_that_has_not_begun_just_removes_it() {
    let _alone = alone();
    let token = Token::new();
    let later = Watch::new();
    let later_registration = token.register(later);
    let first = Watch::doing(move |_| {
        let status = thread::spawn(move || later_registration.unregister()).join().unwrap();
        assert_eq!(status, DCC_OK);
    });
    assert_eq!(token.register_unkept(first, NO_OWNER), DCC_OK);
    token.cancel();
    assert_eq!((first.counts(), later.counts()), ((1, 1), (0, 1)));
    token.release();
}

#[test]
fn a_callback_may_end_the_others_of_its_token_and_add_more() {
    let _alone = alone();
    let token = Token::new();
    let (oldest, added) = (Watch::new(), Watch::new());
    let oldest_registration = token.register(oldest);
    let newest = Watch::doing(move |token| {
        assert_eq!(oldest_registration.unregister(), DCC_OK);
        assert_eq!(oldest.counts(), (0, 1));
        let inline = token.register(added);
        assert_eq!(added.counts(), (1, 1), "its token is cancelled");
        assert_eq!(inline.unregister(), DCC_CALLBACK_DONE);
    });
    assert_eq!(token.register_unkept(newest, NO_OWNER), DCC_OK);
    token.cancel();
    assert_eq!((newest.counts(), oldest.counts()), ((1, 1), (0, 1)));
    token.release();
}

/// Each callback cancels the next token: when the first cancel returns, all have run, in order.
#[test]
fn callbacks_may_cancel_other_tokens() {
    let _alone = alone();
    let tokens: Vec<_> = (0..20).map(|_| Token::new()).collect();
    let watches: Vec<_> = (0..20)
        .map(|number| {
            let next = tokens.get(number + 1).copied().unwrap_or(tokens[0]);
            let expected = if number == 19 { DCC_ALREADY_CANCELLED } else { DCC_OK };
            let watch = Watch::doing(move |_| assert_eq!(next.cancel(), expected));
            assert_eq!(tokens[number].register_unkept(watch, NO_OWNER), DCC_OK);
            watch
        })
        .collect();
    tokens[0].cancel();
    assert!(watches.iter().all(|watch| watch.counts() == (1, 1)));
    tokens.iter().for_each(|token| token.release());
}

#[test]
fn a_callback_may_create_and_release_anything_its_own_token_included() {
    let _alone = alone();
    let token = Token::new();
    let older = Watch::doing(|token| assert!(token.is_cancelled(), "borrowed, and alive"));
    assert_eq!(token.register_unkept(older, NO_OWNER), DCC_OK);
    let newer = Watch::doing(move |given| {
        assert_eq!(given, token);
        let child = Token::child_of(&[given]);
        assert!(child.is_cancelled());
        token.release();
        assert!(token.is_cancelled(), "the call still holds it");
        child.release();
        let (parent, owner) = (Token::new(), Owner::new());
        assert_eq!(parent.register_unkept(Watch::new(), owner), DCC_OK);
        let other = Token::child_of(&[parent]);
        parent.release();
        assert_eq!(owner.close(), DCC_OK);
        other.release();
    });
    assert_eq!(token.register_unkept(newer, NO_OWNER), DCC_OK);
    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!((newer.counts(), older.counts()), ((1, 1), (1, 1)));
    assert!(!token.is_alive());
}

#[test]
fn all_flags_are_set_before_the_first_callback_and_a_diamond_calls_once() {
    let _alone = alone();
    let top = Token::new();
    let (left, right) = (Token::child_of(&[top]), Token::child_of(&[top]));
    let bottom = Token::child_of(&[left, right, top]);
    let leaves: Vec<_> = (0..100).map(|_| Token::child_of(&[bottom])).collect();
    let mut all = vec![top, left, right, bottom];
    all.extend(leaves);
    let watches: Vec<_> = all
        .iter()
        .map(|token| {
            let graph = all.clone();
            let watch = Watch::doing(move |own| {
                assert!(graph.contains(&own));
                assert!(graph.iter().all(|token| token.is_cancelled()));
            });
            assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
            watch
        })
        .collect();
    assert_eq!(top.cancel(), DCC_OK);
    assert!(watches.iter().all(|watch| watch.counts() == (1, 1)));
    all.iter().for_each(|token| token.release());
}

#[test]
fn a_cancel_from_another_branch_does_not_call_again() {
    let _alone = alone();
    let (one, two) = (Token::new(), Token::new());
    let (child, watch) = (Token::child_of(&[one, two]), Watch::new());
    assert_eq!(child.register_unkept(watch, NO_OWNER), DCC_OK);
    one.cancel();
    two.cancel();
    assert_eq!(child.cancel(), DCC_ALREADY_CANCELLED);
    assert_eq!(watch.counts(), (1, 1));
    [one, two, child].iter().for_each(|token| token.release());
}

#[test]
fn cancel_async_sets_all_flags_and_leaves_callbacks_to_another_thread() {
    let _alone = alone();
    let (parent, gate) = (Token::new(), Gate::new());
    let child = Token::child_of(&[parent]);
    let watches: Vec<_> = (0..10)
        .map(|_| {
            let watch = Watch::doing(|_| gate.pass());
            assert_eq!(parent.register_unkept(watch, NO_OWNER), DCC_OK);
            watch
        })
        .collect();
    let below = Watch::new();
    assert_eq!(child.register_unkept(below, NO_OWNER), DCC_OK);
    assert_eq!(parent.cancel_async(), DCC_OK);
    assert!(parent.is_cancelled() && child.is_cancelled());
    assert_eq!(parent.reason(), "async");
    assert_eq!(parent.cancel_async(), DCC_ALREADY_CANCELLED);
    assert_eq!(NO_TOKEN.cancel_async(), DCC_OK);
    assert!(watches.iter().all(|watch| watch.counts().1 == 0), "the gate is closed");
    gate.open();
    until("all are done", || below.counts() == (1, 1));
    let places: Vec<u64> = watches.iter().rev().map(|watch| watch.place()).collect();
    assert!(places[0] > 0 && places.is_sorted(), "newest first: {places:?}");
    assert!(places.iter().all(|place| *place < below.place()), "the parent's before the child's");
    let threads = watches.iter().chain([&below]).map(|watch| watch.thread());
    assert!(threads.into_iter().all(|id| id.is_some() && id != Some(thread::current().id())));
    [parent, child].iter().for_each(|token| token.release());
}

#[test]
fn what_a_callback_leaves_current_on_the_librarys_thread_steers_no_other() {
    let _alone = alone();
    let [first, second, left] = [Token::new(), Token::new(), Token::new()];
    let leaks = stats().context_leaks;
    let forgetful = Watch::doing(move |_| {
        // SAFETY: a live token, and a writable ticket.
        unsafe {
            assert_eq!(dcc_cancel_token_set_current(left.pointer(), &mut 0), DCC_OK);
            assert_eq!(dcc_cancel_token_set_current(left.pointer(), &mut 0), DCC_OK);
        }
    });
    let asked = Watch::doing(|_| assert!(dcc_cancel_token_current().is_null()));
    assert_eq!(first.register_unkept(forgetful, NO_OWNER), DCC_OK);
    assert_eq!(second.register_unkept(asked, NO_OWNER), DCC_OK);
    assert_eq!(first.cancel_async(), DCC_OK);
    assert_eq!(second.cancel_async(), DCC_OK);
    until("both were called", || asked.counts() == (1, 1));
    assert_eq!(forgetful.counts(), (1, 1));
    [first, second, left].iter().for_each(|token| token.release());
    until("what was left is counted", || stats().context_leaks == leaks + 2);
    until("nothing holds the token", || stats().live_tokens == 0);
}

#[test]
fn an_async_cancel_keeps_its_token_until_the_callbacks_have_run() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::doing(|token| assert!(token.is_cancelled())));
    assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
    assert_eq!(token.cancel_async(), DCC_OK);
    token.release();
    until("called", || watch.counts() == (1, 1));
}

#[test]
fn bad_handles_of_registrations_are_refused() {
    let _alone = alone();
    let (token, owner, watch) = (Token::new(), Owner::new(), Watch::new());
    let registration = token.register(watch);
    let mut bad = vec![token.0, owner.0, 1, 0xdead_beef, usize::MAX, 1 << 63];
    bad.extend((0..64).map(|bit| registration.0 ^ (1 << bit)));
    for bits in bad {
        assert_eq!(Registration(bits).unregister(), DCC_ERROR_INVALID_HANDLE, "{bits:#x}");
        assert_eq!(Registration(bits).unregister_no_wait(), DCC_ERROR_INVALID_HANDLE, "{bits:#x}");
    }
    for bits in [registration.0, owner.0] {
        assert_eq!(Token(bits).cancel(), DCC_ERROR_INVALID_HANDLE);
        assert_eq!(Token(bits).cancel_async(), DCC_ERROR_INVALID_HANDLE);
        assert_eq!(Token(bits).try_register(watch, NO_OWNER), Err(DCC_ERROR_INVALID_HANDLE));
    }
    assert_eq!(Registration(0).unregister(), DCC_OK);
    assert_eq!(Registration(0).unregister_no_wait(), DCC_OK);
    assert_eq!(watch.counts(), (0, 0), "nothing happened to the good one");
    assert_eq!(registration.unregister(), DCC_OK);
    for _ in 0..2 {
        assert_eq!(registration.unregister(), DCC_ERROR_INVALID_HANDLE);
        assert_eq!(registration.unregister_no_wait(), DCC_ERROR_INVALID_HANDLE);
    }
    assert_eq!(watch.counts(), (0, 1));
    token.release();
    assert_eq!(owner.close(), DCC_OK);
}
