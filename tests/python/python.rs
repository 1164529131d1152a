//! The Python package: each file of `tests/python` is a test here. It runs in a virtual environment
//! that has `dcc_mcp_core`, and again under each other Python of the machine.

#![cfg(target_os = "linux")]

#[path = "../support/pythons.rs"]
mod pythons;
#[path = "../support/mod.rs"]
mod support;

use pythons::pythons_besides;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGES: &[&str] = &["dcc-mcp-core==0.20.49", "pycparser==3.12", "vermin==1.9.2"];

/// Tests that run with one Python only: two read files, which are the same for all, and one
/// measures times.
const FOR_ONE_PYTHON: &[&str] = &["test_cost", "test_declarations", "test_versions"];

/// The Python of an environment that has the packages.
fn environment() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-tests");
        let done = folder.join("installed");
        if std::fs::read_to_string(&done).is_ok_and(|text| text == PACKAGES.concat()) {
            return folder;
        }
        support::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        // Their dependencies are left out: the modules that are used need none.
        support::run(
            Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--no-deps")
                .args(PACKAGES),
        );
        std::fs::write(done, PACKAGES.concat()).unwrap();
        folder
    })
}

/// The folder of `dcc_mcp_core`. Its wheel is for all versions, so other Pythons can use it from
/// there.
fn site_packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let asks = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let mut command = Command::new(environment().join("bin/python"));
        support::printed(command.args(["-c", asks])).trim().into()
    })
}

/// A folder with the library and a plugin that links it.
fn plugin() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = support::scratch("python_plugin");
        support::staged_library(&folder);
        support::run(
            Command::new(support::cc())
                .args(support::C_FLAGS)
                .args(["-shared", "-fPIC", "-pthread", "-I"])
                .arg(support::include())
                .arg(tests().join("native_loop.c"))
                .arg("-L")
                .arg(&folder)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(folder.join("native_loop.so")),
        );
        folder
    })
}

fn tests() -> PathBuf {
    support::root().join("tests/python")
}

/// The names of the files with tests.
fn modules() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(tests())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".py").map(str::to_owned))
        .filter(|name| name.starts_with("test_"))
        .collect();
    names.sort();
    names
}

fn with_package(python: &Path) -> Command {
    let mut command = Command::new(python);
    let package = support::root().join("python");
    command
        .args(["-X", "faulthandler", "-W", "error::ResourceWarning"])
        .env("PYTHONPATH", std::env::join_paths([&package, site_packages()]).unwrap())
        // Nothing may be written into the source tree.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DCC_CANCEL_LIBRARY", plugin().join("libdcc_cancel.so.2"))
        .env("DCC_TEST_PLUGIN", plugin().join("native_loop.so"))
        .env("DCC_TEST_HEADER", support::include().join("dcc_cancel.h"));
    command
}

/// Runs files. None of their tests may be skipped.
fn assert_passes(python: &Path, modules: &[&str]) {
    let mut command = with_package(python);
    let output = support::run(command.args(["-m", "unittest"]).args(modules).current_dir(tests()));
    let report = String::from_utf8_lossy(&output.stderr);
    let ran = report.lines().find(|line| line.starts_with("Ran ")).unwrap_or("no test");
    assert!(report.ends_with("OK\n") && !ran.starts_with("Ran 0 "), "{modules:?}: {report}");
    println!("{} {modules:?}: {ran}", python.display());
}

macro_rules! files {
    ($($name:ident,)*) => {
        const MODULES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                assert_passes(&environment().join("bin/python"), &[stringify!($name)]);
            }
        )*
    };
}

files! {
    test_asyncio,
    test_commit,
    test_conformance,
    test_control,
    test_cost,
    test_declarations,
    test_diagnosis,
    test_dispatcher,
    test_dispatcher_life,
    test_ends,
    test_exit,
    test_host,
    test_interpreters,
    test_library,
    test_misuse,
    test_native,
    test_parents,
    test_progress,
    test_sessions,
    test_tokens,
    test_typed,
    test_versions,
    test_workers,
}

#[test]
fn every_file_has_a_test() {
    assert_eq!(modules(), MODULES);
}

#[test]
#[ignore = "the tests of the package once more"]
fn every_other_python_of_the_machine() {
    let pythons = pythons_besides(&[&environment().join("bin/python")]);
    if pythons.is_empty() {
        support::skip("the Python package under another Python", "there is but one Python here");
    }
    let modules: Vec<_> =
        MODULES.iter().copied().filter(|name| !FOR_ONE_PYTHON.contains(name)).collect();
    // The tests wait more than they compute, so they run at the same time.
    std::thread::scope(|scope| {
        for python in &pythons {
            scope.spawn(|| assert_passes(python, &modules));
        }
    });
}

#[test]
fn the_example_runs() {
    let example = support::root().join("examples/python/cancel_from_python.py");
    let mut command = with_package(&environment().join("bin/python"));
    let printed = support::printed(command.arg(example));
    let expected = "\
request 7 began
request 7 is at 3 of 1000
notifications/cancelled for request 7: cancelled
request 7 stopped at 3: the user asked for something else
the peer gets {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32800,\"message\":\"Request cancelled\"}}
";
    assert_eq!(printed, expected);
}
