//! `dcc_owner_*`.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::out::HandleOut;
use super::status::{DCC_OK, dcc_status};
use super::{library, thread};

/// An owner: the plugin, or the part of one, that function pointers belong to. Name it wherever
/// you hand in functions, and close it before they are unloaded. The pointer is a handle; NULL is
/// the owner whose functions stay loaded as long as the process.
pub struct dcc_owner(());

/// Creates an owner and writes it to `out_owner`; dcc_owner_close ends it. It can have 258,047 registrations,
/// jobs, posted jobs and dispatchers at a time; a further one is refused with DCC_ERROR_RESOURCES, so that it
/// can always be closed. Any thread.
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

/// Closes an owner; call it before its functions are unloaded, while no lock is held that they take. From
/// now on, also when it is closed, whoever names it is refused with DCC_ERROR_SHUTDOWN. Its registrations
/// are dropped, its jobs' `is_cancelled` are asked no more, its jobs that have not begun, and steps between
/// two slices, end as interrupted, and every destroy-notify runs, on this thread or where it is running
/// already. Completions of its posted jobs run, too, if this is the thread of their dispatcher; on another
/// thread, and of jobs that run on another thread at this moment, they are left out and counted
/// (`completions_dropped` of dcc_dispatcher_read_stats). Its dispatchers are closed, which asks their jobs to
/// stop, and call no function of their descriptor any more. Then it waits for calls of its functions on other
/// threads, however long they take: of its posted jobs in dispatchers of others, cancel those that run first.
/// When it returns DCC_OK none of its functions will be called again, whatever is cancelled, and the handle
/// is released; jobs of dcc_job_create that are running go on, without their functions.
///
/// DCC_ERROR_WOULD_DEADLOCK, and nothing happened: called from inside one of its functions; or from
/// another's function, while the library on this thread is calling, ending or closing something of the
/// owner; or a thread that is inside so waits, over whatever threads, for this one. Call it again after
/// that function returned. DCC_ERROR_RESOURCES, and nothing happened: no memory to wait with. While it
/// closes, a wait that would wait for it, and for which it would wait, is refused instead. Any thread.
/// NULL: nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_owner_close(owner: *mut dcc_owner) -> dcc_status {
    guard(|| {
        if !owner.is_null() {
            library().dispatchers().close_owner(handle(owner), thread::number())?;
        }
        Ok(DCC_OK)
    })
}
