//! The compiler for a platform. `rustc` is used if it has the platform's standard library. Otherwise
//! Debian's compiler is used, and builds that library from Debian's sources.

use crate::trouble::{Result, Trouble};
use crate::workshop::{Workshop, print};
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Toolchain {
    rustc: &'static str,
    is_debians: bool,
    sysroot: PathBuf,
}

impl Toolchain {
    pub fn of(workshop: &Workshop, triple: &str) -> Result<Self> {
        let ask = |rustc: &str, what: &[&str]| {
            print(workshop.command(rustc).arg("--print").args(what)).map(PathBuf::from)
        };
        if ask("rustc", &["target-libdir", "--target", triple])?.is_dir() {
            let sysroot = ask("rustc", &["sysroot"])?;
            return Ok(Self { rustc: "rustc", is_debians: false, sysroot });
        }
        let lacks = || {
            let also = "nor Debian's (rustc-web, cargo-web, rust-web-src)";
            Trouble::Lacks(format!("a compiler with the standard library for {triple}, {also}"))
        };
        let rustc = "/usr/bin/rustc";
        if !Path::new(rustc).exists() || !Path::new("/usr/bin/cargo").exists() {
            return Err(lacks());
        }
        let sysroot = ask(rustc, &["sysroot"])?;
        match sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
            true => Ok(Self { rustc, is_debians: true, sysroot }),
            false => Err(lacks()),
        }
    }

    /// Makes a cargo command use this compiler.
    pub fn apply(&self, cargo: &mut Command) {
        if self.is_debians {
            cargo.env("RUSTC", self.rustc).env("CARGO", "/usr/bin/cargo");
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort,panic_unwind");
        }
    }

    pub fn version(&self, workshop: &Workshop) -> Result<String> {
        print(workshop.command(self.rustc).arg("--version"))
    }

    /// The folder with the sources of its standard library.
    pub fn sources(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// The file with the licences of its standard library, and the name of that file in the archive.
    pub fn licences(&self) -> (PathBuf, &'static str) {
        if self.is_debians {
            ("/usr/share/doc/rust-web-src/copyright".into(), "rust-standard-library.txt")
        } else {
            let page = self.sysroot.join("share/doc/rust/COPYRIGHT-library.html");
            (page, "rust-standard-library.html")
        }
    }
}
