//! The files that a DLL needs besides its code: its exports, its version and its import libraries.

use crate::trouble::{Result, Trouble, While};
use crate::workshop::{Workshop, llvm, succeed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The functions of the header. They are read from dcc_cancel_dl.h, which looks each of them up by name.
fn functions(workshop: &Workshop) -> Result<Vec<String>> {
    let header = workshop.root.join("include/dcc_cancel_dl.h");
    let text = fs::read_to_string(&header).doing(header.display())?;
    let lookups = text.split("dcc_cancel_symbol_(library,").skip(1);
    let name = |lookup: &str| Some(lookup.split('"').nth(1)?.to_owned());
    let names: Option<Vec<String>> = lookups.map(name).collect();
    match names {
        Some(names) if !names.is_empty() => Ok(names),
        _ => Err(Trouble::Failed(format!("{} looks up no function", header.display()))),
    }
}

/// The linker's arguments for the DLL, and the files that they name, which are written to the folder: the
/// list of exports, because otherwise all of std would be exported, and the version that Windows shows.
pub fn link_arguments(workshop: &Workshop, folder: &Path) -> Result<Vec<String>> {
    let (exports, source, version) =
        (folder.join("exports.def"), folder.join("version.rc"), folder.join("version.o"));
    let names = functions(workshop)?.join("\n");
    let text = format!("LIBRARY dcc_cancel.dll\nEXPORTS\n{names}\n");
    fs::write(&exports, text).doing(exports.display())?;
    let text = include_str!("version.rc.in")
        .replace("@VERSION@", &workshop.version)
        .replace("@NUMBERS@", &format!("{},0", workshop.version.replace('.', ",")));
    fs::write(&source, text).doing(source.display())?;
    let mut windres = Command::new(llvm("llvm-windres")?);
    windres.args(["-O", "coff", "-F", "pe-x86-64"]).args([&source, &version]);
    succeed(&mut windres)?;
    Ok([exports, version].map(|file| format!("-Clink-arg={}", file.display())).into())
}

/// Makes the import libraries for MSVC and for MinGW, with the names that CMake and Unreal look for.
pub fn import_libraries(folder: &Path) -> Result<[PathBuf; 2]> {
    let tool = llvm("llvm-dlltool")?;
    let made = ["dcc_cancel.lib", "libdcc_cancel.dll.a"].map(|name| folder.join(name));
    for to in &made {
        let mut dlltool = Command::new(&tool);
        dlltool.args(["-m", "i386:x86-64", "-d"]).arg(folder.join("exports.def"));
        succeed(dlltool.arg("-l").arg(to))?;
    }
    Ok(made)
}
