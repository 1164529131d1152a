//! Dispatchers: `dcc_dispatcher_create`, retain, release, close and find.

use super::argument::{Versioned, descriptor, flags, handle, in_range, reserved, text};
use super::guard::{Outcome, guard, guard_creating};
use super::job::{dcc_destroy_fn, dcc_job};
use super::limits::DCC_MAX_CALLER_ID_LENGTH;
use super::out::HandleOut;
use super::owner::dcc_owner;
use super::status::{DCC_NOT_FOUND, DCC_OK, DCC_PENDING, dcc_status};
use super::{library, thread};
use crate::dispatcher::pump::NO_LIMIT;
use crate::dispatcher::{DispatcherPin, Dispatchers, Settings, ShutDown};
use crate::handle::Handle;
use crate::queue::posted::PostedId;
use crate::sys::callout::{Payload, UserData};
use crate::sys::host::{Host, HostFunctions};
use std::ffi::{c_char, c_void};

/// A dispatcher: a bounded queue of jobs for one thread, as a rule the UI thread. It is shared by reference
/// count.
pub struct dcc_dispatcher(());

/// No limit: a timeout that never expires, no deadline, no threshold.
pub const DCC_NO_LIMIT: u64 = u64::MAX;
const _: () = assert!(DCC_NO_LIMIT == NO_LIMIT);

/// Flag of a dispatcher: the first thread that pumps it becomes the dispatcher's thread. Without
/// the flag that is the thread that creates it.
pub const DCC_DISPATCHER_BIND_LATER: u32 = 1;

/// Largest `capacity` of a dispatcher.
pub const DCC_MAX_CAPACITY: u32 = 131_072;

/// `capacity` if the descriptor says 0.
const USUAL_CAPACITY: u32 = 1024;
/// `wedge_threshold_ns` if the descriptor says 0.
const USUAL_WEDGE_NS: u64 = 10_000_000_000;
/// `progress_interval_ns` if the descriptor says 0.
const USUAL_PROGRESS_NS: u64 = 100_000_000;

/// A host's function that is told that a dispatcher has work. It arranges for a pump, for instance
/// by executeDeferred, a queued signal of Qt, or a ticker. It is called at most once between two
/// pumps, on the thread whose call made the work: one that posts, cancels, wakes or closes, one
/// that has run a job, a thread of the library, or the dispatcher's own thread at the end of a
/// pump. It must not pump, unwind or longjmp.
pub type dcc_wake_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A host's function that says "not now", for instance while the host collects garbage or loads a
/// scene. The answer 0 lets the pump go on; any other answer ends the pump. The function is called
/// on the dispatcher's thread before each job, slice and completion of a pump, unless the
/// dispatcher is closed. It must not unwind or longjmp.
pub type dcc_veto_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// A host's function that shows the progress of a job. It is called on the dispatcher's thread,
/// mostly in a pump, when `done` has changed and `progress_interval_ns` have passed since the last
/// call for this job. It is also called at the job's end if `done` has changed since the last call.
/// `job` is lent for the call; dcc_job_progress_message has the message. The function must not
/// unwind or longjmp.
pub type dcc_progress_fn = Option<
    unsafe extern "C" fn(job: *const dcc_job, done: u64, total: u64, user_data: *mut c_void),
>;

/// A host's function that lets the host's own thread pool call `run` with `argument`, once for each
/// call of this function. Answer 0 if the pool will do so. Any other answer means that the pool has
/// no room: then the post is refused with DCC_ERROR_OVERLOADED, or, before a further slice, the job
/// fails. `run` may be called before this function returns. This function is called on the posting
/// thread, and for a further slice on the thread that ran the slice before it. It must not unwind
/// or longjmp.
pub type dcc_execute_fn = Option<
    unsafe extern "C" fn(
        run: Option<unsafe extern "C" fn(argument: *mut c_void)>,
        argument: *mut c_void,
        user_data: *mut c_void,
    ) -> i32,
>;

