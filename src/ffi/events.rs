//! `dcc_events_*`.

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

/// An observer with a ring of events that waits to be drained, shared by reference count. The pointer is
/// a handle, not an address.
pub struct dcc_events(());

/// Kind of an event: events were lost before this one, `count` of them; drain more often or with a
/// larger capacity.
pub const DCC_EVENT_OVERFLOW: u32 = 1;
/// Kind of an event: a token was cancelled. `token`, `cause`, `text` is the reason, `job_id` if it
/// is a job's. Of a cancel that spreads over a graph there is one for the token that was cancelled
/// and one for each job's token and each token with a caller id that it reached.
pub const DCC_EVENT_TOKEN_CANCELLED: u32 = 2;
/// Kind of an event: a job is in another state. `job_id`, `state` (DCC_JOB_PENDING: it was
/// created), `text` is the label; at the end of a cancelled one `since_cancel_ns`.
pub const DCC_EVENT_JOB_STATE: u32 = 3;
/// Kind of an event: a thread that works for a job polled and saw the cancel for the first time.
/// `job_id`, `thread`, `token` (the cancelled one), `cause`, `since_cancel_ns`.
pub const DCC_EVENT_CANCEL_SEEN: u32 = 4;
/// Kind of an event: a job was cancelled, and no thread of it has seen it within the threshold; see
/// dcc_events_set_slow_cancel_threshold. `job_id`, `token`, `since_cancel_ns`, `text`
/// is the reason.
pub const DCC_EVENT_SLOW_CANCEL: u32 = 5;
/// Kind of an event: a peer cancelled one of its requests, or its session was closed. `token` is the
/// request's; `text` the request's id as JSON has it, a colon, a space, and the reason.
pub const DCC_EVENT_REQUEST_CANCELLED: u32 = 6;
/// Kind of an event: the `is_cancelled` of a running job, which one thread alone may ask, was not asked for
/// the threshold of dcc_events_set_slow_cancel_threshold and its own interval: that thread neither polls nor
/// waits in this library, so the host's Esc is not heard. As a rule it joins worker threads in another way:
/// let it wait for a token or a job, or call dcc_context_ask in between; or let any thread ask
/// (DCC_JOB_ASK_ON_ANY_THREAD). Told once until it is asked again. `job_id`, `token`; `since_cancel_ns` is
/// for how long it was not asked; `text` says why.
pub const DCC_EVENT_CHECK_NOT_ASKED: u32 = 7;
/// Kind of an event: a job or a request was sealed, see dcc_job_seal. `token`, `thread`; of a job `job_id`,
/// and `text` is its label.
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

/// Room for the text of an event with its NUL.
pub const DCC_EVENT_TEXT_SIZE: usize = 128;
/// Most events that an observer's ring can hold.
pub const DCC_MAX_EVENTS: usize = 65536;

/// One event. What its kind does not use is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_event {
    /// One of the DCC_EVENT_ kinds; skip those that you do not know.
    pub kind: u32,
    /// One of the DCC_JOB_ states.
    pub state: i32,
    /// When it happened, on the library's clock.
    pub at_ns: u64,
    /// The job, 0 for none; find it with dcc_job_find while it lives.
    pub job_id: u64,
    /// Bits of the token's handle, to compare; it may be stale.
    pub token: u64,
    /// The system's number of the thread that caused the event.
    pub thread: u64,
    /// How long after the cancel; for how long a check was not asked.
    pub since_cancel_ns: u64,
    /// How many events were lost.
    pub count: u64,
    /// Why a token was cancelled.
    pub cause: dcc_cause,
    /// Zero.
    pub reserved: u32,
    /// A text, cut on a character boundary where it is too long, ended by NUL.
    pub text: [c_char; DCC_EVENT_TEXT_SIZE],
}

// Strides are at least this.
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
/// `out_events`, yours to release. From now on it gets every event of the process; each of several
/// observers gets all. A full ring loses its oldest events. Without observers no events are made.
/// Any thread.
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
        // The watchdog for slow cancels runs on it.
        library_threads::ensure_timer_thread()?;
        to.write(observers().create(capacity)?);
        Ok(())
    })
}

/// Takes up to `capacity` events out, oldest first, and writes them to `events`, an array whose
/// entries lie `stride` bytes apart: sizeof(dcc_event). `out_count` gets how many were written,
/// less than `capacity` when the ring is empty. Cheap enough for every tick. Any thread; of several
/// that drain one observer each event goes to one.
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

/// Adds a reference, which you release. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_retain(observer: *const dcc_events) -> dcc_status {
    guard(|| {
        if !observer.is_null() {
            observers().retain(handle(observer))?;
        }
        Ok(DCC_OK)
    })
}

/// Gives a reference back. The last one ends the observer; events that it has not drained are lost. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_release(observer: *mut dcc_events) -> dcc_status {
    guard(|| {
        if !observer.is_null() {
            observers().release(handle(observer))?;
        }
        Ok(DCC_OK)
    })
}

/// Says after how long, `threshold_ns`, a cancel that no thread of its job has seen is a
/// DCC_EVENT_SLOW_CANCEL: 1 second unless this is called. It is told once for each cancel, while
/// there is an observer. A check that nobody asks is told after the same time, as
/// DCC_EVENT_CHECK_NOT_ASKED. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn dcc_events_set_slow_cancel_threshold(threshold_ns: u64) -> dcc_status {
    guard(|| {
        let tokens = library().tokens();
        tokens.diagnosis().watchdog.set_threshold(threshold_ns);
        tokens.deadlines().wake();
        Ok(DCC_OK)
    })
}
