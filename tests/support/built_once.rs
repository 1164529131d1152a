//! Folders under the target folder that are made once, by the first test that needs them.

use std::fs::{File, create_dir_all, read_to_string, remove_dir_all, write};
use std::path::{Path, PathBuf};

/// Returns the folder `name`. Unless it was filled for the same `contents` before, `build` fills it
/// now. Other tests, also those of other programs, wait meanwhile.
pub fn built_once(name: &str, contents: &str, build: impl FnOnce(&Path)) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    create_dir_all(root).unwrap();
    let folder = root.join(name);
    // The system unlocks the file at the end of this call, or of the process.
    let lock = File::create(root.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = folder.join("built-once");
    if !read_to_string(&done).is_ok_and(|text| text == contents) {
        let _ = remove_dir_all(&folder);
        create_dir_all(&folder).unwrap();
        build(&folder);
        write(done, contents).unwrap();
    }
    folder
}
