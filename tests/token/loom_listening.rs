//! Models of listening to a token: callbacks, waits, deadlines and owners, each against a cancel.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_listening --target-dir
//! target/loom`

#![cfg(loom)]

use dcc_cancel::error::Error;
use dcc_cancel::handle::{GENERATION_SHIFT, Handle};
use dcc_cancel::job::life::Ended;
use dcc_cancel::job::wait::{EndWaited, Waiter};
use dcc_cancel::job::{JobOrigin, JobPin, JobState};
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::memory::slot::Holder;
use dcc_cancel::owner::Thing;
use dcc_cancel::owner::owned::{Owned, OwnedId};
use dcc_cancel::sys::callout::{Callback, ForeignCheck, Payload, UserData};
use dcc_cancel::sys::thread_identity;
use dcc_cancel::token::ask::Answer;
use dcc_cancel::token::asking::Asker;
use dcc_cancel::token::create::Origin;
use dcc_cancel::token::foreign::{Foreign, Foreigns};
use dcc_cancel::token::keep::Tie;
use dcc_cancel::token::register::Unregistered;
use dcc_cancel::token::wait::Waited;
use dcc_cancel::token::{Cause, TokenPin, Tokens};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use loom::thread;
use std::cell::Cell;
use std::ffi::c_void;

#[path = "loom_keeping.rs"]
mod keeping;
#[path = "loom_all.rs"]
mod loom_all;

fn create(tokens: &Tokens) -> Handle {
    tokens.create([], Origin::default(), Holder::Owner).unwrap()
}

fn cancel(tokens: &Tokens, token: Handle) -> Option<bool> {
    let pin = TokenPin::new(tokens, token).ok()?;
    Some(tokens.cancel(&pin, Cause::Request, ""))
}

fn is_cancelled(tokens: &Tokens, token: Handle) -> bool {
    tokens.answer(token, || 0) == Answer::Cancelled
}

fn create_job(library: &Library) -> Handle {
    let origin =
        JobOrigin { label: "", caller_id: "", parents: [0; 2], token: Origin::default(), owner: 0 };
    library.jobs().create(&origin, None).map_err(|(error, _none)| error).unwrap()
}

fn wait_for_end(library: &Library, job: Handle, current: &[Handle]) -> Result<EndWaited, Error> {
    let waiter = Waiter { jobs: current.iter().copied(), asker: Asker::default() };
    library.jobs().wait_for_end(job, None, waiter, |_| ())
}

fn fail(library: &Library, job: Handle) {
    let jobs = library.jobs();
    let pin = JobPin::new(jobs, job).unwrap();
    assert_eq!(jobs.end(&pin, JobState::Failed, ""), Ok(Ended::ByThisCall));
}

fn assert_empty(library: &Library) {
    let tokens = library.tokens();
    assert_eq!(tokens.arena().live(), 0, "tokens");
    assert_eq!(tokens.registrations().arena().live(), 0, "registrations");
    assert_eq!(tokens.owners().arena().live(), 0, "owners");
}

/// Runs the interleavings with at most this many preemptions; all interleavings would take hours.
fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(body);
}

/// The record of a plugin's functions. The user data is a counted pointer, which `destroy` drops.
#[derive(Default)]
struct Plugin {
    called: AtomicU32,
    returned: AtomicU32,
    destroyed: AtomicU32,
}

impl Plugin {
    fn calls(&self) -> (u32, u32, u32) {
        let read = |count: &AtomicU32| count.load(Ordering::Relaxed);
        (read(&self.called), read(&self.returned), read(&self.destroyed))
    }
}

