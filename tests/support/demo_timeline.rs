//! Checks that the trace file which the demo writes agrees with what the demo prints.

use serde_json::Value;
use std::path::Path;

/// One event of the file.
struct Event<'a>(&'a Value);

impl<'a> Event<'a> {
    fn name(&self) -> &'a str {
        self.0["name"].as_str().expect("each event has a name")
    }

    fn category(&self) -> &'a str {
        self.0["cat"].as_str().unwrap_or("")
    }

    /// In microseconds.
    fn start(&self) -> f64 {
        self.0["ts"].as_f64().expect("a time")
    }

    /// In microseconds.
    fn length(&self) -> f64 {
        self.0["dur"].as_f64().expect("slices have a length")
    }

    fn end(&self) -> f64 {
        self.start() + self.length()
    }

    fn thread(&self) -> u64 {
        self.0["tid"].as_u64().expect("a thread")
    }

    fn job(&self) -> u64 {
        self.argument("job_id").as_u64().expect("a job")
    }

    fn argument(&self, key: &str) -> &'a Value {
        &self.0["args"][key]
    }

    /// Whether it is a slice of a job.
    fn is_run(&self) -> bool {
        self.0["ph"] == "X" && self.category() == "job" && self.name() != "completion"
    }

    /// Whether this slice contains the whole of the other.
    fn contains(&self, inner: &Self) -> bool {
        // Fractions of microseconds are sums of rounded numbers.
        let slack = 0.01;
        self.thread() == inner.thread()
            && self.start() <= inner.start()
            && inner.end() <= self.end() + slack
    }

    fn has(&self, moment: f64) -> bool {
        (self.start()..=self.end()).contains(&moment)
    }
}

/// The text of the output between these two texts.
#[track_caller]
fn between<'a>(told: &'a str, before: &str, after: &str) -> &'a str {
    let rest = told.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {told}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} after {before:?} in {told}")).0
}

/// Reads the file and compares it with what was printed.
#[track_caller]
pub fn assert_tells_the_same(path: &Path, told: &str) {
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).expect("JSON");
    assert_eq!(file["otherData"]["lost"], 0);
    let events: Vec<_> = file["traceEvents"].as_array().unwrap().iter().map(Event).collect();
    let thread_called = |name: &str| {
        let row = events.iter().find(|row| row.0["ph"] == "M" && row.argument("name") == name);
        row.unwrap_or_else(|| panic!("no thread {name}")).thread()
    };
    let (ui, agent) = (thread_called("UI thread"), thread_called("agent"));
    assert_ticks(&events, ui, told);
    assert_jobs(&events, ui);
    let cancels: Vec<_> = events.iter().filter(|event| event.name() == "cancel").collect();
    let reasons: Vec<_> = cancels.iter().map(|cancel| cancel.argument("reason")).collect();
    assert_eq!(reasons, ["the artist changed her mind", "two of three will do"]);
    for cancel in &cancels {
        assert_eq!(cancel.thread(), agent);
        assert_obeyed(&events, cancel);
    }
    let seen = |event: &&Event<'_>| event.name() == "cancel seen";
    let scan = cancels[0].job();
    assert!(events.iter().any(|event| seen(&event) && event.job() == scan), "a poll saw the first");
    let seen = events.iter().filter(seen).count();
    assert!(told.contains(&format!("2 obeyed; polls saw {seen} of them")), "{seen}\n{told}");
}

