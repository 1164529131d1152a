//! A host survives a full memory: a call that gets no memory answers with an error, and nothing is
//! lost or left behind.
#![cfg(debug_assertions)]

#[path = "../support/job_state.rs"]
mod job_state;

use dcc_cancel::ffi::{
    context::*, current::*, dispatcher::*, job::*, job_life::*, job_texts::*, post::*, pump::*,
    request::*, request_id::*, session::*, session_ids::*, session_stats::*, stats::*, status::*,
    timeline::*, token::*,
};
use dcc_cancel::sys::scarce_memory::{Limits, with_limits};
use job_state::state_of;
use std::ptr::{null, null_mut};

/// Runs a call in which only this many allocations of this thread succeed.
fn with_allocations<T>(count: u64, call: impl FnOnce() -> T) -> T {
    with_limits(Limits { left: count, ..Limits::NONE }, call)
}

fn live() -> (u64, u64, u64) {
    // SAFETY: numbers, for which zero is a value; then a structure of that size.
    unsafe {
        let mut stats: dcc_stats = std::mem::zeroed();
        stats.struct_size = size_of::<dcc_stats>() as u32;
        assert_eq!(dcc_stats_read(&mut stats), DCC_OK);
        (stats.live_tokens, stats.live_jobs, stats.live_contexts)
    }
}

fn create_job() -> (dcc_status, *mut dcc_job) {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; texts of those lengths.
    let status = unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.label = c"label".as_ptr();
        desc.label_length = 5;
        desc.caller_id = c"id".as_ptr();
        desc.caller_id_length = 2;
        dcc_job_create(&desc, &mut job)
    };
    (status, job)
}

/// Starts the timeline, cancels and writes the file, while more and more allocations succeed, until
/// all calls succeed.
fn record() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/exhaustion.json");
    let _ = std::fs::remove_file(path);
    let start = || dcc_timeline_begin(1000);
    assert_eq!(with_allocations(0, start), DCC_ERROR_RESOURCES);
    assert_eq!(start(), DCC_OK);
    assert_eq!(with_allocations(0, start), DCC_ERROR_RESOURCES);
    let (_, job) = create_job();
    // SAFETY: no reason.
    let cancel = || unsafe { dcc_job_cancel(job, null(), 0) };
    assert_eq!(with_allocations(0, cancel), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_OK);
    // SAFETY: a text of that length.
    let write = || unsafe { dcc_timeline_write(path.as_ptr().cast(), path.len()) };
    let mut allocations = 0;
    loop {
        let status = with_allocations(allocations, write);
        if status == DCC_OK {
            break;
        }
        assert_eq!(status, DCC_ERROR_RESOURCES, "after {allocations}");
        assert!(!std::fs::exists(path).unwrap(), "after {allocations}");
        allocations += 1;
        if cfg!(windows) && allocations == 3 {
            // For paths the standard library allocates by itself, and that cannot fail.
            allocations = u64::MAX;
        }
    }
    assert!((3..20).contains(&allocations) || cfg!(windows), "{allocations}");
    assert!(std::fs::read_to_string(path).unwrap().contains("\"name\":\"cancel\""));
}

unsafe extern "C-unwind" fn work(_: *const dcc_job, runs: *mut std::ffi::c_void) -> i32 {
    // SAFETY: the counter that was posted with it.
    unsafe { *runs.cast::<u32>() += 1 };
    0
}

/// # Safety
/// A live dispatcher of this thread.
unsafe fn post_and_pump(dispatcher: *mut dcc_dispatcher, runs: &mut u32) {
    // SAFETY: zero is a value of the descriptor; the counter outlives the pump.
    unsafe {
        let mut post: dcc_post_desc = std::mem::zeroed();
        post.struct_size = size_of::<dcc_post_desc>() as u32;
        post.function = Some(work);
        post.user_data = std::ptr::from_mut(runs).cast();
        assert_eq!(dcc_dispatcher_post(dispatcher, &post, null_mut(), null_mut()), DCC_OK);
        assert_eq!(dcc_dispatcher_pump(dispatcher, u64::MAX, u64::MAX, null_mut()), DCC_OK);
    }
}

