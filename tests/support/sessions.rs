//! What tests of sessions and requests share: the C functions behind small types.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::listening::{self, Token};
use dcc_cancel::ffi::{
    request::*, request_id::*, session::*, session_ids::*, session_message::*, session_stats::*,
    status::*,
};
use std::ffi::{CStr, c_char};
use std::ptr::null_mut;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(pub usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request(pub usize);

/// A request's id, a number or a text.
#[derive(Clone, Copy, Debug)]
pub enum Id<'a> {
    Int(i64),
    Text(&'a str),
}

use Id::{Int, Text};

impl Id<'_> {
    pub fn c(self) -> dcc_request_id {
        let (r#type, integer, text) = match self {
            Int(integer) => (DCC_ID_INTEGER, integer, ""),
            Text(text) => (DCC_ID_TEXT, 0, text),
        };
        let (text, text_length) = (text.as_ptr().cast(), text.len());
        dcc_request_id { r#type, reserved: 0, integer, text, text_length }
    }
}

pub fn read(
    write: impl FnOnce(*mut c_char, usize, *mut usize) -> dcc_status,
) -> (dcc_status, String) {
    let mut buffer = [0_u8; 6000];
    let mut length = 0;
    let status = write(buffer.as_mut_ptr().cast(), buffer.len(), &mut length);
    let text = CStr::from_bytes_until_nul(&buffer).unwrap().to_str().unwrap().to_owned();
    assert_eq!(text.len(), length);
    (status, text)
}

impl Session {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn http() -> Self {
        Self::with(|desc| desc.kind = DCC_SESSION_HTTP)
    }

    pub fn with(change: impl FnOnce(&mut dcc_session_desc)) -> Self {
        let mut session = null_mut();
        // SAFETY: zero is a value of the descriptor; a writable result.
        unsafe {
            let mut desc: dcc_session_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_session_desc>() as u32;
            change(&mut desc);
            assert_eq!(dcc_session_create(&desc, &mut session), DCC_OK);
        }
        Self(session.addr())
    }

    pub fn pointer(self) -> *mut dcc_session {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn try_begin(self, id: Id<'_>, flags: u32, parent: Token) -> Result<Request, dcc_status> {
        let mut request = null_mut();
        // SAFETY: zero is a value of the descriptor; a writable result.
        let status = unsafe {
            let mut desc: dcc_request_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_request_desc>() as u32;
            (desc.flags, desc.id, desc.parent) = (flags, id.c(), parent.pointer());
            dcc_request_begin(self.pointer(), &desc, &mut request)
        };
        if status == DCC_OK { Ok(Request(request.addr())) } else { Err(status) }
    }

    /// Begins a request whose peer asked for its progress.
    pub fn begin_told(self, id: Id<'_>, progress_token: Id<'_>) -> Request {
        let mut request = null_mut();
        // SAFETY: zero is a value of the descriptor; a writable result.
        unsafe {
            let mut desc: dcc_request_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_request_desc>() as u32;
            (desc.id, desc.progress_token) = (id.c(), progress_token.c());
            assert_eq!(dcc_request_begin(self.pointer(), &desc, &mut request), DCC_OK);
        }
        Request(request.addr())
    }

    /// Begins a request after `change` has set more fields of its descriptor.
    pub fn begin_with(self, id: Id<'_>, change: impl FnOnce(&mut dcc_request_desc)) -> Request {
        let mut request = null_mut();
        // SAFETY: zero is a value of the descriptor; a writable result.
        unsafe {
            let mut desc: dcc_request_desc = std::mem::zeroed();
            (desc.struct_size, desc.id) = (size_of::<dcc_request_desc>() as u32, id.c());
            change(&mut desc);
            assert_eq!(dcc_request_begin(self.pointer(), &desc, &mut request), DCC_OK);
        }
        Request(request.addr())
    }

    pub fn begin(self, id: Id<'_>) -> Request {
        self.try_begin(id, 0, listening::NO_TOKEN).unwrap()
    }

    pub fn cancel(self, id: Id<'_>, reason: &str) -> dcc_status {
        // SAFETY: an id and a text of that length.
        unsafe { dcc_session_cancel(self.pointer(), &id.c(), reason.as_ptr().cast(), reason.len()) }
    }

    /// What the session knows about an id.
    pub fn state(self, id: Id<'_>) -> i32 {
        let mut state = -99;
        // SAFETY: an id, a writable result.
        let status = unsafe { dcc_session_query(self.pointer(), &id.c(), &mut state) };
        assert_eq!(status, DCC_OK);
        state
    }

    pub fn reason(self, id: Id<'_>) -> (dcc_status, String) {
        // SAFETY: an id; a writable buffer of that size.
        read(|buffer, size, length| unsafe {
            dcc_session_reason(self.pointer(), &id.c(), buffer, size, length)
        })
    }

    pub fn clear(self, id: Id<'_>) -> dcc_status {
        // SAFETY: an id.
        unsafe { dcc_session_clear(self.pointer(), &id.c()) }
    }

    pub fn sweep(self, ttl: Duration) -> u64 {
        let mut count = 0;
        // SAFETY: a writable result.
        let status =
            unsafe { dcc_session_sweep(self.pointer(), ttl.as_nanos() as u64, &mut count) };
        assert_eq!(status, DCC_OK);
        count
    }

    /// Handles a message and returns its kind.
    pub fn handle(self, message: &str) -> i32 {
        self.handle_info(message).message
    }

    pub fn handle_info(self, message: &str) -> dcc_message_info {
        // SAFETY: bytes of that length; zero is a value of the structure, which has that size.
        unsafe {
            let mut info: dcc_message_info = std::mem::zeroed();
            info.struct_size = size_of::<dcc_message_info>() as u32;
            let (bytes, length) = (message.as_ptr().cast(), message.len());
            let status = dcc_session_handle_message(self.pointer(), bytes, length, &mut info);
            assert_eq!(status, DCC_OK);
            info
        }
    }

    pub fn stats(self) -> dcc_session_stats {
        // SAFETY: zero is a value of the structure; then one of that size.
        unsafe {
            let mut info: dcc_session_stats = std::mem::zeroed();
            info.struct_size = size_of::<dcc_session_stats>() as u32;
            assert_eq!(dcc_session_read_stats(self.pointer(), &mut info), DCC_OK);
            info
        }
    }

    pub fn close(self) {
        assert_eq!(dcc_session_close(self.pointer()), DCC_OK);
    }

    pub fn release(self) {
        assert_eq!(dcc_session_release(self.pointer()), DCC_OK);
    }
}

impl Request {
    pub fn pointer(self) -> *mut dcc_request {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn token(self) -> Token {
        Token(dcc_request_token(self.pointer()).addr())
    }

    pub fn is_cancelled(self) -> bool {
        self.token().is_cancelled()
    }

    /// Ends the request; returns the status, and which answer the peer is owed.
    pub fn end(self) -> (dcc_status, i32) {
        let mut owed = 0;
        // SAFETY: a writable result.
        (unsafe { dcc_request_end(self.pointer(), &mut owed) }, owed)
    }

    pub fn reply(self) -> String {
        // SAFETY: a writable buffer of that size.
        let (status, text) = read(|buffer, size, length| unsafe {
            dcc_request_write_cancelled(self.pointer(), buffer, size, length)
        });
        assert_eq!(status, DCC_OK);
        text
    }

    pub fn release(self) {
        assert_eq!(dcc_request_release(self.pointer()), DCC_OK);
    }

    pub fn finish(self) {
        assert_eq!(self.end().0, DCC_OK);
        self.release();
    }
}
