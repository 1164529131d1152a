//! The folder that `cargo xtask dist` makes for plugins of Unreal: its build rules are run, and all that they
//! name is there, as the platforms' archives have it. UnrealBuildTool builds nothing. `.ci/archives` runs
//! this.

// It makes archives for three systems.
#![cfg(all(target_os = "linux", dcc_archives))]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/unreal_rules.rs"]
mod unreal_rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, root, run, scratch};
use unreal_rules::{compile, rules};

/// What Unreal calls a platform, the platform's archive, and the end of that file's name.
const PLATFORMS: [(&str, &str, &str); 3] = [
    ("Linux", "linux-x86_64", "tar.gz"),
    ("Mac", "macos-universal", "tar.gz"),
    ("Win64", "windows-x86_64", "zip"),
];

/// Unpacks an archive into the folder.
fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    if archive.extension().is_some_and(|end| end == "zip") {
        run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(folder));
    } else {
        run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder));
    }
}

/// The folder for `Source/ThirdParty`, and those of the archives that it is made of.
fn unpacked() -> &'static (PathBuf, [PathBuf; 3]) {
    static UNPACKED: OnceLock<(PathBuf, [PathBuf; 3])> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let dist = archives::make("unreal");
        let folder = scratch("archives");
        unpack(&dist.join(format!("{}.zip", archives::name("unreal"))), &folder);
        let prefixes = PLATFORMS.map(|(_, platform, end)| {
            let name = archives::name(platform);
            unpack(&dist.join(format!("{name}.{end}")), &folder);
            folder.join(name)
        });
        (folder.join("DccCancel"), prefixes)
    })
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let found = printed(Command::new("find").arg(folder).args(["-type", "f"]));
    found.lines().map(PathBuf::from).collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn all_that_the_rules_name_is_there_as_in_the_archives_and_nothing_else() {
    let (module, prefixes) = unpacked();
    let program = compile(&scratch("rules"));
    let own = "DccCancel.Build.cs";
    let example = root().join("examples/hosts/unreal/Source/ThirdParty/DccCancel").join(own);
    assert_eq!(fs::read(module.join(own)).unwrap(), fs::read(example).unwrap());
    let mut left = files(module);
    assert!(left.remove(&module.join(own)));
    for ((name, ..), prefix) in PLATFORMS.iter().zip(prefixes) {
        let of_unreal = module.join(name);
        let mut named = BTreeSet::new();
        for (what, value) in rules(&program, "DccCancel", module, name) {
            match &*what {
                "library" | "from" => _ = named.insert(PathBuf::from(value)),
                "include" => named.extend(files(Path::new(&value))),
                _ => (),
            }
        }
        named.extend(files(&of_unreal.join("share/licenses")));
        assert!(named.len() > 10, "{named:?}");
        for file in named {
            let in_archive = prefix.join(file.strip_prefix(&of_unreal).unwrap());
            let is_same = fs::read(&file).unwrap() == fs::read(&in_archive).unwrap();
            assert!(is_same, "{} is not {}", file.display(), in_archive.display());
            left.remove(&file);
        }
        let licences = of_unreal.join("share/licenses/dcc_cancel/THIRD-PARTY.txt");
        assert!(licences.is_file(), "{}", licences.display());
    }
    assert!(left.is_empty(), "the rules do not name {left:#?}");
}

/// What is staged is what a module that is linked so looks for.
#[test]
fn the_staged_name_is_the_one_that_loaders_look_for() {
    let (module, _) = unpacked();
    let program = compile(&scratch("names"));
    for (name, ..) in PLATFORMS {
        let named = rules(&program, "DccCancel", module, name);
        let value = |what: &str| &named.iter().find(|(name, _)| name == what).unwrap().1;
        let staged = value("stage").strip_prefix("$(BinaryOutputDir)/").unwrap();
        let linked = Path::new(value("library"));
        match name {
            "Linux" => {
                let dynamic = printed(Command::new("readelf").arg("-dW").arg(linked));
                assert_eq!(archives::after(&dynamic, "soname: "), [format!("[{staged}]")]);
            }
            "Mac" => {
                let mut objdump = Command::new("llvm-objdump-19");
                let said = printed(objdump.args(["--macho", "--dylib-id"]).arg(linked));
                assert!(said.lines().any(|line| line == format!("@rpath/{staged}")), "{said}");
            }
            _ => {
                assert_eq!(value("delayed"), staged);
                assert!(has(&fs::read(linked).unwrap(), &format!("{staged}\0")), "{staged}");
            }
        }
    }
}
