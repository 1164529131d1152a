//! No test is decided by how long something took. This test reads the sources of the tests. A wait
//! must use the limit of `tests/support/hang_seconds` and no other number of seconds, and no test
//! may compare a time that has passed with an upper limit, except where the list below says why.
//!
//! Tests use other measures: counts, the order of events, a lower bound ("not before"), the
//! processor time of a thread, or a second try with more time after the machine stood still
//! (`with_enough_time`).

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

/// The exceptions: a file, a part of the line, and why the line is allowed.
const MAY: &[(&str, &str, &str)] = &[
    ("tests/diagnosis/diagnosis.rs", "if began.elapsed() < 2 * pause", "else it is tried again"),
    ("tests/python/test_tokens.py", "start, LONG)", "the limit itself: a wait that nothing ended"),
    ("tests/hosts/blender/module.py", "MAIN_THREAD_SECONDS = 30", "the add-on's own, put back"),
    ("tests/hosts/maya/idle.cpp", "begin < hangs_after", "the limit itself"),
    ("tests/hosts/blender/scene.py", "HANG_SECONDS = 60", "for what is waited for in vain"),
    ("tests/hosts/blender/scene.py", "while (spent :=", "a measure, for so long"),
];

/// The texts that follow a number of seconds in a limit.
const LIMITS: &[&str] = &[
    "from_secs(",
    "chrono::seconds(",
    "chrono::seconds{",
    "alarm(",
    "settimeout(",
    "timeout=",
    "monotonic() + ",
    "SECONDS = ",
    "\"--kill-after=5\", \"",
    ".arg(\"timeout\").arg(\"",
    "Command::new(\"timeout\").arg(\"",
];

/// Whether a number of seconds can be a limit. Shorter times are what a test is about, such as a
/// deadline; longer ones never pass.
fn is_limit(seconds: u64) -> bool {
    (5..3600).contains(&seconds)
}

/// The number that a text begins with.
fn number(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Whether a line contains a C++ literal such as `20s`.
fn has_seconds_literal(line: &str) -> bool {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '\'')
        .filter_map(|word| word.strip_suffix('s'))
        .any(|digits| {
            !digits.is_empty()
                && number(digits).is_some_and(is_limit)
                && number(digits).unwrap().to_string() == digits
        })
}

/// Whether a line compares a time that has passed with an upper limit.
fn is_upper_bound(line: &str) -> bool {
    let Some(after) = ["elapsed()", "now() - ", "monotonic() - "]
        .iter()
        .find_map(|clock| line.split_once(clock).map(|(_, after)| after))
    else {
        return false;
    };
    let decides =
        ["assert", "EXPECT", "expect(", "if ", "while "].iter().any(|word| line.contains(word));
    decides
        && (line.contains("assertLess") || after.replace("->", "").replace("<<", "").contains('<'))
}

fn complaint(path: &Path, line: &str) -> Option<&'static str> {
    let line = line.trim();
    if ["//", "#", "*"].iter().any(|comment| line.starts_with(comment)) {
        return None;
    }
    let is_cpp =
        path.extension().is_some_and(|end| ["cpp", "hpp", "inc"].iter().any(|one| *one == end));
    let limits = LIMITS.iter().any(|limit| {
        let mut after = line.split(limit).skip(1);
        after.any(|after| number(after).is_some_and(is_limit))
    });
    if limits || is_cpp && has_seconds_literal(line) {
        return Some("a limit of its own");
    }
    is_upper_bound(line).then_some("a time that has to be below something")
}

/// Adds the sources of tests below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // The programs that drive the tests and the fuzzers watch for hangs themselves.
            if !["fuzz", "node_modules", "all", "target"].contains(&&*name) {
                sources(&path, found);
            }
        } else if name != "wall_time.rs"
            && ["rs", "c", "cpp", "hpp", "h", "inc", "py", "mjs", "rb", "java", "cs", "lua", "js"]
                .iter()
                .any(|end| path.extension().is_some_and(|extension| extension == *end))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_test_is_decided_by_a_clock() {
    let root = support::root();
    let mut files = Vec::new();
    sources(&root.join("tests"), &mut files);
    assert!(files.len() > 150, "{}", files.len());
    let mut used = vec![false; MAY.len()];
    let mut complaints = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let Some(what) = complaint(&file, line) else { continue };
            let reason = MAY.iter().position(|(of, part, _)| *of == name && line.contains(part));
            match reason {
                Some(reason) => used[reason] = true,
                None => complaints.push(format!("{name}:{}: {what}: {}", number + 1, line.trim())),
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for (used, (file, part, _)) in used.iter().zip(MAY) {
        assert!(used, "{file} has no {part:?} any more; take it from the list");
    }
}

#[test]
fn it_tells_a_decision_from_a_measure() {
    let rust = Path::new("some.rs");
    for line in [
        "    assert!(before.elapsed() < Duration::from_secs(2));",
        "let end = Instant::now() + Duration::from_secs(20);",
        "Command::new(\"timeout\").arg(\"60\").arg(program)",
        "unsafe { libc::alarm(20) };",
        "self.assertLess(time.monotonic() - start, LONG)",
    ] {
        assert!(complaint(rust, line).is_some(), "{line}");
    }
    assert!(complaint(Path::new("some.cpp"), "EXPECT(token.wait_for(20s));").is_some());
    for line in [
        "assert!(before.elapsed() >= pause);",
        "show(&format!(\"FIGURE {:?}\", began.elapsed()));",
        "token.set_deadline_after(Duration::from_millis(30));",
        "token.set_deadline_after(Duration::from_secs(3600));",
        "// assert!(before.elapsed() < Duration::from_secs(2));",
    ] {
        assert!(complaint(rust, line).is_none(), "{line}");
    }
}
