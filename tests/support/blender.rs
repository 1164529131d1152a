//! Builds the add-on of `examples/hosts/blender`, installs it into a Blender as a user does, and
//! reads the results of the programs of `tests/hosts/blender`.

use super::build_tools::{cmake, tool};
use super::mcp_server::{Sdk, limited};
use super::python_venv::venv;
use super::support;
use super::x_display::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The packages that Blender's module needs, in the form of `pip freeze`.
const BPY: &[&str] = &[
    "bpy==4.5.15",
    "certifi==2026.10.18",
    "charset-normalizer==3.5.2",
    "Cython==3.3.1",
    "idna==3.20",
    "numpy==1.26.4",
    "requests==2.34.2",
    "urllib3==2.8.0",
    "zstandard==0.25.0",
];

/// Whether the add-on's native library polls.
#[derive(Clone, Copy, PartialEq)]
pub enum Poll {
    In,
    TakenOut,
}

/// Whether this machine's Python is 3.11: both Blenders need that one.
fn python_is_3_11() -> bool {
    let asks = "import sys; print('%d.%d' % sys.version_info[:2])";
    support::printed(Command::new("python3").args(["-c", asks])).trim() == "3.11"
}

fn example() -> PathBuf {
    support::root().join("examples/hosts/blender")
}

/// The file that a user installs, and the folder in which it was built.
fn built() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = support::scratch("blender_addon");
        let flags = [support::CXX_FLAGS, &["-Wconversion", "-Wold-style-cast"]].concat();
        let settings = [
            format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display()),
            format!("-DCMAKE_CXX_FLAGS={}", flags.join(" ")),
        ];
        cmake(&example(), &folder, &settings);
        (folder.join("cancellable_smooth.zip"), folder)
    })
}

/// The same file, with a native library whose poll is taken out.
fn built_without_poll() -> PathBuf {
    let (_, built) = built();
    let folder = support::scratch("blender_addon_without_poll");
    support::run(Command::new("cp").arg("-r").arg(built.join("addons")).arg(&folder));
    let text = std::fs::read_to_string(example().join("native/smooth_mesh.cpp")).unwrap();
    let poll = "cancelled.status()";
    assert_eq!(text.matches(poll).count(), 1, "one poll in smooth_mesh.cpp");
    let source = folder.join("smooth_mesh.cpp");
    std::fs::write(&source, text.replace(poll, "DCC_OK")).unwrap();
    let libraries = folder.join("addons/cancellable_smooth/lib");
    support::run(
        Command::new(support::cxx())
            .args(["-std=c++17", "-O2", "-fPIC", "-shared", "-I"])
            .arg(support::include())
            .arg("-I")
            .arg(example().join("native"))
            .arg(source)
            .arg(libraries.join("libdcc_cancel.so.2"))
            .args(["-Wl,-rpath,$ORIGIN", "-o"])
            .arg(libraries.join("libsmooth_mesh.so")),
    );
    let zip = folder.join("cancellable_smooth.zip");
    support::run(
        tool("cmake")
            .args(["-E", "tar", "cf"])
            .arg(&zip)
            .args(["--format=zip", "cancellable_smooth"])
            .current_dir(folder.join("addons")),
    );
    zip
}

fn addon(poll: Poll) -> PathBuf {
    match poll {
        Poll::In => built().0.clone(),
        Poll::TakenOut => built_without_poll(),
    }
}

/// Lets Blender see nothing of the user's settings, and puts the MCP SDK on its path.
fn in_own_folder(command: &mut Command, folder: &Path, poll: Poll) {
    let client = Sdk::Two.python();
    let packages = client.parent().unwrap().with_file_name("lib/python3.11/site-packages");
    command
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DCC_TEST_CLIENT_PYTHON", client)
        .env("DCC_TEST_FOLDER", folder)
        .env("BLENDER_USER_SCRIPTS", folder.join("scripts"))
        .env("BLENDER_USER_CONFIG", folder.join("config"))
        .env("TMPDIR", folder)
        .env("HOME", folder);
    if poll == Poll::TakenOut {
        command.env("DCC_TEST_WITHOUT_POLL", "1");
    }
    std::fs::create_dir_all(folder.join("scripts")).unwrap();
}

