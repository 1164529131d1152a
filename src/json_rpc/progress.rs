//! How far a request is, for a peer that wants to be told, and the notification that tells it.
//!
//! This module takes no locks; its caller holds the lock of the request's body.

use crate::error::Error;
use crate::json::text::write_text;
use crate::json_rpc::progress_gate::{Due, Offered, ProgressGate};
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::sys::fallible::{Growing, replace_string};
use std::fmt::{self, Write};

/// The progress of a request, and what its peer was told.
#[derive(Debug)]
pub struct RequestProgress {
    token: RequestId,
    gate: ProgressGate,
    total: f64,
    message: String,
    /// The total that the peer is told while the request's progress is that of a job: the total of
    /// the job's first count, or 1 if there was no count. `None` until the job has progress.
    scale: Option<f64>,
}

/// How far a job that works for a request is.
#[derive(Clone, Copy, Debug)]
pub struct OfJob {
    /// The job's progress from 0 to 1; 1 only if everything is done.
    pub fraction: f64,
    /// The job's only count and its total; `None` if it has no count that says how far it is.
    pub count: Option<(f64, f64)>,
}

impl RequestProgress {
    /// The progress of a request that begins now. `token` is the id under which the peer wants to
    /// be told.
    pub fn new(
        token: IdRef<'_>,
        interval_ns: u64,
        heartbeat_ns: u64,
        now_ns: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            token: RequestId::copy_of(token)?,
            gate: ProgressGate::new(interval_ns, heartbeat_ns, now_ns),
            total: 0.0,
            message: String::new(),
            scale: None,
        })
    }

    /// Notes how far the request is, unless `progress` is less than a value before. A `total` that
    /// is not positive counts as unknown. If only the message is new, the notification has a value
    /// that is a little greater than the last one. An error: there is no memory for the message,
    /// and nothing is noted.
    pub fn offer(&mut self, progress: f64, total: f64, message: &str) -> Result<(), Error> {
        let before = self.gate;
        let offered = self.gate.offer(progress);
        let has_news = !message.is_empty() && message != self.message;
        if offered == Offered::Less || offered == Offered::AsFar && !has_news {
            return Ok(());
        }
        if has_news {
            self.gate.note_news();
        }
        if let Err(error) = replace_string(&mut self.message, message) {
            self.gate = before;
            return Err(error.into());
        }
        self.total = total;
        Ok(())
    }

    /// Notes how far a job that works for the request is. All values keep the scale of the first
    /// value. The peer is told that the total is reached only if the whole job is done, or if
    /// `is_last` says that this is the last note and the job's count is complete.
    pub fn offer_job(&mut self, job: OfJob, message: &str, is_last: bool) -> Result<(), Error> {
        let known = job.count.filter(|(_, total)| *total > 0.0);
        if self.scale.is_none() && job.fraction > 0.0 {
            self.scale = Some(known.map_or(1.0, |(_, total)| total));
        }
        let Some(scale) = self.scale else {
            if known.is_none() && message.is_empty() {
                return Ok(());
            }
            return self.offer(0.0, known.map_or(0.0, |(_, total)| total), message);
        };
        let value = match known {
            Some((done, total)) if total == scale && is_last => done.min(total),
            // A count that matches the job's progress bar is told as it is. If it does not match
            // the bar, other work follows the counted work, and the bar's value is told.
            Some((done, total)) if total == scale && is_near(done / total, job.fraction) => done,
            _ => job.fraction * scale,
        };
        // The offered value is at least the greatest value so far: a smaller one would be refused,
        // together with its message.
        self.offer(self.gate.greatest().map_or(value, |told| told.max(value)), scale, message)
    }

    /// Whether a notification may be sent now, if there is something to tell.
    pub fn is_open(&self, now_ns: u64) -> bool {
        self.gate.is_open(now_ns)
    }

    /// Passes a due notification to `reader`, which returns whether it takes the notification; if
    /// not, it stays due. With `is_now`, a notification is passed even if the interval is not over.
    /// `None`: there is no notification, and `reader` was not called.
    pub fn show(
        &mut self,
        now_ns: u64,
        is_now: bool,
        reader: impl FnOnce(&str) -> bool,
    ) -> Result<Option<()>, Error> {
        let total = (self.total > 0.0).then_some(self.total);
        let due = if is_now { self.gate.untold(total) } else { self.gate.due(now_ns, total) };
        let (progress, shown_total) = match due {
            None => return Ok(None),
            Some(Due::Offered(value)) => (value, total),
            // The work goes on although its total is reached, so the total is left out.
            Some(Due::Beat(value)) => (value, total.filter(|total| *total > value)),
        };
        let note = ProgressNote {
            token: self.token.borrowed(),
            progress,
            total: shown_total,
            message: (!self.message.is_empty()).then_some(self.message.as_str()),
        };
        let mut text = Growing::default();
        note.write(&mut text).map_err(|_| Error::Resources("memory for a notification"))?;
        if reader(text.as_str())
            && let Some(due) = due
        {
            self.gate.tell(due, now_ns, total);
        }
        Ok(Some(()))
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// One notification of how far a request is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressNote<'a> {
    /// The id under which the peer wants to be told of the progress, in its exact type.
    pub token: IdRef<'a>,
    /// The progress, greater than in the notification before; see [`ProgressGate`].
    pub progress: f64,
    /// The value of `progress` at the request's end, if it is known.
    pub total: Option<f64>,
    /// What the request is at, in words for people.
    pub message: Option<&'a str>,
}

