//! Events, latencies, the poll trace and the listing of jobs, through the C functions.

use dcc_cancel::ffi::{
    current::*, events::*, job::*, job_life::*, job_texts::*, library::*, stats::*, status::*,
    token::*, trace::*,
};
#[path = "../support/raw_job.rs"]
mod raw_job;

use raw_job::{new_job, poll, with_current};
use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets one test run at a time, because events belong to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn observer(capacity: usize) -> *mut dcc_events {
    let mut events = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_events_create(capacity, &mut events) }, DCC_OK);
    events
}

fn drain(observer: *mut dcc_events) -> Vec<dcc_event> {
    // SAFETY: zero is a value of an event; an array of that many.
    unsafe {
        let mut events = vec![std::mem::zeroed::<dcc_event>(); 100];
        let mut count = 0;
        let stride = size_of::<dcc_event>();
        let status = dcc_events_drain(observer, events.as_mut_ptr(), stride, 100, &mut count);
        assert_eq!(status, DCC_OK);
        events.truncate(count);
        events
    }
}

fn text(event: &dcc_event) -> &str {
    // SAFETY: ended by NUL, as the header says.
    unsafe { CStr::from_ptr(event.text.as_ptr()) }.to_str().unwrap()
}

fn cancel(job: *mut dcc_job) -> dcc_status {
    // SAFETY: a text of that length.
    unsafe { dcc_job_cancel(job, c"enough".as_ptr(), 6) }
}

fn gap(job: *mut dcc_job) -> (dcc_status, dcc_poll_gap) {
    // SAFETY: zero is a value; a structure of that size.
    unsafe {
        let mut gap: dcc_poll_gap = std::mem::zeroed();
        gap.struct_size = size_of::<dcc_poll_gap>() as u32;
        (dcc_job_poll_gap(job, &mut gap), gap)
    }
}

fn name(file: &[c_char]) -> &str {
    // SAFETY: ended by NUL, as the header says.
    unsafe { CStr::from_ptr(file.as_ptr()) }.to_str().unwrap()
}

fn threads(job: *mut dcc_job) -> Vec<dcc_job_thread> {
    // SAFETY: zero is a value; an array of that many.
    unsafe {
        let mut threads = vec![std::mem::zeroed::<dcc_job_thread>(); 8];
        let mut count = 0;
        let stride = size_of::<dcc_job_thread>();
        let status = dcc_job_threads(job, threads.as_mut_ptr(), stride, 8, &mut count);
        assert_eq!(status, DCC_OK);
        threads.truncate(count);
        threads
    }
}

fn latency(which: i32) -> dcc_latency {
    // SAFETY: zero is a value; a structure of that size.
    unsafe {
        let mut latency: dcc_latency = std::mem::zeroed();
        latency.struct_size = size_of::<dcc_latency>() as u32;
        assert_eq!(dcc_stats_latency(which, &mut latency), DCC_OK);
        latency
    }
}

