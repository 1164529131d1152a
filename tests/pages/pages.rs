//! The examples with which README.md and the pages of `docs/` begin: each does what its page says.
//!
//! A block of code whose fence names a file, such as "cpp plugin.cpp", becomes that file. The block
//! of "text" after a first example is the output that the example must print.

#![cfg(target_os = "linux")]

#[path = "../support/build_tools.rs"]
mod build_tools;
#[path = "../support/built_once.rs"]
mod built_once;
#[path = "../support/moved_prefix.rs"]
mod moved_prefix;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/mod.rs"]
mod support;

use moved_prefix::{moved_prefix, prebuilt};
use page::{blocks, file_of, page, script_of, write_files_of};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{printed, root, run, scratch};

/// The pages that begin with a program in one file.
const PROGRAMS: &[&str] = &[
    "agents",
    "diagnosis",
    "hosts",
    "jobs",
    "languages",
    "progress",
    "python",
    "slices",
    "threads",
];

/// The page that begins with a program for another library; that library's header and Debian
/// package.
const SQLITE: (&str, &str, &str) = ("adapters", "sqlite3", "libsqlite3-dev");

/// The other pages, each with the test that does what the page says.
const OTHERS: &[(&str, &str)] = &[
    ("events", "tests/project/everywhere.rs"),
    ("costs", "tests/costs/pictures.rs"),
    ("csharp", "tests/runtimes/runtimes.rs"),
    ("demo", "tests/examples/demo.rs"),
    ("install", "tests/pages/pages.rs"),
    ("job_facts", "tests/job/facts.rs"),
    ("recipes", "tests/cpp/cpp_wrapper.rs"),
    ("testing", "tests/project/page_names.rs"),
    ("write_an_adapter", "tests/cpp/cpp_wrapper.rs"),
];

/// The page that is a record of attempts and has no instructions.
const RECORD: &str = "performance-log";

/// A shell in a folder. It compiles with warnings as errors and has the build tools.
fn shell(folder: &Path, script: &str) -> Command {
    let mut shell = support::limited("sh");
    shell.args(["-c", script]).current_dir(folder);
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", build_tools::folder().display()));
    // CMake reads these variables and passes them to the compilers before a project's own options.
    shell.env("CFLAGS", support::C_FLAGS.join(" ")).env("CXXFLAGS", support::CXX_FLAGS.join(" "));
    shell.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("DCC_CANCEL_LIBRARY");
    shell
}

/// Runs the first page's commands in a folder that has the sources, and returns the last lines that
/// they print.
fn first_page(folder: &Path, change: impl Fn(String) -> String) -> Vec<String> {
    let text = page("README.md");
    symlink(root(), folder.join("dcc-cancel")).unwrap();
    assert_eq!(write_files_of(&text, folder), 4);
    let said = printed(&mut shell(folder, &change(script_of(&text))));
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.into_iter().filter(|line| FIRST_PAGE_SAYS.contains(&line.as_str())).collect()
}

/// The last line is printed by the program that is shipped.
const FIRST_PAGE_SAYS: [&str; 3] = ["stopped by the time limit", "cancelled", "cancelled"];

#[test]
fn the_first_page_leads_to_a_plugin_that_is_cancelled() {
    let configure = "cmake -S dcc-cancel -B library";
    let said = first_page(&scratch("first_page"), |script| {
        assert!(script.contains(configure), "{script}");
        script.replace(configure, &format!("{configure} {}", prebuilt()))
    });
    assert_eq!(said, FIRST_PAGE_SAYS);
    for said in FIRST_PAGE_SAYS {
        assert!(page("README.md").contains(&format!("`{said}`")), "{said}");
    }
}

#[test]
#[ignore = "builds the release library"]
fn the_first_page_does_so_from_the_sources_alone() {
    assert_eq!(first_page(&scratch("first_page_whole"), |script| script), FIRST_PAGE_SAYS);
}

#[test]
fn the_first_page_has_the_two_commands() {
    let text = page("README.md");
    let commands = blocks(&text);
    let has = |line: &str| commands.iter().any(|(_, code)| code.lines().any(|of| of == line));
    assert!(has("cargo run --release --example demo") && has("cargo test"));
}

/// Does all that the page says with an unpacked archive. `tests/delivery/dist.rs` does the same
/// with a real one.
#[test]
fn the_page_about_installing() {
    let folder = scratch("install_page");
    let text = page("docs/install.md");
    let archive = concat!("dcc-cancel-", env!("CARGO_PKG_VERSION"), "-linux-x86_64");
    symlink(moved_prefix(), folder.join(archive)).unwrap();
    assert_eq!(write_files_of(&text, &folder), 5);
    let (unpacking, rest) = text.split_once("\n## ").expect("a section");
    assert!(unpacking.contains("tar -xf"), "{unpacking}");
    let said = printed(&mut shell(&folder, &script_of(&format!("\n## {rest}"))));
    // The page's own command compiles without our warnings.
    for file in ["loading.cpp", "smooth.cpp"] {
        run(Command::new(support::cxx())
            .args(support::CXX_FLAGS)
            .args(["-Wconversion", "-Wold-style-cast", "-fsyntax-only", "-I"])
            .arg(support::include())
            .arg(folder.join(file)));
    }
    let is_cancelled = |line: &&str| line.starts_with("cancelled: the user pressed Esc");
    assert_eq!(said.lines().filter(is_cancelled).count(), 3, "{said}");
    let version = dcc_cancel::ffi::library::VERSION_STRING.to_str().unwrap();
    assert_eq!(said.lines().last(), Some(version));
}

