//! Arguments that come in: texts, arrays, flags, numbers, descriptors. Arguments for results are in
//! `out`.
//!
//! Invariant: a call finds everything that can be wrong with its arguments before it does anything.
//! A function checks all its arguments first, then the handles, and then does its work.

use super::guard::Outcome;
use crate::error::Error;
use crate::handle::Handle;
use std::ffi::{CStr, c_char};

/// As the length of a text: the text ends with NUL.
pub const DCC_NUL_TERMINATED: usize = usize::MAX;

/// The handle in a C pointer.
pub(super) fn handle<T>(pointer: *const T) -> Handle {
    pointer.addr() as Handle
}

const _: () = assert!(size_of::<usize>() == size_of::<Handle>(), "64-bit only");

/// A text argument; NULL is the empty text.
///
/// # Safety
/// `text` is NULL or readable for `length` bytes, or up to its NUL if `length` is
/// `DCC_NUL_TERMINATED`.
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

/// The bytes of a message, which need not be UTF-8; NULL is the empty message.
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

/// The entries of an array of the caller. `counted_by` names the parameter or field that has their
/// number.
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
    // SAFETY: promised by the caller; the size was checked above.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Refuses bits that are not flags. `names` lists the flags of `known` for the error text.
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

/// Refuses a structure whose reserved field is not 0.
pub(super) fn reserved<T: Versioned>(value: u32) -> Outcome<()> {
    if value == 0 { Ok(()) } else { Err(Error::Reserved(T::NAME)) }
}

/// Refuses a number outside its bounds.
pub(super) fn in_range(what: &'static str, given: u64, least: u64, most: u64) -> Outcome<()> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    Err(Error::OutOfRange { what, given, least, most })
}

/// A structure to which later minor versions may append fields.
pub(super) trait FirstSize: Copy {
    /// The smallest `struct_size` that a caller may give. The sizes of all structures are in
    /// `first_sizes`.
    const FIRST_SIZE: usize;
}

/// A structure that starts with `uint32_t struct_size` and may grow in later versions.
///
/// # Safety
/// All bytes zero is a valid value; the first field is a `u32`.
pub(super) unsafe trait Versioned: FirstSize {
    /// The structure's C name.
    const NAME: &'static str;
}

/// A larger `struct_size` is taken for garbage.
const SANE_SIZE: usize = 1 << 16;

/// Checks the `struct_size` of a caller's structure. The size of every version is a multiple of the
/// alignment, and no field that was appended later is larger than the alignment. So a size that is
/// not a multiple of the alignment belongs to no version, and an accepted size never cuts a field
/// in half.
pub(super) fn checked_size<T: Versioned>(size: u32) -> Outcome<usize> {
    let given = size as usize;
    if given < T::FIRST_SIZE || given > SANE_SIZE || !given.is_multiple_of(align_of::<T>()) {
        let (what, least, most, step) = (T::NAME, T::FIRST_SIZE, SANE_SIZE, align_of::<T>());
        return Err(Error::WrongSize { what, size, least, most, step });
    }
    Ok(given)
}

/// Reads a descriptor. Fields that the caller's version lacks are zero.
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
    // SAFETY: `Versioned` promises that all bytes zero is a valid value.
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

    /// A structure that had one field fewer when it was first released.
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
