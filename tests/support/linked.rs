//! Descriptors for tokens with parents.

use dcc_cancel::ffi::token::{dcc_cancel_token, dcc_cancel_token_desc};
use std::ptr::null;

/// A descriptor with these parents. It points to the slice, so it is valid as long as the slice is.
pub fn linked_to(parents: &[*const dcc_cancel_token]) -> dcc_cancel_token_desc {
    dcc_cancel_token_desc {
        struct_size: size_of::<dcc_cancel_token_desc>() as u32,
        flags: 0,
        parents: parents.as_ptr(),
        parent_count: parents.len(),
        caller_id: null(),
        caller_id_length: 0,
    }
}
