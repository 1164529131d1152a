//! What users of CMake expect of a package: presets work, a project that includes this one keeps
//! its own settings, and find_package says what is wrong.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/moved_prefix.rs"]
mod moved_prefix;
#[path = "../support/mod.rs"]
mod support;

use build_tools::{cmake, tool};
use moved_prefix::{moved_prefix, prebuilt};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use support::{printed, root, run, scratch};

fn files(folder: &Path) -> BTreeSet<String> {
    let found =
        printed(Command::new("find").arg(".").args(["!", "-type", "d"]).current_dir(folder));
    found.lines().map(|line| line.trim_start_matches("./").to_owned()).collect()
}

/// The files that an outer project installs which includes this project, with these settings.
fn installed_by_an_outer_project(name: &str, settings: &[&str]) -> BTreeSet<String> {
    let folder = scratch(name);
    let (build, prefix) = (folder.join("build"), folder.join("prefix"));
    let mut all = vec![prebuilt()];
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    cmake(&root().join("tests/consumers/fetch_content"), &build, &all);
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    let said = printed(&mut Command::new(build.join("consumer")));
    assert_eq!(said.trim_end(), version);
    run(tool("cmake").arg("--install").arg(&build).arg("--prefix").arg(&prefix));
    files(&prefix)
}

#[test]
fn fetch_content_installs_nothing_into_the_outer_project() {
    let installed = installed_by_an_outer_project("fetch_content", &[]);
    assert_eq!(installed, ["bin/consumer".to_owned()].into());
    let asked = ["-DDCC_CANCEL_INSTALL=ON", "-DCMAKE_INSTALL_LIBDIR=lib"];
    let installed = installed_by_an_outer_project("fetch_content_installed", &asked);
    assert!(installed.contains("lib/libdcc_cancel.so.2"), "{installed:?}");
}

/// The answer of find_package to these arguments: whether CMake continues, and all that it printed.
fn answer(prefix: &Path, asked: &str) -> (bool, String) {
    let build = scratch(&format!("asking_{}", asked.replace([' ', ';', '.'], "_")));
    let mut cmake = tool("cmake");
    cmake.args(["-G", "Ninja", "-S"]).arg(root().join("tests/consumers/asking_package"));
    cmake.arg("-B").arg(build).arg(format!("-DASKED={}", asked.replace(' ', ";")));
    let output = cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())).output().unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let words: Vec<String> =
        String::from_utf8_lossy(&text).split_whitespace().map(str::to_owned).collect();
    (output.status.success(), words.join(" "))
}

#[test]
fn find_package_answers_for_versions_and_components() {
    let prefix = moved_prefix();
    let all = concat!("found 1 ", env!("CARGO_PKG_VERSION"), ": dcc_cancel;headers;control");
    for asked in [
        "REQUIRED",
        "0.2 REQUIRED",
        "0.2.0...<0.3 REQUIRED",
        "0.2 REQUIRED COMPONENTS library headers control",
        "REQUIRED OPTIONAL_COMPONENTS python",
    ] {
        let (goes_on, said) = answer(prefix, asked);
        assert!(goes_on && said.contains(all), "{asked}: {said}");
    }
    // Versions that are incompatible or newer.
    for asked in ["0.1 REQUIRED", "0.3 REQUIRED", "0.2.99 REQUIRED", "1.0 REQUIRED"] {
        let (goes_on, said) = answer(prefix, asked);
        let why = concat!("version: ", env!("CARGO_PKG_VERSION"));
        assert!(!goes_on && said.contains(why), "{asked}: {said}");
    }
    let (goes_on, said) = answer(prefix, "0.2 REQUIRED COMPONENTS headers gui");
    let why = "component gui of dcc_cancel is not in";
    assert!(!goes_on && said.contains(why), "{said}");
    assert!(said.contains("components are library, headers and control"), "{said}");
    let (goes_on, said) = answer(prefix, "0.2 QUIET COMPONENTS gui");
    assert!(goes_on && said.contains("found 0"), "{said}");
}

#[test]
fn a_preset_takes_a_library_that_is_built() {
    // Presets write below the sources, so the test copies the sources.
    let folder = scratch("presets");
    for part in ["CMakeLists.txt", "CMakePresets.json", "Cargo.toml", "build.rs"] {
        std::fs::copy(root().join(part), folder.join(part)).unwrap();
    }
    for part in ["LICENSE-MIT", "LICENSE-APACHE"] {
        std::fs::copy(root().join(part), folder.join(part)).unwrap();
    }
    for part in ["cmake", "include", "python"] {
        std::os::unix::fs::symlink(root().join(part), folder.join(part)).unwrap();
    }
    let at = || {
        let mut cmake = tool("cmake");
        cmake.current_dir(&folder).env_remove("DCC_CANCEL_LIBRARY");
        cmake
    };
    let listed = printed(at().arg("--list-presets"));
    assert!(listed.contains("\"release\"") && listed.contains("\"offline\""), "{listed}");
    assert!(!listed.contains("\"prebuilt\""), "it has no library: {listed}");
    let library = support::built_library();
    run(at().env("DCC_CANCEL_LIBRARY", &library).args(["--preset", "prebuilt"]));
    run(at().env("DCC_CANCEL_LIBRARY", &library).args(["--build", "--preset", "prebuilt"]));
    let staged = folder.join("target/cmake/prebuilt/lib/libdcc_cancel.so.2");
    assert_eq!(std::fs::read(staged).unwrap(), std::fs::read(library).unwrap());

    let mut wrong = at();
    wrong.env("DCC_CANCEL_LIBRARY", "/nowhere/libdcc_cancel.so").args(["--preset", "prebuilt"]);
    let output = wrong.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("DCC_CANCEL_LIBRARY is /nowhere/libdcc_cancel.so"), "{said}");
}
