//! The stack of what was set on a thread and is not undone yet, newest last.
//!
//! The first few frames lie in the thread's record, so the values that one job installs need no
//! memory. The rest lie in a vector, so any nesting works, or is refused if memory runs out.
//!
//! Invariant: `count` frames are in use. As many of them as fit are in `first`, the later ones in
//! `rest`, in the same order. All of it belongs to one thread.

use crate::sys::fallible::OutOfMemory;
use crate::thread::value::{SlotName, SlotValue};
use std::cell::{Cell, RefCell};

/// How a frame was pushed. It decides which function may take the frame away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameOrigin {
    Set,
    Enter,
    /// By a call that keeps the references itself, and unwinds the frame at its end.
    Lend,
}

/// What is kept of one value that was set: its slot, its ticket, and the value that it displaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub ticket: u64,
    pub displaced: SlotValue,
    pub slot: SlotName,
    pub origin: FrameOrigin,
}

/// The content of a place that has no frame.
const BLANK: Frame = Frame {
    ticket: 0,
    displaced: SlotValue::NONE,
    slot: SlotName::Token,
    origin: FrameOrigin::Set,
};

/// How many frames lie in the record: those of a job, and of what the job itself sets.
const FIRST: usize = 8;

/// The frames of one thread.
#[derive(Debug)]
pub(super) struct Frames {
    count: Cell<usize>,
    first: [Cell<Frame>; FIRST],
    rest: RefCell<Vec<Frame>>,
}

impl Frames {
    pub fn new() -> Self {
        Self {
            count: Cell::new(0),
            first: [const { Cell::new(BLANK) }; FIRST],
            rest: RefCell::new(Vec::new()),
        }
    }

    /// How many frames are in use.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    #[inline(always)]
    pub fn push(&self, frame: Frame) -> Result<(), OutOfMemory> {
        let count = self.count.get();
        match self.first.get(count) {
            Some(place) => place.set(frame),
            None => self.push_to_rest(frame.ticket, frame.displaced, frame.slot, frame.origin)?,
        }
        self.count.set(count + 1);
        Ok(())
    }

    /// The frame comes in pieces, which are passed in registers. If it came whole, every caller of
    /// `push` would put it together in memory.
    #[cold]
    #[inline(never)]
    fn push_to_rest(
        &self,
        ticket: u64,
        displaced: SlotValue,
        slot: SlotName,
        origin: FrameOrigin,
    ) -> Result<(), OutOfMemory> {
        let mut rest = self.rest.borrow_mut();
        rest.try_reserve(1).map_err(|_| OutOfMemory)?;
        rest.push(Frame { ticket, displaced, slot, origin });
        Ok(())
    }

    /// The frame at a position, which is below `count`. Position 0 is the oldest.
    pub fn at(&self, position: usize) -> Frame {
        match self.first.get(position) {
            Some(place) => place.get(),
            None => self.rest.borrow()[position - FIRST],
        }
    }

    /// The newest frame; `None` if no frame is in use.
    pub fn newest(&self) -> Option<Frame> {
        Some(self.at(self.count.get().checked_sub(1)?))
    }

    /// Takes the newest frame away if `is_wanted` says so and the frame lies in the record, which
    /// is the common case. `None`: nothing was taken.
    #[inline(always)]
    pub fn pop_at_hand(&self, is_wanted: impl FnOnce(&Frame) -> bool) -> Option<Frame> {
        let position = self.count.get().wrapping_sub(1);
        let frame = self.first.get(position)?.get();
        if !is_wanted(&frame) {
            return None;
        }
        self.count.set(position);
        Some(frame)
    }

    /// As `pop_at_hand`, for the newest two frames. `is_wanted` is asked about the newest one. The
    /// older one comes first in the answer.
    #[inline(always)]
    pub fn pop_two_at_hand(&self, is_wanted: impl FnOnce(&Frame) -> bool) -> Option<[Frame; 2]> {
        let position = self.count.get().wrapping_sub(2);
        let newest = self.first.get(position.wrapping_add(1))?.get();
        let older = self.first.get(position)?.get();
        if !is_wanted(&newest) {
            return None;
        }
        self.count.set(position);
        Some([older, newest])
    }

    /// Takes the newest frame away. There has to be one.
    pub fn pop(&self) {
        let count = self.count.get() - 1;
        self.count.set(count);
        if count >= FIRST {
            self.rest.borrow_mut().pop();
        }
    }

    /// Takes the frame at a position away, which is below `count`.
    pub fn remove(&self, position: usize) -> Frame {
        let removed = self.at(position);
        for later in position + 1..self.count() {
            self.put(later - 1, self.at(later));
        }
        self.pop();
        removed
    }

    fn put(&self, position: usize, frame: Frame) {
        match self.first.get(position) {
            Some(place) => place.set(frame),
            None => self.rest.borrow_mut()[position - FIRST] = frame,
        }
    }

    /// The position of the newest frame with this ticket. `None`: no frame has it.
    pub fn position(&self, ticket: u64) -> Option<usize> {
        (0..self.count()).rev().find(|position| self.at(*position).ticket == ticket)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn tickets(frames: &Frames) -> Vec<u64> {
        (0..frames.count()).map(|position| frames.at(position).ticket).collect()
    }

    fn pushed(count: u64) -> Frames {
        let frames = Frames::new();
        (1..=count).for_each(|ticket| frames.push(Frame { ticket, ..BLANK }).unwrap());
        frames
    }

    /// The counts around the one at which the record is full.
    const COUNTS: std::ops::Range<u64> = 1..FIRST as u64 + 4;

    #[test]
    fn what_was_pushed_is_popped_newest_first() {
        for count in COUNTS {
            let frames = pushed(count);
            for ticket in (1..=count).rev() {
                assert_eq!(frames.newest().unwrap().ticket, ticket);
                assert!(frames.pop_at_hand(|newest| newest.ticket != ticket).is_none());
                match frames.pop_at_hand(|newest| newest.ticket == ticket) {
                    Some(_) => assert!(ticket <= FIRST as u64),
                    None => frames.pop(),
                }
            }
            assert!(frames.newest().is_none());
            assert!(frames.rest.borrow().is_empty());
        }
    }

    #[test]
    fn the_newest_two_are_taken_together_where_both_lie_in_the_record() {
        for count in 0..COUNTS.end {
            let frames = pushed(count);
            assert!(frames.pop_two_at_hand(|newest| newest.ticket != count).is_none());
            let both = frames.pop_two_at_hand(|newest| newest.ticket == count);
            let both = both.map(|both| both.map(|frame| frame.ticket));
            let are_at_hand = (2..=FIRST as u64).contains(&count);
            assert_eq!(both, are_at_hand.then(|| [count - 1, count]));
            assert_eq!(frames.count() as u64, if are_at_hand { count - 2 } else { count });
        }
    }

    #[test]
    fn any_one_can_be_taken_out_and_the_others_stay_in_order() {
        for count in COUNTS {
            for gone in 1..=count {
                let frames = pushed(count);
                let position = frames.position(gone).unwrap();
                assert_eq!(frames.remove(position).ticket, gone);
                let left: Vec<u64> = (1..=count).filter(|ticket| *ticket != gone).collect();
                assert_eq!(tickets(&frames), left);
                frames.push(Frame { ticket: count + 1, ..BLANK }).unwrap();
                assert_eq!(frames.newest().unwrap().ticket, count + 1);
            }
        }
    }
}
