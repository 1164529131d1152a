//! A fuzzer of the whole C ABI.
//!
//! - `generator.rs`, run by the build, turns the header into a table of all functions with the kind
//!   of each argument: [`abi`]. A declaration that it does not know stops the build.
//! - [`draw`] chooses arguments, [`call`] makes a call and judges its answer, [`callbacks`] are the functions
//!   that the library calls, which call back in.
//! - [`world`] is the model; [`me`] is the state of one thread; [`sequence`] plays one input.
//! - [`watch`] reports findings, and finds threads that hang.
//!
//! All choices come from the bytes of the input. With one thread, and without the library's own
//! threads (seven inputs of eight), the same bytes make the same calls.
//!
//! Two things are not played with the rest. `dcc_shutdown` ends the library's life in a process, so
//! it has processes of its own, `driver lives`, which also fork. The control endpoint's files are
//! where the header says, so its address belongs to this process.

pub mod abi;
pub mod call;
pub mod callbacks;
pub mod draw;
pub mod me;
pub mod sequence;
pub mod watch;
pub mod world;

#[cfg(feature = "inside")]
extern crate dcc_cancel as _;

use std::sync::LazyLock;

/// Whether each call is printed at the moment it is made.
pub fn is_told_at_once() -> bool {
    static TOLD: LazyLock<bool> = LazyLock::new(|| std::env::var_os("DCC_FUZZ_TRACE").is_some());
    *TOLD
}
