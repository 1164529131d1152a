//! The point of no return: the answers to cancels of a sealed job or request, and what other
//! objects learn of it.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/native_events.rs"]
mod native_events;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/sessions.rs"]
mod sessions;

use dcc_cancel::ffi::{
    context::*, current::*, dispatcher::*, events::*, job::*, job_life::*, job_texts::*, post::*,
    request::*, request_progress::*, seal::*, session::*, session_ids::*, session_message::*,
    status::*, timeline::*, token::DCC_CAUSE_NONE, trace::*, wait::*,
};
use listening::*;
use native_events::is_set;
use posting::{Dispatcher, job as posted, last_error};
use sessions::Id::Int;
use sessions::{Request, Session};
use std::ptr::{null, null_mut};
use std::thread;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn running(parent: Token, watch: &'static Watch, foreign: bool) -> Job {
    let job = Job::try_new(watch, NO_OWNER, parent, foreign).unwrap();
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    job
}

fn new_job(parent: Token) -> Job {
    running(parent, Watch::new(), false)
}

fn seal(job: Job) -> dcc_status {
    dcc_job_seal(job.pointer())
}

fn cancel(job: Job) -> dcc_status {
    // SAFETY: no reason.
    unsafe { dcc_job_cancel(job.pointer(), null(), 0) }
}

fn seal_request(request: Request) -> dcc_status {
    dcc_request_seal(request.pointer())
}

fn cancel_request(request: Request) -> dcc_status {
    // SAFETY: no reason.
    unsafe { dcc_request_cancel(request.pointer(), null(), 0) }
}

fn finish(job: Job) {
    assert_eq!(dcc_job_complete(job.pointer()), DCC_OK);
    assert_eq!(job.state(), DCC_JOB_COMPLETED);
    job.release();
}

#[test]
fn a_cancel_that_is_first_wins() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    assert_eq!(dcc_job_is_sealed(job.pointer()), DCC_OK);
    assert_eq!(cancel(job), DCC_OK);
    assert_eq!(seal(job), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_is_sealed(job.pointer()), DCC_OK);
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
    assert_eq!(job.state(), DCC_JOB_CANCELLED);
    assert_eq!(seal(job), DCC_ALREADY_ENDED);
    job.release();
}

#[test]
fn a_seal_that_is_first_wins() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    assert_eq!((seal(job), seal(job)), (DCC_OK, DCC_OK), "the second step of what is committed");
    assert_eq!(dcc_job_is_sealed(job.pointer()), DCC_SEALED);
    assert_eq!((cancel(job), job.token().cancel()), (DCC_SEALED, DCC_SEALED));
    assert_eq!(job.token().cancel_async(), DCC_SEALED);
    assert_eq!(job.token().set_deadline_after(Duration::ZERO), DCC_SEALED);
    assert_eq!(job.token().set_deadline(1), DCC_SEALED);
    assert_eq!((job.is_cancelled(), job.token().is_cancelled()), (DCC_OK, false));
    assert_eq!((job.token().cause(), &*job.token().reason()), (DCC_CAUSE_NONE, ""));
    assert_eq!(dcc_job_complete(job.pointer()), DCC_OK);
    assert_eq!((cancel(job), seal(job)), (DCC_ALREADY_ENDED, DCC_ALREADY_ENDED));
    assert_eq!(dcc_job_is_sealed(job.pointer()), DCC_SEALED, "also after its end");
    assert_eq!(job.token().cancel(), DCC_SEALED);
    job.release();
}

#[test]
fn what_has_not_begun_is_not_sealed_and_none_is_nothing() {
    let _alone = alone();
    let job = Job::try_new(Watch::new(), NO_OWNER, NO_TOKEN, false).unwrap();
    assert_eq!(seal(job), DCC_ERROR_WRONG_STATE);
    assert_eq!(last_error(), "cannot seal a job that is pending");
    assert_eq!(cancel(job), DCC_OK, "nothing happened");
    assert_eq!(seal(job), DCC_CANCELLED_BY_JOB, "the cancel was first");
    job.release();
    assert_eq!((dcc_job_seal(null()), dcc_job_is_sealed(null())), (DCC_OK, DCC_OK));
}

