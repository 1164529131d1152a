//! Symbols, taken out of what was built and kept apart.

use crate::platform::System;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::{llvm, print, succeed};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Copies `from` to `to` without symbols. These go to a file below `symbols`: on Linux where debuggers look
/// for it by build id, else under the name of what it belongs to.
pub fn split(system: System, from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    match system {
        System::Linux => split_elf(from, to, symbols),
        System::Windows => split_pe(from, to, symbols),
    }
}

fn name(file: &Path) -> String {
    file.file_name().expect("a file has a name").display().to_string()
}

fn split_elf(from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    let objcopy = llvm("llvm-objcopy")?;
    let id = build_id(from)?;
    let (start, rest) = id.split_at(2);
    let folder = symbols.join("lib/debug/.build-id").join(start);
    fs::create_dir_all(&folder).doing(folder.display())?;
    let apart = folder.join(format!("{rest}.debug"));
    succeed(Command::new(&objcopy).arg("--only-keep-debug").arg(from).arg(apart))?;
    succeed(Command::new(objcopy).arg("--strip-all").arg(from).arg(to))
}

fn build_id(file: &Path) -> Result<String> {
    let notes = print(Command::new(llvm("llvm-readelf")?).arg("--notes").arg(file))?;
    let id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    let is_id = |id: &&str| id.len() > 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let why = || Trouble::Failed(format!("{} has no build id:\n{notes}", file.display()));
    id.filter(is_id).map(str::to_owned).ok_or_else(why)
}

/// What was stripped names its symbols, with a checksum of theirs.
fn split_pe(from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    let objcopy = llvm("llvm-objcopy")?;
    let apart = symbols.join(format!("{}.debug", name(from)));
    succeed(Command::new(&objcopy).arg("--only-keep-debug").arg(from).arg(&apart))?;
    let mut strip = Command::new(objcopy);
    strip.arg("--strip-all").arg(format!("--add-gnu-debuglink={}", apart.display()));
    succeed(strip.arg(from).arg(to))
}
