//! Statuses: numbers and texts, each in one place.

use crate::error::Error;

/// Answer of most functions: 0 is fine, positive an ordinary answer, negative a mistake or a
/// failure whose text `dcc_last_error` gives.
pub type dcc_status = i32;

/// Fine; nothing was asked.
pub const DCC_OK: dcc_status = 0;
/// Cancelled: the token asks to stop. Text: "Request cancelled by client".
pub const DCC_CANCELLED_BY_TOKEN: dcc_status = 1;
/// Cancelled: the job asks to stop. Text: "Job cancelled by dispatcher".
pub const DCC_CANCELLED_BY_JOB: dcc_status = 2;
/// What was polled or waited for is no more: stop.
pub const DCC_POLL_GONE: dcc_status = 3;
/// The token, job or request was cancelled before; the first reason stays.
pub const DCC_ALREADY_CANCELLED: dcc_status = 4;
/// It is not cancelled, so there is nothing to tell.
pub const DCC_NOT_CANCELLED: dcc_status = 5;
/// The job or request had ended before; it stays as it was.
pub const DCC_ALREADY_ENDED: dcc_status = 6;
/// There is none: no live object of this id, no deadline, nothing that was asked for.
pub const DCC_NOT_FOUND: dcc_status = 7;
/// Done, but by a second copy of the library in this process: what it created is not seen by
/// users of the first copy. Load the library through `dcc_cancel_dl.h`, which finds the first; but not
/// from another link namespace (dlmopen), where no copy is shared.
pub const DCC_SECOND_INSTANCE: dcc_status = 8;
/// The time was over before what was waited for happened.
pub const DCC_TIMED_OUT: dcc_status = 9;
/// This would wait for ever: what was waited for can never be cancelled, or not any more: it was sealed.
pub const DCC_NEVER: dcc_status = 10;
/// Unregistered, but its callback had run before, or its token is no more or sealed, or its owner was
/// closed.
pub const DCC_CALLBACK_DONE: dcc_status = 11;
/// Unregistered, but its callback is running right now.
pub const DCC_CALLBACK_RUNNING: dcc_status = 12;

/// Closed, but completions are still to run on the dispatcher's thread.
pub const DCC_PENDING: dcc_status = 13;
/// The time was over after the job had started: it was asked to stop, its outcome is not known.
pub const DCC_STARTED: dcc_status = 14;
/// The dispatcher's thread has been inside something else for longer than its threshold; the job was
/// taken back and never runs.
pub const DCC_WEDGED: dcc_status = 15;
/// No request has this id yet; the cancel is held for it.
pub const DCC_HELD: dcc_status = 16;
/// The request cannot be cancelled by its peer.
pub const DCC_NOT_CANCELLABLE: dcc_status = 17;
/// The library that was called has failed, for another reason than a cancel.
pub const DCC_LIBRARY_FAILED: dcc_status = 18;
/// Too late: the job or request is sealed, past its point of no return, and cannot be cancelled any more.
pub const DCC_SEALED: dcc_status = 19;

/// A handle of no live object, or of another kind of object.
pub const DCC_ERROR_INVALID_HANDLE: dcc_status = -1;
/// A wrong `struct_size`, a NULL out-pointer, a text that is not UTF-8 or too long.
pub const DCC_ERROR_INVALID_ARGUMENT: dcc_status = -2;
/// Out of memory, slots, references or system keys. Nothing was done.
pub const DCC_ERROR_RESOURCES: dcc_status = -3;
/// A descriptor asks for what this version of the library does not have.
pub const DCC_ERROR_UNSUPPORTED: dcc_status = -4;
/// A panic inside the library was caught.
pub const DCC_ERROR_INTERNAL: dcc_status = -5;
/// A ticket that was used before, or never given out.
pub const DCC_ERROR_TICKET_USED: dcc_status = -6;
/// A ticket of the other slot.
pub const DCC_ERROR_WRONG_SLOT: dcc_status = -7;
/// The ticket, or the dispatcher, belongs to another thread.
pub const DCC_ERROR_WRONG_THREAD: dcc_status = -8;
/// A ticket that is not the latest of its slot.
pub const DCC_ERROR_WRONG_ORDER: dcc_status = -9;
/// The job is in a state that does not allow this.
pub const DCC_ERROR_WRONG_STATE: dcc_status = -10;
/// The call would wait for itself: it is made from inside the function it would wait for, or from
/// one that another thread waits for, and so on in a ring.
pub const DCC_ERROR_WOULD_DEADLOCK: dcc_status = -11;
/// The owner, dispatcher or session that was named is closed, or the library is shut down.
pub const DCC_ERROR_SHUTDOWN: dcc_status = -12;
/// This process is a fork of the one that used the library; only polls work in it.
pub const DCC_ERROR_FORKED: dcc_status = -13;
/// A bound is reached: so many wait already. Nothing was taken.
pub const DCC_ERROR_OVERLOADED: dcc_status = -14;
/// An unfinished job of the dispatcher has this caller id, or a request in flight of the session this id.
pub const DCC_ERROR_DUPLICATE: dcc_status = -15;
/// A pump from inside a pump: a job, a completion, or a function of the host; nothing ran.
pub const DCC_ERROR_REENTRANT: dcc_status = -16;
/// A file could not be written, or the control endpoint not be opened; what was there before is as it was.
pub const DCC_ERROR_FILE: dcc_status = -17;

