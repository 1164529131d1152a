//! Peers, what they ask for, and how they cancel it.
//!
//! - [`session`]: the sessions. [`kept`]: what an id stands for, and whether that is fresh still;
//!   [`id_table`]: that for all ids of a session, [`id_hash`] by their hash. [`id_ages`]: which is oldest.
//! - [`request`]: requests in flight, each with its token. [`cancel`]: their cancels.

pub mod cancel;
pub mod id_ages;
pub mod id_hash;
pub mod id_table;
pub mod kept;
pub mod request;
pub mod session;
