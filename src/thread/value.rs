//! What is put into the slots of a thread and taken out again.

use crate::handle::{Handle, NULL};
use crate::sys::sync::AtomicU64;

/// One of the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotName {
    /// The current token.
    Token,
    /// The current job.
    Job,
    /// The share of a job's progress in which others count what they do.
    Share,
}

impl SlotName {
    /// Those that polls look at.
    pub const BOTH: [Self; 2] = [Self::Token, Self::Job];
}

/// A value for a slot. Holds one reference of `object` unless that is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped or kept in a slot"]
pub struct SlotValue {
    /// The token or job.
    pub object: Handle,
    /// The token to poll for it.
    pub token: Handle,
}

impl SlotValue {
    /// Masks what was set before.
    pub const NONE: Self = Self { object: NULL, token: NULL };
}

/// A value with the word to poll for it.
#[derive(Clone, Copy, Debug)]
#[must_use = "the reference has to be dropped or kept in a slot"]
pub struct Shown<'a> {
    /// The value.
    pub value: SlotValue,
    /// The word of its token.
    pub word: &'a AtomicU64,
}

/// A value that left its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped"]
pub struct Removed {
    /// The slot.
    pub slot: SlotName,
    /// The value.
    pub value: SlotValue,
    /// It has no reference: whoever lent it keeps it.
    pub is_lent: bool,
}
