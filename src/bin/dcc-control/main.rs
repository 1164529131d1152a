//! `dcc-control` shows what is going on in the hosts of this user that have opened their control
//! endpoint (`dcc_control_open`), and cancels jobs there. It works when a host's own window no
//! longer answers.
//!
//! `main` decides what happens. [`arguments`] reads the command line, [`hosts`] talks to the hosts,
//! [`show`] turns their answers into text. [`list`] shows them once, page by page, and [`watch`]
//! repeatedly. [`out`] prints.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod hosts;
mod list;
mod out;
mod show;
mod watch;

use arguments::{Asked, Verb, Which};
use out::{complain, say};
use serde_json::json;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How often a host is asked whether a job has ended.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let asked = match arguments::read() {
        Ok(Some(asked)) => asked,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("dcc-control: {error}"));
            complain("");
            arguments::USAGE.lines().for_each(complain);
            return ExitCode::from(2);
        }
    };
    match run(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("dcc-control: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command. False: not all of it succeeded, and a message has said so. The error is a
/// message that has not been printed.
fn run(asked: &Asked) -> Result<bool, String> {
    match &asked.verb {
        Verb::List { ended, all, as_json } => list::list(asked.process, *ended, *all, *as_json),
        Verb::Watch { jobs, interval } => watch::watch(asked.process, jobs, *interval),
        Verb::Cancel { which, reason, wait } => cancel(asked.process, which, reason, *wait),
        Verb::Trace { job, length } => trace(asked.process, *job, *length),
    }
}

fn cancel(
    process: Option<u32>,
    which: &Which,
    reason: &str,
    wait: Duration,
) -> Result<bool, String> {
    let (process, job) = match which {
        Which::All => (hosts::only(process)?, json!({ "all": true })),
        Which::One(id) => (hosts::with_job(process, *id)?, json!({ "job": id })),
    };
    let mut line = job;
    line["do"] = json!("cancel");
    line["reason"] = json!(reason);
    let answer = hosts::ask(process, &line)?;
    let changed = answer["changed"].as_array().cloned().unwrap_or_default();
    if changed.is_empty() {
        say("no job runs there");
    }
    let until = Instant::now() + wait;
    let mut all_ended = true;
    for job in &changed {
        let (id, label) = (job["id"].as_u64().unwrap_or_default(), show::text(&job["label"]));
        if job["outcome"] == "had ended" {
            say(&format!("{id}  {label}: had ended"));
            continue;
        }
        // A cancel does not reach a sealed job, so its end is not waited for.
        if job["outcome"] == "is sealed: too late" {
            say(&format!("{id}  {label}: is sealed, too late to cancel: it goes on to its end"));
            all_ended = false;
            continue;
        }
        let (end, has_ended) = wait_for_end(process, id, until)?;
        say(&format!("{id}  {label}: {end}"));
        all_ended &= has_ended;
    }
    if let Some(more @ 1..) = answer["more"].as_u64() {
        say(&format!("and {more} more were asked"));
    }
    Ok(all_ended)
}

/// Waits until `until` for the end of a job that was asked to stop. Returns what to say of the job,
/// and whether it has ended.
fn wait_for_end(process: u32, id: u64, until: Instant) -> Result<(String, bool), String> {
    loop {
        let host = match hosts::look_at(process, id) {
            Err(_) if hosts::is_gone(process) => {
                return Ok(("its host has ended".to_owned(), true));
            }
            host => host?,
        };
        let Some(job) = host.job(id) else {
            return Ok(("has ended".to_owned(), true));
        };
        if job.is_ended() {
            return Ok((show::end(&job), true));
        }
        if Instant::now() >= until {
            return Ok((show::still_runs(&job), false));
        }
        thread::sleep(LOOK);
    }
}

fn trace(process: Option<u32>, id: u64, length: Duration) -> Result<bool, String> {
    let process = hosts::with_job(process, id)?;
    let was_traced = hosts::look_at(process, id)?.job(id).is_some_and(|job| job.is_traced());
    hosts::ask(process, &json!({ "do": "trace", "job": id, "on": true }))?;
    thread::sleep(length);
    let host = hosts::look_at(process, id)?;
    if !was_traced {
        // The host may have ended meanwhile, so an error does not matter.
        let _ = hosts::ask(process, &json!({ "do": "trace", "job": id, "on": false }));
    }
    match host.job(id) {
        Some(job) => {
            say(&show::polls(&job, length));
            if let Some(strays) = show::strays(&host) {
                say(&format!("  {strays}"));
            }
            Ok(true)
        }
        None => {
            say(&format!("{id}: ended while it was watched"));
            Ok(false)
        }
    }
}
