//! Very many references: a reference that would make an object impossible to cancel or to close is
//! refused when it is added, and all calls on the object still work.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/sessions.rs"]
mod sessions;

use dcc_cancel::ffi::{
    context::*, current::*, dispatcher::*, job::*, job_life::*, poll::*, registration::*,
    request::*, session_ids::*, session_message::*, status::*, token::*,
};
use dcc_cancel::memory::slot::MOST_HOLDS;
use listening::*;
use posting::{Dispatcher, nothing};
use sessions::{Id, Request, Session};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(1);
const NEVER_COMES: Duration = Duration::from_secs(3600);

fn set(token: Token) -> Result<dcc_ticket, dcc_status> {
    let mut ticket = 0;
    // SAFETY: a writable result.
    match unsafe { dcc_cancel_token_set_current(token.pointer(), &mut ticket) } {
        DCC_OK => Ok(ticket),
        status => Err(status),
    }
}

fn set_job(job: Job) -> Result<dcc_ticket, dcc_status> {
    let mut ticket = 0;
    // SAFETY: a writable result.
    match unsafe { dcc_job_set_current(job.pointer(), &mut ticket) } {
        DCC_OK => Ok(ticket),
        status => Err(status),
    }
}

fn capture() -> Result<*mut dcc_context, dcc_status> {
    let mut context = null_mut();
    // SAFETY: a writable result.
    match unsafe { dcc_context_capture(&mut context) } {
        DCC_OK => Ok(context),
        status => Err(status),
    }
}

fn release_context(context: *mut dcc_context) {
    assert_eq!(dcc_context_release(context), DCC_OK);
}

/// Counts the calls with user data that many objects share.
#[derive(Debug, Default)]
struct Shared {
    calls: AtomicU64,
    destroys: AtomicU64,
}

unsafe extern "C" fn shared_call(_: *const dcc_cancel_token, shared: *mut c_void) {
    // SAFETY: one that lives for ever.
    unsafe { &*shared.cast::<Shared>() }.calls.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn shared_destroy(shared: *mut c_void) {
    // SAFETY: one that lives for ever.
    unsafe { &*shared.cast::<Shared>() }.destroys.fetch_add(1, Ordering::SeqCst);
}

impl Shared {
    fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    fn user_data(&'static self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn counts(&self) -> (u64, u64) {
        (self.calls.load(Ordering::SeqCst), self.destroys.load(Ordering::SeqCst))
    }

    fn register(&'static self, token: Token, owner: Owner) -> Result<(), dcc_status> {
        // SAFETY: the functions take what lives for ever; NULL for the result.
        let status = unsafe {
            dcc_cancel_token_register(
                token.pointer(),
                Some(shared_call),
                self.user_data(),
                Some(shared_destroy),
                owner.pointer(),
                null_mut(),
            )
        };
        if status == DCC_OK { Ok(()) } else { Err(status) }
    }

    fn job(&'static self, owner: Owner) -> Result<*mut dcc_job, dcc_status> {
        let mut job = null_mut();
        // SAFETY: zero is a value of the descriptor; the function takes what lives for ever.
        let status = unsafe {
            let mut desc: dcc_job_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_job_desc>() as u32;
            desc.user_data = self.user_data();
            desc.destroy = Some(shared_destroy);
            desc.owner = owner.pointer();
            dcc_job_create(&desc, &mut job)
        };
        if status == DCC_OK { Ok(job) } else { Err(status) }
    }
}

/// Adds until that is refused, and checks the status of the refusal.
#[track_caller]
fn fill<T>(mut add: impl FnMut() -> Result<T, dcc_status>) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match add() {
            Ok(one) => all.push(one),
            Err(status) => {
                assert_eq!(status, DCC_ERROR_RESOURCES);
                return all;
            }
        }
        assert!(all.len() as u64 <= MOST_HOLDS, "nothing refuses it");
    }
}

fn try_child(parent: Token) -> Result<Token, dcc_status> {
    let parents = [parent.pointer().cast_const()];
    let mut token = null_mut();
    // SAFETY: a filled-in descriptor, a writable result.
    match unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut token) } {
        DCC_OK => Ok(Token(token.addr())),
        status => Err(status),
    }
}