unsafe extern "C" fn note(_token: *const c_void, plugin: *mut c_void) {
    // SAFETY: the registration's reference, which `destroy` gives back.
    let plugin = unsafe { &*plugin.cast::<Plugin>() };
    plugin.called.fetch_add(1, Ordering::Relaxed);
    thread::yield_now();
    plugin.returned.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn destroy(plugin: *mut c_void) {
    // SAFETY: the reference that `callback` gave away.
    let plugin = unsafe { Arc::from_raw(plugin.cast::<Plugin>()) };
    let (called, returned, _) = plugin.calls();
    assert_eq!(called, returned, "destroyed while it is called");
    plugin.destroyed.fetch_add(1, Ordering::Relaxed);
}

fn callback(plugin: &Arc<Plugin>) -> Callback {
    let user_data = UserData::new(Arc::into_raw(plugin.clone()).cast_mut().cast());
    // SAFETY: `note` and `destroy` take what `user_data` is.
    unsafe { Callback::new(note, Payload::new(user_data, Some(destroy))) }
}

fn register(library: &Library, token: Handle, callback: Callback, owner: Handle) -> Option<Handle> {
    match library.tokens().register_at(token, callback, owner, Tie::Named) {
        Ok(registration) => Some(registration),
        Err((Error::InvalidHandle(..), _)) => None,
        Err((error, callback)) => {
            assert_eq!(error, Error::OwnerClosed(owner));
            callback.into_payload().destroy();
            None
        }
    }
}

unsafe extern "C" fn note_alone(_token: *const c_void, plugin: *mut c_void) {
    // SAFETY: what the model keeps.
    let plugin = unsafe { &*plugin.cast::<Plugin>() };
    plugin.called.fetch_add(1, Ordering::Relaxed);
}

/// A callback without a destroy-notify: its registration can end without a call.
fn bare(plugin: &Plugin) -> Callback {
    let user_data = UserData::new(std::ptr::from_ref(plugin).cast_mut().cast());
    // SAFETY: `note_alone` takes what `user_data` is, which the model keeps.
    unsafe { Callback::new(note_alone, Payload::new(user_data, None)) }
}

/// A callback without a destroy-notify is either called by the cancel, or has ended after the
/// unregister.
#[test]
fn cancel_x_unregister_of_a_bare_one() {
    model(3, || {
        let library = Arc::new(Library::new());
        let token = create(library.tokens());
        let plugin = Plugin::default();
        let registration = register(&library, token, bare(&plugin), 0).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token).unwrap());
        let found = library.tokens().unregister(registration, true).unwrap();
        let called = plugin.called.load(Ordering::Relaxed);
        assert_eq!(called, u32::from(found == Unregistered::Done), "{found:?}");
        thread.join().unwrap();
        assert_eq!(plugin.called.load(Ordering::Relaxed), called, "after its end");
        library.tokens().release(token).unwrap();
        assert_empty(&library);
    });
}

/// A registration is removed from the list of a token that dies, and the token's slot is used again
/// at once. The thread that does so under the dead token's lock must not unlock the next token.
#[test]
fn unregister_x_release_x_next_of_its_slot() {
    model(3, || {
        let library = Arc::new(Library::new());
        let token = create(library.tokens());
        let plugin = Arc::new(Plugin::default());
        let registration = register(&library, token, bare(&plugin), 0).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().unregister(registration, true).unwrap());
        let tokens = library.tokens();
        tokens.release(token).unwrap();
        let next = create(tokens);
        let registration = register(&library, next, bare(&plugin), 0).unwrap();
        thread.join().unwrap();
        assert_eq!(tokens.unregister(registration, true), Ok(Unregistered::Removed));
        tokens.release(next).unwrap();
        assert_eq!(plugin.called.load(Ordering::Relaxed), 0);
        assert_empty(&library);
    });
}

/// Whichever of the two comes later, the callback runs, once.
#[test]
fn cancel_x_register() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let (other, others) = (library.clone(), plugin.clone());
        let thread = thread::spawn(move || register(&other, token, callback(&others), 0).unwrap());
        assert_eq!(cancel(tokens, token), Some(true));
        let registration = thread.join().unwrap();
        assert_eq!(plugin.calls(), (1, 1, 1));
        assert_eq!(tokens.unregister(registration, true), Ok(Unregistered::Done));
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// After a waiting unregister, the callback has run and been destroyed, or will never run.
#[test]
fn cancel_x_unregister() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let registration = register(&library, token, callback(&plugin), 0).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token));
        let expected = match tokens.unregister(registration, true) {
            Ok(Unregistered::Removed) => 0,
            Ok(Unregistered::Done) => 1,
            other => panic!("{other:?}"),
        };
        assert_eq!(plugin.calls(), (expected, expected, 1));
        assert_eq!(thread.join().unwrap(), Some(true));
        assert_eq!(plugin.calls(), (expected, expected, 1));
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// A registration whose token dies is dropped once, in either order.
#[test]
fn unregister_x_release() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let plugin = Arc::new(Plugin::default());
        let registration = register(&library, token, callback(&plugin), 0).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || {
            other.tokens().release(token).unwrap();
            let next = create(other.tokens());
            other.tokens().release(next).unwrap();
        });
        tokens.unregister(registration, true).unwrap();
        assert_eq!(plugin.calls(), (0, 0, 1));
        thread.join().unwrap();
        assert_eq!(plugin.calls(), (0, 0, 1));
        assert_empty(&library);
    });
}

