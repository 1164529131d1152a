//! What is current on a thread.
//!
//! - [`current`]: the two slots, tickets, and the probe that reads them; the last error of a thread.
//!   `frames`: what is set, as a stack; [`value`]: what slots hold.
//! - [`context`]: the references that the slots hold; captured contexts.
//! - [`slice_clock`]: when the slice of a posted job is over that runs here.
//! - [`main_loops`]: what the library's timer and callback threads do.

pub mod context;
pub mod current;
mod frames;
pub mod main_loops;
pub mod slice_clock;
pub mod value;
