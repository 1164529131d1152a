//! What hosts answer, for people.

use crate::hosts::{Host, Job};
use dcc_cancel::printable::Escaped;
use serde_json::Value;
use std::time::Duration;

/// Characters of a progress bar.
const BAR: usize = 20;

/// A text of somebody else's as one line.
pub fn text(value: &Value) -> String {
    Escaped(value.as_str().unwrap_or_default()).to_string()
}

/// A time as people say it.
pub fn time(nanoseconds: u64) -> String {
    match nanoseconds as f64 {
        time if time < 1e6 => format!("{:.0} µs", time / 1e3),
        time if time < 1e9 => format!("{:.1} ms", time / 1e6),
        time if time < 120e9 => format!("{:.1} s", time / 1e9),
        time => format!("{:.0} min", time / 60e9),
    }
}

fn times(value: &Value) -> Option<String> {
    value.as_u64().map(time)
}

/// A host as a line.
pub fn host_line(host: &Host) -> String {
    let about = &host.answer["host"];
    let (name, library) = (text(&about["name"]), text(&about["library"]));
    format!("{name}, process {}, dcc-cancel {library}", host.process)
}

/// A host with its dispatchers and jobs, some lines. More of them may be about to follow.
pub fn host(host: &Host, more_follow: bool) -> String {
    let mut shown = host_line(host);
    for dispatcher in host.answer["dispatchers"].as_array().into_iter().flatten() {
        shown += &format!("\n  dispatcher: {}", dispatcher_now(dispatcher));
    }
    for job in host.jobs() {
        shown += &format!("\n  {}", self::job(&job));
    }
    if host.jobs().next().is_none() {
        shown += "\n  no jobs";
    } else if host.left_out() > 0 && !more_follow {
        shown += &format!("\n  and {} more jobs; --all shows them", host.left_out());
    }
    shown
}

fn dispatcher_now(dispatcher: &Value) -> String {
    let inside = match (dispatcher["inside_job"].as_u64(), times(&dispatcher["inside_since_ns"])) {
        (Some(job), Some(since)) => format!("inside job {job} for {since}"),
        _ => "inside no job".to_owned(),
    };
    let tick = times(&dispatcher["since_tick_ns"]);
    let tick = tick.map_or("no tick yet".to_owned(), |since| format!("last tick {since} ago"));
    format!("{inside}, {} waiting, {tick}", dispatcher["waiting"])
}

/// A job as a line.
pub fn job(job: &Job<'_>) -> String {
    let progress = &job.0["progress"];
    let message = text(&progress["message"]);
    let age = times(&job.0["age_ns"]).unwrap_or_default();
    let mut shown =
        format!("{:>10}  {:<11} {}  {:>8}  ", job.id(), job.state(), bar(progress), age);
    shown += &text(&job.0["label"]);
    if !message.is_empty() {
        shown += &format!(": {message}");
    }
    if let Some(asked) = job.0["cancelled"].as_object()
        && !job.is_ended()
    {
        let since = times(&asked["since_ns"]).unwrap_or_default();
        let seen = if asked["is_seen"] == true { "seen" } else { "not seen yet" };
        shown += &format!(" [asked to stop {since} ago, {seen}: {}]", text(&asked["reason"]));
    }
    shown
}

fn bar(progress: &Value) -> String {
    let read = |name: &str| progress[name].as_u64().unwrap_or_default();
    let (done, total) = (read("done"), read("total"));
    if total == 0 {
        let done = if done == 0 { String::new() } else { format!("{done} done") };
        return format!("{done:<width$}", width = BAR + 8);
    }
    let part = done.min(total) as f64 / total as f64;
    let full = (part * BAR as f64) as usize;
    format!("[{}{}] {:>3.0} %", "#".repeat(full), "-".repeat(BAR - full), (part * 100.0).floor())
}

/// How a job ended that was asked to stop.
pub fn end(job: &Job<'_>) -> String {
    match times(&job.0["cancelled"]["to_end_ns"]) {
        Some(time) => format!("{} {time} after the cancel", job.state()),
        None => format!("had ended: {}", job.state()),
    }
}

/// What to say of a job that was asked to stop and has not.
pub fn still_runs(job: &Job<'_>) -> String {
    let asked = &job.0["cancelled"];
    let since = times(&asked["since_ns"]).unwrap_or_default();
    if asked["is_seen"] == true {
        return format!("has seen the cancel, and is not over {since} after it");
    }
    format!(
        "has not seen the cancel within {since}; dcc-control trace {} shows where it polls",
        job.id()
    )
}

fn place(value: &Value) -> String {
    let file = text(&value["file"]);
    match value["line"].as_u64() {
        Some(line) if line > 0 => format!("{file}:{line}"),
        _ => file,
    }
}

/// Where a job that was traced for so long has polled, thread by thread.
pub fn polls(job: &Job<'_>, length: Duration) -> String {
    let length = time(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX));
    let mut shown = format!("{}  {}, {}", job.id(), text(&job.0["label"]), job.state());
    let mut has_polled = false;
    for thread in job.0["threads"].as_array().into_iter().flatten() {
        let Some(since) = times(&thread["since_last_poll_ns"]) else { continue };
        has_polled = true;
        shown += &format!(
            "\n  thread {}: {} polls, the last one {since} ago, at {}",
            thread["thread"],
            thread["polls"],
            place(&thread["last_poll_at"]),
        );
        let gap = &thread["longest_gap"];
        if let Some(longest) = times(&gap["gap_ns"]) {
            shown += &format!(
                "\n    longest time without a poll: {longest}, from {} to {}",
                place(&gap["from"]),
                place(&gap["to"])
            );
        }
    }
    if !has_polled && !job.is_ended() {
        shown +=
            &format!("\n  no thread has polled within {length}: a loop in there needs a dcc_poll");
    }
    shown
}
