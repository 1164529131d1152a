//! The rows of a work beside a peer, and the instructions of both.

use super::callgrind::{self, Counts};
use super::program::Program;
use super::table::Table;
use super::targets::{CLOCK, GLIB_PROBE, LOAD, TBB_PROBE};
use std::path::Path;

const ROWS: &[(&str, &str)] = &[
    ("poll of a given token", LOAD),
    ("poll of the current token", LOAD),
    ("poll of both layers", LOAD),
    ("dcc_check_cancelled", GLIB_PROBE),
    ("dcc_check_cancelled", TBB_PROBE),
    ("dcc_cancel_token_is_cancelled", "g_cancellable_is_cancelled"),
    ("dcc_cancel_token_is_cancelled", "std::stop_token::stop_requested"),
    ("dcc_slice_is_over", CLOCK),
    ("dcc_progress_advance", "fetch_add"),
    ("set and reset current", "g_cancellable push and pop"),
    ("create and release", "std::stop_source"),
    ("create and release a child", "create and release"),
    ("register and unregister", "std::stop_callback"),
    ("post and run one job", "g_idle_source"),
    ("post and run 64 jobs", "g_idle_source, 64 of them"),
];

/// Works that are also measured while another thread retains and releases the token all the time.
const DISTURBED: &[&str] = &["poll of a given token", "poll of both layers"];

const COUNTED: &[&str] = &[
    "empty call loop",
    "dcc_check_cancelled",
    GLIB_PROBE,
    "dcc_cancel_token_is_cancelled",
    "g_cancellable_is_cancelled",
    "set and reset current",
    "g_cancellable push and pop",
    "create and release",
    "std::stop_source",
    "register and unregister",
    "std::stop_callback",
    "post and run one job",
    "g_idle_source",
    "post and run 64 jobs",
    "g_idle_source, 64 of them",
    "poll of the current token",
    "poll of both layers",
    LOAD,
];

/// A question takes at least a load, a compare and a jump, also for both layers.
const LEAST_OF_A_QUESTION: f64 = 2.0;

pub fn compare(program: &Program, table: &mut Table) {
    table.head(&format!("built by {}", program.compiler));
    for (work, peer) in ROWS.iter().filter(|(_, peer)| program.has(peer)) {
        program.rows(&["ratio", work, peer], table);
    }
    for work in DISTURBED {
        program.rows(&["ratio", work, LOAD, "disturbed"], table);
    }
}

/// Counts the instructions of a call: each work is counted with two lengths of its loop.
pub fn count(program: &Program, folder: &Path, table: &mut Table) {
    if let Some(why) = callgrind::missing() {
        return table.skipped("instruction counts", why);
    }
    let works: Vec<&str> = COUNTED.iter().copied().filter(|work| program.has(work)).collect();
    let arguments: Vec<&str> = ["count"].iter().chain(&works).copied().collect();
    let dump = folder.join("count");
    let counts = callgrind::counts(program.path(), &arguments, Path::new(""), &dump, works.len());
    println!("\ncounts per call, the loop around it included, built by {}", program.compiler);
    println!("{:<60} {:>12} {:>7} {:>7}", "work", "instructions", "locked", "system");
    for (work, Counts { instructions, locked, system_calls }) in works.iter().zip(counts) {
        println!("{work:<60} {instructions:>12.1} {locked:>7.2} {system_calls:>7.2}");
        let is_question = work.starts_with("poll") || *work == LOAD;
        // If the compiler knew the answer, nothing would be left to measure.
        assert!(
            !is_question || instructions >= LEAST_OF_A_QUESTION,
            "{work} is folded into a constant"
        );
    }
}
