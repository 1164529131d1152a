//! Real threads count units in shares of jobs, and begin, end and let go of steps, while other
//! threads read the progress. No unit is lost, and no bar goes back. `DCC_STRESS` makes it longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/shares.rs"]
mod shares;

use dcc_cancel::ffi::{job_life::*, progress::*, status::*};
use effort::times;
use listening::*;
use shares::{Counter, Share, bar};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const THREADS: u64 = 8;

fn running() -> Job {
    let job = Job::try_new(Watch::new(), NO_OWNER, NO_TOKEN, false).unwrap();
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    job
}

/// Reads a job's progress until the other threads are done. Returns how often it had grown.
fn look(job: Job, is_done: &AtomicBool) -> u64 {
    let (mut before, mut rises) = (0.0, 0);
    while !is_done.load(Ordering::Relaxed) {
        let now = bar(job).fraction;
        assert!(now >= before, "it fell from {before} to {now}");
        rises += u64::from(now > before);
        before = now;
        thread::yield_now();
    }
    rises
}

#[test]
fn no_count_of_eight_threads_is_lost_while_somebody_looks() {
    let _alone = alone();
    let units = times(1_000_000);
    let job = running();
    // The total is larger than the number of units that are counted, so that lost and doubled units
    // both show.
    let share = job.with_current(|| Share::begin(None, 0, 2 * THREADS * units, "smooth"));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let looker = scope.spawn(|| look(job, &is_done));
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(move || {
                    let mut counter = Counter::of(share);
                    (0..units).for_each(|_| assert_eq!(counter.advance(1), DCC_OK));
                    assert_eq!(counter.flush(), DCC_OK);
                    counter.flushes
                })
            })
            .collect();
        let flushes: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        is_done.store(true, Ordering::Relaxed);
        println!("{flushes} flushes, {} rises", looker.join().unwrap());
        assert!(flushes < THREADS * units, "each unit is flushed");
    });
    let at = bar(job);
    assert_eq!((at.fraction, at.over, at.late), (0.5, 0, 0));
    assert_eq!(dcc_progress_add(share.pointer(), THREADS * units + 3), DCC_OK);
    assert_eq!(bar(job).over, 3, "all units are there but for these");
    share.release();
    job.release();
}

#[test]
fn steps_that_begin_and_end_on_all_threads_fill_one_bar() {
    let _alone = alone();
    let steps = times(2_000);
    let job = running();
    let all = job.with_current(|| Share::begin(None, 0, 2 * THREADS * steps, "all"));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let looker = scope.spawn(|| look(job, &is_done));
        let workers: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn(move || {
                    for at in 0..steps {
                        let step = Share::begin(Some(all), 1, 10, "step");
                        let below = Share::begin(Some(step), 5, 0, "below");
                        assert_eq!(dcc_progress_add(below.pointer(), at), DCC_OK);
                        assert_eq!(dcc_progress_set_total(below.pointer(), number + 1), DCC_OK);
                        assert_eq!(dcc_progress_add(step.pointer(), 3), DCC_OK);
                        // Steps go in either order, and with or without an end before.
                        if at & 1 == 0 {
                            assert_eq!(dcc_progress_end(step.pointer()), DCC_OK);
                        }
                        let order = if at & 2 == 0 { [step, below] } else { [below, step] };
                        order.iter().for_each(|share| share.release());
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        is_done.store(true, Ordering::Relaxed);
        looker.join().unwrap();
    });
    assert_eq!(bar(job).fraction, 0.5);
    all.release();
    job.release();
}
