//! How a cancelled request is answered.

use crate::json::text::write_text;
use crate::json_rpc::request_id::IdRef;
use std::fmt::{self, Write};

/// What a peer gets as the answer to a request that it has cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyPolicy {
    /// No answer, as MCP requires.
    #[default]
    Silent,
    /// An error, as LSP and ACP require, and MCP's streamable HTTP of 2025.
    RequestCancelled,
    /// What the protocol of the cancel requires: an error after a cancel message of LSP or ACP,
    /// otherwise no answer.
    AsAsked,
}

/// Which side cancelled a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledBy {
    /// The peer that made the request.
    Peer,
    /// This side: the host's user, a deadline or a shutdown.
    Server,
}

/// The error with which a cancelled request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelError {
    /// The peer cancelled the request.
    RequestCancelled,
    /// This side cancelled the request.
    ServerCancelled,
}

impl ReplyPolicy {
    /// Whether a request is answered after any cancel by its peer.
    pub fn answers_all(self) -> bool {
        self == Self::RequestCancelled
    }

    /// Whether a request is answered if its peer's cancel still expects an answer.
    pub fn answers_on_demand(self) -> bool {
        self == Self::AsAsked
    }
}

impl CancelledBy {
    /// The error that answers a request which this side of the connection cancelled; `None`: the
    /// request is not answered. `is_answered` says whether a cancel by the peer is answered. A peer
    /// that did not cancel still waits, so it gets an answer under any policy.
    pub fn answer(self, is_answered: bool) -> Option<CancelError> {
        match (self, is_answered) {
            (Self::Server, _) => Some(CancelError::ServerCancelled),
            (Self::Peer, true) => Some(CancelError::RequestCancelled),
            (Self::Peer, false) => None,
        }
    }
}

impl CancelError {
    /// The error's code in LSP.
    pub fn code(self) -> i32 {
        match self {
            Self::RequestCancelled => -32800,
            Self::ServerCancelled => -32802,
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::RequestCancelled => "Request cancelled",
            Self::ServerCancelled => "The server cancelled the request",
        }
    }

    /// Writes the answer to the request with this id.
    pub fn write(self, out: &mut impl Write, id: IdRef<'_>) -> fmt::Result {
        out.write_str(r#"{"jsonrpc":"2.0","id":"#)?;
        id.write_json(out)?;
        write!(out, r#","error":{{"code":{},"message":"#, self.code())?;
        write_text(out, self.message())?;
        out.write_str("}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> (String, Value) {
        let mut text = String::new();
        write(&mut text).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn only_a_peer_that_cancelled_itself_may_be_left_without_an_answer() {
        for is_answered in [false, true] {
            let answer = CancelledBy::Server.answer(is_answered);
            assert_eq!(answer, Some(CancelError::ServerCancelled));
        }
        assert_eq!(CancelledBy::Peer.answer(false), None);
        assert_eq!(CancelledBy::Peer.answer(true), Some(CancelError::RequestCancelled));
    }

    #[test]
    fn an_answer_echoes_the_id_in_its_exact_type() {
        let (text, _) = written(|out| CancelError::RequestCancelled.write(out, IdRef::Integer(1)));
        // As mcp 2.3.0 was recorded to write it.
        assert_eq!(
            text,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"Request cancelled"}}"#
        );
        let (_, value) =
            written(|out| CancelError::ServerCancelled.write(out, IdRef::Text("1\"\n")));
        let error = json!({"code": -32802, "message": "The server cancelled the request"});
        assert_eq!(value, json!({"jsonrpc": "2.0", "id": "1\"\n", "error": error}));
    }
}
