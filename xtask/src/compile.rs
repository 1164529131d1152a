//! Compiles the library and the tool for a platform. Their symbols stay in them.

use crate::macos;
use crate::platform::{Platform, System};
use crate::toolchain::Toolchain;
use crate::trouble::{Result, While};
use crate::windows;
use crate::workshop::{Workshop, llvm, succeed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Built {
    pub library: PathBuf,
    pub tool: PathBuf,
}

pub fn compile(workshop: &Workshop, platform: &Platform) -> Result<Built> {
    let folder = workshop.folder(platform.name);
    fs::create_dir_all(&folder).doing(folder.display())?;
    let parts = platform.triples.iter().map(|triple| compile_for(workshop, platform, triple));
    let mut parts = parts.collect::<Result<Vec<Built>>>()?;
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let joined = Built {
        library: folder.join(platform.system.library()),
        tool: folder.join(platform.system.tool()),
    };
    universal(parts.iter().map(|part| &part.library), &joined.library)?;
    universal(parts.iter().map(|part| &part.tool), &joined.tool)?;
    Ok(joined)
}

/// Joins files for several processors into one file. A system takes the part for its processor.
fn universal<'a>(parts: impl Iterator<Item = &'a PathBuf>, to: &Path) -> Result<()> {
    succeed(Command::new(llvm("llvm-lipo")?).arg("-create").args(parts).arg("-output").arg(to))
}

fn compile_for(workshop: &Workshop, platform: &Platform, triple: &str) -> Result<Built> {
    let folder = workshop.folder(platform.name);
    let toolchain = Toolchain::of(workshop, triple)?;
    let linked = match platform.system {
        System::Windows => windows::link_arguments(workshop, &folder)?,
        System::Linux => vec!["-Clinker=cmake/link_versioned.sh".to_owned()],
        System::Macos => macos::link_arguments(triple)?,
    };
    // Except on macOS the arguments concern exported functions, and the tool exports none.
    let tool_linked = if platform.system == System::Macos { &linked[..] } else { &[] };
    let sdk = match platform.system {
        System::Macos => Some(macos::sdk(workshop, &folder)?),
        System::Linux | System::Windows => None,
    };
    // Each build has a folder of its own, because both make a file with the library's name, see
    // Cargo.toml. So both can run at the same time.
    let build = |part: &str, what: &[&str], linked: &[String]| {
        let mut cargo = workshop.command(workshop.tool("cargo-zigbuild"));
        cargo.arg("rustc").args(what).args(["--release", "--locked", "--package", "dcc-cancel"]);
        cargo.args(["--target", &format!("{triple}{}", platform.version), "--target-dir"]);
        cargo.arg(folder.join(part));
        toolchain.apply(&mut cargo);
        if let Some(sdk) = &sdk {
            cargo.env("SDKROOT", sdk);
        }
        cargo
            // Compilers of C write the folder's name into their output. They take it from PWD if that is one
            // of its names, as this link is, so no path of this machine is written.
            .env("PWD", "/proc/self/cwd")
            .env("CARGO_ZIGBUILD_CACHE_DIR", folder.join(part).join("zigbuild"))
            .env("CARGO_ENCODED_RUSTFLAGS", flags(workshop, platform, &toolchain)?)
            // Files for Windows contain the time at which they were linked.
            .env("SOURCE_DATE_EPOCH", workshop.time.to_string())
            .env("DCC_CANCEL_LINKER_IN", linker_variable(triple))
            .env("MACOSX_DEPLOYMENT_TARGET", macos::OLDEST)
            // `symbols` takes the symbols out later.
            .env("CARGO_PROFILE_RELEASE_STRIP", "none")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            .arg("--")
            .args(linked);
        succeed(&mut cargo)
    };
    std::thread::scope(|threads| {
        let tool = threads.spawn(|| build("tool", &["--bin", "dcc-control"], tool_linked));
        let library = build("library", &["--lib", "--crate-type", "cdylib"], &linked);
        library.and(tool.join().expect("no panic"))
    })?;
    let built = |part: &str, name: &str| folder.join(part).join(triple).join("release").join(name);
    Ok(Built {
        library: built("library", platform.system.library()),
        tool: built("tool", platform.system.tool()),
    })
}

/// The variable in which cargo-zigbuild tells cargo which linker to call.
fn linker_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_"))
}

/// Flags that keep paths of this machine out of the output. If several of them match a path, the last
/// one counts, so the innermost folder comes last.
fn flags(workshop: &Workshop, platform: &Platform, toolchain: &Toolchain) -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let home = home.ok_or("no home folder, and no CARGO_HOME").doing("the folder of crates")?;
    let map = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let mut flags = vec![
        map(&workshop.root, "/dcc-cancel"),
        map(&home, "/cargo"),
        map(&toolchain.sources(), "/rust"),
    ];
    flags.extend(match platform.system {
        System::Linux => Some("-Clink-arg=-Wl,--build-id=sha1".to_owned()),
        // The crate libc links libiconv, but nothing of it is used.
        System::Macos => Some("-Clink-arg=-Wl,-dead_strip_dylibs".to_owned()),
        System::Windows => None,
    });
    Ok(flags.join("\x1f"))
}
