//! The archive of `cargo xtask dist` for macOS. LLVM's tools look at it. Nothing in it is ever run,
//! because no test machine has macOS. `.ci/archives` runs this test.

// This test compiles the standard library for two processors, which takes minutes.
#![cfg(dcc_archives)]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/unpacked.rs"]
mod unpacked;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, root, run};

const PROCESSORS: [&str; 2] = ["arm64", "x86_64"];
const LIBRARY: &str = "lib/libdcc_cancel.2.dylib";
const TOOL: &str = "bin/dcc-control";

fn archive() -> &'static [PathBuf; 2] {
    static UNPACKED: OnceLock<[PathBuf; 2]> = OnceLock::new();
    UNPACKED.get_or_init(|| unpacked::tar("macos-universal"))
}

/// The output of LLVM's objdump for one processor's part.
fn part(file: &Path, processor: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("llvm-objdump-19");
    command.args(["--macho", "--arch", processor]).args(arguments).arg(file);
    printed(&mut command)
}

#[test]
fn the_library_is_one_for_both_processors_and_needs_the_system_alone() {
    let [prefix, _] = archive();
    let declared: BTreeSet<String> = archives::functions(&prefix.join("include"))
        .into_iter()
        .map(|name| format!("_{name}"))
        .collect();
    for file in [LIBRARY, TOOL] {
        let path = prefix.join(file);
        let processors = printed(Command::new("llvm-lipo-19").arg("-archs").arg(&path));
        let processors: BTreeSet<&str> = processors.split_whitespace().collect();
        assert_eq!(processors, PROCESSORS.into(), "{file}");
        for processor in PROCESSORS {
            let used = part(&path, processor, &["--dylibs-used"]);
            let used = used.lines().skip(1).map(|line| line.trim().split(' ').next().unwrap());
            let others = used.filter(|name| !name.starts_with("@rpath/libdcc_cancel"));
            assert_eq!(others.collect::<Vec<_>>(), ["/usr/lib/libSystem.B.dylib"], "{file}");
            let header = part(&path, processor, &["--private-headers"]);
            let oldest = ["minos 11.0", "version 11.0"];
            assert!(oldest.iter().any(|text| header.contains(text)), "{header}");
        }
    }
    for processor in PROCESSORS {
        let library = prefix.join(LIBRARY);
        let id = part(&library, processor, &["--dylib-id"]);
        assert_eq!(id.lines().last(), Some("@rpath/libdcc_cancel.2.dylib"), "{id}");
        let mut list = Command::new("llvm-nm-19");
        list.args([
            "--extern-only",
            "--defined-only",
            "--format=just-symbols",
            "--arch",
            processor,
        ]);
        let shown = printed(list.arg(&library));
        let shown: BTreeSet<String> =
            shown.lines().filter(|line| line.starts_with('_')).map(str::to_owned).collect();
        assert_eq!(shown, declared, "{processor}");
    }
    let dist = root().join("target/dist");
    let library = prefix.join(LIBRARY);
    archives::wheel_with(&dist, "macosx_11_0_universal2", &library, "libdcc_cancel.2.dylib");
    let link = std::fs::read_link(prefix.join("lib/libdcc_cancel.dylib")).unwrap();
    assert_eq!(link, Path::new("libdcc_cancel.2.dylib"));
}

/// Apple's own processors run no code whose signature does not match its bytes.
#[test]
fn the_signatures_fit() {
    let [prefix, _] = archive();
    for file in [LIBRARY, TOOL] {
        let script = root().join("tests/delivery/macos_signature.py");
        let mut check = Command::new("python3");
        let said = printed(check.arg(&script).arg(prefix.join(file)));
        assert!(said.contains("arm64: ") && said.contains(" pages fit"), "{file}: {said}");

        // One byte of the code for arm64, which comes last, is changed.
        let mut bytes = std::fs::read(prefix.join(file)).unwrap();
        let at = bytes.len() / 4 * 3;
        bytes[at] ^= 1;
        let spoiled = support::scratch("signature").join("spoiled");
        std::fs::write(&spoiled, bytes).unwrap();
        let output = Command::new("python3").arg(script).arg(&spoiled).output().unwrap();
        assert!(!output.status.success(), "{file} was spoiled, and its signature fits");
    }
}

#[test]
fn symbols_are_of_the_same_build_and_nothing_names_this_machine() {
    let [prefix, symbols] = archive();
    for (file, name) in [(LIBRARY, "libdcc_cancel.dylib"), (TOOL, "dcc-control")] {
        let uuids = |path: &Path| -> BTreeSet<String> {
            let said = printed(Command::new("llvm-dwarfdump-19").arg("--uuid").arg(path));
            let words = said.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned());
            words.collect()
        };
        let of_file = uuids(&prefix.join(file));
        assert_eq!(of_file.len(), PROCESSORS.len(), "{file}: {of_file:?}");
        let apart = symbols.join(format!("{name}.dSYM/Contents/Resources/DWARF/{name}"));
        assert_eq!(uuids(&apart), of_file, "{file}");
        let mut lines = Command::new("llvm-dwarfdump-19");
        let lines = printed(lines.args(["--debug-line", "--arch", "arm64"]).arg(&apart));
        assert!(lines.contains("/dcc-cancel"), "no lines of {file}");
    }
    unpacked::assert_names_no_folder(prefix);
    unpacked::assert_names_no_folder(symbols);
    run(Command::new("test")
        .arg("-f")
        .arg(prefix.join("share/licenses/dcc_cancel/THIRD-PARTY.txt")));
}
