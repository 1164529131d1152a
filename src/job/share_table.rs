//! Where shares of progress lie.

use crate::handle::Kind;
use crate::memory::arena::{Arena, LivePart};
use crate::sys::sync::{AtomicU32, AtomicU64, constructor};

/// Where a share is.
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

/// Where all shares are. What is done with them is of `share`.
#[derive(Debug)]
pub struct ShareTable {
    pub(super) arena: Arena<(), ShareLive>,
}

impl ShareTable {
    constructor! {
        /// No shares.
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }
}
