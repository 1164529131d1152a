//! What becomes of who is in a queue: each way from one stage to the next, under the lock of the lists.

use crate::memory::list::{Fifo, ListNodes};
use crate::memory::pool::NIL;
use crate::queue::counts::Left;
use crate::queue::lane::Lane;
use crate::queue::lists::{ELSEWHERE, ENDED, Lists, NEXT_TICK, READY, RUNNING, total};
use crate::queue::posted::{HeldPosted, PostedId, Stage};
use crate::queue::{HeldQueue, OWED, Queues};
use crate::queue_id::QueueId;
use crate::sys::sync::Ordering;

/// Who gets the dispatcher's thread next.
#[derive(Debug)]
pub enum Next<'a> {
    /// Complete this one.
    Complete(HeldPosted<'a>),
    /// Run this one; `first`: it waited in the queue until now.
    Run {
        /// The job, with the queue's hold.
        job: HeldPosted<'a>,
        /// Whether it begins now.
        first: bool,
        /// What is left beside it, if none of that can go on now: good as long as `has_no_news`, and until
        /// the job is parked.
        last: Option<Left>,
    },
}

impl Queues {
    /// Decides what becomes of a job that is Queued or Parked, under the lock of the lists.
    pub(super) fn decide(&self, queue: HeldQueue<'_>, number: u32, to: Stage) {
        let posted = self.posted.listed(number);
        if posted.stage() == Stage::Queued {
            queue.cell.admission.fetch_sub(1, Ordering::AcqRel);
        }
        posted.set_stage(to);
    }

    /// Takes a job that is Queued, or Parked if that is asked for, away from whom it waits for.
    /// Any id may come. The queue that it waited in: it runs no more, and waits there for its
    /// completion; withdrawn, it was never there. Once the lock is given back the queue may go.
    pub fn claim(&self, id: PostedId, to: Stage, also_parked: bool) -> Option<QueueId> {
        let posted = self.posted.find(id)?;
        // Of the id's use of the cell, or no longer: then the comparison below fails.
        let queue = posted.queue();
        let cell = self.cells.get(queue.number())?;
        let number = id.number();
        let mut lists = cell.lists.lock();
        if posted.queue() != queue {
            return None;
        }
        let stage = self.posted.stage_of(id)?;
        if !(stage == Stage::Queued || also_parked && stage == Stage::Parked) {
            return None;
        }
        // Who waits in it holds its dispatcher.
        self.decide(self.held(queue), number, to);
        if self.posted.node(number).list() != NIL {
            if to == Stage::Withdrawn {
                lists.take_out(&self.posted, number);
                self.posted.drop_hold(number);
            } else {
                lists.put(&self.posted, number, ENDED);
            }
        }
        // Else it is in an inbox, and who takes it out of there does that.
        posted.notify();
        Some(queue)
    }

    /// Notes that the host has come: whoever posts from now on tells it again.
    pub fn host_comes(&self, queue: HeldQueue<'_>) {
        let waking = &queue.cell.waking;
        // Whoever told it has stored that before.
        if waking.load(Ordering::Relaxed) & OWED != 0 {
            waking.fetch_and(!OWED, Ordering::AcqRel);
        }
    }

    /// Begins a tick: steps of the last one may run again.
    #[inline]
    fn begin_tick(&self, lists: &mut Lists) {
        if total(&lists.next_tick) == 0 {
            return;
        }
        for lane in Lane::ALL {
            let list = READY + lane as u32;
            while let Some(number) = lists.next_tick[lane as usize].first() {
                lists.put(&self.posted, number, list);
            }
        }
    }

