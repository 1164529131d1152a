//! `dcc_cancel_token_register` and `dcc_registration_*`.

use super::argument::handle;
use super::guard::{Outcome, guard, guard_creating};
use super::job::dcc_destroy_fn;
use super::out::HandleOut;
use super::owner::dcc_owner;
use super::status::{DCC_CALLBACK_DONE, DCC_CALLBACK_RUNNING, DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, tokens};
use crate::error::Error;
use crate::sys::callout::{Callback, CancelFn, Payload, UserData};
use crate::token::keep::Tie;
use crate::token::register::Unregistered;
use std::ffi::c_void;

/// A callback that is registered with a token. The pointer is a handle, yours until you
/// unregister it, also after the callback has run and after the token is gone.
pub struct dcc_registration(());

/// Called once when a token is cancelled. `token` is borrowed: good during the call. Must not
/// unwind or longjmp. May use the library as it likes: register, unregister (also itself), cancel,
/// create and release anything.
pub type dcc_cancel_fn =
    Option<unsafe extern "C" fn(token: *const dcc_cancel_token, user_data: *mut c_void)>;

/// Calls `function` once when `token` is cancelled, on the thread that cancels it (deadlines and
/// dcc_cancel_token_cancel_async: on the library's callback thread), after the flags of the token
/// and all its descendants are set; at once, on this thread, before this returns, if it is
/// cancelled already. The newest registration of a token is called first.
///
/// `destroy`, if not NULL, is called exactly once with `user_data` after the last use of it: after
/// the callback, when it is unregistered, when the token is gone without a cancel or sealed
/// (dcc_job_seal), or when `owner` is closed. On an error nothing is called and `user_data` is still yours.
///
/// `owner` is the plugin that the functions belong to, NULL if they stay loaded. A registration
/// keeps no token alive, see dcc_cancel_token_register_keeping. `out_registration` gets the handle to
/// unregister; with NULL for it the registration ends by itself. A NULL token is never cancelled, nor is a
/// sealed one any more. Any
/// thread; a cancel at the same moment either finds the registration or is found by it, never neither.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_register(
    token: *const dcc_cancel_token,
    function: dcc_cancel_fn,
    user_data: *mut c_void,
    destroy: dcc_destroy_fn,
    owner: *const dcc_owner,
    out_registration: *mut *mut dcc_registration,
) -> dcc_status {
    // SAFETY: the C caller's promise: NULL or a writable result.
    let to = unsafe { HandleOut::optional(out_registration) };
    guard_creating(|| {
        // SAFETY: the C caller's promise about both functions.
        let callback = unsafe { callback(function, user_data, destroy) }?;
        let tie = if to.is_wanted() { Tie::Named } else { Tie::Detached };
        let registration = tokens()
            .register_at(handle(token), callback, handle(owner), tie)
            .map_err(|(error, _callers)| error)?;
        to.write(registration);
        Ok(())
    })
}

/// As dcc_cancel_token_register, and the registration keeps `token` alive until it is unregistered or has
/// been called, as a scoped object of C++ does: you may release the token at once, and are called when one
/// of its parents is cancelled, its deadline comes or its job's own check says so.
///
/// That is as long as there is such a parent, deadline or check. A token without one that nobody owns can
/// be cancelled by nobody: it is gone although it has such registrations, waits for it end as gone, and
/// `destroy` is called.
///
/// `out_registration` must not be NULL: who keeps a token has to let go of it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_register_keeping(
    token: *const dcc_cancel_token,
    function: dcc_cancel_fn,
    user_data: *mut c_void,
    destroy: dcc_destroy_fn,
    owner: *const dcc_owner,
    out_registration: *mut *mut dcc_registration,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_registration", out_registration) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise about both functions.
        let callback = unsafe { callback(function, user_data, destroy) }?;
        let registration = tokens()
            .register_at(handle(token), callback, handle(owner), Tie::Keeping)
            .map_err(|(error, _callers)| error)?;
        to.write(registration);
        Ok(())
    })
}

/// # Safety
/// The functions take `user_data`, and may be called as `dcc_cancel_token_register` says.
unsafe fn callback(
    function: dcc_cancel_fn,
    user_data: *mut c_void,
    destroy: dcc_destroy_fn,
) -> Result<Callback, Error> {
    let function = function.ok_or(Error::InvalidArgument(
        "function is NULL; pass the function to call when the token is cancelled",
    ))?;
    // SAFETY: the caller's promise. A pointer to an opaque structure and one to void are passed alike.
    Ok(unsafe {
        let function = std::mem::transmute::<unsafe extern "C" fn(_, _), CancelFn>(function);
        Callback::new(function, Payload::new(UserData::new(user_data), destroy))
    })
}

/// Ends a registration and your use of its handle. When it returns, the callback is not running on
/// another thread and never will be, and the destroy-notify has run.
///
/// DCC_OK: it was waiting, and the destroy-notify ran in this call. DCC_CALLBACK_DONE: it had run, or
/// its token was gone, or its owner was closed; if it was running on another thread, this waited for it,
/// and for nothing else. DCC_CALLBACK_RUNNING: called from inside the callback; the destroy-notify runs
/// after the callback returned. DCC_ERROR_WOULD_DEADLOCK: the callback is running and waits, over
/// whatever threads, for this one; the handle stays yours, use dcc_registration_unregister_no_wait. Hold
/// no lock that the callback takes. Any thread. NULL: nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_registration_unregister(registration: *mut dcc_registration) -> dcc_status {
    guard(|| unregister(registration, true))
}

/// As dcc_registration_unregister, but never waits: DCC_CALLBACK_RUNNING also if the callback is
/// running on another thread; then it and the destroy-notify may still be running when this
/// returns. Any thread. NULL: nothing happens.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_registration_unregister_no_wait(
    registration: *mut dcc_registration,
) -> dcc_status {
    guard(|| unregister(registration, false))
}

fn unregister(registration: *mut dcc_registration, wait: bool) -> Outcome {
    if registration.is_null() {
        return Ok(DCC_OK);
    }
    Ok(match tokens().unregister(handle(registration), wait)? {
        Unregistered::Removed => DCC_OK,
        Unregistered::Done => DCC_CALLBACK_DONE,
        Unregistered::Running => DCC_CALLBACK_RUNNING,
    })
}
