//! Sequences of calls of the whole ABI, judged by a model: see `tests/fuzz/abi`.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz -s address abi`

#![no_main]

use dcc_abi_fuzz::sequence::{self, Plan};
use dcc_abi_fuzz::watch;
use std::sync::Once;
use std::time::Duration;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| watch::start(Duration::from_secs(60)));
    // SAFETY: a sequence's threads are joined before its end; the library's keep nothing of its bytes.
    let bytes: &'static [u8] = unsafe { std::slice::from_raw_parts(data.as_ptr(), data.len()) };
    sequence::play(bytes, Plan { threads: 1, is_exact: false });
});