/// Checks that another reference to a token is refused and that each call on the token works; the
/// cancel comes last.
fn assert_token_works(token: Token, dispatcher: Dispatcher, session: Session) {
    assert_eq!(set(token), Err(DCC_ERROR_RESOURCES));
    assert_eq!(try_child(token), Err(DCC_ERROR_RESOURCES));
    let refused = dispatcher.try_post(nothing().parent(token)).err();
    assert_eq!(refused, Some(DCC_ERROR_RESOURCES));
    let refused = session.try_begin(Id::Int(7), 0, token);
    assert_eq!(refused, Err(DCC_ERROR_RESOURCES));
    let unused = Watch::new();
    let refused = Job::try_new(unused, NO_OWNER, token, false);
    assert_eq!(refused, Err(DCC_ERROR_RESOURCES));
    assert_eq!(unused.counts(), (0, 0), "what is refused took nothing");

    assert!(!token.is_cancelled());
    assert_eq!(token.cause(), 0);
    assert_eq!(token.reason(), "");
    assert_eq!(token.wait(MOMENT), DCC_TIMED_OUT);
    assert_eq!(token.retain(), DCC_OK);
    token.release();
    assert_eq!(token.set_deadline_after(NEVER_COMES), DCC_OK);
    assert_eq!(token.deadline().0, DCC_OK);
    assert_eq!(token.clear_deadline(), DCC_OK);
    let (dropped, called) = (Watch::new(), Watch::new());
    let registration = token.register(dropped);
    assert_eq!(registration.unregister(), DCC_OK);
    assert_eq!(token.register_unkept(called, NO_OWNER), DCC_OK);
    // SAFETY: zero is a value of the layer; a writable result.
    let mut layer = unsafe { std::mem::zeroed::<dcc_poll_layer>() };
    // SAFETY: as above.
    assert_eq!(unsafe { dcc_poll_read_token(token.pointer(), &mut layer) }, DCC_OK);

    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!(token.cancel_async(), DCC_ALREADY_CANCELLED);
    assert_eq!(called.counts(), (1, 1));
    assert!(token.is_cancelled());
    assert_eq!(token.wait_for_ever(), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_TOKEN);
}

fn dispatcher_and_session(call: impl FnOnce(Dispatcher, Session)) {
    let (dispatcher, session) = (Dispatcher::new(), Session::new());
    call(dispatcher, session);
    assert_eq!(dcc_dispatcher_release(dispatcher.pointer()), DCC_OK);
    session.close();
    session.release();
}

#[test]
fn a_token_with_all_the_contexts_it_can_have_works() {
    let _alone = alone();
    let token = Token::new();
    let ticket = set(token).unwrap();
    let contexts = fill(capture);
    assert_eq!(contexts.len() as u64 + 1, MOST_HOLDS);
    dispatcher_and_session(|dispatcher, session| assert_token_works(token, dispatcher, session));
    contexts.into_iter().for_each(release_context);
    assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    token.release();
}

#[test]
fn a_token_that_is_current_as_often_as_it_can_be_works() {
    let _alone = alone();
    let token = Token::new();
    let tickets = fill(|| set(token));
    assert_eq!(tickets.len() as u64, MOST_HOLDS);
    dispatcher_and_session(|dispatcher, session| assert_token_works(token, dispatcher, session));
    for ticket in tickets.into_iter().rev() {
        assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    }
    token.release();
}

#[test]
fn a_token_is_cancelled_by_its_deadline_and_from_afar_whatever_holds_it() {
    let _alone = alone();
    let ways: [fn(Token); 2] = [
        |token| assert_eq!(token.set_deadline_after(MOMENT), DCC_OK),
        |token| assert_eq!(token.cancel_async(), DCC_OK),
    ];
    for way in ways {
        let token = Token::new();
        let called = Watch::new();
        assert_eq!(token.register_unkept(called, NO_OWNER), DCC_OK);
        let ticket = set(token).unwrap();
        let contexts = fill(capture);
        way(token);
        assert_eq!(token.wait(LONG), DCC_CANCELLED_BY_TOKEN);
        until("its callback runs", || called.counts() == (1, 1));
        contexts.into_iter().for_each(release_context);
        assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
        token.release();
    }
}

#[test]
fn what_was_posted_under_a_token_runs_whatever_holds_the_token_since() {
    let _alone = alone();
    let token = Token::new();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing().parent(token));
    let ticket = set(token).unwrap();
    let contexts = fill(capture);
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_COMPLETED);
    contexts.into_iter().for_each(release_context);
    assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    posted.job.release();
    assert_eq!(dcc_dispatcher_release(dispatcher.pointer()), DCC_OK);
    token.release();
}