#[test]
fn a_sealed_job_fails_where_it_would_be_cancelled() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_SEALED);
    assert_eq!(job.state(), DCC_JOB_FAILED);
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_ALREADY_ENDED);
    job.release();
    let job = new_job(NO_TOKEN);
    assert_eq!(seal(job), DCC_OK);
    // SAFETY: a text of that length.
    let status = unsafe { dcc_job_end_by_error(job.pointer(), 1, c"gave up".as_ptr(), 7) };
    assert_eq!((status, job.state()), (DCC_OK, DCC_JOB_FAILED));
    job.release();
}

#[test]
fn a_cancel_of_a_parent_passes_it_by_with_what_is_below_that_alone() {
    let _alone = alone();
    let (root, other) = (Token::new(), Token::new());
    let job = new_job(root);
    let beside = new_job(root);
    let below = Token::child_of(&[job.token()]);
    let below_both = Token::child_of(&[job.token(), other]);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(root.cancel(), DCC_OK);
    assert_eq!((job.is_cancelled(), below.is_cancelled()), (DCC_OK, false));
    assert_eq!(beside.is_cancelled(), DCC_CANCELLED_BY_JOB, "the walk went on");
    let later = Token::child_of(&[job.token()]);
    assert!(!later.is_cancelled(), "made below it after that");
    assert_eq!((other.cancel(), below_both.is_cancelled()), (DCC_OK, true), "another parent");
    assert_eq!((below.cancel(), later.cancel()), (DCC_OK, DCC_OK), "cancels of their own");
    for token in [below, below_both, later] {
        token.release();
    }
    finish(job);
    beside.release();
    other.release();
    root.release();
}

#[test]
fn what_was_below_keeps_its_deadline() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    let below = Token::child_of(&[job.token()]);
    assert_eq!(below.set_deadline_after(Duration::from_millis(5)), DCC_OK);
    assert_eq!(job.token().set_deadline_after(Duration::from_millis(5)), DCC_OK);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(job.token().deadline().0, DCC_NOT_FOUND, "its own is cleared");
    assert_eq!(below.wait(LONG), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(job.is_cancelled(), DCC_OK);
    below.release();
    finish(job);
}

#[test]
fn its_hosts_own_check_is_asked_before_and_never_after() {
    let _alone = alone();
    let watch = Watch::new();
    let job = running(NO_TOKEN, watch, true);
    assert_eq!(seal(job), DCC_OK);
    let asked = watch.asked();
    assert_eq!(asked, 1, "a seal is a question, too");
    assert_eq!((job.is_cancelled(), job.token().is_cancelled()), (DCC_OK, false));
    assert_eq!((seal(job), watch.asked()), (DCC_OK, asked));
    finish(job);
}

#[test]
fn callbacks_are_dropped_and_none_is_called_later() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    let (kept, unkept, late, late_unkept) =
        (Watch::new(), Watch::new(), Watch::new(), Watch::new());
    let registration = job.token().register(kept);
    assert_eq!(job.token().register_unkept(unkept, NO_OWNER), DCC_OK);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(kept.counts(), (0, 1), "dropped in the call");
    assert_eq!(unkept.counts(), (0, 1));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    let registration = job.token().register(late);
    assert_eq!(job.token().register_unkept(late_unkept, NO_OWNER), DCC_OK);
    assert_eq!(late_unkept.counts(), (0, 1));
    assert_eq!(cancel(job), DCC_SEALED);
    assert_eq!(registration.unregister(), DCC_OK);
    assert_eq!(late.counts(), (0, 1));
    let owner = Owner::new();
    let owned = Watch::new();
    let registration = job.token().try_register(owned, owner).unwrap();
    assert_eq!((owner.close(), owned.counts()), (DCC_OK, (0, 1)));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    finish(job);
}

#[test]
fn a_notify_that_the_seal_runs_may_use_the_job() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    let watch = Watch::doing_both(
        |_| (),
        move || {
            assert_eq!((cancel(job), seal(job)), (DCC_SEALED, DCC_OK));
            let mut made = null_mut();
            let desc = linked_to(&[]);
            // SAFETY: an empty list, a writable result.
            let status =
                unsafe { dcc_cancel::ffi::token::dcc_cancel_token_create_from(&desc, &mut made) };
            assert_eq!(status, DCC_OK);
            Token(made.addr()).release();
        },
    );
    let registration = job.token().register(watch);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(watch.counts(), (0, 1));
    assert_eq!(registration.unregister(), DCC_CALLBACK_DONE);
    finish(job);
}