/// A thread that waits for several tokens misses no wake-up.
#[test]
fn wait_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let (never, token) = (create(tokens), create(tokens));
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[never, token], None, Asker::default()));
        assert_eq!(cancel(tokens, token), Some(true));
        assert_eq!(thread.join().unwrap(), Ok(Waited::Cancelled(1)));
        tokens.release(token).unwrap();
        tokens.release(never).unwrap();
        assert_empty(&library);
    });
}

/// A thread that waits for one token misses no wake-up, even if the token is freed before it wakes.
#[test]
fn wait_for_one_x_cancel() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[0, token], None, Asker::default()));
        let pin = TokenPin::new(tokens, token).unwrap();
        let is_awaited = pin.slot().cold.sleepers.any();
        tokens.cancel(&pin, Cause::Request, "");
        drop(pin);
        tokens.release(token).unwrap();
        match thread.join().unwrap() {
            Ok(Waited::Cancelled(1)) => (),
            // The wait began too late.
            Err(Error::InvalidHandle(..)) if !is_awaited => (),
            other => panic!("{other:?}"),
        }
        assert_empty(&library);
    });
}

/// A thread that waited before a cancel began is woken once all tokens that the cancel reaches are
/// flagged.
#[test]
fn wait_for_one_x_cancel_of_a_parent() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens);
        let child = tokens.create([parent], Origin::default(), Holder::Owner).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || {
            let waited = other.tokens().wait_any(&[parent], None, Asker::default());
            (waited, is_cancelled(other.tokens(), child))
        });
        let pin = TokenPin::new(tokens, parent).unwrap();
        let is_awaited = pin.slot().cold.sleepers.any();
        tokens.cancel(&pin, Cause::Request, "");
        drop(pin);
        let (waited, is_child_cancelled) = thread.join().unwrap();
        assert_eq!(waited, Ok(Waited::Cancelled(0)));
        assert!(is_child_cancelled || !is_awaited, "woken before the child was flagged");
        tokens.release(child).unwrap();
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// A thread that wakes late is told of its own token, and not of the next one in the slot.
#[test]
fn wait_for_one_x_release_x_next_of_its_slot() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        tokens.release(token).unwrap();
        let next = create(tokens);
        assert_eq!(cancel(tokens, next), Some(true));
        tokens.release(next).unwrap();
        match thread.join().unwrap() {
            Ok(Waited::Gone(0)) | Err(Error::InvalidHandle(..)) => (),
            other => panic!("{other:?}"),
        }
        assert_empty(&library);
    });
}

/// A check that answers "stop" from the second question on; its user data counts the questions.
unsafe extern "C" fn stop_at_second(asked: *mut c_void) -> i32 {
    // SAFETY: a count that outlives the token.
    let asked = unsafe { &*asked.cast::<AtomicU32>() };
    let before = asked.fetch_add(1, Ordering::Relaxed);
    thread::yield_now();
    i32::from(before > 0)
}

/// A token with that check. Any thread may ask the check at any time.
fn create_asking(tokens: &Tokens, asked: &Arc<AtomicU32>) -> Handle {
    let user_data = UserData::new(Arc::as_ptr(asked).cast_mut().cast());
    // SAFETY: the function takes what `user_data` is.
    let check = unsafe { ForeignCheck::new(stop_at_second, user_data) };
    let owned = OwnedId::NONE;
    let foreign = Some(Foreign { check, thread: None, min_interval_ns: 0, owned });
    tokens.create([], Origin { foreign, ..Origin::default() }, Holder::Owner).unwrap()
}

