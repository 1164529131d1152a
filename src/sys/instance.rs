//! Finds out whether this copy of the library is the first in the process, and keeps it loaded.
//!
//! Copies are united by name: ELF's SONAME, the DLL's module name, the dylib's install name. A copy
//! that was loaded by its path beside an older copy finds the older copy in the loader's list. On
//! Linux that list has only the copy's own link namespace (dlmopen); the mark of `mark.rs` unites
//! all namespaces.

use super::fallible::OutOfMemory;
use std::sync::OnceLock;

/// File name that unites the copies on this platform.
pub const SHARED_NAME: &str = env!("DCC_SHARED_NAME");

/// Whether this is the first copy in the process. The first call also begins to notice forks, calls
/// `begin`, and pins the module unless the linker has done that. An error: there is no memory to
/// notice forks.
pub fn is_first(begin: fn()) -> Result<bool, OutOfMemory> {
    static FIRST: OnceLock<bool> = OnceLock::new();
    if let Some(first) = FIRST.get() {
        return Ok(*first);
    }
    if !super::process::watch() {
        return Err(OutOfMemory);
    }
    Ok(*FIRST.get_or_init(|| {
        begin();
        system::pin_and_look()
    }))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use crate::sys::mark;
    use std::ffi::{CStr, c_int, c_void};

    struct CopySearch {
        own_address: usize,
        older_copy: bool,
    }

    const DYNAMIC: u32 = libc::PT_DYNAMIC;
    const LOAD: u32 = libc::PT_LOAD;
    const TAG_END: usize = 0;
    const TAG_STRINGS: usize = 5;
    const TAG_SONAME: usize = 14;

    /// The SONAME of a loaded object.
    ///
    /// # Safety
    /// `info` comes from `dl_iterate_phdr`, and its object stays loaded during the call.
    unsafe fn soname(info: &libc::dl_phdr_info) -> Option<&CStr> {
        // SAFETY: the loader's own array and its length.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let base = info.dlpi_addr as usize;
        let dynamic = headers.iter().find(|header| header.p_type == DYNAMIC)?;
        let mut entry = base.wrapping_add(dynamic.p_vaddr as usize) as *const [usize; 2];
        let (mut strings, mut name) = (None, None);
        loop {
            // SAFETY: the dynamic section is an array of pairs that ends with a zero tag.
            let [tag, value] = unsafe { *entry };
            match tag {
                TAG_END => break,
                TAG_STRINGS => strings = Some(value),
                TAG_SONAME => name = Some(value),
                _ => (),
            }
            // SAFETY: this entry is not the last one.
            entry = unsafe { entry.add(1) };
        }
        let strings = strings?;
        // glibc has relocated the address in place; musl and the vdso have not.
        let strings = if strings < base { strings.wrapping_add(base) } else { strings };
        // SAFETY: the name is an offset into the object's string table, whose texts end with NUL.
        Some(unsafe { CStr::from_ptr((strings + name?) as *const _) })
    }

    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: both pointers are valid during the call; `data` is the `CopySearch` below.
        let (info, search) = unsafe { (&*info, &mut *data.cast::<CopySearch>()) };
        // SAFETY: the loader's own array and its length.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let own = headers.iter().any(|header| {
            let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            header.p_type == LOAD
                && (start..start.wrapping_add(header.p_memsz as usize))
                    .contains(&search.own_address)
        });
        if own {
            // The process is claimed here, because the loader's lock keeps other copies out
            // meanwhile, in whatever namespace they are.
            search.older_copy = search.older_copy || !mark::claim();
            return 1;
        }
        // SAFETY: the loader calls this for a loaded object.
        let name = unsafe { soname(info) };
        search.older_copy |=
            name.is_some_and(|name| name.to_bytes() == super::SHARED_NAME.as_bytes());
        0
    }

    pub fn pin_and_look() -> bool {
        static MARK: u8 = 0;
        let mut search = CopySearch { own_address: &raw const MARK as usize, older_copy: false };
        // SAFETY: the callback has the expected signature, and `search` outlives the call. The
        // linker's `-z nodelete` has already pinned the library.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        !search.older_copy
    }
}

#[cfg(target_vendor = "apple")]
mod system {
    use std::ffi::CStr;

