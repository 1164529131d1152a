//! Builds the C++ program whose operations are counted, benches/counts.cpp.

use super::callgrind::{self, Counts};
use super::support;
use super::table::{Row, Table};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

const SOURCES: &[&str] =
    &["counts.cpp", "ours.cpp", "counted_tokens.cpp", "counted_jobs.cpp", "counted_requests.cpp"];

/// The compiler with which the table's counts were made.
pub const COMPILER: &str = "g++";

/// The program, linked to a library that lies beside it.
pub struct Operations {
    program: PathBuf,
    folder: PathBuf,
}

impl Operations {
    /// Builds it in a folder that has the library.
    pub fn built(folder: &Path) -> Self {
        let program = folder.join("counts");
        let mut command = Command::new(COMPILER);
        command.args(["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"]);
        command.arg(support::include()).arg("-L").arg(folder);
        command.args(SOURCES.iter().map(|source| support::root().join("benches").join(source)));
        support::run(command.args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"]).arg(&program));
        Self { program, folder: folder.to_owned() }
    }

    pub fn names(&self) -> Vec<String> {
        let list = support::printed(Command::new(&self.program).arg("--list"));
        list.lines().map(str::to_owned).collect()
    }

    /// Counts one operation in a process of its own, so that no operation depends on what others
    /// left behind.
    pub fn count(&self, name: &str, preloaded: &Path) -> Row {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dump = self.folder.join(format!("dump-{number}"));
        let counts: Vec<Counts> = callgrind::counts(&self.program, &[name], preloaded, &dump, 1);
        Row { operation: name.to_owned(), counts: counts[0], reason: String::new() }
    }

    /// Counts all operations, on all processors.
    pub fn count_all(&self) -> Table {
        let names = self.names();
        let next = AtomicUsize::new(0);
        let take = || {
            let mut rows = Vec::new();
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                rows.push(self.count(name, Path::new("")));
            }
            rows
        };
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        let mut rows: Vec<Row> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..processors).map(|_| scope.spawn(take)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("its error")).collect()
        });
        rows.sort_by_key(|row| names.iter().position(|name| *name == row.operation));
        Table { build: build(), rows }
    }
}

/// The compilers and tools, on which the counts depend.
fn build() -> Vec<String> {
    let first_line = |program: &str| {
        let text = support::printed(Command::new(program).arg("--version"));
        text.lines().next().unwrap_or_default().to_owned()
    };
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    // Cargo sets this variable to the compiler that it uses.
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    vec![
        format!("{} {flags}", first_line(&rustc)).trim_end().to_owned(),
        first_line(COMPILER),
        first_line("ldd"),
        first_line("valgrind"),
    ]
}
