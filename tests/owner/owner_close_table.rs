//! A close of an owner always returns: from inside each function that the library calls, whichever
//! owner that function has, in each state of the owner's objects, and on each way to that call.
//!
//! A row creates one object of each kind and drives it through its life. When the row's function is
//! called for the n-th time, the owner is closed: from inside the function, on another thread
//! beside it, or crosswise with another owner. After DCC_OK no function of the owner is called any
//! more. DCC_ERROR_WOULD_DEADLOCK changes nothing, and a later close succeeds. A row that does not
//! end fails.

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/closing.rs"]
mod closing;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/mod.rs"]
mod support;

use closing::{Act, Row, SPOTS, Whose, World, functions_taken};
use dcc_cancel::ffi::{dispatcher::*, post::*, status::*};
use listening::{LONG, alone, stats, until};
use posting::{Dispatcher, Job};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The way of a row: how its posted job comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The job is pumped and completes in one call.
    Pumped,
    /// The job is pumped and runs in slices.
    PumpedInSlices,
    /// Its poster waits for it on the dispatcher's thread.
    WaitedFor,
    /// The same, in slices.
    WaitedForInSlices,
    /// Its poster waits for it on another thread.
    WaitedForElsewhere,
    /// Its poster waits, and the time limit of the wait has passed at once.
    TimedOut,
    /// The library's workers run it.
    Workers,
    /// The same, in slices.
    WorkersInSlices,
    /// The host's pool runs it on the posting thread, in slices.
    PoolAtOnce,
    /// It is cancelled while it waits.
    Cancelled,
    /// It is cancelled between two slices.
    CancelledBetweenSlices,
    /// It cancels itself.
    CancelledWhileItRuns,
    /// Its parent is cancelled.
    CancelledByParent,
    /// Its parent is cancelled, and the callback thread does the work of that cancel.
    CancelledAsync,
    /// Its deadline and its parent's have passed: the timer cancels both.
    Expired,
    /// Its dispatcher is closed while it waits.
    ShutDown,
    /// Its dispatcher is closed between two slices.
    ShutDownBetweenSlices,
    /// It shuts its dispatcher down.
    ShutDownWhileItRuns,
    /// Another thread shuts its dispatcher down.
    ShutDownElsewhere,
    /// The last reference to its dispatcher is released.
    Released,
    /// The owner is closed while it waits.
    Closed,
    /// The owner is closed between two slices.
    ClosedBetweenSlices,
    /// The owner is closed while a worker runs it.
    ClosedWhileItRuns,
    /// Another thread closes the owner.
    ClosedElsewhere,
    /// The other owner is closed.
    OtherClosed,
}

const WAYS: [Way; 25] = [
    Way::Pumped,
    Way::PumpedInSlices,
    Way::WaitedFor,
    Way::WaitedForInSlices,
    Way::WaitedForElsewhere,
    Way::TimedOut,
    Way::Workers,
    Way::WorkersInSlices,
    Way::PoolAtOnce,
    Way::Cancelled,
    Way::CancelledBetweenSlices,
    Way::CancelledWhileItRuns,
    Way::CancelledByParent,
    Way::CancelledAsync,
    Way::Expired,
    Way::ShutDown,
    Way::ShutDownBetweenSlices,
    Way::ShutDownWhileItRuns,
    Way::ShutDownElsewhere,
    Way::Released,
    Way::Closed,
    Way::ClosedBetweenSlices,
    Way::ClosedWhileItRuns,
    Way::ClosedElsewhere,
    Way::OtherClosed,
];

const WHOSE: [Whose; 3] = [Whose::Own, Whose::Others, Whose::Nobodys];

fn elsewhere(body: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(body).join().unwrap());
}

/// Pumps on this thread while another thread runs the body.
fn pump_while(dispatcher: Dispatcher, body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let other = scope.spawn(body);
        until("the other thread is done", || {
            dispatcher.pump();
            other.is_finished()
        });
    });
}

/// Closes the owner as a step of the way. The row's function may close it once more meanwhile.
fn close(world: &World) {
    world.is_closing.store(true, Ordering::SeqCst);
    world.close();
}

