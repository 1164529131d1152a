//! Links from parents to children: an intrusive list in every parent.
//!
//! The first parent's link lies in the child's own slot, further ones are cells of a pool.
//!
//! Invariants:
//! - A link is in its parent's list exactly while `parent` is not NIL. `parent`, `previous` and
//!   `next` of a linked link are written only under the parent's list lock; `parent` becomes NIL
//!   as the last access of whoever unlinks it, so that a child which reads NIL owns the link.
//! - A list that is not empty holds one internal of its parent: children keep parents alive.
//! - Once the parent's CANCELLED flag was seen under the list lock, nothing is added any more; the
//!   canceller takes the list lock after it set the flag. So no child is missed.
//! - `sibling`, the chain of one child's further links, is written by the child's creator before
//!   the child is known to anyone, and read when the child is buried.
//!
//! A list lock is a leaf: no other lock is taken under it.

use crate::arena::Arena;
use crate::pool::{Link, NIL, Pool};
use crate::sys::sync::{AtomicU32, Ordering};
use crate::token::{TokenCold, TokenLive};

/// One edge of the graph.
#[derive(Debug, Default)]
pub struct LinkNode {
    parent: AtomicU32,
    child: AtomicU32,
    previous: AtomicU32,
    next: AtomicU32,
    sibling: AtomicU32,
}

#[derive(Debug, Default)]
struct LinkCell {
    next_free: AtomicU32,
    node: LinkNode,
}

impl Link for LinkCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// Number of a link: a child's index for the link in its slot, or a cell's number with this bit.
const IN_POOL: u32 = 1 << 31;

type Slots = Arena<TokenCold, TokenLive>;

/// What `add` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The parent is cancelled; nothing was linked.
    ParentCancelled,
    /// Linked; the list took over the caller's internal of the parent.
    TookPin,
    /// Linked; the caller keeps its internal.
    KeptPin,
}

/// The links that do not lie in slots.
#[derive(Debug)]
pub struct Links {
    cells: Pool<LinkCell>,
}

/// No cell for a link.
#[derive(Clone, Copy, Debug)]
pub struct NoLink;

/// Children taken from a list at a time, each pinned.
pub type Batch = [u32; 32];

impl Links {
    /// No links.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { cells: Pool::new() }
    }

    /// No links.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { cells: Pool::new() }
    }

    fn node<'a>(&'a self, slots: &'a Slots, link: u32) -> &'a LinkNode {
        if link & IN_POOL == 0 {
            &slots.slot(link).live().link
        } else {
            &self.cells.cell(link & !IN_POOL).node
        }
    }

    /// Links a child that only the caller knows to a parent that the caller has pinned.
    pub fn add(&self, slots: &Slots, parent: u32, child: u32) -> Result<Added, NoLink> {
        let own = slots.slot(child).live();
        let in_slot = own.link.child.load(Ordering::Relaxed) == NIL;
        let link = if in_slot { child } else { self.cells.take().map_err(|_| NoLink)?.0 | IN_POOL };
        let node = self.node(slots, link);
        let parent_slot = slots.slot(parent);
        let mut first = parent_slot.live().children.lock();
        if parent_slot.state().load(Ordering::Relaxed) & crate::handle::CANCELLED != 0 {
            drop(first);
            if !in_slot {
                self.cells.free(link & !IN_POOL);
            }
            return Ok(Added::ParentCancelled);
        }
        node.child.store(child, Ordering::Relaxed);
        node.previous.store(NIL, Ordering::Relaxed);
        node.next.store(*first, Ordering::Relaxed);
        node.parent.store(parent, Ordering::Relaxed);
        let was_empty = *first == NIL;
        if !was_empty {
            self.node(slots, *first).previous.store(link, Ordering::Relaxed);
        }
        *first = link;
        drop(first);
        if !in_slot {
            node.sibling.store(own.further_links.load(Ordering::Relaxed), Ordering::Relaxed);
            own.further_links.store(link, Ordering::Relaxed);
        }
        Ok(if was_empty { Added::TookPin } else { Added::KeptPin })
    }

    /// Takes up to a batch of children from the front of a list and pins them. Returns how many,
    /// and whether the list became empty: then its internal of the parent is the caller's.
    pub fn take_children(&self, slots: &Slots, parent: u32, batch: &mut Batch) -> (usize, bool) {
        let mut first = slots.slot(parent).live().children.lock();
        if *first == NIL {
            return (0, false);
        }
        let mut count = 0;
        while *first != NIL && count < batch.len() {
            let node = self.node(slots, *first);
            let next = node.next.load(Ordering::Relaxed);
            let child = node.child.load(Ordering::Relaxed);
            // A child that is dying needs no cancel any more.
            if slots.pin_index(child) {
                batch[count] = child;
                count += 1;
            }
            if next != NIL {
                self.node(slots, next).previous.store(NIL, Ordering::Relaxed);
            }
            *first = next;
            node.parent.store(NIL, Ordering::Release);
        }
        (count, *first == NIL)
    }

    /// Unlinks a dead child from all its parents. Calls `orphaned` for each parent whose list
    /// became empty: its internal is the callee's.
    pub fn remove_all(&self, slots: &Slots, child: u32, mut orphaned: impl FnMut(u32)) {
        let own = slots.slot(child).live();
        if own.link.child.load(Ordering::Relaxed) == NIL {
            return;
        }
        self.remove(slots, &own.link, child, &mut orphaned);
        own.link.child.store(NIL, Ordering::Relaxed);
        let mut link = own.further_links.load(Ordering::Relaxed);
        own.further_links.store(NIL, Ordering::Relaxed);
        while link != NIL {
            let node = self.node(slots, link);
            self.remove(slots, node, link, &mut orphaned);
            let sibling = node.sibling.load(Ordering::Relaxed);
            self.cells.free(link & !IN_POOL);
            link = sibling;
        }
    }

    fn remove(&self, slots: &Slots, node: &LinkNode, link: u32, orphaned: &mut impl FnMut(u32)) {
        let parent = node.parent.load(Ordering::Acquire);
        if parent == NIL {
            return;
        }
        // The parent may be cancelled, die and be used again before the lock is taken; then the
        // link is no longer in its list, which the second look tells.
        let mut first = slots.slot(parent).live().children.lock();
        if node.parent.load(Ordering::Relaxed) != parent {
            return;
        }
        let previous = node.previous.load(Ordering::Relaxed);
        let next = node.next.load(Ordering::Relaxed);
        if previous == NIL {
            debug_assert_eq!(*first, link);
            *first = next;
        } else {
            self.node(slots, previous).next.store(next, Ordering::Relaxed);
        }
        if next != NIL {
            self.node(slots, next).previous.store(previous, Ordering::Relaxed);
        }
        node.parent.store(NIL, Ordering::Relaxed);
        let empty = *first == NIL;
        drop(first);
        if empty {
            orphaned(parent);
        }
    }

    /// Whether the child was ever linked. Only for its creator and whoever buries it.
    #[inline]
    pub fn any(own: &TokenLive) -> bool {
        own.link.child.load(Ordering::Relaxed) != NIL
    }
}
