//! Doubly linked lists of numbered nodes. The head lies in the object that the list belongs to, the
//! nodes lie in the listed objects. Listing an object allocates nothing.
//!
//! Invariants:
//! 1. While a node is in a list, its `list` is that list's number. Otherwise `list` is NIL or a
//!    mark. The head and the fields of listed nodes are written only under the lock of that list.
//!    Taking a node out writes NIL or the mark to `list` as its last access, with Release. So a
//!    reader that sees this value without the lock also sees everything that was written before.
//! 2. A thread that wants to take out a node, and does not hold the lock of its list, reads `list`,
//!    locks that list, and reads `list` again. Meanwhile the node may have left, and the object
//!    that the list belongs to may have died and its slot be used again.

use crate::memory::pool::NIL;
use crate::sys::sync::{AtomicU32, Ordering};

/// The part of an object that can be listed.
#[derive(Debug, Default)]
pub struct ListNode {
    list: AtomicU32,
    previous: AtomicU32,
    next: AtomicU32,
}

impl ListNode {
    /// Number of the list that the node is in. In no list it is NIL, or the mark that `take_out`
    /// wrote.
    #[inline]
    pub fn list(&self) -> u32 {
        self.list.load(Ordering::Acquire)
    }

    /// Number of the node behind this one; NIL for none. Only under the list's lock.
    #[inline]
    pub fn next(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }
}

/// Finds nodes by their numbers.
pub trait ListNodes {
    /// The node with this number.
    fn node(&self, number: u32) -> &ListNode;
}

/// A list whose lock the caller holds.
#[derive(Debug)]
pub struct List<'a, Nodes> {
    nodes: &'a Nodes,
    first: &'a AtomicU32,
}

impl<'a, Nodes: ListNodes> List<'a, Nodes> {
    /// The list with this head.
    #[inline]
    pub fn new(nodes: &'a Nodes, first: &'a AtomicU32) -> Self {
        Self { nodes, first }
    }

    /// Number of the first node; NIL if there is none.
    #[inline]
    pub fn first(&self) -> u32 {
        self.first.load(Ordering::Relaxed)
    }

    /// Whether the list is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first() == NIL
    }

    /// Puts a node that is in no list in front. `list` is the number of this list.
    #[inline]
    pub fn push(&self, number: u32, list: u32) {
        self.push_node(self.nodes.node(number), number, list);
    }

    /// As `push`, for a caller that has the node.
    #[inline]
    pub fn push_node(&self, node: &ListNode, number: u32, list: u32) {
        let first = self.first();
        node.previous.store(NIL, Ordering::Relaxed);
        node.next.store(first, Ordering::Relaxed);
        node.list.store(list, Ordering::Relaxed);
        if first != NIL {
            self.nodes.node(first).previous.store(number, Ordering::Relaxed);
        }
        self.first.store(number, Ordering::Relaxed);
    }

    /// Takes out a node that is in this list.
    #[inline]
    pub fn remove(&self, number: u32) {
        self.remove_node(self.nodes.node(number), number);
    }

    /// As `remove`, for a caller that has the node.
    #[inline]
    pub fn remove_node(&self, node: &ListNode, number: u32) {
        self.take_out(node, number, NIL);
    }

    /// As `remove_node`, but writes `why` to the node's `list`: NIL, or a mark that is not the
    /// number of a list.
    #[inline(always)]
    pub fn take_out(&self, node: &ListNode, number: u32, why: u32) {
        let previous = node.previous.load(Ordering::Relaxed);
        let next = node.next.load(Ordering::Relaxed);
        if previous == NIL {
            debug_assert_eq!(self.first(), number);
            self.first.store(next, Ordering::Relaxed);
        } else {
            self.nodes.node(previous).next.store(next, Ordering::Relaxed);
        }
        if next != NIL {
            self.nodes.node(next).previous.store(previous, Ordering::Relaxed);
        }
        node.list.store(why, Ordering::Release);
    }

    /// The numbers of the nodes, first to last. No node may be taken out meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let number = |number: u32| (number != NIL).then_some(number);
        let next = move |now: &u32| number(self.nodes.node(*now).next.load(Ordering::Relaxed));
        std::iter::successors(number(self.first()), next)
    }
}

/// A list whose nodes are added at the end and may be taken out anywhere. One lock of the owner's
/// guards the list and its nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fifo {
    first: u32,
    last: u32,
    length: u32,
}

impl Fifo {
    pub const EMPTY: Self = Self { first: NIL, last: NIL, length: 0 };

    /// Number of the first node; `None` if there is none.
    pub fn first(&self) -> Option<u32> {
        (self.first != NIL).then_some(self.first)
    }

    /// Number of nodes in the list.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Puts a node that is in no list behind all others. `list` is the number of this list.
    pub fn push(&mut self, nodes: &impl ListNodes, number: u32, list: u32) {
        self.push_node(nodes, nodes.node(number), number, list);
    }

    /// As `push`, for a caller that has the node.
    #[inline]
    pub fn push_node(&mut self, nodes: &impl ListNodes, node: &ListNode, number: u32, list: u32) {
        node.previous.store(self.last, Ordering::Relaxed);
        node.next.store(NIL, Ordering::Relaxed);
        node.list.store(list, Ordering::Relaxed);
        match self.last {
            NIL => self.first = number,
            last => nodes.node(last).next.store(number, Ordering::Relaxed),
        }
        self.last = number;
        self.length += 1;
    }

    /// Takes out a node that is in this list.
    pub fn remove(&mut self, nodes: &impl ListNodes, number: u32) {
        self.remove_node(nodes, nodes.node(number));
    }

    /// As `remove`, for a caller that has the node.
    #[inline]
    pub fn remove_node(&mut self, nodes: &impl ListNodes, node: &ListNode) {
        let previous = node.previous.load(Ordering::Relaxed);
        let next = node.next.load(Ordering::Relaxed);
        match previous {
            NIL => self.first = next,
            previous => nodes.node(previous).next.store(next, Ordering::Relaxed),
        }
        match next {
            NIL => self.last = previous,
            next => nodes.node(next).previous.store(previous, Ordering::Relaxed),
        }
        node.list.store(NIL, Ordering::Release);
        self.length -= 1;
    }

    /// The numbers of the nodes, first to last. No node may be taken out meanwhile.
    pub fn iter<'a, Nodes: ListNodes>(
        &self,
        nodes: &'a Nodes,
    ) -> impl Iterator<Item = u32> + use<'a, Nodes> {
        let number = |number: u32| (number != NIL).then_some(number);
        let next = move |now: &u32| number(nodes.node(*now).next.load(Ordering::Relaxed));
        std::iter::successors(number(self.first), next)
    }
}