fn wait_any(tokens: &[Token], timeout_ns: u64) -> dcc_status {
    let tokens: Vec<_> = tokens.iter().map(|token| token.pointer().cast_const()).collect();
    // SAFETY: an array of that length.
    unsafe { dcc_cancel_token_wait_any(tokens.as_ptr(), tokens.len(), timeout_ns, null_mut()) }
}

#[test]
fn waits_end_with_never() {
    let _alone = alone();
    let (job, other) = (new_job(NO_TOKEN), new_job(NO_TOKEN));
    let (token, second) = (job.token(), other.token());
    let waits = || {
        [
            thread::spawn(move || token.wait_for_ever()),
            thread::spawn(move || token.wait(HOUR)),
            thread::spawn(move || wait_any(&[token, NO_TOKEN], DCC_NO_LIMIT)),
            thread::spawn(move || wait_any(&[token, token], HOUR.as_nanos() as u64)),
        ]
    };
    let before = waits();
    let both = thread::spawn(move || wait_any(&[token, second], DCC_NO_LIMIT));
    until("all wait", || stats().live_registrations == 7);
    assert_eq!(seal(job), DCC_OK);
    for wait in before.into_iter().chain(waits()) {
        assert_eq!(wait.join().unwrap(), DCC_NEVER);
    }
    until("the other goes on", || stats().live_registrations == 2);
    assert_eq!(wait_any(&[token, second], 1), DCC_TIMED_OUT, "one can be cancelled still");
    assert_eq!(cancel(other), DCC_OK);
    assert_eq!(both.join().unwrap(), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(token.wait(Duration::ZERO), DCC_NEVER, "also a look");
    other.release();
    finish(job);
}

#[test]
#[cfg(unix)]
fn native_events_stay_unset() {
    let _alone = alone();
    let job = new_job(NO_TOKEN);
    let event = || {
        let mut event = DCC_NO_NATIVE_EVENT;
        // SAFETY: a writable result.
        let status = unsafe { dcc_cancel_token_native_event(job.token().pointer(), &mut event) };
        assert_eq!(status, DCC_OK);
        event
    };
    let before = event();
    assert_eq!(seal(job), DCC_OK);
    let after = event();
    assert_eq!(cancel(job), DCC_SEALED);
    finish(job);
    for event in [before, after] {
        assert!(!is_set(event));
        assert_eq!(dcc_native_event_close(event), DCC_OK);
    }
}

#[test]
fn polls_of_a_sealed_job_answer_no_whatever_happens_to_the_token() {
    let _alone = alone();
    let request = Token::new();
    let job = new_job(request);
    let (mut of_token, mut of_job) = (0, 0);
    // SAFETY: writable results.
    unsafe {
        let set = dcc_cancel_token_set_current(request.pointer(), &mut of_token);
        assert_eq!((set, dcc_job_set_current(job.pointer(), &mut of_job)), (DCC_OK, DCC_OK));
    }
    assert_eq!(seal(job), DCC_OK);
    assert_eq!(request.cancel(), DCC_OK);
    assert_eq!((dcc_check_cancelled(), dcc_cancel_token_check_current()), (DCC_OK, DCC_OK));
    let token = dcc_job_token(job.pointer()).addr() as u64;
    // SAFETY: no file.
    let older = |job| unsafe {
        dcc_cancel::ffi::poll::dcc_poll_slow(request.pointer().addr() as u64, job, null(), 0)
    };
    assert_eq!((older(token), older(0)), (DCC_OK, DCC_CANCELLED_BY_TOKEN));
    // SAFETY: no message.
    let told = unsafe { dcc_job_set_progress(job.pointer(), 1, 2, null(), 0) };
    assert_eq!(told, DCC_OK, "as a poll");
    assert_eq!(dcc_job_trace(job.pointer(), 1), DCC_OK);
    assert_eq!((dcc_check_cancelled(), older(token)), (DCC_OK, DCC_OK), "traced");
    assert_eq!(dcc_job_reset_current(of_job), DCC_OK);
    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_TOKEN, "of no sealed job");
    assert_eq!(dcc_cancel_token_reset_current(of_token), DCC_OK);
    finish(job);
    request.release();
}

