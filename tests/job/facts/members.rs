//! Reads the public members of classes from the sources of the wrappers. It understands C++ and
//! Python as far as these are written here.

use std::collections::BTreeSet;
use std::path::Path;

/// The text of all files of a folder whose names end with `ending`, except one.
pub fn sources(folder: &Path, ending: &str, left_out: &str) -> String {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_meant = |name: &str| name.ends_with(ending) && name != left_out;
    paths.retain(|path| path.file_name().is_some_and(|name| is_meant(&name.to_string_lossy())));
    paths.sort();
    assert!(!paths.is_empty(), "{}", folder.display());
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The lines of a class's own members: they are indented by four spaces.
fn lines<'s>(body: &'s str, end: &'s [&str]) -> impl Iterator<Item = &'s str> {
    body.lines()
        .take_while(|line| !end.iter().any(|end| line.starts_with(end)))
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_alphabetic() || first == '['))
}

fn last_word(text: &str) -> &str {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.rsplit(|letter| !is_part(letter)).next().unwrap_or_default()
}

/// The public functions of a C++ class and the fields of a structure.
pub fn of_cpp(sources: &str, class: &str) -> BTreeSet<String> {
    let is_head = |line: &str| {
        ["class", "struct"].iter().any(|kind| {
            let rest = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' '));
            rest.and_then(|rest| rest.strip_prefix(class))
                .is_some_and(|rest| rest.starts_with([' ', ':']) && !rest.ends_with(';'))
        })
    };
    let Some(start) = sources.lines().position(is_head) else { return BTreeSet::new() };
    let body: Vec<&str> = sources.lines().skip(start + 1).collect();
    let body = body.join("\n").replace("decltype(auto)", "auto");
    let members = lines(&body, &["private:", "};"]).filter_map(|line| {
        let (before, _) = line.split_once([';', '=', '('])?;
        Some(last_word(before.trim_end()).to_owned())
    });
    members.filter(|name| !name.is_empty() && name != class && name != "operator").collect()
}

/// The public methods, properties and fields of a Python class and of its bases.
pub fn of_python(sources: &str, class: &str) -> BTreeSet<String> {
    let head = format!("\nclass {class}");
    let is_head = |(at, _): &(usize, &str)| sources[at + head.len()..].starts_with(['(', ':']);
    let Some((at, _)) = sources.match_indices(&head).find(is_head) else {
        return BTreeSet::new();
    };
    let (first, body) = sources[at + head.len()..].split_once(":\n").expect("it has a body");
    let bases = first.trim_matches(['(', ')']).split(", ");
    let mut all: BTreeSet<String> =
        bases.filter(|base| *base != class).flat_map(|base| of_python(sources, base)).collect();
    let own = lines(body, &["class ", "def ", "@"]).filter_map(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        match line.strip_prefix("def ") {
            Some(method) => method.split_once('(').map(|(name, _)| name),
            None => {
                line.split_once(": ").map(|(name, _)| name).filter(|name| *name == last_word(name))
            }
        }
    });
    all.extend(own.filter(|name| !name.starts_with('_')).map(str::to_owned));
    all
}
