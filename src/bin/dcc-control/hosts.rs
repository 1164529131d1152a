//! The hosts that can be asked, and what they answer.

use crate::out;
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
    /// The number of its process.
    pub process: u32,
    /// As it came.
    pub answer: Value,
}

/// The hosts that have answered.
pub struct Hosts {
    /// They themselves.
    pub found: Vec<Host>,
    /// How many have not, which has been said of each.
    pub failed: usize,
}

/// One job of it.
pub struct Job<'a>(pub &'a Value);

impl Host {
    /// The job of this id, if it was asked for.
    pub fn job(&self, id: u64) -> Option<Job<'_>> {
        self.jobs().find(|job| job.id() == id)
    }

    /// Where to ask for the jobs that follow, if there are any.
    pub fn next(&self) -> Option<u64> {
        self.answer["next"].as_u64()
    }

    /// How many jobs were left out of the answer.
    pub fn left_out(&self) -> u64 {
        self.answer["more"].as_u64().unwrap_or(0)
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

/// The jobs of a process that come after those of another answer.
pub fn look_from(process: u32, ended: bool, from: u64) -> Result<Host, String> {
    let line = json!({ "do": "list", "ended": ended, "from": from });
    ask(process, &line).map(|answer| Host { process, answer })
}

/// The jobs of a process, or the first of very many.
pub fn look(process: u32, ended: bool) -> Result<Host, String> {
    ask(process, &json!({ "do": "list", "ended": ended })).map(|answer| Host { process, answer })
}

/// One job of a process, ended or not; a list of all leaves some out where there are very many.
pub fn look_at(process: u32, job: u64) -> Result<Host, String> {
    let line = json!({ "do": "list", "ended": true, "job": job });
    ask(process, &line).map(|answer| Host { process, answer })
}

/// Whether a process has no endpoint any more.
pub fn is_gone(process: u32) -> bool {
    !endpoint::processes().contains(&process)
}

/// All hosts, or the one that is meant.
pub fn all(process: Option<u32>, ended: bool) -> Result<Hosts, String> {
    from_each(process, |process| look(process, ended))
}

/// One that cannot be asked does not hide the others.
fn from_each(
    process: Option<u32>,
    look: impl Fn(u32) -> Result<Host, String>,
) -> Result<Hosts, String> {
    if let Some(process) = process {
        return look(process).map(|host| Hosts { found: vec![host], failed: 0 });
    }
    let mut hosts = Hosts { found: Vec::new(), failed: 0 };
    for process in endpoint::processes() {
        match look(process) {
            Ok(host) => hosts.found.push(host),
            // It has ended meanwhile.
            Err(_) if is_gone(process) => (),
            Err(error) => {
                out::complain(&format!("dcc-control: {error}"));
                hosts.failed += 1;
            }
        }
    }
    Ok(hosts)
}

/// The process that is meant where only one can be.
pub fn only(process: Option<u32>) -> Result<u32, String> {
    one_of(all(process, false)?, |_| true, NONE)
}

/// The process that has a job of this id, ended or not.
pub fn with_job(process: Option<u32>, id: u64) -> Result<u32, String> {
    let hosts = from_each(process, |process| look_at(process, id))?;
    let none = format!("no job has the id {id}; dcc-control list shows those that run");
    one_of(hosts, |host| host.job(id).is_some(), &none)
}

/// Ids are a process's own: a job of the same id in another host is another job.
fn one_of(hosts: Hosts, is_candidate: impl Fn(&Host) -> bool, none: &str) -> Result<u32, String> {
    let candidates = hosts.found.iter().filter(|host| is_candidate(host));
    let processes: Vec<u32> = candidates.map(|host| host.process).collect();
    match processes[..] {
        _ if hosts.failed > 0 => Err(format!(
            "a host that cannot be asked may be the one that is meant, not one of {processes:?}; add \
             --process and its number"
        )),
        [] => Err(none.to_owned()),
        [process] => Ok(process),
        _ => Err(format!(
            "the processes {processes:?} could be meant; add --process and one of them"
        )),
    }
}