/// A waiting thread asks again, even if another thread was asking when it wanted to. It is woken by
/// its own "stop" as by another thread's.
#[test]
fn wait_x_question() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let asked = Arc::new(AtomicU32::new(0));
        let token = create_asking(tokens, &asked);
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        let answer = tokens.answer(token, || 0);
        // The second question may come from either waiting thread, and not from this one.
        while asked.load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
        assert_eq!(thread.join().unwrap(), Ok(Waited::Cancelled(0)));
        assert!(matches!(answer, Answer::Quiet | Answer::Cancelled));
        assert!(is_cancelled(tokens, token));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "never after it said stop");
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// A wait that asks ends once, by its host's "stop" or by a cancel. Both together are one cancel.
#[test]
fn wait_that_asks_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let asked = Arc::new(AtomicU32::new(1));
        let parent = create_asking(tokens, &asked);
        let child = tokens.create([parent], Origin::default(), Holder::Owner).unwrap();
        let other = library.clone();
        let asker = Asker { thread: 0, current: [0, parent], ..Asker::default() };
        let thread = thread::spawn(move || other.tokens().wait_any(&[child], None, asker));
        let was_first = cancel(tokens, parent) == Some(true);
        assert_eq!(thread.join().unwrap(), Ok(Waited::Cancelled(0)));
        let pin = TokenPin::new(tokens, child).unwrap();
        let cause = tokens.record(&pin).1;
        drop(pin);
        assert_eq!(cause, if was_first { Cause::Request } else { Cause::Foreign });
        tokens.release(child).unwrap();
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// A check that no thread asked for long is reported once: by the thread that asks it then, by the
/// end of its job, or by a reader of the diagnosis.
#[test]
fn silence_x_question_x_end() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let asked = Arc::new(AtomicU32::new(0));
        let user_data = UserData::new(Arc::as_ptr(&asked).cast_mut().cast());
        // SAFETY: the function takes what `user_data` is.
        let check = unsafe { ForeignCheck::new(stop_at_second, user_data) };
        let (thread, owned) = (Some(7), OwnedId::NONE);
        let foreign = Foreign { check, thread, min_interval_ns: 0, owned };
        let foreigns = Arc::new(Foreigns::new());
        let number = foreigns.add(foreign).unwrap();
        foreigns.begin(number, 9, 1);
        let other = foreigns.clone();
        let looker = thread::spawn(move || {
            let looks = || other.next_silent(5, 3).is_some();
            u32::from(looks()) + u32::from(looks())
        });
        let by_question = foreigns.ask(tokens.owners(), number, 7, 5, 3).silence.is_some();
        let by_end = foreigns.end(number, 6, 3).is_some();
        let by_looks = looker.join().unwrap();
        assert_eq!(by_looks + u32::from(by_question) + u32::from(by_end), 1, "told once");
        assert_eq!(foreigns.next_silent(99, 3), None, "its job has ended");
        foreigns.remove(number);
    });
}

/// A thread that waits for a token learns when nothing can cancel the token any more.
#[test]
fn wait_x_release() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        tokens.release(token).unwrap();
        match thread.join().unwrap() {
            Ok(Waited::Gone(0)) | Err(Error::InvalidHandle(..)) => (),
            other => panic!("{other:?}"),
        }
        assert_empty(&library);
    });
}

/// Arms a deadline, and lets another thread do the work of the library's threads when it has
/// passed.
fn arm_and_expire(library: &Arc<Library>, token: Handle) -> thread::JoinHandle<()> {
    let tokens = library.tokens();
    let pin = TokenPin::new(tokens, token).unwrap();
    assert_eq!(tokens.arm(&pin, 1), Ok(Some(false)));
    drop(pin);
    let other = library.clone();
    thread::spawn(move || {
        let tokens = other.tokens();
        tokens.expire(2);
        while let Some(work) = tokens.take_deferred() {
            assert_eq!(tokens.do_deferred(work), None);
        }
    })
}

loom::thread_local! {
    static LOOKS: Cell<bool> = Cell::new(false);
}

/// Notes whether a thread called it that must not.
unsafe extern "C" fn destroy_elsewhere(plugin: *mut c_void) {
    // SAFETY: the reference that was given away with the job.
    let plugin = unsafe { Arc::from_raw(plugin.cast::<Plugin>()) };
    plugin.called.fetch_add(u32::from(LOOKS.with(Cell::get)), Ordering::Relaxed);
    plugin.destroyed.fetch_add(1, Ordering::Relaxed);
}

/// A thread that must not run functions of plugins looks at a job while the job's last owner lets
/// go of it.
#[test]
fn look_x_release() {
    model(4, || {
        let library = Arc::new(Library::new());
        let jobs = library.jobs();
        let plugin = Arc::new(Plugin::default());
        let user_data = UserData::new(Arc::into_raw(plugin.clone()).cast_mut().cast());
        // SAFETY: `destroy_elsewhere` takes what `user_data` is.
        let payload = unsafe { Payload::new(user_data, Some(destroy_elsewhere)) };
        let token = Origin::default();
        let origin = JobOrigin { label: "", caller_id: "", parents: [0; 2], token, owner: 0 };
        let job = jobs.create(&origin, Some(payload)).unwrap();
        let other = library.clone();
        let looker = thread::spawn(move || {
            LOOKS.with(|looks| looks.set(true));
            if let Ok(pin) = JobPin::new(other.jobs(), job) {
                other.jobs().unpin_deferred(pin);
            }
        });
        jobs.release(job).unwrap();
        let callback_thread = || {
            while let Some(work) = library.tokens().take_deferred() {
                jobs.do_deferred(work);
            }
        };
        callback_thread();
        looker.join().unwrap();
        callback_thread();
        assert_eq!(plugin.calls(), (0, 0, 1));
        assert_eq!(jobs.arena().live(), 0, "jobs");
        assert_empty(&library);
    });
}

