//! Observers of the library's events: `dcc_events_*`.

use super::argument::{handle, in_range};
use super::guard::{guard, guard_creating};
use super::library;
use super::library_threads;
use super::out::{ArrayOut, HandleOut, ValueOut};
use super::status::{DCC_OK, dcc_status};
use super::token::dcc_cause;
use crate::diagnosis::events::{EVENT_TEXT, Event, EventKind, ObserverPin, Observers};
use crate::sys::clock;
use std::ffi::c_char;

/// An observer: a ring of events that waits to be drained. It is shared by reference count.
pub struct dcc_events(());

/// Kind of an event: `count` events before this one were lost. Drain more often, or with a larger
/// ring.
pub const DCC_EVENT_OVERFLOW: u32 = 1;
/// Kind of an event: a token was cancelled. It has `token`, `cause`, the reason in `text`, and
/// `job_id` if it is a job's token. If a cancel spreads over a graph, there is one event for the
/// token that was cancelled, and one for each job's token and each token with a caller id that the
/// cancel reached.
pub const DCC_EVENT_TOKEN_CANCELLED: u32 = 2;
/// Kind of an event: a job has changed its state. It has `job_id`, `state` (DCC_JOB_PENDING: it was
/// created), the label in `text`, and at the end of a cancelled job `since_cancel_ns`.
pub const DCC_EVENT_JOB_STATE: u32 = 3;
/// Kind of an event: a thread that works for a job polled and saw the cancel for the first time. It
/// has `job_id`, `thread`, `token` (the cancelled token), `cause`, `since_cancel_ns`.
pub const DCC_EVENT_CANCEL_SEEN: u32 = 4;
/// Kind of an event: a job was cancelled, and none of its threads has seen that within the
/// threshold of dcc_events_set_slow_cancel_threshold. It has `job_id`, `token`, `since_cancel_ns`,
/// the reason in `text`.
pub const DCC_EVENT_SLOW_CANCEL: u32 = 5;
/// Kind of an event: a peer cancelled one of its requests, or its session was closed. It has the
/// request's `token`, and in `text` the request's id as JSON, a colon, a space, and the reason.
pub const DCC_EVENT_REQUEST_CANCELLED: u32 = 6;
/// Kind of an event: the `is_cancelled` of a running job, which only one thread may ask, was not
/// asked for longer than its own interval plus the threshold of
/// dcc_events_set_slow_cancel_threshold. So that thread neither polls nor waits in this library,
/// and the host's Esc is not noticed. Usually the thread joins worker threads without this library:
/// let it wait for a token or a job, or call dcc_context_ask in between, or let any thread ask
/// (DCC_JOB_ASK_ON_ANY_THREAD). The event comes once until the check is asked again. It has
/// `job_id`, `token`, in `since_cancel_ns` for how long the check was not asked, and in `text` an
/// explanation.
pub const DCC_EVENT_CHECK_NOT_ASKED: u32 = 7;
/// Kind of an event: a job or a request was sealed, see dcc_job_seal. It has `token` and `thread`;
/// for a job it also has `job_id`, and the label in `text`.
pub const DCC_EVENT_SEALED: u32 = 8;

const _: () = {
    assert!(DCC_EVENT_SEALED == EventKind::Sealed as u32);
    assert!(DCC_EVENT_CHECK_NOT_ASKED == EventKind::CheckNotAsked as u32);
    assert!(DCC_EVENT_REQUEST_CANCELLED == EventKind::RequestCancelled as u32);
    assert!(DCC_EVENT_OVERFLOW == EventKind::Overflow as u32);
    assert!(DCC_EVENT_TOKEN_CANCELLED == EventKind::TokenCancelled as u32);
    assert!(DCC_EVENT_JOB_STATE == EventKind::JobState as u32);
    assert!(DCC_EVENT_CANCEL_SEEN == EventKind::CancelSeen as u32);
    assert!(DCC_EVENT_SLOW_CANCEL == EventKind::SlowCancel as u32);
    assert!(DCC_EVENT_TEXT_SIZE == EVENT_TEXT + 8);
};

/// Size of an event's `text`, with its NUL.
pub const DCC_EVENT_TEXT_SIZE: usize = 128;
/// Largest ring of an observer, in events.
pub const DCC_MAX_EVENTS: usize = 65536;

