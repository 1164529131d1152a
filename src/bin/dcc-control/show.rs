//! Hosts' answers as text for people.

use crate::hosts::{Host, Job};
use dcc_cancel::printable::Escaped;
use serde_json::Value;
use std::time::Duration;

/// Characters of a progress bar.
const BAR: usize = 20;

/// A text that a host or plugin chose, escaped so that it is one line and cannot control a
/// terminal.
pub fn text(value: &Value) -> String {
    Escaped(value.as_str().unwrap_or_default()).to_string()
}

/// A time with a unit that suits it.
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

/// A line about a host.
pub fn host_line(host: &Host) -> String {
    let about = &host.answer["host"];
    let (name, library) = (text(&about["name"]), text(&about["library"]));
    format!("{name}, process {}, dcc-cancel {library}", host.process)
}

/// Lines about a host, its dispatchers and its jobs. `more_follow`: the caller prints the further
/// jobs, so the text does not say how many there are.
pub fn host(host: &Host, more_follow: bool) -> String {
    let mut shown = host_line(host);
    if let Some(strays) = strays(host) {
        shown += &format!("\n  {strays}");
    }
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

/// A line about polls on threads that have no job; `None` if there were no such polls.
pub fn strays(host: &Host) -> Option<String> {
    let strays = &host.answer["polls_without_job"];
    let count = strays["count"].as_u64().filter(|count| *count > 0)?;
    let were = if count == 1 {
        "poll was made on a thread that has"
    } else {
        "polls were made on threads that have"
    };
    let at = strays["places"].as_array().into_iter().flatten();
    let at: Vec<String> = at.map(|one| format!("{} at {}", one["count"], place(one))).collect();
    let at = if at.is_empty() { String::new() } else { format!(" ({})", at.join(", ")) };
    Some(format!("{count} {were} no job: carry the context{at}"))
}

/// A dispatcher's thread that has work and has not ticked for this long is busy elsewhere.
const LONG_WITHOUT_TICK_NS: u64 = 1_000_000_000;

fn dispatcher_now(dispatcher: &Value) -> String {
    let waiting = dispatcher["waiting"].as_u64().unwrap_or_default();
    // A dispatcher that has nothing to do need not tick.
    let since_last_tick_ns = dispatcher["since_last_tick_ns"].as_u64().unwrap_or_default();
    let is_elsewhere = waiting > 0 && since_last_tick_ns >= LONG_WITHOUT_TICK_NS;
    let inside = match (dispatcher["inside_job"].as_u64(), times(&dispatcher["inside_since_ns"])) {
        (Some(job), Some(since)) => format!("inside job {job} for {since}"),
        _ => "inside no job".to_owned(),
    };
    let tick = times(&dispatcher["since_tick_ns"]);
    let tick = tick.map_or("no tick yet".to_owned(), |since| format!("last tick {since} ago"));
    let elsewhere = match is_elsewhere {
        true => {
            ": its thread is busy with something of the host's own, a modal dialog for instance"
        }
        false => "",
    };
    format!("{inside}, {waiting} waiting, {tick}{elsewhere}")
}

/// A line about a job.
pub fn job(job: &Job<'_>) -> String {
    let progress = &job.0["progress"];
    let message = text(&progress["message"]);
    let age = times(&job.0["age_ns"]).unwrap_or_default();
    let mut shown =
        format!("{:>10}  {:<11} {}  {:>8}  ", job.id(), job.state(), bar(progress), age);
    shown += &text(&job.0["label"]);
    let caller_id = text(&job.0["caller_id"]);
    if !caller_id.is_empty() {
        shown += &format!(" ({caller_id})");
    }
    if !message.is_empty() {
        shown += &format!(": {message}");
    }
    if let Some(left) = time_left(job) {
        shown += &format!(" [{left}]");
    }
    if let Some(asked) = job.0["cancelled"].as_object()
        && !job.is_ended()
    {
        let since = times(&asked["since_ns"]).unwrap_or_default();
        let seen = if asked["is_seen"] == true { "seen" } else { "not seen yet" };
        shown += &format!(" [asked to stop {since} ago, {seen}: {}]", text(&asked["reason"]));
    }
    if job.0["is_sealed"] == true && !job.is_ended() {
        shown += " [sealed: too late to cancel]";
    }
    let failure = text(&job.0["failure"]);
    if !failure.is_empty() {
        shown += &format!(" [error: {failure}]");
    }
    if let Some(silence) = not_asked(job) {
        shown += &format!(" [{silence}]");
    }
    shown
}

/// A line that says that the host's own check was not asked for too long; `None` if it was asked in
/// time.
fn not_asked(job: &Job<'_>) -> Option<String> {
    let time = times(&job.0["check_not_asked_ns"])?;
    Some(format!(
        "the host's Esc has not been asked for {time}: its thread neither polls nor waits in the library"
    ))
}

/// How much of a job is done, from 0 to 1. A library without shares gives only the count and its
/// total.
fn part(progress: &Value) -> f64 {
    let read = |name: &str| progress[name].as_u64().unwrap_or_default() as f64;
    let counted = || (read("done") / read("total")).min(1.0);
    progress["fraction"].as_f64().unwrap_or_else(counted)
}

/// A rough estimate of how much longer a job will run; `None` if there is no estimate.
fn time_left(job: &Job<'_>) -> Option<String> {
    let progress = &job.0["progress"];
    if job.is_ended() || !progress["fraction"].as_f64().is_some_and(|part| part > 0.0) {
        return None;
    }
    let Some(left) = progress["time_left_ns"].as_u64() else {
        return Some("time left unknown".to_owned());
    };
    let about = match left.div_ceil(1_000_000_000) {
        seconds if seconds <= 10 => format!("{seconds} s"),
        seconds if seconds <= 100 => format!("{} s", seconds.next_multiple_of(10)),
        seconds => format!("{} min", seconds.div_ceil(60)),
    };
    Some(format!("about {about} left"))
}

/// A note about units that the bar does not show, because the job's code counted wrongly; `None` if
/// there are none.
fn miscounted(job: &Job<'_>) -> Option<String> {
    let read = |name: &str| job.0["progress"][name].as_u64().unwrap_or_default();
    match (read("over"), read("late")) {
        (0, 0) => None,
        (over, late) => Some(format!(
            "progress that is not shown: {over} units beyond the total, {late} after the end of their \
             share: compare the job's totals with its loops"
        )),
    }
}

fn bar(progress: &Value) -> String {
    let read = |name: &str| progress[name].as_u64().unwrap_or_default();
    let (done, total) = (read("done"), read("total"));
    if total == 0 {
        let done = if done == 0 { String::new() } else { format!("{done} done") };
        return format!("{done:<width$}", width = BAR + 8);
    }
    let part = part(progress);
    let full = (part * BAR as f64) as usize;
    format!("[{}{}] {:>3.0} %", "#".repeat(full), "-".repeat(BAR - full), (part * 100.0).floor())
}

/// How a job that was asked to stop has ended.
pub fn end(job: &Job<'_>) -> String {
    match times(&job.0["cancelled"]["to_end_ns"]) {
        Some(time) => format!("{} {time} after the cancel", job.state()),
        None => format!("had ended: {}", job.state()),
    }
}

/// A note about a job that was asked to stop and has not ended.
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

/// Where a job polled while it was traced for `length`, thread by thread.
pub fn polls(job: &Job<'_>, length: Duration) -> String {
    let length = time(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX));
    let mut shown = format!("{}  {}, {}", job.id(), text(&job.0["label"]), job.state());
    if let Some(left) = time_left(job) {
        let progress = &job.0["progress"];
        let message = text(&progress["message"]);
        let at = if message.is_empty() { message } else { format!(", at {message}") };
        shown += &format!("\n  {:.0} %{at}, {left}", (part(progress) * 100.0).floor());
    }
    if let Some(miscounted) = miscounted(job) {
        shown += &format!("\n  {miscounted}");
    }
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
        if let Some(time) = times(&thread["cancel_to_seen_ns"]) {
            shown += &format!("\n    saw the cancel {time} after it");
        }
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
    if let Some(silence) = not_asked(job) {
        shown += &format!("\n  {silence}");
    }
    shown
}
