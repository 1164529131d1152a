//! `cargo xtask dist` makes the files for users from this checkout, in `target/dist`.
//!
//! - `dist` makes one artefact after the other, and tells which ones were not made, and why.
//! - `artefact` lists the artefacts, `platform` the platforms.
//! - `source` makes the archive of the sources, `unreal` the one for plugins of Unreal.
//! - For a platform `compile` builds the files, `symbols` splits their symbols off, `install` writes the
//!   contents of the archive, `pack` the archive, and `wheel` the Python package.
//! - `graph` finds the crates that are linked, for `notices` and `sbom`.
//! - `workshop` has the folders and the tools, `toolchain` the compiler, `windows` and `macos` what only
//!   these systems need.
//!
//! The same sources and tools give the same bytes on every machine and at every time.

#![forbid(unsafe_code)]

mod artefact;
mod compile;
mod dist;
mod graph;
mod install;
mod macos;
mod notices;
mod pack;
mod platform;
mod sbom;
mod source;
mod symbols;
mod toolchain;
mod trouble;
mod unreal;
mod wheel;
mod windows;
mod workshop;

use lexopt::{Arg, Parser, ValueExt};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask dist [--only NAME]...

Makes what users get, into target/dist: archives, wheels, and SHA256SUMS. At the end it lists what was not
made, and why; that is a failure only for what was asked for by --only, and with DCC_NO_SKIP=1.";

/// The artefacts to make: those that were named, or all. Nothing if the arguments are wrong.
fn asked() -> Result<Option<Vec<String>>, lexopt::Error> {
    let mut parser = Parser::from_env();
    let mut only = Vec::new();
    let mut has_command = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(word) if word == "dist" && !has_command => has_command = true,
            Arg::Long("only") if has_command => only.push(parser.value()?.string()?),
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    if has_command { Ok(Some(only)) } else { Err("which command? There is one, dist".into()) }
}

fn main() -> ExitCode {
    let only = match asked() {
        Ok(Some(only)) => only,
        Ok(None) => {
            println!("{USAGE}\n\nNAME is one of: {}", artefact::names());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("cargo xtask: {error}\n\n{USAGE}\n\nNAME is one of: {}", artefact::names());
            return ExitCode::from(2);
        }
    };
    match dist::dist(&only) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("cargo xtask dist: {trouble}");
            ExitCode::FAILURE
        }
    }
}
