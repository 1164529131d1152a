//! Models of the point of no return: a seal against each call that cancels, listens, ends a job or
//! shuts down.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_seal --target-dir target/loom`

#![cfg(loom)]

#[path = "loom_ended.rs"]
mod ended;
#[path = "../support/interleavings.rs"]
mod interleavings;

use dcc_cancel::handle::{FOREIGN, Handle, NULL};
use dcc_cancel::job::life::{Ended, JobSealed};
use dcc_cancel::job::{JobOrigin, JobPin, JobState};
use dcc_cancel::json_rpc::reply::ReplyPolicy;
use dcc_cancel::json_rpc::request_id::IdRef;
use dcc_cancel::json_rpc::wire::Meant;
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::memory::slot::Holder;
use dcc_cancel::owner::owned::OwnedId;
use dcc_cancel::peer::cancel::{PeerAsks, PeerCancel};
use dcc_cancel::peer::request::{Owed, RequestOrigin, RequestPin, RequestSealed};
use dcc_cancel::peer::session::{SessionPin, SessionSettings};
use dcc_cancel::sys::callout::{Callback, ForeignCheck, Payload, UserData};
use dcc_cancel::token::ask::Answer;
use dcc_cancel::token::asking::Asker;
use dcc_cancel::token::create::Origin;
use dcc_cancel::token::foreign::Foreign;
use dcc_cancel::token::keep::Tie;
use dcc_cancel::token::register::Unregistered;
use dcc_cancel::token::wait::Waited;
use dcc_cancel::token::{Cause, TokenPin, Tokens};
use interleavings::model;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::ffi::c_void;

fn create(tokens: &Tokens, parents: &[Handle]) -> Handle {
    tokens.create(parents.iter().copied(), Origin::default(), Holder::Owner).unwrap()
}

/// A running job and its token, which lives as long as the job.
fn job_with(library: &Library, parent: Handle, foreign: Option<Foreign>) -> (Handle, Handle) {
    job_from(library, parent, Origin { foreign, ..Origin::default() })
}

fn job_from(library: &Library, parent: Handle, token: Origin<'_>) -> (Handle, Handle) {
    let jobs = library.jobs();
    let origin = JobOrigin { label: "", caller_id: "", parents: [parent, 0], token, owner: NULL };
    let job = jobs.create(&origin, None).map_err(|(error, _)| error).unwrap();
    let pin = JobPin::new(jobs, job).unwrap();
    jobs.begin(&pin).unwrap();
    (job, jobs.token(&pin))
}

fn job(library: &Library, parent: Handle) -> (Handle, Handle) {
    job_with(library, parent, None)
}

fn seal(library: &Library, job: Handle) -> JobSealed {
    library.jobs().seal(&JobPin::new(library.jobs(), job).unwrap()).unwrap()
}

fn end(library: &Library, job: Handle, state: JobState) -> Ended {
    library.jobs().end(&JobPin::new(library.jobs(), job).unwrap(), state, "").unwrap()
}

fn state(library: &Library, job: Handle) -> JobState {
    library.jobs().state(&JobPin::new(library.jobs(), job).unwrap())
}

fn cancel(tokens: &Tokens, token: Handle) -> bool {
    tokens.cancel(&TokenPin::new(tokens, token).unwrap(), Cause::Request, "")
}

fn is_cancelled(tokens: &Tokens, token: Handle) -> bool {
    tokens.look(token).0 == Answer::Cancelled
}

fn assert_empty(library: &Library) {
    assert_eq!(library.tokens().arena().live(), 0, "tokens");
    assert_eq!(library.jobs().arena().live(), 0, "jobs");
    assert_eq!(library.tokens().registrations().arena().live(), 0, "registrations");
}