/// What a dispatcher is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
/// fields that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_dispatcher_desc {
    /// sizeof(dcc_dispatcher_desc)
    pub struct_size: u32,
    /// DCC_DISPATCHER_BIND_LATER or 0.
    pub flags: u32,
    /// The most jobs that may wait for their turn, up to DCC_MAX_CAPACITY; 0 means 1024. At most
    /// `capacity` + 16384 jobs may be unfinished: waiting for their turn, running, between two
    /// slices, or ended with a completion that has not run yet.
    pub capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// The time from the post to the deadline, for a job whose descriptor has no deadline. 0: no
    /// deadline.
    pub default_deadline_after_ns: u64,
    /// The dispatcher's thread counts as stuck after so many nanoseconds inside one function that a
    /// pump has called, or inside one wait of this library. dcc_dispatcher_read_stats says so, and
    /// dcc_dispatcher_post_and_wait stops waiting for a job that needs this thread. 0 means ten
    /// seconds, DCC_NO_LIMIT never.
    pub wedge_threshold_ns: u64,
    /// The least number of nanoseconds between two calls of `progress` for one job; 0 means 100
    /// milliseconds.
    pub progress_interval_ns: u64,
    /// Passed to all functions below.
    pub user_data: *mut c_void,
    /// Called once with `user_data`, when the last reference is gone and no job is unfinished, in
    /// the call that brought this about; or in dcc_owner_close of `owner`. It is not called if the
    /// create fails. May be NULL.
    pub destroy: dcc_destroy_fn,
    /// Called when the dispatcher has work, so that you arrange for a pump. With NULL you pump at
    /// regular intervals.
    pub wake: dcc_wake_fn,
    /// Asked whether jobs may run now. May be NULL.
    pub veto: dcc_veto_fn,
    /// Shows progress. May be NULL.
    pub progress: dcc_progress_fn,
    /// Runs jobs with DCC_POST_ANY_THREAD on the host's threads. With NULL up to four threads of
    /// the library run them.
    pub execute: dcc_execute_fn,
    /// The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded.
    pub owner: *const dcc_owner,
}

// SAFETY: numbers, pointers and nullable functions, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_dispatcher_desc {
    const NAME: &'static str = "dcc_dispatcher_desc";
}

pub(super) fn dispatchers() -> Dispatchers<'static> {
    library().dispatchers()
}

pub(super) fn pinned(dispatcher: *const dcc_dispatcher) -> Outcome<DispatcherPin<'static>> {
    DispatcherPin::new(dispatchers(), handle(dispatcher))
}

/// Called by the host's pool, with a job's number as its argument: runs a job that may run on any
/// thread.
unsafe extern "C" fn run_posted(argument: *mut c_void) {
    guard(|| {
        dispatchers().run_elsewhere(thread::this()?, PostedId(argument.addr() as u64));
        Ok(DCC_OK)
    });
}

/// Creates a dispatcher and writes it to `out_dispatcher`. Any thread may call this; the calling
/// thread becomes the dispatcher's thread, unless `flags` has DCC_DISPATCHER_BIND_LATER. You get
/// one reference, which you release. If the call fails, nothing is left behind: `user_data` is
/// still yours, and `destroy` is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_create(
    desc: *const dcc_dispatcher_desc,
    out_dispatcher: *mut *mut dcc_dispatcher,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_dispatcher", out_dispatcher) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: a filled-in descriptor.
        to.write(unsafe { create(&descriptor("desc", desc)?) }?);
        Ok(())
    })
}

fn or_usual(given: u64, usual: u64) -> Option<u64> {
    match given {
        0 => Some(usual),
        DCC_NO_LIMIT => None,
        given => Some(given),
    }
}

