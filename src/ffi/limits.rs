//! Maximum lengths of texts and messages that come in. Maximum counts stand with the objects that
//! are counted.

use crate::json_rpc::request_id::MAX_ID_BYTES;
use crate::json_rpc::wire::{MAX_MESSAGE_BYTES, MAX_REASON_BYTES};

/// Maximum length of a token's or a job's caller id, in bytes.
pub const DCC_MAX_CALLER_ID_LENGTH: usize = 128;
/// Maximum length of every text that is not an id (reason, label, message, name, path), in bytes.
pub const DCC_MAX_TEXT_LENGTH: usize = 4096;
/// Maximum length of a request id that is a text, in bytes.
pub const DCC_MAX_REQUEST_ID_LENGTH: usize = 256;
/// Maximum length of a peer's message that the library examines, in bytes. A longer message cancels
/// nothing and is reported as DCC_MESSAGE_OTHER.
pub const DCC_MAX_MESSAGE_LENGTH: usize = 4_194_304;

// A peer's message is held to the same limits as a plugin's arguments.
const _: () = assert!(MAX_REASON_BYTES == DCC_MAX_TEXT_LENGTH);
const _: () = assert!(MAX_ID_BYTES == DCC_MAX_REQUEST_ID_LENGTH);
const _: () = assert!(MAX_MESSAGE_BYTES == DCC_MAX_MESSAGE_LENGTH);