    /// Who gets the dispatcher's thread next; one to run is marked as running. An error: nobody in
    /// this tick, and what is left. `begins`: it is the tick's first look.
    pub fn next(&self, queue: HeldQueue<'_>, begins: bool) -> Result<Next<'_>, Left> {
        let mut lists = self.drained(queue);
        if begins {
            self.begin_tick(&mut lists);
        }
        if let Some(number) = lists.ended.first() {
            lists.take_out(&self.posted, number);
            return Ok(Next::Complete(HeldPosted::take_over(&self.posted, number)));
        }
        let has_work = lists.ready.map(|list| list.first().is_some());
        let chosen = lists.turns.choose(has_work);
        let Some(number) = chosen.and_then(|lane| lists.ready[lane as usize].first()) else {
            return Err(Left::of(&lists));
        };
        let job = HeldPosted::take_over(&self.posted, number);
        let first = job.cell().stage() == Stage::Queued;
        self.decide(queue, number, Stage::Running);
        lists.take_out(&self.posted, number);
        queue.cell.runs_here.store(job.id().0, Ordering::Relaxed);
        let is_last = total(&lists.ready) + lists.ended.length() == 0;
        let last = is_last.then(|| {
            queue.cell.has_news.store(0, Ordering::Relaxed);
            Left::of(&lists)
        });
        Ok(Next::Run { job, first, last })
    }

    /// Whether nothing was posted since `next` gave a `last`.
    pub fn has_no_news(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.inbox.is_empty() && queue.cell.has_news.load(Ordering::Relaxed) == 0
    }

    /// The function that the pump called has returned. For the dispatcher's thread.
    pub fn stops_here(&self, queue: HeldQueue<'_>) {
        queue.cell.runs_here.store(PostedId::NONE.0, Ordering::Release);
    }

    /// What is left when a pump ends. `begins`: it had no look before.
    pub fn left(&self, queue: HeldQueue<'_>, begins: bool) -> Left {
        let mut lists = self.drained(queue);
        if begins {
            self.begin_tick(&mut lists);
        }
        Left::of(&lists)
    }

    /// Who is to be completed, with the queue's hold; `None`: nobody.
    pub fn next_ended(&self, queue: HeldQueue<'_>) -> Option<HeldPosted<'_>> {
        let mut lists = self.drained(queue);
        let number = lists.ended.first()?;
        lists.take_out(&self.posted, number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Begins a published job on the thread that posts it.
    pub fn begin_here(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        let mut lists = queue.cell.lists.lock();
        lists.put(&self.posted, job.number(), RUNNING);
    }

    /// Begins a job, or its next slice, on another thread. Any id may come. The job, and whether it was
    /// Queued; `None`: it runs no more.
    pub fn begin_elsewhere(&self, id: PostedId) -> Option<(HeldPosted<'_>, bool)> {
        let posted = self.posted.find(id)?;
        let queue = posted.queue();
        let number = id.number();
        let mut lists = self.cells.get(queue.number())?.lists.lock();
        let stage = self.posted.stage_of(id)?;
        if posted.queue() != queue
            || !matches!(stage, Stage::Queued | Stage::Parked)
            || self.posted.node(number).list() != ELSEWHERE
        {
            return None;
        }
        // Who waits in it holds its dispatcher.
        let queue = self.held(queue);
        // Who closed it, or its poster, who looks after the push, ends it.
        if self.is_closed(queue) {
            return None;
        }
        let first = posted.stage() == Stage::Queued;
        self.decide(queue, number, Stage::Running);
        lists.put(&self.posted, number, RUNNING);
        self.posted.hold(number);
        Some((HeldPosted::take_over(&self.posted, number), first))
    }

    /// Lets a running job wait for its next slice, here in the next tick or on another thread.
    /// False: it is over instead, because the queue was closed.
    pub fn park(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) -> bool {
        let mut lists = queue.cell.lists.lock();
        let (posted, number) = (job.cell(), job.number());
        // Who closed it may have looked at what waits already.
        if self.is_closed(queue) && !crate::weakened!("park_looks_again") {
            posted.set_stage(Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            // The dispatcher's own thread may wait for it, and completes it only after that.
            if !crate::weakened!("ending_for_parking_wakes") {
                posted.notify();
            }
            return false;
        }
        posted.set_stage(Stage::Parked);
        let next_tick = NEXT_TICK + posted.lane() as u32;
        lists.put(&self.posted, number, if is_elsewhere { ELSEWHERE } else { next_tick });
        true
    }

    /// Ends the run of a job that `begin_here` or `begin_elsewhere` began: it is then in this thread's hands
    /// alone, or waits for the dispatcher's thread.
    pub fn ran(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) {
        let mut lists = queue.cell.lists.lock();
        job.cell().set_stage(Stage::Ran);
        if is_elsewhere {
            lists.put(&self.posted, job.number(), ENDED);
        } else {
            lists.take_out(&self.posted, job.number());
        }
    }

    /// Ends everything that waits in a closed queue, and those who wait for it.
    pub fn end_waiting(&self, queue: HeldQueue<'_>) {
        loop {
            let mut lists = self.drained(queue);
            let waiting = |lists: &Lists| {
                let mut all = lists.ready.iter().chain(&lists.next_tick).chain([&lists.elsewhere]);
                all.find_map(Fifo::first)
            };
            let Some(number) = waiting(&lists) else { break };
            self.decide(queue, number, Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            self.posted.listed(number).notify();
        }
    }

    /// What the pump runs at this moment. `pin` is called with a job's number and must only pin it, and
    /// `unpin` with that of one that was pinned, if it is another.
    pub fn running_here(
        &self,
        queue: HeldQueue<'_>,
        pin: impl Fn(u32) -> bool,
        unpin: impl Fn(u32),
    ) -> Option<u32> {
        let runs_here = &queue.cell.runs_here;
        let id = PostedId(runs_here.load(Ordering::Acquire));
        let job = self.posted.find(id).filter(|_| id != PostedId::NONE)?.task().job;
        if job == NIL || !pin(job) {
            return None;
        }
        // What it runs lets its job go after this word has changed.
        if runs_here.load(Ordering::Acquire) == id.0 || crate::weakened!("closer_looks_again") {
            return Some(job);
        }
        unpin(job);
        None
    }

    /// A job of `begin_here` or `begin_elsewhere` that no shutdown has asked to stop. `pin` is called under
    /// the lock with the job's number and must only pin.
    pub fn next_unasked(&self, queue: HeldQueue<'_>, pin: impl Fn(u32) -> bool) -> Option<u32> {
        let lists = queue.cell.lists.lock();
        lists.running.iter(&self.posted).find_map(|number| {
            let posted = self.posted.listed(number);
            if posted.is_asked.swap(1, Ordering::Relaxed) != 0 {
                return None;
            }
            let job = posted.task().job;
            (job != NIL && pin(job)).then_some(job)
        })
    }

    /// The running job behind another one that was named last, held; the first for none.
    pub fn next_running(
        &self,
        queue: HeldQueue<'_>,
        after: Option<&HeldPosted<'_>>,
    ) -> Option<HeldPosted<'_>> {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        let number = match after {
            None => running.next(),
            // One that stopped meanwhile ends the round; the next round begins anew.
            Some(last) => running.skip_while(|number| *number != last.number()).nth(1),
        }?;
        self.posted.hold(number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Whether a thread that is not the dispatcher's runs one of its jobs.
    pub fn is_run_by(&self, queue: HeldQueue<'_>, thread: u64) -> bool {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        running.any(|number| {
            let inside = self.posted.listed(number).inside();
            inside.is_some_and(|inside| inside.thread == thread)
        })
    }

    /// The queue of a posted job, which may go at any time. Any id may come; `None`: it is over.
    pub fn queue_of(&self, id: PostedId) -> Option<QueueId> {
        let queue = self.posted.find(id)?.queue();
        // After it: a later use of the cell has another id by the time it has another queue.
        let is_there = self.posted.id_of(id.number()) == id;
        (is_there || crate::weakened!("over_has_no_queue")).then_some(queue)
    }
}
