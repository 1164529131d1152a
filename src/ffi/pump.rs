//! `dcc_dispatcher_pump`.

use super::argument::Versioned;
use super::dispatcher::{dcc_dispatcher, dispatchers, pinned};
use super::guard::guard;
use super::out::StructOut;
use super::status::{DCC_OK, dcc_status};
use super::thread;
use crate::dispatcher::pump::{Bounds, Tick};

/// What a tick did. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_tick {
    /// sizeof(dcc_tick); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1: the dispatcher's `veto` said "not now"; pump again when that is over.
    pub is_vetoed: i32,
    /// Calls of jobs' functions.
    pub executed: u64,
    /// Jobs that are over by now, those included that were cancelled before they ran.
    pub completed: u64,
    /// Of those, the ones that ended as cancelled.
    pub cancelled: u64,
    /// What is left for the next tick: jobs, steps and completions.
    pub remaining: u64,
    /// How long the tick took.
    pub elapsed_ns: u64,
    /// How much longer than its budget that was.
    pub overrun_ns: u64,
    /// After how long the next tick makes sense: 0 or little while work waits, the rest of a 60 Hz
    /// frame for steps, DCC_NO_LIMIT until something is posted.
    pub next_after_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_tick {
    const NAME: &'static str = "dcc_tick";
}

/// Runs what waits, on the dispatcher's thread: call it from a tick. Jobs go lane by lane, in the
/// order of their posts; a step gets one slice a tick; what is over is completed first. It stops
/// between two jobs or slices as soon as `budget_ns` nanoseconds have passed or `max_jobs` functions
/// were called; a job that runs cannot be stopped from outside, it has to poll. One job or slice
/// goes in any case, unless a bound is 0, with which nothing runs; DCC_NO_LIMIT is no bound. Writes
/// what it did to `out_tick`, unless that is NULL.
///
/// Around each job its own token and job are current on this thread; what was before is restored
/// whatever the job left. A dispatcher that was closed is emptied whatever the bounds say. If
/// something is left, `wake` is called before it returns, unless it was vetoed.
///
/// DCC_ERROR_WRONG_THREAD: the dispatcher belongs to another thread. DCC_ERROR_REENTRANT: called from
/// inside one of its jobs, completions or callbacks, for instance by the event loop of a dialog that a
/// job has opened, or from inside the check of any job on this thread. Nothing ran, and the `wake` that led
/// here is not repeated: pump again some milliseconds later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_pump(
    dispatcher: *const dcc_dispatcher,
    budget_ns: u64,
    max_jobs: u64,
    out_tick: *mut dcc_tick,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: NULL, or writable for the size that it says.
        let to = unsafe { StructOut::optional(out_tick) };
        let to = if crate::weakened!("pump_looks_first") { to } else { Ok(to?) };
        let pin = pinned(dispatcher)?;
        let bounds = Bounds { budget_ns, most: max_jobs };
        let tick = dispatchers().pump(thread::this()?, &pin, bounds)?;
        to?.write(&tick.into());
        Ok(DCC_OK)
    })
}

impl From<Tick> for dcc_tick {
    fn from(tick: Tick) -> Self {
        Self {
            struct_size: 0,
            is_vetoed: i32::from(tick.vetoed),
            executed: tick.executed,
            completed: tick.completed,
            cancelled: tick.cancelled,
            remaining: tick.remaining,
            elapsed_ns: tick.elapsed_ns,
            overrun_ns: tick.overrun_ns,
            next_after_ns: tick.next_ns,
        }
    }
}