fn post(world: &'static World, slices: u32, flags: u32, deadline_ns: u64) {
    if let Some(job) = world.post(slices, flags, deadline_ns) {
        job.release();
    }
}

/// Posts a step, and lets it have one slice.
fn park(world: &'static World, dispatcher: Dispatcher) -> Option<Job> {
    let job = world.post(2, 0, 0);
    dispatcher.pump();
    job
}

fn go(world: &'static World, dispatcher: Dispatcher) {
    let any = DCC_POST_ANY_THREAD;
    let cancel = |job: Option<Job>| {
        if let Some(job) = job {
            job.cancel();
            job.release();
        }
    };
    match world.row.way {
        Way::Pumped => post(world, 0, 0, 0),
        Way::PumpedInSlices => post(world, 2, 0, 0),
        Way::WaitedFor => world.post_and_wait(0, 0, DCC_NO_LIMIT),
        Way::WaitedForInSlices => world.post_and_wait(2, 0, DCC_NO_LIMIT),
        Way::WaitedForElsewhere => {
            pump_while(dispatcher, || world.post_and_wait(1, 0, DCC_NO_LIMIT));
        }
        Way::TimedOut => elsewhere(|| world.post_and_wait(0, 0, 0)),
        Way::Workers => post(world, 0, any, 0),
        Way::WorkersInSlices | Way::PoolAtOnce => post(world, 2, any, 0),
        Way::Cancelled => cancel(world.post(0, 0, 0)),
        Way::CancelledBetweenSlices => cancel(park(world, dispatcher)),
        Way::CancelledWhileItRuns => {
            let _ = world.while_it_runs.set(|_, job| assert!(job.cancel() >= 0));
            post(world, 2, 0, 0);
        }
        Way::CancelledByParent => {
            post(world, 0, 0, 0);
            world.parent.cancel();
        }
        Way::CancelledAsync => {
            post(world, 0, 0, 0);
            world.parent.cancel_async();
        }
        Way::Expired => {
            post(world, 0, 0, 1);
            world.parent.set_deadline_after(Duration::from_nanos(1));
        }
        Way::ShutDown => {
            post(world, 0, 0, 0);
            dispatcher.close();
        }
        Way::ShutDownBetweenSlices => {
            park(world, dispatcher).inspect(|job| job.release());
            dispatcher.close();
        }
        Way::ShutDownWhileItRuns => {
            let _ = world.while_it_runs.set(|world, _| {
                world.dispatcher.get().unwrap().close();
            });
            post(world, 2, 0, 0);
        }
        Way::ShutDownElsewhere => {
            park(world, dispatcher).inspect(|job| job.release());
            post(world, 0, 0, 0);
            elsewhere(|| assert!(dispatcher.close() >= 0));
        }
        Way::Released => {
            post(world, 0, 0, 0);
            world.is_released.store(true, Ordering::SeqCst);
            dispatcher.release();
        }
        Way::Closed => {
            post(world, 0, 0, 0);
            close(world);
        }
        Way::ClosedBetweenSlices => {
            park(world, dispatcher).inspect(|job| job.release());
            close(world);
        }
        Way::ClosedWhileItRuns => {
            post(world, 3, any, 0);
            close(world);
        }
        Way::ClosedElsewhere => {
            post(world, 0, 0, 0);
            park(world, dispatcher).inspect(|job| job.release());
            elsewhere(|| close(world));
        }
        Way::OtherClosed => {
            post(world, 0, 0, 0);
            world.close_other();
        }
    }
}