#[test]
fn a_sealed_job_is_told_of_in_events_the_timeline_and_the_listing() {
    let _alone = alone();
    let mut events = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_events_create(64, &mut events) }, DCC_OK);
    assert_eq!(dcc_timeline_begin(1000), DCC_OK);
    let job = new_job(NO_TOKEN);
    assert_eq!((seal(job), seal(job)), (DCC_OK, DCC_OK));
    // SAFETY: numbers, for which zero is a value; that many entries.
    let seen = unsafe {
        let mut room: [dcc_event; 16] = std::mem::zeroed();
        let mut count = 0;
        let stride = size_of::<dcc_event>();
        let status = dcc_events_drain(events, room.as_mut_ptr(), stride, 16, &mut count);
        assert_eq!(status, DCC_OK);
        room[..count].to_vec()
    };
    let sealed: Vec<_> = seen.iter().filter(|event| event.kind == DCC_EVENT_SEALED).collect();
    assert_eq!(sealed.len(), 1, "once");
    assert_eq!(sealed[0].job_id, dcc_job_id(job.pointer()));
    assert_eq!(sealed[0].token, job.token().0 as u64);
    assert_ne!((sealed[0].thread, sealed[0].at_ns), (0, 0));
    let listing = posting::text_of(|buffer, size, length| {
        // SAFETY: a writable buffer of that size.
        unsafe { dcc_stats_live_jobs(buffer, size, length) }
    });
    assert!(listing.contains(r#""is_sealed":true"#), "{listing}");
    assert_eq!(dcc_timeline_end(), DCC_OK);
    assert_eq!(dcc_events_release(events), DCC_OK);
    finish(job);
}

fn with_reply() -> Session {
    Session::with(|desc| desc.replies = DCC_REPLIES_CANCELLED)
}

const CANCEL_1: &str = r#"{"jsonrpc":"2.0","method":"notifications/cancelled",
    "params":{"requestId":1,"reason":"timeout"}}"#;

#[test]
fn the_peer_of_a_request_whose_job_sealed_gets_the_result() {
    let _alone = alone();
    for released_before in [false, true] {
        let session = with_reply();
        let request = session.begin(Int(1));
        let (job, beside) = (new_job(request.token()), new_job(request.token()));
        assert_eq!(seal(job), DCC_OK);
        if released_before {
            finish(job);
        }
        assert_eq!(session.handle(CANCEL_1), DCC_MESSAGE_WITHOUT_EFFECT);
        assert_eq!(beside.is_cancelled(), DCC_CANCELLED_BY_JOB, "asked to stop all the same");
        assert_eq!(cancel_request(request), DCC_SEALED);
        assert_eq!(session.cancel(Int(1), "again"), DCC_SEALED);
        assert_eq!(session.state(Int(1)), DCC_REQUEST_LIVE);
        assert_eq!((seal_request(request), seal(beside)), (DCC_OK, DCC_CANCELLED_BY_JOB));
        if !released_before {
            finish(job);
        }
        assert_eq!(request.end(), (DCC_OK, DCC_OWED_RESULT));
        assert_eq!(request.reply(), "");
        assert_eq!(cancel_request(request), DCC_ALREADY_ENDED);
        assert_eq!((session.stats().cancelled, session.stats().without_effect), (0, 2));
        beside.release();
        request.release();
        session.release();
    }
}

#[test]
fn a_cancel_of_a_request_that_is_first_wins() {
    let _alone = alone();
    let session = with_reply();
    let request = session.begin(Int(1));
    let job = new_job(request.token());
    assert_eq!(session.handle(CANCEL_1), DCC_MESSAGE_CANCELLED);
    assert_eq!((seal(job), seal_request(request)), (DCC_CANCELLED_BY_JOB, DCC_CANCELLED_BY_TOKEN));
    assert_eq!(request.end(), (DCC_OK, DCC_OWED_CANCELLED));
    assert!(request.reply().contains("-32800"));
    job.release();
    request.release();
    session.release();
}