/// Creates a dispatcher, posts and pumps, while few allocations succeed.
fn dispatch() {
    let before = live();
    let mut dispatcher = null_mut();
    let mut allocations = 0;
    // SAFETY: zero is a value of the descriptors; texts of those lengths; writable results.
    unsafe {
        let mut desc: dcc_dispatcher_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
        loop {
            let create = || dcc_dispatcher_create(&desc, &mut dispatcher);
            match with_allocations(allocations, create) {
                DCC_OK => break,
                status => assert_eq!(status, DCC_ERROR_RESOURCES, "after {allocations}"),
            }
            assert!(dispatcher.is_null());
            allocations += 1;
        }
        let mut runs = 0_u32;
        post_and_pump(dispatcher, &mut runs);
        let mut posted = 1;
        for round in 0..2000_u64 {
            let mut post: dcc_post_desc = std::mem::zeroed();
            post.struct_size = size_of::<dcc_post_desc>() as u32;
            let id = format!("an id that needs memory {round}");
            (post.caller_id, post.caller_id_length) = (id.as_ptr().cast(), id.len());
            (post.label, post.label_length) = (id.as_ptr().cast(), id.len());
            post.function = Some(work);
            post.user_data = (&raw mut runs).cast();
            let call = || dcc_dispatcher_post(dispatcher, &post, null_mut(), null_mut());
            match with_allocations(round % 8, call) {
                DCC_OK => posted += 1,
                status => assert_eq!(status, DCC_ERROR_RESOURCES, "in {round}"),
            }
            if round % 100 == 0 {
                let pump = || dcc_dispatcher_pump(dispatcher, u64::MAX, u64::MAX, null_mut());
                assert_eq!(with_allocations(round / 100 % 3, pump), DCC_OK);
            }
        }
        assert!((100..1900).contains(&posted), "{posted}");
        assert_eq!(dcc_dispatcher_pump(dispatcher, u64::MAX, u64::MAX, null_mut()), DCC_OK);
        // A job fails if there is no memory for the slots of its thread; the others have run.
        assert!(runs <= posted && runs + 3 >= posted, "{runs} of {posted}");
        assert_eq!(dcc_dispatcher_release(dispatcher), DCC_OK);
    }
    assert_eq!(live(), before, "nothing is left");
}

/// A request that ends, or is released, leaves its session without memory, too: an entry that
/// stayed would cancel the next request in its slot.
fn end_requests() {
    let id = |text: &'static str| dcc_request_id {
        r#type: DCC_ID_TEXT,
        reserved: 0,
        integer: 0,
        text: text.as_ptr().cast(),
        text_length: text.len(),
    };
    // SAFETY: zero is a value of the descriptors; writable results.
    unsafe {
        let mut desc: dcc_session_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_session_desc>() as u32;
        let mut session = null_mut();
        assert_eq!(dcc_session_create(&desc, &mut session), DCC_OK);
        let begin = |text| {
            let mut desc: dcc_request_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_request_desc>() as u32;
            desc.id = id(text);
            let mut request = null_mut();
            assert_eq!(dcc_request_begin(session, &desc, &mut request), DCC_OK);
            request
        };
        for is_ended in [true, false] {
            let first = begin("first");
            if is_ended {
                assert_eq!(with_allocations(0, || dcc_request_end(first, null_mut())), DCC_OK);
            }
            assert_eq!(with_allocations(0, || dcc_request_release(first)), DCC_OK);
            let next = begin("next");
            assert_eq!(dcc_session_cancel(session, &id("first"), null(), 0), DCC_NOT_FOUND);
            let mut state = -99;
            assert_eq!(dcc_session_query(session, &id("next"), &mut state), DCC_OK);
            assert_eq!(state, DCC_REQUEST_LIVE);
            assert_eq!(dcc_request_end(next, null_mut()), DCC_OK);
            assert_eq!(dcc_request_release(next), DCC_OK);
        }
        let mut info: dcc_session_stats = std::mem::zeroed();
        info.struct_size = size_of::<dcc_session_stats>() as u32;
        assert_eq!(dcc_session_read_stats(session, &mut info), DCC_OK);
        // The entry for the released request is kept in the place that the request had.
        assert_eq!((info.live, info.kept, info.forgotten), (0, 1, 0));
        assert_eq!(dcc_session_release(session), DCC_OK);
    }
    assert_eq!(live(), (0, 0, 0));
}

