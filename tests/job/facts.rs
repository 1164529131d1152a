//! Each fact about a job can be read in all languages and tools, or `docs/job_facts.md` says why
//! not. The table on that page is the only list of the facts. It is compared with the header, with
//! the listing of a real job, with the output of `dcc-control`, and with the classes of the C++
//! wrapper and of the Python package. The test fails if one of these has a fact that the table
//! lacks, and if the table names a fact that is missing there.

#[path = "../support/c_header.rs"]
mod c_header;
#[path = "facts/members.rs"]
mod members;
#[path = "../support/page_table.rs"]
mod page_table;
#[path = "../support/raw_job.rs"]
mod raw_job;
#[path = "../support/mod.rs"]
mod support;

#[path = "../../src/bin/dcc-control/hosts.rs"]
#[allow(dead_code, reason = "the tool's; a part of it is used here")]
mod hosts;
#[path = "../../src/bin/dcc-control/out.rs"]
#[allow(dead_code, reason = "the tool's; a part of it is used here")]
mod out;
#[path = "../../src/bin/dcc-control/show.rs"]
#[allow(dead_code, reason = "the tool's; a part of it is used here")]
mod show;

use c_header::Header;
use dcc_cancel::ffi::{job::*, job_life::*, job_texts::*, status::*, trace::*};
use page_table::Table;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Functions on a job that change something. They are not facts to read.
const ACTIONS_IN_C: &[&str] = &[
    "dcc_job_retain",
    "dcc_job_cancel",
    "dcc_job_begin",
    "dcc_job_complete",
    "dcc_job_fail",
    "dcc_job_acknowledge_cancel",
    "dcc_job_end_by_error",
    "dcc_job_interrupt",
    "dcc_job_set_progress",
    "dcc_job_set_progress_at",
    "dcc_job_read_progress",
    "dcc_job_wait",
    "dcc_job_native_event",
    "dcc_job_set_current",
    "dcc_job_wake",
    "dcc_job_wake_at_cancel",
    "dcc_job_wake_at_end",
    "dcc_job_seal",
    "dcc_job_trace",
    "dcc_job_poll_gap",
    "dcc_job_threads",
];

/// The same for members of the C++ class.
const ACTIONS_IN_CPP: &[&str] = &[
    "create",
    "try_create",
    "adopt",
    "share",
    "current",
    "find",
    "cancel",
    "wake",
    "wait",
    "wait_for",
    "wait_until",
    "try_wait_for",
    "native_event",
    "try_native_event",
    "begin",
    "complete",
    "acknowledge_cancel",
    "fail",
    "interrupt",
    "seal",
    "try_seal",
    "commit",
    "try_commit",
    "set_progress",
    "progress",
];

/// The file with the header's structures in Python, which users do not read.
const C_IN_PYTHON: &str = "_declarations.py";

/// The same for members of the Python class.
const ACTIONS_IN_PYTHON: &[&str] = &[
    "find",
    "cancel",
    "wake",
    "wait",
    "begin",
    "complete",
    "fail",
    "acknowledge_cancel",
    "interrupt",
    "seal",
    "commit",
    "set_progress",
    "progress",
    "trace",
    "poll_gap",
    "threads",
    "updates",
    "close",
    "handle",
];

const PAGE: &str = "docs/job_facts.md";
const COLUMNS: &[&str] = &["C", "JSON", "dcc-control", "C++", "Python"];

fn facts() -> Table {
    Table::read(PAGE, COLUMNS)
}

