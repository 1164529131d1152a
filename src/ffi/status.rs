//! The statuses of the C ABI: their numbers, their texts, and the status of each `Error`.

use crate::error::Error;

/// The answer of most functions. 0 is success. A positive status is an ordinary answer. A negative
/// status is a mistake of the caller or a failure; dcc_last_error then gives its text.
pub type dcc_status = i32;

/// Success. As the answer to a question whether to stop: go on.
pub const DCC_OK: dcc_status = 0;
/// Stop: the token is cancelled. Its text is "Request cancelled by client".
pub const DCC_CANCELLED_BY_TOKEN: dcc_status = 1;
/// Stop: the job is cancelled. Its text is "Job cancelled by dispatcher".
pub const DCC_CANCELLED_BY_JOB: dcc_status = 2;
/// Stop: the object that was polled or waited for no longer exists.
pub const DCC_POLL_GONE: dcc_status = 3;
/// The token, job or request was cancelled before. The first reason stays.
pub const DCC_ALREADY_CANCELLED: dcc_status = 4;
/// The object is not cancelled, so there is no cause, reason or time to report.
pub const DCC_NOT_CANCELLED: dcc_status = 5;
/// The job or request had ended before. Its end stays as it was.
pub const DCC_ALREADY_ENDED: dcc_status = 6;
/// Nothing was found: no live object has this id, or the object does not have what was asked for,
/// such as a deadline.
pub const DCC_NOT_FOUND: dcc_status = 7;
/// The call succeeded, but this is a second copy of the library in the process. Users of the first
/// copy do not see what this copy creates. Load the library through `dcc_cancel_dl.h`, which finds
/// the first copy; copies in different link namespaces (dlmopen) cannot be shared.
pub const DCC_SECOND_INSTANCE: dcc_status = 8;
/// The timeout passed before the event that was waited for.
pub const DCC_TIMED_OUT: dcc_status = 9;
/// The event that was waited for can never happen. For instance, the token cannot be cancelled, or
/// no longer because it was sealed.
pub const DCC_NEVER: dcc_status = 10;
/// The registration is ended, but its callback had already run or been dropped: the token was gone
/// or sealed, or the owner was closed.
pub const DCC_CALLBACK_DONE: dcc_status = 11;
/// The registration is ended, but its callback is still running.
pub const DCC_CALLBACK_RUNNING: dcc_status = 12;

/// The dispatcher is closed, but completions are still to run on its thread.
pub const DCC_PENDING: dcc_status = 13;
/// The timeout passed after the job had started. The job was asked to stop, and its outcome is not
/// known.
pub const DCC_STARTED: dcc_status = 14;
/// The dispatcher's thread has been inside something else for longer than its threshold. The job
/// was taken back and never runs.
pub const DCC_WEDGED: dcc_status = 15;
/// No request has this id yet. The cancel is kept for the request that will have it.
pub const DCC_HELD: dcc_status = 16;
/// The peer cannot cancel this request.
pub const DCC_NOT_CANCELLABLE: dcc_status = 17;
/// The called library failed for a reason other than a cancel.
pub const DCC_LIBRARY_FAILED: dcc_status = 18;
/// Too late: the job or request is sealed, that is past its point of no return, and can no longer
/// be cancelled.
pub const DCC_SEALED: dcc_status = 19;

/// The handle belongs to no live object, or to an object of another kind.
pub const DCC_ERROR_INVALID_HANDLE: dcc_status = -1;
/// An argument is wrong: for instance a wrong `struct_size`, a NULL out-pointer, or a text that is
/// too long or not UTF-8.
pub const DCC_ERROR_INVALID_ARGUMENT: dcc_status = -2;
/// Out of memory, slots, references or system keys. Nothing was done.
pub const DCC_ERROR_RESOURCES: dcc_status = -3;
/// A structure sets a field that this version of the library does not know.
pub const DCC_ERROR_UNSUPPORTED: dcc_status = -4;
/// A panic inside the library was caught.
pub const DCC_ERROR_INTERNAL: dcc_status = -5;
/// The ticket was used before, or was never given out.
pub const DCC_ERROR_TICKET_USED: dcc_status = -6;
/// The ticket belongs to another slot.
pub const DCC_ERROR_WRONG_SLOT: dcc_status = -7;
/// The ticket or the dispatcher belongs to another thread.
pub const DCC_ERROR_WRONG_THREAD: dcc_status = -8;
/// The ticket is not the latest of its slot.
pub const DCC_ERROR_WRONG_ORDER: dcc_status = -9;
/// The job is in a state that does not allow this call.
pub const DCC_ERROR_WRONG_STATE: dcc_status = -10;
/// The call would wait for itself. It was made inside the function that it would wait for, or
/// inside a function that another thread waits for, and so on in a ring.
pub const DCC_ERROR_WOULD_DEADLOCK: dcc_status = -11;
/// The owner, dispatcher or session is closed, or the library is shut down.
pub const DCC_ERROR_SHUTDOWN: dcc_status = -12;
/// This process is a fork of the process that used the library. Only polls work in it.
pub const DCC_ERROR_FORKED: dcc_status = -13;
/// A limit is reached: too many jobs or requests wait, or the host's pool refused the job. The call
/// took over nothing.
pub const DCC_ERROR_OVERLOADED: dcc_status = -14;
/// An unfinished job of the dispatcher already has this caller id, or a request in flight in the
/// session already has this id.
pub const DCC_ERROR_DUPLICATE: dcc_status = -15;
/// The dispatcher was pumped from inside a pump: from a job, a completion or one of the host's
/// functions. Nothing ran.
pub const DCC_ERROR_REENTRANT: dcc_status = -16;
/// A file could not be written, or the control endpoint could not be opened. What was there before
/// is unchanged.
pub const DCC_ERROR_FILE: dcc_status = -17;

/// Every status with the text that `dcc_status_string` gives.
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

/// The status of an error.
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
