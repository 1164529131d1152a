//! Builds the module of `examples/hosts/unreal` and the driver of `tests/hosts/unreal`, which ticks it.

use super::built_once::built_once;
use super::support;
use std::fs::{create_dir_all, read_dir, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::thread;

/// The line that is taken out for the variant without a poll.
const POLL: &str = "if (Cancelled())";

/// The compiler's options that Unreal uses for the module, by its Build.cs.
pub const MODULE_FLAGS: &[&str] = &["-std=c++20", "-fno-exceptions", "-fno-rtti"];

/// The module as it ships, or without its poll.
#[derive(Clone, Copy, PartialEq)]
pub enum Variant {
    Shipped,
    WithoutPoll,
}

/// The folder of the plugin's C++.
pub fn module_sources() -> PathBuf {
    support::root().join("examples/hosts/unreal/Source/CancellableJobs/Private")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn compile(source: &Path, object: &Path, of_module: bool) {
    let tests = support::root().join("tests/hosts/unreal");
    let mut compiler = Command::new(support::cxx());
    compiler.args(support::CXX_FLAGS).args(["-Wconversion", "-O1", "-pthread", "-fno-gnu-unique"]);
    if of_module {
        compiler.args(MODULE_FLAGS).args(["-fPIC", "-fvisibility=hidden"]);
    }
    for folder in [tests.join("stand_in"), tests.join("engine"), module_sources()] {
        compiler.arg("-I").arg(folder);
    }
    compiler.arg("-I").arg(support::include());
    support::run(compiler.arg("-c").arg(source).arg("-o").arg(object));
}

fn build(folder: &Path) {
    let source_of = |path: &Path| path.extension().is_some_and(|extension| extension == "cpp");
    let mut all = Vec::new();
    files(&module_sources(), &mut all);
    all.retain(|path| source_of(path));
    // The only source that polls is compiled without its poll.
    let polling = module_sources().join("SmoothableMesh.cpp");
    let text = read_to_string(&polling).unwrap();
    assert_eq!(text.matches(POLL).count(), 1, "{}", polling.display());
    let without_poll = folder.join("WithoutPoll.cpp");
    write(&without_poll, text.replace(POLL, "if (false)")).unwrap();

    let mut work: Vec<(PathBuf, bool)> = all.into_iter().map(|path| (path, true)).collect();
    work.push((without_poll, true));
    let mut driver = Vec::new();
    files(&support::root().join("tests/hosts/unreal/engine"), &mut driver);
    driver.push(support::root().join("tests/hosts/unreal/driver.cpp"));
    work.extend(driver.into_iter().filter(|path| source_of(path)).map(|path| (path, false)));

    let object_of = |path: &Path| folder.join(path.file_stem().unwrap()).with_extension("o");
    let (mut module, mut engine) = (Vec::new(), Vec::new());
    for (path, of_module) in &work {
        if *of_module { module.push(object_of(path)) } else { engine.push(object_of(path)) }
    }
    let left = Mutex::new(work);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((source, of_module)) = { left.lock().unwrap().pop() } {
                    compile(&source, &object_of(&source), of_module);
                }
            });
        }
    });
    for (name, left_out) in [("shipped", "WithoutPoll.o"), ("without_poll", "SmoothableMesh.o")] {
        // Each module gets a folder with the library beside it, as RuntimeDependencies stages it.
        let target = folder.join(name);
        create_dir_all(&target).unwrap();
        support::staged_library(&target);
        support::run(
            Command::new(support::cxx())
                .args(["-shared"])
                .args(module.iter().filter(|object| !object.ends_with(left_out)))
                .arg("-L")
                .arg(&target)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(target.join("libUnrealEditor-CancellableJobs.so")),
        );
    }
    support::run(
        Command::new(support::cxx())
            .args(["-rdynamic", "-pthread"])
            .args(engine)
            .args(["-ldl", "-o"])
            .arg(folder.join("driver")),
    );
}

/// The first test builds. If that fails, the other tests do not try again.
static BUILT: LazyLock<PathBuf> = LazyLock::new(built);

fn built() -> PathBuf {
    let mut sources = vec![support::root().join("tests/support/unreal.rs")];
    for part in ["examples/hosts/unreal", "tests/hosts/unreal", "tests/cpp", "include"] {
        files(&support::root().join(part), &mut sources);
    }
    sources.retain(|path| !path.components().any(|part| part.as_os_str() == "__pycache__"));
    sources.sort();
    let mut contents: String = sources.iter().map(|path| read_to_string(path).unwrap()).collect();
    contents += dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    built_once("host_unreal", &contents, build)
}

/// The driver with a module to load, and `folder` for the user's settings. If it cannot be built,
/// this notes the skip and returns `None`.
pub fn driver(test: &str, variant: Variant, folder: &Path) -> Option<Command> {
    let mut preprocess = Command::new(support::cxx());
    preprocess.args(["-E", "-include", "nlohmann/json.hpp", "-x", "c++", "/dev/null"]);
    if !preprocess.output().unwrap().status.success() {
        support::skip(test, "nlohmann-json3-dev is not installed");
        return None;
    }
    let name = if variant == Variant::Shipped { "shipped" } else { "without_poll" };
    let mut command = support::limited(BUILT.join("driver"));
    command.arg(BUILT.join(name).join("libUnrealEditor-CancellableJobs.so")).arg(folder);
    support::with_own_libraries(&mut command);
    Some(command)
}