fn compare(place: &str, there: &BTreeSet<String>, named: &BTreeSet<String>) {
    page_table::compare(PAGE, place, there, named);
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The members of a class without its actions, as `Class.member`.
fn members_but(
    all: &BTreeSet<String>,
    actions: &[&str],
    class: &str,
    between: &str,
) -> BTreeSet<String> {
    let vain: Vec<_> = actions.iter().filter(|name| !all.contains(**name)).collect();
    assert!(vain.is_empty(), "{class} has none of these actions: {vain:?}");
    let facts = all.difference(&set(actions)).cloned().collect::<BTreeSet<_>>();
    facts.iter().map(|name| format!("{class}{between}{name}")).collect()
}

/// Takes out names that are not the job's own, such as `CancelToken.reason`. They must exist, but
/// the list of them need not be complete.
fn split_foreign(
    named: BTreeSet<String>,
    own: &[&str],
    between: &str,
    is_there: impl Fn(&str, &str) -> bool,
) -> BTreeSet<String> {
    let (mine, foreign): (Vec<_>, Vec<_>) = named
        .into_iter()
        .partition(|name| name.split_once(between).is_some_and(|(class, _)| own.contains(&class)));
    let vain: Vec<_> = foreign
        .iter()
        .filter(|name| {
            !name.split_once(between).is_some_and(|(class, member)| is_there(class, member))
        })
        .collect();
    assert!(vain.is_empty(), "docs/job_facts.md names {vain:?}, which are not there");
    mine.into_iter().collect()
}

#[test]
fn c_has_each_fact_and_the_table_has_each_of_the_header() {
    let path = support::include().join("dcc_cancel.h");
    let header = Header::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let is_on_job = |function: &&c_header::Function| {
        let first = function.parameters.first();
        first.is_some_and(|first| first.kind.base == "dcc_job" && first.kind.points_to_const())
    };
    let all: BTreeSet<String> =
        header.functions.iter().filter(is_on_job).map(|function| function.name.clone()).collect();
    let vain: Vec<_> = ACTIONS_IN_C.iter().filter(|name| !all.contains(**name)).collect();
    assert!(vain.is_empty(), "the header has none of these actions: {vain:?}");
    let mut there: BTreeSet<String> = all.difference(&set(ACTIONS_IN_C)).cloned().collect();
    for structure in ["dcc_job_progress", "dcc_poll_gap", "dcc_job_thread"] {
        let fields = &header.structure(structure).expect("it is there").fields;
        let fields =
            fields.iter().filter(|field| !["struct_size", "reserved"].contains(&&*field.name));
        there.extend(fields.map(|field| format!("{structure}.{}", field.name)));
    }
    let mut named = facts().column("C");
    // Facts that a job has through its token.
    named.retain(|name| {
        let is_tokens = name.starts_with("dcc_cancel_token_");
        assert!(!is_tokens || header.function(name).is_some(), "there is no {name}");
        !is_tokens
    });
    compare("the C header", &there, &named);
}

#[test]
fn the_cpp_wrapper_has_each_fact_and_the_table_has_each_of_it() {
    let sources = members::sources(&support::include().join("dcc_cancel"), ".hpp", "");
    let of = |class: &str| members::of_cpp(&sources, class);
    let mut there = members_but(&of("job"), ACTIONS_IN_CPP, "job", "::");
    there.extend(members_but(&of("job_progress"), &[], "job_progress", "::"));
    let named = facts().column("C++");
    let own = split_foreign(named, &["job", "job_progress"], "::", |class, name| {
        of(class).contains(name)
    });
    compare("dcc::job", &there, &own);
}

#[test]
fn the_python_package_has_each_fact_and_the_table_has_each_of_it() {
    let sources = members::sources(&support::root().join("python/dcc_cancel"), ".py", C_IN_PYTHON);
    let of = |class: &str| members::of_python(&sources, class);
    let mut there = members_but(&of("Job"), ACTIONS_IN_PYTHON, "Job", ".");
    const PARTS: [&str; 4] = ["Job", "Progress", "PollGap", "JobThread"];
    for class in &PARTS[1..] {
        there.extend(members_but(&of(class), &[], class, "."));
    }
    let named = facts().column("Python");
    let own = split_foreign(named, &PARTS, ".", |class, name| of(class).contains(name));
    compare("dcc_cancel.Job", &there, &own);
}

/// A job for which a listing has all facts: it runs, counts, is traced and was cancelled.
fn listed() -> Value {
    let job = raw_job::new_job(c"Smooth");
    let id = dcc_job_id(job);
    // SAFETY: texts of these lengths; a buffer of that size; writable results.
    let text = unsafe {
        assert_eq!(dcc_job_begin(job), DCC_OK);
        assert_eq!(dcc_job_trace(job, 1), DCC_OK);
        assert_eq!(dcc_job_set_progress(job, 1, 4, c"rows".as_ptr(), 4), DCC_OK);
        raw_job::with_current(job, || {
            assert_eq!(raw_job::poll(c"smooth.cpp", 1), DCC_OK);
            std::thread::sleep(Duration::from_millis(1));
            assert_eq!(raw_job::poll(c"smooth.cpp", 2), DCC_OK);
            assert_eq!(dcc_job_cancel(job, c"enough".as_ptr(), 6), DCC_OK);
            assert_eq!(raw_job::poll(c"smooth.cpp", 3), DCC_CANCELLED_BY_JOB);
        });
        let mut text = vec![0u8; 16384];
        let mut length = 0;
        let status = dcc_stats_live_jobs(text.as_mut_ptr().cast(), text.len(), &mut length);
        assert_eq!(status, DCC_OK);
        assert_eq!(dcc_job_release(job), DCC_OK);
        text.truncate(length);
        text
    };
    let jobs: Value = serde_json::from_slice(&text).unwrap();
    let found = jobs.as_array().unwrap().iter().find(|job| job["id"] == id);
    found.expect("it is listed").clone()
}

/// Collects the paths of all values that are not objects, such as `progress.done`. A list
/// contributes the paths of its first entry, such as `threads[].polls`. Each comes with its JSON
/// pointer.
fn leaves(value: &Value, path: &str, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(member, &path, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(entries) => {
            leaves(&entries[0], &format!("{path}[]"), &format!("{pointer}/0"), found);
        }
        _ => found.push((path.to_owned(), pointer.to_owned())),
    }
}

fn all_leaves() -> (Value, Vec<(String, String)>) {
    let job = listed();
    let mut found = Vec::new();
    leaves(&job, "", "", &mut found);
    (job, found)
}

#[test]
fn the_listing_has_each_fact_and_the_table_has_each_of_it() {
    let there: BTreeSet<String> = all_leaves().1.into_iter().map(|(path, _)| path).collect();
    compare("the listing of jobs", &there, &facts().column("JSON"));
}

/// The comment of dcc_stats_live_jobs names each member of the listing.
#[test]
fn the_comment_of_the_listing_names_its_members() {
    let source = std::fs::read_to_string(support::root().join("src/ffi/trace.rs")).unwrap();
    let (before, _) = source.split_once("fn dcc_stats_live_jobs").expect("it is there");
    let comment = before.rsplit_once("\n\n").expect("its comment").1;
    let words: BTreeSet<&str> =
        comment.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let named = all_leaves().1;
    let lost: Vec<_> = named
        .iter()
        .flat_map(|(path, _)| path.split(['.', '[', ']']))
        .filter(|word| !word.is_empty() && !words.contains(word))
        .collect();
    assert!(lost.is_empty(), "the comment of dcc_stats_live_jobs does not name {lost:?}");
}

/// Another value of the same type; a time instead of null.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => json!(7_000_000_000_u64),
        Value::Bool(is_so) => json!(!is_so),
        Value::String(_) => json!("another"),
        Value::Number(number) if number.is_f64() => json!(0.75),
        Value::Number(number) => json!(number.as_u64().unwrap() + 7_000_000_000),
        Value::Array(_) | Value::Object(_) => unreachable!("it is a leaf"),
    }
}

