//! Builds and runs the programs of `tests/adapters`. Each program uses one adapter of
//! `include/dcc_cancel/adapters` together with the library that the adapter is for.

use super::built_once::built_once;
use super::support;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What it takes to build one adapter's program.
pub struct Adapter {
    /// The names of `tests/adapters/<name>.cpp` and of the adapter's header.
    pub name: &'static str,
    /// Headers of that library, as an `#include` names them.
    pub headers: &'static [&'static str],
    /// The Debian package that has these headers.
    pub package: &'static str,
    /// What the compiler needs to find its headers.
    pub compile: Vec<String>,
    /// What the linker needs.
    pub link: Vec<String>,
}

/// The words that `pkg-config` prints; empty if the library is not installed.
pub fn pkg_config(what: &str, library: &str) -> Vec<String> {
    let output = Command::new("pkg-config").args([what, library]).output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed).split_whitespace().map(str::to_owned).collect()
}

impl Adapter {
    fn is_installed(&self) -> bool {
        let source = support::scratch(&format!("adapter_{}_probe", self.name)).join("probe.cpp");
        let includes: String =
            self.headers.iter().map(|header| format!("#include <{header}>\n")).collect();
        std::fs::write(&source, includes).unwrap();
        let mut compiler = Command::new(support::cxx());
        compiler.args(["-std=c++17", "-E", "-o", "/dev/null"]).args(system(&self.compile));
        support::with_own_libraries(compiler.arg(source))
            .output()
            .is_ok_and(|output| output.status.success())
    }

    fn compiler(&self) -> Command {
        let mut compiler = Command::new(support::cxx());
        compiler
            .args(support::CXX_FLAGS)
            .args(["-O1", "-pthread", "-I"])
            .arg(support::include())
            .args(system(&self.compile))
            .arg(self.source())
            .arg("-L");
        compiler
    }

    fn source(&self) -> PathBuf {
        support::root().join(format!("tests/adapters/{}.cpp", self.name))
    }

    /// Builds the program. Some libraries take a minute to compile, so the program is kept until
    /// its sources or options change.
    fn program(&self, libraries: &Path) -> PathBuf {
        let mut texts = format!("{:?}{:?}", self.compiler(), self.link);
        let mut files = vec![self.source(), support::include().join("dcc_cancel.h")];
        for folder in
            ["tests/adapters", "tests/cpp", "include/dcc_cancel", "include/dcc_cancel/adapters"]
        {
            let entries = std::fs::read_dir(support::root().join(folder)).unwrap();
            files.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| is_header(path)));
        }
        files.sort();
        for file in files {
            texts += &std::fs::read_to_string(file).unwrap();
        }
        let folder = built_once(&format!("adapter_{}", self.name), &texts, |folder| {
            support::run(
                self.compiler()
                    .arg(libraries)
                    .arg("-ldcc_cancel")
                    .args(&self.link)
                    .arg("-o")
                    .arg(folder.join("program")),
            );
        });
        folder.join("program")
    }

    /// Checks that the program stops after a cancel and works to its end without one. A second
    /// build without the adapter's poll has to report that it did not stop.
    pub fn stops_by_a_cancel(&self) {
        if !self.is_installed() {
            return support::skip(self.name, &format!("no {}", self.package));
        }
        let libraries = support::scratch(&format!("adapter_{}_library", self.name));
        support::staged_library(&libraries);
        let program = self.program(&libraries);
        let run = |arguments: &[&str]| -> Output {
            let mut command = support::limited(&program);
            command.args(arguments).current_dir(&libraries);
            command.env("LD_LIBRARY_PATH", &libraries).output().unwrap()
        };
        let polled = run(&[]);
        let printed = String::from_utf8_lossy(&polled.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&polled.stderr);
        assert!(polled.status.success(), "{}\n{printed}{complaints}", polled.status);
        let begin = format!("FIGURE {}", self.name);
        let figures: Vec<_> = printed.lines().filter(|line| line.starts_with(&begin)).collect();
        assert!(!figures.is_empty(), "no figure\n{printed}");
        support::show(&figures.join("\n"));

        let unpolled = run(&["--without-poll"]);
        let complaints = String::from_utf8_lossy(&unpolled.stderr);
        assert_eq!(unpolled.status.code(), Some(1), "{}\n{complaints}", unpolled.status);
        assert!(complaints.contains("expected was_stopped"), "{complaints}");
    }
}

fn is_header(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "hpp")
}

/// Include folders of other libraries are given as system folders, because our warnings do not
/// apply to their headers.
fn system(flags: &[String]) -> Vec<String> {
    flags.iter().map(|flag| flag.replacen("-I", "-isystem", 1)).collect()
}