/// Every status with its text.
pub(super) const TEXTS: &[(dcc_status, &std::ffi::CStr)] = &[
    (DCC_OK, c"OK"),
    (DCC_CANCELLED_BY_TOKEN, c"Request cancelled by client"),
    (DCC_CANCELLED_BY_JOB, c"Job cancelled by dispatcher"),
    (DCC_POLL_GONE, c"It is no more"),
    (DCC_ALREADY_CANCELLED, c"Already cancelled"),
    (DCC_NOT_CANCELLED, c"Not cancelled"),
    (DCC_ALREADY_ENDED, c"Already ended"),
    (DCC_NOT_FOUND, c"Not found"),
    (DCC_SECOND_INSTANCE, c"By a second copy of the library in this process"),
    (DCC_TIMED_OUT, c"Timed out"),
    (DCC_NEVER, c"Never: it cannot be cancelled"),
    (DCC_CALLBACK_DONE, c"The callback has run or was dropped before"),
    (DCC_CALLBACK_RUNNING, c"The callback is running"),
    (DCC_PENDING, c"Completions are still to run"),
    (DCC_STARTED, c"Started; its outcome is not known yet"),
    (DCC_WEDGED, c"The dispatcher's thread is stuck in something else"),
    (DCC_HELD, c"Held for its request"),
    (DCC_NOT_CANCELLABLE, c"The request cannot be cancelled"),
    (DCC_LIBRARY_FAILED, c"The library that was called has failed"),
    (DCC_SEALED, c"Sealed: past the point of no return"),
    (DCC_ERROR_INVALID_HANDLE, c"Invalid handle"),
    (DCC_ERROR_INVALID_ARGUMENT, c"Invalid argument"),
    (DCC_ERROR_RESOURCES, c"Out of resources"),
    (DCC_ERROR_UNSUPPORTED, c"Not supported by this version of the library"),
    (DCC_ERROR_INTERNAL, c"Internal error"),
    (DCC_ERROR_TICKET_USED, c"Ticket already used or never given out"),
    (DCC_ERROR_WRONG_SLOT, c"Ticket of another slot"),
    (DCC_ERROR_WRONG_THREAD, c"It belongs to another thread"),
    (DCC_ERROR_WRONG_ORDER, c"Ticket is not the latest of its slot"),
    (DCC_ERROR_WRONG_STATE, c"Job is in another state"),
    (DCC_ERROR_WOULD_DEADLOCK, c"Would wait for itself"),
    (DCC_ERROR_SHUTDOWN, c"Closed or shut down"),
    (DCC_ERROR_FORKED, c"Not available in a forked process"),
    (DCC_ERROR_OVERLOADED, c"Overloaded"),
    (DCC_ERROR_DUPLICATE, c"Duplicate id"),
    (DCC_ERROR_REENTRANT, c"Called from inside a pump"),
    (DCC_ERROR_FILE, c"File or endpoint cannot be opened or written"),
];

/// The status that tells of an error.
pub(super) fn of(error: &Error) -> dcc_status {
    match error {
        Error::InvalidHandle(..) => DCC_ERROR_INVALID_HANDLE,
        Error::InvalidArgument(_)
        | Error::NullArray { .. }
        | Error::NullOut(_)
        | Error::NullDescriptor { .. }
        | Error::NullText { .. }
        | Error::BeyondMemory { .. }
        | Error::ShortStride { .. }
        | Error::UnknownFlags { .. }
        | Error::UnknownValue { .. }
        | Error::OutOfRange { .. }
        | Error::NotFinite(_)
        | Error::Reserved(_)
        | Error::TextTooLong { .. }
        | Error::NotUtf8 { .. }
        | Error::WrongSize { .. } => DCC_ERROR_INVALID_ARGUMENT,
        Error::DescriptorTooNew { .. } => DCC_ERROR_UNSUPPORTED,
        Error::Resources(_) => DCC_ERROR_RESOURCES,
        Error::TicketUsed(_) => DCC_ERROR_TICKET_USED,
        Error::WrongSlot(_) => DCC_ERROR_WRONG_SLOT,
        Error::WrongThread(_) => DCC_ERROR_WRONG_THREAD,
        Error::WrongOrder(_) => DCC_ERROR_WRONG_ORDER,
        Error::WrongState { .. } => DCC_ERROR_WRONG_STATE,
        Error::WouldDeadlock => DCC_ERROR_WOULD_DEADLOCK,
        Error::OwnerClosed(_)
        | Error::ShutDown
        | Error::DispatcherShutDown
        | Error::SessionClosed => DCC_ERROR_SHUTDOWN,
        Error::Overloaded { .. } | Error::ExecutorRefused | Error::TooManyRequests { .. } => {
            DCC_ERROR_OVERLOADED
        }
        Error::DuplicateId | Error::DuplicateRequest => DCC_ERROR_DUPLICATE,
        Error::NotItsThread => DCC_ERROR_WRONG_THREAD,
        Error::Reentrant => DCC_ERROR_REENTRANT,
        Error::Forked => DCC_ERROR_FORKED,
        Error::Internal => DCC_ERROR_INTERNAL,
    }
}
