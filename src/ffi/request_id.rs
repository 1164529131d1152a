//! `dcc_request_id`: a peer's id for a request, or its progress token.

use super::argument::text;
use super::guard::Outcome;
use super::limits::DCC_MAX_REQUEST_ID_LENGTH;
use crate::error::Error;
use crate::json_rpc::request_id::IdRef;
use std::ffi::c_char;

/// Type of an id: a 64-bit integer.
pub const DCC_ID_INTEGER: i32 = 1;
/// Type of an id: a text.
pub const DCC_ID_TEXT: i32 = 2;

/// A peer's id for one of its requests, in the type that came over the wire: 1 is not "1".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_request_id {
    /// DCC_ID_INTEGER or DCC_ID_TEXT.
    pub r#type: i32,
    /// Zero.
    pub reserved: u32,
    /// The id if `type` is DCC_ID_INTEGER.
    pub integer: i64,
    /// The id if `type` is DCC_ID_TEXT: UTF-8, up to DCC_MAX_REQUEST_ID_LENGTH bytes; read during
    /// the call only.
    pub text: *const c_char,
    /// Length of `text` in bytes, or DCC_NUL_TERMINATED.
    pub text_length: usize,
}

/// # Safety
/// The id's text is as the header demands.
pub(super) unsafe fn id_of<'call>(id: &dcc_request_id) -> Outcome<IdRef<'call>> {
    if id.reserved != 0 {
        return Err(Error::Reserved("dcc_request_id"));
    }
    match id.r#type {
        DCC_ID_INTEGER => Ok(IdRef::Integer(id.integer)),
        // SAFETY: promised by the caller.
        DCC_ID_TEXT => Ok(IdRef::Text(unsafe {
            text("dcc_request_id.text", id.text, id.text_length, DCC_MAX_REQUEST_ID_LENGTH)
        }?)),
        given => {
            let known = "DCC_ID_INTEGER or DCC_ID_TEXT";
            Err(Error::UnknownValue { what: "dcc_request_id.type", given, known })
        }
    }
}

/// # Safety
/// `id` is NULL or an id as the header demands.
pub(super) unsafe fn read_id<'call>(id: *const dcc_request_id) -> Outcome<IdRef<'call>> {
    // SAFETY: promised by the caller.
    match unsafe { id.as_ref() } {
        // SAFETY: promised by the caller.
        Some(id) => unsafe { id_of(id) },
        None => Err(Error::NullDescriptor { what: "id", structure: "dcc_request_id" }),
    }
}
