//! Peers, what they ask for, and how they cancel it.
//!
//! - [`session`]: the sessions. [`kept`]: what an id stands for, [`id_table`] for all ids of a session,
//!   [`id_ages`] and for how long.
//! - [`request`]: requests in flight, each with its token. [`cancel`]: their cancels.

pub mod cancel;
pub mod id_ages;
pub mod id_table;
pub mod kept;
pub mod request;
pub mod session;
