//! The lists behind the inboxes of a queue: who waits for what.

use crate::memory::list::{Fifo, ListNodes};
use crate::queue::lane::{LANES, Turns};
use crate::queue::posted::{Posted, PostedCell};

/// Numbers of the lists, for their nodes.
pub(super) const READY: u32 = 1;
pub(super) const NEXT_TICK: u32 = READY + LANES as u32;
pub(super) const ELSEWHERE: u32 = NEXT_TICK + LANES as u32;
pub(super) const RUNNING: u32 = ELSEWHERE + 1;
pub(super) const ENDED: u32 = RUNNING + 1;
pub(super) const ASLEEP: u32 = ENDED + 1;
pub(super) const AWAY: u32 = ASLEEP + 1;

#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Of each lane: wait for a turn.
    pub(super) ready: [Fifo; LANES],
    /// Of each lane: had their slice of this tick.
    pub(super) next_tick: [Fifo; LANES],
    /// Wait for a thread other than the dispatcher's.
    pub(super) elsewhere: Fifo,
    /// Their functions run, but not called by the pump.
    pub(super) running: Fifo,
    /// Run no more; to be completed.
    pub(super) ended: Fifo,
    /// Wait to be woken.
    pub(super) asleep: Fifo,
    /// Wait to be woken, and for nothing else: another thread uses what they work on.
    pub(super) away: Fifo,
    pub(super) turns: Turns,
}

impl Lists {
    #[inline]
    fn list(&mut self, number: u32) -> Option<&mut Fifo> {
        Some(match number {
            READY..NEXT_TICK => &mut self.ready[(number - READY) as usize],
            NEXT_TICK..ELSEWHERE => &mut self.next_tick[(number - NEXT_TICK) as usize],
            ELSEWHERE => &mut self.elsewhere,
            RUNNING => &mut self.running,
            ENDED => &mut self.ended,
            ASLEEP => &mut self.asleep,
            AWAY => &mut self.away,
            _ => return None,
        })
    }

    /// Puts a job into a list that is in none, and whose cell the caller has at hand.
    #[inline]
    pub(super) fn put_new(&mut self, posted: &Posted, number: u32, cell: &PostedCell, list: u32) {
        if let Some(fifo) = self.list(list) {
            fifo.push_node(posted, cell.node(), number, list);
        }
    }

    pub(super) fn put(&mut self, posted: &Posted, number: u32, list: u32) {
        self.take_out(posted, number);
        if let Some(fifo) = self.list(list) {
            fifo.push(posted, number, list);
        }
    }

    /// Takes a job out of the list it is in, if any.
    pub(super) fn take_out(&mut self, posted: &Posted, number: u32) {
        if let Some(fifo) = self.list(posted.node(number).list()) {
            fifo.remove(posted, number);
        }
    }
}

#[inline]
pub(super) fn total(lists: &[Fifo; LANES]) -> u32 {
    lists.iter().map(Fifo::length).sum()
}
