//! Tokens that are cancelled when all that they wait for have left.

use super::argument::handle;
use super::guard::{guard, guard_creating};
use super::out::HandleOut;
use super::status::{DCC_ALREADY_CANCELLED, DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, handles, tokens};
use crate::error::Error;
use crate::token::TokenPin;
use crate::token::all::Joined;

/// Creates a token that is cancelled when all of `count` parents have left, which each does when it is
/// cancelled or when nobody holds it any more: for a result that several wait for, such as a bake or a
/// download that is shared, and that stops when the last of them has left. A token that is cancelled when
/// any of its parents is comes from dcc_cancel_token_create_from.
///
/// More may join, see dcc_cancel_token_join. Without parents the token waits for the first one that joins.
/// If all have left already, it is cancelled at once. NULL entries stand for those that never leave, so the
/// token is then not cancelled by the others; so does a parent that is sealed (dcc_job_seal): it wants the
/// result in any case. A stale one fails the call. One parent may be given several
/// times.
///
/// It has the cause, time and reason of the parent that left last; where that was not cancelled but gone,
/// the cause is DCC_CAUSE_REQUEST and the reason "nobody waits for it any more". It can be cancelled, given
/// a deadline, be a parent and so on as any token. It holds no parent alive, nor they it. The last leave
/// cancels it, and what is below it, before the call that made that parent leave returns; its callbacks run
/// in that call, be it a cancel or a release, or on the library's callback thread where such a call leaves
/// them to that. Of leaves at the same moment one is the last. The token is one reference, yours to
/// release. Any thread.
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

/// Lets a token of dcc_cancel_token_create_all wait for one more parent, which leaves as the others do;
/// NULL never leaves. DCC_OK: the token is not cancelled before this one has left, too, unless somebody
/// cancels the token itself. DCC_ALREADY_CANCELLED: too late, all had left or the token was cancelled: make
/// a new one, and begin anew what it is for. DCC_ERROR_INVALID_ARGUMENT for any other token. A join at the
/// same moment as the last leave comes before or after it, and the answer says which. NULL for `token`:
/// nothing happens. Any thread.
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