/// The text that each command of `dcc-control` prints about a job.
fn shown(job: &Value) -> [(&'static str, String); 3] {
    let job = hosts::Job(job);
    let end = if job.is_ended() { show::end(&job) } else { show::still_runs(&job) };
    [("list", show::job(&job)), ("trace", show::polls(&job, Duration::ZERO)), ("cancel", end)]
}

/// The job as it is, and in states for which `dcc-control` prints other facts.
fn samples(job: &Value) -> Vec<Value> {
    let with = |pointer: &str, value: Value| {
        let mut sample = job.clone();
        *sample.pointer_mut(pointer).expect("it has that") = value;
        sample
    };
    vec![
        job.clone(),
        with("/state", json!("failed")),
        with("/progress/total", json!(0)),
        with("/cancelled/is_seen", json!(false)),
    ]
}

#[test]
fn the_tool_shows_what_the_table_says() {
    let (job, leaves) = all_leaves();
    let facts = facts();
    let mut wrong = Vec::new();
    for fact in &facts.rows {
        let [_, in_json, commands, ..] = &fact.names[..] else { unreachable!() };
        let mut showing = BTreeSet::new();
        for (_, pointer) in leaves.iter().filter(|(path, _)| in_json.contains(path)) {
            for sample in samples(&job) {
                let mut changed = sample.clone();
                let value = changed.pointer_mut(pointer).expect("it has that");
                *value = another(value);
                let pairs = shown(&sample).into_iter().zip(shown(&changed));
                let differing = pairs.filter(|(before, after)| before != after);
                showing.extend(differing.map(|((command, _), _)| command.to_owned()));
            }
        }
        let said: BTreeSet<String> = commands.iter().cloned().collect();
        if showing != said {
            wrong
                .push(format!("{}: it is shown by {showing:?}, and named are {said:?}", fact.what));
        }
    }
    assert!(wrong.is_empty(), "docs/job_facts.md, dcc-control:\n{}", wrong.join("\n"));
}

#[test]
fn a_cell_says_where_or_why_not() {
    let page = |cell: &str| {
        format!(
            "| Fact | C | JSON | dcc-control | C++ | Python |\n\
             |---|\n\
             | Id | `a` | {cell} | `c` | `d` | `e` |\n"
        )
    };
    let table = |cell: &str| Table::of(&page(cell), COLUMNS);
    assert_eq!(table("`b`").unwrap().rows[0].names[1], ["b"]);
    assert!(table("none: it is secret").unwrap().rows[0].names[1].is_empty());
    for wrong in ["", "b", "none: ", "none: no", "`b` | `b`"] {
        assert!(table(wrong).is_err(), "{wrong}");
    }
    assert!(Table::of("no table", COLUMNS).is_err());
}
