//! The ground: what the standard library and the operating system give, behind a safe API.
//!
//! Together with `ffi` the only place with unsafe code. What models have no use for is left out under
//! `cfg(loom)`.
//!
//! - Threads that meet: [`sync`] atomics, locks and once-cells, loom's own in models; `lock` the real locks,
//!   over words that sleep, `futex`, and `futex_table` where the system has none such; [`sleepers`] who
//!   sleeps on a word of a slot, [`parking`] who waits for a bit of another word. [`weakened`]: guards that
//!   models take away.
//! - Memory that may run out: [`fallible`] allocating with an answer, [`allocator`] a reserve for code that
//!   has no answer, `scarce_memory` tests that make it short.
//! - Functions of a plugin: [`callout`] user data, callbacks, checks and destroy-notifies; [`host`] those of
//!   a dispatcher's host, [`work`] those of a posted job, [`bound`] what a thread runs in a context.
//! - Threads: `thread_slot` words of their own, [`thread_rack`] free cells of their own, `thread_exit` a hook
//!   at their end; [`thread_identity`] a number that tells living ones apart and costs next to nothing,
//!   [`system_thread`] the number and the name that debuggers show. `service_thread`: one of the library's
//!   own. `processors`: how many run at a time.
//! - The process: `process` forks and its end; `instance` which copy of the library this is, `mark` what all
//!   copies see, in whatever link namespace.
//! - The processor: [`prefetch`] what will be used soon, [`ticks`] its own counter of time.
//! - The outside: [`clock`], [`native_event`], [`file`](mod@file) files that are replaced whole, [`endpoint`]
//!   where other programs of the user reach this process.

pub mod allocator;
pub mod bound;
pub mod callout;
pub mod clock;
pub mod endpoint;
pub mod fallible;
pub mod file;
pub mod host;
pub mod lendable;
pub mod native_event;
pub mod parking;
pub mod prefetch;
#[cfg(debug_assertions)]
pub mod scarce_memory;
pub mod sleepers;
pub mod sync;
pub mod system_thread;
pub mod thread_identity;
pub mod thread_rack;
pub mod ticks;
pub mod weakened;
pub mod words;
pub mod work;

#[cfg(not(loom))]
pub mod futex;
// For systems without words that sleep. Tested on all that have pthreads.
#[cfg(all(
    not(loom),
    any(all(unix, test), not(any(target_os = "linux", target_os = "android", windows)))
))]
mod futex_table;
#[cfg(not(loom))]
pub mod instance;
#[cfg(not(loom))]
pub mod lock;
#[cfg(all(not(loom), any(target_os = "linux", target_os = "android")))]
mod mark;
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
