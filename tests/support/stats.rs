//! Reads the library's counts, which belong to the whole process.

use dcc_cancel::ffi::{stats::*, status::*};

pub fn stats() -> dcc_stats {
    // SAFETY: numbers, for which zero is a value; then a structure of that size.
    unsafe {
        let mut stats: dcc_stats = std::mem::zeroed();
        stats.struct_size = size_of::<dcc_stats>() as u32;
        assert_eq!(dcc_stats_read(&mut stats), DCC_OK);
        stats
    }
}