    unsafe extern "C" {
        fn _dyld_image_count() -> u32;
        fn _dyld_get_image_name(index: u32) -> *const std::ffi::c_char;
    }

    fn has_shared_name(path: &CStr) -> bool {
        path.to_bytes().rsplit(|byte| *byte == b'/').next() == Some(super::SHARED_NAME.as_bytes())
    }

    pub fn pin_and_look() -> bool {
        static MARK: u8 = 0;
        let mut own = libc::Dl_info {
            dli_fname: std::ptr::null(),
            dli_fbase: std::ptr::null_mut(),
            dli_sname: std::ptr::null(),
            dli_saddr: std::ptr::null_mut(),
        };
        // SAFETY: the address is inside this image, and the structure is writable.
        if unsafe { libc::dladdr((&raw const MARK).cast(), &mut own) } == 0
            || own.dli_fname.is_null()
        {
            return true;
        }
        // SAFETY: the loader keeps the path. Opening the image once more and never closing it pins
        // it.
        let own_path = unsafe {
            libc::dlopen(own.dli_fname, libc::RTLD_NOLOAD | libc::RTLD_NOW | libc::RTLD_NODELETE);
            CStr::from_ptr(own.dli_fname)
        };
        // SAFETY: the call takes no arguments.
        let count = unsafe { _dyld_image_count() };
        for index in 0..count {
            // SAFETY: for an index past the end the answer is NULL.
            let name = unsafe { _dyld_get_image_name(index) };
            if name.is_null() {
                break;
            }
            // SAFETY: the loader's path ends with NUL.
            let path = unsafe { CStr::from_ptr(name) };
            if path == own_path {
                break;
            }
            if has_shared_name(path) {
                return false;
            }
        }
        true
    }
}

#[cfg(windows)]
mod system {
    use windows_sys::Win32::Foundation::{HANDLE, HMODULE};
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };
    use windows_sys::Win32::System::ProcessStatus::{K32EnumProcessModules, K32GetModuleBaseNameW};
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    /// The loaded modules in the order of loading. `GetModuleHandle` does not serve: the system
    /// does not say which of two modules of one name it finds.
    fn modules(process: HANDLE) -> Option<Vec<HMODULE>> {
        let mut found: Vec<HMODULE> = Vec::new();
        loop {
            // Other threads may load more modules between two calls.
            found.try_reserve_exact(found.len() + 1024).ok()?;
            found.resize(found.capacity(), std::ptr::null_mut());
            let room = found.len() * size_of::<HMODULE>();
            let mut needed = 0;
            // SAFETY: the buffer has the size passed.
            let done = unsafe {
                K32EnumProcessModules(process, found.as_mut_ptr(), room as u32, &mut needed)
            };
            if done == 0 {
                return None;
            }
            if needed as usize <= room {
                found.truncate(needed as usize / size_of::<HMODULE>());
                return Some(found);
            }
        }
    }

    fn has_shared_name(process: HANDLE, module: HMODULE) -> bool {
        let mut name = [0; 32];
        let room = name.len() as u32;
        // SAFETY: the buffer has the length passed. A longer name is cut, and then is not ours.
        let length = unsafe { K32GetModuleBaseNameW(process, module, name.as_mut_ptr(), room) };
        let name = String::from_utf16_lossy(&name[..length as usize]);
        name.eq_ignore_ascii_case(super::SHARED_NAME)
    }

    pub fn pin_and_look() -> bool {
        static MARK: u8 = 0;
        let mut own: HMODULE = std::ptr::null_mut();
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        // SAFETY: with FROM_ADDRESS the name is an address inside this module.
        if unsafe { GetModuleHandleExW(flags, (&raw const MARK).cast(), &mut own) } == 0 {
            return true;
        }
        // SAFETY: the call takes no arguments and returns a constant that needs no closing.
        let process = unsafe { GetCurrentProcess() };
        // While other threads load modules the list may be incomplete; a complete list contains
        // this module.
        let whole = (0..100).find_map(|_| modules(process).filter(|list| list.contains(&own)));
        let modules = whole.unwrap_or_default();
        let older = modules.iter().take_while(|module| **module != own);
        !older.into_iter().any(|module| has_shared_name(process, *module))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
mod system {
    pub fn pin_and_look() -> bool {
        true
    }
}
