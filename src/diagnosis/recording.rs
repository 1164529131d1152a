//! A recording of the timeline as a file: Chrome's trace event format, which Perfetto opens.
//!
//! The file is written piece by piece, so that a host whose memory is full can still find out what
//! happened.

use crate::diagnosis::events::EventText;
use crate::diagnosis::moment::{Moment, MomentKind};
use crate::json::object::Object;
use crate::sys::fallible::OutOfMemory;
use crate::sys::system_thread;
use std::cmp::Reverse;
use std::fmt::{self, Display, Write};
use std::io;

/// Moments that were copied from the timeline. They do not change any more.
#[derive(Debug, Default)]
pub struct Recording {
    moments: Vec<Moment>,
    /// Indices of `moments`, sorted by when the moments began.
    order: Vec<u32>,
    /// The numbers of the moments' threads, each once.
    threads: Vec<u64>,
    lost: u64,
}

impl Recording {
    /// Makes a recording of `moments`, which are in the order in which they were noted. `noted` is
    /// how many moments were noted in all; those that are not in `moments` are counted as lost.
    pub fn new(moments: Vec<Moment>, noted: u64) -> Result<Self, OutOfMemory> {
        let (mut order, mut threads) = (Vec::new(), Vec::new());
        order.try_reserve_exact(moments.len()).map_err(|_| OutOfMemory)?;
        order.extend(0..moments.len() as u32);
        // An outer slice comes before the slices inside it, although it was noted after them.
        order.sort_unstable_by_key(|place| {
            let moment = &moments[*place as usize];
            (moment.start_ns, Reverse(moment.duration_ns), *place)
        });
        // Inserted one by one in order, because there are few threads, and one more instance of the
        // sort function would add 4,000 bytes to the library.
        for Moment { thread, .. } in &moments {
            if let Err(place) = threads.binary_search(thread) {
                threads.try_reserve(1).map_err(|_| OutOfMemory)?;
                threads.insert(place, *thread);
            }
        }
        let lost = noted - moments.len() as u64;
        Ok(Self { moments, order, threads, lost })
    }

    /// The moments, sorted by when they began.
    pub fn in_order(&self) -> impl Iterator<Item = &Moment> {
        self.order.iter().map(|place| &self.moments[*place as usize])
    }

    /// How many moments the timeline had lost from its ring.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Writes the recording as one JSON object.
    pub fn write(&self, file: &mut dyn io::Write) -> io::Result<()> {
        let mut text = Text { file, answer: Ok(()) };
        let written = self.write_text(&mut text);
        text.answer?;
        written.map_err(|_| io::ErrorKind::Other.into())
    }

    fn write_text(&self, out: &mut dyn Write) -> fmt::Result {
        let mut file = Object::begin(out)?;
        file.text("displayTimeUnit", "ms")?;
        let mut other = file.object("otherData")?;
        other.text("version", env!("CARGO_PKG_VERSION"))?;
        other.value("lost", self.lost)?;
        other.end()?;
        let mut events = file.list("traceEvents")?.in_lines();
        for thread in &self.threads {
            if let Some(name) =
                system_thread::name(*thread, &mut system_thread::NameRoom::default())
            {
                write_thread_name(events.object()?, *thread, name)?;
            }
        }
        for moment in self.in_order() {
            write_moment(events.object()?, moment)?;
        }
        events.end()?;
        file.end()?;
        out.write_str("\n")
    }
}

fn write_thread_name(mut event: Object<'_>, thread: u64, name: &str) -> fmt::Result {
    event.text("name", "thread_name")?;
    event.text("ph", "M")?;
    event.value("pid", std::process::id())?;
    event.value("tid", thread)?;
    let mut arguments = event.object("args")?;
    arguments.text("name", name)?;
    arguments.end()?;
    event.end()
}

fn write_moment(mut event: Object<'_>, moment: &Moment) -> fmt::Result {
    let (name, category) = title(moment.kind, &moment.text);
    event.text("name", name)?;
    event.text("cat", category)?;
    if moment.kind.is_slice() {
        event.text("ph", "X")?;
        event.value("ts", Microseconds(moment.start_ns))?;
        event.value("dur", Microseconds(moment.duration_ns))?;
    } else {
        event.text("ph", "i")?;
        event.text("s", "t")?;
        event.value("ts", Microseconds(moment.start_ns))?;
    }
    event.value("pid", std::process::id())?;
    event.value("tid", moment.thread)?;
    let mut arguments = event.object("args")?;
    if moment.job_id != 0 {
        arguments.value("job_id", moment.job_id)?;
    }
    if let Some(trace_parent) = moment.trace_parent {
        arguments.text("traceparent", trace_parent.as_str())?;
    }
    write_arguments(&mut arguments, moment)?;
    arguments.end()?;
    event.end()
}

