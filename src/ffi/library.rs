//! What concerns the library as a whole: version, instance, texts, clock.

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

/// Version and build of this library, as `dcc_version_string` gives it.
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

/// The ABI's version, major in the high and minor in the low 16 bits. Compare the major with
/// DCC_ABI_MAJOR, and the minor with the DCC_ABI_MINOR that you need. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_abi_version() -> u32 {
    guard_value(0, || Ok(DCC_ABI_MAJOR << 16 | DCC_ABI_MINOR))
}

/// Version and build of the library as a text, for logs. Static; any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_version_string() -> *const c_char {
    guard_value(c"".as_ptr(), || Ok(VERSION_STRING.as_ptr()))
}

/// English text of a status. Static, never NULL; any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_status_string(status: dcc_status) -> *const c_char {
    guard_value(c"".as_ptr(), || {
        let known = status::TEXTS.iter().find(|(number, _)| *number == status);
        Ok(known.map_or(c"Unknown status", |(_, text)| text).as_ptr())
    })
}

/// What went wrong in the last call on this thread that answered a negative status: which
/// argument, which value, what to do. Later calls that succeed leave it as it is. Writes up to
/// `size` bytes with the NUL; `out_length`, if not NULL, gets the whole length without it. Any
/// thread, each has its own text.
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

/// Nanoseconds on the library's clock: monotonic, never 0, with no meaning outside this process.
/// Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_clock_now_ns() -> u64 {
    guard_value(0, || Ok(clock::now_ns()))
}

/// DCC_OK if this is the first copy of the library in the process, else DCC_SECOND_INSTANCE: two
/// copies share nothing. First is who was loaded first; of copies in different link namespaces (dlmopen),
/// who was used first. Functions that create or install something answer the same.
/// DCC_ERROR_RESOURCES: there is no memory to begin to notice forks. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_instance_check() -> dcc_status {
    guard_anywhere(|| Ok(if thread::is_first()? { DCC_OK } else { DCC_SECOND_INSTANCE }))
}
