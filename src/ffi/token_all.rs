//! Tokens that are cancelled when all of their parents have left.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::out::HandleOut;
use super::status::{DCC_ALREADY_CANCELLED, DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, handles, tokens};
use crate::error::Error;
use crate::token::TokenPin;
use crate::token::all::Joined;

/// Creates a token that is cancelled when all of its `count` parents have left, and writes it to
/// `out_token`. Any thread may call this. A parent leaves when it is cancelled, or when its last
/// reference is gone. Use it for a result that several callers wait for, such as a shared bake or
/// download, which stops when the last of them has left. For a token that is cancelled when any
/// parent is, use dcc_cancel_token_create_from.
///
/// - If all parents have left already, the token is cancelled at once.
/// - Without parents the token waits for the first parent that joins (dcc_cancel_token_join).
/// - A NULL entry stands for a parent that never leaves. So does a sealed parent (dcc_job_seal),
///   which wants the result in any case.
/// - The handle of a dead parent fails the call with DCC_ERROR_INVALID_HANDLE. One parent may be
///   given several times.
///
/// You get one reference, which you release. The token does not keep its parents alive, and they do
/// not keep it alive. It can be cancelled, get a deadline and be a parent, as any other token.
///
/// The token has the cause, time and reason of the parent that left last. If that parent was gone
/// rather than cancelled, the cause is DCC_CAUSE_REQUEST and the reason is "nobody waits for it any
/// more". The cancel or release that makes the last parent leave cancels the token, and what is
/// below it, before it returns. The token's callbacks run in that call too, or on the library's
/// callback thread if the call is one that leaves callbacks to that thread, such as
/// dcc_cancel_token_cancel_async. If several parents leave at the same moment, one of them is the
/// last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_create_all(
    parents: *const *const dcc_cancel_token,
    count: usize,
    out_token: *mut *mut dcc_cancel_token,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_token", out_token) };
    guard_creating(|| {
        let to = to?;
        // SAFETY: the C caller's promise: `count` readable entries.
        let given = unsafe { handles("parents", "count", parents, count)? };
        let mut list = Vec::new();
        list.try_reserve_exact(count).map_err(|_| Error::Resources("memory for parents"))?;
        list.extend(given);
        to.write(tokens().create_all(&list)?);
        Ok(())
    })
}

/// Lets a token of dcc_cancel_token_create_all wait for one more parent. Any thread may call this.
/// The parent leaves as the others do; a NULL parent never leaves.
///
/// - DCC_OK: the token waits for this parent, too. The token itself can still be cancelled. If
///   `token` is NULL, the answer is DCC_OK and nothing happens.
/// - DCC_ALREADY_CANCELLED: too late, all parents had left or the token was cancelled. Create a new
///   token, and begin the work of the old one again.
/// - DCC_ERROR_INVALID_ARGUMENT: the token does not come from dcc_cancel_token_create_all.
///
/// A join at the same moment as the last leave comes before or after it, and the answer says which.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_cancel_token_join(
    token: *const dcc_cancel_token,
    parent: *const dcc_cancel_token,
) -> dcc_status {
    guard(|| {
        if token.is_null() {
            return Ok(DCC_OK);
        }
        let token = TokenPin::new(tokens(), handle(token))?;
        Ok(match tokens().join(&token, handle(parent))? {
            Joined::Waits => DCC_OK,
            Joined::TooLate => DCC_ALREADY_CANCELLED,
        })
    })
}