/// A deadline that was disarmed never cancels, and one whose token died never cancels the next
/// user of its slot.
#[test]
fn deadline_x_cancel_x_disarm() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let timer = arm_and_expire(&library, token);
        let disarmed = {
            let pin = TokenPin::new(tokens, token).unwrap();
            let disarmed = tokens.disarm(&pin);
            assert!(!disarmed || !is_cancelled(tokens, token));
            disarmed
        };
        let cancelled = !disarmed && cancel(tokens, token) == Some(true);
        let (_, cause) = tokens.record(&TokenPin::new(tokens, token).unwrap());
        let expected = match (disarmed, cancelled) {
            (true, _) => Cause::None,
            (false, true) => Cause::Request,
            (false, false) => Cause::Deadline,
        };
        assert_eq!(cause, expected);
        tokens.release(token).unwrap();
        let next = create(tokens);
        timer.join().unwrap();
        assert!(!is_cancelled(tokens, next));
        tokens.release(next).unwrap();
        assert_eq!(tokens.deadlines().count(), 0);
        assert_empty(&library);
    });
}

/// The token of a deadline that has passed dies at that moment, and its slot is used again.
#[test]
fn deadline_x_release() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let timer = arm_and_expire(&library, token);
        tokens.release(token).unwrap();
        let next = create(tokens);
        assert_ne!(next, token + (1 << GENERATION_SHIFT) * 2);
        timer.join().unwrap();
        assert!(!is_cancelled(tokens, next));
        tokens.release(next).unwrap();
        assert_empty(&library);
    });
}

/// When `close` returns, no function of the owner runs or will run, and each destroy-notify has
/// run.
#[test]
fn owner_close_x_callback() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let owner = tokens.owners().create().unwrap();
        let plugin = Arc::new(Plugin::default());
        let registration = register(&library, token, callback(&plugin), owner).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token));
        library.jobs().close_owner(owner).unwrap();
        let (called, returned, destroyed) = plugin.calls();
        assert_eq!((called, destroyed), (returned, 1));
        thread.join().unwrap();
        assert_eq!(plugin.calls(), (called, returned, 1), "after the plugin was unloaded");
        tokens.unregister(registration, true).unwrap();
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// A callback that is registered while the owner is closed is refused, or dropped before the close
/// returns.
#[test]
fn owner_close_x_register() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let owner = tokens.owners().create().unwrap();
        let plugin = Arc::new(Plugin::default());
        let (other, others) = (library.clone(), plugin.clone());
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            let pin = TokenPin::new(tokens, token).unwrap();
            match tokens.register(Some(&pin), callback(&others), owner, Tie::Named) {
                Ok(registration) => Some(registration),
                Err((Error::OwnerClosed(_) | Error::InvalidHandle(..), callback)) => {
                    callback.into_payload().destroy();
                    None
                }
                Err((error, _)) => panic!("{error}"),
            }
        });
        library.jobs().close_owner(owner).unwrap();
        if let Some(registration) = thread.join().unwrap() {
            let found = tokens.unregister(registration, true);
            assert_eq!(found, Ok(Unregistered::Done), "it outlived its owner");
        }
        assert_eq!(plugin.calls(), (0, 0, 1));
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// Three callbacks, each of which unregisters the next one.
struct Ring {
    library: Library,
    registrations: [AtomicU64; 3],
    refused: AtomicU32,
}

struct Place {
    ring: Arc<Ring>,
    next: usize,
}

