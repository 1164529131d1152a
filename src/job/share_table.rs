//! The storage of shares of progress.

use crate::handle::Kind;
use crate::memory::arena::{Arena, LivePart};
use crate::sys::sync::{AtomicU32, AtomicU64, constructor};

/// The place of a share: the job's handle, and the node in its tree.
#[derive(Debug, Default)]
pub struct ShareLive {
    pub(super) job: AtomicU64,
    pub(super) node: AtomicU32,
}

impl LivePart for ShareLive {
    const KIND: Kind = Kind::Share;
    const NONE_LEFT: &'static str =
        "slots of shares of progress or memory for them; end shares that are done";
}

/// All shares. The operations on them are in `share`.
#[derive(Debug)]
pub struct ShareTable {
    pub(super) arena: Arena<(), ShareLive>,
}

impl ShareTable {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }
}
