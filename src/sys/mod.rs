//! The ground: what the standard library and the operating system give, behind a safe API.
//!
//! Together with `ffi` the only place with unsafe code.

pub mod allocator;
pub mod callout;
pub mod clock;
pub mod endpoint;
pub mod file;
pub mod host;
pub mod memory;
#[cfg(debug_assertions)]
pub mod scarce_memory;
pub mod sync;
pub mod thread_id;
pub mod thread_identity;
pub mod weakened;
pub mod work;

#[cfg(not(loom))]
pub mod futex;
#[cfg(not(loom))]
pub mod instance;
#[cfg(not(loom))]
pub mod lock;
pub mod native_event;
#[cfg(not(loom))]
pub mod process;
#[cfg(not(loom))]
pub mod processors;
#[cfg(not(loom))]
pub mod service_thread;
#[cfg(not(loom))]
pub mod thread_exit;
#[cfg(not(loom))]
pub mod thread_slot;
