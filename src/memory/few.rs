//! A list of usually few entries, the first of which need no memory. It is for notes that have to
//! be made before a thread may wait or close something, and must not fail for lack of memory.

use crate::sys::fallible::Late;

/// The value in free places. All its bits are zero, so that a list in the library's one big static
/// takes no room in the file.
pub trait Blank: Copy {
    /// The value of a free place.
    const BLANK: Self;
}

/// A list in no particular order. `N` entries have room in it; further ones are allocated.
#[derive(Debug)]
pub struct Few<T, const N: usize> {
    first: [T; N],
    /// Number of places in `first` that have entries. These places come first.
    count: usize,
    more: Late<Vec<T>>,
}

impl<T: Blank, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Blank, const N: usize> Few<T, N> {
    pub const fn new() -> Self {
        Self { first: [T::BLANK; N], count: 0, more: Late::new() }
    }

    /// Adds an entry. False: there is no memory for it.
    pub fn push(&mut self, one: T) -> bool {
        if let Some(free) = self.first.get_mut(self.count) {
            *free = one;
            self.count += 1;
            return true;
        }
        let Ok(more) = self.more.get_or_make(|| Ok(Vec::new())) else { return false };
        let has_room = more.try_reserve(1).is_ok();
        if has_room {
            more.push(one);
        }
        has_room
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first[..self.count].iter().chain(self.more.iter())
    }

    /// All entries, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first[..self.count].iter_mut().chain(self.more.iter_mut())
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Drops all entries for which `stays` is false.
    pub fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        let mut place = 0;
        while place < self.count {
            if stays(&self.first[place]) {
                place += 1;
            } else {
                self.count -= 1;
                self.first[place] = self.first[self.count];
            }
        }
        if let Some(more) = self.more.get_mut() {
            more.retain(stays);
        }
    }

    /// Takes out an entry for which `key` is greatest. False: `key` was `None` for all entries, and
    /// none was taken out.
    pub fn take_greatest<K: Ord + Copy>(&mut self, key: impl Fn(&T) -> Option<K>) -> bool {
        let Some(greatest) = self.iter().filter_map(&key).max() else { return false };
        let mut all = self.iter();
        let place = all.position(|one| key(one) == Some(greatest)).unwrap_or_default();
        drop(all);
        if let Some(place) = place.checked_sub(self.count) {
            let more = self.more.get_mut();
            return more.is_some_and(|more| {
                place < more.len() && {
                    more.swap_remove(place);
                    true
                }
            });
        }
        self.count -= 1;
        self.first[place] = self.first[self.count];
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Blank for u32 {
        const BLANK: Self = 0;
    }

    #[test]
    fn what_is_taken_out_leaves_its_place_to_the_next() {
        let mut few = Few::<u32, 2>::new();
        for number in 1..=4 {
            assert!(few.push(number));
        }
        few.retain(|number| number % 2 == 0);
        few.iter_mut().for_each(|number| *number *= 10);
        assert!(few.push(7));
        let mut all: Vec<u32> = few.iter().copied().collect();
        all.sort_unstable();
        assert_eq!(all, [7, 20, 40]);
    }

    #[test]
    fn the_greatest_goes_first_wherever_it_stands() {
        let mut few = Few::<u32, 2>::new();
        assert!([3, 1, 4, 2].into_iter().all(|number| few.push(number)));
        let mut left = 4;
        for smallest_left in [3, 2, 1] {
            assert!(few.take_greatest(|number| Some(*number)));
            left -= 1;
            assert_eq!(few.iter().count(), left);
            assert_eq!(few.iter().max(), Some(&smallest_left));
        }
        assert!(!few.take_greatest(|number| (*number > 1).then_some(*number)));
        assert!(few.take_greatest(|number| Some(*number)) && few.is_empty());
    }

    #[test]
    #[cfg(debug_assertions)]
    fn the_first_need_no_memory_and_the_next_may_be_refused() {
        use crate::sys::scarce_memory::{Limits, with_limits};
        let mut few = Few::<u32, 2>::new();
        let none = Limits { left: 0, ..Limits::NONE };
        let added = with_limits(none, || [few.push(1), few.push(2), few.push(3)]);
        assert_eq!(added, [true, true, false]);
        assert_eq!(few.iter().count(), 2);
    }
}
