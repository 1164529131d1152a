//! Messages of peers. It knows no tokens.
//!
//! - [`wire`]: which request a message cancels. [`reply`]: what a cancelled request is answered.
//! - [`meta`]: what a request says of itself besides.
//! - [`request_id`]: what a request is called, in its exact type; [`id_key`] in the form in which that is
//!   compared.
//! - [`progress`]: how far a request is, and the notification of it.
//! - [`progress_gate`]: when that is told while the request runs. After its end `peer/request.rs` refuses.

pub mod id_key;
pub mod meta;
pub mod progress;
pub mod progress_gate;
pub mod reply;
pub mod request_id;
pub mod wire;
