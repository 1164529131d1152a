//! All ways of building against the library. Each builds and runs a small consumer, which prints
//! the version of the library that the process loaded.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/moved_prefix.rs"]
mod moved_prefix;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/version_list.rs"]
mod version_list;

use build_tools::{cmake, tool};
use moved_prefix::{moved_prefix, prebuilt};
use std::path::Path;
use std::process::Command;
use support::{printed, root, run, scratch};

fn expected_version() -> String {
    format!("{}\n", dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap())
}

/// Checks both consumers: one links the library, the other uses only the headers and loads it.
fn assert_consumers_work(build: &Path) {
    assert_eq!(printed(&mut Command::new(build.join("consumer"))), expected_version());
    let loading = build.join("loading_consumer");
    let needed = printed(Command::new("readelf").arg("-dW").arg(&loading));
    // A linker may leave out a library that is not used. Then the run path shows that it was named.
    let links = needed.contains("libdcc_cancel") || needed.contains("(RUNPATH)");
    assert!(!links, "it links the library\n{needed}");
    let library = moved_prefix().join("lib/libdcc_cancel.so.2");
    assert_eq!(printed(Command::new(loading).arg(library)), expected_version());
}

#[test]
fn find_package_after_the_prefix_was_moved() {
    let build = scratch("packaging_find_package");
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", moved_prefix().display());
    cmake(&root().join("tests/consumers/find_package"), &build, &[prefix]);
    assert_consumers_work(&build);
    let cache = std::fs::read_to_string(build.join("CMakeCache.txt")).unwrap();
    let found = moved_prefix().join("lib/cmake/dcc_cancel").display().to_string();
    assert!(cache.contains(&format!("dcc_cancel_DIR:PATH={found}\n")), "not the one in {found}");
}

/// CMake reads the version from Cargo.toml by itself.
#[test]
fn the_cmake_package_has_cargos_version() {
    let file = moved_prefix().join("lib/cmake/dcc_cancel/dcc_cancel-config-version.cmake");
    let text = std::fs::read_to_string(file).unwrap();
    let expected = concat!("set(PACKAGE_VERSION \"", env!("CARGO_PKG_VERSION"), "\")");
    assert!(text.contains(expected), "{text}");
}

/// The files of the prefix that come from a folder of `include`.
fn installed_parts(folder: &str, installed: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = part.unwrap().path();
        let name = path.file_name().unwrap().display();
        if path.is_file() {
            parts.push(format!("{installed}/{name}"));
        } else if !path.ends_with("__pycache__") {
            let within =
                installed_parts(&format!("{folder}/{name}"), &format!("{installed}/{name}"));
            parts.extend(within);
        }
    }
    assert!(!parts.is_empty(), "{folder} is empty");
    parts
}

#[test]
fn the_installed_files_are_these_and_name_no_folder_of_the_build() {
    let mut names = Vec::new();
    let mut folders = vec![moved_prefix().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            names.push(path.strip_prefix(moved_prefix()).unwrap().display().to_string());
            let text = std::fs::read(&path).unwrap();
            let here = root().display().to_string();
            // The machine code of a debug build contains paths of this machine.
            let is_machine_code = [".so", "dcc-control"];
            if !is_machine_code.iter().any(|end| path.to_string_lossy().contains(end)) {
                let found = text.windows(here.len()).any(|part| part == here.as_bytes());
                assert!(!found, "{} names {here}", path.display());
            }
        }
    }
    // The parts of dcc_cancel.hpp and of the Python package.
    let mut expected = installed_parts("include/dcc_cancel", "include/dcc_cancel");
    expected.extend(installed_parts("python/dcc_cancel", "share/dcc_cancel/python/dcc_cancel"));
    expected.extend(
        [
            "bin/dcc-control",
            "include/dcc_cancel.h",
            "include/dcc_cancel.hpp",
            "include/dcc_cancel_dl.h",
            "lib/cmake/dcc_cancel/dcc_cancel-config-version.cmake",
            "lib/cmake/dcc_cancel/dcc_cancel-config.cmake",
            "lib/libdcc_cancel.so",
            concat!("lib/libdcc_cancel.so.", env!("CARGO_PKG_VERSION")),
            "lib/libdcc_cancel.so.2",
            "lib/pkgconfig/dcc_cancel.pc",
            "share/licenses/dcc_cancel/LICENSE-APACHE",
            "share/licenses/dcc_cancel/LICENSE-MIT",
        ]
        .map(str::to_owned),
    );
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn pkg_config_after_the_prefix_was_moved() {
    let folder = scratch("packaging_pkg_config");
    let asked = |flag: &str| {
        let path = moved_prefix().join("lib/pkgconfig");
        printed(tool("pkgconf").env("PKG_CONFIG_PATH", path).args([flag, "dcc_cancel"]))
    };
    assert_eq!(asked("--modversion").trim(), env!("CARGO_PKG_VERSION"));
    let (compile, link) = (asked("--cflags"), asked("--libs"));
    run(Command::new(support::cxx())
        .args(["-std=c++17"])
        .args(compile.split_whitespace())
        .arg(root().join("tests/consumers/linked.cpp"))
        .args(link.split_whitespace())
        .arg("-o")
        .arg(folder.join("consumer")));
    let mut consumer = Command::new(folder.join("consumer"));
    consumer.env("LD_LIBRARY_PATH", moved_prefix().join("lib"));
    assert_eq!(printed(&mut consumer), expected_version());
}

