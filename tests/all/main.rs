//! What `cargo test` runs: every test program of this package, in parallel, whatever the others answer,
//! and at the end what passed, failed, was skipped and did not run.
//!
//! Cargo by itself stops after the first program that fails and does not say what it left out. So this is
//! the one test target of Cargo.toml with `test = true`; it lets cargo build the others, which
//! `cargo test --test NAME` selects as ever. Arguments after `--` and a filter go to each program:
//!
//! - `cargo test -- --ignored` runs what is not in the core, `--include-ignored` everything;
//! - `DCC_TEST_PROGRAMS=1` runs one program after another; there are as many as processors otherwise.

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
        // All answer the same.
        return list(&programs[..1], &arguments);
    }
    let began = Instant::now();
    let mut summary = Summary::default();
    summary.twice = programs.iter().filter(|program| program.is_run_by_cargo).cloned().collect();
    run_all(programs, &arguments, &Mutex::new(&mut summary));
    print!("{}", summary.text(began.elapsed()));
    if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What each program lists.
fn list(programs: &[Program], arguments: &[String]) -> ExitCode {
    let mut is_good = true;
    for program in programs {
        is_good &= program.command().args(arguments).status().is_ok_and(|status| status.success());
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As many at a time as `DCC_TEST_PROGRAMS` says; each shows what it printed when it ended.
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