/// One event. Fields that its kind does not use are 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_event {
    /// One of the DCC_EVENT_ kinds; ignore kinds that you do not know.
    pub kind: u32,
    /// One of the DCC_JOB_ states.
    pub state: i32,
    /// Time of the event, on the library's clock.
    pub at_ns: u64,
    /// The job's id, or 0 for no job; dcc_job_find finds the job while it lives.
    pub job_id: u64,
    /// The token's handle as a number, only to compare it: the token may be gone.
    pub token: u64,
    /// The system's number of the thread that caused the event.
    pub thread: u64,
    /// Time since the cancel. For DCC_EVENT_CHECK_NOT_ASKED: for how long the check was not asked.
    pub since_cancel_ns: u64,
    /// For DCC_EVENT_OVERFLOW: how many events were lost.
    pub count: u64,
    /// Why a token was cancelled.
    pub cause: dcc_cause,
    /// Zero.
    pub reserved: u32,
    /// Text, cut on a character boundary if it is too long, ended by NUL.
    pub text: [c_char; DCC_EVENT_TEXT_SIZE],
}

// A `stride` is checked against this size, so it stays as it is.
const _: () = assert!(size_of::<dcc_event>() == 192);

impl From<&Event> for dcc_event {
    fn from(event: &Event) -> Self {
        let mut text = [0; DCC_EVENT_TEXT_SIZE];
        for (to, from) in text.iter_mut().zip(event.text.as_str().bytes()) {
            *to = from as c_char;
        }
        Self {
            kind: event.kind as u32,
            state: event.state as i32,
            at_ns: event.time_ns,
            job_id: event.job_id,
            token: event.token,
            thread: event.thread,
            since_cancel_ns: event.duration_ns,
            count: event.count,
            cause: event.cause as dcc_cause,
            reserved: 0,
            text,
        }
    }
}

pub(super) fn observers() -> &'static Observers {
    &library().diagnosis().observers
}

/// Creates an observer whose ring holds `capacity` events, 1 to DCC_MAX_EVENTS, and writes it to
/// `out_events`. Any thread may call this. You get one reference, which you release.
///
/// From now on the ring gets every event of the process. If there are several observers, each gets
/// all events. A full ring loses its oldest events. Without observers no events are made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_events_create(
    capacity: usize,
    out_events: *mut *mut dcc_events,
) -> dcc_status {
    // SAFETY: the C caller's promise: a writable result.
    let to = unsafe { HandleOut::new("out_events", out_events) };
    guard_creating(|| {
        let to = to?;
        in_range("capacity", capacity as u64, 1, DCC_MAX_EVENTS as u64)?;
        // The watchdog for slow cancels runs on the timer thread.
        library_threads::ensure_timer_thread()?;
        to.write(observers().create(capacity)?);
        Ok(())
    })
}

/// Takes up to `capacity` events out of an observer, oldest first, and writes them to `events`, an
/// array whose entries lie `stride` bytes apart: sizeof(dcc_event). Any thread may call this; it is
/// cheap enough for every tick. `out_count` gets the number of events that were written. If that is
/// less than `capacity`, the ring is now empty. If several threads drain one observer, each event
/// goes to one of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_events_drain(
    observer: *const dcc_events,
    events: *mut dcc_event,
    stride: usize,
    capacity: usize,
    out_count: *mut usize,
) -> dcc_status {
    guard(|| {
        // SAFETY: the C caller's promise: a writable result, and `capacity` entries, `stride` bytes apart.
        let (to, events) = unsafe {
            let to = ValueOut::new("out_count", out_count, 0)?;
            (to, ArrayOut::new("events", "dcc_event", events, stride, capacity)?)
        };
        let pin = ObserverPin::new(observers(), handle(observer))?;
        to.write(observers().drain(&pin, clock::now_ns(), capacity, |position, event| {
            events.write(position, dcc_event::from(event));
        }));
        Ok(DCC_OK)
    })
}

/// Adds a reference, which you release. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_retain(observer: *const dcc_events) -> dcc_status {
    guard(|| {
        if !observer.is_null() {
            observers().retain(handle(observer))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. Any thread may call this. The last release ends the observer: events
/// that were not drained are lost.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_release(observer: *mut dcc_events) -> dcc_status {
    guard(|| {
        if !observer.is_null() {
            observers().release(handle(observer))?;
        }
        Ok(DCC_OK)
    })
}

/// Sets the threshold for slow cancels of the whole process. Any thread may call this. If no thread
/// of a cancelled job has seen the cancel for that long, observers get DCC_EVENT_SLOW_CANCEL, once
/// for each cancel. The threshold is 1 second by default; with DCC_NO_LIMIT the event never comes.
/// The same threshold applies to DCC_EVENT_CHECK_NOT_ASKED.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_set_slow_cancel_threshold(threshold_ns: u64) -> dcc_status {
    guard(|| {
        let tokens = library().tokens();
        tokens.diagnosis().watchdog.set_threshold(threshold_ns);
        tokens.deadlines().wake();
        Ok(DCC_OK)
    })
}
