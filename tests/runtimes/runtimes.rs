//! The library in other runtimes: the programs of `examples/runtimes` and of `docs/csharp.md` do
//! what they say, use the instance that the process already has, and get an error for each wrong
//! use (`tests/runtimes`).

#![cfg(target_os = "linux")]

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/declarations.rs"]
mod declarations;
#[path = "../support/structures.rs"]
mod structures;
#[path = "../support/mod.rs"]
mod support;

use c_header::Header;
use dcc_cancel::ffi::library::VERSION_STRING;
use declarations::{functions, functions_of, without_comments};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{exists, printed, root, run, scratch, skip, staged_library};

const STEPS: u64 = 10_000_000_000;
const JNA: &str = "/usr/share/java/jna.jar";

/// A folder with two copies of the library, for one runtime.
struct Runtime {
    folder: PathBuf,
    library: PathBuf,
    other_copy: PathBuf,
}

impl Runtime {
    fn new(name: &str) -> Self {
        let folder = scratch(&format!("runtimes_{name}"));
        let library = staged_library(&folder.join("library"));
        let other_copy = staged_library(&folder.join("other_copy"));
        Self { folder, library, other_copy }
    }

    /// A command for a program with arguments. It does not wait for a cancel that is never seen.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = support::limited(words[0]);
        command
            .args(&words[1..])
            .current_dir(&self.folder)
            .env("DCC_CANCEL_LIBRARY", &self.library);
        command
    }

    /// Checks that the example is stopped for this reason, also in a host that has loaded another
    /// copy.
    fn plays(&self, reason: &str, words: &[&str]) {
        assert_plays(reason, &printed(&mut self.command(words)));
        let mut hosted = self.command(words);
        hosted.env("LD_PRELOAD", &self.other_copy);
        assert_plays(reason, &printed(&mut hosted));
        // The file of this variable is not even opened.
        assert_plays(reason, &printed(hosted.env("DCC_CANCEL_LIBRARY", "/dev/null")));
    }

    /// Checks the answers to wrong use, in the poorest locale. Returns the rest of the output.
    fn is_told(&self, words: &[&str]) -> Vec<String> {
        let told = printed(self.command(words).env("LC_ALL", "C"));
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        for (what, words, status) in [
            ("label: ", "Größe ändern 停止", ""),
            ("alive: ", "2", ""),
            ("ticket: ", "is not in use: it was reset or unwound before", "(status -6)"),
            ("long: ", "reason has 5000 bytes; at most 4096 are allowed", "(status -2)"),
            ("still: ", "none", ""),
            ("reason: ", "Größe ändern 停止", ""),
            ("stale: ", "is not a live job: it was released", "(status -1)"),
            ("twice: ", "is not a live job: it was released", "(status -1)"),
            (
                "made up: ",
                "0x1234 is not a live job: it was released, never existed",
                "(status -1)",
            ),
            ("handles left ", "0", ""),
        ] {
            let line = lines.iter().position(|line| line.starts_with(what));
            let line = lines.remove(line.unwrap_or_else(|| panic!("no line {what:?}\n{told}")));
            assert!(line.contains(words) && line.ends_with(status), "{line}\n{told}");
        }
        lines
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn assert_plays(reason: &str, told: &str) {
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines.first().map(|line| line.as_bytes()),
        Some(VERSION_STRING.to_bytes()),
        "{told}"
    );
    let (done, end) = lines[1]
        .strip_prefix("stopped after ")
        .and_then(|rest| rest.split_once(" of "))
        .unwrap_or_else(|| panic!("{told}"));
    let done: u64 = done.parse().unwrap();
    assert_eq!(end, format!("{STEPS} steps by: {reason}"), "{told}");
    assert!((1..STEPS).contains(&done), "{told}");
    // The kept sum covers exactly the steps that the example says it did.
    let sum = u128::from(done) * (u128::from(done) + 1) / 2;
    assert_eq!(lines[2], format!("partial sum {sum}"), "{told}");
    // Another job saved it, which was sealed before it was cancelled.
    assert_eq!(lines[3], format!("saved {sum}: job completed, a cancel came too late"), "{told}");
    // This happened behind a shield; without it the polls would say to stop.
    assert_eq!(lines[4], "cleaned up 10 of 10 files", "{told}");
    let shared = "shared result stops after the first: false, after both: true";
    assert_eq!(lines[5], shared, "{told}");
    // The text is that of the library that was called.
    assert_eq!(
        lines[lines.len() - 2..],
        ["job cancelled: sum: aborted", "handles left 0"],
        "{told}"
    );
}

