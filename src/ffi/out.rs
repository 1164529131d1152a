//! Results that a call writes through the caller's pointers: values, handles, texts, arrays,
//! structures.
//!
//! Invariant: the place for a result is checked when its `...Out` value is made, before the call
//! does anything, as all arguments are (see `argument`). So writing a result cannot fail, and no
//! code can write to an unchecked place.

use super::argument::{FirstSize, Versioned, checked_size};
use super::guard::Outcome;
use crate::error::Error;
use crate::handle::Handle;
use crate::memory::cut_text::cut;
use std::ffi::c_char;
use std::fmt;
use std::ptr::NonNull;

/// A handle as a C pointer.
pub(super) fn pointer<T>(handle: Handle) -> *mut T {
    std::ptr::without_provenance_mut(handle as usize)
}

/// The place for a result that is a single value.
pub(super) struct ValueOut<T>(Option<NonNull<T>>);

impl<T> ValueOut<T> {
    /// A place that the caller has to give. `none` is written at once, so a call that fails leaves
    /// that value.
    ///
    /// # Safety
    /// `to` is NULL, or writable until the call ends.
    pub(super) unsafe fn new(what: &'static str, to: *mut T, none: T) -> Outcome<Self> {
        if to.is_null() {
            return Err(Error::NullOut(what));
        }
        // SAFETY: promised by the caller.
        Ok(unsafe { Self::optional(to, none) })
    }

    /// A place that may be NULL; a result is then discarded.
    ///
    /// # Safety
    /// As for `new`.
    pub(super) unsafe fn optional(to: *mut T, none: T) -> Self {
        let out = Self(NonNull::new(to));
        out.write(none);
        out
    }

    /// Whether the caller gave a place.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Writes the result. A second write replaces the first.
    pub(super) fn write(&self, value: T) {
        if let Some(to) = self.0 {
            // SAFETY: promised to the constructor. The old value is plain data, so nothing has to
            // be dropped.
            unsafe { to.write(value) };
        }
    }
}

/// The place for a new handle. Make it before anything that can fail, also before the guard: NULL
/// is written at once, so every failure leaves NULL.
pub(super) struct HandleOut<T>(ValueOut<*mut T>);

impl<T> HandleOut<T> {
    /// A place that the caller has to give.
    ///
    /// # Safety
    /// `to` is NULL, or writable until the call ends.
    pub(super) unsafe fn new(what: &'static str, to: *mut *mut T) -> Outcome<Self> {
        // SAFETY: promised by the caller.
        unsafe { ValueOut::new(what, to, std::ptr::null_mut()) }.map(Self)
    }

    /// A place that may be NULL if the caller does not want the handle.
    ///
    /// # Safety
    /// As for `new`.
    pub(super) unsafe fn optional(to: *mut *mut T) -> Self {
        // SAFETY: promised by the caller.
        Self(unsafe { ValueOut::optional(to, std::ptr::null_mut()) })
    }

    /// Whether the caller wants the handle.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.is_wanted()
    }

    /// Writes the handle, whose reference becomes the caller's.
    pub(super) fn write(&self, handle: Handle) {
        self.0.write(pointer(handle));
    }
}

/// The caller's buffer for a text, which is filled as `snprintf` fills one.
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
            return Err(Error::NullArray { what: "buffer", counted_by: "size", count: size });
        }
        if size > isize::MAX as usize {
            return Err(Error::BeyondMemory { what: "size", count: size });
        }
        Ok(Self { buffer, size, length })
    }

    /// Writes as much of the text as fits, cut on a character boundary and ended by NUL, and the
    /// whole length to the length pointer. A second write replaces the first.
    pub(super) fn write(&self, text: &str) {
        if self.size > 0 {
            let fitting = cut(text, self.size - 1);
            // SAFETY: promised to `new`; at most `size - 1` bytes and the NUL.
            unsafe {
                self.buffer.cast::<u8>().copy_from_nonoverlapping(fitting.as_ptr(), fitting.len());
                self.buffer.add(fitting.len()).write(0);
            }
        }
        if !self.length.is_null() {
            // SAFETY: promised to `new`.
            unsafe { self.length.write(text.len()) }
        }
    }
}

/// Writes a text piece by piece into a caller's buffer, without memory of the library.
pub(super) struct TextWriter<'a> {
    to: &'a TextOut,
    used: usize,
    length: usize,
}

impl TextOut {
    /// Begins to write pieces, one after another. The result is what `write` makes of all pieces
    /// together.
    pub(super) fn pieces(&self) -> TextWriter<'_> {
        TextWriter { to: self, used: 0, length: 0 }
    }
}

impl TextWriter<'_> {
    /// Bytes of all pieces so far, whether or not they fitted.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether `bytes` more bytes fit. True even if the caller only wants the length.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.to.size == 0 || self.length + bytes < self.to.size
    }

    /// Takes back all pieces behind this length. Everything up to it must have fitted.
    pub(super) fn take_back(&mut self, length: usize) {
        self.length = length;
        self.used = self.used.min(length);
    }

    /// Ends the text: writes the NUL and the length.
    pub(super) fn end(self) {
        // SAFETY: promised to `TextOut::new`; what was used leaves room for the NUL.
        unsafe {
            if self.to.size > 0 {
                self.to.buffer.add(self.used).write(0);
            }
            if !self.to.length.is_null() {
                self.to.length.write(self.length);
            }
        }
    }
}

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        // After the first piece that did not fit nothing more is written: the text would have a
        // gap.
        if self.used == self.length && self.to.size > 0 {
            let fitting = cut(piece, self.to.size - 1 - self.used);
            // SAFETY: promised to `TextOut::new`; at most `size - 1` bytes in all.
            unsafe {
                let end = self.to.buffer.add(self.used).cast::<u8>();
                end.copy_from_nonoverlapping(fitting.as_ptr(), fitting.len());
            }
            self.used += fitting.len();
        }
        self.length += piece.len();
        Ok(())
    }
}

