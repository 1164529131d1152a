//! `dcc_dispatcher_create` and the life of a dispatcher.

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

/// A dispatcher: a bounded queue of jobs that one thread, as a rule the UI's, pumps from its tick;
/// shared by reference count. The pointer is a handle, not an address.
pub struct dcc_dispatcher(());

/// No bound: a timeout that is never over, no deadline, no threshold.
pub const DCC_NO_LIMIT: u64 = u64::MAX;
const _: () = assert!(DCC_NO_LIMIT == NO_LIMIT);

/// Flag of a dispatcher: it belongs to the thread that first pumps it, not to the creating one.
pub const DCC_DISPATCHER_BIND_LATER: u32 = 1;

/// The largest `capacity`.
pub const DCC_MAX_CAPACITY: u32 = 131_072;

/// Capacity where the descriptor says 0.
const USUAL_CAPACITY: u32 = 1024;
/// Threshold where the descriptor says 0.
const USUAL_WEDGE_NS: u64 = 10_000_000_000;
/// Interval where the descriptor says 0.
const USUAL_PROGRESS_NS: u64 = 100_000_000;

/// Told that a dispatcher has something to do: arrange for a pump (executeDeferred, a queued signal
/// of Qt, a ticker). Called once from one pump to the next, on whatever thread posts or cancels; it
/// must not pump itself. Must not unwind or longjmp.
pub type dcc_wake_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A host's "not now", for instance while it collects garbage or loads a scene: 0 lets jobs run.
/// Asked on the dispatcher's thread before each job, slice and completion of a pump. Must not
/// unwind or longjmp.
pub type dcc_veto_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// Shows how far a job is: on the dispatcher's thread in a pump, where that changed, not more often
/// than the descriptor says, and once more at the job's end. The job is borrowed;
/// dcc_job_progress_message has the message. Must not unwind or longjmp.
pub type dcc_progress_fn = Option<
    unsafe extern "C" fn(job: *const dcc_job, done: u64, total: u64, user_data: *mut c_void),
>;

/// Has the host's own thread pool call `run` with `argument`, once for each call of this. 0: it will.
/// Any other answer: it has no room; the post is refused. `run` may be called at once. Called on the
/// posting thread, and on the pool's own for a job that runs again. Must not unwind or longjmp.
pub type dcc_execute_fn = Option<
    unsafe extern "C" fn(
        run: Option<unsafe extern "C" fn(argument: *mut c_void)>,
        argument: *mut c_void,
        user_data: *mut c_void,
    ) -> i32,
>;

/// What a dispatcher is created from. Set all to zero, then `struct_size` to sizeof, then what you
/// need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_dispatcher_desc {
    /// sizeof(dcc_dispatcher_desc)
    pub struct_size: u32,
    /// DCC_DISPATCHER_BIND_LATER or 0.
    pub flags: u32,
    /// Most jobs that may wait for their turn, up to DCC_MAX_CAPACITY; 0 is 1024. Besides, 16384 jobs
    /// more than that may be unfinished: run, be between two slices, or wait for their completion.
    pub capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// Cancels a job so long after its post if its descriptor says nothing else; 0: never.
    pub default_deadline_after_ns: u64,
    /// After so many nanoseconds inside one function of a job or of the host in a pump, or waiting in
    /// one call of this library, its thread counts as stuck: dcc_dispatcher_read_stats says so, and
    /// those who wait in dcc_dispatcher_post_and_wait for queued jobs are freed. 0 is ten seconds,
    /// DCC_NO_LIMIT never.
    pub wedge_threshold_ns: u64,
    /// Least nanoseconds between two calls of `progress` for one job; 0 is 100 milliseconds.
    pub progress_interval_ns: u64,
    /// Handed to all functions below.
    pub user_data: *mut c_void,
    /// Called once with `user_data` when the dispatcher is gone, after all its jobs are over, in
    /// whichever call let it go; never if the create fails. May be NULL.
    pub destroy: dcc_destroy_fn,
    /// Told that there is something to do. NULL: you pump at regular intervals.
    pub wake: dcc_wake_fn,
    /// Asked whether jobs may run now. May be NULL.
    pub veto: dcc_veto_fn,
    /// Shows progress. May be NULL.
    pub progress: dcc_progress_fn,
    /// Runs DCC_POST_ANY_THREAD jobs on the host's threads. NULL: a few threads of the library do.
    pub execute: dcc_execute_fn,
    /// The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded.
    pub owner: *const dcc_owner,
}

// SAFETY: numbers, pointers and nullable functions, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_dispatcher_desc {
    const NAME: &'static str = "dcc_dispatcher_desc";
}

/// The dispatcher pinned for this call.
pub(super) fn dispatchers() -> Dispatchers<'static> {
    library().dispatchers()
}

pub(super) fn pinned(dispatcher: *const dcc_dispatcher) -> Outcome<DispatcherPin<'static>> {
    DispatcherPin::new(dispatchers(), handle(dispatcher))
}

/// What a host's threads call for a job that may run on any thread.
unsafe extern "C" fn run_posted(argument: *mut c_void) {
    guard(|| {
        dispatchers().run_elsewhere(thread::this()?, PostedId(argument.addr() as u64));
        Ok(DCC_OK)
    });
}

/// Creates a dispatcher, which belongs to this thread unless the descriptor says otherwise, and writes
/// it to `out_dispatcher`: one reference, yours to release. On an error nothing is left behind and
/// `user_data` is still yours. Any thread.
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
/// The descriptor's pointers are what the header asks for.
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
    // SAFETY: the C caller's promise in the descriptor. A handle is what C has for the numbers that
    // the functions are called with, and both forms of `execute` and `progress` are called alike.
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

/// Adds a reference, which you release. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_dispatcher_retain(dispatcher: *const dcc_dispatcher) -> dcc_status {
    guard(|| {
        if !dispatcher.is_null() {
            dispatchers().retain(handle(dispatcher))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. The last one closes the dispatcher as dcc_dispatcher_close does;
/// while completions are still to run its handle can be pumped on. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_dispatcher_release(dispatcher: *mut dcc_dispatcher) -> dcc_status {
    guard(|| {
        if !dispatcher.is_null() {
            dispatchers().release(handle(dispatcher), thread::number())?;
        }
        Ok(DCC_OK)
    })
}

/// Closes a dispatcher: posts are refused from now on; jobs that wait, also for their next slice, end
/// as interrupted and never run; those who wait for them are freed; running jobs are asked to stop.
///
/// On the dispatcher's thread, outside its pump, all completions run before it returns. DCC_OK:
/// everything is over. DCC_PENDING: completions are still to run, because this is another thread, or
/// inside a job, or because jobs run on other threads: the dispatcher's next pump on its thread, or the
/// next close there, runs what there is by then, whatever the bounds say. If that thread never comes
/// back, because it has ended, say, they stay counted (`unfinished_posts` of dcc_stats). A dispatcher with
/// DCC_DISPATCHER_BIND_LATER has no thread before its first pump: until then a close answers DCC_PENDING
/// on all threads, so pump once before you close again and again. Calling it again is harmless and tells
/// how far things are. A post at the same moment is refused, or its completion runs. Any thread, also inside
/// a job. NULL: nothing happens.
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

/// Finds the dispatcher's unfinished job with this caller id and writes it to `out_job`: a reference,
/// yours to release. DCC_NOT_FOUND, and NULL, if there is none. By its own id any job is found with
/// dcc_job_find. Any thread.
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
