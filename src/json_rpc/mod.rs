//! Messages of peers. This module does not use tokens.
//!
//! - [`wire`]: which request a message cancels. [`reply`]: how a cancelled request is answered.
//! - [`meta`]: what a request's `_meta` says.
//! - [`request_id`]: the id of a request, in its exact type; [`id_key`]: the form in which ids are
//!   compared.
//! - [`progress`]: how far a request is, and the notification of it.
//! - [`progress_gate`]: which values are told, and when, while the request runs. After the
//!   request's end `peer/request.rs` refuses them.

pub mod id_key;
pub mod meta;
pub mod progress;
pub mod progress_gate;
pub mod reply;
pub mod request_id;
pub mod wire;
