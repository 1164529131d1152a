//! Models of shares of progress: one thread counts units in a share while others count, end the
//! share, let go of its job, or read its progress.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_shares --target-dir target/loom`

#![cfg(loom)]

#[path = "../support/interleavings.rs"]
mod interleavings;

use dcc_cancel::handle::{Handle, NULL};
use dcc_cancel::job::progress::Bar;
use dcc_cancel::job::share::{ShareOf, SharePin};
use dcc_cancel::job::{JobOrigin, JobPin, JobState, Progress};
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::token::create::Origin;
use interleavings::model;
use loom::sync::Arc;
use loom::thread;

/// A running job.
fn job(library: &Library) -> Handle {
    let jobs = library.jobs();
    let token = Origin::default();
    let origin = JobOrigin { label: "", caller_id: "", parents: [NULL; 2], token, owner: NULL };
    let job = jobs.create(&origin, None).map_err(|(error, _)| error).unwrap();
    jobs.begin(&JobPin::new(jobs, job).unwrap()).unwrap();
    job
}

/// A share of this many units, which is the whole of a job.
fn share(library: &Library, job: Handle, total: u64) -> Handle {
    library.shares().begin(ShareOf::Current(NULL, job), total, "").unwrap()
}

fn pin(library: &Library, share: Handle) -> SharePin<'_> {
    SharePin::new(library.shares(), share).unwrap()
}

fn bar(library: &Library, job: Handle) -> Bar {
    library.jobs().bar(&JobPin::new(library.jobs(), job).unwrap())
}

fn release(library: &Library, job: Handle) {
    library.jobs().release(job).unwrap();
}

fn assert_empty(library: &Library) {
    assert_eq!(library.shares().arena().live(), 0, "shares");
    assert_eq!(library.jobs().arena().live(), 0, "jobs");
    assert_eq!(library.tokens().arena().live(), 0, "tokens");
}

/// No unit is lost, and a thread that reads the progress meanwhile sees it rise.
#[test]
fn add_x_add_x_read() {
    model(3, || {
        let library = Arc::new(Library::new());
        let job = job(&library);
        let share = share(&library, job, 4);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let _ = other.shares().add(&pin(&other, share), 1);
        });
        let _ = library.shares().add(&pin(&library, share), 1);
        let before = bar(&library, job).fraction;
        thread.join().unwrap();
        let after = bar(&library, job);
        assert!(before <= after.fraction, "it fell");
        assert_eq!((after.fraction, after.late, after.over), (0.5, 0, 0), "units were lost");
        library.shares().release(share).unwrap();
        release(&library, job);
        assert_empty(&library);
    });
}

/// A share outlives its job: the units that it counts then count nowhere, also not in the next job
/// in the same slot.
#[test]
fn add_x_release_of_its_job_x_next_of_its_slot() {
    model(3, || {
        let library = Arc::new(Library::new());
        let first = job(&library);
        let worker = share(&library, first, 4);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let _ = other.shares().add(&pin(&other, worker), 1);
            other.shares().release(worker).unwrap();
        });
        release(&library, first);
        let next = job(&library);
        let own = share(&library, next, 4);
        let _ = library.shares().add(&pin(&library, own), 1);
        thread.join().unwrap();
        let at = bar(&library, next);
        assert_eq!((at.fraction, at.late, at.over), (0.25, 0, 0), "another job's");
        library.shares().release(own).unwrap();
        release(&library, next);
        assert_empty(&library);
    });
}

/// A worker outlives the step that it counts in: it never counts in the step that follows.
#[test]
fn add_x_end_x_next_of_its_node() {
    model(3, || {
        let library = Arc::new(Library::new());
        let job = job(&library);
        let all = share(&library, job, 2);
        let below = |library: &Library| {
            library.shares().begin(ShareOf::Share(&pin(library, all), 1), 4, "").unwrap()
        };
        let first = below(&library);
        library.shares().arena().retain(first).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || {
            let _ = other.shares().add(&pin(&other, first), 2);
            other.shares().release(first).unwrap();
        });
        library.shares().end(&pin(&library, first));
        library.shares().release(first).unwrap();
        let second = below(&library);
        thread.join().unwrap();
        assert_eq!(bar(&library, job).fraction, 0.5, "of another share");
        [second, all].iter().for_each(|share| library.shares().release(*share).unwrap());
        release(&library, job);
        assert_empty(&library);
    });
}

/// The progress of an ended job does not change, however late other threads count in it, end shares
/// or let go.
#[test]
fn add_x_end_of_the_job() {
    model(3, || {
        let library = Arc::new(Library::new());
        let job = job(&library);
        let share = share(&library, job, 4);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let _ = other.shares().add(&pin(&other, share), 1);
            other.shares().release(share).unwrap();
        });
        let pin = JobPin::new(library.jobs(), job).unwrap();
        library.jobs().end(&pin, JobState::Completed, "").unwrap();
        assert_eq!(library.jobs().bar(&pin).fraction, 1.0);
        thread.join().unwrap();
        assert_eq!(library.jobs().progress(&pin), Progress { done: 1_000_000, total: 1_000_000 });
        drop(pin);
        release(&library, job);
        assert_empty(&library);
    });
}
