//! The listing of live jobs, as JSON: for people and for tools that look for the job that does not
//! stop.

use crate::arena::Keeper;
use crate::handle::TRACED;
use crate::job::{JobPin, JobText, Jobs};
use crate::place::Place;
use crate::sys::clock;
use crate::sys::sync::Ordering;
use crate::token::{Cause, TokenPin};
use crate::watch::ThreadReport;
use serde_json::{Value, json};

impl Jobs {
    /// All live jobs as an array of objects.
    pub fn listing(&self) -> String {
        let mut jobs = Vec::new();
        for job in self.live() {
            jobs.extend(self.describe(&job));
        }
        Value::Array(jobs).to_string()
    }

    /// Those that live, pinned one after the other.
    pub(crate) fn live(&self) -> impl Iterator<Item = JobPin<'_>> {
        let pinned = self.arena().slots().filter(|(index, _)| self.arena().pin_index(*index));
        pinned.map(|(index, _)| JobPin::take_over(self, index))
    }

    /// `None`: the job is being made or is dying.
    pub(crate) fn describe(&self, job: &JobPin<'_>) -> Option<Value> {
        let token = TokenPin::new(self.tokens(), self.token(job)).ok()?;
        let now_ns = clock::now_ns();
        let text = |which| self.show_text(job, which, str::to_owned);
        let progress = self.progress(job);
        let diagnosis = self.tokens().diagnosis();
        let watch = self.tokens().watch(&token);
        let times = diagnosis.watches.times(watch);
        let (cancelled_ns, cause) = self.tokens().record(&token);
        let traced = token.slot().state().load(Ordering::Relaxed) & TRACED != 0;
        let since = |time_ns: u64| now_ns.saturating_sub(time_ns);
        let mut threads = Vec::new();
        let mut last_poll_ns = 0;
        let mut longest = ThreadReport::default();
        diagnosis.watches.threads(watch, |report| {
            last_poll_ns = last_poll_ns.max(report.last_poll_ns);
            longest.keep_longer(report);
            threads.push(*report);
        });
        let gap = |report: &ThreadReport| match report.longest_gap.nanoseconds {
            0 => Value::Null,
            nanoseconds => json!({
                "nanoseconds": nanoseconds,
                "from": self.place(report.longest_gap.from),
                "to": self.place(report.longest_gap.to),
            }),
        };
        let threads: Vec<Value> = threads
            .iter()
            .map(|report| {
                json!({
                    "thread": report.thread,
                    "cancel_to_seen_ns": report.cancel_to_seen_ns,
                    "polls": report.polls,
                    "since_last_poll_ns": (report.last_poll_ns != 0)
                        .then(|| since(report.last_poll_ns)),
                    "last_poll_at": (report.last_poll_ns != 0)
                        .then(|| self.place(report.last_place)),
                    "longest_gap": gap(report),
                })
            })
            .collect();
        let cancelled = (cause != Cause::None).then(|| {
            json!({
                "cause": cause.name(),
                "reason": self.tokens().show_reason(&token, str::to_owned),
                "since_ns": since(cancelled_ns),
                "to_end_ns": (times.ended_ns != 0 && times.cancelled_ns != 0)
                    .then(|| times.ended_ns.saturating_sub(times.cancelled_ns)),
                "is_seen": times.is_seen,
            })
        });
        Some(json!({
            "id": self.id(job),
            "label": text(JobText::Label),
            "caller_id": text(JobText::CallerId),
            "state": self.state(job).name(),
            "progress": {
                "done": progress.done,
                "total": progress.total,
                "message": text(JobText::ProgressMessage),
            },
            "age_ns": since(times.created_ns),
            "cancelled": cancelled,
            "is_traced": traced,
            "since_last_poll_ns": (last_poll_ns != 0).then(|| since(last_poll_ns)),
            "longest_gap": gap(&longest),
            "threads": threads,
        }))
    }

    fn place(&self, place: Place) -> Value {
        let show = |file: &str, line| json!({ "file": file, "line": line });
        self.tokens().diagnosis().files.show(place, show)
    }
}