#[test]
fn the_life_of_a_cancelled_job_is_told_to_every_observer() {
    let _alone = alone();
    let observers = [observer(50), observer(50)];
    let before = [1, 2].map(|which| latency(which).count);
    let job = new_job(c"Smooth mesh");
    let id = dcc_job_id(job);
    assert_eq!(dcc_job_begin(job), DCC_OK);
    assert_eq!(cancel(job), DCC_OK);
    std::thread::sleep(Duration::from_millis(5));
    with_current(job, || {
        assert_eq!(poll(c"smooth.cpp", 1), DCC_CANCELLED_BY_JOB);
        assert_eq!(dcc_check_cancelled(), DCC_CANCELLED_BY_JOB, "seen a second time");
    });
    assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
    for observer in observers {
        let events = drain(observer);
        let kinds: Vec<_> = events.iter().map(|event| (event.kind, event.state)).collect();
        let expected = [
            (DCC_EVENT_JOB_STATE, DCC_JOB_PENDING),
            (DCC_EVENT_JOB_STATE, DCC_JOB_RUNNING),
            (DCC_EVENT_TOKEN_CANCELLED, 0),
            (DCC_EVENT_CANCEL_SEEN, 0),
            (DCC_EVENT_JOB_STATE, DCC_JOB_CANCELLED),
        ];
        assert_eq!(kinds, expected);
        assert!(events.iter().all(|event| event.job_id == id && event.thread != 0));
        assert!(events.is_sorted_by_key(|event| event.at_ns));
        assert_eq!((text(&events[0]), text(&events[2])), ("Smooth mesh", "enough"));
        assert_eq!(events[2].cause, DCC_CAUSE_REQUEST);
        assert!(events[3].since_cancel_ns >= 5_000_000, "{}", events[3].since_cancel_ns);
        assert!(events[4].since_cancel_ns >= events[3].since_cancel_ns);
        assert_eq!(drain(observer).len(), 0);
        assert_eq!(dcc_events_release(observer), DCC_OK);
        assert_eq!(dcc_events_release(observer), DCC_ERROR_INVALID_HANDLE);
    }
    let known = threads(job);
    assert_eq!(known.len(), 1);
    assert!((5_000_000..u64::MAX).contains(&known[0].cancel_to_seen_ns));
    let after = [1, 2].map(|which| latency(which).count);
    assert_eq!(after, before.map(|count| count + 1), "one for the poll, one for the end");
    assert!(latency(DCC_LATENCY_CANCEL_TO_SEEN).max_ns >= 4_900_000, "right to two digits");
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn each_thread_of_a_job_has_a_latency_of_its_own() {
    let _alone = alone();
    let job = new_job(c"threads") as usize;
    let job = || std::ptr::without_provenance_mut::<dcc_job>(job);
    assert_eq!(cancel(job()), DCC_OK);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| with_current(job(), || assert_ne!(poll(c"worker.cpp", 9), DCC_OK)));
        }
    });
    let known = threads(job());
    let numbers: std::collections::BTreeSet<u64> = known.iter().map(|one| one.thread).collect();
    assert_eq!((known.len(), numbers.len()), (3, 3));
    assert!(known.iter().all(|one| one.cancel_to_seen_ns != u64::MAX && one.polls == 0));
    assert_eq!(dcc_job_release(job()), DCC_OK);
}

