//! `examples/hosts/maya`, a plug-in for Maya: compiled against the stand-ins for the devkit's
//! headers in `tests/hosts/maya/stand_in`, and driven in the stand-in for Maya behind them.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "CMake is called here with an environment of its own")]
#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mod.rs"]
mod support;

use build_tools::tool;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use support::{root, run, scratch};

fn example() -> PathBuf {
    root().join("examples/hosts/maya")
}

fn stand_in() -> PathBuf {
    root().join("tests/hosts/maya/stand_in")
}

/// The files of a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    found.sort();
    assert!(!found.is_empty(), "no .{extension} in {}", folder.display());
    found
}

/// The compiler, with the warnings that all code that we ship has to pass.
fn compiler() -> Command {
    let mut compiler = Command::new(support::cxx());
    compiler
        .args(support::CXX_FLAGS)
        .args(["-Wconversion", "-Wold-style-cast", "-O1", "-pthread", "-I"])
        .arg(support::include())
        .arg("-I")
        .arg(stand_in());
    compiler
}

/// A folder with the stand-ins of the devkit's libraries, our library, and the driver.
fn maya() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("host_maya");
        support::staged_library(&folder);
        let lib = folder.join("devkit/lib");
        std::fs::create_dir_all(&lib).unwrap();
        for (name, sources) in
            [("libOpenMaya.so", files(&stand_in(), "cpp")), ("libFoundation.so", vec![])]
        {
            let shared = ["-shared", "-fPIC", "-x", "c++", "/dev/null"];
            run(compiler().args(shared).args(sources).args(["-ldl", "-o"]).arg(lib.join(name)));
        }
        std::os::unix::fs::symlink(stand_in(), folder.join("devkit/include")).unwrap();
        std::os::unix::fs::symlink(stand_in().join("cmake"), folder.join("devkit/cmake")).unwrap();
        let driver = root().join("tests/hosts/maya");
        link(compiler().args(files(&driver, "cpp")), &folder, &folder.join("driver"));
        folder
    })
}

fn link(compiler: &mut Command, folder: &Path, to: &Path) {
    run(compiler
        .arg("-L")
        .arg(folder)
        .arg("-L")
        .arg(folder.join("devkit/lib"))
        .args(["-lOpenMaya", "-ldcc_cancel", "-ldl", "-o"])
        .arg(to));
}

/// Compiles the sources of a plug-in. Returns the folder of the objects.
fn objects(sources: &[PathBuf], name: &str) -> PathBuf {
    let folder = scratch(name);
    let flags = ["-c", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique"];
    run(compiler().args(flags).args(sources).current_dir(&folder));
    folder
}

/// The plug-in, and a variant without the code that asks whether to stop.
fn plugins() -> [PathBuf; 2] {
    let whole = objects(&files(&example(), "cpp"), "host_maya_objects");
    let changed = scratch("host_maya_changed");
    for (name, poll, instead) in [
        ("Smoother.cpp", "&& cancelled()", "&& false"),
        ("PassBarrier.h", "!dcc::is_cancelled()", "true"),
        ("Smoother.h", "#pragma once", "#pragma once"),
    ] {
        let text = std::fs::read_to_string(example().join(name)).unwrap();
        assert_eq!(text.matches(poll).count(), 1, "{name} has another poll than {poll}");
        std::fs::write(changed.join(name), text.replace(poll, instead)).unwrap();
    }
    let unpolled =
        objects(&[changed.join("Smoother.cpp")], "host_maya_unpolled").join("Smoother.o");
    let others = files(&whole, "o").into_iter().filter(|path| !path.ends_with("Smoother.o"));
    [("dccSmooth.so", files(&whole, "o")), ("without_poll.so", others.chain([unpolled]).collect())]
        .map(|(name, objects)| {
            let plugin = maya().join(name);
            link(compiler().arg("-shared").args(objects), maya(), &plugin);
            plugin
        })
}

fn drive(plugin: &Path, arguments: &[&str]) -> Output {
    let libraries = format!("{0}:{0}/devkit/lib", maya().display());
    let mut driver = support::limited(maya().join("driver"));
    driver.arg(plugin).args(arguments);
    driver.env("LD_LIBRARY_PATH", libraries).output().unwrap()
}

/// The figures that the driver measured.
fn figures(plugin: &Path, name: &str) -> String {
    let output = drive(plugin, &["--figures", name]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{complaints}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.starts_with(&format!("FIGURE {name} Esc to return: ")), "{printed}");
    printed
}

#[test]
fn the_plugin_works_in_the_stand_in_and_not_without_its_polls() {
    let [polled, unpolled] = plugins();
    let output = drive(&polled, &[]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{complaints}", output.status);

    let output = drive(&unpolled, &[]);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}\n{complaints}", output.status);
    assert!(complaints.contains("expected was_stopped"), "{complaints}");

    let lines = figures(&polled, "maya") + &figures(&unpolled, "maya_without_poll");
    support::show(&lines);
}

/// The build that the README describes, with the devkit's own CMake functions.
#[test]
fn its_cmake_project_builds_what_can_be_loaded_and_unloaded() {
    let build = scratch("host_maya_cmake");
    let warnings: Vec<&str> =
        support::CXX_FLAGS.iter().copied().filter(|flag| flag.starts_with("-W")).collect();
    let devkit = maya().join("devkit");
    let cmake = |arguments: &[String]| {
        run(tool("cmake").args(arguments).env("DEVKIT_LOCATION", &devkit));
    };
    cmake(&[
        "-GNinja".to_owned(),
        format!("-S{}", example().display()),
        format!("-B{}", build.display()),
        format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display()),
        // Otherwise CMake would prefer an installed library.
        "-DCMAKE_DISABLE_FIND_PACKAGE_dcc_cancel=ON".to_owned(),
        format!("-DCMAKE_CXX_FLAGS={}", warnings.join(" ")),
    ]);
    cmake(&["--build".to_owned(), build.display().to_string()]);
    assert!(build.join("libdcc_cancel.so.2").is_file());
    let dynamic =
        support::printed(Command::new("readelf").arg("-dW").arg(build.join("dccSmooth.so")));
    assert!(dynamic.contains("[$ORIGIN]"), "{dynamic}");
    figures(&build.join("dccSmooth.so"), "maya_cmake");
}
