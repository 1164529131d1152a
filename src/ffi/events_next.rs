//! `dcc_events_next`: takes one event with its whole texts.

use super::argument::{Versioned, handle};
use super::events::{dcc_event, dcc_events, observers};
use super::guard::guard;
use super::limits::DCC_MAX_TEXT_LENGTH;
use super::out::StructOut;
use super::request_id::{DCC_ID_INTEGER, DCC_ID_TEXT};
use super::session_message::DCC_REQUEST_ID_SIZE;
use super::status::{DCC_NOT_FOUND, DCC_OK, dcc_status};
use super::token_trace::DCC_TRACE_PARENT_SIZE;
use crate::diagnosis::details::{DetailId, Details};
use crate::diagnosis::events::{Event, EventKind, ObserverPin};
use crate::sys::clock;
use std::ffi::c_char;

/// Size of `reason` of dcc_event_details, with its NUL.
pub const DCC_EVENT_REASON_SIZE: usize = 4104;

const _: () = assert!(DCC_EVENT_REASON_SIZE > DCC_MAX_TEXT_LENGTH);

/// An event with its whole texts. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_event_details {
    /// sizeof(dcc_event_details); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// For DCC_EVENT_REQUEST_CANCELLED: DCC_ID_INTEGER or DCC_ID_TEXT, the type of the request's
    /// id. Otherwise 0.
    pub id_type: i32,
    /// The request's id if it is an integer.
    pub id_integer: i64,
    /// Bytes in `id_text`.
    pub id_text_length: u32,
    /// Bytes in `reason`.
    pub reason_length: u32,
    /// The event as dcc_events_drain writes it.
    pub event: dcc_event,
    /// The request's id if it is a text, whole; ended by NUL.
    pub id_text: [c_char; DCC_REQUEST_ID_SIZE],
    /// Why a token or a request was cancelled, whole; ended by NUL.
    pub reason: [c_char; DCC_EVENT_REASON_SIZE],
    /// The `traceparent` that the request or the job works for, see dcc_cancel_token_trace_parent;
    /// empty for none. Ended by NUL.
    pub trace_parent: [c_char; DCC_TRACE_PARENT_SIZE],
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_event_details {
    const NAME: &'static str = "dcc_event_details";
}

/// Copies a text to `room`, which has space for it and its NUL and is zero. Returns the text's
/// length.
fn fill(room: &mut [c_char], text: &str) -> u32 {
    for (to, byte) in room.iter_mut().zip(text.bytes()) {
        *to = byte as c_char;
    }
    text.len() as u32
}

impl dcc_event_details {
    fn new(event: &Event) -> Self {
        let mut told = Self {
            struct_size: 0,
            id_type: 0,
            id_integer: 0,
            id_text_length: 0,
            reason_length: 0,
            event: event.into(),
            id_text: [0; DCC_REQUEST_ID_SIZE],
            reason: [0; DCC_EVENT_REASON_SIZE],
            trace_parent: [0; DCC_TRACE_PARENT_SIZE],
        };
        let is_text_reason =
            matches!(event.kind, EventKind::TokenCancelled | EventKind::SlowCancel);
        match event.details.as_deref() {
            Some(details) => told.add(details),
            None if is_text_reason => {
                told.reason_length = fill(&mut told.reason, event.text.as_str());
            }
            None => (),
        }
        told
    }

    fn add(&mut self, details: &Details) {
        match &details.id {
            DetailId::None => (),
            DetailId::Integer(integer) => {
                (self.id_type, self.id_integer) = (DCC_ID_INTEGER, *integer);
            }
            DetailId::Text(text) => {
                self.id_type = DCC_ID_TEXT;
                self.id_text_length = fill(&mut self.id_text, text);
            }
        }
        self.reason_length = fill(&mut self.reason, &details.reason);
        if let Some(trace_parent) = &details.trace_parent {
            fill(&mut self.trace_parent, trace_parent.as_str());
        }
    }
}

/// Takes the oldest event out of an observer and writes it to `out_details`. Any thread may call
/// this. Use it for telemetry: it writes the whole reason and the whole id, while dcc_events_drain
/// cuts them to the size of its `text`. If several threads take from one observer, each event goes
/// to one of them.
///
/// If there was no memory to keep the whole texts, the event has only its cut text. DCC_NOT_FOUND:
/// no event waits, and nothing is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_events_next(
    observer: *const dcc_events,
    out_details: *mut dcc_event_details,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: writable for the size that it says.
        let to = unsafe { StructOut::new("out_details", out_details) }?;
        let pin = ObserverPin::new(observers(), handle(observer))?;
        let count = observers().drain(&pin, clock::now_ns(), 1, |_, event| {
            to.write(&dcc_event_details::new(event));
        });
        Ok(if count == 0 { DCC_NOT_FOUND } else { DCC_OK })
    })
}
