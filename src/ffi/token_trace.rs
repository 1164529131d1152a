//! Distributed traces: the `traceparent` that a token works for.

use super::guard::guard;
use super::out::TextOut;
use super::status::{DCC_OK, dcc_status};
use super::token::{dcc_cancel_token, pinned, tokens};
use crate::diagnosis::trace_parent::TRACE_PARENT;
use std::ffi::c_char;

/// Size of a buffer for a `traceparent`, with its NUL.
pub const DCC_TRACE_PARENT_SIZE: usize = 56;

const _: () = assert!(DCC_TRACE_PARENT_SIZE == TRACE_PARENT + 1);

/// Writes the `traceparent` of W3C's Trace Context that a token works for: the `traceparent` that
/// came with the token's request, see dcc_request_desc, or that of its nearest ancestor that has
/// one. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason. The token of
/// a request or a job keeps the `traceparent`; other tokens have it until they are cancelled. The
/// text is empty if there is none. DCC_TRACE_PARENT_SIZE bytes are enough.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_cancel_token_trace_parent(
    token: *const dcc_cancel_token,
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        let trace = pinned(token)?.and_then(|token| tokens().trace_parent(&token));
        to.write(trace.as_ref().map_or("", |trace| trace.as_str()));
        Ok(DCC_OK)
    })
}
