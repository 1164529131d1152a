//! `dcc_dispatcher_pump`.

use super::argument::Versioned;
use super::dispatcher::{dcc_dispatcher, dispatchers, pinned};
use super::guard::guard;
use super::out::StructOut;
use super::status::{DCC_OK, dcc_status};
use super::thread;
use crate::dispatcher::pump::{Bounds, Tick};

/// What a pump did. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_tick {
    /// sizeof(dcc_tick); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// 1: the dispatcher's `veto` said "not now". Pump again when the host has time for jobs.
    pub is_vetoed: i32,
    /// How many times functions of jobs were called.
    pub executed: u64,
    /// Jobs that ended in this pump, in whatever state, also those that were cancelled before they
    /// ran.
    pub completed: u64,
    /// How many of the jobs in `completed` ended as cancelled.
    pub cancelled: u64,
    /// Jobs, next slices and completions that are left for the next tick.
    pub remaining: u64,
    /// How many nanoseconds the pump took.
    pub elapsed_ns: u64,
    /// How many nanoseconds longer than `budget_ns` the pump took; 0 if it did not.
    pub overrun_ns: u64,
    /// After how many nanoseconds to pump again. While jobs wait, as long as this pump took, but at
    /// most a 60 Hz frame. While only next slices wait, the rest of a 60 Hz frame. While only other
    /// threads run jobs, 33 milliseconds. DCC_NO_LIMIT if nothing is left: then pump when something
    /// was posted or woken.
    pub next_after_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_tick {
    const NAME: &'static str = "dcc_tick";
}

/// Runs the jobs that wait. Call this on the dispatcher's thread, again and again; each call is a
/// tick. `out_tick` gets what was done; it may be NULL.
///
/// - DCC_ERROR_WRONG_THREAD: the dispatcher belongs to another thread.
/// - DCC_ERROR_REENTRANT: the call is inside one of the dispatcher's jobs, completions or host's
///   functions, for instance in the event loop of a dialog that a job has opened. Or it is inside
///   the `is_cancelled` function of any job on this thread. Nothing ran. The `wake` that led here
///   is not repeated, so pump again some milliseconds later.
///
/// Completions of jobs that have ended run first. Then jobs run lane by lane, in the order of their
/// posts. A job in slices gets one slice a tick. The pump stops between two functions as soon as
/// `budget_ns` nanoseconds have passed or `max_jobs` functions of jobs were called. It cannot
/// interrupt a running function, which has to poll. At least one completion, job or slice runs,
/// however short the budget; but with a bound of 0 nothing runs. DCC_NO_LIMIT means no bound.
///
/// While a job runs, the job and its parent token are current on this thread. Afterwards what was
/// current before is restored, even if the job left something else current. The pump of a closed
/// dispatcher runs the completions of all ended jobs, also beyond its bounds. If work is left,
/// `wake` is called before this returns, unless `veto` ended the pump.
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
