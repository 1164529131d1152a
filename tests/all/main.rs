//! What `cargo test` runs: every test program of this package, in parallel, even after a program
//! has failed. At the end it says what passed, failed, was skipped and did not run.
//!
//! Cargo by itself stops after the first program that fails and does not say what it left out. So
//! this is the one test target of Cargo.toml with `test = true`. It lets cargo build the other
//! programs; `cargo test --test NAME` still runs one of them alone. A filter and the arguments
//! after `--` are passed to each program:
//!
//! - `cargo test -- --ignored` runs the tests that are not in the core, `--include-ignored` all
//!   tests;
//! - `DCC_TEST_PROGRAMS=1` runs one program after another; by default as many run as there are
//!   processors.

mod chosen;
mod outcome;
mod programs;
mod run;
mod summary;

use programs::Program;
use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;
use summary::Summary;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let programs = match programs::build(&arguments) {
        Ok(programs) => programs,
        Err(why) => {
            eprintln!("no test program ran: {why}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.iter().any(|argument| argument == "--list") {
        return list(&programs, &arguments);
    }
    if arguments.iter().any(|argument| matches!(&**argument, "--help" | "-h")) {
        // All programs answer the same, so one is asked.
        return list(&programs[..1], &arguments);
    }
    let began = Instant::now();
    let mut summary = Summary::default();
    summary.twice = programs.iter().filter(|program| program.is_run_by_cargo).cloned().collect();
    run_all(programs, &arguments, &Mutex::new(&mut summary));
    print!("{}", summary.text(began.elapsed()));
    if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lets each program print its tests.
fn list(programs: &[Program], arguments: &[String]) -> ExitCode {
    let mut is_good = true;
    for program in programs {
        is_good &= program.command().args(arguments).status().is_ok_and(|status| status.success());
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs as many programs at a time as `DCC_TEST_PROGRAMS` says. When a program has ended, its
/// output is shown in one piece.
fn run_all(programs: Vec<Program>, arguments: &[String], summary: &Mutex<&mut Summary>) {
    let given = std::env::var("DCC_TEST_PROGRAMS").ok().and_then(|text| text.parse().ok());
    let at_once =
        given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let waiting = Mutex::new(VecDeque::from(programs));
    std::thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(|| {
                loop {
                    let Some(program) = waiting.lock().unwrap().pop_front() else { break };
                    let ran = run::run(&program, arguments);
                    summary.lock().unwrap().add(ran);
                }
            });
        }
    });
}
