//! The header's declarations as tables, written by `generator.rs`.

#![allow(non_camel_case_types, unused_variables, clippy::all)]

/// The kind of an argument or a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handle; the number is the place of its type in `HANDLES`.
    Handle(usize),
    /// A place for a new handle, which has to be released.
    OutHandle(usize),
    /// An array of handles; its count follows.
    HandleArray(usize),
    Count,
    /// A text; its length follows, or it ends with NUL.
    Text,
    TextLength,
    /// A place for a text; its size follows.
    Buffer,
    BufferSize,
    /// A structure that the call reads.
    Structure(usize),
    /// A structure that the call writes.
    OutStructure(usize),
    /// An array of structures that the call writes; stride and capacity follow.
    Array(usize),
    Stride,
    Capacity,
    /// A structure inside another.
    Nested(usize),
    StructSize,
    Reserved,
    /// A function of this type.
    Callback(usize),
    UserData,
    Ticket,
    OutTicket,
    /// An event of the operating system.
    Event,
    OutEvent,
    /// A place for a number of this many bytes.
    Out(usize),
    /// A place for user data.
    OutPointer,
    /// A number of this many bytes.
    Number(usize),
    Double,
    /// A field that only the library writes.
    Filled,
}

/// A parameter of a function.
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
}

/// A field of a structure.
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub offset: usize,
}

/// A structure.
pub struct Structure {
    pub name: &'static str,
    pub size: usize,
    pub fields: &'static [Field],
}

/// The result of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Status,
    Number,
    /// A text that stays for ever.
    Text,
    /// A handle of this kind that belongs to something else.
    Borrowed(usize),
    /// The answer of a bound context's callback; 0 if it was not called.
    Ran,
}

/// A function of the library.
pub struct Function {
    pub name: &'static str,
    pub answers: Answer,
    /// Whether the call ends the use of the handle that is its first argument.
    pub ends_a_handle: bool,
    pub parameters: &'static [Parameter],
    pub call: fn(&[u64; 8]) -> u64,
}

include!(concat!(env!("OUT_DIR"), "/abi.rs"));

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The number of a type of handles. A name that no longer exists stops the build.
pub const fn handle(name: &str) -> usize {
    let mut at = 0;
    while !is_same(HANDLES[at], name) {
        at += 1;
    }
    at
}

/// The number of a type of callbacks.
pub const fn callback_number(name: &str) -> usize {
    let mut at = 0;
    while !is_same(CALLBACKS[at], name) {
        at += 1;
    }
    at
}

/// The number of a function.
pub const fn function(name: &str) -> usize {
    let mut at = 0;
    while !is_same(FUNCTIONS[at].name, name) {
        at += 1;
    }
    at
}

/// The number of a structure.
pub const fn structure(name: &str) -> usize {
    let mut at = 0;
    while !is_same(STRUCTURES[at].name, name) {
        at += 1;
    }
    at
}

/// The name of a status.
pub fn status_name(status: i64) -> Option<&'static str> {
    STATUSES.iter().find(|(_, value)| *value == i128::from(status)).map(|(name, _)| *name)
}