fn program(name: &str) -> PathBuf {
    support::root().join("tests/hosts/blender").join(name)
}

/// Runs checks in Blender as a module of Python, without a window. Returns what the checks printed.
pub fn module(test: &str, poll: Poll, checks: &[&str]) -> Option<Output> {
    if !python_is_3_11() {
        support::skip(test, "bpy 4.5 is for Python 3.11 alone");
        return None;
    }
    let mut command = limited(&venv("bpy-4.5.15", BPY).join("bin/python"));
    command.arg(program("module.py")).arg(addon(poll)).args(checks);
    in_own_folder(&mut command, &support::scratch(test), poll);
    Some(command.output().unwrap())
}

/// Runs checks in Blender with a window. Returns what the checks printed, and the path for a
/// picture of the window, which a check may have made.
pub fn window(test: &str, poll: Poll, checks: &[&str]) -> Option<(Output, PathBuf)> {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|found| found.status.success())
    };
    let programs = ["blender", "Xvfb", "xdotool"];
    // Debian's Blender uses Debian's Python.
    let numpy_is_there = works("/usr/bin/python3", &["-c", "import numpy"]);
    if !programs.into_iter().all(|program| works("which", &[program])) || !numpy_is_there {
        support::skip(test, "not all of blender, xvfb, xdotool, python3-numpy are installed");
        return None;
    }
    if !python_is_3_11() {
        support::skip(test, "Debian's Blender needs packages for Python 3.11");
        return None;
    }
    let display = Display::start("1120x680");
    let folder = support::scratch(test);
    let picture = folder.join("window.png");
    let mut command = limited(Path::new("blender"));
    command
        .args(["--factory-startup", "--python-use-system-env", "-p", "0", "0", "1120", "680"])
        .args(["--python-exit-code", "1"])
        .arg("--python")
        .arg(program("window.py"))
        .arg("--")
        .arg(addon(poll))
        .arg(&picture)
        .args(checks)
        .env("DISPLAY", display.name())
        // Blender's Python searches this path for its home, which must be that of Debian's Python.
        .env("PATH", "/usr/bin:/bin")
        .env("LIBGL_ALWAYS_SOFTWARE", "1");
    in_own_folder(&mut command, &folder, poll);
    Some((command.output().unwrap(), picture))
}

fn text(output: &Output) -> String {
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, part(&output.stdout), part(&output.stderr))
}

/// The time, measured by a check, from a cancel until the native loop had returned.
fn measured(said: &str, what: &str) -> f64 {
    let start = format!("MEASURED {what} ");
    let line = said.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no time of {what}\n{said}")).parse().unwrap()
}

/// Checks that all checks passed, and prints how long each cancel took.
pub fn assert_passed(output: &Output, times: &[&str]) {
    let said = text(output);
    assert!(said.contains("\nall passed\n") && !said.contains("Traceback"), "{said}");
    // Blender exits with 1 if Esc was pressed while it ran. A crash ends it by a signal.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    for what in times {
        figure(&format!("{what} cancel to return: {:.1} ms", measured(&said, what)));
    }
}

/// Checks that these cancels did not stop the native loop, and that the checks in Blender noticed
/// that.
pub fn assert_not_stopped(output: &Output, times: &[&str]) {
    let said = text(output);
    assert!(!said.contains("\nall passed\n"), "{said}");
    for what in times {
        let complaint = format!("expected the native loop of {what} to stop in the middle");
        assert!(said.contains(&complaint), "{said}");
        figure(&format!(
            "{what} cancel to return without the poll: {:.0} ms",
            measured(&said, what)
        ));
    }
}

fn figure(text: &str) {
    support::show(&format!("FIGURE blender {text}"));
}
