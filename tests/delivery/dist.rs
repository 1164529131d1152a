//! The archives of `cargo xtask dist`, used by a user who has nothing else: unpacked far from the
//! sources, with the commands and the code of the page that describes them.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/archives.rs"]
mod archives;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/loader_header.rs"]
mod loader_header;
#[path = "../support/outside.rs"]
mod outside;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/version_list.rs"]
mod version_list;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../support/wheels.rs"]
mod wheels;

use archives::after;
use outside::Outside;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{printed, run};

const NAME: &str = concat!("dcc-cancel-", env!("CARGO_PKG_VERSION"), "-linux-x86_64");
const SYMBOLS: &str = concat!("dcc-cancel-", env!("CARGO_PKG_VERSION"), "-linux-x86_64-symbols");

/// A folder with the made files and both unpacked archives.
struct Unpacked {
    folder: Outside,
}

impl Unpacked {
    fn new(name: &str) -> Self {
        static MADE: OnceLock<PathBuf> = OnceLock::new();
        let dist = MADE.get_or_init(|| archives::make("linux-x86_64"));
        let folder = Outside::new(&format!("dist-{name}"));
        for file in fs::read_dir(dist).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        let unpacked = Self { folder };
        for archive in [NAME, SYMBOLS] {
            run(unpacked.command("tar").args(["-xf", &format!("{archive}.tar.gz")]));
        }
        unpacked
    }

    fn prefix(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// A command in the folder that sees nothing of the sources.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = support::limited(program);
        command.current_dir(&*self.folder);
        outside::hide(&mut command, |name| {
            let is_foreign = name.starts_with("CARGO") || name.starts_with("DCC");
            is_foreign || ["PYTHONPATH", "LD_LIBRARY_PATH"].contains(&name)
        });
        command
    }

