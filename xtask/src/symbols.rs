//! Takes the symbols out of the built files and keeps them in files of their own.

use crate::platform::System;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::{llvm, print, succeed};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Copies `from` to `to` without symbols. They go to a file below `symbols`: on Linux to the path where
/// debuggers look for a build id, else to the name of the binary with a suffix. `root` is the checkout.
pub fn split(root: &Path, system: System, from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    match system {
        System::Linux => split_elf(from, to, symbols),
        System::Windows => split_pe(from, to, symbols),
        System::Macos => split_mach_o(root, from, to, symbols),
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

/// The stripped file gets the name and the checksum of the file with its symbols.
fn split_pe(from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    let objcopy = llvm("llvm-objcopy")?;
    let apart = symbols.join(format!("{}.debug", name(from)));
    succeed(Command::new(&objcopy).arg("--only-keep-debug").arg(from).arg(&apart))?;
    let mut strip = Command::new(objcopy);
    strip.arg("--strip-all").arg(format!("--add-gnu-debuglink={}", apart.display()));
    succeed(strip.arg(from).arg(to))
}

/// Debuggers find the separate file by the UUID, which both files have.
fn split_mach_o(root: &Path, from: &Path, to: &Path, symbols: &Path) -> Result<()> {
    let apart = symbols.join(format!("{}.dSYM", name(from)));
    // dsymutil joins the parts by a program of this name.
    let tools = symbols.with_extension("tools");
    fs::create_dir_all(&tools).doing(tools.display())?;
    let lipo = tools.join("lipo");
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", llvm("llvm-lipo")?);
    fs::write(&lipo, script).doing(lipo.display())?;
    fs::set_permissions(&lipo, Permissions::from_mode(0o755)).doing(lipo.display())?;
    let mut path = tools.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut dsymutil = Command::new(llvm("dsymutil")?);
    dsymutil.env("PATH", path).arg("--oso-prepend-path").arg(root);
    succeed(dsymutil.arg("-o").arg(&apart).arg(from))?;
    // Needed only to join symbols once more, and it contains folders of this machine.
    let relocations = apart.join("Contents/Resources/Relocations");
    fs::remove_dir_all(&relocations).doing(relocations.display())?;
    succeed(Command::new(llvm("llvm-strip")?).args(["-x", "-S", "-o"]).arg(to).arg(from))
}