/// One of the two wins, and both get answers that agree.
#[test]
fn seal_x_cancel() {
    model(4, || {
        let library = Arc::new(Library::new());
        let (job, token) = job(&library, NULL);
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), token));
        let sealed = seal(&library, job) == JobSealed::Yes;
        let cancelled = thread.join().unwrap();
        assert_ne!(sealed, cancelled, "who won");
        assert_eq!(is_cancelled(library.tokens(), token), cancelled);
        assert_eq!(library.tokens().is_sealed(token), sealed);
        let ended = end(&library, job, JobState::Cancelled);
        assert_eq!(ended == Ended::AsFailed, sealed);
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// A cancel of a parent leaves out a sealed job and all below it; otherwise it reaches both.
#[test]
fn seal_x_cancel_of_a_parent() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens, &[]);
        let (job, token) = job(&library, parent);
        let below = create(tokens, &[token]);
        let other = library.clone();
        let thread = thread::spawn(move || assert!(cancel(other.tokens(), parent)));
        let sealed = seal(&library, job) == JobSealed::Yes;
        thread.join().unwrap();
        assert!(is_cancelled(tokens, parent));
        assert_ne!(is_cancelled(tokens, token), sealed, "who won");
        assert_ne!(is_cancelled(tokens, below), sealed, "what is below it");
        tokens.release(below).unwrap();
        library.jobs().release(job).unwrap();
        tokens.release(parent).unwrap();
        assert_empty(&library);
    });
}

/// Once both calls are over, no deadline is armed, and a deadline that passed has not changed the
/// decision.
#[test]
fn seal_x_deadline() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let (job, token) = job(&library, NULL);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            let _ = tokens.arm(&TokenPin::new(tokens, token).unwrap(), 5);
        });
        assert_eq!(seal(&library, job), JobSealed::Yes);
        thread.join().unwrap();
        assert_eq!(tokens.deadlines().count(), 0, "it stays armed");
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// A deadline that passes at the same moment cancels the job, or is too late.
#[test]
fn seal_x_deadline_that_is_over() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let (job, token) = job(&library, NULL);
        tokens.arm(&TokenPin::new(tokens, token).unwrap(), 5).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().expire(6));
        let sealed = seal(&library, job) == JobSealed::Yes;
        thread.join().unwrap();
        assert_ne!(is_cancelled(tokens, token), sealed, "who won");
        assert_eq!(tokens.deadlines().count(), 0);
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

unsafe extern "C" fn says_yes(_user_data: *mut c_void) -> i32 {
    1
}

