//! A mark in the process that every copy of the library sees, whatever link namespace it was loaded
//! into. It is a page that is mapped and never touched; its name shows in /proc/self/maps. It keeps
//! no descriptor open and leaves nothing behind.
//!
//! Invariant: if copies claim the process one after the other, the first copy gets it. The callers
//! keep that order: they claim inside `dl_iterate_phdr`, whose lock all namespaces share. If the
//! system cannot name such pages, the first copy of each namespace gets the process.

use std::ffi::{CStr, c_uint};

/// Name of the file behind the page. The file is in no folder.
const NAME: &CStr =
    match CStr::from_bytes_with_nul(concat!("dcc_cancel.", env!("DCC_ABI_MAJOR"), "\0").as_bytes())
    {
        Ok(name) => name,
        Err(_) => panic!("a name has no NUL"),
    };

/// The name as /proc/self/maps shows it, up to the word "deleted".
const SHOWN: &str = concat!("/memfd:dcc_cancel.", env!("DCC_ABI_MAJOR"), " ");

/// Claims the process for the calling copy. False: another copy had claimed the process before.
/// True: none had, as far as the list of mappings shows.
pub fn claim() -> bool {
    if is_there() {
        return false;
    }
    leave();
    true
}

/// Maps the page that is the mark. If the system refuses, the process gets no mark.
fn leave() {
    // SAFETY: the name ends with NUL; a descriptor or -1 comes back.
    let file = unsafe {
        libc::syscall(libc::SYS_memfd_create, NAME.as_ptr(), libc::MFD_CLOEXEC as c_uint) as i32
    };
    if file < 0 {
        return;
    }
    // SAFETY: a new mapping that no code may access, and a descriptor that is known here alone.
    unsafe {
        libc::mmap(std::ptr::null_mut(), 1, libc::PROT_NONE, libc::MAP_PRIVATE, file, 0);
        libc::close(file);
    }
}

/// Whether the process's list of mappings has the mark. The list is read piece by piece, so that
/// nothing is allocated.
fn is_there() -> bool {
    // SAFETY: the path ends with NUL.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if maps < 0 {
        return false;
    }
    let mut room = [0_u8; 4096];
    let mut search = Search { found: 0 };
    let is_there = loop {
        // SAFETY: `room` is writable and has that many bytes.
        let count = unsafe { libc::read(maps, room.as_mut_ptr().cast(), room.len()) };
        match usize::try_from(count) {
            Ok(0) => break false,
            Ok(count) if search.goes_on(&room[..count]) => break true,
            Ok(_) => (),
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => (),
            Err(_) => break false,
        }
    };
    // SAFETY: the descriptor was opened above and is known here alone.
    unsafe { libc::close(maps) };
    is_there
}

/// A search for [`SHOWN`] in a text that comes in pieces; `found` counts the bytes that match so
/// far.
struct Search {
    found: usize,
}

impl Search {
    /// Continues the search in the next piece of the text. True: [`SHOWN`] has been found. The
    /// first byte of `SHOWN`, a slash, occurs nowhere else in it. So a byte that does not continue
    /// a match can only begin a new match.
    fn goes_on(&mut self, piece: &[u8]) -> bool {
        let wanted = SHOWN.as_bytes();
        for byte in piece {
            self.found = match (*byte == wanted[self.found], *byte == wanted[0]) {
                (true, _) => self.found + 1,
                (false, begins) => usize::from(begins),
            };
            if self.found == wanted.len() {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_however_the_text_is_cut() {
        let text = format!("7f00-7f01 ---p 00000000 00:01 5 /mem/memfd:dcc{SHOWN}(deleted)\n");
        for size in 1..text.len() {
            let mut search = Search { found: 0 };
            assert!(text.as_bytes().chunks(size).any(|piece| search.goes_on(piece)), "{size}");
        }
        for other in ["", "/memfd:dcc_cancel.", "/memfd:dcc_cancel.20 ", "memfd:dcc_cancel.2 "] {
            assert!(!Search { found: 0 }.goes_on(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_slash_is_only_where_it_begins() {
        assert_eq!(SHOWN.rfind('/'), Some(0));
    }
}
