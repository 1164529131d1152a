//! DCC_JOB_BELOW_CURRENT, DCC_POST_BELOW_CURRENT and DCC_TOKEN_BELOW_CURRENT: an object that is
//! created while a token or a job is current becomes its child.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{current::*, job::*, job_life::*, post::*, seal::*, status::*, token::*};
use listening::*;
use posting::{Dispatcher, job as posted, nothing};
use std::ptr::{null, null_mut};

/// Makes a token and a job current until this is dropped.
struct Current([(dcc_ticket, extern "C" fn(dcc_ticket) -> dcc_status); 2]);

impl Current {
    fn new(token: Token, job: *const dcc_job) -> Self {
        let (mut first, mut second) = (0, 0);
        // SAFETY: writable tickets.
        unsafe {
            assert_eq!(dcc_cancel_token_set_current(token.pointer(), &mut first), DCC_OK);
            assert_eq!(dcc_job_set_current(job, &mut second), DCC_OK);
        }
        Self([(first, dcc_cancel_token_reset_current), (second, dcc_job_reset_current)])
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        for (ticket, reset) in self.0 {
            assert_eq!(reset(ticket), DCC_OK);
        }
    }
}

fn make(flags: u32, parent: Token) -> *mut dcc_job {
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    let mut desc: dcc_job_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_job_desc>() as u32;
    (desc.flags, desc.parent) = (flags, parent.pointer());
    let mut job = null_mut();
    // SAFETY: a filled-in descriptor and a writable result.
    assert_eq!(unsafe { dcc_job_create(&desc, &mut job) }, DCC_OK);
    job
}

fn token(parents: &[*const dcc_cancel_token], flags: u32) -> Token {
    let mut token = null_mut();
    let desc = dcc_cancel_token_desc { flags, ..linked_to(parents) };
    // SAFETY: a filled-in descriptor and a writable result.
    assert_eq!(unsafe { dcc_cancel_token_create_from(&desc, &mut token) }, DCC_OK);
    Token(token.addr())
}

fn cancel(job: *const dcc_job) {
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_job_cancel(job, null(), 0) }, DCC_OK);
}

fn cancel_token(token: Token) {
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_cancel_token_cancel(token.pointer(), null(), 0) }, DCC_OK);
}

fn is_cancelled(job: *const dcc_job) -> bool {
    dcc_job_is_cancelled(job) == DCC_CANCELLED_BY_JOB
}

#[test]
fn a_cancel_of_either_reaches_what_is_below_both() {
    for is_token in [true, false] {
        let (request, outer) = (token(&[], 0), make(0, NO_TOKEN));
        let _current = Current::new(request, outer);
        let inner = make(DCC_JOB_BELOW_CURRENT, NO_TOKEN);
        let below = token(&[], DCC_TOKEN_BELOW_CURRENT);
        let plain = make(0, NO_TOKEN);
        if is_token {
            cancel_token(request)
        } else {
            cancel(outer)
        }
        assert!(is_cancelled(inner) && !is_cancelled(plain));
        assert_eq!(dcc_cancel_token_is_cancelled(below.pointer()), DCC_CANCELLED_BY_TOKEN);
        // An object that is made after the cancel is cancelled at once.
        assert!(is_cancelled(make(DCC_JOB_BELOW_CURRENT, NO_TOKEN)));
    }
}

#[test]
fn a_parent_that_is_given_is_the_only_one() {
    let (request, given, outer) = (token(&[], 0), token(&[], 0), make(0, NO_TOKEN));
    let _current = Current::new(request, outer);
    let job = make(DCC_JOB_BELOW_CURRENT, given);
    let below = token(&[given.pointer()], DCC_TOKEN_BELOW_CURRENT);
    cancel_token(request);
    cancel(outer);
    assert!(!is_cancelled(job));
    assert_eq!(dcc_cancel_token_is_cancelled(below.pointer()), DCC_OK);
    cancel_token(given);
    assert!(is_cancelled(job));
    assert_eq!(dcc_cancel_token_is_cancelled(below.pointer()), DCC_CANCELLED_BY_TOKEN);
}

/// The job is below the token, so only the job becomes the parent. Once it is sealed, the token's
/// cancel does not pass it.
#[test]
fn a_sealed_job_below_the_token_passes_what_is_made_in_it_by() {
    let request = token(&[], 0);
    let outer = make(0, request);
    assert_eq!(dcc_job_begin(outer), DCC_OK);
    // A token lies between, such as the token of a thread.
    let between = {
        let _current = Current::new(request, outer);
        token(&[], DCC_TOKEN_BELOW_CURRENT)
    };
    let _current = Current::new(request, outer);
    let _inside = Current::new(between, outer);
    let inner = make(DCC_JOB_BELOW_CURRENT, NO_TOKEN);
    assert_eq!(dcc_job_seal(outer), DCC_OK);
    cancel_token(request);
    let late = make(DCC_JOB_BELOW_CURRENT, NO_TOKEN);
    assert!(!is_cancelled(inner) && !is_cancelled(late));
    cancel_token(between);
    assert!(is_cancelled(inner));
}

