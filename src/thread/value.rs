//! The values that are put into the slots of a thread and taken out again.

use crate::handle::{Handle, NULL};
use crate::sys::sync::AtomicU64;

/// One slot of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotName {
    Token,
    Job,
    /// The share of a job's progress in which libraries count what they do.
    Share,
}

impl SlotName {
    /// The two slots that polls look at.
    pub const BOTH: [Self; 2] = [Self::Token, Self::Job];
}

/// A value for a slot. It has one reference of `object`, unless that is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped or kept in a slot"]
pub struct SlotValue {
    /// The token, the job or the share.
    pub object: Handle,
    /// The token that polls ask for this value; NULL for a share.
    pub token: Handle,
}

impl SlotValue {
    /// The empty value. It masks the values below it.
    pub const NONE: Self = Self { object: NULL, token: NULL };
}

/// A value with the word to poll for it.
#[derive(Clone, Copy, Debug)]
#[must_use = "the reference has to be dropped or kept in a slot"]
pub struct Shown<'a> {
    pub value: SlotValue,
    /// The state word of its token, or a word that is always 0.
    pub word: &'a AtomicU64,
}

/// A value that has left its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped"]
pub struct Removed {
    /// The slot that the value was in.
    pub slot: SlotName,
    /// The value itself. Its reference is now the receiver's, unless `is_lent`.
    pub value: SlotValue,
    /// Whether the value was lent. Then it has no reference: the lender has kept that.
    pub is_lent: bool,
}
