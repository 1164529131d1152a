//! Links from parents to children. Each parent has a list of its children.
//!
//! The link to a child's first parent lies in the child's own slot. Links to further parents are
//! cells of a pool.
//!
//! Invariants:
//! 1. A list that is not empty holds one internal reference of its parent. So children keep their
//!    parents alive.
//! 2. The parent's CANCELLED flag is set under the parent's lock. A child is added under the same
//!    lock, and only after looking at the flag. So a cancel misses no child.
//! 3. `sibling` chains the further links of one child. The child's creator writes it before any
//!    other thread knows the child, and the child's burial reads it. So the links of a dead child
//!    do not change.
//! 4. A link that has left its list says why. NIL: a cancel's walk took it out. The walk had
//!    decided the child's cancel before. PARTED: the parent was the token of an ended job, which no
//!    cancel can reach any more, so no cancel will come down this link.
//! 5. If a job has ended and its token has one parent only, which lives, the token leaves its
//!    children to that parent (`part`), unless the token is cancelled or sealed. This happens under
//!    the locks of both. The link moves from one list to the other in a single store of `list`. So
//!    a thread that reads `list` without a lock finds one of the two parents. If it locks that
//!    parent and `list` has changed since, it reads `list` again.
//!
//! A list is guarded by its parent's lock. Where two token locks are held, the parent's is taken
//! before the child's: by a cancel (see `token`) and by `part`.

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

/// In `list` of a link: the parent let go of the child without a cancel (invariant 4).
pub(super) const PARTED: u32 = u32::MAX;

/// Bit in a link's number: the rest is the number of a pool cell. Without it the number is the
/// index of a child, whose slot contains the link.
const IN_POOL: u32 = 1 << 31;

/// Finds a link by its number, in a slot or in the pool.
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

/// Outcome of `add`, which links a child to a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The parent is cancelled, so nothing was linked.
    ParentCancelled,
    /// Linked. The list took over the caller's internal reference of the parent.
    TookPin,
    /// Linked. The caller keeps its internal reference of the parent.
    KeptPin,
}

/// The pool of links that do not lie in slots.
#[derive(Debug)]
pub struct Links {
    cells: Pool<LinkCell>,
}

/// Error: there is no memory for another link.
#[derive(Clone, Copy, Debug)]
pub struct NoLink;

/// Number of children taken from a list while its lock is held once. It bounds how long others wait
/// for the lock.
pub const MOST_CHILDREN: usize = 32;

#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The list became empty. The internal reference that it held of the parent is now the
    /// caller's.
    pub emptied: bool,
    /// The list still has children, so the caller has to call `take_children` again.
    pub more: bool,
    /// The parent has callbacks or signals.
    pub listened: bool,
}

impl Links {
    constructor! {
        pub fn new() -> Self {
            Self { cells: Pool::new() }
        }
    }

    /// Calls `each` with each pool of this table of which threads keep free cells ready (a
    /// magazine).
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.cells);
    }

    fn all<'a>(&'a self, slots: &'a TokenSlots) -> AllLinks<'a> {
        AllLinks { slots, cells: &self.cells }
    }

    /// Links a child to a parent. The caller has pinned the parent, and no other thread knows the
    /// child yet.
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

    /// Takes up to a batch of children from the front of a pinned parent's list. `visit` sees each
    /// child under the parent's lock, before the child leaves the list. So a visited child may be
    /// dead, but it is not buried yet.
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

    /// Links a new child to its only parent. The caller has locked the parent and found it not
    /// cancelled, and no other thread knows the child yet. True: the list took over an internal
    /// reference of the parent.
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

    /// Unlinks a dead child from all its parents. Calls `died` for each parent that dies by this;
    /// the caller has to bury it.
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

    /// Whether a pinned child has links besides the one in its slot.
    pub fn has_several_parents(&self, slots: &TokenSlots, child: u32) -> bool {
        !Self::at_most_one(slots.slot(child).live())
    }

    /// The numbers of all links of a pinned child.
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

    /// Pins the parent in whose list a link of a pinned child is. `None`: the link is in no list
    /// any more. Calls `died` for a token that dies because this call gave up its last internal
    /// reference; the caller has to bury it.
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

    /// Locks and pins the parent in whose list a link is. If the link moves to another parent
    /// meanwhile, this finds that parent. `None`: the link is in no list any more. Calls `died` as
    /// `pin_parent` does.
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
            // A parent with a child in its list is alive (invariant 1). So if the slot has no live
            // object, the link has left that list.
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

    /// Unlinks a dead child that has a parent from its first parent. Calls `died` if the parent
    /// dies by this.
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
        // One internal reference is this call's pin. If the list is empty now, the list's own
        // reference goes as well.
        let internals = 1 + u64::from(children.is_empty());
        if slot.unlock_and_unpin(internals) {
            died(parent);
        }
    }

    /// Takes the children for which `is_to_go` is true out of the list of a pinned parent. If there
    /// is an `heir`, which is the parent's own only parent and pinned too, the children move to the
    /// heir's list. Does nothing if the parent is cancelled. True: the list became empty, and its
    /// internal reference of the parent is now the caller's. `is_to_go` sees a child while it is in
    /// the list. So the child may be dead, but it is not buried yet.
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
        // The heir's lock is held, so its list shows how far a cancel of the heir has come. If the
        // parent is no longer in it, the walk has passed, and reaches the children through the
        // parent. If the parent is still in it, the walk will find the children in the heir's list.
        // The parent may also have been moved to another heir since the caller looked.
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

    /// Whether a link is in no list because its parent let go of the child.
    pub fn has_parted(&self, slots: &TokenSlots, number: u32) -> bool {
        self.parent_at(slots, number) == PARTED
    }

    /// The parent in whose list a link is; NIL or PARTED if it is in none. Read without a lock: the
    /// link may have moved, and the parent may have died, before the caller uses the answer.
    pub fn parent_at(&self, slots: &TokenSlots, number: u32) -> u32 {
        self.all(slots).link(number).node.list()
    }

    /// Whether the child has at most one parent. May be asked by the threads that may ask `any`.
    #[inline]
    pub fn at_most_one(own: &TokenLive) -> bool {
        own.further_links.load(Ordering::Relaxed) == NIL
    }

    /// Whether the child was ever linked. Only the child's creator, a thread that has it pinned or
    /// locked, or its burial may ask.
    #[inline]
    pub fn any(own: &TokenLive) -> bool {
        own.link.child.load(Ordering::Relaxed) != NIL
    }
}