/// Nests sets and enters on a new thread until they need memory, which they do not get; then once
/// more with memory. An enter takes two places: after an odd number of sets only the second place
/// is refused.
fn nest_sets(sets_before: usize) {
    // SAFETY: writable results; nothing is set.
    unsafe {
        let (mut context, mut token) = (null_mut(), null_mut());
        assert_eq!(dcc_context_capture(&mut context), DCC_OK);
        assert_eq!(dcc_cancel_token_create(&mut token), DCC_OK);
        let mut refused = 0;
        let mut tickets = Vec::with_capacity(100);
        while tickets.len() < 40 {
            let by_enter = tickets.len() >= sets_before && tickets.len() % 4 != 3;
            let install = |ticket: &mut u64| match by_enter {
                true => dcc_context_enter(context, ticket),
                false => dcc_cancel_token_set_current(token, ticket),
            };
            let before = dcc_cancel_token_current();
            let mut ticket = 7;
            match with_allocations(0, || install(&mut ticket)) {
                DCC_OK => (),
                DCC_ERROR_RESOURCES => {
                    refused += 1;
                    assert_eq!((ticket, dcc_cancel_token_current()), (0, before));
                    assert_eq!(install(&mut ticket), DCC_OK);
                }
                other => panic!("{other}"),
            }
            let current = if by_enter { null_mut() } else { token };
            assert_eq!(dcc_cancel_token_current(), current);
            tickets.push((ticket, by_enter));
        }
        assert!((1..10).contains(&refused), "{refused}");
        for (ticket, by_enter) in tickets.into_iter().rev() {
            let undo = || match by_enter {
                true => dcc_context_exit(ticket),
                false => dcc_cancel_token_reset_current(ticket),
            };
            assert_eq!(with_allocations(0, undo), DCC_OK);
            assert_eq!(undo(), DCC_ERROR_TICKET_USED);
        }
        assert_eq!(dcc_context_release(context), DCC_OK);
        assert_eq!(dcc_cancel_token_release(token), DCC_OK);
    }
    assert_eq!(live(), (0, 0, 0), "no reference of a refused set is left");
}

/// This is one test, because the counts belong to the whole process.
#[test]
fn a_full_memory_is_an_answer() {
    dispatch();
    end_requests();
    let mut refused = 0;
    let mut made = Vec::new();
    // So many objects that further chunks are needed while memory is short.
    for round in 0..3000 {
        let before = live();
        let (status, job) = with_allocations(round % 4, create_job);
        match status {
            DCC_OK => made.push(job),
            DCC_ERROR_RESOURCES => {
                refused += 1;
                assert!(job.is_null());
                assert_eq!(live(), before, "nothing is left of a failed create");
            }
            other => panic!("{other}"),
        }
    }
    assert!(refused > 1000 && made.len() > 100, "{refused} refused, {} made", made.len());

    let job = made[0];
    let token = dcc_job_token(job);
    let text = c"a text that needs memory";
    let length = text.count_bytes();
    // SAFETY: texts of those lengths; writable results; a buffer of its size.
    unsafe {
        assert_eq!(dcc_job_begin(job), DCC_OK);
        let fail = || dcc_job_fail(job, text.as_ptr(), length);
        assert_eq!(with_allocations(0, fail), DCC_ERROR_RESOURCES);
        assert_eq!(state_of(job), DCC_JOB_RUNNING);
        let progress = || dcc_job_set_progress(job, 1, 2, text.as_ptr(), length);
        assert_eq!(with_allocations(0, progress), DCC_ERROR_RESOURCES);

        // The first set on a new thread needs memory for a record.
        std::thread::spawn(move || {
            let token = dcc_cancel_token_current();
            assert!(token.is_null());
            let mut ticket = 7;
            let set = || dcc_cancel_token_set_current(null(), &mut ticket);
            assert_eq!(with_allocations(0, set), DCC_ERROR_RESOURCES);
            assert_eq!((ticket, dcc_check_cancelled()), (0, DCC_OK));
        })
        .join()
        .unwrap();

        // The cancel must succeed, even if there is no memory for its reason.
        let cancel = || dcc_cancel_token_cancel(token, text.as_ptr(), length);
        assert_eq!(with_allocations(0, cancel), DCC_OK);
        assert_eq!(dcc_job_is_cancelled(job), DCC_CANCELLED_BY_JOB);
        let mut reason_length = 9;
        dcc_cancel_token_reason(token, null_mut(), 0, &mut reason_length);
        assert_eq!(reason_length, 0);

        record();

        let mut context = null_mut();
        let capture = || dcc_context_capture(&mut context);
        if with_allocations(0, capture) == DCC_OK {
            dcc_context_release(context);
        }
    }
    for job in made {
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
    assert_eq!(live(), (0, 0, 0));
    for sets_before in 0..2 {
        std::thread::spawn(move || nest_sets(sets_before)).join().unwrap();
    }
}