#[test]
fn who_only_asks_is_not_taken_for_the_jobs_own_thread() {
    let _alone = alone();
    let job = new_job(c"asked");
    assert_eq!(cancel(job), DCC_OK);
    assert_eq!(dcc_job_is_cancelled(job), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_cancel_token_is_cancelled(dcc_job_token(job)), DCC_CANCELLED_BY_TOKEN);
    assert!(threads(job).is_empty());
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn a_cancel_that_nobody_sees_is_slow_and_one_that_is_seen_is_not() {
    let _alone = alone();
    let observer = observer(100);
    assert_eq!(dcc_events_set_slow_cancel_threshold(30_000_000), DCC_OK);
    let (slow, quick, ended) = (new_job(c"slow"), new_job(c"quick"), new_job(c"ended"));
    let start = Instant::now();
    for job in [slow, quick, ended] {
        assert_eq!(dcc_job_begin(job), DCC_OK);
        assert_eq!(cancel(job), DCC_OK);
    }
    with_current(quick, || assert_ne!(poll(c"quick.cpp", 1), DCC_OK));
    assert_eq!(dcc_job_acknowledge_cancel(ended), DCC_OK);
    // If the machine stood still meanwhile, the polls really were slow.
    let in_time = start.elapsed() < Duration::from_millis(30);
    let end = Instant::now() + Duration::from_secs(include!("../support/hang_seconds"));
    let mut told = Vec::new();
    let id = dcc_job_id(slow);
    while !told.iter().any(|one: &dcc_event| one.job_id == id) {
        assert!(Instant::now() < end, "the watchdog did not bark");
        std::thread::sleep(Duration::from_millis(5));
        told.extend(drain(observer).into_iter().filter(|one| one.kind == DCC_EVENT_SLOW_CANCEL));
    }
    std::thread::sleep(Duration::from_millis(50));
    told.extend(drain(observer).into_iter().filter(|one| one.kind == DCC_EVENT_SLOW_CANCEL));
    if in_time {
        assert!(told.iter().all(|one| one.job_id == id), "for that job alone");
    }
    told.retain(|one| one.job_id == id);
    assert_eq!(told.len(), 1, "once");
    assert!(told[0].since_cancel_ns >= 30_000_000);
    assert_eq!(text(&told[0]), "enough");
    assert_eq!(dcc_events_set_slow_cancel_threshold(1_000_000_000), DCC_OK);
    for job in [slow, quick, ended] {
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
    assert_eq!(dcc_events_release(observer), DCC_OK);
}

#[test]
fn the_longest_gap_names_the_lines_on_either_side() {
    let _alone = alone();
    // The longest pause must be the intended one, and not a pause that the machine made elsewhere.
    let mut pause = Duration::from_millis(50);
    let job = loop {
        let job = new_job(c"traced");
        assert_eq!(gap(job).0, DCC_NOT_FOUND);
        assert_eq!(dcc_job_trace(job, 1), DCC_OK);
        let began = Instant::now();
        assert_eq!(dcc_job_begin(job), DCC_OK);
        with_current(job, || {
            assert_eq!(poll(c"/src/smooth.cpp", 10), DCC_OK);
            assert_eq!(poll(c"/src/smooth.cpp", 11), DCC_OK);
            std::thread::sleep(pause);
            assert_eq!(poll(c"/src/weld.cpp", 12), DCC_OK);
            assert_eq!(dcc_check_cancelled(), DCC_OK);
        });
        if began.elapsed() < 2 * pause {
            break job;
        }
        pause *= 2;
        assert_eq!(dcc_job_release(job), DCC_OK);
    };
    let (status, found) = gap(job);
    assert_eq!(status, DCC_OK);
    assert_eq!((name(&found.from_file), found.from_line), ("/src/smooth.cpp", 11));
    assert_eq!((name(&found.to_file), found.to_line), ("/src/weld.cpp", 12));
    assert!(u128::from(found.gap_ns) >= pause.as_nanos());
    assert_eq!(found.polls, 4);
    assert_eq!(dcc_job_trace(job, 0), DCC_OK);
    with_current(job, || assert_eq!(poll(c"/src/weld.cpp", 13), DCC_OK));
    assert_eq!(gap(job).1.polls, 4, "switched off");
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn a_job_that_never_polls_shows_a_gap_from_its_begin_to_its_end() {
    let _alone = alone();
    assert_eq!(dcc_trace_all(1), DCC_OK);
    let job = new_job(c"silent");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(dcc_job_complete(job), DCC_OK);
    assert_eq!(dcc_trace_all(0), DCC_OK);
    let (status, found) = gap(job);
    assert_eq!(status, DCC_OK);
    assert_eq!((name(&found.from_file), name(&found.to_file)), ("(begin)", "(end)"));
    assert_eq!((found.from_line, found.to_line, found.polls), (0, 0, 0));
    assert!(found.gap_ns >= 2_000_000);
    assert_eq!(dcc_job_release(job), DCC_OK);
    let untraced = new_job(c"later");
    assert_eq!(dcc_job_begin(untraced), DCC_OK);
    assert_eq!(dcc_job_complete(untraced), DCC_OK);
    assert_eq!(gap(untraced).0, DCC_NOT_FOUND, "switched off for those made later");
    assert_eq!(dcc_job_release(untraced), DCC_OK);
}

#[test]
fn a_long_file_name_keeps_its_end() {
    let _alone = alone();
    let job = new_job(c"long");
    assert_eq!(dcc_job_trace(job, 1), DCC_OK);
    let long = std::ffi::CString::new(format!("{}/mesh.cpp", "ä".repeat(300))).unwrap();
    with_current(job, || {
        poll(&long, 1);
        std::thread::sleep(Duration::from_millis(1));
        poll(&long, 2);
    });
    let (_, found) = gap(job);
    let shown = name(&found.to_file);
    assert!(shown.ends_with("/mesh.cpp") && shown.len() >= DCC_FILE_SIZE - 3, "{shown}");
    assert_eq!(dcc_job_release(job), DCC_OK);
}

fn listing() -> serde_json::Value {
    let mut length = 0;
    // SAFETY: no buffer, then one of that size.
    let text = unsafe {
        assert_eq!(dcc_stats_live_jobs(null_mut(), 0, &mut length), DCC_OK);
        let mut buffer = vec![0_u8; length + 1000];
        let room = buffer.len();
        assert_eq!(dcc_stats_live_jobs(buffer.as_mut_ptr().cast(), room, &mut length), DCC_OK);
        buffer.truncate(length);
        String::from_utf8(buffer).unwrap()
    };
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_listing_tells_of_each_live_job() {
    let _alone = alone();
    assert_eq!(listing(), serde_json::json!([]));
    let job = new_job(c"Weld \"edges\"\n");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    // SAFETY: no message.
    assert_eq!(unsafe { dcc_job_set_progress(job, 3, 8, null(), 0) }, DCC_OK);
    let jobs = listing();
    let plain = &jobs[0];
    assert_eq!(plain["label"], "Weld \"edges\"\n");
    assert_eq!(plain["id"], dcc_job_id(job));
    assert_eq!(plain["state"], "running");
    let progress = serde_json::json!({
        "done": 3, "total": 8, "fraction": 0.375, "time_left_ns": null, "over": 0, "late": 0,
        "message": ""
    });
    assert_eq!(plain["progress"], progress);
    assert!(plain["age_ns"].as_u64().unwrap() > 0);
    for absent in ["cancelled", "since_last_poll_ns", "longest_gap"] {
        assert!(plain[absent].is_null(), "{absent}");
    }
    assert_eq!(dcc_job_trace(job, 1), DCC_OK);
    assert_eq!(cancel(job), DCC_OK);
    with_current(job, || {
        poll(c"weld.cpp", 4);
        std::thread::sleep(Duration::from_millis(1));
        poll(c"weld.cpp", 5);
    });
    let jobs = listing();
    let traced = &jobs[0];
    assert_eq!(traced["cancelled"]["reason"], "enough");
    assert_eq!(traced["cancelled"]["cause"], "request");
    assert_eq!(traced["cancelled"]["is_seen"], true);
    assert_eq!(traced["longest_gap"]["from"], serde_json::json!({"file": "weld.cpp", "line": 4}));
    assert_eq!(traced["longest_gap"]["to"]["line"], 5);
    assert!(traced["since_last_poll_ns"].as_u64().unwrap() > 0);
    assert_eq!(traced["threads"][0]["polls"], 2);
    assert!(traced["cancelled"]["to_end_ns"].is_null());
    assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
    assert!(listing()[0]["cancelled"]["to_end_ns"].as_u64().unwrap() > 1_000_000);
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(listing(), serde_json::json!([]));
}

#[test]
fn bad_arguments_are_answered() {
    let _alone = alone();
    // SAFETY: what is NULL or too small is refused before it is used.
    unsafe {
        let mut events = null_mut();
        for capacity in [0, DCC_MAX_EVENTS + 1] {
            assert_eq!(dcc_events_create(capacity, &mut events), DCC_ERROR_INVALID_ARGUMENT);
            assert!(events.is_null());
        }
        let observer = observer(1);
        let (mut count, stride) = (9, size_of::<dcc_event>());
        let mut event: dcc_event = std::mem::zeroed();
        let status = dcc_events_drain(observer, &mut event, stride - 1, 1, &mut count);
        assert_eq!((status, count), (DCC_ERROR_INVALID_ARGUMENT, 0));
        let status = dcc_events_drain(observer, null_mut(), stride, 1, &mut count);
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        let status = dcc_events_drain(observer, &mut event, stride, 1, null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_events_release(observer), DCC_OK);
        let status = dcc_events_drain(observer, &mut event, stride, 1, &mut count);
        assert_eq!(status, DCC_ERROR_INVALID_HANDLE);
        let status = dcc_events_drain(null(), &mut event, stride, 1, &mut count);
        assert_eq!(status, DCC_ERROR_INVALID_HANDLE);
        let mut latency: dcc_latency = std::mem::zeroed();
        latency.struct_size = size_of::<dcc_latency>() as u32;
        assert_eq!(dcc_stats_latency(3, &mut latency), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_job_trace(null(), 1), DCC_OK);
        assert_eq!(gap(null_mut()).0, DCC_NOT_FOUND);
    }
    assert!(dcc_clock_now_ns() > 0);
}

unsafe extern "C" fn never(_host: *mut std::ffi::c_void) -> i32 {
    0
}

/// A foreign job; only this thread may ask its check.
fn foreign_job() -> *mut dcc_job {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; the function takes anything; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.is_cancelled = Some(never);
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    job
}

fn checks_not_asked() -> u64 {
    // SAFETY: zero is a value; a structure of that size.
    unsafe {
        let mut stats: dcc_stats = std::mem::zeroed();
        stats.struct_size = size_of::<dcc_stats>() as u32;
        assert_eq!(dcc_stats_read(&mut stats), DCC_OK);
        stats.checks_not_asked
    }
}

#[test]
fn a_check_that_nobody_asks_is_told_once_until_it_is_asked() {
    let _alone = alone();
    let observer = observer(100);
    let before = checks_not_asked();
    // With this threshold each time between two questions is too long.
    assert_eq!(dcc_events_set_slow_cancel_threshold(1), DCC_OK);
    let job = foreign_job();
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let end = Instant::now() + Duration::from_secs(include!("../support/hang_seconds"));
    let mut told = Vec::new();
    while told.is_empty() {
        assert!(Instant::now() < end, "nobody was told");
        std::thread::yield_now();
        told.extend(
            drain(observer).into_iter().filter(|one| one.kind == DCC_EVENT_CHECK_NOT_ASKED),
        );
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].job_id, dcc_job_id(job));
    assert!(told[0].since_cancel_ns >= 1);
    assert!(text(&told[0]).contains("neither polls nor waits"), "{}", text(&told[0]));
    assert!(listing()[0]["check_not_asked_ns"].as_u64() > Some(0));
    assert_eq!(checks_not_asked(), before + 1, "it was told of already");
    // The check was asked once, and then not asked for too long.
    assert_eq!(dcc_job_is_cancelled(job), DCC_OK);
    assert_eq!(checks_not_asked(), before + 2);
    assert_eq!(dcc_job_complete(job), DCC_OK);
    assert_eq!(checks_not_asked(), before + 2, "its end tells nothing new");
    assert!(listing()[0]["check_not_asked_ns"].is_null());
    assert_eq!(dcc_events_set_slow_cancel_threshold(1_000_000_000), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(dcc_events_release(observer), DCC_OK);
}

#[test]
fn a_job_that_ends_unasked_is_told_of_and_one_that_polls_in_time_is_not() {
    let _alone = alone();
    let (observer, before) = (observer(100), checks_not_asked());
    let quick = foreign_job();
    assert_eq!(dcc_events_set_slow_cancel_threshold(u64::MAX), DCC_OK);
    assert_eq!(dcc_job_begin(quick), DCC_OK);
    assert_eq!(dcc_job_is_cancelled(quick), DCC_OK);
    assert_eq!(dcc_job_complete(quick), DCC_OK);
    assert_eq!(checks_not_asked(), before);
    let job = foreign_job();
    assert_eq!(dcc_job_begin(job), DCC_OK);
    // SAFETY: a text of that length.
    let ended = unsafe {
        assert_eq!(dcc_events_set_slow_cancel_threshold(1), DCC_OK);
        dcc_job_fail(job, c"x".as_ptr(), 1)
    };
    assert_eq!(ended, DCC_OK);
    assert_eq!(dcc_events_set_slow_cancel_threshold(1_000_000_000), DCC_OK);
    let id = dcc_job_id(job);
    let told = drain(observer).into_iter();
    let told: Vec<u64> =
        told.filter(|one| one.kind == DCC_EVENT_CHECK_NOT_ASKED).map(|one| one.job_id).collect();
    assert_eq!(told, [id]);
    assert_eq!(checks_not_asked(), before + 1);
    for job in [quick, job] {
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
    assert_eq!(dcc_events_release(observer), DCC_OK);
}
