//! Shares of a job's progress bar: which share a call counts in, and what the bar shows.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/shares.rs"]
mod shares;

use dcc_cancel::ffi::{
    context::*, current::dcc_job_current, job_life::*, job_texts::*, progress::*, status::*,
    trace::*,
};
use listening::*;
use shares::{Counter, Share, bar, words};
use std::ptr::{null, null_mut};
use std::thread;

fn running() -> Job {
    let job = Job::try_new(Watch::new(), NO_OWNER, NO_TOKEN, false).unwrap();
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    job
}

/// The progress of a share whose total is reached, but which has not ended.
fn reached(room: f64) -> f64 {
    room - room / 1024.0
}

fn fraction(job: Job) -> f64 {
    bar(job).fraction
}

/// The jobs of the process, as JSON.
fn listing() -> serde_json::Value {
    let mut text = vec![0_u8; 16384];
    let mut length = 0;
    // SAFETY: a buffer of that size, a writable result.
    let status = unsafe { dcc_stats_live_jobs(text.as_mut_ptr().cast(), text.len(), &mut length) };
    assert_eq!(status, DCC_OK);
    serde_json::from_slice(&text[..length]).unwrap()
}

/// A helper whose author does not know that it becomes a part of something larger.
fn old_helper(name: &str, items: u64) {
    for at in 1..=items {
        let message = format!("{name} {at}");
        let (text, length) = (message.as_ptr().cast(), message.len());
        // SAFETY: a text of that length; the job that is current.
        let status = unsafe { dcc_job_set_progress(dcc_job_current(), at, items, text, length) };
        assert_eq!(status, DCC_OK);
    }
}

/// A library that begins its own share, and calls other libraries.
fn library(depth: u32, units: u64, seen: &mut dyn FnMut()) {
    let mine = Share::begin(None, 0, units, "library");
    for _ in 0..units {
        if depth == 0 {
            assert_eq!(mine.add(1), DCC_OK);
        } else {
            let step = Share::begin(Some(mine), 1, 0, "step");
            step.with_current(|| library(depth - 1, units + 1, seen));
            step.end();
        }
        seen();
    }
    mine.end();
}

#[test]
fn helpers_that_know_nothing_of_each_other_fill_their_steps() {
    let _alone = alone();
    let job = running();
    job.with_current(|| {
        let all = Share::begin(None, 0, 100, "");
        let step = |weight, name: &str, items| {
            let step = Share::begin(Some(all), weight, 0, name);
            step.with_current(|| old_helper("item", items));
            let at = (words(job), fraction(job));
            step.end();
            at
        };
        assert_eq!(step(25, "Collect", 1000), ("Collect > item 1000".to_owned(), reached(0.25)));
        assert_eq!(fraction(job), 0.25, "it has ended");
        let last = 0.25 + reached(0.75 - 1.0 / 1024.0);
        assert_eq!(step(75, "Write", 40), ("Write > item 40".to_owned(), last));
        assert_eq!(bar(job).done, 999_023);
        all.end();
    });
    assert_eq!(fraction(job), reached(1.0), "the end is shown at the end");
    assert_eq!(dcc_job_complete(job.pointer()), DCC_OK);
    let at = bar(job);
    assert_eq!((at.fraction, at.done, at.total), (1.0, 1_000_000, 1_000_000));
    assert_eq!((at.over, at.late, at.time_left_ns), (0, 0, 0));
    job.release();
}

#[test]
fn a_bar_of_three_nested_libraries_never_falls_and_never_stands_still() {
    let _alone = alone();
    let job = running();
    let (mut before, mut looks) = (0.0, 0);
    job.with_current(|| {
        library(2, 3, &mut || {
            let now = fraction(job);
            // A step whose units are all counted looks the same before and after its end.
            assert!(now >= before, "{before} to {now}");
            looks += u64::from(now > before);
            before = now;
        });
    });
    assert!(looks > 3 * 4 * 5 - 2, "{looks} of {} moved it", 3 * 4 * 5);
    assert!(before > 0.99 && before < 1.0, "{before}");
    assert_eq!((fraction(job), bar(job).over), (reached(1.0), 0));
    job.release();
}

