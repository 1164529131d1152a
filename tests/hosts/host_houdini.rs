//! `examples/hosts/houdini`, compiled against stand-ins for the HDK. A driver loads it and plays
//! Houdini's user, main thread and agents. `tests/hosts/houdini` has the stand-ins and the driver.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const PLUGIN: &str = "SOP_DccSmooth.so";
const PLUGIN_WITHOUT_POLLS: &str = "SOP_DccSmooth_without_polls.so";

fn example() -> PathBuf {
    support::root().join("examples/hosts/houdini")
}

fn host() -> PathBuf {
    support::root().join("tests/hosts/houdini")
}

fn compiler(folder: &Path) -> Command {
    let mut compiler = Command::new(support::cxx());
    compiler
        .args(support::CXX_FLAGS)
        .args(["-Wconversion", "-Wold-style-cast", "-O1", "-pthread", "-I"])
        .arg(support::include())
        .arg("-I")
        .arg(host().join("stand_in"))
        .arg("-L")
        .arg(folder);
    compiler
}

fn compile_plugin(folder: &Path, sources: &Path, name: &str) {
    support::run(
        compiler(folder)
            .args(["-fPIC", "-shared"])
            .args(["SOP_DccSmooth.C", "DCC_Plugin.C"].map(|source| sources.join(source)))
            .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
            .arg(folder.join(name)),
    );
}

fn compile_driver(folder: &Path) {
    support::run(
        compiler(folder)
            .args(["driver.cpp", "host.cpp", "thread_pool.cpp"].map(|source| host().join(source)))
            .args(["-rdynamic", "-ldcc_cancel", "-ldl", "-Wl,-rpath,$ORIGIN", "-o"])
            .arg(folder.join("driver")),
    );
}

/// The example's sources with all polls taken out.
fn sources_without_polls(folder: &Path) -> PathBuf {
    let sources = folder.join("without_polls");
    std::fs::create_dir_all(&sources).unwrap();
    for entry in std::fs::read_dir(example()).unwrap() {
        let file = entry.unwrap().path();
        let mut text = std::fs::read_to_string(&file).unwrap();
        if file.ends_with("LaplacianSmooth.h") {
            for (poll, count, without) in [
                ("!dcc::is_cancelled()", 1, "true"),
                ("advance(units(theStride))", 1, "flush() && false"),
                ("!progress.advance(units(visited % theStride))", 1, "true"),
                ("advance(units(end - i))", 1, "flush() && false"),
            ] {
                assert_eq!(text.matches(poll).count(), count, "{poll}");
                text = text.replace(poll, without);
            }
        }
        std::fs::write(sources.join(file.file_name().unwrap()), text).unwrap();
    }
    sources
}

/// A folder with the library, the plugin, the plugin without its polls and the driver.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = support::scratch("host_houdini");
        support::staged_library(&folder);
        std::thread::scope(|scope| {
            scope.spawn(|| compile_driver(&folder));
            compile_plugin(&folder, &example(), PLUGIN);
            compile_plugin(&folder, &sources_without_polls(&folder), PLUGIN_WITHOUT_POLLS);
        });
        folder
    })
}

fn drive(plugin: &Path, scenario: &str) -> Output {
    let mut driver = support::limited(folder().join("driver"));
    driver.arg(plugin).arg(scenario);
    support::with_own_libraries(&mut driver).output().unwrap()
}

fn complaints(output: &Output) -> String {
    format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}

fn passes(plugin: &Path, scenario: &str) -> Output {
    let output = drive(plugin, scenario);
    assert!(output.status.success(), "{scenario}: {}", complaints(&output));
    output
}

/// Prints two figures: the times to stop after Esc and after a cancel.
fn print_figures(output: &Output) {
    let printed = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<_> = printed.lines().filter(|line| line.starts_with("FIGURE ")).collect();
    assert_eq!(figures.len(), 2, "{printed}");
    support::show(&figures.join("\n"));
}

#[test]
fn a_cook_is_stopped_by_esc_and_by_agents_and_cooks_again() {
    passes(&folder().join(PLUGIN), "cooks");
}

#[test]
fn without_its_polls_it_does_not_stop() {
    print_figures(&passes(&folder().join(PLUGIN), "measures"));
    let unpolled = drive(&folder().join(PLUGIN_WITHOUT_POLLS), "measures");
    assert_eq!(unpolled.status.code(), Some(1), "{}", complaints(&unpolled));
    assert!(complaints(&unpolled).contains("expected was_stopped"), "{}", complaints(&unpolled));
    print_figures(&unpolled);
}

#[test]
fn the_event_loop_runs_agents_jobs_under_a_budget() {
    passes(&folder().join(PLUGIN), "pumps");
}

#[test]
fn the_exit_ends_what_waits_and_what_runs() {
    for scenario in ["exits", "exits_while_all_is_going_on", "exits_inside_a_job"] {
        passes(&folder().join(PLUGIN), scenario);
    }
}

/// The build that the example's README describes, except for the places of Houdini and the library.
#[test]
fn its_cmake_project_builds_a_plugin_with_the_library_beside_it() {
    let build = support::scratch("host_houdini_cmake");
    build_tools::cmake(
        &example(),
        &build,
        &[
            format!("-DCMAKE_PREFIX_PATH={}", host().join("stand_in/cmake").display()),
            format!("-DDCC_CANCEL_LIBRARY={}", support::built_library().display()),
            // Otherwise CMake would prefer an installed library.
            "-DCMAKE_DISABLE_FIND_PACKAGE_dcc_cancel=ON".to_owned(),
        ],
    );
    let plugin = build.join("houdini/dso").join(PLUGIN);
    let needed = support::printed(
        Command::new("sh").args(["-c", "ldd \"$0\" | grep dcc_cancel"]).arg(&plugin),
    );
    let beside = build.join("houdini/dso/dcc_cancel/libdcc_cancel.so.2");
    assert!(needed.contains(&beside.display().to_string()), "{needed}");
    passes(&plugin, "exits");
}
