//! Calls of the library that several parts of the benchmark make.

use dcc_cancel::ffi::{status::DCC_OK, token::*};
use std::ptr::{null, null_mut};

pub type Token = *mut dcc_cancel_token;

pub fn create(parents: &[*const dcc_cancel_token]) -> Token {
    let mut token = null_mut();
    let desc = dcc_cancel_token_desc {
        struct_size: size_of::<dcc_cancel_token_desc>() as u32,
        flags: 0,
        parents: parents.as_ptr(),
        parent_count: parents.len(),
        caller_id: null(),
        caller_id_length: 0,
    };
    // SAFETY: a filled-in descriptor, a writable result.
    let status = unsafe { dcc_cancel_token_create_from(&desc, &mut token) };
    assert_eq!(status, DCC_OK);
    token
}

pub fn release(token: Token) {
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
}

pub fn cancel(token: Token) {
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_cancel_token_cancel(token, null(), 0) }, DCC_OK);
}

pub fn is_cancelled(token: Token) -> bool {
    dcc_cancel_token_is_cancelled(token) > 0
}