/// The lines that an example prints, too, if it runs jobs.
const RUNS: [&str; 3] = ["before: cancelled", "thrown: no disk", "state: failed"];

/// The line if an event loop waits for the native event of a job's end.
const ENDED: &str = "event: false, then true";

fn example(path: &str) -> String {
    root().join("examples/runtimes").join(path).display().to_string()
}

fn corners(name: &str) -> String {
    root().join("tests/runtimes").join(name).display().to_string()
}

#[test]
#[ignore = "a package from npm"]
fn node() {
    if !exists("node") || !exists("npm") {
        return skip("node", "no nodejs and npm");
    }
    let runtime = Runtime::new("node");
    for name in ["package.json", "package-lock.json", "dcc_cancel.js", "cancel.js"] {
        std::fs::copy(example(&format!("node/{name}")), runtime.folder.join(name)).unwrap();
    }
    let mut install = Command::new("npm");
    install.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        "--cache",
    ]);
    install.arg(runtime.folder.with_file_name("npm_cache")).current_dir(&runtime.folder);
    let installed = install.output().unwrap();
    if !installed.status.success() {
        return skip("node", &format!("npm ci: {}", String::from_utf8_lossy(&installed.stderr)));
    }
    runtime.plays("the user pressed Esc", &["node", "cancel.js"]);
    let rest = runtime.is_told(&["node", &corners("corners.js"), &runtime.file("")]);
    let [cancelled, before, unknown, thrown, state, event, gone] = &rest[..] else {
        panic!("{rest:?}")
    };
    assert_eq!([before, thrown, state], RUNS);
    assert_eq!(
        [cancelled, unknown, event, gone],
        ["waited: true", "unknown: there is no job 1", ENDED, "waited: false"]
    );
}

#[test]
fn luajit() {
    if !Command::new("luajit").arg("-v").output().is_ok_and(|output| output.status.success()) {
        return skip("luajit", "no luajit");
    }
    let runtime = Runtime::new("luajit");
    runtime.plays("deadline", &["luajit", &example("luajit/cancel.lua")]);
    let rest = runtime.is_told(&["luajit", &corners("corners.lua"), &example("luajit")]);
    assert_eq!(rest, RUNS);
}

#[test]
fn ruby() {
    if !exists("ruby") {
        return skip("ruby", "no ruby");
    }
    let runtime = Runtime::new("ruby");
    runtime.plays("the user pressed Esc", &["ruby", "-w", &example("ruby/cancel.rb")]);
    let rest = runtime.is_told(&["ruby", "-w", &corners("corners.rb"), &example("ruby")]);
    assert_eq!(rest[..3], RUNS);
    assert_eq!(rest[3..], [ENDED]);
}

#[test]
fn java() {
    if !exists("javac") || !exists("java") || !Path::new(JNA).exists() {
        return skip("java", "no openjdk-17-jdk-headless and libjna-java");
    }
    let runtime = Runtime::new("java");
    run(Command::new("javac")
        .args(["-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp", JNA, "-d"])
        .arg(&runtime.folder)
        .args(
            ["Cancel", "DccCancel", "Job", "NativeCall", "SharedToken"]
                .map(|name| example(&format!("java/{name}.java"))),
        )
        .arg(corners("Corners.java")));
    let path = format!(".:{JNA}");
    runtime.plays("the user pressed Esc", &["java", "-cp", &path, "Cancel"]);
    assert_eq!(runtime.is_told(&["java", "-cp", &path, "Corners"]), RUNS);
}

