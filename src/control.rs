//! What is asked of a process from outside and what it answers: a line each, JSON. For the day when the
//! host's own window answers no more; so nothing here waits for a thread of the host, runs a function of
//! it, or lets go of a job in a way that would.
//!
//! A line that comes in is an object with one of these as `do`:
//! - "list"; `job`: of this one alone; `ended`: with those that have ended.
//! - "cancel"; `job` or `all`: true; `reason`.
//! - "trace"; `job` or `all`: true; `on`.
//!
//! The answer has `error`, or what was asked for: `host`, `dispatchers` and `jobs`, or `changed`, with `id`,
//! `label` and `outcome` of each; `more` is how many were left out.

use crate::arena::Keeper;
use crate::dispatcher::Dispatchers;
use crate::job::{JobPin, JobText, Jobs};
use crate::queue::Glance;
use crate::sys::clock;
use crate::sys::memory::try_room;
use crate::token::Cause;
use crate::wire::readable_reason;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The most jobs in a list.
pub const MOST_JOBS: usize = 1000;

/// What is known of the process without asking anybody.
#[derive(Clone, Debug)]
pub struct HostName {
    /// What to call it, for people.
    pub name: String,
    /// The library's version.
    pub library: &'static str,
}

/// Which jobs are meant.
enum Which {
    All,
    One(u64),
}

/// What an answer takes at most, most labels and messages being short.
const ROOM: usize = 8 << 20;

/// Answers a line.
pub fn answer(dispatchers: &Dispatchers, host: &HostName, line: &[u8]) -> Cow<'static, str> {
    // The host must survive a full memory.
    if try_room(ROOM).is_err() {
        return Cow::Borrowed(r#"{"error":"the host has no memory left"}"#);
    }
    let answered = serde_json::from_slice(line)
        .map_err(|error| format!("the line is not JSON: {error}"))
        .and_then(|asked: Value| dispatch(dispatchers, host, &asked));
    Cow::Owned(answered.unwrap_or_else(|error| json!({ "error": error })).to_string())
}

fn dispatch(dispatchers: &Dispatchers, host: &HostName, asked: &Value) -> Result<Value, String> {
    let jobs = dispatchers.jobs();
    match asked["do"].as_str() {
        Some("list") => {
            let which = if asked["job"].is_null() { Which::All } else { which(asked)? };
            Ok(list(dispatchers, host, &which, asked["ended"] == true))
        }
        Some("cancel") => {
            let reason = readable_reason(asked["reason"].as_str().unwrap_or_default());
            let reason = reason.unwrap_or_else(|| "cancelled from outside the host".to_owned());
            change(jobs, &which(asked)?, |job| cancel(jobs, job, &reason))
        }
        Some("trace") => {
            let on = asked["on"].as_bool().ok_or("`on` is neither true nor false")?;
            let which = which(asked)?;
            if matches!(which, Which::All) {
                jobs.tokens().trace_all_deferred(on);
            }
            change(jobs, &which, |job| trace(jobs, job, on))
        }
        _ => Err(format!("`do` is {}; it can be list, cancel or trace", asked["do"])),
    }
}

fn which(asked: &Value) -> Result<Which, String> {
    match (&asked["job"], asked["all"] == true) {
        (Value::Null, true) => Ok(Which::All),
        (id, false) => id.as_u64().map(Which::One).ok_or_else(|| {
            format!("`job` is {id}; give the id of a job, or `all` as true in its place")
        }),
        _ => Err("both `job` and `all` were given; one of them is meant".to_owned()),
    }
}

/// The jobs that are meant, pinned one after the other.
fn meant<'a>(jobs: &'a Jobs, which: &Which) -> Box<dyn Iterator<Item = JobPin<'a>> + 'a> {
    match which {
        Which::All => Box::new(jobs.live()),
        Which::One(id) => Box::new(jobs.pin_by_id(*id).into_iter()),
    }
}

fn list(dispatchers: &Dispatchers, host: &HostName, which: &Which, with_ended: bool) -> Value {
    let jobs = dispatchers.jobs();
    let mut shown = Vec::new();
    let mut more = 0_u64;
    for job in meant(jobs, which) {
        if !with_ended && jobs.state(&job).is_terminal() {
            // Not of interest.
        } else if shown.len() < MOST_JOBS {
            shown.extend(jobs.describe(&job));
        } else {
            more += 1;
        }
        jobs.unpin_deferred(job);
    }
    json!({
        "host": {
            "name": host.name,
            "process": std::process::id(),
            "library": host.library,
        },
        "dispatchers": dispatchers.glances(),
        "jobs": shown,
        "more": more,
    })
}

/// Does something to each job that is meant and has not ended.
fn change(
    jobs: &Jobs,
    which: &Which,
    outcome: impl Fn(&JobPin<'_>) -> &'static str,
) -> Result<Value, String> {
    let mut changed = Vec::new();
    let mut more = 0_u64;
    for job in meant(jobs, which) {
        let is_over = matches!(which, Which::All) && jobs.state(&job).is_terminal();
        if !is_over {
            let outcome = outcome(&job);
            if changed.len() < MOST_JOBS {
                let label = jobs.show_text(&job, JobText::Label, str::to_owned);
                changed.push(json!({ "id": jobs.id(&job), "label": label, "outcome": outcome }));
            } else {
                more += 1;
            }
        }
        jobs.unpin_deferred(job);
    }
    match which {
        Which::One(id) if changed.is_empty() => Err(format!("no job here has the id {id}")),
        _ => Ok(json!({ "changed": changed, "more": more })),
    }
}

fn cancel(jobs: &Jobs, job: &JobPin<'_>, reason: &str) -> &'static str {
    if jobs.state(job).is_terminal() {
        return "had ended";
    }
    let is_first = jobs.tokens().cancel_deferred(&jobs.token_held_by(job), Cause::Request, reason);
    if is_first { "asked" } else { "was asked before" }
}

fn trace(jobs: &Jobs, job: &JobPin<'_>, on: bool) -> &'static str {
    jobs.tokens().set_traced(&jobs.token_held_by(job), on);
    if on { "traced" } else { "not traced" }
}

impl Dispatchers {
    /// What each dispatcher is at. Without a pin, whose end could be the dispatcher's: what it is read
    /// from is never unmapped. One that goes meanwhile is left out, or at worst has figures of the next
    /// user of its slot.
    fn glances(&self) -> Vec<Value> {
        let now_ns = clock::now_ns();
        let since = |time_ns: u64| (time_ns != 0).then(|| now_ns.saturating_sub(time_ns));
        let alive = self.arena().slots().filter(|(_, slot)| slot.is_alive());
        let shown = alive.filter_map(|(_, slot)| {
            let live = slot.live();
            let Glance { waiting, busy } = self.queues().glance(live.queue_id())?;
            let (inside, inside_since_ns) = busy;
            Some(json!({
                "waiting": waiting,
                "inside_job": (inside != 0).then_some(inside),
                "inside_since_ns": since(inside_since_ns),
                "since_tick_ns": since(live.statistics().last_tick_ns()),
            }))
        });
        shown.collect()
    }
}