/// The name and the category of a moment in the file.
fn title(kind: MomentKind, text: &EventText) -> (&str, &'static str) {
    match kind {
        MomentKind::Tick { .. } => ("tick", "dispatcher"),
        MomentKind::Job { .. } if text.as_str().is_empty() => ("job", "job"),
        MomentKind::Job { .. } => (text.as_str(), "job"),
        MomentKind::Share if text.as_str().is_empty() => ("share", "progress"),
        MomentKind::Share => (text.as_str(), "progress"),
        MomentKind::Posted { .. } => ("posted", "job"),
        MomentKind::Completion { .. } => ("completion", "job"),
        MomentKind::Cancel { .. } => ("cancel", "cancel"),
        MomentKind::PollSeen { .. } => ("cancel seen", "cancel"),
        MomentKind::CheckNotAsked { .. } => ("check not asked", "cancel"),
        MomentKind::Seal => ("sealed", "job"),
    }
}

/// Writes the arguments that only this kind of moment has, and the moment's text under the name
/// that fits the kind.
fn write_arguments(arguments: &mut Object<'_>, moment: &Moment) -> fmt::Result {
    let what_text_is = match moment.kind {
        MomentKind::Tick { executed, remaining } => {
            arguments.value("executed", executed)?;
            arguments.value("remaining", remaining)?;
            "dispatcher"
        }
        MomentKind::Job { goes_on } => {
            arguments.value("goes_on", goes_on)?;
            "label"
        }
        MomentKind::Posted { lane, depth } => {
            arguments.value("lane", lane)?;
            arguments.value("depth", depth)?;
            "label"
        }
        MomentKind::Completion { state } => {
            arguments.text("state", state.name())?;
            "label"
        }
        MomentKind::Cancel { cause, inherited } => {
            arguments.text("cause", cause)?;
            arguments.value("inherited", inherited)?;
            "reason"
        }
        MomentKind::PollSeen { cause, latency_ns } => {
            arguments.text("cause", cause)?;
            arguments.value("latency_ns", latency_ns)?;
            "reason"
        }
        MomentKind::CheckNotAsked { silence_ns } => {
            arguments.value("silence_ns", silence_ns)?;
            "why"
        }
        MomentKind::Seal | MomentKind::Share => "label",
    };
    match moment.text.as_str() {
        "" => Ok(()),
        text => arguments.text(what_text_is, text),
    }
}

/// Nanoseconds, written as microseconds with three decimals, so that nothing is rounded.
struct Microseconds(u64);

impl Display for Microseconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// Passes text on to a file. It keeps the file's error in `answer`, because `fmt::Error` cannot
/// carry it.
struct Text<'a> {
    file: &'a mut dyn io::Write,
    answer: io::Result<()>,
}

