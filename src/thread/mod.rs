//! What is current on a thread.
//!
//! - [`current`]: the two slots, tickets, and the probe that reads them.
//! - [`context`]: the references that the slots hold; captured contexts.

pub mod context;
pub mod current;
