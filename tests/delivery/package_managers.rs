//! Packages for the package managers that PyPI offers, Conan and Rez. They are made from the files
//! that CMake installs, and used by the managers' own commands. `.ci/archives` runs this test.

#![cfg(all(target_os = "linux", dcc_archives))]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/moved_prefix.rs"]
mod moved_prefix;
#[path = "../support/python_venv.rs"]
mod python_venv;
#[path = "../support/mod.rs"]
mod support;

use moved_prefix::moved_prefix;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{printed, root, run, scratch};

/// A command of a package from PyPI, with CMake and Ninja on its path.
fn command(of: &Path, name: &str) -> Command {
    let mut command = support::limited(of.join("bin").join(name));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", build_tools::folder().display()));
    // These flags are meant for this test only.
    command.env_remove("RUSTFLAGS");
    command
}

/// Runs `conan create` with these arguments and without a network. Returns all that it printed.
fn conan_create(name: &str, arguments: &[String]) -> String {
    let conan = python_venv::venv("conan", &["conan==2.34.0"]);
    let home = scratch(name);
    let at = |words: &[&str]| {
        let mut conan = command(&conan, "conan");
        conan.env("CONAN_HOME", &home).env("CMAKE_GENERATOR", "Ninja").args(words);
        conan.current_dir(root());
        conan
    };
    run(&mut at(&["profile", "detect"]));
    let mut create = at(&["create", "packaging/conan", "--no-remote"]);
    create.arg("-c").arg(format!("tools.cmake.cmake_layout:test_folder={}", home.display()));
    let output =
        run(create.args(["-c", "tools.cmake.cmaketoolchain:generator=Ninja"]).args(arguments));
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn conan_packs_an_archive_and_a_program_uses_it() {
    let prefix = format!("user.dcc_cancel:prefix={}", moved_prefix().display());
    let said = conan_create("archive", &["-c".to_owned(), prefix]);
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    let expected = format!("cancelled after 4 of the steps: {version}");
    assert!(said.lines().any(|line| line == expected), "{expected}\n{said}");
}

/// The library is compiled only from files that the recipe exports.
#[test]
fn conan_builds_the_sources() {
    let said = conan_create("sources", &[]);
    let expected =
        concat!("cancelled after 4 of the steps: dcc-cancel ", env!("CARGO_PKG_VERSION"));
    assert!(said.lines().any(|line| line.starts_with(expected)), "{expected}\n{said}");
}

#[test]
fn rez_installs_an_archive_and_gives_its_environment() {
    let rez = python_venv::venv("rez", &["rez==3.4.0"]);
    let folder = scratch("rez");
    let (packages, recipe) = (folder.join("packages"), folder.join("recipe"));
    std::fs::create_dir_all(&packages).unwrap();
    // Rez builds in a folder below the recipe, so the test copies the recipe.
    run(Command::new("cp").arg("-r").arg(root().join("packaging/rez")).arg(&recipe));
    let at = |name: &str| {
        let mut rez = command(&rez, name);
        rez.current_dir(&recipe).env("REZ_PACKAGES_PATH", &packages).env("HOME", &folder);
        rez.env("REZ_LOCAL_PACKAGES_PATH", &packages).env("REZ_DISABLE_HOME_CONFIG", "1");
        rez.env_remove("PYTHONPATH");
        rez
    };
    run(at("rez-bind").arg("platform"));
    run(at("rez-bind").arg("arch"));
    run(at("rez-build").arg("--install").env("DCC_CANCEL_PREFIX", moved_prefix()));

    let program = folder.join("cancelled");
    let source = root().join("packaging/conan/test_package/cancelled.cpp");
    let package = concat!("dcc_cancel-", env!("CARGO_PKG_VERSION"));
    let asks = format!(
        "set -e; python3 -c 'import dcc_cancel; print(dcc_cancel.version())'\n\
         c++ -std=c++17 {} $(pkg-config --cflags --libs dcc_cancel) -o {}\n{}\n",
        source.display(),
        program.display(),
        program.display(),
    );
    let mut environment = at("rez-env");
    environment.args(["--shell", "bash", package, "--", "bash", "-c"]).arg(asks);
    let said = printed(environment.env("PYTHONDONTWRITEBYTECODE", "1"));
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    assert_eq!(said, format!("{version}\ncancelled after 4 of the steps: {version}\n"));

    let without: PathBuf = folder.join("nothing");
    let output =
        at("rez-build").arg("--install").env("DCC_CANCEL_PREFIX", without).output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success() && said.contains("DCC_CANCEL_PREFIX is to be"), "{said}");
}

/// The port for vcpkg, against stand-ins of its functions: vcpkg is in no registry that this machine has.
#[test]
fn the_port_for_vcpkg_installs_what_a_project_uses() {
    let folder = scratch("vcpkg");
    let (build, packages) = (folder.join("build"), folder.join("packages"));
    let port = root().join("packaging/vcpkg/dcc-cancel");
    let text = std::fs::read_to_string(port.join("vcpkg.json")).unwrap();
    let described: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(described["name"], "dcc-cancel");
    assert_eq!(described["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(described["license"], "MIT OR Apache-2.0");

    let is = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let mut stand_in = build_tools::tool("cmake");
    stand_in.env_remove("RUSTFLAGS").arg("-DPORT=dcc-cancel").arg(is("PORT_FOLDER", &port));
    stand_in.arg(is("CURRENT_BUILDTREES_DIR", &build)).arg(is("CURRENT_PACKAGES_DIR", &packages));
    run(stand_in.arg("-P").arg(root().join("tests/consumers/vcpkg/stand_in.cmake")));
    for file in ["copyright", "usage"] {
        let text = std::fs::read_to_string(packages.join("share/dcc-cancel").join(file)).unwrap();
        assert!(text.contains("MIT License") || text.contains("dcc_cancel::dcc_cancel"), "{text}");
    }

    let consumer = folder.join("consumer");
    let prefix = is("CMAKE_PREFIX_PATH", &packages);
    build_tools::cmake(&root().join("tests/consumers/find_package"), &consumer, &[prefix]);
    let said = printed(&mut Command::new(consumer.join("consumer")));
    let expected = concat!("dcc-cancel ", env!("CARGO_PKG_VERSION"), " ");
    assert!(said.starts_with(expected), "{said}");
}
