//! Stray polls: snapshots that were made on a thread without a current job while jobs ran. Most
//! likely the thread was started for a job and the context was not carried there, so its polls are
//! never cancelled.
//!
//! The count of all stray polls is exact. The counts by place are not: only the first
//! [`MOST_PLACES`] places are kept, and the place of a stray poll is left out while another thread
//! notes one. The lock of the file names is taken under the lock of the places.

use crate::diagnosis::place::{FileNames, Place};
use crate::json::object::Object;
use crate::sys::sync::{AtomicU64, Mutex, Ordering, constructor};
use std::fmt;

/// Maximum number of places that are told apart. In loom's models it is 1, because their threads
/// construct the library on small stacks.
pub const MOST_PLACES: usize = if cfg!(loom) { 1 } else { 16 };

/// The stray polls at one place in a source.
#[derive(Clone, Copy, Debug)]
struct StrayPlace {
    place: Place,
    count: u64,
}

/// The known places; an entry whose count is 0 is free.
type Places = [StrayPlace; MOST_PLACES];

/// The stray polls of the process.
#[derive(Debug)]
pub struct StrayPolls {
    count: AtomicU64,
    places: Mutex<Places>,
}

impl StrayPolls {
    constructor! {
        /// No stray polls. All its bits are zero, like those of the whole static library.
        pub fn new() -> Self {
            const FREE: StrayPlace = StrayPlace { place: Place::Begin, count: 0 };
            Self { count: AtomicU64::new(0), places: Mutex::new([FREE; MOST_PLACES]) }
        }
    }

    /// Counts one stray poll. Notes its place, unless another thread notes one at the same moment
    /// or all places are taken.
    pub fn note(&self, place: impl FnOnce() -> Place) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let Some(mut places) = self.places.try_lock() else { return };
        let place = place();
        let known = |counted: &&mut StrayPlace| counted.count == 0 || counted.place == place;
        if let Some(counted) = places.iter_mut().find(known) {
            *counted = StrayPlace { place, count: counted.count + 1 };
        }
    }

    /// How many stray polls there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Writes how many stray polls there were, and where.
    pub fn write(&self, files: &FileNames, mut strays: Object<'_>) -> fmt::Result {
        strays.value("count", self.count())?;
        let mut places = strays.list("places")?;
        for (place, count) in self.places() {
            let mut one = places.object()?;
            files.show(place, |file, line| {
                one.text("file", file)?;
                one.value("line", line)
            })?;
            one.value("count", count)?;
            one.end()?;
        }
        places.end()?;
        strays.end()
    }

    /// The known places, each with the number of polls noted there.
    pub fn places(&self) -> impl Iterator<Item = (Place, u64)> {
        let places = *self.places.lock();
        let known = places.into_iter().filter(|counted| counted.count > 0);
        known.map(|counted| (counted.place, counted.count))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_one_by_one_and_the_count_goes_on_without_them() {
        let (strays, files) = (StrayPolls::new(), FileNames::new());
        let file = files.id("smooth.cpp").unwrap();
        let most = MOST_PLACES as u32;
        for line in [1, 2, 1].into_iter().chain(3..=most + 3) {
            strays.note(|| Place::At(file, line));
        }
        assert_eq!(strays.count(), u64::from(most) + 4);
        let known: Vec<(Place, u64)> = strays.places().collect();
        assert_eq!(known.len(), MOST_PLACES);
        assert_eq!(known[..2], [(Place::At(file, 1), 2), (Place::At(file, 2), 1)]);
    }
}