/// The listings of `docs/csharp.md`, each with the word after `// `.
fn listings() -> Vec<(String, String)> {
    let document = std::fs::read_to_string(root().join("docs/csharp.md")).unwrap();
    let blocks = document.split("```csharp\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split_once("```").expect("a listing ends").0;
            let words = text.strip_prefix("// ").expect("a listing says what it is");
            (words.split([':', ' ']).next().unwrap().to_owned(), text.to_owned())
        })
        .collect()
}

#[test]
fn csharp() {
    if !exists("mcs") || !exists("mono") {
        return skip("csharp", "no mono-mcs and mono-runtime");
    }
    let runtime = Runtime::new("csharp");
    let files: Vec<String> = listings()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".cs"))
        .map(|(name, text)| {
            std::fs::write(runtime.folder.join(&name), text).unwrap();
            runtime.file(&name)
        })
        .collect();
    assert_eq!(files.len(), 3);
    let compile = |program: &str, more: &[String]| {
        run(Command::new("mcs")
            .args(["-unsafe", "-warn:4", "-warnaserror", "-codepage:utf8"])
            .arg(format!("-main:{program}"))
            .arg(format!("-out:{}", runtime.file(&format!("{program}.exe"))))
            .args(&files)
            .args(more));
    };
    compile("First", &[]);
    let mut first = runtime.command(&["mono", "First.exe"]);
    first.env("LD_LIBRARY_PATH", runtime.folder.join("library"));
    assert_eq!(printed(&mut first), "stopped by the time limit\n");
    compile("Program", &[]);
    runtime.plays("the user pressed Esc", &["mono", "Program.exe"]);
    let told = printed(&mut runtime.command(&["mono", "Program.exe"]));
    assert!(told.contains("callback called\nworker asked to stop\n"), "{told}");
    compile("Corners", &[corners("Corners.cs")]);
    let rest = runtime.is_told(&["mono", "Corners.exe"]);
    assert_eq!(rest, ["disposed: Safe handle has been closed"]);
}

#[test]
fn declarations_are_those_of_the_header() {
    let header = std::fs::read_to_string(support::include().join("dcc_cancel.h")).unwrap();
    let declared = functions_of(&Header::parse(&header).unwrap());
    assert!(declared.len() > 100, "{}", declared.len());
    let read = |path: &str| std::fs::read_to_string(example(path)).unwrap();
    let mut sources = vec![
        ("luajit", without_comments(&read("luajit/dcc_cancel.lua")), 20),
        ("node", read("node/dcc_cancel.js"), 20),
        ("ruby", read("ruby/dcc_cancel.rb"), 20),
        ("java", read("java/DccCancel.java"), 20),
        ("languages.md", std::fs::read_to_string(root().join("docs/languages.md")).unwrap(), 4),
    ];
    let expected = [4, 25, 2, 0];
    for ((_, text), least) in listings().into_iter().zip(expected) {
        sources.push(("csharp.md", text, least));
    }
    assert_eq!(sources.len(), 9);
    for (language, source, least) in sources {
        let used = functions(&source);
        assert!(used.len() >= least, "{language}: {}", used.len());
        for (name, signature) in used {
            assert_eq!(Some(&signature), declared.get(&name), "{language}: {name}");
        }
    }
}

/// A structure that is too long is refused by an older library; one that is too short lacks the new
/// fields.
#[test]
fn structures_are_those_of_the_header() {
    let header = std::fs::read_to_string(support::include().join("dcc_cancel.h")).unwrap();
    let declared = structures::structures_of(&Header::parse(&header).unwrap());
    let read = |path: &str| std::fs::read_to_string(example(path)).unwrap();
    let csharp: String = listings().into_iter().map(|(_, text)| text).collect();
    let languages = [
        ("luajit", structures::in_c(&without_comments(&read("luajit/dcc_cancel.lua")))),
        ("node", structures::in_node(&read("node/dcc_cancel.js"))),
        ("ruby", structures::in_ruby(&read("ruby/dcc_cancel.rb"))),
        ("java", structures::in_java(&read("java/DccCancel.java"))),
        ("csharp.md", structures::in_csharp(&csharp)),
    ];
    for (language, used) in languages {
        for expected in ["dcc_job_desc", "dcc_job_progress", "dcc_stats"] {
            assert!(used.contains_key(expected), "{language} has no {expected}: {used:?}");
        }
        for (name, widths) in used {
            assert_eq!(Some(&widths), declared.get(&name), "{language}: {name}");
        }
    }
}