#[test]
fn a_token_with_a_million_children_and_callbacks_is_cancelled_with_one_reason() {
    let _alone = alone();
    let token = Token::new();
    let children: Vec<Token> = (0..1_000_000).map(|_| try_child(token).unwrap()).collect();
    let shared = Shared::new();
    for _ in 0..MOST_HOLDS + 10_000 {
        assert_eq!(shared.register(token, NO_OWNER), Ok(()), "it holds nothing of its token");
    }
    // SAFETY: a text of that length.
    let cancel = unsafe { dcc_cancel_token_cancel(token.pointer(), c"all of you".as_ptr(), 10) };
    assert_eq!(cancel, DCC_OK);
    assert_eq!(shared.counts(), (MOST_HOLDS + 10_000, MOST_HOLDS + 10_000));
    assert!(children.iter().all(|child| child.is_cancelled()));
    token.release();
    for (number, child) in children.iter().enumerate() {
        if number % 100_000 == 0 {
            assert_eq!(child.reason(), "all of you", "shared, and still there");
        }
        child.release();
    }
}

fn job_with_all_its_contexts_works(is_foreign: bool) {
    let _alone = alone();
    let watch = Watch::new();
    let job = Job::try_new(watch, NO_OWNER, NO_TOKEN, is_foreign).unwrap();
    let ticket = set_job(job).unwrap();
    let contexts = fill(capture);
    assert_eq!(set_job(job), Err(DCC_ERROR_RESOURCES));
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    assert_eq!(dcc_check_cancelled(), DCC_OK);
    assert_eq!(dcc_job_retain(job.pointer()), DCC_OK);
    job.release();
    let mut found = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_find(dcc_job_id(job.pointer()), &mut found) }, DCC_OK);
    assert_eq!(dcc_job_release(found), DCC_OK);
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_job_cancel(job.pointer(), null(), 0) }, DCC_OK);
    assert_eq!(job.is_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
    contexts.into_iter().for_each(release_context);
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    job.release();
    assert_eq!(watch.counts(), (0, 1));
    assert_eq!(watch.asked() > 0, is_foreign);
}

#[test]
fn a_job_with_all_the_contexts_it_can_have_works() {
    job_with_all_its_contexts_works(false);
}

#[test]
fn a_foreign_job_with_all_the_contexts_it_can_have_works() {
    job_with_all_its_contexts_works(true);
}

#[test]
fn an_object_with_all_the_references_it_can_have_works_and_the_next_one_is_refused() {
    let _alone = alone();
    let token = Token::new();
    let references = 1 + fill_owners(|| token.retain());
    assert!(!token.is_cancelled());
    assert_eq!(token.wait(MOMENT), DCC_TIMED_OUT);
    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!(token.wait_for_ever(), DCC_CANCELLED_BY_TOKEN);
    (0..references).for_each(|_| token.release());
}

fn fill_owners(mut retain: impl FnMut() -> dcc_status) -> u64 {
    let mut count = 0;
    loop {
        match retain() {
            DCC_OK => count += 1,
            status => {
                assert_eq!(status, DCC_ERROR_RESOURCES);
                assert_eq!(count + 1, dcc_cancel::memory::slot::MAX_OWNERS);
                return count;
            }
        }
    }
}

#[test]
fn an_owner_of_all_the_registrations_it_can_have_is_closed() {
    let _alone = alone();
    let (token, owner, shared) = (Token::new(), Owner::new(), Shared::new());
    let count = fill(|| shared.register(token, owner)).len() as u64;
    assert_eq!(count, MOST_HOLDS);
    let refused = Job::try_new(Watch::new(), owner, NO_TOKEN, false);
    assert_eq!(refused, Err(DCC_ERROR_RESOURCES), "whatever it is that would be its");
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(shared.counts(), (0, count));
    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!(shared.counts(), (0, count), "nothing of a closed owner is called");
    token.release();
}

#[test]
fn the_callbacks_of_an_owner_run_however_many_there_are() {
    let _alone = alone();
    let (token, owner, shared) = (Token::new(), Owner::new(), Shared::new());
    let count = fill(|| shared.register(token, owner)).len() as u64;
    assert_eq!(token.cancel(), DCC_OK);
    assert_eq!(shared.counts(), (count, count));
    assert_eq!(shared.register(token, owner), Ok(()), "there is room again");
    assert_eq!(owner.close(), DCC_OK);
    token.release();
}

