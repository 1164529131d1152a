//! The list of the test programs: cargo builds them and names their files.

use crate::chosen;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs that take longest begin first. Otherwise one of them would run alone at the end, on
/// one processor.
const FIRST: &[&str] = &["cpp_wrapper", "adapters", "host_unreal", "stress", "python"];

/// An executable with tests, as cargo built it.
#[derive(Clone)]
pub struct Program {
    /// The name that `--test` takes; `lib` or the name of a tool for unit tests.
    pub name: String,
    /// The path of the executable.
    pub file: PathBuf,
    /// Whether cargo also runs this program by itself, because Cargo.toml lacks its entry.
    pub is_run_by_cargo: bool,
}

impl Program {
    /// A command that runs it in the folder where cargo would run it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        command
    }
}

/// The folder that cargo builds into. If a target was named, cargo builds into a folder of that
/// name inside; it comes second.
pub fn target_folder<'f>(root: &'f Path, target: &'static str) -> (&'f Path, Option<&'static str>) {
    match root.parent() {
        Some(above) if root.ends_with(target) => (above, Some(target)),
        _ => (root, None),
    }
}

/// The options with which this program was built, as far as the place of its file tells.
fn options() -> Vec<String> {
    let program = std::env::current_exe().expect("the path of this program");
    let folder = program.ancestors().nth(2).and_then(Path::file_name).expect("a profile's folder");
    let mut options: Vec<String> = match &*folder.to_string_lossy() {
        "debug" => vec![],
        "release" => vec!["--release".to_owned()],
        other => vec!["--profile".to_owned(), other.to_owned()],
    };
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("what it is in");
    let (folder, target) = target_folder(root, env!("DCC_TARGET"));
    options.extend(["--target-dir".to_owned(), folder.display().to_string()]);
    options
        .extend(target.into_iter().flat_map(|target| ["--target".to_owned(), target.to_owned()]));
    options
}

/// Cargo's options for all targets that have tests.
const ALL: &[&str] = &["--lib", "--bins", "--test", "*"];

/// Builds all test programs except this one. If a name is asked for, only the programs that can
/// have such a test.
pub fn build(arguments: &[String]) -> Result<Vec<Program>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = chosen::words(arguments);
    let mut targets = words.map_or_else(Vec::new, |words| chosen::targets(root, &words));
    if targets.is_empty() {
        targets.extend(ALL.iter().map(|option| option.to_string()));
    } else {
        println!("built for this name: {}", targets.join(" "));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["test", "--no-run"])
        .args(targets)
        // Cargo needed the same packages for this program, so they are there.
        .args(["--locked", "--offline", "--message-format", "json-render-diagnostics"])
        .args(options())
        // Cargo set this for this program, and would pass it on to the compilers that it starts.
        .env_remove("LD_LIBRARY_PATH")
        .stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("they do not build ({})", output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut programs: Vec<Program> = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter_map(program)
        .collect();
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    programs.sort_by_cached_key(|program| (rank(&program.name), program.name.clone()));
    if programs.is_empty() { Err("cargo names none".to_owned()) } else { Ok(programs) }
}

/// The test program that a message of cargo is about, if it is about one.
fn program(message: Value) -> Option<Program> {
    if message["profile"]["test"] != true {
        return None;
    }
    let file = PathBuf::from(message["executable"].as_str()?);
    let target = &message["target"];
    let is_lib =
        target["kind"].as_array()?.iter().any(|kind| kind.as_str().unwrap_or("").contains("lib"));
    let name = if is_lib { "lib" } else { target["name"].as_str()? };
    let is_run_by_cargo = target["test"] == true;
    (name != env!("CARGO_CRATE_NAME")).then(|| Program {
        name: name.to_owned(),
        file,
        is_run_by_cargo,
    })
}
