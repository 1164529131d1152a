//! How far a request is, for a peer that wants to be told, and the notification that tells it.
//!
//! A leaf: what it holds is written under the lock of its request's progress.

use crate::error::Error;
use crate::json::text::write_text;
use crate::json_rpc::progress_gate::ProgressGate;
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::sys::fallible::{Growing, replace_string};
use std::fmt::{self, Write};

/// The progress of a request.
#[derive(Debug)]
pub struct RequestProgress {
    token: RequestId,
    gate: ProgressGate,
    total: f64,
    message: String,
}

impl RequestProgress {
    /// Of a request that begins. `token`: what its peer wants to be told by.
    pub fn new(token: IdRef<'_>, interval_ns: u64) -> Result<Self, Error> {
        Ok(Self {
            token: RequestId::copy_of(token)?,
            gate: ProgressGate::new(interval_ns),
            total: 0.0,
            message: String::new(),
        })
    }

    /// Notes how far it is, if that is further than before. A total that is not positive is unknown.
    pub fn offer(&mut self, progress: f64, total: f64, message: &str) -> Result<(), Error> {
        let before = self.gate;
        if self.gate.offer(progress) {
            if let Err(error) = replace_string(&mut self.message, message) {
                self.gate = before;
                return Err(error.into());
            }
            self.total = total;
        }
        Ok(())
    }

    /// Shows the notification that is to be told, due or `is_now`; `reader` says whether it was. `None`:
    /// there is none.
    pub fn show(
        &mut self,
        now_ns: u64,
        is_now: bool,
        reader: impl FnOnce(&str) -> bool,
    ) -> Result<Option<()>, Error> {
        let value = if is_now { self.gate.held() } else { self.gate.due(now_ns) };
        let Some(progress) = value else { return Ok(None) };
        let note = ProgressNote {
            token: self.token.borrowed(),
            progress,
            total: (self.total > 0.0).then_some(self.total),
            message: (!self.message.is_empty()).then_some(self.message.as_str()),
        };
        let mut text = Growing::default();
        note.write(&mut text).map_err(|_| Error::Resources("memory for a notification"))?;
        if reader(text.as_str()) {
            self.gate.tell(now_ns);
        }
        Ok(Some(()))
    }
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressNote<'a> {
    /// What the peer wants to be told by, in its exact type.
    pub token: IdRef<'a>,
    /// Greater than in the note before; see [`ProgressGate`].
    pub progress: f64,
    /// What it will be at the end, if that is known.
    pub total: Option<f64>,
    /// For people.
    pub message: Option<&'a str>,
}

impl ProgressNote<'_> {
    /// Writes the notification. A number that JSON does not have is an error for `progress` and left
    /// out as `total`.
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
        let mut progress = RequestProgress::new(IdRef::Text("tok-1"), 100).unwrap();
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
        let mut progress = RequestProgress::new(IdRef::Integer(7), 100).unwrap();
        progress.offer(1.0, 0.0, "").unwrap();
        assert_eq!(progress.show(0, false, |_| false).unwrap(), Some(()));
        assert!(shown(&mut progress, 0, false).is_some());
        assert_eq!(shown(&mut progress, 0, true), None);
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