/// A "yes" of the host's check cancels the job, or is too late; after that the check is not asked
/// any more.
#[test]
fn seal_x_foreign_check() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let user_data = UserData::new(std::ptr::null_mut());
        // SAFETY: it looks at nothing.
        let check = unsafe { ForeignCheck::new(says_yes, user_data) };
        let foreign = Foreign { check, thread: None, min_interval_ns: 0, owned: OwnedId::NONE };
        let (job, token) = job_with(&library, NULL, Some(foreign));
        let other = library.clone();
        let thread = thread::spawn(move || other.tokens().answer(token, || 1));
        let sealed = seal(&library, job) == JobSealed::Yes;
        let answer = thread.join().unwrap();
        let expected = if sealed { Answer::Quiet } else { Answer::Cancelled };
        assert_eq!((answer, tokens.answer(token, || 1)), (expected, expected), "who won");
        let word = tokens.word(token).unwrap().load(std::sync::atomic::Ordering::Relaxed);
        assert!(!sealed || word & FOREIGN == 0, "polls of what is sealed take the fast way");
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// A thread that waits for a sealed token learns that it will never be cancelled, in either order.
#[test]
fn seal_x_wait_for_one() {
    model(4, || {
        let library = Arc::new(Library::new());
        let (job, token) = job(&library, NULL);
        let other = library.clone();
        let thread =
            thread::spawn(move || other.tokens().wait_any(&[token], None, Asker::default()));
        assert_eq!(seal(&library, job), JobSealed::Yes);
        assert_eq!(thread.join().unwrap(), Ok(Waited::Never));
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// A wait for several tokens goes on for those that are not sealed; it ends when all are sealed.
#[test]
fn seal_x_wait_for_several() {
    model(2, || {
        let library = Arc::new(Library::new());
        let ((one, first), (two, second)) = (job(&library, NULL), job(&library, NULL));
        let other = library.clone();
        let thread = thread::spawn(move || {
            other.tokens().wait_any(&[first, second], None, Asker::default())
        });
        assert_eq!(seal(&library, one), JobSealed::Yes);
        assert_eq!(seal(&library, two), JobSealed::Yes);
        assert_eq!(thread.join().unwrap(), Ok(Waited::Never));
        library.jobs().release(one).unwrap();
        library.jobs().release(two).unwrap();
        assert_empty(&library);
    });
}

/// The record of a plugin's functions. The user data is a counted pointer, which `destroy` drops.
#[derive(Default)]
struct Plugin {
    called: AtomicU32,
    destroyed: AtomicU32,
}

unsafe extern "C" fn note(_token: *const c_void, plugin: *mut c_void) {
    // SAFETY: the registration's reference, which `destroy` gives back.
    unsafe { &*plugin.cast::<Plugin>() }.called.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "C" fn destroy(plugin: *mut c_void) {
    // SAFETY: the reference that `callback` gave away.
    let plugin = unsafe { Arc::from_raw(plugin.cast::<Plugin>()) };
    plugin.destroyed.fetch_add(1, Ordering::Relaxed);
}

fn callback(plugin: &Arc<Plugin>) -> Callback {
    let user_data = UserData::new(Arc::into_raw(plugin.clone()).cast_mut().cast());
    // SAFETY: `note` and `destroy` take what `user_data` is.
    unsafe { Callback::new(note, Payload::new(user_data, Some(destroy))) }
}

/// A callback is dropped by the seal, or its registration only waits for its unregister; the
/// callback is never called.
#[test]
fn seal_x_register() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let (job, token) = job(&library, NULL);
        let plugin = Arc::new(Plugin::default());
        let (other, others) = (library.clone(), plugin.clone());
        let thread = thread::spawn(move || {
            let registered = other.tokens().register_at(token, callback(&others), NULL, Tie::Named);
            registered.map_err(|(error, _)| error).unwrap()
        });
        assert_eq!(seal(&library, job), JobSealed::Yes);
        let registration = thread.join().unwrap();
        let by_seal = plugin.destroyed.load(Ordering::Relaxed);
        let pin = TokenPin::new(tokens, token).unwrap();
        assert!(!pin.slot().live().is_listened(), "listed after the seal");
        drop(pin);
        let unregistered = tokens.unregister(registration, true).unwrap();
        let expected = if by_seal == 1 { Unregistered::Done } else { Unregistered::Removed };
        assert_eq!(unregistered, expected);
        assert_eq!(plugin.called.load(Ordering::Relaxed), 0);
        assert_eq!(plugin.destroyed.load(Ordering::Relaxed), 1);
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// A thread that saw a cancel of another object ends the job as cancelled while a second thread
/// seals it.
#[test]
fn seal_x_end_as_cancelled() {
    model(4, || {
        let library = Arc::new(Library::new());
        let (job, _) = job(&library, NULL);
        let other = library.clone();
        let thread = thread::spawn(move || end(&other, job, JobState::Cancelled));
        let sealed = seal(&library, job);
        let ended = thread.join().unwrap();
        let expected = match sealed {
            JobSealed::Yes => (Ended::AsFailed, JobState::Failed),
            _ => (Ended::ByThisCall, JobState::Cancelled),
        };
        assert_eq!((ended, state(&library, job)), expected, "{sealed:?}");
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

/// Two threads seal: both may commit.
#[test]
fn seal_x_seal() {
    model(4, || {
        let library = Arc::new(Library::new());
        let (job, _) = job(&library, NULL);
        let other = library.clone();
        let thread = thread::spawn(move || seal(&other, job));
        assert_eq!(seal(&library, job), JobSealed::Yes);
        assert_eq!(thread.join().unwrap(), JobSealed::Yes);
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}

const SETTINGS: SessionSettings = SessionSettings {
    ids: Meant::Requests,
    policy: ReplyPolicy::RequestCancelled,
    holds_early: false,
    ids_are_texts: false,
    most_requests: 4,
    most_kept: 4,
    early_ttl_ns: 10,
    progress_interval_ns: 0,
    progress_heartbeat_ns: 0,
};

fn begin(library: &Library) -> (Handle, Handle) {
    let session = library.sessions().create(SETTINGS).unwrap();
    let origin = RequestOrigin {
        id: IdRef::Integer(1),
        parent: NULL,
        is_cancellable: true,
        progress_token: None,
        trace_parent: None,
        timeout_ns: None,
    };
    (session, library.requests().begin(session, &origin).unwrap())
}

fn cancel_for_peer(library: &Library, session: Handle) -> PeerCancel {
    let session = SessionPin::new(library.sessions(), session).unwrap();
    library.requests().cancel(&session, IdRef::Integer(1), PeerAsks::default()).unwrap()
}

fn token_of(library: &Library, request: Handle) -> Handle {
    library.requests().token(&RequestPin::new(library.requests(), request).unwrap())
}

/// Checks that the answers to the cancelling thread and to the request's peer agree with whether
/// the work was committed.
fn told_the_same(library: &Library, request: Handle, sealed: bool, cancelled: PeerCancel) {
    let (owed, _) = library.requests().end(request).unwrap();
    let expected = if sealed { PeerCancel::Sealed } else { PeerCancel::First };
    assert_eq!(cancelled, expected, "sealed: {sealed}, owed: {owed:?}");
    assert_eq!(owed == Owed::Result, sealed, "owed: {owed:?}");
    library.requests().release(request).unwrap();
}

/// A peer cancels a request whose job seals.
#[test]
fn seal_x_cancel_of_its_request() {
    model(2, || {
        let library = Arc::new(Library::new());
        let (session, request) = begin(&library);
        let (job, _) = job(&library, token_of(&library, request));
        let other = library.clone();
        let thread = thread::spawn(move || cancel_for_peer(&other, session));
        let sealed = seal(&library, job) == JobSealed::Yes;
        // The job's outcome is known after the job is gone.
        let ended = if sealed { JobState::Completed } else { JobState::Cancelled };
        assert_eq!(end(&library, job, ended), Ended::ByThisCall);
        library.jobs().release(job).unwrap();
        let cancelled = thread.join().unwrap();
        told_the_same(&library, request, sealed, cancelled);
        library.sessions().release(session).unwrap();
        assert_empty(&library);
    });
}

/// The same, with a token between the request and its job that the cancel's walk may have passed
/// already.
#[test]
fn seal_x_cancel_of_a_request_above_a_token() {
    model(2, || {
        let library = Arc::new(Library::new());
        let (session, request) = begin(&library);
        let between = create(library.tokens(), &[token_of(&library, request)]);
        let (job, _) = job(&library, between);
        let other = library.clone();
        let thread = thread::spawn(move || cancel_for_peer(&other, session));
        let sealed = seal(&library, job) == JobSealed::Yes;
        let cancelled = thread.join().unwrap();
        told_the_same(&library, request, sealed, cancelled);
        library.jobs().release(job).unwrap();
        library.tokens().release(between).unwrap();
        library.sessions().release(session).unwrap();
        assert_empty(&library);
    });
}

/// A request that seals itself against its peer's cancel.
#[test]
fn seal_of_a_request_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let (session, request) = begin(&library);
        let other = library.clone();
        let thread = thread::spawn(move || cancel_for_peer(&other, session));
        let sealed = {
            let pin = RequestPin::new(library.requests(), request).unwrap();
            library.requests().seal(&pin) == RequestSealed::Yes
        };
        let cancelled = thread.join().unwrap();
        told_the_same(&library, request, sealed, cancelled);
        library.sessions().release(session).unwrap();
        assert_empty(&library);
    });
}

/// A token between a request and its job dies and another one gets its slot while the job is
/// sealed: no other request is affected.
#[test]
fn seal_x_release_of_what_is_above() {
    model(2, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let root = create(tokens, &[]);
        let between = create(tokens, &[root]);
        let (job, _) = job(&library, between);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            tokens.release(between).unwrap();
            assert!(cancel(tokens, root));
            tokens.release(root).unwrap();
            let next = create(tokens, &[]);
            tokens.release(next).unwrap();
        });
        seal(&library, job);
        thread.join().unwrap();
        library.jobs().release(job).unwrap();
        assert_empty(&library);
    });
}
