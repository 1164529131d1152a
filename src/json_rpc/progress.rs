//! How far a request is, for a peer that wants to be told.
//!
//! A leaf: what it holds is written under the lock of its request's progress.

use crate::error::Error;
use crate::json_rpc::progress_gate::ProgressGate;
use crate::json_rpc::reply::ProgressNote;
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::sys::memory::{Growing, replace_string};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
