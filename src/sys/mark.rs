//! A mark in the process that every copy of the library sees, whatever link namespace it was loaded into:
//! a page that is mapped and never touched, whose name stands in /proc/self/maps. It keeps no descriptor
//! open and leaves nothing behind.
//!
//! Invariant: of all copies that claim the process one gets it, the first, if claims come one after the
//! other. Callers see to that: they claim inside `dl_iterate_phdr`, whose lock all namespaces share.
//! Where the system has no such names, each copy is the first of its namespace.

use std::ffi::{CStr, c_uint};

/// What the page's file, which has no place in any folder, is called.
const NAME: &CStr =
    match CStr::from_bytes_with_nul(concat!("dcc_cancel.", env!("DCC_ABI_MAJOR"), "\0").as_bytes())
    {
        Ok(name) => name,
        Err(_) => panic!("a name has no NUL"),
    };

/// How the system shows it, up to the word "deleted".
const SHOWN: &str = concat!("/memfd:dcc_cancel.", env!("DCC_ABI_MAJOR"), " ");

/// Whether the process was nobody's yet; it is the caller's now.
pub fn claim() -> bool {
    if is_there() {
        return false;
    }
    leave();
    true
}

/// Maps the page; where the system refuses there is none.
fn leave() {
    // SAFETY: a name that ends with NUL, and flags; a descriptor or -1 comes back.
    let file = unsafe {
        libc::syscall(libc::SYS_memfd_create, NAME.as_ptr(), libc::MFD_CLOEXEC as c_uint) as i32
    };
    if file < 0 {
        return;
    }
    // SAFETY: a new mapping, which nobody may touch; the descriptor is this function's.
    unsafe {
        libc::mmap(std::ptr::null_mut(), 1, libc::PROT_NONE, libc::MAP_PRIVATE, file, 0);
        libc::close(file);
    }
}

/// Whether the process's list of mappings has it. Without memory: a piece at a time.
fn is_there() -> bool {
    // SAFETY: a path that ends with NUL.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if maps < 0 {
        return false;
    }
    let mut room = [0_u8; 4096];
    let mut search = Search { found: 0 };
    let is_there = loop {
        // SAFETY: room for as many bytes as said.
        let count = unsafe { libc::read(maps, room.as_mut_ptr().cast(), room.len()) };
        match usize::try_from(count) {
            Ok(0) => break false,
            Ok(count) if search.goes_on(&room[..count]) => break true,
            Ok(_) => (),
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => (),
            Err(_) => break false,
        }
    };
    // SAFETY: opened above.
    unsafe { libc::close(maps) };
    is_there
}

/// Looks for [`SHOWN`] in pieces of a text.
struct Search {
    found: usize,
}

impl Search {
    /// Whether it is complete with this piece. A slash begins it and is nowhere else in it, so what does
    /// not go on can only begin anew.
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
