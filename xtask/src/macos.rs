//! The linker's input for macOS: the names of the functions in the system's libraries.

use crate::trouble::{Result, While};
use crate::workshop::{Workshop, llvm};
use std::fs;
use std::path::{Path, PathBuf};

/// The libraries that the crates and the standard library name. All their functions are in libSystem,
/// except those of libiconv, of which none is used.
const LIBRARIES: &[&str] = &["System", "c", "m", "iconv"];

/// Writes a folder that serves as an SDK below `folder`. The names come from zig.
pub fn sdk(workshop: &Workshop, folder: &Path) -> Result<PathBuf> {
    let sdk = folder.join("sdk");
    let libraries = sdk.join("usr/lib");
    fs::create_dir_all(&libraries).doing(libraries.display())?;
    let names = workshop.zig()?.join("lib/libc/darwin/libSystem.tbd");
    let text = known_processors(&fs::read_to_string(&names).doing(names.display())?);
    for name in LIBRARIES {
        let to = libraries.join(format!("lib{name}.tbd"));
        fs::write(&to, &text).doing(to.display())?;
    }
    Ok(sdk)
}

/// The text without entries for a processor that the linker does not know. `arm64e` becomes `arm64`.
fn known_processors(text: &str) -> String {
    let mut known = String::new();
    for (number, part) in text.split(", ").enumerate() {
        let word = part.trim_start();
        let unknown = word.strip_prefix("arm64e.x1-");
        match unknown.map(|rest| rest.trim_start_matches(|letter: char| letter.is_alphanumeric())) {
            // The end of the list follows its last entry, and stays.
            Some(rest) => known += rest,
            None if number == 0 => known += part,
            None => known += &format!(", {part}"),
        }
    }
    known.replace("arm64e-", "arm64-")
}

/// The arguments for rustc. They select LLVM's linker, called through clang, because it exports only
/// the listed functions.
pub fn link_arguments(triple: &str) -> Result<Vec<String>> {
    let processor = if triple.starts_with("aarch64") { "arm64" } else { "x86_64" };
    let target = format!("--target={processor}-apple-macosx{OLDEST}");
    Ok(vec![
        format!("-Clinker={}", llvm("clang")?),
        format!("-Clink-arg={target}"),
        "-Clink-arg=-fuse-ld=lld".to_owned(),
        // Makes the paths of the objects relative to the checkout. Otherwise its folder changes the UUID.
        "-Clink-arg=-Wl,-oso_prefix,.".to_owned(),
    ])
}

/// The oldest macOS that is supported, the first one for both processors.
pub const OLDEST: &str = "11.0";
