//! The hot paths beside their peers, interleaved in one run: ratios, not times. Then instructions
//! per call, counted by callgrind. `cargo bench`; DESIGN targets are printed with each ratio.

#[path = "compare/graph.rs"]
mod graph;
#[path = "compare/ratio.rs"]
mod ratio;
#[path = "compare/requests.rs"]
mod requests;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use support::{printed, root, run};

/// What is measured, against what, and what it should at most be.
struct Row {
    work: &'static str,
    peer: &'static str,
    target: Option<f64>,
    disturbed: bool,
}

const fn row(work: &'static str, peer: &'static str, target: Option<f64>) -> Row {
    Row { work, peer, target, disturbed: false }
}

const fn disturbed(work: &'static str, peer: &'static str, target: Option<f64>) -> Row {
    Row { work, peer, target, disturbed: true }
}

const LOAD: &str = "atomic load";
const GLIB_PROBE: &str = "g_cancellable_is_cancelled(g_cancellable_get_current())";
const TBB_PROBE: &str = "tbb::is_current_task_group_canceling";

const ROWS: &[Row] = &[
    row("poll of a given token", LOAD, Some(1.15)),
    row("poll of the current token", LOAD, Some(1.15)),
    row("poll of both layers", LOAD, Some(2.3)),
    disturbed("poll of a given token", LOAD, Some(1.15)),
    disturbed("poll of both layers", LOAD, Some(2.3)),
    row("dcc_check_cancelled", GLIB_PROBE, Some(0.55)),
    row("dcc_check_cancelled", TBB_PROBE, Some(0.8)),
    row("dcc_cancel_token_is_cancelled", "g_cancellable_is_cancelled", Some(1.3)),
    row("dcc_cancel_token_is_cancelled", "std::stop_token::stop_requested", None),
    row("set and reset current", "g_cancellable push and pop", Some(0.5)),
    row("create and release", "std::stop_source", Some(1.0)),
    row("create and release a child", "create and release", None),
    row("register and unregister", "std::stop_callback", Some(1.5)),
    row("post and run one job", "g_idle_source", Some(0.5)),
    row("post and run 64 jobs", "g_idle_source, 64 of them", Some(0.5)),
];

const COUNTED: &[&str] = &[
    "empty call loop",
    "dcc_check_cancelled",
    GLIB_PROBE,
    "dcc_cancel_token_is_cancelled",
    "g_cancellable_is_cancelled",
    "set and reset current",
    "g_cancellable push and pop",
    "create and release",
    "std::stop_source",
    "register and unregister",
    "std::stop_callback",
    "post and run one job",
    "g_idle_source",
    "post and run 64 jobs",
    "g_idle_source, 64 of them",
    "poll of the current token",
    "poll of both layers",
    LOAD,
];

/// Compiler flags for a library that may be missing.
fn flags_of(package: &str, debian: &str) -> Option<Vec<String>> {
    let output = Command::new("pkg-config").args(["--cflags", "--libs", package]).output();
    match output {
        Ok(output) if output.status.success() => {
            let flags = String::from_utf8(output.stdout).expect("flags are text");
            Some(flags.split_whitespace().map(str::to_owned).collect())
        }
        _ => {
            support::skip(&format!("comparison with {package}"), &format!("install {debian}"));
            None
        }
    }
}

fn build(folder: &Path) -> (std::path::PathBuf, Vec<&'static str>) {
    support::staged_library(folder);
    let program = folder.join("measure");
    let mut command = Command::new(support::cxx());
    command.args(["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    // A loop of a few instructions must not be judged by where its branches happen to lie: some
    // processors take a jump that crosses 32 bytes slowly.
    command.args(["-falign-loops=64", "-Wa,-mbranches-within-32B-boundaries", "-I"]);
    command.arg(support::include());
    let mut sources = vec!["measure.cpp", "ours.cpp", "standard.cpp", "wake.cpp"];
    let mut absent = Vec::new();
    let mut libraries = Vec::new();
    match flags_of("gio-2.0", "libglib2.0-dev and pkg-config") {
        Some(flags) => {
            sources.push("glib.cpp");
            libraries.extend(flags);
        }
        None => absent.extend(["g_cancellable", "g_idle_source"]),
    }
    match flags_of("tbb", "libtbb-dev and pkg-config") {
        Some(flags) => {
            sources.push("tbb.cpp");
            libraries.extend(flags);
        }
        None => absent.push("tbb::"),
    }
    for source in sources {
        command.arg(root().join("benches").join(source));
    }
    command.args(libraries).arg("-L").arg(folder).args([
        "-ldcc_cancel",
        "-Wl,-rpath,$ORIGIN",
        "-o",
    ]);
    run(command.arg(&program));
    (program, absent)
}

fn print_ratio(work: &str, peer: &str, ratio: f64, target: Option<f64>) {
    let verdict = match target {
        Some(target) if ratio <= target => format!("{target:>7} met"),
        Some(target) => format!("{target:>7} MISSED"),
        None => String::new(),
    };
    println!("{work:<46} {peer:<56} {ratio:>6.2} {verdict}");
}

fn print_ratios(program: &Path, absent: &[&str]) {
    println!("{:<46} {:<56} {:>6} {:>7}", "work", "beside", "ratio", "target");
    let missing = |name: &str| absent.iter().any(|prefix| name.starts_with(prefix));
    for row in ROWS.iter().filter(|row| !missing(row.peer)) {
        let mut command = Command::new(program);
        command.args(["ratio", row.work, row.peer]);
        if row.disturbed {
            command.arg("disturbed");
        }
        let ratio: f64 = printed(&mut command).trim().parse().expect("a number");
        let name = if row.disturbed {
            format!("{}, others retain it", row.work)
        } else {
            row.work.to_owned()
        };
        print_ratio(&name, row.peer, ratio, row.target);
    }
    let wake = printed(Command::new(program).arg("wake")).trim().parse().expect("a number");
    print_ratio("cancel to the wake-up of a waiter", "futex", wake, Some(1.1));
}

/// Instructions per call: each work is counted for two lengths of its loop.
fn print_counts(program: &Path, folder: &Path, absent: &[&str]) {
    if !support::exists("valgrind") {
        return support::skip("instruction counts", "install valgrind");
    }
    let missing = |name: &str| absent.iter().any(|prefix| name.starts_with(prefix));
    let works: Vec<&str> = COUNTED.iter().copied().filter(|work| !missing(work)).collect();
    run(Command::new("valgrind")
        .current_dir(folder)
        .args(["--tool=callgrind", "--callgrind-out-file=count", "--zero-before=counted"])
        .args(["--dump-after=counted", "--quiet"])
        .arg(program)
        .arg("count")
        .args(&works));
    let total = |number: usize| -> f64 {
        let text = std::fs::read_to_string(folder.join(format!("count.{number}"))).unwrap();
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
        totals.trim().parse().unwrap()
    };
    println!("\n{:<60} {:>12}", "instructions per call, the loop around it included", "");
    for (position, work) in works.iter().enumerate() {
        let (short, long) = (total(2 * position + 1), total(2 * position + 2));
        println!("{work:<60} {:>12.1}", (long - short) / 4096.0);
    }
}

fn main() {
    let folder = support::scratch("compare");
    let (program, absent) = build(&folder);
    print_ratios(&program, &absent);
    graph::compare();
    requests::compare();
    print_counts(&program, &folder, &absent);
}
