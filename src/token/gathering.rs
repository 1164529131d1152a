//! A gathering: which parents of a token of all are neither cancelled nor gone. With the last of
//! them the token is cancelled. The functions that use gatherings are in `all`.

use crate::error::Error;
use crate::handle::Handle;
use crate::memory::pool::{Link, Pool};
use crate::sys::fallible::Late;
use crate::sys::sync::{AtomicU32, Mutex, Ordering, constructor};

/// The gathering of one token.
#[derive(Debug)]
pub(super) struct Gathering {
    /// The token; NIL after its burial.
    pub token: u32,
    /// Number of parents that have not left.
    pub left: u64,
    /// Whether the gathering is over when `left` is 0.
    pub has_begun: bool,
    /// The registrations with parents. Those of parents that have left are over.
    pub registrations: Late<Vec<Handle>>,
}

#[derive(Debug, Default)]
struct GatheringCell {
    next_free: AtomicU32,
    references: AtomicU32,
    gathering: Mutex<Option<Gathering>>,
}

impl Link for GatheringCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// The table of all gatherings.
#[derive(Debug)]
pub struct Gatherings {
    cells: Pool<GatheringCell>,
}

impl Gatherings {
    constructor! {
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Makes a gathering without parents for a token, with one reference. Returns its number.
    pub(super) fn add(&self, token: u32) -> Result<u32, Error> {
        let (number, cell) =
            self.cells.take().map_err(|_| Error::Resources("memory for tokens of all"))?;
        cell.references.store(1, Ordering::Relaxed);
        let registrations = Late::new();
        let gathering = Gathering { token, left: 0, has_begun: false, registrations };
        *cell.gathering.lock() = Some(gathering);
        Ok(number)
    }

    /// Calls `call` under the gathering's lock. The caller has a reference of the gathering.
    pub(super) fn with<R>(&self, number: u32, call: impl FnOnce(&mut Gathering) -> R) -> R {
        let mut gathering = self.cells.cell(number).gathering.lock();
        call(gathering.as_mut().expect("it has a reference"))
    }

    /// Adds a reference of a gathering. The caller has one already.
    pub(super) fn share(&self, number: u32) {
        self.cells.cell(number).references.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops a reference of a gathering. The gathering ends with the last one.
    pub(super) fn release(&self, number: u32) {
        let cell = self.cells.cell(number);
        if cell.references.fetch_sub(1, Ordering::AcqRel) == 1 {
            let gathering = cell.gathering.lock().take();
            drop(gathering);
            self.cells.free(number);
        }
    }
}

impl Gathering {
    /// Whether all parents have left, so that the token is to be cancelled.
    pub fn is_over(&self) -> bool {
        self.has_begun && self.left == 0
    }
}
