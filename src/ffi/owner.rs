//! `dcc_owner_*`: plugins that are unloaded.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::out::HandleOut;
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};

/// An owner: the plugin, or the part of a plugin, that functions belong to. Name it in every call that takes
/// functions, and close it before they are unloaded. NULL is the owner of functions that stay loaded as long
/// as the process.
pub struct dcc_owner(());

/// Creates an owner and writes it to `out_owner`. Any thread may call this. dcc_owner_close ends
/// it. An owner can have 258,047 registrations, jobs, posted jobs and dispatchers at a time. A
/// further one is refused with DCC_ERROR_RESOURCES, so that the owner can always be closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_owner_create(out_owner: *mut *mut dcc_owner) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_owner", out_owner) };
    guard_creating(|| {
        let to = to?;
        to.write(library().owners().create()?);
        Ok(())
    })
}

/// Closes an owner and releases its handle. Any thread may call this. Call it before the owner's
/// functions are unloaded, and hold no lock that they take. After DCC_OK the library never calls
/// any of them again.
///
/// From now on, even after the close, every call that names the owner answers DCC_ERROR_SHUTDOWN.
/// The close then ends what the owner has:
///
/// - Its registrations are dropped.
/// - The `is_cancelled` of its jobs is not asked any more. Its jobs that have not begun end as
///   interrupted, and so do its posted jobs between two slices. Running jobs of dcc_job_create go
///   on, without their functions.
/// - Completions of its posted jobs run if this is the thread of their dispatcher. On another
///   thread, and for jobs that run on another thread at this moment, they are left out and counted
///   (`completions_dropped` of dcc_dispatcher_read_stats).
/// - Its dispatchers are closed, which asks their jobs to stop. No function of their descriptors is
///   called any more.
/// - Every destroy-notify runs, on this thread or on the thread that is running it already.
/// - Finally the call waits for the owner's functions that run on other threads, however long they
///   take. If posted jobs of this owner may be running in dispatchers of other owners, cancel them
///   before the close.
///
/// Two errors change nothing, and the owner stays open:
///
/// - DCC_ERROR_WOULD_DEADLOCK: the close would wait for this thread. It is inside one of the
///   owner's functions, or inside another owner's function while the library on this thread is
///   calling, ending or closing something of this owner. Or a thread that is inside such a function
///   waits, directly or through other threads, for this thread. Call again after that function has
///   returned.
/// - DCC_ERROR_RESOURCES: there is no memory for the wait.
///
/// While the close waits, another wait that would complete a ring with it is refused instead. A
/// NULL owner is DCC_OK, and nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_owner_close(owner: *mut dcc_owner) -> dcc_status {
    guard(|| {
        if !owner.is_null() {
            library().dispatchers().close_owner(handle(owner), thread::number())?;
        }
        Ok(DCC_OK)
    })
}
