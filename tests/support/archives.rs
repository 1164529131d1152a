//! Makes the archives of `cargo xtask dist`, and checks files in them.

use super::{loader_header, support};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{printed, root, run};

/// The name of a platform's archive.
pub fn name(platform: &str) -> String {
    format!("dcc-cancel-{}-{platform}", env!("CARGO_PKG_VERSION"))
}

/// Makes the archives of a platform, as far as they are not up to date. Returns the folder that
/// contains them.
pub fn make(platform: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).env_remove("RUSTFLAGS").args(["xtask", "dist", "--only", platform]);
    let said = printed(&mut cargo);
    assert!(said.ends_with("nothing that was to be made is missing\n"), "{said}");
    root().join("target/dist")
}

/// The functions that the header in a folder declares.
pub fn functions(include: &Path) -> BTreeSet<String> {
    let header = fs::read_to_string(include.join("dcc_cancel.h")).unwrap();
    let names: BTreeSet<String> = loader_header::function_names(&header).into_iter().collect();
    assert!(names.len() > 50, "{names:?}");
    names
}

/// Checks that a file contains no path of this machine.
pub fn assert_names_no_folder(file: &Path) {
    let bytes = fs::read(file).unwrap();
    for folder in [root(), std::env::home_dir().unwrap(), "/usr/lib/rustlib".into()] {
        let text = format!("{}/", folder.display());
        let found = bytes.windows(text.len()).position(|part| part == text.as_bytes());
        let around = found.map(|at| String::from_utf8_lossy(&bytes[at..][..text.len() + 40]));
        assert!(around.is_none(), "{} names {around:?}", file.display());
    }
}

/// The text behind a word, for each line that has the word.
pub fn after<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| Some(line.split_once(word)?.1.trim())).collect()
}

/// Checks that a program or library for Linux needs no newer glibc than this version.
pub fn assert_needs_at_most(file: &Path, glibc: [u32; 2]) {
    let versions = printed(Command::new("readelf").arg("-VW").arg(file));
    let numbers: BTreeSet<Vec<u32>> = after(&versions, "Name: GLIBC_")
        .iter()
        .map(|rest| rest.split_whitespace().next().unwrap())
        .map(|version| version.split('.').map(|part| part.parse().unwrap()).collect())
        .collect();
    let newest = numbers.last().unwrap();
    assert!(newest[..] <= glibc[..], "{} needs GLIBC_{newest:?}", file.display());
}

/// The wheel with this tag. Checks that it contains this library and the licences.
pub fn wheel_with(dist: &Path, tag: &str, library: &Path, name: &str) -> PathBuf {
    let wheel = dist.join(format!("dcc_cancel-{}-py3-none-{tag}.whl", env!("CARGO_PKG_VERSION")));
    let script = "import sys, zipfile\n\
        wheel = zipfile.ZipFile(sys.argv[1])\n\
        library = open(sys.argv[2], 'rb').read()\n\
        assert wheel.read('dcc_cancel/' + sys.argv[3]) == library, 'another library'\n\
        ends = ('.dll', '.dylib', '.so.2')\n\
        libraries = [name for name in wheel.namelist() if name.endswith(ends)]\n\
        assert libraries == ['dcc_cancel/' + sys.argv[3]], libraries\n\
        wheel.read('dcc_cancel/licences/THIRD-PARTY.txt')\n";
    run(Command::new("python3").args(["-c", script]).args([&wheel, library]).arg(name));
    wheel
}
