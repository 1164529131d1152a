//! Everything that can go wrong, with the values that make an error's text useful.

use crate::handle::{Handle, Kind};
use crate::sys::fallible::OutOfMemory;
use std::any::Any;
use std::fmt;

/// A mistake of the caller, or a failure. Each variant has one negative status of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No live object of this kind has this handle.
    InvalidHandle(Kind, Handle),
    /// An argument is wrong. The text says which, and what to do.
    InvalidArgument(&'static str),
    /// An array is NULL but has entries.
    NullArray {
        /// The name of the array's parameter.
        what: &'static str,
        /// The name of the parameter with the number of entries.
        counted_by: &'static str,
        /// The number of entries that was given.
        count: usize,
    },
    /// An out-pointer that has to be given is NULL. The value is its name.
    NullOut(&'static str),
    /// A descriptor is NULL.
    NullDescriptor {
        /// The name of the parameter.
        what: &'static str,
        structure: &'static str,
    },
    /// A text is NULL but has bytes.
    NullText {
        /// The name of the text. The parameter with its length has the same name with `_length`
        /// behind it.
        what: &'static str,
        /// The length that was given, in bytes.
        length: usize,
    },
    /// An array, a buffer or a message is larger than any object can be.
    BeyondMemory {
        /// The name of the count or length.
        what: &'static str,
        /// The value that was given.
        count: usize,
    },
    /// The entries of an array lie closer together than they are large.
    ShortStride {
        /// The given number of bytes from one entry to the next.
        stride: usize,
        /// The size of an entry, in bytes.
        least: usize,
        /// The type of an entry.
        entry: &'static str,
    },
    /// A word of flags has bits that do not exist.
    UnknownFlags {
        /// The name of the field or parameter.
        what: &'static str,
        /// The value that was given.
        given: u32,
        /// The flags that exist; empty if there are none.
        known: &'static str,
    },
    /// A field or parameter has a number that has no meaning there.
    UnknownValue {
        /// The name of the field or parameter.
        what: &'static str,
        /// The value that was given.
        given: i32,
        /// The values that exist.
        known: &'static str,
    },
    /// A number is not between its bounds.
    OutOfRange {
        /// The name of the field or parameter.
        what: &'static str,
        /// The value that was given.
        given: u64,
        /// The least allowed value.
        least: u64,
        /// The greatest allowed value.
        most: u64,
    },
    /// A floating-point number is infinite or NaN. The value is the name of the parameter.
    NotFinite(&'static str),
    /// A reserved field is not 0. The value is the name of its structure.
    Reserved(&'static str),
    /// A text argument is longer than its limit.
    TextTooLong {
        /// The name of the text.
        what: &'static str,
        /// The given length, in bytes.
        length: usize,
        /// The greatest allowed length, in bytes.
        limit: usize,
    },
    /// A text argument is not UTF-8.
    NotUtf8 {
        /// The name of the text.
        what: &'static str,
        /// The offset of the first bad byte.
        offset: usize,
    },
    /// The size of a structure is impossible: it is smaller than the first version of the
    /// structure, larger than any version can be, or would end inside a field.
    WrongSize {
        /// The name of the structure.
        what: &'static str,
        /// The `struct_size` that was given.
        size: u32,
        /// The size of the first version.
        least: usize,
        /// The greatest size that is accepted from any version.
        most: usize,
        /// The size of every version is a multiple of this number of bytes.
        step: usize,
    },
    /// A descriptor of a later version asks for something that this version lacks.
    DescriptorTooNew {
        /// The name of the structure.
        what: &'static str,
        /// The `struct_size` that was given.
        size: u32,
        /// The size of the version known here.
        known: usize,
    },
    /// Memory, slots or another resource is used up. The value says which, and perhaps what to do.
    Resources(&'static str),
    /// The ticket was reset or unwound before, or was never given out.
    TicketUsed(u64),
    /// The ticket was given for another slot, or by another kind of call.
    WrongSlot(u64),
    /// The ticket was given out on another thread.
    WrongThread(u64),
    /// A value that was set later in the same slot is still set. It has to be taken out first.
    WrongOrder(u64),
    /// The job's state does not allow the call.
    WrongState {
        /// What the call was to do.
        verb: &'static str,
        /// The state that the job is in.
        state: &'static str,
    },
    /// The call would wait for the thread that makes it.
    WouldDeadlock,
    /// The owner is closed or being closed.
    OwnerClosed(Handle),
    /// The library has been shut down.
    ShutDown,
    DispatcherShutDown,
    /// As many jobs of the dispatcher as may wait already wait, or too many accepted jobs are not
    /// over.
    Overloaded {
        /// How many jobs wait.
        depth: u32,
        /// How many jobs may wait.
        capacity: u32,
    },
    /// The host's own `execute` function refused a job.
    ExecutorRefused,
    /// A live job of the dispatcher already has this caller id.
    DuplicateId,
    SessionClosed,
    /// A live request of the session already has this id.
    DuplicateRequest,
    /// The session has as many live requests as it may have.
    TooManyRequests {
        /// The number of live requests that the session may have.
        limit: u32,
    },
    /// The dispatcher belongs to another thread.
    NotItsThread,
    /// The call would pump inside a job, a completion or a host's check.
    Reentrant,
    /// This process is a fork of the process that used the library.
    Forked,
    /// A panic inside the library was caught.
    Internal,
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Self::Resources("memory")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::InvalidHandle(kind, 0) => write!(
                out,
                "NULL is not a live {}; pass the handle of one",
                kind.noun()
            ),
            Self::InvalidHandle(kind, handle) => write!(
                out,
                "{handle:#x} is not a live {}: it was released, never existed, or is a handle of \
                 another kind; keep a reference of your own while you use a handle",
                kind.noun()
            ),
            Self::InvalidArgument(text) => out.write_str(text),
            Self::NullArray { what, counted_by, count } => {
                write!(out, "{what} is NULL but {counted_by} is {count}; pass both or 0")
            }
            Self::TextTooLong { what, length, limit } => {
                write!(out, "{what} has {length} bytes; at most {limit} are allowed, shorten it")
            }
            Self::NotUtf8 { what, offset } => {
                write!(out, "{what} is not UTF-8 at byte {offset}; convert it first")
            }
            Self::NullOut(what) => {
                write!(out, "{what} is NULL; pass the address of a variable")
            }
            Self::NullDescriptor { what, structure } => {
                write!(out, "{what} is NULL; pass a filled-in {structure}")
            }
            Self::NullText { what, length } => {
                write!(out, "{what} is NULL but {what}_length is {length}; pass both or none")
            }
            Self::BeyondMemory { what, count } => {
                write!(out, "{what} is {count}, more than fits into memory; check how it was computed")
            }
            Self::ShortStride { stride, least, entry } => {
                write!(out, "stride is {stride}, below {least}; pass sizeof({entry})")
            }
            Self::UnknownFlags { what, given, known: "" } => {
                write!(out, "{what} is {given:#x}; it has no flags yet, pass 0")
            }
            Self::UnknownFlags { what, given, known } => {
                write!(out, "{what} is {given:#x}, which has unknown bits; use {known} or 0")
            }
            Self::UnknownValue { what, given, known } => {
                write!(out, "{what} is {given}; use {known}")
            }
            Self::OutOfRange { what, given, least, most } => {
                write!(out, "{what} is {given}; it can be {least} to {most}")
            }
            Self::NotFinite(what) => {
                write!(out, "{what} is infinite or not a number, which JSON lacks; pass a finite one")
            }
            Self::Reserved(what) => write!(
                out,
                "{what}.reserved is not 0; set the whole structure to zero before you fill it in"
            ),
            Self::WrongSize { what, size, least, most, step } => write!(
                out,
                "{what}.struct_size is {size}, not {least} to {most} in steps of {step}; set it to \
                 sizeof({what})"
            ),
            Self::DescriptorTooNew { what, size, known } => write!(
                out,
                "{what}.struct_size is {size} and bytes beyond {known} are not zero: the caller \
                 was built for a later version of the library; update the library"
            ),
            Self::Resources(what) => write!(out, "out of {what}"),
            Self::TicketUsed(ticket) => write!(
                out,
                "ticket {ticket:#x} is not in use: it was reset or unwound before, or never given \
                 out; reset each ticket once"
            ),
            Self::WrongSlot(ticket) => write!(
                out,
                "ticket {ticket:#x} belongs to another slot; reset it with the counterpart of the \
                 function that gave it"
            ),
            Self::WrongThread(ticket) => {
                write!(out, "ticket {ticket:#x} was given out on another thread; reset it there")
            }
            Self::WrongOrder(ticket) => write!(
                out,
                "ticket {ticket:#x} is not the latest of its slot; reset the later ones first, or \
                 use dcc_context_unwind"
            ),
            Self::WrongState { verb, state } => {
                write!(out, "cannot {verb} a job that is {state}")
            }
            Self::WouldDeadlock => out.write_str(
                "the call would wait for the function that makes it, directly or through threads \
                 that wait for each other; make it after that function has returned, let this \
                 thread pump first, or use a variant that does not wait if there is one",
            ),
            Self::OwnerClosed(owner) => write!(
                out,
                "owner {owner:#x} is being closed: its plugin is about to be unloaded; register \
                 nothing more for it"
            ),
            Self::ShutDown => out.write_str(
                "the library was shut down by the host, or the process is at its very end; make no \
                 more calls",
            ),
            Self::DispatcherShutDown => out.write_str(
                "the dispatcher is closed and accepts no more jobs; what was passed to this call is \
                 still the caller's to free",
            ),
            Self::Overloaded { depth, capacity } => write!(
                out,
                "{depth} jobs wait and {capacity} may, or too many wait for their completion; \
                 post again after the next pump, or cancel some"
            ),
            Self::ExecutorRefused => out.write_str(
                "the host's execute function refused the job; what was passed to this call is still \
                 the caller's to free, or to post again later",
            ),
            Self::DuplicateId => out.write_str(
                "a job of this dispatcher that is not over has the same caller id; use another id, \
                 or cancel that job and post again once it is over",
            ),
            Self::SessionClosed => {
                out.write_str("the session is closed; begin requests in a session that is open")
            }
            Self::DuplicateRequest => out.write_str(
                "a request of this session that has not ended has the same id; answer the peer with \
                 an error: it must not use an id twice at a time",
            ),
            Self::TooManyRequests { limit } => write!(
                out,
                "the session has {limit} requests in flight, as many as it may; end some first"
            ),
            Self::NotItsThread => out.write_str(
                "the dispatcher is bound to another thread; pump it there, from its tick",
            ),
            Self::Reentrant => out.write_str(
                "no job may be pumped here: the call comes from inside a job, a completion or a \
                 host's check whether to stop; pump again after that has returned",
            ),
            Self::Forked => out.write_str(
                "this process is a fork of the one that used the library: only polls work here; \
                 use the library after exec, or start workers as new processes",
            ),
            Self::Internal => out.write_str("a panic inside the library was caught"),
        }
    }
}

impl std::error::Error for Error {}

/// The text that a panic was raised with.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
