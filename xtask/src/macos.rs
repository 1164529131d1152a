//! What macOS' linker needs: names of what the system's libraries have.

use crate::trouble::{Result, While};
use crate::workshop::{Workshop, llvm};
use std::fs;
use std::path::{Path, PathBuf};

/// What the crates and the standard library name, all of which is in libSystem; of libiconv nothing is used.
const LIBRARIES: &[&str] = &["System", "c", "m", "iconv"];

/// A folder that serves as an SDK, written below the folder. zig has the names.
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

/// Without a processor that the linker does not know, and with the plain name of the one that there is.
fn known_processors(text: &str) -> String {
    let mut known = String::new();
    for (number, part) in text.split(", ").enumerate() {
        let word = part.trim_start();
        let unknown = word.strip_prefix("arm64e.x1-");
        match unknown.map(|rest| rest.trim_start_matches(|letter: char| letter.is_alphanumeric())) {
            // What ends the list stays.
            Some(rest) => known += rest,
            None if number == 0 => known += part,
            None => known += &format!(", {part}"),
        }
    }
    known.replace("arm64e-", "arm64-")
}

/// What rustc is told: LLVM's linker, by its compiler, which keeps to the list of what is exported.
pub fn link_arguments(triple: &str) -> Result<Vec<String>> {
    let processor = if triple.starts_with("aarch64") { "arm64" } else { "x86_64" };
    let target = format!("--target={processor}-apple-macosx{OLDEST}");
    Ok(vec![
        format!("-Clinker={}", llvm("clang")?),
        format!("-Clink-arg={target}"),
        "-Clink-arg=-fuse-ld=lld".to_owned(),
        // Which objects the symbols are in, from the checkout: else its folder is a part of the UUID.
        "-Clink-arg=-Wl,-oso_prefix,.".to_owned(),
    ])
}

/// The oldest system, the first for both processors.
pub const OLDEST: &str = "11.0";
