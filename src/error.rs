//! What can go wrong, with the values that make its text useful.

use crate::handle::{Handle, Kind};
use crate::sys::fallible::OutOfMemory;
use std::any::Any;
use std::fmt;

/// A mistake of the caller or a failure; each maps to one negative status of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No live object of this kind has this handle.
    InvalidHandle(Kind, Handle),
    /// An argument is wrong; the text says which and what to do.
    InvalidArgument(&'static str),
    /// An array is NULL but has entries.
    NullArray {
        /// Which array.
        what: &'static str,
        /// What has their number.
        counted_by: &'static str,
        /// Its entries.
        count: usize,
    },
    /// An out-pointer that has to be given is NULL; which one.
    NullOut(&'static str),
    /// A descriptor is NULL.
    NullDescriptor {
        /// Which parameter.
        what: &'static str,
        /// Its type.
        structure: &'static str,
    },
    /// A text is NULL but has bytes.
    NullText {
        /// Which text; what has its length is called so, too, and ends with `_length`.
        what: &'static str,
        /// Its bytes.
        length: usize,
    },
    /// An array, a buffer or a message is larger than any object can be.
    BeyondMemory {
        /// Which count or length.
        what: &'static str,
        /// What it is.
        count: usize,
    },
    /// The entries of an array lie closer together than they are large.
    ShortStride {
        /// Bytes from one to the next.
        stride: usize,
        /// Bytes of one.
        least: usize,
        /// The type of an entry.
        entry: &'static str,
    },
    /// Flags that do not exist.
    UnknownFlags {
        /// Which field or parameter.
        what: &'static str,
        /// Its value.
        given: u32,
        /// The flags that there are; empty if there are none.
        known: &'static str,
    },
    /// A number that names nothing.
    UnknownValue {
        /// Which field or parameter.
        what: &'static str,
        /// Its value.
        given: i32,
        /// What there is.
        known: &'static str,
    },
    /// A number is not between its bounds.
    OutOfRange {
        /// Which field or parameter.
        what: &'static str,
        /// Its value.
        given: u64,
        /// The least that is allowed.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A number is infinite or none; which one.
    NotFinite(&'static str),
    /// A reserved field of this structure is not 0.
    Reserved(&'static str),
    /// A text argument is longer than its limit.
    TextTooLong {
        /// Which text.
        what: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A text argument is not UTF-8 from this byte on.
    NotUtf8 {
        /// Which text.
        what: &'static str,
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// A structure is smaller than its first, larger than any can be, or would end inside a field.
    WrongSize {
        /// Which structure.
        what: &'static str,
        /// Its `struct_size`.
        size: u32,
        /// Size of its first version.
        least: usize,
        /// What is too much for any version.
        most: usize,
        /// What all versions' sizes are multiples of.
        step: usize,
    },
    /// A descriptor of a later version asks for what this version lacks.
    DescriptorTooNew {
        /// Which structure.
        what: &'static str,
        /// Its `struct_size`.
        size: u32,
        /// Size known here.
        known: usize,
    },
    /// Something is used up.
    Resources(&'static str),
    /// The ticket has been reset or unwound, or was never given out.
    TicketUsed(u64),
    /// The ticket is of the other slot.
    WrongSlot(u64),
    /// The ticket is of another thread.
    WrongThread(u64),
    /// Something was set after this ticket and is still set.
    WrongOrder(u64),
    /// The job is not in a state that allows this.
    WrongState {
        /// What was asked.
        verb: &'static str,
        /// The state it is in.
        state: &'static str,
    },
    /// The call would wait for the thread that makes it.
    WouldDeadlock,
    /// This owner is being closed or is closed.
    OwnerClosed(Handle),
    /// The library has been shut down.
    ShutDown,
    /// The dispatcher is closed.
    DispatcherShutDown,
    /// A bound on jobs is reached.
    Overloaded {
        /// How many wait.
        depth: u32,
        /// How many may.
        capacity: u32,
    },
    /// A host's own executor took no more.
    ExecutorRefused,
    /// A live job of the dispatcher has this caller id.
    DuplicateId,
    /// The session has been closed.
    SessionClosed,
    /// A live request of the session has this id.
    DuplicateRequest,
    /// A session has as many live requests as it may.
    TooManyRequests {
        /// How many.
        limit: u32,
    },
    /// A dispatcher belongs to another thread.
    NotItsThread,
    /// A pump from inside a pump.
    Reentrant,
    /// The process is a fork of the one that used the library.
    Forked,
    /// A panic was caught.
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
                "NULL is no {}, and nothing can be asked of it; pass the handle of one",
                kind.noun()
            ),
            Self::InvalidHandle(kind, handle) => write!(
                out,
                "{handle:#x} is no live {}: it was released, never existed, or is a handle of \
                 another kind; keep a reference of your own while you use a handle",
                kind.noun()
            ),
            Self::InvalidArgument(text) => out.write_str(text),
            Self::NullArray { what, counted_by, count } => {
                write!(out, "{what} is NULL but {counted_by} is {count}; pass both or 0")
            }
            Self::TextTooLong { what, length, limit } => {
                write!(out, "{what} has {length} bytes; at most {limit} are allowed")
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
                write!(out, "{what} is {count}, which is more than fits into memory")
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
                write!(out, "{what} is infinite or not a number; JSON has none of these")
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
                "ticket {ticket:#x} belongs to another slot; reset it with the function that goes \
                 with the one that gave it"
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
                "the call would wait for the function that it is made from, directly or through \
                 threads that wait for each other; make it after that function returned, let this \
                 thread go on pumping before, or use the variant that does not wait if there is one",
            ),
            Self::OwnerClosed(owner) => write!(
                out,
                "owner {owner:#x} is being closed: its plugin is about to be unloaded; register \
                 nothing more for it"
            ),
            Self::ShutDown => out.write_str(
                "the library has been shut down by the host, or the process is at its very end",
            ),
            Self::DispatcherShutDown => out.write_str(
                "the dispatcher is closed and takes nothing more; what was to be posted \
                 is still the caller's",
            ),
            Self::Overloaded { depth, capacity } => write!(
                out,
                "{depth} jobs wait and {capacity} may, or too many wait for their completion; \
                 post again after the next pump, or cancel some"
            ),
            Self::ExecutorRefused => out.write_str(
                "the host's execute function refused the job; what was to be posted is still the \
                 caller's",
            ),
            Self::DuplicateId => out.write_str(
                "a job of this dispatcher that is not over has the same caller id; use another, \
                 or find and cancel that one first",
            ),
            Self::SessionClosed => {
                out.write_str("the session has been closed; no request begins in it any more")
            }
            Self::DuplicateRequest => out.write_str(
                "a request of this session that has not ended has the same id; the peer must not \
                 use an id twice at a time",
            ),
            Self::TooManyRequests { limit } => write!(
                out,
                "the session has {limit} requests in flight, as many as it may; end some first"
            ),
            Self::NotItsThread => out.write_str(
                "the dispatcher is bound to another thread; pump it there, from its tick",
            ),
            Self::Reentrant => out.write_str(
                "no other job must run here: this is the event loop of a job, of a completion or of a \
                 host's check whether to stop; pump again after it returned",
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

/// What a panic says of itself.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
