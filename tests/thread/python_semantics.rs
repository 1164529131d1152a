//! The promises of the Python package `dcc_mcp_core` about cancellation, kept in C: one test for
//! each row of `tests/c/python_semantics.c`.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = support::scratch("python_semantics");
        support::staged_library(&folder);
        let program = folder.join("python_semantics");
        support::run(
            Command::new(support::cc())
                .args(support::C_FLAGS)
                .args(["-g", "-pthread", "-I"])
                .arg(support::include())
                .arg(support::root().join("tests/c/python_semantics.c"))
                .arg("-L")
                .arg(&folder)
                .args(["-ldcc_cancel", "-Wl,-rpath,$ORIGIN", "-o"])
                .arg(&program),
        );
        program
    })
}

macro_rules! rows {
    ($($row:ident,)*) => {
        const ROWS: &[&str] = &[$(stringify!($row)),*];
        $(
            #[test]
            fn $row() {
                support::run(Command::new(program()).arg(stringify!($row)));
            }
        )*
    };
}

rows! {
    token_cancel_is_idempotent,
    the_two_texts,
    token_beats_job,
    check_current_ignores_the_job,
    the_probe_without_anything_is_a_no_op,
    null_clears_an_inherited_value_and_reset_restores_it,
    set_and_reset_nest,
    the_slots_are_independent,
    new_threads_start_empty,
    captured_contexts_carry,
    a_foreign_jobs_callback_is_asked,
    a_foreign_callback_is_asked_no_more_often_than_wanted,
    a_foreign_callback_is_asked_on_its_thread_only,
    a_foreign_callback_may_be_asked_on_any_thread,
    reset_twice_changes_nothing,
    reset_of_the_other_slot_changes_nothing,
    reset_on_another_thread_changes_nothing,
    reset_in_the_wrong_order_changes_nothing,
    the_job_id_is_the_tokens_then_the_jobs,
    a_thread_that_ends_with_slots_set_is_cleaned_up,
    unwind_restores_and_counts_what_was_left,
    a_snapshot_does_not_see_a_later_set,
    a_poll_of_what_died_answers_gone,
    what_is_installed_outlives_its_references,
}

#[test]
fn every_row_of_the_program_has_a_test() {
    let listed = support::printed(Command::new(program()).arg("--list"));
    assert_eq!(listed.lines().collect::<Vec<_>>(), ROWS);
}
