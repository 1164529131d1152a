//! THIRD-PARTY.txt: the licences and authors of everything that is linked into the delivered files.

use crate::graph::{Crate, Graph};
use crate::platform::{Platform, System};
use crate::toolchain::Toolchain;
use crate::trouble::{Result, Trouble, While};
use crate::workshop::Workshop;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of zig that its linker adds, and the files of zig with their licences.
fn of_zig(system: System) -> &'static [(&'static str, &'static str)] {
    const UNWINDER: (&str, &str) = ("LLVM's libunwind, the unwinder", "lib/libunwind/LICENSE.TXT");
    const HELPERS: (&str, &str) = ("Zig's compiler_rt, which helps compiled code", "LICENSE");
    const GLIBC: (&str, &str) = (
        "Parts of the GNU C Library that are linked into every program",
        "lib/libc/glibc/LICENSES",
    );
    const MINGW: (&str, &str) =
        ("Parts of MinGW-w64 that are linked into every program", "lib/libc/mingw/COPYING");
    match system {
        System::Linux => &[UNWINDER, GLIBC, HELPERS],
        System::Windows => &[UNWINDER, MINGW, HELPERS],
        // LLVM's linker has added nothing, and the unwinder belongs to the system.
        System::Macos => &[],
    }
}

/// Writes `THIRD-PARTY.txt`, and beside it Rust's licence file for its standard library.
pub fn write(workshop: &Workshop, platform: &Platform, graph: &Graph, folder: &Path) -> Result<()> {
    let (licences_of_rust, name) = Toolchain::of(workshop, platform.triples[0])?.licences();
    let mut text = format!(
        "What others have written and is linked into the library and dcc-control, each with its licence.\n\
         Rust's standard library is linked in, too: its parts are in {name}.\n",
    );
    for of in graph.values().filter(|of| of.name != "dcc-cancel") {
        let files = licences(of)?;
        let title = format!("{} {} ({})", of.name, of.version, of.license);
        section(&mut text, &title, &files)?;
    }
    let zig = workshop.zig()?;
    for (what, licence) in of_zig(platform.system) {
        section(&mut text, what, &[zig.join(licence)])?;
    }
    let to = folder.join("THIRD-PARTY.txt");
    fs::write(&to, text).doing(to.display())?;

    let bytes = fs::read(&licences_of_rust).map_err(|error| {
        let page = licences_of_rust.display();
        Trouble::Lacks(format!("the licences of Rust's library, {page}: {error}"))
    })?;
    let to = folder.join(name);
    fs::write(&to, bytes).doing(to.display())
}

fn section(text: &mut String, title: &str, files: &[PathBuf]) -> Result<()> {
    let line = "=".repeat(78);
    writeln!(text, "\n{line}\n{title}\n{line}").doing("a notice")?;
    for file in files {
        let bytes = fs::read(file).doing(file.display())?;
        let said = String::from_utf8(bytes).doing(file.display())?;
        writeln!(text, "\n{}", said.trim_end()).doing("a notice")?;
    }
    Ok(())
}

/// The files of a crate with its licence and its notices.
fn licences(of: &Crate) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(&of.folder).doing(of.folder.display())? {
        let path = entry.doing(of.folder.display())?.path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().to_uppercase();
        let is_one = ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];
        if is_one.iter().any(|start| name.starts_with(start)) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() || of.license.is_empty() {
        let why = format!("{} {} has no licence in its sources", of.name, of.version);
        return Err(Trouble::Failed(why));
    }
    Ok(found)
}