#[test]
fn a_post_is_below_the_poster_s_token_and_job() {
    let dispatcher = Dispatcher::new();
    let (request, outer) = (token(&[], 0), make(0, NO_TOKEN));
    let below = |mut post: posting::Post| {
        post.desc.flags |= DCC_POST_BELOW_CURRENT;
        post
    };
    let runs = {
        let _current = Current::new(request, outer);
        let number = request.0;
        dispatcher.post(below(posted(move |job| {
            assert_eq!(dcc_cancel_token_current().addr(), number);
            assert_eq!(dcc_job_current().addr(), job.0);
            0
        })))
    };
    dispatcher.pump();
    assert_eq!(runs.job.state(), DCC_JOB_COMPLETED);
    let (waits, other) = {
        let _current = Current::new(NO_TOKEN, outer);
        (dispatcher.post(below(nothing())), dispatcher.post(nothing()))
    };
    cancel(outer);
    dispatcher.pump();
    assert_eq!((waits.job.state(), waits.log.runs()), (DCC_JOB_CANCELLED, 0));
    assert_eq!(other.job.state(), DCC_JOB_COMPLETED);
    // A job that is posted after the cancel never runs.
    let _current = Current::new(NO_TOKEN, outer);
    let late = dispatcher.post(below(nothing()));
    dispatcher.pump();
    assert_eq!((late.job.state(), late.log.runs()), (DCC_JOB_CANCELLED, 0));
}

fn is_gone(token: *const dcc_cancel_token) -> bool {
    dcc_cancel_token_is_cancelled(token) == DCC_ERROR_INVALID_HANDLE
}

/// Makes a job below a current one, and then ends and releases the current one.
fn make_below_and_end(outer: *mut dcc_job) -> *mut dcc_job {
    let inner = {
        let _current = Current::new(NO_TOKEN, outer);
        make(DCC_JOB_BELOW_CURRENT, NO_TOKEN)
    };
    assert_eq!(dcc_job_begin(outer), DCC_OK);
    assert_eq!(dcc_job_complete(outer), DCC_OK);
    assert_eq!(dcc_job_release(outer), DCC_OK);
    inner
}

#[test]
fn what_posts_itself_again_and_again_keeps_nothing_of_those_before() {
    let mut job = make(0, NO_TOKEN);
    for _ in 0..10 {
        let before = dcc_job_token(job);
        job = make_below_and_end(job);
        assert!(is_gone(before) && !is_cancelled(job));
    }
    // A seal treats such a job like one that never had a parent.
    assert_eq!(dcc_job_begin(job), DCC_OK);
    assert_eq!(dcc_job_seal(job), DCC_OK);
}

#[test]
fn what_posts_itself_again_and_again_below_a_request_keeps_only_the_request() {
    let request = token(&[], 0);
    let mut job = make(0, request);
    for _ in 0..10 {
        let before = dcc_job_token(job);
        job = make_below_and_end(job);
        assert!(is_gone(before) && !is_cancelled(job));
    }
    cancel_token(request);
    assert!(is_cancelled(job));
}

/// An outer job that is still running is not skipped: a cancel of it reaches what it has made.
#[test]
fn what_an_ended_job_leaves_to_another_job_hears_of_that_one() {
    let (request, given) = (token(&[], 0), token(&[], 0));
    let outer = make(0, request);
    let middle = {
        let _current = Current::new(request, outer);
        make(DCC_JOB_BELOW_CURRENT, NO_TOKEN)
    };
    let above = dcc_job_token(middle);
    let explicit = make(0, Token(above.addr()));
    let inner = make_below_and_end(middle);
    assert!(!is_gone(above), "it is the parent of a job that was given it");
    cancel(outer);
    assert!(is_cancelled(inner) && is_cancelled(explicit));
    // The same for a job with two parents.
    let two = {
        let _current = Current::new(given, make(0, NO_TOKEN));
        make(DCC_JOB_BELOW_CURRENT, NO_TOKEN)
    };
    let above = dcc_job_token(two);
    let inner = make_below_and_end(two);
    assert!(!is_gone(above) && !is_cancelled(inner));
    cancel_token(given);
    assert!(is_cancelled(inner));
}

#[test]
fn what_was_given_an_ended_job_s_token_as_its_parent_keeps_it() {
    let outer = make(0, NO_TOKEN);
    let above = Token(dcc_job_token(outer).addr());
    let given = make(0, above);
    let implied = make_below_and_end(outer);
    cancel_token(above);
    assert!(is_cancelled(given) && !is_cancelled(implied));
}

#[test]
fn what_was_made_in_a_sealed_job_hears_of_nothing_through_it_after_its_end() {
    let request = token(&[], 0);
    let outer = make(0, request);
    let above = dcc_job_token(outer);
    assert_eq!(dcc_job_begin(outer), DCC_OK);
    let inner = {
        let _current = Current::new(request, outer);
        make(DCC_JOB_BELOW_CURRENT, NO_TOKEN)
    };
    assert_eq!(dcc_job_seal(outer), DCC_OK);
    assert_eq!(dcc_job_complete(outer), DCC_OK);
    assert_eq!(dcc_job_release(outer), DCC_OK);
    assert!(is_gone(above));
    cancel_token(request);
    assert!(!is_cancelled(inner));
    assert_eq!(dcc_job_begin(inner), DCC_OK);
    assert_eq!(dcc_job_seal(inner), DCC_OK);
}