#[test]
fn a_request_seals_itself() {
    let _alone = alone();
    let session = with_reply();
    let parent = Token::new();
    let request = session.try_begin(Int(1), 0, parent).unwrap();
    let job = new_job(request.token());
    assert_eq!((seal_request(request), seal_request(request)), (DCC_OK, DCC_OK));
    assert_eq!(session.handle(CANCEL_1), DCC_MESSAGE_WITHOUT_EFFECT);
    assert_eq!((cancel_request(request), request.token().cancel()), (DCC_SEALED, DCC_SEALED));
    assert_eq!((parent.cancel(), request.is_cancelled()), (DCC_OK, false));
    assert_eq!(job.is_cancelled(), DCC_OK, "not through what is sealed");
    assert_eq!((cancel(job), job.is_cancelled()), (DCC_OK, DCC_CANCELLED_BY_JOB), "its own");
    assert_eq!(request.end(), (DCC_OK, DCC_OWED_RESULT));
    assert_eq!(seal_request(request), DCC_ALREADY_ENDED);
    job.release();
    request.release();
    // The next request with this id is another one.
    let next = session.begin(Int(1));
    assert_eq!(session.handle(CANCEL_1), DCC_MESSAGE_CANCELLED);
    assert_eq!(next.end(), (DCC_OK, DCC_OWED_CANCELLED));
    next.release();
    parent.release();
    session.release();
}

/// A plain token between a request and a job does not change whose request it is. A job in between
/// decides for its own request.
#[test]
fn the_request_of_a_job_is_found_above_tokens_and_not_above_a_job() {
    let _alone = alone();
    let session = with_reply();
    let (first, second) = (session.begin(Int(1)), session.begin(Int(2)));
    let own = Token::child_of(&[first.token()]);
    let nobodys = Token::new();
    let both = Token::child_of(&[own, nobodys, second.token()]);
    let job = new_job(both);
    assert_eq!(seal(job), DCC_OK);
    assert_eq!((cancel_request(first), cancel_request(second)), (DCC_SEALED, DCC_SEALED));
    for request in [first, second] {
        assert_eq!(request.end(), (DCC_OK, DCC_OWED_RESULT));
        request.release();
    }
    finish(job);
    for token in [own, both, nobodys] {
        token.release();
    }
    let request = session.begin(Int(3));
    let outer = new_job(request.token());
    let inner = new_job(outer.token());
    assert_eq!(seal(inner), DCC_OK);
    assert_eq!(cancel_request(request), DCC_OK);
    assert_eq!(outer.is_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(inner.is_cancelled(), DCC_OK);
    assert_eq!(request.end(), (DCC_OK, DCC_OWED_CANCELLED));
    request.release();
    finish(inner);
    outer.release();
    session.release();
}

/// A job with more requests above it than a seal can note is not sealed: otherwise a request and
/// its job could get different answers.
#[test]
fn a_job_with_too_much_above_it_is_not_sealed() {
    let _alone = alone();
    let session = with_reply();
    for (count, expected) in [(32, DCC_OK), (33, DCC_ERROR_RESOURCES)] {
        let requests: Vec<_> = (0..count).map(|id| session.begin(Int(id))).collect();
        let tokens: Vec<_> = requests.iter().map(|request| request.token()).collect();
        let all = Token::child_of(&tokens);
        let job = new_job(all);
        assert_eq!(seal(job), expected);
        let told = if expected == DCC_OK { DCC_SEALED } else { DCC_OK };
        // If the job is not sealed, the first cancel cancels it.
        let answers: Vec<_> = requests.iter().map(|request| cancel_request(*request)).collect();
        assert!(answers.iter().all(|answer| *answer == told), "{answers:?}");
        let is_cancelled = if expected == DCC_OK { DCC_OK } else { DCC_CANCELLED_BY_JOB };
        assert_eq!(job.is_cancelled(), is_cancelled);
        let owed = if expected == DCC_OK { DCC_OWED_RESULT } else { DCC_OWED_CANCELLED };
        for request in requests {
            assert_eq!(request.end(), (DCC_OK, owed));
            request.release();
        }
        if expected == DCC_OK {
            finish(job)
        } else {
            job.release()
        }
        all.release();
    }
    for (depth, expected) in [(254, DCC_OK), (300, DCC_ERROR_RESOURCES)] {
        let request = session.begin(Int(1));
        let mut chain = vec![Token::child_of(&[request.token()])];
        for _ in 0..depth {
            chain.push(Token::child_of(&[*chain.last().unwrap()]));
        }
        let job = new_job(*chain.last().unwrap());
        assert_eq!(seal(job), expected);
        assert_eq!(cancel_request(request), if expected == DCC_OK { DCC_SEALED } else { DCC_OK });
        request.end();
        request.release();
        if expected == DCC_OK {
            finish(job)
        } else {
            job.release()
        }
        chain.into_iter().for_each(Token::release);
    }
    session.release();
}

#[test]
fn the_progress_of_a_request_that_owes_its_result_goes_on() {
    let _alone = alone();
    for by_job in [false, true] {
        let session = with_reply();
        let request = session.begin_told(Int(1), Int(7));
        let job = new_job(request.token());
        let sealed = if by_job { seal(job) } else { seal_request(request) };
        assert_eq!((sealed, cancel_request(request)), (DCC_OK, DCC_SEALED));
        // SAFETY: a filled-in structure.
        unsafe {
            let mut progress: dcc_request_progress = std::mem::zeroed();
            progress.struct_size = size_of::<dcc_request_progress>() as u32;
            progress.progress = 0.5;
            assert_eq!(dcc_request_set_progress(request.pointer(), &progress), DCC_OK);
        }
        // SAFETY: a writable buffer of that size.
        let (_, note) = sessions::read(|buffer, size, length| unsafe {
            dcc_request_write_progress(request.pointer(), DCC_PROGRESS_NOW, buffer, size, length)
        });
        assert!(note.contains("0.5"), "{note:?}");
        finish(job);
        request.finish();
        session.release();
    }
}

fn sealing(slices: u32, answer: i32) -> posting::Post {
    let mut left = slices;
    posted(move |job| {
        assert_eq!(dcc_job_seal(job.pointer()), DCC_OK);
        if left == 0 {
            return answer;
        }
        left -= 1;
        DCC_RUN_AGAIN
    })
}

#[test]
fn cancels_between_slices_of_a_sealed_job_change_nothing() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let request = Token::new();
    let posted = dispatcher.post(sealing(2, 0).parent(request));
    dispatcher.pump();
    assert_eq!(posted.job.state(), DCC_JOB_RUNNING);
    assert_eq!((posted.job.cancel(), request.cancel()), (DCC_SEALED, DCC_OK));
    dispatcher.pump();
    dispatcher.pump();
    assert_eq!(posted.log.runs(), 3);
    posted.log.assert_over(DCC_JOB_COMPLETED);
    posted.job.release();
    request.release();
    assert_eq!(dispatcher.close(), DCC_OK);
    dispatcher.release();
}

