//! How long what comes in may be. How many of something there may be, stands with that something.

use crate::json_rpc::request_id::MAX_ID_BYTES;
use crate::json_rpc::wire::{MAX_MESSAGE_BYTES, MAX_REASON_BYTES};

/// Most bytes of a caller id, a token's or a job's.
pub const DCC_MAX_CALLER_ID_LENGTH: usize = 128;
/// Most bytes of a reason, a label, a message for people, a name, a path: all texts but ids share it.
pub const DCC_MAX_TEXT_LENGTH: usize = 4096;
/// Longest text of a request id in bytes.
pub const DCC_MAX_REQUEST_ID_LENGTH: usize = 256;
/// Most bytes of a message that is looked at: a longer one cancels nothing and is DCC_MESSAGE_OTHER.
pub const DCC_MAX_MESSAGE_LENGTH: usize = 4_194_304;

// What a peer sends is held to the same limits as what a plugin hands over.
const _: () = assert!(MAX_REASON_BYTES == DCC_MAX_TEXT_LENGTH);
const _: () = assert!(MAX_ID_BYTES == DCC_MAX_REQUEST_ID_LENGTH);
const _: () = assert!(MAX_MESSAGE_BYTES == DCC_MAX_MESSAGE_LENGTH);