unsafe extern "C" fn unregister_next(_token: *const c_void, place: *mut c_void) {
    // SAFETY: the registration's box, which `drop_place` takes back.
    let place = unsafe { &*place.cast::<Place>() };
    let next = place.ring.registrations[place.next].load(Ordering::Relaxed);
    match place.ring.library.tokens().unregister(next, true) {
        Ok(_) | Err(Error::InvalidHandle(..)) => (),
        Err(error) => {
            assert_eq!(error, Error::WouldDeadlock);
            place.ring.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

unsafe extern "C" fn drop_place(place: *mut c_void) {
    // SAFETY: the box that was given to the registration.
    drop(unsafe { Box::from_raw(place.cast::<Place>()) });
}

/// Callbacks on threads of their own unregister each other in a ring: no thread waits for ever.
fn cycle_of_unregisters(bound: usize, length: usize) {
    model(bound, move || {
        let ring = Arc::new(Ring {
            library: Library::new(),
            registrations: Default::default(),
            refused: AtomicU32::new(0),
        });
        let tokens = ring.library.tokens();
        let parts: Vec<Handle> = (0..length)
            .map(|part| {
                let token = create(tokens);
                let place = Box::new(Place { ring: ring.clone(), next: (part + 1) % length });
                let user_data = UserData::new(Box::into_raw(place).cast());
                // SAFETY: both functions take a `Place`.
                let callback = unsafe {
                    Callback::new(unregister_next, Payload::new(user_data, Some(drop_place)))
                };
                let registration = register(&ring.library, token, callback, 0).unwrap();
                ring.registrations[part].store(registration, Ordering::Relaxed);
                token
            })
            .collect();
        let threads: Vec<_> = parts[1..]
            .iter()
            .map(|&token| {
                let ring = ring.clone();
                thread::spawn(move || cancel(ring.library.tokens(), token).unwrap())
            })
            .collect();
        cancel(tokens, parts[0]).unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(ring.refused.load(Ordering::Relaxed) < length as u32);
        for token in parts {
            tokens.release(token).unwrap();
        }
        for registration in &ring.registrations {
            // The callback whose unregister was refused still has its handle.
            let _ = tokens.unregister(registration.load(Ordering::Relaxed), true);
        }
        assert_empty(&ring.library);
    });
}

#[test]
fn a_cycle_of_two_unregisters() {
    cycle_of_unregisters(2, 2);
}

#[test]
fn a_cycle_of_three_unregisters() {
    cycle_of_unregisters(1, 3);
}

/// The actions of a callback and of its destroy-notify.
struct Does {
    call: Box<dyn Fn()>,
    end: Box<dyn Fn()>,
}

unsafe extern "C" fn do_call(_token: *const c_void, does: *mut c_void) {
    // SAFETY: the registration's box, which `do_end` takes back.
    (unsafe { &*does.cast::<Does>() }.call)();
}

unsafe extern "C" fn do_end(does: *mut c_void) {
    // SAFETY: the box that `doing` gave away.
    (unsafe { Box::from_raw(does.cast::<Does>()) }.end)();
}

fn doing(call: impl Fn() + 'static, end: impl Fn() + 'static) -> Callback {
    let does = Does { call: Box::new(call), end: Box::new(end) };
    let user_data = UserData::new(Box::into_raw(Box::new(does)).cast());
    // SAFETY: both functions take a `Does`.
    unsafe { Callback::new(do_call, Payload::new(user_data, Some(do_end))) }
}

/// A registration whose destroy-notify unregisters it again, and the answer to that.
fn unregistering_itself(
    library: &Arc<Library>,
    token: Option<&TokenPin<'_>>,
) -> (Handle, Arc<AtomicU32>) {
    let (own, handle) = (library.clone(), Arc::new(AtomicU64::new(0)));
    let (known, notified) = (handle.clone(), Arc::new(AtomicU32::new(0)));
    let counted = notified.clone();
    let again = move || {
        let found = own.tokens().unregister(known.load(Ordering::Relaxed), true);
        assert_eq!(found, Ok(Unregistered::Running), "from inside it");
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let tokens = library.tokens();
    let token = token.map_or(0, TokenPin::handle);
    let registration = tokens.register_at(token, doing(|| (), again), 0, Tie::Named);
    let registration = registration.map_err(|(error, _)| error).unwrap();
    handle.store(registration, Ordering::Relaxed);
    (registration, notified)
}

/// Two threads unregister a registration whose destroy-notify unregisters it once more: one of the
/// two threads ends it and gets that as its answer.
#[test]
fn unregister_x_unregister_of_what_its_notify_unregisters() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let (registration, notified) = unregistering_itself(&library, None);
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().unregister(registration, true));
        let found = [tokens.unregister(registration, true), thread.join().unwrap()];
        let ended = found.iter().filter(|found| **found == Ok(Unregistered::Removed)).count();
        assert_eq!(ended, 1, "who ended it says so: {found:?}");
        assert!(found.iter().any(|found| matches!(found, Err(Error::InvalidHandle(..)))));
        assert_eq!(notified.load(Ordering::Relaxed), 1);
        assert_empty(&library);
    });
}