#[test]
fn a_sealed_job_that_says_it_stopped_has_failed() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(sealing(0, DCC_CANCELLED_BY_JOB));
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_FAILED);
    assert_eq!(posted.job.failure(), "it stopped as if it were cancelled after it was sealed");
    posted.job.release();
    assert_eq!(dispatcher.close(), DCC_OK);
    dispatcher.release();
}

#[test]
fn a_close_between_slices_of_a_sealed_job_interrupts_it() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(sealing(5, 0));
    dispatcher.pump();
    dispatcher.close();
    posted.log.assert_over(DCC_JOB_INTERRUPTED);
    posted.job.release();
    dispatcher.release();
}

#[test]
fn a_close_inside_a_slice_of_a_sealed_job_interrupts_it() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let mut first = true;
    let posted = dispatcher.post(posted(move |job| {
        assert_eq!(dcc_job_seal(job.pointer()), DCC_OK);
        if std::mem::take(&mut first) {
            dispatcher.close();
        }
        assert_eq!(dcc_check_cancelled(), DCC_OK, "nobody asks it to stop");
        DCC_RUN_AGAIN
    }));
    dispatcher.pump();
    dispatcher.pump();
    assert_eq!(posted.log.runs(), 1);
    posted.log.assert_over(DCC_JOB_INTERRUPTED);
    posted.job.release();
    dispatcher.release();
}

/// A commit is not stopped by a poll in its own code, nor by one in a library that it calls.
#[test]
fn a_commit_is_shielded() {
    let _alone = alone();
    let request = Token::new();
    let job = new_job(request);
    let (mut of_token, mut shield) = (0, 0);
    // SAFETY: writable results.
    unsafe {
        assert_eq!(dcc_cancel_token_set_current(request.pointer(), &mut of_token), DCC_OK);
        assert_eq!(seal(job), DCC_OK);
        assert_eq!(dcc_context_shield(&mut shield), DCC_OK);
    }
    assert_eq!(request.cancel(), DCC_OK);
    assert_eq!(dcc_check_cancelled(), DCC_OK);
    assert_eq!(dcc_context_exit(shield), DCC_OK);
    assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_TOKEN);
    assert_eq!(dcc_cancel_token_reset_current(of_token), DCC_OK);
    finish(job);
    request.release();
}