/// # Safety
/// The descriptor's pointers are as the header demands.
unsafe fn create(desc: &dcc_dispatcher_desc) -> Outcome<Handle> {
    let known = DCC_DISPATCHER_BIND_LATER;
    flags("dcc_dispatcher_desc.flags", desc.flags, known, "DCC_DISPATCHER_BIND_LATER")?;
    reserved::<dcc_dispatcher_desc>(desc.reserved)?;
    let most = DCC_MAX_CAPACITY.into();
    in_range("dcc_dispatcher_desc.capacity", desc.capacity.into(), 0, most)?;
    let binds_now = desc.flags & DCC_DISPATCHER_BIND_LATER == 0;
    let thread = if binds_now { thread::this()?.record.number() } else { 0 };
    let interval_ns = or_usual(desc.progress_interval_ns, USUAL_PROGRESS_NS);
    let settings = Settings {
        capacity: if desc.capacity == 0 { USUAL_CAPACITY } else { desc.capacity },
        deadline_ns: Some(desc.default_deadline_after_ns)
            .filter(|time| ![0, NO_LIMIT].contains(time)),
        wedge_ns: or_usual(desc.wedge_threshold_ns, USUAL_WEDGE_NS),
        progress_interval_ns: interval_ns.filter(|_| desc.progress.is_some()),
        owner: handle(desc.owner),
        thread,
    };
    let user_data = UserData::new(desc.user_data);
    // SAFETY: the C caller's promise in the descriptor. C code sees a number as a handle: both
    // forms of `execute` and `progress` have the same calling convention.
    let (host, payload) = unsafe {
        let host = Host::new(HostFunctions {
            user_data,
            wake: desc.wake,
            veto: desc.veto,
            progress: std::mem::transmute::<dcc_progress_fn, Option<_>>(desc.progress),
            execute: std::mem::transmute::<dcc_execute_fn, Option<_>>(desc.execute),
            run: run_posted,
        });
        (host, Payload::new(user_data, desc.destroy))
    };
    dispatchers().create(&settings, host, payload).map_err(|(error, _callers)| error)
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_dispatcher_retain(dispatcher: *const dcc_dispatcher) -> dcc_status {
    guard(|| {
        if !dispatcher.is_null() {
            dispatchers().retain(handle(dispatcher))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release closes the dispatcher, as
/// dcc_dispatcher_close does. While jobs are unfinished after that, dcc_dispatcher_pump still takes
/// the handle.
///
/// A dispatcher with DCC_DISPATCHER_BIND_LATER that was never pumped has no thread. So its last
/// release runs the completions that are due, on the thread that makes it. Completions of jobs that
/// still run on other threads are left to a pump.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_dispatcher_release(dispatcher: *mut dcc_dispatcher) -> dcc_status {
    guard(|| {
        if !dispatcher.is_null() {
            // A thread without a record, for which there is no memory, completes nothing.
            let here = thread::this().map_or(0, |this| this.record.number());
            dispatchers().release(handle(dispatcher), here)?;
        }
        Ok(DCC_OK)
    })
}

/// Closes a dispatcher for good: posts are refused from now on. Any thread may call this, even
/// inside a job. Jobs that wait for their turn or for their next slice end as interrupted, and
/// their functions are not called again. Running jobs are asked to stop. A
/// dcc_dispatcher_post_and_wait for a job that ends in this way returns. For NULL nothing happens.
///
/// - DCC_OK: no job is unfinished. On the dispatcher's thread, outside of its pump, the completions
///   of all jobs that have ended run before this returns.
/// - DCC_PENDING: jobs are unfinished, because this is another thread, or the call is inside a job
///   or a completion, or jobs run on other threads.
///
/// The next pump or close on the dispatcher's thread runs the completions of the jobs that have
/// ended by then, even if a bound of the pump is reached. If the dispatcher's thread has ended, the
/// completions never run, and their jobs stay counted in `unfinished_posts` of dcc_stats.
///
/// A dispatcher with DCC_DISPATCHER_BIND_LATER has no thread before its first pump. Until then this
/// answers DCC_PENDING on every thread if there are jobs. So pump once before you repeat the close
/// until it answers DCC_OK.
///
/// A second close does no harm, and tells whether jobs are unfinished. A post at the same moment is
/// either refused or accepted. If it is accepted, its completion runs as that of any other job.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_dispatcher_close(dispatcher: *const dcc_dispatcher) -> dcc_status {
    guard(|| {
        if dispatcher.is_null() {
            return Ok(DCC_OK);
        }
        Ok(match dispatchers().shut_down(&pinned(dispatcher)?, thread::number()) {
            ShutDown::Over => DCC_OK,
            ShutDown::Pending => DCC_PENDING,
        })
    })
}

/// Finds the dispatcher's unfinished job with this caller id and writes it to `out_job`. Any thread
/// may call this. You get one reference, which you release. DCC_NOT_FOUND, with NULL: there is no
/// such job. To find a job by the library's id use dcc_job_find.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_find(
    dispatcher: *const dcc_dispatcher,
    caller_id: *const c_char,
    caller_id_length: usize,
    out_job: *mut *mut dcc_job,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_job", out_job) };
    guard(|| {
        let to = to?;
        // SAFETY: the C caller's promise about its text.
        let id =
            unsafe { text("caller_id", caller_id, caller_id_length, DCC_MAX_CALLER_ID_LENGTH) }?;
        let Some(job) = dispatchers().find(&pinned(dispatcher)?, id) else {
            return Ok(DCC_NOT_FOUND);
        };
        to.write(job);
        Ok(DCC_OK)
    })
}