/// Checks that the file has as many ticks as the demo printed, and the same longest tick.
fn assert_ticks(events: &[Event<'_>], ui: u64, told: &str) {
    let ticks: Vec<_> = events.iter().filter(|event| event.name() == "tick").collect();
    assert!(ticks.iter().all(|tick| tick.thread() == ui));
    let printed = between(told, "  dispatcher   ", " ticks, ").replace(',', "");
    assert_eq!(printed, ticks.len().to_string());
    let longest = ticks.iter().max_by(|one, other| one.length().total_cmp(&other.length()));
    let longest = longest.expect("at least one");
    let printed: f64 = between(told, "  longest tick ", " ms: ").parse().unwrap();
    let label = between(told, "the UI was stuck in \"", "\"");
    let runs = events.iter().filter(|event| event.is_run());
    let stuck = runs.max_by(|one, other| one.length().total_cmp(&other.length())).unwrap();
    assert_eq!(stuck.name(), label);
    assert!(longest.contains(stuck));
    // On a busy machine nothing is known about the time between two reads of the clock. The printed
    // number is rounded.
    assert!(printed + 0.1 >= stuck.length() / 1e3, "{printed} {}", stuck.length());
}

/// Checks that each slice lies inside one tick, and that the jobs of the last scene share ticks.
fn assert_jobs(events: &[Event<'_>], ui: u64) {
    let ticks = || events.iter().filter(|event| event.name() == "tick");
    let mut most_in_one = 0;
    for tick in ticks() {
        let inside = events.iter().filter(|event| event.is_run() && tick.contains(event));
        let mut inside: Vec<_> = inside.map(Event::job).collect();
        assert_eq!(tick.argument("executed"), inside.len());
        most_in_one = inside.len().max(most_in_one);
        inside.sort_unstable();
        assert!(inside.windows(2).all(|two| two[0] != two[1]), "a step has one slice a tick");
    }
    // Three jobs run in one tick, unless other programs take so much time that the tick's budget is
    // spent before.
    assert!((1..=3).contains(&most_in_one), "{most_in_one}");
    let runs: Vec<_> = events.iter().filter(|event| event.is_run()).collect();
    for run in &runs {
        assert_eq!(run.thread(), ui);
        assert_eq!(ticks().filter(|tick| tick.contains(run)).count(), 1, "{}", run.0);
    }
    // The names and slices of the jobs, in order: `scan` as one function, `scan` in slices, three
    // jobs in slices, two functions.
    let mut jobs: Vec<(u64, &str, usize)> = Vec::new();
    for run in &runs {
        match jobs.iter_mut().find(|(job, ..)| *job == run.job()) {
            Some((.., slices)) => *slices += 1,
            None => jobs.push((run.job(), run.name(), 1)),
        }
        let of_job = |other: &&&Event<'_>| other.job() == run.job();
        let is_last = std::ptr::eq(*runs.iter().rfind(of_job).unwrap(), *run);
        // A job that is cancelled between two slices has a last slice that did not know that it was
        // the last.
        let was_cut = is_last && run.name() == "middle";
        assert!(was_cut || run.argument("goes_on") == !is_last, "{}", run.0);
    }
    let names: Vec<_> = jobs.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(
        names,
        ["scan", "scan", "left", "middle", "right", "bake openness", "bake, polling"]
    );
    let slices: Vec<_> = jobs.iter().map(|(.., slices)| *slices).collect();
    assert_eq!((slices[0], slices[5], slices[6]), (1, 1, 1), "functions");
    // The number of slices depends on the machine.
    assert!(slices[1] > 2 && slices[3] > 1 && slices[3] < slices[2].min(slices[4]), "{slices:?}");
}

/// Checks the order of the cancelled job's events: it was posted, ran, was cancelled, saw the
/// cancel if it was running, and ended.
fn assert_obeyed(events: &[Event<'_>], cancel: &Event<'_>) {
    let job = cancel.job();
    let only = |name: &str| {
        let mut found = events.iter().filter(|event| event.name() == name && event.job() == job);
        let first = found.next().unwrap_or_else(|| panic!("no {name} of {}", cancel.0));
        assert!(found.next().is_none(), "one {name} of {}", cancel.0);
        first
    };
    let runs: Vec<_> = events.iter().filter(|event| event.is_run() && event.job() == job).collect();
    let (first, last) = (runs[0], runs[runs.len() - 1]);
    let (posted, completion) = (only("posted"), only("completion"));
    assert!(posted.start() <= first.start() && first.start() < cancel.start());
    assert!(cancel.start() <= completion.start() && last.end() <= completion.start());
    assert_eq!(completion.argument("state"), "cancelled");
    if events.iter().all(|event| event.name() != "cancel seen" || event.job() != job) {
        assert!(last.start() < cancel.start(), "no slice after the cancel");
        return;
    }
    let seen = only("cancel seen");
    assert!(cancel.start() <= seen.start() && seen.start() <= completion.start());
    assert!(last.has(seen.start()) && seen.thread() == last.thread());
    assert_eq!(seen.argument("reason"), cancel.argument("reason"));
    let latency_ns = seen.argument("latency_ns").as_f64().unwrap();
    assert!((latency_ns / 1e3 - (seen.start() - cancel.start())).abs() < 0.01, "{}", seen.0);
}
