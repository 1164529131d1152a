//! Links from parents to children: a list in every parent.
//!
//! The first parent's link lies in the child's own slot, further ones are cells of a pool.
//!
//! Invariants:
//! - A list that is not empty holds one internal of its parent: children keep parents alive.
//! - The parent's CANCELLED flag is set under the parent's lock, and once it is seen there nothing is
//!   added any more. So no child is missed.
//! - `sibling`, the chain of one child's further links, is written by the child's creator before
//!   the child is known to anyone, and read when the child is buried. So a dead child's links lie
//!   still.
//!
//! A list is guarded by its parent's lock. A cancel locks children under it (`token`); nothing here takes
//! another.

use crate::handle::CANCELLED;
use crate::memory::list::{List, ListNode, ListNodes};
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::memory::slot::Slot;
use crate::sys::sync::{AtomicU32, Ordering, constructor};
use crate::token::cell::{LinkNode, TokenCold, TokenLive, TokenSlots};

#[derive(Debug, Default)]
struct LinkCell {
    next_free: AtomicU32,
    link: LinkNode,
}

impl Link for LinkCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// Number of a link: a child's index for the link in its slot, or a cell's number with this bit.
const IN_POOL: u32 = 1 << 31;

/// All links, wherever they lie.
struct AllLinks<'a> {
    slots: &'a TokenSlots,
    cells: &'a Pool<LinkCell>,
}

impl<'a> AllLinks<'a> {
    fn link(&self, number: u32) -> &'a LinkNode {
        if number & IN_POOL == 0 {
            &self.slots.slot(number).live().link
        } else {
            &self.cells.cell(number & !IN_POOL).link
        }
    }
}

impl ListNodes for AllLinks<'_> {
    fn node(&self, number: u32) -> &ListNode {
        &self.link(number).node
    }
}

fn children<'a>(
    all: &'a AllLinks<'a>,
    parent: &'a Slot<TokenCold, TokenLive>,
) -> List<'a, AllLinks<'a>> {
    List::new(all, &parent.live().children)
}

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

/// Children taken from a list at a time, under one hold of its lock.
pub const MOST_CHILDREN: usize = 32;

/// What `take_children` found.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The list became empty; its internal of the parent is the caller's.
    pub emptied: bool,
    /// The list is not empty yet.
    pub more: bool,
    /// The parent has callbacks or signals.
    pub listened: bool,
}

impl Links {
    constructor! {
        /// No links.
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    fn all<'a>(&'a self, slots: &'a TokenSlots) -> AllLinks<'a> {
        AllLinks { slots, cells: &self.cells }
    }

    /// Links a child that only the caller knows to a parent that the caller has pinned.
    pub fn add(&self, slots: &TokenSlots, parent: u32, child: u32) -> Result<Added, NoLink> {
        let all = self.all(slots);
        let own = slots.slot(child).live();
        let in_slot = own.link.child.load(Ordering::Relaxed) == NIL;
        let number =
            if in_slot { child } else { self.cells.take().map_err(|_| NoLink)?.0 | IN_POOL };
        let link = all.link(number);
        let parent_slot = slots.slot(parent);
        let lock = parent_slot.lock();
        if parent_slot.state().load(Ordering::Relaxed) & CANCELLED != 0 {
            drop(lock);
            if !in_slot {
                self.cells.free(number & !IN_POOL);
            }
            return Ok(Added::ParentCancelled);
        }
        link.child.store(child, Ordering::Relaxed);
        let children = children(&all, parent_slot);
        let was_empty = children.is_empty();
        children.push(number, parent);
        drop(lock);
        if !in_slot {
            link.sibling.store(own.further_links.load(Ordering::Relaxed), Ordering::Relaxed);
            own.further_links.store(number, Ordering::Relaxed);
        }
        Ok(if was_empty { Added::TookPin } else { Added::KeptPin })
    }

    /// Takes up to a batch of children off the front of a list of a pinned parent. `visit` gets each under
    /// the parent's lock while it is still in the list: so it may be dead, and is not buried.
    pub fn take_children(
        &self,
        slots: &TokenSlots,
        parent: u32,
        mut visit: impl FnMut(u32, &Slot<TokenCold, TokenLive>),
    ) -> Taken {
        let all = self.all(slots);
        let slot = slots.slot(parent);
        let _lock = slot.lock();
        let children = children(&all, slot);
        let mut number = children.first();
        let any = number != NIL;
        for _ in 0..MOST_CHILDREN {
            if number == NIL {
                break;
            }
            let link = all.link(number);
            let next = link.node.next();
            if next != NIL && next & IN_POOL == 0 {
                slots.slot(next).prefetch();
            }
            let child = link.child.load(Ordering::Relaxed);
            visit(child, slots.slot(child));
            children.remove_node(&link.node, number);
            number = next;
        }
        Taken {
            emptied: any && children.is_empty(),
            more: !children.is_empty(),
            listened: slot.live().is_listened(),
        }
    }

    /// Links a new child, which only the caller knows, to its only parent, which the caller has locked and
    /// which is not cancelled. True: the list took over an internal of the parent.
    #[inline]
    #[must_use]
    pub fn add_only(
        &self,
        slots: &TokenSlots,
        parent: u32,
        parent_slot: &Slot<TokenCold, TokenLive>,
        child: u32,
        child_slot: &Slot<TokenCold, TokenLive>,
    ) -> bool {
        let all = self.all(slots);
        let children = children(&all, parent_slot);
        let was_empty = children.is_empty();
        let link = &child_slot.live().link;
        link.child.store(child, Ordering::Relaxed);
        children.push_node(&link.node, child, parent);
        was_empty
    }

    /// Unlinks a dead child from all its parents. Calls `died` for each parent that this was the last to
    /// hold.
    pub fn remove_all(&self, slots: &TokenSlots, child: u32, mut died: impl FnMut(u32)) {
        let own = slots.slot(child).live();
        if own.link.child.load(Ordering::Relaxed) == NIL {
            return;
        }
        self.remove(slots, child, &mut died);
        own.link.child.store(NIL, Ordering::Relaxed);
        let mut link = own.further_links.load(Ordering::Relaxed);
        own.further_links.store(NIL, Ordering::Relaxed);
        while link != NIL {
            self.remove(slots, link, &mut died);
            let sibling = self.all(slots).link(link).sibling.load(Ordering::Relaxed);
            self.cells.free(link & !IN_POOL);
            link = sibling;
        }
    }

    fn remove(&self, slots: &TokenSlots, number: u32, died: &mut impl FnMut(u32)) {
        let all = self.all(slots);
        let node = &all.link(number).node;
        let parent = node.list();
        if parent == NIL {
            return;
        }
        let slot = slots.slot(parent);
        // What has a child in its list lives.
        if !slot.lock_live() {
            return;
        }
        let mut internals = 1;
        if node.list() == parent || crate::weakened!("second_look") {
            let children = children(&all, slot);
            children.remove_node(node, number);
            // The internal of the list is nobody's now.
            internals += u64::from(children.is_empty());
        }
        if slot.unlock_and_unpin(internals) {
            died(parent);
        }
    }

    /// Whether the child was ever linked. Only for its creator and whoever buries it.
    #[inline]
    pub fn any(own: &TokenLive) -> bool {
        own.link.child.load(Ordering::Relaxed) != NIL
    }
}