#[test]
fn add_subdirectory() {
    let build = scratch("packaging_add_subdirectory");
    cmake(&root().join("tests/consumers/add_subdirectory"), &build, &[prebuilt()]);
    assert_consumers_work(&build);
}

/// The whole build: CMake lets cargo build the release library.
#[test]
#[ignore = "builds the release library"]
fn add_subdirectory_that_builds_the_library() {
    // This is not a scratch folder, so a second run has nothing to build.
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging_from_source");
    cmake(&root().join("tests/consumers/add_subdirectory"), &build, &[]);
    let version = printed(&mut Command::new(build.join("consumer")));
    assert!(version.starts_with(concat!("dcc-cancel ", env!("CARGO_PKG_VERSION"))), "{version}");
    let library = build.join("dcc_cancel/lib/libdcc_cancel.so.2");
    assert_eq!(version_list::shown(&library), version_list::expected());
}

fn build_and_run(source: &str, compiler: &str, flags: &[&str]) -> String {
    let name = Path::new(source).file_name().unwrap().to_str().unwrap();
    let folder = scratch(&format!("packaging_{name}"));
    let library = support::staged_library(&folder);
    let program = folder.join("consumer");
    run(Command::new(compiler)
        .args(flags)
        .arg("-I")
        .arg(support::include())
        .arg(root().join("tests/consumers").join(source))
        .args(["-ldl", "-o"])
        .arg(&program));
    printed(Command::new(program).arg(library))
}

#[test]
fn dlopen_by_hand() {
    assert_eq!(build_and_run("by_hand.c", &support::cc(), support::C_FLAGS), expected_version());
}

#[test]
fn the_loader_in_c() {
    assert_eq!(build_and_run("loader.c", &support::cc(), support::C_FLAGS), expected_version());
}

#[test]
fn the_loader_in_cpp() {
    assert_eq!(
        build_and_run("loader.cpp", &support::cxx(), support::CXX_FLAGS),
        expected_version()
    );
}

/// The loader's message about a library that lacks nearly all functions of its header.
fn with_older_library(name: &str, flags: &[&str]) -> String {
    let folder = scratch(&format!("packaging_{name}"));
    let consumers = root().join("tests/consumers");
    let library = folder.join("libdcc_cancel.so.2");
    let compile = |source: &str, extra: &[&str], to: &Path| {
        run(Command::new(support::cc())
            .args(support::C_FLAGS)
            .arg("-I")
            .arg(support::include())
            .args(extra)
            .arg(consumers.join(source))
            .args(["-ldl", "-o"])
            .arg(to));
    };
    let soname = "-Wl,-soname,libdcc_cancel.so.2";
    compile("older_library.c", &[&["-shared", "-fPIC", soname], flags].concat(), &library);
    let program = folder.join("consumer");
    compile("with_older_library.c", &[], &program);
    printed(Command::new(program).arg(library))
}

#[test]
fn the_loader_takes_an_older_library_and_refuses_another_abi() {
    assert_eq!(with_older_library("older", &[]), "0 \n");
    let refused = with_older_library("other_abi", &["-DOLDER_ABI_MAJOR=1"]);
    assert_eq!(refused, "-4 the library in this process has ABI 1.0; 2 is needed\n");
}

/// The Python package of the prefix finds the prefix's library.
#[test]
fn the_installed_python_package() {
    let asks = "import dcc_cancel; print(dcc_cancel.version())";
    let version = printed(
        Command::new("python3")
            .args(["-c", asks])
            .env("PYTHONPATH", moved_prefix().join("share/dcc_cancel/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("DCC_CANCEL_LIBRARY"),
    );
    assert_eq!(version, expected_version());
}

#[test]
fn python_ctypes() {
    let library = support::staged_library(&scratch("packaging_ctypes"));
    let script = root().join("tests/consumers/by_ctypes.py");
    let version = printed(Command::new("python3").arg(script).arg(library));
    assert_eq!(version, expected_version());
}
