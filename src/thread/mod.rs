//! What is current on a thread.
//!
//! - [`current`]: the slots of a thread, tickets, the probe that reads the slots, and the thread's
//!   last error. `frames`: the stack of what was set. [`value`]: what slots hold.
//! - [`context`]: the references that the slots hold, and captured contexts.
//! - [`slice_clock`]: when the slice of the posted job that runs here is over.
//! - [`main_loops`]: the loops of the library's timer and callback threads.

pub mod context;
pub mod current;
mod frames;
pub mod main_loops;
pub mod slice_clock;
pub mod value;