/// The caller's array. Its entries lie `stride` bytes apart, the size of an entry in the caller's
/// version.
pub(super) struct ArrayOut<T> {
    first: *mut T,
    stride: usize,
    capacity: usize,
}

impl<T: FirstSize> ArrayOut<T> {
    /// `entry` is the C name of `T`.
    ///
    /// # Safety
    /// `first` is writable for `capacity` entries, `stride` bytes apart, or `capacity` is 0.
    pub(super) unsafe fn new(
        what: &'static str,
        entry: &'static str,
        first: *mut T,
        stride: usize,
        capacity: usize,
    ) -> Outcome<Self> {
        if stride < T::FIRST_SIZE {
            return Err(Error::ShortStride { stride, least: T::FIRST_SIZE, entry });
        }
        if stride > isize::MAX as usize / capacity.max(1) {
            return Err(Error::BeyondMemory { what: "capacity", count: capacity });
        }
        if first.is_null() && capacity > 0 {
            return Err(Error::NullArray { what, counted_by: "capacity", count: capacity });
        }
        Ok(Self { first, stride, capacity })
    }

    /// Writes an entry, at any alignment and up to the stride. An entry beyond the capacity is left
    /// out.
    pub(super) fn write(&self, position: usize, entry: T) {
        if position >= self.capacity {
            return;
        }
        // SAFETY: promised to `new`.
        unsafe {
            self.first.cast::<u8>().add(position * self.stride).copy_from_nonoverlapping(
                (&raw const entry).cast(),
                size_of::<T>().min(self.stride),
            );
        }
    }
}

/// The caller's structure, which is filled up to the smaller of the caller's and the library's
/// size.
pub(super) struct StructOut<T> {
    to: Option<NonNull<T>>,
    size: usize,
}

impl<T: Versioned> StructOut<T> {
    /// A place that the caller has to give.
    ///
    /// # Safety
    /// `to` is NULL, or until the call ends writable for the `struct_size` that it starts with.
    pub(super) unsafe fn new(what: &'static str, to: *mut T) -> Outcome<Self> {
        if to.is_null() {
            return Err(Error::NullOut(what));
        }
        // SAFETY: promised by the caller.
        unsafe { Self::optional(to) }
    }

    /// A place that may be NULL; a result is then discarded.
    ///
    /// # Safety
    /// As for `new`.
    pub(super) unsafe fn optional(to: *mut T) -> Outcome<Self> {
        let to = NonNull::new(to);
        let size = match to {
            None => 0,
            // SAFETY: promised by the caller.
            Some(to) => checked_size::<T>(unsafe { to.cast::<u32>().read() })?.min(size_of::<T>()),
        };
        Ok(Self { to, size })
    }

    /// Whether the caller gave a place.
    pub(super) fn is_wanted(&self) -> bool {
        self.to.is_some()
    }

    /// Fills the structure and writes the filled size to its `struct_size`. A second write replaces
    /// the first.
    pub(super) fn write(&self, value: &T) {
        let Some(to) = self.to else { return };
        // SAFETY: promised to the constructor, which has read `size` there; `value` is as long.
        unsafe {
            to.cast::<u8>().copy_from_nonoverlapping(NonNull::from(value).cast(), self.size);
            to.cast::<u32>().write(self.size as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::argument::tests::Grown;
    use super::*;

    #[test]
    fn what_the_callers_version_lacks_is_not_written() {
        for (size, filled) in [(8, 8), (16, 16), (24, 16)] {
            let mut to = [Grown { struct_size: size, first: 5, later: 6 }; 2];
            // SAFETY: writable for the size that it says.
            let out = unsafe { StructOut::new("to", to.as_mut_ptr()) }.unwrap();
            out.write(&Grown { struct_size: 0, first: 1, later: 2 });
            let later = if size > 8 { 2 } else { 6 };
            assert_eq!(to[0], Grown { struct_size: filled, first: 1, later });
            assert_eq!(to[1], Grown { struct_size: size, first: 5, later: 6 });
        }
    }

    #[test]
    fn entries_of_an_array_end_where_the_callers_do() {
        for stride in [8_usize, 16, 24] {
            let mut room = [0xff_u8; 48];
            // SAFETY: there is room for two entries.
            let out = unsafe { ArrayOut::new("to", "grown", room.as_mut_ptr().cast(), stride, 2) };
            let out = out.unwrap();
            for number in 0..3 {
                out.write(number, Grown { struct_size: 0, first: 1, later: 0 });
            }
            for (at, byte) in room.iter().enumerate() {
                let is_written = at / stride < 2 && at % stride < 16;
                assert_eq!(*byte != 0xff, is_written, "byte {at}, stride {stride}");
            }
        }
        let mut room = [0_u8; 48];
        // SAFETY: there is room for two entries.
        let refused: Outcome<ArrayOut<Grown>> =
            unsafe { ArrayOut::new("to", "grown", room.as_mut_ptr().cast(), 7, 2) };
        assert!(matches!(refused, Err(Error::ShortStride { stride: 7, least: 8, .. })));
    }
}
