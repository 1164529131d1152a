//! Allocations that return an error instead of aborting: a host must survive a full memory.

/// There was no memory for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// A box, made without the abort of `Box::new`.
pub fn try_box<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    let mut room: Vec<T> = Vec::new();
    room.try_reserve_exact(1).map_err(|_| OutOfMemory)?;
    room.push(value);
    let one: Box<[T; 1]> = room.into_boxed_slice().try_into().map_err(|_| OutOfMemory)?;
    let pointer: *mut [T; 1] = Box::into_raw(one);
    // SAFETY: the pointer comes from a box of `[T; 1]`, which has the layout of `T`.
    Ok(unsafe { Box::from_raw(pointer.cast::<T>()) })
}

/// A boxed array of default values. It is built element by element on the heap, because a chunk of
/// a pool is too large for the stack.
pub fn try_boxed_array<T: Default, const N: usize>() -> Result<Box<[T; N]>, OutOfMemory> {
    let mut room: Vec<T> = Vec::new();
    room.try_reserve_exact(N).map_err(|_| OutOfMemory)?;
    room.resize_with(N, T::default);
    room.into_boxed_slice().try_into().map_err(|_| OutOfMemory)
}

#[inline]
pub fn try_string(text: &str) -> Result<String, OutOfMemory> {
    let mut copy = String::new();
    if !text.is_empty() {
        replace_string(&mut copy, text)?;
    }
    Ok(copy)
}

/// Overwrites `target` with `text`, reusing its memory. If there is no memory, `target` is
/// unchanged.
pub fn replace_string(target: &mut String, text: &str) -> Result<(), OutOfMemory> {
    let missing = text.len().saturating_sub(target.len());
    target.try_reserve(missing).map_err(|_| OutOfMemory)?;
    target.clear();
    target.push_str(text);
    Ok(())
}

/// A text that is written piece by piece; writing a piece for which there is no memory is an error.
#[derive(Debug, Default)]
pub struct Growing(String);

impl Growing {
    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text so far.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl std::fmt::Write for Growing {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        self.0.try_reserve(piece.len()).map_err(|_| std::fmt::Error)?;
        self.0.push_str(piece);
        Ok(())
    }
}

/// A collection that is made when it is first needed. Until then all its bits are zero, so that the
/// static `Library` takes no room in the library's file.
#[derive(Debug)]
pub struct Late<T>(Option<Box<T>>);

impl<T> Default for Late<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Late<T> {
    /// A collection that is not made yet.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The collection; `None` until it was made.
    pub fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// The collection; `None` until it was made.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// Takes the collection out; it can be made again later.
    pub fn take(&mut self) -> Option<Box<T>> {
        self.0.take()
    }

    /// The collection; if it is not there yet, `make` makes it. An error: there is no memory for
    /// it.
    pub fn get_or_make(
        &mut self,
        make: impl FnOnce() -> Result<T, OutOfMemory>,
    ) -> Result<&mut T, OutOfMemory> {
        if self.0.is_none() {
            self.0 = Some(try_box(make()?)?);
        }
        self.0.as_deref_mut().ok_or(OutOfMemory)
    }
}

/// The elements of the vector; none before it was made.
impl<T> std::ops::Deref for Late<Vec<T>> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.get().map_or(&[], Vec::as_slice)
    }
}

impl<T> std::ops::DerefMut for Late<Vec<T>> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.get_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_holds_its_value_and_drops_it_once() {
        let shared = std::sync::Arc::new(());
        let boxed = try_box(shared.clone()).unwrap();
        assert_eq!(std::sync::Arc::strong_count(&shared), 2);
        drop(boxed);
        assert_eq!(std::sync::Arc::strong_count(&shared), 1);
    }

    #[test]
    fn a_string_is_replaced_by_a_longer_and_a_shorter_one() {
        let mut text = try_string("mesh").unwrap();
        replace_string(&mut text, "a longer text").unwrap();
        assert_eq!(text, "a longer text");
        replace_string(&mut text, "").unwrap();
        assert_eq!(text, "");
    }
}
