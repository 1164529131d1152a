//! Peers, the requests that they make, and how they cancel them.
//!
//! - [`session`]: a peer's connection. [`kept`]: what an id stands for, and how long that is valid;
//!   [`id_table`]: a session's table of ids, [`id_hash`]: its hash, [`id_ages`]: which entries are
//!   oldest.
//! - [`request`]: requests in flight, each with its token. [`cancel`]: how they are cancelled.

pub mod cancel;
pub mod id_ages;
pub mod id_hash;
pub mod id_table;
pub mod kept;
pub mod request;
pub mod session;
