//! Shows progress while jobs run. On a terminal it is redrawn in place; otherwise a line is printed
//! for each change.

use crate::hosts::{self, Host, Hosts, Job};
use crate::out::{complain, write};
use crate::show;
use dcc_cancel::printable::Escaped;
use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

/// Shows the jobs with the ids `jobs` until they have ended. If `jobs` is empty, shows all jobs
/// until no host is left. False: no job was seen.
pub fn watch(process: Option<u32>, jobs: &[u64], interval: Duration) -> Result<bool, String> {
    let process = match jobs {
        [] => process,
        [first, ..] => Some(hosts::with_job(process, *first)?),
    };
    let mut screen = Screen::new();
    let mut seen = HashSet::new();
    loop {
        let Hosts { found, failed } = match look(process, jobs) {
            // If the host is gone, its jobs have ended as well.
            Err(_) if process.is_some_and(hosts::is_gone) && !seen.is_empty() => {
                Hosts { found: Vec::new(), failed: 0 }
            }
            hosts => hosts?,
        };
        let is_meant = |job: &Job<'_>| {
            if jobs.is_empty() { !job.is_ended() } else { jobs.contains(&job.id()) }
        };
        let left_out = if jobs.is_empty() { found.iter().map(Host::left_out).sum() } else { 0 };
        screen.draw(&shown(&found, &is_meant, jobs.is_empty()), left_out);
        for host in &found {
            seen.extend(host.jobs().filter(is_meant).map(|job| job.id()));
        }
        let runs = |job: &Job<'_>| is_meant(job) && !job.is_ended();
        let is_over = found.iter().all(|host| !host.jobs().any(|job| runs(&job)));
        if found.is_empty() && failed == 0 || !jobs.is_empty() && is_over {
            if let Some(missing) = jobs.iter().find(|job| !seen.contains(job)) {
                return Err(format!("no job has the id {missing}"));
            }
            if found.is_empty() {
                complain(if seen.is_empty() { hosts::NONE } else { "The host has ended." });
            }
            return Ok(!seen.is_empty());
        }
        thread::sleep(interval);
    }
}

/// The answers of the hosts about the jobs with the ids `jobs`, or about all jobs that have not
/// ended.
fn look(process: Option<u32>, jobs: &[u64]) -> Result<Hosts, String> {
    let (Some(process), [_, ..]) = (process, jobs) else { return hosts::all(process, false) };
    let found: Result<Vec<_>, _> = jobs.iter().map(|job| hosts::look_at(process, *job)).collect();
    Ok(Hosts { found: found?, failed: 0 })
}

/// The lines to show. With each line comes a text: only if that text has changed, the line is
/// printed again.
fn shown(
    hosts: &[Host],
    is_meant: &dyn Fn(&Job<'_>) -> bool,
    with_hosts: bool,
) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for host in hosts {
        if with_hosts {
            let about = show::host_line(host);
            lines.push((about.clone(), about));
        }
        for job in host.jobs().filter(is_meant) {
            let mut progress = job.0["progress"].clone();
            // The estimate of the time left changes all the time, so its change is not news.
            let _ = progress.as_object_mut().map(|progress| progress.remove("time_left_ns"));
            let is_asked = !job.0["cancelled"].is_null();
            let is_silent = !job.0["check_not_asked_ns"].is_null();
            let flags = [is_asked, is_silent, job.0["is_sealed"] == true];
            let news = format!("{} {progress} {flags:?} {}", job.id(), job.state());
            lines.push((show::job(&job), news));
        }
    }
    lines
}

/// Maximum number of lines that are redrawn, so that they fit into the smallest usual terminal.
const MOST_LINES: usize = 22;

/// The output, and what it shows at the moment.
struct Screen {
    is_terminal: bool,
    drawn: usize,
    told: Vec<String>,
    has_told_of_more: bool,
}

impl Screen {
    fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            drawn: 0,
            told: Vec::new(),
            has_told_of_more: false,
        }
    }

    /// Draws the lines. `left_out` is the number of jobs that have no line.
    fn draw(&mut self, lines: &[(String, String)], left_out: u64) {
        let mut out = String::new();
        if self.is_terminal {
            // Moves up to the first line of the last drawing and clears what is below.
            if self.drawn > 0 {
                out += &format!("\x1b[{}A", self.drawn);
            }
            // A line that is too long is cut and not wrapped, because it would take two lines of
            // the terminal.
            out += "\x1b[J\x1b[?7l";
            for (line, _) in lines.iter().take(MOST_LINES) {
                out += &format!("{}\n", Escaped(line));
            }
            let more = lines.len().saturating_sub(MOST_LINES) as u64 + left_out;
            if more > 0 {
                out += &format!("and {more} more\n");
            }
            out += "\x1b[?7h";
            self.drawn = lines.len().min(MOST_LINES) + usize::from(more > 0);
        } else {
            for (line, _) in lines.iter().filter(|(_, news)| !self.told.contains(news)) {
                out += &format!("{}\n", Escaped(line));
            }
            self.told = lines.iter().map(|(_, news)| news.clone()).collect();
            if left_out > 0 && !std::mem::replace(&mut self.has_told_of_more, true) {
                out += &format!("and {left_out} more\n");
            }
        }
        write(&out);
    }
}
