//! `dcc_session_handle_message`: a peer's messages that cancel requests of its session.

use super::argument::{Versioned, message};
use super::guard::guard;
use super::library_threads;
use super::limits::DCC_MAX_REQUEST_ID_LENGTH;
use super::out::StructOut;
use super::request_id::{DCC_ID_INTEGER, DCC_ID_TEXT};
use super::session::{dcc_session, pinned, requests};
use super::status::{DCC_OK, dcc_status};
use crate::json_rpc::request_id::IdRef;
use crate::json_rpc::wire::MAX_BATCH;
use crate::peer::cancel::{Handled, PeerCancel};
use std::ffi::c_char;

/// Maximum number of messages that are read of a batch. Later ones cancel nothing and count as
/// malformed.
pub const DCC_MAX_BATCH: usize = 1000;

const _: () = assert!(DCC_MAX_BATCH == MAX_BATCH);

/// What a message was: the first cancel of a request in flight.
pub const DCC_MESSAGE_CANCELLED: i32 = 1;
/// What a message was: a cancel of a request that was cancelled before, cannot be cancelled, or is
/// past its point of no return because it or a job for it is sealed.
pub const DCC_MESSAGE_WITHOUT_EFFECT: i32 = 2;
/// What a message was: a cancel that is held for its request.
pub const DCC_MESSAGE_HELD: i32 = 3;
/// What a message was: a cancel that was ignored because no request in flight has its id.
pub const DCC_MESSAGE_UNKNOWN: i32 = 4;
/// What a message was: not a cancel; you handle the message.
pub const DCC_MESSAGE_OTHER: i32 = 5;
/// What a message was: not a JSON-RPC message, or a cancel that names no request.
pub const DCC_MESSAGE_MALFORMED: i32 = 6;

/// Size of a buffer for a request's id as text, with its NUL.
pub const DCC_REQUEST_ID_SIZE: usize = 264;

const _: () = assert!(DCC_REQUEST_ID_SIZE > DCC_MAX_REQUEST_ID_LENGTH);

/// What a message was. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_message_info {
    /// sizeof(dcc_message_info); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Kind of the message, one of the DCC_MESSAGE_ constants. For a batch it is the kind of its
    /// first cancel; if it has none, DCC_MESSAGE_MALFORMED if a message is malformed, else
    /// DCC_MESSAGE_OTHER.
    pub message: i32,
    /// Type of the id that the cancel names: DCC_ID_INTEGER, DCC_ID_TEXT, or 0 if it was no cancel.
    pub id_type: i32,
    /// Bytes in `id_text`.
    pub id_text_length: u32,
    /// The id if it is an integer.
    pub id_integer: i64,
    /// The id if it is a text; ended by NUL.
    pub id_text: [c_char; DCC_REQUEST_ID_SIZE],
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_message_info {
    const NAME: &'static str = "dcc_message_info";
}

impl dcc_message_info {
    const OTHER: Self = Self {
        struct_size: 0,
        message: DCC_MESSAGE_OTHER,
        id_type: 0,
        id_text_length: 0,
        id_integer: 0,
        id_text: [0; DCC_REQUEST_ID_SIZE],
    };

    /// Adds the next message of a batch: a cancel counts more than a malformed message, that more
    /// than any other, and among equals the first.
    fn add(&mut self, message: i32, id: Option<IdRef<'_>>) {
        let is_cancellation = self.message < DCC_MESSAGE_OTHER;
        if is_cancellation || self.message == DCC_MESSAGE_MALFORMED && message >= DCC_MESSAGE_OTHER
        {
            return;
        }
        self.message = message;
        match id {
            None => (),
            Some(IdRef::Integer(integer)) => {
                (self.id_type, self.id_integer) = (DCC_ID_INTEGER, integer);
            }
            Some(IdRef::Text(text)) => {
                (self.id_type, self.id_text_length) = (DCC_ID_TEXT, text.len() as u32);
                for (to, byte) in self.id_text.iter_mut().zip(text.bytes()) {
                    *to = byte as c_char;
                }
            }
        }
    }
}

/// Does what a message from the peer asks for, if it is a cancel. Any thread may call this, even a
/// transport thread: it cancels as dcc_cancel_token_cancel_async does, so callbacks run on the
/// library's callback thread.
///
/// Cancels are MCP's `notifications/cancelled`, LSP's `$/cancelRequest` and ACP's
/// `$/cancel_request`, alone or in a batch. In a session of kind DCC_SESSION_TASKS only MCP's
/// `tasks/cancel` is one. You handle all other messages. `message` has `message_length` bytes, as
/// they came over the wire; DCC_MAX_MESSAGE_LENGTH and DCC_MAX_BATCH limit what is read. The call
/// writes what the message was, and which request it named, to `out_info`, which may be NULL.
///
/// A peer cannot make this call fail: malformed messages are ignored and counted, see
/// dcc_session_read_stats. DCC_ERROR_RESOURCES: there was no memory to read the message. A part of
/// a batch may have been handled by then. Pass the same bytes again: a repeated cancel has no
/// effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_session_handle_message(
    session: *const dcc_session,
    message: *const c_char,
    message_length: usize,
    out_info: *mut dcc_message_info,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: readable for that length, and NULL or writable for the size
        // that it says.
        let (bytes, to) = unsafe {
            (self::message("message", message, message_length)?, StructOut::optional(out_info)?)
        };
        let pin = pinned(session)?;
        library_threads::ensure_callback_thread()?;
        let mut info = dcc_message_info::OTHER;
        requests().handle_message(&pin, bytes, |handled, id| {
            let message = match handled {
                Handled::Cancel(PeerCancel::First) => DCC_MESSAGE_CANCELLED,
                Handled::Cancel(PeerCancel::Again | PeerCancel::Sealed | PeerCancel::Refused) => {
                    DCC_MESSAGE_WITHOUT_EFFECT
                }
                Handled::Cancel(PeerCancel::Held) => DCC_MESSAGE_HELD,
                Handled::Cancel(PeerCancel::Unknown) => DCC_MESSAGE_UNKNOWN,
                Handled::NotACancellation => DCC_MESSAGE_OTHER,
                Handled::Malformed(_) => DCC_MESSAGE_MALFORMED,
            };
            info.add(message, id);
        })?;
        to.write(&info);
        Ok(DCC_OK)
    })
}