#[test]
fn one_job_with_one_counter_needs_no_share() {
    let _alone = alone();
    let job = running();
    job.with_current(|| old_helper("frame", 8));
    let at = bar(job);
    assert_eq!((at.done, at.total, words(job)), (8, 8, "frame 8".to_owned()));
    // If the total becomes known later, the bar rises from where it is.
    // SAFETY: no message.
    unsafe {
        let job = running();
        assert_eq!(dcc_job_set_progress(job.pointer(), 90, 100, null(), 0), DCC_OK);
        assert_eq!(fraction(job), 0.9);
        assert_eq!(dcc_job_set_progress(job.pointer(), 91, 10_000, null(), 0), DCC_OK);
        let at = bar(job);
        assert!(at.fraction > 0.9 && at.done * 10 > at.total * 9, "{}", at.fraction);
        // That also holds once the known part is done.
        let mut before = 0.0;
        for (done, total) in
            [(10_000, 10_000), (10_001, 10_010), (10_010, 10_010), (3, 4), (4, 4), (1, 9)]
        {
            assert_eq!(dcc_job_set_progress(job.pointer(), done, total, null(), 0), DCC_OK);
            assert!(before < fraction(job), "{done} of {total}: it stands still");
            before = fraction(job);
        }
        assert!(before < 1.0);
        job.release();
    }
    job.release();
}

#[test]
fn workers_that_carry_the_context_fill_the_step() {
    let _alone = alone();
    let job = running();
    job.with_current(|| {
        let all = Share::begin(None, 0, 4, "all");
        let step = Share::begin(Some(all), 1, 0, "step");
        let (entered, bound) = step.with_current(|| (capture(), bind()));
        let work = move || {
            let mut ticket = 0;
            // SAFETY: a writable result.
            assert_eq!(unsafe { dcc_context_enter(pointer(entered), &mut ticket) }, DCC_OK);
            assert_eq!(dcc_progress_current().addr(), step.0);
            old_helper("tile", 10);
            assert_eq!(dcc_context_exit(ticket), DCC_OK);
            assert!(dcc_progress_current().is_null());
        };
        thread::spawn(work).join().unwrap();
        let full = reached(0.25);
        assert_eq!((fraction(job), words(job)), (full, "all > step > tile 10".to_owned()));
        // The step is taken by a worker: the text of a second worker shows, but its units do not
        // count.
        let run = move || Share(dcc_context_run(pointer(bound).cast()).addr());
        let second = thread::spawn(run).join().unwrap();
        assert_eq!((fraction(job), words(job)), (full, "all > step > bound > at work".to_owned()));
        second.end();
        step.end();
        assert_eq!(dcc_context_release(pointer(entered)), DCC_OK);
        // Without a current step the job itself counts, and it is taken, too.
        assert!(dcc_progress_current().is_null());
        let more = Share::begin(None, 0, 1, "more");
        assert_eq!(more.add(1), DCC_OK);
        assert_eq!((fraction(job), words(job)), (0.25, "more".to_owned()));
        [more, all].iter().for_each(|share| share.end());
    });
    job.release();
}

fn pointer(context: usize) -> *mut dcc_context {
    std::ptr::without_provenance_mut(context)
}

fn capture() -> usize {
    let mut context = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_context_capture(&mut context) }, DCC_OK);
    context.addr()
}

fn bind() -> usize {
    extern "C" fn work(_: *mut std::ffi::c_void) -> *mut std::ffi::c_void {
        let share = Share::begin(None, 0, 2, "bound");
        share.say("at work");
        assert_eq!(share.add(2), DCC_OK);
        share.pointer().cast()
    }
    let mut context = null_mut();
    // SAFETY: a function that lives for ever, a writable result.
    let status = unsafe { dcc_context_bind(Some(work), null_mut(), None, &mut context) };
    assert_eq!(status, DCC_OK);
    context.addr()
}

#[test]
fn a_job_that_becomes_current_masks_the_share_of_another() {
    let _alone = alone();
    let (outer, inner) = (running(), running());
    outer.with_current(|| {
        let step = Share::begin(None, 0, 0, "step");
        step.with_current(|| {
            inner.with_current(|| {
                old_helper("inner", 4);
                let share = Share::begin(None, 0, 4, "heard");
                assert_eq!(share.add(1), DCC_OK);
                assert_eq!(words(inner), "heard");
                share.end();
            });
            assert_eq!((fraction(outer), bar(inner).over), (0.0, 0));
            assert_eq!(words(outer), "step");
            old_helper("outer", 2);
        });
        assert_eq!(words(outer), "step > outer 2");
        step.end();
    });
    [outer, inner].iter().for_each(|job| job.release());
}

#[test]
fn with_no_job_a_share_is_nothing() {
    let share = Share::begin(None, 0, 10, "nothing");
    assert_eq!(share, Share(0));
    let mut counter = Counter::of(share);
    for _ in 0..1000 {
        assert_eq!(counter.advance(1), DCC_OK);
    }
    assert_eq!((counter.flushes, share.add(3)), (0, DCC_OK));
    share.end();
}

