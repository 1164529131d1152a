//! Places of polls in the source of a plugin. The names of source files are texts of the plugin.
//! Each is copied once, because the plugin may be unloaded.

use crate::sys::fallible::{Late, try_string};
use crate::sys::sync::{Mutex, constructor};

/// Maximum number of file names that are kept. Polls in further files are shown as "(unknown)".
const MOST_FILES: usize = 4096;

/// The index of a file name in [`FileNames`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileId(u32);

/// The place at which a thread gave a sign of life: it polled, or began or ended the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At the start of the job.
    #[default]
    Begin,
    /// At the end of the job.
    End,
    /// In a call that does not say where in the source it is, or in a file beyond the most that are
    /// kept.
    Unknown,
    /// In a poll at this line of this file.
    At(FileId, u32),
}

/// All file names, each once.
#[derive(Debug)]
pub struct FileNames(Mutex<Late<Vec<String>>>);

impl FileNames {
    constructor! {
        pub fn new() -> Self {
            Self(Mutex::new(Late::new()))
        }
    }

    /// The id of a file's name. A new name is copied and gets an id. `None`: there is no room or no
    /// memory for another name.
    pub fn id(&self, name: &str) -> Option<FileId> {
        let mut lock = self.0.lock();
        let names = lock.get_or_make(|| Ok(Vec::new())).ok()?;
        if let Some(known) = names.iter().position(|known| known == name) {
            return Some(FileId(known as u32));
        }
        if names.len() == MOST_FILES {
            return None;
        }
        names.try_reserve(1).ok()?;
        let copy = try_string(name).ok()?;
        names.push(copy);
        Some(FileId(names.len() as u32 - 1))
    }

    /// Passes the file and line of a place to `reader`. For a place without a file these are a word
    /// in parentheses and line 0.
    pub fn show<R>(&self, place: Place, reader: impl FnOnce(&str, u32) -> R) -> R {
        match place {
            Place::Begin => reader("(begin)", 0),
            Place::End => reader("(end)", 0),
            Place::Unknown => reader("(unknown)", 0),
            Place::At(file, line) => {
                let lock = self.0.lock();
                let name = Late::get(&lock).and_then(|names| names.get(file.0 as usize));
                reader(name.map_or("(unknown)", String::as_str), line)
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_shown_again() {
        let names = FileNames::new();
        let first = names.id("smooth.cpp").unwrap();
        let second = names.id("weld.cpp").unwrap();
        assert_ne!(first, second);
        assert_eq!(names.id("smooth.cpp"), Some(first));
        names.show(Place::At(second, 7), |file, line| assert_eq!((file, line), ("weld.cpp", 7)));
        names.show(Place::Begin, |file, line| assert_eq!((file, line), ("(begin)", 0)));
    }
}