/// Compiles a program into a folder that has the library beside it, and returns its path.
fn compiled(folder: &Path, file: &str, libraries: &[&str]) -> PathBuf {
    support::staged_library(folder);
    let program = folder.join("program");
    run(Command::new(support::cxx())
        .args(support::CXX_FLAGS)
        .args(["-Wconversion", "-pthread", "-I"])
        .arg(support::include())
        .args([file, "-L", "."])
        .arg("-ldcc_cancel")
        .args(libraries)
        .args(["-Wl,-rpath,$ORIGIN", "-o"])
        .arg(&program)
        .current_dir(folder));
    program
}

/// Checks that the first example of a page, linked to these libraries, prints what the page says.
fn first_example(name: &str, libraries: &[&str]) {
    let text = page(&format!("docs/{name}.md"));
    let blocks = blocks(&text);
    let [(kind, code), ("text", expected), ..] = blocks[..] else {
        panic!("docs/{name}.md does not begin with a program and what it prints");
    };
    let file =
        file_of(kind).unwrap_or_else(|| panic!("docs/{name}.md: the first block is no file"));
    let folder = scratch(name);
    std::fs::write(folder.join(file), format!("{code}\n")).unwrap();
    let mut command = match kind.split(' ').next().unwrap() {
        "cpp" => Command::new(compiled(&folder, file, libraries)),
        "python" => {
            let mut python = support::limited("python3");
            python.arg(file).env("PYTHONPATH", root().join("python"));
            python.env("DCC_CANCEL_LIBRARY", support::staged_library(&folder));
            python.env("PYTHONDONTWRITEBYTECODE", "1");
            python
        }
        "lua" => {
            let Ok(_) = Command::new("luajit").arg("-v").output() else {
                return support::skip(name, "no luajit");
            };
            support::staged_library(&folder);
            let mut luajit = support::limited("luajit");
            luajit.arg(file).env("LD_LIBRARY_PATH", &folder);
            luajit
        }
        language => panic!("docs/{name}.md: nothing runs {language}"),
    };
    assert_eq!(printed(command.current_dir(&folder)).trim_end(), expected, "docs/{name}.md");
}

#[test]
fn each_page_begins_with_a_program_that_prints_what_it_says() {
    for name in PROGRAMS {
        first_example(name, &[]);
    }
}

#[test]
fn the_page_about_adapters_begins_with_one() {
    let (name, library, package) = SQLITE;
    let probe = scratch("probe").join("probe.cpp");
    std::fs::write(&probe, format!("#include <{library}.h>\n")).unwrap();
    let is_there = Command::new(support::cxx()).arg("-fsyntax-only").arg(probe).output().unwrap();
    match is_there.status.success() {
        true => first_example(name, &[&format!("-l{library}")]),
        false => support::skip("the_page_about_adapters_begins_with_one", &format!("no {package}")),
    }
}

/// The pages of `docs/`, without the ending of their names.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
    pages.sort();
    pages
}

#[test]
fn each_page_is_tried_by_some_test() {
    let mut expected = [PROGRAMS, &[SQLITE.0, RECORD]].concat();
    for (name, by) in OTHERS {
        assert!(root().join(by).exists(), "{by}");
        expected.push(name);
    }
    expected.sort_unstable();
    assert_eq!(pages(), expected);
}

/// The targets of the links and pictures of a page.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(link, _)| link).filter(|link| !link.contains([' ', ':', '&'])).collect()
}

/// The anchors of a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let words = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let is_kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    words.map(|words| words.chars().filter(is_kept).collect::<String>().replace(' ', "-")).collect()
}

/// The links of a page that lead nowhere.
fn broken(folder: &Path, text: &str) -> Vec<String> {
    let leads = |link: &&str| {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let there = match file {
            "" => Some(text.to_owned()),
            _ if folder.join(file).is_dir() => Some(String::new()),
            _ => std::fs::read(folder.join(file)).ok().map(|b| String::from_utf8_lossy(&b).into()),
        };
        there.is_some_and(|page| anchor.is_empty() || anchors(&page).iter().any(|of| of == anchor))
    };
    links(text).into_iter().filter(|link| !leads(link)).map(str::to_owned).collect()
}

/// Whether a link on a page of `docs/`, or in README.md, leads to a file that an archive has, too.
fn is_delivered(link: &str) -> bool {
    let link = link.strip_prefix("../").unwrap_or(link);
    !link.contains("../")
        && ["README.md", "docs/", "examples/"].iter().any(|to| link.starts_with(to))
}

#[test]
fn links_lead_somewhere() {
    let first = page("README.md");
    assert!(links(&first).into_iter().all(is_delivered));
    assert_eq!(broken(&root(), &first), [""; 0], "README.md");
    let linked = links(&first);
    for name in pages() {
        let text = page(&format!("docs/{name}.md"));
        let upward = links(&text).into_iter().filter(|link| link.starts_with("../"));
        assert_eq!(upward.filter(|link| !is_delivered(link)).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(broken(&root().join("docs"), &text), [""; 0], "docs/{name}.md");
        assert!(linked.contains(&&*format!("docs/{name}.md")), "README.md does not lead to {name}");
    }
    let wrong =
        "[a](docs/install.md#symbols) [b](docs/install.md#nothing) [c](docs/gone.md) [d](#e)";
    assert_eq!(broken(&root(), wrong), ["docs/install.md#nothing", "docs/gone.md", "#e"]);
    assert!(is_delivered("../examples/qt") && !is_delivered("../SECURITY.md"));
}
