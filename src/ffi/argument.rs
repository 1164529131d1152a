//! What comes in and goes out by pointer: texts, descriptors, out-parameters.

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

/// A handle for C.
pub(super) fn pointer<T>(handle: Handle) -> *mut T {
    std::ptr::without_provenance_mut(handle as usize)
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
            Err(Error::InvalidArgument("a text is NULL but its length is not 0; pass both or none"))
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

/// Where an answer goes.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn out<'call, T>(out: *mut T) -> Outcome<&'call mut T> {
    // SAFETY: promised by the caller.
    unsafe { out.as_mut() }
        .ok_or(Error::InvalidArgument("an out-pointer is NULL; pass the address of a variable"))
}

/// Where a new handle goes; NULL is written at once, so that a failure leaves nothing behind.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn out_handle<'call, T>(to: *mut *mut T) -> Outcome<&'call mut *mut T> {
    // SAFETY: promised by the caller.
    let to = unsafe { out(to) }?;
    *to = std::ptr::null_mut();
    Ok(to)
}

/// A buffer of the caller for a text, filled as `snprintf` does.
pub(super) struct TextOut {
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
}

impl TextOut {
    /// # Safety
    /// `buffer` is writable for `size` bytes or `size` is 0; `length` is NULL or writable.
    pub(super) unsafe fn new(
        buffer: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> Outcome<Self> {
        if buffer.is_null() && size != 0 {
            return Err(Error::InvalidArgument("a buffer is NULL but its size is not 0"));
        }
        Ok(Self { buffer, size, length })
    }

    /// Writes as much as fits, ended by NUL, cut on a character boundary; the whole length goes
    /// to the length pointer. Again writes over it.
    pub(super) fn write(&self, text: &str) {
        if self.size > 0 {
            let cut = &text[..text.floor_char_boundary(self.size - 1)];
            // SAFETY: promised to `new`; at most `size - 1` bytes and the NUL.
            unsafe {
                self.buffer.cast::<u8>().copy_from_nonoverlapping(cut.as_ptr(), cut.len());
                self.buffer.add(cut.len()).write(0);
            }
        }
        if !self.length.is_null() {
            // SAFETY: promised to `new`.
            unsafe { self.length.write(text.len()) }
        }
    }
}

/// An array of the caller whose entries lie a stride apart: his version's size of an entry.
pub(super) struct ArrayOut<T> {
    first: *mut T,
    stride: usize,
    capacity: usize,
}

impl<T: Copy> ArrayOut<T> {
    /// `short_stride` tells what to do where the stride is below `T`'s size, that of version 1.
    ///
    /// # Safety
    /// `first` is writable for `capacity` entries, `stride` bytes apart, or `capacity` is 0.
    pub(super) unsafe fn new(
        what: &'static str,
        short_stride: &'static str,
        first: *mut T,
        stride: usize,
        capacity: usize,
    ) -> Outcome<Self> {
        if stride < size_of::<T>() {
            return Err(Error::InvalidArgument(short_stride));
        }
        if first.is_null() && capacity > 0 {
            return Err(Error::NullArray { what, count: capacity });
        }
        Ok(Self { first, stride, capacity })
    }

    /// Writes an entry, at whatever alignment; what does not fit is left out.
    pub(super) fn write(&self, position: usize, entry: T) {
        if position >= self.capacity {
            return;
        }
        // SAFETY: promised to `new`.
        unsafe {
            self.first
                .cast::<u8>()
                .add(position * self.stride)
                .copy_from_nonoverlapping((&raw const entry).cast(), size_of::<T>());
        }
    }
}

/// A structure that starts with `uint32_t struct_size` and may grow in later versions.
///
/// # Safety
/// All bytes zero is a valid value; the first field is a `u32`.
pub(super) unsafe trait Versioned: Copy {
    /// Its C name.
    const NAME: &'static str;
    /// Its size in version 1.
    const FIRST_SIZE: usize;
}

/// Above this a `struct_size` is taken for garbage.
const SANE_SIZE: usize = 1 << 16;

fn checked_size<T: Versioned>(size: u32) -> Outcome<usize> {
    if (size as usize) < T::FIRST_SIZE || size as usize > SANE_SIZE {
        return Err(Error::DescriptorTooSmall { what: T::NAME, size, least: T::FIRST_SIZE });
    }
    Ok(size as usize)
}

/// Reads a descriptor; what the caller's version lacks is zero.
///
/// # Safety
/// `from` is NULL or readable for the `struct_size` that it starts with.
pub(super) unsafe fn descriptor<T: Versioned>(from: *const T) -> Outcome<T> {
    if from.is_null() {
        return Err(Error::InvalidArgument("a descriptor is NULL; pass a filled-in structure"));
    }
    // SAFETY: promised by the caller.
    let given = unsafe { from.cast::<u32>().read() };
    let size = checked_size::<T>(given)?;
    let known = size_of::<T>();
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

/// Fills a structure of the caller up to the smaller of the two sizes, which is written back as
/// its `struct_size`.
///
/// # Safety
/// `to` is NULL or writable for the `struct_size` that it starts with.
pub(super) unsafe fn write_struct<T: Versioned>(to: *mut T, value: &T) -> Outcome<()> {
    if to.is_null() {
        return Err(Error::InvalidArgument("an out-structure is NULL"));
    }
    // SAFETY: promised by the caller.
    let size = checked_size::<T>(unsafe { to.cast::<u32>().read() })?.min(size_of::<T>());
    // SAFETY: both are at least `size` bytes.
    unsafe {
        to.cast::<u8>().copy_from_nonoverlapping(std::ptr::from_ref(value).cast::<u8>(), size);
        to.cast::<u32>().write(size as u32);
    }
    Ok(())
}
