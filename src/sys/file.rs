//! Files that are replaced as a whole or not at all.

use super::allocator::{with_reserve, without_reserve};
use super::clock;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};

/// Bytes that are collected before they are written to the file.
const ROOM: usize = 1 << 16;

/// Replaces the file `path` by a file with the bytes that `write` writes. The new file is written
/// beside the old file, under another name, and renamed once the system has all of it. On an error
/// the old file is unchanged.
pub fn replace(path: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // The standard library copies long paths for the system, and aborts if there is no memory for a
    // copy. After an error the new file must be removed, which copies its path, too. So a reserve
    // for all copies is allocated beforehand.
    let copies = [4 * (path.len() + MOST_ADDED); 8];
    with_reserve(copies, || replace_served(path, write)).map_err(|_| ErrorKind::OutOfMemory)?
}

/// Maximum number of bytes that the new file's temporary name adds to the path.
const MOST_ADDED: usize = 64;

#[allow(clippy::disallowed_methods, reason = "called with what it needs")]
fn replace_served(
    path: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    // Only a regular file may be replaced: a rename would replace a device, for instance, by a
    // file.
    if fs::metadata(path).is_ok_and(|old| !old.is_file()) {
        return Err(io::Error::other("something is there that is not a file"));
    }
    let (beside, file) = create_beside(path)?;
    let result = without_reserve(|| fill(file, write)).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result
}

/// Creates a file in the folder of `path`, under a name that no other file has. Returns its path
/// and the file.
fn create_beside(path: &str) -> io::Result<(String, File)> {
    let mut beside = String::new();
    let room = path.len() + MOST_ADDED;
    without_reserve(|| beside.try_reserve_exact(room)).map_err(|_| ErrorKind::OutOfMemory)?;
    beside.push_str(path);
    loop {
        beside.truncate(path.len());
        let _ = write!(beside, ".{}-{}.part", std::process::id(), clock::now_ns());
        match File::create_new(&beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
            result => return Ok((beside, result?)),
        }
    }
}

fn fill(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut room = Vec::new();
    room.try_reserve_exact(ROOM).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut collected = Collected { file, room };
    write(&mut collected)?;
    collected.flush()?;
    // Some systems report only here that there was no room for the data.
    collected.file.sync_all()
}

/// A buffered writer. `io::BufWriter` is not used, because it aborts if there is no memory for its
/// buffer.
struct Collected {
    file: File,
    room: Vec<u8>,
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > ROOM - self.room.len() {
            self.flush()?;
        }
        let bytes = &bytes[..bytes.len().min(ROOM)];
        self.room.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.room)?;
        self.room.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder of the test's own, removed with all that is in it when dropped.
    struct Place(PathBuf);

    impl Place {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("dcc-{test}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn path(&self) -> String {
            self.0.join("file ä.json").to_str().unwrap().to_owned()
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_made_and_replaced_whole() {
        let place = Place::new("replace");
        let piece = [b'x'; 1000];
        for (pieces, long) in [(1, 0), (500, 0), (3, 5 * ROOM), (0, 0)] {
            let expected = [piece.repeat(pieces), vec![b'y'; long]].concat();
            replace(&place.path(), |out| {
                (0..pieces).try_for_each(|_| out.write_all(&piece))?;
                out.write_all(&vec![b'y'; long])
            })
            .unwrap();
            assert!(fs::read(place.path()).unwrap() == expected, "{pieces} {long}");
            assert_eq!(place.names(), ["file ä.json"]);
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let place = Place::new("failed");
        fs::write(place.path(), "old").unwrap();
        let error = replace(&place.path(), |out| {
            out.write_all(&[b'x'; 3 * ROOM])?;
            Err(ErrorKind::TimedOut.into())
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(fs::read_to_string(place.path()).unwrap(), "old");
        assert_eq!(place.names(), ["file ä.json"]);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let place = Place::new("folder");
        fs::create_dir(place.path()).unwrap();
        replace(&place.path(), |_| unreachable!("nothing to write to")).unwrap_err();
        assert_eq!(place.names(), ["file ä.json"]);
        let missing = format!("{}/no/such/folder", place.path());
        let error = replace(&missing, |_| unreachable!("nothing to write to")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
