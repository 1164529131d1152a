//! The lists behind the inbox of a queue. Each has the jobs that wait for one kind of event.

use crate::memory::list::{Fifo, ListNodes};
use crate::queue::lane::{LANES, Turns};
use crate::queue::posted::{Posted, PostedCell};

/// Numbers of the lists, by which a job's list node says which list it is in.
pub(super) const READY: u32 = 1;
pub(super) const NEXT_TICK: u32 = READY + LANES as u32;
pub(super) const ELSEWHERE: u32 = NEXT_TICK + LANES as u32;
pub(super) const RUNNING: u32 = ELSEWHERE + 1;
pub(super) const ENDED: u32 = RUNNING + 1;
pub(super) const ASLEEP: u32 = ENDED + 1;
pub(super) const AWAY: u32 = ASLEEP + 1;

#[derive(Debug, Default)]
pub(super) struct Lists {
    /// For each lane the jobs that wait for a turn on the dispatcher's thread.
    pub(super) ready: [Fifo; LANES],
    /// For each lane the jobs that have had their slice of this tick.
    pub(super) next_tick: [Fifo; LANES],
    /// Jobs that wait for a thread other than the dispatcher's.
    pub(super) elsewhere: Fifo,
    /// Jobs whose function runs without being called by the pump.
    pub(super) running: Fifo,
    /// Jobs that run no more and are to be completed.
    pub(super) ended: Fifo,
    /// Jobs that wait to be woken; a cancel ends the wait, too.
    pub(super) asleep: Fifo,
    /// Jobs that wait to be woken, and for nothing else, because another thread uses their data.
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

    /// Puts a job into a list. The job is in no list, and the caller has its cell at hand.
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

    /// Takes a job out of the list that it is in, if there is one.
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
