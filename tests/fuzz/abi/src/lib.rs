//! A fuzzer of the whole C ABI.
//!
//! - `generator.rs`, run by the build, makes of the header a table of all functions with what each
//!   argument is: [`abi`]. What it does not know stops the build.
//! - [`draw`] chooses arguments, [`call`] makes a call and judges its answer, [`callbacks`] are the functions
//!   that the library calls, which call back in.
//! - [`world`] is the model; [`me`] what belongs to one thread; [`sequence`] plays one input.
//! - [`watch`] says what was found, and finds who hangs.
//!
//! All choices come from the bytes of the input. With one thread and no use of the library's own threads
//! (seven inputs of eight) the same bytes make the same calls.
//!
//! Two things are not played with everything else. `dcc_shutdown` ends the library's life in a process:
//! it has processes of its own, `driver lives`, which also fork. The control endpoint's files lie where the
//! header says, so its address is that of this process.

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

/// Whether each call is printed when it is made.
pub fn is_told_at_once() -> bool {
    static TOLD: LazyLock<bool> = LazyLock::new(|| std::env::var_os("DCC_FUZZ_TRACE").is_some());
    *TOLD
}