#[test]
fn a_counter_waits_until_somebody_looks_and_says_when_to_stop() {
    let _alone = alone();
    let job = running();
    let share = job.with_current(|| Share::begin(None, 0, 100, "share"));
    let mut counter = Counter::of(share);
    (0..10).for_each(|_| assert_eq!(counter.advance(1), DCC_OK));
    assert_eq!(counter.flushes, 0);
    // The first read requests the units, the next one has them.
    until("the epoch is raised", || {
        bar(job);
        assert_eq!(counter.advance(0), DCC_OK);
        counter.flushes > 0
    });
    assert_eq!(fraction(job), 0.1);
    assert_eq!(counter.advance(1), DCC_OK);
    assert_eq!(job.token().cancel(), DCC_OK);
    assert_eq!(counter.advance(1), DCC_CANCELLED_BY_JOB);
    assert_eq!(fraction(job), 0.12, "with a cancel all is flushed");
    assert_eq!(share.add(0), DCC_CANCELLED_BY_JOB);
    share.end();
    job.release();
}

#[test]
fn late_units_and_those_beyond_are_counted_and_not_shown() {
    let _alone = alone();
    let job = running();
    let all = job.with_current(|| Share::begin(None, 0, 4, "all"));
    let step = Share::begin(Some(all), 1, 2, "step");
    assert_eq!(dcc_progress_retain(step.pointer()), DCC_OK);
    assert_eq!(step.add(5), DCC_OK);
    step.end();
    assert_eq!((step.add(7), fraction(job)), (DCC_OK, 0.25));
    let at = bar(job);
    assert_eq!((at.over, at.late), (3, 7));
    step.release();
    // The bar of a failed job stays where it is, although its shares end while the code unwinds.
    // SAFETY: a text of that length.
    assert_eq!(unsafe { dcc_job_fail(job.pointer(), c"disk full".as_ptr(), 9) }, DCC_OK);
    assert_eq!(all.add(1), DCC_OK);
    all.end();
    assert_eq!((fraction(job), bar(job).late), (0.25, 8));
    let listed = listing();
    assert_eq!(listed[0]["progress"]["over"], 3);
    assert_eq!(listed[0]["progress"]["late"], 8);
    assert_eq!(listed[0]["failure"], "disk full");
    job.release();
}

#[test]
fn a_share_keeps_no_job_alive_and_is_nothing_without_it() {
    let _alone = alone();
    let job = running();
    let share = job.with_current(|| Share::begin(None, 0, 4, "share"));
    let mut counter = Counter::of(share);
    job.release();
    assert_eq!(stats().live_jobs, 0);
    assert_eq!(counter.advance(1), DCC_POLL_GONE);
    assert_eq!(share.add(1), DCC_POLL_GONE);
    assert_eq!(dcc_progress_set_total(share.pointer(), 9), DCC_POLL_GONE);
    let mut below = null_mut();
    let desc = dcc_progress_desc {
        struct_size: size_of::<dcc_progress_desc>() as u32,
        reserved: 0,
        parent: share.pointer(),
        weight: 1,
        total: 0,
        label: null(),
        label_length: 0,
    };
    // SAFETY: a filled-in descriptor, a writable result.
    assert_eq!(unsafe { dcc_progress_begin(&desc, &mut below) }, DCC_OK);
    assert!(below.is_null(), "the share of nothing");
    share.end();
}

fn cancel(job: Job) {
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_job_cancel(job.pointer(), null(), 0) }, DCC_OK);
}

/// A job that leaves its steps because it was cancelled has not done them.
#[test]
fn the_bar_of_a_job_that_is_stopped_stays_where_it_was() {
    let _alone = alone();
    let job = running();
    job.with_current(|| {
        let whole = Share::begin(None, 0, 10, "whole");
        let step = Share::begin(Some(whole), 5, 10, "step");
        step.add(4);
        let before = fraction(job);
        assert_eq!(before, 0.2);
        cancel(job);
        step.end();
        whole.end();
        assert_eq!(fraction(job), before);
    });
    assert_eq!(dcc_job_acknowledge_cancel(job.pointer()), DCC_OK);
    assert_eq!(fraction(job), 0.2);
    job.release();
    // This job has done all of its work in spite of the cancel.
    let late = running();
    late.with_current(|| {
        let whole = Share::begin(None, 0, 10, "whole");
        cancel(late);
        whole.add(10);
        whole.end();
    });
    assert_eq!(dcc_job_complete(late.pointer()), DCC_OK);
    assert_eq!(fraction(late), 1.0);
    late.release();
}