    /// All files and links, relative to the prefix.
    fn files(&self) -> BTreeSet<String> {
        let all = printed(self.command("find").arg(NAME).args(["!", "-type", "d"]));
        all.lines().map(|line| line.strip_prefix(NAME).unwrap()[1..].to_owned()).collect()
    }
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn what_the_page_says_works() {
    let unpacked = Unpacked::new("page");
    fs::remove_dir_all(unpacked.prefix()).unwrap();
    // The page is taken from the archive.
    let page = printed(unpacked.command("tar").args([
        "-xOf",
        &format!("{NAME}.tar.gz"),
        &format!("{NAME}/share/doc/dcc_cancel/docs/install.md"),
    ]));
    page::write_files_of(&page, &unpacked.folder);
    let path = std::env::var("PATH").unwrap();
    let mut shell = unpacked.command("sh");
    shell.args(["-c", &page::script_of(&page)]);
    shell.env("PATH", format!("{}:{path}", build_tools::folder().display()));
    shell.env("PYTHONDONTWRITEBYTECODE", "1");
    let said = printed(&mut shell);
    let cancelled = said.lines().filter(|line| *line == "cancelled: the user pressed Esc");
    assert_eq!(cancelled.count(), 3, "{said}");
    let version = concat!("dcc-cancel ", env!("CARGO_PKG_VERSION"), " ");
    assert!(said.lines().last().unwrap().starts_with(version), "{said}");

    // Files of the archive that the page does not mention.
    let tool = unpacked.prefix().join("bin/dcc-control");
    let said = printed(unpacked.command(tool).arg("--version"));
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn the_archive_has_what_was_promised_and_nothing_of_the_machine() {
    let unpacked = Unpacked::new("contents");
    let files = unpacked.files();
    for wanted in [
        "bin/dcc-control",
        "include/dcc_cancel.h",
        "include/dcc_cancel/job.hpp",
        "lib/cmake/dcc_cancel/dcc_cancel-config.cmake",
        "lib/libdcc_cancel.so",
        "lib/libdcc_cancel.so.2",
        concat!("lib/libdcc_cancel.so.", env!("CARGO_PKG_VERSION")),
        "lib/pkgconfig/dcc_cancel.pc",
        "share/dcc_cancel/python/dcc_cancel/__init__.py",
        "share/doc/dcc_cancel/CHANGELOG.md",
        "share/doc/dcc_cancel/README.md",
        "share/doc/dcc_cancel/dcc_cancel.cdx.json",
        "share/doc/dcc_cancel/examples/minimal.cpp",
        "share/licenses/dcc_cancel/LICENSE-MIT",
        "share/licenses/dcc_cancel/THIRD-PARTY.txt",
        "share/licenses/dcc_cancel/rust-standard-library.html",
    ] {
        assert!(files.contains(wanted), "{wanted} is not in {files:#?}");
    }
    let link = fs::read_link(unpacked.prefix().join("lib/libdcc_cancel.so.2")).unwrap();
    assert_eq!(link, Path::new(concat!("libdcc_cancel.so.", env!("CARGO_PKG_VERSION"))));

    for name in printed(unpacked.command("find").args([NAME, SYMBOLS, "-type", "f"])).lines() {
        archives::assert_names_no_folder(&unpacked.folder.join(name));
    }
    for archive in [NAME, SYMBOLS] {
        let list = ["--numeric-owner", "--full-time", "-tvf"];
        let listed = printed(unpacked.command("tar").args(list).arg(format!("{archive}.tar.gz")));
        let mut times = BTreeSet::new();
        for line in listed.lines() {
            let parts: Vec<&str> = line.split_whitespace().collect();
            let modes = ["drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"];
            assert!(modes.contains(&parts[0]) && parts[1] == "0/0", "{line}");
            let is_run = parts[5].starts_with(&format!("{archive}/bin/"));
            assert!(!is_run || parts[0].contains('x'), "{line}");
            times.insert((parts[3], parts[4]));
        }
        assert_eq!(times.len(), 1, "{times:?}");
    }
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn the_library_is_for_old_systems_and_shows_the_headers_functions_alone() {
    let unpacked = Unpacked::new("elf");
    let library = unpacked.prefix().join("lib/libdcc_cancel.so.2");
    let tool = unpacked.prefix().join("bin/dcc-control");
    archives::assert_needs_at_most(&library, [2, 28]);
    archives::assert_needs_at_most(&tool, [2, 28]);
    let dynamic = printed(unpacked.command("readelf").arg("-dW").arg(&library));
    assert_eq!(after(&dynamic, "soname: "), ["[libdcc_cancel.so.2]"]);
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    let of_glibc =
        ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2"];
    for needed in after(&dynamic, "Shared library: ") {
        assert!(of_glibc.iter().any(|name| needed == format!("[{name}]")), "{needed}");
    }

    let declared = archives::functions(&unpacked.prefix().join("include"));
    let shown = version_list::shown(&library);
    assert_eq!(shown, version_list::expected());
    assert_eq!(shown.len(), declared.len());
    let sections = printed(unpacked.command("readelf").arg("-SW").arg(&library));
    assert!(!sections.contains(".symtab") && !sections.contains(".debug_"), "{sections}");
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn the_wheel_is_for_manylinux_and_works() {
    let unpacked = Unpacked::new("wheel");
    let library = unpacked.prefix().join("lib/libdcc_cancel.so.2");
    let tag = "manylinux_2_28_x86_64";
    let wheel = archives::wheel_with(&unpacked.folder, tag, &library, "libdcc_cancel.so.2");
    let python = python_venv::venv("auditwheel", &["auditwheel==6.8.2"]);
    let said = printed(unpacked.command(python.join("bin/auditwheel")).arg("show").arg(&wheel));
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let judged = format!("is consistent with the following platform tag: \"{tag}\"");
    assert!(said.contains(&judged), "{said}");
    // tests/delivery/wheel.rs tests the wheel with each Python.
    wheels::use_installed(Path::new("/usr/bin/python3"), &wheel);
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn symbols_are_found_by_build_id_and_show_lines() {
    let unpacked = Unpacked::new("symbols");
    for (file, function, source) in [
        ("lib/libdcc_cancel.so.2", "dcc_cancel_token_cancel", "src/ffi/token.rs:"),
        ("bin/dcc-control", "main", ""),
    ] {
        let file = unpacked.prefix().join(file);
        let notes = printed(unpacked.command("readelf").arg("-n").arg(&file));
        let id = after(&notes, "Build ID: ")[0].to_owned();
        let name = format!("{SYMBOLS}/lib/debug/.build-id/{}/{}.debug", &id[..2], &id[2..]);
        let symbols = printed(unpacked.command("nm").args(["--defined-only", &name]));
        let address = symbols
            .lines()
            .find_map(|line| line.strip_suffix(&format!(" T {function}")))
            .unwrap_or_else(|| panic!("no {function} in {name}"));
        let line = printed(unpacked.command("addr2line").args(["-e", &name, address]));
        assert!(line.starts_with("/dcc-cancel/") || source.is_empty(), "{function}: {line}");
        assert!(line.contains(source), "{function}: {line}");
    }
}

/// The crates whose code is in a file, as `name-1.2.3`, read from the paths in its symbols.
fn crates_in(file: &Path) -> BTreeSet<String> {
    let bytes = fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let paths = text.split("/cargo/registry/src/").skip(1);
    let ends = |letter: char| !(letter.is_ascii_alphanumeric() || "-_.+".contains(letter));
    paths
        .map(|path| path.split('/').nth(1).unwrap().split(ends).next().unwrap().to_owned())
        .collect()
}

#[test]
#[ignore = "makes the archive with tools from PyPI, by two release builds"]
fn notices_and_the_sbom_name_all_that_is_linked() {
    let unpacked = Unpacked::new("notices");
    let mut linked = BTreeSet::new();
    let debug = printed(unpacked.command("find").args([SYMBOLS, "-name", "*.debug"]));
    assert_eq!(debug.lines().count(), 2, "{debug}");
    for file in debug.lines() {
        linked.extend(crates_in(&unpacked.folder.join(file)));
    }
    for known in ["lock_api-", "hdrhistogram-", "serde_json-"] {
        assert!(linked.iter().any(|of| of.starts_with(known)), "{linked:?}");
    }
    let licences = unpacked.prefix().join("share/licenses/dcc_cancel");
    let notices = fs::read_to_string(licences.join("THIRD-PARTY.txt")).unwrap();
    let sbom = unpacked.prefix().join("share/doc/dcc_cancel/dcc_cancel.cdx.json");
    let text = fs::read_to_string(&sbom).unwrap();
    for of in &linked {
        let (name, version) = of.rsplit_once('-').unwrap();
        let has = |text: &str, what: String| assert!(text.contains(&what), "no {what}");
        has(&notices, format!("\n{name} {version} ("));
        has(&text, format!("\"purl\": \"pkg:cargo/{name}@{version}\""));
    }
    let library = fs::read_to_string(licences.join("rust-standard-library.html")).unwrap();
    for part in ["hashbrown", "gimli", "MIT", "Apache"] {
        assert!(library.contains(part), "{part}");
    }

    // The file is checked with the schema of the format's authors.
    let python = python_venv::venv("cyclonedx", &["cyclonedx-python-lib[json-validation]==11.5.0"]);
    let script = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        text = open(sys.argv[1]).read()\n\
        sys.exit(str(JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) or '') or None)\n";
    run(unpacked.command(python.join("bin/python")).args(["-c", script]).arg(sbom));
}
