//! The hosts that can be asked, and what they answer.

use dcc_cancel::sys::endpoint;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::Duration;

/// How long a host may take for an answer: those of others, one after the other, included.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to say where there is no host.
pub const NONE: &str = "No host of this user can be asked: none has called dcc_control_open.";

/// One host's answer to `list`.
pub struct Host {
    /// As it came.
    pub answer: Value,
}

/// One job of it.
pub struct Job<'a>(pub &'a Value);

impl Host {
    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.answer["host"]["process"].as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or(0)
    }

    /// The job of this id, if it was asked for.
    pub fn job(&self, id: u64) -> Option<Job<'_>> {
        self.jobs().find(|job| job.id() == id)
    }

    /// Its jobs.
    pub fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        self.answer["jobs"].as_array().into_iter().flatten().map(Job)
    }
}

impl Job<'_> {
    /// Its id.
    pub fn id(&self) -> u64 {
        self.0["id"].as_u64().unwrap_or_default()
    }

    /// Its state's name.
    pub fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or("?")
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        !matches!(self.state(), "pending" | "running")
    }

    /// Whether its polls are traced.
    pub fn is_traced(&self) -> bool {
        self.0["is_traced"] == true
    }
}

/// What a process answers.
pub fn ask(process: u32, line: &Value) -> Result<Value, String> {
    let address = endpoint::address_of(process);
    let answer = endpoint::exchange(&address, &line.to_string(), PATIENCE).map_err(|error| {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => format!(
                "process {process} cannot be asked: it has ended, or has not called dcc_control_open"
            ),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => format!(
                "process {process} does not answer within {} seconds: it is stopped as a whole, by \
                 a debugger say",
                PATIENCE.as_secs()
            ),
            _ => format!("process {process} cannot be asked: {error} ({address})"),
        }
    })?;
    let answer: Value = serde_json::from_str(&answer)
        .map_err(|error| format!("the answer of process {process} is not JSON: {error}"))?;
    match answer["error"].as_str() {
        Some(error) => Err(format!("process {process}: {error}")),
        None => Ok(answer),
    }
}

/// The jobs of a process.
pub fn look(process: u32, ended: bool) -> Result<Host, String> {
    ask(process, &json!({ "do": "list", "ended": ended })).map(|answer| Host { answer })
}

/// One job of a process, ended or not; a list of all leaves some out where there are very many.
pub fn look_at(process: u32, job: u64) -> Result<Host, String> {
    let line = json!({ "do": "list", "ended": true, "job": job });
    ask(process, &line).map(|answer| Host { answer })
}

/// Whether a process has no endpoint any more.
pub fn is_gone(process: u32) -> bool {
    !endpoint::processes().contains(&process)
}

/// All hosts, or the one that is meant.
pub fn all(process: Option<u32>, ended: bool) -> Result<Vec<Host>, String> {
    from_each(process, |process| look(process, ended))
}

/// One that cannot be asked does not hide the others.
fn from_each(
    process: Option<u32>,
    look: impl Fn(u32) -> Result<Host, String>,
) -> Result<Vec<Host>, String> {
    if let Some(process) = process {
        return look(process).map(|host| vec![host]);
    }
    let mut found = Vec::new();
    for process in endpoint::processes() {
        match look(process) {
            Ok(host) => found.push(host),
            Err(error) => eprintln!("dcc-control: {error}"),
        }
    }
    Ok(found)
}

/// The process that is meant where only one can be.
pub fn only(process: Option<u32>) -> Result<u32, String> {
    one_of(all(process, false)?.iter().map(Host::process).collect(), NONE)
}

/// The process that has a job of this id, ended or not.
pub fn with_job(process: Option<u32>, id: u64) -> Result<u32, String> {
    let hosts = from_each(process, |process| look_at(process, id))?;
    let has_it = |host: &&Host| host.job(id).is_some();
    let none = format!("no job has the id {id}; dcc-control list shows those that run");
    one_of(hosts.iter().filter(has_it).map(Host::process).collect(), &none)
}

fn one_of(processes: Vec<u32>, none: &str) -> Result<u32, String> {
    match processes[..] {
        [] => Err(none.to_owned()),
        [process] => Ok(process),
        _ => Err(format!(
            "the processes {processes:?} could be meant; add --process and one of them"
        )),
    }
}
