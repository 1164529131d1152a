//! What the header declares, written by `generator.rs`.

#![allow(non_camel_case_types, unused_variables, clippy::all)]

/// What an argument or a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A handle of this number in `HANDLES`.
    Handle(usize),
    /// Where a new handle goes, one that has to be released.
    OutHandle(usize),
    /// An array of handles; its count follows.
    HandleArray(usize),
    Count,
    /// A text; its length follows, or it ends with NUL.
    Text,
    TextLength,
    /// Where a text goes; its size follows.
    Buffer,
    BufferSize,
    /// A structure that is read.
    Structure(usize),
    /// A structure that is written.
    OutStructure(usize),
    /// An array of structures that is written; stride and capacity follow.
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
    /// Where a number of so many bytes goes.
    Out(usize),
    /// Where user data goes.
    OutPointer,
    /// A number of so many bytes.
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

/// What a function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Status,
    Number,
    /// A text that stays for ever.
    Text,
    /// A handle of this kind that belongs to something else.
    Borrowed(usize),
    /// What the callback of a bound context has answered; 0: it was not called.
    Ran,
}

/// A function of the library.
pub struct Function {
    pub name: &'static str,
    pub answers: Answer,
    /// Whether it ends the use of the handle that is its first argument.
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

/// The number of a type of handles. A name that is gone stops the build.
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

/// What a status is called.
pub fn status_name(status: i64) -> Option<&'static str> {
    STATUSES.iter().find(|(_, value)| *value == i128::from(status)).map(|(name, _)| *name)
}