/// Creates all objects except the posted job, and goes the way.
fn live(world: &'static World) {
    let registration = world.register(world.parent);
    let foreign = world.foreign_job();
    if let Some(dispatcher) = world.create_dispatcher() {
        go(world, dispatcher);
        dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).ok();
    }
    if let Some(foreign) = foreign {
        foreign.is_cancelled();
    }
    world.join();
    // The later close comes while all objects still exist.
    if world.outcome().0 && !world.is_closed.load(Ordering::SeqCst) {
        world.close();
    }
    if let Some(registration) = registration {
        let status = registration.unregister();
        assert!([DCC_OK, DCC_CALLBACK_DONE].contains(&status), "{status}");
    }
    world.foreign.get().inspect(|foreign| foreign.release());
    world.parent.cancel();
    world.parent.release();
    if let Some(&dispatcher) = world.dispatcher.get() {
        if !world.is_released.load(Ordering::SeqCst) {
            dispatcher.close();
        }
        until("its jobs are over", || {
            dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT).ok();
            // The bystander's job may still be queued.
            stats().unfinished_posts <= 1
        });
        if !world.is_released.load(Ordering::SeqCst) {
            dispatcher.release();
        }
    }
}

struct Outcome {
    is_reached: bool,
    answers: Vec<dcc_status>,
    mistakes: Vec<String>,
}

fn run(row: Row) -> Outcome {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let before = stats();
        let world = World::new(row);
        live(world);
        let mistakes = world.end();
        until("nothing is left", || {
            let now = stats();
            let left = |stats: &dcc_cancel::ffi::stats::dcc_stats| {
                (stats.live_tokens, stats.live_jobs, stats.live_owners, stats.live_dispatchers)
            };
            left(&now) == left(&before)
        });
        let (is_reached, answers) = world.outcome();
        let _ = done.send(Outcome { is_reached, answers, mistakes });
    });
    // Much longer than any wait in a row.
    match outcome.recv_timeout(4 * LONG) {
        Ok(outcome) => outcome,
        Err(error) => {
            HAS_STOPPED.store(true, Ordering::SeqCst);
            let is_late = error == mpsc::RecvTimeoutError::Timeout;
            panic!(
                "{}: {row:?}",
                if is_late { "a close never came back" } else { "a row panicked" }
            );
        }
    }
}

/// Set by a row that did not end: the objects that it left behind would block all other rows.
static HAS_STOPPED: AtomicBool = AtomicBool::new(false);

/// Runs all rows of an act.
fn run_all(act: Act) {
    let _alone = alone();
    assert!(!HAS_STOPPED.load(Ordering::SeqCst), "not run, because a row before did not end");
    let mut wrong = Vec::new();
    let mut answers = BTreeMap::<dcc_status, u32>::new();
    let mut rows = 0;
    for (spot, name) in SPOTS {
        for whose in WHOSE {
            let mut reached = 0;
            for way in WAYS {
                for call in 1..=4 {
                    let row = Row { act, spot, whose, way, call };
                    let outcome = run(row);
                    wrong.extend(outcome.mistakes.iter().map(|what| format!("{row:?}: {what}")));
                    if !outcome.is_reached {
                        break;
                    }
                    reached += 1;
                    outcome
                        .answers
                        .iter()
                        .for_each(|status| *answers.entry(*status).or_default() += 1);
                }
            }
            assert!(reached > 0, "{name} of {whose:?} is never called");
            rows += reached;
        }
    }
    support::show(&format!("{act:?}: {rows} rows, answers {answers:?}"));
    assert!(wrong.is_empty(), "{} mistakes:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn from_inside_a_function() {
    run_all(Act::Here);
}

#[test]
fn beside_a_function() {
    run_all(Act::Beside);
}

#[test]
fn crosswise_with_another_owner() {
    run_all(Act::Crosswise);
}

/// A new function pointer in the header fails this until it has rows.
#[test]
fn the_table_has_every_function_of_the_header() {
    let path = support::include().join("dcc_cancel.h");
    let header = c_header::Header::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut taken = functions_taken(&header);
    // The library gives dcc_execute_fn's `run` to the host, which calls it. A bound function has no
    // owner; only callers of dcc_context_run call it.
    taken.retain(|name| name != "dcc_execute_fn(run)" && !name.starts_with("dcc_context_bind("));
    let mut known: Vec<_> = SPOTS.iter().map(|(_, name)| (*name).to_owned()).collect();
    taken.sort();
    known.sort();
    assert_eq!(taken, known);
}
