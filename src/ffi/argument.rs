//! What comes in: texts, arrays, flags, numbers, descriptors. What goes out is in `out`.
//!
//! Invariant: everything that can be wrong with an argument is found before the call does anything. A
//! function looks at all its arguments first, then at the handles, and then does what it is for.

use super::guard::Outcome;
use crate::error::Error;
use crate::handle::Handle;
use std::ffi::{CStr, c_char};

/// Length of a text that ends with NUL.
pub const DCC_NUL_TERMINATED: usize = usize::MAX;

/// The bits of a handle.
pub(super) fn handle<T>(pointer: *const T) -> Handle {
    pointer.addr() as Handle
}

const _: () = assert!(size_of::<usize>() == size_of::<Handle>(), "64-bit only");

/// A text argument. NULL is the empty text.
///
/// # Safety
/// `text` is NULL or readable for `length` bytes, or up to its NUL if `length` says so.
pub(super) unsafe fn text<'call>(
    what: &'static str,
    text: *const c_char,
    length: usize,
    limit: usize,
) -> Outcome<&'call str> {
    if text.is_null() {
        return if length == 0 || length == DCC_NUL_TERMINATED {
            Ok("")
        } else {
            Err(Error::NullText { what, length })
        };
    }
    let bytes = if length == DCC_NUL_TERMINATED {
        // SAFETY: promised by the caller.
        unsafe { CStr::from_ptr(text) }.to_bytes()
    } else if length > limit {
        return Err(Error::TextTooLong { what, length, limit });
    } else {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) }
    };
    if bytes.len() > limit {
        return Err(Error::TextTooLong { what, length: bytes.len(), limit });
    }
    std::str::from_utf8(bytes).map_err(|bad| Error::NotUtf8 { what, offset: bad.valid_up_to() })
}

/// The bytes of a message, which may be any. NULL is the empty one.
///
/// # Safety
/// As for `text`.
pub(super) unsafe fn message<'call>(
    what: &'static str,
    bytes: *const c_char,
    length: usize,
) -> Outcome<&'call [u8]> {
    if length != DCC_NUL_TERMINATED {
        // SAFETY: promised by the caller.
        return unsafe { array(what, "message_length", bytes.cast(), length) };
    }
    // SAFETY: promised by the caller.
    Ok(if bytes.is_null() { b"" } else { unsafe { CStr::from_ptr(bytes) }.to_bytes() })
}

/// The entries of an array of the caller. `counted_by`: what has their number.
///
/// # Safety
/// `first` is readable for `count` entries, or `count` is 0.
pub(super) unsafe fn array<'call, T>(
    what: &'static str,
    counted_by: &'static str,
    first: *const T,
    count: usize,
) -> Outcome<&'call [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(Error::NullArray { what, counted_by, count });
    }
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(Error::BeyondMemory { what: counted_by, count });
    }
    // SAFETY: promised by the caller; no longer than an object can be.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Refuses bits that are no flags. `names` are those of `known`.
pub(super) fn flags(
    what: &'static str,
    given: u32,
    known: u32,
    names: &'static str,
) -> Outcome<()> {
    if given & !known != 0 {
        return Err(Error::UnknownFlags { what, given, known: names });
    }
    Ok(())
}

/// Refuses a structure whose reserved field says something.
pub(super) fn reserved<T: Versioned>(value: u32) -> Outcome<()> {
    if value == 0 { Ok(()) } else { Err(Error::Reserved(T::NAME)) }
}

/// Refuses a number that is out of its bounds.
pub(super) fn in_range(what: &'static str, given: u64, least: u64, most: u64) -> Outcome<()> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(Error::OutOfRange { what, given, least, most })
}

/// A structure that later minors may append fields to.
pub(super) trait FirstSize: Copy {
    /// The least that a caller's may be; all are in `first_sizes`.
    const FIRST_SIZE: usize;
}

/// A structure that starts with `uint32_t struct_size` and may grow in later versions.
///
/// # Safety
/// All bytes zero is a valid value; the first field is a `u32`.
pub(super) unsafe trait Versioned: FirstSize {
    /// Its C name.
    const NAME: &'static str;
}

/// Above this a `struct_size` is taken for garbage.
const SANE_SIZE: usize = 1 << 16;

/// The size of a caller's structure. Every version's is a multiple of the alignment, and no field that came
/// after its first is larger than that: so what is refused would cut a field in half, and nothing else does.
pub(super) fn checked_size<T: Versioned>(size: u32) -> Outcome<usize> {
    let given = size as usize;
    if given < T::FIRST_SIZE || given > SANE_SIZE || !given.is_multiple_of(align_of::<T>()) {
        let (what, least, most, step) = (T::NAME, T::FIRST_SIZE, SANE_SIZE, align_of::<T>());
        return Err(Error::WrongSize { what, size, least, most, step });
    }
    Ok(given)
}

/// Reads a descriptor; what the caller's version lacks is zero.
///
/// # Safety
/// `from` is NULL or readable for the `struct_size` that it starts with.
pub(super) unsafe fn descriptor<T: Versioned>(what: &'static str, from: *const T) -> Outcome<T> {
    if from.is_null() {
        return Err(Error::NullDescriptor { what, structure: T::NAME });
    }
    // SAFETY: promised by the caller.
    let given = unsafe { from.cast::<u32>().read() };
    let size = checked_size::<T>(given)?;
    let known = size_of::<T>();
    if size == known {
        // SAFETY: promised by the caller.
        return Ok(unsafe { from.read() });
    }
    if size > known {
        // SAFETY: promised by the caller.
        let tail =
            unsafe { std::slice::from_raw_parts(from.cast::<u8>().add(known), size - known) };
        if tail.iter().any(|byte| *byte != 0) {
            return Err(Error::DescriptorTooNew { what: T::NAME, size: given, known });
        }
    }
    // SAFETY: zeroes are a value of `T`, as promised by its `Versioned`.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: both are at least as long as the smaller of the two sizes.
    unsafe {
        (&raw mut value).cast::<u8>().copy_from_nonoverlapping(from.cast::<u8>(), size.min(known));
    }
    Ok(value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A structure that had one field less when it was first released.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Grown {
        pub struct_size: u32,
        pub first: u32,
        pub later: u64,
    }

    impl FirstSize for Grown {
        const FIRST_SIZE: usize = 8;
    }

    // SAFETY: numbers, for which zero is a value; starts with a u32.
    unsafe impl Versioned for Grown {
        const NAME: &'static str = "grown";
    }

    fn read(struct_size: u32) -> Outcome<Grown> {
        let given = [Grown { struct_size, first: 1, later: 2 }, Grown { struct_size: 0, ..ZEROES }];
        // SAFETY: readable for all sizes that are not refused.
        unsafe { descriptor("given", given.as_ptr()) }
    }

    const ZEROES: Grown = Grown { struct_size: 0, first: 0, later: 0 };

    #[test]
    fn a_field_that_the_callers_version_lacks_is_zero() {
        assert_eq!(read(8).unwrap(), Grown { struct_size: 8, first: 1, later: 0 });
        assert_eq!(read(16).unwrap(), Grown { struct_size: 16, first: 1, later: 2 });
        assert_eq!(read(24).unwrap(), Grown { struct_size: 24, first: 1, later: 2 });
        for refused in [0, 7, 12, 15] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
