//! `dcc_cancel_token_register*` and `dcc_registration_*`: callbacks.

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

/// A registration: a callback that a cancel of a token calls. It is yours until you unregister it, even after
/// the callback has run and after the token has died.
pub struct dcc_registration(());

/// A function that is called once when a token is cancelled. `token` is lent for the duration of
/// the call. The function must not unwind or longjmp. It may use the library freely: register,
/// unregister (also itself), cancel, create and release anything.
pub type dcc_cancel_fn =
    Option<unsafe extern "C" fn(token: *const dcc_cancel_token, user_data: *mut c_void)>;

/// Registers `function`, which is called once when `token` is cancelled. Any thread may call this.
///
/// The function runs on the thread that cancels the token; for deadlines and
/// dcc_cancel_token_cancel_async it runs on the library's callback thread. It runs after the flags
/// of the token and of everything below it are set. The newest registration of a token is called
/// first. If the token is already cancelled, the function runs on this thread before this call
/// returns. For a NULL or a sealed token (dcc_job_seal) it never runs.
///
/// `out_registration` gets the handle to unregister. If it is NULL, the registration ends by
/// itself. `owner` is the plugin that both functions belong to, NULL if they stay loaded. The
/// registration does not keep the token alive; dcc_cancel_token_register_keeping does.
///
/// `destroy` may be NULL. Else it is called exactly once with `user_data` after the last use of it:
/// after the callback, or when the registration is unregistered, the token is sealed or gone
/// without a cancel, or `owner` is closed. If this call fails, no function is called and
/// `user_data` is still yours.
///
/// A cancel at the same moment finds the registration, or the registration finds the cancel: the
/// function is called once in either case.
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

/// As dcc_cancel_token_register, but the registration keeps `token` alive until it is unregistered
/// or its function has been called, as a scoped C++ object does. Any thread may call this. You may
/// release the token at once: the function is called when a parent of the token is cancelled, its
/// deadline passes, or its job's own check says stop.
///
/// The token is kept only while it has such a parent, deadline or check. Without one, and without
/// an owner of a reference, nobody can cancel the token. It is then gone in spite of its
/// registrations: waits for it end as gone, and `destroy` is called.
///
/// `out_registration` must not be NULL, because the caller has to end what keeps the token alive.
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
    // SAFETY: the caller's promise. A pointer to an opaque structure is passed as one to void is.
    Ok(unsafe {
        let function = std::mem::transmute::<unsafe extern "C" fn(_, _), CancelFn>(function);
        Callback::new(function, Payload::new(UserData::new(user_data), destroy))
    })
}

/// Ends a registration and your use of its handle, and waits for the callback if that is running on
/// another thread. Any thread may call this; hold no lock that the callback takes. When it returns,
/// the callback is not running on another thread and never will, and `destroy` has been called. A
/// NULL registration is DCC_OK, and nothing happens.
///
/// - DCC_OK: the callback had not begun and will not run. `destroy` ran in this call.
/// - DCC_CALLBACK_DONE: the callback had run or had been dropped, because its token was gone or
///   sealed or its owner was closed. If it was running on another thread, this call waited for it,
///   and for nothing else.
/// - DCC_CALLBACK_RUNNING: the call was made from inside the callback. `destroy` is called after
///   the callback has returned.
/// - DCC_ERROR_WOULD_DEADLOCK: the callback is running and waits, directly or through other
///   threads, for this thread. The handle stays yours; use dcc_registration_unregister_no_wait.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_registration_unregister(registration: *mut dcc_registration) -> dcc_status {
    guard(|| unregister(registration, true))
}

/// As dcc_registration_unregister, but never waits. Any thread may call this. DCC_CALLBACK_RUNNING
/// is the answer even if the callback is running on another thread. The callback and `destroy` may
/// then still be running when this call returns.
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