/// The user data of a callback that registers the next one.
struct Nested {
    token: Token,
    owner: Owner,
    left: AtomicU64,
}

unsafe extern "C" fn register_next(_: *const dcc_cancel_token, nested: *mut c_void) {
    // SAFETY: what the test keeps.
    let of_test = unsafe { &*nested.cast::<Nested>() };
    if of_test.left.load(Ordering::SeqCst) > 0 {
        of_test.left.fetch_sub(1, Ordering::SeqCst);
        let (token, owner) = (of_test.token.pointer(), of_test.owner.pointer());
        // SAFETY: a function that takes it; NULL for the rest.
        let status = unsafe {
            let function = Some(register_next as unsafe extern "C" fn(_, _));
            dcc_cancel_token_register(token, function, nested, None, owner, null_mut())
        };
        assert_eq!(status, DCC_OK);
    }
}

#[test]
fn calls_of_an_owner_within_each_other_need_no_more_room_however_many_they_are() {
    const CALLS: u64 = 10_000;
    let _alone = alone();
    let (kept, shared) = (Token::new(), Shared::new());
    let nested = Nested { token: Token::new(), owner: Owner::new(), left: AtomicU64::new(CALLS) };
    for _ in 0..MOST_HOLDS - CALLS - 1 {
        assert_eq!(shared.register(kept, nested.owner), Ok(()));
    }
    assert_eq!(nested.token.cancel(), DCC_OK);
    let run = || {
        // SAFETY: it is kept; the token is cancelled, so that all is over when this returns.
        unsafe { register_next(null(), std::ptr::from_ref(&nested).cast_mut().cast()) }
    };
    std::thread::scope(|scope| {
        // A frame of a debug build takes some thousand bytes of stack.
        let deep = std::thread::Builder::new().stack_size(1 << 29);
        deep.spawn_scoped(scope, run).unwrap().join().unwrap();
    });
    assert_eq!(nested.left.load(Ordering::SeqCst), 0);
    assert_eq!(nested.owner.close(), DCC_OK);
    assert_eq!(shared.counts(), (0, MOST_HOLDS - CALLS - 1));
    kept.release();
    nested.token.release();
}

#[test]
fn an_owner_of_all_the_jobs_it_can_have_is_closed() {
    let _alone = alone();
    let (owner, shared) = (Owner::new(), Shared::new());
    let jobs = fill(|| shared.job(owner));
    assert_eq!(jobs.len() as u64, MOST_HOLDS);
    assert_eq!(owner.close(), DCC_OK);
    assert_eq!(shared.counts(), (0, MOST_HOLDS));
    for job in jobs {
        assert_eq!(state_of(job), DCC_JOB_INTERRUPTED);
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
}

#[test]
fn a_session_is_held_by_no_request_that_has_ended_and_once_by_all_others() {
    let _alone = alone();
    let session = Session::http();
    let begin = |id| session.try_begin(Id::Int(id), 0, NO_TOKEN).unwrap();
    let ended: Vec<Request> = (0..MOST_HOLDS + 2)
        .map(|_| {
            let request = begin(1);
            assert_eq!(request.end().0, DCC_OK);
            request
        })
        .collect();
    assert_eq!(session.stats().begun, MOST_HOLDS + 2);
    assert_eq!(session.cancel(Id::Int(2), ""), DCC_HELD);
    let message = r#"{"method":"notifications/cancelled","params":{"requestId":3}}"#;
    assert_eq!(session.handle(message), DCC_MESSAGE_HELD);
    assert_eq!(session.state(Id::Int(2)), DCC_REQUEST_HELD);
    assert_eq!(session.clear(Id::Int(2)), DCC_OK);
    assert!(session.sweep(Duration::ZERO) > 0);
    let (first, second) = (begin(4), begin(5));
    session.release();
    assert_eq!(stats().live_sessions, 1, "two of its requests are in flight");
    first.finish();
    assert_eq!(session.stats().live, 1);
    assert_eq!(second.end().0, DCC_OK);
    assert_eq!(stats().live_sessions, 0, "none is in flight");
    assert_eq!(second.end(), (DCC_ALREADY_ENDED, DCC_OWED_RESULT));
    second.release();
    ended.into_iter().for_each(Request::release);
}
