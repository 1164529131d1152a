//! Compares the hot paths with their peers, interleaved in one run: it prints ratios and not times,
//! then the instructions of a call, counted by callgrind. `cargo bench` runs it. A target is
//! printed beside its ratio, and missed targets once more at the end. `DCC_BENCH_QUICK=1` shows
//! within minutes whether all of it works. Names of parts (`cargo bench --bench compare --
//! threads`) select these parts.
//!
//! `-- record` writes the figures to `docs/costs/figures.tsv`, from which the pictures of
//! `docs/costs.md` are drawn. `-- gate` judges: it ends with 1 if a target was missed, and with 2,
//! without a judgement, if other programs were at work before or after.

#[path = "compare/callbacks.rs"]
mod callbacks;
#[path = "../tests/support/callgrind.rs"]
mod callgrind;
#[path = "compare/contended.rs"]
mod contended;
#[path = "compare/figures.rs"]
mod figures;
#[path = "compare/footprint.rs"]
mod footprint;
#[path = "compare/graph.rs"]
mod graph;
#[path = "compare/live_tokens.rs"]
mod live_tokens;
#[path = "compare/machine.rs"]
mod machine;
#[path = "compare/pairs.rs"]
mod pairs;
#[path = "compare/posting.rs"]
mod posting;
#[path = "compare/program.rs"]
mod program;
#[path = "compare/python.rs"]
mod python;
#[path = "compare/raw.rs"]
mod raw;
#[path = "compare/record.rs"]
mod record;
#[path = "compare/requests.rs"]
mod requests;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "compare/table.rs"]
mod table;
#[path = "compare/targets.rs"]
mod targets;

use std::process::ExitCode;
use table::Table;

/// The parts that can be named on the command line: those that C++ programs measure, and those of
/// this program.
const CPP_PARTS: &[&str] = &["pairs", "threads", "latency", "callbacks", "counts"];
const OTHER_PARTS: &[&str] = &["live", "graph", "posting", "requests", "python", "size"];

fn parts() -> impl Iterator<Item = &'static str> {
    CPP_PARTS.iter().chain(OTHER_PARTS).copied()
}

/// The other words of the command line.
const RECORD: &str = "record";
const GATE: &str = "gate";

fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| !word.starts_with('-'))
}

fn is_said(word: &str) -> bool {
    words().any(|said| said == word)
}

fn named() -> impl Iterator<Item = String> {
    words().filter(|word| word != RECORD && word != GATE)
}

/// Whether this part is to run; if no part was named, all are.
fn is_wanted(part: &str) -> bool {
    named().next().is_none() || named().any(|name| name == part)
}

fn main() -> ExitCode {
    let unknown = named().find(|name| !parts().any(|part| part == name));
    assert!(
        unknown.is_none(),
        "no part is called {unknown:?}; there are {:?}",
        parts().collect::<Vec<_>>()
    );
    let is_whole = parts().all(is_wanted);
    assert!(is_whole || !is_said(RECORD), "a record is of all parts: name none");
    let folder = support::scratch("compare");
    let mut table = Table::default();
    machine::describe(&mut table);
    if !machine::is_quiet("before", &mut table) && is_said(GATE) {
        return unjudged();
    }
    let programs = match CPP_PARTS.iter().any(|part| is_wanted(part)) {
        true => program::programs(&folder, &mut table),
        false => Vec::new(),
    };
    for program in programs.iter().filter(|_| is_wanted("pairs")) {
        pairs::compare(program, &mut table);
    }
    if std::thread::available_parallelism().is_ok_and(|count| count.get() > 1) {
        for program in programs.iter().filter(|_| is_wanted("threads")) {
            contended::compare(program, &mut table);
        }
        for program in programs.iter().filter(|_| is_wanted("latency")) {
            table.head(&format!("across processors, built by {}", program.compiler));
            program.rows(&["latency"], &mut table);
        }
    } else {
        table.left_out("rows of two threads", "this machine runs one at a time");
    }
    if is_wanted("callbacks") {
        callbacks::compare(&programs[0], &mut table);
    }
    if is_wanted("live") {
        live_tokens::compare(&mut table);
    }
    if is_wanted("graph") {
        graph::compare(&mut table);
    }
    if is_wanted("posting") {
        posting::compare(&mut table);
    }
    if is_wanted("requests") {
        requests::compare(&mut table);
    }
    if is_wanted("size") {
        footprint::show(&folder, &mut table);
    }
    if is_wanted("python") {
        python::compare(&folder, &mut table);
    }
    for program in programs.iter().filter(|_| is_wanted("counts")) {
        pairs::count(program, &folder, &mut table);
    }
    let is_quiet = machine::is_quiet("after", &mut table);
    table.left_out("folly's CancellationToken", "Debian 12 has no package of folly");
    let missed = table.end(is_whole);
    if is_said(RECORD) {
        table.record.write();
    }
    match is_said(GATE) {
        true if !is_quiet => unjudged(),
        true if missed > 0 => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn unjudged() -> ExitCode {
    println!("NOT JUDGED: others are at work on this machine");
    ExitCode::from(2)
}
