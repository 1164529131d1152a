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
//! - A link that is in no list is NIL if a walk has taken the child, whose cancel it decides before. It is
//!   PARTED if the parent was an ended job's that cannot hear of a cancel any more: then none comes this way.
//! - An ended job's token whose only parent lives leaves its children to that parent, under the locks of both
//!   and unless its own is cancelled. A link goes from list to list in one store: whoever reads `list`
//!   without a lock finds one of the two parents, and one that is not the parent any more looks again.
//!
//! A list is guarded by its parent's lock. A cancel locks children under it (`token`), and `part` a parent
//! and then its child: always the one above first.

use crate::handle::CANCELLED;
use crate::memory::list::{List, ListNode, ListNodes};
use crate::memory::magazine::Shelved;
use crate::memory::pool::{Link, NIL, Pool};
use crate::memory::slot::Slot;
use crate::sys::sync::{AtomicU32, Ordering, constructor, yield_now};
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

/// The list of a link whose parent has let go of it, without a cancel.
pub(super) const PARTED: u32 = u32::MAX;

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
        self.remove_first(slots, child, own, &mut died);
        let mut link = own.further_links.load(Ordering::Relaxed);
        own.further_links.store(NIL, Ordering::Relaxed);
        while link != NIL {
            let further = self.all(slots).link(link);
            self.remove(slots, &further.node, link, &mut died);
            let sibling = further.sibling.load(Ordering::Relaxed);
            self.cells.free(link & !IN_POOL);
            link = sibling;
        }
    }

    /// Whether a pinned child has links besides that in its slot.
    pub fn has_several_parents(&self, slots: &TokenSlots, child: u32) -> bool {
        !Self::at_most_one(slots.slot(child).live())
    }

    /// The numbers of a pinned child's links.
    pub fn of_child<'a>(
        &'a self,
        slots: &'a TokenSlots,
        child: u32,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let number = |word: &AtomicU32| Some(word.load(Ordering::Relaxed)).filter(|it| *it != NIL);
        let own = slots.slot(child).live();
        let in_slot = Self::any(own).then_some(child);
        let further = std::iter::successors(number(&own.further_links), move |link| {
            number(&self.all(slots).link(*link).sibling)
        });
        in_slot.into_iter().chain(further)
    }

    /// Pins the parent in whose list a link of a pinned child is. `None`: it is in none any more. Calls
    /// `died` for a token whose last internal this gave up.
    pub fn pin_parent(
        &self,
        slots: &TokenSlots,
        number: u32,
        mut died: impl FnMut(u32),
    ) -> Option<u32> {
        let parent = self.lock_parent(slots, &self.all(slots).link(number).node, &mut died)?;
        slots.slot(parent).unlock_and_hold();
        Some(parent)
    }

    /// Locks and pins the parent in whose list a link is, and finds it again where the link goes to another.
    /// `None`: it is in none any more. Calls `died` as `pin_parent`.
    #[inline]
    fn lock_parent(
        &self,
        slots: &TokenSlots,
        node: &ListNode,
        died: &mut impl FnMut(u32),
    ) -> Option<u32> {
        loop {
            let parent = node.list();
            if parent == NIL || parent == PARTED {
                return None;
            }
            let slot = slots.slot(parent);
            // What has a child in its list lives: if nothing does there, the link has left it.
            if slot.lock_live() {
                if node.list() == parent || crate::weakened!("second_look") {
                    return Some(parent);
                }
                if slot.unlock_and_unpin(1) {
                    died(parent);
                }
            } else {
                yield_now();
            }
            if crate::weakened!("link_is_looked_for_again") {
                return None;
            }
        }
    }

    /// Unlinks a dead child, which has one, from its first parent. Calls `died` if this was the last to hold
    /// that.
    #[inline]
    pub fn remove_first(
        &self,
        slots: &TokenSlots,
        child: u32,
        own: &TokenLive,
        died: &mut impl FnMut(u32),
    ) {
        self.remove(slots, &own.link.node, child, died);
        own.link.child.store(NIL, Ordering::Relaxed);
    }

    #[inline]
    fn remove(&self, slots: &TokenSlots, node: &ListNode, number: u32, died: &mut impl FnMut(u32)) {
        let Some(parent) = self.lock_parent(slots, node, died) else { return };
        let slot = slots.slot(parent);
        let all = self.all(slots);
        let children = children(&all, slot);
        children.remove_node(node, number);
        // The internal of the list is nobody's now.
        let internals = 1 + u64::from(children.is_empty());
        if slot.unlock_and_unpin(internals) {
            died(parent);
        }
    }

    /// Takes the children that are named out of the list of a pinned parent, unless that is cancelled, and
    /// leaves them to `heir`, if there is one: its only parent, pinned too. True: the list became empty; its
    /// internal of the parent is the caller's. A child that is asked about is still in the list: so it may be
    /// dead, and is not buried.
    #[must_use]
    #[cold]
    pub fn part(
        &self,
        slots: &TokenSlots,
        parent: u32,
        heir: Option<u32>,
        is_to_go: impl Fn(&Slot<TokenCold, TokenLive>) -> bool,
    ) -> bool {
        let all = self.all(slots);
        let slot = slots.slot(parent);
        let _heir_lock = heir.map(|heir| slots.slot(heir).lock());
        // A walk that has taken the parent out of the heir's list comes to the children through the parent,
        // and one that has not yet finds them in the heir's list. The parent may have been left to another.
        let is_its_parent = |heir| slot.live().link.node.list() == heir;
        if !heir.is_none_or(is_its_parent) && !crate::weakened!("heir_is_its_parent") {
            return false;
        }
        let _lock = slot.lock();
        let is_cancelled = slot.state().load(Ordering::Relaxed) & CANCELLED != 0;
        if is_cancelled && !crate::weakened!("parting_looks_for_cancel") {
            return false;
        }
        let where_to = match heir {
            Some(heir) if !crate::weakened!("heir_at_once") => heir,
            None if !crate::weakened!("parting_is_no_walk") => PARTED,
            _ => NIL,
        };
        let own = children(&all, slot);
        let mut number = own.first();
        let any = number != NIL;
        while number != NIL {
            let link = all.link(number);
            let next = link.node.next();
            if is_to_go(slots.slot(link.child.load(Ordering::Relaxed))) {
                own.take_out(&link.node, number, where_to);
                if let Some(heir) = heir {
                    children(&all, slots.slot(heir)).push_node(&link.node, number, heir);
                }
            }
            number = next;
        }
        any && own.is_empty()
    }

    /// Whether a link is in no list because its parent has let go of it.
    pub fn has_parted(&self, slots: &TokenSlots, number: u32) -> bool {
        self.parent_at(slots, number) == PARTED
    }

    /// The parent in whose list a link is, of which nothing is known but that it was; NIL or PARTED for none.
    pub fn parent_at(&self, slots: &TokenSlots, number: u32) -> u32 {
        self.all(slots).link(number).node.list()
    }

    /// Whether the child has one parent at most. As `any`.
    #[inline]
    pub fn at_most_one(own: &TokenLive) -> bool {
        own.further_links.load(Ordering::Relaxed) == NIL
    }

    /// Whether the child was ever linked. Only for its creator and whoever buries it.
    #[inline]
    pub fn any(own: &TokenLive) -> bool {
        own.link.child.load(Ordering::Relaxed) != NIL
    }
}
