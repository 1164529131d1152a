//! What the command line asks for.

use crate::out;
use lexopt::{Arg, Parser, ValueExt};
use std::time::Duration;

pub const USAGE: &str = "\
Usage: dcc-control <command> [options]

  list                  the jobs of all hosts of this user that can be asked
    --ended             with those that have ended and are still held
    --all               all of a host that has more than 1000
    --json              as JSON, with all that is known
  watch [<job>...]      their progress, as long as they run; all jobs if none is named
    --interval <s>      seconds between two looks (0.2)
  cancel <job> | --all  asks a job, or all of a host, to stop, and waits until it has
    --reason <text>     why, for those who look (\"cancelled with dcc-control\")
    --wait <s>          seconds to wait for the end (2)
  trace <job>           where it polls, and where it forgets to
    --seconds <s>       for how long to look (2)

  --process <number>    of this process only
  --help, --version

A host can be asked once it, a plugin or a script in it has called dcc_control_open.
Exit status: 0 done, 1 not all came about, 2 wrong use.";

/// A command, and the process that it is limited to.
#[derive(Debug)]
pub struct Asked {
    /// The command with its options.
    pub verb: Verb,
    /// The only process that the command is for; `None` for all hosts.
    pub process: Option<u32>,
}

#[derive(Debug)]
pub enum Verb {
    /// Shows the jobs once, with `ended` also those that have ended, with `as_json` as JSON. With
    /// `all`, every job is shown, otherwise as many as a host gives in one answer.
    List { ended: bool, all: bool, as_json: bool },
    /// Shows the jobs with these ids until they end, or all jobs if `jobs` is empty. Hosts are
    /// asked once in each `interval`.
    Watch { jobs: Vec<u64>, interval: Duration },
    /// Asks jobs to stop, and waits at most `wait` for their end.
    Cancel { which: Which, reason: String, wait: Duration },
    /// Traces a job for the time `length`, and shows where it polled.
    Trace { job: u64, length: Duration },
}

/// The jobs that a cancel is for.
#[derive(Debug)]
pub enum Which {
    /// All jobs of one host.
    All,
    /// The job with this id.
    One(u64),
}

#[derive(Default)]
struct Options {
    jobs: Vec<u64>,
    process: Option<u32>,
    ended: bool,
    as_json: bool,
    all: bool,
    reason: Option<String>,
    interval: Option<f64>,
    wait: Option<f64>,
    seconds: Option<f64>,
}

impl Options {
    /// Each option, the commands that accept it, separated by spaces, and whether it was given.
    fn given(&self) -> [(&'static str, &'static str, bool); 8] {
        [
            ("--ended", "list", self.ended),
            ("--json", "list", self.as_json),
            ("a job", "watch cancel trace", !self.jobs.is_empty()),
            ("--interval", "watch", self.interval.is_some()),
            ("--all", "list cancel", self.all),
            ("--reason", "cancel", self.reason.is_some()),
            ("--wait", "cancel", self.wait.is_some()),
            ("--seconds", "trace", self.seconds.is_some()),
        ]
    }
}

/// Reads the command line. `None`: it asked for the help text or the version, which has been shown.
/// An error says what is wrong with it.
pub fn read() -> Result<Option<Asked>, String> {
    let mut parser = Parser::from_env();
    let mut verb = None;
    let mut options = Options::default();
    while let Some(argument) = parser.next().map_err(shown)? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => {
                out::say(USAGE);
                return Ok(None);
            }
            Arg::Long("version") => {
                out::say(concat!("dcc-control ", env!("CARGO_PKG_VERSION")));
                return Ok(None);
            }
            Arg::Value(word) if verb.is_none() => verb = Some(word.string().map_err(shown)?),
            Arg::Value(job) => options.jobs.push(job.parse().map_err(shown)?),
            Arg::Long(name) => {
                let name = name.to_owned();
                option(&mut options, &name, &mut parser).map_err(shown)?;
            }
            Arg::Short(letter) => return Err(format!("-{letter} is no option")),
        }
    }
    let verb = verb.ok_or("no command was given")?;
    for (name, verbs, is_given) in options.given() {
        if is_given && verbs.split(' ').all(|one| one != verb) {
            return Err(format!("{name} is not for {verb}"));
        }
    }
    let process = options.process;
    Ok(Some(Asked { verb: verb_of(&verb, options)?, process }))
}

fn shown(error: lexopt::Error) -> String {
    error.to_string()
}

fn option(options: &mut Options, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
    match name {
        "process" => options.process = Some(parser.value()?.parse()?),
        "ended" => options.ended = true,
        "json" => options.as_json = true,
        "all" => options.all = true,
        "reason" => options.reason = Some(parser.value()?.string()?),
        "interval" => options.interval = Some(parser.value()?.parse()?),
        "wait" => options.wait = Some(parser.value()?.parse()?),
        "seconds" => options.seconds = Some(parser.value()?.parse()?),
        _ => return Err(Arg::Long(name).unexpected()),
    }
    Ok(())
}

fn verb_of(verb: &str, options: Options) -> Result<Verb, String> {
    Ok(match verb {
        "list" => {
            let Options { ended, all, as_json, .. } = options;
            Verb::List { ended, all, as_json }
        }
        "watch" => Verb::Watch {
            jobs: options.jobs,
            interval: time("--interval", options.interval, 0.2, 0.01)?,
        },
        "cancel" => Verb::Cancel {
            which: match (&options.jobs[..], options.all) {
                ([job], false) => Which::One(*job),
                ([], true) => Which::All,
                _ => return Err("cancel takes the id of one job, or --all".to_owned()),
            },
            reason: options.reason.unwrap_or_else(|| "cancelled with dcc-control".to_owned()),
            wait: time("--wait", options.wait, 2.0, 0.0)?,
        },
        "trace" => match options.jobs[..] {
            [job] => Verb::Trace { job, length: time("--seconds", options.seconds, 2.0, 0.01)? },
            _ => return Err("trace takes the id of one job".to_owned()),
        },
        other => return Err(format!("{other} is no command")),
    })
}

fn time(name: &str, given: Option<f64>, usual: f64, least: f64) -> Result<Duration, String> {
    let seconds = given.unwrap_or(usual);
    if !(least..=86_400.0).contains(&seconds) {
        return Err(format!("{name} is {seconds}; it can be {least} to 86400 seconds"));
    }
    Ok(Duration::from_secs_f64(seconds))
}
