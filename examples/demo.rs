//! A native plugin's long jobs, posted to the dispatcher that a host's UI ticks pump, are cancelled,
//! in three scenes; then a report finds the loop of another job that forgot to poll. Three pages show a
//! pool of workers, a cancel against a commit, and a coroutine beside which the UI goes on drawing. A
//! timeline of the scenes, `target/demo/timeline.json`, opens in Perfetto.
//!
//!     cargo run --release --example demo
//!     cargo run --release --example demo -- path/to/file.obj
//!
//! Host and plugin are C++, in `examples/demo`: `plugin.cpp` is what a plugin does to be
//! cancellable, `scenes.cpp` what its host does. This program only builds and starts them. It exits
//! with 0 if all went as expected, 1 if not, 2 if the file cannot be used.

#[path = "demo/build_cpp.rs"]
mod build_cpp;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mesh = arguments.next();
    let option = mesh.as_ref().is_some_and(|mesh| mesh.as_encoded_bytes().starts_with(b"-"));
    if option || arguments.next().is_some() {
        eprintln!("usage: cargo run --release --example demo [-- path/to/file.obj]");
        return ExitCode::from(2);
    }
    // A person reads why the build failed, so only the message is printed, without a backtrace.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("demo: {}", panic.payload_as_str().unwrap_or("cannot be built"));
    }));
    let folder = output_folder();
    eprintln!("Building the C++ host and its plugin ...");
    let demo = build_cpp::build(&folder);
    let mesh = mesh.map_or_else(|| short(build_cpp::scan()), PathBuf::from);
    let status = demo.host(&mesh, &folder).status().expect("what was just built starts");
    // A host that was killed by a signal has no code.
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The folder `demo` in cargo's target folder.
fn output_folder() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    // target/<profile>/examples/<this program>
    let target = program.ancestors().nth(3).expect("cargo's target folder");
    short(target.join("demo"))
}

/// The path relative to the current folder, if it is below that folder.
fn short(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(PathBuf::from).unwrap_or(path)
}
