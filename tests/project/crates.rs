//! The library uses the five crates that it was asked to build on, and this test says where and for
//! what. It fails if a crate is named in another place, or is no longer used in its own.

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

struct Use {
    /// The name that sources use.
    name: &'static str,
    /// The folder or file whose sources may name it.
    named_in: &'static str,
    /// Files, and the text in them that shows the crate's part.
    parts: &'static [(&'static str, &'static str)],
}

const USES: &[Use] = &[
    // The calls of the system.
    Use {
        name: "libc",
        named_in: "src/sys/",
        parts: &[
            ("src/sys/futex.rs", "libc::SYS_futex"),
            ("src/sys/thread_exit.rs", "libc::pthread_key_create"),
            ("src/sys/native_event.rs", "libc::eventfd"),
        ],
    },
    // The leaf locks: its mutex and guard, over a futex word that needs no memory.
    Use {
        name: "parking_lot",
        named_in: "src/sys/lock.rs",
        parts: &[
            ("src/sys/lock.rs", "pub type Mutex<T> = lock_api::Mutex<Lock, T>;"),
            ("src/sys/sync.rs", "pub use crate::sys::lock::{Condvar, Mutex, MutexGuard};"),
        ],
    },
    // The pools' chunks, and the contents of a dispatcher's cell, which are made at its first use.
    Use {
        name: "once_cell",
        named_in: "src/sys/sync.rs",
        parts: &[("src/memory/pool.rs", "chunks: [OnceBox<[T; CHUNK]>; CHUNKS]")],
    },
    // The observers' rings: a full ring drops its oldest event.
    Use {
        name: "crossbeam_queue",
        named_in: "src/sys/sync.rs",
        parts: &[("src/diagnosis/events.rs", ".force_push(event)")],
    },
    // The header: a test generates it and compares the result with the file.
    Use {
        name: "cbindgen",
        named_in: "tests/ffi/header.rs",
        parts: &[("tests/ffi/header.rs", "cbindgen::Builder::new()")],
    },
];

/// Adds all Rust files below a folder, relative to the root.
fn sources(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        match root.join(&path).is_dir() {
            true => sources(root, &path, found),
            false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            false => (),
        }
    }
}

/// Whether a text contains a path of this crate, `name::`, outside of comments.
fn names(text: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let is_own = |line: &str, at: usize| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || "_:".contains(letter))
    };
    code.into_iter().any(|line| line.match_indices(&path).any(|(at, _)| is_own(line, at)))
}

/// What is wrong with a use, given the files and their texts.
fn complaints(of: &Use, files: &[(PathBuf, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let naming = || files.iter().filter(|(_, text)| names(text, of.name));
    for (file, _) in naming().filter(|(file, _)| !file.starts_with(of.named_in)) {
        wrong.push(format!("{} names {}", file.display(), of.name));
    }
    if naming().next().is_none() {
        wrong.push(format!("nothing names {}", of.name));
    }
    for (file, part) in of.parts {
        let has_it =
            |(path, text): &(PathBuf, String)| path == Path::new(file) && text.contains(part);
        if !files.iter().any(has_it) {
            wrong.push(format!("{file} has no `{part}`, the part of {}", of.name));
        }
    }
    wrong
}

#[test]
fn each_of_the_five_crates_is_used_where_it_says() {
    let root = support::root();
    let mut paths = Vec::new();
    sources(&root, Path::new("src"), &mut paths);
    // The only one of the five crates that the library does not contain: it generates the header.
    paths.push("tests/ffi/header.rs".into());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        (path, text)
    };
    let files: Vec<(PathBuf, String)> = paths.into_iter().map(read).collect();
    assert!(files.len() > 100, "{}", files.len());
    let wrong: Vec<String> = USES.iter().flat_map(|of| complaints(of, &files)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for Use { name, .. } in USES {
        let is_entry = |line: &str| {
            line.split_once(" = ").is_some_and(|(key, _)| key.replace('-', "_") == *name)
        };
        assert!(manifest.lines().any(is_entry), "Cargo.toml has no {name}");
    }
}

#[test]
fn it_sees_a_crate_that_is_misplaced_or_out_of_use() {
    let of = Use {
        name: "once_cell",
        named_in: "src/sys/",
        parts: &[("src/memory/pool.rs", "OnceBox<Chunk>")],
    };
    let file = |path: &str, text: &str| (PathBuf::from(path), text.to_owned());
    let good = [
        file("src/sys/sync.rs", "pub use once_cell::race::OnceBox;"),
        file("src/memory/pool.rs", "chunks: OnceBox<Chunk>,\n// once_cell::race would do\n"),
    ];
    assert_eq!(complaints(&of, &good), [""; 0]);
    let elsewhere = [&good[..], &[file("src/job/job.rs", "use once_cell::sync::Lazy;")]].concat();
    assert_eq!(complaints(&of, &elsewhere), ["src/job/job.rs names once_cell"]);
    let gone =
        [file("src/sys/sync.rs", "// once_cell::race"), file("src/memory/pool.rs", "Vec<Chunk>")];
    let told = [
        "nothing names once_cell",
        "src/memory/pool.rs has no `OnceBox<Chunk>`, the part of once_cell",
    ];
    assert_eq!(complaints(&of, &gone), told);
}
