//! Things that several places must list are in all of them: kinds of events, adapters, hosts, and
//! the C functions in the C++ wrapper. `CONTRIBUTING.md` says what to add where; this test finds a
//! forgotten place.

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "../support/declarations.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod declarations;
#[path = "../support/page_table.rs"]
mod page_table;
#[path = "../support/mod.rs"]
mod support;

use c_header::{Header, Value};
use page_table::{Table, compare};
use std::collections::{BTreeMap, BTreeSet};

fn text(path: &str) -> String {
    std::fs::read_to_string(support::root().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn header() -> Header {
    Header::parse(&text("include/dcc_cancel.h")).unwrap()
}

/// The names of the files in a folder that have this ending, without the ending. If the ending is
/// empty, the names of its folders.
fn names_in(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(support::root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.is_dir() == ending.is_empty());
    let names = paths.map(|path| path.file_name().expect("a name").to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
}

/// The text between two texts of a source.
fn between<'s>(source: &'s str, start: &str, end: &str) -> &'s str {
    let (_, rest) = source.split_once(start).unwrap_or_else(|| panic!("there is no {start:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("nothing ends {start:?}")).0
}

fn quoted(source: &str) -> BTreeSet<String> {
    source.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

const EVENTS: &str = "docs/events.md";

fn events() -> Table {
    Table::read(EVENTS, &["C", "Python", "Timeline"])
}

/// The header's constants for kinds of events, by number.
fn kinds_in_c() -> BTreeMap<String, i128> {
    let header = header();
    let kinds = header.constants.iter().filter_map(|constant| match constant.value {
        Value::Number(number) if !constant.name.ends_with("_SIZE") => {
            constant.name.starts_with("DCC_EVENT_").then(|| (constant.name.clone(), number))
        }
        _ => None,
    });
    kinds.collect()
}

#[test]
fn each_kind_of_event_is_in_the_library_in_c_and_in_python() {
    let in_c = kinds_in_c();
    assert!(in_c.len() > 5, "{in_c:?}");
    let source = text("src/diagnosis/events.rs");
    let kinds = between(&source, "pub enum EventKind {", "\n}");
    let numbers: BTreeSet<i128> = kinds
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse().ok())
        .collect();
    let of_c: BTreeSet<i128> = in_c.values().copied().collect();
    assert_eq!(numbers, of_c, "the numbers of EventKind, and those of the header");

    let table = events();
    compare(EVENTS, "the C header", &in_c.into_keys().collect(), &table.column("C"));
    let source = text("python/dcc_cancel/diagnosis.py");
    let named = table.column("Python");
    compare(EVENTS, "_KINDS of diagnosis.py", &quoted(between(&source, "_KINDS: ", "\n}")), &named);
    let literal = between(&source, "Kind = Literal[", "]");
    compare(EVENTS, "the hint Kind of diagnosis.py", &quoted(literal), &named);
    let (_, class) = source.split_once("\nclass Event(").expect("it is there");
    let told = quoted(between(class, "\"\"\"", "\"\"\""));
    let lost: Vec<_> = named.difference(&told).collect();
    assert!(lost.is_empty(), "the comment of Python's Event does not name {lost:?}");
}

#[test]
fn each_moment_of_the_timeline_is_in_the_table() {
    let source = text("src/diagnosis/recording.rs");
    let names = source.lines().filter_map(|line| {
        let (before, name) = line.split_once("=> (\"")?;
        before
            .contains("MomentKind::")
            .then(|| name.split('"').next().unwrap_or_default().to_owned())
    });
    compare(EVENTS, "src/diagnosis/recording.rs", &names.collect(), &events().column("Timeline"));
}

#[test]
fn each_adapter_has_its_place_in_the_page_and_its_program() {
    let adapters = names_in("include/dcc_cancel/adapters", ".hpp");
    assert!(adapters.len() > 5, "{adapters:?}");
    let page = text("docs/adapters.md");
    let tests =
        [text("tests/adapters/adapters.rs"), text("tests/adapters/adapters_ui.rs")].concat();
    let programs = names_in("tests/adapters", ".cpp");
    let mut lost = Vec::new();
    for name in &adapters {
        if !page.contains(&format!("`adapters/{name}.hpp`")) {
            lost.push(format!("docs/adapters.md does not name `adapters/{name}.hpp`"));
        }
        if !programs.contains(name) {
            lost.push(format!("there is no tests/adapters/{name}.cpp"));
        }
        if !tests.contains(&format!("\"{name}\"")) {
            lost.push(format!("no test of tests/adapters/ runs the adapter {name}"));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// The pages for users.
fn pages() -> String {
    let mut pages = text("README.md");
    for name in names_in("docs", ".md") {
        pages += &text(&format!("docs/{name}.md"));
    }
    pages
}

#[test]
fn each_host_has_its_row_its_page_and_its_test() {
    let hosts = names_in("examples/hosts", "");
    assert!(hosts.len() > 3, "{hosts:?}");
    let (pages, manifest) = (pages(), text("Cargo.toml"));
    let mut lost = Vec::new();
    for name in &hosts {
        let is_row = |line: &str| {
            line.starts_with("| [") && line.contains(&format!("examples/hosts/{name})"))
        };
        if !pages.lines().any(is_row) {
            lost.push(format!(
                "no table of README.md or docs/ has a row for examples/hosts/{name}"
            ));
        }
        if !support::root().join(format!("examples/hosts/{name}/README.md")).exists() {
            lost.push(format!("there is no examples/hosts/{name}/README.md"));
        }
        if !manifest.contains(&format!("\"tests/hosts/host_{name}.rs\"")) {
            lost.push(format!("Cargo.toml has no tests/hosts/host_{name}.rs"));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// C functions that the C++ wrapper does not use, each with the reason.
const NOT_IN_CPP: &[(&str, &[&str])] = &[
    (
        "another function does the same, and more",
        &[
            "dcc_cancel_token_check_current",
            "dcc_cancel_token_create",
            "dcc_cancel_token_set_deadline",
            "dcc_job_set_progress",
            "dcc_poll_read_current",
            "dcc_poll_read_current_at",
            "dcc_poll_read_token",
            "dcc_poll_slow",
            "dcc_progress_add",
            "dcc_progress_add_at",
            "dcc_progress_read_counter",
            "dcc_session_retain",
            "dcc_stats_live_jobs",
        ],
    ),
    (
        "scopes put slots back by dcc_context_unwind",
        &["dcc_cancel_token_reset_current", "dcc_context_exit", "dcc_job_reset_current"],
    ),
    (
        "callables carry what they need: with_context, jthread",
        &["dcc_context_bind", "dcc_context_caller_id", "dcc_context_run", "dcc_job_user_data"],
    ),
    ("library_call has a poll of its own", &["dcc_library_call_ask", "dcc_library_call_begin"]),
    ("slice_is_over asks", &["dcc_slice_ends_at_ns"]),
    (
        "a host asks once, as it starts or ends",
        &["dcc_abi_version", "dcc_instance_check", "dcc_shutdown", "dcc_version_string"],
    ),
    (
        "for diagnosis, where the C functions serve",
        &[
            "dcc_events_create",
            "dcc_events_drain",
            "dcc_events_next",
            "dcc_events_release",
            "dcc_events_retain",
            "dcc_events_set_slow_cancel_threshold",
            "dcc_job_poll_gap",
            "dcc_job_threads",
            "dcc_job_trace",
            "dcc_stats_latency",
            "dcc_stats_polls_without_job",
            "dcc_stats_read",
            "dcc_timeline_begin",
            "dcc_timeline_end",
            "dcc_timeline_write",
            "dcc_trace_all",
        ],
    ),
];

/// The sources of the wrapper and of the adapters, without comments and texts.
fn wrapper() -> String {
    let mut all = text("include/dcc_cancel.hpp");
    for folder in ["include/dcc_cancel", "include/dcc_cancel/adapters"] {
        for name in names_in(folder, ".hpp") {
            all += &text(&format!("{folder}/{name}.hpp"));
        }
    }
    let code = declarations::without_comments(&all);
    let without_texts = code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    without_texts
        .lines()
        .flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"])
        .collect()
}

#[test]
fn each_c_function_is_called_by_the_wrapper_or_has_a_reason() {
    let wrapper = wrapper();
    let words: BTreeSet<&str> =
        wrapper.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let all: BTreeSet<String> = header().functions.into_iter().map(|one| one.name).collect();
    let missing: BTreeSet<String> =
        all.into_iter().filter(|name| !words.contains(name.as_str())).collect();
    let listed: BTreeSet<String> = NOT_IN_CPP
        .iter()
        .flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned()))
        .collect();
    let lost: Vec<_> = missing.difference(&listed).collect();
    let vain: Vec<_> = listed.difference(&missing).collect();
    assert!(
        lost.is_empty() && vain.is_empty(),
        "the C++ wrapper does not call {lost:?}: give them a member, or NOT_IN_CPP a reason; \
         NOT_IN_CPP names {vain:?}, which the wrapper calls or the header lacks"
    );
}
