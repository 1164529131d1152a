//! The hosts that can be asked, and their answers.

use crate::out;
use dcc_cancel::sys::endpoint;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::Duration;

/// How long a host may take to answer, including the time in which it answers earlier clients.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to say if there is no host.
pub const NONE: &str = "No host of this user can be asked: none has called dcc_control_open.";

/// One host's answer to `list`.
pub struct Host {
    pub process: u32,
    /// The host's answer to `list`, as it came.
    pub answer: Value,
}

/// The hosts that have answered, and how many have not.
pub struct Hosts {
    /// The hosts that have answered.
    pub found: Vec<Host>,
    /// How many hosts have not answered; a message about each has been printed.
    pub failed: usize,
}

/// One job of a host's answer.
pub struct Job<'a>(pub &'a Value);

impl Host {
    /// The job with this id; `None` if the answer does not have it.
    pub fn job(&self, id: u64) -> Option<Job<'_>> {
        self.jobs().find(|job| job.id() == id)
    }

    /// The place from which to ask for the next page of jobs; `None` if there are no more jobs.
    pub fn next(&self) -> Option<u64> {
        self.answer["next"].as_u64()
    }

    /// How many jobs were left out of the answer.
    pub fn left_out(&self) -> u64 {
        self.answer["more"].as_u64().unwrap_or(0)
    }

    pub fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        self.answer["jobs"].as_array().into_iter().flatten().map(Job)
    }
}

impl Job<'_> {
    pub fn id(&self) -> u64 {
        self.0["id"].as_u64().unwrap_or_default()
    }

    /// The name of the job's state.
    pub fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or("?")
    }

    pub fn is_ended(&self) -> bool {
        !matches!(self.state(), "pending" | "running")
    }

    pub fn is_traced(&self) -> bool {
        self.0["is_traced"] == true
    }
}

/// Sends a question to a process and returns its answer. The error is a message for the user.
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

/// A page of the jobs of a process, from the place `from` that [`Host::next`] returned. `ended`:
/// also those that have ended.
pub fn look_from(process: u32, ended: bool, from: u64) -> Result<Host, String> {
    let line = json!({ "do": "list", "ended": ended, "from": from });
    ask(process, &line).map(|answer| Host { process, answer })
}

/// The jobs of a process, or the first page if there are very many. `ended`: also those that have
/// ended.
pub fn look(process: u32, ended: bool) -> Result<Host, String> {
    ask(process, &json!({ "do": "list", "ended": ended })).map(|answer| Host { process, answer })
}

/// A host's answer about one of its jobs, ended or not. Used for a single job, because the answer
/// about all jobs leaves some out if there are very many.
pub fn look_at(process: u32, job: u64) -> Result<Host, String> {
    let line = json!({ "do": "list", "ended": true, "job": job });
    ask(process, &line).map(|answer| Host { process, answer })
}

/// Whether a process no longer has an endpoint.
pub fn is_gone(process: u32) -> bool {
    !endpoint::processes().contains(&process)
}

/// The answers of all hosts, or only of the host with the number `process`.
pub fn all(process: Option<u32>, ended: bool) -> Result<Hosts, String> {
    from_each(process, |process| look(process, ended))
}

/// Asks each host by `look`, or only the host with the number `process`. If one of all hosts cannot
/// be asked, the others are asked anyway.
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
            // The host has ended meanwhile.
            Err(_) if is_gone(process) => (),
            Err(error) => {
                out::complain(&format!("dcc-control: {error}"));
                hosts.failed += 1;
            }
        }
    }
    Ok(hosts)
}

/// The only host: that of `process` or, if there is just one, that host. An error: there is none,
/// several could be meant, or a host did not answer.
pub fn only(process: Option<u32>) -> Result<u32, String> {
    one_of(all(process, false)?, |_| true, NONE)
}

/// The process whose host has a job with this id, ended or not. An error: there is none, several
/// have, or a host did not answer.
pub fn with_job(process: Option<u32>, id: u64) -> Result<u32, String> {
    let hosts = from_each(process, |process| look_at(process, id))?;
    let none = format!("no job has the id {id}; dcc-control list shows those that run");
    one_of(hosts, |host| host.job(id).is_some(), &none)
}

/// The process of the one host for which `is_candidate` is true. An error if no host or several
/// fit, or if a host did not answer. Ids belong to a process: a job with the same id in another
/// host is another job. `none` is the message if no host fits.
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