/// The same, while the token is cancelled.
#[test]
fn cancel_x_unregister_of_what_its_notify_unregisters() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let token = create(tokens);
        let pin = TokenPin::new(tokens, token).unwrap();
        let (registration, notified) = unregistering_itself(&library, Some(&pin));
        drop(pin);
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token).unwrap());
        let found = tokens.unregister(registration, true);
        let has_ended = found == Ok(Unregistered::Removed);
        assert!(has_ended || matches!(found, Err(Error::InvalidHandle(..))), "{found:?}");
        assert!(!has_ended || notified.load(Ordering::Relaxed) == 1);
        thread.join().unwrap();
        assert_eq!(notified.load(Ordering::Relaxed), 1);
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// An object of an owner that no close can end; the thread that is inside one of its functions
/// gives it up.
fn adopt(library: &Library, owner: Handle) -> Arc<Owned> {
    let origin =
        JobOrigin { label: "", caller_id: "", parents: [0; 2], token: Origin::default(), owner: 0 };
    let gone = library.jobs().create(&origin, None).unwrap();
    library.jobs().release(gone).unwrap();
    let owned = Arc::new(Owned::default());
    let thing = Thing::Job(dcc_cancel::handle::index(gone));
    library.owners().adopt(owner, thing, &owned).unwrap();
    owned
}

/// Two plugins, each closed by a thread inside the other: at most one close is refused, and a
/// refused close has changed nothing.
#[test]
fn owner_close_x_owner_close() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let owners = [(); 2].map(|()| tokens.owners().create().unwrap());
        let in_hand = owners.map(|owner| adopt(&library, owner));
        let kept = create(tokens);
        let bystanders = [(); 2].map(|()| Arc::new(Plugin::default()));
        let registrations = [0, 1].map(|part| {
            let callback = callback(&bystanders[part]);
            register(&library, kept, callback, owners[part]).unwrap()
        });
        let close_other = move |library: &Library, part: usize, own: &Owned, bystander: &Plugin| {
            let all = library.owners();
            let inside = all.enter(own.get(), thread_identity::current());
            let closed = library.jobs().close_owner(owners[1 - part]);
            let dropped = u32::from(closed.is_ok());
            assert_eq!(bystander.calls(), (0, 0, dropped), "nothing changed, or all: {closed:?}");
            all.disown(own.take());
            all.leave(inside);
            closed
        };
        let (other, bystander) = (library.clone(), bystanders[0].clone());
        let [here, there] = in_hand;
        let thread = thread::spawn(move || close_other(&other, 1, &there, &bystander));
        let here = close_other(&library, 0, &here, &bystanders[1]);
        let closed = [thread.join().unwrap(), here];
        let refused = closed.iter().filter(|closed| **closed == Err(Error::WouldDeadlock)).count();
        assert_eq!(closed.iter().filter(|closed| closed.is_ok()).count(), 2 - refused);
        assert!(refused <= 1);
        for (owner, closed) in owners.into_iter().zip(closed) {
            let expected = if closed.is_ok() { Err(()) } else { Ok(()) };
            assert_eq!(library.jobs().close_owner(owner).map_err(drop), expected);
        }
        for registration in registrations {
            tokens.unregister(registration, true).unwrap();
        }
        tokens.release(kept).unwrap();
        assert_empty(&library);
    });
}

/// A close runs a destroy-notify for which a callback of the closed owner waits. The callback ends
/// before the close waits for it, so neither is refused.
#[test]
fn owner_close_x_unregister_of_what_it_ends() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let owner = tokens.owners().create().unwrap();
        let (token, others) = (create(tokens), create(tokens));
        let dropped = register(&library, others, doing(|| (), thread::yield_now), owner).unwrap();
        let own = library.clone();
        let refused = Arc::new(AtomicU32::new(0));
        let noted = refused.clone();
        let unregister = move || {
            let found = own.tokens().unregister(dropped, true);
            noted.fetch_add(u32::from(found.is_err()), Ordering::Relaxed);
        };
        let waiting = register(&library, token, doing(unregister, || ()), owner).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token).unwrap());
        library.jobs().close_owner(owner).unwrap();
        thread.join().unwrap();
        assert_eq!(refused.load(Ordering::Relaxed), 0, "it was no ring");
        tokens.unregister(waiting, true).unwrap();
        // The callback unregisters it, unless the close dropped that callback.
        let _ = tokens.unregister(dropped, true);
        [token, others].iter().for_each(|token| tokens.release(*token).unwrap());
        assert_empty(&library);
    });
}

