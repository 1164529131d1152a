//! The library as a whole: version, instance, texts of statuses and errors, clock.

use super::guard::{guard_anywhere, guard_value};
use super::out::TextOut;
use super::status::{self, DCC_OK, DCC_SECOND_INSTANCE, dcc_status};
use super::thread;
use crate::sys::clock;
use std::ffi::{CStr, c_char};

/// Major version of the ABI: part of the library's file name. Another major is another library.
pub const DCC_ABI_MAJOR: u32 = 2;
/// Minor version of the ABI: grows when functions are added.
pub const DCC_ABI_MINOR: u32 = 0;

/// The package's version.
pub const DCC_VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };

const _: () = assert!(
    DCC_ABI_MAJOR == env!("DCC_ABI_MAJOR").as_bytes()[0] as u32 - b'0' as u32
        && env!("DCC_ABI_MAJOR").len() == 1,
    "build.rs names the library by this major"
);

/// The text of `dcc_version_string`.
pub const VERSION_STRING: &CStr = match CStr::from_bytes_with_nul(
    concat!(
        "dcc-cancel ",
        env!("CARGO_PKG_VERSION"),
        " (ABI ",
        env!("DCC_ABI_MAJOR"),
        ", build ",
        env!("DCC_BUILD_ID"),
        ")\0"
    )
    .as_bytes(),
) {
    Ok(version) => version,
    Err(_) => panic!("a version has no NUL"),
};

/// Returns the ABI's version, the major in the high and the minor in the low 16 bits. Any thread
/// may call this. Compare the major with DCC_ABI_MAJOR, and the minor with the DCC_ABI_MINOR that
/// you need.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_abi_version() -> u32 {
    guard_value(0, || Ok(DCC_ABI_MAJOR << 16 | DCC_ABI_MINOR))
}

/// Returns version and build of the library as a text, for logs. Any thread may call this. The text
/// is static.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_version_string() -> *const c_char {
    guard_value(c"".as_ptr(), || Ok(VERSION_STRING.as_ptr()))
}

/// Returns the English text of a status. Any thread may call this. The text is static and never
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_status_string(status: dcc_status) -> *const c_char {
    guard_value(c"".as_ptr(), || {
        let known = status::TEXTS.iter().find(|(number, _)| *number == status);
        Ok(known.map_or(c"Unknown status", |(_, text)| text).as_ptr())
    })
}

/// Writes what was wrong in this thread's last call that answered a negative status: which
/// argument, which value, what to do. Any thread may call this; each thread has its own text. Calls
/// that succeed leave the text as it is. The buffer is filled as by dcc_cancel_token_reason.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_last_error(
    buffer: *mut c_char,
    size: usize,
    out_length: *mut usize,
) -> dcc_status {
    guard_anywhere(|| {
        // SAFETY: the C caller's promise, see the comment.
        let to = unsafe { TextOut::new(buffer, size, out_length) }?;
        thread::show_error(|text| to.write(text));
        Ok(DCC_OK)
    })
}

/// Returns the time on the library's clock in nanoseconds: monotonic, never 0, meaningless outside
/// this process. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_clock_now_ns() -> u64 {
    guard_value(0, || Ok(clock::now_ns()))
}

/// Answers whether this is the first copy of the library in the process: DCC_OK, or
/// DCC_SECOND_INSTANCE if it is not. Any thread may call this. Two copies share nothing. The first
/// copy is the copy that was loaded first; if the copies are in different link namespaces
/// (dlmopen), it is the copy that was used first. Functions that create or install something give
/// the same two answers. DCC_ERROR_RESOURCES: no memory to register the hook that notices forks.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_instance_check() -> dcc_status {
    guard_anywhere(|| Ok(if thread::is_first()? { DCC_OK } else { DCC_SECOND_INSTANCE }))
}
