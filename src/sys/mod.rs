//! The ground: what the standard library and the operating system give, behind a safe API.
//!
//! Together with `ffi` the only place with unsafe code.

pub mod callout;
pub mod clock;
pub mod memory;
pub mod sync;

#[cfg(not(loom))]
pub mod instance;
#[cfg(not(loom))]
pub mod thread_exit;
#[cfg(not(loom))]
pub mod thread_slot;