/// A job is created below a token that only the creator still holds. The token dies there, and so
/// does its parent, whose destroy-notify may close the owner of the job that is being created. So
/// the creating thread counts as inside that owner.
#[test]
fn create_x_release_of_its_parent() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let owner = tokens.owners().create().unwrap();
        let grandparent = create(tokens);
        let parent = tokens.create([grandparent], Origin::default(), Holder::Owner).unwrap();
        let (own, missing) = (library.clone(), Arc::new(AtomicU32::new(0)));
        let (noted, maker) = (missing.clone(), thread_identity::current());
        let look = move || {
            let mut is_inside = false;
            let index = dcc_cancel::handle::index(owner);
            let owners = own.owners();
            owners.inside(index, &mut |inside| is_inside |= inside.thread == maker);
            if thread_identity::current() == maker && !is_inside {
                noted.fetch_add(1, Ordering::Relaxed);
            }
        };
        let pin = TokenPin::new(tokens, grandparent).unwrap();
        tokens
            .register(Some(&pin), doing(|| (), look), 0, Tie::Detached)
            .map_err(|(error, _)| error)
            .unwrap();
        drop(pin);
        cancel(tokens, parent).unwrap();
        tokens.release(grandparent).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().release(parent).unwrap());
        let token = Origin::default();
        let origin = JobOrigin { label: "", caller_id: "", parents: [parent, 0], token, owner };
        match library.jobs().create(&origin, None) {
            Ok(job) => library.jobs().release(job).unwrap(),
            Err((error, _)) => assert!(matches!(error, Error::InvalidHandle(..)), "{error}"),
        }
        thread.join().unwrap();
        assert_eq!(missing.load(Ordering::Relaxed), 0, "the maker is inside");
        library.jobs().close_owner(owner).unwrap();
        assert_empty(&library);
    });
}

/// A job ends while two threads begin to wait for it: both wake, and see all that was written
/// before the end.
#[test]
fn end_x_wait_for_it() {
    model(2, || {
        let library = Arc::new(Library::new());
        let job = create_job(&library);
        let written = Arc::new(AtomicU32::new(0));
        let wait = || {
            let (library, written) = (library.clone(), written.clone());
            thread::spawn(move || {
                assert_eq!(wait_for_end(&library, job, &[]), Ok(EndWaited::Ended));
                assert_eq!(written.load(Ordering::Relaxed), 1);
            })
        };
        let waits = [wait(), wait()];
        written.store(1, Ordering::Relaxed);
        fail(&library, job);
        waits.into_iter().for_each(|wait| wait.join().unwrap());
        library.jobs().release(job).unwrap();
        assert_eq!(library.jobs().arena().live(), 0);
        assert_empty(&library);
    });
}

/// A job loses its last reference while a thread begins to wait for it: the wait ends as gone, or
/// as ended if the job had ended before, or the handle is refused.
#[test]
fn release_x_wait_for_the_end() {
    for has_ended in [false, true] {
        model(3, move || {
            let library = Arc::new(Library::new());
            let job = create_job(&library);
            let other = library.clone();
            let thread = thread::spawn(move || wait_for_end(&other, job, &[]));
            if has_ended {
                fail(&library, job);
            }
            library.jobs().release(job).unwrap();
            let end = if has_ended { EndWaited::Ended } else { EndWaited::Gone };
            match thread.join().unwrap() {
                Err(Error::InvalidHandle(..)) => (),
                waited => assert_eq!(waited, Ok(end)),
            }
            assert_eq!(library.jobs().arena().live(), 0);
            assert_empty(&library);
        });
    }
}

/// Two threads, each with a current job, wait for each other's job: one wait is refused, and that
/// thread ends its own job.
#[test]
fn wait_for_end_x_wait_for_end() {
    model(3, || {
        let library = Arc::new(Library::new());
        let jobs = [(); 2].map(|()| create_job(&library));
        let work = |library: &Library, own: Handle, others: Handle| {
            let waited = wait_for_end(library, others, &[own]);
            assert!(matches!(waited, Ok(EndWaited::Ended) | Err(Error::WouldDeadlock)));
            fail(library, own);
            waited
        };
        let other = library.clone();
        let thread = thread::spawn(move || work(&other, jobs[1], jobs[0]));
        let waited = [work(&library, jobs[0], jobs[1]), thread.join().unwrap()];
        assert!(waited.contains(&Ok(EndWaited::Ended)), "{waited:?}: one of them waits");
        jobs.into_iter().for_each(|job| library.jobs().release(job).unwrap());
        assert_empty(&library);
    });
}
