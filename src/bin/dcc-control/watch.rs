//! Progress as it goes: drawn over itself on a terminal, else a line for each change.

use crate::hosts::{self, Host, Job};
use crate::show;
use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;

/// Shows jobs until those that were named have ended; all of them until there is no host left.
pub fn watch(process: Option<u32>, jobs: &[u64], interval: Duration) -> Result<bool, String> {
    let process = match jobs {
        [] => process,
        [first, ..] => Some(hosts::with_job(process, *first)?),
    };
    let mut screen = Screen::new();
    let mut seen = HashSet::new();
    loop {
        let hosts = match look(process, jobs) {
            // It has ended, and with it its jobs.
            Err(_) if !seen.is_empty() => Vec::new(),
            other => other?,
        };
        let is_meant = |job: &Job<'_>| {
            if jobs.is_empty() { !job.is_ended() } else { jobs.contains(&job.id()) }
        };
        let lines = shown(&hosts, &is_meant, jobs.is_empty());
        screen.draw(&lines);
        for host in &hosts {
            seen.extend(host.jobs().filter(is_meant).map(|job| job.id()));
        }
        let runs = |job: &Job<'_>| is_meant(job) && !job.is_ended();
        let is_over = hosts.iter().all(|host| !host.jobs().any(|job| runs(&job)));
        if hosts.is_empty() || !jobs.is_empty() && is_over {
            if let Some(missing) = jobs.iter().find(|job| !seen.contains(job)) {
                return Err(format!("no job has the id {missing}"));
            }
            if hosts.is_empty() {
                eprintln!("{}", if seen.is_empty() { hosts::NONE } else { "The host has ended." });
            }
            return Ok(!seen.is_empty());
        }
        thread::sleep(interval);
    }
}

/// The hosts with the jobs that were named, or with all that have not ended.
fn look(process: Option<u32>, jobs: &[u64]) -> Result<Vec<Host>, String> {
    match (process, jobs) {
        (Some(process), [_, ..]) => jobs.iter().map(|job| hosts::look_at(process, *job)).collect(),
        _ => hosts::all(process, false),
    }
}

/// The lines of what is watched, and what of each counts as news.
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
            let progress = &job.0["progress"];
            let is_asked = !job.0["cancelled"].is_null();
            let news = format!("{} {progress} {is_asked} {}", job.id(), job.state());
            lines.push((show::job(&job), news));
        }
    }
    lines
}

/// Where the lines go.
struct Screen {
    is_terminal: bool,
    width: usize,
    drawn: usize,
    told: Vec<String>,
}

impl Screen {
    fn new() -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Self {
            is_terminal: io::stdout().is_terminal(),
            width: columns.unwrap_or(120),
            drawn: 0,
            told: Vec::new(),
        }
    }

    fn draw(&mut self, lines: &[(String, String)]) {
        let mut out = String::new();
        if self.is_terminal {
            // Up to the first line of before, and away with what was below.
            if self.drawn > 0 {
                out += &format!("\x1b[{}A", self.drawn);
            }
            out += "\x1b[J";
            for (line, _) in lines {
                out.extend(line.chars().take(self.width));
                out.push('\n');
            }
            self.drawn = lines.len();
        } else {
            for (line, _) in lines.iter().filter(|(_, news)| !self.told.contains(news)) {
                out += &format!("{line}\n");
            }
            self.told = lines.iter().map(|(_, news)| news.clone()).collect();
        }
        // Whoever reads no more wants no more.
        let mut stdout = io::stdout().lock();
        if stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            std::process::exit(0);
        }
    }
}