impl ProgressNote<'_> {
    /// Writes the notification. A number that JSON cannot express is an error for `progress`, and
    /// is left out for `total`.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        if !self.progress.is_finite() {
            return Err(fmt::Error);
        }
        out.write_str(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#,
        )?;
        self.token.write_json(out)?;
        write!(out, r#","progress":{}"#, self.progress)?;
        if let Some(total) = self.total.filter(|total| total.is_finite()) {
            write!(out, r#","total":{total}"#)?;
        }
        if let Some(message) = self.message {
            out.write_str(r#","message":"#)?;
            write_text(out, message)?;
        }
        out.write_str("}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn shown(progress: &mut RequestProgress, now_ns: u64, is_now: bool) -> Option<String> {
        let mut text = String::new();
        let take = |note: &str| {
            text.push_str(note);
            true
        };
        progress.show(now_ns, is_now, take).unwrap().map(|()| text)
    }

    #[test]
    fn what_goes_with_the_latest_value_is_told_with_it() {
        let mut progress = RequestProgress::new(IdRef::Text("tok-1"), 100, 0, 0).unwrap();
        assert_eq!(shown(&mut progress, 0, true), None);
        progress.offer(1.0, 10.0, "one").unwrap();
        progress.offer(2.0, 0.0, "").unwrap();
        progress.offer(1.5, 7.0, "late").unwrap();
        let head = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","#,
            r#""params":{"progressToken":"tok-1","progress":"#
        );
        assert_eq!(shown(&mut progress, 0, false), Some(format!("{head}2}}}}")));
        progress.offer(3.5, 10.0, "three").unwrap();
        assert_eq!(shown(&mut progress, 99, false), None);
        let last = format!(r#"{head}3.5,"total":10,"message":"three"}}}}"#);
        assert_eq!(shown(&mut progress, 99, true), Some(last));
        assert_eq!(shown(&mut progress, 1000, true), None);
    }

    #[test]
    fn what_its_reader_did_not_take_is_shown_again() {
        let mut progress = RequestProgress::new(IdRef::Integer(7), 100, 0, 0).unwrap();
        progress.offer(1.0, 0.0, "").unwrap();
        assert_eq!(progress.show(0, false, |_| false).unwrap(), Some(()));
        assert!(shown(&mut progress, 0, false).is_some());
        assert_eq!(shown(&mut progress, 0, true), None);
    }

    fn noted(progress: &mut RequestProgress, now_ns: u64, is_now: bool) -> Value {
        let note = shown(progress, now_ns, is_now).unwrap_or("{}".to_owned());
        let mut params = serde_json::from_str::<Value>(&note).unwrap()["params"].take();
        params.as_object_mut().map(|params| params.remove("progressToken"));
        params
    }

    #[test]
    fn a_job_keeps_the_scale_of_its_first_count() {
        let mut progress = RequestProgress::new(IdRef::Integer(7), 0, 0, 0).unwrap();
        let mut told = |fraction: f64, count, message, is_last| {
            let job = OfJob { fraction, count };
            progress.offer_job(job, message, is_last).unwrap();
            let note = noted(&mut progress, 0, is_last);
            (note["progress"].as_f64(), note["total"].as_f64(), note["message"].clone())
        };
        let note = |value: f64, message: &str| (Some(value), Some(200.0), json!(message));
        assert_eq!(told(0.0, Some((0.0, 200.0)), "open", false), note(0.0, "open"));
        assert_eq!(told(0.5, Some((100.0, 200.0)), "collect", false), note(100.0, "collect"));
        let reached = told(0.999, Some((200.0, 200.0)), "collected", false);
        assert_eq!(reached, note(0.999 * 200.0, "collected"), "it runs still");
        // A job that shares the bar keeps its scale.
        let value = 0.9995 * 200.0;
        assert_eq!(told(0.9995, None, "write", false), note(value, "write"));
        let (next, total, message) = told(0.9995, None, "still writing", false);
        assert!(next.is_some_and(|next| next > value && next < 200.0), "{next:?}");
        assert_eq!((total, message), (Some(200.0), json!("still writing")));
        assert_eq!(told(0.9995, None, "still writing", false).0, None);
        assert_eq!(told(1.0, None, "done", true), note(200.0, "done"));
        let (value, total, _) = told(0.9996, None, "it was not", false);
        assert!(value.is_some_and(|value| value > 200.0) && total.is_none(), "{value:?}");
    }

    #[test]
    fn a_job_without_a_total_is_told_by_how_long_its_bar_is() {
        let mut progress = RequestProgress::new(IdRef::Integer(7), 0, 100, 0).unwrap();
        progress.offer_job(OfJob { fraction: 0.0, count: None }, "fillet", false).unwrap();
        assert_eq!(noted(&mut progress, 0, false), json!({"progress": 0, "message": "fillet"}));
        // The work goes on, and how far it is is not known.
        let beat = noted(&mut progress, 100, false);
        assert!(beat["progress"].as_f64().unwrap() > 0.0 && beat["total"].is_null(), "{beat}");
        assert_eq!(beat["message"], "fillet");
        let far = OfJob { fraction: 0.25, count: Some((1e9, 0.0)) };
        progress.offer_job(far, "fillet", false).unwrap();
        let note = json!({"progress": 0.25, "total": 1, "message": "fillet"});
        assert_eq!(noted(&mut progress, 100, false), note);
    }

    #[test]
    fn what_goes_on_at_its_total_beats_without_one() {
        let mut progress = RequestProgress::new(IdRef::Integer(7), 0, 100, 0).unwrap();
        progress.offer(10.0, 10.0, "").unwrap();
        assert_eq!(noted(&mut progress, 0, false), json!({"progress": 10, "total": 10}));
        let beat = noted(&mut progress, 100, false);
        assert!(beat["progress"].as_f64().unwrap() > 10.0 && beat["total"].is_null(), "{beat}");
    }

    fn written(note: &ProgressNote<'_>) -> (String, Value) {
        let mut text = String::new();
        note.write(&mut text).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn a_note_has_what_is_known_and_nothing_else() {
        let token = IdRef::Text("tok-1");
        let bare = ProgressNote { token, progress: 0.0, total: None, message: None };
        let (text, _) = written(&bare);
        assert_eq!(
            text,
            concat!(
                r#"{"jsonrpc":"2.0","method":"notifications/progress","#,
                r#""params":{"progressToken":"tok-1","progress":0}}"#
            )
        );
        let full = ProgressNote {
            token: IdRef::Integer(i64::MAX),
            progress: 0.1,
            total: Some(1e300),
            message: Some("step \"1\""),
        };
        let (_, value) = written(&full);
        assert_eq!(
            value["params"],
            json!({"progressToken": i64::MAX, "progress": 0.1, "total": 1e300, "message": "step \"1\""})
        );
    }

    #[test]
    fn numbers_that_json_does_not_have_are_not_written() {
        let token = IdRef::Integer(1);
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let note = ProgressNote { token, progress: number, total: None, message: None };
            assert!(note.write(&mut String::new()).is_err());
            let note = ProgressNote { token, progress: 1.0, total: Some(number), message: None };
            let (_, value) = written(&note);
            assert_eq!(value["params"], json!({"progressToken": 1, "progress": 1}));
        }
    }
}
