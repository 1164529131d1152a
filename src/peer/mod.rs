//! Peers, what they ask for, and how they cancel it.
//!
//! - [`session`]: the sessions; [`id_table`] what one knows of each id.
//! - [`request`]: requests in flight, each with its token. [`cancel`]: their cancels.

pub mod cancel;
pub mod id_table;
pub mod request;
pub mod session;
