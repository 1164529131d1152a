//! The lowest room: what the library uses of the standard library and the operating system, behind
//! a safe API.
//!
//! Unsafe code stands only here and in `ffi`. Files that models do not need are left out under
//! `cfg(loom)`.
//!
//! - Synchronisation: [`sync`] atomics, locks and once-cells, which are loom's in models; `lock`
//!   the real locks, built on `futex`, a wait for a word to change, and `futex_table`, the same for
//!   systems that have no such call; [`sleepers`] threads that sleep on a word of a slot,
//!   [`parking`] threads that wait for a bit of another word; [`lendable`] a value that may be
//!   taken away while others use it. [`weakened`]: guards that tests of the models take away.
//! - Memory that may run out: [`fallible`] allocations that answer instead of aborting,
//!   [`allocator`] a reserve for code that would abort, `scarce_memory` with which tests make
//!   memory short.
//! - Functions of a plugin: [`callout`] user data, callbacks, checks and destroy-notifies; [`host`]
//!   the functions of a dispatcher's host, [`work`] those of a posted job, [`bound`] those that a
//!   thread runs in a context.
//! - Threads: `thread_slot` words of each thread, [`thread_rack`] its free cells, `thread_exit` a
//!   hook at its end; [`thread_identity`] a cheap number that tells living threads apart,
//!   [`system_thread`] the number and the name that debuggers show; `service_thread` a thread of
//!   the library; `processors` how many threads run at a time.
//! - The process: `process` forks and its end; `instance` which copy of the library this is, `mark`
//!   a mark that all copies see, in whatever link namespace.
//! - The processor: [`prefetch`] hints at what will be used soon, [`ticks`] its counter of time.
//!   [`words`]: words as bytes.
//! - The outside: [`clock`], [`native_event`], [`file`](mod@file) files that are replaced whole,
//!   [`endpoint`] the socket or pipe by which other programs of the user reach this process.

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
// The module is for systems that have no call to sleep on a word. In tests it is compiled on all
// systems with pthreads.
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