impl Write for Text<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.answer = self.file.write_all(piece.as_bytes());
        self.answer.as_ref().map_err(|_| fmt::Error).copied()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::diagnosis::trace_parent::TraceParent;
    use crate::job_state::JobState;
    use serde_json::{Value, json};

    fn moment(kind: MomentKind, start_ns: u64, duration_ns: u64, text: &str) -> Moment {
        let thread = u64::MAX - 5;
        let text = EventText::new(text);
        Moment { kind, start_ns, duration_ns, thread, job_id: 0, text, trace_parent: None }
    }

    fn written(moments: Vec<Moment>, noted: u64) -> String {
        let mut bytes = Vec::new();
        Recording::new(moments, noted).unwrap().write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn parsed(moments: Vec<Moment>) -> Value {
        let noted = moments.len() as u64;
        serde_json::from_str(&written(moments, noted)).unwrap()
    }

    #[test]
    fn an_empty_recording_is_a_whole_file() {
        let version = env!("CARGO_PKG_VERSION");
        let file: Value = serde_json::from_str(&written(vec![], 7)).unwrap();
        let expected = json!({
            "displayTimeUnit": "ms",
            "otherData": {"version": version, "lost": 7},
            "traceEvents": [],
        });
        assert_eq!(file, expected);
    }

    #[test]
    fn what_is_of_a_trace_says_so() {
        let span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of_trace = moment(MomentKind::Seal, 1, 0, "").of_trace(TraceParent::parse(span));
        let file = parsed(vec![of_trace, moment(MomentKind::Seal, 2, 0, "")]);
        let told = |at: usize| file["traceEvents"][at]["args"]["traceparent"].clone();
        assert_eq!((told(0), told(1)), (json!(span), Value::Null));
    }

    #[test]
    fn each_kind_says_what_it_knows() {
        let kinds = [
            (MomentKind::Tick { executed: 3, remaining: 4 }, "Maya"),
            (MomentKind::Job { goes_on: true }, "Weld \"edges\"\n\u{1}"),
            (MomentKind::Job { goes_on: false }, ""),
            (MomentKind::Posted { lane: 2, depth: 9 }, "Weld"),
            (MomentKind::Cancel { cause: "request", inherited: false }, "enough"),
            (MomentKind::PollSeen { cause: "deadline", latency_ns: 5 }, "too slow"),
            (MomentKind::Completion { state: JobState::Cancelled }, "Weld"),
            (MomentKind::CheckNotAsked { silence_ns: 9 }, "its thread joins"),
            (MomentKind::Seal, "Weld"),
        ];
        let mut at = 1000;
        let moments = kinds.map(|(kind, text)| {
            at += 1000;
            Moment { job_id: 8, ..moment(kind, at, if kind.is_slice() { 30 } else { 0 }, text) }
        });
        let file = parsed(moments.to_vec());
        let rows: Vec<Value> = file["traceEvents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                assert_eq!(event["pid"], std::process::id());
                assert_eq!(event["tid"], u64::MAX - 5);
                let is_slice = event["ph"] == "X";
                assert_eq!(event.get("dur").is_some(), is_slice);
                assert_eq!(event["s"], if is_slice { Value::Null } else { json!("t") });
                json!([event["name"], event["cat"], event["ph"], event["args"]])
            })
            .collect();
        let label = "Weld \"edges\"\n\u{1}";
        let args = [
            json!({"job_id": 8, "executed": 3, "remaining": 4, "dispatcher": "Maya"}),
            json!({"job_id": 8, "goes_on": true, "label": label}),
            json!({"job_id": 8, "goes_on": false}),
            json!({"job_id": 8, "lane": 2, "depth": 9, "label": "Weld"}),
            json!({"job_id": 8, "cause": "request", "inherited": false, "reason": "enough"}),
            json!({"job_id": 8, "cause": "deadline", "latency_ns": 5, "reason": "too slow"}),
            json!({"job_id": 8, "state": "cancelled", "label": "Weld"}),
            json!({"job_id": 8, "silence_ns": 9, "why": "its thread joins"}),
            json!({"job_id": 8, "label": "Weld"}),
        ];
        let expected = [
            json!(["tick", "dispatcher", "X", args[0]]),
            json!([label, "job", "X", args[1]]),
            json!(["job", "job", "X", args[2]]),
            json!(["posted", "job", "i", args[3]]),
            json!(["cancel", "cancel", "i", args[4]]),
            json!(["cancel seen", "cancel", "i", args[5]]),
            json!(["completion", "job", "X", args[6]]),
            json!(["check not asked", "cancel", "i", args[7]]),
            json!(["sealed", "job", "i", args[8]]),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        let tick = MomentKind::Tick { executed: 0, remaining: 0 };
        let times = [(1, 10), (999, 1_000), (123_456_789_012_345_678, 9_007_199_254_740_993)];
        let text = written(times.map(|(start, long)| moment(tick, start, long, "")).to_vec(), 3);
        for expected in [
            "\"ts\":0.001,\"dur\":0.010,",
            "\"ts\":0.999,\"dur\":1.000,",
            "\"ts\":123456789012345.678,\"dur\":9007199254740.993,",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    #[test]
    fn moments_stand_in_the_order_of_their_begin_and_outer_ones_first() {
        let job = MomentKind::Job { goes_on: false };
        let tick = MomentKind::Tick { executed: 2, remaining: 0 };
        let posted = MomentKind::Posted { lane: 0, depth: 1 };
        let file = parsed(vec![
            moment(job, 20, 5, "first"),
            moment(posted, 40, 0, "one"),
            moment(posted, 40, 0, "other"),
            moment(job, 30, 9, "second"),
            moment(tick, 20, 25, ""),
        ]);
        let events = file["traceEvents"].as_array().unwrap();
        let names: Vec<_> = events.iter().map(|event| event["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["tick", "first", "second", "posted", "posted"]);
        let labels = [3, 4].map(|at| &events[at]["args"]["label"]);
        assert_eq!(labels, ["one", "other"], "as noted");
        assert!(events.iter().all(|event| event["args"].get("job_id").is_none()), "0 is none");
    }

    #[test]
    fn a_writer_that_fails_ends_it() {
        let mut room = [0; 200];
        let tick = MomentKind::Tick { executed: 0, remaining: 0 };
        let recording = Recording::new(vec![moment(tick, 1, 1, ""); 5], 5).unwrap();
        assert!(recording.write(&mut room.as_mut_slice()).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn threads_that_live_are_named() {
        let named = std::thread::Builder::new().name("the \"pump\"".to_owned());
        let text = named.spawn(|| {
            let kind = MomentKind::Posted { lane: 0, depth: 1 };
            let moment = Moment::now(kind, 1, EventText::default());
            (moment.thread, parsed(vec![moment, moment]))
        });
        let (thread, file) = text.unwrap().join().unwrap();
        let events = file["traceEvents"].as_array().unwrap();
        let expected = json!({
            "name": "thread_name",
            "ph": "M",
            "pid": std::process::id(),
            "tid": thread,
            "args": {"name": "the \"pump\""},
        });
        assert_eq!((&events[0], events.len()), (&expected, 3));
    }
}
