//! The C++ half of the benchmark: built by one compiler, and started for each row.

use super::support::{self, printed, root, run};
use super::table::Table;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A compiler, and the options that align branches. Without these a loop of a few instructions
/// would be judged by where its branches happen to lie: some processors execute a jump across a
/// 32-byte boundary slowly.
struct Compiler {
    command: String,
    alignment: &'static str,
}

/// `measure.cpp`, built by one compiler.
pub struct Program {
    /// The first line of the compiler's version.
    pub compiler: String,
    path: PathBuf,
    /// The beginnings of the names of peers that are missing.
    absent: Vec<&'static str>,
}

/// A peer that is a library of the system.
struct Peer {
    package: &'static str,
    debian: &'static str,
    sources: &'static [&'static str],
    names: &'static [&'static str],
}

const PEERS: &[Peer] = &[
    Peer {
        package: "gio-2.0",
        debian: "libglib2.0-dev",
        sources: &["glib.cpp", "contended_glib.cpp"],
        names: &["g_cancellable", "g_idle_source"],
    },
    Peer { package: "tbb", debian: "libtbb-dev", sources: &["tbb.cpp"], names: &["tbb::"] },
];

const SOURCES: &[&str] = &[
    "measure.cpp",
    "ratio.cpp",
    "seen.cpp",
    "wake.cpp",
    "native_event.cpp",
    "stopped_job.cpp",
    "ours.cpp",
    "standard.cpp",
    "why_to_stop.cpp",
    "callbacks.cpp",
    "contended.cpp",
    "contended_ours.cpp",
    "contended_standard.cpp",
];

fn flags_of(package: &str) -> Option<Vec<String>> {
    let output = Command::new("pkg-config").args(["--cflags", "--libs", package]).output().ok()?;
    let flags = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| flags.split_whitespace().map(str::to_owned).collect())
}

fn compilers(table: &mut Table) -> Vec<Compiler> {
    let is_given = std::env::var_os("CXX").is_some_and(|given| !given.is_empty());
    let names = if is_given { vec![support::cxx()] } else { vec!["g++".into(), "clang++".into()] };
    let mut found = Vec::new();
    for command in names {
        if !support::exists(&command) {
            table.skipped(&format!("rows built by {command}"), "it is not installed");
            continue;
        }
        let is_clang = version(&command).contains("clang");
        // clang assembles by itself, gcc calls an assembler.
        let alignment = if is_clang {
            "-mbranches-within-32B-boundaries"
        } else {
            "-Wa,-mbranches-within-32B-boundaries"
        };
        found.push(Compiler { command, alignment });
    }
    assert!(!found.is_empty(), "no C++ compiler: install g++ or clang++, or set CXX");
    found
}

fn version(compiler: &str) -> String {
    let text = printed(Command::new(compiler).arg("--version"));
    text.lines().next().unwrap_or(compiler).to_owned()
}

/// Builds one program for each installed compiler.
pub fn programs(folder: &Path, table: &mut Table) -> Vec<Program> {
    support::staged(&support::release_library(), folder);
    let (mut sources, mut libraries) = (SOURCES.to_vec(), Vec::new());
    let mut absent = Vec::new();
    for peer in PEERS {
        match flags_of(peer.package) {
            Some(flags) => {
                sources.extend(peer.sources);
                libraries.extend(flags);
            }
            None => {
                let why = format!("install pkg-config and {}", peer.debian);
                table.skipped(&format!("rows beside {}", peer.package), &why);
                absent.extend(peer.names);
            }
        }
    }
    let compilers = compilers(table);
    for compiler in &compilers {
        table.record.fact("C++", &version(&compiler.command));
    }
    // Each build takes a while and one processor.
    std::thread::scope(|scope| {
        let builds: Vec<_> = compilers
            .into_iter()
            .map(|compiler| {
                let (sources, libraries, absent) = (&sources, &libraries, absent.clone());
                scope.spawn(move || {
                    let path = build(&compiler, folder, sources, libraries);
                    Program { compiler: version(&compiler.command), path, absent }
                })
            })
            .collect();
        builds.into_iter().map(|build| build.join().expect("the compiler's error")).collect()
    })
}

fn build(compiler: &Compiler, folder: &Path, sources: &[&str], libraries: &[String]) -> PathBuf {
    let path = folder.join(format!("measure-{}", compiler.command.replace('/', "-")));
    let mut command = Command::new(&compiler.command);
    command.args(["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    command.args(["-falign-loops=64", compiler.alignment, "-I"]).arg(support::include());
    command.args(sources.iter().map(|source| root().join("benches").join(source)));
    command.args(libraries).arg("-L").arg(folder);
    run(command.args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"]).arg(&path));
    path
}

impl Program {
    /// Whether the program has this peer.
    pub fn has(&self, peer: &str) -> bool {
        !self.absent.iter().any(|absent| peer.starts_with(absent))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a mode of the program and adds its rows to the table.
    pub fn rows(&self, arguments: &[&str], table: &mut Table) {
        table.rows(&printed(Command::new(&self.path).args(arguments)));
    }
}
